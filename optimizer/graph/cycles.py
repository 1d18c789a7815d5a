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

from optimizer.graph.exports import contains
from optimizer.graph.resolve import without_places
from optimizer.subjects.once import once
from optimizer.subjects.subject import Subject

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

    from optimizer.graph.exports import Exports
    from optimizer.graph.resolve import Route

_LARGEST = 1000
"""Accounts and subjects one search may pass: the server gives up at 1,024 accounts (``MaxAccountCycleSearchDepth``)."""

CLOSES = "it may close a cycle of imports, of which the server drops the one it loads last"


class Link:
    """An import that the exporter lets in; ``place`` is where it stands in the importer's token."""

    __slots__ = ("asked", "exporter", "kind", "passed", "path", "place")

    def __init__(self, exporter: str, kind: str, path: Route, place: int = -1) -> None:
        self.exporter = exporter
        self.place = place
        self.kind = kind
        self.path = path
        self.passed = Subject(_filed(path))
        """The importer's subject as the server files it: what the search goes on with behind this import."""
        self.asked = self.passed if kind == "stream" else path.source
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

    def suspicion(self, importer: str, exporter: str, kind: str, path: Route) -> str:
        """Why the server may drop this import of this account; empty where it never does."""
        links = self.links.get(exporter) if exporter in self.exports else None
        for subject in _starts(kind, path):
            if links is not None and not links.collides(kind, subject):
                continue  # most searches end where they begin
            arrived, doubt = self._reach(kind, exporter, subject)
            if importer in arrived:
                return CLOSES
            if doubt:
                return doubt
        return ""

    def ring(self, importer: str, link: Link) -> tuple[tuple[str, Link], ...]:
        """The imports, each with its account, on a shortest way from this one back to its account; empty if none."""
        for subject in _starts(link.kind, link.path):
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
            found = self._found[kind, start, subject] = self._searched(kind, start, Subject(subject))
        return found

    def _searched(self, kind: str, start: str, subject: Subject) -> tuple[frozenset[str], str]:
        arrivals = Counter({start: 1})
        passed: set[str] = set()
        states = {(start, subject)}
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


def _filed(path: Route) -> str:
    """The importer's subject as the search sees it."""
    return without_places(path.local) if path.has_wildcard else path.local


def _starts(kind: str, path: Route) -> tuple[str, ...]:
    """The subjects with which the server's search begins in the exporter."""
    if kind == "service":
        return (_filed(path),)
    return (path.remote,) if path.local == path.remote else tuple(sorted((path.local, path.remote)))


def _behind(link: Link, subject: Subject) -> tuple[str, Subject]:
    """Where the search goes on behind an import, and with which subject."""
    narrower = contains(subject.tokens, link.passed.tokens)
    return link.exporter, link.passed if narrower else subject


class Links:
    """The imports of one account that the exporters let in, by what a search may collide with.

    Parameters
    ----------
    links
        Asked for them when a search first comes by, which few accounts ever see.
    """

    def __init__(self, links: Callable[[], Iterable[Link]]) -> None:
        self._links = links

    @once
    def _filed(self) -> dict[tuple[str, str], list[Link]]:
        """By type, and by subject where it is literal, else by first token and a dot."""
        found: dict[tuple[str, str], list[Link]] = {}
        for link in self._links():
            asked = link.asked
            name = asked.text if _is_literal(asked.text) else f"{asked.tokens[0]}."
            found.setdefault((link.kind, name), []).append(link)
        return found

    def collides(self, kind: str, subject: str) -> bool:
        """Whether there are any `colliding`; cheaper to ask."""
        filed = self._filed
        if not _is_literal(subject) or (kind, "*.") in filed or (kind, ">.") in filed:
            return next(self.colliding(kind, Subject(subject)), None) is not None
        if (kind, subject) in filed:
            return True
        beginning = f"{subject.partition('.')[0]}."
        return (kind, beginning) in filed and next(self.colliding(kind, Subject(subject)), None) is not None

    def colliding(self, kind: str, subject: Subject) -> Iterator[Link]:
        """Those with a subject in common with this one. Server: ``SubjectsCollide``."""
        filed = self._filed
        if _is_literal(subject.text):
            names = (subject.text, f"{subject.tokens[0]}.", "*.", ">.")
            near: Iterable[list[Link]] = [filed.get((kind, name), []) for name in dict.fromkeys(names)]
        else:
            near = [links for (each, _), links in filed.items() if each == kind]
        return (link for link in chain.from_iterable(near) if link.asked.overlaps(subject))


def _is_literal(subject: str) -> bool:
    """Whether no token of it is a wildcard; in doubt not."""
    return "*" not in subject and ">" not in subject
