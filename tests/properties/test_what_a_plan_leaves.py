"""What the safe proposals leave of a list: the smallest there is where that can be known, else an irreducible one."""

from __future__ import annotations

import itertools
import random

from optimizer.edits import ListName, apply_all, entries, permission_lists
from optimizer.examine import examine
from optimizer.settings import Server, Settings
from optimizer.subjects.compare import Relation, compare
from optimizer.subjects.permissions import Permissions
from optimizer.subjects.rewrite import smallest
from optimizer.subjects.subject import Entry
from tests.builders import NOW, Account, User, store, user_of

PATTERNS = [
    ".".join((*head, *tail))
    for length in range(4)
    for head in itertools.product("ab*", repeat=length)
    for tail in ((), (">",))
    if head or tail
]


def _left(lists: dict) -> dict:
    hierarchy = store(Account("A", users=[User("u", **lists)]))
    plan = examine(hierarchy, Settings(now=NOW, servers=(Server.CURRENT,)))
    edits = [edit for proposal in plan.default_selection for edit in proposal.edits]
    block = permission_lists(apply_all(edits, hierarchy), user_of(hierarchy, "A/u"))
    return {name: entries(block, name) or () for name in ListName}


def test_a_list_that_stands_alone_ends_as_the_smallest_one():
    chance = random.Random(31)
    for _ in range(40):
        pub, sub = (chance.sample(PATTERNS, chance.randint(1, 7)) for _ in "ps")
        left = _left({"pub": {"allow": pub}, "sub": {"allow": sub}})
        for name, before in ((ListName.PUB_ALLOW, pub), (ListName.SUB_ALLOW, sub)):
            assert sorted(left[name]) == sorted(map(str, smallest([Entry(text) for text in before]))), before


def test_beside_a_deny_list_nothing_more_can_be_dropped():
    chance = random.Random(32)
    shorter = 0
    for _ in range(25):
        lists = {
            side: {"allow": chance.sample(PATTERNS, chance.randint(2, 5)), "deny": chance.sample(PATTERNS, 2)}
            for side in ("pub", "sub")
        }
        left = _left(lists)
        claims = {
            side: {
                key: list(left[ListName(f"{side}.{key}")])
                for key in ("allow", "deny")
                if left[ListName(f"{side}.{key}")]
            }
            for side in ("pub", "sub")
        }
        whole = Permissions.from_claims(claims)
        assert compare(Permissions.from_claims(lists), whole).relation is Relation.SAME
        for name, texts in left.items():
            side, key = name.value.split(".")
            shorter += len(texts) < len(lists[side][key])
            for text in texts if len(texts) > 1 else ():
                fewer = {**claims, side: {**claims[side], key: [other for other in texts if other != text]}}
                assert compare(whole, Permissions.from_claims(fewer)).relation is not Relation.SAME, (lists, name, text)
    assert shorter > 12
