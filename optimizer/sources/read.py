"""One door for every source: find out what it is, read it, decode and check what it holds."""

from __future__ import annotations

import os
import re
import sys
from dataclasses import replace
from typing import TYPE_CHECKING, BinaryIO

from optimizer.collecting import without_collecting
from optimizer.errors import SourceError, UsageError
from optimizer.sources import files, tokens
from optimizer.sources.fold import fold
from optimizer.sources.jwt_files import open_directory, open_file, open_input
from optimizer.sources.nsc_store import is_operator_dir, open_operator, open_stores, operators_in

if TYPE_CHECKING:
    from optimizer.hierarchy import Hierarchy
    from optimizer.sources.fold import Progress
    from optimizer.sources.found import Source

KINDS = {
    "nsc": "an nsc stores directory, or one operator's directory in it",
    "dir": "a directory of `.jwt` files, such as a server's resolver directory",
    "file": "one `.jwt` or `.creds` file",
    "conf": "a server config with `resolver_preload`",
    "gather": "an archive that `nats audit gather` wrote",
}
"""What ``kind:PATH`` can force."""

_LIVE = re.compile(r"(?:nats|tls|wss?|https?|live)://|live:", re.IGNORECASE)
_ZIPS = (b"PK\x03\x04", b"PK\x05\x06")  # the second where it is empty
_GZIP = b"\x1f\x8b"


def read(
    source: str | None,
    *,
    now: int,
    verify: bool = True,
    operator: str | None = None,
    stdin: BinaryIO | None = None,
    progress: Progress | None = None,
) -> Hierarchy:
    """Everything that a source holds of one operator, and what of it could not be read.

    Parameters
    ----------
    source
        A path, ``kind:PATH`` to force one of `KINDS`, ``-`` for standard input, or None for the store nsc itself
        would use.
    now
        The clock, in seconds since the epoch.
    verify
        Whether to check signatures and the chain from operator to user.
    operator
        The name or the key of the operator, where there are several.
    stdin
        What ``-`` reads; by default standard input.
    progress
        Called now and then with how many steps are done, and of how many.

    Returns
    -------
    Hierarchy
        With one `Skipped` for each thing that was not read; whatever is wrong inside a source raises nothing.

    Raises
    ------
    SourceError
        The source cannot be read at all, or holds no token.
    UsageError
        It is not clear which operator is meant.
    """
    with without_collecting():
        opened, inside = _opened(source, operator, stdin)
        hierarchy = fold(opened, now=now, verify=verify, operator=inside, progress=progress)
        return replace(hierarchy, unknowable=opened.unknowable)


def _opened(source: str | None, operator: str | None, stdin: BinaryIO | None) -> tuple[Source, str | None]:
    """The source, and the operator still to be looked for inside it."""
    if source is None:
        from optimizer.sources.nsc_home import open_own_store  # noqa: PLC0415 only this needs it

        return open_own_store(operator), None
    if source == "-":
        return open_input(stdin or sys.stdin.buffer), operator
    if _LIVE.match(source):
        raise SourceError(f"`{source}`: reading a live system is not supported yet", "name the resolver's directory")
    kind, colon, path = source.partition(":")
    forced = kind if colon and kind in KINDS else None
    if forced is None:
        path = source
    if not path:
        raise UsageError("the source is an empty path", "leave --source away to read nsc's own store")
    try:
        is_dir = os.path.isdir(path)
    except ValueError:  # a NUL in it
        is_dir = False
    if not is_dir:
        return _opened_file(forced, path), operator
    if forced in ("file", "conf", "gather"):
        raise SourceError(f"`{path}` is a directory", f"`{forced}:` takes a file; leave it away")
    return _opened_directory(forced, path, operator)


def _opened_directory(forced: str | None, path: str, operator: str | None) -> tuple[Source, str | None]:
    if forced != "dir":
        if is_operator_dir(path):
            return open_operator(path, operator), None
        for stores in (path, os.path.join(path, "stores")):  # the latter for nsc's data directory
            if operators_in(stores):
                return open_stores(stores, operator), None
        if forced == "nsc":
            raise SourceError(f"`{path}` is no nsc store: no `.nsc` in it or below", "leave `nsc:` away")
    return open_directory(path), operator


def _opened_file(forced: str | None, path: str) -> Source:
    if forced in ("nsc", "dir"):
        raise SourceError(f"`{path}` is not a directory", f"`{forced}:` takes a directory; leave it away")
    try:
        if forced == "gather" or _beginning(path) in _ZIPS:
            from optimizer.sources.gather import open_gather  # noqa: PLC0415 zipfile takes long to import

            return open_gather(path)
        data = files.read_bytes(path)
        if forced is None and not path.endswith((".jwt", ".creds")) and _is_config(data):
            forced = "conf"
    except SourceError as error:
        if not os.path.lexists(path.replace("\0", "")):
            known = ", ".join(f"`{kind}:`" for kind in KINDS)
            raise SourceError(f"`{path}` does not exist", f"check the path; the kinds to force are {known}") from None
        if error.message.startswith("`"):
            raise
        raise SourceError(f"`{path}` {error.message}", error.hint) from None
    if forced == "conf":
        from optimizer.sources.server_config import open_config  # noqa: PLC0415 5 ms of patterns

        return open_config(path, data)
    return open_file(path, data)


def _is_config(data: bytes) -> bool:
    """Whether a file is a config. Claims as JSON may look like one: `operator` can be a subject in them."""
    from optimizer.sources.server_config import is_config  # noqa: PLC0415 as above

    text = tokens.text_of(data)
    if not is_config(text):
        return False
    try:
        return tokens.claims_objects(text) is None
    except SourceError:  # a config can be JSON, or something like it
        return True


def _beginning(path: str) -> bytes:
    """The first bytes of a file, which tell an archive."""
    with files.stream(path) as stream:
        beginning = stream.read(4)
    if beginning.startswith(_GZIP):
        raise SourceError("is compressed with gzip", "unpack it and name what was in it")
    return beginning
