"""Parts of a graph document: what lies around some accounts, one type of import, what does not work."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from optimizer.text import redacted

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

    from optimizer.graph.edges import Edge

Document = dict[str, Any]

BROKEN = ("dropped", "refused")
"""States of imports that do not work, as far as it can be known."""


def around(document: Mapping[str, Any], wanted: Callable[[str, str], bool], depth: int = 1) -> Document:
    """What lies within some hops of some accounts, whichever way the imports go.

    Parameters
    ----------
    wanted
        Asked with the name and the key of each account.
    depth
        Hops. With 1, their imports and those from them; with 0 only those among themselves.
    """
    near: dict[str, list[str]] = {}
    for edge in document["edges"]:
        near.setdefault(edge["exporter"], []).append(edge["importer"])
        near.setdefault(edge["importer"], []).append(edge["exporter"])
    chosen = {node["key"] for node in document["nodes"] if wanted(node["name"], node["key"])}
    hops, rim = dict.fromkeys(chosen, 0), chosen
    for distance in range(1, depth + 1):
        rim = {other for key in rim for other in near.get(key, ()) if other not in hops}
        if not rim:
            break
        hops |= dict.fromkeys(rim, distance)
    edges = []
    for edge in document["edges"]:
        ends = [hops[end] for end in (edge["exporter"], edge["importer"]) if end in hops]
        if len(ends) > 1 and (min(ends) < depth or max(ends) == 0):
            edges.append(edge)
    whole = {key for key, distance in hops.items() if distance == 0 or distance < depth}
    return {
        **document,
        "nodes": [node for node in document["nodes"] if node["key"] in hops],
        "edges": edges,
        "unused_exports": [each for each in document["unused_exports"] if each["account"] in whole],
    }


def of_type(document: Mapping[str, Any], kind: str) -> Document:
    """The imports and exports of one type, and the accounts that have any."""
    edges = [edge for edge in document["edges"] if edge["type"] == kind]
    unused = [each for each in document["unused_exports"] if each["type"] == kind]
    return _with(document, edges, unused, {each["account"] for each in unused})


def broken(document: Mapping[str, Any]) -> Document:
    """The imports that do not work and their ends, and every account whose token is refused."""
    edges = [edge for edge in document["edges"] if edge["state"] in BROKEN]
    return _with(document, edges, [], {node["key"] for node in document["nodes"] if node["refusal"]})


def within(document: Mapping[str, Any]) -> Callable[[Edge], bool]:
    """What tells whether an import is one of a document: what is found of others is not told with it."""
    names = ("exporter", "importer", "type", "import_subject", "local_subject")
    kept = {tuple(edge[name] for name in names) for edge in document["edges"]}

    def is_kept(edge: Edge) -> bool:
        return tuple(map(redacted, (edge.exporter, edge.importer, edge.kind, edge.remote, edge.local))) in kept

    return is_kept


def beyond(document: Mapping[str, Any], whole: Mapping[str, Any]) -> list[Document]:
    """The accounts that findings of a part name and the part does not hold, with their names."""
    held = {node["key"] for node in document["nodes"]}
    named = set(_texts([document["analysis"], document["suggestions"]]))
    return [
        {"key": node["key"], "name": node["name"]}
        for node in whole["nodes"]
        if node["key"] in named and node["key"] not in held
    ]


def _texts(value: object) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, (list, dict)):
        for each in value.values() if isinstance(value, dict) else value:
            yield from _texts(each)


def _with(document: Mapping[str, Any], edges: list[Any], unused: list[Any], others: Iterable[str]) -> Document:
    kept = {*others, *(edge["exporter"] for edge in edges), *(edge["importer"] for edge in edges)}
    nodes = [node for node in document["nodes"] if node["key"] in kept]
    return {**document, "nodes": nodes, "edges": edges, "unused_exports": unused}
