"""What is newly admitted into protected spaces, asked of both real servers.

Where `newly_admitted` answers with a probe, the server admits it after and nothing like it before; where it says None,
no message on a protected subject gets through after that did not before, whatever is subscribed to.
"""

from __future__ import annotations

import copy

import pytest

from optimizer.subjects.permissions import Permissions
from optimizer.subjects.probes import Deliver, Publish
from optimizer.subjects.protected import denies_for, newly_admitted
from optimizer.subjects.search import EffortSpentError
from optimizer.subjects.subject import Subject
from tests import strategies
from tests.oracle.server import queue_names
from tests.strategies import BUDGET

pytestmark = pytest.mark.server


def widened(chance, protected):
    """A block, and the same with one allow entry made wider and the protected spaces denied beside it."""
    before = lists(strategies.block(chance, malformed=0, odd=0.02))
    name = chance.choice(("pub", "sub"))
    allow = (before.get(name) or {}).get("allow") or ["a.b.c"]
    before[name] = {**(before.get(name) or {}), "allow": allow}
    after = copy.deepcopy(before)
    subject = chance.choice(allow).split()[0]
    tokens = subject.split(".")
    for place in chance.sample(range(len(tokens)), chance.randint(1, len(tokens))):
        tokens[place] = "*" if tokens[place] != ">" else ">"
    if chance.random() < 0.2:
        tokens[-1] = ">"
    wide = Subject(".".join(tokens))
    if not wide.is_valid:
        return before, after
    denies = [] if chance.random() < 0.3 else denies_for(wide, protected, subscribe=name == "sub")
    deny = [*(after[name].get("deny") or ()), *map(str, denies)]
    after[name] = {"allow": [*allow, wide.text]} | ({"deny": deny} if deny else {})
    return before, after


def lists(claims):
    return {name: side for name, side in claims.items() if name in ("pub", "sub")}


def drawn(chance, server, count):
    """Blocks before and after, spaces, and the answer."""
    for number in range(count):
        protected = [Subject(strategies.pattern(chance, 3)) for _ in range(chance.randint(1, 3))]
        if chance.random() < 0.3:
            protected.append(Subject("$O.>"))
        pair = map(lists, strategies.pair(chance)) if number % 3 == 0 else widened(chance, protected)
        before, after = pair
        blocks = map(Permissions.from_claims, (before, after))
        try:
            yield before, after, protected, newly_admitted(*blocks, protected, server)
        except EffortSpentError:
            continue


def sessions(subject, *blocks):
    """Every way to receive a message, of all queue names that could matter to these blocks."""
    queues = {None, *(name for block in blocks for name in queue_names(block))}
    return [
        Deliver(asked, queue, subject)
        for queue in sorted(queues, key=str)
        for asked in strategies.subscriptions_to(subject)
    ]


def test_whatever_is_newly_admitted_the_server_admits_after_and_in_no_way_before(oracle, server, chance):
    questions, expected, kinds = [], [], set()
    for before, after, protected, probe in drawn(chance, server, 250 * BUDGET):
        if probe is None:
            continue
        kinds.add(type(probe))
        assert any(space.admits(Subject(probe.subject)) for space in protected)
        questions.append((after, probe))
        expected.append(True)
        ways = [probe] if isinstance(probe, Publish) else sessions(probe.subject, before, after)
        questions += [(before, way) for way in ways]
        expected += [False] * len(ways)
    assert kinds == {Publish, Deliver}
    answers = oracle.ask_all(questions)
    wrong = [question for question, told, said in zip(questions, expected, answers, strict=True) if told != said]
    assert wrong == []


def test_where_nothing_is_newly_admitted_nothing_gets_through_that_did_not_before(oracle, server, chance):
    asked, got_through = [], 0
    for before, after, protected, probe in drawn(chance, server, 60 * BUDGET):
        if probe is not None or before == after:
            continue
        about = strategies.texts(after, "pub", "sub")
        for subject in {strategies.literal(chance, chance.choice(protected).text, about) for _ in range(4)}:
            asked.append((before, after, [Publish(subject)]))
            asked.append((before, after, sessions(subject, before, after)))
    questions = [(claims, probe) for before, after, probes in asked for claims in (before, after) for probe in probes]
    answers = iter(oracle.ask_all(questions))
    for before, after, probes in asked:
        then, now = ([next(answers) for _ in probes] for _ in range(2))
        assert any(then) or not any(now), (before, after, probes[0].subject)
        got_through += any(now)
    assert got_through > 10
