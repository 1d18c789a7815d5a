"""CSV that a spreadsheet shows as text: RFC 4180, and no cell of it is a formula, whatever a token is called."""

from __future__ import annotations

import csv
import io
import json
from typing import TYPE_CHECKING

from optimizer.text import printable, redacted

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "'", "\uff1d", "\uff0b", "\uff0d", "\uff20")
# What makes a spreadsheet take a cell for a formula, the full-width forms included
# (https://owasp.org/www-community/attacks/CSV_Injection), and the mark against it itself.

_SEPARATOR = ";"
# What separates cells where the comma is the decimal mark: a name could begin a cell of its own with it.


def csv_text(header: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """A table as CSV.

    Parameters
    ----------
    header
        Names of columns.
    rows
        A cell a column; text from a token as `as_text` and `as_json` make it, None for an empty cell.

    Returns
    -------
    str
        Lines that end with CRLF, as RFC 4180 has them.
    """
    stream = io.StringIO()
    table = csv.writer(stream, lineterminator="\r\n")
    table.writerow(header)
    table.writerows(rows)
    return stream.getvalue()


def as_text(name: str) -> str:
    r"""A printable name that no spreadsheet takes for a formula; without the first ``'`` it is the name again.

    A semicolon is written ``\x3b``.

    Examples
    --------
    >>> as_text("orders"), as_text("=1+1"), as_text("a;=1+1")
    ('orders', "'=1+1", 'a\\x3b=1+1')
    """
    clean = printable(name).replace(_SEPARATOR, r"\x3b")
    return f"'{clean}" if clean.startswith(_FORMULA) else clean


def as_json(name: str) -> str:
    r"""The exact name, less a seed, as a JSON string: its first character is a quote, and ``;`` is ``\u003b``."""
    return json.dumps(redacted(name)).replace("\x7f", "\\u007f").replace(_SEPARATOR, "\\u003b")
