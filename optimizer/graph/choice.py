"""Which of several suggestions to take where they overlap: an import can be consolidated once.

The kernel's choice is greedy by bytes for each subject opened. Beside it stands the plain greedy, by bytes alone; both
are improved by leaving out and swapping, and where the groups are few, every set of them is tried.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import combinations
from typing import TYPE_CHECKING

from optimizer.subjects.choose import Choice, Problem, cheapest

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

Worth = tuple[int, int, int]

_FEW = 12
"""Groups of which every set is tried: 4,096 sets."""

_MANY = 150
"""Groups above which the plain greedy's set is taken as it is."""

_ROUNDS = 20


@dataclass(frozen=True, slots=True)
class Group:
    """Something that may be taken.

    Parameters
    ----------
    covers
        The imports that go, as indices.
    size
        Bytes that come.
    cost
        How much it opens.
    """

    covers: frozenset[int]
    size: int
    cost: int


def chosen(sizes: Sequence[int], groups: Sequence[Group], wanted: int | None = None) -> tuple[int, ...]:
    """The groups to take, as ascending indices, no two of which cover one import.

    Without a number of bytes to save, groups that are not connected by any import are chosen among apart.

    Parameters
    ----------
    sizes
        Bytes of each import while it stays.
    groups
        In any order.
    wanted
        Bytes to save: of the sets that save as much, one of least cost. Without it, one that saves most.

    Returns
    -------
    tuple
        Never worse than what `greedy` takes; the best there is where there are no more than 12 groups.
    """
    gains = [sum(sizes[item] for item in group.covers) - group.size for group in groups]
    useful = [index for index, gain in enumerate(gains) if gain > 0]
    parts = _connected(groups, useful) if wanted is None else [useful]
    return tuple(sorted(index for part in parts for index in _among(sizes, groups, part, wanted)))


def _among(sizes: Sequence[int], groups: Sequence[Group], useful: list[int], wanted: int | None) -> tuple[int, ...]:
    gains = {index: sum(sizes[item] for item in groups[index].covers) - groups[index].size for index in useful}

    def worth(taken: tuple[int, ...]) -> Worth:
        saved, cost = sum(gains[index] for index in taken), sum(groups[index].cost for index in taken)
        return (min(saved, wanted), -cost, saved) if wanted is not None else (saved, -cost, 0)

    if len(useful) <= _FEW:
        sets = (some for count in range(len(useful) + 1) for some in combinations(useful, count))
        return max((some for some in sets if _apart(groups, some)), key=worth)
    plain = _greedily(gains, groups, wanted)
    if len(useful) > _MANY:
        return plain
    starts = [plain, _by_cost(sizes, groups, useful, wanted)]
    return max((_improved(groups, useful, start, worth) for start in starts), key=worth)


def greedy(sizes: Sequence[int], groups: Sequence[Group], wanted: int | None = None) -> tuple[int, ...]:
    """The plain greedy: always the group that saves most, until enough is saved."""
    gains = {i: sum(sizes[item] for item in group.covers) - group.size for i, group in enumerate(groups)}
    return _greedily(gains, groups, wanted)


def _greedily(gains: Mapping[int, int], groups: Sequence[Group], wanted: int | None) -> tuple[int, ...]:
    taken: list[int] = []
    gone: set[int] = set()
    saved = 0
    for index in sorted(gains, key=lambda index: (-gains[index], groups[index].cost, index)):
        if gains[index] <= 0 or (wanted is not None and saved >= wanted):
            break
        if gone.isdisjoint(groups[index].covers):
            taken.append(index)
            gone |= groups[index].covers
            saved += gains[index]
    return tuple(sorted(taken))


def _connected(groups: Sequence[Group], useful: Sequence[int]) -> list[list[int]]:
    """The groups in parts, no import of one part being in another."""
    by_item: dict[int, list[int]] = {}
    for index in useful:
        for item in groups[index].covers:
            by_item.setdefault(item, []).append(index)
    parts: list[list[int]] = []
    seen: set[int] = set()
    for start in useful:
        if start in seen:
            continue
        part, todo = [], [start]
        seen.add(start)
        while todo:
            index = todo.pop()
            part.append(index)
            for item in groups[index].covers:
                for other in by_item.pop(item, ()):
                    if other not in seen:
                        seen.add(other)
                        todo.append(other)
        parts.append(sorted(part))
    return parts


def _by_cost(
    sizes: Sequence[int], groups: Sequence[Group], useful: Sequence[int], wanted: int | None
) -> tuple[int, ...]:
    choices = tuple(Choice(tuple(sorted(groups[i].covers)), groups[i].size, groups[i].cost + 1.0) for i in useful)
    selection = cheapest(Problem(tuple(sizes), (), choices), sum(sizes) if wanted is None else wanted)
    taken: list[int] = []
    for index in selection.chosen:  # which may overlap: there an entry may go twice
        if _apart(groups, (*taken, useful[index])):
            taken.append(useful[index])
    return tuple(taken)


def _improved(
    groups: Sequence[Group], useful: Sequence[int], start: tuple[int, ...], worth: Callable[[tuple[int, ...]], Worth]
) -> tuple[int, ...]:
    """The set after every step that makes it better: one group left out, or one put in for those it collides with."""
    best, value = start, worth(start)
    for _ in range(_ROUNDS):
        steps = [tuple(each for each in best if each != index) for index in best]
        for index in useful:
            if index not in best:
                apart = [each for each in best if groups[each].covers.isdisjoint(groups[index].covers)]
                steps.append(tuple(sorted([*apart, index])))
        step = max(steps, key=worth, default=best)
        if worth(step) <= value:
            break
        best, value = step, worth(step)
    return best


def _apart(groups: Sequence[Group], taken: Sequence[int]) -> bool:
    return sum(len(groups[index].covers) for index in taken) == len(
        frozenset[int]().union(*(groups[index].covers for index in taken))
    )
