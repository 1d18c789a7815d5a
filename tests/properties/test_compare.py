"""`compare` against brute force: every short subject, subscription and session, and every queue name that matters.

The lists draw on two literals, so a third token stands for every token that no entry names; what entries of at most
three tokens can tell apart shows in subjects of at most four.
"""

from __future__ import annotations

import itertools
import random

import pytest

from optimizer.settings import Server
from optimizer.subjects.compare import (
    Deliver,
    LeafInterest,
    LeafSubscribe,
    Publish,
    Relation,
    Subscribe,
    compare,
)
from optimizer.subjects.permissions import Permissions
from optimizer.subjects.subject import Subject
from tests.strategies import BUDGET

DEPTH = 4
WORDS = [".".join(t) for n in range(1, DEPTH + 1) for t in itertools.product("abx", repeat=n)]
"""Every literal subject there is, as far as entries of `_entry` can tell."""
ASKED = [
    ".".join(t)
    for n in range(1, DEPTH + 1)
    for t in itertools.product(("a", "b", "x", "*", ">"), repeat=n)
    if ">" not in t[:-1]
]
SHORT = [asked for asked in ASKED if asked.count(".") < 3]
INSIDE = {asked: [word for word in WORDS if Subject(asked).admits(Subject(word))] for asked in SHORT}
QUEUES = (None, "q", "v.x", "x", "x.x", "q.x", ">", "v.>")


def _entry(chance, *, queue=False):
    tokens = [chance.choice("ab*") for _ in range(chance.randint(1, 3))]
    if chance.random() < 0.3:
        tokens[-1] = ">"
    return ".".join(tokens) + (f" {chance.choice(('q', 'v.*', '*', 'v.>', '>'))}" if queue else "")


def _side(chance, *, queues):
    def drawn(most):
        return [_entry(chance, queue=queues and chance.random() < 0.35) for _ in range(chance.randint(1, most))]

    side = {}
    if chance.random() < 0.75:
        side["allow"] = drawn(4)
    if chance.random() < 0.5:
        side["deny"] = drawn(3)
    return side


def _neighbour(chance, side, *, queues):
    after = {kind: list(texts) for kind, texts in side.items()}
    kind = chance.choice(("allow", "deny"))
    texts = after.setdefault(kind, [])
    match chance.randrange(3):
        case 0 if texts:
            texts.pop(chance.randrange(len(texts)))
        case 1 if texts:
            texts[chance.randrange(len(texts))] = _entry(chance, queue=queues and chance.random() < 0.35)
        case _:
            texts.append(_entry(chance, queue=queues and chance.random() < 0.35))
    if not texts:
        del after[kind]
    return after


def _pairs(chance, name, count, *, queues=False):
    for _ in range(count):
        side = _side(chance, queues=queues)
        pair = side, _neighbour(chance, side, queues=queues)
        yield tuple(Permissions.from_claims({name: lists}) for lists in pair)


def _shortest(answers):
    """For each direction the fewest tokens of a subject that tells the two apart."""
    found = {}
    for subject, before, after in answers:
        if before != after:
            direction = "gained" if after else "lost"
            found[direction] = min(found.get(direction, DEPTH + 1), subject.count(".") + 1)
    return found


def _lengths(comparison, kind):
    return {
        direction: min(probe.subject.count(".") + 1 for probe in probes if isinstance(probe, kind))
        for direction, probes in (("gained", comparison.gained), ("lost", comparison.lost))
        if any(isinstance(probe, kind) for probe in probes)
    }


@pytest.fixture
def chance():
    return random.Random(20_12)


@pytest.mark.parametrize("server", list(Server), ids=lambda server: server.value)
def test_publish_witnesses_are_there_exactly_where_subjects_differ_and_none_is_shorter(chance, server):
    different = 0
    for before, after in _pairs(chance, "pub", 300 * BUDGET):
        brute = _shortest((word, before.may_publish(word, server), after.may_publish(word, server)) for word in WORDS)
        assert _lengths(compare(before, after, server), Publish) == brute, (before, after)
        different += bool(brute)
    assert 50 * BUDGET < different < 280 * BUDGET


@pytest.mark.parametrize("server", list(Server), ids=lambda server: server.value)
def test_subscribe_witnesses_are_there_exactly_where_subscriptions_differ_and_none_is_shorter(chance, server):
    different = 0
    for before, after in _pairs(chance, "sub", 40 * BUDGET, queues=True):
        brute = _shortest(
            (asked, before.may_subscribe(asked, queue, server), after.may_subscribe(asked, queue, server))
            for queue in QUEUES
            for asked in WORDS
        )
        assert _lengths(compare(before, after, server), Subscribe) == brute, (before, after)
        different += bool(brute)
    assert different > 8 * BUDGET


def test_a_wildcard_in_a_request_is_answered_like_any_token_no_entry_names(chance):
    for before, _ in _pairs(chance, "sub", 40 * BUDGET):
        for asked in ASKED:
            plain = asked.replace("*", "x").replace(">", "x")
            assert before.may_subscribe(asked) == before.may_subscribe(plain)


@pytest.mark.parametrize("probe", [LeafSubscribe, LeafInterest])
@pytest.mark.parametrize("server", list(Server), ids=lambda server: server.value)
def test_leafnode_witnesses_are_there_exactly_where_answers_differ_and_none_is_shorter(chance, server, probe):
    side, answer = {
        LeafSubscribe: ("sub", Permissions.may_leaf_subscribe),
        LeafInterest: ("pub", Permissions.tells_leaf),
    }[probe]
    different = 0
    for before, after in _pairs(chance, side, 25 * BUDGET, queues=side == "sub"):
        brute = _shortest((asked, answer(before, asked, server), answer(after, asked, server)) for asked in ASKED)
        assert _lengths(compare(before, after, server, leafnode=True), probe) == brute, (before, after)
        different += bool(brute)
    assert different > 4 * BUDGET


def _sessions(before, after, server):
    """Every subscription both accept, with every message inside it and, before 2.12.14, every second subscription."""
    accepted = [
        (asked, queue)
        for queue in QUEUES
        for asked in SHORT
        if before.may_subscribe(asked, queue, server) and after.may_subscribe(asked, queue, server)
    ]
    beside = [None]
    if server is Server.EARLIER:
        # The second one can only switch the filter on, so one of each way of doing so stands for all.
        ways = {
            (before.loads_filter(asked), after.loads_filter(asked)): Subscribe(asked, queue)
            for asked, queue in reversed(accepted)
        }
        beside += [subscription for loads, subscription in ways.items() if any(loads)]
    for asked, queue in accepted:
        for alongside in beside:
            yield asked, queue, alongside


@pytest.mark.parametrize("server", list(Server), ids=lambda server: server.value)
def test_deliveries_differ_exactly_where_a_witness_says_so(chance, server):
    different = 0
    for before, after in _pairs(chance, "sub", 25 * BUDGET, queues=True):
        comparison = compare(before, after, server)
        brute = {}
        for asked, queue, alongside in _sessions(before, after, server):
            then = set(before.delivers(asked, queue, INSIDE[asked], server, alongside))
            now = set(after.delivers(asked, queue, INSIDE[asked], server, alongside))
            for direction, messages in (("gained", now - then), ("lost", then - now)):
                for message in messages:
                    brute[direction] = min(brute.get(direction, DEPTH + 1), message.count(".") + 1)
        assert _lengths(comparison, Deliver) == brute, (before, after)
        different += bool(brute)
    assert different > 2 * BUDGET


def test_a_block_compared_with_itself_is_the_same_and_turned_round_gained_is_lost(chance):
    turned = {Relation.WIDER: Relation.NARROWER, Relation.NARROWER: Relation.WIDER}
    for before, after in _pairs(chance, "sub", 60 * BUDGET, queues=True):
        for server in Server:
            there, back = compare(before, after, server), compare(after, before, server)
            assert compare(before, before, server).relation is Relation.SAME
            assert back.relation is turned.get(there.relation, there.relation)
            assert (back.gained, back.lost) == (there.lost, there.gained)
