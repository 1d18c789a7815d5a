"""An audit as CSV: a row an account and a row a user, whose sections sum to the token."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from optimizer.claims.sections import ACTIVATIONS, section_weights
from optimizer.claims.weigh import HEADER, SIGNATURE
from optimizer.proposals import Safety, Severity
from optimizer.reports.spreadsheet import as_json, as_text, csv_text

if TYPE_CHECKING:
    from collections.abc import Iterable

    from optimizer.audit.records import AccountAudit, Audit, AuditFinding, UserAudit

_NAMES = ("kind", "account", "account_json", "account_key", "user", "user_json", "user_key")
_SIZES = ("token_bytes", "payload_bytes", "band", "budget", "over_budget")
_COUNTS = ("imports", "exports", "signing_keys", "revocations", "mappings", "users", "user_bytes")
_FOUND = ("errors", "warnings", "notes", "safe_saving_bytes")

_CLAIMS = ("aud", "exp", "iat", "iss", "jti", "name", "nbf", "sub")
_OF_ACCOUNTS = (
    *("exports", "signing_keys", "revocations", "default_permissions", "mappings", "limits"),
    *("authorization", "trace", "cluster_traffic", "description", "info_url"),
)
_OF_USERS = (
    *("pub", "sub", "resp", "subs", "data", "payload", "src", "times", "times_location"),
    *("bearer_token", "proxy_required", "allowed_connection_types", "issuer_account"),
)
_OF_BOTH = ("tags", "type", "version")

SECTIONS: tuple[str, ...] = (
    HEADER,
    *(f"/{name}" for name in _CLAIMS),
    "/nats/imports",
    ACTIVATIONS,
    *(f"/nats/{name}" for name in (*_OF_ACCOUNTS, *_OF_USERS, *_OF_BOTH)),
    SIGNATURE,
)
"""The sections that have a column, named by their pointer. The same for every store, so that tables can be joined."""

OTHER = "other"
"""The column of all other sections: names and brackets of the payload and of ``nats``, members that nobody knows."""


def audit_csv(audit: Audit) -> str:
    """The table that ``permopt audit --format csv`` prints: accounts, then users, each largest first.

    Parameters
    ----------
    audit
        What was found.

    Returns
    -------
    str
        RFC 4180; the columns of a row that begin with `SECTIONS` and end with `OTHER` sum to its ``token_bytes``.
    """
    by_token: dict[tuple[str, str | None], list[AuditFinding]] = {}
    for finding in audit.findings:
        if finding.account is not None:
            by_token.setdefault((finding.account, finding.user), []).append(finding)
    header = (*_NAMES, *_SIZES, *_COUNTS, *_FOUND, *SECTIONS, OTHER)
    rows = [
        *(_row(account, _of_account(account), by_token.get((account.key, None), ())) for account in audit.accounts),
        *(_row(user, _of_user(user), by_token.get((user.account, user.key), ())) for user in audit.users),
    ]
    return csv_text(header, rows)


def _row(of: AccountAudit | UserAudit, own: tuple[object, ...], found: Iterable[AuditFinding]) -> list[object]:
    names, counts = own[: len(_NAMES)], own[len(_NAMES) :]
    over = "true" if of.over_budget else "false"
    return [
        *names,
        *(of.token_bytes, of.payload_bytes, of.band.value, of.budget, over),
        *counts,
        *_found(found),
        *_sections(of),
    ]


def _of_account(account: AccountAudit) -> tuple[object, ...]:
    counts = account.counts
    return (
        *("account", as_text(account.name), as_json(account.name), account.key, None, None, None),
        *(counts.imports, counts.exports, counts.signing_keys, counts.revocations, counts.mappings, counts.users),
        None if counts.users is None else account.user_bytes,
    )


def _of_user(user: UserAudit) -> tuple[object, ...]:
    return (
        *("user", as_text(user.account_name), as_json(user.account_name), user.account),
        *(as_text(user.name), as_json(user.name), user.key),
        *(None for _ in _COUNTS),
    )


def _found(findings: Iterable[AuditFinding]) -> list[int]:
    found = list(findings)
    severities = Counter(finding.severity for finding in found)
    safe = sum(finding.saving_bytes or 0 for finding in found if finding.safety is Safety.SAFE)
    return [*(severities[severity] for severity in (Severity.ERROR, Severity.WARNING, Severity.NOTE)), safe]


def _sections(of: AccountAudit | UserAudit) -> list[int]:
    sizes: Counter[str] = Counter()
    for section in section_weights(of.signed.token):
        sizes[section.pointer if section.pointer in _KNOWN else OTHER] += section.token_bytes
    return [sizes[name] for name in (*SECTIONS, OTHER)]


_KNOWN = frozenset(SECTIONS)
