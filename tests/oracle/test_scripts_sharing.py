"""Scripts of bundles and hubs, run by sh with the real nsc on real stores."""

from __future__ import annotations

import json
import re
import shutil
from typing import TYPE_CHECKING, Any

import pytest

from optimizer.claims.keys import account_key
from optimizer.claims.model import Export, Import
from optimizer.edits import AddAccount, EditExports, EditImports, Target, apply, obstacle
from optimizer.graph.suggestion import Kind
from tests.oracle.markets import (
    market,
    new_key,
    one_plan,
    service_export,
    services,
    small,
    staged,
    suggested,
    two_plans,
)
from tests.oracle.nsc_tool import NSC, Store, expected_is_there, proposal, sh, stand_in
from tests.oracle.test_scripts_hostile import CONTROL, NAMES, SUBJECTS
from tests.topologies import stream

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.nsc


def streams(accounts: int) -> dict[str, dict[str, Any]]:
    """Accounts that export streams of the same names, and one that takes them all: it shows how Go sorts equals."""
    names = [f"E{number}" for number in range(accounts)]
    exports = {name: {"exports": [stream("ev.x"), stream("ev.y")]} for name in names}
    taken = [stream(s, n, local_subject=f"{n}.{s}") for n in names for s in ("ev.y", "ev.x")]
    return {**exports, "TAKER": {"imports": taken}}


@pytest.mark.parametrize("strict", [False, True], ids=["the operator's own key", "signing keys alone"])
@pytest.mark.parametrize("root", ["svc.p{}", "s{}"], ids=["names kept", "names with a prefix"])
def test_a_hub_is_made_as_predicted_and_taken_back_byte_for_byte(tmp_path: Path, root: str, strict: bool):
    accounts = services(root=root)
    more = streams(8)
    accounts["C0"]["imports"] += more.pop("TAKER")["imports"]
    store = market(tmp_path / "home", {**accounts, **more}, strict=strict)
    hub, key = suggested(store, Kind.HUB), new_key(store)
    before = store.tokens()
    plan = one_plan(store, hub, key) if root.startswith("svc") else two_plans(store, hub, key)
    read = store.hierarchy()
    edits = [edit for each in plan for edit in each.edits]
    with_hub = apply(edits[0], read)
    assert [obstacle(e, read if isinstance(e, AddAccount) else with_hub) for e in edits] == [None] * len(edits)
    out = store.script(tmp_path / "out", *plan)

    run = sh(out / "apply.sh", "-H", str(store.home))
    assert run.code == 0, run
    assert expected_is_there(store, out)
    assert (store.key("hub"), len(store.payload("hub")["nats"]["imports"])) == (key, 14)
    assert [each["subject"] for each in store.payload("C1")["nats"]["imports"]] == [hub.subject]
    assert len(store.payload("C0")["nats"]["imports"]) == 1 + 16
    assert store.payload("hub")["iss"] == store.payload("C1")["iss"]
    for account in ("hub", "C0", "C1"):
        assert "No issues found" in store.nsc("validate", f"--account={account}")
    verified = sh(out / "verify.sh", "-H", str(store.home))
    assert (verified.code, verified.out.count("ok ")) == (0, 4), verified
    done = store.tokens()
    again = sh(out / "apply.sh", "-H", str(store.home))
    assert (again.code, store.tokens(), "Already done" in again.out) == (0, done, True), again

    back = sh(out / "rollback.sh", "-H", str(store.home))
    assert (back.code, store.tokens()) == (0, before), back
    assert not store.path("hub").parent.exists()
    assert store.key_file(key).exists()
    assert f"account hub: removed; its key {key} stays in {store.home}\n" in back.out
    unapplied = sh(out / "verify.sh", "-H", str(store.home))
    assert (unapplied.code, unapplied.out.count("unchanged")) == (5, 4), unapplied


def test_a_bundle_is_made_as_predicted_and_taken_back(tmp_path: Path):
    more = streams(8)
    exporter = {"exports": [stream("in.>")]}
    parts = [stream(f"in.{word}.x", "A", local_subject=f"own.{word}") for word in "abcdefgh"]
    more["TAKER"]["imports"] += parts
    store = market(tmp_path / "home", {**more, "A": exporter})
    before = store.tokens()
    bundle = suggested(store, Kind.BUNDLE)
    assert bundle.members == (store.key("A"), store.key("TAKER"))
    out = store.script(tmp_path / "out", *one_plan(store, bundle))
    run = sh(out / "apply.sh", "-H", str(store.home))
    assert run.code == 0, run
    assert expected_is_there(store, out)
    imports = store.payload("TAKER")["nats"]["imports"]
    assert [(each["subject"], each.get("local_subject")) for each in imports if each["account"] == store.key("A")] == [
        ("in.*.x", "own.$1")
    ]
    assert len(imports) == 16 + 1
    back = sh(out / "rollback.sh", "-H", str(store.home))
    assert (back.code, store.tokens()) == (0, before), back


# ---- a small hub, made by hand: two providers of one service each, two consumers ------------------------------------


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    home = tmp_path_factory.mktemp("small") / "home"
    store = market(home, services(2, 2, 1))
    return store, new_key(store)


@pytest.fixture
def store(made, tmp_path):
    return made[0].copy(tmp_path / "home")


@pytest.fixture
def key(made):
    return made[1]


@pytest.fixture
def out(store, key, tmp_path):
    return store.script(tmp_path / "out", proposal("hub-1", *small(store, key)))


EDITS = """
case $* in
  *" add "* | *" delete "*) m=$(($(cat "$0.m" 2>/dev/null || echo 0) + 1)) && echo "$m" >"$0.m" ;;
  *) m= ;;
esac
"""
"""Counts in ``$m`` the calls of nsc that edit."""


def test_a_script_killed_at_any_edit_resumes(store, out, tmp_path):
    steps = sum(target["steps"] for target in json.loads((out / "expected.json").read_text())["targets"])
    assert steps == 4 + 2 * 3
    for last in range(1, steps + 1):
        copy = store.copy(tmp_path / f"copy{last}")
        kill, real = f'[ "$m" != {last} ] || {{ kill -9 "$PPID"; exit; }}', '"$real" "$@" || exit'
        killer = stand_in(tmp_path / f"killer{last}", EDITS + "\n".join([kill, real] if last % 2 else [real, kill]))
        assert sh(out / "apply.sh", "-H", str(copy.home), NSC=str(killer)).code == -9
        if last % 3 == 0:  # half a run is taken back as well
            assert sh(out / "rollback.sh", "-H", str(copy.home)).code == 0
            assert copy.tokens() == store.tokens()
        resumed = sh(out / "apply.sh", "-H", str(copy.home))
        assert resumed.code == 0, (last, resumed)
        assert expected_is_there(copy, out)
        shutil.rmtree(copy.home)


def test_a_script_killed_before_the_account_is_made_or_while_nsc_made_its_directory_resumes(store, out, tmp_path):
    killer = stand_in(
        tmp_path / "killer", 'case $* in *add\\ account*) kill -9 "$PPID"; exit ;; esac; exec "$real" "$@"'
    )
    assert sh(out / "apply.sh", "-H", str(store.home), NSC=str(killer)).code == -9
    store.path("hub").parent.mkdir()
    assert sh(out / "apply.sh", "-H", str(store.home)).code == 0
    assert expected_is_there(store, out)


@pytest.mark.parametrize("tool", ["rm", "rmdir"])
def test_a_rollback_killed_while_it_removes_the_account_resumes(store, out, tmp_path, tool):
    before = store.tokens()
    assert sh(out / "apply.sh", "-H", str(store.home)).code == 0
    tools = tmp_path / "tools"
    tools.mkdir()
    program = tools / tool
    real = shutil.which(tool)
    after = f'{real} "$@"\n' if tool == "rm" else ""
    program.write_text(
        f'#!/bin/sh\ncase $* in *accounts/hub*) {after} kill -9 "$PPID"; exit ;; esac\nexec {real} "$@"\n'
    )
    program.chmod(0o755)
    run = sh(out / "rollback.sh", "-H", str(store.home), PATH=f"{tools}:{NSC.parent}:/usr/bin:/bin")
    assert run.code == -9, run
    assert store.path("hub").parent.exists()
    assert sh(out / "rollback.sh", "-H", str(store.home)).code == 0
    assert (store.tokens(), store.path("hub").parent.exists()) == (before, False)


def test_the_second_of_two_plans_continues_where_the_first_stopped(store, key, tmp_path):
    before = store.tokens()
    first, second = staged(small(store, key, prefix="hub."))
    one = store.script(tmp_path / "one", first)
    both = store.script(tmp_path / "both", first, second)
    assert sh(one / "apply.sh", "-H", str(store.home)).code == 0
    assert expected_is_there(store, one)
    assert len(store.payload("C0")["nats"]["imports"]) == 3
    counted = stand_in(tmp_path / "counted", EDITS + 'exec "$real" "$@"')
    run = sh(both / "apply.sh", "-H", str(store.home), NSC=str(counted))
    assert (run.code, (counted.parent / "nsc-stand-in.m").read_text()) == (0, "4\n"), run
    assert expected_is_there(store, both)
    assert sh(one / "apply.sh", "-H", str(store.home)).code == 4, "the first plan does not undo the second"
    assert sh(both / "rollback.sh", "-H", str(store.home)).code == 0
    assert store.tokens() == before


DRIFT = {
    "is made with another key": ("add account --name=hub", "another key"),
    "has its name in capital letters": ("add account --name=HUB", "capital or small letters"),
    "has its key": ("add account --name=other --public-key={key}", "is that of another account"),
}


@pytest.mark.parametrize("case", DRIFT)
def test_an_account_that_is_in_the_way_stops_the_script_before_the_first_edit(store, out, key, case):
    words, said = DRIFT[case]
    store.nsc(*words.format(key=key).split())
    tokens = store.tokens()
    run = sh(out / "apply.sh", "-H", str(store.home))
    assert (run.code, store.tokens(), said in run.err) == (4, tokens, True), run
    assert sh(out / "verify.sh", "-H", str(store.home)).code == 5
    assert store.tokens() == tokens


def test_files_in_the_directory_of_the_new_account_stop_the_script(store, out):
    store.path("hub", "user").parent.mkdir(parents=True)
    assert sh(out / "verify.sh", "-H", str(store.home)).code == 5
    store.path("hub", "user").write_text("left behind")
    tokens = store.tokens()
    run = sh(out / "apply.sh", "-H", str(store.home))
    assert (run.code, store.tokens(), "there are files in" in run.err) == (4, tokens, True), run


def test_drift_of_a_consumer_stops_the_script_before_the_hub_is_made(store, out):
    store.nsc("edit", "account", "--name=C1", "--tag=moved", "--js-disable")
    tokens = store.tokens()
    run = sh(out / "apply.sh", "-H", str(store.home))
    assert (run.code, store.tokens()) == (4, tokens), run


def test_without_the_operators_key_nothing_is_changed(store, out):
    store.key_file(store.payload("C0")["iss"]).unlink()
    tokens = store.tokens()
    run = sh(out / "apply.sh", "-H", str(store.home))
    assert (run.code, store.tokens(), "nothing is changed" in run.err) == (1, tokens, True), run


def test_without_the_hubs_key_it_is_made_all_the_same(store, out, key):
    store.key_file(key).unlink()
    assert sh(out / "apply.sh", "-H", str(store.home)).code == 0
    assert expected_is_there(store, out)


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ('case $* in *add\\ export*) exec "$real" "$@" --allow-trace ;; esac; exec "$real" "$@"', 5),
        ('"$real" "$@" || exit; case $* in *add\\ account*) exit 1 ;; esac', 1),
    ],
    ids=["a step that yields something else", "an account nsc made and calls failed"],
)
def test_what_goes_wrong_takes_the_account_away_again(store, out, tmp_path, body, code):
    tokens = store.tokens()
    run = sh(out / "apply.sh", "-H", str(store.home), NSC=str(stand_in(tmp_path / "liar", body)))
    assert (run.code, store.tokens()) == (code, tokens), run
    assert not store.path("hub").parent.exists()
    assert sh(out / "apply.sh", "-H", str(store.home)).code == 0


def test_a_hub_that_has_got_users_is_not_removed_and_nothing_else_is_put_back(store, out):
    before = store.tokens()
    assert sh(out / "apply.sh", "-H", str(store.home)).code == 0
    store.nsc("add", "user", "--account=hub", "--name=late")
    tokens = store.tokens()
    run = sh(out / "rollback.sh", "-H", str(store.home))
    assert (run.code, store.tokens()) == (4, tokens), run
    assert "account hub was made by apply.sh and cannot be removed: it has users or other files in" in run.err
    store.nsc("delete", "user", "--account=hub", "--name=late")
    assert store.path("hub", "late").parent.exists(), "nsc leaves the directory"
    assert sh(out / "rollback.sh", "-H", str(store.home)).code == 0
    assert store.tokens() == before


def pushing(directory: Path, log: Path, more: str = "") -> str:
    """An nsc that pushes nothing and writes down what it was to push."""
    told = f'echo "$@" | sed "s/.* push //" >>{log}; {more} echo pruned nats-server; exit 0'
    push = f'case $* in *\\ push\\ *) {told} ;; esac; exec "$real" "$@"'
    return str(stand_in(directory, push))


def test_the_hub_is_pushed_first_and_taken_off_last(store, out, key, tmp_path):
    log = tmp_path / "log"
    nsc = pushing(tmp_path / "pushed", log)
    assert sh(out / "apply.sh", "-H", str(store.home), "--push", NSC=nsc).code == 0
    takers = [f"--account={taker}" for taker in ("C0", "C1")]
    assert log.read_text().split() == ["--account=hub", *takers]
    log.unlink()
    assert sh(out / "rollback.sh", "-H", str(store.home), "--push", NSC=nsc).code == 0
    assert log.read_text().split() == [*takers[::-1], f"--account-removal={key}"]
    log.unlink()
    assert sh(out / "rollback.sh", "-H", str(store.home), "--push", NSC=nsc).code == 0, "and again, had it been killed"
    assert log.read_text().split() == [*takers[::-1], f"--account-removal={key}"]


def test_no_consumer_is_pushed_when_the_push_of_the_hub_failed(store, out, tmp_path):
    log = tmp_path / "log"
    nsc = pushing(tmp_path / "pushed", log, "exit 1;")
    run = sh(out / "apply.sh", "-H", str(store.home), "--push", NSC=nsc)
    assert (run.code, log.read_text().split()) == (1, ["--account=hub"]), run
    assert expected_is_there(store, out)


def test_the_head_tells_the_order_of_pushes_and_what_each_loses(store, out):
    assert re.findall(r"^#   (\d\. .*)$", (out / "apply.sh").read_text(), re.MULTILINE) == [
        "1. account hub: new, nothing passes through it yet",
        "2. account C0: loses nothing, no account here imports a service from it",
        "3. account C1: loses nothing, no account here imports a service from it",
    ]
    exporter = EditExports(Target("export", account_key(store.key("P0"))), (), (service_export("late.>"),))
    text = (store.script(out, proposal("p", exporter)) / "apply.sh").read_text()
    assert "#   1. account P0: loses the replies in flight to C0, C1\n" in text


# ---- hostile names, private imports, all kinds of exports -----------------------------------------------------------


def test_no_name_and_no_subject_of_an_import_executes_forges_or_escapes(tmp_path: Path):
    store = Store(tmp_path / "home", "OP $(touch pwned)\x1b[31m'")
    key = new_key(store)
    hub, edits, taken = "-hub $(touch pwned) 'q' \"d\" \u202en\u00fc", [], []
    for number, name in enumerate(NAMES):
        store.nsc("add", "account", f"--name={name}")
        own = SUBJECTS[number % len(SUBJECTS)].replace(" ", "_").rstrip(".>*") or "x"
        subject = f"h{number}.{own}"
        export = Export(name=f"e {name}", subject=subject, type="service", response_type="Stream")
        account = account_key(store.key(name))
        taken.append(Import(name=f"i {name}", subject=subject, account=account, type="service", share=True))
        come = Import(
            name=f"w {name}", subject=f"hub.{number}.*", account=key, local_subject="$(id).$1", type="service"
        )
        edits += [
            EditExports(Target("export", account), (), (export,)),
            EditImports(Target("import", account), (), (come,)),
        ]
    made, issuer = account_key(key), store.payload(NAMES[0])["iss"]
    out_of_it = tuple(service_export(f"hub.{number}.*") for number in range(len(NAMES)))
    first = (
        AddAccount(Target("account", made), hub, issuer),
        EditImports(Target("import", made), (), tuple(taken)),
        EditExports(Target("export", made), (), out_of_it),
    )
    before = store.tokens()
    out = store.script(tmp_path / "out", proposal("hub-1", *first, *edits, message="`x` \x1b[31m\nrm -rf nothing"))
    for script in out.glob("*.sh"):
        assert not CONTROL.search(script.read_text())
    for name, code in (("apply.sh", 0), ("verify.sh", 0), ("rollback.sh", 0), ("verify.sh", 5)):
        run = sh(out / name, "-H", str(store.home), cwd=tmp_path)
        assert run.code == code, run
        assert not CONTROL.search(run.out + run.err)
        assert not list(tmp_path.rglob("*pwned")), "something ran"
        if (name, code) == ("verify.sh", 0):
            assert expected_is_there(store, out)
            assert store.payload(hub)["nats"]["imports"][0]["share"]
    assert store.tokens() == before


@pytest.mark.parametrize("kind", ["service", "stream"])
def test_a_private_import_is_made_of_its_activation(tmp_path: Path, kind: str):
    store = market(tmp_path / "home", {"A": {}, "B": {}})
    flags = ["--service"] if kind == "service" else []
    store.nsc("add", "export", "--account=A", "--subject=p.*", "--private", *flags)
    store.nsc(
        *("generate", "activation", "--account=A", f"--target-account={store.key('B')}", "--subject=p.*"),
        f"--output-file={tmp_path}/activation.jwt",
    )
    token = re.search(r"ey[\w.-]+", (tmp_path / "activation.jwt").read_text())[0]
    wanted = Import(
        name="p",
        subject="p.*",
        account=store.key("A"),
        token=token,
        type=kind,
        local_subject="own.*",
        share=bool(flags),
    )
    edit = EditImports(Target("import", account_key(store.key("B"))), (), (wanted,))
    assert obstacle(edit, store.hierarchy()) is None
    before = store.tokens()
    out = store.script(tmp_path / "out", proposal("private-1", edit))
    run = sh(out / "apply.sh", "-H", str(store.home))
    assert run.code == 0, run
    assert expected_is_there(store, out)
    assert store.payload("B")["nats"]["imports"][0]["token"] == token
    assert sh(out / "rollback.sh", "-H", str(store.home)).code == 0
    assert store.tokens() == before


EXPORTS = (
    Export(name="e", subject="a.>", type="stream", advertise=True),
    Export(name="e", subject="b.*", type="stream", token_req=True),
    Export(name="e", subject="c.*.>", type="stream", account_token_position=2),
    Export(name="e", subject="d", type="service", response_type="Chunked", response_threshold=1_500_000_001),
    Export(name="e", subject="e", type="service", response_type="Stream", allow_trace=True, token_req=True),
    *(
        Export(
            name="e",
            subject=f"f.{sampling}",
            type="service",
            response_type="Singleton",
            service_latency={"sampling": sampling, "results": "lat"},
        )
        for sampling in ("headers", 1, 100)
    ),
)


def test_exports_of_every_kind_are_made_and_deleted_as_predicted(tmp_path: Path):
    store = market(tmp_path / "home", {"A": {}})
    edit = EditExports(Target("export", account_key(store.key("A"))), (), EXPORTS)
    assert obstacle(edit, store.hierarchy()) is None
    out = store.script(tmp_path / "out", proposal("exports-1", edit))
    run = sh(out / "apply.sh", "-H", str(store.home))
    assert run.code == 0, run
    assert expected_is_there(store, out)
    account = store.hierarchy().accounts[edit.target.account]
    gone = EditExports(edit.target, account.claims.exports[::2])
    assert obstacle(gone, store.hierarchy()) is None
    out = store.script(tmp_path / "out2", proposal("exports-2", gone))
    assert sh(out / "apply.sh", "-H", str(store.home)).code == 0
    assert expected_is_there(store, out)
    assert [each["subject"] for each in store.payload("A")["nats"]["exports"]] == ["b.*", "d", "f.1", "f.headers"]


def test_an_account_server_that_knows_no_removal_is_not_said_to_have_done_it(store, out, tmp_path):
    store.nsc("edit", "operator", "--account-jwt-server-url=http://127.0.0.1:9/jwt/v1")
    assert "all jobs succeeded" in store.nsc("push", "--account-removal", store.key("C0")), "none was done"
    pushed = stand_in(tmp_path / "pushed", 'case $* in *push*--account=*) exit 0 ;; esac; exec "$real" "$@"')
    run = sh(out / "rollback.sh", "-H", str(store.home), "--push", NSC=str(pushed))
    assert (run.code, "could not take it off the servers" in run.err) == (1, True), run
