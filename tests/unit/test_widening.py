"""Widenings as a plan holds them: what is offered, what it opens and to whom, what a budget takes."""

import itertools
import json

import pytest

from optimizer.claims.encode import token_size
from optimizer.examine import examine
from optimizer.judge import judge
from optimizer.proposals import Safety
from optimizer.settings import Widen
from optimizer.subjects.compare import Relation
from optimizer.widen.account import _Desk
from optimizer.widen.choice import taken
from tests.builders import CURRENT_ONLY, Account, Role, User, settings, store

VERBS = ("created", "updated", "deleted", "shipped", "paid", "refunded", "held", "released", "packed", "returned")
ORDERS = [f"orders.{verb}" for verb in VERBS]


def plan_of(*accounts, known=(), **given):
    given = {"widen": Widen.WORTHWHILE, **given}
    return examine(store(*accounts), settings(**given), known=known)


def user(name="app", **lists):
    return User(name, **lists)


def widenings(plan):
    return [one for one in plan.proposals if one.grant is not None]


def comes(plan):
    return sorted(text for one in widenings(plan) for edit in one.edits for text in edit.add)


def test_nothing_is_widened_unless_it_is_asked_for():
    plan = plan_of(Account("ACME", users=[user(pub={"allow": ORDERS})]), widen=Widen.NOTHING)
    assert plan.proposals == ()


def test_siblings_become_one_entry_and_that_is_risky_with_a_witness():
    plan = plan_of(Account("ACME", users=[user(pub={"allow": ORDERS})]))
    (one,) = widenings(plan)
    assert comes(plan) == ["orders.*"]
    assert sorted(one.edits[0].remove) == sorted(ORDERS)
    assert (one.judgement.safety, one.judgement.relation) == (Safety.RISKY, Relation.WIDER)
    assert one.judgement.gained
    assert one.judgement.saving.bytes > 200


def test_fewer_than_three_entries_are_left_alone():
    assert widenings(plan_of(Account("ACME", users=[user(pub={"allow": ORDERS[:2]})]))) == []


@pytest.mark.parametrize(("keep", "expected"), [(1, ["orders.*.*"]), (2, []), (3, [])])
def test_a_pattern_keeps_as_many_leading_tokens_as_wanted(keep, expected):
    entries = [f"orders.{a}.{b}" for a, b in zip("abcdefghijkl", "mnopqrstuvwx", strict=True)]
    plan = plan_of(Account("ACME", users=[user(pub={"allow": entries})]), keep_prefix=keep)
    assert comes(plan) == expected


def test_a_cut_across_the_tree_keeps_a_literal_and_denies_what_is_protected():
    entries = [f"{team}.created" for team in ("orders", "billing", "stock", "fleet", "crm", "media", "risk", "search")]
    plan = plan_of(Account("ACME", users=[user(pub={"allow": entries})]), protected=("$SYS.>",))
    (one,) = widenings(plan)
    assert [(edit.list.value, edit.add) for edit in one.edits] == [
        ("pub.deny", ("$SYS.created",)),
        ("pub.allow", ("*.created",)),
    ]
    assert one.judgement.protected == ()


def test_known_subjects_that_it_opens_are_named_with_who_gains_them():
    accounts = Account(
        "ACME",
        roles=[Role("writer", {"pub": {"allow": ORDERS}})],
        users=[user("ann", role=None, pub={"allow": ["orders.secret"]})]
        + [User(name, role="writer") for name in ("bob", "eve")],
    )
    plan = plan_of(accounts, known=["orders.nobody.knows", "orders.hidden"], bytes_per_cost=0.1)
    (one,) = widenings(plan)
    gained = {(gain.subject, gain.publish, gain.principals) for gain in one.grant.gained}
    both = ("ACME/bob", "ACME/eve")
    assert gained == {("orders.secret", True, both), ("orders.hidden", True, both)}
    assert one.grant.cost == 2 * 2 * 100 + 1
    assert one.grant.lost == ()


def test_on_the_subscribe_side_a_final_star_opens_all_depths():
    plan = plan_of(Account("ACME", users=[user(sub={"allow": ORDERS})]), known=["orders.a.b.c"], bytes_per_cost=0.1)
    (one,) = widenings(plan)
    assert [(gain.subject, gain.publish) for gain in one.grant.gained] == [("orders.a.b.c", False)]
    assert one.grant.openness == 4


def test_a_known_subject_is_dear_and_bytes_are_cheap():
    account = Account("ACME", users=[user(pub={"allow": ORDERS[:4]})])
    assert comes(plan_of(account)) == ["orders.*"]
    assert comes(plan_of(account, known=["orders.secret"])) == []


def test_what_a_deny_keeps_out_is_not_opened():
    lists = {"allow": ORDERS, "deny": ["orders.secret"]}
    plan = plan_of(Account("ACME", users=[user(pub=lists)]), known=["orders.secret"], rules=("granular-list",))
    (one,) = widenings(plan)
    assert one.grant.gained == ()


@pytest.mark.parametrize("side", ["pub", "sub"])
def test_a_protected_subject_is_never_newly_admitted(side):
    account = Account("ACME", users=[user(**{side: {"allow": ORDERS}})])
    plan = plan_of(account, protected=("orders.secret.>", "orders.hidden"))
    for one in widenings(plan):
        assert one.judgement.protected == ()
        assert any("orders.hidden" in edit.add for edit in one.edits)


def test_what_is_allowed_already_is_not_protected_from():
    account = Account("ACME", users=[user(pub={"allow": [*ORDERS, "orders.secret"]})])
    plan = plan_of(account, protected=("orders.secret",))
    (one,) = widenings(plan)
    assert [edit.list.value for edit in one.edits] == ["pub.allow"]


def test_a_protected_subtree_that_is_allowed_in_part_leaves_its_list_alone():
    account = Account("ACME", users=[user(pub={"allow": ORDERS})])
    assert widenings(plan_of(account, protected=("orders.>",))) == []


def test_denies_that_widen_take_leave_away():
    lists = {"allow": ["orders.>"], "deny": ORDERS}
    plan = plan_of(Account("ACME", users=[user(pub=lists)]), known=["orders.mine"], bytes_per_cost=0.1)
    (one,) = widenings(plan)
    assert (one.judgement.relation, one.judgement.safety) == (Relation.NARROWER, Safety.RISKY)
    assert [(gain.subject, gain.principals) for gain in one.grant.lost] == [("orders.mine", ("ACME/app",))]
    assert one.grant.gained == ()


def test_queue_entries_and_ignored_ones_stay():
    lists = {"allow": [*ORDERS, *(f"jobs.{n} workers" for n in range(6)), "a.>.c", "a.>.d", "a.>.e"]}
    plan = plan_of(Account("ACME", users=[user(sub=lists)]), rules=("granular-list",))
    assert comes(plan) == ["orders.*"]


def test_the_templates_of_a_role_fold_around_what_is_filled_in():
    entries = [f"orders.{{{{name()}}}}.{verb}" for verb in VERBS]
    account = Account("ACME", roles=[Role("r", {"pub": {"allow": entries}})], users=[User("bob", role="r")])
    plan = plan_of(account)
    (one,) = widenings(plan)
    assert comes(plan) == ["orders.{{name()}}.*"]
    assert one.judgement.safety is Safety.ADVICE
    (one,) = widenings(plan_of(account, complete_users=True))
    assert one.judgement.safety is Safety.RISKY


def test_defaults_are_widened_for_all_who_live_by_them():
    account = Account("ACME", defaults={"pub": {"allow": ORDERS}}, users=[user("ann"), user("bob")])
    plan = plan_of(account, known=["orders.secret"], bytes_per_cost=0.1)
    (one,) = widenings(plan)
    assert [gain.principals for gain in one.grant.gained] == [("ACME/ann", "ACME/bob")]


def test_a_budget_takes_the_cheapest_that_gets_under_it_and_no_more():
    entries = [*ORDERS, *(f"billing.{verb}" for verb in VERBS)]
    account = Account("ACME", users=[user(pub={"allow": entries})])
    size = next(iter(store(account).users.values())).token.size
    plan = plan_of(account, known=["orders.secret"], widen=Widen.OVER_BUDGET, user_budget=size - 100)
    assert comes(plan) == ["billing.*"]
    (budget,) = plan.budgets
    assert budget.before == budget.after_safe == size
    assert budget.chosen is not None
    assert budget.chosen.token_bytes <= size - 100
    assert budget.chosen.proposals == tuple(one.id for one in widenings(plan))
    plan = plan_of(account, known=["orders.secret"], widen=Widen.OVER_BUDGET, user_budget=size - 400)
    assert comes(plan) == ["billing.*", "orders.*"]


def test_the_bytes_of_a_budget_are_those_that_the_judge_finds():
    entries = [*ORDERS, *(f"billing.{verb}" for verb in VERBS)]
    account = Account("ACME", users=[user(pub={"allow": entries}, sub={"allow": [*ORDERS, "orders.created"]})])
    plan = plan_of(account, widen=Widen.OVER_BUDGET, user_budget=token_size(400))
    (budget,) = plan.budgets
    edits = [edit for one in plan.proposals for edit in one.edits]
    (change,) = judge(plan.hierarchy, edits, settings()).tokens
    assert budget.chosen is not None
    assert change.after == budget.chosen.token_bytes


def test_a_budget_that_cannot_be_reached_says_what_is_left():
    account = Account("ACME", users=[user(pub={"allow": ORDERS})])
    plan = plan_of(account, widen=Widen.OVER_BUDGET, user_budget=100)
    (budget,) = plan.budgets
    assert budget.smallest > 100
    assert budget.left
    assert budget.chosen is not None
    assert budget.chosen.token_bytes == budget.smallest


def test_where_no_widening_reaches_the_budget_only_what_is_worth_it_is_proposed():
    account = Account("ACME", users=[user(pub={"allow": [*ORDERS, *(f"stock.{verb}" for verb in VERBS)]})])
    secrets = [f"stock.secret{number}" for number in range(9)]
    plan = plan_of(account, known=secrets, widen=Widen.OVER_BUDGET, user_budget=500)
    assert comes(plan) == ["orders.*"]
    (budget,) = plan.budgets
    assert budget.smallest < budget.chosen.token_bytes


def test_a_token_under_its_budget_is_left_alone():
    plan = plan_of(Account("ACME", users=[user(pub={"allow": ORDERS})]), widen=Widen.OVER_BUDGET)
    assert (widenings(plan), plan.budgets) == ([], ())


def test_a_revoked_user_helps_no_budget():
    account = Account("ACME", users=[user(pub={"allow": ORDERS})], nats={"revocations": {"*": 2_000_000_000}})
    plan = plan_of(account, widen=Widen.OVER_BUDGET, user_budget=100)
    assert widenings(plan) == []
    assert "revoked" in plan.budgets[0].closed[0]


def test_the_frontier_goes_from_nothing_widened_to_the_smallest():
    entries = [*ORDERS, *(f"billing.{verb}" for verb in VERBS)]
    account = Account("ACME", users=[user(pub={"allow": entries})])
    plan = plan_of(account, known=["orders.secret"], widen=Widen.NOTHING, frontier=True)
    assert plan.proposals == ()
    points = next(budget for budget in plan.budgets if budget.user).frontier
    assert points[0].patterns == ()
    assert [point.cost for point in points] == sorted(point.cost for point in points)
    sizes = [point.token_bytes for point in points]
    assert sizes == sorted(sizes, reverse=True)
    assert len({*sizes}) == len(sizes) > 2
    assert all(point.bound <= point.cost for point in points)


def test_a_widening_on_the_subscribe_side_is_refused_where_older_servers_would_leak_what_is_protected():
    entries = [f"{team}.{verb}" for team in ("orders", "billing", "stock") for verb in VERBS]
    account = Account("ACME", users=[user(sub={"allow": entries})])
    older = plan_of(account, protected=("*.secret",), keep_prefix=0)
    newer = plan_of(account, protected=("*.secret",), keep_prefix=0, **CURRENT_ONLY)
    for plan in (older, newer):
        assert all(one.judgement.protected == () for one in widenings(plan))
        assert widenings(plan)


def test_a_deny_with_wildcards_keeps_subscribers_out_of_servers_from_2_12_14_on_only():
    entries = [f"orders.{region}.{verb}" for region in ("eu", "us", "me", "ap") for verb in VERBS]
    account = Account("ACME", users=[user(sub={"allow": entries})])
    newer = plan_of(account, protected=("orders.*.secret.>",), **CURRENT_ONLY)
    assert any("orders.*.secret.>" in edit.add for one in widenings(newer) for edit in one.edits)
    older = plan_of(account, protected=("orders.*.secret.>",))
    assert all(not text.startswith("orders.*") for text in comes(older))
    assert all(one.judgement.protected == () for one in (*widenings(newer), *widenings(older)))


def test_a_verb_that_deletes_is_never_admitted_by_a_pattern_for_others():
    verbs = ("INFO", "MSG.GET", "CREATE", "UPDATE", "NAMES", "LIST")
    entries = [f"$JS.API.STREAM.{verb}.S" for verb in verbs] + [f"$JS.API.STREAM.INFO.T{number}" for number in range(6)]
    plan = plan_of(Account("ACME", users=[user(pub={"allow": entries})]), protected=(), rules=("granular-list",))
    assert comes(plan) == ["$JS.API.STREAM.INFO.*"]


def test_users_of_a_role_without_lists_gain_what_the_defaults_open():
    account = Account(
        "ACME",
        defaults={"pub": {"allow": ORDERS}},
        roles=[Role("plain")],
        users=[user("ann"), User("bob", role="plain")],
    )
    (one,) = widenings(plan_of(account, known=["orders.secret"], bytes_per_cost=0.1))
    assert [gain.principals for gain in one.grant.gained] == [("ACME/ann", "ACME/bob")]
    assert one.grant.cost == 2 * 100 + 1


def test_a_wider_deny_costs_the_known_subjects_it_closes_and_no_other():
    lists = {"allow": ["orders.>"], "deny": ORDERS}
    known = ["orders.mine", "orders.a.b.c"]
    (one,) = widenings(plan_of(Account("ACME", users=[user(sub=lists)]), known=known, bytes_per_cost=0.01))
    assert [gain.subject for gain in one.grant.lost] == ["orders.mine"]
    assert one.grant.cost == 100 + 4


def test_a_deny_that_two_widenings_share_is_weighed_once():
    heads = ("billing", "stock")
    allow = [f"{head}.{verb}" for head in heads for verb in VERBS[:3]] + ["x.created", "x.paid", "x.held"]
    account = Account("ACME", users=[user(pub={"allow": allow})])
    size = next(iter(store(account).users.values())).token.size
    protected = tuple(f"{head}.secret" for head in (*heads, "x"))
    for less in range(10, 160, 10):
        plan = plan_of(account, widen=Widen.OVER_BUDGET, user_budget=size - less, protected=protected, keep_prefix=1)
        (budget,) = plan.budgets
        least = cheapest_by_trying_all(account, size - less, protected)
        if budget.chosen is not None and budget.chosen.token_bytes <= size - less:
            assert budget.chosen.bound <= least
            assert budget.chosen.cost == least or not budget.chosen.is_least
        else:
            assert least == float("inf") or not budget.smallest_is_least


def cheapest_by_trying_all(account, budget, protected):
    """Over every set of the widenings that are offered, each token weighed by the judge."""
    desks = []

    class Spy(_Desk):
        def __init__(self, *given):
            super().__init__(*given)
            desks.append(self)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("optimizer.widen.account._Desk", Spy)
        plan_of(account, widen=Widen.OVER_BUDGET, user_budget=budget, protected=protected)
    (desk,) = desks
    offers = desk._offers(desk.blocks)
    every = range(len(offers.offers))
    sets = itertools.chain.from_iterable(itertools.combinations(every, number) for number in range(len(every) + 1))
    costs = [
        sum(offers.offers[index].openness for index in one)
        for one in sets
        if desk._size_with(taken(offers, one)) <= budget
    ]
    return min(costs, default=float("inf"))


def test_a_token_that_nsc_writes_shorter_is_widened_no_more_than_that_leaves(monkeypatch):
    monkeypatch.setattr("tests.signing.go_json", lambda claims: json.dumps(claims, indent=6).encode())
    account = Account("ACME", users=[user(pub={"allow": [f"{head}.{verb}" for head in "ab" for verb in VERBS]})])
    read = store(account)
    size = next(iter(read.users.values())).token.size
    plan = examine(read, settings(widen=Widen.OVER_BUDGET, user_budget=size - 400))
    (budget,) = plan.budgets
    assert budget.chosen.cost == 1
    assert budget.chosen.token_bytes < size - 400
