"""What a reader yields before anything is decoded: texts with their places."""

from __future__ import annotations

import enum
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from optimizer.hierarchy import Skipped

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from optimizer.errors import SourceError


class Place(enum.Enum):
    """What kind of token belongs where one was found."""

    ANY = "any"
    OPERATOR = "operator"
    ACCOUNT = "account"
    USER = "user"


@dataclass(frozen=True, slots=True)
class Found:
    """A text that means to be a token.

    Parameters
    ----------
    origin
        Where it was: a path relative to the source, or a description.
    home
        The name or key under which its place is looked up by nsc or a server; of two copies of one token the one
        at home is read. Empty where the place says nothing.
    owner
        For a user in an nsc store, the name its account is filed under.
    """

    origin: str
    text: str
    place: Place = Place.ANY
    store_name: str = ""
    home: str = ""
    owner: str = ""


@dataclass(frozen=True, slots=True)
class FoundClaims:
    """Claims without a token: what ``nsc describe --json`` prints."""

    origin: str
    claims: Mapping[str, Any]


Item = Found | FoundClaims | Skipped

NO_USERS = "a source of this kind holds no users: what depends on them is left open"


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """An opened source: what it is, and what it holds, to be iterated once.

    Parameters
    ----------
    store
        Kind and path, for the reader of a report.
    can_hold_users
        None where only its content can tell.
    unknowable
        What a source of this kind cannot tell, a sentence each.
    """

    store: str
    items: Iterator[Item]
    managed: bool = False
    can_hold_users: bool | None = None
    unknowable: tuple[str, ...] = ()


def skipped(origin: str, error: SourceError) -> Skipped:
    """The record of something unreadable: one line, what and what to do."""
    return Skipped(origin, f"{error.message}; {error.hint}" if error.hint else error.message)
