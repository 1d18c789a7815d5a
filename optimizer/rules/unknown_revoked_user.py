"""A revoked user that is not in the source.

## What it finds

Keys that an account revokes, of which the source holds no user.

## What it costs

70 bytes of the payload for each, 93 to 94 of the token.

## What the proposal changes

Nothing is proposed. That a user is not in a store is mostly why it was revoked: `nsc delete user` takes the file away,
and whoever has the creds still has a token that is refused for the revocation alone.

## When to leave it

Always, unless no token of the user can be valid any more: `outlived-revocation` says what that takes.

## Sources

Asked of both server generations: a user that was deleted from the store connects as soon as its revocation is gone.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from optimizer.edits import EVERYBODY, TargetKind, revocations_of
from optimizer.proposals import Basis, Severity
from optimizer.rules.revoked import revoked_evidence
from optimizer.rules.rule import Rule

if TYPE_CHECKING:
    from collections.abc import Iterator

    from optimizer.proposals import Finding
    from optimizer.rules.view import AccountView


def find(view: AccountView) -> Iterator[Finding]:
    """The revoked keys that are no known user's, one finding for all."""
    if not view.claims.revocations or not view.part.has_users:
        return
    known = {user.claims.sub for user in view.users}
    unknown = tuple(each for each in revocations_of(view.claims) if each.key not in known and each.key != EVERYBODY)
    if unknown:
        yield RULE.found_in(
            view.target(TargetKind.REVOCATION),
            f"{len(unknown):,} of {len(view.claims.revocations):,} revocations are of users that are not in the source",
            revoked_evidence(view, unknown, "no user of this key is known", Basis.ABSENCE),
            advice="their tokens may be anywhere, refused for this alone; outlived-revocation says when it can go",
        )


RULE = Rule("unknown-revoked-user", Severity.NOTE, __doc__ or "", None, find_in=find)
