"""From proposals to nsc commands, with the state each of them finds and the state it must leave."""

from __future__ import annotations

import enum
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from optimizer.claims.encode import nats_object, payload_bytes, reencoded, token_size
from optimizer.claims.model import AccountClaims
from optimizer.edits import AddAccount, apply_all, touches_account_token
from optimizer.errors import UsageError
from optimizer.nsc.commands import commands
from optimizer.nsc.fingerprint import fingerprint, fingerprint_of

if TYPE_CHECKING:
    from collections.abc import Container, Sequence

    from optimizer.claims.keys import AccountKey, UserKey
    from optimizer.claims.model import UserClaims
    from optimizer.edits import Edit, Target
    from optimizer.hierarchy import Hierarchy, Signed
    from optimizer.proposals import Proposal

TokenName = tuple["AccountKey", "UserKey | None"]
"""A user's token, or an account's own where the user is None."""

_AGAIN = "make the plan again"


class Stage(enum.Enum):
    """Where a step has its effect."""

    LOCAL = "local"
    PUSH = "push"


@dataclass(frozen=True, slots=True)
class State:
    """A token as it is between two steps.

    Parameters
    ----------
    claims
        The claims; those before the first step are as read, all others as nsc writes them. None where the token is
        not there.
    fingerprint
        The SHA-256 of what ``nsc describe -W -F nats`` prints of them.
    bytes
        Of the encoded token.
    """

    claims: AccountClaims | UserClaims | None
    fingerprint: str
    bytes: int


ABSENT = State(None, "absent", 0)
"""A token that is not made yet."""


@dataclass(frozen=True, slots=True)
class ScriptStep:
    """One nsc command, or one for each of several keys.

    Parameters
    ----------
    argv
        The words behind ``nsc``; the text of an entry may be anything.
    activation
        The activation token that `optimizer.nsc.words.ACTIVATION` among them reads.
    each
        What the last word is completed with, one call each; then all calls are one step.
    proposals
        Ids of the proposals it carries out.
    before, after
        Fingerprints of the token it edits.
    undo
        How it can be undone: ``exact`` as long as the token before is kept.
    """

    argv: tuple[str, ...]
    proposals: tuple[str, ...]
    before: str
    after: str
    activation: str = ""
    each: tuple[str, ...] = ()
    undo: str = "exact"
    stage: Stage = Stage.LOCAL


@dataclass(frozen=True, slots=True)
class TokenSteps:
    """All that happens to one token.

    Parameters
    ----------
    states
        Before the first step, after each; no two have the same fingerprint.
    account
        As read; an account that is made has the claims it ends with, and no token.
    """

    account: Signed[AccountClaims]
    user: Signed[UserClaims] | None
    states: tuple[State, ...]
    steps: tuple[ScriptStep, ...]

    @property
    def signed(self) -> Signed[AccountClaims] | Signed[UserClaims]:
        """The token itself."""
        return self.account if self.user is None else self.user

    @property
    def before(self) -> State:
        """The state that was read."""
        return self.states[0]

    @property
    def is_made(self) -> bool:
        """Whether it is the token of an account that the plan makes."""
        return self.before == ABSENT

    @property
    def after(self) -> State:
        """The state that is promised."""
        return self.states[-1]


def steps_for(hierarchy: Hierarchy, proposals: Sequence[Proposal]) -> tuple[TokenSteps, ...]:
    """The nsc commands for these proposals: accounts to be made first, then the tokens in the order of their edits.

    That is also the order of pushes: a server that is given an import before what it imports from drops it.

    Parameters
    ----------
    hierarchy
        The store as read.
    proposals
        In order; a later one may rest on an earlier one.

    Returns
    -------
    tuple of TokenSteps
        Tokens that end as they are have no steps and are left out.

    Raises
    ------
    UsageError
        A proposal does not fit the store, or nsc cannot do what it asks for.
    """
    touching: dict[TokenName, list[Proposal]] = {}
    for proposal in proposals:
        for token in dict.fromkeys(_token(edit) for edit in proposal.edits):
            touching.setdefault(token, []).append(proposal)
    made = {edit.target.account for one in proposals for edit in one.edits if isinstance(edit, AddAccount)}
    ordered = sorted(touching, key=lambda token: token[0] not in made)
    found = (_steps_of(_part(hierarchy, token, made), touching[token], token) for token in ordered)
    return tuple(steps for steps in found if steps.steps)


def _part(hierarchy: Hierarchy, token: TokenName, made: Container[AccountKey]) -> Hierarchy:
    """The token and its account alone: each step then costs its own size, not that of the store."""
    account, user = token
    try:
        users = {} if user is None else {(user, account): hierarchy.users[user, account]}
        accounts = {} if account in made else {account: hierarchy.accounts[account]}
    except KeyError:
        raise UsageError("the plan is of another store", _AGAIN) from None
    if account in made and account in hierarchy.accounts:
        raise UsageError("the plan makes an account that is there already", _AGAIN)
    return replace(hierarchy, accounts=accounts, users=users)


def _token(edit: Edit) -> TokenName:
    return edit.target.account, None if touches_account_token(edit) else edit.target.user


def _steps_of(hierarchy: Hierarchy, proposals: Sequence[Proposal], token: TokenName) -> TokenSteps:
    now = wanted = hierarchy
    states = [_read(hierarchy, token)]
    steps: list[ScriptStep] = []
    pending: list[str] = []
    touched: dict[Target, None] = {}
    for proposal in proposals:
        edits = [edit for edit in proposal.edits if _token(edit) == token]
        try:
            wanted = apply_all(edits, wanted)
        except KeyError:
            raise UsageError(f"proposal `{proposal.id}` does not fit the store", _AGAIN) from None
        pending.append(proposal.id)
        touched |= dict.fromkeys(edit.target for edit in edits)
        found = {target: commands(now, wanted, target) for target in touched}
        if None in found.values():
            continue  # a later proposal may take the copies that stand in the way
        for command in (command for several in found.values() for command in several or ()):
            words = command.words(now)
            now = command.done_to(now)
            claims = reencoded(_signed(now, token).claims)
            now = _with_claims(now, claims)  # what nsc reads next is what it wrote
            state = State(claims, fingerprint(nats_object(claims)), token_size(len(payload_bytes(claims))))
            told = (words, tuple(pending), states[-1].fingerprint, state.fingerprint)
            steps.append(ScriptStep(*told, command.activation, command.each))
            states.append(state)
        if any(commands(now, wanted, target) for target in touched if not target.kind.holds_lists):
            raise UsageError(
                f"nsc cannot carry out proposal `{proposal.id}`: it takes something else than what is meant",
                _AGAIN,
            )
        pending = []
    if pending:
        raise UsageError(
            f"nsc cannot carry out proposal `{pending[0]}` alone: it takes copies of an entry out of all lists at once",
            "accept the proposals for the other lists of the same block too",
        )
    return TokenSteps(
        (hierarchy if token[0] in hierarchy.accounts else now).accounts[token[0]],
        None if token[1] is None else hierarchy.users[token[1], token[0]],
        *_without_loops(states, steps),
    )


def _without_loops(
    states: Sequence[State], steps: Sequence[ScriptStep]
) -> tuple[tuple[State, ...], tuple[ScriptStep, ...]]:
    """The same way without its detours: no state twice, or a script could not tell where it stands.

    A step whose way is cut short leaves its proposals to the step that led to the state it led back to.
    """
    kept_states, kept = [states[0]], list[ScriptStep]()
    for state, step in zip(states[1:], steps, strict=True):
        seen = next((i for i, old in enumerate(kept_states) if old.fingerprint == state.fingerprint), None)
        if seen is None:
            kept_states.append(state)
            kept.append(step)
            continue
        detour = [*kept[seen:], step]
        del kept_states[seen + 1 :], kept[seen:]
        if kept:
            ids = dict.fromkeys(id_ for one in (kept[-1], *detour) for id_ in one.proposals)
            kept[-1] = replace(kept[-1], proposals=tuple(ids))
    return tuple(kept_states), tuple(kept)


def _signed(hierarchy: Hierarchy, token: TokenName) -> Signed[AccountClaims] | Signed[UserClaims]:
    account, user = token
    return hierarchy.accounts[account] if user is None else hierarchy.users[user, account]


def _read(hierarchy: Hierarchy, token: TokenName) -> State:
    if token[0] not in hierarchy.accounts:
        return ABSENT
    signed = _signed(hierarchy, token)
    return State(signed.claims, fingerprint_of(signed.token), signed.token.size)


def _with_claims(hierarchy: Hierarchy, claims: AccountClaims | UserClaims) -> Hierarchy:
    if isinstance(claims, AccountClaims):
        return hierarchy.with_account(replace(hierarchy.accounts[claims.sub], claims=claims))
    return hierarchy.with_user(replace(hierarchy.users[claims.sub, claims.account], claims=claims))
