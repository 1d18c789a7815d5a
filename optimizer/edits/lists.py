"""Edits of subject lists: what should change, and what nsc makes of a hierarchy when it makes the change."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from optimizer.claims.model import PermissionLists, Scope, SubjectLists, UserLimits
from optimizer.edits.targets import ListName, Target, TargetKind

if TYPE_CHECKING:
    from collections.abc import Iterable

    from optimizer.claims.model import AccountClaims
    from optimizer.hierarchy import Hierarchy


@dataclass(frozen=True, slots=True)
class EditEntries:
    """Take entries out of one subject list and put others in.

    Parameters
    ----------
    remove
        Entry texts; each mention takes one copy out of this list, and of this list only.
    add
        Entry texts; one that the list already holds is not added again.

    Notes
    -----
    nsc: ``edit user``, ``edit signing-key`` and ``edit account`` re-sort all four lists of the block each time.
    """

    target: Target
    list: ListName
    remove: tuple[str, ...] = ()
    add: tuple[str, ...] = ()


def permission_lists(hierarchy: Hierarchy, target: Target) -> PermissionLists:
    """The permission block that a target names.

    Raises
    ------
    KeyError
        The hierarchy holds no such target.
    """
    match target.kind:
        case TargetKind.USER:
            assert target.user is not None  # noqa: S101 INVARIANT: a USER target names its user
            return hierarchy.users[target.user, target.account].claims.permissions
        case TargetKind.SCOPE:
            return scope_of(hierarchy.accounts[target.account].claims, target.key).permissions
        case TargetKind.DEFAULTS:
            return hierarchy.accounts[target.account].claims.default_permissions
        case _:
            raise KeyError(target)


def entries(lists: PermissionLists, name: ListName) -> tuple[str, ...] | None:
    """One of the four lists, as read; None where the key is absent."""
    side = lists.pub if name.is_publish else lists.sub
    return side.allow if name.is_allow else side.deny


def edited_entries(edit: EditEntries, hierarchy: Hierarchy) -> Hierarchy:
    """The hierarchy after nsc made this edit.

    Raises
    ------
    KeyError
        The edit names a target the hierarchy does not hold, or an entry the list does not hold.
    """
    return with_lists(hierarchy, edit.target, _edited(permission_lists(hierarchy, edit.target), edit))


def with_lists(hierarchy: Hierarchy, target: Target, lists: PermissionLists) -> Hierarchy:
    """The hierarchy after nsc wrote these lists into a block, and did what it does beside on every such edit.

    nsc: ``UserPermissionLimits.Run`` sorts and lower-cases ``src`` and upper-cases the connection types of the
    user or template it edits; ``GenericClaimsParams.Run`` sorts tags (``edit user`` and ``edit account``).

    Raises
    ------
    KeyError
        The hierarchy holds no such target.
    """
    match target.kind:
        case TargetKind.USER:
            assert target.user is not None  # noqa: S101 INVARIANT: a USER target names its user
            user = hierarchy.users[target.user, target.account]
            claims = replace(
                user.claims,
                permissions=lists,
                limits=_as_nsc_keeps(user.claims.limits),
                tags=_sorted(user.claims.tags),
            )
            return hierarchy.with_user(replace(user, claims=claims))
        case TargetKind.SCOPE:
            account = hierarchy.accounts[target.account]
            scope = scope_of(account.claims, target.key)
            scope = scope.replaced(permissions=lists, limits=_as_nsc_keeps(scope.limits))
            keys = tuple(
                key.replaced(scope=scope) if key.key == target.key and key.scope is not None else key
                for key in account.claims.signing_keys
            )
            return hierarchy.with_account(replace(account, claims=replace(account.claims, signing_keys=keys)))
        case TargetKind.DEFAULTS:
            account = hierarchy.accounts[target.account]
            tags = _sorted(account.claims.tags)
            return hierarchy.with_account(
                replace(account, claims=replace(account.claims, default_permissions=lists, tags=tags))
            )
        case _:
            raise KeyError(target)


def scope_of(claims: AccountClaims, key: str | None) -> Scope:
    """The scope of a signing key.

    Raises
    ------
    KeyError
        The account has no such key, or it has no scope.
    """
    for signing_key in claims.signing_keys:
        if signing_key.key == key and signing_key.scope is not None:
            return signing_key.scope
    raise KeyError(key)


def _edited(block: PermissionLists, edit: EditEntries) -> PermissionLists:
    def after(name: ListName) -> tuple[str, ...] | None:
        texts = entries(block, name)
        if name is edit.list:
            texts = _without(texts or (), edit.remove)
            texts += tuple(text for text in dict.fromkeys(edit.add) if text not in texts)
        # nsc drops an empty list when it re-encodes, and sorts every list of the block it edits.
        return _sorted(texts) if texts else None

    return block.replaced(
        pub=SubjectLists(allow=after(ListName.PUB_ALLOW), deny=after(ListName.PUB_DENY)),
        sub=SubjectLists(allow=after(ListName.SUB_ALLOW), deny=after(ListName.SUB_DENY)),
    )


def _without(texts: tuple[str, ...], remove: tuple[str, ...]) -> tuple[str, ...]:
    kept = list(texts)
    try:
        for text in remove:
            kept.remove(text)
    except ValueError:
        raise KeyError(min(Counter(remove) - Counter(texts))) from None
    return tuple(kept)


def _sorted(texts: Iterable[str]) -> tuple[str, ...]:
    """In the order of Go's ``sort.Strings``: by bytes, which in UTF-8 is that of the code points."""
    return tuple(sorted(texts))


def _as_nsc_keeps(limits: UserLimits) -> UserLimits:
    if limits.src is limits.allowed_connection_types is None:
        return limits
    sources = {text.strip().lower() for text in limits.src or ()} - {""}
    kinds = dict.fromkeys(kind.upper() for kind in limits.allowed_connection_types or () if kind)
    return limits.replaced(src=_sorted(sources) or None, allowed_connection_types=tuple(kinds) or None)
