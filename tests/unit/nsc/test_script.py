"""What the scripts say and what they expect."""

from __future__ import annotations

import json
import subprocess
from dataclasses import replace

import pytest

from optimizer.errors import MismatchError, UsageError
from optimizer.nsc.fingerprint import fingerprint
from optimizer.nsc.script import script_for
from optimizer.proposals import Safety, TokenChange
from tests.builders import Account, User, removing, store, user_of
from tests.oracle.nsc_tool import SHELLS, judgement, proposal


@pytest.fixture
def read():
    return store(Account("ACME", users=[User("app", pub={"allow": ["a.>", "a.b"]}), User("web")]))


@pytest.fixture
def one(read):
    return proposal(
        "covered-entry-1", removing(user_of(read, "ACME/app"), "pub.allow", "a.b"), message="a.> covers a.b"
    )


@pytest.mark.parametrize("shell", SHELLS)
@pytest.mark.parametrize("name", ["apply", "rollback", "verify"])
def test_every_script_is_sh(read, one, shell, name):
    text = getattr(script_for(read, [one], judgement()), name)
    assert text.startswith(f"#!/bin/sh\n# {name}.sh: ")
    assert "\nset -eu\n" in text
    assert subprocess.run([shell, "-n"], input=text.encode(), check=False).returncode == 0


def test_the_head_says_what_is_done_why_and_what_it_brings(read, one):
    made = script_for(read, [one], judgement())
    (target,) = made.expected["targets"]
    before, after = target["before"]["bytes"], target["after"]["bytes"]
    assert f"#   user ACME/app: {before} -> {after} bytes\n" in made.apply
    assert f"# In all {before} -> {after} bytes, {before - after} saved.\n" in made.apply
    assert "#   covered-entry-1 (safe): a.> covers a.b\n" in made.apply
    assert "# Safety: safe. Takes effect on reissue; disturbs nothing; undo: exact.\n" in made.apply
    assert "  # Step 1 of 1: covered-entry-1\n  #   Why: a.> covers a.b\n" in made.apply


def test_expected_holds_the_claims_after_and_both_fingerprints(read, one):
    document = json.loads(json.dumps(script_for(read, [one], judgement()).expected))
    (target,) = document["targets"]
    assert document["type"] == "permopt.expected.v1"
    assert document["proposals"] == ["covered-entry-1"]
    assert (target["kind"], target["account"]["name"], target["user"]["name"]) == ("user", "ACME", "app")
    assert target["after"]["claims"]["pub"] == {"allow": ["a.>"]}
    assert target["after"]["fingerprint"] == fingerprint(target["after"]["claims"])
    token = read.users[user_of(read, "ACME/app").user, user_of(read, "ACME/app").account].token
    assert target["before"] == {"bytes": token.size, "fingerprint": fingerprint(json.loads(token.payload)["nats"])}


def test_the_same_plan_makes_the_same_scripts(read, one):
    assert script_for(read, [one], judgement()) == script_for(read, [one], judgement())


def test_nothing_to_do_is_refused(read):
    with pytest.raises(UsageError, match="nothing"):
        script_for(read, [], judgement())


def test_a_judgement_that_promises_other_bytes_is_refused(read, one):
    target = user_of(read, "ACME/app")
    right = script_for(read, [one], judgement()).expected["targets"][0]
    before, after = right["before"]["bytes"], right["after"]["bytes"]
    promise = replace(judgement(), tokens=(TokenChange(target.account, target.user, before, after),))
    assert script_for(read, [one], promise)
    promise = replace(judgement(), tokens=(TokenChange(target.account, target.user, before, after - 1),))
    with pytest.raises(MismatchError, match="user ACME/app"):
        script_for(read, [one], promise)


def test_advice_and_what_nsc_must_not_edit_never_get_into_a_script(read, one):
    advice = replace(one, judgement=replace(judgement(), safety=Safety.ADVICE))
    with pytest.raises(UsageError, match="is advice"):
        script_for(read, [advice], judgement())
    with pytest.raises(UsageError, match="managed store"):
        script_for(replace(read, managed=True), [one], judgement())
    named = store(Account("ACME\n", users=[User("app", pub={"allow": ["a.>", "a.b"]})]))
    spaced = proposal("p", removing(user_of(named, "ACME\n/app"), "pub.allow", "a.b"))
    with pytest.raises(UsageError, match="trims names"):
        script_for(named, [spaced], judgement())


def test_rollback_holds_the_public_tokens_from_before_and_apply_none(read, one):
    made = script_for(read, [one], judgement())
    token = read.users[user_of(read, "ACME/app").user, user_of(read, "ACME/app").account].token.text
    assert token in made.rollback.replace("\n", "")
    assert token[:200] not in (made.apply + made.verify).replace("\n", "")
