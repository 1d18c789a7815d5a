"""An audit as CSV: a row an account and a row a user, whose sections sum to the token, then what has no size."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from optimizer.audit.baseline import Standing
from optimizer.claims.sections import ACTIVATIONS, section_weights
from optimizer.claims.weigh import HEADER, SIGNATURE
from optimizer.proposals import Safety, Severity
from optimizer.reports.spreadsheet import as_json, as_text, csv_text
from optimizer.reports.words import shown

if TYPE_CHECKING:
    from collections.abc import Iterable

    from optimizer.audit.exclusions import Excluded
    from optimizer.audit.records import AccountAudit, Audit, AuditFinding, UserAudit

    _Place = tuple[str | None, str | None]

_NAMES = ("kind", "account", "account_json", "account_key", "user", "user_json", "user_key")
_SIZES = ("token_bytes", "payload_bytes", "band", "budget", "over_budget")
_COUNTS = ("imports", "exports", "signing_keys", "revocations", "mappings", "users", "user_bytes")
_FOUND = ("errors", "warnings", "notes", "safe_saving_bytes")
_ACCEPTED = ("excluded", *(standing.value for standing in Standing), "fixed", "remark")

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

_NO_SECTIONS: tuple[None, ...] = tuple(None for _ in (*SECTIONS, "other"))
_REASON = 300

OTHER = "other"
"""The column of all other sections: names and brackets of the payload and of ``nats``, members that nobody knows."""


def audit_csv(audit: Audit) -> str:
    """The table that ``permopt audit --format csv`` prints: accounts, then users, each largest first, then the rest.

    Parameters
    ----------
    audit
        What was found.

    Returns
    -------
    str
        RFC 4180; the columns of a row that begin with `SECTIONS` and end with `OTHER` sum to its ``token_bytes``.
        Every finding, excluded or fixed ones included, and every skipped file is counted in exactly one row.
    """
    found = _Found(audit)
    header = (*_NAMES, *_SIZES, *_COUNTS, *_FOUND, *_ACCEPTED, *SECTIONS, OTHER)
    rows = [
        *(_row(account, _of_account(account), found.of(account.key, None)) for account in audit.accounts),
        *(_row(user, _of_user(user), found.of(user.account, user.key)) for user in audit.users),
        *found.rest(),
    ]
    return csv_text(header, rows)


class _Found:
    """What was found, by the token it is about, until a row has taken it."""

    def __init__(self, audit: Audit) -> None:
        self._audit = audit
        self._findings: dict[_Place, list[AuditFinding]] = {}
        self._excluded: dict[_Place, list[Excluded]] = {}
        self._fixed: Counter[_Place] = Counter()
        for finding in audit.findings:
            self._findings.setdefault(_place(finding), []).append(finding)
        for each in audit.excluded:
            self._excluded.setdefault(_place(each.finding), []).append(each)
        if audit.since is not None:
            self._fixed.update((known.account, known.user) for known in audit.since.fixed)

    def of(self, account: str | None, user: str | None) -> list[object]:
        """The columns `_FOUND` and `_ACCEPTED` of a token."""
        place = account, user
        findings, excluded = self._findings.pop(place, []), self._excluded.pop(place, [])
        severities = Counter(finding.severity for finding in findings)
        safe = sum(finding.saving_bytes or 0 for finding in findings if finding.safety is Safety.SAFE)
        reasons = dict.fromkeys(shown(each.exclusion.reason, _REASON) for each in excluded)
        return [
            *(severities[severity] for severity in (Severity.ERROR, Severity.WARNING, Severity.NOTE)),
            *(safe, len(excluded), *self._standings(findings, self._fixed.pop(place, 0))),
            as_text(f"excluded: {', '.join(reasons)}") if reasons else None,
        ]

    def _standings(self, findings: list[AuditFinding], fixed: int) -> Iterable[int | None]:
        since = self._audit.since
        if since is None:
            return [None for _ in (*Standing, "fixed")]
        counts = Counter(map(since.standing, findings))
        return [*(counts[standing] for standing in Standing), fixed]

    def rest(self) -> Iterable[list[object]]:
        """Rows of what is about no token of the table: the operator's, tokens that are gone, what was skipped."""
        for account, user in list(dict.fromkeys((*self._findings, *self._excluded, *self._fixed))):
            names: list[object] = [None for _ in _NAMES]
            names[0] = "other" if account is None else "gone"
            names[_NAMES.index("account_key")], names[_NAMES.index("user_key")] = account, user
            yield [*names, *(None for _ in (*_SIZES, *_COUNTS)), *self.of(account, user), *_NO_SECTIONS]
        for each in self._audit.skipped:
            remark = as_text(shown(f"{each.origin}: {each.reason}", _REASON))
            empty = [None for _ in (*_NAMES[1:], *_SIZES, *_COUNTS, *_FOUND, *_ACCEPTED[:-1])]
            yield ["skipped", *empty, remark, *_NO_SECTIONS]


def _place(finding: AuditFinding) -> _Place:
    return finding.account, finding.user


def _row(of: AccountAudit | UserAudit, own: tuple[object, ...], found: list[object]) -> list[object]:
    names, counts = own[: len(_NAMES)], own[len(_NAMES) :]
    over = "true" if of.over_budget else "false"
    return [
        *names,
        *(of.token_bytes, of.payload_bytes, of.band.value, of.budget, over),
        *counts,
        *found,
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


def _sections(of: AccountAudit | UserAudit) -> list[int]:
    sizes: Counter[str] = Counter()
    for section in section_weights(of.signed.token):
        sizes[section.pointer if section.pointer in _KNOWN else OTHER] += section.token_bytes
    return [sizes[name] for name in (*SECTIONS, OTHER)]


_KNOWN = frozenset(SECTIONS)
