"""Which patterns of a list no other one covers, and which of those covers each of the rest.

Widest first: a pattern is asked about before anything it covers, and is kept only where nothing kept covers it. So the
trie holds outermost patterns alone, every answer is final, and no chain of covers is ever followed. A list of which
nearly everything is covered needs next to no trie; docs/decisions/0006-cover-detection.md has the figures.
"""

from __future__ import annotations

import gc
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence


class _Node:
    """What follows a token."""

    __slots__ = ("below", "star")

    def __init__(self) -> None:
        self.below: dict[str, _Slot] = _NOTHING
        self.star: _Slot | None = None


_Slot: TypeAlias = "_Node | int"
"""A number of 0 or more: that pattern ends here. A negative one: ``~number`` is alone here and its rest not laid out."""

_NOTHING: Final[dict[str, _Slot]] = {}
"""Below every node without a literal below it: a dict of its own would cost each of them 64 bytes."""


class Outermost:
    """Patterns of which none covers another, asked for one that covers a given pattern.

    Parameters
    ----------
    texts
        The subjects that the numbers given to `add` mean. Valid ones: no empty token, ``>`` only last.

    Notes
    -----
    Two kinds of trie: one of all that ends in ``>``, and one for each length of what does not, whose first step is the
    last token, for that tells most apart (a verb, an identifier). So where a pattern ends, nothing goes on. What
    nothing was found under takes a number and no nodes, however many tokens follow.
    """

    __slots__ = ("_by_length", "_tails", "_texts")

    def __init__(self, texts: Sequence[str]) -> None:
        self._texts = texts
        self._tails = _Node()
        self._by_length: dict[int, _Node] = {}

    def find(self, text: str) -> int | None:
        """The number of a pattern that covers this one or equals it."""
        path = text.split(".")
        last = path.pop()
        tails = self._tails.below.get(">")
        found = None if tails is None else self._walk(tails, path)
        if found is None and last != ">":
            root = self._by_length.get(len(path))
            if root is None:
                return None
            if root.star is not None:
                found = self._walk(root.star, path)
            if found is None and last in root.below:
                found = self._walk(root.below[last], path)
        if found is not None and found < 0:
            self._lay(found := ~found)  # it may cover more: not to be compared token by token each time
        return found

    def _walk(self, slot: _Slot, path: list[str], at: int = 0) -> int | None:
        for token in path[at:] if at else path:
            if type(slot) is not _Node:
                break
            at += 1
            below = slot.below.get(token)
            star = slot.star
            if star is None:
                if below is None:
                    return None
                slot = below
            elif below is None:
                slot = star
            else:
                found = self._walk(star, path, at)
                if found is not None:
                    return found
                slot = below
        if isinstance(slot, _Node) or (slot < 0 and not _begins(self._texts[~slot], path)):
            return None
        return slot

    def add(self, number: int) -> None:
        """Keep a pattern that none of those kept covers, and that covers none of them."""
        self._lay(number, alone=True)

    def _lay(self, number: int, *, alone: bool = False) -> None:
        """Make the nodes that lead to a pattern; if ``alone`` no further than to where no other one goes."""
        *path, last = self._texts[number].split(".")
        node = self._tails if last == ">" else self._by_length.setdefault(len(path), _Node())
        for at, token in enumerate([last, *path]):
            slot = node.star if token == "*" else node.below.get(token)
            if at == len(path):
                _put(node, token, number)
            elif slot is None and alone:
                _put(node, token, ~number)
                break
            elif not isinstance(slot, _Node):
                below = _Node()
                if slot is not None and slot != ~number:
                    other = self._texts[~slot].split(".")
                    _put(below, other[at], ~slot if at + 2 == len(other) else slot)
                _put(node, token, below)
                node = below
            else:
                node = slot


def _put(node: _Node, token: str, slot: _Slot) -> None:
    if token == "*":
        node.star = slot
    elif node.below is _NOTHING:
        node.below = {token: slot}
    else:
        node.below[token] = slot


def _begins(text: str, path: list[str]) -> bool:
    """Whether all tokens of a pattern but its last match the first ones of a path."""
    wide = text.split(".")
    wide.pop()
    if len(wide) > len(path):
        return False
    for one, token in zip(wide, path, strict=False):  # noqa: SIM110 a generator costs twice the loop
        if one != token and one != "*":
            return False
    return True


def weight(text: str) -> int:
    """A number that is smaller for every pattern that covers this one and is not equal to it."""
    # Each letter weighs more than a `*`, a `*` more than a last `>`: so does all that these can stand for.
    return 4 * len(text) - 2 * text.count("*") - 3 * text.endswith(">")


def widest_first(weighed: Iterable[tuple[int, int]]) -> Iterator[int]:
    """Numbers by ascending weight; in their own order where two weigh the same, so that the first of equals stays."""
    weights: dict[int, list[int]] = {}
    for number, heavy in weighed:
        weights.setdefault(heavy, []).append(number)
    for heavy in sorted(weights):
        yield from weights[heavy]


def covered_texts(texts: Sequence[str]) -> list[int | None]:
    """For each subject the number of one that covers it, None for those that stay.

    Parameters
    ----------
    texts
        Valid subjects, in order; no queue names.

    Returns
    -------
    list
        As long as ``texts``. Who covers stays itself; of equal subjects the first stays.

    Examples
    --------
    >>> covered_texts(["a.b", "a.>", "a.*", "b", "b"])
    [1, None, 1, None, 3]
    """
    kept = Outermost(texts)
    by: list[int | None] = [None] * len(texts)
    first: dict[str, int] = {}
    with _uncollected():
        # A `*` inside a token makes no wildcard, and does no harm here.
        for number in widest_first((n, weight(text)) for n, text in enumerate(texts) if "*" in text or ">" in text):
            found = by[number] = kept.find(texts[number])
            if found is None:
                kept.add(number)
        find = kept.find
        for number, text in enumerate(texts):
            if "*" in text or ">" in text:
                continue
            found = find(text)
            if found is None:
                found = first.setdefault(text, number)
                if found == number:
                    continue
            by[number] = found
    return by


@contextmanager
def _uncollected() -> Iterator[None]:
    """Without the cyclic collector: nothing made here is a cycle, and it would look through all of it again and again."""
    was = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was:
            gc.enable()
