"""Edits of revocations: of users in an account, and of activations in an account's exports."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, ClassVar

from optimizer.claims.model import NOTHING

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from optimizer.claims.model import AccountClaims, Export
    from optimizer.edits.targets import Target
    from optimizer.hierarchy import Hierarchy

EVERYBODY = "*"
"""The key that stands for all keys. Go: ``jwt.All``."""


@dataclass(frozen=True, slots=True)
class Revocation:
    """What a user's key, or ``*``, was issued at or before a time is refused.

    Parameters
    ----------
    time
        Seconds since the epoch; a token counts by its ``iat``.
    """

    key: str
    time: int


@dataclass(frozen=True, slots=True)
class ActivationRevocation:
    """The same of activations of one export, which ``type`` and ``subject`` name; ``key`` is an importing account's."""

    type: str
    subject: str
    key: str
    time: int


@dataclass(frozen=True, slots=True)
class EditRevocations:
    """Take revocations out of an account and put others in.

    Parameters
    ----------
    remove
        As the account holds them, their time included.
    add
        Of a key that has none, or an earlier one.

    Notes
    -----
    nsc: ``revocations add-user``, which passes over an earlier time than is there (``RevocationList.Revoke``), then
    ``revocations delete-user``; one key a call.
    """

    target: Target
    remove: tuple[Revocation, ...] = ()
    add: tuple[Revocation, ...] = ()
    list: ClassVar[None] = None


@dataclass(frozen=True, slots=True)
class EditActivationRevocations:
    """Take revocations out of an account's exports and put others in.

    Notes
    -----
    nsc: ``revocations add_activation``, then ``revocations delete_activation``, which both take the first export of
    that type whose subject contains the one they are told.
    """

    target: Target
    remove: tuple[ActivationRevocation, ...] = ()
    add: tuple[ActivationRevocation, ...] = ()
    list: ClassVar[None] = None


def edited_revocations(edit: EditRevocations | EditActivationRevocations, hierarchy: Hierarchy) -> Hierarchy:
    """The hierarchy after nsc made this edit.

    Raises
    ------
    KeyError
        The account is not there, or does not hold what is to be taken out.
    """
    signed = hierarchy.accounts[edit.target.account]
    claims = signed.claims
    if isinstance(edit, EditRevocations):
        claims = replace(claims, revocations=_edited(claims.revocations, edit.remove, edit.add))
    else:
        claims = replace(claims, exports=_edited_exports(claims, edit))
    return hierarchy.with_account(replace(signed, claims=claims))


def revocations_of(claims: AccountClaims) -> tuple[Revocation, ...]:
    """All of an account's, by key."""
    return tuple(Revocation(key, time) for key, time in sorted(claims.revocations.items()))


def activation_revocations_of(export: Export) -> tuple[ActivationRevocation, ...]:
    """All of an export's, by key."""
    return tuple(
        ActivationRevocation(export.type, export.subject, key, time) for key, time in sorted(export.revocations.items())
    )


def _edited(
    held: Mapping[str, int],
    remove: Iterable[Revocation] | Iterable[ActivationRevocation],
    add: Iterable[Revocation] | Iterable[ActivationRevocation],
) -> Mapping[str, int]:
    times = dict(held)
    for each in remove:
        if times.get(each.key) != each.time:
            raise KeyError(each.key)
        del times[each.key]
    for each in add:
        times[each.key] = max(each.time, times.get(each.key, each.time))
    return times or NOTHING


def _edited_exports(claims: AccountClaims, edit: EditActivationRevocations) -> tuple[Export, ...]:
    exports = list(claims.exports)
    places: dict[tuple[str, str], int] = {}
    for place, export in enumerate(exports):
        places.setdefault((export.type, export.subject), place)
    for name in dict.fromkeys((each.type, each.subject) for each in (*edit.remove, *edit.add)):
        export = exports[places[name]]
        gone, come = (
            [each for each in items if (each.type, each.subject) == name] for items in (edit.remove, edit.add)
        )
        exports[places[name]] = export.replaced(revocations=_edited(export.revocations, gone, come))
    return tuple(exports)
