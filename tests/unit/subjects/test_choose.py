from __future__ import annotations

import itertools

from optimizer.subjects.choose import Choice, Problem, cheapest, frontier

SIZES = (20,) * 6


def _problem(*choices, weights=(100.0,) * 4):
    return Problem(SIZES, weights, choices)


def test_nothing_is_taken_for_nothing():
    found = cheapest(_problem(Choice((0, 1, 2), 10, 0.0)), 0)
    assert (found.chosen, found.saved, found.cost, found.exact, found.reached) == ((), 0, 0.0, True, True)


def test_the_cheaper_of_two_is_taken():
    found = cheapest(_problem(Choice((0, 1, 2), 10, 4.0), Choice((0, 1, 2), 11, 1.0)), 40)
    assert (found.chosen, found.saved, found.cost, found.exact) == ((1,), 49, 1.0, True)


def test_an_entry_covered_twice_goes_once():
    found = cheapest(_problem(Choice((0, 1, 2), 10, 1.0), Choice((2, 3, 4), 10, 1.0)), 80)
    assert (found.chosen, found.saved) == ((0, 1), 80)


def test_a_known_subject_is_paid_for_once():
    both = _problem(Choice((0, 1, 2), 10, 1.0, (0, 1)), Choice((3, 4, 5), 10, 1.0, (1, 0)))
    assert cheapest(both, 100).cost == 202.0


def test_a_subject_already_paid_for_makes_a_neighbour_cheaper_than_a_stranger():
    found = cheapest(
        _problem(
            Choice((0, 1), 10, 0.0, (0,)),
            Choice((2, 3), 10, 5.0, (0,)),  # cheaper beside the first
            Choice((2, 3), 10, 50.0),  # cheaper by itself
            Choice((4, 5), 10, 1.0, (0, 1)),
        ),
        60,
    )
    assert (found.chosen, found.cost, found.exact) == ((0, 1), 105.0, True)


def test_a_choice_made_needless_by_a_wider_one_is_not_taken():
    narrow = [Choice((index, index + 1), 10, 1.0) for index in (0, 2, 4)]
    found = cheapest(_problem(*narrow, Choice(tuple(range(6)), 12, 9.0)), 100)
    assert (found.chosen, found.saved) == ((3,), 108)


def test_out_of_reach_is_what_saves_most():
    found = cheapest(_problem(Choice((0, 1, 2), 10, 1.0), Choice((3, 4), 10, 1.0, (0,)), Choice((3, 4), 10, 2.0)), 119)
    assert not found.reached
    assert found.exact
    assert (found.chosen, found.saved, found.cost, found.bound) == ((0, 2), 80, 3.0, 3.0)


def test_a_choice_that_saves_nothing_is_never_taken():
    assert cheapest(_problem(Choice((0,), 20, 0.0)), 1).chosen == ()


def test_the_frontier_runs_from_nothing_to_the_smallest():
    points = frontier(
        _problem(Choice((0, 1, 2), 10, 1.0), Choice((3, 4, 5), 10, 1.0, (0,)), Choice(tuple(range(6)), 12, 500.0))
    )
    assert points[0].chosen == ()
    assert points[-1].saved == 108
    for before, after in itertools.pairwise(points):
        assert before.saved < after.saved
        assert before.cost < after.cost
    assert all(point.bound <= point.cost for point in points)


def test_a_problem_without_choices_has_a_frontier_of_one_point():
    assert [point.chosen for point in frontier(Problem((5, 5), (), ()))] == [()]


def test_the_same_problem_gives_the_same_selection():
    choices = tuple(
        Choice(covers, 9, float(sum(covers) % 3 + 1), (sum(covers) % 4,))
        for covers in itertools.combinations(range(6), 3)
    )
    problem = Problem(SIZES, (3.0, 5.0, 1.0, 2.0), choices)
    assert cheapest(problem, 90) == cheapest(problem, 90)
