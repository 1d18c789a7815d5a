"""Parallel imports as one line of a drawing: what the drawings of the import graph share."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from optimizer.claims.validate import EARLIER_REFUSES

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    Document = Mapping[str, Any]


@dataclass(slots=True)
class Line:
    """Imports of one importer from one exporter, of one type and state."""

    exporter: str
    importer: str
    kind: str
    state: str
    edges: list[Document] = field(default_factory=list)

    @property
    def token_bytes(self) -> int:
        """Bytes of the importer's token."""
        return sum(edge["token_bytes"] for edge in self.edges)

    @property
    def only_current(self) -> bool:
        """Whether an earlier server refuses the importer's token, and these imports with it."""
        return any(is_only_current(edge) for edge in self.edges)

    @property
    def counted(self) -> str:
        """``1 stream``, ``12 services``."""
        return f"{len(self.edges):,} {plural(self.kind, len(self.edges))}"


def lines_of(edges: Iterable[Document]) -> list[Line]:
    """The edges of a ``permopt.graph.v1`` document, parallel ones bundled, in the order of the first of each."""
    lines: dict[tuple[str, str, str, str], Line] = {}
    for edge in edges:
        ends = (edge["exporter"], edge["importer"], edge["type"], edge["state"])
        line = lines.get(ends)
        if line is None:
            line = lines[ends] = Line(*ends)
        line.edges.append(edge)
    return list(lines.values())


def standing(edge: Document) -> str:
    """An import in one line: subject, local name, what lets it in, and why it does not work."""
    parts = [edge["import_subject"]]
    if edge["local_subject"] != edge["import_subject"]:
        parts.append(f"as {edge['local_subject']}")
    if edge["private"]:
        parts.append("(private)")
    if edge["share"]:
        parts.append("(shares who asks)")
    if edge.get("response_type") not in (None, "Singleton"):
        parts.append(f"({edge['response_type']} replies)")
    if edge["reason"]:
        parts.append(f"- {edge['reason']}")
    return " ".join(parts)


def is_only_current(edge: Document) -> bool:
    """Whether an import works on a current server, and not on an earlier one."""
    return edge["state"] == "works" and str(edge["reason"]).startswith(EARLIER_REFUSES)


def plural(noun: str, number: int) -> str:
    """``stream``, or ``streams``."""
    return noun if number == 1 else f"{noun}s"
