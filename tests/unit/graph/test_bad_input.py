"""What no tidy store holds is drawn as it is, or told in one line."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any
from xml.etree import ElementTree as ET

import pytest

from optimizer.graph import build, graph_document
from optimizer.graph.exchange import graphml, node_link
from optimizer.reports.dot import dot
from optimizer.reports.imports import graph_page
from optimizer.reports.mermaid import mermaid
from optimizer.reports.style import Style
from tests import signing
from tests.unit.graph import dot_syntax, mermaid_syntax

if TYPE_CHECKING:
    from collections.abc import Callable

    from optimizer.hierarchy import Hierarchy

    Make = Callable[..., Hierarchy]

NOW = 1_795_000_000


def stream(subject: str, **more: Any) -> dict[str, Any]:
    return {"subject": subject, "type": "stream", **more}


def service(subject: str, **more: Any) -> dict[str, Any]:
    return {"subject": subject, "type": "service", **more}


def everywhere(hierarchy: Hierarchy) -> tuple[dict[str, Any], str]:
    """The document and the page, every other format parsed on the way."""
    document = graph_document(build(hierarchy, NOW))
    dot_syntax.parse(dot(document))
    mermaid_syntax.parse(mermaid(document))
    ET.fromstring(graphml(document))
    assert len(node_link(document)["edges"]) == len(document["edges"])
    return document, graph_page(document, Style(), next_command="permopt graph")


def test_an_import_from_an_account_that_nobody_knows_is_unknown_and_shows_its_key(make: Make):
    document, page = everywhere(make(B={"imports": [stream("s.a", account="A")]}))
    assert [edge["state"] for edge in document["edges"]] == ["unknown"]
    assert "1 account, 1 import (" in page
    assert f"{str(signing.account('A'))[:8]}..." in page
    assert "the exporter's token is not in the source" in page


def test_an_account_that_imports_from_itself_is_a_loop_in_every_drawing(make: Make):
    document, page = everywhere(
        make(A={"exports": [stream("s.a")], "imports": [stream("s.a", account="A", local_subject="l.a")]})
    )
    assert [(edge["exporter"], edge["state"]) for edge in document["edges"]] == [(str(signing.account("A")), "works")]
    assert ("a0", "a0") in {(source, sink) for source, sink, _ in dot_syntax.parse(dot(document)).edges}
    assert mermaid_syntax.parse(mermaid(document)).links[0][::3] == ("a0", "a0")
    assert "A  ->  A  stream  s.a as l.a" in page
    assert "island" not in page


def test_an_import_from_oneself_is_not_taken_for_a_cycle_with_itself(make: Make):
    exports = [stream("s.a"), service("v.a"), service("w.>")]
    itself = [stream("s.a", account="A"), service("v.a", account="A")]
    document, page = everywhere(make(A={"exports": exports, "imports": itself}))
    assert {edge["state"] for edge in document["edges"]} == {"works"}
    assert "cycle" not in page
    again = [service("w.a", account="A", local_subject="w.b"), service("w.b", account="A", local_subject="w.c")]
    document, _ = everywhere(make(A={"exports": exports, "imports": again}))
    assert [(edge["import_subject"], edge["state"]) for edge in document["edges"]] == [
        ("w.a", "unknown"),
        ("w.b", "works"),
    ]


def test_an_exporter_that_is_named_by_a_few_letters_is_shown_by_them(make: Make):
    hierarchy = make(B={"imports": [stream("s.a", account="A")]})
    document = graph_document(build(hierarchy, NOW))
    text = json.dumps(document).replace(str(signing.account("A")), "nokey")
    assert "nokey  ->  B" in graph_page(json.loads(text), Style(), next_command="permopt graph")


def test_two_accounts_of_one_name_are_two_and_told_apart_by_their_keys(make: Make):
    document, page = everywhere(
        make(
            A={"name": "TWIN", "exports": [stream("s.a")]},
            B={"name": "TWIN", "imports": [stream("s.a", account="A")]},
        )
    )
    assert [node["name"] for node in document["nodes"]] == ["TWIN", "TWIN"]
    for letter in "AB":
        assert f"TWIN ({str(signing.account(letter))[:8]}...)" in page


def parallel(make: Make, count: int) -> Hierarchy:
    return make(
        A={"exports": [stream(f"s.{n}") for n in range(0, count, 2)]},
        B={"imports": [stream(f"s.{n}", account="A") for n in range(count)]},
    )


def lines(document: dict[str, Any]) -> dict[str, str]:
    drawn = dot_syntax.parse(dot(document)).edges
    return {look["label"]: look["tooltip"] for source, sink, look in drawn if source[0] == sink[0] == "a"}


def test_thousands_of_parallel_imports_are_a_line_a_state_that_names_some_and_counts_the_rest(make: Make):
    document, page = everywhere(parallel(make, 6_000))
    assert len(document["edges"]) == 6_000
    assert set(lines(document)) == {"3,000 streams", "3,000 streams\ndropped"}
    assert all(tooltip.endswith("and 2985 more") for tooltip in lines(document).values())
    assert len(page.splitlines()) < 100
    assert "and 2,970 more imports" in page


def test_ten_thousand_make_a_token_that_no_server_reads_and_are_one_line_that_says_so(make: Make):
    document, page = everywhere(parallel(make, 10_000))
    assert len(document["edges"]) == 10_000
    assert set(lines(document)) == {"10,000 streams\nrefused"}
    assert "nats-server 2.12.15 reads none above 1048576" in page


@pytest.mark.parametrize("tokens", [32, 33, 600])
def test_subjects_of_very_many_tokens_are_resolved_and_shortened(make: Make, tokens: int):
    subject = ".".join(["t"] * tokens)
    wide = ".".join(["t"] * (tokens - 1) + ["*"])
    document, page = everywhere(
        make(A={"exports": [stream(wide)]}, B={"imports": [stream(subject, account="A"), stream("t.>", account="A")]})
    )
    states = {edge["import_subject"]: edge["state"] for edge in document["edges"]}
    assert states == {subject: "works", "t.>": "dropped"}
    assert max(map(len, page.splitlines())) <= 100


def test_what_the_limits_refuse_is_refused_and_says_which_limit(make: Make):
    refused = make(
        A={"exports": [stream("s.>"), service("v.a")]},
        B={
            "imports": [stream("s.a", account="A"), stream("s.b", account="A")],
            "limits": {**signing.NO_LIMITS, "imports": 1},
        },
    )
    document, page = everywhere(refused)
    assert {edge["state"] for edge in document["edges"]} == {"refused"}
    assert "account B is refused: it has 2 imports and is allowed 1" in page
    for limits, why in (({"exports": 1}, "2 exports and is allowed 1"), ({"exports": 5, "wildcards": False}, "`s.>`")):
        exporter = {"exports": [stream("s.>"), service("v.a")], "limits": {**signing.NO_LIMITS, **limits}}
        (edge,) = graph_document(build(make(A=exporter, B={"imports": [stream("s.a", account="A")]}), NOW))["edges"]
        assert (edge["state"], why in edge["reason"]) == ("dropped", True)


def test_a_tail_that_is_not_last_is_no_wildcard_to_the_limit(make: Make):
    exporter = {
        "exports": [stream("s.a"), stream("x.>.y")],
        "limits": {**signing.NO_LIMITS, "exports": 5, "wildcards": False},
    }
    (edge,) = graph_document(build(make(A=exporter, B={"imports": [stream("s.a", account="A")]}), NOW))["edges"]
    assert edge["state"] == "works"
