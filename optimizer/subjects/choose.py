"""Which rewrites of a token's lists to take: the least opened for the bytes wanted.

An entry goes if any pattern taken covers it; a known subject is paid for once, however many patterns admit it.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from optimizer.subjects.branch import Effort, TooMuchEffortError, combined
from optimizer.subjects.greedy import Standing, at_price, repaired, swept
from optimizer.subjects.prices import prices
from optimizer.subjects.problem import Choice, Instance, Problem, reduced

__all__ = ["Choice", "Problem", "Selection", "cheapest", "frontier"]


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


EFFORT = 12_000_000
"""How many entries the search for prices may add up in one call."""

REPAIR_EFFORT = 3_000_000
"""How many entries the local changes of a selection may touch in one call."""

SEARCH_EFFORT = 500_000
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
    return _cheapest(reduced(problem), bytes_to_save)


def frontier(problem: Problem, points: int = 8) -> tuple[Selection, ...]:
    """Selections from nothing chosen to the most that can be saved, each saving more than the one before.

    From the second on each is dearer than the one before: of two that cost the same, the one that saves more stays.
    There are at most so many points, their savings about evenly spread, each with its own bound.
    """
    whole = reduced(problem)
    smallest = _cheapest(whole, sum(problem.sizes))
    steps = max(1, points - 1)
    kept: list[Selection] = []
    for selection in (
        *(_cheapest(whole, smallest.saved * step // steps) for step in range(1, steps)),
        replace(smallest, reached=True),
    ):
        while kept and kept[-1].cost >= selection.cost and kept[-1].saved <= selection.saved:
            kept.pop()
        if selection.saved > (kept[-1].saved if kept else 0):
            kept.append(selection)
    return (_found(whole, 0), *kept)


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
    best = repaired(best, need, missing, byte, REPAIR_EFFORT)
    part, share, exact, bound = whole, None, False, 0.0
    if best.saved >= need:
        part = part.restricted([choice for choice in range(len(part.names)) if part.alone(choice) <= best.paid])
    search = Effort(SEARCH_EFFORT)
    for _ in range(ROUNDS):
        at = prices(
            part, need, known=best.price(need, missing), byte=byte, most=missing, effort=EFFORT // ROUNDS, share=share
        )
        bound, byte, share = max(bound, at.bound), at.byte, at.share
        if best.price(need, missing) - bound <= _TOLERANCE * max(1.0, at.byte):
            exact = True
            break
        before = len(part.names)
        left = at.open(part, best.price(need, missing))
        part, at = part.restricted(left), at.restricted(left)
        better, _ = at_price(part, need, byte)
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
