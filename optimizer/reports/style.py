"""How a page for a terminal is laid out: width, colour, columns of text that may hold wide characters."""

from __future__ import annotations

import textwrap
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

_LEAST = 12  # columns: less of a name says nothing
_CODES = {"bold": "1", "dim": "2", "red": "31", "green": "32", "yellow": "33", "blue": "34"}
_CODES |= {"magenta": "35", "cyan": "36"}
_EIGHTHS = " ▏▎▍▌▋▊▉█"


@dataclass(frozen=True, slots=True)
class Style:
    """What the terminal can show.

    Parameters
    ----------
    colour
        Whether escape sequences are welcome: a terminal, and nobody asked for none.
    width
        Columns.
    blocks
        Whether it draws block characters; without them a bar is made of ``#``.
    """

    colour: bool = False
    width: int = 100
    blocks: bool = False

    def paint(self, text: str, *looks: str) -> str:
        """``text`` in the looks named; as it is where colour is not welcome."""
        if not self.colour or not text:
            return text
        return f"\x1b[{';'.join(_CODES[look] for look in looks)}m{text}\x1b[0m"

    def bar(self, share: float, width: int) -> str:
        """A bar of ``share`` (0 to 1) of so many columns; what is there at all is seen."""
        if not self.blocks:
            return "#" * max(round(share * width), share > 0)
        eighths = max(round(share * width * 8), share > 0)
        return _EIGHTHS[8] * (eighths // 8) + _EIGHTHS[eighths % 8].strip()

    def heading(self, text: str) -> str:
        """A line that begins a part of the page."""
        return self.paint(text, "bold")

    def wrapped(self, text: str, indent: int = 2, hanging: int = 0) -> list[str]:
        """A sentence as lines that fit, the second and later ones ``hanging`` further in."""
        width = max(self.width, 60)
        return textwrap.wrap(
            text,
            width if width_of(text) <= len(text) else width // 2,  # wide characters take two columns
            initial_indent=" " * indent,
            subsequent_indent=" " * (indent + hanging),
            break_on_hyphens=False,
        )


def width_of(text: str) -> int:
    """How many columns of a terminal a printable text takes."""
    if text.isascii():
        return len(text)
    from rich.cells import cell_len  # noqa: PLC0415 2 ms that plain ASCII does not pay

    return cell_len(text)


def columns(
    rows: Iterable[Sequence[str]],
    right: frozenset[int] = frozenset(),
    indent: int = 2,
    *,
    width: int = 0,
    yielding: Sequence[int] = (),
) -> list[str]:
    """Rows of cells in columns two spaces apart.

    Parameters
    ----------
    rows
        Of equal length; cells without escape sequences.
    right
        Columns that are aligned right: figures.
    width
        What a row may take, where some columns yield; 0 for whatever it needs.
    yielding
        Columns whose cells are cut to make rows fit, the widest of them first, none below `_LEAST`.
    """
    table = [tuple(row) for row in rows]
    if not table:
        return []
    widths = [max(width_of(row[column]) for row in table) for column in range(len(table[0]))]
    excess = indent + sum(widths) + 2 * (len(widths) - 1) - width if width else 0
    while excess > 0 and any(widths[column] > _LEAST for column in yielding):
        widths[max(yielding, key=lambda column: widths[column])] -= 1
        excess -= 1
    lines = []
    for row in table:
        cells = []
        for column, whole in enumerate(row):
            cell = _cut(whole, widths[column])
            padding = " " * (widths[column] - width_of(cell))
            cells.append(padding + cell if column in right else cell + padding)
        lines.append((" " * indent + "  ".join(cells)).rstrip())
    return lines


def beside(lines: Sequence[str], bars: Sequence[str]) -> list[str]:
    """Each of the first lines with its bar, all bars beginning in one column."""
    width = max(map(width_of, lines))
    joined = [f"{line}{' ' * (width - width_of(line))}  {bar}".rstrip() for line, bar in zip(lines, bars, strict=False)]
    return [*joined, *lines[len(bars) :]]


def _cut(cell: str, width: int) -> str:
    if width_of(cell) <= width:
        return cell
    from rich.cells import set_cell_size  # noqa: PLC0415 only where something is cut

    return f"{set_cell_size(cell, width - 3).rstrip()}..."
