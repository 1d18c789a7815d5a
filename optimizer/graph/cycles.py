"""Which imports a server may drop because it takes them for the end of a cycle.

The server drops the import of a cycle that it loads last, and the order of loading is no part of a store; its search
also remembers accounts that it has only passed. So the question here is whether the search could answer "cycle" with
every other import loaded; where it could not, none is dropped in any order.

Server: ``checkServiceImportsForCycles``, ``checkStreamImportsForCycles``.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from optimizer.graph.resolve import Exports, contains, without_places
from optimizer.subjects.subject import Subject

if TYPE_CHECKING:
    from collections.abc import Mapping

_LARGEST = 1000
"""Accounts and subjects one search may pass: the server gives up at 1,024 accounts (``MaxAccountCycleSearchDepth``)."""


@dataclass(frozen=True, slots=True)
class Link:
    """An import that the exporter lets in."""

    exporter: str
    kind: str
    remote: str
    local: str


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

    links: Mapping[str, list[Link]]
    exports: Mapping[str, Exports]
    _found: dict[tuple[str, str, str], tuple[frozenset[str], str]] = field(default_factory=dict)

    def suspicion(self, importer: str, link: Link) -> str:
        """Why the server may drop this import of this account; empty where it never does."""
        subjects = {link.local, link.remote} if link.kind == "stream" else {_service_start(link)}
        for subject in sorted(subjects):
            arrived, doubt = self._reach(link.kind, link.exporter, subject)
            if importer in arrived:
                return "it may close a cycle of imports, of which the server drops the one it loads last"
            if doubt:
                return doubt
        return ""

    def _reach(self, kind: str, start: str, subject: str) -> tuple[frozenset[str], str]:
        found = self._found.get((kind, start, subject))
        if found is None:
            found = self._found[kind, start, subject] = self._searched(kind, start, subject)
        return found

    def _searched(self, kind: str, start: str, subject: str) -> tuple[frozenset[str], str]:
        arrivals = Counter({start: 1})
        passed: set[str] = set()
        states = {(start, subject)}
        todo = [(start, subject)]
        while todo:
            account, wanted = todo.pop()
            exports = self.exports.get(account)
            if exports is None:
                return frozenset(), f"whether it closes a cycle depends on `{account}`, which is not in the source"
            if kind == "stream" and not exports.containing("stream", wanted):
                continue
            for link in self.links.get(account, ()):
                local = without_places(link.local)
                if link.kind != kind or not Subject(wanted).overlaps(
                    Subject(local if kind == "stream" else link.remote)
                ):
                    continue
                passed.add(account)
                arrivals[link.exporter] += 1
                state = (link.exporter, local if contains(wanted.split("."), local.split(".")) else wanted)
                if state not in states:
                    states.add(state)
                    todo.append(state)
            if len(states) > _LARGEST:
                return frozenset(), "the chain of imports behind it is too long to say whether the server finds a cycle"
        arrived = frozenset(arrivals - Counter({start: 1}))
        if any(arrivals[account] > 1 for account in passed):
            return arrived, "the server's search may take the imports behind it for a cycle, depending on its order"
        return arrived, ""


def _service_start(link: Link) -> str:
    return without_places(link.local) if Subject(link.remote).has_wildcard else link.local
