"""The import graph as a page for a terminal: who takes what from whom, and what the server drops or refuses."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

from optimizer.reports import words
from optimizer.reports.style import Style, columns

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

Document = dict[str, Any]

_STATES = ("refused", "dropped", "unknown", "works")
_LOOK = {"refused": "red", "dropped": "red", "unknown": "yellow", "works": "green"}
_MEANS = {
    "works": "the server resolves it",
    "dropped": "the server drops it without a word",
    "refused": "the server refuses the importer's whole token",
    "unknown": "cannot be known from this source",
}


def graph_page(document: Mapping[str, Any], style: Style, *, next_command: str, remarks: str = "") -> str:
    """A ``permopt.graph.v1`` document as a page.

    Parameters
    ----------
    document
        From `optimizer.graph.graph_document`, perhaps narrowed by `of_accounts`.
    style
        Of the terminal.
    next_command
        What to type next.
    remarks
        Further parts of the page, from `optimizer.reports.consolidation`.
    """
    name = names(document)
    edges, nodes = document["edges"], document["nodes"]
    known = [node for node in nodes if node["token_bytes"] is not None]
    states = Counter(edge["state"] for edge in edges)
    size = sum(edge["token_bytes"] for edge in edges)
    lines = [f"{words.quantity(len(known), 'account')}, {words.quantity(len(edges), 'import')} ({words.size(size)})"]
    rows = [(state, f"{states[state]:,}", _MEANS[state]) for state in _STATES if states[state]]
    lines += columns(rows, right=frozenset({1}))
    for node in nodes:
        if node["refusal"]:
            why = f"account {name(node['key'])} is refused: {words.shown(node['refusal'], 300)}"
            lines += ["", *style.wrapped(style.paint(why, "red"), 0, 2)]
    for state in _STATES:
        these = sorted((edge for edge in edges if edge["state"] == state), key=lambda edge: _order(edge, name))
        if these:
            lines += ["", style.paint(f"imports: {state}", "bold", _LOOK[state])]
            lines += _edges(these, name, style)
    unused = document["unused_exports"]
    if unused:
        lines += ["", style.heading(f"{words.quantity(len(unused), 'export')} that no import here lies in")]
        lines += columns((name(each["account"]), each["type"], words.shown(each["subject"], 60)) for each in unused)
    return "\n".join([*lines, *remarks.splitlines(), "", style.heading("next"), f"  {next_command}", ""])


def of_accounts(document: Mapping[str, Any], wanted: Callable[[str, str], bool]) -> Document:
    """The part of a graph that touches some accounts.

    Parameters
    ----------
    wanted
        Asked with the name and the key of each account.
    """
    chosen = {node["key"] for node in document["nodes"] if wanted(node["name"], node["key"])}
    edges = [edge for edge in document["edges"] if edge["exporter"] in chosen or edge["importer"] in chosen]
    near = chosen | {edge["exporter"] for edge in edges} | {edge["importer"] for edge in edges}
    return {
        **document,
        "nodes": [node for node in document["nodes"] if node["key"] in near],
        "edges": edges,
        "unused_exports": [each for each in document["unused_exports"] if each["account"] in chosen],
    }


def _edges(edges: list[Document], name: Callable[[str], str], style: Style) -> list[str]:
    lines = []
    rows = columns(
        (
            name(edge["exporter"]),
            "->",
            name(edge["importer"]),
            edge["type"],
            words.shown(edge["import_subject"], 60) + _as(edge),
            f"{edge['token_bytes']:,} bytes",
        )
        for edge in edges
    )
    for edge, row in zip(edges, rows, strict=True):
        lines.append(row)
        if edge["reason"]:
            lines += style.wrapped(words.shown(edge["reason"], 300), 6, 2)
    return lines


def _order(edge: Document, name: Callable[[str], str]) -> tuple[str, ...]:
    return name(edge["exporter"]), name(edge["importer"]), edge["type"], edge["import_subject"], edge["local_subject"]


def _as(edge: Document) -> str:
    local, share = edge["local_subject"], " (private)" if edge["private"] else ""
    return (f" as {words.shown(local, 60)}" if local != edge["import_subject"] else "") + share


def names(document: Mapping[str, Any]) -> Callable[[str], str]:
    """What the accounts of a document are called, by key: their names, told apart where several bear one."""
    bearers = Counter(node["name"] for node in document["nodes"])
    called_by = {node["key"]: node["name"] for node in document["nodes"]}

    def name(key: str) -> str:
        called = called_by.get(key, "")
        shown = words.name_of(called, f"{key[: words.KEY_SHOWN]}...")
        return shown if not called or bearers[called] == 1 else f"{shown} ({key[: words.KEY_SHOWN]}...)"

    return name
