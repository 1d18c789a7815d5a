"""Rules that look at an account: after its blocks, each on top of the one before, judged with them as a whole."""

from __future__ import annotations

from importlib import import_module

import pytest

from optimizer.edits import EditImports, TargetKind
from optimizer.examine import examine
from optimizer.judge import judge
from optimizer.proposals import Safety, Severity
from optimizer.rules import RULES, Rule
from optimizer.subjects.probes import Relation
from tests import signing
from tests.builders import NOW, Account, User, settings, store

EXAMINE = import_module("optimizer.examine")  # the module: `optimizer.examine` is its function
ANN, BOB = (signing.user(f"TAKER {name}").public for name in ("ann", "bob"))


def shorter_names(view):
    """A rule for this test: imports whose name says more than their subject."""
    for edge in view.imports:
        held = view.claims.imports[edge.place]
        if len(held.name) > len(held.subject):
            target = view.target(TargetKind.IMPORT)
            edit = EditImports(target, (held,), (held.replaced(name=held.subject),))
            yield SHORTER.found_in(target, f"{edge.local} has a long name", edits=(edit,))


SHORTER = Rule("shorter-name", Severity.NOTE, "", None, find_in=shorter_names)


@pytest.fixture
def market():
    giver = Account(
        "GIVER",
        nats={"exports": [{"name": "s", "subject": "svc.x", "type": "service", "response_type": "Singleton"}]},
    )
    taken = {"name": "a name " * 20, "subject": "svc.x", "account": giver.key.public, "type": "service"}
    taker = Account(
        "TAKER",
        users=[User("app", pub={"allow": ["a.b", "a.>"]})],
        defaults={"pub": {"allow": ["b.c", "b.>"]}},
        nats={"imports": [{**taken, "local_subject": "svc.x"}], "revocations": {"*": 60, ANN: 50, BOB: 70}},
    )
    return store(giver, taker)


@pytest.fixture
def plan(market, monkeypatch):
    monkeypatch.setattr(EXAMINE, "RULES", (*RULES, SHORTER))
    return examine(market, settings())


def test_bytes_of_one_token_add_up_in_the_order_of_the_plan_over_lists_revocations_and_imports(market, plan):
    chosen = plan.default_selection
    assert [each.finding.rule for each in chosen] == [
        "covered-entry",
        "covered-entry",
        "covered-revocation",
        "shorter-name",
    ]
    (account,) = [key for key, signed in market.accounts.items() if signed.claims.name == "TAKER"]
    sizes = [
        (change.before, change.after)
        for each in chosen
        for change in each.judgement.tokens
        if (change.account, change.user) == (account, None)
    ]
    assert [after for _, after in sizes[:-1]] == [before for before, _ in sizes[1:]]
    whole = judge(market, [edit for each in chosen for edit in each.edits], settings())
    assert (whole.relation, whole.safety) == (Relation.SAME, Safety.SAFE)
    assert {(one.account, one.user): one.after for one in whole.tokens} == {
        (one.account, one.user): one.after for one in plan.judgement.tokens
    }
    (change,) = [one for one in whole.tokens if one.user is None]
    assert (sizes[0][0], sizes[-1][1]) == (change.before, change.after)
    assert sum(each.judgement.saving.bytes for each in chosen) == whole.saving.bytes


def test_a_rule_sees_the_account_as_the_rules_before_left_it(market, monkeypatch):
    seen = []

    def find(view):
        seen.append((dict(view.claims.revocations), view.claims.default_permissions.pub.allow))
        assert view.hierarchy.accounts[view.account].claims is view.claims
        assert len(view.hierarchy.accounts) == 2
        return iter(())

    monkeypatch.setattr(EXAMINE, "RULES", (*RULES, Rule("sees", Severity.NOTE, "", None, find_in=find)))
    examine(market, settings(accounts=("TAKER",)))
    assert seen[-1] == ({"*": 60, BOB: 70}, ("b.>",))


def test_the_imports_of_a_store_are_resolved_once_a_run_and_not_at_all_where_no_rule_asks(market, monkeypatch):
    calls = []
    module = import_module("optimizer.graph.build")
    build = module.build

    def counting(hierarchy, now):
        calls.append(now)
        return build(hierarchy, now)

    monkeypatch.setattr(module, "build", counting)
    examine(market, settings())
    assert calls == []
    monkeypatch.setattr(EXAMINE, "RULES", (*RULES, SHORTER))
    examine(market, settings(rules=("shorter-name",)))
    assert calls == [NOW]


def test_who_imports_from_an_account_is_told(market, monkeypatch):
    told = {}

    def find(view):
        told[view.name] = [edge.importer for edge in view.importers]
        return iter(())

    rule = Rule("tells", Severity.NOTE, "", None, find_in=find)
    monkeypatch.setattr(EXAMINE, "RULES", (rule,))
    examine(market, settings())
    taker = next(key for key, signed in market.accounts.items() if signed.claims.name == "TAKER")
    assert told == {"GIVER": [taker], "TAKER": []}
