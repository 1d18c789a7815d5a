"""Files written whole or not at all."""

from __future__ import annotations

import contextlib
import os
import stat
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from optimizer.errors import OutputError, SourceError

if TYPE_CHECKING:
    from collections.abc import Mapping

_PLAN_LIMIT = 256 * 1024 * 1024  # far above the plan of a store of 10,000 accounts, far below what fills a machine


def read_text(path: Path) -> str:
    """The text of a file that permopt wrote.

    Raises
    ------
    SourceError
        It is missing, unreadable, not UTF-8, or absurdly large.
    """
    try:
        if path.stat().st_size > _PLAN_LIMIT:
            raise SourceError(f"`{path}` is above {_PLAN_LIMIT >> 20} MB, which no plan is")
        return path.read_text(encoding="utf-8")
    except UnicodeDecodeError:
        raise SourceError(f"`{path}` is not UTF-8 text") from None
    except OSError as error:
        raise SourceError(f"`{path}` cannot be read: {_reason(error)}") from None


def write_files(files: Mapping[Path, str], *, executable: frozenset[Path] = frozenset()) -> None:
    """Write files so that each is there whole or as it was; the first is put in place when all are complete.

    Parameters
    ----------
    files
        Text by path; a directory that is missing is made.
    executable
        Those of them a person runs.

    Raises
    ------
    OutputError
        One of them cannot be written; what was there stays.
    """
    ready: list[tuple[str, Path]] = []
    try:
        for path, text in files.items():
            if path.exists() and not stat.S_ISREG(path.stat().st_mode):
                # A device or a pipe, `/dev/stdout` say, cannot be replaced and need not be.
                with path.open("w", encoding="utf-8") as stream:
                    stream.write(text)
                continue
            # A link stays a link: what it names is replaced.
            place = Path(os.path.realpath(path))
            place.parent.mkdir(parents=True, exist_ok=True)
            descriptor, temporary = tempfile.mkstemp(prefix=f".{place.name[:64]}.", dir=place.parent)
            ready.append((temporary, place))
            with os.fdopen(descriptor, "w", encoding="utf-8", newline="\n") as stream:
                stream.write(text)
                stream.flush()
                os.fsync(stream.fileno())
            Path(temporary).chmod((0o777 if path in executable else 0o666) & ~_umask())
        while ready:
            temporary, place = ready[0]
            Path(temporary).replace(place)
            ready.pop(0)
    except OSError as error:
        raise OutputError(f"`{error.filename2 or path}` cannot be written: {_reason(error)}") from None
    finally:
        for temporary, _ in ready:
            with contextlib.suppress(OSError):
                Path(temporary).unlink()


def _umask() -> int:
    mask = os.umask(0o077)
    os.umask(mask)
    return mask


def _reason(error: OSError) -> str:
    return (error.strerror or str(error)).lower()
