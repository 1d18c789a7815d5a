"""The archive that ``nats audit gather`` writes: the account tokens its servers had loaded, and their operator's.

A zip whose files are named after what they hold, ``<what>/<page>.json`` last. Of each server's answer to ``INFO`` the
token is taken, or the claims where there is none; nothing is ever unpacked to a disk.
natscli: ``SPEC.md`` of ``jsm.go/audit/archive``. Server: ``AccountInfo`` and ``Varz`` in ``monitor.go``.
"""

from __future__ import annotations

import io
import json
import struct
import zipfile
import zlib
from typing import IO, TYPE_CHECKING, Any

from optimizer.errors import SourceError
from optimizer.sources import files
from optimizer.sources.found import NO_USERS, Found, FoundClaims, Item, Place, Source, skipped

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

MOST_BYTES = 16 * files.LIMIT
"""Bytes unpacked of one archive: more than 10,000 answers about accounts whose tokens have 30 KB."""

_ROOT = "capture/"
_ACCOUNT, _SERVER = "account_info", "variables"
_ENCRYPTED = 1  # the bit of a zip entry's flags
_ZIP64 = 0xFFFF_FFFF  # stands for a number that is in another record; Go writes that from 65,535 files on
_PACKED = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
_BROKEN = (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, ValueError, RuntimeError, struct.error)

_UNKNOWABLE = (
    NO_USERS,
    "an archive holds the accounts that its servers had loaded when it was gathered; others may exist",
)


def open_gather(path: str) -> Source:
    """An archive of ``nats audit gather``, listed at once and read bit by bit.

    Raises
    ------
    SourceError
        It is no such archive, cut off, or encrypted; its name is not in the message.
    """
    stream = io.BufferedReader(files.stream(path))
    try:
        _check_listing(stream)
        archive = zipfile.ZipFile(stream)
        wanted = _wanted(archive.infolist())
    except _BROKEN:
        stream.close()
        raise SourceError("is no whole zip archive", "gather it again, or copy it again whole") from None
    except SourceError:
        stream.close()
        raise
    items = _items(stream, archive, wanted)
    return Source(store=f"gather:{path}", items=items, can_hold_users=False, unknowable=_UNKNOWABLE)


def _wanted(listed: list[zipfile.ZipInfo]) -> list[zipfile.ZipInfo]:
    """The files that are of interest."""
    if not any(info.filename.startswith(_ROOT) for info in listed):
        raise SourceError("is a zip archive, but not of `nats audit gather`", "unpack it and name what was in it")
    wanted = sorted((info for info in listed if _kind(info)), key=lambda info: info.filename)
    if any(info.flag_bits & _ENCRYPTED for info in wanted):
        raise SourceError("is encrypted", "decrypt it first; no password is asked for here")
    return wanted


def _kind(info: zipfile.ZipInfo) -> str:
    """What a file of the archive holds, where that is of interest."""
    parts = info.filename.split("/")
    wanted = info.filename.startswith(_ROOT) and info.filename.endswith(".json") and parts[-2] in (_ACCOUNT, _SERVER)
    return parts[-2] if wanted else ""


def _items(stream: IO[bytes], archive: zipfile.ZipFile, wanted: Iterable[zipfile.ZipInfo]) -> Iterator[Item]:
    """What the servers said. Of an account that several of them have the same token of, it is there once."""
    seen: set[str] = set()
    left = MOST_BYTES
    with stream:
        for info in wanted:
            try:
                data = _unpacked(archive, info, left)
                left -= len(data)
                found = list(_said(info.filename, _kind(info), data))
            except SourceError as error:
                yield skipped(info.filename, error)
                continue
            for item in found:
                text = item.text if isinstance(item, Found) else json.dumps(item.claims, sort_keys=True)
                if text not in seen:
                    seen.add(text)
                    yield item


def _unpacked(archive: zipfile.ZipFile, info: zipfile.ZipInfo, left: int) -> bytes:
    """One file of the archive. What its header says of its size is not believed: it is the sender's word."""
    if info.compress_type not in _PACKED:
        raise SourceError("is packed in a way that `nats audit gather` never uses", "gather it again")
    limit = min(left, files.LIMIT)
    try:
        with archive.open(info) as stream:
            data = stream.read(limit + 1)
    except _BROKEN:
        raise SourceError("is damaged inside the archive", "gather it again") from None
    except OSError as error:
        raise files.because(error) from None
    if len(data) > files.LIMIT:
        raise SourceError("has more than 64 MB unpacked, and nothing above is read", "gather it again")
    if len(data) > left:
        raise SourceError(f"is beyond the {MOST_BYTES:,} bytes that are unpacked of one archive", "gather by --cluster")
    return data


def _said(origin: str, kind: str, data: bytes) -> Iterator[Found | FoundClaims]:
    """The tokens in a server's answer, or else the claims."""
    try:
        answer = json.loads(data)
    except (ValueError, RecursionError):
        raise SourceError("is no JSON", "gather it again") from None
    said = answer.get("data") if isinstance(answer, dict) else None
    if not isinstance(said, dict):
        return
    if kind == _ACCOUNT:
        name = said.get("account_name")
        home = name if isinstance(name, str) else ""
        yield from _either(origin, Place.ACCOUNT, home, [said.get("jwt")], [said.get("decoded_jwt")])
    else:
        texts, claims = (_list(said.get(f"trusted_operators_{what}")) for what in ("jwt", "claim"))
        yield from _either(origin, Place.OPERATOR, "", texts, claims)


def _either(origin: str, place: Place, home: str, texts: list[Any], claims: list[Any]) -> Iterator[Found | FoundClaims]:
    tokens = [text.strip() for text in texts if isinstance(text, str) and text.strip()]
    for text in tokens:
        yield Found(origin, text, place=place, home=home)
    if not tokens:
        for claim in claims:
            if isinstance(claim, dict):
                yield FoundClaims(origin, claim)


def _list(value: object) -> list[Any]:
    return value if isinstance(value, list) else []


def _check_listing(stream: IO[bytes]) -> None:
    """Refuse an archive whose list of files alone is too much to hold: zipfile reads it whole."""
    end = stream.seek(0, io.SEEK_END)
    tail_at = max(0, end - 65_535 - 22)  # the end record is the last thing, before a comment of 64 KB at most
    stream.seek(tail_at)
    tail = stream.read()
    at = tail.rfind(b"PK\x05\x06")
    if at < 0:
        raise zipfile.BadZipFile
    (size,) = struct.unpack_from("<L", tail, at + 12)
    if size == _ZIP64:
        (where,) = struct.unpack_from("<Q", tail, at - 20 + 8)
        stream.seek(min(where, end))
        (size,) = struct.unpack_from("<Q", stream.read(56), 40)
    if size > files.LIMIT:
        raise SourceError("lists more files than 64 MB have room for", "gather by --cluster")
    stream.seek(0)
