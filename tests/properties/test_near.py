"""What the entries near a change vouch for, against the walks over everything that either block names."""

from __future__ import annotations

import itertools
import random

import pytest

from optimizer.settings import Server
from optimizer.subjects.compare import Relation, _agree, _walked
from optimizer.subjects.near import pared, touches
from optimizer.subjects.permissions import Permissions
from optimizer.subjects.subject import Entry
from tests.strategies import BUDGET

EFFORT = 500_000


def _entry(chance):
    """Short, over few tokens, often ending in `*` or going on behind it: before 2.12.14 literals hide wildcards."""
    tokens = [
        chance.choice("ab*" if index < 2 else "abcd*") for index in range(chance.choice((1, 2, 2, 2, 3, 3, 3, 4)))
    ]
    if chance.random() < 0.15:
        tokens[-1] = ">"
    return ".".join(tokens)


def _pair(chance):
    """A side and one near it: entries gone that others cover or not, entries put in, an allow list that is absent."""
    allow = [_entry(chance) for _ in range(chance.randint(1, 7))]
    deny = [_entry(chance) for _ in range(chance.choice((0, 0, 1, 3)))]
    lists = [allow, list(allow), deny, list(deny)]
    for _ in range(chance.choice((1, 1, 2))):
        texts = chance.choice((lists[1], lists[1], lists[3]))
        if texts and chance.random() < 0.7:
            texts.pop(chance.randrange(len(texts)))
        elif chance.random() < 0.4:
            texts.append(_entry(chance))
    if chance.random() < 0.1:
        lists[0], lists[1] = None, None
    elif not lists[1]:
        lists[1].append(chance.choice(allow))
    return {"allow": lists[0], "deny": lists[2]}, {"allow": lists[1], "deny": lists[3]}


@pytest.mark.parametrize("leafnode", [False, True], ids=["client", "leafnode"])
@pytest.mark.parametrize("server", list(Server), ids=lambda server: server.value)
@pytest.mark.parametrize("name", ["pub", "sub"])
def test_blocks_whose_entries_near_the_change_agree_are_the_same(name, server, leafnode):
    chance = random.Random(20_13)
    vouched = differ = 0
    for _ in range(400 * BUDGET):
        before, after = (Permissions.from_claims({name: side}) for side in _pair(chance))
        near = pared(before, after)
        if near is None:
            continue
        agree = _agree(near, server, leafnode=leafnode, effort=EFFORT)
        whole = _walked(before, after, server, leafnode=leafnode, whether=True, effort=EFFORT)
        assert not agree or whole.relation is Relation.SAME, (before, after)
        if not leafnode:
            assert agree == (whole.relation is Relation.SAME), (before, after)  # a leafnode may find what lies further
        vouched += agree and bool(near[0] != near[2] or near[1] != near[3])
        differ += not agree
    assert vouched > 15 * BUDGET
    assert differ > 15 * BUDGET


def test_what_lies_far_from_the_change_is_left_out_and_names_do_not_count():
    far = ["stock.>", "orders.b", "*.list.eu"]
    before = Permissions.from_claims({"pub": {"allow": ["orders.new.eu", "orders.new.>", *far]}})
    after = Permissions.from_claims({"pub": {"allow": ["orders.new.>", *far]}})
    other = (
        Permissions.from_claims({"pub": {"allow": ["a.b.c", "a.b.>"]}}),
        Permissions.from_claims({"pub": {"allow": ["a.b.>"]}}),
    )
    assert (
        pared(before, after)
        == pared(*other)
        == (
            (("2.3.4", "2.3.>"), ()),
            (None, ()),
            (("2.3.>",), ()),
            (None, ()),
        )
    )


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ({"pub": {"allow": ["a b"]}}, {"pub": {"allow": ["a"]}}),
        ({"sub": {"allow": ["a", "b q"]}}, {"sub": {"allow": ["a.b", "b q"]}}),
        ({"pub": {"allow": ["a.>.b", "c"]}}, {"pub": {"allow": ["c"]}}),
        ({"pub": {"allow": ["*a", "c"]}}, {"pub": {"allow": ["c"]}}),
        ({"pub": {"deny": ["a"]}}, {"pub": {"allow": ["b"], "deny": ["a"]}}),
        ({"sub": {"deny": ["a", "a.b"]}}, {"sub": {"deny": ["a"]}}),
        ({"resp": {"max": 1}}, {"resp": {"max": 2}}),
    ],
)
def test_nothing_is_left_out_where_far_entries_may_matter(before, after):
    assert pared(Permissions.from_claims(before), Permissions.from_claims(after)) is None


def test_two_patterns_touch_where_a_beginning_of_one_and_the_other_admit_the_same():
    patterns = [".".join(t) for n in (1, 2, 3) for t in itertools.product("ab*", repeat=n)]
    patterns += [f"{text}.>" for text in patterns if text.count(".") < 2] + [">"]
    words = [t for n in (1, 2, 3, 4) for t in itertools.product("abx", repeat=n)]

    def on_its_way(pattern):
        """Subjects the pattern admits, and those that a beginning of it does."""
        tokens = pattern.split(".")
        fixed = tokens[:-1] if tokens[-1] == ">" else tokens
        agreeing = {
            word for word in words if all(mine in ("*", theirs) for mine, theirs in zip(fixed, word, strict=False))
        }
        admitted = {
            word for word in agreeing if len(word) == len(tokens) or (fixed != tokens and len(word) > len(fixed))
        }
        return admitted, agreeing

    ways = {pattern: on_its_way(pattern) for pattern in patterns}
    for one, two in itertools.product(patterns, repeat=2):
        meet = ways[one][0] & ways[two][1] or ways[one][1] & ways[two][0]
        assert touches(Entry(one), Entry(two)) == bool(meet), (one, two)


def test_what_hides_a_wildcard_near_the_change_before_2_12_14_is_not_left_out():
    kept = ["a.*", "*.*", "*.b.d", "a.*.c"]  # `*.b.d` goes on beside `a.b.c`, and hides `*.*` from `a.b`
    before, after = (Permissions.from_claims({"pub": {"allow": texts}}) for texts in (["a.b.c", *kept], kept))
    assert before.may_publish("a.b", Server.EARLIER) is False
    assert after.may_publish("a.b", Server.EARLIER) is True
    assert not _agree(pared(before, after), Server.EARLIER, leafnode=False, effort=EFFORT)
