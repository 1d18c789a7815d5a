"""Growth of accounts, as a page for a terminal and as CSV: from a ``permopt.history.v1`` document."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from optimizer.reports import words
from optimizer.reports.spreadsheet import as_json, as_text, csv_text
from optimizer.reports.style import columns, width_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from optimizer.reports.style import Style

    Document = Mapping[str, Any]

BLOCKS = "▁▂▃▄▅▆▇█"
ASCII = "_.:-=+*#"
"""What a sparkline is drawn with, where the encoding has blocks and where it has not."""

_DAY = 86_400
_LEAST, _MOST = 5, 16  # columns of a sparkline
_NAMED = 20  # accounts that are new, vanished, renamed: beyond that, JSON and CSV have them all
_EARLIER = 3  # names an account had
_COUNTS = ("imports", "exports", "signing_keys", "revocations", "mappings", "users")
_ESTIMATES = (
    "/30 days and next limit are estimates: the median of the slopes between all pairs of runs (Theil-Sen), which a "
    "few odd runs do not move, carried on from the last run. It takes three runs over a day or more."
)


def history_page(document: Document, style: Style, *, ramp: str, next_command: str, by_count: bool = False) -> str:
    """The page.

    Parameters
    ----------
    ramp
        `BLOCKS` or `ASCII`.
    next_command
        What to type next.
    by_count
        Counts of imports, exports and the like in place of bytes.
    """
    lines: list[str] = []
    for operator in document["operators"]:
        accounts = [each for each in document["accounts"] if each["operator"] == operator["key"]]
        name = words.name_of(operator["name"], operator["key"]) if operator["name"] or operator["key"] else "unknown"
        span = f"{day(operator['first'])} to {day(operator['last'])}"
        lines += [style.heading(f"operator {name}: {words.quantity(operator['runs'], 'run')}, {span}"), ""]
        called = _called(accounts)
        present = [each for each in accounts if each["state"] != "vanished"]
        if by_count:
            lines += _counted(present, called, style)
        else:
            lines += _weighed(present, called, style, ramp, (operator["first"], operator["last"], document["now"]))
        lines += ["", *_remarks(accounts, called, style, operator["first"])]
    if document["growth"] is not None:
        lines += [*growth_lines(document["growth"], style), ""]
    if not by_count:
        lines += [*style.wrapped(_ESTIMATES, 0), ""]
    return "\n".join([*lines, "next", f"  {next_command}", ""])


def growth_lines(growth: Document, style: Style) -> list[str]:
    """The accounts that grew by more than the limit."""
    against = growth["against"]
    since = {"first": "the first run", "previous": "the run before"}.get(against) or day(against)
    if not growth["accounts"]:
        return [f"no account grew by more than {growth['limit']} since {since}"]
    number = words.quantity(len(growth["accounts"]), "account")
    called = _called(growth["accounts"])
    lines = [style.paint(f"{number} grew by more than {growth['limit']} since {since}", "bold", "red")]
    return lines + columns(
        (
            (
                called(each),
                f"{each['before']:,}",
                f"-> {each['after']:,} bytes",
                f"({_percent(100 * (each['after'] - each['before']) / each['before'])})",
                f"since {day(each['since'])}",
            )
            for each in growth["accounts"]
        ),
        frozenset({1}),
        width=style.width,
        yielding=(0,),
    )


def history_csv(document: Document) -> str:
    """A row an account, for spreadsheets: no cell of it is a formula.

    ``account`` is the printable name, a ``'`` before it where a spreadsheet would calculate it (or where it begins with
    one); ``account_json`` is the exact name as a JSON string, whose first character is a quote.
    """
    limits = [cross["limit_bytes"] for cross in document["accounts"][0]["crosses"]] if document["accounts"] else []
    ends = ("time", "token_bytes", "payload_bytes", *_COUNTS)
    header = (
        *("operator_key", "account_key", "account", "account_json", "state", "runs"),
        *(f"first_{name}" for name in ends),
        *(f"last_{name}" for name in ends),
        *("change_bytes", "change_percent", "per_30_days"),
        *(f"crosses_{limit}" for limit in limits),
    )
    return csv_text(header, map(_csv_row, document["accounts"]))


def _csv_row(each: Document) -> list[object]:
    return [
        *(as_text(each["operator"]), as_text(each["key"]), as_text(each["name"]), as_json(each["name"])),
        *(each["state"], each["runs"]),
        *_end(each["first"]),
        *_end(each["last"]),
        *(each["change_bytes"], each["change_percent"], each["per_30_days"]),
        *(None if cross["at"] is None else moment(cross["at"]) for cross in each["crosses"]),
    ]


def sparkline(sizes: Sequence[Document], first: int, last: int, width: int, ramp: str) -> str:
    """The course of a size between two times; blank before it began.

    Parameters
    ----------
    sizes
        ``{time, token_bytes}`` where it changed, oldest first; at least one.
    ramp
        Characters from low to high: its least size is the first of them, its largest the last.
    """
    least = min(each["token_bytes"] for each in sizes)
    spread = max(each["token_bytes"] for each in sizes) - least
    drawn, known = [], 0
    for column in range(width):
        until = first + (last - first) * (column + 1) // width
        while known < len(sizes) and sizes[known]["time"] <= until:
            known += 1
        above = sizes[known - 1]["token_bytes"] - least
        drawn.append(ramp[above * (len(ramp) - 1) // spread if spread else 0] if known else " ")
    return "".join(drawn)


def day(time: int) -> str:
    """The date of a time, in UTC."""
    return moment(time)[:-10] if time < _FOREVER else str(time)


def moment(time: int) -> str:
    """A time as RFC 3339, in UTC."""
    return datetime.fromtimestamp(time, UTC).strftime("%Y-%m-%dT%H:%M:%SZ") if time < _FOREVER else str(time)


_FOREVER = 253_402_300_800  # the year 10000, which no calendar of Python has


def _weighed(
    accounts: Sequence[Document],
    called: Callable[[Document], str],
    style: Style,
    ramp: str,
    times: tuple[int, int, int],
) -> list[str]:
    first, last, now = times
    rows: list[tuple[str, ...]] = [("account", "first", "last", "change", "%", "/30 days", "next limit")]
    for each in accounts:
        rate = each["per_30_days"]
        rows.append(
            (
                called(each),
                f"{each['first']['token_bytes']:,}",
                f"{each['last']['token_bytes']:,}",
                f"{each['change_bytes']:+,}" if each["change_bytes"] else "0",
                _percent(each["change_percent"]),
                "-" if rate is None else f"{rate:+,}" if rate else "0",
                _next_limit(each["crosses"], now),
            )
        )
    widths = [max(width_of(row[column]) for row in rows) for column in range(len(rows[0]))]
    fixed = 2 + sum(min(widths[0], 12) if index == 0 else each for index, each in enumerate(widths)) + 2 * len(widths)
    if fixed + _LEAST > style.width:  # the largest tokens on a narrow terminal: `first` is `last` less `change`
        fixed -= widths[1] + 2
        rows = [(row[0], *row[2:]) for row in rows]
    room = max(style.width - fixed - max(0, widths[0] - 12), _LEAST)
    width = min(room, _MOST)
    trends = ["trend", *(sparkline(each["sizes"], first, last, width, ramp) for each in accounts)]
    table = [(*row[:-1], trend, row[-1]) for row, trend in zip(rows, trends, strict=True)]
    figures = frozenset(range(1, len(table[0]) - 2))
    head, *lines = columns(table, figures, width=style.width, yielding=(0,))
    return [style.paint(head, "dim"), *lines] if lines else ["  no account"]


def _counted(accounts: Sequence[Document], called: Callable[[Document], str], style: Style) -> list[str]:
    rows: list[tuple[str, ...]] = [("account", "imports", "exports", "keys", "revoked", "mappings", "users")]
    for each in accounts:
        ends = [(each["first"]["counts"][name], each["last"]["counts"][name]) for name in _COUNTS]
        rows.append((called(each), *(_count(before, after) for before, after in ends)))
    head, *lines = columns(rows, frozenset(range(1, 7)), width=style.width, yielding=(0,))
    return [style.paint(head, "dim"), *lines] if lines else ["  no account"]


def _remarks(accounts: Sequence[Document], called: Callable[[Document], str], style: Style, first: int) -> list[str]:
    """What is new, gone, or called otherwise."""
    new = [
        f"{called(each)} ({day(each['first']['time'])}, {words.size(each['first']['token_bytes'])})"
        for each in accounts
        if each["state"] == "new"
    ]
    gone = [
        f"{called(each)} (last seen {day(each['last']['time'])}, {words.size(each['last']['token_bytes'])})"
        for each in accounts
        if each["state"] == "vanished"
    ]
    renamed = [
        f"{called(each)} (was {words.joined(_earlier_names(each))})" for each in accounts if len(each["names"]) > 1
    ]
    lines: list[str] = []
    for title, found in ((f"new since {day(first)}", new), ("vanished", gone), ("renamed", renamed)):
        if found:
            more = [f"{len(found) - _NAMED:,} more"] if len(found) > _NAMED else []
            lines += style.wrapped(f"{title}: {', '.join([*found[:_NAMED], *more])}", 0, 2)
    return [*lines, ""] if lines else []


def _called(accounts: Iterable[Document]) -> Callable[[Document], str]:
    """What accounts are called: where two share a name, the start of the key stands beside it."""
    named = list(accounts)
    bearers = Counter(each["name"] for each in named)

    def call(each: Document) -> str:
        name = words.name_of(each["name"], each["key"])
        return name if bearers[each["name"]] == 1 else f"{name} ({each['key'][: words.KEY_SHOWN]}...)"

    return call


def _earlier_names(account: Document) -> list[str]:
    names = [words.name_of(name, account["key"]) for name in account["names"] if name != account["name"]]
    return names if len(names) <= _EARLIER else [f"{len(names) - _EARLIER:,} others", *names[-_EARLIER:]]


def _next_limit(crosses: Iterable[Document], now: int) -> str:
    for cross in crosses:
        if cross["at"] is not None:
            days = (cross["at"] - now) // _DAY
            return f"{_limit(cross['limit_bytes'])} {f'in {days:,} d' if days > 0 else 'now'}"
    return "-"


def _limit(size: int) -> str:
    return f"{size >> 20} MiB" if size >= 1 << 20 else f"{size >> 10} KB"


def _percent(value: float) -> str:
    return "0%" if value == 0 else f"{value:+,.0f}%" if abs(value) >= 100 else f"{value:+.1f}%"  # noqa: PLR2004


def _count(before: int | None, after: int | None) -> str:
    if after is None or before is None:
        return "-" if after is None else f"{after:,}"
    return f"{after:,}" if after == before else f"{after:,} ({after - before:+,})"


def _end(end: Document) -> list[object]:
    counts = [end["counts"][name] for name in _COUNTS]
    return [moment(end["time"]), end["token_bytes"], end["payload_bytes"], *counts]
