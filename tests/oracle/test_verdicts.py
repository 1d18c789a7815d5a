"""The kernel against 7,451 recorded answers of nats-server 2.12.15, and both real servers asked the same again."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from optimizer.settings import Server
from optimizer.subjects.compare import Deliver, Publish, Subscribe
from tests.oracle.kernel import disagreements

if TYPE_CHECKING:
    from tests.oracle.kernel import Question
    from tests.oracle.server import Oracle

RECORDED = Path(__file__).resolve().parents[2] / "corpus" / "oracle" / "permission-verdicts.jsonl"


@pytest.fixture(scope="module")
def recorded() -> list[tuple[Question, bool]]:
    """Each recorded answer as a probe; a delivery as one probe for each message published."""
    rows = [json.loads(line) for line in RECORDED.read_text().splitlines()]
    assert len(rows) == 7_451
    found: list[tuple[Question, bool]] = []
    for row in rows:
        claims, subject, queue = row["permissions"], row["subject"], row.get("queue")
        match row["op"]:
            case "pub":
                found.append(((claims, Publish(subject)), row["verdict"]))
            case "sub":
                found.append(((claims, Subscribe(subject, queue)), row["verdict"]))
            case "delivers":
                assert row["verdict"] is True
                delivered = set(row["delivered"])
                found += [((claims, Deliver(subject, queue, m)), m in delivered) for m in row["published"]]
    return found


def test_the_kernel_agrees_with_every_recorded_verdict(recorded):
    questions, answers = zip(*recorded, strict=True)
    assert len(questions) == 11_604
    assert disagreements(questions, answers, Server.CURRENT) == []


@pytest.mark.server
def test_the_server_still_answers_as_it_was_recorded(recorded, oracles: dict[Server, Oracle]):
    questions, answers = zip(*recorded, strict=True)
    assert oracles[Server.CURRENT].ask_all(questions) == list(answers)


@pytest.mark.server
def test_the_earlier_server_answers_the_same_questions_as_the_kernel_says_it_does(recorded, oracles):
    questions, answers = zip(*recorded, strict=True)
    earlier = oracles[Server.EARLIER].ask_all(questions)
    assert disagreements(questions, earlier, Server.EARLIER) == []
    assert sum(map(bool.__ne__, earlier, answers)) > 50, "the generations differ; a server asked twice does not"
