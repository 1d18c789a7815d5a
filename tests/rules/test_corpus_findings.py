"""The two stores as a whole: nothing is found in the clean one, and ACME's traps are not fallen into."""

from __future__ import annotations

from collections import Counter
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from optimizer.edits import ListName, Target, apply_all, entries, permission_lists
from optimizer.examine import examine
from optimizer.proposals import Safety
from optimizer.rules import RULES
from optimizer.settings import Server, Settings
from optimizer.sources import read
from optimizer.subjects.probes import Relation

if TYPE_CHECKING:
    from optimizer.hierarchy import Hierarchy
    from optimizer.proposals import Plan

CORPUS = Path(__file__).parents[2] / "corpus"
NOW = 1_800_000_000

UNTOUCHED = {
    "ORDERS/batch-importer": "revoked by key",
    "ORDERS/nightly-reindex": "revoked by *",
    "ORDERS/contractor-mara": "expired",
    "EDGE/price-sync": "the server refuses its subjects",
    "PAYMENTS/vault-sealed": "an explicit empty list",
}
"""Users of ACME with something to find, whose tokens no script may edit."""

IN_ORDER = ("LOYALTY/points", "PAYMENTS/fraud-scoring", "ORDERS/support-console", "ORDERS/maintenance-lock", "SYS/sys")


@cache
def plan(name: str) -> Plan:
    return examine(read(str(CORPUS / name), now=NOW), Settings(now=NOW))


def owner(hierarchy: Hierarchy, target: Target) -> str:
    account = hierarchy.accounts[target.account].claims.name
    user = hierarchy.users[target.user, target.account].claims.name if target.user else target.kind_name
    return f"{account}/{user}"


def listed(hierarchy: Hierarchy, who: str, name: ListName) -> tuple[str, ...]:
    [target] = {
        Target("user", account, user=key)
        for (key, account), user in hierarchy.users.items()
        if f"{hierarchy.accounts[account].claims.name}/{user.claims.name}" == who
    }
    return entries(permission_lists(hierarchy, target), name) or ()


def after_the_safe_ones() -> Hierarchy:
    acme = plan("acme")
    return apply_all([edit for proposal in acme.default_selection for edit in proposal.edits], acme.hierarchy)


@pytest.mark.parametrize("name", ["acme", "clean"])
def test_every_token_of_a_store_is_read(name):
    hierarchy = plan(name).hierarchy
    assert not hierarchy.skipped
    tokens = 1 + len(hierarchy.accounts) + len(hierarchy.users)
    assert tokens == sum(1 for _ in (CORPUS / name).rglob("*.jwt"))


def test_only_tokens_that_no_server_admits_have_issues():
    hierarchy = plan("acme").hierarchy
    faulty = {user.claims.name for user in hierarchy.users.values() if user.issues}
    refused = {name.split("/")[1] for name in UNTOUCHED} - {"vault-sealed"}
    assert "contractor-mara" in faulty
    assert faulty <= refused
    assert not [account for account in hierarchy.accounts.values() if account.issues]


def test_no_rule_finds_anything_in_the_clean_store():
    clean = plan("clean")
    assert (clean.proposals, clean.findings, clean.set_aside, clean.judgement) == ((), (), (), None)


def test_every_rule_but_those_for_what_no_token_of_acme_holds_finds_something_in_it():
    acme = plan("acme")
    found = {proposal.finding.rule for proposal in acme.proposals} | {finding.rule for finding in acme.findings}
    rules = {rule.name for rule in RULES if rule.find is not None or rule.find_in is not None}
    assert rules - found <= {"malformed-entry", "unknown-operation", "unknown-api", "idle-activation-revocation"}


def test_of_the_revocations_of_acme_the_covered_ones_go_and_no_others():
    acme, after = plan("acme"), after_the_safe_ones()
    for key, signed in acme.hierarchy.accounts.items():
        was, left = signed.claims.revocations, after.accounts[key].claims.revocations
        assert left == {who: at for who, at in was.items() if who == "*" or at > was.get("*", -1)}
    ours = [it for it in acme.default_selection if "revocation" in it.finding.rule]
    gone = {it.finding.rule: len(it.edits[0].remove) for it in ours}
    assert gone == {"covered-revocation": 220, "covered-activation-revocation": 21}
    (blanket,) = [it for it in acme.proposals if it.finding.rule == "blanket-revocation"]
    assert blanket.judgement.safety is Safety.RISKY
    assert blanket.judgement.lost


def test_no_word_frees_a_revocation_of_an_account_that_a_token_contradicts():
    hierarchy = plan("acme").hierarchy
    stated = examine(hierarchy, Settings(now=NOW, max_user_ttl=30 * 86_400, rules=("outlived-revocation",)))
    guarded = {owner(hierarchy, it.finding.target).split("/")[0] for it in stated.proposals}
    lasting = {
        hierarchy.accounts[account].claims.name
        for (_, account), user in hierarchy.users.items()
        if not user.claims.exp or user.claims.exp - user.claims.iat > 30 * 86_400
    }
    assert not guarded & lasting
    contradicted = {owner(hierarchy, it.target).split("/")[0] for it in stated.findings}
    assert contradicted == {signed.claims.name for signed in hierarchy.accounts.values() if signed.claims.revocations}


@pytest.mark.parametrize("who", UNTOUCHED)
def test_a_token_that_must_not_be_edited_is_reported_and_not_edited(who):
    acme = plan("acme")
    proposals = [it for it in acme.proposals if owner(acme.hierarchy, it.finding.target) == who]
    findings = [it for it in acme.findings if owner(acme.hierarchy, it.target) == who]
    assert proposals or findings
    assert {proposal.judgement.safety for proposal in proposals} <= {Safety.ADVICE}


@pytest.mark.parametrize("who", IN_ORDER)
def test_a_user_in_order_is_left_in_peace(who):
    acme = plan("acme")
    assert who not in {owner(acme.hierarchy, it.finding.target) for it in acme.proposals}
    assert who not in {owner(acme.hierarchy, it.target) for it in acme.findings}


def test_a_user_is_not_emptied_where_defaults_would_take_over():
    for account in ("ORDERS", "ORDERS_EU", "ORDERS_US"):
        assert listed(after_the_safe_ones(), f"{account}/audit-export", ListName.SUB_DENY) == ("orders.>.draft",)


def test_the_last_allow_stays_though_it_is_denied():
    assert listed(after_the_safe_ones(), "ORDERS/maintenance-lock", ListName.PUB_ALLOW) == ("orders.internal.audit",)


def test_granular_subjects_are_never_merged_silently():
    kept = listed(after_the_safe_ones(), "ORDERS/order-service", ListName.PUB_ALLOW)
    assert len([text for text in kept if text.count(".") == 1]) >= 24
    assert "orders.*" not in kept
    assert "orders.>" not in kept


def test_a_queue_entry_stays_where_only_a_plain_one_covers_it():
    kept = listed(after_the_safe_ones(), "ORDERS/returns-worker", ListName.SUB_ALLOW)
    assert sorted(kept) == ["_INBOX.>", "orders.* returns", "orders.cancelled", "orders.refunded returns-eu"]


def test_chains_are_followed_to_their_end():
    kept = listed(after_the_safe_ones(), "ORDERS/order-api", ListName.SUB_ALLOW)
    assert sorted(kept) == ["_INBOX.>", "orders.api.* order-api", "orders.api.> order-*", "orders.api.get"]


def test_the_safe_proposals_are_proved_for_both_generations_and_save_bytes():
    acme = plan("acme")
    assert acme.judgement is not None
    assert acme.judgement.relation is Relation.SAME
    assert acme.judgement.safety is Safety.SAFE
    assert acme.judgement.proof.servers == (Server.CURRENT, Server.EARLIER)
    assert acme.judgement.saving.bytes > 10_000
    kinds = Counter(it.finding.target.kind_name for it in acme.default_selection)
    assert min(kinds[kind] for kind in ("user", "scope", "defaults")) >= 20


def test_what_only_newer_servers_filter_alike_is_not_safe_for_both():
    acme = plan("acme")
    [tracker] = [
        it
        for it in acme.proposals
        if owner(acme.hierarchy, it.finding.target) == "WAREHOUSE/parcel-tracker"
        and it.finding.list is ListName.SUB_DENY
        and any("carriers.dhl.test" in edit.remove for edit in it.edits)
    ]
    assert tracker.judgement.safety is Safety.RISKY
    assert tracker.judgement.gained
    newer = examine(acme.hierarchy, Settings(now=NOW, servers=(Server.CURRENT,), accounts=("WAREHOUSE",)))
    assert any("carriers.dhl.test" in edit.remove for it in newer.default_selection for edit in it.edits)


def test_a_role_spelled_out_for_six_streams_is_named_and_never_taken_for_all():
    acme = plan("acme")
    roles = [it for it in acme.proposals if it.finding.rule == "spelled-out-role"]
    assert {owner(acme.hierarchy, it.finding.target) for it in roles} == {"EDGE/edge-gateway"}
    assert all("read the stream `POS_SALES`" in it.finding.message for it in roles)
    assert {text for it in roles for edit in it.edits for text in edit.add} == {
        "$JS.API.STREAM.MSG.GET.*",
        "$JS.API.DIRECT.GET.*",
        "$JS.API.CONSUMER.INFO.*.>",
    }
    for it in roles:
        # JetStream's API is protected unless a run says otherwise.
        assert it.judgement.safety is Safety.ADVICE
        assert it.judgement.protected
