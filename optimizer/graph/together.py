"""Whether suggestions leave every import working: each by itself, and all that are taken together.

A wildcard takes more than its parts did, so it may lead back to where it came from, and two wildcards may share
subjects where their parts shared none.
"""

from __future__ import annotations

from collections import ChainMap, defaultdict
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from optimizer.graph.build import IMPORTED_BY_SERVER, UNNAMED_SYSTEM
from optimizer.graph.cycles import Cycles, Link, Links
from optimizer.graph.exports import Exports
from optimizer.graph.hubs import Hub
from optimizer.graph.resolve import Route, State, without_places
from optimizer.subjects.subject import Subject

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from optimizer.claims.model import AccountClaims
    from optimizer.graph.bundles import Bundle
    from optimizer.graph.edges import Edge
    from optimizer.hierarchy import Hierarchy, Signed

_MOST = 500
"""Imports that may come by a new one and are looked at; beyond them a suggestion is not made."""


@dataclass(frozen=True, slots=True)
class _Import:
    """An import as it is or would be; ``place`` is -1 for a new one."""

    importer: str
    exporter: str
    kind: str
    path: Route
    place: int = -1

    @property
    def within(self) -> Subject:
        """The importer's subjects."""
        return Subject(without_places(self.path.local) if self.path.has_wildcard else self.path.local)


class Together:
    """The imports of a graph, and what becomes of them as suggestions are taken."""

    def __init__(self, edges: Sequence[Edge], hierarchy: Hierarchy) -> None:
        self._accounts = hierarchy.accounts
        self._system = hierarchy.system_account or UNNAMED_SYSTEM
        self._mine: dict[str, list[_Import]] = defaultdict(list)
        self._takers: dict[tuple[str, str], list[_Import]] = defaultdict(list)
        for edge in edges:
            if edge.state in (State.WORKS, State.UNKNOWN):
                one = _Import(edge.importer, edge.exporter, edge.kind, Route(edge.remote, edge.local), edge.place)
                self._mine[one.importer].append(one)
                self._takers[one.exporter, one.kind].append(one)
        self._sure = {(edge.importer, edge.place) for edge in edges if edge.state is State.WORKS}
        self._gone: set[tuple[str, int]] = set()
        self._links = {key: self._linked(key, self._mine[key]) for key in (*hierarchy.accounts, *self._mine)}
        self._exports = _Known(hierarchy)
        self._new: dict[str, list[_Import]] = defaultdict(list)
        self._hubs = 0

    def accepts(self, group: Hub | Bundle) -> bool:
        """Whether its imports, and those that come by them, are let in beside what was taken before."""
        added, going = self._added(group), {(edge.importer, edge.place) for edge in group.edges}
        if any(_meet(one, other) for one in added for other in self._new.get(one.importer, ())):
            return False
        changed: dict[str, Links] = {}
        for account in dict.fromkeys(one.importer for one in added):
            before = [one for one in self._mine.get(account, ()) if (account, one.place) not in going]
            changed[account] = self._linked(account, [*before, *(one for one in added if one.importer == account)])
        exports = ChainMap({self._hub: Exports([group.export()])}, self._exports) if isinstance(group, Hub) else None
        cycles = Cycles(ChainMap(changed, self._links), self._exports if exports is None else exports)
        looked = 0
        for one in added:
            if cycles.suspicion(one.importer, one.exporter, one.kind, one.path):
                return False
            for other in self._coming_by(one):
                looked += 1
                place = (other.importer, other.place)
                if looked > _MOST or (
                    place not in going
                    and (place in self._sure or other.place < 0)
                    and cycles.suspicion(other.importer, other.exporter, other.kind, other.path)
                ):
                    return False
        return True

    def meets(self, hub: Hub) -> bool:
        """Whether a consumer of the hub has another import under a name that the hub's wildcard would take."""
        going = {(edge.importer, edge.place) for edge in hub.edges}
        return any(
            _meet(one, other) and (other.importer, other.place) not in going
            for one in self._added(hub)
            for other in self._mine.get(one.importer, ())
        )

    def takes(self, group: Hub | Bundle) -> bool:
        """The same, and what comes after has to go with it."""
        if not self.accepts(group):
            return False
        added, going = self._added(group), {(edge.importer, edge.place) for edge in group.edges}
        self._gone |= going
        if isinstance(group, Hub):
            self._exports[self._hub] = Exports([group.export()])
            self._hubs += 1
        for account in dict.fromkeys(one.importer for one in added):
            kept = [one for one in self._mine.get(account, ()) if (account, one.place) not in going]
            self._mine[account] = [*kept, *(one for one in added if one.importer == account)]
            self._links[account] = self._linked(account, self._mine[account])
        for one in added:
            self._new[one.importer].append(one)
            self._takers[one.exporter, one.kind].append(one)
        return True

    def passing(self, bundle: Bundle) -> Iterator[tuple[str, Subject | None]]:
        """Accounts whose requests would come by a bundle of services.

        Each with the bundle's subjects that it asks for; None where there are accounts between.
        """
        for one in self._added(bundle):
            for other in self._coming_by(one) if one.kind == "service" else ():
                is_next = other.exporter == one.importer
                if not is_next or other.path.source.overlaps(one.within):
                    yield other.importer, other.path.source if is_next else None

    @property
    def _hub(self) -> str:
        return f"(hub {self._hubs})"

    def _added(self, group: Hub | Bundle) -> list[_Import]:
        if isinstance(group, Hub):
            taken = Route(group.wildcard, group.wildcard)
            inner = [Route(each.remote, group.named(each)) for each in group.services]
            return [
                *(
                    _Import(self._hub, each.exporter, "service", path)
                    for each, path in zip(group.services, inner, strict=True)
                ),
                *(_Import(consumer, self._hub, "service", taken) for consumer in group.consumers),
            ]
        first = group.edges[0]
        return [_Import(first.importer, first.exporter, first.kind, Route(group.remote, group.local))]

    def _coming_by(self, one: _Import) -> Iterator[_Import]:
        """Imports whose search for cycles may come by this one: of the importer's subjects by others, and so on.

        Server: ``checkServiceImportsForCycles`` begins in the exporter with the importer's own name for the subject,
        and follows imports by the exporter's.
        """
        seen: set[tuple[str, str]] = set()
        todo: list[tuple[str, tuple[Subject, ...]]] = [(one.importer, (one.within, one.path.source))]
        while todo:
            account, subjects = todo.pop()
            for other in self._takers.get((account, one.kind), ()):
                if (other.importer, other.place) in self._gone:
                    continue
                names = (other.within, other.path.source)
                if not any(name.overlaps(subject) for name in names for subject in subjects):
                    continue
                yield other
                state = (other.importer, f"{other.path.local} {other.path.remote}")
                if state not in seen:
                    seen.add(state)
                    todo.append((other.importer, names))

    def _linked(self, account: str, imports: Sequence[_Import]) -> Links:
        return Links(partial(self._followed, account, imports))

    def _followed(self, account: str, imports: Sequence[_Import]) -> Iterator[Link]:
        for one in imports:
            yield Link(one.exporter, one.kind, one.path)
        if account in self._accounts and account != self._system:
            for local, remote in IMPORTED_BY_SERVER:
                yield Link(self._system, "service", Route(remote.format(account), local))


def _meet(one: _Import, other: _Import) -> bool:
    """Whether two imports of one account share subjects: rivals for a request, or messages that arrive twice."""
    if one.kind != other.kind:
        return False
    return one.within.overlaps(other.within) or (
        one.exporter == other.exporter and one.path.source.overlaps(other.path.source)
    )


class _Known(dict[str, Exports]):
    """The exports of every account, made as they are asked for, and those of hubs."""

    def __init__(self, hierarchy: Hierarchy) -> None:
        super().__init__()
        self._accounts: Mapping[str, Signed[AccountClaims]] = {str(key): one for key, one in hierarchy.accounts.items()}

    def __contains__(self, account: object) -> bool:
        return account in self._accounts or super().__contains__(account)

    def __missing__(self, account: str) -> Exports:
        self[account] = Exports(self._accounts[account].claims.exports)
        return self[account]

    def get(self, account: str, default: Exports | None = None) -> Exports | None:  # type: ignore[override]
        if account not in self:
            return default
        return self[account]
