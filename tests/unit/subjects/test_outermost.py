"""`covered_texts`: what it leaves alone, and what an awkward list costs it."""

from __future__ import annotations

import gc
import itertools

import pytest

from optimizer.subjects.outermost import Outermost, covered_texts


@pytest.mark.parametrize(
    ("texts", "by"),
    [
        ([], []),
        ([">"], [None]),
        (["a", ">", "a.b", "*", "a.>"], [1, None, 1, 1, 1]),
        (["a.b.c.>", "a.b.c", "a.b", "a.b.c.d"], [None, None, None, 0]),
        (["a.*", "a.>", "a.>"], [1, None, 1]),
        (["a.*.c.d", "a.*.c.e", "a.x.c.d", "a.x.c.e", "a.x.c.f"], [None, None, 0, 1, None]),
        (["b", "a", "b", "a", "b"], [None, None, 0, 1, 0]),
        (["a.*", "a.>b", "a*.b", "a**.*", "a**.b"], [None, 0, None, None, 3]),
    ],
)
def test_an_entry_that_stays_covers_each_of_the_others(texts, by):
    assert covered_texts(texts) == by


@pytest.mark.parametrize("was", [True, False])
def test_the_collector_is_left_as_it_was(was):
    before = gc.isenabled()
    try:
        (gc.enable if was else gc.disable)()
        covered_texts(["a.*", "a.b"])
        assert gc.isenabled() is was
    finally:
        (gc.enable if before else gc.disable)()


def test_a_full_grid_is_walked_in_few_steps(monkeypatch):
    """3^9 patterns, 2^9 ways through the trie of them all: only `*.*...` is ever kept."""
    steps = 0
    walk = Outermost._walk

    def counted(*words):
        nonlocal steps
        steps += 1
        return walk(*words)

    monkeypatch.setattr(Outermost, "_walk", counted)
    texts = [".".join(tokens) for tokens in itertools.product("ab*", repeat=9)]
    assert covered_texts(texts).count(None) == 1
    assert steps <= 2 * len(texts)
