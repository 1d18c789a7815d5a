"""What a suggestion to consolidate imports says: what changes, what it costs and saves, what it opens and closes."""

from __future__ import annotations

import enum
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from optimizer.claims.encode import payload_bytes, reencoded, token_size
from optimizer.claims.keys import AccountKey
from optimizer.claims.model import AccountClaims, Export, Import
from optimizer.edits.sharing import UNLIMITED
from optimizer.graph.resolve import route

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable

    from optimizer.graph.edges import Edge
    from optimizer.hierarchy import Signed

NEW = "(hub)"
"""Stands for an account that is not made yet."""

NEW_KEY = AccountKey("A" * 56)
"""Its key in claims, of the length that any key has."""

_SOME_TIME = 1_000_000_000  # ten digits, as any time a token is signed at


class Kind(enum.Enum):
    """The two ways to have fewer imports."""

    BUNDLE = "bundle"
    """Many imports of one exporter by one account become one."""
    HUB = "hub"
    """Services of several exporters are exported again by an account between, which each consumer imports once."""


@dataclass(frozen=True, slots=True)
class AccountBytes:
    """What one account's token weighs before and after; before is 0 for an account that is new."""

    account: str
    before: int
    after: int


@dataclass(frozen=True, slots=True)
class Gained:
    """Subjects that an account newly reaches.

    Parameters
    ----------
    account
        Who gains.
    exporter
        Whose subjects they are; the hub's, where those are meant that its own users see.
    subject
        As the exporter calls them, a pattern.
    """

    account: str
    exporter: str
    kind: str
    subject: str


@dataclass(frozen=True, slots=True)
class Lost:
    """What no longer holds afterwards: ``what`` is a word for machines, ``statement`` a sentence."""

    what: str
    statement: str


@dataclass(frozen=True, slots=True)
class Push:
    """One token to push, in this order."""

    account: str
    does: str


@dataclass(frozen=True, slots=True)
class Change:
    """What changes in one account's claims.

    Parameters
    ----------
    drops
        Imports that go.
    """

    account: str
    drops: tuple[Edge, ...] = ()
    imports: tuple[Import, ...] = ()
    exports: tuple[Export, ...] = ()


@dataclass(frozen=True, slots=True)
class Suggestion:
    """One consolidation with its whole price.

    Parameters
    ----------
    members
        Account keys: exporter and importer of a bundle; consumers, then providers of a hub. The hub itself is new.
    subject
        The importer's subject of the one import that stays.
    accounts
        Every token that changes.
    known
        Subjects among those gained that are known to be used, as others import them: the first of them.
    known_more
        How many there are beside those.
    hops
        Imports that a message passes more than before.
    pushes
        In this order.
    """

    kind: Kind
    members: tuple[str, ...]
    subject: str
    edges_before: int
    edges_after: int
    accounts: tuple[AccountBytes, ...]
    gained: tuple[Gained, ...]
    known: tuple[str, ...]
    lost: tuple[Lost, ...]
    hops: int
    pushes: tuple[Push, ...]
    changes: tuple[Change, ...]
    known_more: int = 0

    @property
    def bytes_before(self) -> int:
        """All tokens that change, as they are."""
        return sum(each.before for each in self.accounts)

    @property
    def bytes_after(self) -> int:
        """The same tokens as nsc would write them, the hub's among them."""
        return sum(each.after for each in self.accounts)

    @property
    def saved(self) -> int:
        """Negative where tokens grow."""
        return self.bytes_before - self.bytes_after


def size_of(claims: AccountClaims) -> int:
    """Bytes of the token that nsc makes of these claims."""
    return token_size(len(payload_bytes(reencoded(claims))))


def priced(account: Signed[AccountClaims], gone: Collection[int], added: Iterable[Import]) -> AccountBytes:
    """The token of an account without some of its imports, by their places, and with others."""
    kept = tuple(each for place, each in enumerate(account.claims.imports) if place not in gone)
    after = replace(account.claims, imports=(*kept, *added))
    return AccountBytes(account.claims.sub, account.token.size, size_of(after))


def reordered(account: Signed[AccountClaims], gone: Collection[int], added: Iterable[Import]) -> tuple[Lost, ...]:
    """Streams that an account imports twice, where writing its token anew changes which of the two names works.

    Of two stream imports of one subject the server drops the later one. nsc sorts imports by subject, and Go's sort
    keeps the order of equal ones only up to twelve.
    """
    kept = [each for place, each in enumerate(account.claims.imports) if place not in gone]
    after = reencoded(replace(account.claims, imports=(*kept, *added))).imports
    first, then = _first_names(kept), _first_names(after)
    return tuple(
        Lost("names", f"the stream `{subject}` may come as `{then[exporter, subject]}` and no longer as `{local}`")
        for (exporter, subject), local in first.items()
        if then[exporter, subject] != local
    )


def _first_names(imports: Iterable[Import]) -> dict[tuple[str, str], str]:
    """What the streams are called that are imported, by exporter and subject; of several names the one that works."""
    found: dict[tuple[str, str], str] = {}
    for each in imports:
        if each.type == "stream":
            path = route(each)
            found.setdefault((each.account, path.remote), path.local)
    return found


def new_account(name: str, imports: Iterable[Import], exports: Iterable[Export]) -> AccountClaims:
    """An account as ``nsc add account`` makes it. nsc: ``jwt.NewAccountClaims``."""
    return AccountClaims(
        sub=NEW_KEY,
        iss="O" * 56,
        iat=_SOME_TIME,
        name=name,
        limits=UNLIMITED,
        imports=tuple(imports),
        exports=tuple(exports),
    )


def import_of(kind: str, exporter: str, remote: str, local: str, like: Import | None = None) -> Import:
    """An import as ``nsc add import`` writes it: named after its subject, ``local_subject`` only where it differs."""
    return Import(
        name=remote,
        subject=remote,
        account=exporter,
        local_subject="" if local == remote else local,
        type=kind,
        share=kind == "service" and like is not None and like.share,
        allow_trace=like is not None and like.allow_trace,
    )
