"""An audit as a page for a terminal: bands, ranks, where the bytes are, what was found, what to type next."""

from __future__ import annotations

from collections import Counter
from itertools import groupby
from typing import TYPE_CHECKING

from optimizer.audit.bands import CONNECT_ATTENTION, CONNECT_REFUSED, KB, UPPER, Band, ConnectBand
from optimizer.claims.sections import section_weights
from optimizer.reports import words
from optimizer.reports.audit_accepted import excluded, since_baseline
from optimizer.reports.audit_findings import findings_spelled_out, findings_table
from optimizer.reports.audit_names import Names
from optimizer.reports.audit_sections import LOOKS, position_remark, section_table
from optimizer.reports.changes import capped
from optimizer.reports.sections import PARTS, REST, legend, shares, split, split_bar
from optimizer.reports.style import beside, columns, width_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from optimizer.audit.records import AccountAudit, Audit, UserAudit
    from optimizer.reports.sections import Part
    from optimizer.reports.style import Style

_SPELLED_OUT = 3
"""Accounts whose sections are listed; the same command with ``--details`` lists those of all that are ranked."""
_SKIPPED = 20
_SUMMED = 1_000
"""Accounts whose sections are summed for the store: each takes some 70 microseconds to cut."""
_BAR = 32
_LEAST_BAR = 10


def audit_page(
    audit: Audit,
    style: Style,
    *,
    next_command: str,
    top: int = 10,
    details: bool = False,
    replicas: int | None = None,
) -> str:
    """The page that ``permopt audit`` prints.

    Parameters
    ----------
    audit
        What was found.
    style
        Of the terminal.
    next_command
        What to type next, quoted for a shell.
    top
        How many accounts, and users, are ranked.
    details
        Whether to list the sections of all that are ranked, and every finding.
    replicas
        How many servers keep each account's token, for what that costs.

    Returns
    -------
    str
        Lines of printable text, a newline at the end.
    """
    page = _Page(audit, style, top, details=details, replicas=replicas)
    parts = [
        page.head(),
        page.bands(),
        page.accounts(),
        *page.sections(),
        page.users(),
        findings_table(audit, style),
        findings_spelled_out(audit, page.names, style, details=details),
        since_baseline(audit, page.names, style, details=details),
        excluded(audit, page.names, style, details=details),
        page.not_known(),
        page.skipped(),
        [style.heading("next"), f"  {next_command}"],
    ]
    return "\n\n".join("\n".join(part) for part in parts if part) + "\n"


class _Page:
    def __init__(self, audit: Audit, style: Style, top: int, *, details: bool, replicas: int | None) -> None:
        self.audit = audit
        self.style = style
        self.details = details
        self.replicas = replicas
        self.listed = audit.accounts[:top]
        self.listed_users = audit.users[:top]
        self.names = Names(audit)

    def head(self) -> list[str]:
        audit, totals = self.audit, self.audit.totals
        operator = "no operator token"
        if audit.operator_key is not None:
            operator = f"operator {words.name_of(audit.operator_name, audit.operator_key)}"
        weighed = f"weighed {words.quantity(totals.accounts, 'account')} ({words.size(totals.account_bytes)})"
        if audit.has_users:
            weighed += f" and {words.quantity(totals.users, 'user')} ({words.size(totals.user_bytes)})"
        else:
            weighed += "; this kind of source holds no users"
        skipped = f"{len(audit.skipped):,}" if audit.skipped else "nothing"
        sentences = [f"{operator}, {words.shown(audit.store)}", f"{weighed}; skipped {skipped}"]
        if self.replicas is not None:
            total = totals.account_bytes * self.replicas
            sentences.append(f"all account tokens on {words.quantity(self.replicas, 'server')}: {words.size(total)}")
        return [line for sentence in sentences for line in self.style.wrapped(sentence, 0, 2)]

    def bands(self) -> list[str]:
        totals = self.audit.totals
        if not totals.accounts:
            return []
        rows = [(band.value, _range(band), f"{totals.bands[band]:,}") for band in reversed(Band)]
        most = max(totals.bands.values())
        bars = [
            self.style.paint(self.style.bar(totals.bands[band] / most, _BAR), LOOKS[band]) for band in reversed(Band)
        ]
        lines = [self.style.heading("accounts by size"), *beside(columns(rows, right=frozenset({2})), bars)]
        over = words.quantity(totals.over_budget, "account is", "accounts are")
        none = "no account is" if not totals.over_budget else over
        own = sum(account.budget != self.audit.budget for account in self.audit.accounts)
        besides = "" if not own else f", or {'its own' if own == 1 else 'their own'} ({own:,} by the configuration)"
        return [*lines, f"  {none} over the budget of {words.size(self.audit.budget)}{besides}"]

    def accounts(self) -> list[str]:
        """The ranked accounts, each with its counts and a bar of its sections."""
        if not self.listed:
            return []
        parts = [split(section_weights(account.signed.token)) for account in self.listed]
        header = ["  account", "bytes", "imp", "exp", "keys", "revs", "maps"]
        header += ["users"] if self.audit.has_users else []
        header += [] if self.replicas is None else [f"on {self.replicas:,}"]
        rows = [header, *(self._account_row(account) for account in self.listed)]
        lines = columns(
            rows,
            right=frozenset(range(1, len(header))),
            width=self.style.width - _LEAST_BAR - 2,
            yielding=(0,),
        )
        width = _room(lines, self.style)
        largest = self.listed[0].token_bytes
        bars = ["", *(split_bar(each, largest, width, self.style) for each in parts)]
        head, *rest = beside(lines, bars)
        lines = [self.style.heading("largest accounts"), self.style.paint(head, "dim")]
        for band, group in groupby(zip(self.listed, rest, strict=True), key=lambda each: each[0].band):
            lines.append("  " + self.style.paint(f"{band.value}, {_range(band)}", LOOKS[band]))
            lines += [line for _, line in group]
        lines += self._legend(parts)
        left = len(self.audit.accounts) - len(self.listed)
        if left:
            over = self.audit.totals.over_budget - sum(account.over_budget for account in self.listed)
            those = f", {over:,} of them over the budget" if over > 0 else ""
            lines.append(f"  and {words.quantity(left, 'more account')}{those}; --top lists more")
        return [*lines, *self._in_all()]

    def _account_row(self, account: AccountAudit) -> list[str]:
        counts = account.counts
        numbers = [counts.imports, counts.exports, counts.signing_keys, counts.revocations, counts.mappings]
        numbers += [] if counts.users is None else [counts.users]
        row = [f"  {self.names.account(account)}", f"{account.token_bytes:,}"]
        row += [f"{number:,}" if number else "-" for number in numbers]
        return row if self.replicas is None else [*row, f"{account.replicated_bytes(self.replicas):,}"]

    def _legend(self, parts: Sequence[dict[Part, int]]) -> list[str]:
        """What the bars are made of, the rest last."""
        seen = {part for each in parts for part in each}
        lines, width = ["  "], 0
        for part in (part for part in (*PARTS.values(), REST) if part in seen):
            needed = len(part.name) + 4
            if width + needed > self.style.width - 4:
                lines.append("  ")
                width = 0
            lines[-1] += ("  " if width else "") + legend(part, self.style)
            width += needed
        return lines

    def _in_all(self) -> list[str]:
        """Which sections contribute most to the whole store."""
        counted = self.audit.accounts[:_SUMMED]
        if len(counted) < 2:  # noqa: PLR2004 one account is its own total
            return []
        together: Counter[Part] = Counter()
        for account in counted:
            together.update(split(section_weights(account.signed.token)))
        most = shares(together)
        where = "in all" if len(counted) == len(self.audit.accounts) else f"in the largest {len(counted):,}"
        return self.style.wrapped(f"{where}: {most}", 2, 2) if most else []

    def sections(self) -> list[list[str]]:
        """Where the bytes of the largest few are."""
        spelled_out = self.listed if self.details else self.listed[:_SPELLED_OUT]
        return [self._section_table(account) for account in spelled_out if self._is_worth_it(account)]

    def _section_table(self, account: AccountAudit) -> list[str]:
        return section_table(account, self.names.account(account), self.style, details=self.details)

    def _is_worth_it(self, account: AccountAudit) -> bool:
        return self.details or account.band is not Band.TYPICAL or account.over_budget or len(self.audit.accounts) == 1

    def _is_worth_it_for(self, user: UserAudit) -> bool:
        return self.details or not _fits(user) or user.over_budget or len(self.audit.users) == 1

    def users(self) -> list[str]:
        """The largest users, against the line that a client sends its token in."""
        if not self.listed_users:
            return []
        bands = self.audit.totals.user_bands
        parts = [split(section_weights(user.signed.token)) for user in self.listed_users]
        rows = [("user", "bytes", "")]
        rows += [
            (self.names.user(user), f"{user.token_bytes:,}", "" if _fits(user) else user.band.value)
            for user in self.listed_users
        ]
        lines = columns(rows, right=frozenset({1}), width=self.style.width - _LEAST_BAR - 2, yielding=(0,))
        width = _room(lines, self.style)
        largest = self.listed_users[0].token_bytes
        head, *table = beside(lines, ["", *(split_bar(each, largest, width, self.style) for each in parts)])
        lines = [self.style.heading("largest users"), self.style.paint(head, "dim"), *table, *self._legend(parts)]
        left = len(self.audit.users) - len(self.listed_users)
        lines += [f"  and {words.quantity(left, 'more user')}"] if left else []
        for user in self.listed_users if self.details else self.listed_users[:_SPELLED_OUT]:
            if not self._is_worth_it_for(user):
                continue
            remark = position_remark(user.position)
            lines += self.style.wrapped(f"{self.names.user(user)}: {remark}", 2, 2) if remark else []
        long = bands[ConnectBand.ATTENTION] + bands[ConnectBand.REFUSED]
        if long:
            too = f", {bands[ConnectBand.REFUSED]:,} above {CONNECT_REFUSED:,}" if bands[ConnectBand.REFUSED] else ""
            sentence = (
                f"{words.quantity(long, 'user is', 'users are')} above {CONNECT_ATTENTION:,} bytes{too}: a CONNECT "
                "line longer than 4,096 is refused, unless `max_control_line` says otherwise"
            )
            lines += self.style.wrapped(sentence, 2, 2)
        return lines

    def not_known(self) -> list[str]:
        sentences = []
        for each in self.audit.not_known:
            rules = f"; not looked for: {words.joined(each.rules)}" if each.rules else ""
            sentences.append(f"{each.what}: {words.shown(each.reason, 300)}{rules}")
        if not sentences:
            return []
        lines = [line for sentence in sentences for line in self.style.wrapped(sentence, 2, 2)]
        return [self.style.heading("what this source cannot say"), *lines]

    def skipped(self) -> list[str]:
        skipped = self.audit.skipped
        if not skipped:
            return []
        reasons = [f"{words.shown(each.origin)}: {words.shown(each.reason, 300)}" for each in skipped]
        title = f"skipped {words.quantity(len(skipped), 'file or token', 'files and tokens')}"
        return [self.style.heading(title), *capped(reasons, _SKIPPED, self.style, 2)]


def _range(band: Band) -> str:
    bands = list(Band)
    place = bands.index(band)
    below = UPPER[bands[place - 1]] // KB if place else 0
    if band not in UPPER:
        return f"above {below} KB"
    return f"{below} to {UPPER[band] // KB} KB" if place else f"up to {UPPER[band] // KB} KB"


def _fits(user: UserAudit) -> bool:
    return user.band is ConnectBand.TYPICAL


def _room(lines: Sequence[str], style: Style) -> int:
    """Columns left beside a table."""
    return max(_LEAST_BAR, min(style.width - max(map(width_of, lines)) - 2, _BAR))
