"""What an audit found, rule by rule, and what of it a page spells out."""

from __future__ import annotations

from typing import TYPE_CHECKING

from optimizer.audit.records import FindingKind
from optimizer.proposals import Safety, Severity
from optimizer.reports import words
from optimizer.reports.changes import capped
from optimizer.reports.style import columns

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from optimizer.audit.records import Audit, AuditFinding
    from optimizer.reports.audit_names import Names
    from optimizer.reports.style import Style

_LOOKS = {Severity.ERROR: "red", Severity.WARNING: "yellow", Severity.NOTE: "cyan"}
_ERRORS = 10


def findings_table(audit: Audit, style: Style) -> list[str]:
    """One row a rule: how many, what the safe ones save, what the others could, how many need a person."""
    found = audit.findings
    if not found:
        return ["nothing found: every token is in order, no rule has anything to say"] if audit.has_rules else []
    rows = [*finding_rows(found), _row("in all", "", found)]
    head, *table = columns(rows, right=frozenset({2, 3, 4, 5}), width=style.width, yielding=(0,))
    looks = [*(_LOOKS[Severity(row[1])] for row in rows[1:-1]), "bold"]
    painted = [style.paint(line, look) for line, look in zip(table, looks, strict=True)]
    return [style.heading("findings"), style.paint(head, "dim"), *painted]


def finding_rows(findings: Iterable[AuditFinding]) -> list[tuple[str, ...]]:
    """What each rule found, in the order of the findings, below a row that says what the columns are."""
    groups: dict[tuple[Severity, str], list[AuditFinding]] = {}
    for finding in findings:
        groups.setdefault((finding.severity, finding.rule), []).append(finding)
    rows = [_row(rule, severity.value, these) for (severity, rule), these in groups.items()]
    return [("rule", "severity", "number", "safe saves", "could save", "for a person"), *rows]


def findings_spelled_out(audit: Audit, names: Names, style: Style, *, details: bool = False) -> list[str]:
    """Every error that the ranks do not show, and with details every finding, in a sentence."""
    these = [each for each in audit.findings if details or _is_error_in_a_token(each)]
    if not these:
        return []
    title = "every finding" if details else f"{words.quantity(len(these), 'error')} in tokens"
    sentences = [_sentence(finding, names, with_severity=details) for finding in these]
    return [style.heading(title), *capped(sentences, len(these) if details else _ERRORS, style, 2)]


def _is_error_in_a_token(finding: AuditFinding) -> bool:
    return finding.severity is Severity.ERROR and finding.kind is not FindingKind.SIZE


def _sentence(finding: AuditFinding, names: Names, *, with_severity: bool) -> str:
    severity = f"{finding.severity.value}, " if with_severity else ""
    saving = ""
    if finding.saving_bytes is not None and finding.safety is not None:
        saves = words.saved(finding.saving_bytes, would=finding.safety is not Safety.SAFE)
        saving = f" ({finding.safety.value}, {saves}, {finding.id})"
    return f"{names.token(finding)}: {severity}{finding.rule}: {words.shown(finding.message, 400)}{saving}"


def _row(rule: str, severity: str, these: Sequence[AuditFinding]) -> tuple[str, str, str, str, str, str]:
    safe = _saved(finding for finding in these if finding.safety is Safety.SAFE)
    others = _saved(finding for finding in these if finding.safety is not Safety.SAFE)
    people = sum(finding.needs_person for finding in these)
    return rule, severity, f"{len(these):,}", safe, others, f"{people:,}" if people else "-"


def _saved(findings: Iterable[AuditFinding]) -> str:
    saved = sum(finding.saving_bytes or 0 for finding in findings)
    return f"{saved:,}" if saved else "-"
