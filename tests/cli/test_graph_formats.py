"""``permopt graph`` in every format, with every filter."""

from __future__ import annotations

import json
import shutil
import stat
from xml.etree import ElementTree as ET

import networkx as nx
import pytest

from tests.unit.graph import dot_syntax, mermaid_syntax

READERS = {
    "dot": lambda text: len(dot_syntax.parse(text).edges) - 4,
    "mermaid": lambda text: len(mermaid_syntax.parse(text).links),
    "graphml": lambda text: nx.parse_graphml(text, force_multigraph=True).number_of_edges(),
    "node-link": lambda text: nx.node_link_graph(json.loads(text), edges="edges").number_of_edges(),
    "json": lambda text: len(json.loads(text)["edges"]),
}


@pytest.mark.parametrize("form", READERS)
def test_each_format_is_read_back_and_filters_apply_to_it(permopt, shop, form):
    def count(*words: str) -> int:
        typed = permopt("graph", shop.root, "-f", form, *words)
        assert (typed.status, typed.err) == (0, "")
        return READERS[form](typed.out)

    assert count() == 2
    assert count("--broken") == 1
    assert count("--type", "service") == 0
    assert count("--type", "stream", "--account", "CLEAN", "--depth", "3") == 2
    assert count("--account", "CLEAN", "--depth", "0") == 0


def test_the_page_takes_the_filters_and_hands_them_on(permopt, shop):
    typed = permopt("graph", shop.root, "--account", "CLE*", "--depth", "2", "--type", "stream", "--broken")
    assert "imports: works" not in typed.out
    assert typed.out.endswith(
        f"permopt graph {shop.root} --account 'CLE*' --depth 2 --type stream --broken --format dot -o imports.dot\n"
    )


def test_an_unknown_account_is_2_with_the_one_that_was_meant(permopt, shop):
    typed = permopt("graph", shop.root, "--account", "CLEEN", "-f", "mermaid")
    assert (typed.status, typed.out) == (2, "")
    assert "did you mean `CLEAN`?" in typed.err


def test_an_account_that_is_only_imported_from_can_be_named_by_its_key(permopt, shop):
    (shop.path / "accounts/ORDERS/ORDERS.jwt").unlink()
    key = permopt("graph", shop.root, "-f", "json").json["edges"][0]["exporter"]
    assert len(permopt("graph", shop.root, "-f", "json", "--account", key).json["edges"]) == 2


def test_an_account_whose_name_is_a_glob_can_be_named(permopt, shop):
    shop.account("[a-z]")
    nodes = permopt("graph", shop.root, "-f", "json", "--account", "[a-z]").json["nodes"]
    assert [node["name"] for node in nodes] == ["[a-z]"]
    shop.account("OR*")
    typed = permopt("graph", shop.root, "--from", "OR*", "--subject", "a")
    assert (typed.status, 'publish "OR*" `a`' in typed.out) == (0, True)


def test_depth_without_account_is_2(permopt, shop):
    typed = permopt("graph", shop.root, "--depth", "2")
    assert typed.status == 2
    assert "add --account NAME" in typed.err


def test_without_graphviz_svg_is_2_with_what_to_install_and_dot_is_still_written(permopt, shop, monkeypatch, tmp_path):
    monkeypatch.setenv("PATH", str(tmp_path))
    typed = permopt("graph", shop.root, "-f", "svg", "-o", "graph.svg")
    assert (typed.status, typed.out) == (2, "")
    assert "install the package `graphviz`" in typed.err
    assert "--format dot" in typed.err
    assert len(typed.err.strip().splitlines()) <= 2
    assert not (tmp_path / "graph.svg").exists()
    assert permopt("graph", shop.root, "-f", "dot", "-o", "graph.dot").status == 0


def fake_dot(tmp_path, monkeypatch, script: str) -> None:
    program = tmp_path / "bin" / "dot"
    program.parent.mkdir()
    program.write_text(f"#!/bin/sh\n{script}\n")
    program.chmod(program.stat().st_mode | stat.S_IXUSR)
    monkeypatch.setenv("PATH", f"{program.parent}:/usr/bin:/bin")


def test_svg_is_what_dot_makes_of_the_dot_format(permopt, shop, monkeypatch, tmp_path):
    expected = permopt("graph", shop.root, "-f", "dot").out
    fake_dot(tmp_path, monkeypatch, 'echo "<svg>$1"; cat; echo "</svg>"')
    assert permopt("graph", shop.root, "-f", "svg").out == f"<svg>-Tsvg\n{expected}</svg>\n"


def test_a_graphviz_that_fails_is_told_in_one_line(permopt, shop, monkeypatch, tmp_path):
    fake_dot(tmp_path, monkeypatch, "printf 'cannot \\033[31mdo\\nit' >&2; exit 1")
    typed = permopt("graph", shop.root, "-f", "svg")
    assert (typed.status, typed.out) == (3, "")
    assert "Graphviz failed: cannot \\x1b[31mdo" in typed.err


def test_real_graphviz_draws_every_account(permopt, shop, tmp_path):
    typed = permopt("graph", shop.root, "-f", "svg", "-o", "graph.svg")
    if shutil.which("dot") is None:
        assert typed.status == 2
        return
    assert typed.status == 0
    texts = {"".join(each.itertext()) for each in ET.fromstring((tmp_path / "graph.svg").read_bytes()).iter()}
    assert {"ORDERS", "CLEAN"} <= texts


def test_a_chart_that_code_hosts_do_not_draw_says_so(permopt, shop):
    shop.account("WIDE", exports=[{"name": f"s{n}", "subject": f"s.{n}", "type": "stream"} for n in range(3)])
    assert permopt("graph", shop.root, "-f", "mermaid").err == ""
    wide = permopt("graph", shop.root, "-f", "json").json
    key = next(node["key"] for node in wide["nodes"] if node["name"] == "WIDE")
    for number in range(600):
        shop.account(
            f"N{number}",
            imports=[{"name": "s", "subject": "s.0", "account": key, "type": "stream"}],
        )
    typed = permopt("graph", shop.root, "-f", "mermaid")
    assert typed.status == 0
    assert "narrow it with --account" in typed.err


def test_bytes_to_save_are_named_with_hubs_alone(permopt, shop):
    typed = permopt("graph", shop.root, "--save", "100")
    assert (typed.status, typed.out) == (2, "")
    assert "add --hubs" in typed.err
    typed = permopt("graph", shop.root, "--hubs", "--broken")
    assert (typed.status, typed.out) == (2, "")
    assert "imports that work, which --broken leaves out" in typed.err


def test_of_what_can_be_saved_as_little_is_opened_as_the_bytes_wanted_take(permopt, shop):
    exports = [{"name": f"e{n}", "subject": f"e{n}.>", "type": "stream"} for n in range(3)]
    shop.account("GIVER", exports=exports)
    key = next(
        node["key"] for node in permopt("graph", shop.root, "-f", "json").json["nodes"] if node["name"] == "GIVER"
    )
    taken = [
        {"name": f"e{n}.{word}", "subject": f"e{n}.{word}", "account": key, "type": "stream"}
        for n in range(3)
        for word in "abcd"[: 2 + n]
    ]
    shop.account("TAKER", imports=taken)
    everything = permopt("graph", shop.root, "-f", "json", "--hubs").json
    some = permopt("graph", shop.root, "-f", "json", "--hubs", "--save", "100").json
    assert (len(everything["suggestions"]), len(some["suggestions"])) == (3, 1)
    assert any("of the 100 bytes wanted these save" in remark for remark in some["remarks"])
    more = permopt("graph", shop.root, "--hubs", "--save", "1000000")
    assert "all that was found does not save more" in " ".join(more.out.split())


@pytest.mark.parametrize("words", [("graph", "-f", "svg"), ("graph",), ("propose",), ("rules",)])
def test_a_file_in_a_directory_that_is_missing_is_3_in_one_line_and_nothing_is_made(permopt, shop, tmp_path, words):
    command, *rest = words
    where = [] if command == "rules" else [shop.root]
    typed = permopt(command, *where, *rest, "-o", tmp_path / "none" / "x")
    assert (typed.status, typed.out) == (3, "")
    assert f"cannot be written: there is no directory `{tmp_path / 'none'}`" in typed.err
    assert len(typed.err.splitlines()) == 2
    assert not (tmp_path / "none").exists()
