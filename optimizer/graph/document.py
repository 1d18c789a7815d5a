"""The graph as ``permopt.graph.v1``: plain JSON values in a fixed order."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from optimizer.collecting import without_collecting
from optimizer.text import redacted

if TYPE_CHECKING:
    import networkx as nx

    from optimizer.claims.model import Export

GRAPH = "permopt.graph.v1"


@without_collecting()
def graph_document(graph: nx.MultiDiGraph[str]) -> dict[str, Any]:
    """What `optimizer.graph.build` made, as a JSON document.

    Parameters
    ----------
    graph
        From `build`.

    Returns
    -------
    dict
        ``nodes``, ``edges`` (from exporter to importer), ``unused_exports`` and ``suggestions``, each sorted; the same
        store gives the same document. ``export_subject`` is the export that contains the import, None where there is
        none, and of several the first; ``response_type`` is that export's, ``Singleton`` where it says nothing.
        ``private`` is whether an activation is asked for, ``activation`` whether the import carries one. ``sought``
        names the kinds of suggestion that were looked for: as yet none.
    """
    edges = [_edge(exporter, importer, attributes) for exporter, importer, attributes in graph.edges(data=True)]
    return {
        "type": GRAPH,
        "nodes": [_node(key, graph.nodes[key]) for key in sorted(graph)],
        "edges": sorted(edges, key=_order),
        "unused_exports": [
            _unused(key, export) for key in sorted(graph) for export in graph.nodes[key]["unused_exports"]
        ],
        "suggestions": [],
        "sought": [],
    }


def _node(key: str, attributes: dict[str, Any]) -> dict[str, Any]:
    return {
        "key": redacted(key),
        "name": redacted(attributes["name"]),
        "kind": attributes["kind"].value,
        "token_bytes": attributes["token_bytes"],
        "refusal": redacted(attributes["refusal"]),
    }


def _edge(exporter: str, importer: str, attributes: dict[str, Any]) -> dict[str, Any]:
    claims, exports = attributes["claims"], attributes["exports"]
    return {
        "exporter": redacted(exporter),
        "importer": redacted(importer),
        "type": claims.type,
        "export_subject": redacted(exports[0].subject) if exports else None,
        "import_subject": redacted(attributes["remote"]),
        "local_subject": redacted(attributes["local"]),
        "state": attributes["state"].value,
        "reason": redacted(attributes["reason"]),
        "private": any(export.token_req for export in exports) if exports else None,
        "activation": bool(claims.token),
        "share": claims.share,
        "response_type": (exports[0].response_type or "Singleton") if exports and claims.type == "service" else None,
        "token_bytes": attributes["token_bytes"],
    }


def _order(edge: dict[str, Any]) -> tuple[str, ...]:
    return tuple(
        str(edge[name])
        for name in (
            "exporter",
            "importer",
            "type",
            "import_subject",
            "local_subject",
            "state",
            "reason",
            "token_bytes",
        )
    )


def _unused(key: str, export: Export) -> dict[str, Any]:
    return {
        "account": redacted(key),
        "type": export.type,
        "subject": redacted(export.subject),
        "private": export.token_req,
    }
