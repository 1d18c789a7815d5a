"""Which position of a token's subjects is named, of which kind of entries, and what it is said to weigh."""

from __future__ import annotations

from pathlib import Path

import pytest

from optimizer.audit.audit import audit
from optimizer.sources import read
from optimizer.subjects.positions import positions
from tests import signing
from tests.builders import NOW, Account, Role, User, settings, store

ROOT = Path(__file__).resolve().parents[3]


def found_of(account: Account):
    hierarchy = store(account)
    result = audit(hierarchy, None, settings())
    return result.accounts[0].position, [user.position for user in result.users]


def subjects(number: int, shape: str = "orders.{}.paid") -> list[str]:
    return [shape.format(each) for each in range(1000, 1000 + number)]


def test_a_user_has_the_position_of_its_lists_seen_together():
    user = User("u", pub={"allow": subjects(10)}, sub={"allow": subjects(20, "stock.eu.{}"), "deny": ["stock.eu.7"]})
    account, (found,) = found_of(Account("A", users=[user]))
    assert account is None
    assert (found.kind, found.position.place, found.position.shapes) == ("permissions", 3, ("stock.eu.ID",))
    assert (found.position.values, found.position.entries) == (21, 21)
    assert found.position == positions([*user.pub["allow"], *user.sub["allow"], "stock.eu.7"])[0]


def test_roles_and_defaults_of_an_account_are_seen_together():
    roles = [Role("r", {"pub": {"allow": subjects(5)}}), Role("s", {"sub": {"allow": subjects(9)[5:]}})]
    found, _ = found_of(Account("A", roles=roles, defaults={"sub": {"deny": ["orders.7.paid"]}}))
    assert (found.kind, found.position.values) == ("permissions", 10)


@pytest.mark.parametrize(
    ("kind", "nats"),
    [
        ("exports", {"exports": [{"name": s, "subject": s, "type": "stream"} for s in subjects(12)]}),
        (
            "imports",
            {
                "imports": [
                    {"name": s, "subject": s, "account": signing.account("B").public, "type": "stream"}
                    for s in subjects(12)
                ]
            },
        ),
        ("mappings", {"mappings": {s: [{"subject": "x", "weight": 100}] for s in subjects(12, "orders/~.{}")}}),
    ],
)
def test_exports_imports_and_mappings_weigh_what_they_take_in_the_payload(kind, nats):
    account = Account("A", nats=nats, roles=[Role("r", {"pub": {"allow": subjects(12, "a.{}")}})])
    found, _ = found_of(account)
    signed = next(iter(store(account).accounts.values()))
    sections = {each.pointer: each for each in audit(store(account), None, settings()).accounts[0].sections}
    frame = len(f'"{kind}":[],') if kind != "mappings" else len(f'"{kind}":{{}},')
    assert (found.kind, found.position.values, found.position.entries) == (kind, 12, 12)
    assert found.position.payload_bytes == sections[f"/nats/{kind}"].payload_bytes - frame
    assert found.position.payload_bytes < len(signed.token.payload)


def test_the_kind_that_costs_most_is_named():
    exports = [{"name": s, "subject": s, "type": "stream"} for s in subjects(4)]
    few, many = ([Role("r", {"pub": {"allow": subjects(number, "a.{}")}})] for number in (4, 80))
    assert found_of(Account("A", nats={"exports": exports}, roles=few))[0].kind == "exports"
    assert found_of(Account("A", nats={"exports": exports}, roles=many))[0].kind == "permissions"


def test_a_token_whose_lists_do_not_repeat_themselves_has_none():
    account, (user,) = found_of(Account("A", users=[User("u", pub={"allow": ["a.b", "c.d.e", "f"]})]))
    assert account is None
    assert user is None


def test_every_token_of_the_corpus_has_one_within_its_payload_or_none():
    result = audit(read(str(ROOT / "corpus" / "acme"), now=NOW), None, settings())
    named = 0
    for each in (*result.accounts, *result.users):
        found = each.position
        if found is not None:
            named += 1
            assert 3 <= found.position.values <= found.position.entries
            assert 0 < found.position.payload_bytes < each.payload_bytes
    assert named > 20
