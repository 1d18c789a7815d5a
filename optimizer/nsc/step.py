"""From proposals to nsc commands, with the state each of them finds and the state it must leave."""

from __future__ import annotations

import enum
from collections import Counter
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from optimizer.claims.encode import nats_object, payload_bytes, reencoded, token_size
from optimizer.claims.model import AccountClaims, PermissionLists, SubjectLists
from optimizer.edits import (
    ListName,
    Target,
    TargetKind,
    apply_all,
    entries,
    permission_lists,
    touches_account_token,
    with_lists,
)
from optimizer.edits.obstacles import csv_field, has_jetstream, removals
from optimizer.errors import UsageError
from optimizer.nsc.fingerprint import fingerprint, fingerprint_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from optimizer.claims.keys import AccountKey, UserKey
    from optimizer.claims.model import UserClaims
    from optimizer.edits import Edit
    from optimizer.hierarchy import Hierarchy, Signed
    from optimizer.proposals import Proposal

COMMAND_LIMIT = 100_000
"""Bytes of entries in one command: less than an argument may have on Linux (131,071), and far less than all of
them together on any system (macOS: 1 MiB, the environment included)."""

FLAG_SIZE = 22
"""Bytes an entry costs beside itself: ``--allow-pub=``, a NUL, and a pointer of 8."""

FLAGS = {
    ListName.PUB_ALLOW: "--allow-pub",
    ListName.PUB_DENY: "--deny-pub",
    ListName.SUB_ALLOW: "--allow-sub",
    ListName.SUB_DENY: "--deny-sub",
}


TokenName = tuple["AccountKey", "UserKey | None"]
"""A user's token, or an account's own where the user is None."""


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
        The claims; those before the first step are as read, all others as nsc writes them.
    fingerprint
        The SHA-256 of what ``nsc describe -W -F nats`` prints of them.
    bytes
        Of the encoded token.
    """

    claims: AccountClaims | UserClaims
    fingerprint: str
    bytes: int


@dataclass(frozen=True, slots=True)
class ScriptStep:
    """One nsc command.

    Parameters
    ----------
    argv
        The words behind ``nsc``; the text of an entry may be anything.
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
    undo: str = "exact"
    stage: Stage = Stage.LOCAL


@dataclass(frozen=True, slots=True)
class TokenSteps:
    """All that happens to one token.

    Parameters
    ----------
    states
        Before the first step, after each; no two have the same fingerprint.
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
    def after(self) -> State:
        """The state that is promised."""
        return self.states[-1]


def steps_for(hierarchy: Hierarchy, proposals: Sequence[Proposal]) -> tuple[TokenSteps, ...]:
    """The nsc commands for these proposals, token by token in the order they are first touched.

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
    found = (_steps_of(_part(hierarchy, token), mine, token) for token, mine in touching.items())
    return tuple(steps for steps in found if steps.steps)


def _part(hierarchy: Hierarchy, token: TokenName) -> Hierarchy:
    """The token and its account alone: each step then costs its own size, not that of the store."""
    account, user = token
    try:
        users = {} if user is None else {(user, account): hierarchy.users[user, account]}
        return replace(hierarchy, accounts={account: hierarchy.accounts[account]}, users=users)
    except KeyError:
        raise UsageError("the plan is of another store", "make it again with `permopt propose`") from None


def _token(edit: Edit) -> TokenName:
    return edit.target.account, None if touches_account_token(edit) else edit.target.user


@dataclass(frozen=True, slots=True)
class _Command:
    """What one nsc command does to a block: adds first, then removes, then sorts. nsc: ``PermissionsParams.Run``."""

    add: tuple[tuple[ListName, str], ...] = ()
    remove: tuple[str, ...] = ()

    def done_to(self, lists: PermissionLists) -> PermissionLists:
        def after(name: ListName) -> tuple[str, ...] | None:
            texts = list(entries(lists, name) or ())
            texts += [text for added, text in self.add if added is name and text not in texts]
            for text in self.remove:
                if text in texts:
                    texts.remove(text)
            return tuple(sorted(texts, key=str.encode)) or None

        return lists.replaced(
            pub=SubjectLists(after(ListName.PUB_ALLOW), after(ListName.PUB_DENY)),
            sub=SubjectLists(after(ListName.SUB_ALLOW), after(ListName.SUB_DENY)),
        )

    def words(self) -> Iterator[str]:
        for name, text in self.add:
            yield f"{FLAGS[name]}={csv_field(text)}"
        for text in self.remove:
            yield f"--rm={csv_field(text)}"


def _steps_of(hierarchy: Hierarchy, proposals: Sequence[Proposal], token: TokenName) -> TokenSteps:
    now = wanted = hierarchy
    signed = _signed(hierarchy, token)
    states = [State(signed.claims, fingerprint_of(signed.token), signed.token.size)]
    steps: list[ScriptStep] = []
    pending: list[str] = []
    touched: dict[Target, None] = {}
    for proposal in proposals:
        edits = [edit for edit in proposal.edits if _token(edit) == token]
        try:
            wanted = apply_all(edits, wanted)
        except KeyError:
            raise UsageError(
                f"proposal `{proposal.id}` does not fit the store", "make the plan again with `permopt propose`"
            ) from None
        pending.append(proposal.id)
        touched |= dict.fromkeys(edit.target for edit in edits)
        commands = [(target, _commands(now, wanted, target)) for target in touched]
        if any(found is None for _, found in commands):
            continue  # a later proposal may take the copies that stand in the way
        for target, found in commands:
            for command in found or ():
                now = with_lists(now, target, command.done_to(permission_lists(now, target)))
                state = _state(now, token)
                now = _with_claims(now, state.claims)  # what nsc reads next is what it wrote
                words = (*_verb(now, target), *command.words())
                steps.append(ScriptStep(words, tuple(pending), states[-1].fingerprint, state.fingerprint))
                states.append(state)
        pending = []
    if pending:
        raise UsageError(
            f"nsc cannot carry out proposal `{pending[0]}` alone: it takes copies of an entry out of all lists at once",
            "accept the proposals for the other lists of the same block too",
        )
    return TokenSteps(
        hierarchy.accounts[token[0]],
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


def _state(hierarchy: Hierarchy, token: TokenName) -> State:
    claims = reencoded(_signed(hierarchy, token).claims)
    return State(claims, fingerprint(nats_object(claims)), token_size(len(payload_bytes(claims))))


def _with_claims(hierarchy: Hierarchy, claims: AccountClaims | UserClaims) -> Hierarchy:
    if isinstance(claims, AccountClaims):
        return hierarchy.with_account(replace(hierarchy.accounts[claims.sub], claims=claims))
    return hierarchy.with_user(replace(hierarchy.users[claims.sub, claims.account], claims=claims))


def _commands(now: Hierarchy, wanted: Hierarchy, target: Target) -> tuple[_Command, ...] | None:
    """The commands that turn the block now into the one wanted; None where nsc has none."""
    have = {name: Counter(entries(permission_lists(now, target), name) or ()) for name in ListName}
    want = {name: Counter(entries(permission_lists(wanted, target), name) or ()) for name in ListName}
    fresh: list[tuple[ListName, str]] = []
    again: list[tuple[ListName, str]] = []
    remove: list[str] = []
    for text in sorted({text for counts in (*have.values(), *want.values()) for text in counts}, key=str.encode):
        before = tuple(have[name][text] for name in ListName)
        after = tuple(want[name][text] for name in ListName)
        if before == after:
            continue
        mentions = removals(before, after)
        if mentions is None:
            return None
        remove += [text] * mentions
        missing = [name for name, n, w in zip(ListName, before, after, strict=True) if w and n <= mentions]
        (again if mentions else fresh).extend((name, text) for name in missing)
    # In one command nsc adds before it removes, so what is put back needs a command of its own.
    return (*_chunks(fresh, remove), *_chunks(again, ()))


def _chunks(add: Iterable[tuple[ListName, str]], remove: Iterable[str]) -> Iterator[_Command]:
    adding: list[tuple[ListName, str]] = []
    removing: list[str] = []
    length = 0
    for name, text in (*add, *((None, text) for text in remove)):
        size = len(csv_field(text).encode()) + FLAG_SIZE
        if length and length + size > COMMAND_LIMIT:
            yield _Command(tuple(adding), tuple(removing))
            adding, removing, length = [], [], 0
        length += size
        if name is None:
            removing.append(text)
        else:
            adding.append((name, text))
    if length:
        yield _Command(tuple(adding), tuple(removing))


def _verb(hierarchy: Hierarchy, target: Target) -> tuple[str, ...]:
    """The command and all its flags but the entries.

    The key that signed is named each time: without it nsc takes another when that one is missing.
    """
    account = hierarchy.accounts[target.account].claims
    match target.kind:
        case TargetKind.USER:
            assert target.user is not None  # noqa: S101 INVARIANT: a USER target names its user
            user = hierarchy.users[target.user, target.account].claims
            return (
                "edit",
                "user",
                f"--account={account.name}",
                f"--name={user.name}",
                f"--private-key={user.iss}",
            )
        case TargetKind.SCOPE:
            return (
                "edit",
                "signing-key",
                f"--account={account.name}",
                f"--sk={target.key}",
                f"--private-key={account.iss}",
            )
        case TargetKind.DEFAULTS:
            return (
                "edit",
                "account",
                f"--name={account.name}",
                f"--private-key={account.iss}",
                *_kept_limits(account),
            )


def _kept_limits(account: AccountClaims) -> Iterator[str]:
    """Flags that keep ``nsc edit account`` from changing limits it was not asked about.

    nsc: ``EditAccountParams.Run`` writes the defaults of these two flags, and JetStream limits of -1 where none are.
    """
    limits: Mapping[str, object] = account.limits
    yield f"--disallow-bearer={'true' if limits.get('disallow_bearer') else 'false'}"
    yield f"--wildcard-exports={'true' if limits.get('wildcards') else 'false'}"
    if limits.get("tiered_limits"):
        yield "--rm-js-tier=0"
    elif not has_jetstream(account):
        yield "--js-disable"
