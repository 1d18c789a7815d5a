"""Commands that revoke and that take revocations back, of users and of activations.

nsc is told one key a call, 25 ms and more each. So the keys to delete are handed to a script in batches, of which each
is one step: made on a copy of the token, checked, and only then put into the store, so that a script that is stopped
inside a batch has changed nothing.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from optimizer.edits import (
    EVERYBODY,
    ActivationRevocation,
    EditActivationRevocations,
    EditRevocations,
    Revocation,
    Target,
    TargetKind,
    activation_revocations_of,
    apply,
    revocations_of,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from optimizer.claims.keys import AccountKey
    from optimizer.claims.model import AccountClaims
    from optimizer.hierarchy import Hierarchy

BATCH = 500
"""Keys of one step: some 13 seconds, which is what a script that is stopped has to do again."""


@dataclass(frozen=True, slots=True)
class AddRevocation:
    """``nsc revocations add-user``, or ``add_activation``."""

    account: AccountKey
    added: Revocation | ActivationRevocation
    activation: ClassVar[str] = ""
    each: ClassVar[tuple[str, ...]] = ()

    def done_to(self, hierarchy: Hierarchy) -> Hierarchy:
        """The hierarchy with it. nsc: ``RevocationList.Revoke`` keeps a later time than this one."""
        return _edited(hierarchy, self.account, add=(self.added,))

    def words(self, hierarchy: Hierarchy) -> tuple[str, ...]:
        """The command."""
        verb = "add-user" if isinstance(self.added, Revocation) else "add_activation"
        key = f"{_flag(self.added)}{self.added.key}"
        return (
            "revocations",
            verb,
            *_signing(hierarchy, self.account),
            *_export(self.added),
            key,
            f"--at={self.added.time}",
        )


@dataclass(frozen=True, slots=True)
class DeleteRevocations:
    """``nsc revocations delete-user``, or ``delete_activation`` of one export, for one key or for each of several."""

    account: AccountKey
    deleted: Sequence[Revocation | ActivationRevocation]
    activation: ClassVar[str] = ""

    @property
    def each(self) -> tuple[str, ...]:
        """The keys that the last word is completed with, one a call; none where it is complete."""
        return tuple(one.key for one in self.deleted) if len(self.deleted) > 1 else ()

    def done_to(self, hierarchy: Hierarchy) -> Hierarchy:
        """The hierarchy without them."""
        return _edited(hierarchy, self.account, remove=self.deleted)

    def words(self, hierarchy: Hierarchy) -> tuple[str, ...]:
        """The command, up to the key where there are several."""
        first = self.deleted[0]
        verb = "delete-user" if isinstance(first, Revocation) else "delete_activation"
        key = _flag(first) + ("" if self.each else first.key)
        return ("revocations", verb, *_signing(hierarchy, self.account), *_export(first), key)


Commands = tuple[AddRevocation | DeleteRevocations, ...]


def revocation_commands(now: Hierarchy, wanted: Hierarchy, target: Target) -> Commands:
    """The commands that turn the account's revocations into those wanted: what comes first, so that none is missing."""
    have, want = (revocations_of(_claims(each, target)) for each in (now, wanted))
    return tuple(_commands(target.account, have, want))


def activation_commands(now: Hierarchy, wanted: Hierarchy, target: Target) -> Commands:
    """The same of the revocations in its exports, export by export; of exports that stay."""
    have = {(each.type, each.subject): each for each in reversed(_claims(now, target).exports)}
    want = {(each.type, each.subject): each for each in reversed(_claims(wanted, target).exports)}
    return tuple(
        command
        for name in sorted(have.keys() & want.keys())
        for command in _commands(
            target.account, activation_revocations_of(have[name]), activation_revocations_of(want[name])
        )
    )


def _commands(
    account: AccountKey,
    have: Sequence[Revocation | ActivationRevocation],
    want: Sequence[Revocation | ActivationRevocation],
) -> Iterator[AddRevocation | DeleteRevocations]:
    kept = {each.key for each in want}
    there = set(have)
    # `*` before all others: then no key is less revoked on the way than before or after.
    for each in sorted(want, key=lambda one: (one.key != EVERYBODY, one.key)):
        if each not in there:
            yield AddRevocation(account, each)
    gone = [each for each in have if each.key not in kept]
    for start in range(0, len(gone), BATCH):
        yield DeleteRevocations(account, tuple(gone[start : start + BATCH]))


def _edited(
    hierarchy: Hierarchy,
    account: AccountKey,
    remove: Iterable[Revocation | ActivationRevocation] = (),
    add: Iterable[Revocation | ActivationRevocation] = (),
) -> Hierarchy:
    gone, come = tuple(remove), tuple(add)
    if isinstance((*gone, *come)[0], Revocation):
        return apply(EditRevocations(Target(TargetKind.REVOCATION.value, account), gone, come), hierarchy)  # type: ignore[arg-type]
    target = Target(TargetKind.ACTIVATION.value, account)
    return apply(EditActivationRevocations(target, gone, come), hierarchy)  # type: ignore[arg-type]


def _flag(each: Revocation | ActivationRevocation) -> str:
    return "--user-public-key=" if isinstance(each, Revocation) else "--target-account="


def _export(each: Revocation | ActivationRevocation) -> Iterator[str]:
    if isinstance(each, ActivationRevocation):
        yield f"--subject={each.subject}"
        if each.type == "service":
            yield "--service"


def _claims(hierarchy: Hierarchy, target: Target) -> AccountClaims:
    return hierarchy.accounts[target.account].claims


def _signing(hierarchy: Hierarchy, account: AccountKey) -> tuple[str, str]:
    claims = hierarchy.accounts[account].claims
    return f"--account={claims.name}", f"--private-key={claims.iss}"
