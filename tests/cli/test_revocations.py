"""Words about the lifetime of tokens typed at a command, and what a saved plan of revocations still knows."""

from __future__ import annotations

from pathlib import Path

import pytest

from optimizer import Settings, examine, read
from optimizer.reports.json import plan_document, text_of
from optimizer.review.plan import load

ACME = Path(__file__).resolve().parents[2] / "corpus" / "acme"
NOW = 1_800_000_000
RULE = ("--rule", "outlived-revocation", "--rule", "covered-revocation")


def test_a_word_is_recorded_in_the_plan_and_said_on_the_page(permopt):
    words = ("propose", ACME, "--now", NOW, *RULE, "--max-user-ttl", "2w")
    document = permopt(*words, "-f", "json").json
    assert document["settings"]["max_user_ttl"] == 14 * 86_400
    assert "no user token is valid for more than 1,209,600 seconds" in permopt(*words, "--no-color").out
    silent = permopt("propose", ACME, "--now", NOW, *RULE, "-f", "json").json
    assert "max_user_ttl" not in silent["settings"]
    assert "complete_tokens" not in silent["settings"]


def test_a_word_about_tokens_is_another_than_one_about_users(permopt):
    document = permopt("propose", ACME, "--now", NOW, *RULE, "-f", "json", "--complete", "users,tokens").json
    assert document["settings"]["complete"] == {"users": True, "accounts": False}
    assert document["settings"]["complete_tokens"] is True


@pytest.mark.parametrize("text", ["0d", "30", "d", "-1d", "1e3d", "30 days", "", "٣d"])
def test_what_is_no_duration_is_refused_in_a_line(permopt, text):
    typed = permopt("propose", ACME, "--max-user-ttl", text)
    assert (typed.status, typed.out) == (2, "")
    assert f"permopt: --max-user-ttl `{text}` is no duration" in typed.err
    assert "hint: write it as 30d, 12h, 90m or 3600s" in typed.err


def test_the_configuration_states_it_as_well(permopt, tmp_path):
    (tmp_path / "permopt.toml").write_text('max_user_ttl = "30d"\ncomplete = ["tokens"]\n')
    document = permopt("propose", ACME, "--now", NOW, *RULE, "-f", "json").json
    assert (document["settings"]["max_user_ttl"], document["settings"]["complete_tokens"]) == (2_592_000, True)
    typed = permopt("propose", ACME, "--now", NOW, *RULE, "-f", "json", "--max-user-ttl", "1h")
    assert typed.json["settings"]["max_user_ttl"] == 3600
    (tmp_path / "permopt.toml").write_text("max_user_ttl = 30\n")
    assert "`max_user_ttl`: not a text" in permopt("propose", ACME).err


def test_a_saved_plan_of_revocations_comes_back_whole():
    settings = Settings(now=NOW, max_user_ttl=86_400, complete_tokens=True)
    plan = examine(read(str(ACME), now=NOW), settings)
    saved = load(text_of(plan_document(plan, settings)), "plan.json")
    assert saved.settings == settings
    assert saved.plan.proposals == plan.proposals
    assert {"edit-revocations", "edit-activation-revocations"} <= {
        edit["verb"] for proposal in plan_document(plan, settings)["proposals"] for edit in proposal["edits"]
    }


def test_a_blanket_is_in_a_script_only_when_it_is_accepted_by_its_id(permopt, tmp_path):
    rules = ("--rule", "covered-revocation", "--rule", "blanket-revocation")
    assert permopt("propose", ACME, "--now", NOW, *rules, "-o", "plan.json").status == 0
    assert permopt("script", "plan.json", "-o", "safe").status == 0
    text = (tmp_path / "safe" / "apply.sh").read_text()
    assert text.count("delete-user") == 1
    assert "add-user" not in text
    document = permopt("propose", ACME, "--now", NOW, *rules, "-f", "json").json
    (name,) = [each["id"] for each in document["proposals"] if each["rule"] == "blanket-revocation"]
    assert permopt("review", "plan.json", "--accept", name).status == 0
    assert permopt("script", "plan.json", "-o", "both").status == 0
    text = (tmp_path / "both" / "apply.sh").read_text()
    assert "--user-public-key='*'" in text
    assert "--at=1750636800" in text
