"""Whole scripts, run by sh with the real nsc on real stores."""

from __future__ import annotations

import json
import shutil

import pytest

from optimizer.edits import EditEntries
from tests.oracle.nsc_tool import (
    NSC,
    PUB,
    SHELLS,
    SUB,
    Store,
    calls,
    digest_of,
    expected_is_there,
    proposal,
    sh,
    stand_in,
)

pytestmark = pytest.mark.nsc

TOOLS = ("cat", "chmod", "cmp", "cp", "cut", "grep", "mkdir", "mv", "rm", "rmdir", "sed", "tr", "wc")
"""All that a script needs beside nsc and one of three tools for SHA-256."""


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """A store with a user, a role and account defaults to shorten, and the key of the role."""
    store = Store(tmp_path_factory.mktemp("made") / "home")
    store.nsc("add", "account", "--name=BILLING")
    store.nsc("edit", "account", "--name=BILLING", "--sk=generate", "--allow-sub=d.>,d.x")
    key = store.payload("BILLING")["nats"]["signing_keys"][0]
    store.nsc("edit", "signing-key", "--account=BILLING", f"--sk={key}", "--role=svc", "--allow-pub=a.>,a.b")
    store.nsc(
        "add",
        "user",
        "--account=BILLING",
        "--name=app",
        "--allow-pub=orders.>,orders.created,billing.*",
        "--allow-sub=orders.created,_INBOX.>",
    )
    return store, key


@pytest.fixture
def store(made, tmp_path):
    return made[0].copy(tmp_path / "home")


@pytest.fixture
def out(made, store, tmp_path):
    """A directory with the scripts for all three."""
    _, key = made
    return store.script(
        tmp_path / "out",
        covered(store),
        proposal("covered-entry-2", EditEntries(store.scope("BILLING", key), PUB, ("a.b",))),
        proposal("covered-entry-3", EditEntries(store.defaults("BILLING"), SUB, ("d.x",))),
    )


def covered(store):
    return proposal("covered-entry-1", EditEntries(store.user("BILLING", "app"), PUB, ("orders.created",)))


@pytest.mark.parametrize("shell", SHELLS)
def test_the_store_becomes_what_was_predicted_and_goes_back_byte_for_byte(store, out, shell):
    before = store.tokens()
    for path in store.home.rglob("*.jwt"):
        path.chmod(0o640)  # a group reads them, whatever the mask of whoever runs the scripts

    run = sh(out / "apply.sh", "-H", str(store.home), shell=shell)
    assert run.code == 0, run
    user, account = store.payload("BILLING", "app")["nats"], store.payload("BILLING")["nats"]
    assert user["pub"]["allow"] == ["billing.*", "orders.>"]
    assert user["sub"]["allow"] == ["_INBOX.>", "orders.created"]
    assert account["signing_keys"][0]["template"]["pub"]["allow"] == ["a.>"]
    assert account["default_permissions"]["sub"]["allow"] == ["d.>"]
    assert expected_is_there(store, out)
    verified = sh(out / "verify.sh", "-H", str(store.home), shell=shell)
    assert verified.code == 0, verified

    back = sh(out / "rollback.sh", "-H", str(store.home), shell=shell)
    assert back.code == 0, back
    assert store.tokens() == before
    assert {path.stat().st_mode & 0o777 for path in store.home.rglob("*.jwt")} == {0o640}
    unapplied = sh(out / "verify.sh", "-H", str(store.home), shell=shell)
    assert (unapplied.code, unapplied.out.count("unchanged")) == (5, 2)


def test_a_second_run_changes_no_byte(store, out):
    assert sh(out / "apply.sh", "-H", str(store.home)).code == 0
    tokens = store.tokens()
    again = sh(out / "apply.sh", "-H", str(store.home))
    assert (again.code, store.tokens()) == (0, tokens)
    assert "Already done" in again.out


def test_a_script_killed_at_any_call_of_nsc_resumes(store, out, tmp_path):
    whole = store.copy(tmp_path / "whole")
    counted = stand_in(tmp_path / "counted", 'exec "$real" "$@"')
    assert sh(out / "apply.sh", "-H", str(whole.home), NSC=str(counted)).code == 0
    kill = '[ "$n" -ne "$last" ] || { kill -9 "$PPID"; exit; }'
    real = '"$real" "$@" || exit'
    for last in range(5, calls(tmp_path / "counted") + 1):
        copy = store.copy(tmp_path / f"copy{last}")
        # Killed before nsc begins, or after it is done: for calls that change nothing it is the same.
        body = f"last={last}\n" + "\n".join([kill, real] if last % 2 else [real, kill])
        killer = stand_in(tmp_path / f"killer{last}", body)
        assert sh(out / "apply.sh", "-H", str(copy.home), NSC=str(killer)).code == -9
        resumed = sh(out / "apply.sh", "-H", str(copy.home))
        assert resumed.code == 0, (last, resumed)
        assert expected_is_there(copy, out)
        shutil.rmtree(copy.home)


def test_a_rollback_killed_at_any_call_of_nsc_resumes(store, out, tmp_path):
    before = store.tokens()
    assert sh(out / "apply.sh", "-H", str(store.home)).code == 0
    counted = stand_in(tmp_path / "counted", 'exec "$real" "$@"')
    assert sh(out / "rollback.sh", "-H", str(store.copy(tmp_path / "whole").home), NSC=str(counted)).code == 0
    for last in range(6, calls(tmp_path / "counted") + 1, 2):
        copy = store.copy(tmp_path / f"copy{last}")
        killer = stand_in(tmp_path / f"killer{last}", f'"$real" "$@" || exit\n[ "$n" -ne {last} ] || kill -9 "$PPID"')
        assert sh(out / "rollback.sh", "-H", str(copy.home), NSC=str(killer)).code == -9
        assert sh(out / "rollback.sh", "-H", str(copy.home)).code == 0
        assert copy.tokens() == before


def test_rollback_takes_back_half_a_run(store, out, tmp_path):
    before = store.tokens()
    killer = stand_in(tmp_path / "killer", '"$real" "$@" || exit\ncase $* in *--rm=*) kill -9 "$PPID" ;; esac')
    assert sh(out / "apply.sh", "-H", str(store.home), NSC=str(killer)).code == -9
    assert store.tokens() != before
    assert sh(out / "rollback.sh", "-H", str(store.home)).code == 0
    assert store.tokens() == before


def test_drift_in_the_last_target_stops_the_script_before_the_first_edit(store, out):
    store.nsc("edit", "account", "--name=BILLING", "--tag=moved")
    tokens = store.tokens()
    run = sh(out / "apply.sh", "-H", str(store.home))
    assert (run.code, store.tokens()) == (4, tokens), run
    assert "account BILLING has changed since the plan was made" in run.err


def test_drift_of_a_later_target_while_the_script_runs_changes_nothing_more(store, out, tmp_path):
    body = f"""
    case $* in *--allow-sub=*) "$real" -H {store.home} edit account --name=BILLING --tag=moved >&2 ;; esac
    exec "$real" "$@"
    """
    account = store.payload("BILLING")["nats"]
    run = sh(out / "apply.sh", "-H", str(store.home), NSC=str(stand_in(tmp_path / "mover", body)))
    assert run.code == 4, run
    now = store.payload("BILLING")["nats"]
    assert now["tags"] == ["moved"]
    assert now["signing_keys"][0]["template"]["pub"] == account["signing_keys"][0]["template"]["pub"]
    assert now["default_permissions"] == account["default_permissions"]
    assert store.payload("BILLING", "app")["nats"]["pub"]["allow"] == ["billing.*", "orders.>"]


def test_an_edit_of_the_same_token_by_somebody_else_between_two_steps_is_kept(store, out, tmp_path):
    # The third description of the user's claims is the one after its first step.
    body = f"""
    "$real" "$@" || exit
    case $* in *edit\\ user*--rm=*) : >{tmp_path}/edited ;; esac
    case $* in *describe\\ user*nats)
      [ ! -e {tmp_path}/edited ] || "$real" -H {store.home} edit user -a BILLING -n app --tag=mine >/dev/null ;;
    esac
    """
    run = sh(out / "apply.sh", "-H", str(store.home), NSC=str(stand_in(tmp_path / "mover", body)))
    assert run.code == 4, run
    assert "somebody else" in run.err
    assert store.payload("BILLING", "app")["nats"]["tags"] == ["mine"]


@pytest.mark.parametrize("who", ["operator", "account", "all"])
def test_without_a_key_nothing_is_changed(store, out, who):
    keys = {"operator": [store.payload("BILLING")["iss"]], "account": [store.key("BILLING")]}
    if who == "all":
        shutil.rmtree(store.home / "keys")
    else:
        for key in keys[who]:
            store.key_file(key).unlink()
    tokens = store.tokens()
    run = sh(out / "apply.sh", "-H", str(store.home))
    assert (run.code, store.tokens()) == (1, tokens), run
    assert "nothing is changed" in run.err
    assert not list(out.glob("before-*"))
    assert sh(out / "verify.sh", "-H", str(store.home)).code == 5


def test_a_key_that_cannot_sign_changes_nothing(store, out):
    store.key_file(store.key("BILLING")).write_text(store.key("BILLING"))
    tokens = store.tokens()
    run = sh(out / "apply.sh", "-H", str(store.home))
    assert (run.code, store.tokens()) == (1, tokens), run
    assert "nsc: Error" in run.err


def test_a_step_that_yields_something_else_is_taken_back(store, out, tmp_path):
    before = store.tokens()
    body = """
    case $* in *--allow-sub=orders.created*) exec "$real" "$@" --allow-pub=evil.\\> ;; esac
    exec "$real" "$@"
    """
    run = sh(out / "apply.sh", "-H", str(store.home), NSC=str(stand_in(tmp_path / "liar", body)))
    assert run.code == 5, run
    assert store.tokens() == before
    creds = (store.home / "creds" / "OP" / "BILLING" / "app.creds").read_text()
    assert before["accounts/BILLING/users/app.jwt"].decode() in creds


def test_an_edit_that_nsc_calls_failed_but_made_is_taken_back(store, out):
    before = store.tokens()
    shutil.rmtree(store.home / "creds")
    (store.home / "creds").write_text("no directory: nsc edits the token, and then fails to write the creds")
    run = sh(out / "apply.sh", "-H", str(store.home))
    assert (run.code, store.tokens()) == (1, before), run


def test_the_context_of_nsc_stays_as_it_is(store, out, tmp_path):
    home = tmp_path / "person"
    (home / ".config/nats/nsc").mkdir(parents=True)
    (home / ".local/share/nats/nsc").mkdir(parents=True)
    stores, keys = home / ".local/share/nats/nsc/stores", home / ".local/share/nats/nsc/keys"
    stores.mkdir()
    (store.home / "OP").rename(stores / "OP")
    other = Store(tmp_path / "other", "OTHER")
    other.nsc("add", "account", "--name=BILLING")
    shutil.copytree(other.home / "OTHER", stores / "OTHER")
    keys.mkdir()
    for part in ("keys", "creds"):
        (store.home / part).rename(keys / part)
    context = {"store_root": str(stores), "operator": "OTHER", "account": "BILLING"}
    config = home / ".config/nats/nsc/nsc.json"
    config.write_text(json.dumps({**context, "github_updates": "nats-io/nsc", "last_update": 1}))
    known = digest_of(home / ".config")

    # Started inside another operator's directory, nsc would take that operator.
    run = sh(out / "apply.sh", HOME=str(home), cwd=stores / "OTHER" / "accounts")
    assert run.code == 0, run
    assert sh(out / "verify.sh", HOME=str(home)).code == 0
    assert digest_of(home / ".config") == known
    assert digest_of(stores / "OTHER") == digest_of(other.home / "OTHER")
    named = ("--data-dir", str(stores), f"--keystore-dir={keys}")
    assert sh(out / "rollback.sh", *named, HOME=str(home)).code == 0
    assert sh(out / "verify.sh", *named, HOME=str(home)).code == 5
    assert digest_of(home / ".config") == known
    assert not list((out / "tmp").iterdir())


def test_relative_directories_are_those_of_the_caller(store, out):
    run = sh(out / "apply.sh", "-H", store.home.name, cwd=store.home.parent)
    assert run.code == 0, run


def test_another_operator_or_a_managed_store_is_refused(store, out, tmp_path):
    elsewhere = Store(tmp_path / "elsewhere")
    elsewhere.nsc("add", "account", "--name=BILLING")
    run = sh(out / "apply.sh", "-H", str(elsewhere.home))
    assert (run.code, "another operator" in run.err) == (4, True), run
    assert sh(out / "apply.sh", "-H", str(tmp_path)).code == 1

    info = store.home / "OP" / ".nsc"
    info.write_text(info.read_text().replace('"managed":false', '"managed": true'))
    tokens = store.tokens()
    run = sh(out / "apply.sh", "-H", str(store.home))
    assert (run.code, store.tokens()) == (4, tokens), run


def test_a_token_of_another_key_or_signer_is_refused(store, out):
    path = store.path("BILLING", "app")
    kept = path.read_bytes()
    store.nsc("delete", "user", "--account=BILLING", "--name=app")
    run = sh(out / "apply.sh", "-H", str(store.home))
    assert (run.code, "is not in the store" in run.err) == (4, True), run
    store.nsc(
        "add",
        "user",
        "--account=BILLING",
        "--name=app",
        "--allow-pub=billing.*,orders.>,orders.created",
        "--allow-sub=_INBOX.>,orders.created",
    )
    run = sh(out / "apply.sh", "-H", str(store.home))
    assert (run.code, "another key" in run.err) == (4, True), run

    path.write_bytes(kept)
    store.nsc("edit", "operator", "--sk=generate")
    (signer,) = store.nsc("describe", "operator", "-F", "nats.signing_keys[0]").split()
    store.nsc("edit", "account", "--name=BILLING", "--js-disable", "-K", signer.strip('"'))
    run = sh(out / "apply.sh", "-H", str(store.home))
    assert (run.code, "signed by another key" in run.err) == (4, True), run


def test_rollback_refuses_a_store_that_has_moved_on(store, out):
    assert sh(out / "apply.sh", "-H", str(store.home)).code == 0
    store.nsc("edit", "user", "--account=BILLING", "--name=app", "--tag=later")
    tokens = store.tokens()
    run = sh(out / "rollback.sh", "-H", str(store.home))
    assert (run.code, store.tokens()) == (4, tokens), run


def test_rollback_needs_no_copy_and_renews_the_creds(store, out):
    before = store.tokens()
    assert sh(out / "apply.sh", "-H", str(store.home)).code == 0
    (kept,) = out.glob("before-*")
    assert sorted(path.name for path in kept.iterdir()) == sorted(
        [f"{store.key('BILLING')}.jwt", f"{store.key('BILLING')}-{store.key('BILLING', 'app')}.jwt"]
    )
    assert kept.stat().st_mode & 0o777 == 0o700
    assert not any(b"SEED" in path.read_bytes() for path in kept.iterdir())
    shutil.rmtree(kept)
    assert sh(out / "rollback.sh", "-H", str(store.home)).code == 0
    assert store.tokens() == before
    creds = store.home / "creds" / "OP" / "BILLING" / "app.creds"
    assert before["accounts/BILLING/users/app.jwt"].decode() in creds.read_text()


def test_rollback_that_pushes_signs_the_old_claims_again(store, out, tmp_path):
    claims = {user: store.payload("BILLING", user)["nats"] for user in (None, "app")}
    before = store.path("BILLING").read_bytes()
    assert sh(out / "apply.sh", "-H", str(store.home)).code == 0
    pushed = stand_in(
        tmp_path / "pushed", f'case $* in *\\ push\\ *) echo "$@" >>{tmp_path}/log; exit 0 ;; esac; exec "$real" "$@"'
    )
    run = sh(out / "rollback.sh", "-H", str(store.home), "--push", NSC=str(pushed))
    assert run.code == 0, run
    assert store.path("BILLING").read_bytes() != before
    # The role had no limits written; nsc writes them as it reads them, unlimited.
    now = store.payload("BILLING")["nats"]
    template = now["signing_keys"][0]["template"]
    assert [template.pop(limit) for limit in ("subs", "data", "payload")] == [-1, -1, -1]
    assert {None: now, "app": store.payload("BILLING", "app")["nats"]} == claims
    assert (tmp_path / "log").read_text().count("push --account=BILLING") == 1
    assert sh(out / "rollback.sh", "-H", str(store.home)).code == 0


def test_nothing_is_pushed_unless_asked(store, out, tmp_path):
    pushed = stand_in(
        tmp_path / "pushed", f'case $* in *\\ push\\ *) echo "$@" >>{tmp_path}/log; exit 0 ;; esac; exec "$real" "$@"'
    )
    assert sh(out / "apply.sh", "-H", str(store.home), NSC=str(pushed)).code == 0
    assert not (tmp_path / "log").exists()
    run = sh(out / "apply.sh", "-H", str(store.home), "--push", NSC=str(pushed))
    assert run.code == 0, run
    assert (tmp_path / "log").read_text().count("push --account=BILLING") == 1
    assert sh(out / "verify.sh", "-H", str(store.home), "--push").code == 2


@pytest.mark.parametrize("digest", ["sha256sum", "shasum", "openssl"])
def test_a_script_needs_only_the_tools_it_names(store, out, tmp_path, digest):
    tools = tmp_path / "tools"
    tools.mkdir()
    for tool in (*TOOLS, digest):
        (tools / tool).symlink_to(shutil.which(tool))
    (tools / "nsc").symlink_to(NSC)
    shell = shutil.which("sh")
    for name, code in (("apply.sh", 0), ("verify.sh", 0), ("rollback.sh", 0), ("verify.sh", 5)):
        run = sh(out / name, "-H", str(store.home), shell=shell, PATH=str(tools))
        assert run.code == code, run


@pytest.mark.parametrize("name", ["apply.sh", "rollback.sh", "verify.sh"])
def test_usage_is_explained_and_wrong_usage_is_refused(out, name, tmp_path):
    shown = sh(out / name, "--help", NSC="/nowhere/nsc")
    assert (shown.code, shown.err) == (0, "")
    assert f"usage: sh {name}" in shown.out
    for words in (["--nonsense"], ["--data-dir"], ["-H", ""], ["more"]):
        assert sh(out / name, *words).code == 2
    assert sh(out / name, "-H", str(tmp_path), NSC="/nowhere/nsc").code == 1


def test_a_store_read_without_its_operator_is_edited_all_the_same(store, tmp_path):
    from dataclasses import replace  # noqa: PLC0415

    from optimizer.nsc.script import script_for  # noqa: PLC0415
    from tests.oracle.nsc_tool import judgement, write  # noqa: PLC0415

    read = replace(store.hierarchy(), operator=None)
    out = write(script_for(read, [covered(store)], judgement()), tmp_path / "out")
    assert sh(out / "apply.sh", "-H", str(store.home)).code == 0
    Store(store.home, "OTHER")
    assert sh(out / "verify.sh", "-H", str(store.home)).code == 2
    assert sh(out / "verify.sh", "-H", str(store.home), "--operator", "OP").code == 0
