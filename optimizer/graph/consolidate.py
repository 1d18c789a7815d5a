"""Which imports could be consolidated, each suggestion with its whole price."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING

from optimizer.graph import bundles, hubs
from optimizer.graph.choice import Group, chosen
from optimizer.graph.edges import edges_of
from optimizer.graph.resolve import State
from optimizer.graph.suggestion import Kind
from optimizer.graph.together import Together

if TYPE_CHECKING:
    from collections.abc import Sequence

    import networkx as nx

    from optimizer.graph.suggestion import Suggestion
    from optimizer.hierarchy import Hierarchy

Taken = hubs.Hub | bundles.Bundle
SOUGHT = ("bundle", "hub")


PRICED = 200
"""Suggestions that are priced to the byte; encoding a token of 20 imports takes about a millisecond."""


@dataclass(frozen=True, slots=True)
class Consolidation:
    """What could be consolidated.

    Parameters
    ----------
    suggestions
        No two of them touch one import; those that save most first.
    more
        How many are left out, which save less.
    best_hub
        Where no hub is suggested, the one that came nearest to paying; None where services have no such group.
    looked_at
        Groups of consumers and services that were looked at.
    private, streams
        Imports that no hub can stand between: of services that ask for leave or rename, and streams.
    """

    suggestions: tuple[Suggestion, ...]
    more: int
    best_hub: Suggestion | None
    looked_at: int
    private: int
    streams: int


def suggestions(
    graph: nx.MultiDiGraph[str], hierarchy: Hierarchy, *, wanted: int | None = None, most: int = PRICED
) -> Consolidation:
    """Bundles and hubs that make tokens smaller.

    Parameters
    ----------
    graph
        From `optimizer.graph.build`.
    hierarchy
        What it was built from.
    wanted
        Bytes to save: then as little is opened as that takes. Without it, as much is saved as can be.
    most
        How many are priced and returned.
    """
    edges = edges_of(graph)
    found, looked_at = hubs.hubs(edges, hierarchy)
    beside = Together(edges, hierarchy)
    nearest = next((each for each in found if beside.accepts(each)), None)
    possible: list[Taken] = [*found, *bundles.bundles(edges)]
    candidates = [each for each in possible if each.estimate() > 0 and beside.accepts(each)]
    taken = [candidates[index] for index in _chosen(candidates, wanted)]
    taken.sort(key=lambda each: -each.estimate())
    passing = {
        (each.edges, each.remote): tuple(beside.passing(each)) for each in taken if isinstance(each, bundles.Bundle)
    }
    taken = [one for each in taken if (one := _beside(beside, each)) is not None]
    imported: dict[tuple[str, str], dict[str, None]] = defaultdict(dict)
    for edge in edges:
        imported[edge.exporter, edge.kind][edge.remote] = None
    known = {key: tuple(subjects) for key, subjects in imported.items()}
    made = [
        hubs.suggested(each, hierarchy)
        if isinstance(each, hubs.Hub)
        else bundles.suggested(each, hierarchy, known, passing[each.edges, each.remote])
        for each in taken[:most]
    ]
    paying = sorted(
        (each for each in made if each.saved > 0),
        key=lambda each: (-each.saved, each.kind.value, each.members, each.subject),
    )
    none = not any(each.kind is Kind.HUB for each in paying)
    return Consolidation(
        suggestions=tuple(paying),
        more=max(0, len(taken) - most),
        best_hub=hubs.suggested(nearest, hierarchy) if none and nearest is not None else None,
        looked_at=looked_at,
        private=sum(
            edge.kind == "service" and edge.state is State.WORKS and not hubs.is_shareable(edge) for edge in edges
        ),
        streams=sum(edge.kind == "stream" and edge.state is State.WORKS for edge in edges),
    )


def _beside(others: Together, group: Taken) -> Taken | None:
    """The group as it goes with those taken before: a hub perhaps by another prefix; None where it does not."""
    if others.takes(group):
        return group
    names = hubs.prefixed(group) if isinstance(group, hubs.Hub) else ()
    return next((each for each in names if not others.meets(each) and others.takes(each)), None)


def _chosen(candidates: Sequence[Taken], wanted: int | None) -> tuple[int, ...]:
    """Candidates no two of which touch one import."""
    numbers: dict[tuple[str, int], int] = {}
    sizes: list[int] = []
    groups = []
    for each in candidates:
        cover = []
        for edge in each.edges:
            number = numbers.setdefault((edge.importer, edge.place), len(sizes))
            if number == len(sizes):
                sizes.append(edge.token_bytes)
            cover.append(number)
        size = sum(edge.token_bytes for edge in each.edges) - each.estimate()
        groups.append(Group(frozenset(cover), size, each.opens))
    return chosen(sizes, groups, wanted)
