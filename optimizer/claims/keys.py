"""Public nkeys as evidence of a passed check: made only by parsers that verified prefix and checksum."""

from __future__ import annotations

import base64
import binascii
from typing import NewType

from optimizer.errors import TokenError

OperatorKey = NewType("OperatorKey", str)
AccountKey = NewType("AccountKey", str)
UserKey = NewType("UserKey", str)

_PREFIX = {"O": 14 << 3, "A": 0, "U": 20 << 3}


def operator_key(text: str) -> OperatorKey:
    """``text`` as an operator's public key, or TokenError."""
    return OperatorKey(_checked(text, "O"))


def account_key(text: str) -> AccountKey:
    """``text`` as an account's public key, or TokenError."""
    return AccountKey(_checked(text, "A"))


def user_key(text: str) -> UserKey:
    """``text`` as a user's public key, or TokenError."""
    return UserKey(_checked(text, "U"))


def raw_public_key(text: str) -> bytes:
    """The 32 Ed25519 bytes inside a checked public nkey."""
    return base64.b32decode(text)[1:33]


def _checked(text: str, letter: str) -> str:
    if len(text) != 56 or text[0] != letter:  # noqa: PLR2004 base32 of prefix byte, 32 key bytes, CRC16
        raise TokenError(f"`{text[:64]}` is not a public key that starts with {letter}")
    try:
        raw = base64.b32decode(text)
    except (binascii.Error, ValueError):
        raise TokenError(f"`{text}` is not base32") from None
    if raw[0] != _PREFIX[letter] or binascii.crc_hqx(raw[:-2], 0) != int.from_bytes(raw[-2:], "little"):
        raise TokenError(f"`{text}` has a wrong checksum")
    return text
