"""The import graph as a page for a terminal: who takes what from whom, and what the server drops or refuses."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

from optimizer.reports import words
from optimizer.reports.lines import is_only_current, lines_of
from optimizer.reports.style import Style, columns

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    Document = Mapping[str, Any]

_STATES = ("refused", "dropped", "unknown", "works")
_LOOK = {"refused": "red", "dropped": "red", "unknown": "yellow", "works": "green"}
_MEANS = {
    "works": "the server resolves it",
    "dropped": "the server drops it without a word",
    "refused": "the server refuses the importer's whole token",
    "unknown": "cannot be known from this source",
}
_LISTED = 30
"""Of each kind, before the rest is counted: a screen or two."""
_ISLANDS = 10


def graph_page(document: Document, style: Style, *, next_command: str, remarks: str = "") -> str:
    """A ``permopt.graph.v1`` document as a page.

    Parameters
    ----------
    document
        From `optimizer.graph.graph_document`, perhaps narrowed by `optimizer.graph.narrow`.
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
    lines += _accounts(document, name, style)
    for node in nodes:
        if node["refusal"]:
            why = f"account {name(node['key'])} is refused: {words.shown(node['refusal'], 300)}"
            lines += ["", *style.wrapped(style.paint(why, "red"), 0, 2)]
    lines += _only_current(edges, name, style)
    for state in _STATES:
        these = sorted((edge for edge in edges if edge["state"] == state), key=lambda edge: _order(edge, name))
        if these:
            lines += ["", style.paint(f"imports: {state}", "bold", _LOOK[state])]
            lines += _bundles(these, name, style) if state == "works" else _edges(these, name, style)
    lines += _islands(document, name, style)
    unused = document["unused_exports"]
    if unused:
        lines += ["", style.heading(f"{words.quantity(len(unused), 'export')} that no import here lies in")]
        rows = [(name(each["account"]), each["type"], words.shown(each["subject"])) for each in unused[:_LISTED]]
        lines += columns(rows, width=style.width, yielding=(0, 2))
        lines += _more(unused, "export")
    return "\n".join([*lines, *remarks.splitlines(), "", style.heading("next"), f"  {next_command}", ""])


def _only_current(edges: Sequence[Document], name: Callable[[str], str], style: Style) -> list[str]:
    """The accounts whose tokens, and all of their imports, only an earlier server refuses."""
    found: dict[str, list[Document]] = {}
    for edge in edges:
        if is_only_current(edge):
            found.setdefault(edge["importer"], []).append(edge)
    lines: list[str] = []
    for key, theirs in sorted(found.items(), key=lambda item: (name(item[0]), item[0]))[:_LISTED]:
        why = words.shown(theirs[0]["reason"].partition("; ")[0], 300)
        count = words.quantity(len(theirs), "import")
        said = f"account {name(key)}: {count} work on a current server, and on no earlier one: {why}"
        lines += ["", *style.wrapped(style.paint(said, "yellow"), 0, 2)]
    return [*lines, *_more(list(found), "account")]


def _accounts(document: Document, name: Callable[[str], str], style: Style) -> list[str]:
    """Who is connected how, the costliest imports first."""
    given: Counter[str] = Counter()
    taken: Counter[str] = Counter()
    spent: Counter[str] = Counter()
    failing: Counter[str] = Counter()
    for edge in document["edges"]:
        given[edge["exporter"]] += 1
        taken[edge["importer"]] += 1
        spent[edge["importer"]] += edge["token_bytes"]
        failing[edge["importer"]] += edge["state"] in ("dropped", "refused")
    keys = [node["key"] for node in document["nodes"] if given[node["key"]] or taken[node["key"]]]
    if not keys:
        return []
    keys.sort(key=lambda key: (-spent[key], -given[key], name(key), key))
    table = [("account", "imports", "their bytes", "broken", "imported by others")]
    for key in keys[:_LISTED]:
        figures = [f"{each[key]:,}" if each[key] else "-" for each in (taken, spent, failing, given)]
        table.append((name(key), figures[0], figures[1], figures[2], figures[3]))
    head, *rows = columns(table, right=frozenset({1, 2, 3, 4}), width=style.width, yielding=(0,))
    return ["", style.heading(head), *rows, *_more(keys, "account")]


def _bundles(edges: Sequence[Document], name: Callable[[str], str], style: Style) -> list[str]:
    """What works, each import where they are few; else parallel ones as one, the costliest first."""
    if len(edges) <= _LISTED:
        return _edges(edges, name, style)
    lines = sorted(lines_of(edges), key=lambda line: -line.token_bytes)
    rows = [
        (name(line.exporter), "->", name(line.importer), line.counted, words.size(line.token_bytes))
        for line in lines[:_LISTED]
    ]
    return [*columns(rows, right=frozenset({4}), width=style.width, yielding=(0, 2)), *_more(lines, "pair")]


def _edges(edges: Sequence[Document], name: Callable[[str], str], style: Style) -> list[str]:
    lines = []
    rows = columns(
        (
            (
                name(edge["exporter"]),
                "->",
                name(edge["importer"]),
                words.shown(edge["type"], 20),
                words.shown(edge["import_subject"]) + _as(edge),
                f"{edge['token_bytes']:,} bytes",
            )
            for edge in edges[:_LISTED]
        ),
        width=style.width,
        yielding=(0, 2, 4),
    )
    for edge, row in zip(edges, rows, strict=False):
        lines.append(row)
        if edge["reason"]:
            lines += style.wrapped(words.shown(edge["reason"], 300), 6, 2)
    return [*lines, *_more(edges, "import")]


def _islands(document: Document, name: Callable[[str], str], style: Style) -> list[str]:
    """The parts that no import connects, where there are several."""
    islands = list(_parts(document))
    large = [island for island in islands if len(island) > 1]
    alone = sorted(name(key) for island in islands if len(island) == 1 for key in island)
    if len(islands) <= 1:
        return []
    lines = ["", style.heading(f"{words.quantity(len(islands), 'island')}: parts that no import connects")]
    for island in large[:_ISLANDS]:
        lines += _members(f"{len(island):,} accounts: ", sorted(map(name, island)), style)
    if len(large) > _ISLANDS:
        lines.append(f"  and {words.quantity(len(large) - _ISLANDS, 'more part', 'more parts')} of several accounts")
    if alone:
        lines += _members(
            f"{words.quantity(len(alone), 'account')} that no import connects with another: ", alone, style
        )
    return lines


def _members(head: str, names: Sequence[str], style: Style) -> list[str]:
    shown, more = names[:_ISLANDS], len(names) - _ISLANDS
    return style.wrapped(head + ", ".join(shown) + (f" and {more:,} more" if more > 0 else ""), 2, 2)


def _parts(document: Document) -> Iterator[list[str]]:
    """Weakly connected components, the largest first."""
    near: dict[str, list[str]] = {node["key"]: [] for node in document["nodes"]}
    for edge in document["edges"]:
        near[edge["exporter"]].append(edge["importer"])
        near[edge["importer"]].append(edge["exporter"])
    parts, seen = [], set()
    for key in near:
        if key in seen:
            continue
        seen.add(key)
        part = [key]
        for each in part:
            fresh = [other for other in dict.fromkeys(near[each]) if other not in seen]
            seen.update(fresh)
            part += fresh
        parts.append(part)
    yield from sorted(parts, key=len, reverse=True)


def _more(things: Sequence[object], noun: str) -> list[str]:
    rest = len(things) - _LISTED
    return (
        [f"  and {words.quantity(rest, f'more {noun}')}; --account narrows, --format json lists all"]
        if rest > 0
        else []
    )


def _order(edge: Document, name: Callable[[str], str]) -> tuple[str, ...]:
    return name(edge["exporter"]), name(edge["importer"]), edge["type"], edge["import_subject"], edge["local_subject"]


def _as(edge: Document) -> str:
    local = "" if edge["local_subject"] == edge["import_subject"] else f" as {words.shown(edge['local_subject'])}"
    return f"{local}{' (private)' if edge['private'] else ''}{' (shares who asks)' if edge['share'] else ''}"


def names(document: Document) -> Callable[[str], str]:
    """What the accounts of a document are called, by key: their names, told apart where several bear one."""
    bearers = Counter(node["name"] for node in document["nodes"])
    called_by = {node["key"]: node["name"] for node in document["nodes"]}
    found: dict[str, str] = {}

    def name(key: str) -> str:
        if key not in found:
            called = called_by.get(key, "")
            short = key if len(key) <= words.KEY_SHOWN else f"{key[: words.KEY_SHOWN]}..."
            shown = words.name_of(called, short)
            told = shown if not called or bearers[called] == 1 else f"{shown} ({short})"
            found[key] = told
        return found[key]

    return name
