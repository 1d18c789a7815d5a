"""What a person should know about imports that work, or seem to: cycles, double delivery, rivals, silent losses.

Nothing here is a fault by itself. Two exporters may well feed one local subject; the server merely says nothing of it.
"""

from __future__ import annotations

import enum
from collections import defaultdict
from dataclasses import dataclass, replace
from itertools import combinations, product
from typing import TYPE_CHECKING

from optimizer.claims.validate import activation_of
from optimizer.collecting import without_collecting
from optimizer.graph.cycles import CLOSES, Cycles, Link, Links
from optimizer.graph.edges import edges_of, overlapping
from optimizer.graph.exports import Exports
from optimizer.graph.resolve import Route, State
from optimizer.graph.transform import image
from optimizer.subjects.subject import Subject, meet

if TYPE_CHECKING:
    from collections.abc import Callable, Container, Iterable, Iterator, Mapping, Sequence

    import networkx as nx

    from optimizer.graph.edges import Edge
    from optimizer.hierarchy import Hierarchy

_DAY = 86_400
_MOST_CYCLES = 1000
_ALIVE = (State.WORKS, State.UNKNOWN)


class Effect(enum.Enum):
    """What stream imports that share subjects do to the importer's clients."""

    TWICE = "twice"
    """One message arrives twice at a subscription that covers both; a queue group gets it once."""
    MERGED = "merged"
    """Messages of two exporters arrive under one name."""
    DROPPED = "dropped"
    """The server knows a stream by the exporter's subject: the second import of one is dropped in silence."""


@dataclass(frozen=True, slots=True)
class Overlap:
    """Stream imports of one account that share local subjects, or name one subject of an exporter twice.

    Parameters
    ----------
    subject
        What they share: local subjects; where one is dropped, the exporter's subject.
    certain
        Whether all of them work; otherwise that of some is not known.
    """

    importer: str
    effect: Effect
    subject: str
    imports: tuple[Edge, ...]
    certain: bool


@dataclass(frozen=True, slots=True)
class Responders:
    """Service imports of one account that share local subjects: a request on one goes to every exporter."""

    importer: str
    subject: str
    imports: tuple[Edge, ...]
    certain: bool


@dataclass(frozen=True, slots=True)
class Cycle:
    """Imports that lead back to where they began, with what each is called on the way.

    The server drops that of them which it loads last, which differs from load to load: each may be the one.
    """

    imports: tuple[Edge, ...]


class Hold(enum.Enum):
    """On what imports hang."""

    EXPORTER = "exporter"
    SIGNING_KEY = "signing key"
    ACTIVATION = "activation"


@dataclass(frozen=True, slots=True)
class Point:
    """A single thing whose end drops imports in silence: the importers keep running and hear nothing.

    Parameters
    ----------
    account
        The exporter.
    key
        The account, the key that signed activations, or the importer whose activation it is.
    until
        When it ends by itself, in seconds since the epoch; None where it does not.
    soon
        Whether that is within the days asked for.
    """

    hold: Hold
    account: str
    key: str
    until: int | None
    soon: bool
    imports: tuple[Edge, ...]


@dataclass(frozen=True, slots=True)
class Analysis:
    """What `analysis` found.

    Parameters
    ----------
    untold
        Imports that may close a cycle and lie on none of those: more are not worked out.
    silent
        Imports that the server drops: what the importer is cut off from already.
    points
        Ending soon first, then by the number of imports.
    """

    cycles: tuple[Cycle, ...]
    untold: tuple[Edge, ...]
    overlaps: tuple[Overlap, ...]
    responders: tuple[Responders, ...]
    silent: tuple[Edge, ...]
    points: tuple[Point, ...]

    def about(self, wanted: Callable[[Edge], bool]) -> Analysis:
        """What concerns at least one wanted import; of the points only what hangs on them of those."""
        points = [replace(point, imports=tuple(filter(wanted, point.imports))) for point in self.points]
        return Analysis(
            cycles=tuple(each for each in self.cycles if any(map(wanted, each.imports))),
            untold=tuple(filter(wanted, self.untold)),
            overlaps=tuple(each for each in self.overlaps if any(map(wanted, each.imports))),
            responders=tuple(each for each in self.responders if any(map(wanted, each.imports))),
            silent=tuple(filter(wanted, self.silent)),
            points=tuple(sorted((point for point in points if point.imports), key=_urgency)),
        )


@without_collecting()
def analysis(graph: nx.MultiDiGraph[str], hierarchy: Hierarchy, now: int, *, days: int = 30) -> Analysis:
    """Cycles, double deliveries, several responders, and what could be lost unnoticed.

    Parameters
    ----------
    graph
        From `optimizer.graph.build`.
    hierarchy
        What it was built from.
    now
        The clock, in seconds since the epoch.
    days
        How far ahead an expiry is near.
    """
    edges = edges_of(graph)
    cycles, untold = _cycles(graph, hierarchy, edges)
    return Analysis(
        cycles=cycles,
        untold=untold,
        overlaps=tuple(_overlaps(edges)),
        responders=tuple(_responders(edges)),
        silent=tuple(edge for edge in edges if edge.state is State.DROPPED),
        points=tuple(_points(hierarchy, edges, now, now + days * _DAY)),
    )


def _cycles(
    graph: nx.MultiDiGraph[str], hierarchy: Hierarchy, edges: Sequence[Edge]
) -> tuple[tuple[Cycle, ...], tuple[Edge, ...]]:
    """A shortest cycle for each import that may close one and lies on none before; and those for which none is told."""
    suspects = [edge for edge in edges if edge.reason == CLOSES]
    if not suspects:
        return (), ()
    by_place = {(edge.importer, edge.place): edge for edge in edges}
    links: dict[str, dict[int, Link]] = defaultdict(dict)
    for edge in edges:
        if edge.state in _ALIVE:
            path = Route(edge.remote, edge.local)
            links[edge.importer][edge.place] = Link(edge.exporter, edge.kind, path, edge.place)
    loaded = {key for key in hierarchy.accounts if not graph.nodes[key]["refusal"]}
    cycles = Cycles(
        {key: Links(mine.values) for key, mine in links.items()},
        {key: Exports(hierarchy.accounts[key].claims.exports) for key in hierarchy.accounts if key in loaded},
    )
    found: list[Cycle] = []
    told: set[tuple[str, int]] = set()
    untold: list[Edge] = []
    for suspect in suspects:
        if (suspect.importer, suspect.place) in told:
            continue
        link = links[suspect.importer][suspect.place]
        ring = cycles.ring(suspect.importer, link) if len(found) < _MOST_CYCLES else ()
        if ring:
            places = [(account, each.place) for account, each in ring]
            told.update(places)
            first = places.index(min(places))
            found.append(Cycle(tuple(by_place[place] for place in places[first:] + places[:first])))
        else:
            untold.append(suspect)
    return tuple(found), tuple(untold)


def _by_importer(edges: Iterable[Edge], wanted: Callable[[Edge], bool]) -> dict[str, list[Edge]]:
    found: dict[str, list[Edge]] = defaultdict(list)
    for edge in edges:
        if wanted(edge):
            found[edge.importer].append(edge)
    return found


def _overlaps(edges: Sequence[Edge]) -> Iterator[Overlap]:
    yield from _repeated(edges)
    streams = _by_importer(edges, lambda edge: edge.kind == "stream" and edge.state in _ALIVE)
    for importer, mine in streams.items():
        found: dict[tuple[Effect, str], dict[int, bool]] = defaultdict(dict)
        same = _by_name(mine)
        exporters = {text: {mine[place].exporter for place in places} for text, places in same.items()}
        apart = {text for text, places in same.items() if len(exporters[text]) == len(places)}
        for text in apart:
            if len(same[text]) > 1:
                found[Effect.MERGED, text] |= dict.fromkeys(same[text], True)
        for one, other in _pairs(same, without=apart):
            left, right = mine[one], mine[other]
            if left.exporter != right.exporter:
                shared, sure = meet(left.within, right.within), True
                effect = Effect.MERGED
            else:
                shared, sure = _twice(left, right)
                effect = Effect.TWICE
            if shared is not None:
                places = found[effect, shared.text]
                places |= {place: sure and places.get(place, True) for place in (one, other)}
        for (effect, subject), places in sorted(found.items(), key=lambda item: (item[0][0].value, item[0][1])):
            imports = tuple(mine[place] for place in sorted(places))
            certain = all(places.values()) and all(edge.state is State.WORKS for edge in imports)
            yield Overlap(importer, effect, subject, imports, certain)


def _by_name(edges: Sequence[Edge]) -> dict[str, list[int]]:
    """The places of imports by what they are called; in a mesh of accounts hundreds have one name."""
    found: dict[str, list[int]] = defaultdict(list)
    for place, edge in enumerate(edges):
        found[edge.within.text].append(place)
    return found


def _pairs(same: Mapping[str, Sequence[int]], without: Container[str]) -> Iterator[tuple[int, int]]:
    """Places whose names share subjects, the earlier first; some names not with themselves."""
    names = list(same)
    for name in names:
        if name not in without:
            yield from combinations(same[name], 2)
    for one, other in overlapping([Subject(name) for name in names]):
        for pair in product(same[names[one]], same[names[other]]):
            yield min(pair), max(pair)


def _twice(left: Edge, right: Edge) -> tuple[Subject | None, bool]:
    """The local subjects under which a message of one exporter arrives by both imports, and whether that is sure."""
    shared = meet(Subject(left.remote), Subject(right.remote))
    if shared is None:
        return None, False
    images = [image(edge.remote, edge.local, shared) for edge in (left, right)]
    if None in images:
        return meet(left.within, right.within), False
    one, other = (Subject(text or "") for text in images)
    return meet(one, other), one == other


def _repeated(edges: Sequence[Edge]) -> Iterator[Overlap]:
    """Streams that an account imports twice from one exporter by the same subject."""
    by_subject: dict[tuple[str, str, str], list[Edge]] = defaultdict(list)
    for edge in edges:
        if edge.kind == "stream" and edge.state is not State.REFUSED:
            by_subject[edge.importer, edge.exporter, edge.remote].append(edge)
    for (importer, _, remote), same in sorted(by_subject.items()):
        alive = [edge for edge in same if edge.state in _ALIVE]
        if alive and len(same) > 1:
            certain = alive[0].state is State.WORKS
            yield Overlap(importer, Effect.DROPPED, remote, tuple(same), certain)


def _responders(edges: Sequence[Edge]) -> Iterator[Responders]:
    services = _by_importer(edges, lambda edge: edge.kind == "service" and edge.state in _ALIVE)
    for importer, mine in services.items():
        found: dict[str, set[int]] = defaultdict(set)
        same = _by_name(mine)
        for text, alike in same.items():
            if len(alike) > 1:
                found[text].update(alike)
        names = list(same)
        for one, other in overlapping([Subject(name) for name in names]):
            shared = meet(Subject(names[one]), Subject(names[other]))
            if shared is not None:
                found[shared.text].update(same[names[one]], same[names[other]])
        for subject, places in sorted(found.items()):
            imports = tuple(mine[place] for place in sorted(places))
            yield Responders(importer, subject, imports, all(edge.state is State.WORKS for edge in imports))


def _points(hierarchy: Hierarchy, edges: Sequence[Edge], now: int, horizon: int) -> list[Point]:
    held: dict[tuple[Hold, str, str, int | None], list[Edge]] = defaultdict(list)
    for edge in edges:
        if edge.state is not State.WORKS:
            continue
        exporter = hierarchy.accounts.get(edge.exporter)  # type: ignore[call-overload]  # a key like any other
        if exporter is None:
            continue
        held[Hold.EXPORTER, edge.exporter, edge.exporter, exporter.claims.exp or None].append(edge)
        if any(export.token_req and not export.account_token_position for export in edge.exports):
            activation = activation_of(edge.claims)
            held[Hold.SIGNING_KEY, edge.exporter, activation.iss, None].append(edge)
            if activation.exp:
                held[Hold.ACTIVATION, edge.exporter, edge.importer, activation.exp].append(edge)
    points = [
        Point(hold, account, key, until, until is not None and now < until <= horizon, tuple(imports))
        for (hold, account, key, until), imports in held.items()
        if not (hold is Hold.SIGNING_KEY and key == account)  # goes with the account itself
    ]
    return sorted(points, key=_urgency)


def _urgency(point: Point) -> tuple[bool, int, str, str, str, int]:
    return not point.soon, -len(point.imports), point.hold.value, point.account, point.key, point.until or 0
