"""The configuration of a project: ``permopt.toml``, or ``[tool.permopt]`` in ``pyproject.toml``.

It says what flags say, so that every run in a repository says the same; a flag on the command line wins. Everything
wrong with it is told at once, a line each.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from optimizer.cli import output
from optimizer.errors import UsageError

if TYPE_CHECKING:
    from optimizer.audit.exclusions import Exclusion

FILE = "permopt.toml"
PROJECT = "pyproject.toml"

_MOST = 1024 * 1024
_NAME = b"permopt"


@dataclass(frozen=True, slots=True, kw_only=True)
class Configuration:
    """What a file says; None and empty where it says nothing.

    Parameters
    ----------
    path
        The file; None where there is none.
    source
        As on the command line; a path is relative to the file's directory.
    budget, user_budget, budgets
        Bytes; ``budgets`` by globs over account names, the first that matches counts.
    fail_on, servers, accounts, rules, complete
        As the flags take them, and valid.
    max_user_ttl
        Seconds.
    protect
        Patterns beside those of the flags.
    known
        The file of ``--known``, found from the file's directory.
    exclude
        Findings that somebody decided to live with.
    """

    path: Path | None = None
    source: str | None = None
    budget: int | None = None
    budgets: tuple[tuple[str, int], ...] = ()
    user_budget: int | None = None
    fail_on: str | None = None
    protect: tuple[str, ...] = ()
    known: Path | None = None
    servers: tuple[str, ...] = ()
    accounts: tuple[str, ...] = ()
    rules: tuple[str, ...] = ()
    complete: str | None = None
    max_user_ttl: int | None = None
    exclude: tuple[Exclusion, ...] = ()


def configured(named: Path | None = None, *, quiet: bool = False) -> Configuration:
    """The configuration of a run, with a note which file it is.

    Parameters
    ----------
    named
        What ``--config`` names; a ``pyproject.toml`` by its table. None to look for one: in the working directory, then
        in each above it up to the repository's root (the first with a ``.git``), and outside of a repository in the
        working directory alone, so that no stranger's file in ``/tmp`` counts. The nearest counts, alone; in one
        directory ``permopt.toml`` before ``pyproject.toml``, which counts where it has the table.

    Raises
    ------
    UsageError
        The file cannot be read, is no TOML, or says something that means nothing.
    """
    found = _found() if named is None else _parsed(named, _bytes(named), is_named=True)
    if found.path is not None:
        output.note(f"configured by `{found.path}`", quiet=quiet)
    return found


def _found() -> Configuration:
    for directory in _directories():
        for name in (FILE, PROJECT):
            path = directory / name
            if path.is_file():
                data = _bytes(path)
                if name == FILE or _NAME in data:
                    found = _parsed(path, data, is_named=False)
                    if found.path is not None:
                        return found
    return Configuration()


def _directories() -> list[Path]:
    """The working directory as ``.``, and those above it up to the repository's root."""
    here = Path()
    try:
        above = [Path.cwd(), *Path.cwd().parents]
    except OSError:  # it was removed meanwhile
        return []
    for number, directory in enumerate(above):
        if (directory / ".git").exists():
            return [here, *(Path(*[".."] * steps) for steps in range(1, number + 1))]
    return [here]


def _bytes(path: Path) -> bytes:
    try:
        with path.open("rb") as stream:
            data = stream.read(_MOST + 1)
    except (OSError, ValueError) as error:
        reason = (getattr(error, "strerror", None) or str(error)).lower()
        raise UsageError(f"`{path}` cannot be read: {reason}", "check the path that --config names") from None
    if len(data) > _MOST:
        raise UsageError(f"`{path}` is above 1 MB, which no configuration is", "check the path that --config names")
    return data


def _parsed(path: Path, data: bytes, *, is_named: bool) -> Configuration:
    import tomllib  # noqa: PLC0415 6 ms that only a project with a configuration pays

    from optimizer.cli.configuration_keys import checked  # noqa: PLC0415 likewise

    try:
        document: dict[str, Any] = tomllib.loads(data.decode("utf-8-sig"))
    except UnicodeDecodeError:
        raise UsageError(f"`{path}` is not UTF-8 text", "write it as UTF-8") from None
    except (ValueError, RecursionError) as error:  # a TOMLDecodeError, or a date that no calendar has
        reason = str(error).rstrip(".")
        raise UsageError(
            f"`{path}` is no TOML: {reason[:1].lower()}{reason[1:]}", "https://toml.io explains it"
        ) from None
    table: Any = document
    if path.name == PROJECT:
        tool = document.get("tool")
        table = tool.get("permopt") if isinstance(tool, dict) else None
        if table is None:
            if is_named:
                raise UsageError(f"`{path}` has no [tool.permopt]", f"add that table, or name a {FILE}")
            return Configuration()
    values = checked(table, path)
    return Configuration(path=path, **values)
