"""`covered` against its definition, asked of every two entries of a list by brute force over short subjects."""

from __future__ import annotations

import itertools
import random

from optimizer.subjects.outermost import covered_texts, weight
from optimizer.subjects.subject import Entry, Subject
from optimizer.subjects.trie import covered, queue_matches
from tests import strategies
from tests.strategies import BUDGET

WORDS = [Subject(".".join(t)) for n in range(1, 6) for t in itertools.product(("a", "b", "c", "x"), repeat=n)]
NAMES = [".".join(t) for n in range(1, 5) for t in itertools.product(("q", "v1", "a", "b", "prod", "y"), repeat=n)]

_subjects: dict[str, frozenset[int]] = {}
_names: dict[str | None, frozenset[int]] = {}


def _admitted(text):
    if text not in _subjects:
        _subjects[text] = frozenset(i for i, word in enumerate(WORDS) if Subject(text).admits(word))
    return _subjects[text]


def _passed(queue):
    if queue not in _names:
        _names[queue] = frozenset(i for i, name in enumerate(NAMES) if queue_matches(name, queue))
    return _names[queue]


def _covers(wide, narrow):
    if (wide.queue is None) != (narrow.queue is None) or not _admitted(narrow.subject.text) <= _admitted(
        wide.subject.text
    ):
        return False
    return wide.queue is None or _passed(narrow.queue) <= _passed(wide.queue)


def test_an_entry_is_covered_exactly_by_an_entry_that_holds_all_it_holds():
    chance = random.Random(31)
    found_some = 0
    for _ in range(300 * BUDGET):
        texts = strategies.entries(chance, publish=False, most=6, odd=0.0)
        entries = [Entry(text) for text in texts]
        found = covered(entries)
        found_some += bool(found)
        for index, entry in enumerate(entries):
            others = [
                other
                for other, wide in enumerate(entries)
                if other != index and _covers(wide, entry) and (other < index or not _covers(entry, wide))
            ]
            assert (index in found) == bool(others), (texts, index)
        for index, other in found.items():
            assert other not in found, texts
            assert _covers(entries[other], entries[index]), (texts, index, other)
    assert found_some > 100


def test_a_plain_literal_beside_a_queue_entry_is_covered_by_nothing():
    assert covered([Entry("foo"), Entry("foo v1")]) == {}


TOKENS = ("a", "b", "*", "*", "a*", "**", ">b")


def _pattern(chance, most):
    tokens = [chance.choice(TOKENS) for _ in range(chance.randint(1, most))]
    if chance.random() < 0.2:
        tokens[-1] = ">"
    return ".".join(tokens)


def test_a_list_of_patterns_is_covered_as_every_two_of_them_say():
    chance = random.Random(32)
    for size in (*[6] * 300, *[60] * (40 * BUDGET), *[400] * 4):
        texts = [_pattern(chance, most=chance.choice((3, 6))) for _ in range(size)]
        subjects = [Subject(text) for text in texts]
        by = covered_texts(texts)
        for index, subject in enumerate(subjects):
            others = [
                other
                for other, wide in enumerate(subjects)
                if other != index and wide.covers(subject) and (other < index or not subject.covers(wide))
            ]
            assert (by[index] is not None) == bool(others), (texts, index)
            if by[index] is not None:
                assert by[index] in others, (texts, index)
                assert by[by[index]] is None, (texts, index)


def test_whatever_a_pattern_covers_weighs_more():
    chance = random.Random(33)
    pairs = 0
    for _ in range(20_000 * BUDGET):
        wide, narrow = _pattern(chance, 4), _pattern(chance, 4)
        if wide != narrow and Subject(wide).covers(Subject(narrow)):
            pairs += 1
            assert weight(wide) < weight(narrow), (wide, narrow)
    assert pairs > 500
