"""The exports of one account, and which of them a subject lies in: a trie, for an account may have thousands."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from optimizer.claims.model import Export


class Exports:
    """The exports of one account by type, found as the server finds them."""

    def __init__(self, exports: Iterable[Export]) -> None:
        self._found: dict[tuple[str, str], tuple[Export, ...]] = {
            (export.type, export.subject): (export,) for export in exports
        }
        """What contains a subject that was asked for; of an export's own subject it is the export."""
        self._roots: dict[str, _Node] = {}
        for (export,) in self._found.values():
            self._roots.setdefault(export.type, _Node()).insert(export)

    def containing(self, kind: str, subject: str) -> tuple[Export, ...]:
        """The equal export, else all that contain the subject, sorted.

        Server: ``checkStreamExportApproved``, ``checkServiceExportApproved``.
        """
        found = self._found.get((kind, subject))
        if found is None:
            root = self._roots.get(kind)
            found = () if root is None else _sorted(root.containing(subject.split(".")))
            self._found[kind, subject] = found  # many accounts import the same
        return found

    def overlapping(self, kind: str, subject: str) -> tuple[Export, ...]:
        """All that have a subject in common with this one, sorted."""
        root = self._roots.get(kind)
        return () if root is None else _sorted(root.overlapping(subject.split(".")))


def contains(pattern: Sequence[str], tokens: Sequence[str]) -> bool:
    """Whether the server takes the tokens for a part of the pattern.

    Server: ``isSubsetMatchTokenized``, to which a token of the pattern that only begins with ``*`` is a wildcard too.
    """
    for index, token in enumerate(pattern):
        if index >= len(tokens) or not token:
            return False
        if token == ">":
            return True
        mine = tokens[index]
        if mine in ("", ">") or (mine == "*" != token) or (token[0] != "*" and mine != token):
            return False
    return len(tokens) == len(pattern)


class _Node:
    """Where exports of one beginning go on or end."""

    __slots__ = ("children", "ends", "odd", "star", "tails")

    def __init__(self) -> None:
        # Most nodes have none of some: one empty tuple for all is asked faster than a list of each.
        self.children: dict[str, _Node] = {}
        self.star: _Node | None = None
        self.odd: tuple[_Node, ...] = ()
        """Children by tokens that only begin with ``*``."""
        self.ends: tuple[Export, ...] = ()
        self.tails: tuple[Export, ...] = ()
        """Exports whose next token is ``>``."""

    def insert(self, export: Export) -> None:
        node = self
        for token in export.subject.split("."):
            if not token:
                return  # nothing matches it
            if token == ">":
                node.tails += (export,)
                return
            below = node.children.get(token)
            if below is None:
                below = node.children[token] = _Node()
                if token == "*":
                    node.star = below
                elif token[0] == "*":
                    node.odd += (below,)
            node = below
        node.ends += (export,)

    def containing(self, tokens: Sequence[str]) -> list[Export]:
        """As `contains` says of each."""
        found: list[Export] = []
        node = self
        for index, token in enumerate(tokens):
            if node.odd:
                return found + _containing([node], tokens[index:])
            if node.tails:
                found += node.tails
            below, star = node.children.get(token), node.star
            if star is not None and token not in ("", "*", ">"):
                if below is not None:
                    return found + _containing([below, star], tokens[index + 1 :])
                below = star
            if below is None:
                return found
            node = below
        return [*found, *node.ends] if node.ends else found

    def overlapping(self, tokens: Sequence[str]) -> list[Export]:
        """As `optimizer.subjects.subject.Subject.overlaps` says of each."""
        found: list[Export] = []
        level = [self]
        for token in tokens:
            for node in level:
                found += node.tails
            if token == ">":
                return found + [export for node in level for export in node.below()]
            if token == "*":
                level = [below for node in level for below in node.children.values()]
            else:
                wanted = dict.fromkeys((token, "*"))
                level = [node.children[each] for node in level for each in wanted if each in node.children]
        return found + [export for node in level for export in node.ends]

    def below(self) -> Iterator[Export]:
        """Every export that goes on from here, `>` apart."""
        todo = list(self.children.values())
        while todo:
            node = todo.pop()
            yield from node.ends
            yield from node.tails
            todo += node.children.values()


def _containing(level: list[_Node], tokens: Sequence[str]) -> list[Export]:
    """The same from several nodes at once, as wildcards make of one."""
    found: list[Export] = []
    for token in tokens:
        below: list[_Node] = []
        for node in level:
            found += node.tails
            exact = node.children.get(token)
            if exact is not None:
                below.append(exact)
            if token not in ("", "*", ">"):
                if node.star is not None:
                    below.append(node.star)
                below += (odd for odd in node.odd if odd is not exact)
        level = below
        if not level:
            return found
    return found + [export for node in level for export in node.ends]


def _sorted(found: list[Export]) -> tuple[Export, ...]:
    return tuple(found) if len(found) <= 1 else tuple(sorted(found, key=lambda export: export.subject))
