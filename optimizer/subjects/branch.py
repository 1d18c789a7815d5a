"""Exact search where a problem falls into small parts: every trade of bytes against cost that could still matter.

Parts share neither entries nor known subjects, so that only the bytes they save together ties them. Each part gives
its trades, of which none saves as much for less; trades of parts are added up. What cannot beat a selection already
found is left out early: at `prices`, every selection costs the bound and what each decision against them loses.
"""

from __future__ import annotations

from bisect import bisect_left
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable

    from optimizer.subjects.prices import Prices
    from optimizer.subjects.problem import Instance


class TooMuchEffortError(Exception):
    """The search was given up."""


@dataclass(slots=True)
class Effort:
    """How many steps a search may still take."""

    left: int

    def spend(self, steps: int) -> None:
        """Counts steps before they are taken."""
        self.left -= steps
        if self.left < 0:
            raise TooMuchEffortError


@dataclass(frozen=True, slots=True)
class Trade:
    """Choices, what they save and what they cost."""

    saved: int
    cost: float
    chosen: tuple[int, ...]


DEEPEST = 200
"""Choices of a part beyond which it is not searched."""


def parts(instance: Instance) -> list[list[int]]:
    """The choices, divided so that choices of two parts share no item and no known subject."""
    over = list(range(len(instance.names)))

    def root(choice: int) -> int:
        while over[choice] != choice:
            over[choice] = over[over[choice]]
            choice = over[choice]
        return choice

    for groups in (instance.by_item, instance.by_subject):
        for group in groups:
            for other in group[1:]:
                left, right = root(group[0]), root(other)
                over[max(left, right)] = min(left, right)
    found: dict[int, list[int]] = {}
    for choice in range(len(instance.names)):
        found.setdefault(root(choice), []).append(choice)
    return list(found.values())


def combined(instance: Instance, at: Prices, need: int, known: float, effort: Effort) -> list[Trade]:
    """The trades of the whole that may cost less than a known selection, of which none saves as much for less.

    Raises
    ------
    TooMuchEffortError
        Before all was looked at.
    """
    searches = [_Search(instance, at, part, effort) for part in sorted(parts(instance), key=len)]
    slack = known - at.byte * need - sum(search.floor for search in searches)
    slack += 1e-12 * at.byte * sum(instance.items)  # what rounding may have taken
    sums, floor = [Trade(0, 0.0, ())], 0.0
    for search in searches:
        trades = search.trades(slack)
        floor += search.floor
        effort.spend(len(sums) * len(trades) // 4)
        sums = _undominated(
            Trade(min(need, one.saved + other.saved), one.cost + other.cost, one.chosen + other.chosen)
            for one in sums
            for other in trades
            if one.cost + other.cost - at.byte * min(need, one.saved + other.saved) - floor < slack
        )
    return sums


def _undominated(trades: Iterable[Trade]) -> list[Trade]:
    kept: list[Trade] = []
    for trade in sorted(trades, key=lambda trade: (-trade.saved, trade.cost, trade.chosen)):
        if not kept or trade.cost < kept[-1].cost:
            kept.append(trade)
    return kept[::-1]


class _Path(NamedTuple):
    """What the decisions so far come to."""

    saved: int = 0
    cost: float = 0.0
    lost: float = 0.0  # against the bound
    sizes: int = 0  # of the choices taken


class _Search:
    """One part: choices are decided in turn, those whose wrong decision loses most first."""

    def __init__(self, instance: Instance, at: Prices, part: list[int], effort: Effort) -> None:
        self.instance, self.at, self.slack, self.effort = instance, at, 0.0, effort
        self.order = sorted(part, key=lambda choice: (-abs(at.excess[choice]), choice))
        self.open = {item: len(instance.by_item[item]) for choice in part for item in instance.covers[choice]}
        self.covered = dict.fromkeys(self.open, 0)
        self.admitted = {one: 0 for choice in part for one in instance.admits[choice]}
        self.owed = dict.fromkeys(self.admitted, 0.0)
        self.floor = sum(at.worth[item] - at.byte * instance.items[item] for item in self.open) - sum(
            max(at.excess[choice], 0.0) for choice in part
        )
        self.reachable = sum(instance.items[item] for item in self.open)
        self.chosen: list[int] = []
        self.saved: list[int] = []  # of the trades found, ascending; costs ascend with them
        self.found: list[Trade] = []

    def trades(self, slack: float) -> list[Trade]:
        self.slack = slack
        if len(self.order) > DEEPEST:
            raise TooMuchEffortError
        self._decide(0, _Path())
        return self.found

    def _beaten(self, saved: int, cost: float) -> bool:
        place = bisect_left(self.saved, saved)
        return place < len(self.saved) and self.found[place].cost <= cost

    def _keep(self, trade: Trade) -> None:
        place = bisect_left(self.saved, trade.saved)
        first = place
        if place < len(self.saved) and self.saved[place] == trade.saved:
            place += 1
        while first > 0 and self.found[first - 1].cost >= trade.cost:
            first -= 1
        self.found[first:place] = [trade]
        self.saved[first:place] = [trade.saved]

    def _decide(self, turn: int, path: _Path) -> None:
        self.effort.spend(1)
        if path.lost >= self.slack or self._beaten(self.reachable - path.sizes, path.cost):
            return
        if turn == len(self.order):
            if not self._beaten(path.saved, path.cost):
                self._keep(Trade(path.saved, path.cost, tuple(self.chosen)))
            return
        choice = self.order[turn]
        first, second = self._take, self._leave
        if self.at.excess[choice] <= 0:
            first, second = second, first
        first(choice, turn, path)
        second(choice, turn, path)

    def _take(self, choice: int, turn: int, path: _Path) -> None:
        made, at = self.instance, self.at
        self.effort.spend((len(made.covers[choice]) + len(made.admits[choice])) // 8)
        gain, lost, price = -made.size[choice], path.lost, made.cost[choice]
        for item in made.covers[choice]:
            if self.covered[item]:
                lost += at.worth[item]
            else:
                gain += made.items[item]
            self.covered[item] += 1
        if gain > 0:  # else the same without it saves as much for less
            lost += max(-at.excess[choice], 0.0)
            for one in made.admits[choice]:
                if not self.admitted[one]:
                    price += made.weights[one]
                    lost += at.left[one] + self.owed[one]
                self.admitted[one] += 1
            self.chosen.append(choice)
            self._decide(turn + 1, _Path(path.saved + gain, path.cost + price, lost, path.sizes + made.size[choice]))
            self.chosen.pop()
            for one in made.admits[choice]:
                self.admitted[one] -= 1
        for item in made.covers[choice]:
            self.covered[item] -= 1

    def _leave(self, choice: int, turn: int, path: _Path) -> None:
        made, at = self.instance, self.at
        self.effort.spend(len(made.covers[choice]) // 8)
        lost = path.lost + max(at.excess[choice], 0.0)
        spent = at.spent.get(choice, ())
        for one, split in spent:
            if self.admitted[one]:
                lost += split
            self.owed[one] += split
        reachable = self.reachable
        for item in made.covers[choice]:
            self.open[item] -= 1
            if not self.open[item] and not self.covered[item]:
                self.reachable -= made.items[item]
                lost += at.byte * made.items[item] - at.worth[item]
        self._decide(turn + 1, path._replace(lost=lost))
        self.reachable = reachable
        for item in made.covers[choice]:
            self.open[item] += 1
        for one, split in spent:
            self.owed[one] -= split
