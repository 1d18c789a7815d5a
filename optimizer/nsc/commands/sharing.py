"""Commands that make an account, and those that delete and add its imports and exports.

nsc has no command that edits an import, and its ``edit export`` loses half of an export. So what changes is deleted and
added; what is deleted goes first, for two imports of one subject may not stand beside each other.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, ClassVar, TypeVar

from optimizer.claims.encode import reencoded
from optimizer.claims.model import AccountClaims, Export, Import
from optimizer.edits import AddAccount, apply
from optimizer.nsc.words import ACTIVATION

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from optimizer.claims.keys import AccountKey
    from optimizer.edits import Target
    from optimizer.hierarchy import Hierarchy

T = TypeVar("T", Import, Export)


@dataclass(frozen=True, slots=True)
class MakeAccount:
    """``nsc add account`` of a key that was made before."""

    edit: AddAccount
    activation: ClassVar[str] = ""
    each: ClassVar[tuple[str, ...]] = ()

    def done_to(self, hierarchy: Hierarchy) -> Hierarchy:
        """The hierarchy with the account in it."""
        return apply(self.edit, hierarchy)

    def words(self, _: Hierarchy) -> tuple[str, ...]:
        """The command; its account is not there to be asked."""
        edit = self.edit
        named = (f"--name={edit.name}", f"--public-key={edit.target.account}", f"--private-key={edit.issuer}")
        return ("add", "account", *named)


@dataclass(frozen=True, slots=True)
class DeleteImport:
    """``nsc delete import``, which is told the subject and account of one."""

    account: AccountKey
    told: Import
    activation: ClassVar[str] = ""
    each: ClassVar[tuple[str, ...]] = ()

    def done_to(self, hierarchy: Hierarchy) -> Hierarchy:
        """The hierarchy without the import nsc takes, be it the one meant or not.

        nsc: ``DeleteImportParams.Load`` asks for the account only where several imports have the subject, and takes
        the first.
        """
        held = _claims(hierarchy, self.account).imports
        places = [place for place, each in enumerate(held) if each.subject == self.told.subject]
        if len(places) > 1:
            places = [place for place in places if held[place].account == self.told.account]
        return _with(hierarchy, self.account, imports=_without(held, places))

    def words(self, hierarchy: Hierarchy) -> tuple[str, ...]:
        """The command."""
        told = (f"--subject={self.told.subject}", f"--src-account={self.told.account}")
        return ("delete", "import", *_signing(hierarchy, self.account), *told)


@dataclass(frozen=True, slots=True)
class AddImport:
    """``nsc add import``; of a private one nsc reads subject, account and kind from its activation."""

    account: AccountKey
    made: Import
    each: ClassVar[tuple[str, ...]] = ()

    @property
    def activation(self) -> str:
        """The activation token, empty for a public import."""
        return self.made.token

    def done_to(self, hierarchy: Hierarchy) -> Hierarchy:
        """The hierarchy with the import last."""
        return _with(hierarchy, self.account, imports=(*_claims(hierarchy, self.account).imports, self.made))

    def words(self, hierarchy: Hierarchy) -> tuple[str, ...]:
        """The command; flags that say what is so anyway are left out."""
        return ("add", "import", *_signing(hierarchy, self.account), *self._flags())

    def _flags(self) -> Iterator[str]:
        made = self.made
        if made.token:
            yield ACTIVATION
        else:
            yield f"--src-account={made.account}"
            yield f"--remote-subject={made.subject}"
            if made.type == "service":
                yield "--service"
        if made.local_subject:
            yield f"--local-subject={made.local_subject}"
        yield f"--name={made.name}"
        if made.share:
            yield "--share"
        if made.allow_trace:
            yield "--allow-trace"


@dataclass(frozen=True, slots=True)
class DeleteExport:
    """``nsc delete export``, which is told the subject of one."""

    account: AccountKey
    told: Export
    activation: ClassVar[str] = ""
    each: ClassVar[tuple[str, ...]] = ()

    def done_to(self, hierarchy: Hierarchy) -> Hierarchy:
        """The hierarchy without the export nsc takes, the first of that subject."""
        held = _claims(hierarchy, self.account).exports
        places = [place for place, each in enumerate(held) if each.subject == self.told.subject]
        return _with(hierarchy, self.account, exports=_without(held, places))

    def words(self, hierarchy: Hierarchy) -> tuple[str, ...]:
        """The command."""
        return ("delete", "export", *_signing(hierarchy, self.account), f"--subject={self.told.subject}")


@dataclass(frozen=True, slots=True)
class AddExport:
    """``nsc add export``."""

    account: AccountKey
    made: Export
    activation: ClassVar[str] = ""
    each: ClassVar[tuple[str, ...]] = ()

    def done_to(self, hierarchy: Hierarchy) -> Hierarchy:
        """The hierarchy with the export last."""
        return _with(hierarchy, self.account, exports=(*_claims(hierarchy, self.account).exports, self.made))

    def words(self, hierarchy: Hierarchy) -> tuple[str, ...]:
        """The command; flags that say what is so anyway are left out."""
        return ("add", "export", *_signing(hierarchy, self.account), *self._flags())

    def _flags(self) -> Iterator[str]:
        made, latency = self.made, self.made.service_latency
        yield f"--subject={made.subject}"
        yield f"--name={made.name}"
        if made.type == "service":
            yield "--service"
            yield f"--response-type={made.response_type}"
        if made.response_threshold:
            yield f"--response-threshold={made.response_threshold}ns"
        if latency is not None:
            sampling = latency["sampling"]
            yield f"--latency={latency['results']}"
            yield f"--sampling={'header' if sampling == 'headers' else sampling}"
        if made.token_req:
            yield "--private"
        if made.account_token_position:
            yield f"--account-token-position={made.account_token_position}"
        if made.advertise:
            yield "--advertise"
        if made.allow_trace:
            yield "--allow-trace"


def account_commands(now: Hierarchy, wanted: Hierarchy, target: Target) -> tuple[MakeAccount, ...]:
    """The command that makes the account, unless it is there."""
    if target.account in now.accounts or target.account not in wanted.accounts:
        return ()
    claims = wanted.accounts[target.account].claims
    return (MakeAccount(AddAccount(target, claims.name, claims.iss)),)


def import_commands(now: Hierarchy, wanted: Hierarchy, target: Target) -> tuple[DeleteImport | AddImport, ...]:
    """The commands that turn the account's imports into those wanted, whatever their order."""
    account = target.account
    have = reencoded(_claims(now, account)).imports if account in now.accounts else ()  # it may not be made yet
    want = reencoded(_claims(wanted, account)).imports
    deletes = (DeleteImport(account, each) for each in _beyond(have, want))
    return (*deletes, *(AddImport(account, each) for each in _beyond(want, have)))


def export_commands(now: Hierarchy, wanted: Hierarchy, target: Target) -> tuple[DeleteExport | AddExport, ...]:
    """The commands that turn the account's exports into those wanted, whatever their order."""
    account = target.account
    have = reencoded(_claims(now, account)).exports if account in now.accounts else ()  # it may not be made yet
    want = reencoded(_claims(wanted, account)).exports
    deletes = (DeleteExport(account, each) for each in _beyond(have, want))
    return (*deletes, *(AddExport(account, each) for each in _beyond(want, have)))


def _beyond(some: Iterable[T], others: Iterable[T]) -> Iterator[T]:
    """Those of some that others do not have, each as often as it is missing there."""
    left = Counter(others)
    for one in some:
        if left[one]:
            left[one] -= 1
        else:
            yield one


def _without(held: tuple[T, ...], places: Sequence[int]) -> tuple[T, ...]:
    if not places:
        raise KeyError
    return held[: places[0]] + held[places[0] + 1 :]


def _claims(hierarchy: Hierarchy, account: AccountKey) -> AccountClaims:
    return hierarchy.accounts[account].claims


def _with(
    hierarchy: Hierarchy,
    account: AccountKey,
    imports: tuple[Import, ...] | None = None,
    exports: tuple[Export, ...] | None = None,
) -> Hierarchy:
    signed = hierarchy.accounts[account]
    claims = signed.claims
    changed = replace(
        claims,
        imports=claims.imports if imports is None else imports,
        exports=claims.exports if exports is None else exports,
    )
    return hierarchy.with_account(replace(signed, claims=changed))


def _signing(hierarchy: Hierarchy, account: AccountKey) -> tuple[str, str]:
    claims = _claims(hierarchy, account)
    return f"--account={claims.name}", f"--private-key={claims.iss}"
