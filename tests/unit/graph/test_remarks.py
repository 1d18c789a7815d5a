"""The page and the document of what the graph suggests and warns of."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import jsonschema

from optimizer.graph import build, graph_document
from optimizer.graph.analysis import analysis
from optimizer.graph.consolidate import suggestions
from optimizer.graph.narrow import around
from optimizer.graph.remarks import analysis_member, consolidation_members
from optimizer.reports.consolidation import cautions, consolidation_page, touching
from optimizer.reports.imports import names
from optimizer.reports.style import Style
from tests.topologies import case_accounts, consumers, service, stream

if TYPE_CHECKING:
    from collections.abc import Callable

    from optimizer.hierarchy import Hierarchy

    Make = Callable[..., Hierarchy]

NOW = 1_795_000_000
SCHEMA = Path(__file__).resolve().parents[3] / "docs" / "schemas" / "permopt.graph.v1.json"


def document(hierarchy: Hierarchy) -> dict[str, Any]:
    graph = build(hierarchy, NOW)
    made = (
        graph_document(graph)
        | {"analysis": analysis_member(analysis(graph, hierarchy, NOW))}
        | consolidation_members(suggestions(graph, hierarchy))
    )
    jsonschema.validate(made, json.loads(SCHEMA.read_text()))
    return made


def pages(made: dict[str, Any]) -> tuple[str, str]:
    name = names(made)
    return cautions(made, Style(), name), consolidation_page(made, Style(), name)


def test_a_hub_is_printed_with_its_price_its_losses_and_the_order_of_pushes(make: Make):
    made = document(make(**consumers(12, 6, 2)))
    (hub,) = made["suggestions"]
    _, page = pages(made)
    assert f"bytes {hub['bytes_before']:,} -> {hub['bytes_after']:,}" in page
    assert "imports 144 -> 24" in page
    assert "push 1: the hub a new account" in page
    assert "loses control" in page
    assert page.index("push 1") < page.index("push 2")


def test_a_bundle_is_printed_with_what_it_opens(make: Make):
    made = document(
        make(
            A={"exports": [stream("ev.>")]},
            B={"imports": [stream(f"ev.{word}", "A") for word in "abc"]},
            C={"imports": [stream("ev.d", "A")]},
        )
    )
    _, page = pages(made)
    assert "bundle: B imports `ev.*` from A in place of 3 subjects" in page
    assert "opens: B reaches, of A, `ev.*`" in page
    assert "others import of it: ev.d" in page


def test_cautions_name_cycles_shared_streams_and_rivals(make: Make):
    page, _ = pages(document(make(**case_accounts("cycle-service-3"))))
    assert "imports that form a cycle" in page
    assert "from C" in page
    page, _ = pages(
        document(
            make(
                A={"exports": [stream("ev.>"), service("r")]},
                X={"exports": [service("r")]},
                B={"imports": [stream("ev.>", "A"), stream("ev.a", "A"), service("r", "A"), service("r", "X")]},
            )
        )
    )
    assert "`ev.a` arrives twice" in page
    assert "every one answers" in page


def test_where_nothing_is_to_be_said_nothing_is(make: Make):
    page, _ = pages(document(make(A={"exports": [stream("s")]}, B={"imports": [stream("s", "A")]})))
    assert page == ""


def test_a_part_of_the_graph_has_the_part_of_the_findings_that_touches_it(make: Make):
    made = document(make(**consumers(12, 6, 2), Z={"exports": [stream("z")]}))
    part = touching(around(made, lambda name, _: name == "Z"))
    assert (part["suggestions"], part["analysis"]["points"]) == ([], [])
    part = touching(around(made, lambda name, _: name == "C3"))
    assert len(part["suggestions"]) == 1


def test_a_hostile_name_stays_on_its_line(make: Make):
    accounts = consumers(12, 6, 2)
    accounts["C0"]["name"] = "x\n\x1b[31mevil"
    _, page = pages(document(make(**accounts)))
    assert "\x1b" not in page
    assert "\nevil" not in page
