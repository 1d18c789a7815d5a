"""What `audit` and `history` share: the options that keep a run and judge its growth, and what is done for them."""

from __future__ import annotations

import re
from dataclasses import dataclass
from itertools import chain, islice
from pathlib import Path
from typing import Annotated, Any

import typer

from optimizer.cli import output, values
from optimizer.errors import UsageError
from optimizer.history.document import growth_member
from optimizer.history.growth import Against, Limit, grown
from optimizer.history.records import Run
from optimizer.reports.history import growth_lines
from optimizer.reports.style import Style

History = Annotated[
    Path | None,
    typer.Option("--history", metavar="FILE", show_default=False, help="Keep the run in FILE, for `permopt history`."),
]
FailOnGrowth = Annotated[
    str | None,
    typer.Option(
        "--fail-on-growth",
        metavar="LIMIT",
        show_default=False,
        help="Exit with 1 where an account grew by more than LIMIT, 20% or 2KB, since the run of --against.",
    ),
]
AgainstRun = Annotated[
    str | None,
    typer.Option(
        "--against",
        metavar="RUN",
        show_default=False,
        help="What --fail-on-growth compares with: previous, which is the default, first or the TIME of a run.",
    ),
]

_PERCENT = re.compile(r"(\d{1,9}(?:\.\d{1,6})?)\s*%")
_LOOKED_BACK = 7  # runs: an account that the previous one could not read is compared with one before


def growth_limit(text: str | None) -> Limit | None:
    """What an account may grow by, from ``--fail-on-growth``: ``20%``, or ``2KB``.

    Raises
    ------
    UsageError
        It is neither per cent nor a size.
    """
    if text is None:
        return None
    if (match := _PERCENT.fullmatch(text.strip())) is not None:
        from fractions import Fraction  # noqa: PLC0415 5 ms that only a limit in per cent pays

        return Limit(text.strip(), percent=Fraction(match[1]))
    try:
        return Limit(text.strip(), bytes=values.size(text))
    except UsageError:
        raise UsageError(f"--fail-on-growth `{text}` is no growth", "write it as 20% or as 2KB") from None


def against(text: str | None, limit: Limit | None) -> Against | int:
    """Which run is compared with, from ``--against``.

    Raises
    ------
    UsageError
        It is no run and no time, or nothing is compared.
    """
    if text is None:
        return Against.PREVIOUS
    if limit is None:
        raise UsageError("--against says what --fail-on-growth compares with, and that is not given", "add it")
    if text in ("first", "previous"):
        return Against(text)
    try:
        return values.clock(text)
    except UsageError:
        raise UsageError(f"--against `{text}` is no run", "use previous, first or a time as 2026-11-23") from None


@dataclass(frozen=True, slots=True)
class Keeping:
    """What ``--history``, ``--fail-on-growth`` and ``--against`` ask of a run."""

    path: Path
    limit: Limit | None
    base: Against | int

    def keep(self, run: Run, *, quiet: bool) -> int:
        """The exit status of `kept`."""
        return kept(self.path, run, self.limit, self.base, quiet=quiet)


def keeping(history: Path | None, fail_on_growth: str | None, against_run: str | None) -> Keeping | None:
    """What the three options ask; None where no run is kept.

    Raises
    ------
    UsageError
        One of them means nothing, or growth is asked of a run that is not kept.
    """
    limit = growth_limit(fail_on_growth)
    base = against(against_run, limit)
    if history is None and limit is not None:
        raise UsageError(
            "--fail-on-growth compares with the runs kept in a file, and none is named", "add --history FILE"
        )
    return None if history is None else Keeping(history, limit, base)


def kept(
    path: Path, run: Run, limit: Limit | None = None, base: Against | int = Against.PREVIOUS, *, quiet: bool = False
) -> int:
    """Keep a run, and judge its growth: what ``audit --history FILE --fail-on-growth LIMIT`` does.

    Returns
    -------
    int
        The exit status: 1 where an account grew by more than ``limit``, each named on standard error.
    """
    from optimizer.history.database import append, read  # noqa: PLC0415 5 ms that only --history pays

    if not append(path, run):
        output.note(f"this run is in `{path}` already; it is not counted twice", quiet=quiet)
    if limit is None:
        return 0
    last = _LOOKED_BACK + 1 if base is Against.PREVIOUS else None
    runs = read(path, operator=run.operator, until=run.time, last=last)
    two = list(islice(runs, 2))
    found = [each for each in grown(chain(two, runs), limit, base) if each.operator == run.operator]
    if len(two) == 1:
        output.note(f"--fail-on-growth: `{path}` holds no run before this one to compare with", quiet=quiet)
    else:
        say(growth_member(found, limit, base), quiet=quiet)
    return int(bool(found))


def say(growth: dict[str, Any], *, quiet: bool) -> None:
    """What grew by too much, on standard error."""
    for line in growth_lines(growth, Style()):
        output.note(line, quiet=quiet)
