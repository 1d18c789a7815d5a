"""Templates, as ``processUserPermissionsTemplate`` of nats-server expands them."""

import pytest

from optimizer.access.template import TemplateRefusedError, expanded, operations
from optimizer.claims.model import PermissionLists, SubjectLists
from tests.builders import Account, Role, User, role_of, store


def expand(*, tags=(), account_tags=(), name="alice", **lists):
    """One user's lists; ``pub_allow=`` and so on give the template."""
    template: dict = {}
    for key, entries in lists.items():
        side, kind = key.split("_")
        template.setdefault(side, {})[kind] = list(entries)
    built = store(
        Account(
            "ACME",
            roles=[Role("r", template)],
            users=[User(name, role="r", nats={"tags": list(tags)})],
            nats={"tags": list(account_tags)},
        )
    )
    account = next(iter(built.accounts.values())).claims
    user = next(iter(built.users.values())).claims
    scope = account.signing_key(role_of(built, "ACME/r").key).scope
    return expanded(scope.permissions, user, account), user, account


def test_a_list_without_templates_stays_as_it_is():
    lists, *_ = expand(sub_allow=["foo v1", "a..b", "a.>.c"])
    assert lists.sub.allow == ("foo v1", "a..b", "a.>.c")


@pytest.mark.parametrize(
    ("entry", "value"),
    [
        ("a.{{name()}}.>", "a.alice.>"),
        ("a.{{ NAME() }}", "a.alice"),
        ("{{account-name()}}.x", "ACME.x"),
        ("{{name()}}.{{name()}}", "alice.alice"),
        ("{{name()}}{{account-name()}}", "aliceACME"),
    ],
)
def test_single_valued_operations_are_filled_in(entry, value):
    assert expand(pub_allow=[entry])[0].pub.allow == (value,)


def test_subject_is_the_users_key_and_account_subject_the_issuer_account():
    lists, user, account = expand(pub_allow=["{{subject()}}.{{account-subject()}}"])
    assert lists.pub.allow == (f"{user.sub}.{account.sub}",)


def test_several_tags_of_one_key_make_one_entry_each():
    lists, *_ = expand(tags=["team:a", "team:b", "other:c"], pub_allow=["x.{{tag(team)}}.>"])
    assert lists.pub.allow == ("x.a.>", "x.b.>")


def test_two_tag_operations_make_the_cartesian_product():
    lists, *_ = expand(tags=["t:1", "t:2", "r:x", "r:y"], sub_allow=["{{tag(t)}}.{{tag(r)}}"])
    assert sorted(lists.sub.allow) == ["1.x", "1.y", "2.x", "2.y"]


def test_the_same_tag_twice_in_an_entry_is_not_crossed():
    lists, *_ = expand(tags=["t:a", "t:b"], sub_allow=["{{tag(t)}}.{{tag(t)}}"])
    assert set(lists.sub.allow) == {"a.a", "b.b"}


def test_account_tags_come_from_the_account():
    lists, *_ = expand(account_tags=["zone:eu"], tags=["zone:us"], pub_allow=["{{account-tag(zone)}}"])
    assert lists.pub.allow == ("eu",)


def test_a_tag_asked_for_in_capitals_is_found_in_lower_case():
    assert expand(tags=["team:a"], pub_allow=["{{tag(TEAM)}}"])[0].pub.allow == ("a",)


def test_a_tag_value_may_be_a_wildcard():
    assert expand(tags=["team:>"], pub_allow=["x.{{tag(team)}}"])[0].pub.allow == ("x.>",)


def test_an_allow_entry_without_its_tag_is_dropped():
    assert expand(pub_allow=["x.{{tag(none)}}", "y"])[0].pub.allow == ("y",)


def test_an_allow_list_of_which_nothing_remains_is_closed_by_a_deny():
    lists, *_ = expand(pub_allow=["x.{{tag(none)}}"], pub_deny=["z"])
    assert (lists.pub.allow, lists.pub.deny) == ((), ("z", ">"))


def test_beside_a_template_queue_entries_of_an_allow_list_are_dropped():
    assert expand(sub_allow=["foo v1", "{{name()}}"])[0].sub.allow == ("alice",)


@pytest.mark.parametrize(
    "lists",
    [
        {"sub_deny": ["foo v1", "{{name()}}"]},
        {"sub_deny": ["{{tag(none)}}.x"]},
        {"pub_deny": ["a.>.c", "{{name()}}"]},
        {"pub_allow": ["{{nick()}}"]},
        {"pub_allow": ["{{tag team}}"]},
    ],
)
def test_the_server_refuses_the_connection(lists):
    with pytest.raises(TemplateRefusedError):
        expand(**lists)


def test_more_than_4096_entries_are_refused():
    tags = [f"t:{n}" for n in range(64)]
    assert len(expand(tags=tags, pub_allow=["{{tag(t)}}.{{tag(t)}}x"])[0].pub.allow) == 64 * 64
    with pytest.raises(TemplateRefusedError):
        expand(tags=[*tags, "t:64"], pub_allow=["{{tag(t)}}.{{tag(t)}}x"])


def test_an_empty_template_expands_to_nothing():
    lists, *_ = expand()
    assert lists == PermissionLists(pub=SubjectLists(), sub=SubjectLists())


def test_operations_are_named_in_order():
    assert [op.name for op in operations("{{name()}}.{{tag(a)}}.{{x}}")] == ["name()", "tag", ""]
