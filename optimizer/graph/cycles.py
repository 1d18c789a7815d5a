"""Which imports a server may drop because it takes them for the end of a cycle.

The server drops the import of a cycle that it loads last, and the order of loading is no part of a store; its search
also remembers accounts that it has only passed. So the question here is whether the search could answer "cycle" with
every other import loaded; where it could not, none is dropped in any order.

The server searches anew for each import. Here an account and the subject a search has there are one state, followed
once for all of them: states that lead back to each other are found by Tarjan's algorithm, and what lies behind a state
is put together from what lies behind those it leads to. It takes as long as there are imports that lead on.

Server: ``checkServiceImportsForCycles``, ``checkStreamImportsForCycles``.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple

from optimizer.graph.colliding import Colliding
from optimizer.graph.exports import contains
from optimizer.graph.resolve import without_places
from optimizer.subjects.once import once
from optimizer.subjects.subject import Subject

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

    from optimizer.graph.exports import Exports
    from optimizer.graph.resolve import Route

MOST = 500_000
"""Imports that are followed in all, about two seconds; 300 accounts that import from each other have 90,000."""

_DEEPEST = 1023
"""Accounts one search may pass: at 1,024 with the importer the server gives up, and drops the import it searches for
(``MaxAccountCycleSearchDepth``)."""

_RING, _RINGS = 20_000, 300_000
"""Imports that are followed to show one cycle, and all; whether there is one is known without it."""

CLOSES = "it may close a cycle of imports, of which the server drops the one it loads last"
CUT = "the search for cycles was cut off: too many imports lead on from here to say whether the server finds one"
_LONG = "the chain of imports behind it is longer than the 1,024 accounts after which the server gives up and drops it"
_ORDER = "the server's search may take the imports behind it for a cycle, depending on its order"


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


class _State(NamedTuple):
    """Where a search is: in an account, with a subject."""

    kind: str
    account: str
    subject: str


class _Behind(NamedTuple):
    """What a search finds from a state on; accounts are bits.

    Parameters
    ----------
    arrived
        Accounts that an import leads to.
    twice
        Those of them that several do; where the search began counts as led to.
    passed
        Accounts that have an import to follow. Of those that are led to twice only one is kept, and no other: it
        decides, and a large source would not fit into memory.
    stranger
        An account among them of which nothing is known; empty if there is none.
    is_cut
        Whether there was more to follow than was followed.
    """

    arrived: int = 0
    twice: int = 0
    passed: int = 0
    stranger: str = ""
    is_cut: bool = False


@dataclass(slots=True)
class Cycles:
    """The search, with what it found remembered.

    Parameters
    ----------
    links
        By importing account.
    exports
        Of every account that a server loads; an account that is not in it is not known.
    most
        Imports that are followed in all. What would need more is answered with `CUT`, never with "no cycle".
    """

    links: Mapping[str, Links]
    exports: Mapping[str, Exports]
    most: int = MOST
    _found: dict[_State, _Behind] = field(default_factory=dict)
    _bits: dict[str, int] = field(default_factory=dict)
    _followed: int = 0
    _shown: int = 0

    def suspicion(self, importer: str, exporter: str, kind: str, path: Route) -> str:
        """Why the server may drop this import of this account; empty where it never does."""
        links = self.links.get(exporter) if exporter in self.exports else None
        for subject in _starts(kind, path):
            if links is not None and not links.collides(kind, subject):
                continue  # most searches end where they begin
            start = _State(kind, exporter, subject)
            behind = self._behind_itself(start, path) if importer == exporter else self._explored(start)
            if behind.arrived & self._bit(importer):
                return CLOSES
            if behind.stranger:
                return f"whether it closes a cycle depends on `{behind.stranger}`, which is not in the source"
            if behind.is_cut:
                return CUT
            if behind.passed & behind.twice:
                return _ORDER
            if behind.passed.bit_count() >= _DEEPEST:
                return _LONG
        return ""

    def ring(self, importer: str, link: Link) -> tuple[tuple[str, Link], ...]:
        """The imports, each with its account, on a shortest way from this one back to its account.

        Empty if there is none, or if too many were followed already for others.
        """
        for subject in _starts(link.kind, link.path):
            start = _State(link.kind, link.exporter, subject)
            came: dict[_State, tuple[_State, Link] | None] = {start: None}
            todo = deque([start])
            most = min(self._shown + _RING, _RINGS)
            while todo and self._shown <= most:
                state = todo.popleft()
                for following in self._following(state):
                    self._shown += 1
                    if following is link:
                        continue  # it is not loaded while it is searched for
                    if following.exporter == importer:
                        return ((importer, link), *_way(came, state, following))
                    after = _after(following, state)
                    if after not in came:
                        came[after] = (state, following)
                        todo.append(after)
        return ()

    def _following(self, state: _State) -> Iterator[Link]:
        """The imports by which the search goes on from a subject of an account."""
        kind, account, subject = state
        exports, links = self.exports.get(account), self.links.get(account)
        passable = exports is not None and (kind != "stream" or bool(exports.containing("stream", subject)))
        return links.colliding(kind, Subject(subject)) if passable and links else iter(())

    def _explored(self, start: _State) -> _Behind:
        """Tarjan's algorithm: states that lead back to each other are closed together, those behind them first."""
        if start in self._found:
            return self._found[start]
        entered: dict[_State, int] = {}
        lowest: dict[_State, int] = {}
        following: dict[_State, list[_State] | None] = {}
        is_open: list[_State] = []
        way: list[tuple[_State, Iterator[_State]]] = []
        after: _State | None = start
        while after is not None or way:
            if after is not None:
                entered[after] = lowest[after] = len(entered)
                following[after] = self._followed_from(after)
                is_open.append(after)
                way.append((after, iter(following[after] or ())))
            state, rest = way[-1]
            after = None
            for each in rest:
                if each in self._found:
                    continue
                if each not in entered:
                    after = each
                    break
                lowest[state] = min(lowest[state], entered[each])
            if after is not None:
                continue
            way.pop()
            if way:
                lowest[way[-1][0]] = min(lowest[way[-1][0]], lowest[state])
            if lowest[state] == entered[state]:
                together = [is_open.pop()]
                while together[-1] != state:
                    together.append(is_open.pop())
                self._close(together, following)
        return self._found[start]

    def _followed_from(self, state: _State) -> list[_State] | None:
        """The states that the search goes on to, one for each import; None once enough were followed."""
        if self._followed >= self.most:
            return None
        found = [_after(link, state) for link in self._following(state)]
        self._followed += len(found)
        return found

    def _close(self, states: list[_State], following: Mapping[_State, list[_State] | None]) -> None:
        """Remember what lies behind states that lead to each other, or behind one; all others behind are known."""
        own = {state: self._bit(state.account) for state in states}
        behind = [each for state in states for each in following[state] or ()]
        arrived, twice, passed, stranger, is_cut = self._joined(each for each in behind if each not in own)
        for state in states:
            if state.account not in self.exports:
                stranger = min(filter(None, (stranger, state.account)))
            if following[state]:
                passed |= own[state]
            is_cut = is_cut or following[state] is None
        if any(each in own for each in behind):  # whoever comes to it comes again
            for bit in own.values():
                arrived |= bit
        for bit in own.values():
            twice |= arrived & bit
        if passed & twice:
            passed = twice = (passed & twice) & -(passed & twice)
        self._found.update(dict.fromkeys(states, _Behind(arrived, twice, passed, stranger, is_cut)))

    def _joined(self, states: Iterable[_State]) -> _Behind:
        """What lies behind several states that an import each leads to, and they themselves."""
        arrived = twice = passed = 0
        stranger, is_cut = "", False
        for state in states:
            behind, bit = self._found[state], self._bit(state.account)
            twice |= behind.twice | (behind.arrived & bit) | (arrived & (behind.arrived | bit))
            arrived |= behind.arrived | bit
            passed |= behind.passed
            is_cut = is_cut or behind.is_cut
            if behind.stranger:
                stranger = min(filter(None, (stranger, behind.stranger)))
        return _Behind(arrived, twice, passed, stranger, is_cut)

    def _behind_itself(self, state: _State, path: Route) -> _Behind:
        """What lies behind an account's import from itself: it is not loaded while it is searched for."""
        self._explored(state)
        links = [link for link in self._following(state) if (link.exporter, link.path) != (state.account, path)]
        states = [_after(link, state) for link in links]
        for each in states:
            self._explored(each)
        found = self._joined(states)
        return found._replace(passed=found.passed | (self._bit(state.account) if states else 0))

    def _bit(self, account: str) -> int:
        bit = self._bits.get(account)
        if bit is None:
            bit = self._bits[account] = 1 << len(self._bits)
        return bit


def _way(came: Mapping[_State, tuple[_State, Link] | None], state: _State, last: Link) -> tuple[tuple[str, Link], ...]:
    found = [(state.account, last)]
    before = came[state]
    while before is not None:
        state, link = before
        found.append((state.account, link))
        before = came[state]
    return tuple(reversed(found))


def _filed(path: Route) -> str:
    """The importer's subject as the search sees it."""
    if "$" not in path.local and "{" not in path.local:
        return path.local
    return without_places(path.local) if path.has_wildcard else path.local


def _starts(kind: str, path: Route) -> tuple[str, ...]:
    """The subjects with which the server's search begins in the exporter."""
    if kind == "service":
        return (_filed(path),)
    return (path.remote,) if path.local == path.remote else tuple(sorted((path.local, path.remote)))


def _after(link: Link, state: _State) -> _State:
    """Where the search goes on behind an import, and with which subject."""
    narrower = contains(state.subject.split("."), link.passed.tokens)
    return _State(link.kind, link.exporter, link.passed.text if narrower else state.subject)


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
    def _filed(self) -> tuple[dict[tuple[str, str], list[Link]], dict[str, Colliding[Link]]]:
        """Those of literal subjects by type and subject, and those with wildcards by type."""
        equal: dict[tuple[str, str], list[Link]] = {}
        wide: dict[str, Colliding[Link]] = {}
        for link in self._links():
            if _is_literal(link.asked.text):
                equal.setdefault((link.kind, link.asked.text), []).append(link)
            else:
                wide.setdefault(link.kind, Colliding()).add(link.asked, link)
        return equal, wide

    @once
    def _all(self) -> dict[str, Colliding[Link]]:
        """All of them, by type: for the searches with wildcards."""
        found: dict[str, Colliding[Link]] = {}
        for link in self._links():
            found.setdefault(link.kind, Colliding()).add(link.asked, link)
        return found

    def collides(self, kind: str, subject: str) -> bool:
        """Whether there are any `colliding`; cheaper to ask."""
        equal, wide = self._filed
        if (kind, subject) in equal:
            return True
        if kind not in wide and _is_literal(subject):
            return False
        return next(self.colliding(kind, Subject(subject)), None) is not None

    def colliding(self, kind: str, subject: Subject) -> Iterator[Link]:
        """Those with a subject in common with this one. Server: ``SubjectsCollide``."""
        if _is_literal(subject.text):
            equal, wide = self._filed
            yield from equal.get((kind, subject.text), ())
            files = wide.get(kind)
        else:
            files = self._all.get(kind)
        if files is not None:
            yield from files.meeting(subject)


def _is_literal(subject: str) -> bool:
    """Whether no token of it is a wildcard; in doubt not."""
    return "*" not in subject and ">" not in subject
