"""Candidates against every mask of every entry; selections and bounds against brute force and against HiGHS."""

from __future__ import annotations

import itertools
import random

import numpy as np
import pytest
from scipy.optimize import Bounds, LinearConstraint, milp
from scipy.sparse import coo_matrix

from optimizer.settings import Weights
from optimizer.subjects.choose import Choice, Problem, cheapest, frontier
from optimizer.subjects.generalise import generalisations, matched, openness, payload
from optimizer.subjects.subject import Subject
from tests.strategies import BUDGET

CLOSE = 1e-6


# candidates ---------------------------------------------------------------------------------------------------------


def _entries(chance, most=9, depth=4, tokens="aabbc*"):
    found = set()
    for _ in range(chance.randint(3, most)):
        entry = [chance.choice(tokens) * chance.choice((1, 1, 3)) for _ in range(chance.randint(1, depth))]
        entry = ["*" if "*" in token else token for token in entry]
        if chance.random() < 0.1:
            entry[chance.randrange(len(entry))] = chance.choice(("{{name()}}", "{{tag(a)}}"))
        if len(entry) > 1 and chance.random() < 0.15:
            entry[-1] = ">"
        found.add(tuple(entry))
    return sorted(found)


def _masks(tokens):
    for stars in itertools.product((False, True), repeat=len(tokens)):
        pattern = tuple("*" if star else token for star, token in zip(stars, tokens, strict=True))
        if not any(star and (token == ">" or "{{" in token) for star, token in zip(stars, tokens, strict=True)):
            yield pattern
        for cut in range(1, len(tokens)):
            if not any(star and "{{" in token for star, token in zip(stars[:cut], tokens, strict=False)):
                yield (*pattern[:cut], ">")


def _inside(pattern, entry):
    over_template = any(mine == "*" and "{{" in theirs for mine, theirs in zip(pattern, entry, strict=False))
    return not over_template and Subject(".".join(pattern)).covers(Subject(".".join(entry)))


def _keeps(pattern, prefix):
    wild = [place for place, token in enumerate(pattern) if token in ("*", ">")]
    return not wild or wild[0] >= prefix or any(token not in ("*", ">") for token in pattern[wild[0] :])


def test_every_pattern_is_a_candidate_or_beaten_by_one():
    chance = random.Random(71)
    seen = 0
    for _ in range(400 * BUDGET):
        entries = _entries(chance)
        prefix, least = chance.choice((1, 1, 2)), chance.choice((2, 3))
        found = {each.tokens: each.covers for each in generalisations(entries, keep_prefix=prefix, least=least)}
        seen += len(found)
        wanted = {}
        for pattern in {pattern for entry in entries for pattern in _masks(entry)}:
            covers = tuple(index for index, entry in enumerate(entries) if _inside(pattern, entry))
            if len(covers) >= least and pattern not in entries and _keeps(pattern, prefix):
                wanted[pattern] = covers
        assert found.items() <= wanted.items(), entries
        for pattern, covers in wanted.items():
            beaten = [
                other
                for other in wanted
                if other != pattern
                and wanted[other] == covers
                and payload(other) <= payload(pattern)
                and Subject(".".join(pattern)).covers(Subject(".".join(other)))
            ]
            assert (pattern in found) == (not beaten), (entries, pattern, beaten)
    assert seen > 250


def test_matched_is_what_the_server_admits():
    chance = random.Random(72)
    for _ in range(300 * BUDGET):
        patterns = _entries(chance, tokens="ab*")
        subjects = _entries(chance, most=20, tokens="ab")
        subjects = [subject for subject in subjects if ">" not in subject and "{{" not in "".join(subject)]
        for subscribe in (False, True):
            for pattern, admitted in zip(patterns, matched(patterns, subjects, subscribe=subscribe), strict=True):
                reach = (*pattern[:-1], ">") if subscribe and pattern[-1] == "*" else pattern
                wide = Subject(".".join(reach))
                wanted = tuple(i for i, tokens in enumerate(subjects) if wide.admits(Subject(".".join(tokens))))
                assert admitted == wanted, (pattern, subjects)


# selections ---------------------------------------------------------------------------------------------------------


def _weighed(problem, chosen):
    taken = [problem.choices[index] for index in chosen]
    gone = {item for choice in taken for item in choice.covers}
    known = {subject for choice in taken for subject in choice.admits}
    saved = sum(problem.sizes[item] for item in gone) - sum(choice.size for choice in taken)
    return saved, sum(choice.cost for choice in taken) + sum(problem.weights[subject] for subject in known)


def _all(problem):
    everything = range(len(problem.choices))
    return [
        _weighed(problem, chosen)
        for count in range(len(everything) + 1)
        for chosen in itertools.combinations(everything, count)
    ]


def _abstract(chance):
    """Choices of any shape over few items and few known subjects, so that everything is shared."""
    items, known = chance.randint(1, 10), chance.randint(0, 8)

    def some(count, most):
        return tuple(sorted(chance.sample(range(count), chance.randint(min(count, 1), min(count, most)))))

    return Problem(
        tuple(chance.randint(4, 30) for _ in range(items)),
        tuple(chance.choice((0.0, 100.0, 100.0, 200.0, 1.5)) for _ in range(known)),
        tuple(
            Choice(
                some(items, 5),
                chance.randint(3, 30),
                chance.choice((0.0, 1.0, 1.0, 2.0, 4.0, 8.0, chance.random() * 10)),
                some(known, 4) if chance.random() < 0.7 else (),
            )
            for _ in range(chance.randint(1, 9))
        ),
    )


def _real(chance, most, spread):
    """Candidates of a list out of a tree of known subjects, cuts across the tree among them."""
    words = ("a", "bb", "ccc", "dddd", "eeeee", "ffffff")[:spread]
    known = sorted({tuple(chance.choices(words, k=chance.choice((2, 3, 3, 4)))) for _ in range(3 * most)})
    entries = chance.sample(known, min(len(known), chance.randint(3, most)))
    found = generalisations(entries, least=chance.choice((2, 3)))
    side = {"subscribe": chance.random() < 0.3}
    reached = matched([each.tokens for each in found], known, **side)
    had = {index for index, subject in enumerate(known) if subject in entries}
    price = chance.choice((0.0, 3.0, 100.0))
    return Problem(
        tuple(payload(entry) + 3 for entry in entries),
        tuple(price * chance.randint(1, 3) for _ in known),
        tuple(
            Choice(
                each.covers,
                payload(each.tokens) + 3,
                openness(each.tokens, [entries[index] for index in each.covers], weights=Weights(), **side),
                tuple(subject for subject in admitted if subject not in had),
            )
            for each, admitted in zip(found, reached, strict=True)
        ),
    )


def _checked(problem, need, every):
    found = cheapest(problem, need)
    saved, cost = _weighed(problem, found.chosen)
    assert (saved, cost) == (found.saved, pytest.approx(found.cost)), problem
    costs = [cost for saved, cost in every if saved >= need]
    assert found.reached == (found.saved >= need)
    assert found.bound <= found.cost + CLOSE
    if found.reached:
        assert found.bound <= min(costs) + CLOSE, (problem, need)
        if found.exact:
            assert found.cost == pytest.approx(min(costs)), (problem, need)
    elif found.exact:
        most = max(saved for saved, _ in every)
        assert found.saved == most, (problem, need)
        assert found.cost == pytest.approx(min(cost for saved, cost in every if saved == most)), (problem, need)
    return found.exact


def test_brute_force_agrees_on_choices_of_any_shape():
    chance = random.Random(73)
    proved = 0
    for _ in range(1500 * BUDGET):
        problem = _abstract(chance)
        every = _all(problem)
        for need in (chance.randint(1, sum(problem.sizes)), max(saved for saved, _ in every)):
            proved += _checked(problem, need, every)
    assert proved == 3000 * BUDGET  # nothing so small is left unproved


def test_brute_force_agrees_on_the_candidates_of_lists():
    chance = random.Random(74)
    proved = tried = 0
    while tried < 500 * BUDGET:
        problem = _real(chance, 7, 3)
        if not 1 <= len(problem.choices) <= 10:
            continue
        tried += 1
        proved += _checked(problem, chance.randint(1, max(1, sum(problem.sizes) * 3 // 4)), _all(problem))
    assert proved == tried


def _exactly(problem, need, *, whole):
    """The optimum (or that of the linear relaxation) as HiGHS finds it, or None where so much cannot be saved."""
    choices, items = len(problem.choices), len(problem.sizes)
    cells, low = [], []
    for item in range(items):
        cells.append((item, choices + item, 1.0))
        cells += [(item, index, 1.0) for index, choice in enumerate(problem.choices) if item in choice.covers]
        low.append(1.0)
    for index, choice in enumerate(problem.choices):
        for subject in choice.admits:
            cells += [(len(low), choices + items + subject, 1.0), (len(low), index, -1.0)]
            low.append(0.0)
    kept = [*(choice.size for choice in problem.choices), *problem.sizes]
    cells += [(len(low), column, -float(size)) for column, size in enumerate(kept)]
    low.append(need - sum(problem.sizes))
    width = choices + items + len(problem.weights)
    rows, columns, values = zip(*cells, strict=True)
    found = milp(
        [*(choice.cost for choice in problem.choices), *([0.0] * items), *problem.weights],
        constraints=LinearConstraint(coo_matrix((values, (rows, columns)), (len(low), width)), low, np.inf),
        bounds=Bounds(0, 1),
        integrality=[int(whole)] * choices + [0] * (width - choices),
        options={"mip_rel_gap": 0.0},
    )
    return None if found.status == 2 else found.fun


def test_an_exact_solver_agrees_on_larger_lists():
    chance = random.Random(75)
    proved = tried = 0
    while tried < 150 * BUDGET:
        problem = _real(chance, chance.choice((10, 20, 40)), chance.choice((3, 4, 6)))
        if len(problem.choices) < 3:
            continue
        tried += 1
        need = chance.randint(1, max(1, sum(problem.sizes) * 3 // 5))
        best = _exactly(problem, need, whole=True)
        found = cheapest(problem, need)
        if best is None:
            assert not found.reached
            continue
        if found.reached:
            assert found.bound <= best * (1 + 1e-5) + CLOSE, (problem, need)
            assert found.cost >= best * (1 - 1e-5) - CLOSE, (problem, need)
        if found.exact:
            assert found.reached, (problem, need)
            assert found.cost == pytest.approx(best, rel=1e-5), (problem, need)
        proved += found.exact
    assert proved > 0.9 * tried


def test_no_point_of_a_frontier_is_beaten_by_another():
    chance = random.Random(76)
    for _ in range(60 * BUDGET):
        problem = _abstract(chance)
        every = _all(problem)
        points = frontier(problem)
        assert points[0].chosen == ()
        assert points[-1].saved == max(0, *(saved for saved, _ in every))
        for before, after in itertools.pairwise(points):
            assert before.saved < after.saved
            assert before.cost < after.cost or before is points[0]
        for point in points:
            assert point.bound <= min(cost for saved, cost in every if saved >= point.saved) + CLOSE


@pytest.mark.parametrize("share", [0.2, 0.5, 0.8])
def test_a_dense_grid_is_answered_with_a_bound_that_holds(share):
    chance = random.Random(77)
    known = list(itertools.product("ab", repeat=5))
    entries = [tokens for tokens in known if chance.random() < 0.6]
    found = generalisations(entries)
    reached = matched([each.tokens for each in found], known, subscribe=False)
    problem = Problem(
        tuple(payload(entry) + 3 for entry in entries),
        (100.0,) * len(known),
        tuple(
            Choice(
                each.covers,
                payload(each.tokens) + 3,
                openness(each.tokens, [entries[index] for index in each.covers], subscribe=False, weights=Weights()),
                tuple(subject for subject in admitted if known[subject] not in entries),
            )
            for each, admitted in zip(found, reached, strict=True)
        ),
    )
    need = int(share * sum(problem.sizes))
    selection = cheapest(problem, need)
    assert selection.reached
    assert _weighed(problem, selection.chosen) == (selection.saved, pytest.approx(selection.cost))
    best = _exactly(problem, need, whole=True)
    assert selection.bound <= best + CLOSE
    assert selection.cost >= best - CLOSE
