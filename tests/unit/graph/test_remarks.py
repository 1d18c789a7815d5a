"""The page and the document of what the graph suggests and warns of."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import jsonschema

from optimizer.graph import build, graph_document
from optimizer.graph.analysis import analysis
from optimizer.graph.consolidate import suggestions
from optimizer.graph.narrow import around, beyond, of_type, within
from optimizer.graph.remarks import analysis_member, consolidation_members, share
from optimizer.reports.consolidation import cautions, consolidation_page
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


def narrowed(hierarchy: Hierarchy, part_of: Callable[[dict[str, Any]], dict[str, Any]]) -> dict[str, Any]:
    graph = build(hierarchy, NOW)
    whole = graph_document(graph)
    part = part_of(whole)
    about = within(part)
    part |= {"analysis": analysis_member(analysis(graph, hierarchy, NOW).about(about))}
    part |= consolidation_members(suggestions(graph, hierarchy, about=about))
    part |= {"beyond": beyond(part, whole)}
    jsonschema.validate(part, json.loads(SCHEMA.read_text()))
    return part


def pages(made: dict[str, Any]) -> tuple[str, str]:
    name = names(made)
    return cautions(made, Style(), name), consolidation_page(made, Style(), name)


def test_a_hub_is_printed_with_its_price_its_losses_and_the_order_of_pushes(make: Make):
    made = document(make(**consumers(12, 6, 2)))
    (hub,) = made["suggestions"]
    _, page = pages(made)
    assert f"bytes {hub['bytes_before']:,} -> {hub['bytes_after']:,}" in page
    assert "imports 144 -> 24" in page
    assert "push 1: the hub is a new account that imports" in page
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
    whole = make(**consumers(12, 6, 2), Z={"exports": [stream("z")]})
    part = narrowed(whole, lambda made: around(made, lambda name, _: name == "Z"))
    assert (part["suggestions"], part["analysis"]["points"], part["beyond"]) == ([], [], [])
    part = narrowed(whole, lambda made: around(made, lambda name, _: name == "C3"))
    assert len(part["suggestions"]) == 1
    assert {point["imports"] for point in part["analysis"]["points"]} == {2}


def test_accounts_that_findings_name_outside_the_part_are_named(make: Make):
    part = narrowed(make(**consumers(12, 6, 2)), lambda made: around(made, lambda name, _: name == "C3"))
    (hub,) = part["suggestions"]
    nodes = {node["key"] for node in part["nodes"]}
    assert set(hub["members"]) - nodes == {each["key"] for each in part["beyond"]}
    assert {each["name"] for each in part["beyond"]} == {f"C{number}" for number in range(12)} - {"C3"}


def test_the_streams_of_a_graph_have_no_findings_of_services(make: Make):
    whole = make(
        A={"exports": [stream("ev.>"), service("r")]},
        X={"exports": [service("r")]},
        B={"imports": [stream("ev.>", "A"), stream("ev.a", "A"), service("r", "A"), service("r", "X")]},
    )
    part = narrowed(whole, lambda made: of_type(made, "stream"))
    assert (len(part["analysis"]["overlaps"]), part["analysis"]["responders"]) == (1, [])
    assert [point["imports"] for point in part["analysis"]["points"]] == [2]
    assert all("service" not in remark and "hub pays" not in remark for remark in part["remarks"])
    part = narrowed(whole, lambda made: of_type(made, "service"))
    assert (part["analysis"]["overlaps"], len(part["analysis"]["responders"])) == ([], 1)
    assert all("stream imports" not in remark for remark in part["remarks"])


def test_a_suggestion_of_little_worth_is_told_of_the_account_it_concerns(make: Make):
    accounts: dict[str, Any] = {"A": {"exports": [stream("ev.>"), stream("few.>")]}}
    accounts |= {f"B{n}": {"imports": [stream(f"ev.{w}", "A") for w in "abcdefgh"]} for n in range(5)}
    accounts["C"] = {"imports": [stream("few.a", "A"), stream("few.b", "A")]}
    whole = make(**accounts)
    graph = build(whole, NOW)
    taker = next(key for key, one in whole.accounts.items() if one.claims.name == "C")
    about = within(around(graph_document(graph), lambda name, _: name == "C"))
    (found,) = suggestions(graph, whole, most=5, about=about).suggestions
    assert found.members[1] == taker
    assert taker not in {each.members[1] for each in suggestions(graph, whole, most=5).suggestions}


def test_known_subjects_beyond_those_named_are_counted(make: Make):
    made = document(
        make(
            A={"exports": [stream("ev.>")]},
            B={"imports": [stream(f"ev.{word}", "A") for word in "abc"]},
            **{f"C{n}": {"imports": [stream(f"ev.c{n}", "A")]} for n in range(25)},
        )
    )
    (bundle,) = made["suggestions"]
    assert (len(bundle["known"]), bundle["known_more"]) == (20, 5)
    assert " and 5 more" in pages(made)[1]


def test_a_hub_that_saves_little_is_not_said_to_save_nothing():
    assert (share(997, 1000), share(50, 100), share(1000, 1000)) == ("99.7 per cent", "50 per cent", "100 per cent")
    assert [share(part, 100_000) for part in (99_999, 100_001, 100, 1, 0)] == [
        "under 100 per cent",
        "over 100 per cent",
        "0.1 per cent",
        "under 0.1 per cent",
        "0 per cent",
    ]


def test_names_that_change_are_told_in_a_sentence(make: Make):
    _, page = pages(document(make(**consumers(12, 6, 2, root="s{}"))))
    assert "clients of the consumers must write `hub.` before every name" in " ".join(page.split())


def test_a_hostile_name_stays_on_its_line(make: Make):
    accounts = consumers(12, 6, 2)
    accounts["C0"]["name"] = "x\n\x1b[31mevil"
    _, page = pages(document(make(**accounts)))
    assert "\x1b" not in page
    assert "\nevil" not in page
