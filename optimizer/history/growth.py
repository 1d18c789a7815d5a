"""How accounts grow: folded from runs, one at a time and oldest first, so that a year of them fits in memory.

A rate is the median of the slopes between all pairs of runs (Theil-Sen): up to three runs in ten may be odd, a token
cleaned up or restored, before the median moves far, where a line of least squares follows the first of them.
Source: P. K. Sen, "Estimates of the Regression Coefficient Based on Kendall's Tau", JASA 63 (1968).
"""

from __future__ import annotations

import enum
from array import array
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from fractions import Fraction

    from optimizer.history.records import Row, Run

KB, MIB = 1024, 1024**2
DAY = 86_400
LIMITS = (10 * KB, 25 * KB, MIB)
"""Where an account needs attention, where it is bloated, and the most that an account token may have."""
_MOST_POINTS = 64  # 2,016 pairs: a year of daily runs has 66,430, and says the same
_LEAST_TIMES = 3  # through two points a line always goes
_HORIZON = 10 * 365 * DAY  # what lies further off is no forecast


class Against(enum.Enum):
    """Which run the newest one is compared with."""

    FIRST = "first"
    PREVIOUS = "previous"


class State(enum.Enum):
    """Whether an account is there all the time."""

    PRESENT = "present"
    NEW = "new"
    """Not in the first run."""
    VANISHED = "vanished"
    """Not in the newest run."""


@dataclass(slots=True)
class Series:
    """One account of one operator over time.

    Parameters
    ----------
    times, sizes
        Of each run that holds it; ``sizes`` in bytes of its token.
    names
        It had, oldest first.
    """

    operator: str
    account: str
    first: Row
    last: Row
    times: array[int]
    sizes: array[int]
    names: list[str] = field(default_factory=list)
    state: State = State.PRESENT

    @property
    def name(self) -> str:
        """The newest."""
        return self.last.name

    @property
    def change(self) -> int:
        """Bytes from the first run that holds it to the last."""
        return self.last.token_bytes - self.first.token_bytes

    @property
    def percent(self) -> float:
        """The same in per cent of the first."""
        return 100 * self.change / self.first.token_bytes


@dataclass(frozen=True, slots=True)
class Span:
    """The runs of one operator."""

    operator: str
    name: str
    runs: int
    first: int
    last: int


@dataclass(frozen=True, slots=True)
class Limit:
    """What an account may grow by: bytes, or a part of what it was.

    Parameters
    ----------
    text
        As a person wrote it.
    """

    text: str
    bytes: int | None = None
    percent: Fraction | None = None

    def is_passed(self, before: int, after: int) -> bool:
        """Whether it grew by more than that."""
        if self.bytes is not None:
            return after - before > self.bytes
        return self.percent is not None and (after - before) * 100 > self.percent * before


@dataclass(frozen=True, slots=True)
class Grown:
    """An account that grew by more than its limit."""

    operator: str
    before: Row
    after: Row
    since: int


def growth(runs: Iterable[Run]) -> tuple[list[Span], list[Series]]:
    """The operators, and their accounts: what grew most first, what vanished last.

    Parameters
    ----------
    runs
        Oldest first, of any operators.
    """
    spans: dict[str, Span] = {}
    found: dict[tuple[str, str], Series] = {}
    newest: dict[str, Run] = {}
    for run in runs:
        newest[run.operator] = run
        known = spans.get(run.operator)
        first, count = (run.time, 0) if known is None else (known.first, known.runs)
        name = run.operator_name or ("" if known is None else known.name)
        spans[run.operator] = Span(run.operator, name, count + 1, first, run.time)
        for row in run.rows:
            series = found.get((run.operator, row.account))
            if series is None:
                series = Series(run.operator, row.account, row, row, array("q"), array("q"), [row.name])
                series.state = State.PRESENT if count == 0 else State.NEW
                found[run.operator, row.account] = series
            elif series.last.name != row.name:
                series.names.append(row.name)
            series.last = row
            series.times.append(run.time)
            series.sizes.append(row.token_bytes)
    present = {(run.operator, row.account) for run in newest.values() for row in run.rows}
    for place, series in found.items():
        if place not in present:
            series.state = State.VANISHED
    return [spans[operator] for operator in sorted(spans, key=lambda each: (spans[each].name, each))], sorted(
        found.values(), key=_rank
    )


def _rank(series: Series) -> tuple[bool, int, int, str, str]:
    gone = series.state is State.VANISHED
    return gone, -series.change, -series.last.token_bytes, series.name, series.account


def slope(times: Sequence[int], sizes: Sequence[int]) -> float | None:
    """Bytes a second, by Theil-Sen; None where runs are too few or less than a day apart.

    Parameters
    ----------
    times, sizes
        Equally long, times never falling.
    """
    if len(set(times)) < _LEAST_TIMES or times[-1] - times[0] < DAY:
        return None
    if min(sizes) == max(sizes):
        return 0.0
    from statistics import median  # noqa: PLC0415 10 ms that only the page of a history pays

    points = list(zip(times, sizes, strict=True))
    if len(points) > _MOST_POINTS:
        last = len(points) - 1
        points = [points[index * last // (_MOST_POINTS - 1)] for index in range(_MOST_POINTS)]
    return median(
        (size - earlier_size) / (time - earlier)
        for index, (time, size) in enumerate(points)
        for earlier, earlier_size in points[:index]
        if time != earlier
    )


def crossing(series: Series, limit: int, rate: float | None) -> int | None:
    """When the account passes ``limit`` bytes at this rate; None where it has, never will, or not in ten years.

    Parameters
    ----------
    rate
        From `slope`, counted from the last run that holds the account.
    """
    missing = limit - series.last.token_bytes
    if rate is None or rate <= 0 or missing < 0 or missing / rate > _HORIZON:
        return None
    return series.times[-1] + round(missing / rate)


def grown(runs: Iterable[Run], limit: Limit, against: Against | int = Against.PREVIOUS) -> list[Grown]:
    """The accounts of each operator's newest run that grew by more than ``limit``, the largest growth first.

    An account is compared with the newest row it had by then, so that a token which one run could not read hides
    nothing; with its first row where it had none yet. A new account did not grow: what it has is its budget.

    Parameters
    ----------
    runs
        Oldest first. Where there is only one nothing grew.
    against
        Which run the newest one is compared with, or a time.
    """
    before: dict[tuple[str, str], tuple[Row, int]] = {}
    newest: dict[str, Run] = {}
    for run in runs:
        if run.operator in newest:
            _settle(before, newest[run.operator], against)
        newest[run.operator] = run
    found = []
    for run in newest.values():
        for row in run.rows:
            earlier = before.get((run.operator, row.account))
            if earlier is not None and limit.is_passed(earlier[0].token_bytes, row.token_bytes):
                found.append(Grown(run.operator, earlier[0], row, earlier[1]))
    return sorted(found, key=lambda each: (each.before.token_bytes - each.after.token_bytes, each.after.name))


def _settle(before: dict[tuple[str, str], tuple[Row, int]], run: Run, against: Against | int) -> None:
    """Take up a run that is not the newest of its operator."""
    counts = against is Against.PREVIOUS or (isinstance(against, int) and run.time <= against)
    for row in run.rows:
        place = run.operator, row.account
        if counts or place not in before:
            before[place] = row, run.time
