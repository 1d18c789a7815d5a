"""Which rewrites of a token's lists to take: the least opened for the bytes wanted.

An entry goes if any pattern taken covers it; a known subject is paid for once, however many patterns admit it.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from optimizer.subjects.branch import Effort, TooMuchEffortError, combined
from optimizer.subjects.greedy import Standing, swept
from optimizer.subjects.instance import Instance, reduced
from optimizer.subjects.prices import prices


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


EFFORT = 40_000_000
"""How many entries the search for prices may add up in one call."""

SEARCH_EFFORT = 300_000
"""How many steps the exact search may take in one call."""

ROUNDS = 4
"""How often prices are looked for anew among the choices that the last ones left."""

_TOLERANCE = 1e-9


def cheapest(problem: Problem, bytes_to_save: int) -> Selection:
    """The choices of least cost that save at least so many payload bytes.

    Notes
    -----
    Greedy, then a bound from `prices`, then what the bound rules out is left out and the rest searched by `combined`
    while the effort lasts. If so many bytes cannot be saved, a byte that is missing counts as dearer than everything
    else together, so that the selection saves most.
    """
    return _cheapest(_whole(problem), bytes_to_save)


def frontier(problem: Problem, points: int = 8) -> tuple[Selection, ...]:
    """Selections from nothing chosen to the most that can be saved, each dearer than the one before and saving more."""
    whole = _whole(problem)
    smallest = _cheapest(whole, sum(problem.sizes))
    steps = max(1, points - 1)
    found = [_cheapest(whole, smallest.saved * step // steps) for step in range(steps)]
    kept: list[Selection] = []
    for selection in (*found, replace(smallest, reached=True)):
        while kept and kept[-1].cost >= selection.cost and kept[-1].saved <= selection.saved:
            kept.pop()
        if not kept or selection.saved > kept[-1].saved:
            kept.append(selection)
    return tuple(kept)


def _whole(problem: Problem) -> Instance:
    return reduced(problem.sizes, problem.weights, problem.choices)


def _cheapest(whole: Instance, need: int) -> Selection:
    found = _found(whole, need)
    if found.reached:
        return found
    most = _found(whole, found.saved)  # its bound speaks of cost alone
    return replace(most, exact=found.exact and most.exact, reached=False)


def _found(whole: Instance, need: int) -> Selection:
    if need <= 0:
        return Selection((), 0, 0.0, 0.0, exact=True, reached=True)
    missing = 1.0 + sum(whole.cost) + sum(whole.weights)  # the price of a byte too few: more than everything
    best, byte = swept(whole, need, missing)
    part, share, exact, bound = whole, None, False, 0.0
    if best.saved >= need:
        part = part.restricted([choice for choice in range(len(part.names)) if part.alone(choice) <= best.paid])
    search = Effort(SEARCH_EFFORT)
    for _ in range(ROUNDS):
        at = prices(part, need, best.price(need, missing), min(byte, missing), missing, EFFORT // ROUNDS, share)
        bound, byte, share = max(bound, at.bound), at.byte, at.share
        if best.price(need, missing) - bound <= _TOLERANCE * max(1.0, at.byte):
            exact = True
            break
        before = len(part.names)
        left = at.open(part, best.price(need, missing))
        part, at = part.restricted(left), at.restricted(left)
        better, _ = swept(part, need, missing)
        if better.price(need, missing) < best.price(need, missing):
            best = better
        try:
            trades = combined(part, at, need, best.price(need, missing), search)
        except TooMuchEffortError:
            if len(left) > before * 0.9:
                break
            continue
        exact = True
        for trade in trades:
            other = Standing(part, trade.chosen)
            if other.price(need, missing) < best.price(need, missing):
                best = other
        break
    return Selection(
        tuple(sorted(best.instance.names[choice] for choice in best.chosen)),
        best.saved,
        best.paid,
        best.paid if exact else max(0.0, min(bound, best.paid)),
        exact=exact,
        reached=best.saved >= need,
    )
