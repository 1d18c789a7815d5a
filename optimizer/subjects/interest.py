"""The trie as the server asks it whether anything matches, which is not what it says when asked for the matches.

That walk stops at the first thing it meets. A queue entry ends it with nothing found, and so does the empty ``>`` that
an entry which the server ignores, ``a.>.c``, left behind before 2.12.14. Before 2.12.14, too, where the last token
leads to a literal, the ``*`` beside that literal is not looked at, even if no entry ends at the literal: ``*`` with
``b.a`` does not match ``b``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from optimizer.subjects.subject import is_word
from optimizer.subjects.trie import Automaton, State

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

_WIDTH = 1 << 16
_ALL = _WIDTH - 1


_FOUND = 0x0303
QUEUES = 2
"""By how much the bit of a queue entry lies above the bit of the plain entries of its list."""


class Interest(Automaton):
    """Raw entries with a bit mask each; answers, for each list's bit by itself, whether the walk finds a plain entry.

    Its states hold each live node together with the bits it is alive for, in the order of the server's walk.

    Parameters
    ----------
    patterns
        Tokens and a bit for the list: 1 or 2, `QUEUES` higher for a queue entry of that list.

    Notes
    -----
    Server: ``matchLevelForAny`` under ``NumInterest`` in 2.11.8.
    """

    __slots__ = ("closing", "held", "parent", "sure", "through")
    shaded: ClassVar[bool] = True
    """Whether a literal keeps the ``*`` beside it from being looked at even where no entry ends at the literal."""

    def __init__(self, patterns: Iterable[tuple[Sequence[str], int]]) -> None:
        self.parent: list[int] = [0]
        self.through: list[int] = [0]  # bits of the entries that lead through a node or end there
        self.held: list[int] = [0]  # bits of the entries that end at a node, queue entries included
        self.closing: list[int] = [0]  # bits of the entries that made a `>` below a node, in vain or not
        super().__init__(patterns)
        vain = 0
        for ended, found in ((self.closing, self.tail), (self.held, self.ends)):
            for end, hit in zip(ended, found, strict=True):
                vain |= end & ~hit
        self.sure = ~vain  # bits for which what is found stays found

    start: ClassVar[State] = ((_ALL,), 0)

    def _insert(self, tokens: Sequence[str], bits: int) -> int:
        node = 0
        walk, plain = (bits | bits >> QUEUES) & _FOUND, bits & _FOUND
        for index, token in enumerate(tokens):
            if token == ">":
                self.closing[node] |= walk
                if index + 1 == len(tokens):
                    self.tail[node] |= plain
                return ~node
            if not token:
                return node
            before, node = node, self._below(node, token)
            if node == len(self.parent):
                self.parent.append(before)
                for marks in (self.through, self.held, self.closing):
                    marks.append(0)
            self.through[node] |= walk
        self.held[node] |= walk
        self.ends[node] |= plain
        return node

    def step(self, state: State, token: str) -> State:
        """The state after one more token, in the order of the walk: ``*`` first, then the literal beside it."""
        codes, tail = state
        following = []
        walking = _ALL & ~(tail & self.sure)
        for code in codes:
            node, alive = divmod(code, _WIDTH)
            alive &= walking
            # The walk ends here for these bits: nothing behind this node is looked at, and found is what `>` holds.
            ended = self.closing[node] & alive
            tail = tail & ~ended | self.tail[node] & ended
            walking &= ~ended
            alive &= ~ended
            following += [
                below * _WIDTH + (alive & self.through[below])
                for below in (self.star[node], self.children[node].get(token, 0))
                if below and alive & self.through[below]
            ]
        return tuple(following), tail

    def mask(self, state: State) -> int:
        """The bits whose walk finds something for the subject read so far."""
        codes, tail = state
        levels: dict[int, list[int]] = {}
        for code in codes:
            levels.setdefault(self.parent[code // _WIDTH], [0, 0])[self._is_literal(code // _WIDTH)] = code
        found, walking = 0, _ALL
        for pair in levels.values():
            (star, star_alive), (literal, literal_alive) = (divmod(code, _WIDTH) for code in pair)
            by_literal = literal_alive & (self.through if self.shaded else self.held)[literal]
            by_star = star_alive & ~by_literal
            found |= walking & (by_literal & self.ends[literal] | by_star & self.ends[star])
            walking &= ~(by_literal & self.held[literal] | by_star & self.held[star])
        return found | tail & walking

    def _is_literal(self, node: int) -> bool:
        return self.star[self.parent[node]] != node

    def named(self, state: State) -> Iterator[str]:
        """The tokens of subjects that lead somewhere `FRESH` does not."""
        for code in state[0]:
            yield from filter(is_word, self.children[code // _WIDTH])

    def differs(self, uneven: Callable[[int], int]) -> Callable[[State], bool]:
        """A test of a state: whether two sides whose bits ``uneven`` tells apart can differ from there on."""
        lists = (self.ends, self.tail, self.through, self.held, self.closing)
        below = self.fold_below([any(map(uneven, bits)) for bits in zip(*lists, strict=True)])

        def may_differ(state: State) -> bool:
            codes, tail = state
            return bool(uneven(tail) or any(below[code // _WIDTH] or uneven(code % _WIDTH) for code in codes))

        return may_differ

    @property
    def is_plain(self) -> bool:
        """Whether it answers every subject as `Automaton` does."""
        return (
            self.closing == self.tail
            and self.held == self.ends
            and not any(
                self.ends[star] & self.through[literal] & ~self.ends[literal]
                for star, literals in zip(self.star, self.children, strict=True)
                if star
                for literal in literals.values()
            )
        )


class CurrentInterest(Interest):
    """The same from 2.12.14 on: a literal at which no entry ends hides nothing.

    Notes
    -----
    Server: ``matchLevelForAny`` in 2.12.15.
    """

    __slots__ = ()
    shaded = False
