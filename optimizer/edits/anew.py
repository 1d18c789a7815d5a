"""What nsc makes of a token when it writes it again: asked by the judge and by the obstacles, worked out once."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Generic, TypeVar

from optimizer.claims.encode import payload_bytes, reencoded

if TYPE_CHECKING:
    from optimizer.claims.model import AccountClaims, UserClaims
    from optimizer.hierarchy import Signed

T = TypeVar("T")


class Itself(Generic[T]):
    """A value as the key of a cache: known by itself, not by what it holds, which would be compared each time."""

    __slots__ = ("value",)

    def __init__(self, value: T) -> None:
        self.value = value

    def __hash__(self) -> int:
        return id(self.value)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Itself) and other.value is self.value


@dataclass(frozen=True, slots=True)
class Anew:
    """The claims nsc would write without any edit.

    Parameters
    ----------
    payload
        Bytes of them.
    is_as_read
        Whether these are the very bytes that were read, so that nothing at all changes.
    """

    claims: AccountClaims | UserClaims
    payload: int
    is_as_read: bool


def written_anew(signed: Signed[AccountClaims] | Signed[UserClaims]) -> Anew:
    """What nsc makes of a token as it was read."""
    return _written_anew(Itself(signed))


@lru_cache(maxsize=256)
def _written_anew(token: Itself[Signed[AccountClaims] | Signed[UserClaims]]) -> Anew:
    signed = token.value
    claims = reencoded(signed.claims)
    payload = payload_bytes(claims)
    if payload == signed.token.payload:
        return Anew(signed.claims, len(payload), is_as_read=True)
    return Anew(claims, len(payload), is_as_read=False)
