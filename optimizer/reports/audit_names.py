"""What the accounts and users of an audit are called on a page."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from optimizer.audit.records import FindingKind
from optimizer.reports import words

if TYPE_CHECKING:
    from optimizer.audit.records import AccountAudit, Audit, AuditFinding, UserAudit


class Names:
    """Names fit to be shown, each distinct: where two share one, the start of the key stands beside it."""

    def __init__(self, audit: Audit) -> None:
        self._accounts = Counter(account.name for account in audit.accounts)
        self._users = Counter[tuple[str, str]]((user.account, user.name) for user in audit.users)

    def account(self, account: AccountAudit) -> str:
        """The account's name."""
        return self._account(account.name, account.key)

    def user(self, user: UserAudit) -> str:
        """``ACCOUNT/USER``."""
        return self._user(user.account_name, user.account, user.name, user.key)

    def token(self, finding: AuditFinding) -> str:
        """Which token a finding is about: ``account ORDERS``, ``user ORDERS/app`` or ``the operator``."""
        if finding.kind is FindingKind.CONFIGURATION:
            return "the configuration"
        if finding.account is None:
            return "the operator"
        if finding.user is None:
            return f"account {self._account(finding.account_name, finding.account)}"
        return f"user {self._user(finding.account_name, finding.account, finding.user_name, finding.user)}"

    def _account(self, name: str, key: str) -> str:
        return words.told_apart(words.name_of(name, key), key, max(self._accounts[name], 1))

    def _user(self, account_name: str, account: str, name: str, key: str) -> str:
        shown = words.told_apart(words.name_of(name, key), key, max(self._users[account, name], 1))
        return f"{self._account(account_name, account)}/{shown}"
