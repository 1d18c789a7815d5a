"""Findings that somebody decided to live with: set apart with their reason, and back when their time is over."""

from __future__ import annotations

from dataclasses import dataclass, replace
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING

from optimizer.audit.records import AuditFinding, FindingKind, finding_id, rank
from optimizer.proposals import Severity

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from optimizer.audit.records import Audit

EXPIRED = "expired-exclusion"
UNUSED = "unused-exclusion"


@dataclass(frozen=True, slots=True, kw_only=True)
class Exclusion:
    """One decision; everything that it names must be so.

    Parameters
    ----------
    reason
        Why, in a person's words.
    rule, account, user
        Globs: over the names of rules, over names or keys of accounts, and of users. None for any; a finding about an
        account's own token has no user, and none but None covers it.
    id
        Of one finding.
    until, ends
        The last day it holds as written, and the first second after it; None where it has no end.
    """

    reason: str
    rule: str | None = None
    account: str | None = None
    user: str | None = None
    id: str | None = None
    until: str | None = None
    ends: int | None = None

    def covers(self, finding: AuditFinding) -> bool:
        """Whether it is about a finding, its time left aside."""
        return (
            (self.id is None or self.id == finding.id)
            and (self.rule is None or fnmatchcase(finding.rule, self.rule))
            and _is_named(self.account, finding.account_name, finding.account)
            and _is_named(self.user, finding.user_name, finding.user)
        )

    def has_ended(self, now: int) -> bool:
        """Whether its last day is over."""
        return self.ends is not None and now >= self.ends

    @property
    def named(self) -> str:
        """What it is about, as the configuration has it."""
        parts = (("rule", self.rule), ("account", self.account), ("user", self.user), ("id", self.id))
        return ", ".join(f"{name} `{text}`" for name, text in parts if text is not None)


@dataclass(frozen=True, slots=True)
class Excluded:
    """A finding, and the decision that sets it apart."""

    finding: AuditFinding
    exclusion: Exclusion


def without_excluded(audit: Audit, exclusions: Sequence[Exclusion], now: int, accounts: tuple[str, ...] = ()) -> Audit:
    """An audit whose excluded findings stand apart, with a warning for each exclusion whose time is over.

    One that covers nothing is noted, where the run looked at everything that it could have covered.

    Parameters
    ----------
    audit
        As found.
    exclusions
        In the order of the configuration: the first that covers a finding is its reason.
    now
        The clock, in seconds since the epoch.
    accounts
        The globs that the run is narrowed to.
    """
    kept, excluded = split(audit.findings, exclusions, now)
    over = [_expired(each, audit) for each in exclusions if each.has_ended(now)]
    if audit.has_rules and audit.has_users and not accounts:
        over += [
            _unused(each)
            for each in exclusions
            if not each.has_ended(now) and not any(map(each.covers, audit.findings))
        ]
    return replace(audit, findings=tuple(sorted((*kept, *over), key=rank)), excluded=(*audit.excluded, *excluded))


def split(
    findings: Iterable[AuditFinding], exclusions: Sequence[Exclusion], now: int
) -> tuple[list[AuditFinding], list[Excluded]]:
    """The findings that no exclusion covers, and the others with what covers them."""
    holding = [each for each in exclusions if not each.has_ended(now)]
    kept: list[AuditFinding] = []
    excluded: list[Excluded] = []
    for finding in findings:
        reason = next((each for each in holding if each.covers(finding)), None)
        if reason is None:
            kept.append(finding)
        else:
            excluded.append(Excluded(finding, reason))
    return kept, excluded


def _expired(exclusion: Exclusion, audit: Audit) -> AuditFinding:
    again = sum(exclusion.covers(finding) for finding in audit.findings)
    shows = "1 finding counts" if again == 1 else f"{again:,} findings count"
    message = f"the exclusion of {exclusion.named} was until {exclusion.until}, and {shows} again ({exclusion.reason})"
    return _about(exclusion, EXPIRED, Severity.WARNING, message, "repair what it covered, or give it a later `until`")


def _unused(exclusion: Exclusion) -> AuditFinding:
    message = f"the exclusion of {exclusion.named} covers no finding ({exclusion.reason})"
    return _about(exclusion, UNUSED, Severity.NOTE, message, "remove it, or correct what it names")


def _about(exclusion: Exclusion, rule: str, severity: Severity, message: str, advice: str) -> AuditFinding:
    named = (exclusion.rule, exclusion.account, exclusion.user, exclusion.id, exclusion.until)
    return AuditFinding(
        id=finding_id(rule, *named),
        kind=FindingKind.CONFIGURATION,
        rule=rule,
        severity=severity,
        account=None,
        user=None,
        account_name="",
        user_name="",
        pointers=("",),
        message=message,
        advice=advice,
    )


def _is_named(glob: str | None, name: str, key: str | None) -> bool:
    return glob is None or (key is not None and (fnmatchcase(name, glob) or glob in (name, key)))
