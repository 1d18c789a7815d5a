"""``permopt propose``: the page, the plan, the exit status."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from tests import signing
from tests.cli.conftest import NOW


def test_the_page_says_what_was_read_what_is_proposed_and_what_comes_next(permopt, shop):
    typed = permopt("propose", shop.root, "--now", NOW)
    assert typed.status == 0
    page = typed.out
    assert "operator OP, nsc:" in page
    assert re.search(r"read 2 accounts \([\d,]+ bytes\) and 4 users \([\d,]+ bytes\); skipped nothing", page)
    assert "  user ORDERS/api" in page
    assert "- orders.created  is covered by `orders.*`" in page
    assert "+ stock.>" in page
    assert "same for every client and every leafnode on nats-server 2.11 and 2.12; 1 user compared" in page
    assert "afterwards ORDERS/audit may receive `bill.draft." in page
    assert "(nats-server 2.11)" in page
    assert re.search(r"safe +6  saves 130 bytes +in the script", page)
    assert re.search(r"risky +1  would save \d+ bytes +not selected; permopt review plan.json --accept ID", page)
    assert page.endswith(f"next\n  permopt propose {shop.root} -o plan.json\n")


def test_a_page_is_the_same_on_every_run(permopt, shop):
    assert permopt("propose", shop.root, "--now", NOW).out == permopt("propose", shop.root, "--now", NOW).out


def test_the_plan_is_written_beside_the_page_and_named_in_the_next_command(permopt, shop, tmp_path):
    typed = permopt("propose", shop.root, "-o", "my plan.json")
    assert typed.out.endswith("next\n  permopt script 'my plan.json' -o scripts\n")
    assert (tmp_path / "my plan.json").read_text().startswith('{\n  "type": "permopt.plan.v1"')


def test_json_is_the_plan_itself(permopt, shop, tmp_path):
    printed = permopt("propose", shop.root, "--format", "json", "--now", NOW)
    written = permopt("propose", shop.root, "--format", "json", "--now", NOW, "-o", "plan.json")
    assert written.out == ""
    assert (tmp_path / "plan.json").read_text() == printed.out


def test_savings_in_the_order_of_the_plan_add_up_to_the_total(permopt, shop):
    plan = permopt("propose", shop.root, "--format", "json").json
    safe = [each for each in plan["proposals"] if each["safety"] == "safe"]
    saved = sum(each["saving"]["before"] - each["saving"]["after"] for each in safe)
    assert saved == sum(token["before"] - token["after"] for token in plan["judgement"]["tokens"]) == 130


def test_bytes_before_are_those_of_the_files(permopt, shop):
    plan = permopt("propose", shop.root, "--format", "json").json
    sizes = {(t["account"], t["user"]): t["before"] for t in plan["judgement"]["tokens"]}
    assert sizes == {
        ("ORDERS", None): (shop.path / "accounts/ORDERS/ORDERS.jwt").stat().st_size,
        ("ORDERS", "api"): (shop.path / "accounts/ORDERS/users/api.jwt").stat().st_size,
    }


def test_markdown_is_a_report_with_the_same_figures(permopt, shop):
    typed = permopt("propose", shop.root, "--format", "markdown")
    assert typed.out.startswith("# Permission proposals\n")
    assert "| safe | 6 | saves 130 bytes | in the script |" in typed.out
    assert "remove `orders.created`" in typed.out
    assert "Next: `permopt propose " in typed.out


@pytest.mark.parametrize(
    ("fail_on", "status"), [("never", 0), ("error", 1), ("warning", 1), ("note", 1)]
)  # the typo is an error
def test_fail_on_counts_findings_of_the_severity_and_above(permopt, shop, fail_on, status):
    assert permopt("propose", shop.root, "--fail-on", fail_on).status == status


def test_fail_on_error_passes_warnings(permopt, shop):
    only = ["--rule", "covered-entry"]
    assert permopt("propose", shop.root, *only, "--fail-on", "error").status == 0
    assert permopt("propose", shop.root, *only, "--fail-on", "warning").status == 1


def test_a_skipped_token_is_counted_and_fails_only_under_strict(permopt, shop):
    shop.write("accounts/ORDERS/users/cut.jwt", "eyJ0eXAiOiJKV1QiLCJhbGciOiJlZDI1NTE5LW5rZXkifQ.eyJ")
    loose = permopt("propose", shop.root)
    assert loose.status == 0
    assert "skipped 1\n" in loose.out
    assert "accounts/ORDERS/users/cut.jwt: is no token" in loose.out
    strict = permopt("propose", shop.root, "--strict", "--fail-on", "note")
    assert (strict.status, strict.out) == (3, loose.out)


def test_account_takes_globs_and_refuses_what_matches_nothing(permopt, shop):
    assert "nothing to propose" in permopt("propose", shop.root, "--account", "CLEA*").out
    assert "user ORDERS/api" in permopt("propose", shop.root, "--account", "CLEAN", "--account", "ORD*").out
    typed = permopt("propose", shop.root, "--account", "ORDER")
    assert (typed.status, typed.out) == (2, "")
    assert "no account matches `ORDER`" in typed.err
    assert "did you mean `ORDERS`?" in typed.err


def test_one_generation_of_servers_proves_more(permopt, shop):
    plan = permopt("propose", shop.root, "--format", "json", "--server-version", "2.12").json
    audit = [each for each in plan["proposals"] if each["target"].get("user") == "audit"]
    assert [(each["safety"], each["covers"]["servers"]) for each in audit] == [("safe", ["2.12"])]


@pytest.mark.parametrize(
    ("version", "generation"),
    [
        ("2.12", "2.12"),
        ("2.12.14", "2.12"),
        ("v2.12.15", "2.12"),
        ("2.13.0", "2.12"),
        ("2.14", "2.12"),
        ("2.11", "2.11"),
        ("2.12.13", "2.11"),
        ("2.10.29", "2.11"),
        ("2.12.0-RC.1", "2.11"),
    ],
)
def test_versions_fall_into_the_generation_that_filters_as_they_do(permopt, shop, version, generation):
    plan = permopt("propose", shop.root, "--format", "json", "--server-version", version).json
    assert plan["settings"]["servers"] == [generation]


def test_a_clean_account_has_nothing_to_propose(permopt, shop):
    typed = permopt("propose", shop.root, "--account", "CLEAN", "--fail-on", "note")
    assert typed.status == 0
    assert "nothing to propose" in typed.out


def test_a_person_s_word_is_recorded(permopt, shop):
    plan = permopt("propose", shop.root, "--format", "json", "--complete", "users,accounts").json
    assert plan["settings"]["complete"] == plan["source"]["complete"] == {"users": True, "accounts": True}
    page = permopt("propose", shop.root, "--complete", "users").out
    assert "taken on your word: the source holds all users" in page
    assert re.search(r"guarded +1 ", page)


def test_an_output_that_cannot_be_written_ends_with_3_and_leaves_what_was_there(permopt, shop, tmp_path):
    typed = permopt("propose", shop.root, "-o", tmp_path / "nobody" / "x" / "\0")
    assert typed.status in (2, 3)
    (tmp_path / "file").write_text("mine")
    typed = permopt("propose", shop.root, "-o", tmp_path / "file" / "plan.json")
    assert typed.status == 3
    assert "cannot be written" in typed.err
    assert (tmp_path / "file").read_text() == "mine"


def expired(shop, account="ORDERS"):
    claims = signing.user_claims(signing.user("late"), None, "late", pub={"allow": ["a", "a"]}) | {"exp": 1_760_000_001}
    shop.user(account, "late", None, token=signing.sign(claims, shop.account_key(account)))


def test_an_expired_token_is_analysed_is_an_error_and_stays_out_of_the_script(permopt, shop):
    expired(shop)
    only = ["--rule", "duplicate-entry", "--now", NOW]
    page = permopt("propose", shop.root, *only).out
    assert "1 token not in order: left out of the script\n  user ORDERS/late: error, expired: " in page
    plan = permopt("propose", shop.root, *only, "-f", "json").json
    [found] = [each for each in plan["findings"] if each["target"]["pointer"] == ""]
    assert (found["rule"], found["severity"], found["target"]["user"]) == ("expired", "error", "late")
    [late] = [each for each in plan["proposals"] if each["target"].get("user") == "late"]
    assert late["safety"] == "advice"
    assert permopt("propose", shop.root, *only, "--fail-on", "error").status == 1


def test_tokens_of_other_accounts_do_not_fail_a_run_that_asks_for_one(permopt, shop):
    expired(shop)
    assert permopt("propose", shop.root, "--account", "CLEAN", "--now", NOW, "--fail-on", "note").status == 0


def test_a_revoked_user_is_no_error(permopt, shop):
    key = signing.user("reader").public
    shop.account("CLEAN", revocations={key: 1_790_000_000})
    only = ["--account", "CLEAN", "--now", NOW]
    assert permopt("propose", shop.root, *only, "--fail-on", "warning").status == 0
    assert "user CLEAN/reader: note, revoked: " in permopt("propose", shop.root, *only).out


def test_tokens_above_the_budget_are_counted_before_and_after(permopt, shop):
    page = permopt("propose", shop.root, "--budget", "1460").out
    assert "1 account token is above 1,460 bytes; after the safe proposals 0" in page


def test_budget_and_clock_are_kept_in_the_plan(permopt, shop):
    plan = permopt("propose", shop.root, "-f", "json", "--budget", "12.5KB", "--now", NOW).json
    assert plan["settings"]["budget"] == 12_800
    assert plan["settings"]["now"] == 1_795_435_200
    assert permopt("propose", shop.root, "-f", "json", "--now", "1795435200").json["settings"]["now"] == 1_795_435_200


def test_a_large_plan_is_a_short_page_and_details_spell_out_every_proposal(permopt):
    store = Path(__file__).parents[2] / "corpus" / "acme"
    short, whole = (
        permopt("propose", store, "--now", "2026-11-23T00:00:00Z", *more).out for more in ((), ("--details",))
    )
    plan = json.loads(permopt("propose", store, "--now", "2026-11-23T00:00:00Z", "--format", "json").out)
    assert len(short.splitlines()) < 200
    assert all(proposal["id"] in whole for proposal in plan["proposals"] if proposal["safety"] != "advice")
    saved = sum(p["saving"]["before"] - p["saving"]["after"] for p in plan["proposals"] if p["safety"] == "safe")
    assert f"saves {saved:,} bytes" in short
    assert "--details" in short
