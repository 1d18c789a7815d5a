"""Literal subjects by the million, to ask which of them lie inside a pattern."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

_HERE: Final = ""
"""Under this key a node holds its subject's index; no token of a valid subject is empty."""


class Literals:
    """Literal subjects as a trie: asking costs what lies inside the pattern, not how many there are.

    Parameters
    ----------
    subjects
        As tokens, valid and without wildcards; their order numbers them.

    Examples
    --------
    >>> known = Literals([("orders", "new"), ("orders", "us", "new"), ("billing", "new")])
    >>> list(known.inside(("orders", ">"))), list(known.inside(("*", "new")))
    ([0, 1], [0, 2])
    """

    def __init__(self, subjects: Iterable[Sequence[str]]) -> None:
        self.subjects = tuple(map(tuple, subjects))
        self._root: dict[str, Any] = {}
        for index, tokens in enumerate(self.subjects):
            node = self._root
            for token in tokens:
                node = node.setdefault(token, {})
            node[_HERE] = index

    def inside(self, pattern: Sequence[str]) -> Iterator[int]:
        """Indices, ascending, of the subjects that belong to a pattern."""
        nodes = [self._root]
        for token in pattern:
            if token == ">":
                return iter(sorted(index for node in nodes for index in _below(node)))
            if token == "*":
                nodes = [below for node in nodes for key, below in node.items() if key != _HERE]
            else:
                nodes = [node[token] for node in nodes if token in node]
        return iter(sorted(node[_HERE] for node in nodes if _HERE in node))


def _below(node: dict[str, Any]) -> Iterator[int]:
    """The subjects strictly under a node."""
    todo = [below for key, below in node.items() if key != _HERE]
    while todo:
        node = todo.pop()
        for key, below in node.items():
            if key == _HERE:
                yield below
            else:
                todo.append(below)
