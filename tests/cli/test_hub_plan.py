"""From `permopt graph --hubs --plan` to the review of what it saved."""

from __future__ import annotations

import json

import pytest

from optimizer.claims.model import Export, Import
from optimizer.edits import AddAccount, EditExports, EditImports
from optimizer.reports.json import plan_document, text_of
from optimizer.reports.markdown import plan_markdown
from optimizer.reports.style import Style
from optimizer.reports.terminal import plan_page, proposal_page
from optimizer.review.plan import load
from tests import signing
from tests.cli.conftest import NOW, is_printable
from tests.cli.test_schemas import check
from tests.topologies import HUB, Accounts, consumers, stream
from tests.unit.sources.stores import Store, make_store

SECOND = signing.account("another new hub")
MAKE = "nsc generate nkey --account --store"


def written(root, accounts: Accounts) -> Store:
    made = make_store(root)
    for name, body in accounts.items():
        taken = [{**each, "account": signing.account(each["account"]).public} for each in body.get("imports", ())]
        made.account(name, exports=body.get("exports", []), imports=taken)
    return made


@pytest.fixture
def market(tmp_path) -> Store:
    """A hub under the names in use, one under names of its own, a bundle that changes nothing, and one that opens."""
    accounts = consumers(12, 6, 2)
    renamed = consumers(10, 5, 2, root="s{}")
    for name, body in renamed.items():
        imports = [{**each, "account": f"Q{each['account']}"} for each in body.get("imports", ())]
        accounts[f"Q{name}"] = {**body, "imports": imports}
    accounts["EV"] = {"exports": [stream("u.>"), stream("ev.>")]}
    accounts["TAKER"] = {
        "imports": [
            *(stream(subject, "EV") for subject in ("u.*", "u.*.>")),
            *(stream(f"ev.{word}.x", "EV", local_subject=f"in.{word}") for word in "abcd"),
        ]
    }
    return written(tmp_path / "stores", accounts)


@pytest.fixture
def planned(permopt, market, tmp_path):
    def make(*keys):
        plan = tmp_path / "hubs.json"
        words = [word for key in keys for word in ("--hub-key", key.public)]
        typed = permopt("graph", market.root, "--hubs", "--plan", plan, "--now", NOW, *words)
        assert typed.status == 0, typed.err
        return plan, typed

    return make


def test_every_suggestion_becomes_a_proposal_and_a_hub_of_new_names_two(planned):
    plan, typed = planned(HUB, SECOND)
    document = json.loads(plan.read_text())
    check(document)
    rules = [(each["rule"], each["relation"], bool(each["requires"])) for each in document["proposals"]]
    assert sorted(rules) == [
        ("bundle", "same", False),
        ("bundle", "wider", False),
        ("hub", "narrower", True),
        ("hub", "wider", False),
        ("hub", "wider", False),
    ]
    first, second = (
        next(each for each in document["proposals"] if each["rule"] == "hub" and each["relation"] == relation)
        for relation in ("wider", "narrower")
    )
    assert first["edits"][0]["verb"] == "add-account"
    assert {each["verb"] for each in second["edits"]} == {"edit-imports"}
    assert second["requires"][0] in {each["id"] for each in document["proposals"]}
    assert [each["edits"][0]["add"][0]["name"] for each in document["proposals"] if "add-account" in str(each)] == [
        "hub",
        "hub2",
    ]
    assert typed.out.rstrip().endswith(f"permopt review {plan}")
    assert document["findings"] == []


def test_what_is_saved_adds_up_to_what_the_tokens_lose(planned, market):
    plan, _ = planned(HUB, SECOND)
    document = json.loads(plan.read_text())
    safe = [each for each in document["proposals"] if each["safety"] == "safe"]
    tokens = document["judgement"]["tokens"]
    told = sum(each["saving"]["before"] - each["saving"]["after"] for each in safe)
    assert told == sum(each["before"] - each["after"] for each in tokens) == 177
    sizes = {key: one.token.size for key, one in market.read().accounts.items()}
    for each in document["proposals"]:
        new = {one["account_key"] for one in each["tokens"]} - sizes.keys()
        assert new <= {HUB.public, SECOND.public}
        assert all(
            one["before"] == 0
            for one in each["tokens"]
            if each["edits"][0]["verb"] == "add-account" and one["account_key"] in new
        )


def test_a_plan_survives_a_run_again(planned):
    plan, _ = planned(HUB, SECOND)
    before = plan.read_text()
    again, _ = planned(HUB, SECOND)
    assert again.read_text() == before


def test_a_plan_is_read_back_as_it_was_written(planned):
    plan, _ = planned(HUB, SECOND)
    text = plan.read_text()
    saved = load(text, "plan")
    document = plan_document(saved.plan, saved.settings)
    for name in ("proposals", "targets", "judgement", "settings"):
        assert document[name] == json.loads(text)[name]
    kinds = {type(edit) for proposal in saved.plan.proposals for edit in proposal.edits}
    assert kinds == {AddAccount, EditImports, EditExports}
    items = {type(each) for p in saved.plan.proposals for edit in p.edits for each in (*edit.remove, *edit.add)}
    assert items == {Import, Export}


def test_an_edited_plan_is_refused(permopt, planned):
    plan, _ = planned(HUB, SECOND)
    document = json.loads(plan.read_text())
    hub = next(each for each in document["proposals"] if each["edits"][0]["verb"] == "add-account")
    hub["edits"][0]["add"][0]["name"] = "mine"
    plan.write_text(text_of(document))
    typed = permopt("review", plan)
    assert typed.status == 3
    assert "its digest does not fit" in typed.err


def test_hubs_without_keys_are_advice_with_the_command_that_makes_one(permopt, planned):
    plan, typed = planned()
    document = json.loads(plan.read_text())
    assert [each["rule"] for each in document["findings"]] == ["hub", "hub"]
    assert all(MAKE in each["advice"] for each in document["findings"])
    assert f"2 hubs are in it as advice, without a key: make one with `{MAKE}`" in typed.err
    check(document)
    assert permopt("review", plan).status == 0


def test_review_says_where_each_proposal_stands(permopt, planned):
    plan, _ = planned(HUB, SECOND)
    typed = permopt("review", plan)
    assert typed.status == 0
    assert "1 proposal chosen: saves 177 bytes" in typed.out
    check(permopt("review", plan, "-f", "json").json)


def test_suggestions_lead_to_a_plan(permopt, market):
    typed = permopt("graph", market.root, "--hubs", "--now", NOW)
    assert typed.out.endswith(f"next\n  permopt graph {market.root} --hubs --plan hubs.json\n")


def test_where_nothing_is_chosen_review_leads_to_accepting_and_not_to_an_empty_script(permopt, planned):
    plan, _ = planned(HUB, SECOND)
    document = json.loads(plan.read_text())
    safe = [each["id"] for each in document["proposals"] if each["safety"] == "safe"]
    risky = next(each["id"] for each in document["proposals"] if each["safety"] == "risky")
    rejected = permopt("review", plan, *(word for one in safe for word in ("--reject", one)))
    assert rejected.out.endswith(f"next\n  permopt review {plan} --accept {risky}\n")
    accepted = permopt("review", plan, "--accept", risky)
    assert accepted.out.endswith(f"next\n  permopt script {plan} -o scripts\n")


def test_pages_show_imports_at_80_columns(planned):
    plan, _ = planned(HUB, SECOND)
    saved = load(plan.read_text(), "plan")
    style = Style(colour=False, width=80)
    pages = ["\n".join(proposal_page(each, saved.plan, style)) for each in saved.plan.proposals]
    pages.append(plan_page(saved.plan, saved.settings, style, next_command="next", details=True))
    pages.append(plan_page(saved.plan, saved.settings, style, next_command="next"))
    assert all(len(line) <= 80 for page in pages[:-2] for line in page.splitlines())
    assert all(map(is_printable, pages))
    bundle = next(page for page in pages if "saves 177 bytes" in page)
    assert "        - stream u.* from EV\n        - stream u.*.> from EV\n        + stream u.> from EV\n" in bundle
    assert "same for every client" in bundle
    hub = next(page for page in pages if "svc.*.*" in page)
    assert "new account\n        + hub, key" in hub
    assert "what is lost, control" in hub
    assert "any user of hub may connect" in hub
    markdown = plan_markdown(saved.plan, saved.settings, next_command="next")
    assert "- `imports of account TAKER`: add `stream u.> from EV`" in markdown


def test_names_of_strangers_break_no_page(permopt, tmp_path):
    nasty = "evil\x1b[31m`$(id)`\u202e"
    accounts: Accounts = {
        nasty: {"exports": [stream("ev.>")]},
        "B": {"imports": [stream(f"ev.{word}\x1b.x", nasty) for word in "abcd"]},
    }
    store = written(tmp_path / "stores", {name.replace("/", ""): body for name, body in accounts.items()})
    plan = tmp_path / "plan.json"
    typed = permopt("graph", store.root, "--hubs", "--plan", plan, "--now", NOW)
    assert typed.status == 0, typed.err
    saved = load(plan.read_text(), "plan")
    for proposal in saved.plan.proposals:
        assert is_printable("\n".join(proposal_page(proposal, saved.plan, Style(colour=False, width=80))))
    assert is_printable(plan_markdown(saved.plan, saved.settings, next_command="next"))
    assert is_printable(typed.out + typed.err)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--plan", "p.json"], "--plan saves suggestions"),
        (["--hubs", "--hub-key", HUB.public], "--hub-key is for a plan"),
        (["--hubs", "--plan", "p.json", "--hub-key", "AB"], "`AB` is not a public key"),
        (["--hubs", "--plan", "p.json", "--hub-key", f"{HUB.public[:-1]}A"], "wrong checksum"),
        (["--hubs", "--plan", "p.json", *["--hub-key", HUB.public] * 2], "is given twice"),
        (["--hubs", "--plan", "p.json", "--account", "EV"], "which --account does not change"),
        (["--hubs", "--plan", "p.json", "--broken"], "which --broken leaves out"),
        (["--hubs", "--plan", "p.json", "-f", "dot"], "--hubs is for a page or for JSON"),
        (["--hubs", "--plan", "p.json", "--hub-key", signing.account("EV").public], "is the key of account EV"),
    ],
)
def test_wrong_usage_is_one_clear_line(permopt, market, tmp_path, words, said):
    typed = permopt("graph", market.root, *words, "--now", NOW)
    assert typed.status == 2
    assert said in typed.err
    assert not (tmp_path / "p.json").exists()


def test_a_plan_that_cannot_be_written_is_said(permopt, market, tmp_path):
    (tmp_path / "file").write_text("")
    typed = permopt("graph", market.root, "--hubs", "--plan", tmp_path / "file" / "p.json", "--now", NOW)
    assert typed.status == 3
    assert "cannot be written" in typed.err


def test_where_nothing_pays_no_plan_is_written(permopt, tmp_path):
    store = written(tmp_path / "stores", consumers(2, 2))
    plan = tmp_path / "p.json"
    typed = permopt("graph", store.root, "--hubs", "--plan", plan, "--now", NOW)
    assert typed.status == 2
    assert "no hub pays here" in typed.err
    assert "fewer imports" in typed.out, "the page is there all the same"
    assert not plan.exists()


def test_the_name_of_a_hub_is_free_in_any_case(permopt, tmp_path):
    accounts = consumers(12, 6, 2)
    accounts |= {"HUB": {}, "Hub2": {}}
    store = written(tmp_path / "stores", accounts)
    plan = tmp_path / "p.json"
    assert permopt("graph", store.root, "--hubs", "--plan", plan, "--hub-key", HUB.public, "--now", NOW).status == 0
    (proposal,) = json.loads(plan.read_text())["proposals"]
    assert proposal["edits"][0]["add"] == [{"iss": signing.operator("OP").public, "name": "hub3", "sub": HUB.public}]
