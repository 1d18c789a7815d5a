"""Which imports a server may drop because it takes them for the end of a cycle.

The server drops the import of a cycle that it loads last, and the order of loading is no part of a store; its search
also remembers accounts that it has only passed. So the question here is whether the search could answer "cycle" with
every other import loaded; where it could not, none is dropped in any order.

Server: ``checkServiceImportsForCycles``, ``checkStreamImportsForCycles``.
"""

from __future__ import annotations

from collections import Counter, deque
from dataclasses import dataclass, field
from itertools import chain
from typing import TYPE_CHECKING

from optimizer.graph.resolve import Exports, contains, without_places
from optimizer.subjects.subject import Subject

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from optimizer.graph.resolve import Route
_LARGEST = 1000
"""Accounts and subjects one search may pass: the server gives up at 1,024 accounts (``MaxAccountCycleSearchDepth``)."""

CLOSES = "it may close a cycle of imports, of which the server drops the one it loads last"


class Link:
    """An import that the exporter lets in; ``place`` is where it stands in the importer's token."""

    __slots__ = ("asked", "exporter", "kind", "local", "passed", "place", "remote")

    def __init__(self, exporter: str, kind: str, path: Route, place: int = -1) -> None:
        self.exporter = exporter
        self.place = place
        self.kind = kind
        self.remote = path.remote
        self.local = path.local
        self.passed = Subject(without_places(path.local) if Subject(path.remote).has_wildcard else path.local)
        """The importer's subject as the server files it: what the search goes on with behind this import."""
        self.asked = self.passed if kind == "stream" else Subject(path.remote)
        """The subject that a search must collide with to follow this import."""


@dataclass(slots=True)
class Cycles:
    """The search, with what it found remembered: many accounts import the same subject.

    Parameters
    ----------
    links
        By importing account.
    exports
        Of every account that a server loads; an account that is not in it is not known.
    """

    links: Mapping[str, Links]
    exports: Mapping[str, Exports]
    _found: dict[tuple[str, str, str], tuple[frozenset[str], str]] = field(default_factory=dict)

    def suspicion(self, importer: str, link: Link) -> str:
        """Why the server may drop this import of this account; empty where it never does."""
        for subject in _starts(link):
            arrived, doubt = self._reach(link.kind, link.exporter, subject)
            if importer in arrived:
                return CLOSES
            if doubt:
                return doubt
        return ""

    def ring(self, importer: str, link: Link) -> tuple[tuple[str, Link], ...]:
        """The imports, each with its account, on a shortest way from this one back to its account; empty if none."""
        for subject in _starts(link):
            ways: dict[tuple[str, Subject], tuple[tuple[str, Link], ...]] = {(link.exporter, Subject(subject)): ()}
            todo = deque(ways)
            while todo and len(ways) <= _LARGEST:
                state = todo.popleft()
                for following in self._following(link.kind, *state):
                    way = (*ways[state], (state[0], following))
                    if following.exporter == importer:
                        return ((importer, link), *way)
                    after = _behind(following, state[1])
                    if after not in ways:
                        ways[after] = way
                        todo.append(after)
        return ()

    def _following(self, kind: str, account: str, subject: Subject) -> Iterator[Link]:
        """The imports by which the search goes on from a subject of an account."""
        exports, links = self.exports.get(account), self.links.get(account)
        passable = exports is not None and (kind != "stream" or bool(exports.containing("stream", subject.text)))
        return links.colliding(kind, subject) if passable and links else iter(())

    def _reach(self, kind: str, start: str, subject: str) -> tuple[frozenset[str], str]:
        found = self._found.get((kind, start, subject))
        if found is None:
            found = self._found[kind, start, subject] = self._searched(kind, start, subject)
        return found

    def _searched(self, kind: str, start: str, text: str) -> tuple[frozenset[str], str]:
        arrivals = Counter({start: 1})
        passed: set[str] = set()
        states = {(start, Subject(text))}
        todo = list(states)
        while todo:
            account, subject = todo.pop()
            if account not in self.exports:
                return frozenset(), f"whether it closes a cycle depends on `{account}`, which is not in the source"
            for link in self._following(kind, account, subject):
                passed.add(account)
                arrivals[link.exporter] += 1
                state = _behind(link, subject)
                if state not in states:
                    states.add(state)
                    todo.append(state)
            if len(states) > _LARGEST:
                return frozenset(), "the chain of imports behind it is too long to say whether the server finds a cycle"
        arrived = frozenset(arrivals - Counter({start: 1}))
        if any(arrivals[account] > 1 for account in passed):
            return arrived, "the server's search may take the imports behind it for a cycle, depending on its order"
        return arrived, ""


def _starts(link: Link) -> list[str]:
    """The subjects with which the server's search begins in the exporter."""
    if link.kind == "stream":
        return sorted({link.local, link.remote})
    return [link.passed.text if Subject(link.remote).has_wildcard else link.local]


def _behind(link: Link, subject: Subject) -> tuple[str, Subject]:
    """Where the search goes on behind an import, and with which subject."""
    narrower = contains(subject.tokens, link.passed.tokens)
    return link.exporter, link.passed if narrower else subject


class Links:
    """The imports of one account that the exporters let in, by what a search may collide with."""

    def __init__(self, links: Iterable[Link]) -> None:
        self._by_first: dict[tuple[str, str], list[Link]] = {}
        self._kinds: dict[str, list[Link]] = {}
        for link in links:
            self._by_first.setdefault((link.kind, link.asked.tokens[0]), []).append(link)
            self._kinds.setdefault(link.kind, []).append(link)

    def colliding(self, kind: str, subject: Subject) -> Iterator[Link]:
        """Those with a subject in common with this one. Server: ``SubjectsCollide``."""
        first = subject.tokens[0]
        if first in ("*", ">"):
            near: Iterable[Link] = self._kinds.get(kind, ())
        else:
            near = chain.from_iterable(self._by_first.get((kind, token), ()) for token in (first, "*", ">"))
        return (link for link in near if link.asked.overlaps(subject))
