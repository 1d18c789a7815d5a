"""Parts of a graph document: what lies around some accounts, one type of import, what does not work."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

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


def _with(document: Mapping[str, Any], edges: list[Any], unused: list[Any], others: Iterable[str]) -> Document:
    kept = {*others, *(edge["exporter"] for edge in edges), *(edge["importer"] for edge in edges)}
    nodes = [node for node in document["nodes"] if node["key"] in kept]
    return {**document, "nodes": nodes, "edges": edges, "unused_exports": unused}
