r"""The import graph as DOT, which Graphviz draws: `permopt graph --format dot | dot -Tsvg > imports.svg`.

An arrow goes from exporter to importer, the way a stream flows and against the way of a request. Parallel imports of
one type and state are one line, as wide as their bytes. Names are strangers' text: they are made printable, shortened,
and quoted so that nothing in them ends a string, starts an escape (``\N``) or an entity (``&lt;``).
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from optimizer.text import printable

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    Document = Mapping[str, Any]

_LABEL = 32
_LINE = 120
_LISTED = 15
"""Subjects a tooltip names before it counts the rest."""

_RED, _GREY, _INK, _AMBER = "#c62828", "#9aa0a6", "#37474f", "#b26a00"
_COLORS = {"works": _INK, "dropped": _RED, "refused": _RED, "unknown": _AMBER}
_MARKS = {"works": "", "dropped": "dropped", "refused": "refused", "unknown": "unknown"}
_FILLS = {"known": "#eef3f8", "unknown": "#ffffff", "system": "#e6f4ea"}
_KEY_SHOWN = 8
_LEGEND = (
    ("stream", {"color": _INK}),
    ("service (the request goes the other way)", {"color": _INK, "style": "dashed"}),
    ("dropped by the server, or refused", {"color": _RED}),
    ("cannot be known from this source", {"color": _AMBER}),
)


def dot(document: Document) -> str:
    """A ``permopt.graph.v1`` document as DOT; the same document gives the same text.

    Parameters
    ----------
    document
        From `optimizer.graph.graph_document`.

    Examples
    --------
    >>> print(dot({"nodes": [], "edges": [], "unused_exports": []}).splitlines()[0])
    digraph imports {
    """
    identifiers = {node["key"]: f"a{index}" for index, node in enumerate(document["nodes"])}
    lines = [
        'graph [rankdir="LR" fontname="Helvetica" tooltip="imports between accounts" ranksep="1.2" nodesep="0.3"];',
        'node [shape="box" style="rounded,filled" fontname="Helvetica" fontsize="11"];',
        'edge [fontname="Helvetica" fontsize="9" arrowsize="0.7"];',
        *(_node(identifiers[node["key"]], node) for node in document["nodes"]),
        *_edges(document["edges"], identifiers),
        *_loose_ends(document["unused_exports"], identifiers),
        *_legend(),
    ]
    return "digraph imports {\n" + "".join(f"  {line}\n" for line in lines) + "}\n"


def _node(identifier: str, node: Document) -> str:
    kind, refusal = node["kind"], node["refusal"]
    name = node["name"] or f"{node['key'][:_KEY_SHOWN]}..."
    second = "not in the source" if node["token_bytes"] is None else f"{node['token_bytes']:,} bytes"
    label = [_short(name, _LABEL), second, *(["token refused"] if refusal else [])]
    tooltip = [_short(name, _LINE), node["key"], kind, *([f"refused: {refusal}"] if refusal else [])]
    return f"{identifier} " + _attributes(
        {
            "label": _text(label),
            "tooltip": _text(tooltip),
            "fillcolor": _FILLS[kind],
            "color": _RED if refusal else _GREY if kind == "unknown" else _INK,
            **({"style": "rounded,filled,dashed"} if kind == "unknown" else {}),
        }
    )


def _edges(edges: Sequence[Document], identifiers: Mapping[str, str]) -> Iterator[str]:
    bundles: dict[tuple[str, str, str, str], list[Document]] = {}
    for edge in edges:
        bundles.setdefault((edge["exporter"], edge["importer"], edge["type"], edge["state"]), []).append(edge)
    for (exporter, importer, kind, state), bundle in bundles.items():
        size = sum(edge["token_bytes"] for edge in bundle)
        what = _short(bundle[0]["import_subject"], _LABEL) if len(bundle) == 1 else f"{len(bundle)} {_plural(kind)}"
        head = f"{len(bundle)} {_plural(kind) if len(bundle) > 1 else kind}, {size:,} bytes of the importer's token"
        yield f"{identifiers[exporter]} -> {identifiers[importer]} " + _attributes(
            {
                "label": _text([what, *([_MARKS[state]] if _MARKS[state] else [])]),
                "tooltip": _text([head, *_listed(bundle)]),
                "labeltooltip": _text([head, *_listed(bundle)]),
                "color": _COLORS[state],
                "fontcolor": _COLORS[state],
                "penwidth": f"{_width(size):.1f}",
                **({"style": "dashed"} if kind == "service" else {}),
            }
        )


def _listed(bundle: Sequence[Document]) -> Iterator[str]:
    for edge in bundle[:_LISTED]:
        parts = [edge["import_subject"]]
        if edge["local_subject"] != edge["import_subject"]:
            parts.append(f"as {edge['local_subject']}")
        if edge["private"]:
            parts.append("(private)")
        if edge["reason"]:
            parts.append(f"- {edge['reason']}")
        yield _short(" ".join(parts), _LINE)
    if len(bundle) > _LISTED:
        yield f"and {len(bundle) - _LISTED} more"


def _loose_ends(unused: Iterable[Document], identifiers: Mapping[str, str]) -> Iterator[str]:
    by_account: dict[str, list[Document]] = {}
    for export in unused:
        by_account.setdefault(export["account"], []).append(export)
    for account, exports in by_account.items():
        identifier = identifiers[account]
        lines = [f"{export['type']} {export['subject']}" for export in exports[:_LISTED]]
        if len(exports) > _LISTED:
            lines.append(f"and {len(exports) - _LISTED} more")
        label = f"{len(exports)} unused export{'s' if len(exports) > 1 else ''}"
        tooltip = _text(["no import in the source lies in:", *(_short(line, _LINE) for line in lines)])
        yield f"{identifier}u " + _attributes({"shape": "point", "width": "0.08", "color": _GREY, "tooltip": tooltip})
        yield f"{identifier} -> {identifier}u " + _attributes(
            {
                "label": _text([label]),
                "tooltip": tooltip,
                "color": _GREY,
                "fontcolor": _GREY,
                "style": "dotted",
                "arrowhead": "none",
            }
        )


def _legend() -> Iterator[str]:
    yield "subgraph cluster_legend {"
    yield '  label="legend"; fontsize="10"; color="#9aa0a6"; tooltip="legend";'
    for index, (label, style) in enumerate(_LEGEND):
        yield f'  l{index} [label="" shape="point" width="0.05" color="#9aa0a6" tooltip="legend"];'
        yield f"  l{index}e " + _attributes(
            {"label": _text([label]), "shape": "plaintext", "style": "", "fontsize": "9"}
        )
        yield f"  l{index} -> l{index}e " + _attributes(style)
    yield "}"


def _attributes(values: Mapping[str, str]) -> str:
    return "[" + " ".join(f'{name}="{value}"' for name, value in values.items()) + "];"


def _text(lines: Iterable[str]) -> str:
    """The inside of a quoted string that Graphviz shows as these lines, whatever is in them."""
    escaped = (printable(line).replace("&", "&amp;").replace("\\", "\\\\").replace('"', '\\"') for line in lines)
    return "\\n".join(escaped)


def _short(text: str, length: int) -> str:
    text = printable(text)
    return text if len(text) <= length else text[: length - 3] + "..."


def _plural(kind: str) -> str:
    return f"{kind}s"


def _width(size: int) -> float:
    """1 for the smallest import, 4 at 16 KB."""
    return min(6.0, max(1.0, math.log2(max(size, 1) / 128) / 7 * 3 + 1))
