"""Files and directories that somebody else filled: never blocking, never led away, one clear reason each.

Every message here is a predicate ("is a named pipe, not a file"): the caller puts the name of the thing before it.
"""

from __future__ import annotations

import errno
import io
import os
import stat
from typing import NamedTuple

from optimizer.errors import SourceError

LIMIT = 64 * 1024 * 1024
"""Bytes of one file. The largest token a server takes is 1 MiB; a config preloads some thousands of them."""

_OPEN = os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK | os.O_NOCTTY
_OPEN_LISTED = _OPEN | os.O_NOFOLLOW

_REASONS = {
    errno.ENOENT: ("vanished while it was read", "read again when nothing else changes the source"),
    errno.EACCES: ("is not readable by this user", "ask for read permission"),
    errno.EPERM: ("is not readable by this user", "ask for read permission"),
    errno.ELOOP: ("is a symbolic link that leads back to itself", "remove the link"),
    errno.ENAMETOOLONG: ("has a name too long for this system", "give a shorter path"),
    errno.ENOTDIR: ("is not inside a directory", "check the path"),
    errno.EISDIR: ("is a directory, not a file", "remove or rename it"),
}

_KINDS = (
    (stat.S_ISDIR, "is a directory, not a file"),
    (stat.S_ISFIFO, "is a named pipe, not a file"),
    (stat.S_ISSOCK, "is a socket, not a file"),
    (stat.S_ISCHR, "is a device, not a file"),
    (stat.S_ISBLK, "is a device, not a file"),
)


class Entry(NamedTuple):
    """One name in a directory, with what the directory itself says of it (no further call is made)."""

    name: str
    path: str
    is_link: bool
    is_dir: bool
    """Whether it is a directory, or a link to one."""
    is_file: bool
    """Whether it is a regular file itself, not a link to one."""


def entries(directory: str) -> list[Entry]:
    """What a directory holds, sorted by name.

    Raises
    ------
    SourceError
        The directory cannot be listed, or vanished.
    """
    try:
        with os.scandir(directory) as listing:
            found = [_entry(entry) for entry in listing]
    except OSError as error:
        raise because(error) from None
    found.sort()  # by name, and no name is there twice
    return found


def read_bytes(path: str) -> bytes:
    """The content of a regular file of at most `LIMIT` bytes.

    What is no regular file is not even opened: to open a pipe can block, to open a device can do anything.

    Raises
    ------
    SourceError
        It is no regular file, too large, unreadable or gone; its name is not in the message.
    """
    try:
        _check(os.stat(path))
        handle = os.open(path, _OPEN)
        try:
            status = os.fstat(handle)
            _check(status)  # it may be another file by now
            return _read_all(handle, status.st_size)
        finally:
            os.close(handle)
    except OSError as error:
        if error.errno == errno.ENOENT and os.path.islink(path):
            raise SourceError("is a symbolic link to nothing", "remove the link") from None
        raise because(error) from None
    except ValueError:  # a NUL inside the path
        raise SourceError("is no path: it holds a NUL character", "check the path") from None


def read_inside(entry: Entry, root: str) -> bytes:
    """The content of a file in a directory, unless it is a link that leaves ``root`` (a real path).

    Raises
    ------
    SourceError
        As `read_bytes`, and for a link that leads out.
    """
    if entry.is_file:
        data = _read_listed(entry.path)
        if data is not None:
            return data
    if os.path.islink(entry.path) and not is_inside(entry.path, root):
        raise SourceError("is a symbolic link that leaves the source", "copy the file, or name it as SOURCE")
    return read_bytes(entry.path)


def is_inside(path: str, root: str) -> bool:
    """Whether ``path``, its links followed, lies in ``root`` (a real path)."""
    return os.path.realpath(path).startswith(root.rstrip(os.sep) + os.sep)


def stream(path: str) -> io.FileIO:
    """A regular file of any size, opened for whoever reads it bit by bit; a link is followed.

    Raises
    ------
    SourceError
        As `read_bytes`, but for the size.
    """
    try:
        status = os.stat(path)
        if not stat.S_ISREG(status.st_mode):
            _check(status)
        return io.FileIO(os.open(path, _OPEN))
    except OSError as error:
        raise because(error) from None
    except ValueError:  # a NUL inside the path
        raise SourceError("is no path: it holds a NUL character", "check the path") from None


def because(error: OSError) -> SourceError:
    """The reason of a failed system call, without the path."""
    reason, hint = _REASONS.get(error.errno or 0, ("", ""))
    return SourceError(reason or f"cannot be read: {(error.strerror or str(error)).lower()}", hint)


def _entry(entry: os.DirEntry[str]) -> Entry:
    if entry.is_file(follow_symlinks=False):
        return Entry(entry.name, entry.path, is_link=False, is_dir=False, is_file=True)
    try:
        is_dir = entry.is_dir()
    except OSError:  # a link that leads back to itself: reading it says so
        is_dir = False
    return Entry(entry.name, entry.path, entry.is_symlink(), is_dir, is_file=False)


def _read_listed(path: str) -> bytes | None:
    """The content of what its directory calls a regular file; None where `read_bytes` has more to say.

    It is opened unseen, which saves a call; what has taken its place since is not followed and cannot block.
    """
    try:
        handle = os.open(path, _OPEN_LISTED)
    except (OSError, ValueError):
        return None
    try:
        status = os.fstat(handle)
        return _read_all(handle, status.st_size) if _is_fit(status) else None
    except (OSError, SourceError):
        return None
    finally:
        os.close(handle)


def _is_fit(status: os.stat_result) -> bool:
    return stat.S_ISREG(status.st_mode) and status.st_size <= LIMIT


def _check(status: os.stat_result) -> None:
    if _is_fit(status):
        return
    if not stat.S_ISREG(status.st_mode):
        reason = next((text for test, text in _KINDS if test(status.st_mode)), "is not a regular file")
        raise SourceError(reason, "name a file with a token in it")
    raise _too_large(f"has {status.st_size:,} bytes")


def _read_all(handle: int, size: int) -> bytes:
    data = os.read(handle, size + 1) if size else b""
    if size and len(data) <= size:
        return data  # a short read of a regular file is its end
    chunks = [data]  # it grew, or it is one of the files that claim to be empty (/proc)
    total = len(data)
    while chunk := os.read(handle, 1 << 20):
        chunks.append(chunk)
        total += len(chunk)
        if total > LIMIT:
            raise _too_large(f"has more than {LIMIT:,} bytes")
    return b"".join(chunks)


def _too_large(size: str) -> SourceError:
    return SourceError(f"{size}, and nothing above 64 MB is read", "split it, or name the file you mean")
