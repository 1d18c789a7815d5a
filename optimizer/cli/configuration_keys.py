"""What each key of a configuration takes, and what is wrong with a table that has another: all of it, not the first."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

from optimizer.audit.exclusions import Exclusion
from optimizer.claims.model import AccountClaims, UserClaims
from optimizer.cli import values
from optimizer.errors import UsageError
from optimizer.sources.read import KINDS
from optimizer.subjects.subject import Subject

_IN_AN_EXCLUSION = ("rule", "account", "user", "id", "reason", "until")
_MATCHERS = ("rule", "account", "user", "id")


def checked(table: object, path: Path) -> dict[str, Any]:
    """The fields of a `optimizer.cli.configuration.Configuration` that a table gives.

    Parameters
    ----------
    table
        As TOML has it.
    path
        Its file, for messages and for the paths in it.

    Raises
    ------
    UsageError
        Something in it means nothing; ``others`` holds what else does.
    """
    keys = _Keys(path)
    values = keys.read(table)
    if keys.problems:
        first, *others = keys.problems
        raise UsageError(first, "docs/configuration.md lists the keys", others=tuple(others))
    return values


class _WrongError(Exception):
    """One value means nothing: why, and what to write."""


class _Keys:
    def __init__(self, path: Path) -> None:
        self.path = path
        self.problems: list[str] = []
        self.readers: dict[str, Callable[[Any], Any]] = {
            "source": self._source,
            "budget": lambda value: _size(value, AccountClaims),
            "budgets": self._budgets,
            "user_budget": lambda value: _size(value, UserClaims),
            "fail_on": _severity,
            "protect": lambda value: self._each("protect", value, _pattern),
            "known": lambda value: self._beside(_text(value, "the path of a file")),
            "servers": lambda value: self._each("servers", value, values.generation),
            "accounts": lambda value: self._each("accounts", value, str),
            "rules": lambda value: self._each("rules", value, lambda rule: values.known_rules([rule])),
            "complete": self._complete,
            "max_user_ttl": lambda value: values.duration(_text(value, "a duration like 30d"), ""),
            "exclude": self._exclusions,
        }

    def read(self, table: object) -> dict[str, Any]:
        if not isinstance(table, dict):
            self._wrong("tool.permopt", "not a table", "write it as [tool.permopt]")
            return {}
        values = {}
        for key, value in table.items():
            if key in self.readers:
                values[key] = self._read(key, value, self.readers[key])
            else:
                self._unknown(key, tuple(self.readers))
        return values

    def _read(self, name: str, value: object, reader: Callable[[Any], Any]) -> Any:  # noqa: ANN401 what the reader gives
        """What a reader makes of a value; None, and a problem more, where it means nothing."""
        try:
            return reader(value)
        except _WrongError as error:
            self._wrong(name, *error.args)
        except UsageError as error:
            self._wrong(name, error.message.strip(), error.hint)
        return None

    def _wrong(self, key: str, what: str, remedy: str) -> None:
        self.problems.append(f"`{self.path}`: `{key}`: {what}; {remedy}")

    def _unknown(self, key: str, known: tuple[str, ...], where: str = "") -> None:
        hint = values.nearest(key, [*known], "the keys are")
        self._wrong(f"{where}{key}", "unknown key", hint)

    def _beside(self, text: str) -> Path:
        return self.path.parent / text

    def _source(self, value: object) -> str:
        text = _text(value, "a source, as on the command line")
        kind, colon, rest = text.partition(":")
        if text == "-" or "://" in text or text.startswith("live:"):
            return text
        if colon and kind in KINDS:
            return f"{kind}:{self._beside(rest)}"
        return str(self._beside(text))

    def _budgets(self, value: object) -> tuple[tuple[str, int], ...]:
        if not isinstance(value, dict):
            raise _WrongError("not a table", 'write it as [budgets], with lines like ORDERS = "20KB"')
        return tuple(
            (glob, self._read(f"budgets.{glob}", size, lambda each: _size(each, AccountClaims)))
            for glob, size in value.items()
        )

    def _complete(self, value: object) -> str:
        words = [value] if isinstance(value, str) else self._each("complete", value, str)
        try:
            values.completeness(",".join(words))
        except UsageError:
            raise _WrongError("neither users, accounts nor tokens", 'write it as ["users", "accounts"]') from None
        return ",".join(words)

    def _each(self, key: str, value: object, reader: Callable[[str], object]) -> tuple[str, ...]:
        """The texts of a list, each of which a reader takes."""
        if not isinstance(value, list) or not all(isinstance(each, str) and each for each in value):
            raise _WrongError("not a list of texts", 'write it as ["one", "another"]')
        for number, text in enumerate(value, start=1):
            self._read(f"{key}[{number}]", text, reader)
        return tuple(value)

    def _exclusions(self, value: object) -> tuple[Exclusion, ...]:
        if not isinstance(value, list) or not all(isinstance(each, dict) for each in value):
            raise _WrongError("not a list of tables", "write each as [[exclude]], with a rule and a reason below")
        found = [self._exclusion(f"exclude[{number}]", each) for number, each in enumerate(value, start=1)]
        return tuple(each for each in found if each is not None)

    def _exclusion(self, name: str, table: dict[str, Any]) -> Exclusion | None:
        before = len(self.problems)
        for key in table:
            if key not in _IN_AN_EXCLUSION:
                self._unknown(key, _IN_AN_EXCLUSION, f"{name}.")
        texts: dict[str, str] = {}
        for key in (*_MATCHERS, "reason"):
            if key in table:
                if isinstance(table[key], str) and table[key].strip():
                    texts[key] = table[key]
                else:
                    self._wrong(f"{name}.{key}", "not a text", 'write it in quotes, as "ORDERS"')
        if "reason" not in table:
            self._wrong(name, "no reason", 'say why, as reason = "moved with the next release"')
        if not any(key in table for key in _MATCHERS):
            self._wrong(name, "it would exclude everything", "name a rule, account, user or id")
        until = table.get("until")
        if until is not None and (not isinstance(until, date) or isinstance(until, datetime)):
            self._wrong(f"{name}.until", "not a date", "write it without quotes, as until = 2027-03-31")
        if len(self.problems) > before:
            return None
        return Exclusion(**texts, until=None if until is None else until.isoformat(), ends=_end(until))


def _end(until: date | None) -> int | None:
    """The first second after a day, in UTC."""
    if until is None:
        return None
    begins = datetime(until.year, until.month, until.day, tzinfo=UTC)
    return int(begins.timestamp() + timedelta(days=1).total_seconds())


def _text(value: object, what: str) -> str:
    if not isinstance(value, str) or not value:
        raise _WrongError("not a text", f"write {what}, in quotes")
    return value


def _size(value: object, of: type[AccountClaims | UserClaims]) -> int:
    if isinstance(value, bool) or not isinstance(value, (str, int)):
        raise _WrongError("not a size", 'write it as "10KB" or 10240; 1 KB is 1,024 bytes')
    return values.budget_size(str(value), "", of)


def _severity(value: object) -> str:
    text = _text(value, "error, warning, note or never")
    values.severities_at(text)
    return text


def _pattern(text: str) -> str:
    if not Subject(text).is_valid:
        raise _WrongError(f"`{text}` is no subject pattern", "write it as orders.secret or orders.>")
    return text
