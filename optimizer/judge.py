"""The one judge: what a set of edits is worth, from the claims before and the claims nsc would write after.

Safety is derived by `safety_of` from the table in docs/architecture.md and nothing else. Rules, people and scripts may
say what they like about an edit; only what is compared here counts.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from optimizer.access.compared import REFUSED, Compared, compared, united
from optimizer.access.principals import account_blocks
from optimizer.access.side_effects import side_effects
from optimizer.claims.encode import payload_bytes, reencoded, token_size
from optimizer.claims.keys import AccountKey, UserKey
from optimizer.edits import (
    EditEntries,
    TargetKind,
    apply_all,
    obstacle,
    permission_lists,
    together,
    touches_account_token,
)
from optimizer.proposals import Judgement, Proof, Safety, TokenChange, Witness
from optimizer.subjects.compare import Connect, Relation

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from optimizer.claims.model import UserClaims
    from optimizer.edits import Edit, ListName, Target
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
    accounts = {edit.target.account for edit in edits}
    parts = by_account(hierarchy, accounts)
    importers = service_importers(hierarchy)
    trials = [
        State(part, importers=importers.get(account, ())).tried(
            [edit for edit in edits if edit.target.account == account], settings
        )
        for account, part in parts.items()
    ]
    return verdict(trials, obstacles(edits, hierarchy), settings)


def by_account(hierarchy: Hierarchy, accounts: Iterable[AccountKey]) -> dict[AccountKey, Hierarchy]:
    """Each account with its users alone: an edit touches nothing outside, and every step then costs its own size."""
    users: dict[AccountKey, dict[tuple[UserKey, AccountKey], Signed[UserClaims]]] = {
        account: {} for account in accounts
    }
    for key, user in hierarchy.users.items():
        if key[1] in users:
            users[key[1]][key] = user
    return {
        account: replace(
            hierarchy,
            accounts={account: hierarchy.accounts[account]} if account in hierarchy.accounts else {},
            users=found,
        )
        for account, found in sorted(users.items())
    }


def service_importers(hierarchy: Hierarchy) -> dict[AccountKey, tuple[str, ...]]:
    """By account, the names of the accounts that import a service from it: a push of it loses their replies."""
    found: dict[AccountKey, set[str]] = {}
    for signed in hierarchy.accounts.values():
        for item in signed.claims.imports:
            if item.type == "service" and item.account in hierarchy.accounts:
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
    reasons = [reason for edit in merged if (reason := obstacle(edit, hierarchy)) is not None]
    if not reasons and (reason := together(merged, hierarchy)) is not None:
        reasons.append(reason)
    return tuple(dict.fromkeys(reasons))


def net(edits: Iterable[Edit]) -> tuple[EditEntries, ...]:
    """The edits of each list as one: what an edit adds and a later one removes was never there.

    Examples
    --------
    >>> from optimizer.edits import ListName, Target
    >>> target, name = Target("user", "A", "U"), ListName.PUB_ALLOW
    >>> first = EditEntries(target, name, ("a.*", "a.*.>"), ("a.>",))
    >>> [(edit.remove, edit.add) for edit in net([first, EditEntries(target, name, ("a.>", "b"))])]
    [(('a.*', 'a.*.>', 'b'), ())]
    """
    merged: dict[tuple[Target, ListName], tuple[Counter[str], list[str]]] = {}
    for edit in edits:
        removed, added = merged.setdefault((edit.target, edit.list), (Counter(), []))
        for text in edit.remove:
            if text in added:
                added.remove(text)
            else:
                removed[text] += 1
        for text in edit.add:
            if removed[text]:
                removed[text] -= 1
            elif text not in added:
                added.append(text)
    return tuple(
        EditEntries(target, name, tuple(sorted(removed.elements())), tuple(added))
        for (target, name), (removed, added) in merged.items()
    )


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
class State:
    """One account and its users between two edits.

    Parameters
    ----------
    sizes
        Bytes of the tokens that were edited before; the others have the size they were read with.
    importers
        Names of the accounts that import a service from this one.
    """

    hierarchy: Hierarchy
    sizes: Mapping[TokenName, int] = field(default_factory=dict)
    importers: tuple[str, ...] = ()

    def tried(self, edits: Sequence[Edit], settings: Settings) -> Trial:
        """What comes of these edits, all of them of this account."""
        touched = dict.fromkeys(_token(edit.target) for edit in edits)
        before, after, sizes = self.hierarchy, apply_all(edits, self.hierarchy), dict(self.sizes)
        also: list[str] = []
        changes, targets = [], []
        for token in touched:
            account, user = token
            if user is None:
                old_account, new_account = before.accounts[account], after.accounts[account]
                claims = reencoded(new_account.claims)
                also += side_effects(old_account.claims, claims)
                after = after.with_account(replace(new_account, claims=claims))
                targets += _changed(before, after, account, edits)
                size = sizes.get(token, old_account.token.size)
                sizes[token] = token_size(len(payload_bytes(claims)))
            else:
                old_user, new_user = before.users[user, account], after.users[user, account]
                user_claims = reencoded(new_user.claims)
                also += side_effects(old_user.claims, user_claims)
                after = after.with_user(replace(new_user, claims=user_claims))
                targets += [edit.target for edit in edits if _token(edit.target) == token][:1]
                size = sizes.get(token, old_user.token.size)
                sizes[token] = token_size(len(payload_bytes(user_claims)))
            changes.append(TokenChange(account, user, size, sizes[token]))
        outcomes = [compared(before, after, target, settings) for target in targets]
        outcomes += [
            Compared(relation=Relation.WIDER, gained=(Witness(name, Connect(), settings.servers[0]),))
            for name in _readmitted(before, touched)
        ]
        return Trial(
            edits=tuple(edits),
            after=replace(self, hierarchy=after, sizes=sizes),
            outcome=united(outcomes),
            also=tuple(dict.fromkeys(also)),
            tokens=tuple(changes),
            disturbs=self._disturbs(targets),
        )

    def _disturbs(self, targets: Iterable[Target]) -> tuple[str, ...]:
        """Whom a push of the account would disturb.

        Server: ``updateAccountClaimsWithRefresh`` kicks the users of a scope that changed; a push of an account that
        offers services loses replies in flight. A change of the defaults re-evaluates subscriptions live.
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
    stated = bool(outcome.why) and settings.complete_users
    word = ("that all users are known is a person's word",) if stated else ()
    edits = [edit for trial in trials for edit in trial.edits]
    in_accounts = any(touches_account_token(edit) for edit in edits)
    in_users = any(not touches_account_token(edit) for edit in edits)
    return Judgement(
        relation=outcome.relation,
        gained=outcome.gained,
        lost=outcome.lost,
        safety=safety_of(outcome.relation, complete=not outcome.why or stated, stated=stated, possible=not reasons),
        proof=Proof(
            principals=outcome.principals,
            complete=not outcome.why or stated,
            why_incomplete=tuple(dict.fromkeys((*reasons, *outcome.why, *word))),
            servers=settings.servers,
            connections=("client", "leafnode") if outcome.leafnode else ("client",),
        ),
        tokens=tuple(change for trial in trials for change in trial.tokens),
        reach=" and ".join(["on push"] * in_accounts + ["on reissue"] * in_users),
        disturbs="; ".join(dict.fromkeys(what for trial in trials for what in trial.disturbs)) or "nothing",
        # A user's old token works again as soon as it is put back; an account's has to be signed anew before a push,
        # for a server that missed the way back brings the newer one again.
        undo="needs the seed" if in_accounts else "exact",
    )


def _token(target: Target) -> TokenName:
    return target.account, target.user


def _changed(before: Hierarchy, after: Hierarchy, account: AccountKey, edits: Iterable[Edit]) -> list[Target]:
    """Every block of the account's token that is asked to change, or changes in the re-encode."""
    asked = {edit.target for edit in edits}
    blocks = dict(account_blocks(before.accounts[account].claims)) | dict(
        account_blocks(after.accounts[account].claims)
    )
    return [
        target
        for target in blocks
        if target in asked or permission_lists(before, target) != permission_lists(after, target)
    ]


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
