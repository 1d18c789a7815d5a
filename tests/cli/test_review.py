"""``permopt review``: decisions, and what they change."""

from __future__ import annotations

import json

import pytest

from tests.cli.conftest import NOW


@pytest.fixture
def ids(saved_plan):
    """Ids by safety."""
    found: dict[str, list[str]] = {}
    for proposal in json.loads(saved_plan.read_text())["proposals"]:
        found.setdefault(proposal["safety"], []).append(proposal["id"])
    return found


def decisions(plan):
    return json.loads(plan.with_name("plan.json.decisions.json").read_text())["decisions"]


def test_without_a_decision_it_says_where_each_proposal_stands(permopt, saved_plan, ids):
    typed = permopt("review", saved_plan)
    assert typed.status == 0
    assert typed.out.count(" not in the script") == len(ids["risky"]) + len(ids["advice"])
    assert f"{ids['safe'][0]} " in typed.out
    assert "6 proposals chosen: saves 130 bytes" in typed.out
    assert typed.out.endswith(f"next\n  permopt script {saved_plan} -o scripts\n")


def test_what_is_accepted_at_a_risk_is_shown_with_its_witness_and_chosen(permopt, saved_plan, ids):
    [risky] = ids["risky"]
    typed = permopt("review", saved_plan, "--accept", risky, "--reason", "nobody uses it", "--who", "ada", "--now", NOW)
    assert typed.status == 0
    assert "afterwards ORDERS/audit may receive `bill.draft." in typed.out
    assert "7 proposals chosen: saves 150 bytes" in typed.out
    assert f"accept by ada at {NOW}: nobody uses it" in typed.out
    assert decisions(saved_plan) == [
        {"id": risky, "decision": "accept", "who": "ada", "when": NOW, "why": "nobody uses it"}
    ]


def test_what_is_rejected_leaves_the_script_and_comes_back_later(permopt, saved_plan, ids):
    safe = ids["safe"][-1]
    assert "5 proposals chosen" in permopt("review", saved_plan, "--reject", safe).out
    assert "5 proposals chosen" in permopt("review", saved_plan).out
    assert "6 proposals chosen" in permopt("review", saved_plan, "--later", safe).out
    assert [decision["decision"] for decision in decisions(saved_plan)] == ["reject", "later"]


def test_what_requires_a_rejected_one_falls_with_it(permopt, shop, tmp_path):
    # The deny is idle only once the allow that it takes back is gone.
    lists = {"allow": ["a.>", "b.x"], "deny": ["b.>"]}
    shop.user("ORDERS", "chain", shop.account_key("ORDERS"), pub=lists)
    plan = tmp_path / "plan.json"
    permopt("propose", shop.root, "-o", plan, "--now", NOW)
    needing = next(each for each in json.loads(plan.read_text())["proposals"] if each["requires"])
    assert needing["rule"] == "idle-deny"
    typed = permopt("review", plan, "--reject", needing["requires"][0], "-f", "json")
    states = {each["id"]: each for each in typed.json["proposals"]}
    assert states[needing["id"]]["chosen"] is False
    assert states[needing["id"]]["reason"] == f"it requires `{needing['requires'][0]}`, which is not chosen"


def test_advice_cannot_be_accepted(permopt, saved_plan, ids):
    typed = permopt("review", saved_plan, "--accept", ids["advice"][0])
    assert typed.status == 2
    assert "is advice and never goes into a script" in typed.err
    assert not saved_plan.with_name("plan.json.decisions.json").exists()


def test_an_unknown_id_is_wrong_usage_and_nothing_is_kept(permopt, saved_plan, ids):
    typed = permopt("review", saved_plan, "--accept", ids["risky"][0], "--accept", "no-such-id")
    assert typed.status == 2
    assert "no proposal `no-such-id`" in typed.err
    assert not saved_plan.with_name("plan.json.decisions.json").exists()


def test_one_proposal_is_decided_one_way(permopt, saved_plan, ids):
    typed = permopt("review", saved_plan, "--accept", ids["safe"][0], "--reject", ids["safe"][0])
    assert (typed.status, "more than one decision" in typed.err) == (2, True)


def test_decisions_about_another_plan_are_refused(permopt, saved_plan, shop, ids):
    permopt("review", saved_plan, "--reject", ids["safe"][0])
    permopt("propose", shop.root, "-o", saved_plan, "--now", "2026-11-24")
    for command in ("review", "script"):
        typed = permopt(command, saved_plan)
        assert typed.status == 3
        assert "were made about another plan" in typed.err


@pytest.mark.parametrize("text", ["", "[]", '{"type": "permopt.decisions.v1"}', "{", '{"type": "x", "plan": ""}'])
def test_a_broken_decisions_file_is_refused(permopt, saved_plan, text):
    saved_plan.with_name("plan.json.decisions.json").write_text(text)
    typed = permopt("script", saved_plan)
    assert typed.status == 3
    assert "is not a permopt.decisions.v1 document" in typed.err


def test_alternatives_exclude_each_other(permopt, shop, tmp_path):
    bills = {"allow": ["bill.*.*", "fees.*.*"], "deny": ["bill.a.*", "bill.a.>", "fees.b.*", "fees.b.>"]}
    shop.user("ORDERS", "both", shop.account_key("ORDERS"), sub=bills)
    plan = tmp_path / "plan.json"
    permopt("propose", shop.root, "-o", plan, "--now", NOW)
    proposals = json.loads(plan.read_text())["proposals"]
    first = next(each for each in proposals if each["alternatives"])
    [second] = first["alternatives"][:1]
    typed = permopt("review", plan, "--accept", first["id"], "--accept", second)
    assert typed.status == 2
    assert "are alternatives, of which one can be accepted" in typed.err
    assert f"reject `{first['id']}` first" in typed.err
    assert permopt("review", plan, "--accept", first["id"]).status == 0
    assert permopt("review", plan, "--reject", first["id"]).status == 0
    assert permopt("review", plan, "--accept", second).status == 0


def test_the_walk_asks_about_each_and_keeps_the_answers(permopt, saved_plan, ids, monkeypatch):
    answers = iter(["p", "s", "r", "too early", "l", "l", "l", "l", "l", "a", "agreed"])
    monkeypatch.setattr("sys.stdin.isatty", lambda: True, raising=False)
    monkeypatch.setattr("sys.stdout.isatty", lambda: True, raising=False)
    monkeypatch.setattr("typer.prompt", lambda *_, **__: next(answers))
    typed = permopt("review", saved_plan, "--who", "ada", "--now", NOW, "--no-color")
    assert typed.status == 0
    assert "#!/bin/sh" in typed.out
    assert [(each["id"], each["decision"], each["why"]) for each in decisions(saved_plan)] == [
        (ids["safe"][0], "reject", "too early"),
        (ids["risky"][0], "accept", "agreed"),
    ]
    assert next(answers, None) is None


def test_reasons_are_shown_and_kept_without_what_moves_a_cursor_or_a_seed(permopt, saved_plan, ids):
    typed = permopt("review", saved_plan, "--reject", ids["safe"][0], "--reason", "\x1b[2Jgone SU" + "A" * 56)
    assert "\\x1b[2Jgone S...(seed removed)" in typed.out
    assert "A" * 50 not in saved_plan.with_name("plan.json.decisions.json").read_text()
