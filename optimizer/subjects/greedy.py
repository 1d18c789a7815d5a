"""A good selection, fast: the cheapest byte first, then out with what the later ones made needless."""

from __future__ import annotations

from heapq import heapify, heappop, heappush
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

    from optimizer.subjects.problem import Instance

_FREE = 1e-12
_FACTORS = (3.0, 1.4)
_RAISE = 5.0


class Standing:
    """Some choices taken: what they save and cost, and what one more or one fewer would."""

    def __init__(self, instance: Instance, chosen: Iterable[int] = ()) -> None:
        self.instance = instance
        self.chosen: set[int] = set()
        self.covered = [0] * len(instance.items)
        self.admitted = [0] * len(instance.weights)
        self.saved = 0
        self.paid = 0.0
        for choice in chosen:
            self.add(choice)

    def price(self, need: int, missing: float) -> float:
        """What it costs, and a price for each byte that it saves too few."""
        return self.paid + missing * max(0, need - self.saved)

    def adding(self, choice: int) -> tuple[int, float]:
        """Bytes one more choice saves, and what it costs."""
        made, covered, admitted = self.instance, self.covered, self.admitted
        gain = sum(made.items[item] for item in made.covers[choice] if not covered[item]) - made.size[choice]
        return gain, made.cost[choice] + sum(made.weights[one] for one in made.admits[choice] if not admitted[one])

    def dropping(self, choice: int) -> tuple[int, float]:
        """Bytes lost with a choice (fewer than none, where it is needless), and what it cost."""
        made, covered, admitted = self.instance, self.covered, self.admitted
        loss = sum(made.items[item] for item in made.covers[choice] if covered[item] == 1) - made.size[choice]
        return loss, made.cost[choice] + sum(made.weights[one] for one in made.admits[choice] if admitted[one] == 1)

    def add(self, choice: int) -> None:
        """Takes a choice."""
        gain, price = self.adding(choice)
        self.saved += gain
        self.paid += price
        self.chosen.add(choice)
        for item in self.instance.covers[choice]:
            self.covered[item] += 1
        for one in self.instance.admits[choice]:
            self.admitted[one] += 1

    def drop(self, choice: int) -> None:
        """Gives a choice up."""
        loss, price = self.dropping(choice)
        self.saved -= loss
        self.paid -= price
        self.chosen.remove(choice)
        for item in self.instance.covers[choice]:
            self.covered[item] -= 1
        for one in self.instance.admits[choice]:
            self.admitted[one] -= 1


def at_price(instance: Instance, need: int, byte: float | None) -> tuple[Standing, float]:
    """A greedy selection without what later choices made needless, and what `fill` says."""
    standing = Standing(instance)
    last = fill(standing, need, byte)
    trim(standing, need)
    return standing, last


def swept(instance: Instance, need: int, missing: float) -> tuple[Standing, float]:
    """The best of several greedy selections, and the price of a byte that led to it.

    It starts at that of the last byte of a selection without one, is raised until enough is saved, and then moved
    either way as long as that makes the selection cheaper. `missing` is the price of each byte saved too few, and the
    highest.
    """
    best, byte = at_price(instance, need, None)
    tried = byte
    while best.saved < need and tried < missing:
        tried = min(max(tried, _FREE * missing) * _RAISE, missing)
        other, _ = at_price(instance, need, tried)
        if other.price(need, missing) < best.price(need, missing):
            best, byte = other, tried
    for factor in _FACTORS:
        for direction in (factor, 1 / factor):
            tried = byte
            while _FREE < tried * direction < missing * factor:
                tried = min(tried * direction, missing)
                other, _ = at_price(instance, need, tried)
                if other.price(need, missing) >= best.price(need, missing):
                    break
                best, byte = other, tried
    return best, byte


def repaired(best: Standing, need: int, missing: float, byte: float, effort: int) -> Standing:
    """The best selection that local changes lead to, while the effort lasts.

    Each choice is tried as the first one taken, as one more, and as one fewer, and the rest filled and trimmed.
    """
    made = best.instance
    each = sum(map(len, made.covers)) + sum(map(len, made.admits)) + len(made.names) + 1
    better = True
    while better:
        better = False
        for choice in range(len(made.names)):
            inside = choice in best.chosen
            starts = [best.chosen - {choice}] if inside else [best.chosen | {choice}, {choice}]
            for start in starts:
                effort -= each
                if effort < 0:
                    return best
                other = Standing(made, sorted(start))
                fill(other, need, byte, choice if inside else None)
                trim(other, need)
                if other.price(need, missing) < best.price(need, missing) - _FREE * missing:
                    best, better = other, True
    return best


def fill(standing: Standing, need: int, byte: float | None = None, without: int | None = None) -> float:
    """Takes choice after choice until enough is saved or no more can be; the price of the last byte saved.

    Without a price of a byte, the next is the one that saves a byte for least; with one, the one that replaces a byte
    for least, its own bytes paid for: at a high price, the smallest list.
    """
    made = standing.instance
    gains, prices = [0] * len(made.names), [0.0] * len(made.names)

    def rank(choice: int) -> float:
        price = max(prices[choice], 0.0)  # rounding
        if byte is None:
            return price / gains[choice]
        return (price + byte * made.size[choice]) / (gains[choice] + made.size[choice])

    heap: list[tuple[float, int]] = []
    last = 0.0
    for choice in range(len(made.names)):
        if choice not in standing.chosen and choice != without:
            gains[choice], prices[choice] = standing.adding(choice)
            if gains[choice] > 0:
                heap.append((rank(choice), choice))
    heapify(heap)
    while heap and standing.saved < need:
        ranked, choice = heappop(heap)
        if choice in standing.chosen or gains[choice] <= 0:
            continue
        now = rank(choice)
        if now > ranked + _FREE:
            heappush(heap, (now, choice))
            continue
        last = max(prices[choice], 0.0) / gains[choice]
        items = [item for item in made.covers[choice] if not standing.covered[item]]
        subjects = [one for one in made.admits[choice] if not standing.admitted[one]]
        standing.add(choice)
        for item in items:
            for other in made.by_item[item]:
                gains[other] -= made.items[item]
        for one in subjects:
            for other in made.by_subject[one]:
                prices[other] -= made.weights[one]
                if gains[other] > 0 and other != without:
                    heappush(heap, (rank(other), other))
    return last


def trim(standing: Standing, need: int) -> None:
    """Drops what is not needed (or, where too little is saved, saves nothing), the dearest byte first."""
    need = min(need, standing.saved)
    todo = []
    for choice in standing.chosen:
        loss, price = standing.dropping(choice)
        todo.append((-price / loss if loss > 0 else -float("inf"), -price, choice))
    for _, _, choice in sorted(todo):
        loss, _ = standing.dropping(choice)
        if standing.saved - loss >= need:
            standing.drop(choice)
