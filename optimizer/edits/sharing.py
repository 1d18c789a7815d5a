"""Edits of what accounts share: imports, exports, and an account that is made to stand between others."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, ClassVar, TypeVar

from optimizer.claims.model import AccountClaims, Export, Import
from optimizer.claims.token import NO_TOKEN
from optimizer.hierarchy import Signed

if TYPE_CHECKING:
    from collections.abc import Iterable

    from optimizer.edits.targets import Target
    from optimizer.hierarchy import Hierarchy

T = TypeVar("T", Import, Export)

UNLIMITED = {
    "subs": -1,
    "data": -1,
    "payload": -1,
    "imports": -1,
    "exports": -1,
    "wildcards": True,
    "conn": -1,
    "leaf": -1,
}
"""Limits of a new account. nsc: ``jwt.NewAccountClaims``."""


@dataclass(frozen=True, slots=True)
class EditImports:
    """Take imports out of an account and put others in.

    Parameters
    ----------
    remove
        As the account holds them.
    add
        As nsc writes them: with a name, and with ``local_subject`` where the command names one.

    Notes
    -----
    nsc: ``delete import`` for each, then ``add import`` for each; it has no command that edits an import.
    """

    target: Target
    remove: tuple[Import, ...] = ()
    add: tuple[Import, ...] = ()
    list: ClassVar[None] = None


@dataclass(frozen=True, slots=True)
class EditExports:
    """Take exports out of an account and put others in. nsc: ``delete export`` for each, then ``add export``."""

    target: Target
    remove: tuple[Export, ...] = ()
    add: tuple[Export, ...] = ()
    list: ClassVar[None] = None


@dataclass(frozen=True, slots=True)
class AddAccount:
    """Make an account of a key that is there already. nsc: ``add account --public-key``.

    Parameters
    ----------
    target
        Names the new account's key. nsc could make the key as well, but all that imports from the account depends on
        it to the byte, so that nothing could be promised.
    name
        No account of the store may have it, in whatever case.
    issuer
        The operator's key that is to sign it.
    """

    target: Target
    name: str
    issuer: str
    list: ClassVar[None] = None
    remove: ClassVar[tuple[()]] = ()
    add: ClassVar[tuple[()]] = ()


def new_account(edit: AddAccount) -> AccountClaims:
    """The account as ``nsc add account`` makes it. nsc: ``jwt.NewAccountClaims``."""
    return AccountClaims(sub=edit.target.account, iss=edit.issuer, name=edit.name, limits=UNLIMITED)


def edited_sharing(edit: EditImports | EditExports | AddAccount, hierarchy: Hierarchy) -> Hierarchy:
    """The hierarchy after nsc made this edit; a new account has claims and no token.

    Raises
    ------
    KeyError
        The account is not there, or there already, or does not hold what is to be taken out.
    """
    account = edit.target.account
    match edit:
        case AddAccount():
            if account in hierarchy.accounts:
                raise KeyError(account)
            return hierarchy.with_account(Signed(new_account(edit), NO_TOKEN, ""))
        case EditImports():
            claims = hierarchy.accounts[account].claims
            changed = replace(claims, imports=_edited(claims.imports, edit.remove, edit.add))
        case EditExports():
            claims = hierarchy.accounts[account].claims
            changed = replace(claims, exports=_edited(claims.exports, edit.remove, edit.add))
    return hierarchy.with_account(replace(hierarchy.accounts[account], claims=changed))


def _edited(have: Iterable[T], remove: Iterable[T], add: Iterable[T]) -> tuple[T, ...]:
    kept = list(have)
    for one in remove:
        if one not in kept:
            raise KeyError(one.subject)
        kept.remove(one)
    return tuple(kept) + tuple(add)
