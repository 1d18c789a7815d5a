"""Why nsc cannot make an edit, or must not be asked to.

Each reason was met by running nsc 2.12.0; where one holds, the proposal is advice and gets no script step. What any
edit of a token meets is in ``tokens``, what an edit of one kind meets in ``entries``, ``sharing`` and ``revocations``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from optimizer.edits.anew import Itself
from optimizer.edits.lists import EditEntries
from optimizer.edits.obstacles.entries import of_entries, together
from optimizer.edits.obstacles.names import account_names, of_names
from optimizer.edits.obstacles.revocations import of_revocations
from optimizer.edits.obstacles.sharing import of_new_account, of_sharing
from optimizer.edits.obstacles.tokens import of_account_token, of_user_token
from optimizer.edits.revocations import EditActivationRevocations, EditRevocations
from optimizer.edits.sharing import AddAccount, EditExports, EditImports
from optimizer.edits.targets import TargetKind

if TYPE_CHECKING:
    from collections.abc import Iterator

    from optimizer.edits.edit import Edit
    from optimizer.hierarchy import Hierarchy

__all__ = ["obstacle", "together"]


def obstacle(edit: Edit, hierarchy: Hierarchy) -> str | None:
    """Why nsc cannot make this edit of this store, or must not, in a sentence; None where it can.

    Parameters
    ----------
    edit
        The edit.
    hierarchy
        The store as read; where other edits make accounts first (`AddAccount`), with those applied.

    Returns
    -------
    str or None
        The first reason found, fit for people.
    """
    return next(_obstacles(edit, hierarchy), None)


def _obstacles(edit: Edit, hierarchy: Hierarchy) -> Iterator[str]:
    target = edit.target
    if hierarchy.managed:
        yield "nsc may push every edit of a managed store at once"
    if isinstance(edit, AddAccount):
        yield from of_new_account(edit, hierarchy)
        return
    account = hierarchy.accounts.get(target.account)
    if account is None:
        yield "the store does not hold the account"
        return
    alike = account_names(Itself(hierarchy.accounts))[account.claims.name]
    yield from of_names(account, alike, "account")
    if target.kind is TargetKind.USER:
        assert target.user is not None  # noqa: S101 INVARIANT: a USER target names its user
        user = hierarchy.users.get((target.user, target.account))
        if user is None:
            yield "the store does not hold the user"
            return
        yield from of_user_token(user, account, hierarchy)
    else:
        yield from of_account_token(target, hierarchy, account)
    match edit:
        case EditEntries():
            yield from of_entries(edit, hierarchy)
        case EditRevocations() | EditActivationRevocations():
            yield from of_revocations(edit, account.claims)
        case EditImports() | EditExports():
            yield from of_sharing(edit, account.claims)
