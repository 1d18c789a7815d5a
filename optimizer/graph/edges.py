"""The edges of the graph as records, and which of them share subjects."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from optimizer.graph.resolve import without_places
from optimizer.subjects.subject import Subject

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    import networkx as nx

    from optimizer.claims.model import Export, Import
    from optimizer.graph.resolve import State


@dataclass(frozen=True, slots=True, eq=False)
class Edge:
    """One import: an edge of `optimizer.graph.build`'s graph.

    Parameters
    ----------
    place
        Where it stands among the imports of the importer's token.
    """

    exporter: str
    importer: str
    place: int
    claims: Import
    exports: tuple[Export, ...]
    state: State
    reason: str
    remote: str
    local: str
    token_bytes: int

    @property
    def kind(self) -> str:
        """``stream`` or ``service``."""
        return self.claims.type

    @property
    def within(self) -> Subject:
        """The importer's subjects, each reference to a wildcard a ``*`` again."""
        return Subject(without_places(self.local) if Subject(self.remote).has_wildcard else self.local)


def edges_of(graph: nx.MultiDiGraph[str]) -> tuple[Edge, ...]:
    """All edges, by importer and place in its token."""
    found = [
        Edge(
            exporter,
            importer,
            place,
            data["claims"],
            data["exports"],
            data["state"],
            data["reason"],
            data["remote"],
            data["local"],
            data["token_bytes"],
        )
        for exporter, importer, place, data in graph.edges(keys=True, data=True)
    ]
    return tuple(sorted(found, key=lambda edge: (edge.importer, edge.place)))


class _Node:
    __slots__ = ("below", "ends")

    def __init__(self) -> None:
        self.below: dict[str, _Node] = {}
        self.ends: list[int] = []


def overlapping(subjects: Sequence[Subject]) -> Iterator[tuple[int, int]]:
    """Each pair of places whose subjects have a literal one in common, the earlier place first.

    Server: ``SubjectsCollide``. What it takes grows with the pairs, not with the square of the subjects.

    Examples
    --------
    >>> list(overlapping([Subject("ev.>"), Subject("b.a"), Subject("ev.a")]))
    [(0, 2)]
    """
    root = _Node()
    for index, subject in enumerate(subjects):
        for other in sorted(_meeting(root, subject.tokens, 0)):
            yield other, index
        node = root
        for token in subject.tokens:
            node = node.below.setdefault(token, _Node())
        node.ends.append(index)


def _meeting(node: _Node, tokens: tuple[str, ...], at: int) -> Iterator[int]:
    if at == len(tokens):
        yield from node.ends
        return
    token = tokens[at]
    if token == ">":
        for below in node.below.values():
            yield from _all(below)
        return
    if ">" in node.below:
        yield from node.below[">"].ends
    for name in node.below if token == "*" else {token, "*"} & node.below.keys():
        if name != ">":
            yield from _meeting(node.below[name], tokens, at + 1)


def _all(node: _Node) -> Iterator[int]:
    todo = [node]
    while todo:
        here = todo.pop()
        yield from here.ends
        todo += here.below.values()
