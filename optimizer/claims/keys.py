"""Public nkeys as evidence of a passed check: made only by parsers that verified prefix and checksum."""

from __future__ import annotations

import binascii
from functools import lru_cache
from typing import TYPE_CHECKING, NewType

from optimizer.errors import TokenError
from optimizer.text import printable

if TYPE_CHECKING:
    from collections.abc import Sequence

OperatorKey = NewType("OperatorKey", str)
AccountKey = NewType("AccountKey", str)
UserKey = NewType("UserKey", str)

_PREFIX = {"O": 14 << 3, "A": 0, "U": 20 << 3, "X": 23 << 3}
_KEY_LENGTH = 56  # base32 of prefix byte, 32 key bytes and CRC16
_RAW_LENGTH = 35  # of which base32 makes just 56 characters, so that several keys can be read as one
_BASE32 = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"
_TO_DIGITS = bytes.maketrans(
    bytes(set(range(256)) - set(_BASE32)) + _BASE32, b"!" * 224 + b"0123456789abcdefghijklmnopqrstuv"
)
# What is no letter of base32 becomes `!`, which is no digit either.


def operator_key(text: str) -> OperatorKey:
    """``text`` as an operator's public key, or TokenError."""
    return OperatorKey(_checked(text, "O"))


def account_key(text: str) -> AccountKey:
    """``text`` as an account's public key, or TokenError."""
    return AccountKey(_checked(text, "A"))


def user_key(text: str) -> UserKey:
    """``text`` as a user's public key, or TokenError."""
    return UserKey(_checked(text, "U"))


def curve_key(text: str) -> str:
    """``text`` as a public curve key, which encrypts for an authorization service, or TokenError."""
    return _checked(text, "X")


def issuer_key(text: str, letters: str) -> str:
    """The public key of who issued a token, an operator's or an account's as far as ``letters`` says, or TokenError.

    Server: ``jwt.Decode``, which checks the issuer's key against ``ExpectedPrefixes``.
    """
    return _checked(text, "O" if text[:1] == "O" and "O" in letters else "A")


def are_account_keys(texts: Sequence[str]) -> bool:
    """Whether `account_key` takes each of the texts, in a third of the time that one after the other takes."""
    if not texts:
        return True
    if set(map(len, texts)) != {_KEY_LENGTH}:
        return False
    try:
        raw = _raw("".join(texts))
    except ValueError:
        return False
    keys = [raw[start : start + _RAW_LENGTH] for start in range(0, len(raw), _RAW_LENGTH)]
    return all(_is_sound(key, "A") for key in keys)


def raw_public_key(text: str) -> bytes:
    """The 32 Ed25519 bytes inside a checked public nkey."""
    return _raw(text)[1:33]


@lru_cache(maxsize=4096)
def _checked(text: str, letter: str) -> str:
    if len(text) != _KEY_LENGTH or text[0] != letter:
        raise TokenError(f"`{printable(text)[:64]}` is not a public key that starts with {letter}")
    try:
        raw = _raw(text)
    except ValueError:
        raise TokenError(f"`{printable(text)}` is not base32") from None
    if not _is_sound(raw, letter):
        raise TokenError(f"`{text}` has a wrong checksum")
    return text


def _is_sound(raw: bytes, letter: str) -> bool:
    return raw[0] == _PREFIX[letter] and binascii.crc_hqx(raw[:-2], 0) == int.from_bytes(raw[-2:], "little")


def _raw(text: str) -> bytes:
    # 15 times as fast as base64.b32decode, which is Python: a store has thousands of keys.
    return int(text.encode().translate(_TO_DIGITS), 32).to_bytes(len(text) * 5 // 8, "big")
