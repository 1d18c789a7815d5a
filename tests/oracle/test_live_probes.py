"""Freshly drawn permissions and probes, new on every run: the kernel and both real servers must answer alike.

A failure prints the seed; ``PERMOPT_SEED=... pytest tests/oracle/test_live_probes.py`` draws the same again.
"""

from __future__ import annotations

import pytest

from optimizer.settings import Server
from optimizer.subjects.compare import Connect, Deliver, Publish, Relation, Subscribe, compare
from optimizer.subjects.permissions import Permissions
from tests import strategies
from tests.oracle.kernel import disagreements
from tests.oracle.witnesses import untrue_witnesses
from tests.strategies import BUDGET

pytestmark = pytest.mark.server


def test_the_kernel_answers_fresh_probes_as_the_server_does(oracle, server, chance):
    questions = []
    for _ in range(200 * BUDGET):
        claims = strategies.block(chance)
        questions += [(claims, probe) for probe in strategies.probes_about(chance, claims, 20)]
        questions += [(claims, Connect()), (claims, Publish(chance.choice(("a..b", ".a", "b."))))]
    answers = oracle.ask_all(questions)
    assert disagreements(questions, answers, server) == []
    for kind in (Publish, Subscribe, Deliver, Connect):
        told = [answer for (_, probe), answer in zip(questions, answers, strict=True) if isinstance(probe, kind)]
        assert {True, False} == set(told), f"{kind.__name__} probes that all end alike prove nothing"


def test_the_kernel_answers_fresh_leafnode_probes_as_the_server_does(oracle, server, chance):
    questions = []
    for _ in range(80 * BUDGET):
        claims = strategies.block(chance)
        probes = strategies.probes_about(chance, claims, 20, leafnode=True)
        questions += [(claims, probe) for probe in probes if not probe.subject.startswith("$")]
    answers = oracle.ask_all(questions)
    assert {True, False} == set(answers)
    assert disagreements(questions, answers, server) == []


def drawn_pairs(chance, server, count, **options):
    """Pairs of blocks, with what `compare` says of them.

    What goes over a leafnode below ``$JS.API`` depends on how both servers are configured, not on a token alone.
    """
    for _ in range(count):
        before, after = strategies.pair(chance)
        if options.get("leafnode") and "$" in f"{before}{after}":
            continue
        blocks = map(Permissions.from_claims, (before, after))
        yield before, after, compare(*blocks, server, **options)


@pytest.mark.parametrize("leafnode", [False, True], ids=["client", "leafnode"])
def test_every_witness_is_true_and_no_probe_tells_apart_what_is_the_same(oracle, server, chance, leafnode):
    found = list(drawn_pairs(chance, server, (90 if leafnode else 200) * BUDGET, leafnode=leafnode))
    relations = [comparison.relation for *_, comparison in found]
    assert {Relation.SAME, Relation.WIDER, Relation.NARROWER} <= set(relations)
    assert relations.count(Relation.UNDECIDED) < len(relations) / 10
    assert untrue_witnesses(oracle, found) == []
    questions = [
        (claims, probe)
        for before, after, comparison in found
        if comparison.relation is Relation.SAME
        for about in (before, after)
        for probe in strategies.probes_about(chance, about, 8, leafnode=leafnode)
        for claims in (before, after)
    ]
    answers = oracle.ask_all(questions)
    told_apart = [
        f"{probe} of {before} and {after}"
        for (before, probe), (after, _), then, now in zip(
            questions[::2], questions[1::2], answers[::2], answers[1::2], strict=True
        )
        if then != now
    ]
    assert told_apart == []


def test_before_2_12_14_no_second_subscription_tells_apart_what_is_the_same(oracles, chance):
    oracle = oracles[Server.EARLIER]
    questions = []
    for before, after, comparison in drawn_pairs(chance, Server.EARLIER, 250 * BUDGET):
        if comparison.relation is not Relation.SAME or before.get("sub") == after.get("sub"):
            continue
        sessions = [
            probe
            for probe in strategies.probes_about(chance, before, 40) + strategies.probes_about(chance, after, 40)
            if isinstance(probe, Deliver) and probe.alongside is not None
        ]
        questions += [(claims, probe) for probe in sessions for claims in (before, after)]
    answers = oracle.ask_all(questions)
    assert [
        question for question, then, now in zip(questions[::2], answers[::2], answers[1::2], strict=True) if then != now
    ] == []


@pytest.mark.parametrize(("maximum", "accepted"), [(-1, 5), (0, 1), (1, 1), (2, 2), (3, 3)])
def test_so_many_replies_are_accepted_as_the_claims_say(oracle, maximum, accepted):
    claims = {"sub": {"allow": ["requests.*"]}, "resp": {"max": maximum, "ttl": 0}}
    assert oracle.replies(claims, Publish("reply.here", "requests.one"), 5) == accepted


def test_a_reply_is_accepted_for_as_long_as_the_claims_say(oracle):
    probe = Publish("reply.here", "requests.one")
    brief, lasting = (
        {"sub": {"allow": ["requests.*"]}, "resp": {"max": 1, "ttl": seconds * 1_000_000_000}} for seconds in (0.05, 60)
    )
    brief["resp"]["ttl"] = 50_000_000
    lasting["resp"]["ttl"] = 60_000_000_000
    assert oracle.replies(brief, probe, 1, after=0.3) == 0
    assert oracle.replies(lasting, probe, 1, after=0.3) == 1
    gained = compare(Permissions.from_claims(brief), Permissions.from_claims(lasting), oracle.server.generation).gained
    assert [type(witness) for witness in gained] == [Publish]


def test_leave_to_reply_overrules_a_deny(oracle, server):
    claims = {"pub": {"allow": ["a.>"], "deny": ["reply.>"]}, "resp": {"max": 1, "ttl": 0}}
    questions = [(claims, Publish("reply.here", "requests.one")), (claims, Publish("reply.here"))]
    answers = oracle.ask_all(questions)
    assert answers == [True, False]
    assert disagreements(questions, answers, server) == []


def test_a_star_inside_a_token_is_a_literal(oracle, server):
    """Rule `literal-star`: many streams with one prefix have no pattern, and queue names have none either."""
    claims = {"pub": {"allow": ["$JS.API.STREAM.INFO.KV_*", "orders->"]}, "sub": {"allow": ["events.* worker-*"]}}
    questions = [
        (claims, Publish("$JS.API.STREAM.INFO.KV_*")),
        (claims, Publish("$JS.API.STREAM.INFO.KV_a")),
        (claims, Publish("orders->")),
        (claims, Publish("orders-a")),
        (claims, Subscribe("events.x", "worker-*")),
        (claims, Subscribe("events.x", "worker-1")),
    ]
    answers = oracle.ask_all(questions)
    assert answers == [True, False] * 3
    assert disagreements(questions, answers, server) == []
