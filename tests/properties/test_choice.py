"""Laws of choosing among overlapping groups, and of finding dense ones."""

from __future__ import annotations

from itertools import combinations

from hypothesis import given
from hypothesis import strategies as st

from optimizer.graph.choice import Group, chosen, greedy
from optimizer.graph.dense import Price, dense_groups

SIZES = st.lists(st.integers(1, 200), min_size=1, max_size=12)


@st.composite
def problems(draw: st.DrawFn, most: int = 9) -> tuple[list[int], list[Group]]:
    sizes = draw(SIZES)
    items = st.frozensets(st.integers(0, len(sizes) - 1), min_size=1)
    groups = st.builds(Group, items, st.integers(0, 300), st.integers(0, 5))
    return sizes, draw(st.lists(groups, max_size=most))


def saved(sizes: list[int], groups: list[Group], taken: tuple[int, ...]) -> int:
    return sum(sum(sizes[item] for item in groups[index].covers) - groups[index].size for index in taken)


def cost(groups: list[Group], taken: tuple[int, ...]) -> int:
    return sum(groups[index].cost for index in taken)


def sets(groups: list[Group]) -> list[tuple[int, ...]]:
    return [
        some
        for count in range(len(groups) + 1)
        for some in combinations(range(len(groups)), count)
        if all(groups[i].covers.isdisjoint(groups[j].covers) for i, j in combinations(some, 2))
    ]


@given(problems())
def test_of_few_groups_the_best_set_is_taken(problem: tuple[list[int], list[Group]]):
    sizes, groups = problem
    taken = chosen(sizes, groups)
    best = max(sets(groups), key=lambda some: (saved(sizes, groups, some), -cost(groups, some)))
    assert saved(sizes, groups, taken) == saved(sizes, groups, best)
    assert cost(groups, taken) == cost(groups, best)


@given(problems(), st.integers(1, 500))
def test_of_the_sets_that_save_enough_one_that_opens_least_is_taken(
    problem: tuple[list[int], list[Group]], wanted: int
):
    sizes, groups = problem
    taken = chosen(sizes, groups, wanted)
    enough = [some for some in sets(groups) if saved(sizes, groups, some) >= wanted]
    if enough:
        assert saved(sizes, groups, taken) >= wanted
        # A group that saves nothing is never taken, so the cheapest set has none either.
        assert cost(groups, taken) == min(cost(groups, some) for some in enough)


@given(problems(most=40), st.none() | st.integers(1, 800))
def test_many_groups_are_never_chosen_worse_than_by_the_plain_greedy(
    problem: tuple[list[int], list[Group]], wanted: int | None
):
    sizes, groups = problem
    taken, plain = chosen(sizes, groups, wanted), greedy(sizes, groups, wanted)
    assert taken == tuple(sorted(set(taken)))
    assert all(groups[i].covers.isdisjoint(groups[j].covers) for i, j in combinations(taken, 2))
    if wanted is None:
        assert saved(sizes, groups, taken) >= saved(sizes, groups, plain)
    else:
        one, other = min(saved(sizes, groups, taken), wanted), min(saved(sizes, groups, plain), wanted)
        assert (one, -cost(groups, taken)) >= (other, -cost(groups, plain))


TABLES = st.lists(st.dictionaries(st.integers(0, 6), st.integers(20, 60), max_size=6), max_size=8)


@given(TABLES, st.sampled_from([1.0, 0.75]))
def test_a_dense_group_is_one_and_saves_what_it_says(table: list[dict[int, int]], filled: float):
    price = Price(group=30, row=20, column=25)
    for group in dense_groups(table, price, filled=filled):
        assert len(group.rows) > 1
        assert len(group.columns) > 1
        cells = sum(table[row].get(column, 0) for row in group.rows for column in group.columns)
        assert group.saved == cells - 30 - 20 * len(group.rows) - 25 * len(group.columns)
        if filled == 1:
            assert all(column in table[row] for row in group.rows for column in group.columns)


@given(TABLES)
def test_rows_that_are_all_alike_are_found_whole(table: list[dict[int, int]]):
    alike = {1: 50, 3: 50, 5: 50}
    groups = dense_groups([alike] * 9 + table, Price(group=30, row=20, column=25))
    best = 9 * (150 - 20) - 30 - 75
    assert groups[0].saved >= best
