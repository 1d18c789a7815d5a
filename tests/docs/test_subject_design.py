"""``docs/subject-design.md``: its Python comes to what it shows, and its table is what the server's templates do."""

from __future__ import annotations

import doctest
import re
from pathlib import Path

import pytest

from optimizer import Permissions, Publish, compare, examine, read
from optimizer.access.principals import effective
from optimizer.claims.gojson import go_json
from optimizer.subjects.positions import positions
from tests.builders import Account, Role, User, settings, store

ROOT = Path(__file__).resolve().parents[2]
PAGE = (ROOT / "docs" / "subject-design.md").read_text()
SAID = " ".join(PAGE.split())
"""The page without its line breaks."""
TAGS = ["region:eu", "region:us", "team:blue"]


def test_the_python_comes_to_what_it_shows():
    runner = doctest.DocTestRunner()
    known: dict = {}
    for number, code in enumerate(re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)):
        test = doctest.DocTestParser().get_doctest(code, known, f"block {number}", "docs/subject-design.md", 0)
        runner.run(test, clear_globs=False)
        known = test.globs
    assert runner.summarize(verbose=False).failed == 0
    assert runner.tries > 30


def test_what_a_wildcard_weighs():
    for entry, size in re.findall(r'`"([^"]+)",`,? (?:weighs )?(\d+)', SAID):
        assert len(go_json(entry)) + 1 == int(size)
    assert len(re.findall(r'`"[^"]+",`,? (?:weighs )?\d', SAID)) == 2


def test_what_spelled_out_events_weigh_in_the_corpus():
    hierarchy = read(str(ROOT / "corpus" / "acme"), now=1_800_000_000)
    found = {
        (each.values, each.payload_bytes)
        for user in hierarchy.users.values()
        if user.claims.name == "order-service"
        for each in positions(user.claims.permissions.pub.allow or ())
    }
    ((values, size),) = found
    assert f"{values} events spelled out weigh {size}" in SAID


def test_the_sentence_about_a_position_is_of_what_the_code_found():
    (found,) = positions(f"orders.*.{number}.created" for number in range(1001, 1215))
    (shape,) = found.shapes
    said = f"position {found.place} of `{shape}` has {found.values} values: {found.payload_bytes:,} bytes"
    assert said in SAID


# -- templates ------------------------------------------------------------------------------------------------------


def filled(name="anna", tags=TAGS, **template) -> Permissions:
    """What a user of a role with this template may do."""
    made = store(Account("A", users=[User(name, role="r", nats={"tags": tags})], roles=[Role("r", template)]))
    ((account,), (user,)) = made.accounts.values(), made.users.values()
    return effective(user.claims, account.claims)


def allowed(permissions: Permissions) -> list[str]:
    return [entry.text for entry in permissions.sub.allow or ()]


ROWS = re.findall(r"^\| `([^`]*{{[^`]*)` \| (.*) \|$", PAGE, re.MULTILINE)


def test_the_table_is_there():
    assert len(ROWS) == 5


@pytest.mark.parametrize(("entry", "becomes"), ROWS)
def test_an_entry_of_a_role_becomes_what_the_table_says(entry, becomes):
    permissions = filled(sub={"allow": [entry, "x"]})
    times = 2 if "each twice" in becomes else 1
    assert sorted(allowed(permissions)) == sorted([*re.findall(r"`([^`]+)`", becomes) * times, "x"])
    assert permissions.may_subscribe("x")


def test_with_the_last_entry_dropped_everything_is_denied():
    permissions = filled(sub={"allow": ["orders.{{tag(desk)}}.>"]})
    assert permissions.refusal is None
    assert not permissions.may_subscribe("orders.x.y")
    assert not permissions.may_subscribe("anything")


def test_a_deny_without_its_tag_refuses_the_connection():
    assert filled(sub={"deny": ["orders.{{tag(desk)}}.>"]}).refusal is not None
    assert filled(sub={"deny": ["orders.{{tag(team)}}.>"]}).refusal is None


def test_a_list_with_a_template_has_no_queue_entries():
    queue = "orders.new workers"
    assert allowed(filled(sub={"allow": [queue]})) == [queue]
    assert allowed(filled(sub={"allow": [queue, "users.{{name()}}"]})) == ["users.anna"]
    assert filled(sub={"deny": [queue, "users.{{name()}}"]}).refusal is not None


def test_a_tag_and_a_name_can_be_wildcards():
    assert allowed(filled(tags=["region:*"], sub={"allow": ["orders.{{tag(region)}}.>"]})) == ["orders.*.>"]
    assert allowed(filled(name=">", sub={"allow": ["users.{{name()}}"]})) == ["users.>"]


def test_leave_to_reply_overrules_a_deny():
    before = {"pub": {"allow": ["_INBOX.>"], "deny": ["orders.secret"]}}
    gained = compare(Permissions.from_claims(before), Permissions.from_claims({**before, "resp": {"max": 1}})).gained
    replies = [each for each in gained if isinstance(each, Publish) and each.replying_to is not None]
    assert replies
    denied = Permissions.from_claims({"pub": {"deny": [">"]}})
    (reply, *_) = compare(denied, Permissions.from_claims({"pub": {"deny": [">"]}, "resp": {"max": 1}})).gained
    assert not denied.may_publish(reply.subject)


def test_a_change_of_a_role_disconnects_its_users():
    template = {"sub": {"allow": ["orders.>", "orders.new"]}}
    plan = examine(store(Account("A", users=[User("anna", role="r")], roles=[Role("r", template)])), settings())
    (proposal,) = plan.proposals
    assert "reconnects" in proposal.judgement.disturbs
