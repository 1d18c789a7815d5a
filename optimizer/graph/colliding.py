"""Things filed under subjects, and which of them share a subject with another: a trie, for there may be thousands."""

from __future__ import annotations

from typing import TYPE_CHECKING, Generic, TypeVar

if TYPE_CHECKING:
    from collections.abc import Iterator

    from optimizer.subjects.subject import Subject

T = TypeVar("T")


class Colliding(Generic[T]):
    """What was filed, found by any subject that has a literal one in common. Server: ``SubjectsCollide``.

    Examples
    --------
    >>> files = Colliding[int]()
    >>> files.add(Subject("ev.>"), 1)
    >>> files.add(Subject("b.a"), 2)
    >>> list(files.meeting(Subject("*.a")))
    [1, 2]
    """

    def __init__(self) -> None:
        self._root: _Node[T] = _Node()

    def add(self, subject: Subject, value: T) -> None:
        """File something; what stands behind a ``>`` counts for nothing, as with `Subject.overlaps`."""
        node = self._root
        for token in subject.tokens:
            below = node.below.get(token)
            if below is None:
                below = node.below[token] = _Node()
            node = below
            if token == ">":
                break
        node.ends.append(value)

    def meeting(self, subject: Subject) -> Iterator[T]:
        """Each thing once, in an order that the same filing always gives."""
        tokens, last = subject.tokens, len(subject.tokens)
        todo = [(self._root, 0)]
        while todo:
            node, at = todo.pop()
            if at == last:
                yield from node.ends
                continue
            token = tokens[at]
            if token == ">":
                for below in node.below.values():
                    yield from _all(below)
                continue
            tail = node.below.get(">")
            if tail is not None:
                yield from tail.ends
            if token == "*":
                todo += [(below, at + 1) for name, below in node.below.items() if name != ">"]
            else:
                todo += [(node.below[name], at + 1) for name in (token, "*") if name in node.below]


class _Node(Generic[T]):
    __slots__ = ("below", "ends")

    def __init__(self) -> None:
        self.below: dict[str, _Node[T]] = {}
        self.ends: list[T] = []


def _all(node: _Node[T]) -> Iterator[T]:
    todo = [node]
    while todo:
        here = todo.pop()
        yield from here.ends
        todo += here.below.values()
