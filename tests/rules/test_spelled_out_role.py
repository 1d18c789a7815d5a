"""What `spelled-out-role` offers where each role is spelled out three times, and what it never does."""

from __future__ import annotations

import pytest

from optimizer.claims.model import PermissionLists, SubjectLists
from optimizer.edits import Target
from optimizer.rules import Block, spelled_out_role
from optimizer.subjects.jetstream import Effect, asked, may_not_generalise
from optimizer.subjects.recipes import ROLES, Found
from optimizer.subjects.subject import Subject

HELD = [role for role in ROLES if "{" in role.words]
NAMES = ("a", "b", "c")


def offered(*texts: str) -> dict[str, tuple[str, ...]]:
    """What the rule would put in, and what for."""
    block = Block(Target("user", "A"), PermissionLists(pub=SubjectLists(allow=texts)))
    return {edit.add[0]: edit.remove for finding in spelled_out_role.RULE.find(block) for edit in finding.edits}


def spelled(role, *, domain: str = "", held: tuple[str, ...] = NAMES, consumers: tuple[str, ...] = ("c",)) -> list[str]:
    found = [Found(role, domain, stream, consumer, stream, "k") for stream in held for consumer in consumers]
    return list(dict.fromkeys(text for one in found for text in one.recipe))


@pytest.mark.parametrize("domain", ["", "hub"])
@pytest.mark.parametrize("role", HELD, ids=lambda role: role.name)
def test_only_what_reads_is_offered_for_other_streams(role, domain):
    for texts in (spelled(role, domain=domain), spelled(role, domain=domain, held=("a",), consumers=NAMES)):
        for pattern, replaced in offered(*texts).items():
            tokens = Subject(pattern).tokens
            assert all(Subject(pattern).covers(Subject(text)) for text in replaced)
            assert may_not_generalise(tokens, [Subject(text).tokens for text in replaced]) is None
            if not pattern.startswith("$O."):
                assert {api.effect for api in asked(tokens)} == {Effect.READS}, pattern


def test_three_streams_that_are_read_and_three_buckets_in_use():
    role = {role.name: role for role in ROLES}
    assert set(offered(*spelled(role["stream_read"]))) == {
        "$JS.API.STREAM.INFO.*",
        "$JS.API.STREAM.MSG.GET.*",
        "$JS.API.DIRECT.GET.*",
        "$JS.API.DIRECT.GET.*.>",
        "$JS.API.CONSUMER.INFO.*.*",
        "$JS.API.CONSUMER.NAMES.*",
        "$JS.API.CONSUMER.LIST.*",
    }
    assert set(offered(*spelled(role["kv_use"], domain="hub"))) == {
        "$JS.hub.API.STREAM.INFO.*",
        "$JS.hub.API.DIRECT.GET.*.>",
    }
    assert set(offered(*spelled(role["kv_key_subtree_minimum"]))) == {
        "$JS.API.STREAM.INFO.*",
        "$JS.API.DIRECT.GET.*.$KV.*.k.>",
    }
    assert set(offered(*spelled(role["pull_bind_minimum"]))) == set()


@pytest.mark.parametrize("role", HELD, ids=lambda role: role.name)
def test_two_are_left_as_they_are(role):
    assert all(pattern.startswith("$O.") for pattern in offered(*spelled(role, held=("a", "b"))))


def test_no_two_edits_take_the_same_entry_out():
    role = {role.name: role for role in ROLES}["consumer_use"]
    edits = offered(*spelled(role, consumers=NAMES))
    taken = [text for replaced in edits.values() for text in replaced]
    assert edits
    assert len(taken) == len(set(taken))


def test_buckets_that_begin_alike_become_a_whole_token_and_never_a_part_of_one():
    role = {role.name: role for role in ROLES}["kv_use"]
    edits = offered(*spelled(role, held=("eu_a", "eu_b", "eu_c")))
    assert "$JS.API.STREAM.INFO.*" in edits
    assert not any("KV_" in pattern for pattern in edits)
