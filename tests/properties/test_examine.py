"""No probe tells before from after what is called safe: random blocks, both generations of servers, brute force."""

import os
from itertools import product

from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from optimizer.access.principals import blocks, effective
from optimizer.edits import ListName, apply_all, entries, permission_lists
from optimizer.examine import examine
from optimizer.judge import judge
from optimizer.proposals import Safety
from optimizer.settings import Server
from optimizer.subjects.permissions import Permissions
from tests.builders import Account, Role, User, settings, store

EXAMPLES = 1500 if os.environ.get("PERMOPT_BUDGET") == "long" else 30

TOKENS = st.sampled_from(["a", "a", "b", "*", "*"])
SUBJECTS = st.builds(
    lambda tokens, end: ".".join([*tokens, *end]),
    st.lists(TOKENS, min_size=1, max_size=3),
    st.sampled_from([[], [], [], [">"]]),
) | st.just(">")
NASTY = st.sampled_from(["a.>.b", "$JS.ACK.>", "a.*.>", "b.*"])
QUEUES = st.builds("{} {}".format, SUBJECTS, st.sampled_from(["v1", "v1", "*", ">"]))
PUBLISH = st.lists(SUBJECTS | SUBJECTS | NASTY, max_size=5)
SUBSCRIBE = st.lists(SUBJECTS | SUBJECTS | QUEUES | NASTY, max_size=5)


def sides(lists, deny):
    return st.fixed_dictionaries({}, optional={"allow": lists.filter(bool), "deny": deny.filter(bool)})


BLOCKS = st.fixed_dictionaries(
    {"pub": sides(PUBLISH, PUBLISH), "sub": sides(SUBSCRIBE, SUBSCRIBE)},
    optional={"resp": st.just({"max": 1, "ttl": 0})},
)
TEMPLATES = st.sampled_from(["a.{{name()}}", "a.{{name()}}.>", "{{tag(t)}}.a", "b.{{tag(t)}}", "{{name()}}"])
TEMPLATE_LISTS = st.lists(SUBJECTS | TEMPLATES, max_size=5)
ROLE_BLOCKS = st.fixed_dictionaries(
    {"pub": sides(TEMPLATE_LISTS, PUBLISH), "sub": sides(TEMPLATE_LISTS, TEMPLATE_LISTS)}
)
USERS = st.lists(
    st.tuples(
        st.sampled_from(["a", "b", "*", ">", "a.b", "x y"]),
        st.lists(st.sampled_from(["t:a", "t:*", "t:b.a"]), max_size=2),
    ),
    max_size=3,
    unique_by=lambda user: user[0],
)

WORDS = ["a", "b", "c", "*", ">"]
ASKED = [".".join(word) for size in (1, 2, 3) for word in product(WORDS, repeat=size)]
PUBLISHED = [".".join(word) for size in (1, 2, 3, 4) for word in product(["a", "b", "c"], repeat=size)]


def answers(permissions: Permissions, server: Server):
    """Everything the brute probes find out."""
    if permissions.refusal:
        return permissions.refusal
    asked = [subject for subject in ASKED if ">" not in subject.split(".")[:-1]]
    published = tuple(subject for subject in PUBLISHED if permissions.may_publish(subject, server))
    admitted = {
        (subject, queue): permissions.delivers(subject, queue, PUBLISHED[:39], server)
        for queue in (None, "v1", "v2")
        for subject in asked
        if permissions.may_subscribe(subject, queue, server)
    }
    return published, admitted, permissions.resp


def everybody(hierarchy):
    """What each user may do, by what decides it."""
    found = {}
    for account in hierarchy.accounts.values():
        for user in hierarchy.users_of(account.claims.sub):
            permissions = effective(user.claims, account.claims)
            found[account.claims.name, user.claims.name] = [answers(permissions, server) for server in Server]
    return found


def assert_indistinguishable(plan):
    edits = [edit for one in plan.default_selection for edit in one.edits]
    if not edits:
        return
    after = apply_all(edits, plan.hierarchy)
    assert everybody(plan.hierarchy) == everybody(after)
    assert plan.judgement.safety is Safety.SAFE
    assert sum(one.judgement.saving.bytes for one in plan.default_selection) == plan.judgement.saving.bytes
    assert judge(plan.hierarchy, edits, settings()) == plan.judgement
    assert not [aside for aside in plan.set_aside if "as a whole" in aside.reason]
    for account in plan.hierarchy.accounts.values():
        for target, before in blocks(plan.hierarchy, account.claims):
            for name in (ListName.PUB_ALLOW, ListName.SUB_ALLOW):
                assert bool(entries(before, name)) == bool(entries(permission_lists(after, target), name))


@hypothesis_settings(max_examples=EXAMPLES, deadline=None)
@given(BLOCKS)
def test_no_probe_notices_the_safe_proposals_of_a_user(block):
    acme = store(Account("ACME", users=[User("app", **block)], defaults={"pub": {"allow": ["a.b"]}}), issues=False)
    plan = examine(acme, settings())
    assert_indistinguishable(plan)
    again = examine(apply_all([e for one in plan.default_selection for e in one.edits], acme), settings())
    assert again.default_selection == ()


@hypothesis_settings(max_examples=EXAMPLES, deadline=None)
@given(BLOCKS)
def test_no_probe_notices_the_safe_proposals_of_the_defaults(block):
    acme = store(Account("ACME", users=[User("app")], defaults=block), issues=False)
    assert_indistinguishable(examine(acme, settings()))


@hypothesis_settings(max_examples=2 * EXAMPLES, deadline=None)
@given(ROLE_BLOCKS, USERS)
def test_users_the_judge_never_saw_do_not_notice_the_safe_proposals_of_a_role(block, users):
    # The plan is made without any user; then users with hostile names and tags try it.
    role = Role("r", block)
    plan = examine(store(Account("ACME", roles=[role]), issues=False), settings())
    edits = [edit for one in plan.default_selection for edit in one.edits]
    crowd = [User(name, role="r", nats={"tags": tags} if tags else {}) for name, tags in users]
    full = store(Account("ACME", roles=[role], users=crowd), issues=False)
    assert everybody(full) == everybody(apply_all(edits, full))
    assert_indistinguishable(plan)


@hypothesis_settings(max_examples=EXAMPLES, deadline=None)
@given(BLOCKS)
def test_a_witness_of_a_risky_proposal_separates(block):
    acme = store(Account("ACME", users=[User("app", **block)]), issues=False)
    for proposal in examine(acme, settings()).proposals:
        if proposal.judgement.safety is Safety.RISKY:
            assert proposal.judgement.gained or proposal.judgement.lost
