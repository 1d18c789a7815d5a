"""The graph document for other programs: GraphML and node-link JSON, written by networkx from plain values.

Node-link keeps every text exact. XML 1.0 cannot hold most control characters, so in GraphML what is not printable is
written as `optimizer.text.printable` writes it, visibly.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from optimizer.text import printable

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    import networkx as nx

    Document = Mapping[str, Any]

_KEY = re.compile(r"[AO][A-Z2-7]{55}")


def graphml(document: Document) -> str:
    """A ``permopt.graph.v1`` document as GraphML; what is not known is left out.

    An account is identified by its key, or by ``n`` and its place where what an import names is no key. Exports that
    nobody imports are counted at their account.
    """
    import networkx as nx  # noqa: PLC0415 159 ms that only these formats pay

    identifiers = {
        node["key"]: node["key"] if _KEY.fullmatch(node["key"]) else f"n{index}"
        for index, node in enumerate(document["nodes"])
    }
    graph = _plain(nx.MultiDiGraph(), document, identifiers.__getitem__, _in_xml)
    return "\n".join(nx.generate_graphml(graph)) + "\n"


def node_link(document: Document) -> dict[str, Any]:
    """A ``permopt.graph.v1`` document as node-link JSON, for ``networkx.node_link_graph(data, edges="edges")``."""
    import networkx as nx  # noqa: PLC0415

    graph = _plain(nx.MultiDiGraph(), document, str, dict)
    found: dict[str, Any] = nx.node_link_data(graph, edges="edges")
    return found


def _plain(
    graph: nx.MultiDiGraph[str],
    document: Document,
    identified: Callable[[str], str],
    valued: Callable[[Document], dict[str, Any]],
) -> nx.MultiDiGraph[str]:
    unused: dict[str, int] = {}
    for export in document["unused_exports"]:
        unused[export["account"]] = unused.get(export["account"], 0) + 1
    for node in document["nodes"]:
        graph.add_node(identified(node["key"]), **valued({**node, "unused_exports": unused.get(node["key"], 0)}))
    for index, edge in enumerate(document["edges"]):
        values = {name: value for name, value in edge.items() if name not in ("exporter", "importer")}
        graph.add_edge(identified(edge["exporter"]), identified(edge["importer"]), key=f"e{index}", **valued(values))
    return graph


def _in_xml(values: Document) -> dict[str, Any]:
    return {
        name: printable(value) if isinstance(value, str) else value
        for name, value in values.items()
        if value is not None
    }
