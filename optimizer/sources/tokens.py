"""Tokens in the text of a file: armour, byte order mark, CRLF and quotes are read through; seeds are left behind."""

from __future__ import annotations

import codecs
import json
import re
from itertools import islice
from typing import TYPE_CHECKING, Any, NoReturn

from optimizer.errors import SourceError
from optimizer.text import redacted

if TYPE_CHECKING:
    from collections.abc import Iterator

_UTF16_32 = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE, codecs.BOM_UTF32_BE)  # UTF-32 LE begins as UTF-16 LE does
_BEGINNING = r"e(?:[wy][\w+/-]|30\.)"
_TOKEN = re.compile(
    rf"""(?<![^\s"'`,;\ufeff]){_BEGINNING}[^\s"'`,;\ufeff]*+""", re.ASCII
)  # joined files have several marks
_BEGINS = re.compile(_BEGINNING.encode())
_ENDS = b" \t\n\r\f\v\"'`,;\0"
# A token's header is base64 of `{"`, `{ `, `{\n` or `{}`. A seed begins with `S`, so none is ever taken for a token.

MOST = 100_000
"""Tokens of one file, and more than its 64 MB could hold in earnest: fragments are not worth the wait."""


def text_of(data: bytes) -> str:
    """File content as text.

    Raises
    ------
    SourceError
        It is UTF-16, or no text at all.
    """
    return text_bytes(data).decode("utf-8", "replace")


def text_bytes(data: bytes) -> bytes:
    """The beginning of a file, or all of it, less a byte order mark.

    Raises
    ------
    SourceError
        It is UTF-16, or no text at all.
    """
    if data.startswith(_UTF16_32):
        raise SourceError("is UTF-16 text", "save it as UTF-8")
    if b"\0" in data:
        raise SourceError("is UTF-16 text or no text at all: it holds NUL bytes", "save it as UTF-8")
    return data.removeprefix(codecs.BOM_UTF8)


def token_texts(data: bytes) -> list[str]:
    """The texts in a file that mean to be tokens, at least one; whether they are is for the decoder to say.

    Parameters
    ----------
    data
        A ``.jwt`` or ``.creds`` file, or several tokens one after the other.

    Raises
    ------
    SourceError
        It holds nothing like a token; the message holds nothing of the content.
    """
    alone = data.strip()
    if _BEGINS.match(alone) and alone.isascii() and not any(map(alone.__contains__, _ENDS)):
        return [alone.decode()]  # as nsc writes them
    text = text_of(data)
    found = [match[0] for match in islice(_TOKEN.finditer(text), MOST + 1)]
    if len(found) > MOST:
        raise SourceError(f"holds more than {MOST:,} tokens", "split it")
    return found or _none_in(text)


def claims_objects(text: str) -> list[dict[str, Any]] | None:
    """The claims in the output of ``nsc describe --json``, several one after the other; None where it is no JSON.

    Raises
    ------
    SourceError
        It begins as JSON does, and is broken or holds no claims.
    """
    if text.lstrip()[:1] not in ("{", "["):
        return None
    try:
        documents = list(islice(_documents(text), MOST + 1))
    except RecursionError:
        raise SourceError("is JSON nested too deeply", "no claims are that deep; check where it comes from") from None
    except ValueError:
        raise SourceError("begins as JSON does and is not", "pass what `nsc describe ... --json` prints") from None
    if len(documents) > MOST:
        raise SourceError(f"holds more than {MOST:,} JSON documents", "split it")
    flat = [item for document in documents for item in (document if isinstance(document, list) else [document])]
    found = [item for item in flat if isinstance(item, dict) and "sub" in item and isinstance(item.get("nats"), dict)]
    if not found:
        raise SourceError("is JSON without claims", "pass what `nsc describe ... --json` prints")
    return found


def _none_in(text: str) -> NoReturn:
    if not text.strip():
        raise SourceError("is empty", "write the token again with `nsc`")
    if redacted(text) != text:
        raise SourceError(
            "holds a seed and no token; nothing of it was kept", "name the .jwt or .creds file, and keep seeds apart"
        )
    raise SourceError("holds no token", "a token is one line of base64url beginning with `eyJ`")


def _documents(text: str) -> Iterator[Any]:
    decoder, word = json.JSONDecoder(parse_constant=_refuse), re.compile(r"[^\s\ufeff]")
    position = 0
    while begin := word.search(text, position):
        document, position = decoder.raw_decode(text, begin.start())
        yield document


def _refuse(constant: str) -> NoReturn:
    raise ValueError(constant)
