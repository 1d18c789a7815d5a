"""`newly_admitted` against brute force: every short message, every short subscription and every queue name that matters.

The lists and the protected spaces draw on two literals, so a third token stands for every token that nobody names, and
``*x`` for those that the subset test before 2.12.14 takes for a wildcard.
"""

from __future__ import annotations

import itertools
import random

import pytest

from optimizer.settings import Server
from optimizer.subjects.permissions import Permissions
from optimizer.subjects.probes import Deliver, Publish
from optimizer.subjects.protected import newly_admitted
from optimizer.subjects.subject import Subject
from tests.strategies import BUDGET

DEPTH = 4
WORDS = [".".join(t) for n in range(1, DEPTH + 1) for t in itertools.product(("a", "b", "x", "*x"), repeat=n)]
QUEUES = (None, "q", "v.x", "x", "x.x", "q.x", ">", "v.>")


def _subscriptions(word):
    """Every subscription that a message on ``word`` is inside."""
    tokens = word.split(".")
    for length in range(1, len(tokens) + 1):
        for choice in itertools.product(*((token, "*") for token in tokens[:length])):
            if length == len(tokens):
                yield ".".join(choice)
            yield ".".join((*choice[:-1], ">"))


SUBSCRIPTIONS = {word: sorted(set(_subscriptions(word))) for word in WORDS}


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


def _pairs(chance, count, *, queues=False, sides=("pub", "sub")):
    for _ in range(count):
        before = {name: _side(chance, queues=queues and name == "sub") for name in sides}
        after = {name: _neighbour(chance, side, queues=queues and name == "sub") for name, side in before.items()}
        yield Permissions.from_claims(before), Permissions.from_claims(after)


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
        return self.block.may_publish(word, self.server) or (self.block.resp is not None and self.replies)

    @property
    def replies(self):
        return any(self.accepts(word, queue) for queue in QUEUES for word in WORDS)


def _expected(before, after, protected, server):
    """The fewest tokens of a message newly published or received inside a protected space, or None."""
    then, now = _Brute(before, server), _Brute(after, server)
    for word in WORDS:  # the shortest first
        if any(space.admits(Subject(word)) for space in protected) and (
            (now.publishes(word) and not then.publishes(word)) or (now.receives(word) and not then.receives(word))
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
                for asked in _subscriptions(subject)
            )
    return False


@pytest.fixture
def chance():
    return random.Random(20_12_15)


@pytest.mark.parametrize("server", list(Server), ids=lambda server: server.value)
@pytest.mark.parametrize("sides", [("pub",), ("sub",)], ids=lambda sides: sides[0])
def test_a_probe_is_there_exactly_where_something_is_newly_admitted_and_none_is_shorter(chance, server, sides):
    admitted = 0
    count = (300 if sides == ("pub",) else 120) * BUDGET
    for before, after in _pairs(chance, count, queues=True, sides=sides):
        protected = _spaces(chance)
        expected = _expected(before, after, protected, server)
        probe = newly_admitted(before, after, protected, server)
        assert (probe and probe.subject.count(".") + 1) == expected, (before, after, protected, probe)
        assert probe is None or _is_true(probe, before, after, protected, server), (before, after, protected, probe)
        admitted += probe is not None
    assert count / 8 < admitted < count * 7 / 8
