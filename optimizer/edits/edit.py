"""The closed set of edits, and what each makes of a hierarchy."""

from __future__ import annotations

from typing import TYPE_CHECKING

from optimizer.edits.lists import EditEntries, edited_entries
from optimizer.edits.revocations import EditActivationRevocations, EditRevocations, edited_revocations
from optimizer.edits.sharing import AddAccount, EditExports, EditImports, edited_sharing
from optimizer.edits.targets import TargetKind

if TYPE_CHECKING:
    from collections.abc import Iterable

    from optimizer.claims.model import AccountClaims, UserClaims
    from optimizer.hierarchy import Hierarchy

OwnEdit = EditEntries | EditRevocations | EditActivationRevocations
"""Edits of a token that it takes nothing but its account and users to judge."""

SharedEdit = EditImports | EditExports | AddAccount
"""Edits that other accounts decide upon as well: what they import and export."""

Edit = OwnEdit | SharedEdit
"""Each has a ``target``, and says what it takes out (``remove``) and what it puts in (``add``) there; ``list`` is None
where that is no subject list."""


def apply(edit: Edit, hierarchy: Hierarchy) -> Hierarchy:
    """The hierarchy after nsc made this edit; claims only, tokens and bytes as they were.

    Raises
    ------
    KeyError
        The edit names a target the hierarchy does not hold, or takes out what is not there.
    """
    match edit:
        case EditEntries():
            return edited_entries(edit, hierarchy)
        case EditRevocations() | EditActivationRevocations():
            return edited_revocations(edit, hierarchy)
        case EditImports() | EditExports() | AddAccount():
            return edited_sharing(edit, hierarchy)


def apply_all(edits: Iterable[Edit], hierarchy: Hierarchy) -> Hierarchy:
    """Apply edits in order."""
    for edit in edits:
        hierarchy = apply(edit, hierarchy)
    return hierarchy


def touches_account_token(edit: Edit) -> bool:
    """Whether the edit rewrites the account's token instead of a user's."""
    return edit.target.kind is not TargetKind.USER


def claims_of(hierarchy: Hierarchy, edit: Edit) -> AccountClaims | UserClaims:
    """The claims whose token the edit rewrites."""
    if touches_account_token(edit):
        return hierarchy.accounts[edit.target.account].claims
    assert edit.target.user is not None  # noqa: S101 INVARIANT: a USER target names its user
    return hierarchy.users[edit.target.user, edit.target.account].claims
