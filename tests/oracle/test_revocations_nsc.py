"""Revocations taken out and put in by the real nsc, every state foretold to the byte."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING

import pytest

from optimizer.claims.keys import account_key
from optimizer.cli.main import run
from optimizer.edits import (
    ActivationRevocation,
    EditActivationRevocations,
    EditRevocations,
    Revocation,
    Target,
    obstacle,
)
from optimizer.examine import examine
from optimizer.judge import judge
from optimizer.nsc.script import script_for
from optimizer.proposals import Safety
from tests import signing
from tests.builders import settings
from tests.oracle.nsc_tool import SHELLS, Store, expected_is_there, proposal, sh, stand_in, write

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.nsc


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    store = Store(tmp_path_factory.mktemp("revocations") / "home")
    store.nsc("edit", "operator", "--sk=generate")
    store.nsc("add", "account", "--name=A")
    return store


@pytest.fixture
def store(made, tmp_path):
    return made.copy(tmp_path / "home")


def keys(count: int) -> list[str]:
    return sorted(signing.user(f"revoked {number}").public for number in range(count))


def accounts(count: int) -> list[str]:
    return sorted(signing.account(f"importer {number}").public for number in range(count))


def revoked(store: Store, *remove: Revocation, add: tuple[Revocation, ...] = ()) -> EditRevocations:
    return EditRevocations(Target("revocation", account_key(store.key("A"))), remove, add)


def activations(store: Store, *remove: ActivationRevocation, add: tuple[ActivationRevocation, ...] = ()):
    return EditActivationRevocations(Target("activation", account_key(store.key("A"))), remove, add)


def applied(store: Store, out: Path, *edits) -> Path:
    written = store.script(out, *(proposal(f"p-{number}", edit) for number, edit in enumerate(edits)))
    run = sh(written / "apply.sh", "-H", str(store.home))
    assert run.code == 0, run
    assert expected_is_there(store, written)
    return written


@pytest.mark.parametrize("shell", SHELLS)
def test_what_a_blanket_covers_is_taken_out_key_by_key_and_put_back(store, tmp_path, shell):
    every = keys(7)
    store.forge("A", nats={"revocations": {**{key: 100 + n for n, key in enumerate(every)}, "*": 105}})
    before = store.tokens()
    edit = revoked(store, *(Revocation(key, 100 + n) for n, key in enumerate(every[:6])))
    assert obstacle(edit, store.hierarchy()) is None
    out = store.script(tmp_path / "out", proposal("p", edit))
    run = sh(out / "apply.sh", "-H", str(store.home), shell=shell)
    assert run.code == 0, run
    assert expected_is_there(store, out)
    assert store.payload("A")["nats"]["revocations"] == {"*": 105, every[6]: 106}
    again = sh(out / "apply.sh", "-H", str(store.home), shell=shell)
    assert (again.code, "Already done" in again.out) == (0, True), again
    assert sh(out / "verify.sh", "-H", str(store.home), shell=shell).code == 0
    back = sh(out / "rollback.sh", "-H", str(store.home), shell=shell)
    assert (back.code, store.tokens()) == (0, before), back


def test_all_go_and_the_member_with_them(store, tmp_path):
    only = keys(1)[0]
    store.forge("A", nats={"revocations": {only: 5}})
    applied(store, tmp_path / "out", revoked(store, Revocation(only, 5)))
    assert "revocations" not in store.payload("A")["nats"]


@pytest.mark.parametrize("time", [1_700_000_000, 1, -5, 2**53 + 1, 2**62])
def test_a_blanket_comes_before_what_it_covers_goes(store, tmp_path, time):
    first, second = keys(2)
    store.forge("A", nats={"revocations": {first: -7, second: time, "*": -9}})
    edit = revoked(store, Revocation(first, -7), Revocation(second, time), add=(Revocation("*", time),))
    out = applied(store, tmp_path / "out", edit)
    text = (out / "apply.sh").read_text()
    assert text.index("revocations add-user") < text.index("revocations delete-user")
    assert store.payload("A")["nats"]["revocations"] == {"*": time}


def test_a_later_time_moves_and_an_earlier_one_is_refused_beforehand(store, tmp_path):
    key = keys(1)[0]
    store.forge("A", nats={"revocations": {key: 50}})
    applied(store, tmp_path / "out", revoked(store, add=(Revocation(key, 60),)))
    assert store.payload("A")["nats"]["revocations"] == {key: 60}
    for edit in (
        revoked(store, add=(Revocation(key, 60),)),
        revoked(store, add=(Revocation(key, 59),)),
        revoked(store, Revocation(key, 60), add=(Revocation(key, 59),)),
        revoked(store, Revocation(key, 50)),
        revoked(store, Revocation(key, 60), Revocation(key, 60)),
        revoked(store, add=(Revocation("*", 0),)),
        revoked(store, add=(Revocation(key[:-1] + "A", 70),)),
        revoked(store, add=(Revocation("", 70),)),
    ):
        assert obstacle(edit, store.hierarchy()) is not None, edit
    store.nsc("revocations", "add-user", "--account=A", f"--user-public-key={key}", "--at=59")
    assert store.payload("A")["nats"]["revocations"] == {key: 60}, "nsc ignores it without a word"


def test_4_the_key_that_signed_an_account_goes_on_signing_it(store, tmp_path):
    (other,) = json.loads(store.nsc("describe", "operator", "--field=nats.signing_keys"))
    key = keys(1)[0]
    store.nsc("edit", "account", "--name=A", "--description=x", f"--private-key={other}", "--js-disable")
    store.nsc("revocations", "add-user", "--account=A", f"--user-public-key={key}", "--at=50", f"--private-key={other}")
    applied(store, tmp_path / "out", revoked(store, Revocation(key, 50)))
    assert store.payload("A")["iss"] == other


def test_no_key_of_a_revocation_executes_globs_or_is_another_argument(store):
    for key in ("$(touch pwned)", "-h", "*.x", "a\nb", "\x1b[31m", "*;"):
        store.forge("A", nats={"revocations": {key: 5, "*": 6}})
        assert obstacle(revoked(store, Revocation(key, 5)), store.hierarchy()) is not None


# ---- activations ----------------------------------------------------------------------------------------------------


DELETE_ACTIVATION = ("revocations", "delete_activation", "--account=A", "--service")
EXPORTS = [
    {"name": "svc", "subject": "a.*", "type": "service", "token_req": True, "response_type": "Singleton"},
    {"name": "pub", "subject": "b.x", "type": "service", "response_type": "Singleton"},
    {"name": "str", "subject": "a.*", "type": "stream", "token_req": True},
]


def exports(*revocations):
    return [{**each, "revocations": these} for each, these in zip(EXPORTS, revocations, strict=True)]


def test_activations_of_each_export_and_kind_are_told_apart(store, tmp_path):
    one, two, three = accounts(3)
    store.forge("A", nats={"exports": exports({one: 5, two: 7, "*": 6}, {one: 5, two: 5, three: 5}, {one: 5, "*": 5})})
    before = store.tokens()
    gone = (
        ActivationRevocation("service", "a.*", one, 5),
        *(ActivationRevocation("service", "b.x", key, 5) for key in (one, two, three)),
        ActivationRevocation("stream", "a.*", one, 5),
    )
    edit = activations(store, *gone, add=(ActivationRevocation("stream", "a.*", two, 9),))
    assert obstacle(edit, store.hierarchy()) is None
    out = applied(store, tmp_path / "out", edit)
    left = {(each["type"], each["subject"]): each.get("revocations") for each in store.payload("A")["nats"]["exports"]}
    assert left == {("service", "a.*"): {two: 7, "*": 6}, ("service", "b.x"): None, ("stream", "a.*"): {two: 9, "*": 5}}
    back = sh(out / "rollback.sh", "-H", str(store.home))
    assert (back.code, store.tokens()) == (0, before), back


def test_an_export_inside_another_is_left_alone_for_nsc_takes_the_first_that_contains_it(store):
    one = accounts(1)[0]
    wide = {"name": "wide", "subject": "a.>", "type": "service", "response_type": "Singleton", "revocations": {one: 5}}
    inner = {**wide, "name": "inner", "subject": "a.b"}
    edit = activations(store, ActivationRevocation("service", "a.b", one, 5))
    store.forge("A", nats={"exports": [wide, inner]})
    assert "`a.>`" in str(obstacle(edit, store.hierarchy()))
    store.nsc(*DELETE_ACTIVATION, "--subject=a.b", f"--target-account={one}")
    left = [each.get("revocations") for each in store.payload("A")["nats"]["exports"]]
    assert left == [None, {one: 5}], "nsc took it out of the other export"


def test_16_nsc_says_it_deleted_an_activation_that_is_not_there_and_the_plan_does_not(store):
    one = accounts(1)[0]
    store.forge("A", nats={"exports": exports({one: 5}, None, None)})
    missing = activations(store, ActivationRevocation("service", "b.x", one, 5))
    assert obstacle(missing, store.hierarchy()) is not None
    said = store.nsc(*DELETE_ACTIVATION, "--subject=b.x", f"--target-account={one}")
    assert "deleted service" in said


# ---- many -----------------------------------------------------------------------------------------------------------


BATCH = 12
"""Instead of as many as a script has: the fewer, the sooner the test is done."""


@pytest.fixture
def many(store, monkeypatch):
    monkeypatch.setattr("optimizer.nsc.commands.revocations.BATCH", BATCH)
    every = keys(BATCH + 8)
    store.forge("A", nats={"revocations": {**dict.fromkeys(every, 5), "*": 6}})
    return store, revoked(store, *(Revocation(key, 5) for key in every))


def test_many_keys_are_batches_that_a_script_resumes_between(many, tmp_path):
    store, edit = many
    out = store.script(tmp_path / "out", proposal("p", edit))
    (target,) = json.loads((out / "expected.json").read_text())["targets"]
    assert target["steps"] == 2
    words = re.findall(r"^  each .*$", (out / "apply.sh").read_text(), re.MULTILINE)
    assert len(words) == 2
    longest = max(len(line) for line in (out / "apply.sh").read_text().splitlines())
    assert longest < 1_000, "no argument comes near the limit of a system"
    killer = stand_in(
        tmp_path / "killer",
        f'case $* in *delete-user*{edit.remove[BATCH - 3].key}) kill -9 "$PPID"; exit ;; esac; exec "$real" "$@"',
    )
    before = store.tokens()
    assert sh(out / "apply.sh", "-H", str(store.home), NSC=str(killer)).code == -9
    assert store.tokens() == before, "a batch that was not finished has changed nothing"
    second = stand_in(
        tmp_path / "second",
        f'case $* in *delete-user*{edit.remove[BATCH + 3].key}) exit 1 ;; esac; exec "$real" "$@"',
    )
    failed = sh(out / "apply.sh", "-H", str(store.home), NSC=str(second))
    assert (failed.code, "could not make this edit" in failed.err) == (1, True), failed
    assert len(store.payload("A")["nats"]["revocations"]) == 9, "the first batch stays"
    resumed = sh(out / "apply.sh", "-H", str(store.home))
    assert resumed.code == 0, resumed
    assert expected_is_there(store, out)
    assert store.payload("A")["nats"]["revocations"] == {"*": 6}


def test_a_batch_that_yields_something_else_is_put_back(many, tmp_path):
    store, edit = many
    out = store.script(tmp_path / "out", proposal("p", edit))
    liar = stand_in(
        tmp_path / "liar",
        f'case $* in *delete-user*{edit.remove[7].key}) exit 0 ;; esac; exec "$real" "$@"',
    )
    before = store.tokens()
    run = sh(out / "apply.sh", "-H", str(store.home), NSC=str(liar))
    assert (run.code, store.tokens()) == (5, before), run


def test_a_plan_of_lists_and_revocations_of_one_account_promises_bytes_that_add_up(store, tmp_path):
    every = keys(5)
    store.nsc("edit", "account", "--name=A", "--allow-pub=a.>,a.b", "--js-disable")
    times = {**dict.fromkeys(every, 5), "*": 6}
    store.forge("A", nats={"revocations": times, "exports": exports({}, {accounts(1)[0]: 5}, {})})
    hierarchy = store.hierarchy()
    plan = examine(hierarchy, settings())
    safe = plan.default_selection
    assert [each.finding.rule for each in safe] == ["covered-entry", "covered-revocation"]
    chosen = (*safe, *(each for each in plan.proposals if each.finding.rule == "idle-activation-revocation"))
    assert chosen[-1].judgement.safety is Safety.GUARDED, "the export may ask for activations again"
    for part, safety in ((safe, Safety.SAFE), (chosen, Safety.GUARDED)):
        whole = judge(hierarchy, [edit for each in part for edit in each.edits], settings())
        assert (whole.safety, whole.tokens[0].after) == (safety, part[-1].judgement.tokens[0].after)
    sizes = [tuple((each.before, each.after) for each in one.judgement.tokens) for one in chosen]
    assert sizes[0][0][1] == sizes[1][0][0]
    assert sizes[1][0][1] == sizes[2][0][0]
    out = write(script_for(hierarchy, chosen, whole), tmp_path / "out")
    assert sh(out / "apply.sh", "-H", str(store.home)).code == 0
    assert expected_is_there(store, out)
    assert len(store.path("A").read_bytes()) == whole.tokens[0].after


def test_propose_script_and_verify_agree_about_what_was_done(store, tmp_path, capsys, monkeypatch):
    monkeypatch.chdir(tmp_path)
    every = keys(60)
    store.forge("A", nats={"revocations": {**{key: 100 + n for n, key in enumerate(every)}, "*": 102}})
    assert run(["propose", str(store.home), "-o", "plan.json", "-q", "--format", "json"]) == 0
    document = json.loads((tmp_path / "plan.json").read_text())
    (name,) = [each["id"] for each in document["proposals"] if each["rule"] == "blanket-revocation"]
    assert run(["review", "plan.json", "--accept", name]) == 0
    assert run(["script", "plan.json", "-o", "out"]) == 0
    assert run(["verify", "plan.json", "-s", str(store.home), "--expected", "out/expected.json"]) != 0
    done = sh(tmp_path / "out" / "apply.sh", "-H", str(store.home))
    assert done.code == 0, done
    assert store.payload("A")["nats"]["revocations"] == {"*": 159}
    capsys.readouterr()
    assert run(["verify", "plan.json", "-s", str(store.home), "--expected", "out/expected.json"]) == 0
