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
from tests.unit.graph.dot_syntax import parse

if TYPE_CHECKING:
    from collections.abc import Callable

    from optimizer.hierarchy import Hierarchy

    Make = Callable[..., Hierarchy]

NOW = 1_795_000_000
HOSTILE = (
    'a" [label="forged"]; evil [label="x',
    'a\\" ]; evil',
    "ends with a backslash \\",
    "two \\\\",
    r"\N \G \l \r \L \T \H",
    "<b>bold</b>",
    "&lt;b&gt; &#x41; &amp;",
    "]; } digraph evil {",
    "/* comment",
    "# line\n# line",
    "a -> b; //",
    "\x1b[31mred\x00",
    "\u202egnp.exe",
    "café ☃",
    "\ud800",
    "x" * 10_000,
    "${HOME} `id` $(id)",
    "",
)


def drawn(document: dict[str, Any]) -> str:
    """The DOT, checked by the strict reader, and by Graphviz where it is installed."""
    text = dot(document)
    parse(text)
    if shutil.which("dot"):
        run = subprocess.run(["dot", "-Tcanon"], input=text.encode(), capture_output=True, timeout=60, check=False)
        assert (run.returncode, run.stderr) == (0, b"")
    return text


def of(*names: str) -> dict[str, Any]:
    """A document of accounts of these names in a ring of imports, each name a subject and a reason too."""
    keys = [f"A{index}" for index in range(len(names))]
    nodes = [
        {"key": key, "name": name, "kind": "known", "token_bytes": 100, "refusal": name}
        for key, name in zip(keys, names, strict=True)
    ]
    edges = [
        {
            "exporter": key,
            "importer": keys[index - 1],
            "type": "stream",
            "export_subject": name,
            "import_subject": name,
            "local_subject": name + "2",
            "state": "dropped",
            "reason": name,
            "private": True,
            "share": False,
            "token_bytes": 50,
        }
        for index, (key, name) in enumerate(zip(keys, names, strict=True))
    ]
    unused = [
        {"account": key, "type": "stream", "subject": name, "private": False}
        for key, name in zip(keys, names, strict=True)
    ]
    return {"nodes": nodes, "edges": edges, "unused_exports": unused}


def test_no_name_breaks_out_of_its_string():
    drawing = parse(drawn(of(*HOSTILE)))
    assert len([name for name in drawing.nodes if name[1:].isdigit() and name[0] == "a"]) == len(HOSTILE)
    for index, name in enumerate(HOSTILE):
        first = drawing.nodes[f"a{index}"]["label"].split("\n")[0]
        shown = printable(name) or f"A{index}..."
        assert first == shown if len(shown) <= 32 else first == shown[:29] + "..."


@given(st.lists(st.text(max_size=40), min_size=1, max_size=3))
def test_any_text_is_shown_as_its_printable_form(names: list[str]):
    drawing = parse(dot(of(*names)))
    for index, name in enumerate(names):
        shown = printable(name)
        if 0 < len(shown) <= 32:
            assert drawing.nodes[f"a{index}"]["label"].startswith(shown + "\n")


def test_graphviz_shows_what_the_strict_reader_reads(tmp_path):
    if shutil.which("dot") is None:
        # The strict reader's word has to do where Graphviz is not installed; see the tests around this one.
        assert parse(dot(of(*HOSTILE))).nodes
        return
    names = [name for name in HOSTILE if name and "\ud800" not in name]
    (tmp_path / "in.dot").write_text(dot(of(*names)))
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
    document = graph_document(
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
    drawing = parse(drawn(document))
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


@pytest.mark.parametrize(
    "text", ['a [label="x" label="y"];', "a [label=<b>x</b>];", 'a [label="x"]; /*', 'a [label="\\N"];', "a"]
)
def test_the_strict_reader_is_strict(text: str):
    with pytest.raises((AssertionError, IndexError, KeyError)):
        parse("digraph g {\n" + text + "\n}")
