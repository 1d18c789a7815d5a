"""The table of the JetStream API, asked of both servers: what is in it is answered, what is not never is."""

from __future__ import annotations

import json
import time
from typing import TYPE_CHECKING

import pytest

from optimizer.settings import Server
from optimizer.subjects.jetstream import API, Effect, unanswered
from tests import signing
from tests.oracle.server import ACCOUNT, OPERATOR, PATIENCE, RealServer, user_token

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.oracle.server import Client

pytestmark = pytest.mark.server

SYSTEM_ACCOUNT = ("META", "SERVER", "ACCOUNT")
NAMES = {"": "", "*": ".S", "*.*": ".S.c", "*.>": ".S.s.x"}


@pytest.fixture(scope="module", params=list(Server), ids=lambda server: server.value)
def client(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Client]:
    """A client of an account with JetStream, a stream and a consumer, on each server."""
    directory: Path = tmp_path_factory.mktemp("jetstream")
    limits = {**signing.NO_LIMITS, "mem_storage": -1, "disk_storage": -1, "streams": -1, "consumer": -1}
    account = signing.sign(signing.account_claims(ACCOUNT, "ORACLE", limits=limits), OPERATOR)
    more = f"jetstream {{ store_dir: '{directory / 'js'}', domain: hub }}\n"
    with (
        RealServer(request.param, directory / "server", {ACCOUNT.public: account}, more) as server,
        server.connect(user_token({})) as connection,
    ):
        connection.say("SUB answers.> 1")
        stream = {"name": "S", "subjects": ["s.>"], "storage": "memory", "allow_direct": True, "num_replicas": 1}
        assert "error" not in json.loads(answer(connection, "$JS.API.STREAM.CREATE.S", stream))
        consumer = {"stream_name": "S", "config": {"durable_name": "c", "ack_policy": "explicit"}}
        assert "error" not in json.loads(answer(connection, "$JS.API.CONSUMER.DURABLE.CREATE.S.c", consumer))
        yield connection


def answer(client: Client, subject: str, body: object = None) -> str:
    """The answer to a request, which comes when it comes; nothing else may be answered until then."""
    text = "" if body is None else json.dumps(body)
    reply = f"answers.{time.monotonic_ns()}"
    events = client.say(f"PUB {subject} {reply} {len(text)}\r\n{text}")
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline:
        for event in events:
            assert (event.verb, event.subject) == ("MSG", reply), (subject, event)
            return event.body
        time.sleep(0.005)
        events = client.say()
    raise TimeoutError(subject)


def requests() -> dict[str, bool]:
    """A request to each API, and whether these servers have it; what deletes comes last, and of that the stream."""
    ordered = sorted(
        API, key=lambda api: (api.effect is Effect.DELETES, "CONSUMER" not in api.verb, len(api.verb) < 14)
    )
    return {
        f"$JS.{domain}API.{api.verb}{NAMES[api.arguments]}": not api.since
        for api in ordered
        for domain in ("hub.", "")
        if not api.verb.startswith(SYSTEM_ACCOUNT)
    }


def test_what_the_table_has_not_no_server_answers(client):
    wrong = {"$JS.API.CONSUMER.UPDATE.S.c", "$JS.hub.API.CONSUMER.UPDATE.S.c", "$JS.API.STREAM.GET.S"}
    wrong |= {subject for subject, has in requests().items() if not has}
    for subject in requests():
        wrong |= {subject.rpartition(".")[0], f"{subject}.x", f"{subject}X", subject.replace("API.", "API.X")}
    unknown = sorted(
        subject for subject in wrong if unanswered(tuple(subject.split("."))) is not None or "RESET.S.c" in subject
    )
    assert len(unknown) > 150
    for subject in unknown:
        assert client.say(f"PUB {subject} answers.unknown 0\r\n") == [], subject
    for _ in range(3):  # what is answered at all comes before these
        answer(client, "$JS.API.INFO")


def test_what_the_table_has_is_answered(client):
    for subject, has in requests().items():
        body = {"batch": 1, "no_wait": True} if "MSG.NEXT" in subject else None
        if has:
            answer(client, subject, body)
