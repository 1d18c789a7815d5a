"""A revocation that has outlived every token it was made for, on a person's word.

## What it finds

Revocations of which a person's word says that no token they refuse can be valid any more:

- `--max-user-ttl 30d`: no user token is valid for longer than that after its issue, and the revocation is older;
- `--complete tokens`: the source holds every user token that was ever issued, and all of this user's have expired or
  were issued by a key that the account does not list any more.

Without such a word it says of revocations older than a year what would be needed.

## What it costs

70 bytes of the payload for each, 93 to 94 of the token, for ever: a revocation has no end of its own.

## What the proposal changes

They go, with `nsc revocations delete-user` for each key. This is guarded: that a revocation's time has passed says
nothing, for the token it refuses may be valid for years. A source never proves the word: a user's token is overwritten
by each edit, and keys sign outside it. But it can prove the word wrong: where a known token of the account is valid for
longer than the word says, or has no end, the word is not taken there, and nothing is proposed.

## When to leave it

Wherever tokens without an end were ever issued. A key that is listed again revives what it issued.

## Sources

Server: `isRevoked` compares `iat` with the time of the revocation and nothing with the clock; `validateTimes` and the
token's `exp` end it. Asked of both server generations: entries taken out because their time had passed let the user in
again.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from optimizer.edits import EVERYBODY, EditRevocations, Revocation, TargetKind, revocations_of
from optimizer.proposals import Basis, Evidence, Severity
from optimizer.rules.revoked import revoked_evidence
from optimizer.rules.rule import Rule
from optimizer.text import printable

if TYPE_CHECKING:
    from collections.abc import Iterator

    from optimizer.proposals import Finding
    from optimizer.rules.view import AccountView

_OLD = 365 * 24 * 3600  # seconds after which a revocation is worth a question


def find(view: AccountView) -> Iterator[Finding]:
    """What a person's word takes away, else what word would be needed."""
    if not view.claims.revocations:
        return
    from optimizer.access.revocations_compared import Stated, Window  # noqa: PLC0415 only who revokes pays for it

    settings, target = view.settings, view.target(TargetKind.REVOCATION)
    stated = Stated(view.users, view.claims, settings)
    outlived: dict[str, list[Revocation]] = {}
    for each in revocations_of(view.claims):
        word = stated.spent(Window(None if each.key == EVERYBODY else each.key, None, each.time))
        if word is not None:
            outlived.setdefault(word, []).append(each)
    for word, these in outlived.items():
        yield RULE.found_in(
            target,
            f"{len(these):,} of {len(view.claims.revocations):,} revocations have outlived every token they refuse",
            revoked_evidence(view, these, word, Basis.STATED),
            edits=(EditRevocations(target, tuple(these)),),
        )
    if stated.contradicted:
        user = stated.contradicted[0]
        issued = f"{view.name}/{printable(user.name)[:60]} was issued at {user.iat} and {_end(user.exp)}"
        yield RULE.found_in(
            target,
            f"that no user token is valid for more than {settings.max_user_ttl:,} seconds is not so",
            (Evidence(Basis.CLAIMS, issued),),
            advice="no revocation of this account is taken for outlived on that word",
        )
    elif settings.max_user_ttl is None and not outlived:
        old = [each for each in revocations_of(view.claims) if each.time + _OLD < settings.now]
        if old:
            yield RULE.found_in(
                target,
                f"{len(old):,} of {len(view.claims.revocations):,} revocations are older than a year",
                advice="they can go once no token that they refuse can be valid any more, which no source proves: say "
                "how long a user token is valid at most, with `--max-user-ttl 90d`",
            )


def _end(expires: int) -> str:
    return f"is valid until {expires}" if expires else "has no end"


RULE = Rule("outlived-revocation", Severity.NOTE, __doc__ or "", None, find_in=find)
