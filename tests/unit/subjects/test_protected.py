"""Who gets into protected spaces: the cases in which it is not plain to see."""

import random

import pytest

from optimizer.settings import PROTECTED, Server
from optimizer.subjects.permissions import Permissions
from optimizer.subjects.probes import Deliver, Publish
from optimizer.subjects.protected import denies_for, newly_admitted
from optimizer.subjects.search import EffortSpentError
from optimizer.subjects.subject import Subject

BOTH = pytest.mark.parametrize("server", list(Server), ids=lambda server: server.value)


def sub(*allow, deny=(), **more):
    return Permissions.from_claims({"sub": {"allow": list(allow), "deny": list(deny)}, **more})


def pub(*allow, deny=(), **more):
    return Permissions.from_claims({"pub": {"allow": list(allow), "deny": list(deny)}, **more})


def admitted(before, after, *protected, server=Server.CURRENT):
    return newly_admitted(before, after, [Subject(text) for text in protected], server)


@BOTH
def test_a_final_star_of_a_subscribe_list_reaches_into_a_space_at_every_depth(server):
    assert admitted(sub("a.b"), sub("a.*"), "a.b.c.>", server=server) == Deliver("a.>", None, "a.b.c.x")
    assert admitted(pub("a.b"), pub("a.*"), "a.b.c.>", server=server) is None


@BOTH
def test_what_a_wildcard_already_received_is_not_new_when_a_subscription_to_it_is_accepted(server):
    assert admitted(sub("a.*"), sub("a.>"), "a.b.c.>", server=server) is None
    assert admitted(sub("*"), sub(">"), *PROTECTED, server=server) is None
    assert admitted(pub("*"), pub(">"), *PROTECTED, server=server) == Publish("$O.x")


@BOTH
def test_what_a_queue_received_is_not_new_to_a_subscription_without_one(server):
    assert admitted(sub("a.b v1"), sub("a.b"), "a.>", server=server) is None
    assert admitted(sub("a.c"), sub("a.c", "a.b v1"), "a.>", server=server) == Deliver("a.b", "v1", "a.b")


@BOTH
def test_an_allow_list_that_is_no_longer_there_admits_everything(server):
    everything = Permissions.from_claims({})
    assert admitted(pub("a"), everything, "$SYS.>", server=server) == Publish("$SYS.x")
    assert admitted(everything, everything, "$SYS.>", server=server) is None
    assert admitted(everything, pub("a"), "$SYS.>", server=server) is None


@BOTH
def test_a_connection_that_was_refused_had_nothing(server):
    refused = pub("a..b")
    assert refused.refusal is not None
    assert admitted(refused, pub("a.b"), "a.>", server=server) == Publish("a.b")
    assert admitted(pub("a.b"), refused, "a.>", server=server) is None


def test_before_2_12_14_a_deny_keeps_a_message_out_only_of_subscriptions_that_hold_a_deny():
    before, after = sub("*.a"), sub("*.a", "*.*", deny=["$SYS.>"])
    assert admitted(before, after, "$SYS.>") is None
    assert admitted(before, after, "$SYS.>", server=Server.EARLIER) == Deliver("*.*", None, "$SYS.x")
    assert (
        admitted(sub("orders.a"), sub("orders.*", deny=["orders.secret"]), "orders.secret", server=Server.EARLIER)
        is None
    )


def test_before_2_12_14_a_deny_less_can_open_a_space_that_it_does_not_name():
    # `SUB *.c` alone escapes `b.*`; with `a.c` it held a deny.
    before, after = sub("*.*", deny=["b.*", "a.c"]), sub("*.*", deny=["b.*"])
    assert admitted(before, after, "b.>") is None
    assert admitted(before, after, "b.>", server=Server.EARLIER) == Deliver("*.c", None, "b.c")
    before, after = sub("*.*.*", deny=["k.*.*", "a.b.q"]), sub("*.*.*", deny=["k.*.*"])
    assert admitted(before, after, "k.>", server=Server.EARLIER).subject == "k.b.q"


def test_before_2_12_14_a_token_that_begins_with_a_star_passes_for_a_wildcard():
    before, after = sub("*.>", deny=["b.b", "b.*"]), sub("*.>", "*.b.a", deny=["b.b"])
    assert admitted(before, after, "b.>", server=Server.EARLIER) == Deliver("*.*", None, "b.*x")


def test_before_2_12_14_a_literal_hides_the_star_beside_it():
    before, after = pub("a", "*"), pub("*", "$SYS.a", deny=["*"])
    assert admitted(before, after, "$SYS.>") == Publish("$SYS.a")
    before, after = pub("*", "a.b.c"), pub("*")
    assert admitted(before, after, "a") is None
    assert admitted(before, after, "a", server=Server.EARLIER) == Publish("a")


def test_a_deny_that_went_is_noticed_however_deep_the_space_begins():
    assert admitted(sub("*", deny=["a.>"]), sub("*"), "a.b.c") == Deliver(">", None, "a.b.c")


def test_before_2_12_14_a_subscription_none_names_any_more_can_still_come_to_hold_a_deny():
    before, after = sub(">", "a.a.*", deny=["a.b.a"]), sub(">", "a.a.*")
    assert admitted(before, after, ">", server=Server.EARLIER).subject == "a.b.a"


@BOTH
def test_leave_to_reply_is_leave_to_publish_anywhere(server):
    resp = {"max": 1, "ttl": 0}
    silent, asked = sub("a", resp=resp), sub("a", "b", resp=resp)
    assert admitted(sub("a", pub={"allow": ["a"]}), silent, "$SYS.>", server=server) == Publish("$SYS.x", "a")
    assert admitted(silent, asked, "$SYS.>", server=server) is None
    deaf = Permissions.from_claims({"sub": {"deny": [">"]}, "resp": resp})
    assert admitted(deaf, silent, "$SYS.>", server=server) == Publish("$SYS.x", "a")
    assert admitted(Permissions.from_claims({"sub": {"deny": [">"]}}), deaf, "a", server=server) is None


@pytest.mark.parametrize("more", [{"max": 2, "ttl": 0}, {"max": -1, "ttl": 0}, {"max": 1, "ttl": 10**15}])
def test_more_replies_than_before_count_as_new(more):
    before, after = sub("a", resp={"max": 1, "ttl": 0}), sub("a", resp=more)
    assert admitted(before, after, "$SYS.>") == Publish("$SYS.x", "a")
    assert admitted(after, before, "$SYS.>") is None


def test_where_nobody_gains_anything_the_whole_world_may_be_protected():
    chance = random.Random(3)
    tokens = ("pqrs", [f"c{number}" for number in range(5000)], "xyzw")
    drawn = [
        ".".join((chance.choice("abcd"), *("*" if chance.random() < 0.1 else chance.choice(pool) for pool in tokens)))
        for _ in range(1050)
    ]
    narrow, deny = drawn[:1000], drawn[1000:]
    before, after = sub(*narrow, "a.*.*.*", deny=deny), sub(*narrow, deny=deny)
    assert admitted(before, after, ">", server=Server.EARLIER) is None


def test_a_queue_pattern_that_the_server_reads_in_two_ways_is_left_undecided():
    with pytest.raises(EffortSpentError):
        admitted(sub("a *x"), sub("a *x", "b"), "b")


def test_a_protected_space_that_is_no_subject_is_not_passed_over():
    with pytest.raises(ValueError, match=r"`a\.\.b` is no subject"):
        admitted(pub("a"), pub("b"), "a..b")


def test_denies_are_the_meeting_of_a_pattern_with_each_space():
    spaces = [Subject("$SYS.>"), Subject("$SYS.REQ.>"), Subject("orders.*.secret"), Subject("audit")]
    assert list(map(str, denies_for(Subject("*.*"), spaces, subscribe=True))) == ["$SYS.>", "orders.*.secret"]
    assert list(map(str, denies_for(Subject("*.*"), spaces, subscribe=False))) == ["$SYS.*"]
    assert list(map(str, denies_for(Subject("orders.us.*"), spaces, subscribe=False))) == ["orders.us.secret"]
    assert denies_for(Subject("a.*"), spaces, subscribe=True) == ()
    assert list(map(str, denies_for(Subject("*"), spaces, subscribe=True)))[-1] == "audit"


def test_every_default_space_is_a_subject_of_its_own():
    spaces = [Subject(text) for text in PROTECTED]
    assert all(space.is_valid for space in spaces)
    assert not [1 for one in spaces for other in spaces if one != other and one.overlaps(other)]
