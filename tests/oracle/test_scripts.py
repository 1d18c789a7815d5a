"""Whole scripts, run by sh with the real nsc on real stores."""

from __future__ import annotations

import json

import pytest

from tests.oracle.nsc_tool import PUB, SUB, Store, proposal, sh
from optimizer.edits import EditEntries

pytestmark = pytest.mark.nsc


@pytest.fixture
def store(tmp_path):
    made = Store(tmp_path / "home")
    made.nsc("add", "account", "--name=BILLING")
    made.nsc(
        "add",
        "user",
        "--account=BILLING",
        "--name=app",
        "--allow-pub=orders.>,orders.created,billing.*",
        "--allow-sub=orders.created,_INBOX.>",
    )
    return made


def covered(store):
    return proposal("covered-entry-1", EditEntries(store.user("BILLING", "app"), PUB, ("orders.created",)))


def expected_is_there(store, directory):
    for target in json.loads((directory / "expected.json").read_text())["targets"]:
        account, user = target["account"]["name"], target["user"] and target["user"]["name"]
        assert store.payload(account, user)["nats"] == target["after"]["claims"]
        assert len(store.path(account, user).read_bytes()) == target["after"]["bytes"]
    return True


@pytest.mark.parametrize("shell", ["dash", "bash"])
def test_a_covered_entry_goes_and_the_token_is_what_was_predicted(store, tmp_path, shell):
    made = store.script(tmp_path / "out", covered(store))
    before = store.tokens()

    run = sh(made / "apply.sh", "-H", str(store.home), shell=shell)
    assert run.code == 0, run
    assert store.payload("BILLING", "app")["nats"]["pub"]["allow"] == ["billing.*", "orders.>"]
    assert store.payload("BILLING", "app")["nats"]["sub"]["allow"] == ["_INBOX.>", "orders.created"]
    assert expected_is_there(store, made)

    verified = sh(made / "verify.sh", "-H", str(store.home), shell=shell)
    assert verified.code == 0, verified

    back = sh(made / "rollback.sh", "-H", str(store.home), shell=shell)
    assert back.code == 0, back
    assert store.tokens() == before
    assert sh(made / "verify.sh", "-H", str(store.home), shell=shell).code == 5
