"""A strict reader of DOT, for tests: what it takes, Graphviz takes, and it tells what each name stands for."""

from __future__ import annotations

import html
import re
from dataclasses import dataclass, field

# Of the grammar at graphviz.org/doc/info/lang.html what permopt writes, and nothing looser: no HTML strings, no
# comments, every value quoted.
_TOKEN = re.compile(r'\s*(?:([A-Za-z_][A-Za-z_0-9]*)|"((?:[^"\\\n]|\\[\\"n])*)"|(->|[{}\[\];=]))')


@dataclass
class Drawing:
    nodes: dict[str, dict[str, str]] = field(default_factory=dict)
    edges: list[tuple[str, str, dict[str, str]]] = field(default_factory=list)


class Reader:
    def __init__(self, text: str) -> None:
        self.tokens: list[tuple[str, str]] = []
        position = 0
        text = text.rstrip()
        while position < len(text):
            match = _TOKEN.match(text, position)
            assert match, f"no DOT at {position}: {text[position : position + 60]!r}"
            kind = ("name", "text", "sign")[match.lastindex - 1]
            self.tokens.append((kind, match[match.lastindex]))
            position = match.end()
        self.tokens.reverse()

    def take(self, kind: str, value: str | None = None) -> str:
        found_kind, found = self.tokens.pop()
        assert found_kind == kind, (found_kind, found)
        assert value in (None, found), found
        return found

    def peek(self, value: str) -> bool:
        return self.tokens[-1] == ("sign", value)

    def graph(self) -> Drawing:
        drawing = Drawing()
        self.take("name", "digraph")
        self.take("name")
        self.block(drawing)
        assert not self.tokens, "text behind the graph"
        return drawing

    def block(self, drawing: Drawing) -> None:
        self.take("sign", "{")
        while not self.peek("}"):
            name = self.take("name")
            if name == "subgraph":
                self.take("name")
                self.block(drawing)
                continue
            if self.peek("="):
                self.take("sign", "=")
                self.take("text")
            elif self.peek("->"):
                self.take("sign", "->")
                drawing.edges.append((name, self.take("name"), self.attributes()))
            elif name in ("graph", "node", "edge"):
                self.attributes()
            else:
                assert name not in drawing.nodes, name
                drawing.nodes[name] = self.attributes()
            self.take("sign", ";")
        self.take("sign", "}")

    def attributes(self) -> dict[str, str]:
        found: dict[str, str] = {}
        self.take("sign", "[")
        while not self.peek("]"):
            name = self.take("name")
            assert name not in found, name
            self.take("sign", "=")
            found[name] = shown(self.take("text"))
        self.take("sign", "]")
        return found


def parse(text: str) -> Drawing:
    """The nodes and edges of a DOT text, their attributes as Graphviz shows them; AssertionError where it is none."""
    return Reader(text).graph()


def shown(quoted: str) -> str:
    """What Graphviz makes of the inside of a quoted label: escapes, then entities."""
    signs = {r"\n": "\n", r"\\": "\\", r"\"": '"'}
    return html.unescape(re.sub(r"\\.", lambda match: signs[match[0]], quoted))
