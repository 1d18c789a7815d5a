"""The subjects that a hierarchy itself names."""

import pytest

from optimizer.access.known import known_subjects_of
from tests.builders import Account, Role, User, store


def known(*, users=(), roles=(), defaults=None, **nats):
    return known_subjects_of(store(Account("ACME", users, roles, defaults or {}, nats), issues=False))


def listed(*entries, side="sub", kind="allow"):
    return known(users=[User("app", **{side: {kind: list(entries)}})])


@pytest.mark.parametrize("side", ["pub", "sub"])
@pytest.mark.parametrize("kind", ["allow", "deny"])
def test_literals_of_every_permission_list_are_known(side, kind):
    lists = {side: {kind: ["b.c", "a", "b.c", "b.*", ">", "ä.b", "B"]}}
    expected = ("B", "a", "b.c", "ä.b")
    assert known(users=[User("app", **lists)]) == expected
    assert known(roles=[Role("r", lists)]) == expected
    assert known(defaults=lists) == expected


def test_of_a_queue_entry_the_subject_is_known():
    assert listed("a.b v1", "c.d v.*", "e.* v1") == ("a.b", "c.d")


@pytest.mark.parametrize(
    "text", ["a..b", "", ".a", "a.", "a.>.b", "a b c", "a\tb\tc", "{{name()}}.a", "a.{{tag(x)}}", "a.*"]
)
def test_what_the_server_ignores_refuses_or_fills_in_is_not(text):
    assert listed("ok", text) == ("ok",)
    assert known(roles=[Role("r", {"sub": {"allow": ["ok", text]}})]) == ("ok",)


def test_a_queue_in_a_publish_list_is_no_subject():
    assert listed("ok", "a v1", side="pub") == ("ok",)


def test_odd_tokens_are_literal():
    assert listed("a*", "$1.b", "$SYS.x", ">a") == ("$1.b", "$SYS.x", ">a", "a*")


def test_exports_and_both_ends_of_imports_are_known():
    other = "A" * 56
    imports = [
        {"subject": "theirs.a", "local_subject": "ours.a", "type": "service", "account": other},
        {"subject": "ours.old", "to": "theirs.old", "type": "service", "account": other},
        {"subject": "feed", "to": "copy", "type": "stream", "account": other},
        {"subject": "plain", "type": "stream", "account": other},
        {"subject": "theirs.*.b", "local_subject": "ours.$1", "type": "stream", "account": other},
        {"subject": "theirs.*.c", "local_subject": "ours.{{wildcard(1)}}", "type": "stream", "account": other},
    ]
    exports = [{"subject": "offered", "type": "service"}, {"subject": "offered.*", "type": "stream"}]
    assert known(imports=imports, exports=exports) == (
        "copy.feed",
        "feed",
        "offered",
        "ours.a",
        "ours.old",
        "plain",
        "theirs.a",
        "theirs.old",
    )


def test_both_ends_of_mappings_are_known():
    mappings = {
        "from.a": [{"subject": "to.a", "weight": 50}, {"subject": "to.b", "weight": 50}],
        "from.*": [{"subject": "to.$1"}, {"subject": "to.{{partition(3,1)}}"}, {"subject": "to.c"}],
    }
    assert known(mappings=mappings) == ("from.a", "to.a", "to.b", "to.c")


def test_an_empty_hierarchy_names_nothing():
    assert known() == ()
