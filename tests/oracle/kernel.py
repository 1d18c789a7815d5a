"""What the kernel says to the questions that the oracle asks a real server."""

from __future__ import annotations

from typing import TYPE_CHECKING, assert_never

from optimizer.subjects.compare import Connect, Deliver, LeafInterest, LeafSubscribe, Probe, Publish, Subscribe
from optimizer.subjects.permissions import Permissions
from tests.oracle.server import queue_names

if TYPE_CHECKING:
    from collections.abc import Iterable

    from optimizer.settings import Server
    from tests.strategies import Claims

Question = tuple["Claims", Probe]


def kernel_says(claims: Claims, probe: Probe, server: Server) -> bool:
    """The kernel's answer to one probe."""
    return block_says(Permissions.from_claims(claims), probe, server, queue_names(claims))


def block_says(block: Permissions, probe: Probe, server: Server, queues: Iterable[str] = ()) -> bool:
    """A block's answer to one probe; ``queues`` are the groups a responder may try to join to receive requests."""
    match probe:
        case Connect():
            return block.refusal is None
        case Publish(subject, None):
            return block.may_publish(subject, server)
        case Publish(subject, str(request)):
            return block.may_publish(subject, server) or (
                block.resp is not None
                and any(block.delivers(request, queue, [request], server) for queue in (None, *queues))
            )
        case Subscribe(subject, queue):
            return block.may_subscribe(subject, queue, server)
        case Deliver(subscription, queue, subject, alongside):
            return bool(block.delivers(subscription, queue, [subject], server, alongside))
        case LeafSubscribe(subject):
            return block.may_leaf_subscribe(subject, server)
        case LeafInterest(subject):
            return block.tells_leaf(subject, server)
        case _:
            assert_never(probe)


def disagreements(questions: Iterable[Question], answers: Iterable[bool], server: Server) -> list[str]:
    """Where the kernel says otherwise than the server, one line each."""
    return [
        f"nats-server {server.value} says {answer}: {probe} of {claims}"
        for (claims, probe), answer in zip(questions, answers, strict=True)
        if kernel_says(claims, probe, server) != answer
    ]
