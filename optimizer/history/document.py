"""Growth as a ``permopt.history.v1`` document: what the pages and files show of it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from optimizer.history.growth import DAY, LIMITS, Against, Limit, State, crossing, slope
from optimizer.history.records import COUNTS
from optimizer.text import redacted

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from optimizer.history.growth import Grown, Series, Span
    from optimizer.history.records import Row

HISTORY = "permopt.history.v1"


def history_document(spans: Iterable[Span], accounts: Iterable[Series], now: int) -> dict[str, Any]:
    """The document, its ``growth`` empty.

    Parameters
    ----------
    spans, accounts
        From `optimizer.history.growth.growth`, narrowed to what is wanted.
    now
        Seconds since the epoch: what "in 12 days" counts from.
    """
    operators = [
        {"key": span.operator, "name": redacted(span.name), "runs": span.runs, "first": span.first, "last": span.last}
        for span in spans
    ]
    return {
        "type": HISTORY,
        "now": now,
        "rate": "theil-sen",
        "operators": operators,
        "accounts": [_account(series) for series in accounts],
        "growth": None,
    }


def growth_member(found: Iterable[Grown], limit: Limit, against: Against | int) -> dict[str, Any]:
    """What stands as ``growth`` in the document: the accounts that grew by more than a limit."""
    return {
        "limit": limit.text,
        "against": against.value if isinstance(against, Against) else against,
        "accounts": [
            {
                "operator": each.operator,
                "key": each.after.account,
                "name": redacted(each.after.name),
                "since": each.since,
                "before": each.before.token_bytes,
                "after": each.after.token_bytes,
            }
            for each in found
        ],
    }


def _account(series: Series) -> dict[str, Any]:
    rate = None if series.state is State.VANISHED else slope(series.times, series.sizes)
    return {
        "operator": series.operator,
        "key": series.account,
        "name": redacted(series.name),
        "names": list(dict.fromkeys(map(redacted, series.names))),
        "state": series.state.value,
        "runs": len(series.times),
        "first": _row(series.first, series.times[0]),
        "last": _row(series.last, series.times[-1]),
        "change_bytes": series.change,
        "change_percent": round(series.percent, 1),
        "per_30_days": None if rate is None else round(rate * 30 * DAY),
        "crosses": [{"limit_bytes": limit, "at": crossing(series, limit, rate)} for limit in LIMITS],
        "sizes": _changes(series.times, series.sizes),
    }


def _row(row: Row, time: int) -> dict[str, Any]:
    counts = {name: getattr(row, name) for name in COUNTS}
    return {"time": time, "token_bytes": row.token_bytes, "payload_bytes": row.payload_bytes, "counts": counts}


def _changes(times: Sequence[int], sizes: Sequence[int]) -> list[dict[str, int]]:
    """The first size, and each that differs from the one before: most runs change little."""
    return [
        {"time": time, "token_bytes": size}
        for index, (time, size) in enumerate(zip(times, sizes, strict=True))
        if index == 0 or sizes[index - 1] != size
    ]
