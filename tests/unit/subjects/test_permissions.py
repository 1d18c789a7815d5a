"""Single facts of the kernel, each named as the claim; the live servers confirm them in tests/oracle."""

from __future__ import annotations

import pytest

from optimizer.settings import Server
from optimizer.subjects.compare import Relation, compare
from optimizer.subjects.permissions import Permissions


def block(**sides) -> Permissions:
    return Permissions.from_claims(sides)


def test_an_absent_allow_list_permits_everything():
    assert block().may_publish("anything.at.all")
    assert block().may_subscribe(">")


def test_an_explicit_empty_publish_allow_beside_a_deny_permits_nothing():
    assert not block(pub={"allow": [], "deny": ["x"]}).may_publish("y")


def test_an_explicit_empty_publish_allow_alone_counts_as_absent():
    assert block(pub={"allow": []}).may_publish("y")


def test_an_explicit_empty_subscribe_allow_counts_as_absent():
    assert block(sub={"allow": [], "deny": ["x"]}).may_subscribe("y")


def test_a_deny_alone_allows_all_the_rest():
    denied = block(pub={"deny": ["a.>"]})
    assert denied.may_publish("b")
    assert not denied.may_publish("a.b")


def test_a_final_star_on_the_subscribe_side_reaches_the_whole_subtree():
    star = block(sub={"allow": ["orders.*"]})
    assert star.may_subscribe("orders.>")
    assert star.delivers("orders.>", None, ["orders.us.new"]) == ("orders.us.new",)


def test_two_literals_admit_no_wildcard():
    assert not block(sub={"allow": ["a", "b"]}).may_subscribe("*")


def test_an_entry_with_an_inner_closing_wildcard_is_ignored_but_still_closes_the_list():
    assert not block(pub={"allow": ["a.>.c"]}).may_publish("a.b.c")


@pytest.mark.parametrize("entry", ["a..b", "", ".a", "a.", "a  b", "a b c"])
def test_a_malformed_entry_refuses_the_connection(entry):
    assert block(sub={"allow": [entry]}).refusal


def test_a_queue_in_a_publish_list_refuses_the_connection():
    assert block(pub={"allow": ["a q"]}).refusal


def test_replies_alone_leave_nothing_to_publish():
    assert not block(resp={"max": 1, "ttl": 0}).may_publish("a")


def test_a_queue_entry_limits_the_queue_names_even_where_a_plain_entry_allows():
    queued = block(sub={"allow": ["foo", "foo v1"]})
    assert queued.may_subscribe("foo")
    assert queued.may_subscribe("foo", "v1")
    assert not queued.may_subscribe("foo", "v2")


def test_a_queue_entry_alone_allows_no_plain_subscription():
    assert not block(sub={"allow": ["foo v1"]}).may_subscribe("foo")


def test_before_2_12_14_a_queue_deny_for_another_name_overrules_a_plain_deny():
    denied = block(sub={"deny": ["foo", "foo v1"]})
    assert not denied.may_subscribe("foo", "v2", Server.CURRENT)
    assert denied.may_subscribe("foo", "v2", Server.EARLIER)


def test_before_2_12_14_a_deny_that_only_overlaps_filters_nothing():
    overlap = block(sub={"allow": ["*.a", "*.b"], "deny": ["x.*"]})
    assert overlap.delivers("*.a", None, ["x.a", "y.a"], Server.CURRENT) == ("y.a",)
    assert overlap.delivers("*.a", None, ["x.a", "y.a"], Server.EARLIER) == ("x.a", "y.a")


def test_a_leafnode_may_ask_for_a_wildcard_with_an_allowed_literal_inside():
    leaf = block(sub={"allow": ["a.b.c"]})
    assert leaf.may_leaf_subscribe("a.*.c")
    assert not leaf.may_subscribe("a.*.c")


@pytest.mark.parametrize("lists", [{"allow": "a"}, {"deny": [1]}, {"allow": {"a": 1}}])
def test_a_list_that_is_no_list_of_texts_is_a_type_error(lists):
    with pytest.raises(TypeError):
        block(pub=lists)


def test_a_space_that_only_unicode_calls_one_is_part_of_a_publish_subject():
    spaced = block(pub={"allow": ["a\xa0b"]})
    assert spaced.may_publish("a\xa0b")
    assert not spaced.may_publish("a")


def test_before_2_12_14_a_line_break_behind_a_publish_deny_leaves_its_subject_open():
    before = Permissions.from_claims({"pub": {"deny": ["a.b\n", "c"]}})
    after = Permissions.from_claims({"pub": {"deny": ["c"]}})
    assert [before.may_publish("a.b", server) for server in (Server.CURRENT, Server.EARLIER)] == [False, True]
    assert compare(before, after, Server.CURRENT).relation is Relation.WIDER
    assert compare(before, after, Server.EARLIER).relation is Relation.SAME
