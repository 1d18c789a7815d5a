"""Which rewrites of a token's lists to take: the least opened for the bytes wanted.

An entry goes if any pattern taken covers it; a known subject is paid for once, however many patterns admit it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable


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


@dataclass(frozen=True, slots=True)
class Selection:
    """Choices to take, and how good they are known to be.

    Parameters
    ----------
    chosen
        Ascending indices of the choices taken.
    saved
        Payload bytes saved: those of the entries that go less those of the choices.
    cost
        What the choices cost, known subjects counted once.
    bound
        No selection that saves as much costs less than this.
    exact
        Whether it is proved that nothing cheaper saves as much (or, if not `reached`, that nothing saves more).
    reached
        Whether it saves what was asked for. If not, it is the one found that saves most.
    """

    chosen: tuple[int, ...]
    saved: int
    cost: float
    bound: float
    exact: bool
    reached: bool


def cheapest(problem: Problem, bytes_to_save: int) -> Selection:
    """The choices of least cost that save at least so many payload bytes."""
    chosen: list[int] = []
    gone: set[int] = set()
    known: set[int] = set()
    saved = 0
    while saved < bytes_to_save:
        best, ratio = None, 0.0
        for index, choice in enumerate(problem.choices):
            gain = sum(problem.sizes[item] for item in choice.covers if item not in gone) - choice.size
            paid = choice.cost + sum(problem.weights[subject] for subject in choice.admits if subject not in known)
            if gain > 0 and gain / (paid + 1e-9) > ratio:
                best, ratio = index, gain / (paid + 1e-9)
        if best is None:
            break
        chosen.append(best)
        gone |= set(problem.choices[best].covers)
        known |= set(problem.choices[best].admits)
        saved = _saved(problem, chosen)
    for index in list(chosen):
        fewer = [other for other in chosen if other != index]
        if _saved(problem, fewer) >= min(bytes_to_save, saved):
            chosen = fewer
    saved = _saved(problem, chosen)
    cost = _cost(problem, chosen)
    return Selection(tuple(sorted(chosen)), saved, cost, 0.0, exact=not chosen, reached=saved >= bytes_to_save)


def frontier(problem: Problem, points: int = 8) -> tuple[Selection, ...]:
    """Selections from nothing chosen to the most that can be saved, each dearer than the one before and saving more."""
    most = cheapest(problem, sum(problem.sizes)).saved
    found = [cheapest(problem, most * point // max(1, points - 1)) for point in range(points)]
    kept: list[Selection] = []
    for selection in found:
        if not kept or (selection.saved > kept[-1].saved and selection.cost > kept[-1].cost):
            kept.append(selection)
    return tuple(kept)


def _saved(problem: Problem, chosen: Iterable[int]) -> int:
    taken = [problem.choices[index] for index in chosen]
    gone = {item for choice in taken for item in choice.covers}
    return sum(problem.sizes[item] for item in gone) - sum(choice.size for choice in taken)


def _cost(problem: Problem, chosen: Iterable[int]) -> float:
    taken = [problem.choices[index] for index in chosen]
    known = {subject for choice in taken for subject in choice.admits}
    return sum(choice.cost for choice in taken) + sum(problem.weights[subject] for subject in sorted(known))
