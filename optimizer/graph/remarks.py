"""Analysis and suggestions as members of ``permopt.graph.v1``: plain JSON values in a fixed order."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from optimizer.claims.token import MAX_TOKEN_SIZE
from optimizer.graph.consolidate import SOUGHT
from optimizer.text import redacted

if TYPE_CHECKING:
    from collections.abc import Iterable

    from optimizer.graph.analysis import Analysis
    from optimizer.graph.consolidate import Consolidation
    from optimizer.graph.edges import Edge
    from optimizer.graph.suggestion import Suggestion

Json = dict[str, Any]


def analysis_member(found: Analysis) -> Json:
    """What `optimizer.graph.analysis` found, as the document's ``analysis``."""
    return {
        "cycles": [{"imports": _imports(cycle.imports)} for cycle in found.cycles],
        "untold_cycles": len(found.untold),
        "overlaps": [
            {
                "importer": redacted(each.importer),
                "effect": each.effect.value,
                "subject": redacted(each.subject),
                "certain": each.certain,
                "imports": _imports(each.imports),
            }
            for each in found.overlaps
        ],
        "responders": [
            {
                "importer": redacted(each.importer),
                "subject": redacted(each.subject),
                "certain": each.certain,
                "imports": _imports(each.imports),
            }
            for each in found.responders
        ],
        "points": [
            {
                "hold": point.hold.value,
                "account": redacted(point.account),
                "key": redacted(point.key),
                "until": point.until,
                "soon": point.soon,
                "importers": sorted({redacted(edge.importer) for edge in point.imports}),
                "imports": len(point.imports),
            }
            for point in found.points
        ],
    }


def consolidation_members(found: Consolidation, wanted: int | None = None) -> Json:
    """What `optimizer.graph.consolidate` found, as the document's ``suggestions``, ``sought`` and ``remarks``.

    Parameters
    ----------
    wanted
        The bytes that were to be saved, if a number was named.
    """
    return {
        "suggestions": [_suggestion(each) for each in found.suggestions],
        "sought": list(SOUGHT),
        "remarks": list(_remarks(found, wanted)),
    }


def _suggestion(each: Suggestion) -> Json:
    return {
        "kind": each.kind.value,
        "members": [redacted(member) for member in each.members],
        "subject": redacted(each.subject),
        "edges_before": each.edges_before,
        "edges_after": each.edges_after,
        "bytes_before": each.bytes_before,
        "bytes_after": each.bytes_after,
        "accounts": [
            {"account": redacted(one.account), "bytes_before": one.before, "bytes_after": one.after}
            for one in each.accounts
        ],
        "gained": [
            {
                "account": redacted(one.account),
                "exporter": redacted(one.exporter),
                "type": one.kind,
                "subject": redacted(one.subject),
            }
            for one in each.gained
        ],
        "known": [redacted(subject) for subject in each.known],
        "known_more": each.known_more,
        "lost": [{"what": one.what, "statement": redacted(one.statement)} for one in each.lost],
        "hops": each.hops,
        "pushes": [{"account": redacted(one.account), "does": redacted(one.does)} for one in each.pushes],
    }


def share(part: int, whole: int) -> str:
    """``87 per cent``; with as many digits as tell less from all.

    Examples
    --------
    >>> share(87, 100), share(998, 1000), share(1_000_001, 1_000_000)
    ('87 per cent', '99.8 per cent', 'over 100 per cent')
    """
    rounded, tenths = f"{100 * part / whole:.0f}", f"{100 * part / whole:.1f}"
    if part in (0, whole) or rounded not in ("0", "100"):
        return f"{rounded} per cent"
    if tenths in ("0.0", "100.0"):
        return f"{'under 0.1' if part < whole / 2 else 'under 100' if part < whole else 'over 100'} per cent"
    return f"{tenths} per cent"


def _remarks(found: Consolidation, wanted: int | None) -> Iterable[str]:
    best = found.best_hub
    if best is not None:
        consumers = len(best.accounts) - 1
        part = share(best.bytes_after, best.bytes_before)
        none = "no hub pays here" if best.saved <= 0 else "a hub pays, but what is suggested saves more or rules it out"
        yield (
            f"{none}: of {found.looked_at:,} groups of consumers and services the best has {consumers:,} "
            f"consumers and {best.edges_after - consumers:,} services, and would make {best.bytes_before:,} bytes of "
            f"tokens {best.bytes_after:,} ({part}), its own token of {best.accounts[0].after:,} among them"
        )
    elif found.services and not any(each.kind.value == "hub" for each in found.suggestions):
        groups = "no two accounts import the same two public services of different exporters"
        if found.looked_at:
            groups = f"in each of {found.looked_at:,} groups of consumers and services names meet or requests come back"
        yield f"no hub pays here: {groups}"
    if found.streams:
        yield (
            f"for {_counted(found.streams, 'stream import')} only bundles were sought: the server does not export "
            "again what a stream import brings, so no stream crosses a hub"
        )
    if found.private:
        yield (
            f"kept from hubs, {_counted(found.private, 'service import')}: private, with an account's key in the "
            "subject, or renamed with wildcards; at a hub the exporter's activations and revocations would end"
        )
    if found.unread:
        yield (
            f"{_counted(found.unread, 'token')} above the {MAX_TOKEN_SIZE:,} bytes that a server reads: the imports "
            "count here as if it read them"
        )
    if wanted is not None:
        saved = sum(each.saved for each in found.suggestions)
        enough = "as little is opened as that takes" if saved >= wanted else "all that was found does not save more"
        yield f"of the {wanted:,} bytes wanted these save {saved:,}: {enough}"
    if found.more:
        yield f"left out, {_counted(found.more, 'more suggestion')} that would save less"


def _counted(number: int, noun: str) -> str:
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def _imports(edges: Iterable[Edge]) -> list[Json]:
    return [
        {
            "exporter": redacted(edge.exporter),
            "importer": redacted(edge.importer),
            "type": edge.kind,
            "import_subject": redacted(edge.remote),
            "local_subject": redacted(edge.local),
            "state": edge.state.value,
        }
        for edge in edges
    ]
