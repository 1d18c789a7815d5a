"""What each byte and each entry is worth at best: prices under which no selection is cheaper than a number, the bound.

Give every entry a share between 0 and 1 of what its bytes are worth at a price `byte`, and every known subject a split
of its weight over choices that admit it. At these prices a choice that pays more than it costs has an *excess*. Then
every selection that saves enough costs at least

    sum of (shares - 1) * size * byte  +  byte * bytes to save  -  sum of excesses

whatever the prices are (weak duality of the linear relaxation; docs/decisions/0007-least-widening.md). Subgradient
steps look for prices that make it large; they decide how good the bound is, never whether it holds.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from math import exp
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from optimizer.subjects.problem import Instance

_NOTHING = 1e-12


@dataclass(slots=True)
class Prices:
    """Prices, and the bound they prove.

    Parameters
    ----------
    bound
        No selection that saves enough costs less.
    byte
        The price of a payload byte.
    worth
        Of each item, at most its bytes times the price of a byte.
    excess
        By how much each choice pays: what a selection without it loses against the bound. Negative: what a
        selection with it loses.
    spent
        Of each choice that needed them, its split of known subjects' weights.
    left
        What remains of each known subject's weight.
    """

    bound: float
    byte: float
    worth: list[float]
    excess: list[float]
    spent: dict[int, list[tuple[int, float]]]
    left: list[float]
    share: list[float]

    def open(self, instance: Instance, known: float) -> list[int]:
        """The choices that a selection cheaper than a known one may still hold."""
        return [
            choice
            for choice, excess in enumerate(self.excess)
            if self.bound - min(excess, 0.0) + sum(self.left[one] for one in instance.admits[choice]) < known
        ]

    def restricted(self, choices: Sequence[int]) -> Prices:
        """The same for some of the choices, as `Instance.restricted` numbers them."""
        return replace(
            self,
            excess=[self.excess[choice] for choice in choices],
            spent={index: self.spent[choice] for index, choice in enumerate(choices) if choice in self.spent},
        )


def priced(instance: Instance, need: int, byte: float, share: Sequence[float], order: Sequence[int]) -> Prices:
    """The bound at given prices: each weight goes to the first choices in an order that can use it."""
    worth = [byte * size * part for size, part in zip(instance.items, share, strict=True)]
    of = worth.__getitem__
    left = list(instance.weights)
    excess = [0.0] * len(instance.names)
    spent: dict[int, list[tuple[int, float]]] = {}
    total = sum(worth) + byte * (need - sum(instance.items))
    for choice in order:
        pays = sum(map(of, instance.covers[choice])) - instance.cost[choice] - byte * instance.size[choice]
        if pays > 0:
            splits = []
            for one in instance.admits[choice]:
                if left[one] > 0:
                    part = min(left[one], pays)
                    left[one] -= part
                    pays -= part
                    splits.append((one, part))
                    if pays <= _NOTHING:
                        pays = max(pays, 0.0)
                        break
            if splits:
                spent[choice] = splits
            total -= pays
        excess[choice] = pays
    return Prices(total, byte, worth, excess, spent, left, list(share))


def prices(
    instance: Instance,
    need: int,
    *,
    known: float,
    byte: float,
    most: float,
    effort: int,
    share: Sequence[float] | None = None,
) -> Prices:
    """Prices whose bound is as large as so much effort makes it.

    Parameters
    ----------
    known
        The cost of a selection already found, which the steps aim at.
    byte, share
        Where to start.
    most
        The highest price of a byte.
    """
    order = sorted(range(len(instance.names)), key=lambda choice: (len(instance.admits[choice]), choice))
    touched = sum(map(len, instance.covers)) + sum(map(len, instance.admits)) // 4 + 3 * len(instance.items) + 1
    rounds = max(4, min(400, effort // touched))
    starts = []
    if share is not None:
        starts = [[part if by else 1.0 for part, by in zip(share, instance.by_item, strict=True)]]
    tries = [(byte * 0.5**halving) for halving in range(6)] if share is None else [byte]
    best: Prices | None = None
    for price in tries:
        for start in starts or [_opening(instance, price, split=1), _opening(instance, price, split=2)]:
            found = priced(instance, need, min(price, most), start, order)
            if best is None or found.bound > best.bound:
                best = found
    assert best is not None  # noqa: S101 there is always a first try
    now, pace, stalled = best, 1.0, 0
    everything = max(sum(instance.items), 1)
    for _ in range(rounds):
        # A known selection may be far above what the relaxation can prove: aim a little above the best bound.
        gap = min(known, best.bound + max(0.25 * abs(best.bound), 0.01 * known)) - now.bound
        if known - best.bound <= 1e-9 * max(1.0, abs(known)) or pace < 1e-6:  # noqa: PLR2004
            break
        times = [1] * len(instance.items)
        drift = float(need - everything)
        for choice, pays in enumerate(now.excess):
            if pays > _NOTHING:
                drift += instance.size[choice]
                for item in instance.covers[choice]:
                    times[item] -= 1
        slope = [now.byte * size * count for size, count in zip(instance.items, times, strict=True)]
        norm = 0.0
        for size, part, count, up in zip(instance.items, now.share, times, slope, strict=True):
            drift += size * part * count
            if (up > 0 and part < 1) or (up < 0 and part > 0):
                norm += up * up
        step = pace * gap / norm if norm > 0 else 0.0
        moved = [min(1.0, max(0.0, part + step * up)) for part, up in zip(now.share, slope, strict=True)]
        price = min(most, now.byte * exp(max(-0.2, min(0.2, pace * drift / everything))))
        now = priced(instance, need, price, moved, order)
        if now.bound > best.bound:
            stalled = 0 if now.bound > best.bound + 1e-4 * abs(best.bound) else stalled + 1
            best = now
        else:
            stalled += 1
        if stalled > 4:  # noqa: PLR2004
            now, pace, stalled = best, pace / 2, 0
    return best


def _opening(instance: Instance, byte: float, split: int) -> list[float]:
    """Shares at which, but for known subjects admitted by several, no choice pays more than it costs."""
    share = [1.0] * len(instance.items)
    if byte <= 0:
        return share
    weights = [
        weight / max(1, len(by) if split > 1 else 1)
        for weight, by in zip(instance.weights, instance.by_subject, strict=True)
    ]
    for choice, covers in enumerate(instance.covers):
        costs = instance.cost[choice] + byte * instance.size[choice]
        costs += sum(weights[one] for one in instance.admits[choice])
        part = costs / (byte * sum(instance.items[item] for item in covers))
        if part < 1:
            for item in covers:
                share[item] = min(share[item], part)
    return share
