"""At which token of its subjects a token grows most: where one more order, shelf or tenant is an entry more."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from optimizer.claims.model import AccountClaims
from optimizer.claims.sections import largest_entries
from optimizer.subjects.positions import Position, positions

if TYPE_CHECKING:
    from collections.abc import Iterator

    from optimizer.claims.model import PermissionLists, UserClaims
    from optimizer.hierarchy import Signed

_EVERY = 1 << 30


@dataclass(frozen=True, slots=True)
class GrowingPosition:
    """A position, and which kind of entries has it.

    Parameters
    ----------
    kind
        ``permissions`` (the lists of a user, of an account's roles and defaults, seen together), ``exports``,
        ``imports`` or ``mappings``.
    """

    kind: str
    position: Position


def costliest_position(signed: Signed[AccountClaims] | Signed[UserClaims]) -> GrowingPosition | None:
    """The position of a token whose values cost most; None where no list repeats itself.

    Parameters
    ----------
    signed
        One token. Exports, imports and mappings weigh what they take in its payload, a private import's activation
        included.
    """
    found = [
        GrowingPosition(kind, first)
        for kind, subjects, sizes in _kinds(signed)
        for first in positions(subjects, sizes)[:1]
    ]
    return max(found, key=lambda each: each.position.payload_bytes, default=None)


def _kinds(
    signed: Signed[AccountClaims] | Signed[UserClaims],
) -> Iterator[tuple[str, list[str], list[int] | None]]:
    claims = signed.claims
    if not isinstance(claims, AccountClaims):
        yield "permissions", _entries(claims.permissions), None
        return
    blocks = [claims.default_permissions]
    blocks += [key.scope.permissions for key in claims.signing_keys if key.scope is not None]
    yield "permissions", [entry for block in blocks for entry in _entries(block)], None
    if not (claims.exports or claims.imports or claims.mappings):
        return
    sizes = {each.pointer: each.payload_bytes for each in largest_entries(signed.token, _EVERY)}
    lists = {
        "exports": {f"/nats/exports/{number}": each.subject for number, each in enumerate(claims.exports)},
        "imports": {f"/nats/imports/{number}": each.subject for number, each in enumerate(claims.imports)},
        "mappings": {f"/nats/mappings/{_escaped(subject)}": subject for subject in claims.mappings},
    }
    for kind, subjects in lists.items():
        weighed = [(subject, sizes[pointer]) for pointer, subject in subjects.items() if pointer in sizes]
        yield kind, [subject for subject, _ in weighed], [size for _, size in weighed]


def _entries(block: PermissionLists) -> list[str]:
    lists = (block.pub.allow, block.pub.deny, block.sub.allow, block.sub.deny)
    return [entry for entries in lists for entry in entries or ()]


def _escaped(subject: str) -> str:
    return subject.replace("~", "~0").replace("/", "~1")
