"""The page of the graph for a terminal."""

from __future__ import annotations

import pytest
from rich.cells import cell_len

from optimizer.reports.imports import graph_page
from optimizer.reports.style import Style
from tests.cli.conftest import is_printable
from tests.unit.graph.documents import HOSTILE, document, edge, plain


def page(graph, width: int = 100) -> str:
    return graph_page(graph, Style(width=width), next_command="permopt graph -f dot")


def test_accounts_are_listed_with_what_they_take_and_give_the_costliest_first():
    text = page(
        plain(
            edge("A", "B", state="works", token_bytes=10),
            edge("A", "C", state="works", token_bytes=20),
            edge("C", "B", state="refused", token_bytes=15),
        )
    )
    rows = [line.split() for line in text.partition("  account ")[2].partition("\n\n")[0].splitlines()[1:]]
    assert rows == [["B", "2", "25", "1", "-"], ["C", "1", "20", "-", "1"], ["A", "-", "-", "-", "2"]]


def test_islands_are_named_where_there_are_several():
    text = page(plain(edge("A", "B"), edge("C", "B"), edge("D", "E"), alone=["F", "G"]))
    assert "4 islands: parts that no import connects" in text
    assert "  3 accounts: A, B, C\n  2 accounts: D, E\n  2 accounts that no import connects with another: F, G" in text
    assert "island" not in page(plain(edge("A", "B")))


def test_every_broken_import_says_why_up_to_a_screen_of_them():
    text = page(plain(*(edge("A", "B", f"s.{n:03}", reason=f"because {n}.") for n in range(40))))
    assert "because 29." in text
    assert "because 30." not in text
    assert "and 10 more imports; --account narrows, --format json lists all" in text


def test_many_working_imports_are_bundled_and_few_are_not():
    few = page(plain(*(edge("A", "B", f"s.{n}", state="works") for n in range(30))))
    assert "A  ->  B  stream  s.7" in few
    many = page(plain(*(edge("A", "B", f"s.{n}", state="works") for n in range(31))))
    assert "A  ->  B  31 streams  1,550 bytes" in many
    assert "s.7" not in many


@pytest.mark.parametrize("width", [80, 100])
@pytest.mark.parametrize("name", ["N" * 200, "\u540d" * 100, "a.b"], ids=["long", "wide", "short"])
def test_a_page_fits_its_width_whatever_the_names_are(width: int, name: str):
    names = [f"{name}{index}" for index in range(3)]
    for state in ("works", "dropped"):
        text = page(document(*names, reason="so it is", state=state), width)
        assert max(map(cell_len, text.splitlines())) <= width


def test_nothing_on_a_page_moves_a_cursor_or_hides():
    assert is_printable(page(document(*HOSTILE)))


def test_the_page_ends_with_the_next_command():
    assert page(plain()).endswith("next\n  permopt graph -f dot\n")
