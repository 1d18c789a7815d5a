"""The claims of a token as pretty JSON, and where in it each JSON pointer stands: what SARIF regions point into."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from optimizer.claims.gojson import folded, parse
from optimizer.text import printable, redacted

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from optimizer.claims.gojson import Json
    from optimizer.claims.token import Token

_INDENT = "  "


@dataclass(frozen=True, slots=True)
class Region:
    """A stretch of text, counted from 1 in lines and code points; the end column is the first after it."""

    start_line: int
    start_column: int
    end_line: int
    end_column: int


@dataclass(frozen=True, slots=True)
class ClaimsText:
    """A token's claims, to be read.

    Parameters
    ----------
    text
        JSON, an entry a line, members in the order of the token.
    """

    text: str
    root: _Node = field(repr=False, compare=False)

    def region(self, pointer: str) -> Region:
        """Where an entry stands: a member with its name, an element of a list without the comma after it.

        Parameters
        ----------
        pointer
            A JSON pointer into the claims. Names are compared as Go does, and of two members of a name the later one
            is meant. What the token does not hold is located at what should hold it.
        """
        steps = [step.replace("~1", "/").replace("~0", "~") for step in pointer.split("/")[1:]]
        return _deepest(self.root, steps)[1].region

    def cut(self, region: Region) -> str:
        """The text of a region."""
        lines = self.text.split("\n")[region.start_line - 1 : region.end_line]
        lines[-1] = lines[-1][: region.end_column - 1]
        lines[0] = lines[0][region.start_column - 1 :]
        return "\n".join(lines)


def claims_text(token: Token) -> ClaimsText:
    r"""The claims of a token as text for people, and for what points into it.

    The same token gives the same text. Values are the token's own, members nobody knows and repeated ones included;
    what looks like a seed is removed, and characters that a terminal would not show are written ``\u....``.

    Parameters
    ----------
    token
        One whose payload decodes.
    """
    page = _Page()
    root = page.write(parse(token.payload), 0, None)
    page.put("\n")
    return ClaimsText("".join(page.pieces), root)


@dataclass(slots=True)
class _Node:
    region: Region
    children: list[tuple[str, _Node]]
    """Members with their names, elements with their indexes."""


class _Page:
    """Text as it grows, and the place reached."""

    def __init__(self) -> None:
        self.pieces: list[str] = []
        self.line = self.column = 1

    def put(self, text: str) -> None:
        self.pieces.append(text)
        self.column += len(text)

    def start(self, depth: int) -> None:
        self.pieces.append("\n" + _INDENT * depth)
        self.line, self.column = self.line + 1, 1 + len(_INDENT) * depth

    def write(self, value: Json, depth: int, name: str | None) -> _Node:
        line, column = self.line, self.column
        if name is not None:
            self.put(f"{_spelt(name)}: ")
        children = []
        if isinstance(value, dict):
            children = self.children(((key, key, item) for key, item in value.items()), "{}", depth)
        elif isinstance(value, list):
            children = self.children(((str(index), None, item) for index, item in enumerate(value)), "[]", depth)
        else:
            self.put(_spelt(value))
        return _Node(Region(line, column, self.line, self.column), children)

    def children(
        self, items: Iterable[tuple[str, str | None, Json]], brackets: str, depth: int
    ) -> list[tuple[str, _Node]]:
        self.put(brackets[0])
        found: list[tuple[str, _Node]] = []
        for step, name, item in items:
            if found:
                self.put(",")
            self.start(depth + 1)
            found.append((step, self.write(item, depth + 1, name)))
        if found:
            self.start(depth)
        self.put(brackets[1])
        return found


def _spelt(value: Json) -> str:
    """A scalar as JSON; text with nothing in it that would not be seen."""
    if not isinstance(value, str):
        return json.dumps(value)
    text = redacted(value)
    if text.isascii():
        return _escaped(text)
    spelt = (char if printable(char) == char and not char.isascii() else _escaped(char)[1:-1] for char in text)
    return f'"{"".join(spelt)}"'


def _escaped(text: str) -> str:
    return json.dumps(text).replace("\x7f", "\\u007f")


def _deepest(node: _Node, steps: Sequence[str]) -> tuple[int, _Node]:
    """The node that the most of these steps lead to, and how many were left: the later of those that tie."""
    best = (len(steps), node)
    if steps:
        exact = [child for step, child in node.children if step == steps[0]]
        alike = exact or [child for step, child in node.children if folded(step) == folded(steps[0])]
        for child in reversed(alike):
            found = _deepest(child, steps[1:])
            if found[0] < best[0]:
                best = found
    return best
