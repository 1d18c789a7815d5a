from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from optimizer.claims.gosort import _Sort, go_sorted

few = st.lists(st.sampled_from("abcde"), max_size=300)


def first(item: tuple[str, int]) -> str:
    return item[0]


def numbered(keys: str | list[str]) -> list[tuple[str, int]]:
    return [(key, place) for place, key in enumerate(keys)]


@given(few | st.lists(st.text(max_size=3), max_size=120))
def test_everything_is_there_and_in_order(keys):
    found = go_sorted(numbered(keys), key=first)
    assert [key for key, _ in found] == sorted(keys)
    assert sorted(place for _, place in found) == list(range(len(keys)))


@given(st.lists(st.sampled_from("abc"), max_size=12))
def test_up_to_12_equal_elements_keep_their_order(keys):
    assert go_sorted(numbered(keys), key=first) == tuple(sorted(numbered(keys), key=first))


@given(few)
def test_what_is_in_order_stays_as_it_is(keys):
    items = numbered(sorted(keys))
    assert go_sorted(items, key=first) == tuple(items)


def test_from_13_on_equal_elements_may_change_places():
    # As `sort.Sort` of Go 1.26 leaves them; tests/oracle/test_nsc_bytes.py asks nsc itself.
    items = numbered("bababababababa")
    assert [place for _, place in go_sorted(items, key=first)] != sorted(range(14), key=lambda n: (items[n][0], n))


@pytest.mark.parametrize("size", [13, 50, 200])
def test_after_too_many_bad_pivots_the_heap_sorts(size):
    keys = [f"{n * 7919 % size:03}" for n in range(size)]
    sort = _Sort(list(keys))
    sort.run(0, size, 0)
    assert sort.keys == sorted(keys)
    assert [keys[place] for place in sort.order] == sort.keys
