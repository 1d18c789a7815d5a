"""Which patterns of a list no other one covers, and which of those covers each of the rest.

Widest first: a pattern is asked about before anything it covers, and is kept only where nothing kept covers it. So the
trie holds outermost patterns alone, every answer is final, and no chain of covers is ever followed. A list of which
nearly everything is covered needs next to no trie; docs/decisions/0006-cover-detection.md has the figures.
"""

from __future__ import annotations

import gc
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import pygtrie

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence


class Outermost:
    """Patterns of which none covers another, asked for one that covers a given pattern.

    Valid ones: no empty token, ``>`` only last.

    Notes
    -----
    One trie of two kinds of keys: ``>`` and the tokens before it; or, for a pattern without ``>``, how many tokens
    stand before its last one, the last one, and then those. The last token tells most apart (a verb, an identifier),
    and where a pattern ends no other one goes on.

    pygtrie's nodes are walked: its public calls look each key up from the root, and take two to four times as long.
    """

    __slots__ = ("_nothing", "_root", "_trie")

    def __init__(self) -> None:
        self._trie = pygtrie.Trie()
        self._root = self._trie._root  # noqa: SLF001
        self._nothing = self._root.value

    def find(self, text: str) -> int | None:
        """The number of a pattern that covers this one or equals it."""
        path = text.split(".")
        last = path.pop()
        tails = self._root.children.get(">")
        found = None if tails is None else self._walk(tails, path)
        if found is None and last != ">":
            alike = self._root.children.get(len(path))
            if alike is not None:
                star = alike.children.get("*")
                if star is not None:
                    found = self._walk(star, path)
                if found is None and last != "*":
                    below = alike.children.get(last)
                    if below is not None:
                        found = self._walk(below, path)
        return found

    def _walk(self, node: Any, path: list[str], at: int = 0) -> int | None:  # noqa: ANN401 a class of pygtrie's own
        nothing = self._nothing
        for token in path[at:] if at else path:
            if node.value is not nothing:
                break
            at += 1
            children = node.children
            star = children.get("*")
            below = None if token == "*" else children.get(token)
            if star is None:
                if below is None:
                    return None
                node = below
            elif below is None:
                node = star
            else:
                found = self._walk(star, path, at)
                if found is not None:
                    return found
                node = below
        return None if node.value is nothing else node.value

    def add(self, text: str, number: int) -> None:
        """Keep a pattern that none of those kept covers, and that covers none of them."""
        *path, last = text.split(".")
        self._trie[(">", *path) if last == ">" else (len(path), last, *path)] = number


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
    kept = Outermost()
    find = kept.find
    by: list[int | None] = [None] * len(texts)
    stay: list[int] = []
    with _uncollected():
        # A `*` inside a token makes no wildcard, and does no harm here.
        for number in widest_first((n, weight(text)) for n, text in enumerate(texts) if "*" in text or ">" in text):
            found = by[number] = find(texts[number])
            if found is None:
                kept.add(texts[number], number)
        for number, text in enumerate(texts):
            if not ("*" in text or ">" in text):
                found = find(text)
                if found is None:
                    stay.append(number)
                else:
                    by[number] = found
    if len({texts[number] for number in stay}) < len(stay):  # a literal covers nothing but its copies
        first: dict[str, int] = {}
        for number in stay:
            found = first.setdefault(texts[number], number)
            if found != number:
                by[number] = found
    return by


@contextmanager
def _uncollected() -> Iterator[None]:
    """Without the cyclic collector: no cycle is made here, and it would look through all of it again and again."""
    was = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was:
            gc.enable()
