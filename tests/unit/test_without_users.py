"""A source that cannot hold users: what depends on them is left open, and is never safe because they are absent."""

from dataclasses import replace

import pytest

from optimizer.examine import examine
from optimizer.hierarchy import Coverage
from optimizer.judge import judge
from optimizer.proposals import Safety
from optimizer.sources import read
from tests.builders import NOW, Account, Role, User, defaults_of, removing, role_of, settings, store

ONE_FOR_LEAFNODES = {"sub": {"allow": ["a.b.c", "a.b.*"]}}  # a leafnode may tell whether `a.b.c` is there
TEMPLATED = {"sub": {"allow": ["a.>", "a.{{name()}}.c", "b.{{name()}}", "c"]}}


def resolver(hierarchy, directory):
    """The accounts of a hierarchy as a server's resolver directory holds them, read again."""
    for key, account in hierarchy.accounts.items():
        (directory / f"{key}.jwt").write_text(account.token.text)
    return read(str(directory), now=NOW)


def without_users(hierarchy):
    return replace(hierarchy, users={}, has_users=False)


def test_a_leafnode_that_no_source_could_show_is_reckoned_with():
    named = User("leaf", nats={"allowed_connection_types": ["LEAFNODE"]})
    safeties = [
        judge(acme, [removing(defaults_of(acme, "ACME"), "sub.allow", "a.b.c")], settings()).safety
        for acme in (
            store(Account("ACME", users=[User("app")], defaults=ONE_FOR_LEAFNODES)),
            store(Account("ACME", users=[named], defaults=ONE_FOR_LEAFNODES)),
            without_users(store(Account("ACME", defaults=ONE_FOR_LEAFNODES))),
        )
    ]
    assert safeties == [Safety.SAFE, Safety.RISKY, Safety.RISKY]


def test_what_no_user_whatsoever_could_tell_is_safe_all_the_same():
    acme = without_users(store(Account("ACME", defaults={"pub": {"allow": ["a.>", "a.b"]}})))
    assert judge(acme, [removing(defaults_of(acme, "ACME"), "pub.allow", "a.b")], settings()).safety is Safety.SAFE


def test_no_word_on_users_counts_where_a_source_can_hold_none():
    account = Account("ACME", roles=[Role("r", TEMPLATED)])
    told = settings(complete_users=True)
    acme = store(account)
    edit = removing(role_of(acme, "ACME/r"), "sub.allow", "b.{{name()}}")
    assert judge(acme, [edit], told).safety is Safety.GUARDED
    assert judge(without_users(acme), [edit], told).safety is Safety.ADVICE
    plan = examine(replace(without_users(acme), coverage=Coverage(users=True)), told)
    assert all(proposal.judgement.safety is not Safety.GUARDED for proposal in plan.proposals)


def test_a_user_whose_bearer_token_would_stop_nsc_is_reckoned_with():
    account = Account("ACME", defaults={"pub": {"allow": ["a.>", "a.b"]}}, nats={"limits": {"disallow_bearer": True}})
    acme = store(account)
    edit = removing(defaults_of(acme, "ACME"), "pub.allow", "a.b")
    assert judge(acme, [edit], settings()).safety is Safety.SAFE
    blind = judge(without_users(acme), [edit], settings())
    assert blind.safety is Safety.ADVICE
    assert any("holds no users" in reason for reason in blind.proof.why_incomplete)


@pytest.mark.parametrize("word", [False, True])
def test_what_is_safe_in_a_resolver_directory_is_safe_with_the_users_there_are(tmp_path, word):
    """Every kind of block at once, and users who would tell."""
    accounts = [
        Account(
            "DEFAULTS",
            users=[User("leaf", nats={"allowed_connection_types": ["leafnode"]})],
            defaults=ONE_FOR_LEAFNODES,
        ),
        Account("SOUND", users=[User("app")], defaults={"pub": {"allow": ["a.>", "a.b"]}}),
        Account("ROLES", roles=[Role("r", TEMPLATED), Role("s", {"pub": {"allow": ["a.>", "a.b"]}})]),
        Account(
            "BEARER",
            users=[User("b", nats={"bearer_token": True})],
            defaults={"pub": {"allow": ["a.>", "a.b"]}},
            nats={"limits": {"disallow_bearer": True}},
        ),
    ]
    whole = store(*accounts)
    plan = examine(resolver(whole, tmp_path), settings(complete_users=word))
    assert not plan.hierarchy.has_users
    assert plan.hierarchy.unknowable
    trusted = [one for one in plan.proposals if one.judgement.safety in (Safety.SAFE, Safety.GUARDED)]
    names = {plan.hierarchy.accounts[one.finding.target.account].claims.name for one in trusted}
    assert {"SOUND", "ROLES"} <= names
    for proposal in trusted:
        assert judge(whole, proposal.edits, settings()).safety is Safety.SAFE
