"""What an edit makes of claims, and what forbids it."""

from __future__ import annotations

from dataclasses import replace

import pytest

from optimizer.claims.verify import Issue
from optimizer.edits import apply, apply_all, obstacle, permission_lists, together
from tests import signing
from tests.builders import Account, Role, User, defaults_of, removing, role_of, store, user_of


def shop(*users, **account):
    return store(Account("SHOP", users=users, **account))


def edited(read, edit):
    return permission_lists(apply(edit, read), edit.target).as_claims()


def test_an_edit_takes_copies_out_of_one_list_and_sorts_all_four():
    read = shop(User("web", pub={"allow": ["z", "b", "b", "a"]}, sub={"deny": ["y", "x"], "allow": ["b"]}))
    edit = removing(user_of(read, "SHOP/web"), "pub.allow", "b", add=["c", "a"])
    assert edited(read, edit) == {"pub": {"allow": ["a", "b", "c", "z"]}, "sub": {"allow": ["b"], "deny": ["x", "y"]}}


def test_a_list_that_empties_is_absent_afterwards():
    read = shop(User("web", pub={"allow": ["a"], "deny": ["b"]}))
    assert edited(read, removing(user_of(read, "SHOP/web"), "pub.allow", "a")) == {"pub": {"deny": ["b"]}}


def test_an_entry_that_is_not_there_cannot_be_taken():
    read = shop(User("web", pub={"allow": ["a"]}))
    with pytest.raises(KeyError):
        apply(removing(user_of(read, "SHOP/web"), "pub.allow", "a", "a"), read)


def test_sorting_is_by_bytes_as_go_sorts():
    read = shop(User("web", pub={"allow": ["\U0001f600", "\uffee", "Z", "a", "x"]}))
    allow = edited(read, removing(user_of(read, "SHOP/web"), "pub.allow", "x"))["pub"]["allow"]
    assert allow == ["Z", "a", "\uffee", "\U0001f600"]


def test_edits_of_roles_and_defaults_touch_no_user():
    read = shop(
        User("web"), roles=[Role("svc", {"pub": {"allow": ["a", "b"]}})], defaults={"sub": {"allow": ["c", "d"]}}
    )
    edits = [
        removing(role_of(read, "SHOP/svc"), "pub.allow", "a"),
        removing(defaults_of(read, "SHOP"), "sub.allow", "c"),
    ]
    after = apply_all(edits, read)
    assert after.users == read.users
    assert [permission_lists(after, edit.target).as_claims() for edit in edits] == [
        {"pub": {"allow": ["b"]}},
        {"sub": {"allow": ["d"]}},
    ]


FORBIDDEN = {
    "revoked": lambda: shop(WEB, nats={"revocations": {"*": signing.ISSUED}}),
    "not in order": lambda: shop(replace(WEB, head={"exp": 5})),
    "version 1": lambda: shop(replace(WEB, head={"nats": {"pub": {"allow": ["a.>", "a.b"]}}, "type": "user"})),
    "would drop `novel`": lambda: shop(replace(WEB, nats={"novel": {"x": 1}})),
    "would drop `beside`": lambda: shop(replace(WEB, head={"beside": 1})),
    "a scoped signing key": lambda: shop(replace(WEB, role="svc"), roles=[Role("svc")]),
    "empty list": lambda: shop(replace(WEB, sub={"allow": []})),
    "looks like a seed": lambda: shop(replace(WEB, nats={"tags": ["SU" + "A" * 56]})),
    "a role is called like": lambda: shop(WEB, roles=[Role(signing.account("SHOP").public)]),
    "trims names": lambda: store(Account("SHOP", users=[WEB]), Account("NEXT ")),
    "two tokens are called": lambda: store(Account("SHOP", users=[WEB]), Account("Z", head={"name": "SHOP"})),
    "another file": lambda: shop(replace(WEB, head={"name": "../../web"})),
    "push every edit": lambda: replace(shop(WEB), managed=True),
    "does not hold": lambda: shop(replace(WEB, pub={"allow": ["a.>"]})),
}
WEB = User("web", pub={"allow": ["a.>", "a.b"]})


@pytest.mark.parametrize("reason", FORBIDDEN)
def test_what_forbids_an_edit_is_said(reason):
    read = FORBIDDEN[reason]()
    (user,) = (key for key, signed in read.users.items() if "web" in signed.claims.name)
    target = replace(user_of(shop(WEB), "SHOP/web"), user=user[0], account=user[1])
    found = obstacle(removing(target, "pub.allow", "a.b"), read)
    assert found is not None
    assert reason in found


def test_nothing_forbids_an_edit_of_a_token_in_order():
    read = shop(WEB, roles=[Role("svc", {"pub": {"allow": ["a"]}})], defaults={"sub": {"allow": ["c", "d"]}})
    for target, name, entry in (
        (user_of(read, "SHOP/web"), "pub.allow", "a.b"),
        (role_of(read, "SHOP/svc"), "pub.allow", "a"),
        (defaults_of(read, "SHOP"), "sub.allow", "c"),
    ):
        assert obstacle(removing(target, name, entry), read) is None


def test_an_account_signed_by_a_stranger_or_against_the_operators_wish_gets_no_script():
    read = shop(roles=[Role("svc", {"pub": {"allow": ["a", "b"]}})])
    edit = removing(role_of(read, "SHOP/svc"), "pub.allow", "a")
    (account,) = read.accounts.values()
    own = read.with_account(replace(account, claims=replace(account.claims, iss=account.claims.sub)))
    assert "itself" in obstacle(edit, replace(own, operator=None))
    assert "no key of the operator" in obstacle(edit, own)
    claims = replace(read.operator.claims, strict_signing_key_usage=True)
    assert "signing keys" in obstacle(edit, replace(read, operator=replace(read.operator, claims=claims)))
    assert obstacle(edit, replace(read, operator=None)) is None


def test_a_user_of_an_account_out_of_order_is_left_alone():
    read = shop(WEB)
    (account,) = read.accounts.values()
    broken = read.with_account(replace(account, issues=(Issue("expired", "the token expired"),)))
    assert "account's token" in obstacle(removing(user_of(read, "SHOP/web"), "pub.allow", "a.b"), broken)


@pytest.mark.parametrize(
    ("name", "entry", "other"),
    [
        ("pub.allow", "a b", {"sub": {"allow": ["a b", "c"]}}),
        ("sub.allow", "a b c", {"sub": {"deny": ["a b c"]}}),
        ("pub.deny", "", {"sub": {"allow": [""]}}),
    ],
)
def test_an_entry_that_cannot_be_put_back_where_it_must_stay_forbids_the_edit(name, entry, other):
    side, kind = name.split(".")
    lists = {"pub": {}, "sub": {}} | other
    lists[side] = {**lists[side], kind: [*lists[side].get(kind, ()), entry, "z"]}
    read = shop(User("web", **lists))
    found = obstacle(removing(user_of(read, "SHOP/web"), name, entry), read)
    sentence = {"pub.allow": None, "sub.allow": "put back into sub.deny", "pub.deny": "put back into sub.allow"}[name]
    assert found is None if sentence is None else sentence in found


@pytest.mark.parametrize(("name", "entry"), [("pub.allow", "a b"), ("sub.allow", "a b c"), ("pub.allow", "")])
def test_an_entry_nsc_would_not_add_forbids_the_edit(name, entry):
    read = shop(WEB)
    assert "put into" in obstacle(removing(user_of(read, "SHOP/web"), name, add=[entry]), read)


def test_duplicates_of_one_entry_in_two_lists_are_a_matter_of_all_edits_together():
    read = shop(User("web", pub={"allow": ["x", "x"]}, sub={"allow": ["x", "x"]}))
    app = user_of(read, "SHOP/web")
    pub, sub = removing(app, "pub.allow", "x"), removing(app, "sub.allow", "x")
    assert obstacle(pub, read) is None
    assert "both lists" in together((pub,), read)
    assert together((pub, sub), read) is None
