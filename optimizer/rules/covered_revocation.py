"""A revocation that the revocation of everybody covers.

## What it finds

A user's key that an account revokes up to a time, while the account revokes `*` up to the same time or a later one.

## What it costs

A key and its time are 70 bytes of the payload, 93 to 94 of the token. nsc never takes one away: `nsc revocations
add-user -u '*'` leaves all others where they are.

## What the proposal changes

The covered ones go, with `nsc revocations delete-user` for each key. A token is refused where it was issued at or
before the time of its key or of `*`, so that the later of the two decides, and nobody is let in or refused for it:
that is so for every key and every time of issue, whether the token is known or not. The push disconnects nobody.

## When to leave it

Where `*` is to be taken back one day: then the keys it covers are let in again with all the others.

## Sources

Server: `isRevoked` in accounts.go. The jwt library knows the same rule, `RevocationList.MaybeCompact`, which nothing in
nsc or the server calls. Asked of both server generations with tokens issued before, at and after each time.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from optimizer.edits import EVERYBODY, EditRevocations, TargetKind, revocations_of
from optimizer.proposals import Severity
from optimizer.rules.revoked import revoked_evidence
from optimizer.rules.rule import Rule

if TYPE_CHECKING:
    from collections.abc import Iterator

    from optimizer.proposals import Finding
    from optimizer.rules.view import AccountView


def find(view: AccountView) -> Iterator[Finding]:
    """The covered revocations of an account, all in one edit."""
    times = view.claims.revocations
    everybody = times.get(EVERYBODY)
    if everybody is None:
        return
    covered = tuple(each for each in revocations_of(view.claims) if each.key != EVERYBODY and each.time <= everybody)
    if covered:
        target = view.target(TargetKind.REVOCATION)
        yield RULE.found_in(
            target,
            f"{len(covered):,} of {len(times):,} revocations are covered by that of `*`",
            revoked_evidence(view, covered, f"`*` is revoked up to {everybody}"),
            edits=(EditRevocations(target, covered),),
        )


RULE = Rule("covered-revocation", Severity.WARNING, __doc__ or "", None, find_in=find)
