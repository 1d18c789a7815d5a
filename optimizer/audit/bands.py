"""How large is large: the bands that tokens fall into, and what the server makes of the largest."""

from __future__ import annotations

import enum

KB = 1024

MANY_REVOCATIONS = 50
"""More than these in one account are a sign by themselves: keys that could have been covered by one ``*``."""

CONNECT_ATTENTION = 3_500
"""Bytes of a user token above which its CONNECT line comes near ``max_control_line``, 4,096 bytes by default."""

CONNECT_REFUSED = 3_834
"""The largest user token that connected to nats-server 2.12.15 under the default ``max_control_line``; one of 3,848
did not. The other fields of a client's CONNECT line decide where it is between them, or sooner."""


class Band(enum.Enum):
    """Account tokens by size; 1 KB is 1,024 bytes."""

    TYPICAL = "typical"
    """Up to 5 KB."""
    REVIEW = "review"
    """Up to 10 KB."""
    ATTENTION = "attention"
    """Up to 25 KB."""
    BLOATED = "bloated"
    """Above."""


class ConnectBand(enum.Enum):
    """User tokens by size: a client sends its own in one line."""

    TYPICAL = "typical"
    """Up to `CONNECT_ATTENTION` bytes."""
    ATTENTION = "attention"
    """Up to `CONNECT_REFUSED`."""
    REFUSED = "refused"
    """Above: no client connects with it unless the server was told to take longer lines."""


UPPER: dict[Band, int] = {Band.TYPICAL: 5 * KB, Band.REVIEW: 10 * KB, Band.ATTENTION: 25 * KB}
"""The largest size of each band of account tokens; `Band.BLOATED` has none."""


def band_of(token_bytes: int) -> Band:
    """The band of an account token.

    Examples
    --------
    >>> band_of(5 * 1024), band_of(5 * 1024 + 1)
    (<Band.TYPICAL: 'typical'>, <Band.REVIEW: 'review'>)
    """
    return next((band for band, upper in UPPER.items() if token_bytes <= upper), Band.BLOATED)


def connect_band_of(token_bytes: int) -> ConnectBand:
    """The band of a user token.

    Server: ``client.parse``, which ends a client whose CONNECT line exceeds ``max_control_line``.
    """
    if token_bytes <= CONNECT_ATTENTION:
        return ConnectBand.TYPICAL
    return ConnectBand.ATTENTION if token_bytes <= CONNECT_REFUSED else ConnectBand.REFUSED


def validation_milliseconds(export_bytes: float, service_import_bytes: float) -> float:
    """About how long the server takes to validate an account: an estimate, from four measurements.

    Every export is compared with every other, and so is every service import, so time grows with the square: 54 ms
    for 50 KB of exports and 5.5 s for 500 KB, 1.4 s for 500 KB of service imports (nats-server 2.12.15, on one machine
    that had other work too). Streams and revocations grow in proportion and are not counted: 18 ms.

    Examples
    --------
    >>> round(validation_milliseconds(500 * 1024, 0))
    5400
    """
    return 54 * (export_bytes / (50 * KB)) ** 2 + 1_400 * (service_import_bytes / (500 * KB)) ** 2
