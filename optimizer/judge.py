"""The one judge: what a set of edits is worth, from the claims before and the claims nsc would write after.

Safety is derived by `safety_of` from the table in docs/architecture.md and nothing else. Rules, people and scripts may
say what they like about an edit; only what is compared here counts.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from functools import lru_cache
from typing import TYPE_CHECKING

from optimizer.access.compared import REFUSED, Compared, united
from optimizer.access.parts_compared import part_compared
from optimizer.access.principals import account_blocks
from optimizer.access.side_effects import side_effects
from optimizer.claims.encode import payload_bytes, reencoded, token_size
from optimizer.claims.keys import AccountKey, UserKey
from optimizer.claims.model import NOTHING, AccountClaims, PermissionLists, UserClaims
from optimizer.claims.token import MAX_TOKEN_SIZE, Token
from optimizer.edits import (
    AddAccount,
    OwnEdit,
    SharedEdit,
    TargetKind,
    apply_all,
    obstacle,
    together,
    touches_account_token,
    written_anew,
)
from optimizer.edits.anew import Itself
from optimizer.edits.net import net
from optimizer.proposals import Judgement, Proof, Safety, TokenChange, Witness
from optimizer.subjects.compare import Connect, Deliver, Publish, Relation
from optimizer.subjects.probes import AcrossImport

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from optimizer.edits import Edit, Target
    from optimizer.hierarchy import Hierarchy, Signed
    from optimizer.settings import Settings

TokenName = tuple[AccountKey, UserKey | None]
"""A user's token, or an account's own where the user is None."""


def judge(hierarchy: Hierarchy, edits: Iterable[Edit], settings: Settings) -> Judgement:
    """What these edits are worth together: the relation, witnesses, bytes and safety.

    Parameters
    ----------
    hierarchy
        As read.
    edits
        In order; a later one may build on an earlier one.

    Raises
    ------
    KeyError
        An edit names a target the hierarchy does not hold, or an entry its list does not hold.

    Notes
    -----
    nsc: the claims after are those it would write (`optimizer.claims.encode.reencoded`), so whatever a re-encode does
    beside the edit is compared too.
    """
    edits = tuple(edits)
    settings = believed(settings, hierarchy)
    own = [edit for edit in edits if isinstance(edit, OwnEdit)]
    shared = [edit for edit in edits if isinstance(edit, SharedEdit)]
    parts = by_account(hierarchy, {edit.target.account for edit in own})
    importers = service_importers(hierarchy)
    trials = [
        State(part, importers=importers.get(account, ())).tried(
            [edit for edit in own if edit.target.account == account], settings
        )
        for account, part in parts.items()
    ]
    if shared:
        base = hierarchy
        for trial in trials:
            for change in trial.tokens:
                if change.user is None:
                    claims = trial.after.hierarchy.accounts[change.account].claims
                    base = base.with_account(_as_written(base.accounts[change.account], claims))
        trials.append(shared_trial(base, shared, settings))
    return verdict(trials, obstacles(edits, hierarchy), settings)


def believed(settings: Settings, hierarchy: Hierarchy) -> Settings:
    """The settings, less the words that all users, or tokens, are known where the source can hold none."""
    return settings if hierarchy.has_users else replace(settings, complete_users=False, complete_tokens=False)


def shared_trial(hierarchy: Hierarchy, edits: Sequence[SharedEdit], settings: Settings) -> Trial:
    """What comes of edits of what accounts share.

    Parameters
    ----------
    hierarchy
        The whole of it, or as much as `optimizer.graph.surroundings` says: what an account imports decides what others
        reach.
    """
    from optimizer.access.imports_compared import imports_compared  # noqa: PLC0415 25 ms that only such edits pay

    after = apply_all(edits, hierarchy)
    importers = service_importers(hierarchy)
    accounts = dict.fromkeys(edit.target.account for edit in edits)
    changes, also, disturbs, outcomes = [], list[str](), list[str](), list[Compared]()
    for account in accounts:
        new = _as_written(after.accounts[account], reencoded(after.accounts[account].claims))
        after = after.with_account(new)
        old = hierarchy.accounts.get(account)
        changes.append(TokenChange(account, None, 0 if old is None else old.token.size, new.token.size))
        if new.token.size > MAX_TOKEN_SIZE:
            large = f"the token of account {new.claims.name} would have {new.token.size:,} bytes, which no server reads"
            outcomes.append(Compared(undecided=(large,)))
        if old is not None:
            rewritten = State(hierarchy.only(account)).as_nsc_writes((account, None))
            also += rewritten.also
            outcomes += [part_compared(hierarchy, after, target, settings) for target in rewritten.changed]
            names = importers.get(account, ())
            disturbs += [f"drops replies in flight to {', '.join(names)}"] if names else []
    return Trial(
        edits=tuple(edits),
        after=State(after),
        outcome=united([*outcomes, imports_compared(hierarchy, after, settings)]),
        also=tuple(dict.fromkeys(also)),
        tokens=tuple(changes),
        disturbs=tuple(dict.fromkeys(disturbs)),
    )


def tried_among(state: State, edits: Sequence[Edit], whole: Hierarchy, settings: Settings) -> Trial:
    """What comes of edits of one account, those of what it shares with others among them.

    Parameters
    ----------
    state
        The account before them.
    edits
        All of one account.
    whole
        The store; its other accounts count as they are there.
    """
    own = [edit for edit in edits if isinstance(edit, OwnEdit)]
    shared = [edit for edit in edits if isinstance(edit, SharedEdit)]
    if not shared:
        return state.tried(own, settings)
    first = state.tried(own, settings)
    account = shared[0].target.account
    token: TokenName = (account, None)
    if token in first.after.written:
        claims = first.after.hierarchy.accounts[account].claims
        whole = whole.with_account(_as_written(whole.accounts[account], claims))
    second = shared_trial(whole, shared, settings)
    signed = second.after.hierarchy.accounts[account]
    written = Rewritten(signed.claims, len(signed.token.payload))
    left = first.after
    return Trial(
        edits=tuple(edits),
        after=State(
            left.hierarchy.with_account(replace(left.hierarchy.accounts[account], claims=signed.claims)),
            {**left.written, token: written},
            left.importers,
        ),
        outcome=united([first.outcome, second.outcome]),
        also=tuple(dict.fromkeys((*first.also, *second.also))),
        tokens=_joined((*first.tokens, *second.tokens)),
        disturbs=tuple(dict.fromkeys((*first.disturbs, *second.disturbs))),
    )


def _as_written(signed: Signed[AccountClaims], claims: AccountClaims) -> Signed[AccountClaims]:
    """An account with a token that is as long as what nsc will make of these claims, and holds them."""
    payload = payload_bytes(claims)
    return replace(signed, claims=claims, token=Token("." * token_size(len(payload)), {}, payload, b""))


def by_account(hierarchy: Hierarchy, accounts: Iterable[AccountKey]) -> dict[AccountKey, Hierarchy]:
    """Each account with its users alone: an edit touches nothing outside, and every step then costs its own size."""
    users: dict[AccountKey, dict[tuple[UserKey, AccountKey], Signed[UserClaims]]] = {
        account: {} for account in accounts
    }
    for key, user in hierarchy.users.items():
        if key[1] in users:
            users[key[1]][key] = user
    return {
        account: hierarchy.part(
            {account: hierarchy.accounts[account]} if account in hierarchy.accounts else {},
            found,
        )
        for account, found in sorted(users.items())
    }


def service_importers(hierarchy: Hierarchy) -> dict[AccountKey, tuple[str, ...]]:
    """By account, the names of the accounts that import a service from it: a push of it loses their replies."""
    return _service_importers(Itself(hierarchy.accounts))


@lru_cache(maxsize=2)
def _service_importers(
    accounts: Itself[Mapping[AccountKey, Signed[AccountClaims]]],
) -> dict[AccountKey, tuple[str, ...]]:
    found: dict[AccountKey, set[str]] = {}
    for signed in accounts.value.values():
        for item in signed.claims.imports:
            if item.type == "service" and item.account in accounts.value:
                found.setdefault(AccountKey(item.account), set()).add(signed.claims.name)
    return {account: tuple(sorted(names)) for account, names in found.items()}


def obstacles(edits: Iterable[Edit], hierarchy: Hierarchy) -> tuple[str, ...]:
    """Why nsc cannot make these edits of a store, or must not; empty where it can.

    Parameters
    ----------
    hierarchy
        The whole store as read, before any of them.
    """
    merged = net(edits)
    new = [edit for edit in merged if isinstance(edit, AddAccount) and edit.target.account not in hierarchy.accounts]
    # What else is done to an account that is only made is asked of the store that has it.
    made = apply_all(new, hierarchy)
    reasons = [
        reason
        for edit in merged
        if (reason := obstacle(edit, hierarchy if isinstance(edit, AddAccount) else made)) is not None
    ]
    in_lists = tuple(edit for edit in merged if edit.target.kind.holds_lists)
    if not reasons and (reason := together(in_lists, hierarchy)) is not None:
        reasons.append(reason)
    return tuple(dict.fromkeys(reasons))


def safety_of(relation: Relation, *, complete: bool, stated: bool, possible: bool) -> Safety:
    """The safety table of docs/architecture.md, in one function.

    Parameters
    ----------
    complete
        Whether everybody the edits can touch was compared.
    stated
        Whether that rests on a person's word.
    possible
        Whether nsc can make the edits and nothing forbids it.
    """
    if relation is Relation.UNDECIDED or not (complete and possible):
        return Safety.ADVICE
    if relation is not Relation.SAME:
        return Safety.RISKY  # NARROWER with evidence of no use would be guarded; nothing observes use yet
    return Safety.GUARDED if stated else Safety.SAFE


@dataclass(frozen=True, slots=True, kw_only=True)
class Trial:
    """What came of edits in one account: who could tell, what else nsc would change, and the tokens."""

    edits: tuple[Edit, ...]
    after: State
    outcome: Compared
    also: tuple[str, ...]
    tokens: tuple[TokenChange, ...]
    disturbs: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Rewritten:
    """A token as nsc would write it without any edit: what a re-encode alone does, found out once.

    Parameters
    ----------
    payload
        Bytes of the payload.
    also
        From `side_effects`.
    changed
        Blocks of which it changes the lists: those with an explicit empty list.
    part
        Some of its parts and their weight, where it is known.
    """

    claims: AccountClaims | UserClaims
    payload: int
    also: tuple[str, ...] = ()
    changed: tuple[Target, ...] = ()
    part: tuple[frozenset[Target], int] | None = None

    def weight(self, targets: frozenset[Target]) -> int:
        """Bytes of the part of the payload that edits of these targets can change."""
        if isinstance(self.claims, UserClaims):
            return self.payload
        if self.part is not None and self.part[0] == targets:
            return self.part[1]
        return len(payload_bytes(_part(self.claims, targets)))


@dataclass(frozen=True, slots=True)
class State:
    """One account and its users between two edits.

    Parameters
    ----------
    written
        The tokens that were edited before; the others are as they were read.
    importers
        Names of the accounts that import a service from this one.
    """

    hierarchy: Hierarchy
    written: Mapping[TokenName, Rewritten] = field(default_factory=dict)
    importers: tuple[str, ...] = ()
    _rewritten: dict[TokenName, Rewritten] = field(default_factory=dict, compare=False)

    def tried(self, edits: Sequence[Edit], settings: Settings) -> Trial:
        """What comes of these edits, all of them of this account."""
        tokens = {_token(edit.target): self.as_nsc_writes(_token(edit.target)) for edit in edits}
        before = self.hierarchy
        for token, rewritten in tokens.items():
            if rewritten.claims is not _claims(before, token):
                before = _with_claims(before, rewritten.claims)
        after = apply_all(edits, before)
        targets = dict.fromkeys(edit.target for edit in edits)
        also, changes, written = [], [], dict(self.written)
        for token, rewritten in tokens.items():
            # An edit changes its target alone, so these decide what else and how many bytes; the rest was weighed.
            edited = frozenset(target for target in targets if _token(target) == token)
            claims = _claims(after, token)
            old, new = _part(rewritten.claims, edited), _part(claims, edited)
            also += [*rewritten.also, *side_effects(old, new)]
            weight = len(payload_bytes(new))
            payload = rewritten.payload + weight - rewritten.weight(edited)
            size = token_size(rewritten.payload) if token in self.written else signed_of(before, token).token.size
            changes.append(TokenChange(*token, size, token_size(payload)))
            written[token] = Rewritten(claims, payload, part=(edited, weight))
            targets |= dict.fromkeys(rewritten.changed)
        outcomes = [part_compared(self.hierarchy, after, target, settings) for target in targets]
        outcomes += [
            Compared(relation=Relation.WIDER, gained=(Witness(name, Connect(), settings.servers[0]),))
            for name in _readmitted(self.hierarchy, tokens)
        ]
        outcomes += [
            Compared(relation=Relation.NARROWER, lost=(Witness(name, Connect(), settings.servers[0]),))
            for name in _locked_out(self.hierarchy, after, tokens, settings.now)
        ]
        return Trial(
            edits=tuple(edits),
            after=State(after, written, self.importers),
            outcome=united(outcomes),
            also=tuple(dict.fromkeys(also)),
            tokens=tuple(changes),
            disturbs=self._disturbs(targets),
        )

    def as_nsc_writes(self, token: TokenName) -> Rewritten:
        """A token as any edit of it leaves the rest."""
        if token in self.written:
            return self.written[token]
        if token not in self._rewritten:
            claims = _claims(self.hierarchy, token)
            anew = written_anew(signed_of(self.hierarchy, token))
            again = anew.claims
            changed: tuple[Target, ...] = ()
            if isinstance(claims, AccountClaims) and isinstance(again, AccountClaims) and not anew.is_as_read:
                lists = dict(account_blocks(again))
                changed = tuple(target for target, block in account_blocks(claims) if lists.get(target) != block)
            self._rewritten[token] = Rewritten(again, anew.payload, side_effects(claims, again), changed)
        return self._rewritten[token]

    def _disturbs(self, targets: Iterable[Target]) -> tuple[str, ...]:
        """Whom a push of the account would disturb.

        Server: ``updateAccountClaimsWithRefresh`` kicks the users of a scope that changed; a push of an account that
        offers services loses replies in flight. A change of the defaults re-evaluates subscriptions live, and
        in 2.12.15 ``updateDefaultPermissions`` forgets which replies it was waiting for.
        """
        said = []
        for target in targets:
            account = self.hierarchy.accounts[target.account].claims
            if target.kind is TargetKind.SCOPE:
                key = account.signing_key(target.key or "")
                role = key.scope.role if key is not None and key.scope is not None else ""
                users = sum(user.claims.iss == target.key for user in self.hierarchy.users_of(target.account))
                known = f"{users} known user{'' if users == 1 else 's'}"
                said.append(f"reconnects {known} of role {role or 'without a name'}")
            if target.kind is TargetKind.DEFAULTS and account.default_permissions.resp is not None:
                said.append("drops replies in flight of users under the account's defaults")
            if target.kind is not TargetKind.USER and self.importers:
                said.append(f"drops replies in flight to {', '.join(self.importers)}")
        return tuple(dict.fromkeys(said))


def verdict(trials: Iterable[Trial], hindrances: Sequence[str], settings: Settings) -> Judgement:
    """The judgement over what came of the edits.

    Parameters
    ----------
    hindrances
        From `obstacles`.
    """
    trials = tuple(trials)
    outcome = united(trial.outcome for trial in trials)
    also = dict.fromkeys(f"nsc would also change {what}" for trial in trials for what in trial.also)
    reasons = [*hindrances, *also]
    if outcome.refused:
        reasons.append(REFUSED)
    if outcome.protected:
        reasons.append(f"it would newly admit `{_subject(outcome.protected[0])}`, which is protected")
    reasons += outcome.undecided
    on_word = bool(outcome.why) and settings.complete_users
    words = (("that all users are known is a person's word",) if on_word else ()) + outcome.stated
    complete = not outcome.why or on_word
    edits = [edit for trial in trials for edit in trial.edits]
    in_accounts = any(touches_account_token(edit) for edit in edits)
    in_users = any(not touches_account_token(edit) for edit in edits)
    return Judgement(
        relation=outcome.relation,
        gained=outcome.gained,
        lost=outcome.lost,
        safety=safety_of(outcome.relation, complete=complete, stated=bool(words), possible=not reasons),
        proof=Proof(
            principals=outcome.principals,
            accounts=outcome.accounts,
            complete=complete,
            why_incomplete=tuple(dict.fromkeys((*reasons, *outcome.why, *words))),
            servers=settings.servers,
            connections=("client", "leafnode") if outcome.leafnode else ("client",),
        ),
        tokens=_joined(change for trial in trials for change in trial.tokens),
        reach=" and ".join(["on push"] * in_accounts + ["on reissue"] * in_users),
        disturbs="; ".join(dict.fromkeys(what for trial in trials for what in trial.disturbs)) or "nothing",
        # A user's old token works again as soon as it is put back; an account's has to be signed anew before a push,
        # for a server that missed the way back brings the newer one again.
        undo="needs the seed" if in_accounts else "exact",
        protected=outcome.protected,
    )


def _joined(changes: Iterable[TokenChange]) -> tuple[TokenChange, ...]:
    """Each token once: where its lists were edited and then its imports, from the first size to the last."""
    found: dict[TokenName, TokenChange] = {}
    for change in changes:
        first = found.get((change.account, change.user), change)
        found[change.account, change.user] = replace(change, before=first.before)
    return tuple(found.values())


def _subject(witness: Witness) -> str:
    """What a witness against protection publishes or receives."""
    assert isinstance(witness.probe, Publish | Deliver | AcrossImport)  # noqa: S101 INVARIANT: `newly_admitted` finds no others
    return witness.probe.subject


def _token(target: Target) -> TokenName:
    return target.account, target.user


def signed_of(hierarchy: Hierarchy, token: TokenName) -> Signed[AccountClaims] | Signed[UserClaims]:
    """The token of that name, with its claims."""
    account, user = token
    return hierarchy.accounts[account] if user is None else hierarchy.users[user, account]


def _claims(hierarchy: Hierarchy, token: TokenName) -> AccountClaims | UserClaims:
    return signed_of(hierarchy, token).claims


def _with_claims(hierarchy: Hierarchy, claims: AccountClaims | UserClaims) -> Hierarchy:
    if isinstance(claims, AccountClaims):
        return hierarchy.with_account(replace(hierarchy.accounts[claims.sub], claims=claims))
    return hierarchy.with_user(replace(hierarchy.users[claims.sub, claims.account], claims=claims))


def _part(claims: AccountClaims | UserClaims, targets: frozenset[Target]) -> AccountClaims | UserClaims:
    """What of a token an edit of some of its parts can change; small where an account's token is large."""
    if isinstance(claims, UserClaims):
        return claims
    kinds = {target.kind for target in targets}
    keys = {target.key for target in targets if target.kind is TargetKind.SCOPE}
    return AccountClaims(
        sub=claims.sub,
        tags=claims.tags,
        exports=claims.exports if TargetKind.ACTIVATION in kinds else (),
        signing_keys=tuple([key for key in claims.signing_keys if key.key in keys]),
        revocations=claims.revocations if TargetKind.REVOCATION in kinds else NOTHING,
        default_permissions=claims.default_permissions if TargetKind.DEFAULTS in kinds else PermissionLists(),
    )


def _readmitted(hierarchy: Hierarchy, tokens: Iterable[TokenName]) -> list[str]:
    """Names of revoked users whose token would be issued anew. Server: ``checkUserRevoked`` compares ``iat``."""
    found = []
    for account, user in tokens:
        if user is not None:
            claims, owner = hierarchy.users[user, account].claims, hierarchy.accounts[account].claims
            revoked_at = owner.revoked_at(user)
            if revoked_at is not None and claims.iat <= revoked_at:
                found.append(f"{owner.name}/{claims.name}")
    return found


def _locked_out(hierarchy: Hierarchy, after: Hierarchy, tokens: Iterable[TokenName], now: int) -> list[str]:
    """Names of users whose token is newer than a revocation that a token issued now would still fall under."""
    found = []
    for account, user in tokens:
        if user is not None:
            claims, owner = hierarchy.users[user, account].claims, after.accounts[account].claims
            revoked_at = owner.revoked_at(user)
            if revoked_at is not None and now <= revoked_at < claims.iat:
                found.append(f"{owner.name}/{claims.name}")
    return found
