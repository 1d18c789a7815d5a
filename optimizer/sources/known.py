"""Subjects known to exist, one a line, from a file of any size: what is no literal subject is counted, not kept."""

from __future__ import annotations

import enum
import os
import re
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING, BinaryIO

from optimizer.errors import SourceError
from optimizer.sources import files
from optimizer.sources.tokens import text_bytes
from optimizer.text import printable, redacted

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from io import FileIO

MOST = 2_000_000
"""Distinct subjects of one file. Each keeps some 150 bytes; a person who needs more means only part of them."""

LONGEST = 4_096
"""Bytes of one subject. Server: MAX_CONTROL_LINE_SIZE, the longest line of the protocol."""

_CHUNK = 1 << 22
_LONGEST_LINE = 1 << 16
_HEAD = 1 << 12  # as far as one looks for signs that a file is no text
_EXAMPLE = 80

_LITERAL = re.compile(rb"(?!#)[!-)+-\-/-=?-~]+(?:\.[!-)+-\-/-=?-~]+)*")
# Tokens of printable ASCII without `*` and `>`: nearly every line there is. `_kind` looks at the others.
_BLANKS = b" \t\r\v\f"
_ODD = re.compile(r"[\s\x00-\x1f\x7f-\x9f]")


class Kind(enum.Enum):
    """Why a line gives no subject."""

    BLANK = "nothing"
    COMMENT = "a comment"
    WILDCARD = "a wildcard"
    EMPTY_TOKEN = "an empty token"
    SPACE = "white space or a control character inside"
    NOT_UTF8 = "bytes that are no UTF-8"
    TOO_LONG = f"more than {LONGEST:,} bytes"


@dataclass(frozen=True, slots=True)
class PassedOver:
    """Lines of one kind that give no subject.

    Parameters
    ----------
    first_line
        Counted from 1.
    example
        The text of that line, or its beginning; never printed as it is.
    """

    kind: Kind
    count: int
    first_line: int
    example: str

    @property
    def reason(self) -> str:
        """One line for a person."""
        lines = "line holds" if self.count == 1 else "lines hold"
        where = "it is line" if self.count == 1 else "the first is line"
        return f"{self.count:,} {lines} {self.kind.value}; {where} {self.first_line:,}: `{printable(self.example)}`"


@dataclass(frozen=True, slots=True, kw_only=True)
class KnownFile:
    """What a file of known subjects holds.

    Parameters
    ----------
    subjects
        Literal, each once, in the order of their bytes.
    lines
        How many lines were read.
    passed_over
        One record a kind, in the order of `Kind`.
    """

    subjects: tuple[str, ...]
    lines: int
    passed_over: tuple[PassedOver, ...] = ()

    @property
    def warnings(self) -> tuple[str, ...]:
        """One line for each kind of line that should not be there; blank lines and comments may be."""
        harmless = (Kind.BLANK, Kind.COMMENT)
        return tuple(passed.reason for passed in self.passed_over if passed.kind not in harmless)


def known_subjects(path: str, stdin: BinaryIO | None = None) -> KnownFile:
    """The literal subjects of a file.

    Parameters
    ----------
    path
        A file with a subject a line, or ``-`` for standard input. A line that begins with ``#`` is a comment; blanks
        around a subject, CRLF and a byte order mark are read through.
    stdin
        What ``-`` reads; by default standard input.

    Raises
    ------
    SourceError
        It cannot be read, is no text, or holds no literal subject at all, or more than `MOST`.
    """
    if not path:
        raise SourceError("the file of known subjects is an empty path", "leave --known away")
    name = "standard input" if path == "-" else f"`{path}`"
    try:
        if path == "-":
            return _read(stdin or sys.stdin.buffer)
        with files.stream(path) as stream:
            return _read(stream)
    except OSError as error:
        failed = files.because(error)
    except SourceError as error:
        failed = error
    if path != "-" and not os.path.lexists(path.replace("\0", "")):
        raise SourceError(f"{name} does not exist", "check the path")
    raise SourceError(f"{name} {failed.message}", failed.hint)


def _read(stream: BinaryIO | FileIO) -> KnownFile:
    found: set[bytes] = set()
    passed = _Passed()
    total = 0
    for lines in _chunks(stream):
        new = set(lines) - found
        unfit = [line for line in new if not _LITERAL.fullmatch(line) or len(line) > LONGEST]
        if unfit:
            kinds = {line: _kind(line.strip(_BLANKS)) for line in unfit}
            new.difference_update(unfit)
            new.update(line.strip(_BLANKS) for line, kind in kinds.items() if kind is None)
            passed.count(lines, kinds, total)
        found |= new
        if len(found) > MOST:
            raise SourceError(
                f"holds more than {MOST:,} different subjects", "name a file with those of the accounts in question"
            )
        total += len(lines)
    if not found:
        raise _none(total, passed.records())
    return KnownFile(subjects=_sorted(found), lines=total, passed_over=passed.records())


def _chunks(stream: BinaryIO | FileIO) -> Iterator[list[bytes]]:
    """The lines, some ten thousands at a time, without CRLF."""
    rest = b""
    first = True
    while chunk := stream.read(_CHUNK):
        if first:
            chunk = text_bytes(chunk[:_HEAD]) + chunk[_HEAD:]
            first = False
        body, newline, tail = chunk.rpartition(b"\n")
        if newline:
            yield (rest + body).replace(b"\r\n", b"\n").removesuffix(b"\r").split(b"\n")
            rest = b""
        rest += tail
        if len(rest) > _LONGEST_LINE:
            raise SourceError("holds a line that never seems to end", "give one subject a line")
    if rest:
        yield [rest.removesuffix(b"\r")]


def _kind(line: bytes) -> Kind | None:
    """Why a line, without the blanks around it, gives no subject; None where it does."""
    if not line:
        return Kind.BLANK
    if line.startswith(b"#"):
        return Kind.COMMENT
    if len(line) > LONGEST:
        return Kind.TOO_LONG
    tokens = line.split(b".")
    try:
        text = line.decode()
    except UnicodeDecodeError:
        return Kind.NOT_UTF8
    if _ODD.search(text):
        return Kind.SPACE
    if b"" in tokens:
        return Kind.EMPTY_TOKEN
    if b"*" in tokens or b">" in tokens:
        return Kind.WILDCARD
    return None


class _Passed:
    """What was passed over so far."""

    def __init__(self) -> None:
        self._counts: dict[Kind, int] = {}
        self._first: dict[Kind, tuple[int, str]] = {}

    def count(self, lines: list[bytes], kinds: Mapping[bytes, Kind | None], before: int) -> None:
        """Add those of these lines that are of a kind; ``before`` them there were so many others."""
        for number, line in enumerate(lines, before + 1):
            if line in kinds and (kind := kinds[line]) is not None:
                self._counts[kind] = self._counts.get(kind, 0) + 1
                if kind not in self._first:
                    text = redacted(line[:LONGEST].decode("utf-8", "backslashreplace"))
                    self._first[kind] = number, text[:_EXAMPLE]

    def records(self) -> tuple[PassedOver, ...]:
        return tuple(PassedOver(kind, self._counts[kind], *self._first[kind]) for kind in Kind if kind in self._counts)


def _sorted(found: set[bytes]) -> tuple[str, ...]:
    """In the order of their bytes, which UTF-8 shares with its characters; what was decoded is let go at once."""
    ordered = sorted(found)
    found.clear()
    ordered.reverse()
    return tuple(ordered.pop().decode() for _ in range(len(ordered)))


def _none(total: int, passed_over: tuple[PassedOver, ...]) -> SourceError:
    if not total:
        return SourceError("is empty", "give one literal subject a line")
    of = "; ".join(passed.reason for passed in passed_over)
    return SourceError("holds no literal subject", f"give one a line: {of}")
