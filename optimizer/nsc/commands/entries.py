"""Commands that edit subject lists: ``nsc edit user``, ``nsc edit signing-key`` and ``nsc edit account``."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from optimizer.claims.model import SubjectLists
from optimizer.edits import ListName, TargetKind, entries, permission_lists, with_lists
from optimizer.edits.obstacles.entries import csv_field, removals
from optimizer.edits.obstacles.tokens import has_jetstream

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from optimizer.claims.model import AccountClaims
    from optimizer.edits import Target
    from optimizer.hierarchy import Hierarchy

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


@dataclass(frozen=True, slots=True)
class EditBlock:
    """``nsc edit`` of a block: adds first, then removes, then sorts. nsc: ``PermissionsParams.Run``."""

    target: Target
    add: tuple[tuple[ListName, str], ...] = ()
    remove: tuple[str, ...] = ()

    activation: ClassVar[str] = ""
    each: ClassVar[tuple[str, ...]] = ()

    def done_to(self, hierarchy: Hierarchy) -> Hierarchy:
        """The hierarchy after it."""
        lists = permission_lists(hierarchy, self.target)

        def after(name: ListName) -> tuple[str, ...] | None:
            texts = list(entries(lists, name) or ())
            texts += [text for added, text in self.add if added is name and text not in texts]
            for text in self.remove:
                if text in texts:
                    texts.remove(text)
            return tuple(sorted(texts, key=str.encode)) or None

        edited = lists.replaced(
            pub=SubjectLists(after(ListName.PUB_ALLOW), after(ListName.PUB_DENY)),
            sub=SubjectLists(after(ListName.SUB_ALLOW), after(ListName.SUB_DENY)),
        )
        return with_lists(hierarchy, self.target, edited)

    def words(self, hierarchy: Hierarchy) -> tuple[str, ...]:
        """The command, all its flags but the entries, and the entries."""
        return (*_verb(hierarchy, self.target), *self._entries())

    def _entries(self) -> Iterator[str]:
        for name, text in self.add:
            yield f"{FLAGS[name]}={csv_field(text)}"
        for text in self.remove:
            yield f"--rm={csv_field(text)}"


def entry_commands(now: Hierarchy, wanted: Hierarchy, target: Target) -> tuple[EditBlock, ...] | None:
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
    return (*_chunks(target, fresh, remove), *_chunks(target, again, ()))


def _chunks(target: Target, add: Iterable[tuple[ListName, str]], remove: Iterable[str]) -> Iterator[EditBlock]:
    adding: list[tuple[ListName, str]] = []
    removing: list[str] = []
    length = 0
    for name, text in (*add, *((None, text) for text in remove)):
        size = len(csv_field(text).encode()) + FLAG_SIZE
        if length and length + size > COMMAND_LIMIT:
            yield EditBlock(target, tuple(adding), tuple(removing))
            adding, removing, length = [], [], 0
        length += size
        if name is None:
            removing.append(text)
        else:
            adding.append((name, text))
    if length:
        yield EditBlock(target, tuple(adding), tuple(removing))


def _verb(hierarchy: Hierarchy, target: Target) -> tuple[str, ...]:
    """The command and all its flags but the entries."""
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
        case _:
            raise KeyError(target)


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
