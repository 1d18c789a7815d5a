"""`smallest` against brute force over every pattern up to depth 4, and its laws."""

from __future__ import annotations

import itertools
import os
import random

import pytest

from optimizer.settings import Server
from optimizer.subjects.compare import Relation, compare
from optimizer.subjects.permissions import Permissions
from optimizer.subjects.rewrite import smaller, smallest
from optimizer.subjects.subject import Entry, Subject

DEPTH = 4
CASES = 40_000 if os.environ.get("PERMOPT_BUDGET") == "long" else 4_000


def _patterns() -> list[tuple[str, ...]]:
    heads = [tokens for length in range(DEPTH + 1) for tokens in itertools.product("ab*", repeat=length)]
    return [tokens for tokens in heads if tokens] + [(*tokens, ">") for tokens in heads if len(tokens) < DEPTH]


PATTERNS = _patterns()
# One token deeper than any pattern: from there on all longer subjects behave alike.
SUBJECTS = [
    Subject(".".join(tokens)) for length in range(1, DEPTH + 2) for tokens in itertools.product("abx", repeat=length)
]
LANGUAGE = {
    tokens: sum(1 << index for index, subject in enumerate(SUBJECTS) if Subject(".".join(tokens)).admits(subject))
    for tokens in PATTERNS
}


def _bytes(tokens: tuple[str, ...]) -> int:
    return len(".".join(tokens)) + (5 if tokens[-1] == ">" else 0)


def _language(lists: list[tuple[str, ...]]) -> int:
    total = 0
    for tokens in lists:
        total |= LANGUAGE[tokens]
    return total


def _optimum(target: int, bound: tuple[int, int]) -> tuple[int, int]:
    """Entries and bytes of the best list there is, by branch and bound over all patterns inside the language."""
    inside = [tokens for tokens in PATTERNS if not LANGUAGE[tokens] & ~target]
    best = bound

    def descend(reached: int, entries: int, size: int) -> None:
        nonlocal best
        missing = target & ~reached
        if not missing:
            best = min(best, (entries, size))
        elif entries < best[0]:
            lowest = missing & -missing
            for tokens in inside:
                if LANGUAGE[tokens] & lowest:
                    descend(reached | LANGUAGE[tokens], entries + 1, size + _bytes(tokens))

    descend(0, 0, 0)
    return best


def test_no_list_of_patterns_to_depth_four_is_smaller():
    chance = random.Random(20_04)
    wild = [tokens for tokens in PATTERNS if tokens[-1] in "*>"]
    compared = 0
    for _ in range(CASES):
        pool = wild if chance.random() < 0.7 else PATTERNS
        before = chance.sample(pool, chance.randint(1, 6))
        target = _language(before)
        after = [entry.subject.tokens for entry in smallest([Entry(".".join(tokens)) for tokens in before])]
        assert _language(after) == target, (before, after)
        mine = (len(after), sum(map(_bytes, after)))
        if sum(not LANGUAGE[tokens] & ~target for tokens in PATTERNS) < 60:
            compared += 1
            assert _optimum(target, mine) == mine, (before, after)
    assert compared > CASES // 2


def test_the_union_of_two_others_makes_a_maximal_entry_redundant():
    before = [Entry("a.*.*"), Entry("*.b.*.>"), Entry("a.b.>")]
    assert {str(entry) for entry in smallest(before)} == {"a.*.*", "*.b.*.>"}


def test_a_closing_wildcard_needed_for_one_length_only_costs_one_byte_instead_of_six():
    assert {str(entry) for entry in smallest([Entry("a.>"), Entry("*.*.>")])} == {"a.*", "*.*.>"}


def test_a_list_that_matches_nothing_keeps_an_entry():
    assert smallest([Entry("a.>.c"), Entry("b.>.c")]) == (Entry("a.>.c"),)


@pytest.mark.parametrize("text", ["orders queue", "{{name()}}.>"])
def test_queue_entries_and_templates_are_refused(text):
    with pytest.raises(ValueError, match="no plain pattern"):
        smallest([Entry("a"), Entry(text)])


def test_smallest_of_smallest_is_itself_and_means_the_same_to_every_server_that_matches_a_literal_beside_a_star():
    chance = random.Random(7)
    for _ in range(300):
        texts = [".".join(tokens) for tokens in chance.sample(PATTERNS, chance.randint(1, 8))]
        once = smallest([Entry(text) for text in texts])
        assert smallest(once) == once
        for side, server in (("pub", Server.CURRENT), ("sub", Server.CURRENT), ("sub", Server.EARLIER)):
            before = Permissions.from_claims({side: {"allow": texts}})
            after = Permissions.from_claims({side: {"allow": [str(entry) for entry in once]}})
            assert compare(before, after, server).relation is Relation.SAME


def test_beside_a_deny_list_no_entry_can_be_dropped_and_no_two_merged():
    chance = random.Random(11)
    shorter = 0
    for _ in range(120):
        texts = [".".join(tokens) for tokens in chance.sample(PATTERNS, chance.randint(2, 6))]
        deny = [".".join(tokens) for tokens in chance.sample(PATTERNS, 2)]

        def same(entries, texts=texts, deny=deny):
            before = Permissions.from_claims({"pub": {"allow": texts, "deny": deny}})
            after = Permissions.from_claims({"pub": {"allow": [str(entry) for entry in entries], "deny": deny}})
            return compare(before, after).relation is Relation.SAME

        kept = smaller([Entry(text) for text in texts], same)
        assert same(kept)
        shorter += len(kept) < len(texts)
        for index in range(len(kept)):
            fewer = (*kept[:index], *kept[index + 1 :])
            assert not fewer or not same(fewer)
    assert shorter > 20
