"""Tokens that are not in order, as findings: they get no script step, and users without their account no analysis."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from optimizer.proposals import Severity

if TYPE_CHECKING:
    from collections.abc import Iterator

    from optimizer.claims.keys import AccountKey, UserKey
    from optimizer.claims.verify import Issue
    from optimizer.hierarchy import Hierarchy
    from optimizer.settings import Settings

_SEVERITIES = {
    "revoked": Severity.NOTE,  # somebody meant it so
    "not-yet-valid": Severity.NOTE,
    "unsigned": Severity.NOTE,  # claims that never were a token
    "unknown-account": Severity.NOTE,  # the source may simply not hold it
    "misfiled": Severity.WARNING,
}
"""Of issue codes; every other one is an error."""


@dataclass(frozen=True, slots=True)
class TokenFinding:
    """Something wrong with a whole token; ``account`` is None for the operator's."""

    severity: Severity
    account: AccountKey | None
    user: UserKey | None
    issue: Issue


def token_findings(hierarchy: Hierarchy, settings: Settings) -> list[TokenFinding]:
    """What a server would notice about the tokens that a run looks at, operator first, then by account and user.

    Parameters
    ----------
    hierarchy
        As read and verified.
    settings
        Whose accounts count.
    """
    return list(_found(hierarchy, settings))


def _found(hierarchy: Hierarchy, settings: Settings) -> Iterator[TokenFinding]:
    for issue in hierarchy.operator.issues if hierarchy.operator is not None else ():
        yield TokenFinding(_severity(issue), None, None, issue)
    for key, account in hierarchy.accounts.items():
        if settings.chooses(account.claims.name, key):
            yield from (TokenFinding(_severity(issue), key, None, issue) for issue in account.issues)
    for (member, owner), user in hierarchy.users.items():
        if user.issues:
            named = hierarchy.accounts.get(owner)
            if settings.chooses("" if named is None else named.claims.name, owner):
                yield from (TokenFinding(_severity(issue), owner, member, issue) for issue in user.issues)


def _severity(issue: Issue) -> Severity:
    return _SEVERITIES.get(issue.code, Severity.ERROR)
