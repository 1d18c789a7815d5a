"""A choosing problem without what cannot matter: no choice that saves nothing, what always goes together made one."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Sequence


class ChoiceLike(Protocol):
    """A pattern that may replace entries: `optimizer.subjects.choose.Choice`."""

    @property
    def covers(self) -> tuple[int, ...]: ...
    @property
    def size(self) -> int: ...
    @property
    def cost(self) -> float: ...
    @property
    def admits(self) -> tuple[int, ...]: ...


@dataclass(slots=True)
class Instance:
    """Choices by number, items and known subjects grouped by the choices that touch them."""

    names: list[int]  # which choice of the problem each is
    size: list[int]
    cost: list[float]
    covers: list[list[int]]
    admits: list[list[int]]
    items: list[int] = field(default_factory=list)  # payload bytes
    weights: list[float] = field(default_factory=list)
    by_item: list[list[int]] = field(default_factory=list)
    by_subject: list[list[int]] = field(default_factory=list)

    def alone(self, choice: int) -> float:
        """What one choice costs by itself."""
        return self.cost[choice] + sum(self.weights[one] for one in self.admits[choice])

    def restricted(self, choices: Sequence[int]) -> Instance:
        """Some of the choices; items and known subjects keep their numbers."""
        new = {choice: index for index, choice in enumerate(choices)}
        return Instance(
            [self.names[choice] for choice in choices],
            [self.size[choice] for choice in choices],
            [self.cost[choice] for choice in choices],
            [self.covers[choice] for choice in choices],
            [self.admits[choice] for choice in choices],
            self.items,
            self.weights,
            [[new[choice] for choice in by if choice in new] for by in self.by_item],
            [[new[choice] for choice in by if choice in new] for by in self.by_subject],
        )


def reduced(sizes: Sequence[int], weights: Sequence[float], choices: Sequence[ChoiceLike]) -> Instance:
    """A problem without choices that save nothing, or that another beats.

    Of choices that cover the same, one is left out if another is no larger, no dearer, and admits nothing besides.
    """
    names = _worthwhile(sizes, weights, choices)
    made = Instance(
        names,
        [choices[name].size for name in names],
        [choices[name].cost for name in names],
        [[] for _ in names],
        [[] for _ in names],
    )
    for touched, amounts, values, by_value, by_choice in (
        ([choices[name].covers for name in names], sizes, made.items, made.by_item, made.covers),
        ([choices[name].admits for name in names], weights, made.weights, made.by_subject, made.admits),
    ):
        touching: dict[int, list[int]] = {}
        for choice, parts in enumerate(touched):
            for part in parts:
                touching.setdefault(part, []).append(choice)
        groups: dict[tuple[int, ...], list[int]] = {}
        for part, by in touching.items():
            if amounts[part] > 0:
                groups.setdefault(tuple(by), []).append(part)
        for by, parts in groups.items():
            for choice in by:
                by_choice[choice].append(len(values))
            values.append(sum(amounts[part] for part in parts))  # type: ignore[arg-type]
            by_value.append(list(by))
    return made


def _worthwhile(sizes: Sequence[int], weights: Sequence[float], choices: Sequence[ChoiceLike]) -> list[int]:
    alike: dict[tuple[int, ...], list[int]] = {}
    for name, choice in enumerate(choices):
        if sum(sizes[item] for item in set(choice.covers)) > choice.size:
            alike.setdefault(choice.covers, []).append(name)
    found = []
    for names in alike.values():
        best: list[tuple[int, set[int]]] = []
        for name in sorted(
            names, key=lambda name: (choices[name].size, choices[name].cost, len(choices[name].admits), name)
        ):
            choice = choices[name]
            admits = {subject for subject in choice.admits if weights[subject] > 0}
            if not any(choices[other].cost <= choice.cost and known <= admits for other, known in best):
                best.append((name, admits))
        found += [name for name, _ in best]
    return sorted(found)
