"""Who signed a token: Ed25519 over what its version says is signed."""

from __future__ import annotations

from typing import TYPE_CHECKING

from nacl._sodium import ffi, lib

from optimizer.claims.keys import raw_public_key
from optimizer.claims.token import signed_bytes

if TYPE_CHECKING:
    from optimizer.claims.model import Claims
    from optimizer.claims.token import Token


def signature_holds(token: Token, claims: Claims) -> bool:
    """Whether the key named in ``iss`` signed this token, in the way of either version.

    Server: ``ClaimsData.verify``; a server takes only the way of the token's own version, see `signed_as`.

    Parameters
    ----------
    token
        The token as read.
    claims
        What `optimizer.claims.decode.decode` made of it, which checked the issuer's key.
    """
    return signed_as(token, claims) is not None


def signed_as(token: Token, claims: Claims) -> int | None:
    """The version in whose way the token is signed, its own first; None where the signature does not hold.

    Server: ``jwt.Decode`` refuses a token that is not signed in the way of its own version.
    """
    key = raw_public_key(claims.iss)
    for version in (1, 2) if claims.version == 1 else (2, 1):
        if _holds(token.signature + signed_bytes(token, version), key):
            return version
    return None


def _holds(signed: bytes, key: bytes) -> bool:
    """Whether ``key`` made the signature that ``signed`` begins with; another thread may run meanwhile.

    This is ``nacl.bindings.crypto_sign_open``, which copies the message twice besides: 4 of 70 microseconds.
    """
    return bool(lib.crypto_sign_open(ffi.NULL, ffi.NULL, signed, len(signed), key) == 0)
