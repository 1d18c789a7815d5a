"""A token's three segments, with the exact bytes kept. Nothing in it is trusted yet."""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import lru_cache
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, NoReturn

from pybase64 import b64decode, b64encode

from optimizer.errors import TokenError
from optimizer.text import printable

if TYPE_CHECKING:
    from collections.abc import Mapping

MAX_TOKEN_SIZE = 1024 * 1024
"""Above this nats-server 2.12.15 refuses a token (jwt 2.8.2 ``MaxTokenSize``); 2.11.8 reads it."""

LARGEST_READ = 64 * 1024 * 1024
"""Above this nothing is read: no server ever held such a token."""

FRAME_SIZE = 134
"""Header (46), signature (86) and two dots of a token that Go wrote."""

_SEGMENTS = 3
_ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
_LAST = (_ALPHABET, "", _ALPHABET[::16], _ALPHABET[::4])
"""By the length of a segment modulo 4, the letters it ends with where no bit of it is left over, or is 0."""
_SIGNATURE_BYTES = 64
_ALGORITHMS = ("ed25519", "ed25519-nkey")


@dataclass(frozen=True, slots=True)
class Token:
    """One token as read.

    Parameters
    ----------
    written
        The whole token, ``header.payload.signature``; None where ``head``, payload and signature make it again, for a
        large store would be half as large again with it.
    header
        The decoded header; its names as written, for ``typ`` and ``alg`` may come in any case.
    payload
        The decoded payload, byte for byte.
    signature
        The decoded signature, 64 bytes where it can hold at all.
    head
        The header's segment, where nothing is ``written``.
    """

    written: str | None
    header: Mapping[str, Any]
    payload: bytes
    signature: bytes
    head: str = ""

    @property
    def text(self) -> str:
        """The whole token."""
        if self.written is not None:
            return self.written
        return f"{self.head}.{_segment(self.payload).decode()}.{_segment(self.signature).decode()}"

    @property
    def size(self) -> int:
        """Bytes of the token as stored and sent."""
        if self.written is not None:
            return len(self.written)
        return len(self.head) + 2 - (-4 * len(self.payload) // 3) - (-4 * len(self.signature) // 3)


NO_TOKEN = Token("", MappingProxyType({}), b"", b"")
"""Stands for the token of an account that is not made yet: it has no bytes."""


def parse_token(text: str) -> Token:
    """Split and decode a token; check its header, not its signature.

    Server: ``jwt.Decode``, as far as the header.

    Parameters
    ----------
    text
        The bare token: no armour, no white space around it.

    Raises
    ------
    TokenError
        Where a server would not parse it, saying which segment is at fault.

    Examples
    --------
    >>> parse_token("a.b")
    Traceback (most recent call last):
    ...
    optimizer.errors.TokenError: a token has three segments with dots between them, this text has 2
    """
    if len(text) > LARGEST_READ:
        raise TokenError(f"the token is {len(text)} bytes long, more than the {LARGEST_READ} that are read")
    segments = text.split(".", _SEGMENTS + 1)
    if len(segments) != _SEGMENTS:
        raise TokenError(f"a token has three segments with dots between them, this text has {text.count('.') + 1}")
    head, body, tail = segments
    signature = _decoded(tail, "signature")
    if len(signature) != _SIGNATURE_BYTES:
        raise TokenError(f"the signature has {len(signature)} bytes, an Ed25519 signature has 64")
    head, header = _header(head)
    payload = _decoded(body, "payload")
    is_exact = body[-1] in _LAST[len(body) % 4] and tail[-1] in _LAST[len(tail) % 4]
    return Token(None if is_exact else text, header, payload, signature, head)


def token_size(payload_length: int) -> int:
    """Bytes of the token that nsc makes of a payload of so many bytes.

    Examples
    --------
    >>> token_size(603)
    938
    """
    return FRAME_SIZE + -(-4 * payload_length // 3)


def header_size(token: Token) -> int:
    """Characters of the token's header segment: 46 where Go wrote it."""
    return len(token.head) if token.written is None else token.written.index(".")


def signed_bytes(token: Token, version: int) -> bytes:
    """What the signature covers: header and payload, or in version 1 the payload segment alone.

    Server: ``jwt.Decode``; the version of the claims decides, ``alg`` does not.
    """
    if token.written is None:
        body = _segment(token.payload)
        return body if version == 1 else b"%s.%s" % (token.head.encode(), body)
    front = token.written.rpartition(".")[0]
    return (front.partition(".")[2] if version == 1 else front).encode()


@lru_cache(maxsize=64)
def _header(segment: str) -> tuple[str, Mapping[str, Any]]:
    """The segment and the checked header. A store has one or two, so it is decoded and kept once."""
    raw = _decoded(segment, "header")
    try:
        header = json.loads(raw.decode(), parse_constant=_no_constant)
    except (ValueError, RecursionError):
        raise TokenError("the header is not JSON") from None
    if not isinstance(header, dict):
        raise TokenError("the header is not a JSON object")
    values = {name.lower(): value for name, value in header.items()}
    kind, algorithm = values.get("typ"), values.get("alg")
    if not isinstance(kind, str) or kind.upper() != "JWT":
        raise TokenError(f"the header's `typ` is `{_shown(kind)}`, not `JWT`")
    if not isinstance(algorithm, str) or algorithm.lower() not in _ALGORITHMS:
        raise TokenError(f"the header's `alg` is `{_shown(algorithm)}`, not `ed25519-nkey`")
    return segment, MappingProxyType(header)


def _segment(data: bytes) -> bytes:
    return b64encode(data, altchars=b"-_").rstrip(b"=")


def _decoded(segment: str, name: str) -> bytes:
    """The bytes of an unpadded base64url segment. Server: ``base64.RawURLEncoding``."""
    if not segment:
        raise TokenError(f"the {name} is empty")
    try:
        if "+" not in segment and "/" not in segment and "=" not in segment:
            return b64decode(segment + "=" * (-len(segment) % 4), altchars=b"-_", validate=True)
    except ValueError:  # binascii.Error, or the text is not ASCII
        pass
    raise TokenError(f"the {name} is not base64url without padding")


def _no_constant(name: str) -> NoReturn:
    raise ValueError(name)


def _shown(value: object) -> str:
    return printable(str(value))[:32]
