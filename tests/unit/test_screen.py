"""The screen before the rules: where it sees nothing, no rule finds anything."""

import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from optimizer.claims.model import PermissionLists, SubjectLists
from optimizer.edits import Target
from optimizer.rules import RULES, Block
from optimizer.rules.screen import may_find

WORDS = st.sampled_from(["a", "b", "*", "$JS", "ACK", "API", "EVENT", "x>", "a*", "é", ""])
SUBJECTS = st.builds(
    lambda words, end: ".".join(words + end), st.lists(WORDS, min_size=1, max_size=3), st.sampled_from([[], [">"]])
)
TEXTS = SUBJECTS | st.sampled_from(
    [">", "*", "a q", "a  q", "{{name()}}.a", "a\nb", ".a", "a.", "a.>.b", " ", "\u2003a"]
)
LISTS = st.none() | st.lists(TEXTS, max_size=3).map(tuple)
SIDES = st.builds(SubjectLists, allow=LISTS, deny=LISTS)


@hypothesis_settings(max_examples=1500, deadline=None)
@given(st.builds(PermissionLists, pub=SIDES, sub=SIDES), st.sampled_from(["user", "scope", "defaults"]))
def test_where_the_screen_sees_nothing_no_rule_finds_anything(lists, kind):
    if not may_find(lists):
        block = Block(Target(kind, "A"), lists)
        assert [finding for rule in RULES for finding in rule.look(block)] == []


@pytest.mark.parametrize(
    "allow",
    [
        ("orders.new", "orders.paid", "billing.*", "_INBOX.>"),
        ("$JS.API.CONSUMER.MSG.NEXT.*.*", "$JS.ACK.ORDERS.>", "jobs.*.done"),
        (">",),
    ],
)
def test_ordinary_lists_without_redundancy_are_passed_over(allow):
    assert not may_find(PermissionLists(pub=SubjectLists(allow=allow)))
