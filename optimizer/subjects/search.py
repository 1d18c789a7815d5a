"""Shortest words of an infinite language: one bounded best-first search serves every comparison."""

from __future__ import annotations

import heapq
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable, Iterable, Mapping

S = TypeVar("S", bound="Hashable")
Letter = tuple[str, ...]
Word = tuple[Letter, ...]


class EffortSpentError(Exception):
    """The search met its cap before it had an answer; whoever asked says UNDECIDED."""


class Effort:
    """How many trie nodes may still be visited."""

    __slots__ = ("left",)

    def __init__(self, left: int) -> None:
        self.left = left

    def spend(self, nodes: int) -> None:
        """Count visited nodes.

        Raises
        ------
        EffortSpentError
            More were visited than allowed.
        """
        self.left -= nodes + 1
        if self.left < 0:
            raise EffortSpentError


def shortest_words(
    start: S,
    steps: Callable[[S], Iterable[tuple[Letter, S]]],
    verdict: Callable[[S], frozenset[str]],
    wanted: frozenset[str],
    known: Mapping[str, Word] | None = None,
) -> dict[str, Word]:
    """For each wanted flag the shortest word that ends in a state whose verdict holds it.

    Parameters
    ----------
    start
        State before the first letter; the empty word is no word.
    steps
        The letters that lead on from a state, and where to. A state from which no wanted verdict can follow has none.
    verdict
        The flags of a state.
    known
        Flags that need no search any more.

    Returns
    -------
    dict
        Flag -> word, fewest letters first, then least text, then alphabetical; a flag without a word is missing.

    Raises
    ------
    EffortSpentError
        Passed on from ``steps``.
    """
    found = dict(known or {})
    heap: list[tuple[int, int, Word, S]] = [(0, 0, (), start)]
    best: set[S] = set()
    while heap and not wanted <= found.keys():
        length, size, word, state = heapq.heappop(heap)
        if state in best:
            continue
        best.add(state)
        if word:
            for flag in verdict(state):
                found.setdefault(flag, word)
        for letter, following in steps(state):
            if following not in best:
                grown = size + sum(map(len, letter))
                heapq.heappush(heap, (length + 1, grown, (*word, letter), following))
    return found
