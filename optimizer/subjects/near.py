"""Two blocks that differ in a few entries, pared down to what lies near those: most of a block never does.

The pared pair can vouch for the whole, it cannot speak against it: where nobody can tell its two sides apart, nobody can
tell the blocks apart (the proof is in docs/decisions/0003-compare.md). Its tokens are numbered, so that blocks which
differ in the same way are one pair, whatever their subjects are called.
"""

from __future__ import annotations

from itertools import chain
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable

    from optimizer.subjects.permissions import Permission, Permissions
    from optimizer.subjects.subject import Entry

Side = tuple[tuple[str, ...] | None, tuple[str, ...]]
"""The texts of one side's allow and deny list."""
Pared = tuple[Side, Side, Side, Side]
"""Publish and subscribe before, publish and subscribe after."""

MOST = 20_000
"""How many pairs of an entry and a changed one may be looked at."""

_UNTOUCHED: Side = (None, ())


def pared(before: Permissions, after: Permissions) -> Pared | None:
    """Both blocks without the entries that cannot matter where the two differ; None where any may.

    Any may where an entry is not a plain pattern, where a list is there on one side only, and where a subscribe deny
    changes, which before 2.12.14 shows in messages far from it.
    """
    if before.resp != after.resp or {*before.sub.deny} != {*after.sub.deny}:
        return None
    numbers = {"*": "*", ">": ">"}
    found = []
    for old, new in ((before.pub, after.pub), (before.sub, after.sub)):
        sides = (_UNTOUCHED, _UNTOUCHED) if old is new or old == new else _near(old, new, numbers)
        if sides is None:
            return None
        found += sides
    publish, subscribe, publish_after, subscribe_after = found[0], found[2], found[1], found[3]
    return publish, subscribe, publish_after, subscribe_after


def touches(entry: Entry, other: Entry) -> bool:
    """Whether two plain patterns agree as far as both go: whether some subject is matched by a beginning of each."""
    for mine, theirs in zip(entry.subject.tokens, other.subject.tokens, strict=False):
        if mine == ">" or theirs == ">":
            return True
        if mine not in (theirs, "*") and theirs != "*":
            return False
    return True


def _near(old: Permission, new: Permission, numbers: dict[str, str]) -> tuple[Side, Side] | None:
    if (old.allow is None) is not (new.allow is None):
        return None
    lists = [{*entries} for entries in (old.allow or (), new.allow or (), old.deny, new.deny)]
    changed = sorted((lists[0] ^ lists[1]) | (lists[2] ^ lists[3]), key=str)
    every = set(chain(*lists))
    if len(changed) * len(every) > MOST or not all(entry.is_plain for entry in every):
        return None
    kept = [entry for entry in _beside(changed, every) if any(touches(entry, one) for one in changed)]
    named = {
        entry: ".".join([numbers.setdefault(token, str(len(numbers))) for token in entry.subject.tokens])
        for entry in dict.fromkeys([*changed, *sorted(kept, key=str)])
    }
    allow, allow_after, deny, deny_after = (
        tuple([text for entry, text in named.items() if entry in entries]) for entries in lists
    )
    return (None if old.allow is None else allow, deny), (None if new.allow is None else allow_after, deny_after)


def _beside(changed: Collection[Entry], every: Iterable[Entry]) -> list[Entry]:
    """What may touch a changed entry by its text before the first wildcard: cheap, and never misses one."""
    heads = tuple([entry.head for entry in changed])
    return [
        entry
        for entry in every
        if entry.head.startswith(heads) or any(head.startswith(entry.head) for head in heads)
    ]
