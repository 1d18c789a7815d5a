"""``permopt history``: growth per account over the runs that a file keeps."""

from __future__ import annotations

import enum
import sys
from collections import Counter
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Annotated

import typer

from optimizer.cli import growing, options, output, values
from optimizer.errors import SourceError, UsageError
from optimizer.history.database import read
from optimizer.history.document import growth_member, history_document
from optimizer.history.growth import Series, grown, growth
from optimizer.reports.history import ASCII, BLOCKS, history_csv, history_page
from optimizer.reports.json import text_of


class HistoryForm(enum.Enum):
    """How growth is printed."""

    TABLE = "table"
    CSV = "csv"
    JSON = "json"


class By(enum.Enum):
    """What grows."""

    BYTES = "bytes"
    COUNT = "count"


def command(
    path: Annotated[
        Path, typer.Argument(metavar="FILE", show_default=False, help="What `permopt audit --history FILE` wrote.")
    ],
    *,
    form: Annotated[HistoryForm, typer.Option("--format", "-f", help="How to print it.")] = HistoryForm.TABLE,
    file: options.Output = None,
    account: options.Accounts = None,
    operator: options.Operator = None,
    since: Annotated[
        str | None, typer.Option(metavar="TIME", show_default=False, help="Only runs of this time and later.")
    ] = None,
    by: Annotated[By, typer.Option("--by", help="What the table shows.")] = By.BYTES,
    top: Annotated[
        int | None,
        typer.Option(
            "--top", metavar="N", min=1, show_default=False, help="Only the N accounts of each operator that grew most."
        ),
    ] = None,
    fail_on_growth: growing.FailOnGrowth = None,
    against: growing.AgainstRun = None,
    now: options.Now = None,
    quiet: options.Quiet = False,
    no_color: options.NoColour = False,
) -> int:
    """Show how each account token grew from run to run, and when it will be too large at this rate."""
    clock = values.clock(now)
    begin = None if since is None else values.clock(since)
    limit = growing.growth_limit(fail_on_growth)
    base = growing.against(against, limit)
    spans, accounts = growth(read(path, operator=operator, since=begin))
    if not spans:
        asked = {"--operator": operator, "--since": since}
        given = " and ".join(f"{option} `{value}`" for option, value in asked.items() if value is not None)
        if given:
            raise UsageError(f"history file `{path}` holds no run for {given}", "leave it out to see what there is")
        raise SourceError(f"history file `{path}` holds no run yet", f"`permopt audit --history {path}` adds one")
    accounts = _named(accounts, account)
    document = history_document(spans, _first(accounts, top), clock)
    if limit is not None:
        wanted = {(each.operator, each.account) for each in accounts}
        found = grown(read(path, operator=operator), limit, base)
        found = [each for each in found if (each.operator, each.after.account) in wanted]
        document["growth"] = growth_member(found, limit, base)
    match form:
        case HistoryForm.JSON:
            text = text_of(document)
        case HistoryForm.CSV:
            text = history_csv(document)
        case HistoryForm.TABLE:
            style = output.style(no_colour=no_color or file is not None)
            following = output.typed("permopt", "history", path, "--format", "csv", "-o", "growth.csv")
            ramp = BLOCKS if file is not None or _has_blocks() else ASCII
            text = history_page(document, style, ramp=ramp, next_command=following, by_count=by is By.COUNT)
    output.emit(text, file)
    if document["growth"] is None:
        return 0
    if form is not HistoryForm.TABLE or file is not None:
        growing.say(document["growth"], quiet=quiet)
    return int(bool(document["growth"]["accounts"]))


def _named(accounts: list[Series], patterns: list[str] | None) -> list[Series]:
    """The accounts that ``--account`` names, by any name they had or by key."""
    if not patterns:
        return accounts
    wanted: set[int] = set()
    for pattern in patterns:
        found = [
            index
            for index, each in enumerate(accounts)
            if pattern in (each.account, *each.names) or any(fnmatchcase(name, pattern) for name in each.names)
        ]
        if not found:
            names = sorted({each.name for each in accounts})
            raise UsageError(f"no account matches `{pattern}`", values.nearest(pattern, names, "the history has"))
        wanted.update(found)
    return [each for index, each in enumerate(accounts) if index in wanted]


def _first(accounts: list[Series], top: int | None) -> list[Series]:
    """The first so many of each operator; all without a number."""
    if top is None:
        return accounts
    seen: Counter[str] = Counter()
    kept = []
    for each in accounts:
        seen[each.operator] += 1
        if seen[each.operator] <= top:
            kept.append(each)
    return kept


def _has_blocks() -> bool:
    """Whether standard output can show the characters of a sparkline."""
    try:
        BLOCKS.encode(sys.stdout.encoding or "ascii")
    except (UnicodeEncodeError, LookupError):
        return False
    return True
