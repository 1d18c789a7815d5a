"""What very many tokens say alike, held once: a fifth less memory for a large source, and a seventh more time."""

from __future__ import annotations

from sys import intern
from typing import TYPE_CHECKING

from msgspec.structs import force_setattr

from optimizer.claims.model import AccountClaims, UserClaims

if TYPE_CHECKING:
    from collections.abc import Iterator

    from optimizer.claims.model import Claims, PermissionLists


def share(claims: Claims) -> None:
    """Have entries, exporters and names of these claims be the very texts of others that are equal.

    The claims stay what they are, so that frozen records may be touched.
    """
    for lists in _lists(claims):
        for side in (lists.pub, lists.sub):
            for name in ("allow", "deny"):
                texts = getattr(side, name)
                if texts:
                    force_setattr(side, name, tuple(map(intern, texts)))
    if isinstance(claims, AccountClaims):
        for each in claims.imports:
            force_setattr(each, "account", intern(each.account))
            if each.name == each.subject:
                force_setattr(each, "name", each.subject)
        for export in claims.exports:
            if export.name == export.subject:
                force_setattr(export, "name", export.subject)


def _lists(claims: Claims) -> Iterator[PermissionLists]:
    if isinstance(claims, UserClaims):
        yield claims.permissions
    elif isinstance(claims, AccountClaims):
        yield claims.default_permissions
        for key in claims.signing_keys:
            if key.scope is not None:
                yield key.scope.permissions
