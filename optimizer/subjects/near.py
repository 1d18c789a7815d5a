"""Two blocks that differ in a few entries, pared down to what lies near those: most of a block never does.

The pared pair can vouch for the whole, it cannot speak against it: where nobody can tell its two sides apart, nobody
can tell the blocks apart (the proof is in docs/decisions/0003-compare.md). Its tokens are numbered, so that blocks
which differ in the same way are one pair, whatever their subjects are called.
"""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

from optimizer.subjects.subject import entry_of

if TYPE_CHECKING:
    from collections.abc import Iterable

    from optimizer.subjects.permissions import Permission, Permissions
    from optimizer.subjects.subject import Entry

Side = tuple[tuple[str, ...] | None, tuple[str, ...]]
"""The texts of one side's allow and deny list."""
Pared = tuple[Side, Side, Side, Side]
"""Publish and subscribe before, publish and subscribe after."""

MOST = 20_000
"""How many pairs of an entry and a changed one may be looked at."""

_UNTOUCHED: Side = (None, ())


# One pair is asked about for each generation, as a client and as a leafnode.
@lru_cache(maxsize=64)
def pared(before: Permissions, after: Permissions) -> Pared | None:
    """Both blocks without the entries that cannot matter where the two differ; None where any may.

    Any may where an entry is not a plain pattern, where a list is there on one side only, and where a subscribe deny
    changes, which before 2.12.14 shows in messages far from it.
    """
    if before.resp != after.resp or before.sub.texts[1] != after.sub.texts[1]:
        return None
    numbers = {"*": "*", ">": ">"}
    publish = _near(before.pub, after.pub, numbers)
    subscribe = _near(before.sub, after.sub, numbers)
    if publish is None or subscribe is None:
        return None
    return publish[0], subscribe[0], publish[1], subscribe[1]


def touches(entry: Entry, other: Entry) -> bool:
    """Whether two plain patterns agree as far as both go: what one admits may lie inside the other, or on its way."""
    for mine, theirs in zip(entry.subject.tokens, other.subject.tokens, strict=False):
        if mine == ">" or theirs == ">":
            return True
        if mine not in (theirs, "*") and theirs != "*":
            return False
    return True


def _near(old: Permission, new: Permission, numbers: dict[str, str]) -> tuple[Side, Side] | None:
    if (old.allow is None) is not (new.allow is None):
        return None
    before, after = old.texts, new.texts
    changed = sorted((before[0] ^ after[0]) | (before[1] ^ after[1]))
    if not changed:
        return _UNTOUCHED, _UNTOUCHED  # order and copies aside, which the server's tries do not keep
    every = before[0].union(before[1], changed)
    if len(changed) * len(every) > MOST or not (old.is_plain and new.is_plain):
        return None
    ends = [entry_of(text) for text in changed]
    kept = {text for text in _beside(ends, every) if any(touches(entry_of(text), end) for end in ends)}
    kept |= _hiding(kept, every)
    named = {
        text: ".".join([numbers.setdefault(token, str(len(numbers))) for token in text.split(".")])
        for text in dict.fromkeys([*changed, *sorted(kept)])
    }

    def side(allow: frozenset[str], deny: frozenset[str]) -> Side:
        allowed, denied = (tuple([name for text, name in named.items() if text in texts]) for texts in (allow, deny))
        return None if old.allow is None else allowed, denied

    return side(*before), side(*after)


def _beside(changed: Iterable[Entry], texts: Iterable[str]) -> list[str]:
    """What may touch a changed entry by the text before its first wildcard: cheap, and never misses one."""
    heads = tuple([entry.head for entry in changed])
    return [
        text for text in texts if text.startswith(heads) or any(head.startswith(entry_of(text).head) for head in heads)
    ]


def _hiding(kept: Iterable[str], texts: Iterable[str]) -> set[str]:
    """What passes a final `*` of those kept on a literal beside it, and before 2.12.14 hides it."""
    heads = {text[:-1] for text in kept if text.endswith("*")}
    return {text for text in texts if any(text.startswith(head) and "." in text[len(head) :] for head in heads)}
