r"""The import graph as DOT, which Graphviz draws: `permopt graph --format dot | dot -Tsvg > imports.svg`.

An arrow goes from exporter to importer, the way a stream flows and against the way of a request. Parallel imports of
one type and state are one line, as wide as their bytes. A graph that fits a screen is drawn in ranks, with subjects on
its lines; a large one by forces, with names only, broken lines on top, and everything else in the tooltips.

Names are strangers' text: they are made printable, shortened, and quoted so that nothing in them ends a string, starts
an escape (``\N``) or an entity (``&lt;``).
"""

from __future__ import annotations

import math
import re
from collections import Counter
from typing import TYPE_CHECKING, Any

from optimizer.claims.validate import EARLIER_REFUSES
from optimizer.reports.lines import Line, lines_of, plural, standing
from optimizer.text import printable

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    Document = Mapping[str, Any]

_NODES_IN_RANKS, _LINES_IN_RANKS = 60, 150
"""What `dot` still lays out so that lines can be followed; above it `sfdp` shows more."""

_LABEL, _NAME = 32, 22
_TOOLTIP = 120
_LISTED, _LISTED_IN_LARGE = 15, 6
"""Subjects a tooltip names before it counts the rest."""

_RED, _GREY, _INK, _AMBER = "#c62828", "#9aa0a6", "#37474f", "#b26a00"
_COLORS = {"works": _INK, "dropped": _RED, "refused": _RED, "unknown": _AMBER}
_FAINT = {"works": "#37474f66", "dropped": _RED, "refused": _RED, "unknown": "#b26a00b0"}
_LAST = {"works": 0, "unknown": 1, "dropped": 2, "refused": 3}
_FILLS = {"known": "#eef3f8", "unknown": "#ffffff", "system": "#e6f4ea"}
_FAMILIES = ("#dbeafe", "#fde9d3", "#e2f0d9", "#f3e1f0", "#fff3bf", "#d7f0ee", "#e8e4f8", "#e9ecef")
"""Fills of accounts whose names begin alike (``ORDERS_EU``, ``ORDERS_US``), in a drawing where names are small."""
_BEGINNING = re.compile(r"[-_. /]")
_KEY_SHOWN = 8
_LEGEND = (
    ("stream", {"color": _INK}),
    ("service (the request goes the other way)", {"color": _INK, "style": "dashed"}),
    ("dropped by the server, or refused", {"color": _RED}),
    ("cannot be known from this source", {"color": _AMBER}),
)
_IN_RANKS = (
    'graph [rankdir="LR" fontname="Helvetica" tooltip="imports between accounts" ranksep="1.2" nodesep="0.3"];',
    'node [shape="box" style="rounded,filled" fontname="Helvetica" fontsize="11"];',
    'edge [fontname="Helvetica" fontsize="9" arrowsize="0.7"];',
)
_BY_FORCES = (
    'graph [layout="sfdp" overlap="prism" overlap_scaling="-6" sep="+6" splines="line" outputorder="edgesfirst"];',
    'graph [fontname="Helvetica" tooltip="imports between accounts" bgcolor="#ffffff"];',
    'node [shape="box" style="rounded,filled" fontname="Helvetica" margin="0.06,0.03" width="0.1" height="0.1"];',
    'node [color="#37474f" fillcolor="#eef3f8" penwidth="0.7"];',
    'edge [arrowsize="0.5" color="#37474f66"];',
)


def dot(document: Document) -> str:
    """A ``permopt.graph.v1`` document as DOT; the same document gives the same text.

    Parameters
    ----------
    document
        From `optimizer.graph.graph_document`, perhaps narrowed.

    Examples
    --------
    >>> print(dot({"nodes": [], "edges": [], "unused_exports": []}).splitlines()[0])
    digraph imports {
    """
    nodes, drawn = document["nodes"], lines_of(document["edges"])
    identifiers = {node["key"]: f"a{index}" for index, node in enumerate(nodes)}
    unused: dict[str, list[Document]] = {}
    for export in document["unused_exports"]:
        unused.setdefault(export["account"], []).append(export)
    in_ranks = len(nodes) <= _NODES_IN_RANKS and len(drawn) <= _LINES_IN_RANKS
    parts = _ranked(nodes, drawn, unused, identifiers) if in_ranks else _forced(nodes, drawn, unused, identifiers)
    return "digraph imports {\n" + "".join(f"  {part}\n" for part in parts) + "}\n"


def _ranked(
    nodes: Sequence[Document], drawn: Sequence[Line], unused: Mapping[str, list[Document]], names: Mapping[str, str]
) -> Iterator[str]:
    yield from _IN_RANKS
    touched = {end for line in drawn for end in (line.exporter, line.importer)}
    alone = [node for node in nodes if node["key"] not in touched]
    for node in nodes:
        if node["key"] in touched:
            yield f"{names[node['key']]} {_node(node)}"
    if alone:
        yield "subgraph cluster_alone {"
        yield '  label="no imports, and nobody imports from them"; fontsize="10"; color="#9aa0a6"; style="dashed"; '
        yield from (f"  {names[node['key']]} {_node(node)}" for node in alone)
        yield "}"
    for line in drawn:
        yield f"{names[line.exporter]} -> {names[line.importer]} {_labelled(line)}"
    for key, exports in unused.items():
        tooltip = _text(_unused(exports, _LISTED))
        end = f"{names[key]}u"
        yield f"{end} " + _attributes({"shape": "point", "width": "0.08", "color": _GREY, "tooltip": tooltip})
        look = {"color": _GREY, "fontcolor": _GREY, "style": "dotted", "arrowhead": "none"}
        label = f"{len(exports)} unused {plural('export', len(exports))}"
        yield f"{names[key]} -> {end} " + _attributes({"label": label, "tooltip": tooltip, **look})
    yield "subgraph cluster_legend {"
    yield '  label="legend"; fontsize="10"; color="#9aa0a6"; tooltip="legend";'
    for index, (label, style) in enumerate(_LEGEND):
        yield f'  l{index} [label="" shape="point" width="0.05" color="#9aa0a6" tooltip="legend"];'
        yield f"  l{index}e " + _attributes(
            {"label": _text([label]), "shape": "plaintext", "style": "", "fontsize": "9"}
        )
        yield f"  l{index} -> l{index}e " + _attributes(style)
    yield "}"


def _forced(
    nodes: Sequence[Document], drawn: Sequence[Line], unused: Mapping[str, list[Document]], names: Mapping[str, str]
) -> Iterator[str]:
    yield from _BY_FORCES
    degree: Counter[str] = Counter()
    for line in drawn:
        degree[line.exporter] += 1
        degree[line.importer] += 1
    fills = _fills(nodes)
    for node in nodes:
        exports = unused.get(node["key"], [])
        size = min(28.0, 8 + 2.2 * math.log2(1 + degree[node["key"]]))
        yield f"{names[node['key']]} {_small(node, exports, size, fills.get(_family(node), ''))}"
    # Drawn in this order, so that what does not work lies on top.
    for line in sorted(drawn, key=lambda line: _LAST[line.state]):
        yield f"{names[line.exporter]} -> {names[line.importer]} {_plain(line)}"
    yield 'l0 [label="legend" shape="plaintext" style="" fontsize="16"];'
    for index, (label, style) in enumerate(_LEGEND, 1):
        yield f"l{index} " + _attributes({"label": label, "shape": "plaintext", "style": "", "fontsize": "14"})
        yield f"l0 -> l{index} " + _attributes({"penwidth": "2", "len": "2", **style})


def _node(node: Document) -> str:
    second = "not in the source" if node["token_bytes"] is None else f"{node['token_bytes']:,} bytes"
    refused = ["token refused"] if node["refusal"] else []
    return _attributes(
        {
            "label": _text([_short(_called(node), _LABEL), second, *refused]),
            "tooltip": _text(_about(node)),
            "fillcolor": _FILLS[node["kind"]],
            "color": _RED if node["refusal"] else _GREY if node["kind"] == "unknown" else _INK,
            **({"style": "rounded,filled,dashed"} if node["kind"] == "unknown" else {}),
        }
    )


def _small(node: Document, unused: Sequence[Document], size: float, fill: str) -> str:
    about = _about(node)
    if node["token_bytes"] is not None:
        about.append(f"{node['token_bytes']:,} bytes")
    return _attributes(
        {
            "label": _text([_short(_called(node), _NAME), *(["token refused"] if node["refusal"] else [])]),
            "tooltip": _text([*about, *(_unused(unused, _LISTED_IN_LARGE) if unused else [])]),
            "fontsize": f"{size:.1f}",
            **({"fillcolor": _FILLS[node["kind"]]} if node["kind"] != "known" else {"fillcolor": fill} if fill else {}),
            **({"color": _RED, "penwidth": "2"} if node["refusal"] else {}),
            **({"color": _GREY, "style": "rounded,filled,dashed"} if node["kind"] == "unknown" else {}),
        }
    )


def _labelled(line: Line) -> str:
    what = line.edges[0]["import_subject"] if len(line.edges) == 1 else line.counted
    tooltip = _text(_listed(line, _LISTED))
    return _attributes(
        {
            "label": _text([_short(what, _LABEL), *([] if line.state == "works" else [line.state])]),
            "tooltip": tooltip,
            "labeltooltip": tooltip,
            "color": _COLORS[line.state],
            "fontcolor": _COLORS[line.state],
            "penwidth": f"{_width(line.token_bytes):.1f}",
            **({"style": "dashed"} if line.kind == "service" else {}),
        }
    )


def _plain(line: Line) -> str:
    broken = line.state in ("dropped", "refused")
    return _attributes(
        {
            "tooltip": _text(_listed(line, _LISTED_IN_LARGE)),
            **({"color": _FAINT[line.state]} if line.state != "works" else {}),
            "penwidth": f"{max(1.6 if broken else 0.4, 0.6 * _width(line.token_bytes)):.1f}",
            **({"style": "dashed"} if line.kind == "service" else {}),
        }
    )


def _family(node: Document) -> str:
    return _BEGINNING.split(node["name"], maxsplit=1)[0] if node["kind"] == "known" else ""


def _fills(nodes: Sequence[Document]) -> dict[str, str]:
    """A fill for each of the largest families; a name alone is none."""
    sizes = Counter(family for node in nodes if (family := _family(node)))
    large = sorted((name for name, size in sizes.items() if size > 1), key=lambda name: (-sizes[name], name))
    return dict(zip(sorted(large[: len(_FAMILIES)]), _FAMILIES, strict=False))


def _called(node: Document) -> str:
    return node["name"] or f"{node['key'][:_KEY_SHOWN]}..."


def _about(node: Document) -> list[str]:
    lines = [_short(_called(node), _TOOLTIP), _short(node["key"], _TOOLTIP), node["kind"]]
    return [*lines, *([_short(f"refused: {node['refusal']}", 2 * _TOOLTIP)] if node["refusal"] else [])]


def _listed(line: Line, limit: int) -> Iterator[str]:
    yield f"{line.counted}, {line.token_bytes:,} bytes of the importer's token"
    if line.only_current:
        yield f"not on an earlier server: {EARLIER_REFUSES}"
    for edge in line.edges[:limit]:
        yield _short(standing(edge), _TOOLTIP)
    if len(line.edges) > limit:
        yield f"and {len(line.edges) - limit} more"


def _unused(exports: Sequence[Document], limit: int) -> Iterator[str]:
    yield "no import in the source lies in:"
    for export in exports[:limit]:
        yield _short(f"{export['type']} {export['subject']}", _TOOLTIP)
    if len(exports) > limit:
        yield f"and {len(exports) - limit} more"


def _attributes(values: Mapping[str, str]) -> str:
    return "[" + " ".join(f'{name}="{value}"' for name, value in values.items()) + "];"


def _text(lines: Iterable[str]) -> str:
    """The inside of a quoted string that Graphviz shows as these lines, whatever is in them."""
    escaped = (printable(line).replace("&", "&amp;").replace("\\", "\\\\").replace('"', '\\"') for line in lines)
    return "\\n".join(escaped)


def _short(text: str, length: int) -> str:
    text = printable(text)
    return text if len(text) <= length else text[: length - 3] + "..."


def _width(size: int) -> float:
    """1 for the smallest import, 4 at 16 KB."""
    return min(6.0, max(1.0, math.log2(max(size, 1) / 128) / 7 * 3 + 1))
