"""What there is to choose from, and the same without what cannot matter."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence


@dataclass(frozen=True, slots=True)
class Choice:
    """A pattern that may be put in place of entries.

    Parameters
    ----------
    covers
        The entries it replaces, as indices into `Problem.sizes`.
    size
        Payload bytes it adds: itself with its quotes and comma, and any deny entries it needs.
    cost
        How far it opens its list, whatever subjects are known.
    admits
        The known subjects it newly admits, as indices into `Problem.weights`.
    """

    covers: tuple[int, ...]
    size: int
    cost: float
    admits: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class Problem:
    """What stands in the lists of one token, and what may be put in its place.

    Parameters
    ----------
    sizes
        Payload bytes of each entry, while it stays.
    weights
        The cost of each known subject, once any choice taken admits it.
    choices
        Of all lists of the token.
    """

    sizes: tuple[int, ...]
    weights: tuple[float, ...]
    choices: tuple[Choice, ...]


@dataclass(slots=True)
class Instance:
    """Choices by number, items and known subjects grouped by the choices that touch them."""

    names: list[int]  # which choice of the problem each is
    size: list[int]
    cost: list[float]
    covers: list[list[int]]
    admits: list[list[int]]
    items: list[int]  # payload bytes
    weights: list[float]
    by_item: list[list[int]]
    by_subject: list[list[int]]

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


def reduced(problem: Problem) -> Instance:
    """A problem without choices that save nothing, or that another beats.

    Of choices that cover the same, one is left out if another is no larger, no dearer, and admits nothing besides.
    Items that the same choices cover are one item, known subjects that the same choices admit one subject.
    """
    choices = problem.choices
    names = _worthwhile(problem)
    items, covers = _grouped([choices[name].covers for name in names])
    subjects, admits = _grouped([[one for one in choices[name].admits if problem.weights[one] > 0] for name in names])
    return Instance(
        names,
        [choices[name].size for name in names],
        [choices[name].cost for name in names],
        covers,
        admits,
        [sum(problem.sizes[item] for item in group) for group in items.values()],
        [sum(problem.weights[one] for one in group) for group in subjects.values()],
        [list(by) for by in items],
        [list(by) for by in subjects],
    )


def _grouped(touched: Sequence[Iterable[int]]) -> tuple[dict[tuple[int, ...], list[int]], list[list[int]]]:
    """What the same choices touch, by these choices; and the numbers of these groups for each choice."""
    touching: dict[int, list[int]] = {}
    for choice, parts in enumerate(touched):
        for part in dict.fromkeys(parts):
            touching.setdefault(part, []).append(choice)
    groups: dict[tuple[int, ...], list[int]] = {}
    for part, by in touching.items():
        groups.setdefault(tuple(by), []).append(part)
    by_choice: list[list[int]] = [[] for _ in touched]
    for number, group in enumerate(groups):
        for choice in group:
            by_choice[choice].append(number)
    return groups, by_choice


def _worthwhile(problem: Problem) -> list[int]:
    choices = problem.choices
    alike: dict[tuple[int, ...], list[int]] = {}
    for name, choice in enumerate(choices):
        if sum(problem.sizes[item] for item in set(choice.covers)) > choice.size:
            alike.setdefault(choice.covers, []).append(name)
    found = []
    for names in alike.values():
        best: list[tuple[int, set[int]]] = []
        for name in sorted(names, key=lambda name: (choices[name].size, choices[name].cost, len(choices[name].admits))):
            admits = {one for one in choices[name].admits if problem.weights[one] > 0}
            if not any(choices[other].cost <= choices[name].cost and known <= admits for other, known in best):
                best.append((name, admits))
        found += [name for name, _ in best]
    return sorted(found)
