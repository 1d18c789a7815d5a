from __future__ import annotations

from dataclasses import replace

from tests import builders
from tests.builders import Account, User


def names(users):
    return [user.claims.name for user in users]


def two_accounts():
    return builders.store(
        Account("A", users=[User("z"), User("a")]), Account("B", users=[User("m")]), Account("NONE", users=[])
    )


def test_the_users_of_an_account_come_in_the_order_they_were_read():
    store = two_accounts()
    a, b, none = store.accounts
    assert names(store.users_of(a)) == ["z", "a"]
    assert names(store.users_of(b)) == ["m"]
    assert names(store.users_of(none)) == []


def test_a_replaced_user_is_seen_by_the_copy_alone():
    store = two_accounts()
    a = next(iter(store.accounts))
    old = next(iter(store.users_of(a)))
    new = replace(old, claims=replace(old.claims, name="new"))
    copy = store.with_user(new)
    assert names(copy.users_of(a)) == ["new", "a"]
    assert names(store.users_of(a)) == ["z", "a"]
    assert names(replace(store, users=copy.users).users_of(a)) == ["new", "a"]
    assert names(store.users_of(a)) == ["z", "a"]


def test_the_part_of_one_account_holds_its_users_and_no_others():
    store = two_accounts()
    a, b, _ = store.accounts
    assert names(store.users_of(b)) == ["m"]
    part = store.only(a)
    assert list(part.accounts) == [a]
    assert names(part.users.values()) == names(part.users_of(a)) == ["z", "a"]
    assert names(part.users_of(b)) == []


def test_two_reads_of_the_same_tokens_are_equal_whoever_asked_for_users():
    store = two_accounts()
    other = replace(store)
    assert names(store.users_of(next(iter(store.accounts)))) == ["z", "a"]
    assert store == other
    assert store.fingerprint == other.fingerprint
