"""The closed set of edits nsc can make, and what each makes of a hierarchy.

An edit says what should change; ``optimizer.nsc.step`` says with which nsc commands, and ``optimizer.judge`` what
that is worth. `apply` changes claims only: bytes follow when the judge re-encodes them as nsc will.
"""

from __future__ import annotations

import enum
from collections import Counter
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from optimizer.claims.model import AccountClaims, PermissionLists, Scope, SubjectLists, UserClaims

if TYPE_CHECKING:
    from collections.abc import Iterable

    from optimizer.claims.keys import AccountKey, UserKey
    from optimizer.hierarchy import Hierarchy


class TargetKind(enum.Enum):
    """Which of the three places that hold permission lists."""

    USER = "user"
    SCOPE = "scope"
    DEFAULTS = "defaults"


class ListName(enum.Enum):
    """One of the four subject lists of a permission block."""

    PUB_ALLOW = "pub.allow"
    PUB_DENY = "pub.deny"
    SUB_ALLOW = "sub.allow"
    SUB_DENY = "sub.deny"

    @property
    def is_publish(self) -> bool:
        """Whether it governs publishing."""
        return self in (ListName.PUB_ALLOW, ListName.PUB_DENY)

    @property
    def is_allow(self) -> bool:
        """Whether it allows."""
        return self in (ListName.PUB_ALLOW, ListName.SUB_ALLOW)


@dataclass(frozen=True, slots=True, order=True)
class Target:
    """A permission block in a token: a user's own, a scoped signing key's template, or an account's defaults.

    Parameters
    ----------
    account
        The account's public key.
    user
        The user's public key, for a USER target.
    key
        The scoped signing key's public key, for a SCOPE target.
    """

    kind_name: str
    account: AccountKey
    user: UserKey | None = None
    key: str | None = None

    @property
    def kind(self) -> TargetKind:
        """Which of the three places."""
        return TargetKind(self.kind_name)

    def pointer(self, name: ListName | None = None) -> str:
        """The JSON pointer of the block, or of one of its lists, inside the token's claims.

        A scope is addressed by its key, for its index moves when nsc sorts ``signing_keys``.
        """
        match self.kind:
            case TargetKind.USER:
                base = "/nats"
            case TargetKind.SCOPE:
                base = f"/nats/signing_keys/{self.key}/template"
            case TargetKind.DEFAULTS:
                base = "/nats/default_permissions"
        return base if name is None else f"{base}/{name.value.replace('.', '/')}"


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
    nsc: ``edit user``, ``edit signing-key`` and ``edit account`` re-sort all four lists of the block on every such edit.
    """

    target: Target
    list: ListName
    remove: tuple[str, ...] = ()
    add: tuple[str, ...] = ()


Edit = EditEntries


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
            return _scope(hierarchy.accounts[target.account].claims, target.key).permissions
        case TargetKind.DEFAULTS:
            return hierarchy.accounts[target.account].claims.default_permissions


def entries(lists: PermissionLists, name: ListName) -> tuple[str, ...] | None:
    """One of the four lists, as read; None where the key is absent."""
    side = lists.pub if name.is_publish else lists.sub
    return side.allow if name.is_allow else side.deny


def apply(edit: Edit, hierarchy: Hierarchy) -> Hierarchy:
    """The hierarchy after nsc made this edit; claims only, tokens and bytes as they were.

    Raises
    ------
    KeyError
        The edit names a target the hierarchy does not hold, or an entry the list does not hold.
    """
    block = _edited(permission_lists(hierarchy, edit.target), edit)
    match edit.target.kind:
        case TargetKind.USER:
            assert edit.target.user is not None  # noqa: S101 INVARIANT: a USER target names its user
            user = hierarchy.users[edit.target.user, edit.target.account]
            return hierarchy.with_user(replace(user, claims=replace(user.claims, permissions=block)))
        case TargetKind.SCOPE:
            account = hierarchy.accounts[edit.target.account]
            keys = tuple(
                replace(key, scope=replace(key.scope, permissions=block))
                if key.key == edit.target.key and key.scope is not None
                else key
                for key in account.claims.signing_keys
            )
            return hierarchy.with_account(replace(account, claims=replace(account.claims, signing_keys=keys)))
        case TargetKind.DEFAULTS:
            account = hierarchy.accounts[edit.target.account]
            return hierarchy.with_account(
                replace(account, claims=replace(account.claims, default_permissions=block))
            )


def apply_all(edits: Iterable[Edit], hierarchy: Hierarchy) -> Hierarchy:
    """Apply edits in order."""
    for edit in edits:
        hierarchy = apply(edit, hierarchy)
    return hierarchy


def touches_account_token(edit: Edit) -> bool:
    """Whether the edit rewrites the account's token (scope, defaults) instead of a user's."""
    return edit.target.kind is not TargetKind.USER


def claims_of(hierarchy: Hierarchy, edit: Edit) -> AccountClaims | UserClaims:
    """The claims whose token the edit rewrites."""
    if touches_account_token(edit):
        return hierarchy.accounts[edit.target.account].claims
    assert edit.target.user is not None  # noqa: S101 INVARIANT: a USER target names its user
    return hierarchy.users[edit.target.user, edit.target.account].claims


def _scope(claims: AccountClaims, key: str | None) -> Scope:
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
        return tuple(sorted(texts, key=str.encode)) if texts else None

    return replace(
        block,
        pub=SubjectLists(allow=after(ListName.PUB_ALLOW), deny=after(ListName.PUB_DENY)),
        sub=SubjectLists(allow=after(ListName.SUB_ALLOW), deny=after(ListName.SUB_DENY)),
    )


def _without(texts: tuple[str, ...], remove: tuple[str, ...]) -> tuple[str, ...]:
    gone = Counter(remove)
    missing = gone - Counter(texts)
    if missing:
        raise KeyError(min(missing))
    kept = []
    for text in texts:
        if gone[text]:
            gone[text] -= 1
        else:
            kept.append(text)
    return tuple(kept)
