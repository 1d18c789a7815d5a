"""What of an audit's findings is accepted: how they stand to a baseline, and what the configuration excludes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from optimizer.audit.baseline import Standing, numbers
from optimizer.reports import words
from optimizer.reports.changes import capped

if TYPE_CHECKING:
    from optimizer.audit.baseline import Known
    from optimizer.audit.exclusions import Excluded, Exclusion
    from optimizer.audit.records import Audit, AuditFinding
    from optimizer.reports.audit_names import Names
    from optimizer.reports.style import Style

_SHOWN = 20


def since_baseline(audit: Audit, names: Names, style: Style, *, details: bool = False) -> list[str]:
    """What is new, grown, unchanged and fixed since a baseline, as lines of a page; none without one."""
    since = audit.since
    if since is None:
        return []
    counts = numbers(audit)
    sums = ", ".join(f"{counts[standing]:,} {standing.value}" for standing in Standing)
    sentences = [
        f"{since.standing(each).value}: {names.token(each)}: {each.severity.value}, {each.rule}: "
        f"{words.shown(each.message, 300)}"
        for each in audit.counted
    ]
    most = len(sentences) if details else _SHOWN
    lines = [style.heading(f"since the baseline: {sums}, {len(since.fixed):,} fixed")]
    lines += capped(sentences, most, style, 2)
    fixed = [f"fixed: {name_of_known(each, audit)}: {words.shown(each.rule)}" for each in since.fixed]
    lines += capped(fixed, len(fixed) if details else _SHOWN, style, 2)
    if fixed:
        lines += style.wrapped("write the baseline again, so that what is fixed stays so", 2, 2)
    return lines


def excluded(audit: Audit, names: Names, style: Style, *, details: bool = False) -> list[str]:
    """The findings that the configuration excludes, by their reason, as lines of a page; none without any."""
    if not audit.excluded:
        return []
    groups: dict[Exclusion, list[Excluded]] = {}
    for each in audit.excluded:
        groups.setdefault(each.exclusion, []).append(each)
    lines = [style.heading(f"excluded by the configuration: {words.quantity(len(audit.excluded), 'finding')}")]
    for exclusion, these in groups.items():
        until = "" if exclusion.until is None else f", until {exclusion.until}"
        named, reason = words.shown(exclusion.named, 200), words.shown(exclusion.reason, 300)
        lines += style.wrapped(f"{len(these):,} of {named}{until}: {reason}", 2, 2)
        if details:
            sentences = [
                f"{names.token(each.finding)}: {each.finding.rule}: {words.shown(each.finding.message, 300)}"
                for each in these
            ]
            lines += capped(sentences, len(sentences), style, 4)
    return lines


def since_document(audit: Audit) -> dict[str, Any] | None:
    """The same as JSON values; None without a baseline. Each finding says how it stands."""
    if audit.since is None:
        return None
    counts = numbers(audit)
    return {
        **{standing.value: counts[standing] for standing in Standing},
        "fixed": [
            {"id": known.id, "rule": known.rule, "account_key": known.account, "user_key": known.user}
            for known in audit.since.fixed
        ],
    }


def standing_of(audit: Audit, finding: AuditFinding) -> str | None:
    """How a finding stands to the baseline; None without one."""
    return None if audit.since is None else audit.since.standing(finding).value


def exclusion_document(exclusion: Exclusion) -> dict[str, Any]:
    """An exclusion as JSON values."""
    return {
        "rule": exclusion.rule,
        "account": exclusion.account,
        "user": exclusion.user,
        "id": exclusion.id,
        "reason": exclusion.reason,
        "until": exclusion.until,
    }


def name_of_known(known: Known, audit: Audit) -> str:
    """A token by its name where it is still there, by its key where it is not."""
    if known.account is None:
        return "the operator"
    name = next((each.name for each in audit.accounts if each.key == known.account), "")
    account = words.name_of(name, known.account)
    if known.user is None:
        return f"account {account}"
    user = next((each.name for each in audit.users if (each.key, each.account) == (known.user, known.account)), "")
    return f"user {account}/{words.name_of(user, known.user)}"
