"""Where a message can arrive. What real servers say of the same: tests/oracle/test_reach.py."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from optimizer.access.reached import reached
from optimizer.graph import build
from optimizer.graph.reach import reach
from optimizer.settings import Server
from tests import signing
from tests.builders import Account, User, store
from tests.topologies import case_accounts, service, stream

if TYPE_CHECKING:
    from collections.abc import Callable

    from optimizer.hierarchy import Hierarchy

    Make = Callable[..., Hierarchy]

NOW = 1_795_000_000


def arrivals(hierarchy: Hierarchy, letter: str, subject: str) -> set[tuple[str, str, bool]]:
    found = reach(build(hierarchy, NOW), hierarchy, str(signing.account(letter)), subject)
    names = {key: account.claims.name for key, account in hierarchy.accounts.items()}
    return {(names.get(each.account, "?"), each.subject, each.certain) for each in found.arrivals}  # type: ignore[call-overload]


def test_a_mapping_is_not_applied_to_what_an_import_brings(make: Make):
    hierarchy = make(**case_accounts("mapping-on-imported"))
    assert arrivals(hierarchy, "HUB", "namespace.sub.x") == {
        ("HUB", "namespace.sub.x", True),
        ("SPOKE", "namespace.sub.x", True),
    }
    assert arrivals(hierarchy, "SPOKE", "namespace.sub.x") == {("SPOKE", "sub.x", True)}


def test_a_chain_of_services_reaches_its_last_account(make: Make):
    hierarchy = make(**case_accounts("chain-4-service"))
    assert arrivals(hierarchy, "A", "help") == {(letter, "help", True) for letter in "ABCD"}


def test_of_two_accounts_each_exports_to_the_other_a_request_passes_once(make: Make):
    hierarchy = make(**case_accounts("false-cycle-5752"))
    assert arrivals(hierarchy, "A", "b.x") == {("A", "b.x", True), ("B", "a.x", True)}
    assert arrivals(hierarchy, "B", "c.foo") == {("B", "c.foo", True), ("A", "a.foo", True)}


@pytest.mark.parametrize(
    ("source", "targets", "expected"),
    [
        ("o.*", [{"subject": "n.$1"}], {("n.x", True)}),
        ("o.*", [{"subject": "n.{{wildcard(1)}}", "weight": 100}], {("n.x", True)}),
        ("o.x", [{"subject": "n", "weight": 40}], {("n", False), ("o.x", False)}),
        ("o.x", [{"subject": "n", "weight": 40}, {"subject": "o.x", "weight": 10}], {("n", False), ("o.x", False)}),
        ("o.x", [{"subject": "n", "weight": 50}, {"subject": "m", "weight": 50}], {("n", False), ("m", False)}),
        ("o.x", [{"subject": "n", "weight": 100, "cluster": "east"}], {("n", False), ("o.x", False)}),
        ("p.*", [{"subject": "n.$1"}], {("o.x", True)}),
        ("o.>", [{"subject": "n.>"}], {("n.x", True)}),
        ("o.*", [{"subject": "n.{{partition(3,1)}}"}], set()),
        # A target that stands twice, and the server makes no mapping.
        ("o.*", [{"subject": "n.$1", "weight": 50}, {"subject": "n.$1", "weight": 50}], {("o.x", True)}),
    ],
)
def test_a_mapping_decides_what_a_message_is_called(
    make: Make, source: str, targets: list[dict[str, Any]], expected: set[tuple[str, bool]]
):
    found = arrivals(make(A={"mappings": {source: targets}}), "A", "o.x")
    assert {(subject, certain) for _, subject, certain in found} == expected


def test_a_name_that_only_the_server_works_out_is_said_to_be_unknown(make: Make):
    hierarchy = make(A={"mappings": {"o.*": [{"subject": "n.{{partition(3,1)}}"}]}})
    found = reach(build(hierarchy, NOW), hierarchy, str(signing.account("A")), "o.x")
    assert found.unknown == ("in A: `n.{{partition(3,1)}}` is worked out by the server",)


def test_several_mappings_that_match_leave_it_to_chance(make: Make):
    hierarchy = make(A={"mappings": {"o.*": [{"subject": "m.$1"}], "o.x": [{"subject": "n"}]}})
    assert arrivals(hierarchy, "A", "o.x") == {("A", "m.x", False), ("A", "n", False)}


def test_what_only_the_server_works_out_is_unknown_also_where_several_mappings_match(make: Make):
    worked_out = {"o.*": [{"subject": "n.{{partition(3,1)}}"}], "o.>": [{"subject": "m.>", "weight": 50}]}
    hierarchy = make(A={"mappings": worked_out | {">": [{"subject": ">", "weight": 50}]}})
    found = reach(build(hierarchy, NOW), hierarchy, str(signing.account("A")), "o.x")
    assert found.unknown == ("in A: `n.{{partition(3,1)}}` is worked out by the server",)


def test_an_exporter_that_is_not_in_the_source_may_be_reached(make: Make):
    hierarchy = make(B={"imports": [service("svc", "X", local_subject="mine")]})
    assert arrivals(hierarchy, "B", "mine") == {("B", "mine", True), ("?", "svc", False)}


def test_dropped_imports_lead_nowhere(make: Make):
    hierarchy = make(A={"exports": [stream("other")]}, B={"imports": [stream("s", "A")]})
    assert arrivals(hierarchy, "A", "s") == {("A", "s", True)}


def test_a_refused_account_sends_nothing(make: Make):
    hierarchy = make(A={"exports": [service("v.*")]}, B={"imports": [service("v.*", "A"), service("v.a", "A")]})
    found = reach(build(hierarchy, NOW), hierarchy, str(signing.account("B")), "v.a")
    assert found.arrivals == ()
    assert "does not load the account" in found.unknown[0]


def test_a_rotation_of_three_wildcards_is_known_by_its_pattern_only(make: Make):
    hierarchy = make(
        A={"exports": [stream("s.*.*.*")]}, B={"imports": [stream("s.*.*.*", "A", local_subject="l.$2.$3.$1")]}
    )
    assert ("B", "l.*.*.*", False) in arrivals(hierarchy, "A", "s.a.b.c")


def test_the_way_is_told_step_by_step(make: Make):
    hierarchy = make(
        A={"exports": [service("svc.*")], "mappings": {"svc.*": [{"subject": "v2.$1"}]}},
        B={"imports": [service("svc.*", "A", local_subject="mine.*")]},
    )
    found = reach(build(hierarchy, NOW), hierarchy, str(signing.account("B")), "mine.x")
    (there,) = [each for each in found.arrivals if each.account == str(signing.account("A"))]
    assert [(step.by, step.subject) for step in there.way] == [
        ("publish", "mine.x"),
        ("service", "svc.x"),
        ("mapping", "v2.x"),
    ]


@pytest.mark.parametrize("subject", ["a.*", "a.>", "a..b", "", "a b"])
def test_what_nobody_publishes_on_is_refused(make: Make, subject: str):
    hierarchy = make(A={})
    with pytest.raises(ValueError, match="is published on"):
        reach(build(hierarchy, NOW), hierarchy, str(signing.account("A")), subject)


def test_known_users_are_named_by_what_they_may_receive():
    hierarchy = store(
        Account("A", nats={"exports": [stream("s.>")]}),
        Account(
            "B",
            nats={"imports": [stream("s.>", str(signing.account("A")))]},
            users=[
                User("anything"),
                User("wide", sub={"allow": ["s.*"]}),
                User("deaf", sub={"allow": ["t"]}),
                User("denied", sub={"deny": ["s.>"]}),
                User("sender", pub={"allow": ["s.>"]}, sub={"deny": [">"]}),
            ],
        ),
    )
    found = reach(build(hierarchy, NOW), hierarchy, str(signing.account("A")), "s.x.y")
    (there,) = [
        each
        for each in reached(hierarchy, found, [Server.CURRENT])
        if each.arrival.account == str(signing.account("B"))
    ]
    assert [(user.name, user.by_name) for user in there.receivers] == [("anything", True), ("wide", False)]
    assert not there.complete
