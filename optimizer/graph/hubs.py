"""Services of several exporters behind one account that every consumer imports once.

Only services cross a hub: a message that a stream import brings is not exported again. A hub that does not widen is
larger than what it replaces unless every consumer imports all that it offers (measured: 101 to 125 per cent).
Private exports are left out: at a hub the exporter's activations, revocations and account token positions end.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, replace
from functools import lru_cache, partial
from typing import TYPE_CHECKING

from optimizer.claims.model import Export
from optimizer.graph.cycles import Cycles, Link, Links
from optimizer.graph.dense import Dense, Price, dense_groups
from optimizer.graph.edges import overlapping
from optimizer.graph.exports import Exports
from optimizer.graph.resolve import Route, State
from optimizer.graph.suggestion import (
    NEW,
    NEW_KEY,
    AccountBytes,
    Change,
    Gained,
    Kind,
    Lost,
    Push,
    Suggestion,
    import_of,
    new_account,
    priced,
    reordered,
    size_of,
)
from optimizer.subjects.subject import Subject

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from optimizer.claims.model import AccountClaims, Import
    from optimizer.graph.edges import Edge
    from optimizer.hierarchy import Hierarchy

_WIDENED = 0.75
"""Each consumer of a hub that widens imports at least this part of what it offers."""
_PREFIXES = 10
"""Hubs that one consumer may have by prefixes of their own, about."""


@dataclass(frozen=True, slots=True)
class Service:
    """One service as consumers name it."""

    exporter: str
    remote: str
    local: str


@dataclass(frozen=True, slots=True)
class Hub:
    """A group of consumers and services, with how the hub names them.

    Parameters
    ----------
    prefix
        What comes before each name, where the names have no wildcard of their own in common; else empty.
    wildcard
        The one export of the hub, and the one import of each consumer.
    """

    consumers: tuple[str, ...]
    services: tuple[Service, ...]
    edges: tuple[Edge, ...]
    prefix: str
    wildcard: str
    response_type: str
    response_threshold: int = 0

    def named(self, service: Service) -> str:
        """What the service is called in the hub and by the consumers."""
        return f"{self.prefix}{service.local}"

    @property
    def opens(self) -> int:
        """How many services consumers gain that they did not import."""
        return len(self.consumers) * len(self.services) - len(self.edges)

    def claims(self) -> AccountClaims:
        """The account that is to be made."""
        like = self.edges[0].claims
        mine = [import_of("service", each.exporter, each.remote, self.named(each), like) for each in self.services]
        return new_account("hub", mine, [self.export()])

    def export(self) -> Export:
        """What the hub exports."""
        return _export(self.wildcard, self.response_type).replaced(response_threshold=self.response_threshold)

    def import_of(self, key: str) -> Import:
        """The one import of every consumer, from the hub's key."""
        return import_of("service", key, self.wildcard, self.wildcard, self.edges[0].claims)

    def estimate(self) -> int:
        """Bytes saved, but for the rounding of base64 in each token."""
        return (
            sum(edge.token_bytes for edge in self.edges)
            - len(self.consumers) * _import_size(self.wildcard)
            - size_of(self.claims())
        )


def hubs(edges: Sequence[Edge], hierarchy: Hierarchy) -> tuple[list[Hub], int]:
    """Hubs that may pay, the most promising first, at least one if there is any; and how many groups were looked at."""
    classes: dict[tuple[str, int, bool, bool], list[Edge]] = defaultdict(list)
    for edge in edges:
        if is_shareable(edge):
            export = edge.exports[0]
            answers = (export.response_type or "Singleton", export.response_threshold)
            classes[*answers, edge.claims.share, edge.claims.allow_trace].append(edge)
    around = _Around(edges, hierarchy)
    found: dict[tuple[object, ...], Hub] = {}
    looked = 0
    for (response, threshold, _, _), members in sorted(classes.items()):
        table = _Table(members)
        for filled in (1.0, _WIDENED):
            groups = dense_groups(table.rows, table.price, filled=filled)
            looked += len(groups)
            for group in groups:
                hub = around.fitted(*table.group(group), response)
                if hub is not None:
                    hub = replace(hub, response_threshold=threshold)
                    found.setdefault((hub.consumers, hub.services, response, threshold), hub)
    return sorted(found.values(), key=lambda hub: (-hub.estimate(), hub.opens, hub.consumers)), looked


def is_shareable(edge: Edge) -> bool:
    """Whether a hub could stand between: a working import of a public service."""
    return (
        edge.kind == "service"
        and edge.state is State.WORKS
        and edge.importer != edge.exporter
        and len(edge.exports) == 1
        and not edge.exports[0].token_req
        and not edge.exports[0].account_token_position
        and not edge.claims.token
        and (edge.local == edge.remote or not Subject(edge.remote).has_wildcard)
        and not edge.local.startswith(("$", "_"))
    )


class _Table:
    """Consumers by services, as numbers."""

    def __init__(self, edges: Sequence[Edge]) -> None:
        services: dict[Service, int] = {}
        consumers: dict[str, int] = {}
        self.rows: list[dict[int, int]] = []
        self._edges: dict[tuple[int, int], Edge] = {}
        for edge in edges:
            service = services.setdefault(Service(edge.exporter, edge.remote, edge.local), len(services))
            row = consumers.setdefault(edge.importer, len(consumers))
            if row == len(self.rows):
                self.rows.append({})
            self.rows[row][service] = edge.token_bytes
            self._edges[row, service] = edge
        self._services, self._consumers = list(services), list(consumers)
        usual = sum(edge.token_bytes for edge in edges) // len(edges)
        empty = size_of(new_account("hub", (), (_export("hub.>", ""),)))
        self.price = Price(group=empty, row=_import_size("hub.>"), column=usual)

    def group(self, group: Dense) -> tuple[list[str], list[Service], list[Edge]]:
        """What the numbers stand for."""
        cells = [
            self._edges[row, column] for row in group.rows for column in group.columns if (row, column) in self._edges
        ]
        return [self._consumers[row] for row in group.rows], [self._services[c] for c in group.columns], cells


class _Around:
    """What stands around a group: other imports that a hub must not meet, and ways back to it."""

    def __init__(self, edges: Sequence[Edge], hierarchy: Hierarchy) -> None:
        self._hierarchy = hierarchy
        self._by_importer: dict[str, list[Edge]] = defaultdict(list)
        for edge in edges:
            if edge.kind == "service" and edge.state in (State.WORKS, State.UNKNOWN):
                self._by_importer[edge.importer].append(edge)

    def fitted(
        self, consumers: Sequence[str], services: Sequence[Service], edges: Sequence[Edge], response: str
    ) -> Hub | None:
        """The group as a hub, without what would loop or answer twice; None where no two of either are left."""
        kept = self._apart(services)
        providers = {service.exporter for service in kept}
        # Server: checkServiceImportsForCycles: a provider that imports the hub's wildcard closes a cycle.
        rows = [consumer for consumer in consumers if consumer not in providers]
        hub = self._named(rows, kept, edges, response)
        if hub is None:
            return None
        looping = self._looping(hub)
        return hub if not looping else self._named(rows, [s for s in kept if s not in looping], edges, response)

    def _apart(self, services: Sequence[Service]) -> list[Service]:
        """Services no two of which share a name in the hub: there every one would answer."""
        rivals = {other for _, other in overlapping([Subject(service.local) for service in services])}
        return [service for index, service in enumerate(services) if index not in rivals]

    def _named(
        self, consumers: Sequence[str], services: Sequence[Service], edges: Sequence[Edge], response: str
    ) -> Hub | None:
        wanted = set(services)
        cells = [
            edge
            for edge in edges
            if edge.importer in consumers and Service(edge.exporter, edge.remote, edge.local) in wanted
        ]
        wild = least_wildcard([service.local for service in services]) if len(services) > 1 else None
        if wild is None or len(consumers) < 2 or len({service.exporter for service in services}) < 2:  # noqa: PLR2004
            return None
        if wild[0] in "*>" or self._is_met(Subject(wild), consumers, cells):
            firsts = {edge.within.tokens[0] for consumer in consumers for edge in self._by_importer[consumer]}
            name = next(name for number in range(1000) if (name := f"hub{number or ''}") not in firsts)
            return Hub(tuple(consumers), tuple(services), tuple(cells), f"{name}.", f"{name}.>", response)
        return Hub(tuple(consumers), tuple(services), tuple(cells), "", wild, response)

    def _is_met(self, wild: Subject, consumers: Sequence[str], cells: Sequence[Edge]) -> bool:
        """Whether some consumer has another service under a name that the wildcard would take as well."""
        going = {(edge.importer, edge.place) for edge in cells}
        return any(
            edge.within.overlaps(wild)
            for consumer in consumers
            for edge in self._by_importer[consumer]
            if (consumer, edge.place) not in going
        )

    def _looping(self, hub: Hub) -> set[Service]:
        """The services by whose exporter a request would come back to the hub, or by which the server may think so."""
        after = _After(self._by_importer, hub)
        cycles = Cycles(after, _Known(self._hierarchy, hub))
        looping = {
            service
            for service in hub.services
            if cycles.suspicion(NEW, service.exporter, "service", Route(service.remote, hub.named(service)))
        }
        taken = Route(hub.wildcard, hub.wildcard)
        if any(cycles.suspicion(consumer, NEW, "service", taken) for consumer in hub.consumers):
            # The search passes what exporters import in turn; without those services there is nothing to pass.
            looping.update(service for service in hub.services if _leads_on(after, service))
        return looping


def _leads_on(links: Mapping[str, Links], service: Service) -> bool:
    """Whether the exporter has the service, or part of it, from somebody else."""
    mine = links.get(service.exporter)
    return mine is not None and any(True for _ in mine.colliding("service", Subject(service.remote)))


class _After(dict[str, Links]):
    """The imports that the search for cycles would find with the hub in place, made as they are asked for."""

    def __init__(self, before: Mapping[str, Sequence[Edge]], hub: Hub) -> None:
        super().__init__()
        self._before = before
        self._going = {(edge.importer, edge.place) for edge in hub.edges}
        self._consumers = frozenset(hub.consumers)
        self._wildcard = hub.wildcard
        mine = [Link(each.exporter, "service", Route(each.remote, hub.named(each))) for each in hub.services]
        self[NEW] = Links(lambda: mine)

    def get(self, account: str, default: Links | None = None) -> Links | None:  # type: ignore[override]
        del default
        if account not in self:
            links = [
                Link(edge.exporter, "service", Route(edge.remote, edge.local))
                for edge in self._before.get(account, ())
                if (account, edge.place) not in self._going
            ]
            if account in self._consumers:
                links.append(Link(NEW, "service", Route(self._wildcard, self._wildcard)))
            self[account] = Links(partial(tuple, links))
        return self[account]


class _Known(dict[str, Exports]):
    """The exports of every account that is known, the hub among them."""

    def __init__(self, hierarchy: Hierarchy, hub: Hub) -> None:
        super().__init__()
        self._accounts = hierarchy.accounts
        self[NEW] = Exports([hub.export()])

    def __contains__(self, account: object) -> bool:
        return account == NEW or account in self._accounts

    def get(self, account: str, default: Exports | None = None) -> Exports | None:  # type: ignore[override]
        known = self._accounts.get(account)  # type: ignore[call-overload]  # a key like any other
        if account != NEW and known is not None:
            return Exports(known.claims.exports)
        return super().get(account, default)


def prefixed(hub: Hub) -> tuple[Hub, ...]:
    """The hub by other prefixes, where it has one: two hubs of one consumer must not share theirs."""
    names = [f"hub{number}" for number in range(2, _PREFIXES)] if hub.prefix else []
    return tuple(replace(hub, prefix=f"{name}.", wildcard=f"{name}.>") for name in names)


def least_wildcard(subjects: Sequence[str]) -> str:
    """The least pattern that holds all of several subjects.

    Examples
    --------
    >>> least_wildcard(["svc.a.get", "svc.b.get"]), least_wildcard(["svc.a", "svc.b.c"]), least_wildcard(["a", "b"])
    ('svc.*.get', 'svc.>', '*')
    """
    rows = [subject.split(".") for subject in subjects]
    wild = any(row[-1] == ">" for row in rows) or len({len(row) for row in rows}) > 1
    depth = min(len(row) for row in rows) - (1 if wild else 0)
    tokens = [
        column[0] if len(set(column)) == 1 else "*" for column in zip(*(row[:depth] for row in rows), strict=True)
    ]
    return ".".join([*tokens, *([">"] if wild else [])])


def suggested(hub: Hub, hierarchy: Hierarchy) -> Suggestion:
    """The hub with its price: its own token is one of those that come."""
    made = hub.claims()
    accounts = [AccountBytes(NEW, 0, size_of(made))]
    changes = [Change(NEW, imports=made.imports, exports=made.exports)]
    lost = list(_lost(hub))
    dropped: dict[str, list[Edge]] = defaultdict(list)
    for edge in hub.edges:
        dropped[edge.importer].append(edge)
    written = hub.import_of(made.sub)
    for consumer in hub.consumers:
        account = hierarchy.accounts[consumer]  # type: ignore[index]  # a key like any other
        gone = {edge.place for edge in dropped[consumer]}
        accounts.append(priced(account, gone, [written]))
        lost += reordered(account, gone, [written])
        changes.append(Change(consumer, tuple(dropped[consumer]), (written,)))
    providers = tuple(sorted({service.exporter for service in hub.services}))
    return Suggestion(
        kind=Kind.HUB,
        members=(*hub.consumers, *providers),
        subject=hub.wildcard,
        edges_before=len(hub.edges),
        edges_after=len(hub.services) + len(hub.consumers),
        accounts=tuple(accounts),
        gained=tuple(_gained(hub)),
        known=(),
        lost=tuple(lost),
        hops=1,
        pushes=tuple(_pushes(hub)),
        changes=tuple(changes),
    )


def _gained(hub: Hub) -> Iterator[Gained]:
    """Each service a consumer did not import, and all of them for whoever becomes a user of the hub."""
    had = {(edge.importer, edge.exporter, edge.remote) for edge in hub.edges}
    for consumer in hub.consumers:
        for service in hub.services:
            if (consumer, service.exporter, service.remote) not in had:
                yield Gained(consumer, service.exporter, "service", service.remote)
    yield Gained(NEW, NEW, "service", hub.wildcard)


def _lost(hub: Hub) -> Iterator[Lost]:
    if hub.prefix:
        yield Lost(
            "names",
            f"clients of the consumers must write `{hub.prefix}` before every name: the names have no common form",
        )
    yield Lost("control", "exporters can shut out the hub as a whole, but no consumer: it stands in all their places")
    yield Lost("secrecy", "users of the hub see requests and replies on its subjects, and can answer")
    yield Lost("replies in flight", "every push of the hub loses the replies in flight through it")
    yield Lost("independence", "where the hub's token expires or is removed, all its consumers are cut off in silence")


def _pushes(hub: Hub) -> Iterator[Push]:
    yield Push(NEW, f"is a new account that imports {len(hub.services)} services and exports `{hub.wildcard}`")
    both = "" if hub.prefix else ", both in one push: with both in place every request is answered twice"
    for consumer in hub.consumers:
        count = sum(edge.importer == consumer for edge in hub.edges)
        yield Push(consumer, f"imports `{hub.wildcard}` from the hub in place of {count} services{both}")


def _export(subject: str, response_type: str) -> Export:
    return Export(name=subject, subject=subject, type="service", response_type=response_type or "Singleton")


@lru_cache(maxsize=256)
def _import_size(wildcard: str) -> int:
    one = import_of("service", NEW_KEY, wildcard, wildcard)
    return size_of(new_account("hub", (one, one), ())) - size_of(new_account("hub", (one,), ()))
