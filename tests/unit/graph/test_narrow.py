from __future__ import annotations

from typing import Any

from optimizer.graph.narrow import around, broken, of_type
from tests.unit.graph.documents import edge, plain

# A -> B -> C -> D, and E -> C beside it; F stands alone.
CHAIN = plain(
    edge("A", "B", state="works"),
    edge("B", "C", type="service"),
    edge("C", "D", state="unknown"),
    edge("E", "C", state="refused"),
    alone=["F"],
    unused_exports=[{"account": key, "type": "stream", "subject": "x", "private": False} for key in "BCF"],
)


def named(document: dict[str, Any]) -> tuple[str, list[str], str]:
    return (
        "".join(node["key"] for node in document["nodes"]),
        [each["exporter"] + each["importer"] for each in document["edges"]],
        "".join(each["account"] for each in document["unused_exports"]),
    )


def of(*wanted: str, depth: int = 1) -> tuple[str, list[str], str]:
    return named(around(CHAIN, lambda name, _: name in wanted, depth))


def test_one_hop_is_what_touches_the_account_whichever_way_imports_go():
    assert of("B") == ("ABC", ["AB", "BC"], "B")


def test_two_hops_go_on_from_there():
    assert of("A", depth=2) == ("ABC", ["AB", "BC"], "B")
    assert of("B", depth=2) == ("ABCDE", ["AB", "BC", "CD", "EC"], "BC")


def test_no_hop_is_the_accounts_among_themselves():
    assert of("C", depth=0) == ("C", [], "C")
    assert of("C", "D", depth=0) == ("CD", ["CD"], "C")


def test_several_accounts_are_walked_from_at_once():
    assert of("A", "D") == ("ABCD", ["AB", "CD"], "")


def test_many_hops_end_where_the_island_ends():
    assert of("A", depth=10**9)[0] == "ABCDE"


def test_a_hop_between_two_accounts_of_the_rim_is_no_part():
    ring = plain(edge("A", "B"), edge("B", "C"), edge("C", "A"))
    assert named(around(ring, lambda name, _: name == "A"))[1] == ["AB", "CA"]


def test_one_type_keeps_its_imports_and_the_accounts_that_have_any():
    assert named(of_type(CHAIN, "service")) == ("BC", ["BC"], "")
    assert named(of_type(CHAIN, "stream")) == ("ABCDEF", ["AB", "CD", "EC"], "BCF")


def test_broken_is_what_the_server_drops_or_refuses_and_not_what_cannot_be_known():
    assert named(broken(CHAIN)) == ("BCE", ["BC", "EC"], "")


def test_a_refused_account_is_broken_without_any_import():
    refused = plain(alone=["A", "B"])
    refused["nodes"][1]["refusal"] = "it has 2 exports and is allowed 1"
    assert named(broken(refused))[0] == "B"
