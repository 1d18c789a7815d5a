"""What a rule sees of a whole account: its token as the rules before left it, its users, and who it shares with."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from optimizer.edits import Target
from optimizer.subjects.once import once
from optimizer.text import printable

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from optimizer.claims.keys import AccountKey
    from optimizer.claims.model import AccountClaims, UserClaims
    from optimizer.edits import TargetKind
    from optimizer.graph.edges import Edge
    from optimizer.hierarchy import Hierarchy, Signed
    from optimizer.settings import Settings


@dataclass(frozen=True)
class Surroundings:
    """All of a store as it was read, and what takes all of it to find out: once a run, and only if a rule asks.

    Parameters
    ----------
    settings
        Of the run: the clock, and what a person stated.
    """

    hierarchy: Hierarchy
    settings: Settings

    def imports_of(self, account: AccountKey) -> tuple[Edge, ...]:
        """What an account imports, each resolved against what the exporter exports."""
        return self._by_importer.get(account, ())

    def imports_from(self, account: AccountKey) -> tuple[Edge, ...]:
        """Who imports what from an account."""
        return self._by_exporter.get(account, ())

    @once
    def _edges(self) -> tuple[Edge, ...]:
        from optimizer.graph.build import build  # noqa: PLC0415 25 ms that only rules about imports and exports pay
        from optimizer.graph.edges import edges_of  # noqa: PLC0415 as above

        return edges_of(build(self.hierarchy, self.settings.now))

    @once
    def _by_importer(self) -> Mapping[str, tuple[Edge, ...]]:
        return _grouped((edge.importer, edge) for edge in self._edges)

    @once
    def _by_exporter(self) -> Mapping[str, tuple[Edge, ...]]:
        return _grouped((edge.exporter, edge) for edge in self._edges)


def _grouped(edges: Iterable[tuple[str, Edge]]) -> Mapping[str, tuple[Edge, ...]]:
    found: dict[str, list[Edge]] = {}
    for account, edge in edges:
        found.setdefault(account, []).append(edge)
    return {account: tuple(these) for account, these in found.items()}


@dataclass(frozen=True)
class AccountView:
    """One account, as a rule looks at it.

    Parameters
    ----------
    account
        Its key.
    part
        The account and its users, with the claims that the proposals taken before leave.
    around
        The store as it was read.
    """

    account: AccountKey
    part: Hierarchy
    around: Surroundings

    @property
    def settings(self) -> Settings:
        """The clock, and what a person stated."""
        return self.around.settings

    @property
    def claims(self) -> AccountClaims:
        """The account's claims."""
        return self.part.accounts[self.account].claims

    @property
    def name(self) -> str:
        """The account's name, fit to be shown."""
        return printable(self.claims.name)

    @once
    def users(self) -> tuple[Signed[UserClaims], ...]:
        """Its known users, by name."""
        return tuple(sorted(self.part.users_of(self.account), key=lambda user: (user.claims.name, user.claims.sub)))

    @once
    def hierarchy(self) -> Hierarchy:
        """The whole store with this account as it is now."""
        return self.around.hierarchy.with_account(self.part.accounts[self.account])

    @property
    def imports(self) -> tuple[Edge, ...]:
        """What it imports, resolved, as it was read."""
        return self.around.imports_of(self.account)

    @property
    def importers(self) -> tuple[Edge, ...]:
        """Who imports what from it, as it was read."""
        return self.around.imports_from(self.account)

    def target(self, kind: TargetKind, key: str | None = None) -> Target:
        """A part of its token."""
        return Target(kind.value, self.account, key=key)
