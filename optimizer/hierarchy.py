"""Operator, accounts and users as read, with what was skipped and what may be concluded from absence."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field, replace
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from optimizer.claims.model import AccountClaims, OperatorClaims, UserClaims

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from optimizer.claims.keys import AccountKey, UserKey
    from optimizer.claims.token import Token
    from optimizer.claims.verify import Issue

C = TypeVar("C", OperatorClaims, AccountClaims, UserClaims)


@dataclass(frozen=True, slots=True)
class Signed(Generic[C]):
    """Claims together with the token they came from.

    Parameters
    ----------
    origin
        Where it was read: a path relative to the source, or a description. Never trusted in a shell or a path.
    store_name
        The name nsc files it under (its directory or file name), or empty where the source is no nsc store.
    """

    claims: C
    token: Token
    origin: str
    issues: tuple[Issue, ...] = ()
    store_name: str = ""


@dataclass(frozen=True, slots=True)
class Skipped:
    """Something that was not read, and why."""

    origin: str
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Coverage:
    """What may be concluded from absence. Each is False unless a person states it."""

    users: bool = False
    accounts: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Hierarchy:
    """Everything one operator's source held.

    Parameters
    ----------
    users
        By (user key, account key): one nkey may be a user of several accounts.
    store
        What the source is, for the reader of a report: its kind and path as given.
    managed
        Whether nsc's ``.nsc`` file marks the store as managed, where nsc may push on every edit.
    has_users
        Whether this kind of source can hold user tokens at all (a resolver directory cannot).
    unknowable
        What this kind of source cannot tell, however complete it is: a sentence each, for a report.
    """

    operator: Signed[OperatorClaims] | None = None
    accounts: Mapping[AccountKey, Signed[AccountClaims]] = field(default_factory=dict)
    users: Mapping[tuple[UserKey, AccountKey], Signed[UserClaims]] = field(default_factory=dict)
    skipped: tuple[Skipped, ...] = ()
    coverage: Coverage = field(default_factory=Coverage)
    store: str = ""
    managed: bool = False
    has_users: bool = True
    unknowable: tuple[str, ...] = ()
    _owners: list[Any] = field(default_factory=list, repr=False, compare=False)
    """What `users_of` remembers: a mapping of users, and its users by account. Copies of a hierarchy share it."""

    def with_account(self, account: Signed[AccountClaims]) -> Hierarchy:
        """A hierarchy with one account replaced (found by its key)."""
        accounts = {**self.accounts, account.claims.sub: account}
        return replace(self, accounts=MappingProxyType(accounts))

    def with_user(self, user: Signed[UserClaims]) -> Hierarchy:
        """A hierarchy with one user replaced (found by its key and account)."""
        users = {**self.users, (user.claims.sub, user.claims.account): user}
        return replace(self, users=MappingProxyType(users), _owners=[])

    def users_of(self, account: AccountKey) -> Iterable[Signed[UserClaims]]:
        """The users of one account, in the order they were read."""
        if not self._owners or self._owners[0] is not self.users:
            by_account: dict[AccountKey, list[Signed[UserClaims]]] = {}
            for (_, owner), user in self.users.items():
                by_account.setdefault(owner, []).append(user)
            self._owners[:] = self.users, by_account
        users: list[Signed[UserClaims]] = self._owners[1].get(account, [])
        return iter(users)

    def only(self, account: AccountKey) -> Hierarchy:
        """The part of this hierarchy that one account and its users make up, the operator included."""
        users = {(user.claims.sub, account): user for user in self.users_of(account)}
        return self.part({account: self.accounts[account]}, users)

    def part(
        self,
        accounts: Mapping[AccountKey, Signed[AccountClaims]],
        users: Mapping[tuple[UserKey, AccountKey], Signed[UserClaims]],
    ) -> Hierarchy:
        """The same source with these accounts and users alone."""
        return replace(self, accounts=accounts, users=users, _owners=[])

    @property
    def system_account(self) -> str:
        """The key of the system account; empty where no token names one, though a server's configuration may."""
        return "" if self.operator is None else self.operator.claims.system_account

    @property
    def fingerprint(self) -> str:
        """A hash over all tokens; two reads of an unchanged source agree."""
        digest = hashlib.sha256()
        texts = [signed.token.text for signed in self.accounts.values()]
        texts += [signed.token.text for signed in self.users.values()]
        if self.operator is not None:
            texts.append(self.operator.token.text)
        for text in sorted(texts):
            digest.update(text.encode())
            digest.update(b"\n")
        return digest.hexdigest()
