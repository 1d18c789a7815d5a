"""What grew, how fast, and by too much."""

from __future__ import annotations

import random
from array import array
from fractions import Fraction
from statistics import median

import pytest
from hypothesis import given
from hypothesis import strategies as st

from optimizer.history.growth import DAY, Against, Limit, State, crossing, grown, growth, slope
from tests.unit.history.runs import OPERATOR, START, key, row, run

TENTH = Limit("10%", percent=Fraction(10))


def times(*days):
    return array("q", [START + int(day * DAY) for day in days])


def named(found):
    return [(each.after.name, each.before.token_bytes, each.after.token_bytes) for each in found]


def test_the_first_and_the_last_size_are_those_of_the_runs_that_hold_the_account():
    spans, accounts = growth([run(0, row("A", 1000)), run(1, row("A", 900), row("B", 500)), run(2, row("B", 800))])
    by_name = {each.name: each for each in accounts}
    assert [(span.runs, span.first, span.last) for span in spans] == [(3, START, START + 2 * DAY)]
    assert (by_name["ACCOUNT_A"].first.token_bytes, by_name["ACCOUNT_A"].last.token_bytes) == (1000, 900)
    assert by_name["ACCOUNT_A"].change == -100
    assert by_name["ACCOUNT_A"].percent == -10
    assert by_name["ACCOUNT_A"].state is State.VANISHED
    assert by_name["ACCOUNT_B"].state is State.NEW
    assert by_name["ACCOUNT_B"].percent == 60


def test_what_grew_most_stands_first_and_what_vanished_last():
    first = run(0, row("A", 1000), row("B", 1000), row("C", 10))
    _, accounts = growth(
        [first, run(1, row("A", 1100), row("B", 1500), row("C", 9000)), run(2, row("A", 1100), row("B", 1500))]
    )
    assert [each.account for each in accounts] == [key("B"), key("A"), key("C")]


def test_a_renamed_account_stays_one_and_shows_its_newest_name():
    _, (account,) = growth(
        [run(0, row("A", 1000, "OLD")), run(1, row("A", 1100, "MID")), run(2, row("A", 1200, "NEW"))]
    )
    assert account.name == "NEW"
    assert account.names == ["OLD", "MID", "NEW"]
    assert account.change == 200


def test_one_key_under_two_operators_is_two_accounts():
    other = "O" + "B" * 55
    spans, accounts = growth([run(0, row("A", 1000)), run(1, row("A", 5000), operator=other)])
    assert {(each.operator, each.change, each.state) for each in accounts} == {
        (OPERATOR, 0, State.PRESENT),
        (other, 0, State.PRESENT),
    }
    assert {span.runs for span in spans} == {1}


def test_a_straight_line_has_its_own_slope():
    assert slope(times(0, 1, 2, 3), [100, 200, 300, 400]) == pytest.approx(100 / DAY)


def test_a_few_odd_runs_do_not_move_the_slope():
    sizes = [10 * day for day in range(20)]
    sizes[3], sizes[9], sizes[15] = 10_000, 1, 20_000
    least_squares = 1.5 * 10  # what a line of least squares makes of it lies above that
    assert slope(times(*range(20)), sizes) * DAY == pytest.approx(10, rel=0.05)
    middle = sum(range(20)) / 20
    steep = sum((d - middle) * s for d, s in enumerate(sizes)) / sum((d - middle) ** 2 for d in range(20))
    assert steep > least_squares


@pytest.mark.parametrize("days", [(0, 1), (0, 0, 5), (0, 0.2, 0.4)])
def test_too_few_runs_or_less_than_a_day_make_no_rate(days):
    assert slope(times(*days), list(range(len(days)))) is None


def test_runs_of_the_same_second_divide_nothing_by_zero():
    assert slope(times(0, 0, 1, 2), [5, 7, 9, 11]) is not None


@given(st.lists(st.integers(1, 10_000), min_size=3, max_size=60))
def test_the_slope_is_the_median_over_all_pairs(sizes):
    days = range(len(sizes))
    pairs = [(sizes[b] - sizes[a]) / (b - a) for b in days for a in range(b)]
    assert slope(times(*days), sizes) * DAY == pytest.approx(median(pairs))


def test_a_year_of_runs_is_thinned_and_keeps_its_slope():
    chance = random.Random(7)
    sizes = [5000 + 25 * day + chance.randrange(-200, 200) for day in range(365)]
    whole = median((sizes[b] - sizes[a]) / (b - a) for b in range(365) for a in range(b))
    assert slope(times(*range(365)), sizes) * DAY == pytest.approx(whole, rel=0.05)


def test_a_limit_is_crossed_when_the_missing_bytes_are_made_up():
    _, (account,) = growth([run(day, row("A", 9000 + 100 * day)) for day in range(5)])
    rate = slope(account.times, account.sizes)
    assert crossing(account, 10_240, rate) == START + round((4 + 8.4) * DAY)


def test_what_is_above_a_limit_shrinks_or_is_ten_years_off_never_crosses_it():
    _, (account,) = growth([run(day, row("A", 9000 - day)) for day in range(5)])
    assert crossing(account, 10_240, slope(account.times, account.sizes)) is None
    assert crossing(account, 8_000, 1.0) is None
    assert crossing(account, 10_240, None) is None
    assert crossing(account, 10_240, 1244 / (10 * 365 * DAY) * 0.99) is None
    assert crossing(account, 10_240, 1244 / (10 * 365 * DAY) * 1.01) is not None


@pytest.mark.parametrize(
    ("limit", "before", "after", "passed"),
    [
        (TENTH, 1000, 1100, False),
        (TENTH, 1000, 1101, True),
        (Limit("0%", percent=Fraction(0)), 1000, 1001, True),
        (Limit("0%", percent=Fraction(0)), 1000, 1000, False),
        (Limit("100%", percent=Fraction(100)), 1000, 500, False),
        (Limit("0.1%", percent=Fraction("0.1")), 1000, 1001, False),  # exactly a tenth of a per cent: no float decides
        (Limit("2KB", bytes=2048), 1000, 3048, False),
        (Limit("2KB", bytes=2048), 1000, 3049, True),
    ],
)
def test_a_limit_is_passed_by_more_than_it(limit, before, after, passed):
    assert limit.is_passed(before, after) is passed


RUNS = [
    run(0, row("A", 1000), row("B", 1000)),
    run(1, row("A", 1500), row("B", 1020)),
    run(2, row("A", 1510), row("B", 1030), row("N", 30_000)),
]


def test_the_newest_run_is_compared_with_the_one_before():
    assert named(grown(RUNS, TENTH)) == []
    assert named(grown(RUNS[:2], TENTH)) == [("ACCOUNT_A", 1000, 1500)]


def test_or_with_the_first_or_with_a_time():
    assert named(grown(RUNS, TENTH, Against.FIRST)) == [("ACCOUNT_A", 1000, 1510)]
    assert named(grown(RUNS, TENTH, START + DAY - 1)) == [("ACCOUNT_A", 1000, 1510)]
    assert named(grown(RUNS, TENTH, START + DAY)) == []
    assert named(grown(RUNS, TENTH, START - 1)) == [("ACCOUNT_A", 1000, 1510)]
    assert named(grown(RUNS, TENTH, START + 99 * DAY)) == []


def test_a_new_account_did_not_grow():
    assert named(grown(RUNS, Limit("0", bytes=0))) == [("ACCOUNT_A", 1500, 1510), ("ACCOUNT_B", 1020, 1030)]


def test_one_run_alone_grew_nothing():
    assert grown(RUNS[:1], Limit("0", bytes=0), Against.FIRST) == []
    assert grown([], TENTH) == []


def test_a_token_that_one_run_could_not_read_hides_no_growth():
    runs = [run(0, row("A", 1000)), run(1, row("B", 10)), run(2, row("A", 2000))]
    (found,) = grown(runs, TENTH)
    assert (found.before.token_bytes, found.since) == (1000, START)


def test_two_runs_of_one_second_are_two_runs():
    runs = [run(0, row("A", 1000), fingerprint="x"), run(0, row("A", 2000), fingerprint="y")]
    assert named(grown(runs, TENTH)) == [("ACCOUNT_A", 1000, 2000)]


def test_operators_are_compared_each_with_itself():
    other = "O" + "B" * 55
    runs = [run(0, row("A", 1000)), run(1, row("A", 9000), operator=other), run(2, row("A", 1000))]
    assert grown(runs, TENTH) == []


def test_the_largest_growth_stands_first():
    runs = [run(0, row("A", 10), row("B", 10)), run(1, row("A", 20), row("B", 40))]
    assert [each.after.account for each in grown(runs, TENTH)] == [key("B"), key("A")]
