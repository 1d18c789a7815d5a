"""Small hierarchies for tests, written so that they read: real tokens, signed in memory, decoded like any other.

>>> from tests.builders import Account, Role, User, defaults_of, role_of, store, user_of
>>> acme = store(Account("ACME", users=[User("app", pub={"allow": ["orders.us", "orders.>"]})]))
>>> target = user_of(acme, "ACME/app")
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from optimizer.claims.decode import decode
from optimizer.claims.model import AccountClaims, OperatorClaims, UserClaims
from optimizer.claims.token import parse_token
from optimizer.claims.verify import account_issues, operator_issues, user_issues
from optimizer.edits import EditEntries, ListName, Target, TargetKind
from optimizer.hierarchy import Hierarchy, Signed
from optimizer.settings import Server, Settings
from tests import signing

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

NOW = 1_795_000_000
OPERATOR = signing.operator("builders")


@dataclass(frozen=True)
class Role:
    """A scoped signing key; ``template`` holds permission lists and limits."""

    name: str
    template: Mapping[str, Any] = field(default_factory=dict)

    def key(self, account: str) -> signing.Key:
        return signing.account(f"{account} role {self.name}")


@dataclass(frozen=True)
class User:
    """A user, by the account's own key or by a role's."""

    name: str
    role: str | None = None
    pub: Mapping[str, Any] | None = None
    sub: Mapping[str, Any] | None = None
    resp: Mapping[str, Any] | None = None
    nats: Mapping[str, Any] = field(default_factory=dict)
    head: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Account:
    """An account with its users; ``nats`` holds more members of its claims."""

    name: str
    users: Sequence[User] = ()
    roles: Sequence[Role] = ()
    defaults: Mapping[str, Any] = field(default_factory=dict)
    nats: Mapping[str, Any] = field(default_factory=dict)
    head: Mapping[str, Any] = field(default_factory=dict)

    @property
    def key(self) -> signing.Key:
        return signing.account(self.name)


def store(*accounts: Account, issues: bool = True) -> Hierarchy:
    """All accounts under one operator, read as a store is."""
    operator = _signed(signing.operator_claims(OPERATOR), OPERATOR, OperatorClaims)
    operator = replace(operator, issues=operator_issues(operator.token, operator.claims, NOW))
    read_accounts, users = {}, {}
    for account in accounts:
        signed = _signed(_account_claims(account), OPERATOR, AccountClaims, account.name)
        if issues:
            found = account_issues(signed.token, signed.claims, operator.claims, NOW)
            signed = replace(signed, issues=found)
        read_accounts[signed.claims.sub] = signed
        for user in account.users:
            one = _user(account, user)
            if issues:
                one = replace(one, issues=user_issues(one.token, one.claims, signed.claims, NOW))
            users[one.claims.sub, one.claims.account] = one
    return Hierarchy(operator=operator, accounts=read_accounts, users=users, store="nsc:test")


def settings(**given: Any) -> Settings:
    return Settings(now=NOW, **given)


CURRENT_ONLY = {"servers": (Server.CURRENT,)}


def user_of(hierarchy: Hierarchy, path: str) -> Target:
    account, name = path.split("/")
    return next(
        Target(TargetKind.USER.value, owner, user=key)
        for (key, owner), user in hierarchy.users.items()
        if (user.claims.name, hierarchy.accounts[owner].claims.name) == (name, account)
    )


def role_of(hierarchy: Hierarchy, path: str) -> Target:
    account, name = path.split("/")
    return Target(TargetKind.SCOPE.value, _account_key(hierarchy, account), key=Role(name).key(account).public)


def defaults_of(hierarchy: Hierarchy, account: str) -> Target:
    return Target(TargetKind.DEFAULTS.value, _account_key(hierarchy, account))


def removing(target: Target, name: str, *entries: str, add: Sequence[str] = ()) -> EditEntries:
    return EditEntries(target, ListName(name), entries, tuple(add))


def _account_key(hierarchy: Hierarchy, name: str) -> Any:
    return next(key for key, signed in hierarchy.accounts.items() if signed.claims.name == name)


def _account_claims(account: Account) -> dict[str, Any]:
    keys = [signing.scope(role.key(account.name), role.name, **role.template) for role in account.roles]
    nats = {"default_permissions": {"pub": {}, "sub": {}, **account.defaults}, **account.nats}
    if keys:
        nats["signing_keys"] = [*keys, *nats.get("signing_keys", ())]
    return {**signing.account_claims(account.key, account.name, **nats), **account.head}


def _user(account: Account, user: User) -> Signed[UserClaims]:
    key = signing.user(f"{account.name} {user.name}")
    given = {"pub": user.pub, "sub": user.sub, "resp": user.resp}
    nats = {name: value for name, value in given.items() if value is not None} | dict(user.nats)
    if user.role is None:
        claims, issuer = signing.user_claims(key, None, user.name, **nats), account.key
    else:
        claims = signing.scoped_user_claims(key, account.key, user.name, **nats)
        issuer = Role(user.role).key(account.name)
    return _signed({**claims, **user.head}, issuer, UserClaims, user.name)


def _signed(claims: dict[str, Any], key: signing.Key, kind: type, name: str = "") -> Signed[Any]:
    token = parse_token(signing.sign(json.loads(json.dumps(claims)), key))
    decoded = decode(token)
    assert isinstance(decoded, kind)
    return Signed(decoded, token, origin=f"test:{name or 'operator'}", store_name=name)
