"""When things happened at ACME."""

from __future__ import annotations

DAY = 86_400
SECOND = 1_000_000_000
"""In the nanoseconds that ``resp`` counts in."""
OPENED = 1_640_995_200
"""2022-01-01: the accounts were made."""
INCIDENT = 1_736_899_200
"""2025-01-15: every credential of ORDERS issued until then was revoked with `*`."""


def one_by_one(kind: str, count: int, first: int, every: int) -> dict[str, int]:
    """``count`` keys of one kind that were revoked one after another: name to time."""
    return {f"{kind}-{number:03}": first + number * every for number in range(count)}
