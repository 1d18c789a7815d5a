"""Files of tokens: one file, standard input, or a directory of ``.jwt`` files, a server's resolver directory included.

Server: ``DirJWTStore`` files an account as ``KEY.jwt``, or sharded as ``<last two characters of KEY>/KEY.jwt``.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, BinaryIO

from optimizer.claims.keys import account_key
from optimizer.errors import SourceError, TokenError
from optimizer.hierarchy import Skipped
from optimizer.sources import files, tokens
from optimizer.sources.found import NO_USERS, Found, FoundClaims, Item, Source, skipped

if TYPE_CHECKING:
    from collections.abc import Iterator

MOST_ENTRIES = 1_000_000
"""Names looked at below one directory. Who names `/` by mistake is told so, instead of waiting."""

_NO_OPERATOR = "a resolver directory holds no operator token: whose keys signed the accounts is not known"
_PART = "files of tokens are whatever somebody put there: other accounts and users of the operator may exist"


def open_directory(path: str) -> Source:
    """A directory with ``.jwt`` files in it and below it."""
    found = list(_walk(path))
    homes = [item.home for item in found if isinstance(item, Found)]
    resolver = bool(homes) and all(_is_account_key(home) for home in homes)
    return Source(
        store=f"dir:{path}",
        items=iter(found),
        can_hold_users=False if resolver else None,
        unknowable=(NO_USERS, _NO_OPERATOR) if resolver else (_PART,),
    )


def open_file(path: str, data: bytes) -> Source:
    """The tokens in one ``.jwt`` or ``.creds`` file."""
    return Source(store=f"file:{path}", items=_items(data, os.path.basename(path)), unknowable=(_PART,))


def open_input(stream: BinaryIO) -> Source:
    """Tokens, or what ``nsc describe ... --json`` prints, on standard input.

    Raises
    ------
    SourceError
        It is a terminal, or above `files.LIMIT`.
    """
    if stream.isatty():
        raise SourceError("standard input is a terminal", "pipe tokens into it: `cat *.jwt | permopt propose -`")
    try:
        data = stream.read(files.LIMIT + 1)
    except OSError as error:
        raise SourceError(f"standard input {files.because(error).message}") from None
    if len(data) > files.LIMIT:
        raise SourceError("standard input has more than 64 MB", "save it as files and name their directory")
    return Source(store="-", items=_items(data, "standard input"), unknowable=(_PART,))


def _items(data: bytes, origin: str) -> Iterator[Item]:
    try:
        objects = tokens.claims_objects(tokens.text_of(data))
        found = tokens.token_texts(data) if objects is None else []
    except SourceError as error:
        raise SourceError(f"`{origin}` {error.message}", error.hint) from None
    several = len(objects or found) > 1
    for number, claims in enumerate(objects or [], 1):
        yield FoundClaims(f"{origin}, object {number}" if several else origin, claims)
    for number, text in enumerate(found, 1):
        yield Found(f"{origin}, token {number}" if several else origin, text)


def _walk(path: str) -> Iterator[Item]:
    """Every ``.jwt`` file, directory by directory in the order of names; hidden directories are left alone.

    (A Kubernetes volume keeps its files twice, once in a hidden directory that the visible links lead into.)
    """
    root, seen = os.path.realpath(path), 0
    pending = [(path, "")]
    while pending:
        directory, prefix = pending.pop()
        try:
            inside = files.entries(directory)
        except SourceError as error:
            if not prefix:
                raise SourceError(f"`{path}` {error.message}", error.hint) from None
            yield skipped(prefix.rstrip("/"), error)
            continue
        seen += len(inside)
        if seen > MOST_ENTRIES:
            raise SourceError(f"`{path}` holds more than {MOST_ENTRIES:,} names", "name the directory of the tokens")
        below = []
        for entry in inside:
            origin = prefix + entry.name
            if entry.name.endswith(".jwt"):
                yield _file(entry, root, origin)
            elif entry.is_dir and not entry.name.startswith("."):
                if entry.is_link:
                    yield Skipped(origin, "is a symbolic link to a directory and is not followed; name it as SOURCE")
                else:
                    below.append((entry.path, f"{origin}/"))
        pending += reversed(below)


def _file(entry: files.Entry, root: str, origin: str) -> Item:
    try:
        text = tokens.token_texts(files.read_inside(entry, root))[0]
    except SourceError as error:
        return skipped(origin, error)
    return Found(origin, text, home=entry.name[:-4])


def _is_account_key(text: str) -> bool:
    try:
        return account_key(text) == text
    except TokenError:
        return False
