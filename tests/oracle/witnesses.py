"""Asks a real server whether the witnesses of a comparison are true."""

from __future__ import annotations

from typing import TYPE_CHECKING

from optimizer.subjects.compare import Publish

if TYPE_CHECKING:
    from collections.abc import Iterable

    from optimizer.subjects.compare import Comparison, Probe
    from tests.oracle.kernel import Question
    from tests.oracle.server import Oracle
    from tests.strategies import Claims

REPLIES = 4  # more than any pool allows to a request and then forbids


def untrue_witnesses(oracle: Oracle, found: Iterable[tuple[Claims, Claims, Comparison]]) -> list[str]:
    """Of gained probes those that the server does not refuse before and admit after; of lost ones the reverse."""
    asked: list[tuple[str, Question, Question]] = []
    untrue: list[str] = []
    for before, after, comparison in found:
        for direction, probes in (("gained", comparison.gained), ("lost", comparison.lost)):
            for probe in probes:
                if _is_about_how_many(before, after, probe):
                    if not _more_replies(oracle, before, after, probe, direction):
                        untrue.append(f"{direction}: {probe} of {before} and {after}")
                else:
                    asked.append((direction, (before, probe), (after, probe)))
    answers = oracle.ask_all([question for _, then, now in asked for question in (then, now)])
    for (direction, (before, probe), (after, _)), then, now in zip(asked, answers[::2], answers[1::2], strict=True):
        if (then, now) != ((False, True) if direction == "gained" else (True, False)):
            untrue.append(f"{direction}, but {then} before and {now} after: {probe} of {before} and {after}")
    return untrue


def _is_about_how_many(before: Claims, after: Claims, probe: Probe) -> bool:
    """Both may reply; what differs is how often or for how long."""
    return isinstance(probe, Publish) and probe.replying_to is not None and "resp" in before and "resp" in after


def _more_replies(oracle: Oracle, before: Claims, after: Claims, probe: Publish, direction: str) -> bool:
    old, new = before["resp"], after["resp"]
    assert (old.get("ttl") or 0) == (new.get("ttl") or 0), "a time to live is not seen in a moment"
    then, now = (oracle.replies(claims, probe, REPLIES) for claims in (before, after))
    return then < now if direction == "gained" else then > now
