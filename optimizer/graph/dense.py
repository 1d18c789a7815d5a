"""Dense groups of a table: rows that share many columns, found without looking at every pair of rows.

Rows with a common least hash are likely to share columns (minwise hashing, as in the mining of virtual nodes of web
graphs by Buehrer and Chellapilla, 2008). The hashes are fixed, so that one table always gives the same groups.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

_PASSES = 6
_AGAIN = 4
"""Groups taken out of one bucket, one after another."""
_WIDEST = 400
"""Columns of one bucket that are considered, the most frequent first."""
_PRIME = 2_147_483_647


@dataclass(frozen=True, slots=True)
class Price:
    """What a group of rows and columns costs beside the cells it saves."""

    group: int
    row: int
    column: int


@dataclass(frozen=True, slots=True)
class Dense:
    """A group, and what it saves; ascending indices."""

    rows: tuple[int, ...]
    columns: tuple[int, ...]
    saved: int


def dense_groups(
    table: Sequence[Mapping[int, int]], price: Price, *, filled: float = 1.0, most: int = 400
) -> list[Dense]:
    """Groups of at least two rows and two columns, those that save most first.

    Parameters
    ----------
    table
        For each row its columns, with what a cell saves once the group is made.
    filled
        Which part of a group's columns each of its rows has; at 1 every one.
    most
        How many groups are kept. Groups that save nothing are kept too: they say how far from paying the best is.
    """
    owners: dict[int, list[int]] = defaultdict(list)
    for row, cells in enumerate(table):
        for column in cells:
            owners[column].append(row)
    shared = [{column for column in cells if len(owners[column]) > 1} for cells in table]
    found: dict[tuple[tuple[int, ...], tuple[int, ...]], int] = {}
    for bucket in _buckets(shared):
        for rows, columns in _mined(bucket, shared, table, price, filled):
            group = _closed(columns, table, owners) if filled == 1 else (rows, columns)
            if len(group[0]) > 1 and len(group[1]) > 1 and group not in found:
                found[group] = _saved(*group, table, price)
    ordered = sorted(found.items(), key=lambda item: (-item[1], item[0]))
    return _different([Dense(rows, columns, saved) for (rows, columns), saved in ordered], most)


def _different(ordered: Sequence[Dense], most: int) -> list[Dense]:
    """The first of them, without those of which more than half lies in others kept before."""
    kept: list[Dense] = []
    taken: set[tuple[int, int]] = set()
    for group in ordered:
        cells = [(row, column) for row in group.rows for column in group.columns]
        if 2 * sum(cell in taken for cell in cells) <= len(cells):
            kept.append(group)
            taken.update(cells)
            if len(kept) == most:
                break
    return kept


def _buckets(shared: Sequence[set[int]]) -> Iterator[list[int]]:
    """Rows that may belong together: all of one set, then all of one least hash, by several hashes."""
    seen: set[tuple[int, ...]] = set()
    for turn in range(_PASSES):
        factor, addend = 48_271 + 2 * turn * 7_919, 12_345 + turn * 104_729
        buckets: dict[int, list[int]] = defaultdict(list)
        for row, columns in enumerate(shared):
            if len(columns) > 1:
                buckets[min(((column + 1) * factor + addend) * factor % _PRIME for column in columns)].append(row)
        for bucket in buckets.values():
            if len(bucket) > 1 and tuple(bucket) not in seen:
                seen.add(tuple(bucket))
                yield bucket


def _mined(
    bucket: Sequence[int], shared: Sequence[set[int]], table: Sequence[Mapping[int, int]], price: Price, filled: float
) -> Iterator[tuple[tuple[int, ...], tuple[int, ...]]]:
    left = {row: set(shared[row]) for row in bucket}
    for _ in range(_AGAIN):
        group = _best_sweep(left, table, price, filled)
        if group is None:
            return
        yield group
        for row in group[0]:
            left[row] -= set(group[1])
        left = {row: columns for row, columns in left.items() if len(columns) > 1}


def _best_sweep(
    left: Mapping[int, set[int]], table: Sequence[Mapping[int, int]], price: Price, filled: float
) -> tuple[tuple[int, ...], tuple[int, ...]] | None:
    """Columns are added by their frequency; rows that have too few of them fall out; the best moment wins."""
    counts: dict[int, int] = defaultdict(int)
    for columns in left.values():
        for column in columns:
            counts[column] += 1
    order = sorted((column for column, count in counts.items() if count > 1), key=lambda c: (-counts[c], c))[:_WIDEST]
    rows = list(left)
    saving = dict.fromkeys(rows, 0)
    has = dict.fromkeys(rows, 0)
    best: tuple[int, int, tuple[int, ...]] | None = None
    for number, column in enumerate(order, 1):
        for row in rows:
            if column in left[row]:
                has[row] += 1
                saving[row] += table[row][column]
        rows = [row for row in rows if has[row] >= filled * number - 1e-9 or (number == 1 and filled < 1)]
        if len(rows) <= 1:
            break
        value = sum(saving[row] for row in rows) - price.row * len(rows) - price.column * number - price.group
        if number > 1 and (best is None or value > best[0]):
            best = (value, number, tuple(rows))
    if best is None:
        return None
    return tuple(sorted(best[2])), tuple(sorted(order[: best[1]]))


def _closed(
    columns: tuple[int, ...], table: Sequence[Mapping[int, int]], owners: Mapping[int, list[int]]
) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """Every row that has all these columns, and then every column that all those rows have."""
    all_rows = set(owners[min(columns, key=lambda column: len(owners[column]))])
    for column in columns:
        all_rows.intersection_update(owners[column])
    first, *others = sorted(all_rows)
    all_columns = set(table[first])
    for row in others:
        all_columns.intersection_update(table[row])
        if len(all_columns) == len(columns):
            break
    return tuple(sorted(all_rows)), tuple(sorted(all_columns))


def _saved(rows: Sequence[int], columns: Sequence[int], table: Sequence[Mapping[int, int]], price: Price) -> int:
    cells = sum(table[row].get(column, 0) for row in rows for column in columns)
    return cells - price.group - price.row * len(rows) - price.column * len(columns)
