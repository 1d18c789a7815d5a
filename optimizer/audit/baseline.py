"""What was found before and is known: only what is new since, or has grown, needs an answer."""

from __future__ import annotations

import enum
from collections import Counter
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from optimizer.audit.records import FindingKind
from optimizer.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from optimizer.audit.records import Audit, AuditFinding
    from optimizer.claims.keys import AccountKey, OperatorKey, UserKey

_AGAIN = "write it again with --write-baseline"


class Standing(enum.Enum):
    """How a finding stands to what was known."""

    NEW = "new"
    GROWN = "grown"
    """Known, and its measure (bytes, entries, milliseconds) is larger than it was, by however little."""
    UNCHANGED = "unchanged"
    """Known, and its measure is no larger; most findings have none."""

    @property
    def counts(self) -> bool:
        """Whether it decides over a run."""
        return self is not Standing.UNCHANGED


@dataclass(frozen=True, slots=True)
class Known:
    """A finding as a baseline keeps it: what it is told by, and its measure."""

    id: str
    kind: FindingKind
    rule: str
    account: AccountKey | None
    user: UserKey | None
    measure: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Baseline:
    """The findings of one run.

    Parameters
    ----------
    operator
        Whose store it was; None where the source held no operator token.
    accounts
        The globs the run was narrowed to; empty for all.
    has_rules, has_users
        Whether the rules were run, and whether the source could hold users.
    findings
        Sorted by account, user, rule and id.
    """

    operator: OperatorKey | None
    accounts: tuple[str, ...]
    has_rules: bool
    has_users: bool
    findings: tuple[Known, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Since:
    """What became of a baseline.

    Parameters
    ----------
    standings
        By a finding's id.
    fixed
        Known, and not found any more.
    """

    standings: Mapping[str, Standing]
    fixed: tuple[Known, ...]

    def standing(self, finding: AuditFinding) -> Standing:
        """Of one finding; what is wrong with the configuration is always new."""
        return self.standings.get(finding.id, Standing.NEW)


def baseline_of(audit: Audit, accounts: tuple[str, ...] = ()) -> Baseline:
    """What an audit found, to hold later ones against; excluded findings are not in it.

    Parameters
    ----------
    audit
        Of the whole store, or of the part that is to be watched.
    accounts
        The globs that it was narrowed to.
    """
    known = {
        finding.id: Known(finding.id, finding.kind, finding.rule, finding.account, finding.user, finding.measure)
        for finding in audit.findings
        if finding.kind is not FindingKind.CONFIGURATION
    }
    return Baseline(
        operator=audit.operator_key,
        accounts=accounts,
        has_rules=audit.has_rules,
        has_users=audit.has_users,
        findings=tuple(sorted(known.values(), key=_place)),
    )


def since(audit: Audit, baseline: Baseline, accounts: tuple[str, ...] = ()) -> Audit:
    """An audit that knows what of it is new.

    Parameters
    ----------
    audit
        Excluded findings set apart.
    baseline
        Of an earlier run.
    accounts
        The globs that this run is narrowed to: what is outside is not fixed by it.

    Raises
    ------
    UsageError
        The baseline is of another store, or of a run that looked at less.
    """
    _check(audit, baseline, accounts)
    before = {known.id: known for known in baseline.findings}
    standings = {
        finding.id: _standing(finding, before.get(finding.id))
        for finding in audit.findings
        if finding.kind is not FindingKind.CONFIGURATION
    }
    looked_at = {each.key for each in audit.accounts} | {each.account for each in audit.users}
    apart = {each.finding.id for each in audit.excluded}
    fixed = (
        known
        for known in baseline.findings
        if known.id not in standings
        and known.id not in apart
        and (not accounts or known.account is None or known.account in looked_at)
        and (audit.has_rules or known.kind is not FindingKind.RULE)
    )
    return replace(audit, since=Since(standings=standings, fixed=tuple(fixed)))


def numbers(audit: Audit) -> Counter[Standing]:
    """How many findings stand how; of an audit without a baseline all are new."""
    if audit.since is None:
        return Counter({Standing.NEW: len(audit.findings)})
    return Counter(map(audit.since.standing, audit.findings))


def _standing(finding: AuditFinding, known: Known | None) -> Standing:
    if known is None:
        return Standing.NEW
    grown = finding.measure is not None and known.measure is not None and finding.measure > known.measure
    return Standing.GROWN if grown else Standing.UNCHANGED


def _check(audit: Audit, baseline: Baseline, accounts: tuple[str, ...]) -> None:
    if baseline.operator != audit.operator_key:
        theirs, ours = (_operator(key) for key in (baseline.operator, audit.operator_key))
        raise UsageError(f"the baseline is of {theirs}, and this store of {ours}", f"name the store's own, or {_AGAIN}")
    if audit.has_rules and not baseline.has_rules:
        raise UsageError("the baseline was written without the rules", f"add --no-findings, or {_AGAIN}")
    if audit.has_users != baseline.has_users:
        which = "without" if audit.has_users else "with"
        raise UsageError(f"the baseline is of a source {which} users, and this is none", f"read the other, or {_AGAIN}")
    if baseline.accounts and set(accounts) != set(baseline.accounts):
        globs = " ".join(f"--account {glob}" for glob in baseline.accounts)
        raise UsageError("the baseline is of some accounts only", f"ask for the same ({globs}), or {_AGAIN}")
    known = {each.account for each in baseline.findings if each.account is not None}
    if audit.operator_key is None and known and not accounts:
        here = {each.key for each in audit.accounts} | {each.account for each in audit.users}
        if not known & here:
            raise UsageError("no account of the baseline is in this store", f"name the store's own, or {_AGAIN}")


def _operator(key: OperatorKey | None) -> str:
    return "no known operator" if key is None else f"operator `{key}`"


def _place(known: Known) -> tuple[str, ...]:
    return (known.account or "", known.user or "", known.rule, known.id)
