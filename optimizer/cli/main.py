"""From arguments to an exit status: which command runs, and what a person sees when something goes wrong.

No traceback ever reaches a user, and a reader that went away (a closed pipe) is no error.
"""

from __future__ import annotations

import os
import sys
from importlib import import_module
from typing import TYPE_CHECKING, TextIO

from optimizer.cli import COMMANDS, help_page
from optimizer.errors import OptimizerError, OutputError, UsageError
from optimizer.text import printable

if TYPE_CHECKING:
    from collections.abc import Sequence

INTERRUPTED = 130  # 128 + SIGINT, as a shell reports it
BUG = 70  # EX_SOFTWARE of sysexits.h: outside the statuses that mean something about a store
_ISSUES = "please report it, with the command you typed, where you got permopt from"


def run(arguments: Sequence[str]) -> int:
    """Run one command line.

    Parameters
    ----------
    arguments
        Without the program's name.

    Returns
    -------
    int
        The exit status, as the contract of the command line lists them.
    """
    _open_streams()
    for stream in (sys.stdout, sys.stderr):
        # A name that the terminal's encoding lacks is shown escaped instead of ending the run.
        reconfigure = getattr(stream, "reconfigure", None)
        if reconfigure is not None:
            reconfigure(errors="backslashreplace")
    try:
        status = _flushed(_dispatch(list(arguments)))
    except BrokenPipeError:
        _abandon(sys.stdout, sys.stderr)
        return 0
    except KeyboardInterrupt:
        return INTERRUPTED
    except OptimizerError as error:
        return _failed(error.exit_code, error.message, error.hint, error.others)
    except Exception as error:  # noqa: BLE001 the last door: whatever it is, a person gets one line
        return _failed(BUG, f"unexpected {type(error).__name__}: {error} (in {_place(error)})", _ISSUES)
    return status


def _open_streams() -> None:
    """Stand in for the standard streams that were closed before the start, as `>&-` does, which Python leaves None.

    What is written to the stand-in for standard output fails when it is flushed, as a full disk does.
    """
    if sys.stdin is None:
        sys.stdin = os.fdopen(os.open(os.devnull, os.O_RDONLY))
    if sys.stdout is None:
        sys.stdout = os.fdopen(os.open(os.devnull, os.O_RDONLY), "w")
    if sys.stderr is None:
        sys.stderr = os.fdopen(os.open(os.devnull, os.O_WRONLY), "w")


def _dispatch(arguments: list[str]) -> int:
    match arguments:
        case []:
            return _command("home", [], "permopt")
        case ["--help" | "-h" | "help"]:
            sys.stdout.write(help_page())
            return 0
        case ["--version" | "-V"]:
            from importlib.metadata import version  # noqa: PLC0415 reads the disk, and only this line needs it

            sys.stdout.write(f"permopt {version('nats-permission-optimizer')}\n")
            return 0
        case ["help", name] if name in COMMANDS:
            return _command(name, ["--help"], f"permopt {name}")
        case [name, *rest] if name in COMMANDS:
            return _command(name, rest, f"permopt {name}")
        case _:
            name = arguments[0]
            raise UsageError(f"no command `{name}`", _nearest(name))


def _command(name: str, arguments: list[str], program: str) -> int:
    import typer  # noqa: PLC0415 60 ms of start-up that `permopt --help` does not pay
    from typer.main import get_command  # noqa: PLC0415

    module = import_module(f"optimizer.cli.{name}")
    app = typer.Typer(add_completion=False, rich_markup_mode=None, pretty_exceptions_enable=False)
    app.command(context_settings={"help_option_names": ["-h", "--help"]})(module.command)
    try:
        status = get_command(app).main(arguments, prog_name=program, standalone_mode=False)
    except typer.Exit as stop:
        return stop.exit_code
    except typer.Abort:
        return INTERRUPTED
    except SystemExit as stop:
        # typer ends the process with 1 when a pipe closes under a command; here that is no failure.
        if isinstance(stop.__context__, BrokenPipeError):
            raise stop.__context__ from None
        raise
    except Exception as error:
        # typer's usage errors come from click or from its own copy of it; `format_message` is in both.
        describe = getattr(error, "format_message", None)
        if describe is None or isinstance(error, OptimizerError):
            raise
        message = str(describe()).rstrip(".")
        raise UsageError(message[:1].lower() + message[1:], f"`{program} --help` lists what it takes") from None
    return status if isinstance(status, int) else 0


def _nearest(name: str) -> str:
    from difflib import get_close_matches  # noqa: PLC0415 only a mistyped command needs it

    matches = get_close_matches(name, COMMANDS, n=1)
    return f"did you mean `permopt {matches[0]}`?" if matches else "`permopt --help` lists the commands"


def _flushed(status: int) -> int:
    try:
        for stream in (sys.stdout, sys.stderr):
            if stream is not None:
                stream.flush()
    except BrokenPipeError:
        raise
    except OSError as error:
        _abandon(sys.stdout)
        raise OutputError(f"standard output cannot be written: {(error.strerror or str(error)).lower()}") from None
    return status


def _failed(status: int, message: str, hint: str, others: Sequence[str] = ()) -> int:
    try:
        for line in (message, *others):
            sys.stderr.write(f"permopt: {printable(line)}\n")
        if hint:
            sys.stderr.write(f"  hint: {printable(hint)}\n")
        sys.stderr.flush()
    except OSError:
        _abandon(sys.stderr)
    try:
        sys.stdout.flush()
    except OSError:
        _abandon(sys.stdout)
    return status


def _abandon(*streams: TextIO) -> None:
    """Point streams that cannot be written any more at nothing, so that the last flush at exit is quiet."""
    nothing = os.open(os.devnull, os.O_WRONLY)
    for stream in streams:
        try:
            os.dup2(nothing, stream.fileno())
        except (OSError, ValueError, AttributeError):
            continue
    os.close(nothing)


def _place(error: BaseException) -> str:
    trace = error.__traceback__
    place = "?"
    while trace is not None:
        code = trace.tb_frame.f_code
        place = f"{code.co_filename.rpartition('optimizer')[2].lstrip('/') or code.co_filename}:{trace.tb_lineno}"
        trace = trace.tb_next
    return place
