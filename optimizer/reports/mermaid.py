"""The import graph as a Mermaid flowchart, which code hosts draw inside Markdown.

Arrows, bundles and colours as in `optimizer.reports.dot`. In a name everything but letters, digits and a few plain
signs is written as the entity of its number (``#34;``), so that nothing ends a string or begins HTML, a directive
(``%%{``), a formula (``$$``) or Markdown.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from optimizer.reports.lines import Line, lines_of, plural
from optimizer.text import printable

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    Document = Mapping[str, Any]

MOST_CHARACTERS, MOST_LINES = 50_000, 500
"""What Mermaid draws unless it is told otherwise (``maxTextSize``, ``maxEdges``), as code hosts do not."""

_LABEL = 32
_KEY_SHOWN = 8
_UNSAFE = re.compile(r"[^\w ,./()-]|(?<![^\W_])[-._]|[-._](?![^\W_])|(?<![^ ]) ")
"""What is more than itself to Mermaid or to the Markdown in it: a dash, dot or underscore that is not inside a word
begins a list or an emphasis, a second space code."""
_ARROWS = {"stream": "-->", "service": "-.->"}
_COLORS = {"works": "#37474f", "dropped": "#c62828", "refused": "#c62828", "unknown": "#b26a00"}
_CLASSES = (
    "classDef known fill:#eef3f8,stroke:#37474f,color:#000000",
    "classDef unknown fill:#ffffff,stroke:#9aa0a6,color:#000000,stroke-dasharray:4",
    "classDef system fill:#e6f4ea,stroke:#37474f,color:#000000",
    "classDef refused fill:#eef3f8,stroke:#c62828,color:#000000",
    "classDef unused fill:#ffffff,stroke:#9aa0a6,color:#5f6368",
)
_LEGEND = (
    ("stream", "stream", "works"),
    ("service", "service, the request goes the other way", "works"),
    ("stream", "dropped by the server, or refused", "dropped"),
    ("stream", "cannot be known from this source", "unknown"),
)


def mermaid(document: Document) -> str:
    """A ``permopt.graph.v1`` document as Mermaid; the same document gives the same text.

    Parameters
    ----------
    document
        From `optimizer.graph.graph_document`, perhaps narrowed.

    Examples
    --------
    >>> print(mermaid({"nodes": [], "edges": [], "unused_exports": []}).splitlines()[0])
    flowchart LR
    """
    names = {node["key"]: f"a{index}" for index, node in enumerate(document["nodes"])}
    body = [f"{names[node['key']]}{_node(node)}" for node in document["nodes"]]
    looks = []
    for line in lines_of(document["edges"]):
        body.append(f'{names[line.exporter]} {_ARROWS.get(line.kind, "-->")}|"{_label(line)}"| {names[line.importer]}')
        looks.append(f"stroke:{_COLORS[line.state]},stroke-width:{2 if line.state == 'works' else 3}px")
    for key, number in _unused(document["unused_exports"]).items():
        body.append(f'{names[key]} -.- {names[key]}u["{number} unused {plural("export", number)}"]:::unused')
        looks.append("stroke:#9aa0a6,stroke-width:1px")
    body += _legend(looks)
    body += [*_CLASSES, *(f"linkStyle {index} {look}" for index, look in enumerate(looks))]
    return "flowchart LR\n" + "".join(f"  {each}\n" for each in body)


def _node(node: Document) -> str:
    name = node["name"] or f"{node['key'][:_KEY_SHOWN]}..."
    second = "not in the source" if node["token_bytes"] is None else f"{node['token_bytes']:,} bytes"
    refused = ["token refused"] if node["refusal"] else []
    kind = "refused" if node["refusal"] else node["kind"]
    return f'["{_text([name, second, *refused])}"]:::{kind}'


def _label(line: Line) -> str:
    what = line.edges[0]["import_subject"] if len(line.edges) == 1 else line.counted
    return _text([what, *([] if line.state == "works" else [line.state]), f"{line.token_bytes:,} bytes"])


def _unused(exports: Iterable[Document]) -> dict[str, int]:
    found: dict[str, int] = {}
    for export in exports:
        found[export["account"]] = found.get(export["account"], 0) + 1
    return found


def _legend(looks: list[str]) -> Iterator[str]:
    yield 'subgraph legend["legend"]'
    for index, (kind, label, state) in enumerate(_LEGEND):
        yield f'  l{index}[" "]:::unused {_ARROWS[kind]} l{index}e["{_text([label])}"]:::unused'
        looks.append(f"stroke:{_COLORS[state]},stroke-width:2px")
    yield "end"


def _text(lines: Sequence[str]) -> str:
    """The inside of a quoted string that Mermaid shows as these lines, whatever is in them."""
    return "<br/>".join(_UNSAFE.sub(lambda match: f"#{ord(match[0])};", _short(line)) or " " for line in lines)


def _short(text: str) -> str:
    text = printable(text)
    return text if len(text) <= _LABEL else text[: _LABEL - 3] + "..."
