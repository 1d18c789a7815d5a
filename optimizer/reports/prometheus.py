"""An audit as metrics in the text format of Prometheus, for the textfile collector of its node exporter.

https://prometheus.io/docs/instrumenting/exposition_formats/#text-based-format
"""

from __future__ import annotations

import enum
from collections import Counter
from dataclasses import asdict
from typing import TYPE_CHECKING

from optimizer.audit.bands import ConnectBand
from optimizer.audit.baseline import Standing, numbers
from optimizer.claims.sections import section_weights
from optimizer.reports.sections import PARTS
from optimizer.text import redacted

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from optimizer.audit.records import Audit, AuditFinding, UserAudit
    from optimizer.claims.keys import AccountKey

    Sample = tuple[Mapping[str, str], int]

REST = "rest"
"""The label of all sections that do not grow by themselves: header, signature, names, limits."""


class UserSeries(enum.Enum):
    """Which users have a series of their own: each is one more that a server keeps."""

    ALL = "all"
    LARGE = "large"
    """Those over their budget, and those above 3,500 bytes: the ones that an alert is about."""
    NONE = "none"


def audit_prometheus(audit: Audit, *, now: int, users: UserSeries = UserSeries.LARGE) -> str:
    """What ``permopt audit --format prometheus`` prints.

    Parameters
    ----------
    audit
        What was found.
    now
        When, in seconds since the epoch.
    users
        Whose tokens are among the metrics.

    Returns
    -------
    str
        Names exact, less the seeds, with the escapes that the format has: backslash, quote and line feed.
    """
    operator = audit.operator_name or audit.operator_key or ""
    of_operator = _labels(operator=operator)
    of = {
        account.key: _labels(account=account.name, account_key=account.key, operator=operator)
        for account in audit.accounts
    }
    metrics: list[tuple[str, str, Iterable[Sample]]] = [
        (
            "permopt_account_token_bytes",
            "Size of the account token as stored and sent.",
            ((of[account.key], account.token_bytes) for account in audit.accounts),
        ),
        (
            "permopt_account_budget_bytes",
            "Size that the account token may have.",
            ((of[account.key], account.budget) for account in audit.accounts),
        ),
        (
            "permopt_account_section_bytes",
            "Bytes of the account token by section; they sum to it.",
            _sections(audit, of),
        ),
        (
            "permopt_account_entries",
            "How many the account token lists, and how many users the source holds.",
            _entries(audit, of),
        ),
        (
            "permopt_user_token_bytes",
            "Size of the user token, which a client sends in its CONNECT line.",
            (
                (
                    _labels(
                        account=user.account_name,
                        account_key=user.account,
                        operator=operator,
                        user=user.name,
                        user_key=user.key,
                    ),
                    user.token_bytes,
                )
                for user in audit.users
                if _is_shown(user, users)
            ),
        ),
        ("permopt_findings", "Findings by rule and severity.", _findings(audit.findings, operator)),
        (
            "permopt_excluded_findings",
            "Findings that the configuration excludes, by rule and severity; not among permopt_findings.",
            _findings((each.finding for each in audit.excluded), operator),
        ),
        (
            "permopt_baseline_findings",
            "Findings by how they stand to the baseline; without one there are none.",
            _standings(audit, operator),
        ),
        ("permopt_skipped_tokens", "Files and tokens that could not be read.", [(of_operator, len(audit.skipped))]),
        ("permopt_audit_timestamp_seconds", "When the audit was made.", [(of_operator, now)]),
    ]
    return "".join(line for metric in metrics for line in _metric(*metric))


def _is_shown(user: UserAudit, users: UserSeries) -> bool:
    match users:
        case UserSeries.ALL:
            return True
        case UserSeries.LARGE:
            return user.over_budget or user.band is not ConnectBand.TYPICAL
        case UserSeries.NONE:
            return False


def _labels(**labels: str) -> Mapping[str, str]:
    return labels


def _sections(audit: Audit, of: Mapping[AccountKey, Mapping[str, str]]) -> Iterator[Sample]:
    for account in audit.accounts:
        sizes: Counter[str] = Counter()
        for section in section_weights(account.signed.token):
            sizes[section.pointer if section.pointer in PARTS else REST] += section.token_bytes
        yield from (({**of[account.key], "section": name}, sizes[name]) for name in (*PARTS, REST) if sizes[name])


def _entries(audit: Audit, of: Mapping[AccountKey, Mapping[str, str]]) -> Iterator[Sample]:
    for account in audit.accounts:
        kinds = asdict(account.counts).items()
        yield from (({**of[account.key], "kind": kind}, count) for kind, count in kinds if count is not None)


def _findings(findings: Iterable[AuditFinding], operator: str) -> Iterator[Sample]:
    found = Counter((finding.rule, finding.severity.value) for finding in findings)
    for (rule, severity), number in sorted(found.items()):
        yield {"rule": rule, "severity": severity, "operator": operator}, number


def _standings(audit: Audit, operator: str) -> Iterator[Sample]:
    if audit.since is not None:
        counts = numbers(audit)
        found = {**{standing.value: counts[standing] for standing in Standing}, "fixed": len(audit.since.fixed)}
        yield from (({"standing": name, "operator": operator}, number) for name, number in found.items())


def _metric(name: str, explanation: str, samples: Iterable[Sample]) -> Iterator[str]:
    yield f"# HELP {name} {explanation}\n# TYPE {name} gauge\n"
    for labels, value in samples:
        written = ",".join(f'{label}="{escaped(text)}"' for label, text in labels.items())
        yield f"{name}{{{written}}} {value}\n"


def escaped(text: str) -> str:
    r"""The value of a label: exact, less the seeds, with ``\``, ``"`` and line feeds escaped, as the format asks.

    Examples
    --------
    >>> print(escaped('a "b"\\ \n'))
    a \"b\"\\ \n
    """
    return redacted(text).replace("\\", "\\\\").replace("\n", "\\n").replace('"', '\\"')
