"""At which token of its subjects a list grows, and what the values there cost together.

Entries that differ at one place alone (`orders.1001.created`, `orders.1002.created`) are one thought written many
times: each new order, shelf or tenant is an entry more. What is to be done about that is a person's to say: a `*` in
its place, a template, or another order of tokens.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import repeat
from typing import TYPE_CHECKING

from optimizer.subjects.generalise import payload
from optimizer.subjects.subject import entry_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

VARIES = "ID"
"""What stands in a shape where the values were."""

_NO_VALUES = frozenset(("*", ">", ""))
_FRAME = len('"",')
_OPENING, _CLOSING = "{{", "}}"
"""Around a template, in which there may be dots; what it stands for nobody knows here, so it is no value."""


@dataclass(frozen=True, slots=True)
class Position:
    """One token of a subject, and the values that entries have there.

    Parameters
    ----------
    place
        Which token, counted from 1.
    shapes
        What stands around it, sorted, the token itself written `VARIES`; several where each has the same values, as
        ``orders.ID.created`` and ``orders.ID.paid`` have the same orders.
    values
        How many different ones there are.
    entries
        How many entries that makes, copies included.
    payload_bytes
        What those weigh.
    """

    place: int
    shapes: tuple[str, ...]
    values: int
    entries: int
    payload_bytes: int

    @property
    def bytes_a_value(self) -> int:
        """Payload bytes that one more value would cost, if it is like the others."""
        return -(-self.payload_bytes // self.values)


def positions(entries: Iterable[str], sizes: Iterable[int] | None = None, *, least: int = 3) -> list[Position]:
    r"""Every position at which a list grows, the one whose values cost most first.

    Parameters
    ----------
    entries
        Of one list, or of several that are to be seen together (all of an account, say).
    sizes
        Payload bytes of each; without it, what an entry of a permission list takes, quotes and comma included, ``>``
        written ``\u003e``. Exports and imports weigh more than their subjects.
    least
        How many different values a position must have.

    Returns
    -------
    list[Position]
        Of equally costly ones the one with more values first: it is the one that grows. An entry counts at each
        position where it varies, so that positions do not add up.

    Notes
    -----
    ``*`` and ``>`` are no values, nor is a token of a template. Entries of different queue names are not alike.

    Examples
    --------
    >>> found = positions(f"orders.*.{order}.created" for order in range(1001, 1215))
    >>> found[0]
    Position(place=3, shapes=('orders.*.ID.created',), values=214, entries=214, payload_bytes=5136)
    """
    rows = _rows(entries, sizes)
    alike: dict[tuple[int, frozenset[str]], list[list[_Row]]] = {}
    for place, group in _groups(rows):
        values = frozenset([row.tokens[place] for row in group])
        if len(values) >= least:
            alike.setdefault((place, values), []).append(group)
    found = [
        Position(
            place + 1,
            tuple(sorted(_shape(group[0], place) for group in groups)),
            len(values),
            sum(row.copies for group in groups for row in group),
            sum(row.payload_bytes for group in groups for row in group),
        )
        for (place, values), groups in alike.items()
    ]
    return sorted(found, key=lambda each: (-each.payload_bytes, -each.values, each.place, each.shapes))


@dataclass(slots=True)
class _Row:
    """An entry and its copies."""

    tokens: tuple[str, ...]
    queue: str
    copies: int = 0
    payload_bytes: int = 0


def _rows(entries: Iterable[str], sizes: Iterable[int] | None) -> list[_Row]:
    rows: dict[str, _Row] = {}
    for text, size in zip(entries, repeat(None) if sizes is None else sizes, strict=sizes is not None):
        row = rows.get(text)
        if row is None:
            row = rows[text] = _row(text)
        row.copies += 1
        row.payload_bytes += payload((text,)) + _FRAME if size is None else size
    return list(rows.values())


def _row(text: str) -> _Row:
    if " " in text and not (entry := entry_of(text)).is_template:  # which may hold spaces
        return _Row(entry.subject.tokens, text.removeprefix(entry.subject.text))
    return _Row(tuple(text.split(".")), "")


def _shape(row: _Row, place: int) -> str:
    return ".".join((*row.tokens[:place], VARIES, *row.tokens[place + 1 :])) + row.queue


def _groups(rows: Iterable[_Row]) -> Iterator[tuple[int, list[_Row]]]:
    """Places, and the entries that differ there alone, two at least.

    What stands before and after a place is told by a number each, so that a subject of many tokens is read once.
    """
    before: dict[tuple[int, str], int] = {}
    after: dict[tuple[int, str], int] = {}
    groups: dict[tuple[int, int], _Row | tuple[int, list[_Row]]] = {}  # mostly of one, which needs no list
    for row in rows:
        tokens = row.tokens
        heads = _numbers(before, 0, tokens)
        ends = _numbers(after, after.setdefault((0, f" {row.queue}"), len(after) + 1), tokens[::-1])[::-1]
        open_templates = 0
        for place, key in enumerate(zip(heads, ends, strict=True)):
            token = tokens[place]
            if open_templates or "{" in token or "}" in token:
                inside = open_templates > 0 or _OPENING in token
                open_templates = max(0, open_templates + token.count(_OPENING) - token.count(_CLOSING))
                if inside:
                    continue
            if token in _NO_VALUES:
                continue
            known = groups.setdefault(key, row)
            if known is row:
                continue
            if isinstance(known, _Row):
                groups[key] = place, [known, row]
            else:
                known[1].append(row)
    return (group for group in groups.values() if not isinstance(group, _Row))


def _numbers(known: dict[tuple[int, str], int], number: int, tokens: Iterable[str]) -> list[int]:
    """Before each token the number of those that came first; equal beginnings have equal numbers, others not."""
    numbers = []
    for token in tokens:
        numbers.append(number)
        number = known.setdefault((number, token), len(known) + 1)
    return numbers
