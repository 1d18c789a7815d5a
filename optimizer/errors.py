"""The one family of errors a user of permopt ever sees."""

from __future__ import annotations


class OptimizerError(Exception):
    """Something a person can act on: what happened, what to do next, and the exit status it ends with.

    Parameters
    ----------
    message
        Lower case, no full stop, user input in backticks.
    hint
        What to do next, in the same style; empty where the message says it all.
    others
        Further messages, where several things are wrong at once; a line each.
    """

    exit_code = 3

    def __init__(self, message: str, hint: str = "", others: tuple[str, ...] = ()) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint
        self.others = others


class UsageError(OptimizerError):
    """Wrong usage, an unknown account or user, or a missing helper program."""

    exit_code = 2


class SourceError(OptimizerError):
    """A source that cannot be read, or holds nothing readable."""


class OutputError(OptimizerError):
    """An output that cannot be written."""


class TokenError(OptimizerError):
    """Text that is not a token the server would parse; the reader skips it with this reason."""


class DriftError(OptimizerError):
    """The store moved away from the plan."""

    exit_code = 4


class MismatchError(OptimizerError):
    """Verification found a token that is not what the plan promised."""

    exit_code = 5
