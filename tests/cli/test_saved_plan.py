"""A plan on disk: what it holds comes back, and nothing in it is believed that its tokens do not say."""

from __future__ import annotations

import json

import pytest

from optimizer import Settings, examine, read
from optimizer.errors import OptimizerError, SourceError
from optimizer.reports.json import digest, plan_document, text_of
from optimizer.review.decisions import Decisions
from optimizer.review.plan import load
from optimizer.review.selection import select
from tests import signing
from tests.cli.conftest import NOW

SETTINGS = Settings(now=1_795_435_200)


@pytest.fixture
def plan(shop):
    return examine(read(str(shop.root), now=SETTINGS.now), SETTINGS)


@pytest.fixture
def document(plan):
    return plan_document(plan, SETTINGS)


def sealed(document):
    """The document as a forger would write it, with a digest that fits."""
    return text_of({**document, "digest": digest(document)})


def test_everything_comes_back(plan, document):
    saved = load(text_of(document), "plan.json")
    again = saved.plan
    assert again.proposals == plan.proposals
    assert again.findings == tuple(finding for finding in plan.findings)
    assert (again.set_aside, again.judgement) == (plan.set_aside, plan.judgement)
    assert (saved.settings, saved.fingerprint) == (SETTINGS, plan.hierarchy.fingerprint)
    assert plan_document(again, SETTINGS)["targets"] == document["targets"]


def test_a_plan_holds_the_tokens_of_touched_accounts_only(document):
    assert [(target["kind"], target.get("account"), target.get("user")) for target in document["targets"]] == [
        ("operator", None, None),
        ("account", "ORDERS", None),
        ("user", "ORDERS", "api"),
        ("user", "ORDERS", "audit"),
        ("user", "ORDERS", "typo"),
    ]


def test_choosing_from_the_saved_plan_judges_as_the_store_did(plan, document):
    saved = load(text_of(document), "plan.json")
    assert select(saved, Decisions(saved.digest)).judgement == plan.judgement


@pytest.mark.parametrize(
    "spoil",
    [
        lambda d: d["proposals"][0].update(safety="safe", id="mine"),
        lambda d: d["settings"].update(now=0),
        lambda d: d["proposals"][0]["edits"][0]["remove"].append("orders.*"),
        lambda d: d.update(extra=1),
        lambda d: d.pop("fingerprint"),
        lambda d: d.update(digest=None),
    ],
)
def test_an_edited_plan_is_refused(permopt, document, tmp_path, spoil):
    spoil(document)
    (tmp_path / "plan.json").write_text(text_of(document))
    for command in ("script", "review", "verify"):
        typed = permopt(command, "plan.json")
        assert (typed.status, typed.out) == (3, "")
        assert "`plan.json` was edited after it was written" in typed.err


def test_layout_and_order_of_keys_are_no_edit(document):
    shuffled = json.dumps(dict(reversed(document.items())), indent=None)
    assert load(shuffled, "plan.json").digest == document["digest"]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "is not JSON"),
        ("[" * 100_000, "is not JSON"),
        ("[]", "it has no type"),
        ('{"type": "permopt.graph.v1"}', "its type is `permopt.graph.v1`"),
        ('{"type": "permopt.plan.v2"}', "its type is `permopt.plan.v2`"),
    ],
)
def test_what_is_no_plan_is_refused_in_one_line(permopt, tmp_path, text, message):
    (tmp_path / "plan.json").write_text(text)
    typed = permopt("script", "plan.json")
    assert typed.status == 3
    assert message in typed.err.splitlines()[0]


@pytest.mark.parametrize(
    "spoil",
    [
        lambda d: d.pop("targets"),
        lambda d: d.update(proposals=[1]),
        lambda d: d["proposals"][0].update(safety="certainly"),
        lambda d: d["proposals"][0]["edits"][0].update(verb="format-disk"),
        lambda d: d["proposals"][0]["edits"][0]["target"].update(account_key="A"),
        lambda d: d["targets"][1].update(token_before="a.b.c"),
        lambda d: d["targets"].pop(1),
    ],
)
def test_a_malformed_plan_with_a_fitting_digest_is_refused(document, spoil):
    spoil(document)
    with pytest.raises(SourceError, match=r"^`plan\.json` (is not a plan|holds a token)"):
        load(sealed(document), "plan.json")


def test_what_is_called_safe_and_is_not_goes_into_no_script(document):
    risky = next(each for each in document["proposals"] if each["safety"] == "risky")
    risky.update(safety="safe", relation="same", gained=[], lost=[])
    saved = load(sealed(document), "plan.json")
    with pytest.raises(OptimizerError, match="together the chosen proposals are risky"):
        select(saved, Decisions(saved.digest))


def test_an_edit_that_does_not_fit_its_list_goes_into_no_script(document):
    document["proposals"][0]["edits"][0]["remove"] = ["never.there"]
    saved = load(sealed(document), "plan.json")
    with pytest.raises(OptimizerError, match="do not fit together"):
        select(saved, Decisions(saved.digest))


def test_issues_that_the_tokens_show_cannot_be_held_back(shop):
    claims = signing.user_claims(signing.user("late"), None, "late", pub={"allow": ["a", "a"]}) | {"exp": 1_760_000_001}
    shop.user("ORDERS", "late", None, token=signing.sign(claims, shop.account_key("ORDERS")))
    late = examine(read(str(shop.root), now=SETTINGS.now), SETTINGS)
    document = plan_document(late, SETTINGS)
    for target in document["targets"]:
        target["issues"] = []
    users = load(sealed(document), "plan.json").plan.hierarchy.users
    assert {issue.code for user in users.values() if user.claims.name == "late" for issue in user.issues} == {"expired"}


def test_a_plan_is_no_larger_than_its_tokens_and_what_is_said_of_them(permopt, shop):
    made = [shop.account(f"A{number}") for number in range(20)]
    typed = permopt("propose", shop.root, "-f", "json", "--now", NOW)
    assert all(pair.public not in typed.out for pair in made)
