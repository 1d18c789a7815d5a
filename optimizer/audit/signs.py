"""What is a sign by itself: a token over its budget, a list too long, a server that has to work too hard."""

from __future__ import annotations

from typing import TYPE_CHECKING

from optimizer.audit.bands import (
    CONNECT_ATTENTION,
    KB,
    MANY_REVOCATIONS,
    UPPER,
    Band,
    ConnectBand,
)
from optimizer.audit.records import AuditFinding, FindingKind, UserAudit, finding_id
from optimizer.claims.token import MAX_TOKEN_SIZE
from optimizer.proposals import Severity

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from optimizer.audit.records import AccountAudit

USER_SIGNS = ("long-connect-line", "over-budget")
"""The signs that user tokens show."""

_SLOW = 100
"""Milliseconds of validation that are worth a note; from ten times as many on it is a warning."""

_SLOWEST_BELOW = 64 * KB
"""No smaller token reaches `_SLOW`: its section need not be looked for."""


def signs(accounts: Iterable[AccountAudit], users: Iterable[UserAudit]) -> Iterator[AuditFinding]:
    """What stands out among tokens by their sizes and counts alone."""
    for account in accounts:
        yield from _of_account(account)
    for user in users:
        yield from _of_user(user)


def _of_account(account: AccountAudit) -> Iterator[AuditFinding]:
    size = account.token_bytes
    is_bloated = account.band is Band.BLOATED
    if account.over_budget or is_bloated:
        dominant = account.dominant
        pointer = dominant.pointer if dominant.pointer.startswith("/") else ""
        pointer = pointer.removesuffix("/*/token")
        most = f"`{dominant.pointer}` is {dominant.token_bytes * 100 / size:.0f}% of it"
        if account.over_budget:
            over = f"{size:,} bytes are {size - account.budget:,} over the budget of {account.budget:,}; {most}"
            yield _sign("over-budget", Severity.WARNING, account, pointer, message=over, measure=size)
        if is_bloated:
            limit = UPPER[Band.ATTENTION]
            yield _sign(
                "bloated",
                Severity.ERROR,
                account,
                pointer,
                message=f"{size:,} bytes, above {limit:,}; {most}",
                measure=size,
            )
    if size > MAX_TOKEN_SIZE and not any(issue.code == "refused" for issue in account.signed.issues):
        message = f"{size:,} bytes: nats-server 2.12.15 reads no token above {MAX_TOKEN_SIZE:,}"
        yield _sign("too-large", Severity.ERROR, account, "", message=message, measure=size)
    revocations = account.counts.revocations
    if revocations > MANY_REVOCATIONS:
        message = f"{revocations:,} revocations, more than {MANY_REVOCATIONS}; one of `*` covers all that are older"
        yield _sign(
            "many-revocations", Severity.WARNING, account, "/nats/revocations", message=message, measure=revocations
        )
    if size >= _SLOWEST_BELOW:
        yield from _slow(account)


def _slow(account: AccountAudit) -> Iterator[AuditFinding]:
    validation = account.validation
    if validation.milliseconds < _SLOW:
        return
    many = f"{validation.exports:,} exports and {validation.service_imports:,} service imports"
    message = f"{many}: the server compares each with each, by an estimate for {validation.milliseconds:,} ms each time"
    severity = Severity.WARNING if validation.milliseconds >= 10 * _SLOW else Severity.NOTE
    pointer = "/nats/exports" if validation.exports >= validation.service_imports else "/nats/imports"
    yield _sign("slow-validation", severity, account, pointer, message=message, measure=validation.milliseconds)


def _of_user(user: UserAudit) -> Iterator[AuditFinding]:
    size = user.token_bytes
    if user.band is not ConnectBand.TYPICAL:
        line = "a CONNECT line may have 4,096 by default (`max_control_line`)"
        end = "no client connects with it then" if user.band is ConnectBand.REFUSED else "the rest of it needs room too"
        message = f"{size:,} bytes, above {CONNECT_ATTENTION:,}: {line}, and {end}"
        yield _sign("long-connect-line", Severity.WARNING, user, "", message=message, measure=size)
    if user.over_budget and user.budget != CONNECT_ATTENTION:
        message = f"{size:,} bytes are {size - user.budget:,} over the budget of {user.budget:,}"
        yield _sign("over-budget", Severity.WARNING, user, "", message=message, measure=size)


def _sign(
    rule: str, severity: Severity, of: AccountAudit | UserAudit, pointer: str, *, message: str, measure: int
) -> AuditFinding:
    if isinstance(of, UserAudit):
        account, user, names = of.account, of.key, (of.account_name, of.name)
    else:
        account, user, names = of.key, None, (of.name, "")
    return AuditFinding(
        id=finding_id(rule, account, user),
        kind=FindingKind.SIZE,
        rule=rule,
        severity=severity,
        account=account,
        user=user,
        account_name=names[0],
        user_name=names[1],
        pointers=(pointer,),
        message=message,
        measure=measure,
    )
