"""What the values of flags and of the configuration mean: times, sizes, versions, severities, rules."""

from __future__ import annotations

import difflib
import re
import time
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from optimizer.claims.encode import payload_bytes, token_size
from optimizer.claims.model import AccountClaims, UserClaims
from optimizer.errors import UsageError
from optimizer.proposals import Severity
from optimizer.settings import Server

if TYPE_CHECKING:
    from collections.abc import Iterable

_SIZE = re.compile(r"(\d+(?:\.\d+)?)\s*(b|kb|kib|k|mb|mib|m)?", re.IGNORECASE)
_UNITS = {"": 1, "b": 1, "k": 1024, "kb": 1024, "kib": 1024, "m": 1024**2, "mb": 1024**2, "mib": 1024**2}
_DURATION = re.compile(r"(\d{1,6})\s*([wdhms])", re.IGNORECASE | re.ASCII)
_SECONDS = {"w": 604_800, "d": 86_400, "h": 3_600, "m": 60, "s": 1}
_VERSION = re.compile(r"v?(\d{1,6})\.(\d{1,6})(?:\.(\d{1,6}))?(?:[-+].*)?")
_FILTERS_ON_OVERLAP = (2, 12, 14)  # the first release that loads the deny filter whenever a deny overlaps
_SEVERITIES = (Severity.ERROR, Severity.WARNING, Severity.NOTE)


def clock(text: str | None) -> int:
    """Seconds since the epoch, from ``--now`` or the machine's clock.

    Raises
    ------
    UsageError
        It is no time.
    """
    if text is None:
        return int(time.time())
    if re.fullmatch(r"\d{1,12}", text):
        return int(text)
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise UsageError(f"`{text}` is no time", "write it as 2026-11-23T12:00:00Z or as seconds since 1970") from None
    return int((moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp())


def size(text: str) -> int:
    """Bytes, from a size as people write it.

    Raises
    ------
    UsageError
        It is no size.
    """
    match = _SIZE.fullmatch(text.strip())
    if match is None:
        raise UsageError(f"`{text}` is no size", "write it as 10KB or 10240; 1 KB is 1,024 bytes")
    return int(float(match[1]) * _UNITS[(match[2] or "").lower()])


def budget_size(text: str, flag: str, empty: type[AccountClaims | UserClaims]) -> int:
    """Bytes that some token of a kind has.

    Raises
    ------
    UsageError
        It is no size, or below that of an empty token.
    """
    key, identifier = "A" * 56, "J" * 52
    claims = empty(sub=key, iss=key, jti=identifier, iat=clock(None), name="A", version=2)  # type: ignore[arg-type]
    wanted, least = size(text), token_size(len(payload_bytes(claims)))
    if wanted < least:
        raise UsageError(
            f"{flag} `{text}` is {wanted:,} bytes, and a token with nothing in it weighs {least:,}",
            "write it as 10KB or 10240; 1 KB is 1,024 bytes",
        )
    return wanted


def generation(text: str) -> Server:
    """The generation that a version of nats-server is of.

    Raises
    ------
    UsageError
        It is no version.
    """
    match = _VERSION.fullmatch(text.strip())
    if match is None:
        raise UsageError(f"`{text}` is no version of nats-server", "write it as 2.12, 2.11 or 2.12.15")
    if match[3] is None and text in (server.value for server in Server):
        return Server(text)
    major, minor, patch = int(match[1]), int(match[2]), int(match[3] or 0)
    return Server.CURRENT if (major, minor, patch) >= _FILTERS_ON_OVERLAP else Server.EARLIER


def completeness(complete: str | None) -> tuple[bool, bool, bool]:
    """Whether the source is said to hold all users, all accounts, and all user tokens that were ever issued.

    Raises
    ------
    UsageError
        It names something else.
    """
    words = {word.strip() for word in (complete or "").split(",") if word.strip()}
    unknown = sorted(words - {"users", "accounts", "tokens"})
    if unknown:
        raise UsageError(
            f"--complete does not know `{unknown[0]}`", "use users, accounts, tokens, or several with commas"
        )
    return "users" in words, "accounts" in words, "tokens" in words


def duration(text: str, flag: str) -> int:
    """Seconds, from a duration as people write it.

    Raises
    ------
    UsageError
        It is no duration, or none at all.
    """
    match = _DURATION.fullmatch(text.strip())
    if match is None or int(match[1]) == 0:
        raise UsageError(f"{flag} `{text}` is no duration".strip(), "write it as 30d, 12h, 90m or 3600s")
    return int(match[1]) * _SECONDS[match[2].lower()]


def severities_at(fail_on: str) -> frozenset[Severity]:
    """The severities that make a run fail; none for ``never``.

    Raises
    ------
    UsageError
        It is no severity.
    """
    if fail_on == "never":
        return frozenset()
    try:
        return frozenset(_SEVERITIES[: _SEVERITIES.index(Severity(fail_on)) + 1])
    except ValueError:
        raise UsageError(f"`{fail_on}` is no severity", "use error, warning, note or never") from None


def known_rules(names: Iterable[str] | None) -> tuple[str, ...]:
    """The names of rules, each once.

    Raises
    ------
    UsageError
        There is no rule of that name.
    """
    asked = tuple(dict.fromkeys(names or ()))
    if not asked:
        return ()
    from optimizer.rules import RULES  # noqa: PLC0415 only --rule needs them before the store is read

    known = [rule.name for rule in RULES]
    for name in asked:
        if name not in known:
            raise UsageError(f"no rule `{name}`", nearest(name, known, "`permopt rules` lists them;"))
    return asked


def nearest(name: str, known: list[str], otherwise: str) -> str:
    """A hint for a name that is not known: the one that was meant, else some that exist."""
    close = difflib.get_close_matches(name, known, n=1)
    if close:
        return f"did you mean `{close[0]}`?"
    some = ", ".join(f"`{each}`" for each in sorted(known)[:8])
    return f"{otherwise} {some}{' ...' if len(known) > 8 else ''}" if some else "it has none"  # noqa: PLR2004 a line's worth
