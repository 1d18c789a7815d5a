"""The plan: what is taken, in which order, and what is left to people."""

import re
from dataclasses import replace

import pytest

from optimizer.edits import TargetKind, apply_all, permission_lists
from optimizer.examine import examine
from optimizer.judge import judge
from optimizer.proposals import Safety
from optimizer.subjects.compare import Relation
from tests import signing
from tests.builders import CURRENT_ONLY, Account, Role, User, defaults_of, role_of, settings, store, user_of


def plan_of(*accounts, **given):
    return examine(store(*accounts), settings(**given))


def after_the_safe_ones(plan):
    return apply_all((edit for one in plan.default_selection for edit in one.edits), plan.hierarchy)


def test_nothing_is_proposed_where_nothing_is_redundant():
    plan = plan_of(Account("ACME", users=[User("app", pub={"allow": ["a", "b.*"]}, sub={"allow": ["_INBOX.>"]})]))
    assert (plan.proposals, plan.findings, plan.set_aside, plan.judgement) == ((), (), (), None)


def test_what_becomes_removable_only_after_another_removal_is_in_the_same_plan():
    lists = {"allow": ["a.*", "a.*.>", "a.b.c", "a.b.c"], "deny": ["b.x"]}
    plan = plan_of(Account("ACME", users=[User("app", sub=lists)]))
    target = user_of(plan.hierarchy, "ACME/app")
    assert permission_lists(after_the_safe_ones(plan), target).sub.allow == ("a.>",)
    assert permission_lists(after_the_safe_ones(plan), target).sub.deny is None
    rules = ["duplicate-entry", "covered-entry", "split-wildcard", "idle-deny"]
    assert [one.finding.rule for one in plan.proposals] == rules


def test_a_proposal_that_edits_what_an_earlier_one_adds_requires_it():
    lists = {"allow": ["a.*", "a.*.>", "b"], "deny": ["a.>"]}
    plan = plan_of(Account("ACME", users=[User("app", sub=lists)]), rules=("split-wildcard", "denied-allow"))
    merged, denied = plan.proposals
    assert (merged.edits[0].add, denied.edits[0].remove) == (("a.>",), ("a.>",))
    assert denied.requires == (merged.id,)


def test_proposals_that_stand_alone_require_nothing():
    plan = plan_of(Account("ACME", users=[User("app", pub={"allow": ["a", "a"]}, sub={"allow": ["b.>", "b.c"]})]))
    assert [one.requires for one in plan.proposals] == [(), ()]


def test_savings_add_up_to_the_plan_as_a_whole():
    plan = plan_of(
        Account(
            "ACME",
            defaults={"pub": {"allow": ["x.>", "x.y", "x.y"]}},
            roles=[Role("r", {"sub": {"allow": ["a.*", "a.*.>", "a.b"]}})],
            users=[User("app", pub={"allow": ["b", "b", "c.>", "c.d"], "deny": ["zz"]})],
        )
    )
    assert plan.judgement is not None
    assert plan.judgement.safety is Safety.SAFE
    assert sum(one.judgement.saving.bytes for one in plan.default_selection) == plan.judgement.saving.bytes
    edits = [edit for one in plan.default_selection for edit in one.edits]
    assert judge(plan.hierarchy, edits, settings()) == plan.judgement


def test_an_allow_list_never_runs_empty():
    lists = {"allow": ["a.b", "a.c"], "deny": ["a.>"]}
    plan = plan_of(Account("ACME", users=[User("app", pub=lists, sub=lists)], defaults={"pub": {"allow": ["z"]}}))
    lists = permission_lists(after_the_safe_ones(plan), user_of(plan.hierarchy, "ACME/app"))
    assert lists.pub.allow == ("a.b",)
    assert lists.sub.allow == ("a.b",)


def test_of_edits_that_are_not_safe_together_the_largest_safe_group_is_taken():
    # Before 2.12.14 dropping `x.a` shows; `q.a` and `q.b` were covered by an entry no subscription lies around.
    lists = {"allow": ["*.a", "q"], "deny": ["x.a", "x.*", "q.b.c", "q.b.>"]}
    plan = plan_of(Account("ACME", users=[User("app", sub=lists)]), rules=("covered-entry",))
    found = {one.edits[0].remove: one.judgement.safety for one in plan.proposals}
    assert found == {("q.b.c",): Safety.SAFE, ("x.a",): Safety.RISKY}
    evidence = {one.edits[0].remove: one.finding.evidence[0].statement for one in plan.proposals}
    assert evidence["x.a",] == "`x.a` is covered by `x.*`"
    risky = plan.proposals[-1]
    assert risky.judgement.relation is Relation.WIDER
    assert risky.judgement.gained


def test_of_risky_proposals_in_one_list_at_most_one_may_be_accepted():
    lists = {"allow": ["*.a", "*.b"], "deny": ["x.a", "x.b", "x.*"]}
    plan = plan_of(Account("ACME", users=[User("app", sub=lists)]))
    risky = [one for one in plan.proposals if one.judgement.safety is Safety.RISKY]
    assert len(risky) == 2
    assert risky[0].alternatives == (risky[1].id,)
    assert risky[1].alternatives == (risky[0].id,)


def test_many_edits_that_are_not_safe_are_one_proposal():
    lists = {"allow": [">"], "deny": ["x.*", *(f"x.{n}" for n in range(12))]}
    plan = plan_of(Account("ACME", users=[User("app", sub=lists)]))
    assert [len(one.edits) for one in plan.proposals if one.judgement.safety is Safety.RISKY] == [12]


def test_safe_proposals_come_first_and_the_plan_is_theirs():
    plan = plan_of(
        Account(
            "ACME",
            users=[User("b", pub={"allow": ["a", "a"]}), User("a", sub={"allow": ["*.a"], "deny": ["x.a", "x.*"]})],
        )
    )
    assert [one.judgement.safety for one in plan.proposals] == [Safety.SAFE, Safety.RISKY]
    assert len(plan.judgement.tokens) == 1


def test_a_persons_word_makes_what_needs_all_users_guarded_and_chains_it():
    role = Role("r", {"pub": {"allow": ["a.>", "a.b", "a.b", "{{tag(team)}}"]}})
    acme = Account("ACME", roles=[role], users=[User("ann", role="r", nats={"tags": ["team:x"]})])
    assert {one.judgement.safety for one in plan_of(acme).proposals} == {Safety.ADVICE}
    stated = plan_of(acme, complete_users=True)
    assert [one.judgement.safety for one in stated.proposals] == [Safety.GUARDED, Safety.GUARDED]
    assert stated.judgement is None
    assert stated.default_selection == ()


def test_ids_survive_a_second_run_and_say_nothing_but_letters_digits_and_dashes():
    acme = Account("ACME é\n'", users=[User("a`pp", pub={"allow": ["a", "a", "b.>", "b.c"]})])
    first, second = plan_of(acme), plan_of(acme)
    assert [one.id for one in first.proposals] == [one.id for one in second.proposals]
    assert len({one.id for one in first.proposals}) == len(first.proposals) == 2
    assert all(re.fullmatch("[a-z0-9-]+", one.id) for one in first.proposals)
    assert first == second


def test_only_the_accounts_a_glob_names_are_examined():
    double = [User("app", pub={"allow": ["a", "a"]})]
    accounts = [Account("ORDERS_EU", users=double), Account("ORDERS_US", users=double), Account("SHOP", users=double)]
    plan = plan_of(*accounts, accounts=("ORDERS_*",))
    assert len(plan.proposals) == 2
    assert len(plan_of(*accounts, accounts=(accounts[2].key.public,)).proposals) == 1


def test_only_the_rules_asked_for_run():
    plan = plan_of(
        Account("ACME", users=[User("app", pub={"allow": ["a", "a", "b.>", "b.c"]})]), rules=("covered-entry",)
    )
    assert [one.finding.rule for one in plan.proposals] == ["covered-entry"]


def test_progress_is_told_account_by_account():
    told = []
    examine(store(Account("A"), Account("B")), settings(), lambda done, total: told.append((done, total)))
    assert told == [(1, 2), (2, 2)]


def test_findings_without_an_edit_are_advice():
    plan = plan_of(Account("ACME", users=[User("app", pub={"allow": [".API.INFO"]})]))
    assert [(one.rule, bool(one.advice)) for one in plan.findings] == [("shell-eaten-subject", True)]


@pytest.mark.parametrize("managed", [True, False])
def test_what_nsc_must_not_edit_is_advice(managed):
    acme = store(Account("ACME", users=[User("app", pub={"allow": ["a", "a", "b.>", "b.c"]})]))
    plan = examine(replace(acme, managed=managed), settings())
    expected = Safety.ADVICE if managed else Safety.SAFE
    assert {one.judgement.safety for one in plan.proposals} == {expected}
    assert len(plan.proposals) == 2


def test_a_user_of_a_role_has_nothing_of_its_own_to_find():
    acme = Account("ACME", roles=[Role("r", {"pub": {"allow": ["a", "a"]}})], users=[User("ann", role="r")])
    plan = plan_of(acme)
    assert [one.finding.target.kind for one in plan.proposals] == [TargetKind.SCOPE]
    assert plan.proposals[0].finding.target == role_of(plan.hierarchy, "ACME/r")


def test_defaults_are_examined_too():
    plan = plan_of(Account("ACME", defaults={"sub": {"deny": ["a.>", "a.b"], "allow": ["a.c", "d"]}}), **CURRENT_ONLY)
    assert {one.finding.target for one in plan.proposals} == {defaults_of(plan.hierarchy, "ACME")}


def test_an_account_with_the_same_role_twice_is_examined_role_by_role():
    roles = [Role("r", {"pub": {"allow": ["a", "a"]}}), Role("s", {"pub": {"allow": ["b", "b"]}})]
    assert len(plan_of(Account("ACME", roles=roles)).proposals) == 2


def test_edits_that_would_make_a_token_larger_are_set_aside():
    # nsc writes three limits into a role's template when it first edits it: more than one short entry saves.
    scope = signing.scope(Role("till").key("SHOP"), "till", pub={"allow": ["sale.>", "sale.x"]})
    for limit in ("subs", "data", "payload"):
        scope["template"].pop(limit, None)
    plan = examine(store(Account("SHOP", nats={"signing_keys": [scope]})), settings())
    assert plan.default_selection == ()
    assert [aside.reason.startswith("safe, but nsc adds more") for aside in plan.set_aside] == [True]


def test_lists_made_to_explode_are_left_undecided_and_never_hang():
    # Sixteen entries with two to the sixteenth combinations: without a cap this takes minutes.
    ones = [".".join(["*"] * i + [f"l{i}"] + ["*"] * (7 - i)) for i in range(8)]
    twos = [text.replace("*", "q", 1) for text in ones]
    lists = {"allow": [*ones, *twos], "deny": [*ones[::-1], *(text.replace("*", "r", 1) for text in ones)]}
    plan = examine(store(Account("ACC", users=[User("u", sub=lists)])), settings(effort=20_000))
    relations = {proposal.judgement.relation.value for proposal in plan.proposals}
    assert relations <= {"same", "undecided"}
