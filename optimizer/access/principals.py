"""Who an edit of a permission block can touch, and what each of them may do."""

from __future__ import annotations

import enum
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import TYPE_CHECKING

from optimizer.access.template import TemplateRefusedError, expanded, has_template
from optimizer.edits import ListName, Target, TargetKind, entries
from optimizer.subjects.permissions import Permissions

if TYPE_CHECKING:
    from optimizer.claims.model import AccountClaims, PermissionLists, Scope, UserClaims, UserLimits
    from optimizer.hierarchy import Hierarchy

_LEAFNODE_TYPES = ("LEAFNODE", "LEAFNODE_WS")
"""Server: ``ConnectionTypeLeafnode`` and ``ConnectionTypeLeafnodeWS`` of the jwt library."""


class Leafnode(enum.Enum):
    """Whether a token may also be used by a leafnode. Server: ``connectionTypeAllowed``."""

    NEVER = "never"
    POSSIBLE = "possible"
    """The token does not say: any kind of connection is allowed."""
    NAMED = "named"
    """The token names the connection type."""


@dataclass(frozen=True, slots=True)
class Principal:
    """Somebody who connects: one known user, or any user a block speaks for.

    Parameters
    ----------
    name
        For a person to read; names in it come from tokens.
    """

    name: str
    permissions: Permissions
    leafnode: Leafnode


@dataclass(frozen=True, slots=True)
class Principals:
    """Everybody an edit of one permission block can touch.

    Parameters
    ----------
    known
        In a fixed order, the same before and after an edit.
    complete
        Whether nobody else can be touched.
    why
        Why not, or empty.
    leafnode
        What the block says of those who are not known.
    """

    known: tuple[Principal, ...]
    complete: bool
    why: str = ""
    leafnode: Leafnode = Leafnode.POSSIBLE


def blocks(hierarchy: Hierarchy, account: AccountClaims) -> tuple[tuple[Target, PermissionLists], ...]:
    """Every permission block of an account and of its users: defaults, scopes by role, then users by name."""
    found = account_blocks(account)
    users = sorted((user.claims for user in hierarchy.users_of(account.sub)), key=lambda user: (user.name, user.sub))
    return found + tuple(
        (Target(TargetKind.USER.value, account.sub, user=user.sub), user.permissions) for user in users
    )


def account_blocks(account: AccountClaims) -> tuple[tuple[Target, PermissionLists], ...]:
    """The permission blocks inside an account's own token."""
    scopes = {key.key: key.scope for key in account.signing_keys}  # of copies of a key the last counts
    return (
        (Target(TargetKind.DEFAULTS.value, account.sub), account.default_permissions),
        *(
            (Target(TargetKind.SCOPE.value, account.sub, key=key), scope.permissions)
            for _, key, scope in sorted((scope.role, key, scope) for key, scope in scopes.items() if scope is not None)
        ),
    )


def is_templated(lists: PermissionLists) -> bool:
    """Whether a scope's block holds ``{{...}}`` anywhere."""
    return any(has_template(entries(lists, name)) for name in ListName)


def scope_of(account: AccountClaims, issuer: str) -> Scope | None:
    """The scope of the key that issued a user, or None where its own lists count."""
    key = account.signing_key(issuer)
    return None if key is None else key.scope


def principals(hierarchy: Hierarchy, target: Target, *, templated: bool = False) -> Principals:
    """Who an edit of ``target`` can touch, with the permissions each has in this hierarchy.

    Parameters
    ----------
    templated
        Compare a scope user by user: its template, before or after the edit, differs from user to user.

    Notes
    -----
    Server: ``isClientAuthorized`` and ``buildInternalNkeyUser``.
    """
    if target.account not in hierarchy.accounts:
        return Principals((), complete=False, why="the account is not in this source")
    account = hierarchy.accounts[target.account].claims
    match target.kind:
        case TargetKind.USER:
            assert target.user is not None  # noqa: S101 INVARIANT: a USER target names its user
            user = hierarchy.users[target.user, target.account].claims
            known = (_principal(user, account),)
            if user.iss != account.sub and all(key.key != user.iss for key in account.signing_keys):
                return Principals(known, complete=False, why="its issuer is no signing key of the account")
            return Principals(known, complete=True)
        case TargetKind.DEFAULTS:
            return Principals((_anybody_with_defaults(hierarchy, account),), complete=True)
        case TargetKind.SCOPE:
            scope = scope_of(account, target.key or "")
            if scope is None:
                return Principals((), complete=False, why="the signing key has no scope")
            if not templated:
                return Principals((_anybody_in(scope, account),), complete=True)
            users = sorted(
                (user.claims for user in hierarchy.users_of(account.sub) if user.claims.iss == target.key),
                key=lambda user: user.sub,
            )
            return Principals(
                tuple(_principal(user, account) for user in users),
                complete=False,
                why=f"role `{scope.role}` has templates, which users outside this source may fill differently",
                leafnode=_leafnode(scope.limits),
            )
        case _:
            raise KeyError(target)


def holders(hierarchy: Hierarchy, target: Target) -> tuple[Principal, ...]:
    """The known users behind a block, each by name; where none is known, anybody whom the block speaks for.

    Server: ``isClientAuthorized``: a user's own permissions count, its role's, or the account's defaults, which a role
    without lists leaves its users to (``buildInternalNkeyUser``).
    """
    account = hierarchy.accounts[target.account].claims
    known = sorted(
        (user.claims for user in hierarchy.users_of(target.account) if _is_behind(user.claims, account, target)),
        key=lambda user: (user.name, user.sub),
    )
    if known:
        return tuple(_principal(user, account) for user in known)
    scope = scope_of(account, target.key or "")
    return (_anybody_with_defaults(hierarchy, account) if scope is None else _anybody_in(scope, account),)


def _is_behind(user: UserClaims, account: AccountClaims, target: Target) -> bool:
    match target.kind:
        case TargetKind.USER:
            return user.sub == target.user
        case TargetKind.SCOPE:
            return user.iss == target.key
        case TargetKind.DEFAULTS:
            scope = scope_of(account, user.iss)
            return (user.permissions if scope is None else scope.permissions).is_empty
        case _:
            return False


def account_refusal(account: AccountClaims) -> str | None:
    """Why the server refuses the whole account over an entry of its defaults, or None.

    Server: ``verifyAccountClaims`` in server.go, by ``Permissions.Validate`` of the jwt library.
    """
    return None if account.default_permissions.is_empty else _defaults(account).refusal


def effective(user: UserClaims, account: AccountClaims) -> Permissions:
    """The permissions one user connects with: its own, its role's template filled in, or the account's defaults.

    Notes
    -----
    Server: ``HasEmptyPermissions``, ``processUserPermissionsTemplate``, ``buildInternalNkeyUser``. What the account's
    token says is only checked for malformed entries in its defaults, a scope's template never is.
    """
    scope = scope_of(account, user.iss)
    if scope is None:
        if user.permissions.is_empty:
            return _defaults(account)
        return permissions_of(user.permissions)
    if not user.is_scoped:
        return Permissions(refusal="a user of a scoped signing key must carry no permissions and no limits")
    try:
        return _of_scope(expanded(scope.permissions, user, account), account)
    except TemplateRefusedError as refused:
        return Permissions(refusal=str(refused))


def may_stay(user: UserClaims, account: AccountClaims) -> bool:
    """Whether a connection of this user may have a subscription at all; without any the server closes it at once.

    A user token that says nothing of its subscriptions allows none, and so does such an account; a role allows all,
    and so does a user token of version 1.

    Server: ``client.applyAccountLimits``, ``subsAtLimit``: "maximum subscriptions exceeded".
    """
    scope = scope_of(account, user.iss)
    limits = user.limits if scope is None else scope.limits
    absent = -1 if scope is not None or user.version == 1 else 0
    own = absent if limits.subs is None else limits.subs
    of_account = account.limits.get("subs", 0)
    return all(limit == -1 or limit > 0 for limit in (own, of_account))


def permissions_of(lists: PermissionLists) -> Permissions:
    """A permission block as the kernel takes it; equal blocks are one object, which remembers what it was asked."""
    resp = lists.resp and (lists.resp.max, lists.resp.ttl)
    return _permissions_of(lists.pub.allow, lists.pub.deny, lists.sub.allow, lists.sub.deny, resp)


@lru_cache(maxsize=1 << 12)
def _permissions_of(
    pub_allow: tuple[str, ...] | None,
    pub_deny: tuple[str, ...] | None,
    sub_allow: tuple[str, ...] | None,
    sub_deny: tuple[str, ...] | None,
    resp: tuple[int, int] | None,
) -> Permissions:
    return Permissions.from_claims(
        {
            "pub": {"allow": pub_allow, "deny": pub_deny},
            "sub": {"allow": sub_allow, "deny": sub_deny},
            "resp": resp and {"max": resp[0], "ttl": resp[1]},
        }
    )


def _principal(user: UserClaims, account: AccountClaims) -> Principal:
    scope = scope_of(account, user.iss)
    limits = user.limits if scope is None else scope.limits
    return Principal(f"{account.name}/{user.name}", effective(user, account), _leafnode(limits))


def _anybody_in(scope: Scope, account: AccountClaims) -> Principal:
    return Principal(
        f"any user of role `{scope.role}` in {account.name}",
        _of_scope(scope.permissions, account),
        _leafnode(scope.limits),
    )


def _anybody_with_defaults(hierarchy: Hierarchy, account: AccountClaims) -> Principal:
    # Where a source can hold no users, one of them may be a leafnode for all that is known.
    named = not hierarchy.has_users
    named = (
        named
        or any(
            _leafnode(user.claims.limits) is Leafnode.NAMED
            for user in hierarchy.users_of(account.sub)
            if user.claims.permissions.is_empty and scope_of(account, user.claims.iss) is None
        )
        or any(
            _leafnode(key.scope.limits) is Leafnode.NAMED
            for key in account.signing_keys
            if key.scope is not None and key.scope.permissions.is_empty
        )
    )
    return Principal(
        f"any user of {account.name} without permissions of its own",
        _defaults(account),
        Leafnode.NAMED if named else Leafnode.POSSIBLE,
    )


def _of_scope(lists: PermissionLists, account: AccountClaims) -> Permissions:
    if lists.is_empty:
        return _defaults(account)
    # Server: UserScope.Validate looks at the key only, so a malformed entry is passed over, not refused.
    block = permissions_of(lists)
    return block if block.refusal is None else replace(block, refusal=None)


def _defaults(account: AccountClaims) -> Permissions:
    return permissions_of(account.default_permissions)


def _leafnode(limits: UserLimits) -> Leafnode:
    allowed = limits.allowed_connection_types
    if not allowed:
        return Leafnode.POSSIBLE
    # Server: convertAllowedConnectionTypes takes them in any case.
    return Leafnode.NAMED if any(name.upper() in _LEAFNODE_TYPES for name in allowed) else Leafnode.NEVER
