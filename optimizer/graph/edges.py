"""The edges of the graph as records, and which of them share subjects."""

from __future__ import annotations

from dataclasses import dataclass
from operator import itemgetter
from typing import TYPE_CHECKING

from optimizer.graph.colliding import Colliding
from optimizer.graph.resolve import without_places
from optimizer.subjects.subject import Subject

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    import networkx as nx

    from optimizer.claims.model import Export, Import
    from optimizer.graph.resolve import State


@dataclass(slots=True, eq=False)  # a frozen one takes five times as long to make: 0.2 s of 200,000
class Edge:
    """One import: an edge of `optimizer.graph.build`'s graph. Nobody changes one.

    Parameters
    ----------
    place
        Where it stands among the imports of the importer's token.
    otherwise
        Of an import whose whole token is refused, what it would be if it were not, cycles apart; else its state.
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
    otherwise: State

    @property
    def kind(self) -> str:
        """``stream`` or ``service``."""
        return self.claims.type

    @property
    def within(self) -> Subject:
        """The importer's subjects, each reference to a wildcard a ``*`` again."""
        has_wildcard = ("*" in self.remote or ">" in self.remote) and Subject(self.remote).has_wildcard
        return Subject(without_places(self.local) if has_wildcard else self.local)


def edges_of(graph: nx.MultiDiGraph[str]) -> tuple[Edge, ...]:
    """All edges, by importer and place in its token."""
    found: list[Edge] = []
    for importer in sorted(graph):
        taken = sorted(graph.in_edges(importer, keys=True, data=True), key=itemgetter(2))
        found += [
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
                data["otherwise"],
            )
            for exporter, _, place, data in taken
        ]
    return tuple(found)


def overlapping(subjects: Sequence[Subject]) -> Iterator[tuple[int, int]]:
    """Each pair of places whose subjects have a literal one in common, the earlier place first.

    Server: ``SubjectsCollide``. What it takes grows with the pairs, not with the square of the subjects.

    Examples
    --------
    >>> list(overlapping([Subject("ev.>"), Subject("b.a"), Subject("ev.a")]))
    [(0, 2)]
    """
    files = Colliding[int]()
    for index, subject in enumerate(subjects):
        for other in sorted(files.meeting(subject)):
            yield other, index
        files.add(subject, index)
