"""An audit as a comment on a pull request: what is over its budget, what was found, and the rest folded away."""

from __future__ import annotations

from typing import TYPE_CHECKING

from optimizer.audit.bands import ConnectBand
from optimizer.audit.baseline import Standing, numbers
from optimizer.claims.sections import section_weights
from optimizer.proposals import Safety, Severity
from optimizer.reports import words
from optimizer.reports.audit_accepted import name_of_known
from optimizer.reports.audit_findings import finding_rows
from optimizer.reports.audit_names import Names
from optimizer.reports.markdown import cell, code, escaped
from optimizer.reports.sections import shares, split

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from optimizer.audit.baseline import Known
    from optimizer.audit.exclusions import Excluded
    from optimizer.audit.records import AccountAudit, Audit, AuditFinding, NotKnown, UserAudit

MOST_BYTES = 65_536
"""What a comment may have: GitHub counts characters, and UTF-8 has no fewer bytes."""

_OVER, _FOUND, _FOLDED = 20, 20, 50  # rows: a comment is read, and JSON has all of them
_SENTENCE = 160
_BAR = 10
_END = "</details>\n"
_MORE = 64  # bytes of "and 1,234 more findings", and of what ends a folded part
_LEAST = 2_000  # bytes that a part begins with: its title, a header, the largest row there is
_LEFT_OUT = 300  # bytes of the titles of all of them


def audit_markdown(audit: Audit, *, next_command: str) -> str:
    """What ``permopt audit --format markdown`` prints.

    Parameters
    ----------
    audit
        What was found; with a baseline what is new since, or has grown, is open, and the rest folded.
    next_command
        What to type next, quoted for a shell.

    Returns
    -------
    str
        GitHub's markdown, of at most `MOST_BYTES`, in which nothing from a token is anything but text.
    """
    page = _Comment(audit, f"Next: {code(next_command)}\n")
    page.head()
    page.over_budget()
    page.findings()
    page.folded()
    return page.text()


class _Comment:
    """The text as it grows, and what it may still grow by."""

    def __init__(self, audit: Audit, last: str) -> None:
        self.audit = audit
        self.names = Names(audit)
        self.last = last
        self.parts: list[str] = []
        self.left = MOST_BYTES - _size(last) - _LEFT_OUT
        self.left_out: list[str] = []
        """Titles of folded parts."""

    def text(self) -> str:
        left_out = f"Left out, for a comment has no more room: {', '.join(self.left_out)}\n\n" if self.left_out else ""
        return "".join([*self.parts, left_out, self.last])

    def put(self, *lines: str) -> None:
        text = "".join(f"{line}\n" for line in lines)
        self.parts.append(text)
        self.left -= _size(text)

    def head(self) -> None:
        audit, totals = self.audit, self.audit.totals
        operator = ""
        if audit.operator_key is not None:
            operator = f" of operator {code(words.name_of(audit.operator_name, audit.operator_key))}"
        accounts = f"{words.quantity(totals.accounts, 'account')} ({words.size(totals.account_bytes)})"
        users = f"{words.quantity(totals.users, 'user')} ({words.size(totals.user_bytes)})"
        weighed = f"{accounts} and {users}" if audit.has_users else f"{accounts}; this kind of source holds no users"
        unknown = [f"{escaped(f'{each.what}: {each.reason}')}{_not_looked_for(each)}" for each in audit.not_known]
        sentences = [weighed, f"**{self._over()}**", self._found()]
        if audit.excluded:
            number = words.quantity(len(audit.excluded), "finding")
            sentences.append(f"the configuration excludes {number}")
        if audit.skipped:
            sentences.append(f"skipped {words.quantity(len(audit.skipped), 'file or token', 'files and tokens')}")
        self.put(f"## Token sizes and permissions{operator}", "", *(f"- {each}" for each in [*sentences, *unknown]), "")

    def _over(self) -> str:
        totals = self.audit.totals
        over = (
            words.quantity(totals.over_budget, "account is", "accounts are") if totals.over_budget else "no account is"
        )
        if all(account.budget == self.audit.budget for account in self.audit.accounts):
            return f"{over} over the budget of {words.size(self.audit.budget)}"
        return f"{over} over {'their budgets' if totals.over_budget > 1 else 'its budget'}"

    def _found(self) -> str:
        found = self.audit.findings
        if self.audit.since is not None:
            counts = numbers(self.audit)
            sums = [f"{counts[standing]:,} {standing.value}" for standing in Standing]
            return f"findings since the baseline: {words.joined([*sums, f'{len(self.audit.since.fixed):,} fixed'])}"
        severities = ((sum(each.severity is severity for each in found), severity.value) for severity in Severity)
        counted = [words.quantity(number, name) for number, name in severities if number]
        return f"found {words.joined(counted)}" if counted else "nothing found"

    def _those(self, standing: Standing) -> list[AuditFinding]:
        since = self.audit.since
        return [] if since is None else [each for each in self.audit.findings if since.standing(each) is standing]

    def over_budget(self) -> None:
        over = [account for account in self.audit.accounts if account.over_budget]
        self.part("Over budget", len(over), lambda: self.accounts(over, _OVER))

    def accounts(self, accounts: Sequence[AccountAudit], most: int) -> None:
        largest = max(account.token_bytes for account in accounts)
        rows = (self._account(account, largest) for account in accounts[:most])
        header = ("account", "bytes", "budget", "", "what it consists of")
        self.table(header, "-rr--", rows, len(accounts), "account")

    def _account(self, account: AccountAudit, largest: int) -> Sequence[str]:
        parts = shares(split(section_weights(account.signed.token)))
        bar = "█" * max(round(_BAR * account.token_bytes / largest), 1)
        name = cell(self.names.account(account))
        return (name, f"{account.token_bytes:,}", f"{account.budget:,}", bar, parts or "-")

    def findings(self) -> None:
        if self.audit.since is None:
            heavy = [each for each in self.audit.findings if each.severity is not Severity.NOTE]
            self.part("Findings", len(heavy), lambda: self.by_rule(heavy))
            return
        new, grown = self._those(Standing.NEW), self._those(Standing.GROWN)
        self.part("New findings", len(new), lambda: self.one_by_one(new, _FOUND))
        self.part("Grown findings", len(grown), lambda: self.one_by_one(grown, _FOUND))

    def by_rule(self, findings: Sequence[AuditFinding]) -> None:
        header, *rows = finding_rows(findings)
        self.table(header, "--rrrr", ((f"`{row[0]}`", *row[1:]) for row in rows), len(rows), "rule")

    def one_by_one(self, findings: Sequence[AuditFinding], most: int) -> None:
        rows = (self._finding(finding) for finding in findings[:most])
        self.table(("severity", "rule", "where", "what", "saves"), "----r", rows, len(findings), "finding")

    def _finding(self, finding: AuditFinding) -> Sequence[str]:
        saves = "-"
        if finding.saving_bytes is not None:
            saves = f"{finding.saving_bytes:,}" if finding.safety is Safety.SAFE else f"({finding.saving_bytes:,})"
        what = cell(words.shown(finding.message, _SENTENCE))
        return (finding.severity.value, f"`{finding.rule}`", cell(self.names.token(finding)), what, saves)

    def folded(self) -> None:
        audit = self.audit
        if audit.since is None:
            errors = [each for each in audit.findings if each.severity is Severity.ERROR]
            notes = [each for each in audit.findings if each.severity is Severity.NOTE]
            self.part("errors, one by one", len(errors), lambda: self.one_by_one(errors, _FOLDED), folded=True)
            self.part("notes by rule", len(notes), lambda: self.by_rule(notes), folded=True)
        else:
            found = audit.findings
            self.part("all findings by rule", len(found), lambda: self.by_rule(found), folded=True)
            fixed = audit.since.fixed
            self.part("fixed since the baseline", len(fixed), lambda: self.fixed(fixed), folded=True)
        self.part("excluded by the configuration", len(audit.excluded), self.excluded, folded=True)
        accounts = audit.accounts
        self.part("largest accounts", len(accounts), lambda: self.accounts(accounts, _FOLDED), folded=True)
        long = [user for user in audit.users if user.over_budget or user.band is not ConnectBand.TYPICAL]
        title = "users over their budget, or near what a CONNECT line takes"
        self.part(title, len(long), lambda: self.users(long), folded=True)
        self.part("skipped", len(audit.skipped), self.skipped, folded=True)

    def fixed(self, fixed: Sequence[Known]) -> None:
        rows = ((cell(words.shown(each.rule)), cell(name_of_known(each, self.audit))) for each in fixed[:_FOLDED])
        self.table(("rule", "where"), "--", rows, len(fixed), "finding")

    def excluded(self) -> None:
        these = self.audit.excluded
        rows = (self._excluded(each) for each in these[:_FOLDED])
        self.table(("severity", "rule", "where", "why", "until"), "-----", rows, len(these), "finding")

    def _excluded(self, each: Excluded) -> Sequence[str]:
        finding, exclusion = each.finding, each.exclusion
        why = cell(words.shown(exclusion.reason, _SENTENCE))
        where = cell(self.names.token(finding))
        return (finding.severity.value, f"`{finding.rule}`", where, why, exclusion.until or "-")

    def skipped(self) -> None:
        these = self.audit.skipped
        rows = ((cell(each.origin), cell(words.shown(each.reason, _SENTENCE))) for each in these[:_FOLDED])
        self.table(("file", "why"), "--", rows, len(these), "file")

    def users(self, users: Sequence[UserAudit]) -> None:
        rows = (
            (cell(self.names.user(user)), f"{user.token_bytes:,}", f"{user.budget:,}", user.band.value)
            for user in users[:_FOLDED]
        )
        self.table(("user", "bytes", "budget", "band"), "-rr-", rows, len(users), "user")

    def part(self, title: str, number: int, write: Callable[[], None], *, folded: bool = False) -> None:
        """A table under its title, which a reader may have to open; left out where it is empty, or has no room."""
        if not number:
            return
        counted = f"{title} ({number:,})"
        if self.left < _LEAST:
            self.left_out.append(counted)
            return
        self.put(*(("<details>", f"<summary>{counted}</summary>") if folded else (f"### {title}",)), "")
        write()
        if folded:
            self.put(_END)

    def table(self, header: Sequence[str], sides: str, rows: Iterable[Sequence[str]], number: int, what: str) -> None:
        """As many of the rows as there is room for, and how many of ``number`` there are besides."""
        self.put(f"| {' | '.join(header)} |", f"|{'|'.join('---:' if side == 'r' else '---' for side in sides)}|")
        shown = 0
        for row in rows:
            line = f"| {' | '.join(row)} |"
            if _size(line) + _MORE > self.left:
                break
            self.put(line)
            shown += 1
        self.put("", *([f"and {words.quantity(number - shown, f'more {what}')}", ""] if number > shown else []))


def _not_looked_for(unknown: NotKnown) -> str:
    return f"; not looked for: {words.joined(unknown.rules)}" if unknown.rules else ""


def _size(text: str) -> int:
    return len(text.encode())
