"""Where a message can arrive that a client of one account publishes: through mappings, stream and service imports.

A stream import leads from the exporter to the importer and no further. A service import leads from the importer to the
exporter, whose mappings and service imports count again, and whose stream exports do not: "if this message was a
service import do not re-export to an exported stream". JetStream, leafnodes and gateways are not followed.

Server: ``client.selectMappedSubject``, ``processMsgResults``, ``processServiceImport``.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING

from optimizer.graph.build import IMPORTED_BY_SERVER
from optimizer.graph.edges import edges_of
from optimizer.graph.resolve import State
from optimizer.graph.transform import image, is_turned_round, mapped, preimage
from optimizer.subjects.subject import Subject

if TYPE_CHECKING:
    from collections.abc import Iterator

    import networkx as nx

    from optimizer.graph.edges import Edge
    from optimizer.hierarchy import Hierarchy

_LARGEST = 5000
"""States one search may pass; services that lead to services in many ways are cut short there, and it is said."""


@dataclass(frozen=True, slots=True)
class Step:
    """One step of a message's way.

    Parameters
    ----------
    by
        ``publish``, ``mapping``, ``stream``, ``service`` or ``server`` (an import that the server makes by itself).
    account
        Where the message is after it.
    subject
        What it is called there.
    """

    by: str
    account: str
    subject: str


@dataclass(frozen=True, slots=True)
class Arrival:
    """An account and a subject under which the message arrives there, for whoever subscribes to it.

    Parameters
    ----------
    subject
        Literal; a pattern where what it is called cannot be known.
    certain
        Whether it arrives every time, at a subscription to just this subject.
    why
        Why it is not certain.
    way
        From the publisher to here.
    """

    account: str
    subject: str
    certain: bool
    why: str
    way: tuple[Step, ...]


@dataclass(frozen=True, slots=True)
class Reach:
    """Everywhere that a message can arrive.

    Parameters
    ----------
    arrivals
        By account and subject, once each.
    unknown
        What keeps the list from being complete; empty where it is.
    """

    account: str
    subject: str
    arrivals: tuple[Arrival, ...]
    unknown: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class _Place:
    """A message on its way: ``passed`` are the service exports it came by, none of which it may take again."""

    account: str
    subject: str
    way: tuple[Step, ...]
    passed: frozenset[tuple[str, str]]
    why: str


def reach(graph: nx.MultiDiGraph[str], hierarchy: Hierarchy, account: str, subject: str) -> Reach:
    """Every account that a message published on ``subject`` by a client of ``account`` can arrive at.

    Parameters
    ----------
    graph
        From `optimizer.graph.build`.
    hierarchy
        What it was built from.
    subject
        A literal one.

    Raises
    ------
    ValueError
        For what no client can publish on.
    """
    if not Subject(subject).is_valid or Subject(subject).has_wildcard:
        raise ValueError(f"`{subject}` is no subject a message is published on")
    return _Search(graph, hierarchy).from_client(account, subject)


class _Search:
    def __init__(self, graph: nx.MultiDiGraph[str], hierarchy: Hierarchy) -> None:
        self._graph = graph
        self._hierarchy = hierarchy
        self._streams: dict[str, list[Edge]] = defaultdict(list)
        self._services: dict[str, list[Edge]] = defaultdict(list)
        for edge in edges_of(graph):
            if edge.state in (State.WORKS, State.UNKNOWN):
                if edge.kind == "stream":
                    self._streams[edge.exporter].append(edge)
                elif edge.kind == "service":
                    self._services[edge.importer].append(edge)
        self._system = hierarchy.system_account
        self._arrivals: dict[tuple[str, str], Arrival] = {}
        self._unknown: dict[str, None] = {}

    def from_client(self, account: str, subject: str) -> Reach:
        refusal = self._graph.nodes[account]["refusal"] if account in self._graph else "it is not in the source"
        if refusal:
            self._unknown[f"the server does not load the account: {refusal}"] = None
            return Reach(account, subject, (), tuple(self._unknown))
        start = _Place(account, subject, (Step("publish", account, subject),), frozenset(), "")
        todo = list(self._entered(start))
        for place in todo:
            for edge in self._streams.get(place.account, ()):
                self._taken(place, edge)
            self._taken_elsewhere(place)
        seen: dict[tuple[str, str, bool], list[frozenset[tuple[str, str]]]] = defaultdict(list)
        count = 0
        while todo:
            place = todo.pop(0)
            before = seen[place.account, place.subject, not place.why]
            if any(passed <= place.passed for passed in before):
                continue
            before.append(place.passed)
            count += 1
            if count > _LARGEST:
                self._unknown["services lead on to services in more ways than were followed"] = None
                break
            self._arrived(place)
            for following in self._requested(place):
                todo += self._entered(following)
        found = tuple(self._arrivals[key] for key in sorted(self._arrivals))
        return Reach(account, subject, found, tuple(self._unknown))

    def _entered(self, place: _Place) -> Iterator[_Place]:
        """What the mappings of the account that a message enters make of it."""
        owner = self._hierarchy.accounts.get(place.account)  # type: ignore[call-overload]  # a key like any other
        if owner is None:
            yield place
            return
        for each in mapped(owner.claims, place.subject):
            if each.subject is None:
                if "worked out" in each.why:
                    self._unknown[f"in {owner.claims.name}: {each.why}"] = None
                continue
            changed = each.subject != place.subject
            way = (*place.way, Step("mapping", place.account, each.subject)) if changed else place.way
            yield _Place(place.account, each.subject, way, place.passed, place.why or each.why)

    def _arrived(self, place: _Place) -> None:
        self._note(Arrival(place.account, place.subject, not place.why, place.why, place.way))

    def _taken(self, place: _Place, edge: Edge) -> None:
        """A stream import of an account that takes the message: it stays there, mappings do not see it."""
        subject = Subject(place.subject)
        if not Subject(edge.remote).admits(subject):
            return
        local = image(edge.remote, edge.local, subject)
        why = place.why or (edge.reason if edge.state is State.UNKNOWN else "")
        if local is None or not is_turned_round(edge.remote, edge.local):
            why = why or f"`{edge.local}` renames in a way that the server does not turn round"
            local = edge.within.text
        self._note(Arrival(edge.importer, local, not why, why, (*place.way, Step("stream", edge.importer, local))))

    def _taken_elsewhere(self, place: _Place) -> None:
        """Stream exports that an account may import of which the source knows nothing."""
        owner = self._hierarchy.accounts.get(place.account)  # type: ignore[call-overload]  # a key like any other
        if owner is None or self._hierarchy.coverage.accounts:
            return
        for export in owner.claims.exports:
            if export.type == "stream" and Subject(export.subject).admits(Subject(place.subject)):
                self._unknown[f"accounts that are not in the source may import the stream `{export.subject}`"] = None

    def _requested(self, place: _Place) -> Iterator[_Place]:
        """The accounts that the message goes on to as a request."""
        subject = Subject(place.subject)
        for edge in self._services.get(place.account, ()):
            if not edge.within.admits(subject):
                continue
            # Of several exports any may have been passed: only one that stands alone is known to stop a second round.
            alone = len(edge.exports) == 1
            exporting = {(edge.exporter, edge.exports[0].subject)} if alone else set()
            if alone and exporting <= place.passed:
                continue
            remote = preimage(edge.remote, edge.local, subject)
            why = place.why or (edge.reason if edge.state is State.UNKNOWN else "")
            if not alone and any((edge.exporter, export.subject) in place.passed for export in edge.exports):
                why = why or "the server takes any of several exports, and none twice"
            if remote is None:
                self._unknown[f"the import of `{edge.remote}` as `{edge.local}` cannot be turned round"] = None
                continue
            way = (*place.way, Step("service", edge.exporter, remote))
            yield _Place(edge.exporter, remote, way, place.passed | exporting, why)
        if self._system and place.account != self._system:
            for remote, local in IMPORTED_BY_SERVER:
                if place.subject == remote.format(place.account):
                    to = local.format(place.account)
                    way = (*place.way, Step("server", self._system, to))
                    why = "the server makes this import by itself"
                    yield _Place(self._system, to, way, place.passed | {(self._system, to)}, why)

    def _note(self, arrival: Arrival) -> None:
        before = self._arrivals.get((arrival.account, arrival.subject))
        if before is None or (arrival.certain and not before.certain):
            self._arrivals[arrival.account, arrival.subject] = arrival
