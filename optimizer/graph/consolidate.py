"""Which imports could be consolidated, each suggestion with its whole price."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from optimizer.claims.token import MAX_TOKEN_SIZE
from optimizer.claims.validate import account_refusal
from optimizer.collecting import without_collecting
from optimizer.graph import bundles, hubs
from optimizer.graph.choice import Group, chosen
from optimizer.graph.edges import edges_of
from optimizer.graph.resolve import State
from optimizer.graph.suggestion import Kind
from optimizer.graph.together import Together

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    import networkx as nx

    from optimizer.graph.edges import Edge
    from optimizer.graph.suggestion import Suggestion
    from optimizer.hierarchy import Hierarchy
    from optimizer.subjects.subject import Subject

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
    services
        Whether hubs were asked for: of a part of the graph only where it has services.
    unread
        Tokens that are too large for a server: their imports count as if it read them.
    """

    suggestions: tuple[Suggestion, ...]
    more: int
    best_hub: Suggestion | None
    looked_at: int
    private: int
    streams: int
    services: bool = True
    unread: int = 0


@without_collecting()
def suggestions(
    graph: nx.MultiDiGraph[str],
    hierarchy: Hierarchy,
    *,
    wanted: int | None = None,
    most: int = PRICED,
    about: Callable[[Edge], bool] | None = None,
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
    about
        Only what concerns one of these imports is returned and counted; what goes together is found among all.
    """
    large = _unread(hierarchy)
    edges = [replace(edge, state=edge.otherwise) if edge.importer in large else edge for edge in edges_of(graph)]
    told = edges if about is None else list(filter(about, edges))
    found, looked_at = hubs.hubs(edges, hierarchy)
    beside = Together(edges, hierarchy)
    is_told = None if about is None else frozenset((edge.importer, edge.place) for edge in told)

    def concerns(group: Taken) -> bool:
        return is_told is None or any((edge.importer, edge.place) in is_told for edge in group.edges)

    nearest = next((each for each in found if concerns(each) and beside.accepts(each)), None)
    possible: list[Taken] = [*found, *bundles.bundles(edges)]
    candidates = [each for each in possible if each.estimate() > 0 and beside.accepts(each)]
    taken, passing = _taken(candidates, beside, lambda: Together(edges, hierarchy), wanted)
    taken = [each for each in taken if concerns(each)]
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
    working = [edge for edge in told if edge.state is State.WORKS]
    none = not any(each.kind is Kind.HUB for each in paying)
    return Consolidation(
        suggestions=tuple(paying),
        more=max(0, len(taken) - most),
        best_hub=hubs.suggested(nearest, hierarchy) if none and nearest is not None else None,
        looked_at=looked_at,
        private=sum(edge.kind == "service" and not hubs.is_shareable(edge) for edge in working),
        streams=sum(edge.kind == "stream" for edge in working),
        services=about is None or any(edge.kind == "service" for edge in told),
        unread=len(large.intersection(edge.importer for edge in told)),
    )


def _unread(hierarchy: Hierarchy) -> frozenset[str]:
    """Accounts of which nothing is wrong but the size of the token."""
    return frozenset(
        key
        for key, account in hierarchy.accounts.items()
        if account.token.size > MAX_TOKEN_SIZE and len(account.issues) <= 1 and account_refusal(account.claims) is None
    )


Passing = dict[tuple[tuple["Edge", ...], str], tuple[tuple[str, "Subject | None"], ...]]


def _taken(
    candidates: Sequence[Taken], beside: Together, anew: Callable[[], Together], wanted: int | None
) -> tuple[list[Taken], Passing]:
    """What is taken, most saving first, and who else would ask by its bundles.

    Where some of the best choice do not go together, the plain greedy may do better: it takes what saves most, and then
    what saves most of all that goes with it.
    """
    best = sorted((candidates[index] for index in _chosen(candidates, wanted)), key=_greedy_order)
    passing = _passing(best, beside)
    taken = [one for each in best if (one := _beside(beside, each)) is not None]
    if len(taken) == len(best):
        return taken, passing
    again, plain, gone, saved = anew(), [], set[tuple[str, int]](), 0
    others = _passing(candidates, again)
    for each in sorted(candidates, key=_greedy_order):
        places = {(edge.importer, edge.place) for edge in each.edges}
        if wanted is not None and saved >= wanted:
            break
        if gone.isdisjoint(places) and (one := _beside(again, each)) is not None:
            plain.append(one)
            gone |= places
            saved += one.estimate()
    return (plain, others) if _worth(plain, wanted) > _worth(taken, wanted) else (taken, passing)


def _greedy_order(group: Taken) -> tuple[int, int]:
    return -group.estimate(), group.opens


def _worth(taken: Sequence[Taken], wanted: int | None) -> tuple[int, int]:
    saved = sum(each.estimate() for each in taken)
    return saved if wanted is None else min(saved, wanted), -sum(each.opens for each in taken)


def _passing(groups: Iterable[Taken], beside: Together) -> Passing:
    return {
        (each.edges, each.remote): tuple(beside.passing(each)) for each in groups if isinstance(each, bundles.Bundle)
    }


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
