"""Which subjects known to exist an edit opens or closes, and to whom: a widening in names instead of patterns."""

from __future__ import annotations

from typing import TYPE_CHECKING

from optimizer.access.principals import holders
from optimizer.proposals import Gain
from optimizer.subjects.admitted import Admitted

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from optimizer.edits import Target
    from optimizer.hierarchy import Hierarchy
    from optimizer.settings import Server
    from optimizer.subjects.permissions import Permissions

Tokens = tuple[str, ...]
_Found = dict[tuple[str, bool], dict[str, None]]


def gains(
    before: Hierarchy, after: Hierarchy, target: Target, subjects: Sequence[Tokens], servers: Iterable[Server]
) -> tuple[tuple[Gain, ...], tuple[Gain, ...]]:
    """Of these subjects those that somebody behind a block gains by an edit, and those that somebody loses.

    Parameters
    ----------
    before, after
        With the claims as read, and as nsc would write them.
    subjects
        Literal, as tokens: those that the entries which changed can have to do with.
    servers
        What one of these generations admits counts.
    """
    behind: dict[tuple[Permissions, Permissions], dict[str, None]] = {}
    for one, other in zip(holders(before, target), holders(after, target), strict=True):
        behind.setdefault((one.permissions, other.permissions), {})[one.name] = None
    gained: _Found = {}
    lost: _Found = {}
    for server in servers:
        for (old, new), names in behind.items():
            then, now = Admitted(old, server), Admitted(new, server)
            for tokens in subjects:
                for publish in (True, False):
                    could, can = then.admits(tokens, publish=publish), now.admits(tokens, publish=publish)
                    if could != can:
                        (gained if can else lost).setdefault((".".join(tokens), publish), {}).update(names)
    return _sorted(gained), _sorted(lost)


def _sorted(found: Mapping[tuple[str, bool], Iterable[str]]) -> tuple[Gain, ...]:
    return tuple(Gain(subject, publish, tuple(names)) for (subject, publish), names in sorted(found.items()))
