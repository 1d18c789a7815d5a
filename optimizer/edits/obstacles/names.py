"""What is called what in a store, and which names nsc cannot find, write or tell apart."""

from __future__ import annotations

from collections import Counter
from functools import lru_cache
from typing import TYPE_CHECKING

from optimizer.text import printable, redacted

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from optimizer.claims.keys import AccountKey, UserKey
    from optimizer.claims.model import AccountClaims, UserClaims
    from optimizer.edits.anew import Itself
    from optimizer.hierarchy import Signed

ARGUMENT_LIMIT = 131_000
"""Bytes of one argument: Linux takes 131,071 (``MAX_ARG_STRLEN`` less its NUL), a flag's name goes before it."""

NAME_LIMIT = 251
"""Bytes of a name that nsc can store: file systems take 255, and ``.jwt`` goes behind it."""


@lru_cache(maxsize=2)
def account_names(accounts: Itself[Mapping[AccountKey, Signed[AccountClaims]]]) -> Counter[str]:
    """How many accounts of a store are called what, counted once for all edits."""
    return Counter(signed.claims.name for signed in accounts.value.values())


@lru_cache(maxsize=2)
def user_names(users: Itself[Mapping[tuple[UserKey, AccountKey], Signed[UserClaims]]]) -> Counter[tuple[str, str]]:
    """How many users of an account, by its key, are called what."""
    return Counter((signed.claims.account, signed.claims.name) for signed in users.value.values())


@lru_cache(maxsize=2)
def spaced_name(accounts: Itself[Mapping[AccountKey, Signed[AccountClaims]]]) -> str | None:
    """A name of an account that nsc would trim."""
    names = (name for signed in accounts.value.values() for name in (signed.claims.name, signed.store_name))
    return min((name for name in names if name != name.strip()), default=None)


def of_names(signed: Signed[AccountClaims] | Signed[UserClaims], alike: int, kind: str) -> Iterator[str]:
    """Why nsc would not find a token of the store, or would take another for it."""
    name, stored = signed.claims.name, signed.store_name
    shown = printable(name[:80])
    if stored and name != stored:
        yield f"nsc would write the {kind} `{shown}` to another file than the one that was read"
    yield from of_name(name, kind)
    if alike > 1:
        yield f"two tokens are called `{shown}`, and nsc knows a {kind} by its name only"


def of_name(name: str, kind: str) -> Iterator[str]:
    """Why nsc cannot file a token under this name. nsc: ``Store.StoreRaw``, ``AddAccountParams.Validate``."""
    shown = printable(name[:80])
    if name != name.strip():
        yield f"nsc trims names, and would not find the {kind} `{shown}`"
    if not name or name in (".", "..", "*") or any(char in name for char in "/\\\0"):
        yield f"nsc takes `{shown}` for something else than the name of the {kind}"
    if len(name.encode(errors="surrogatepass")) > NAME_LIMIT or not encodes(name):
        yield f"the name of the {kind} cannot be the name of a file"
    if redacted(name) != name:
        yield f"the name of the {kind} holds what looks like a seed"


def of_argument(text: str, what: str) -> Iterator[str]:
    """Why no argument of a command, as it stands, can say this."""
    shown = printable(text[:80])
    if "\0" in text or text.endswith("\n") or not encodes(text):
        yield f"no argument can hold the {what} `{shown}`"
    elif len(text.encode()) > ARGUMENT_LIMIT:
        yield f"the {what} `{shown}` is longer than an argument may be"
    if redacted(text) != text:
        yield f"the {what} holds what looks like a seed"


def encodes(text: str) -> bool:
    """Whether the text is one that UTF-8 can write: no half of a pair of surrogates."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True
