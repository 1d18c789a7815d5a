"""The trie as servers before 2.12.14 ask it whether anything matches, which is not what it says when asked for matches.

A message to publish, and a message against the deny filter, go through a walk that stops at the first thing it meets:
where the last token leads to a literal, the ``*`` beside that literal is not looked at, even if no entry ends at the
literal. So ``*`` with ``b.a`` does not match ``b``. And an entry that the server ignores, ``a.>.c``, has left an empty
``>`` behind, which ends the walk with nothing found.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from optimizer.subjects.subject import is_word
from optimizer.subjects.trie import Automaton, State

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

_WIDTH = 1 << 16
_ALL = _WIDTH - 1


class Interest(Automaton):
    """Raw entries with a bit mask each; answers, for each bit by itself, whether the walk finds one of its entries.

    Its states hold each live node together with the bits it is alive for, in the order of the server's walk.

    Notes
    -----
    Server: ``matchLevelForAny`` under ``NumInterest`` in 2.11.8; 2.12.15 looks at the ``*`` as well.
    """

    __slots__ = ("closing", "parent", "sure", "through")

    def __init__(self, patterns: Iterable[tuple[Sequence[str], int]]) -> None:
        self.parent: list[int] = [0]
        self.through: list[int] = [0]  # bits of the entries that lead through a node or end there
        self.closing: list[int] = [0]  # bits of the entries that made a `>` below a node, in vain or not
        super().__init__(patterns)
        vain = 0
        for closing, tail in zip(self.closing, self.tail, strict=True):
            vain |= closing & ~tail
        self.sure = ~vain  # bits for which what is found stays found

    start: ClassVar[State] = ((_ALL,), 0)

    def _insert(self, tokens: Sequence[str], bits: int) -> None:
        node = 0
        for index, token in enumerate(tokens):
            if token == ">":
                self.closing[node] |= bits
                if index + 1 == len(tokens):
                    self.tail[node] |= bits
                return
            if not token:
                return
            before, node = node, self._below(node, token)
            if node == len(self.parent):
                self.parent.append(before)
                self.through.append(0)
                self.closing.append(0)
            self.through[node] |= bits
        self.ends[node] |= bits

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
        codes, mask = state
        literal = beside = 0
        for code in reversed(codes):  # a literal comes right behind the `*` beside it
            node, alive = divmod(code, _WIDTH)
            parent = self.parent[node]
            if node == self.star[parent]:
                mask |= self.ends[node] & alive & ~(beside if literal == parent else 0)
            else:
                mask |= self.ends[node] & alive
                literal, beside = parent, self.through[node]
        return mask

    def named(self, state: State) -> Iterator[str]:
        """The tokens of subjects that lead somewhere `FRESH` does not."""
        for code in state[0]:
            yield from filter(is_word, self.children[code // _WIDTH])

    def differs(self, uneven: Callable[[int], int]) -> Callable[[State], bool]:
        """A test of a state: whether two sides whose bits ``uneven`` tells apart can differ from there on."""
        lists = (self.ends, self.tail, self.through, self.closing)
        below = self.fold_below([any(map(uneven, bits)) for bits in zip(*lists, strict=True)])

        def may_differ(state: State) -> bool:
            codes, tail = state
            return bool(uneven(tail) or any(below[code // _WIDTH] or uneven(code % _WIDTH) for code in codes))

        return may_differ

    @property
    def is_plain(self) -> bool:
        """Whether it answers every subject as `Automaton` does."""
        return self.closing == self.tail and not any(
            self.ends[star] & self.through[literal] & ~self.ends[literal]
            for star, literals in zip(self.star, self.children, strict=True)
            if star
            for literal in literals.values()
        )
