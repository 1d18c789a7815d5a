"""Which literal subjects a block lets its holder publish and receive, against the kernel's own answers."""

from itertools import product
from random import Random

import pytest

from optimizer.settings import Server
from optimizer.subjects.admitted import Admitted
from optimizer.subjects.permissions import Permission, Permissions
from optimizer.subjects.protected import newly_admitted
from optimizer.subjects.subject import Subject
from tests import strategies
from tests.strategies import BUDGET

NOTHING = Permissions(Permission(()), Permission(()))
TOKENS = ("a", "b", "c", "x")
SUBJECTS = [subject for length in (1, 2, 3) for subject in product(TOKENS, repeat=length)]
SUBSCRIPTIONS = [
    ".".join((*head, last))
    for length in (1, 2, 3)
    for head in product(("a", "b", "x", "*"), repeat=length - 1)
    for last in ("a", "b", "x", "*", ">")
]


def received(block, server, queues):
    """By brute force: every subject that some short subscription brings."""
    subjects = [".".join(tokens) for tokens in SUBJECTS]
    found = set()
    for queue in queues:
        for subscription in SUBSCRIPTIONS:
            if block.may_subscribe(subscription, queue, server):
                found.update(block.delivers(subscription, queue, subjects, server))
    return found


@pytest.mark.parametrize("server", Server, ids=lambda server: server.value)
def test_what_some_subscription_brings_can_be_received_and_nothing_else(server):
    chance = Random(20)
    for _ in range(60 * BUDGET):
        claims = strategies.block(chance, malformed=0.0, odd=0.0)
        block = Permissions.from_claims(claims)
        if block.refusal:
            continue
        brought = received(block, server, (None, "q", "v1", "zz"))
        admitted = Admitted(block, server)
        for tokens in SUBJECTS:
            subject = ".".join(tokens)
            assert admitted.publishes(tokens) == block.may_publish(subject, server)
            if subject in brought:
                assert admitted.receives(tokens), (claims, subject)
            elif admitted.receives(tokens):
                # A longer subscription, or a queue group of another name, may bring it: the kernel's search names one.
                probe = newly_admitted(
                    NOTHING, Permissions(NOTHING.pub, block.sub), [Subject(subject)], server, effort=9**9
                )
                assert subject in block.delivers(probe.subscription, probe.queue, (subject,), server, probe.alongside)
