"""The token trie: which entries match a subject, which entries another entry covers.

Two faces of one idea. `covered` asks a list about itself and stands on `optimizer.subjects.outermost`. `Automaton` is
the trie compiled to arrays, so that `optimizer.subjects.compare` can walk infinitely many subjects: a token that no
entry names behaves like every other such token, so one stand-in (`FRESH`) speaks for all of them.
"""

from __future__ import annotations

from functools import lru_cache
from types import MappingProxyType
from typing import TYPE_CHECKING, ClassVar, Final

from optimizer.subjects.outermost import Outermost, covered_texts, weight, widest_first

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

    from optimizer.subjects.subject import Entry

FRESH: Final = ""
"""Stands for any token that no entry names; the empty token is never part of a valid subject."""

State = tuple[tuple[int, ...], int]
"""Live trie nodes in ascending order, and the mask of `>` entries already matched, which match every longer subject."""


class Automaton:
    """Patterns with a bit mask each, as a trie; answers the union of the masks of the patterns that match.

    Parameters
    ----------
    patterns
        Tokens of a valid pattern (``>`` only last) and the bits it carries.

    Notes
    -----
    Server: ``Sublist.Match`` on plain tokens: ``*`` matches one token, ``>`` one or more, a literal itself.
    """

    __slots__ = ("children", "ends", "places", "star", "tail")

    def __init__(self, patterns: Iterable[tuple[Sequence[str], int]]) -> None:
        self.children: list[dict[str, int]] = [{}]
        self.star: list[int] = [0]
        self.ends: list[int] = [0]
        self.tail: list[int] = [0]
        self.places = [self._insert(tokens, bits) for tokens, bits in patterns]

    start: ClassVar[State] = ((0,), 0)

    def _insert(self, tokens: Sequence[str], bits: int) -> int:
        """The node where the pattern ends; its complement where it is the `>` there."""
        node, star, children = 0, self.star, self.children
        for token in tokens:
            if token == ">":
                self.tail[node] |= bits
                return ~node
            node = (star[node] if token == "*" else children[node].get(token, 0)) or self._below(node, token)
        self.ends[node] |= bits
        return node

    def remarked(self, bits: Iterable[int]) -> Automaton:
        """The same patterns with other bits, in the order in which they came."""
        other = object.__new__(Automaton)
        other.children, other.star, other.places = self.children, self.star, self.places
        other.ends, other.tail = [0] * len(self.star), [0] * len(self.star)
        for place, mark in zip(self.places, bits, strict=True):
            if place < 0:
                other.tail[~place] |= mark
            else:
                other.ends[place] |= mark
        return other

    def _below(self, node: int, token: str) -> int:
        """The node one token further, made where there is none."""
        below = self.star[node] if token == "*" else self.children[node].get(token, 0)
        if not below:
            below = len(self.star)
            self.children.append({})
            self.star.append(0)
            self.ends.append(0)
            self.tail.append(0)
            if token == "*":
                self.star[node] = below
            else:
                self.children[node][token] = below
        return below

    def step(self, state: State, token: str) -> State:
        """The state after one more token; `FRESH`, ``*`` and ``>`` in a request match only wildcards of entries."""
        nodes, tail = state
        live = []  # INVARIANT: no node has two parents, so none comes twice
        for node in nodes:
            tail |= self.tail[node]
            if self.star[node]:
                live.append(self.star[node])
            below = self.children[node].get(token)
            if below is not None:
                live.append(below)
        if len(live) > 1:
            live.sort()
        return tuple(live), tail

    def mask(self, state: State) -> int:
        """The bits of every pattern that matches the subject read so far."""
        nodes, mask = state
        for node in nodes:
            mask |= self.ends[node]
        return mask

    def match(self, tokens: Iterable[str]) -> int:
        """The bits of every pattern that matches these tokens; none for a subject with an empty token."""
        state = self.start
        for token in tokens:
            if not token:
                return 0
            state = self.step(state, token)
        return self.mask(state)

    def named(self, state: State) -> Iterator[str]:
        """The tokens that lead somewhere `FRESH` does not."""
        for node in state[0]:
            yield from self.children[node]

    def differs(self, uneven: Callable[[int], int]) -> Callable[[State], bool]:
        """A test of a state: whether two sides whose bits ``uneven`` tells apart can differ from there on."""
        known = {bits: uneven(bits) for bits in {*self.ends, *self.tail}}
        if not any(known.values()):
            return lambda _: False
        own = [known[ends] | known[tail] for ends, tail in zip(self.ends, self.tail, strict=True)]
        below = self.fold_below(own)
        return lambda state: bool(uneven(state[1]) or any(below[node] for node in state[0]))

    def fold_below(self, bits_of: Sequence[int]) -> list[int]:
        """For each node, the union of ``bits_of`` over the node and everything under it."""
        folded = list(bits_of)
        # INVARIANT: a child's index is above its parent's, so one backward pass sees children first.
        for node in range(len(folded) - 1, -1, -1):
            for below in self.children[node].values():
                folded[node] |= folded[below]
            if self.star[node]:
                folded[node] |= folded[self.star[node]]
        return folded


def covered(entries: Sequence[Entry]) -> Mapping[int, int]:
    """Each entry that another entry of the same list covers, and one that covers it.

    Parameters
    ----------
    entries
        One list, in order.

    Returns
    -------
    mapping
        Index of a covered entry -> index of an entry that is not itself in the dict. A plain entry is covered by plain
        ones only; a queue entry by a queue entry whose subject and queue name pattern both contain its own. Of equal
        entries the first stays. Entries the server ignores, and templates, take no part.

    Examples
    --------
    >>> from optimizer.subjects.subject import Entry
    >>> dict(covered([Entry("a.>"), Entry("a.b"), Entry("a.*")]))
    {1: 0, 2: 0}
    """
    return _covered(tuple(entries))


# Several rules ask about one list, and after each edit again about the lists it did not touch.
@lru_cache(maxsize=1 << 12)
def _covered(entries: tuple[Entry, ...]) -> Mapping[int, int]:
    plain: list[int] = []
    queued: list[int] = []
    for index, entry in enumerate(entries):
        if not entry.is_template and not entry.is_ignored(publish=False):
            (plain if entry.queue is None else queued).append(index)
    by = covered_texts([entries[index].subject.text for index in plain])
    found = {index: plain[other] for index, other in zip(plain, by, strict=True) if other is not None}
    if queued:
        found = dict(sorted((found | dict(_covered_queues(entries, queued))).items()))
    return MappingProxyType(found)


def _covered_queues(entries: Sequence[Entry], queued: Iterable[int]) -> Iterator[tuple[int, int]]:
    """As `covered_texts`, with outermost subjects kept for each queue name pattern."""
    subjects = [entry.subject.text for entry in entries]
    kept: dict[str, Outermost] = {}
    wide: list[str] = []
    for index in widest_first(
        (index, weight(subjects[index]) + weight(entries[index].queue or "")) for index in queued
    ):
        queue = entries[index].queue or ""
        around = [other for other in wide if other != queue and _queue_covers(other, queue)]
        for other in (queue, *around):
            found = kept[other].find(subjects[index]) if other in kept else None
            if found is not None:
                yield index, found
                break
        else:
            if queue not in kept:
                kept[queue] = Outermost()
                if "*" in queue or ">" in queue:
                    wide.append(queue)
            kept[queue].add(subjects[index], index)


def _queue_covers(wide: str, narrow: str) -> bool:
    """Whether every queue name that ``narrow`` matches is matched by ``wide``."""
    if any(len(token) > 1 and token[0] == "*" for token in wide.split(".")):
        return wide == narrow  # the server takes `*x` there for a wildcard, but not for every name
    return wide == narrow or queue_matches(narrow, wide)


@lru_cache(maxsize=1 << 12)
def queue_matches(queue: str, pattern: str) -> bool:
    """Whether a client's queue name passes a queue name pattern of an entry. Server: ``queueMatches``."""
    return queue == pattern or (
        not {"*", ">"}.isdisjoint(pattern.split(".")) and subset_match(queue.split("."), pattern.split("."))
    )


def subset_match(tokens: Sequence[str], test: Sequence[str]) -> bool:
    """Whether a subject lies inside a pattern, as the server asks it where patterns meet patterns.

    Server: ``isSubsetMatchTokenized``, whose test for ``*`` looks at the first character only.
    """
    for index, wide in enumerate(test):
        if index >= len(tokens) or not wide:
            return False
        if wide == ">":
            return True
        token = tokens[index]
        if token in ("", ">"):
            return False
        if token == "*":
            if wide != "*":
                return False
        elif wide[0] != "*" and token != wide:
            return False
    return len(tokens) == len(test)
