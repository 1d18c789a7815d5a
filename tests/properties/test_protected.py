"""`newly_admitted` against brute force: every short message, subscription and queue name that matters.

The lists and the protected spaces draw on two literals, so a third token stands for every token that nobody names, and
``*x`` for those that the subset test before 2.12.14 takes for a wildcard.
"""

from __future__ import annotations

import itertools
import random
from dataclasses import replace
from functools import cached_property

import pytest

from optimizer.settings import Server
from optimizer.subjects.permissions import Permission, Permissions
from optimizer.subjects.probes import Deliver, Publish
from optimizer.subjects.protected import denies_for, meet, newly_admitted, reach
from optimizer.subjects.search import EffortSpentError
from optimizer.subjects.subject import Subject
from tests.strategies import BUDGET, subscriptions_to

DEPTH = 4
WORDS = [".".join(t) for n in range(1, DEPTH + 1) for t in itertools.product(("a", "b", "x", "*x"), repeat=n)]
QUEUES = (None, "q", "v.x", "x", "x.x", "q.x", ">", "v.>")


SUBSCRIPTIONS = {word: subscriptions_to(word) for word in WORDS}


def _entry(chance, *, queue=False):
    tokens = [chance.choice("ab**") for _ in range(chance.randint(1, 3))]
    if chance.random() < 0.2:
        tokens[-1] = ">"
    return ".".join(tokens) + (f" {chance.choice(('q', 'v.*', '*', 'v.>', '>'))}" if queue else "")


def _side(chance, *, queues):
    def drawn(most):
        return [_entry(chance, queue=queues and chance.random() < 0.35) for _ in range(chance.randint(1, most))]

    side = {}
    if chance.random() < 0.85:
        side["allow"] = drawn(3)
    if chance.random() < 0.6:
        side["deny"] = drawn(3)
    return side


def _neighbour(chance, side, *, queues):
    """The same with up to three entries changed, and in the end rather wider than narrower."""
    after = {kind: list(texts) for kind, texts in side.items()}
    for _ in range(chance.randint(1, 3)):
        kind = chance.choice(("allow", "allow", "deny"))
        texts = after.setdefault(kind, [])
        match chance.randrange(3):
            case 0 if kind == "deny" and texts:
                texts.pop(chance.randrange(len(texts)))
            case 1 if texts:
                texts[chance.randrange(len(texts))] = _entry(chance, queue=queues and chance.random() < 0.35)
            case _:
                texts.append(_entry(chance, queue=queues and chance.random() < 0.35))
        if not texts:
            del after[kind]
    return after


def _pairs(chance, count, name):
    """Half of them as they come, half full of wildcards and denies, where it takes the right subscription."""
    for number in range(count):
        queues = name == "sub" and chance.random() < 0.4
        before = _side(chance, queues=queues)
        if number % 2:
            before["deny"] = [*before.get("deny", ()), _entry(chance), _entry(chance)]
        after = _neighbour(chance, before, queues=queues)
        yield tuple(Permissions.from_claims({name: side}) for side in (before, after))


def _spaces(chance):
    return [Subject(_entry(chance)) for _ in range(chance.randint(1, 2))]


class _Brute:
    """What of all short words a block lets a client publish and receive, by the answers the block itself gives."""

    def __init__(self, block, server):
        self.block, self.server = block, server
        self._accepted = {}

    def receives(self, word):
        return any(
            self.accepts(asked, queue) and self.block.delivers(asked, queue, [word], self.server)
            for queue in QUEUES
            for asked in SUBSCRIPTIONS[word]
        )

    def accepts(self, asked, queue):
        if (asked, queue) not in self._accepted:
            self._accepted[asked, queue] = self.block.may_subscribe(asked, queue, self.server)
        return self._accepted[asked, queue]

    def publishes(self, word):
        return self.block.may_publish(word, self.server)

    def replies(self, word):
        """Whether it may publish there at all, be it as a reply."""
        return self.publishes(word) or (self.block.resp is not None and self.is_asked)

    @cached_property
    def is_asked(self):
        return any(self.accepts(word, queue) for queue in QUEUES for word in WORDS)


def _expected(before, after, protected, server):
    """The fewest tokens of a message newly published or received inside a protected space, or None."""
    then, now = _Brute(before, server), _Brute(after, server)
    ways = (_Brute.publishes, _Brute.replies, _Brute.receives)
    for word in WORDS:  # the shortest first
        if any(space.admits(Subject(word)) for space in protected) and any(
            way(now, word) and not way(then, word) for way in ways
        ):
            return word.count(".") + 1
    return None


def _is_true(probe, before, after, protected, server):
    """Whether a probe tells the two apart, on a protected subject."""
    if not any(space.admits(Subject(probe.subject)) for space in protected):
        return False
    match probe:
        case Publish(subject, None):
            return after.may_publish(subject, server) and not before.may_publish(subject, server)
        case Deliver(subscription, queue, subject, None):
            return bool(after.delivers(subscription, queue, [subject], server)) and not any(
                before.delivers(asked, name, [subject], server)
                for name in {*QUEUES, queue}
                for asked in subscriptions_to(subject)
            )
    return False


@pytest.fixture
def chance():
    return random.Random(20_12_15)


@pytest.mark.parametrize("server", list(Server), ids=lambda server: server.value)
@pytest.mark.parametrize(("side", "pairs"), [("pub", 400), ("sub", 300)])
def test_a_probe_is_there_exactly_where_something_is_newly_admitted_and_none_is_shorter(chance, server, side, pairs):
    admitted = 0
    for before, after in _pairs(chance, pairs * BUDGET, side):
        protected = _spaces(chance)
        expected = _expected(before, after, protected, server)
        probe = newly_admitted(before, after, protected, server)
        assert (probe and probe.subject.count(".") + 1) == expected, (before, after, protected, probe)
        assert probe is None or _is_true(probe, before, after, protected, server), (before, after, protected, probe)
        admitted += probe is not None
    assert pairs / 10 < admitted / BUDGET < pairs * 9 / 10


@pytest.mark.parametrize("server", list(Server), ids=lambda server: server.value)
def test_leave_to_reply_counts_as_leave_to_publish_wherever_a_request_can_arrive(chance, server):
    found = set()
    for number in range(60 * BUDGET):
        blocks = []
        for _ in range(2):
            claims = {"pub": _side(chance, queues=False), "sub": _side(chance, queues=True)}
            if chance.random() < 0.4:
                claims["sub"] = {"deny": [">"]}
            if chance.random() < 0.7:
                claims["resp"] = {"max": 1, "ttl": 0}
            blocks.append(Permissions.from_claims(claims))
        before, after = blocks
        if number % 2:
            after = replace(before, resp=after.resp, sub=after.sub)
        protected = _spaces(chance)
        expected = _expected(before, after, protected, server)
        probe = newly_admitted(before, after, protected, server)
        assert (probe is None) == (expected is None), (before, after, protected, probe)
        found.add(
            probe if probe is None else type(probe).__name__ + str(getattr(probe, "replying_to", None) is not None)
        )
    assert found == {None, "DeliverFalse", "PublishFalse", "PublishTrue"}


@pytest.mark.parametrize("server", list(Server), ids=lambda server: server.value)
def test_nothing_is_newly_admitted_by_an_equal_or_a_smaller_block(chance, server):
    for before, _ in _pairs(chance, 100 * BUDGET, "sub"):
        assert newly_admitted(before, before, [Subject(">")], server) is None
        assert newly_admitted(before, replace(before, sub=Permission(())), [Subject(">")], server) is None


def test_two_patterns_meet_in_exactly_the_subjects_of_both(chance):
    met = 0
    for _ in range(1000 * BUDGET):
        one, other = Subject(_entry(chance)), Subject(_entry(chance))
        both = meet(one, other)
        assert both == meet(other, one)
        assert (both is not None) == one.overlaps(other)
        inside = {word for word in WORDS if one.admits(Subject(word)) and other.admits(Subject(word))}
        assert {word for word in WORDS if both is not None and both.admits(Subject(word))} == inside
        met += bool(both)
    assert 200 * BUDGET < met < 900 * BUDGET


def test_an_allow_entry_reaches_exactly_what_the_subscriptions_it_admits_receive(chance):
    for text in {_entry(chance) for _ in range(100)}:
        block = Permissions.from_claims({"sub": {"allow": [text]}})
        brute = _Brute(block, Server.CURRENT)
        assert {word for word in WORDS if reach(Subject(text)).admits(Subject(word))} == set(
            filter(brute.receives, WORDS)
        )


@pytest.mark.parametrize("subscribe", [False, True])
def test_denies_name_all_that_is_reached_of_the_protected_spaces_and_nothing_else(chance, subscribe):
    for _ in range(300 * BUDGET):
        pattern, protected = Subject(_entry(chance)), _spaces(chance)
        wide = reach(pattern) if subscribe else pattern
        denies = denies_for(pattern, protected, subscribe=subscribe)
        for word in map(Subject, WORDS):
            named = any(deny.admits(word) for deny in denies)
            assert named == (wide.admits(word) and any(space.admits(word) for space in protected))


@pytest.mark.parametrize("side", ["pub", "sub"])
def test_from_2_12_14_on_the_denies_keep_out_all_that_a_further_allow_entry_would_newly_admit(chance, side):
    for _ in range(200 * BUDGET):
        allow, added, protected = [_entry(chance) for _ in range(2)], _entry(chance), _spaces(chance)
        denies = denies_for(Subject(added), protected, subscribe=side == "sub")
        before = Permissions.from_claims({side: {"allow": allow}})
        after = Permissions.from_claims({side: {"allow": [*allow, added], "deny": [str(deny) for deny in denies]}})
        assert newly_admitted(before, after, protected, Server.CURRENT) is None


def test_effort_bounds_the_search_and_its_end_is_no_answer(chance):
    spent = 0
    for before, after in _pairs(chance, 60, "sub"):
        answer = newly_admitted(before, after, [Subject(">")], Server.EARLIER)
        try:
            brief = newly_admitted(before, after, [Subject(">")], Server.EARLIER, effort=40)
        except EffortSpentError:
            spent += 1
        else:
            assert brief == answer
    assert 10 < spent < 60
