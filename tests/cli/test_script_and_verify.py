"""``permopt script`` writes what ``permopt verify`` later holds the store against; here without nsc."""

from __future__ import annotations

import base64
import json
import os

import pytest

from tests import signing
from tests.cli.conftest import NOW


@pytest.fixture
def scripts(permopt, saved_plan, tmp_path):
    typed = permopt("script", saved_plan, "-o", "out")
    assert typed.status == 0, typed.err
    return tmp_path / "out"


@pytest.fixture
def carried_out(shop, scripts):
    """The store as the scripts promise it, written by this test instead of nsc."""
    for target in json.loads((scripts / "expected.json").read_text())["targets"]:
        write(shop, target, target["after"]["claims"])
    return shop


def file_of(shop, target):
    account = target["account"]["name"]
    home = shop.path / "accounts" / account
    return home / f"{account}.jwt" if target["user"] is None else home / "users" / f"{target['user']['name']}.jwt"


def write(shop, target, nats, **head):
    file = file_of(shop, target)
    body = file.read_text().split(".")[1]
    payload = json.loads(base64.urlsafe_b64decode(body + "=" * (-len(body) % 4)))
    issuer = shop.operator if target["user"] is None else shop.account_key(target["account"]["name"])
    file.write_text(signing.sign({**payload, "iat": payload["iat"] + 9, **head, "nats": nats}, issuer))


def test_it_writes_three_scripts_to_run_and_what_they_promise(scripts):
    names = {path.name: path.stat().st_mode & 0o777 for path in scripts.iterdir()}
    assert {name: bool(mode & 0o100) for name, mode in names.items()} == {
        "apply.sh": True,
        "rollback.sh": True,
        "verify.sh": True,
        "expected.json": False,
    }
    mask = os.umask(0)
    os.umask(mask)
    assert names["apply.sh"] == 0o755 & ~mask | (0o777 & ~mask & 0o022)


def test_only_what_was_chosen_is_in_the_scripts(permopt, saved_plan, scripts):
    plan = json.loads(saved_plan.read_text())
    by_safety = {each["id"]: each["safety"] for each in plan["proposals"]}
    expected = json.loads((scripts / "expected.json").read_text())
    assert {by_safety[each] for each in expected["proposals"]} == {"safe"}
    risky = next(each for each, safety in by_safety.items() if safety == "risky")
    assert risky not in (scripts / "apply.sh").read_text()
    permopt("review", saved_plan, "--accept", risky)
    permopt("script", saved_plan, "-o", "out")
    assert risky in (scripts / "apply.sh").read_text()


def test_it_says_what_it_left_out_and_what_to_type_next(permopt, saved_plan, shop):
    typed = permopt("script", saved_plan, "-o", "my scripts")
    assert typed.out.startswith("6 proposals save 130 bytes in 2 tokens\n  my scripts/apply.sh\n")
    assert "left out 1: risky, and not accepted\n" in typed.out
    assert typed.out.endswith(
        f"next\n  sh 'my scripts/apply.sh' --data-dir {shop.path.parent}\n"
        f"  permopt verify {saved_plan} nsc:{shop.path}\n"
    )


def test_the_script_is_told_where_the_store_is_only_if_nsc_would_not_find_it(permopt, saved_plan, shop, monkeypatch):
    def how() -> str:
        return permopt("script", saved_plan, "-o", "out").out.split("next\n  ")[1].split("\n")[0]

    (shop.path.parent / "keys").mkdir()
    assert how() == f"sh out/apply.sh -H {shop.path.parent}"
    monkeypatch.chdir(shop.path)
    assert how() == "sh out/apply.sh"


def test_with_everything_rejected_there_is_nothing_to_write(permopt, saved_plan, tmp_path):
    ids = [each["id"] for each in json.loads(saved_plan.read_text())["proposals"] if each["safety"] == "safe"]
    permopt("review", saved_plan, *(word for each in ids for word in ("--reject", each)))
    typed = permopt("script", saved_plan, "-o", "out")
    assert typed.status == 2
    assert "nothing of" in typed.err
    assert not (tmp_path / "out").exists()


def test_a_directory_that_cannot_be_made_ends_with_3(permopt, saved_plan, tmp_path):
    (tmp_path / "out").write_text("mine")
    typed = permopt("script", saved_plan, "-o", "out")
    assert typed.status == 3
    assert "cannot be written" in typed.err
    assert (tmp_path / "out").read_text() == "mine"


@pytest.mark.parametrize("explicit", [False, True])
def test_a_store_that_is_as_promised_verifies(permopt, saved_plan, carried_out, scripts, explicit):
    more = ["--expected", scripts / "expected.json"] if explicit else []
    typed = permopt("verify", saved_plan, carried_out.root, *more, "--now", NOW)
    assert typed.status == 0
    assert "ok         user ORDERS/api: 625 bytes, claims as promised" in typed.out
    assert "permissions: same as before" in typed.out
    assert typed.out.endswith("the store is what the plan promised\n")


def test_a_store_nothing_was_done_to_is_a_mismatch(permopt, saved_plan, shop, scripts):
    typed = permopt("verify", saved_plan, shop.root, "--now", NOW, "-f", "json")
    assert typed.status == 5
    assert {token["state"] for token in typed.json["tokens"]} == {"unchanged"}
    assert scripts.exists()
    page = permopt("verify", saved_plan, shop.root, "--now", NOW).out
    assert page.endswith(f"next\n  permopt script {saved_plan} -o scripts\n")


def test_a_token_that_was_edited_since_is_a_mismatch(permopt, saved_plan, carried_out, scripts):
    target = json.loads((scripts / "expected.json").read_text())["targets"][-1]
    claims = target["after"]["claims"]
    claims["pub"]["allow"][0] = "orders.?"
    write(carried_out, target, claims)
    typed = permopt("verify", saved_plan, carried_out.root, "--now", NOW)
    assert typed.status == 5
    assert "different  user ORDERS/api: its claims are others" in typed.out
    assert "1 of 2 tokens not as promised" in typed.out


def test_other_bytes_with_the_same_claims_are_a_mismatch(permopt, saved_plan, carried_out, scripts):
    target = json.loads((scripts / "expected.json").read_text())["targets"][-1]
    write(carried_out, target, target["after"]["claims"], jti="J" * 56)
    typed = permopt("verify", saved_plan, carried_out.root, "--now", NOW)
    assert typed.status == 5
    assert "it has " in typed.out


def test_an_expiry_that_crept_in_is_a_mismatch(permopt, saved_plan, carried_out, scripts):
    target = json.loads((scripts / "expected.json").read_text())["targets"][-1]
    write(carried_out, target, target["after"]["claims"], exp=1_999_999_999)
    typed = permopt("verify", saved_plan, carried_out.root, "--now", NOW)
    assert typed.status == 5
    assert "it is valid for another time" in typed.out


def test_a_broken_signature_is_a_mismatch(permopt, saved_plan, carried_out, scripts):
    target = json.loads((scripts / "expected.json").read_text())["targets"][-1]
    file = file_of(carried_out, target)
    head, body, signature = file.read_text().split(".")
    file.write_text(f"{head}.{body}.{'A' * len(signature)}")
    typed = permopt("verify", saved_plan, carried_out.root, "--now", NOW)
    assert typed.status == 5
    assert "signature" in typed.out


def test_a_token_that_is_gone_is_drift(permopt, saved_plan, carried_out, scripts):
    target = json.loads((scripts / "expected.json").read_text())["targets"][-1]
    file_of(carried_out, target).unlink()
    typed = permopt("verify", saved_plan, carried_out.root, "--now", NOW)
    assert typed.status == 4
    assert "missing    user ORDERS/api: no such token" in typed.out


def test_a_user_who_came_since_is_no_mismatch(permopt, saved_plan, carried_out):
    carried_out.user("ORDERS", "newcomer", carried_out.account_key("ORDERS"), pub={"allow": ["x"]})
    assert permopt("verify", saved_plan, carried_out.root, "--now", NOW).status == 0


def test_an_expectation_of_another_plan_is_refused(permopt, saved_plan, shop, tmp_path):
    (tmp_path / "expected.json").write_text('{"type": "permopt.expected.v1", "proposals": [], "targets": [{}]}')
    typed = permopt("verify", saved_plan, shop.root, "--expected", "expected.json")
    assert typed.status == 3
    assert "does not fit the plan" in typed.err
