from __future__ import annotations

import shutil
import subprocess
from typing import TYPE_CHECKING, Any
from xml.etree import ElementTree as ET

import pytest
from hypothesis import given
from hypothesis import strategies as st

from optimizer import read
from optimizer.graph import build, graph_document
from optimizer.reports.dot import dot
from optimizer.text import printable
from tests.unit.graph.documents import HOSTILE, document, edge, plain
from tests.unit.graph.dot_syntax import parse

if TYPE_CHECKING:
    from collections.abc import Callable

    from optimizer.hierarchy import Hierarchy

    Make = Callable[..., Hierarchy]

NOW = 1_795_000_000


def drawn(graph: dict[str, Any]) -> str:
    """The DOT, checked by the strict reader, and by Graphviz where it is installed."""
    text = dot(graph)
    parse(text)
    if shutil.which("dot"):
        run = subprocess.run(["dot", "-Tcanon"], input=text.encode(), capture_output=True, timeout=60, check=False)
        assert (run.returncode, run.stderr) == (0, b"")
    return text


def test_no_name_breaks_out_of_its_string():
    drawing = parse(drawn(document(*HOSTILE)))
    assert len([name for name in drawing.nodes if name[1:].isdigit() and name[0] == "a"]) == len(HOSTILE)
    for index, name in enumerate(HOSTILE):
        first = drawing.nodes[f"a{index}"]["label"].split("\n")[0]
        shown = printable(name) or f"A{index}..."
        assert first == shown if len(shown) <= 32 else first == shown[:29] + "..."


@given(st.lists(st.text(max_size=40), min_size=1, max_size=3))
def test_any_text_is_shown_as_its_printable_form(names: list[str]):
    drawing = parse(dot(document(*names)))
    for index, name in enumerate(names):
        shown = printable(name)
        if 0 < len(shown) <= 32:
            assert drawing.nodes[f"a{index}"]["label"].startswith(shown + "\n")


def test_graphviz_shows_what_the_strict_reader_reads(tmp_path):
    if shutil.which("dot") is None:
        # The strict reader's word has to do where Graphviz is not installed; see the tests around this one.
        assert parse(dot(document(*HOSTILE))).nodes
        return
    names = [name for name in HOSTILE if name and "\ud800" not in name]
    (tmp_path / "in.dot").write_text(dot(document(*names)))
    svg = subprocess.run(["dot", "-Tsvg", tmp_path / "in.dot"], capture_output=True, timeout=60, check=True).stdout
    texts = {
        "".join(element.itertext()).replace("\xa0", " ")
        for element in ET.fromstring(svg).iter()
        if element.tag.endswith("text")
    }
    for name in names:
        shown = printable(name)
        shown = shown if len(shown) <= 32 else shown[:29] + "..."
        assert shown in texts or " ".join(shown.split()) in {" ".join(text.split()) for text in texts}, shown


def test_parallel_imports_of_one_state_are_one_line_as_wide_as_their_bytes(make: Make):
    bundled = graph_document(
        build(
            make(
                A={"exports": [{"subject": "s.>", "type": "stream"}, {"subject": "v.a", "type": "service"}]},
                B={
                    "imports": [{"subject": f"s.{n}", "type": "stream", "account": "A"} for n in range(40)]
                    + [{"subject": "gone", "type": "stream", "account": "A"}]
                    + [{"subject": "v.a", "type": "service", "account": "A"}]
                },
            ),
            NOW,
        )
    )
    drawing = parse(drawn(bundled))
    lines = {
        attributes["label"]: attributes for source, sink, attributes in drawing.edges if source[0] == sink[0] == "a"
    }
    assert set(lines) == {"40 streams", "gone\ndropped", "v.a"}
    assert float(lines["40 streams"]["penwidth"]) > float(lines["v.a"]["penwidth"]) >= 1
    assert lines["gone\ndropped"]["color"] == lines["gone\ndropped"]["fontcolor"] == "#c62828"
    assert lines["v.a"]["style"] == "dashed"
    assert "no stream export contains `gone`" in lines["gone\ndropped"]["tooltip"]
    assert lines["40 streams"]["tooltip"].endswith("and 25 more")


def test_an_unknown_exporter_and_loose_ends_are_drawn_as_such(make: Make):
    hierarchy = make(
        A={"exports": [{"subject": "s.>", "type": "stream"}]},
        B={"imports": [{"subject": "s.a", "type": "stream", "account": "X"}]},
    )
    drawing = parse(drawn(graph_document(build(hierarchy, NOW))))
    labels = [attributes.get("label", "") for attributes in drawing.nodes.values()]
    assert any(label.endswith("...\nnot in the source") for label in labels)
    assert any(attributes.get("label") == "1 unused export" for _, _, attributes in drawing.edges)
    assert any(attributes.get("label") == "s.a\nunknown" for _, _, attributes in drawing.edges)


def test_acme_is_drawn_with_every_account_and_a_legend():
    text = drawn(graph_document(build(read("corpus/acme", now=NOW), NOW)))
    drawing = parse(text)
    assert {node["label"].split("\n")[0] for node in drawing.nodes.values() if "bytes" in node.get("label", "")} == {
        "SYS", "EDGE", "BILLING", "LOYALTY", "ORDERS", "ORDERS_US", "ORDERS_EU", "WAREHOUSE", "PAYMENTS", "ANALYTICS"
    }  # fmt: skip
    assert "cluster_legend" in text


def test_an_account_that_nothing_connects_stands_in_a_box_of_its_own():
    text = drawn(plain(edge("A1", "A2"), alone=["A3"]))
    box = text.partition("cluster_alone {")[2].partition("}")[0]
    assert "a2 [" in box
    assert "a0 [" not in box
    assert "cluster_alone" not in drawn(plain(edge("A1", "A2")))


def large(count: int = 61, **more: Any) -> dict[str, Any]:
    """A ring of accounts of two families."""
    found = plain(*(edge(f"A{index}", f"A{(index + 1) % count}", state="works", **more) for index in range(count)))
    for index, node in enumerate(found["nodes"]):
        node["name"] = f"{('ORDERS', 'STOCK')[index % 2]}_{index}"
    return found


def test_a_large_graph_is_drawn_by_forces_and_a_small_one_in_ranks():
    assert 'layout="sfdp"' in drawn(large())
    assert 'layout="sfdp"' not in drawn(large(60))
    assert 'layout="sfdp"' in drawn(plain(*(edge(f"A{x}", f"A{y}") for x in range(13) for y in range(13))))


def test_in_a_large_graph_broken_lines_come_last_thicker_and_red():
    graph = large()
    graph["edges"][:3] = [
        edge("A0", "A1", state="dropped", token_bytes=1),
        edge("A1", "A2", state="refused", token_bytes=1),
        edge("A2", "A3", state="unknown", token_bytes=1),
    ]
    lines = [look for source, sink, look in parse(drawn(graph)).edges if source[0] == sink[0] == "a"]
    assert [look.get("color") for look in lines[-3:]] == ["#b26a00b0", "#c62828", "#c62828"]
    assert all("color" not in look for look in lines[:-3])
    assert float(lines[-1]["penwidth"]) > float(lines[0]["penwidth"])


def test_a_large_graph_has_names_tooltips_a_legend_and_no_labels_on_its_lines():
    graph = large(subject="very.long." * 20)
    graph["nodes"][0] |= {"kind": "unknown", "name": "", "token_bytes": None}
    graph["nodes"][1] |= {"refusal": "it has 2 imports and is allowed 1"}
    graph["unused_exports"] = [{"account": "A2", "type": "stream", "subject": "gone.>", "private": False}]
    drawing = parse(drawn(graph))
    assert all("label" not in look and look["tooltip"] for source, _, look in drawing.edges if source[0] == "a")
    assert drawing.nodes["a0"]["label"] == "A0..."
    assert drawing.nodes["a1"]["label"].endswith("token refused")
    assert "gone.>" in next(
        look["tooltip"] for look in drawing.nodes.values() if look.get("tooltip", "").find("A2\n") > 0
    )
    assert {look["label"] for name, look in drawing.nodes.items() if name[0] == "l"} >= {"legend", "stream"}


def test_families_of_names_have_one_fill_each():
    nodes = [look for name, look in parse(drawn(large())).nodes.items() if name[0] == "a"]
    fills = {look["label"].split("_")[0]: look["fillcolor"] for look in nodes}
    assert len(set(fills.values())) == 2
    assert all(look["fillcolor"] == fills[look["label"].split("_")[0]] for look in nodes)


def test_no_name_breaks_out_of_a_large_graph():
    names = [*HOSTILE, *map(str, range(60))]
    drawing = parse(drawn(document(*names)))
    assert 'layout="sfdp"' in dot(document(*names))
    for index, name in enumerate(names):
        shown = printable(name) or f"A{index}..."
        assert drawing.nodes[f"a{index}"]["label"].split("\n")[0] == (shown if len(shown) <= 22 else shown[:19] + "...")


@pytest.mark.parametrize(
    "text", ['a [label="x" label="y"];', "a [label=<b>x</b>];", 'a [label="x"]; /*', 'a [label="\\N"];', "a"]
)
def test_the_strict_reader_is_strict(text: str):
    with pytest.raises((AssertionError, IndexError, KeyError)):
        parse("digraph g {\n" + text + "\n}")
