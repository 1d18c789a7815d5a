"""The order in which Go's ``sort.Sort`` leaves elements that compare equal.

nsc sorts exports and imports by subject alone, with a sort that is not stable: where one subject stands there twice (a
stream and a service, or imports from two accounts) the bytes of the token depend on how the sort works. Since Go 1.19
that is pattern-defeating quicksort (Orson Peters, https://arxiv.org/abs/2106.05123), without chance: the numbers that
break patterns are drawn from the length. Up to 12 elements it is insertion sort, which is stable.
"""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING, Final, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

T = TypeVar("T")

_INSERTION: Final = 12  # as many elements are sorted by insertion
_NINTHER: Final = 50  # from here on the pivot is a median of medians, and runs out of order are shifted
_SHIFTS: Final = 5
_ALL_SWAPPED: Final = 12  # four medians of three, each with its three comparisons the wrong way round
_WORD: Final = 2**64 - 1


def go_sorted(items: Iterable[T], key: Callable[[T], str]) -> tuple[T, ...]:
    """``items`` by ``key`` in the very order that ``sort.Sort`` gives them.

    Examples
    --------
    >>> go_sorted(["b1", "a1", "b2", "a2"], key=lambda item: item[0])
    ('a1', 'a2', 'b1', 'b2')
    """
    found = list(items)
    keys = [key(item) for item in found]
    stable = len(keys) <= _INSERTION or len(set(keys)) == len(keys) or all(a <= b for a, b in pairwise(keys))
    if stable:
        return tuple(sorted(found, key=key))
    sort = _Sort(keys)
    sort.run(0, len(keys), len(keys).bit_length())
    return tuple(found[index] for index in sort.order)


class _Sort:
    """One sort in place: ``keys`` move, and ``order`` says where each came from."""

    def __init__(self, keys: list[str]) -> None:
        self.keys = keys
        self.order = list(range(len(keys)))

    def swap(self, i: int, j: int) -> None:
        self.keys[i], self.keys[j] = self.keys[j], self.keys[i]
        self.order[i], self.order[j] = self.order[j], self.order[i]

    def run(self, low: int, high: int, bad_pivots: int) -> None:
        """Sort from ``low`` to before ``high``; after so many bad pivots, by heap."""
        balanced = partitioned = True
        while high - low > _INSERTION:
            if bad_pivots == 0:
                self.by_heap(low, high)
                return
            if not balanced:
                self.scatter(low, high)
                bad_pivots -= 1
            pivot, swaps = self.pivot(low, high)
            if swaps == _ALL_SWAPPED:
                self.reverse(low, high)
                pivot = high - 1 - (pivot - low)
                swaps = 0
            if balanced and partitioned and swaps == 0 and self.nearly_sorted(low, high):
                return
            if low > 0 and self.keys[low - 1] >= self.keys[pivot]:
                low = self.split_equal(low, high, pivot)
                continue
            middle, partitioned = self.split(low, high, pivot)
            left, right = middle - low, high - middle
            balanced = min(left, right) >= (high - low) // 8
            if left < right:
                self.run(low, middle, bad_pivots)
                low = middle + 1
            else:
                self.run(middle + 1, high, bad_pivots)
                high = middle
        self.by_insertion(low, high)

    def by_insertion(self, low: int, high: int) -> None:
        for start in range(low + 1, high):
            self.sink(start, low)

    def sink(self, index: int, low: int) -> None:
        """Move the element at ``index`` down past the greater ones, no further than ``low``."""
        while index > low and self.keys[index] < self.keys[index - 1]:
            self.swap(index, index - 1)
            index -= 1

    def by_heap(self, low: int, high: int) -> None:
        size = high - low
        for root in range((size - 1) // 2, -1, -1):
            self.sift(root, size, low)
        for last in range(size - 1, -1, -1):
            self.swap(low, low + last)
            self.sift(0, last, low)

    def sift(self, root: int, size: int, low: int) -> None:
        keys = self.keys
        while (child := 2 * root + 1) < size:
            if child + 1 < size and keys[low + child] < keys[low + child + 1]:
                child += 1
            if keys[low + root] >= keys[low + child]:
                return
            self.swap(low + root, low + child)
            root = child

    def pivot(self, low: int, high: int) -> tuple[int, int]:
        """The index to split at, and how many comparisons were the wrong way round."""
        quarter = (high - low) // 4
        chosen = [low + quarter, low + 2 * quarter, low + 3 * quarter]
        swaps = 0
        if high - low >= _NINTHER:
            for place, index in enumerate(chosen):
                chosen[place], swapped = self.median(index - 1, index, index + 1)
                swaps += swapped
        middle, swapped = self.median(*chosen)
        return middle, swaps + swapped

    def median(self, a: int, b: int, c: int) -> tuple[int, int]:
        keys, swaps = self.keys, 0
        if keys[b] < keys[a]:
            a, b, swaps = b, a, swaps + 1
        if keys[c] < keys[b]:
            b, swaps = c, swaps + 1
        if keys[b] < keys[a]:
            b, swaps = a, swaps + 1
        return b, swaps

    def reverse(self, low: int, high: int) -> None:
        self.keys[low:high] = self.keys[low:high][::-1]
        self.order[low:high] = self.order[low:high][::-1]

    def nearly_sorted(self, low: int, high: int) -> bool:
        """Shift a few elements that are out of order; whether all is in order then."""
        keys, index = self.keys, low + 1
        for _ in range(_SHIFTS):
            while index < high and keys[index] >= keys[index - 1]:
                index += 1
            if index == high:
                return True
            if high - low < _NINTHER:
                return False
            self.swap(index, index - 1)
            if index - low > 1:
                self.sink(index - 1, 0)  # to 0, not to `low`: the sort does so, and nothing before is greater
            rising = index + 1
            while rising < high and keys[rising] < keys[rising - 1]:
                self.swap(rising, rising - 1)
                rising += 1
        return False

    def split(self, low: int, high: int, pivot: int) -> tuple[int, bool]:
        """Smaller elements before the pivot, others after: where it stands then, and whether all stood so."""
        keys = self.keys
        self.swap(low, pivot)
        i, j, in_place = low + 1, high - 1, True
        while True:
            while i <= j and keys[i] < keys[low]:
                i += 1
            while i <= j and keys[j] >= keys[low]:
                j -= 1
            if i > j:
                self.swap(j, low)
                return j, in_place
            in_place = False
            self.swap(i, j)
            i, j = i + 1, j - 1

    def split_equal(self, low: int, high: int, pivot: int) -> int:
        """Elements equal to the pivot before the greater ones: where those begin."""
        keys = self.keys
        self.swap(low, pivot)
        i, j = low + 1, high - 1
        while True:
            while i <= j and keys[low] >= keys[i]:
                i += 1
            while i <= j and keys[low] < keys[j]:
                j -= 1
            if i > j:
                return i
            self.swap(i, j)
            i, j = i + 1, j - 1

    def scatter(self, low: int, high: int) -> None:
        """Swap three elements of the middle with others, drawn by an xorshift that the length seeds."""
        size = high - low
        state, mask = size, (1 << size.bit_length()) - 1
        middle = low + size // 4 * 2
        for index in range(middle - 1, middle + 2):
            state ^= state << 13 & _WORD
            state ^= state >> 7
            state ^= state << 17 & _WORD
            other = state & mask
            self.swap(index, low + (other - size if other >= size else other))
