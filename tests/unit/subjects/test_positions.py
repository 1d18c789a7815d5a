"""`positions`: at which token a list grows, what is a value there, and what it costs."""

from __future__ import annotations

import doctest
import random
import sys
from itertools import product

import pytest

from optimizer.claims.gojson import go_json
from optimizer.subjects import positions as module
from optimizer.subjects.positions import Position, positions
from tests import strategies


def test_the_example_of_the_docstring_is_so():
    found = doctest.testmod(module)
    assert found.attempted
    assert not found.failed


def orders(*endings, count=5):
    return [f"orders.{number}.{ending}" for number in range(100, 100 + count) for ending in endings]


def test_shapes_with_the_same_values_are_one_position():
    first, *others = positions(orders("created", "paid"))
    assert first == Position(2, ("orders.ID.created", "orders.ID.paid"), 5, 10, 5 * 21 + 5 * 18)
    assert first.bytes_a_value == 21 + 18
    assert others == []


def test_of_equally_costly_positions_the_one_with_more_values_comes_first():
    first, second = positions(orders("created", "paid", "sent"))
    assert (first.place, first.values, len(first.shapes)) == (2, 5, 3)
    assert (second.place, second.values, len(second.shapes)) == (3, 3, 5)
    assert first.payload_bytes == second.payload_bytes
    assert positions(orders("created", "paid", "sent"), least=4) == [first]


def test_shapes_with_other_values_stay_apart():
    found = positions([*orders("created"), *orders("paid", count=3)])
    assert [(each.shapes, each.values) for each in found] == [(("orders.ID.created",), 5), (("orders.ID.paid",), 3)]


def test_copies_cost_and_are_no_values():
    (found,) = positions(orders("paid", count=3) * 2)
    assert (found.values, found.entries, found.payload_bytes) == (3, 6, 6 * 18)


@pytest.mark.parametrize("odd", ["*", ">", ""])
def test_a_wildcard_and_nothing_are_no_values(odd):
    (found,) = positions([*orders("paid", count=3), f"orders.{odd}.paid"])
    assert (found.values, found.entries) == (3, 3)


@pytest.mark.parametrize("odd", ["{{name()}}", "{{tag(x)}}", "{{ tag( x ) }}"])
def test_a_template_is_no_value_and_may_stand_around_one(odd):
    assert positions([f"a.{odd}.b", "a.x.b", "a.y.b"]) == []
    (found,) = positions([f"a.{odd}.{end}" for end in "bcd"])
    assert (found.place, found.shapes) == (3, (f"a.{odd}.ID",))


def test_no_token_of_a_template_with_dots_in_it_is_a_value():
    assert positions([f"a.{{{{tag(x.{each}.z)}}}}.b" for each in "pqr"]) == []
    (found,) = positions([f"a.{{{{tag(x.y.z)}}}}.{each}" for each in "pqr"])
    assert found.shapes == ("a.{{tag(x.y.z)}}.ID",)


def test_entries_of_different_queues_are_not_alike():
    assert positions(["a.x one", "a.y two", "a.z"]) == []
    (found,) = positions([f"a.{each} work" for each in "xyz"])
    assert found == Position(2, ("a.ID work",), 3, 3, 3 * len('"a.x work",'))


def test_a_subject_that_varies_at_two_places_at_once_is_no_position():
    assert positions(["a.1.x", "a.2.y", "a.3.z"]) == []


def test_braces_that_close_nothing_hide_no_template_behind_them():
    assert positions([f"a}}}}.{{{{tag(x.{each}.z)}}}}.b" for each in "pqr"]) == []


def test_sizes_of_ones_own_are_taken():
    (found,) = positions(orders("paid", count=3), [100, 200, 300])
    assert (found.payload_bytes, found.bytes_a_value) == (600, 200)
    with pytest.raises(ValueError, match="zip"):
        positions(orders("paid"), [1])


def test_nothing_grows_in_an_empty_list():
    assert positions([]) == []


@pytest.mark.parametrize("text", ["a.>", 'a."q"', "a.\\b", "a.&<>", "a.b q", "ä.ö"])
def test_an_entry_costs_what_go_writes_for_it(text):
    (found,) = positions([f"{each}.{text}" for each in "xyz"])
    assert found.payload_bytes == 3 * (len(go_json(f"x.{text}")) + 1)


def by_hand(texts, least):
    """The same from its definition, entry against entry."""
    split = {text: (text.partition(" ")[0].split("."), text.partition(" ")[1:]) for text in texts}
    sums = {}
    for (tokens, queue), place in ((each, place) for each in split.values() for place in range(len(each[0]))):
        alike = {
            other
            for other, (others, its) in split.items()
            if its == queue
            and len(others) == len(tokens)
            and all(a == b for at, (a, b) in enumerate(zip(tokens, others, strict=True)) if at != place)
            and others[place] not in ("*", ">", "")
        }
        values = frozenset(split[other][0][place] for other in alike)
        if len(values) >= least:
            sums.setdefault((place + 1, values), set()).update(alike)
    return {
        (place, len(values), len(alike), sum(len(go_json(text)) + 1 for text in alike))
        for (place, values), alike in sums.items()
    }


def test_drawn_lists_have_the_positions_that_the_definition_gives_them():
    chance = random.Random(6)
    some = 0
    for _ in range(300):
        drawn = {strategies.pattern(chance, 3) for _ in range(chance.randint(0, 30))}
        drawn |= {f"{each} {chance.choice('qr')}" for each in chance.sample(sorted(drawn), len(drawn) // 3)}
        found = positions(sorted(drawn))
        assert {(each.place, each.values, each.entries, each.payload_bytes) for each in found} == by_hand(drawn, 3)
        some += bool(found)
        shuffled = sorted(drawn)
        chance.shuffle(shuffled)
        assert positions(shuffled) == found
    assert some > 50


def test_every_place_of_a_full_product_is_one_position():
    texts = [".".join(each) for each in product("abc", "defg", "hijkl")]
    assert [(each.place, each.values, len(each.shapes), each.entries) for each in positions(texts)] == [
        (3, 5, 12, 60),
        (2, 4, 15, 60),
        (1, 3, 20, 60),
    ]


def steps(count):
    """Calls made for so many entries, which vary at two of their five places."""
    texts = [f"shop.{count}.shelf{number % 97}.{number}.level" for number in range(count)]
    calls = 0

    def counted(_frame, event, _argument):
        nonlocal calls
        calls += event in ("call", "c_call")

    sys.setprofile(counted)
    try:
        positions(texts)
    finally:
        sys.setprofile(None)
    return calls


def test_ten_times_the_entries_take_ten_times_the_steps():
    assert steps(10_000) < 11 * steps(1_000)


def test_a_subject_of_many_tokens_takes_no_more_for_each():
    deep = ".".join(map(str, range(20_000)))
    (found,) = positions([f"{deep}.{each}" for each in "xyz"])
    assert found.place == 20_001
