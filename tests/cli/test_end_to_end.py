"""The commands as a person types them, around the real nsc: propose, script, apply, verify, tamper, rollback."""

from __future__ import annotations

import json
import os
import subprocess

import pytest

from tests.oracle.nsc_tool import NSC, Store, sh

pytestmark = pytest.mark.nsc


@pytest.fixture
def store(tmp_path):
    store = Store(tmp_path / "home")
    store.nsc("add", "account", "--name=SHOP")
    store.nsc("edit", "account", "--name=SHOP", "--sk=generate", "--allow-sub=d.>,d.x")
    key = store.payload("SHOP")["nats"]["signing_keys"][0]
    store.nsc(
        "edit",
        "signing-key",
        "--account=SHOP",
        f"--sk={key}",
        "--role=till",
        "--allow-pub=sale.>,sale.new,sale.paid,sale.closed,sale.refunded",
    )
    lists = ["--allow-pub=orders.>,orders.us,stock.*,stock.*.>", "--allow-sub=_INBOX.>"]
    store.nsc("add", "user", "--account=SHOP", "--name=web", *lists)
    noisy = ["--allow-sub=bill.*.*", "--deny-sub=bill.a.*,bill.a.>"]
    store.nsc("add", "user", "--account=SHOP", "--name=it's $(id)", *noisy)
    return store


def scripts(permopt, store, tmp_path):
    plan = tmp_path / "plan.json"
    assert permopt("propose", store.home, "-o", plan).status == 0
    assert permopt("script", plan, "-o", tmp_path / "out").status == 0
    return plan, tmp_path / "out"


def home_of(store):
    return ["-H", str(store.home)]


def test_from_propose_to_verify_and_back(permopt, store, tmp_path):
    before = store.tokens()
    plan, out = scripts(permopt, store, tmp_path)
    assert permopt("verify", plan, store.home).status == 5
    run = sh(out / "apply.sh", *home_of(store))
    assert run.code == 0, run
    for target in json.loads((out / "expected.json").read_text())["targets"]:
        user = target["user"] and target["user"]["name"]
        assert store.path(target["account"]["name"], user).stat().st_size == target["after"]["bytes"]
    for more in ([], ["--expected", out / "expected.json"]):
        typed = permopt("verify", plan, store.home, *more)
        assert typed.status == 0, typed.out
        assert "permissions: same as before" in typed.out
    assert sh(out / "verify.sh", *home_of(store)).code == 0
    assert "nothing to propose" not in permopt("propose", store.home).out
    again = permopt("propose", store.home, "-f", "json").json
    assert {each["safety"] for each in again["proposals"]} == {"risky"}
    run = sh(out / "rollback.sh", *home_of(store))
    assert run.code == 0, run
    assert store.tokens() == before
    assert permopt("verify", plan, store.home).status == 5


def test_an_edit_after_the_scripts_is_found(permopt, store, tmp_path):
    plan, out = scripts(permopt, store, tmp_path)
    assert sh(out / "apply.sh", *home_of(store)).code == 0
    store.nsc("edit", "user", "--account=SHOP", "--name=web", "--allow-pub=more.>")
    typed = permopt("verify", plan, store.home, "-f", "json")
    assert typed.status == 5
    states = {token["user"]: token["state"] for token in typed.json["tokens"]}
    assert states["web"] == "different"
    assert set(states.values()) == {"ok", "different"}


def test_a_risky_one_accepted_by_id_is_carried_out_and_verified(permopt, store, tmp_path):
    plan = tmp_path / "plan.json"
    permopt("propose", store.home, "-o", plan)
    risky = next(each["id"] for each in json.loads(plan.read_text())["proposals"] if each["safety"] == "risky")
    typed = permopt("review", plan, "--accept", risky, "--reason", "every server is new")
    assert "may receive `bill.a." in typed.out
    permopt("script", plan, "-o", tmp_path / "out")
    assert sh(tmp_path / "out" / "apply.sh", *home_of(store)).code == 0
    typed = permopt("verify", plan, store.home)
    assert typed.status == 0, typed.out
    assert "permissions: wider, as was accepted" in typed.out
    assert store.payload("SHOP", "it's $(id)")["nats"]["sub"]["deny"] == ["bill.a.>"]


def test_what_nsc_calls_its_own_store_is_read_without_a_source(permopt, store, monkeypatch, tmp_path):
    """The same environment, the same nsc.json, the same store."""
    env = {**os.environ, "XDG_CONFIG_HOME": str(tmp_path / "config"), "XDG_DATA_HOME": str(tmp_path / "data")}
    subprocess.run([NSC, "env", "--store", store.home], env=env, check=True, capture_output=True)
    monkeypatch.setenv("XDG_CONFIG_HOME", env["XDG_CONFIG_HOME"])
    monkeypatch.setenv("XDG_DATA_HOME", env["XDG_DATA_HOME"])
    assert "operator OP, 1 account, 2 users" in permopt().out
    assert "  user SHOP/web" in permopt("propose").out
