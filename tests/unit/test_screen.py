"""The screen before the rules: where it sees nothing, no rule finds anything."""

import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from optimizer.claims.model import PermissionLists, SubjectLists
from optimizer.edits import Target
from optimizer.rules import RULES, Block
from optimizer.rules.screen import may_find
from optimizer.subjects.recipes import ROLES, Found

WORDS = st.sampled_from(["a", "b", "*", "$JS", "JS", "ACK", "API", "INFO", "EVENT", "x>", "a*", "*a", "é", ""])
SUBJECTS = st.builds(
    lambda words, end: ".".join(words + end), st.lists(WORDS, min_size=1, max_size=3), st.sampled_from([[], [">"]])
)
TEXTS = SUBJECTS | st.sampled_from(
    [
        ">",
        "*",
        "a q",
        "a q*",
        "$JS.API.STREAM.INFO",
        "$JS.API.CONSUMER.UPDATE.>",
        "a  q",
        "{{name()}}.a",
        "a\nb",
        ".a",
        "a.",
        "a.>.b",
        " ",
        "\u2003a",
    ]
)
ROLE_SUBJECTS = st.sampled_from([subject for role in ROLES for subject in Found(role, "", "S", "c", "b", "k").subjects])
LISTS = st.none() | st.lists(TEXTS, max_size=3).map(tuple)
SIDES = st.builds(SubjectLists, allow=LISTS, deny=LISTS)


@hypothesis_settings(max_examples=1500, deadline=None)
@given(st.builds(PermissionLists, pub=SIDES, sub=SIDES), st.sampled_from(["user", "scope", "defaults"]))
def test_where_the_screen_sees_nothing_no_rule_finds_anything(lists, kind):
    if not may_find(lists):
        block = Block(Target(kind, "A"), lists)
        assert [finding for rule in RULES for finding in rule.look(block)] == []


@hypothesis_settings(max_examples=500, deadline=None)
@given(st.lists(ROLE_SUBJECTS, max_size=5, unique=True), st.sampled_from(["", "hub"]))
def test_where_the_screen_sees_nothing_no_role_is_spelled_out(texts, domain):
    allow = tuple(text.replace("$JS.API", f"$JS.{domain}.API") if domain else text for text in texts)
    lists = PermissionLists(pub=SubjectLists(allow=allow))
    if not may_find(lists):
        assert [finding for rule in RULES for finding in rule.look(Block(Target("user", "A"), lists))] == []


@pytest.mark.parametrize("role", ROLES, ids=lambda role: role.name)
def test_every_role_passes_the_screen(role):
    assert may_find(PermissionLists(pub=SubjectLists(allow=Found(role, "", "S", "c", "b", "k").subjects)))


@pytest.mark.parametrize(
    "allow",
    [
        ("orders.new", "orders.paid", "billing.*", "_INBOX.>"),
        ("$JS.API.CONSUMER.MSG.NEXT.*.*", "$JS.ACK.ORDERS.>", "jobs.*.done"),
        ("$JS.API.STREAM.INFO.*", "$JS.hub.API.CONSUMER.CREATE.>", "$KV.carts.*.total", "$JS.API.STREAM.PURGE.ORDERS"),
        (">",),
    ],
)
def test_ordinary_lists_without_redundancy_are_passed_over(allow):
    assert not may_find(PermissionLists(pub=SubjectLists(allow=allow)))
