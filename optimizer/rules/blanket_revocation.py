"""Many revocations, which one of `*` could replace, at a price.

## What it finds

An account that revokes more than 50 keys one by one.

## What it costs

70 bytes of the payload for each, 93 to 94 of the token.

## What the proposal changes

`*` is revoked up to the latest of their times, and they go. Whatever was issued up to then is refused from the push on,
and whoever is connected with it is disconnected: every known user whose token is older, by name, and all that nobody
knows of. Each known one comes with the command that issues its token anew; that has effect once its new creds are
handed out, which is best done before the push. So the proposal is risky, and never part of a script unless it is
accepted by its id. Revocations whose time is in the future stay: `*` up to then would refuse new tokens too.

## When to leave it

Where tokens are out that nobody can issue again.

## Sources

Server: `isRevoked`; `updateAccountClaimsWithRefresh` disconnects whom it refuses. Asked of both server generations.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from optimizer.edits import EVERYBODY, EditRevocations, Revocation, TargetKind, revocations_of
from optimizer.proposals import Basis, Evidence, Severity
from optimizer.rules.revoked import refused_evidence
from optimizer.rules.rule import Rule

if TYPE_CHECKING:
    from collections.abc import Iterator

    from optimizer.claims.model import UserClaims
    from optimizer.proposals import Finding
    from optimizer.rules.view import AccountView

MANY = 50
"""Revocations that a person can still look through."""


def find(view: AccountView) -> Iterator[Finding]:
    """`*` up to the latest time that is not in the future."""
    times = view.claims.revocations
    if len(times) <= MANY:
        return
    everybody = times.get(EVERYBODY)
    gone = tuple(
        each
        for each in revocations_of(view.claims)
        if each.key != EVERYBODY and each.time <= view.settings.now and (everybody is None or everybody < each.time)
    )
    if len(gone) <= MANY:
        return
    latest = max(each.time for each in gone)
    # What `*` covers as it stands is another rule's.
    left = {key: time for key, time in times.items() if time > latest}
    refused = tuple(_refused(view, {**left, EVERYBODY: latest}))
    target = view.target(TargetKind.REVOCATION)
    count = f"{len(refused):,} known user{'' if len(refused) == 1 else 's'}"
    yield RULE.found_in(
        target,
        f"`*` up to {latest} instead of {len(gone):,} revocations: refuses {count} besides, and all whom nobody knows",
        (
            Evidence(Basis.CLAIMS, f"whoever has a token issued up to {latest} is refused, known or not"),
            *refused_evidence(view, refused),
        ),
        edits=(EditRevocations(target, gone, (Revocation(EVERYBODY, latest),)),),
    )


def _refused(view: AccountView, after: dict[str, int]) -> Iterator[UserClaims]:
    """The known users that are let in now and would not be."""
    from optimizer.access.revocations_compared import affected, windows  # noqa: PLC0415 only who revokes pays for it

    own = {*view.claims.revocations, *after}
    _, lost = windows(view.claims.revocations, after)
    found = {user.claims.sub: user.claims for window in lost for user in affected(window, view.users, own)}
    return iter(sorted(found.values(), key=lambda user: (user.name, user.sub)))


RULE = Rule("blanket-revocation", Severity.NOTE, __doc__ or "", None, find_in=find)
