"""GraphML, node-link JSON and Mermaid: no name breaks out, nothing is lost, the same store gives the same bytes."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import Any
from xml.etree import ElementTree as ET

import networkx as nx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from optimizer.graph.exchange import graphml, node_link
from optimizer.reports.dot import dot
from optimizer.reports.json import text_of
from optimizer.reports.mermaid import mermaid
from optimizer.text import printable
from tests.unit.graph import mermaid_syntax
from tests.unit.graph.documents import HOSTILE, document, edge, node, plain

XML = "{http://graphml.graphdrawing.org/xmlns}"


def test_graphml_is_well_formed_whatever_a_name_is_and_shows_what_xml_cannot_hold():
    root = ET.fromstring(graphml(document(*HOSTILE)))
    graph = root.find(f"{XML}graph")
    names = {key.get("id"): key.get("attr.name") for key in root.iter(f"{XML}key")}
    found = [
        {names[data.get("key")]: data.text or "" for data in element.iter(f"{XML}data")}
        for element in graph.iter(f"{XML}node")
    ]
    assert [each["name"] for each in found] == [printable(name) for name in HOSTILE]
    subjects = [
        data.text or ""
        for element in graph.iter(f"{XML}edge")
        for data in element.iter(f"{XML}data")
        if names[data.get("key")] == "import_subject"
    ]
    assert sorted(subjects) == sorted(printable(name) for name in HOSTILE)


def test_graphml_is_read_back_by_networkx_with_every_value_of_its_type():
    drawn = plain(edge("A1", "A2"), edge("A1", "A2", "s.b", private=None, export_subject=None), alone=["A3"])
    drawn["unused_exports"] = [{"account": "A3", "type": "stream", "subject": "x", "private": False}]
    graph = nx.parse_graphml(graphml(drawn), force_multigraph=True)
    by_key = {data["key"]: name for name, data in graph.nodes(data=True)}
    assert graph.nodes[by_key["A3"]]["unused_exports"] == 1
    first, second = (graph.edges[by_key["A1"], by_key["A2"], key] for key in ("e0", "e1"))
    assert first["private"] is True
    assert first["token_bytes"] == 50
    assert "private" not in second
    assert "export_subject" not in second


def test_graphml_names_an_account_by_its_key_and_what_is_no_key_by_its_place():
    key = "A" + "B" * 55
    ids = [element.get("id") for element in ET.fromstring(graphml(plain(edge(key, 'no "key" <')))).iter(f"{XML}node")]
    assert ids == [key, "n1"]


def test_node_link_keeps_every_name_exact_and_is_read_back_by_networkx():
    text = text_of(node_link(document(*HOSTILE)))
    assert text.isascii()
    graph = nx.node_link_graph(json.loads(text), edges="edges")
    assert isinstance(graph, nx.MultiDiGraph)
    assert [data["name"] for _, data in graph.nodes(data=True)] == list(HOSTILE)
    assert {data["reason"] for *_, data in graph.edges(data=True)} == set(HOSTILE)


def label(name: str) -> str:
    shown = printable(name)
    return shown if len(shown) <= 32 else shown[:29] + "..."


def test_no_name_breaks_a_mermaid_chart():
    chart = mermaid_syntax.parse(mermaid(document(*HOSTILE)))
    for index, name in enumerate(HOSTILE):
        assert chart.nodes[f"a{index}"].split("\n")[0] == (label(name) or f"A{index}...")
    assert [text.split("\n")[0] for _, _, text, _ in chart.links] == [label(name) or " " for name in HOSTILE]


@given(st.lists(st.text(max_size=40), min_size=1, max_size=3))
def test_any_text_is_shown_by_mermaid_as_its_printable_form(names: list[str]):
    chart = mermaid_syntax.parse(mermaid(document(*names)))
    assert [chart.nodes[f"a{index}"].split("\n")[0] for index in range(len(names))] == [
        label(name) or f"A{index}..." for index, name in enumerate(names)
    ]


@given(st.lists(st.text(max_size=40), min_size=1, max_size=3))
def test_any_text_makes_well_formed_graphml(names: list[str]):
    assert len(list(ET.fromstring(graphml(document(*names))).iter(f"{XML}node"))) == len(names)


def test_mermaid_bundles_parallel_imports_and_marks_types_and_states():
    drawn = plain(
        edge("A1", "A2", "s.a", state="works"),
        edge("A1", "A2", "s.b", state="works"),
        edge("A1", "A2", "v.a", type="service", state="works"),
        edge("A2", "A2", "s.x", state="refused"),
    )
    chart = mermaid_syntax.parse(mermaid(drawn))
    assert chart.links == [
        ("a0", "-->", "2 streams\n100 bytes", "a1"),
        ("a0", "-.->", "v.a\n50 bytes", "a1"),
        ("a1", "-->", "s.x\nrefused\n50 bytes", "a1"),
    ]
    assert chart.looks[:3] == ["#37474f", "#37474f", "#c62828"]


@pytest.mark.parametrize(
    "line",
    [
        '  a0["x"y"]:::known',
        '  a0["x<b>"]:::known',
        '  a0["x#quot;"]:::known',
        "  a0[x]:::known",
        '  a0["x"]:::nowhere',
        '  a0 -->|"x"| a1',
        "  linkStyle 0 stroke:#c62828,stroke-width:2px",
        "  %% comment",
    ],
)
def test_the_strict_reader_of_mermaid_is_strict(line: str):
    with pytest.raises(AssertionError):
        mermaid_syntax.parse(f"flowchart LR\n{line}\n")


@pytest.mark.parametrize("write", [dot, mermaid, graphml, lambda empty: text_of(node_link(empty))])
def test_a_graph_of_nothing_is_written_too(write: Any):
    assert write(plain())


def test_every_format_is_the_same_in_every_process():
    script = (
        "from optimizer import read; from optimizer.graph import build, graph_document;"
        "from optimizer.graph.exchange import graphml, node_link; from optimizer.reports.mermaid import mermaid;"
        "from optimizer.reports.dot import dot; from optimizer.reports.json import text_of;"
        "from optimizer.reports.imports import graph_page; from optimizer.reports.style import Style;"
        "d = graph_document(build(read('corpus/acme', now=1795000000), 1795000000));"
        "print(graphml(d), text_of(node_link(d)), mermaid(d), dot(d), graph_page(d, Style(), next_command=''))"
    )
    found = {
        subprocess.run(
            [sys.executable, "-c", script], env={"PYTHONHASHSEED": seed}, capture_output=True, check=True
        ).stdout
        for seed in ("1", "2")
    }
    assert len(found) == 1


def test_an_account_of_unknown_kind_has_no_size_in_graphml():
    drawn = plain(nodes=[node("A1", "", kind="unknown", token_bytes=None)])
    assert "token_bytes" not in graphml(drawn)
