"""The least widening of a planted list, against the linear-programming bound of HiGHS.

    python benchmarks/choose.py

50,000 known subjects; subtrees of them, and seven tenths of others, make a list of 20,000 entries.
"""

from __future__ import annotations

import random
import time
from typing import TYPE_CHECKING

from optimizer.settings import Weights
from optimizer.subjects.choose import Choice, Problem, cheapest, frontier
from optimizer.subjects.generalise import generalisations, matched, openness, payload

if TYPE_CHECKING:
    from collections.abc import Iterator

Tokens = tuple[str, ...]

KNOWN, ENTRIES = 50_000, 20_000
TEAMS = ("orders", "billing", "shipping", "inventory", "users", "search", "audit", "risk")
VERBS = ("created", "updated", "deleted", "read", "listed", "paid", "sent", "failed", "retried", "closed", "opened")
REGIONS = ("eu", "us", "ap", "sa", "af")


def subjects(chance: random.Random) -> list[Tokens]:
    """A tree of four shapes, so that cuts across it are worth something."""
    found: dict[Tokens, None] = {}
    while len(found) < KNOWN:
        team, noun = chance.choice(TEAMS), f"noun{chance.randrange(40)}"
        verb, region = chance.choice(VERBS), chance.choice(REGIONS)
        shape = chance.random()
        if shape < 0.35:
            found[team, noun, verb, str(chance.randrange(60))] = None
        elif shape < 0.7:
            found[team, noun, region, verb, str(chance.randrange(20))] = None
        elif shape < 0.9:
            found[team, noun, f"id{chance.randrange(80)}"] = None
        else:
            found[team, region, noun, verb] = None
    return list(found)


def planted(chance: random.Random, known: list[Tokens]) -> list[Tokens]:
    below: dict[Tokens, list[Tokens]] = {}
    for tokens in known:
        for depth in range(2, len(tokens)):
            below.setdefault(tokens[:depth], []).append(tokens)
    stems = sorted(below)
    chance.shuffle(stems)
    found: dict[Tokens, None] = {}
    for stem in stems:
        whole = chance.random() < 0.5
        taken = [tokens for tokens in below[stem] if whole or chance.random() < 0.7]
        if len(taken) <= 400:
            found |= dict.fromkeys(taken)
        if len(found) >= ENTRIES:
            break
    return list(found)[:ENTRIES]


def problem_of(known: list[Tokens], entries: list[Tokens]) -> Problem:
    weights, standing = Weights(), set(entries)
    found = generalisations(entries)
    admitted = matched([each.tokens for each in found], known, subscribe=False)
    choices = tuple(
        Choice(
            each.covers,
            payload(each.tokens) + 3,
            openness(each.tokens, [entries[index] for index in each.covers], subscribe=False, weights=weights),
            tuple(subject for subject in reached if known[subject] not in standing),
        )
        for each, reached in zip(found, admitted, strict=True)
    )
    return Problem(tuple(payload(entry) + 3 for entry in entries), (weights.known,) * len(known), choices)


def relaxed(problem: Problem, need: int) -> float:
    """The optimum of the linear relaxation, by HiGHS."""
    import numpy as np  # noqa: PLC0415 nobody else waits for it
    from scipy.optimize import linprog  # noqa: PLC0415
    from scipy.sparse import coo_matrix  # noqa: PLC0415

    choices, items = len(problem.choices), len(problem.sizes)
    width = choices + items + len(problem.weights)
    cells = [(item, choices + item, -1.0) for item in range(items)]
    cells += [(item, index, -1.0) for index, choice in enumerate(problem.choices) for item in choice.covers]
    high = [-1.0] * items
    for index, choice in enumerate(problem.choices):
        for subject in choice.admits:
            cells += [(len(high), choices + items + subject, -1.0), (len(high), index, 1.0)]
            high.append(0.0)
    kept = [*(choice.size for choice in problem.choices), *problem.sizes]
    cells += [(len(high), column, float(size)) for column, size in enumerate(kept)]
    high.append(float(sum(problem.sizes) - need))
    rows, columns, values = zip(*cells, strict=True)
    found = linprog(
        [*(choice.cost for choice in problem.choices), *([0.0] * items), *problem.weights],
        A_ub=coo_matrix((values, (rows, columns)), (len(high), width)).tocsr(),
        b_ub=np.array(high),
        bounds=(0, 1),
        method="highs-ipm",
    )
    return float(found.fun)


def bench_choose() -> Iterator[str]:
    chance = random.Random(7)
    known = subjects(chance)
    entries = planted(chance, known)
    start = time.process_time()
    problem = problem_of(known, entries)
    building = time.process_time() - start
    total = sum(problem.sizes)
    yield "## `cheapest`: within 1% of the linear-programming bound, candidates included in 10 s of CPU"
    yield ""
    yield f"{len(known):,} known subjects, a list of {len(entries):,} entries ({total:,} bytes)."
    yield f"{len(problem.choices):,} candidates: {building:.1f} s of CPU to find, match and price them."
    yield "The peer is the linear relaxation, solved by HiGHS (interior point)."
    yield ""
    yield "| to save | cost | own bound | above it | HiGHS bound | above it | with candidates, s | HiGHS, s |"
    yield "|---|---|---|---|---|---|---|---|"
    for share in (0.2, 0.4, 0.6):
        need = int(share * total)
        start = time.process_time()
        found = cheapest(problem, need)
        mine = time.process_time() - start
        start = time.process_time()
        bound = relaxed(problem, need)
        peer = time.process_time() - start
        yield (
            f"| {share:.0%} | {found.cost:,.0f} | {found.bound:,.1f}{' (exact)' if found.exact else ''} "
            f"| {found.cost / found.bound - 1:.2%} | {bound:,.1f} | {found.cost / bound - 1:.2%} "
            f"| {building + mine:.1f} | {peer:.0f} |"
        )
    yield ""
    start = time.process_time()
    points = frontier(problem, 6)
    took = time.process_time() - start
    yield f"A frontier of {len(points)} points, {took:.0f} s of CPU; the last ones admit thousands of known subjects:"
    yield ""
    yield "| bytes saved | cost | own bound |"
    yield "|---|---|---|"
    for point in points:
        yield f"| {point.saved:,} | {point.cost:,.0f} | {point.bound:,.1f}{' (exact)' if point.exact else ''} |"


if __name__ == "__main__":
    for line in bench_choose():
        print(line, flush=True)
