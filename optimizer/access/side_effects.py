"""What nsc changes in a token beside what it was asked to edit, and the server would notice.

nsc decodes a token, edits it and writes it anew. What its library does not know is dropped, some lists are sorted and
some absent values filled in. Most of that is inert; the rest keeps an edit from being lossless.
"""

from __future__ import annotations

from dataclasses import fields
from typing import TYPE_CHECKING, Any

from optimizer.claims.model import NOTHING, AccountClaims, UserClaims, UserLimits

if TYPE_CHECKING:
    from optimizer.claims.model import PermissionLists, Scope


def side_effects(before: AccountClaims | UserClaims, after: AccountClaims | UserClaims) -> tuple[str, ...]:
    """The members of the claims that differ beyond their permission lists and beyond what the server ignores.

    Parameters
    ----------
    before
        As read.
    after
        As nsc would write them.

    Returns
    -------
    tuple of str
        Names of members, in the order of the claims; permission lists and revocations are compared elsewhere.

    Notes
    -----
    Server: inert are ``iat`` and ``jti``, the order of tags and of signing keys (a map, of which the last copy of a key
    counts), letter case in source networks and connection types, and the -1 that an absent limit of a scope's template
    is read as (``NewUserScope``). Of imports and exports only the order of those that name the same subject counts: of
    two stream imports of one subject from one account the server keeps the first (``isStreamImportDuplicate``).
    """
    return tuple(
        "unknown members" if name.startswith("unknown") else name
        for name in (_OF_USER if isinstance(before, UserClaims) else _OF_ACCOUNT)
        if (old := getattr(before, name)) is not (new := getattr(after, name))
        and old != new
        and _meant(name, old) != _meant(name, new)
    )


_OF_USER, _OF_ACCOUNT = (
    tuple(field.name for field in fields(kind) if field.name not in ("iat", "jti"))
    for kind in (UserClaims, AccountClaims)
)


def _meant(name: str, value: Any) -> object:  # noqa: ANN401 whatever a field of the claims holds
    """What the server makes of a member of the claims, as far as it is not a permission list."""
    match name:
        case "tags":
            return sorted(value)
        case "permissions" | "default_permissions":
            return _bare(value)
        case "limits" if isinstance(value, UserLimits):
            return _limits(value, absent=0)
        case "imports":
            return sorted(value, key=lambda item: (item.type, item.account, item.subject))
        case "exports":
            bare = (item.replaced(revocations=NOTHING) if item.revocations else item for item in value)
            return sorted(bare, key=lambda item: (item.type, item.subject))
        case "revocations":
            return None
        case "signing_keys":
            return {key.key: key.scope and _scope(key.scope) for key in value}
        case _:
            return value


def _scope(scope: Scope) -> object:
    limits = _limits(scope.limits, absent=-1)
    return (
        scope.kind,
        scope.role,
        scope.description,
        _bare(scope.permissions),
        limits,
        scope.unknown,
        scope.unknown_template,
    )


def _bare(lists: PermissionLists) -> object:
    return lists.pub.unknown, lists.sub.unknown, lists.resp, lists.unknown


def _limits(limits: UserLimits, *, absent: int) -> UserLimits:
    """Server: ``validateSrc``, ``validateTimes``, ``convertAllowedConnectionTypes``: an empty list is no limit."""
    return limits.replaced(
        src=tuple(sorted({network.lower() for network in limits.src or ()})) or None,
        times=limits.times or None,
        subs=absent if limits.subs is None else limits.subs,
        data=absent if limits.data is None else limits.data,
        payload=absent if limits.payload is None else limits.payload,
        allowed_connection_types=tuple(sorted({kind.upper() for kind in limits.allowed_connection_types or ()}))
        or None,
    )
