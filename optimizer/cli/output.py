"""What a command says and where: results to standard output or a file, notes and progress to standard error."""

from __future__ import annotations

import os
import shlex
import shutil
import sys
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from optimizer.errors import OutputError
from optimizer.reports.style import Style
from optimizer.text import printable

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

_PAGE_WIDTH = 120  # wider lines are hard to read, however wide the terminal
_PIPE_WIDTH = 100


def emit(text: str, output: Path | None = None) -> None:
    """A result: to ``output``, whole or not at all, or to standard output."""
    if output is None or str(output) == "-":
        try:
            sys.stdout.write(text)
        except BrokenPipeError:
            raise
        except OSError as error:
            raise OutputError(f"standard output cannot be written: {(error.strerror or str(error)).lower()}") from None
    else:
        from optimizer.review.files import write_files  # noqa: PLC0415 3 ms that only a file pays

        write_files({output: text})


def shown(text: str, output: Path | None = None) -> str:
    """Lines that must keep names exact, as they may reach ``output``: made printable where that is a terminal."""
    if output is not None and str(output) != "-":
        return text
    if sys.stdout is None or not sys.stdout.isatty():
        return text
    return "".join(f"{printable(line)}\n" for line in text.split("\n")[:-1])


def note(text: str, *, quiet: bool = False) -> None:
    """A remark beside the result, for a person."""
    if not quiet:
        sys.stderr.write(f"{printable(text)}\n")


def style(*, no_colour: bool) -> Style:
    """What standard output can show. ``NO_COLOR`` and a pipe mean no colour (https://no-color.org)."""
    terminal = sys.stdout is not None and sys.stdout.isatty()
    dumb = os.environ.get("TERM") == "dumb"
    colour = terminal and not no_colour and not dumb and not os.environ.get("NO_COLOR")
    width = min(shutil.get_terminal_size((_PIPE_WIDTH, 24)).columns, _PAGE_WIDTH) if terminal else _PIPE_WIDTH
    encoding = getattr(sys.stdout, "encoding", None) or ""
    return Style(colour=colour, width=width, blocks=not dumb and encoding.lower().replace("-", "") == "utf8")


def typed(*words: str | Path | None) -> str:
    """A command line to type next, quoted for a shell; words that are None left out."""
    return shlex.join(printable(str(word)) for word in words if word is not None)


@contextmanager
def progress(what: str, *, quiet: bool) -> Iterator[Callable[[int, int], None] | None]:
    """Something to tell how far work is: a bar on a terminal, None elsewhere.

    Parameters
    ----------
    what
        Is being done.
    quiet
        Whether the person asked for silence.
    """
    if quiet or sys.stderr is None or not sys.stderr.isatty():
        yield None
        return
    from rich.console import Console  # noqa: PLC0415 40 ms that a pipe does not pay
    from rich.progress import Progress as Bar  # noqa: PLC0415

    with Bar(console=Console(file=sys.stderr), transient=True) as bar:
        task = bar.add_task(what, total=None)
        yield lambda done, total: bar.update(task, completed=done, total=total)
