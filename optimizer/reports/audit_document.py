"""An audit as ``permopt.audit.v1``: names exact, seeds redacted, keys in a fixed order."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from optimizer.reports.audit_accepted import exclusion_document, since_document, standing_of
from optimizer.reports.json import Document, without_seeds

if TYPE_CHECKING:
    from collections.abc import Iterable

    from optimizer.audit.positions import GrowingPosition
    from optimizer.audit.records import AccountAudit, Audit, AuditFinding, Entry, UserAudit
    from optimizer.claims.sections import Section

AUDIT = "permopt.audit.v1"

_POSITIONS = 20
"""Accounts, and users, whose costliest position is told: every entry is read for it, 7 ms for 1,000 subjects."""


def audit_document(audit: Audit, *, replicas: int | None = None) -> Document:
    """Everything that an audit found, as JSON values.

    Parameters
    ----------
    audit
        What `optimizer.audit.audit.audit` returned.
    replicas
        How many servers keep each account's token; None where nobody asked what that costs.
    """
    totals = audit.totals
    document: Document = {
        "type": AUDIT,
        "operator": None if audit.operator_key is None else {"name": audit.operator_name, "key": audit.operator_key},
        "source": {"store": audit.store, "has_users": audit.has_users},
        "budget": audit.budget,
        "user_budget": audit.user_budget,
        "replicas": replicas,
        "rules_ran": audit.has_rules,
        "totals": {
            "accounts": totals.accounts,
            "users": totals.users,
            "account_bytes": totals.account_bytes,
            "user_bytes": totals.user_bytes,
            "over_budget": totals.over_budget,
            "users_over_budget": totals.users_over_budget,
            "bands": {band.value: number for band, number in totals.bands.items()},
            "user_bands": {band.value: number for band, number in totals.user_bands.items()},
        },
        "accounts": [
            _account(account, replicas) | (_position(account.position) if number < _POSITIONS else {})
            for number, account in enumerate(audit.accounts)
        ],
        "users": [
            _user(user) | (_position(user.position) if number < _POSITIONS else {})
            for number, user in enumerate(audit.users)
        ],
        "findings": [_finding(finding) | {"standing": standing_of(audit, finding)} for finding in audit.findings],
        "excluded": [
            _finding(each.finding) | {"exclusion": exclusion_document(each.exclusion)} for each in audit.excluded
        ],
        "baseline": since_document(audit),
        "skipped": [{"origin": skipped.origin, "reason": skipped.reason} for skipped in audit.skipped],
        "not_known": [
            {"what": each.what, "reason": each.reason, "rules": list(each.rules)} for each in audit.not_known
        ],
    }
    redacted: Document = without_seeds(document)
    return redacted


def _account(account: AccountAudit, replicas: int | None) -> Document:
    escapes, validation = account.escapes, account.validation
    found: dict[str, Any] = {
        "name": account.name,
        "key": account.key,
        "token_bytes": account.token_bytes,
        "payload_bytes": account.payload_bytes,
        "band": account.band.value,
        "budget": account.budget,
        "over_budget": account.over_budget,
        "headroom": account.headroom,
        "user_bytes": account.user_bytes,
        "counts": asdict(account.counts),
        "sections": _sections(account.sections),
        "largest": _largest(account.largest()),
        "escapes": {
            "greater": escapes.greater,
            "less": escapes.less,
            "ampersand": escapes.ampersand,
            "payload_bytes": escapes.payload_bytes,
        },
        "validation": {
            "exports": validation.exports,
            "service_imports": validation.service_imports,
            "estimated_milliseconds": validation.milliseconds,
            "cost": validation.cost,
        },
    }
    if replicas is not None:
        found["replicated_bytes"] = account.replicated_bytes(replicas)
    return found


def _user(user: UserAudit) -> Document:
    return {
        "account": user.account_name,
        "account_key": user.account,
        "name": user.name,
        "key": user.key,
        "token_bytes": user.token_bytes,
        "payload_bytes": user.payload_bytes,
        "band": user.band.value,
        "budget": user.budget,
        "over_budget": user.over_budget,
        "sections": _sections(user.sections),
    }


def _position(growing: GrowingPosition | None) -> Document:
    if growing is None:
        return {"position": None}
    position = growing.position
    return {
        "position": {
            "kind": growing.kind,
            "place": position.place,
            "shapes": list(position.shapes),
            "values": position.values,
            "entries": position.entries,
            "payload_bytes": position.payload_bytes,
            "bytes_a_value": position.bytes_a_value,
        }
    }


def _finding(finding: AuditFinding) -> Document:
    return {
        "id": finding.id,
        "kind": finding.kind.value,
        "rule": finding.rule,
        "severity": finding.severity.value,
        "account": finding.account_name if finding.account is not None else None,
        "account_key": finding.account,
        "user": finding.user_name if finding.user is not None else None,
        "user_key": finding.user,
        "pointers": list(finding.pointers),
        "message": finding.message,
        "measure": finding.measure,
        "saving_bytes": finding.saving_bytes,
        "safety": None if finding.safety is None else finding.safety.value,
        "proposal": finding.proposal,
        "needs_person": finding.needs_person,
        "advice": finding.advice,
    }


def _sections(found: Iterable[Section]) -> list[Document]:
    return [
        {
            "pointer": section.pointer,
            "entries": section.entries,
            "payload_bytes": section.payload_bytes,
            "token_bytes": section.token_bytes,
        }
        for section in found
    ]


def _largest(found: Iterable[Entry]) -> list[Document]:
    return [
        {
            "pointer": entry.pointer,
            "what": entry.what,
            "payload_bytes": entry.payload_bytes,
            "token_bytes": entry.token_bytes,
        }
        for entry in found
    ]
