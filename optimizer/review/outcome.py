"""Whether a store became what a plan promised: the same claims, the same bytes, the same relation."""

from __future__ import annotations

import enum
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from optimizer.access.compared import Compared, united
from optimizer.access.imports_compared import imports_compared
from optimizer.access.parts_compared import part_compared
from optimizer.claims.keys import account_key, user_key
from optimizer.claims.token import NO_TOKEN
from optimizer.edits import OwnEdit, SharedEdit
from optimizer.errors import SourceError
from optimizer.judge import judge
from optimizer.nsc.fingerprint import fingerprint_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from optimizer.claims.keys import AccountKey, UserKey
    from optimizer.claims.model import AccountClaims, UserClaims
    from optimizer.hierarchy import Hierarchy, Signed
    from optimizer.review.plan import SavedPlan

EXPECTED = "permopt.expected.v1"


class State(enum.Enum):
    """What became of one token."""

    PROMISED = "as promised"
    UNCHANGED = "still as before"
    DIFFERENT = "not as promised"
    MISSING = "missing"


@dataclass(frozen=True, slots=True, kw_only=True)
class TokenOutcome:
    """One token that the plan rewrites, as the store holds it now.

    Parameters
    ----------
    promised, found
        Bytes of the encoded token; ``found`` is None where there is no such token.
    reason
        What is wrong with it; empty where it is as promised.
    """

    account: AccountKey
    user: UserKey | None
    state: State
    before: int
    promised: int
    found: int | None
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Outcome:
    """All tokens, and how what everybody may do now stands to what it was before the plan.

    Parameters
    ----------
    comparison
        Of the tokens in the plan with those in the store; None where a token is not as promised.
    kept
        Whether everything is as promised.
    """

    tokens: tuple[TokenOutcome, ...]
    comparison: Compared | None
    kept: bool


def outcome(saved: SavedPlan, expected: Mapping[str, Any], now: Hierarchy) -> Outcome:
    """Compare a store with what was promised of it.

    Parameters
    ----------
    saved
        The plan.
    expected
        A ``permopt.expected.v1`` document, as ``permopt script`` writes it beside the scripts.
    now
        The store as it is.

    Raises
    ------
    SourceError
        ``expected`` is no such document, or belongs to another plan.
    """
    try:
        if expected["type"] != EXPECTED:
            raise SourceError(
                f"this is not a {EXPECTED} document", "pass the expected.json that `permopt script` wrote"
            )
        tokens = tuple(_token(saved, target, now) for target in expected["targets"])
        ids = set(expected["proposals"])
    except (KeyError, TypeError, ValueError):
        raise SourceError(
            f"the {EXPECTED} document does not fit the plan", "pass the expected.json written from this plan"
        ) from None
    if any(token.state is not State.PROMISED for token in tokens):
        return Outcome(tokens, None, kept=False)
    chosen = [proposal for proposal in saved.plan.proposals if proposal.id in ids]
    after = saved.plan.hierarchy
    for token in tokens:
        # Only the rewritten tokens are exchanged: whoever came or went since is no part of the promise.
        if token.user is None:
            after = after.with_account(now.accounts[token.account])
        else:
            after = after.with_user(now.users[token.user, token.account])
    edits = [edit for proposal in chosen for edit in proposal.edits]
    targets = dict.fromkeys(edit.target for edit in edits if isinstance(edit, OwnEdit))
    results = [part_compared(saved.plan.hierarchy, after, target, saved.settings) for target in targets]
    if any(isinstance(edit, SharedEdit) for edit in edits):
        results.append(imports_compared(saved.plan.hierarchy, after, saved.settings))
    found = united(results)
    promised = judge(saved.plan.hierarchy, edits, saved.settings)
    return Outcome(tokens, found, kept=found.relation is promised.relation)


def _token(saved: SavedPlan, target: Mapping[str, Any], now: Hierarchy) -> TokenOutcome:
    account = account_key(target["account"]["key"])
    user = None if target["user"] is None else user_key(target["user"]["key"])
    planned = _signed(saved.plan.named, account, user)
    found = _signed(now, account, user)
    if planned is None:
        raise KeyError(account)
    if found is not None:
        state, reason = _state(planned, target, found)
    elif planned.token is NO_TOKEN:
        state, reason = State.UNCHANGED, "it was not made"
    else:
        state, reason = State.MISSING, "no such token"
    return TokenOutcome(
        account=account,
        user=user,
        state=state,
        before=target["before"]["bytes"],
        promised=target["after"]["bytes"],
        found=None if found is None else found.token.size,
        reason=reason,
    )


def _state(
    planned: Signed[AccountClaims] | Signed[UserClaims],
    target: Mapping[str, Any],
    found: Signed[AccountClaims] | Signed[UserClaims],
) -> tuple[State, str]:
    fingerprint, size, claims = fingerprint_of(found.token), found.token.size, found.claims
    if fingerprint == target["before"]["fingerprint"] and size == target["before"]["bytes"]:
        return State.UNCHANGED, "nothing was carried out here"
    old = {issue.code for issue in planned.issues}
    broken = [issue.message for issue in found.issues if issue.code not in old]
    problems = [
        (fingerprint != target["after"]["fingerprint"], "its claims are others"),
        (size != target["after"]["bytes"], f"it has {size:,} bytes"),
        (claims.iss != target["issuer"], f"it was signed by {claims.iss}"),
        (claims.name != planned.claims.name, "it has another name"),
        (claims.exp != planned.claims.exp or claims.nbf != planned.claims.nbf, "it is valid for another time"),
        (bool(broken), "; ".join(broken)),
    ]
    reasons = [reason for wrong, reason in problems if wrong]
    return (State.DIFFERENT, "; ".join(reasons)) if reasons else (State.PROMISED, "")


def _signed(
    hierarchy: Hierarchy, account: AccountKey, user: UserKey | None
) -> Signed[AccountClaims] | Signed[UserClaims] | None:
    return hierarchy.accounts.get(account) if user is None else hierarchy.users.get((user, account))
