"""Which subjects of which account lead where: requests through chains of service imports, streams one hop.

Asked of literal subjects it counts arrivals; the subjects worth asking come from the patterns of the imports. Two
tables of patterns that differ at all differ at a subject that stands for all of one pattern, or of what two have in
common: each wildcard a word of its own that no pattern names.

Server: ``processServiceImport``; no service export is passed twice. A message that a stream import brings is not
exported again.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import dataclass, field
from itertools import count, islice
from typing import TYPE_CHECKING

from optimizer.graph.resolve import State
from optimizer.graph.transform import image, is_turned_round, preimage
from optimizer.subjects.subject import Subject, meet

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from optimizer.claims.model import AccountClaims
    from optimizer.graph.edges import Edge

MOST_WAYS = 20_000
"""Ways through services that one question may take; beyond them it is not decided."""

_WILD = ("*", ">")
_SERVICE, _STREAM = "service", "stream"

Manner = tuple[object, ...]
"""How what arrives is carried: what the exporter is told, how it may reply, by which leave."""


class TooManyError(Exception):
    """Services lead on to services in more ways than are followed."""


@dataclass(frozen=True, slots=True)
class Arrivals:
    """Where a subject of one account leads.

    Parameters
    ----------
    counts
        How often a message arrives, by exporter and by the exporter's subject.
    manners
        In which manners, of each.
    """

    counts: Counter[tuple[str, str]] = field(default_factory=Counter)
    manners: dict[tuple[str, str], Counter[Manner]] = field(default_factory=lambda: defaultdict(Counter))

    def note(self, exporter: str, remote: str, manner: Manner) -> None:
        """One more arrival."""
        self.counts[exporter, remote] += 1
        self.manners[exporter, remote][manner] += 1


class Ways:
    """The imports of a graph that a message may take.

    Parameters
    ----------
    edges
        Those that do not work are passed over; of those nobody can know, it is said where they are met.
    accounts
        Claims by key, for their mappings.
    """

    def __init__(self, edges: Iterable[Edge], accounts: Mapping[str, AccountClaims]) -> None:
        self._accounts = accounts
        self._mine: dict[tuple[str, str], dict[str, list[Edge]]] = defaultdict(lambda: defaultdict(list))
        for edge in edges:
            if edge.state in (State.WORKS, State.UNKNOWN):
                self._mine[edge.importer, edge.kind][edge.within.tokens[0]].append(edge)

    def meeting(self, account: str, kind: str, subject: Subject) -> Iterator[Edge]:
        """The imports of an account that share subjects with a pattern."""
        by_first = self._mine.get((account, kind), {})
        first = subject.tokens[0]
        names = by_first if first in _WILD else dict.fromkeys((first, *_WILD))
        return (edge for name in names for edge in by_first.get(name, ()) if edge.within.overlaps(subject))

    def arrivals(self, account: str, kind: str, subject: str, *, hops: int | None = None) -> Arrivals:
        """Where a literal subject leads to, or of a stream comes from; over so many imports and no more.

        Raises
        ------
        TooManyError
            It cannot be followed to the end.
        """
        found = Arrivals()
        todo: list[tuple[str, str, tuple[Edge, ...]]] = [(account, subject, ())]
        steps = 0
        while todo:
            at, name, way = todo.pop()
            for edge in self.meeting(at, kind, Subject(name)):
                if edge.state is not State.WORKS or not edge.exports or (way and _passed(edge, way)):
                    continue
                steps += 1
                if steps > MOST_WAYS:
                    raise TooManyError
                remote = preimage(edge.remote, edge.local, Subject(name))
                if remote is None:
                    continue  # INVARIANT: `doubts` names such an import
                following = (*way, edge)
                manner = manner_of(following)
                # Over one hop it counts by which export: none is passed twice, and what is behind may differ.
                found.note(edge.exporter, remote, (*manner, edge.exports[0].subject) if hops == 1 else manner)
                if kind == _SERVICE and (hops is None or len(following) < hops):
                    todo.append((edge.exporter, remote, following))
        return found

    def domains(
        self,
        account: str,
        kind: str,
        through: frozenset[int],
        towards: frozenset[str],
        watched: Sequence[Subject] = (),
    ) -> tuple[dict[str, None], dict[str, None]]:
        """The subjects of an account that lead through some of the imports, each time they arrive, as patterns.

        Parameters
        ----------
        through
            ``id`` of these imports.
        towards
            Accounts by which one can come to them.
        watched
            Patterns of which each part that is led to is told apart, by whatever name it is asked for.

        Returns
        -------
        tuple
            The patterns, and what keeps it from being known where they lead.
        """
        found: dict[str, None] = {}
        doubts: dict[str, None] = {}
        todo: list[tuple[str, Subject, tuple[Edge, ...], bool]] = [(account, Subject(">"), (), False)]
        steps = 0
        while todo:
            at, subject, way, changed = todo.pop()
            for edge in self.meeting(at, kind, subject):
                is_changed = changed or id(edge) in through
                if not (is_changed or edge.exporter in towards) or (way and _passed(edge, way)):
                    continue
                steps += 1
                if steps > MOST_WAYS:
                    raise TooManyError
                here = meet(edge.within, subject)
                remote = None if here is None else preimage(edge.remote, edge.local, here)
                following = (*way, edge)
                if is_changed:
                    doubts |= dict.fromkeys(doubt for each in following for doubt in doubts_of(each))
                if here is None or remote is None:
                    continue
                if is_changed:
                    end = Subject(remote)
                    parts = (both for pattern in watched if (both := meet(end, pattern)) is not None)
                    for each in (end, *parts):
                        names = _names(following, each)
                        if names is not None:
                            found[names[0]] = None
                    doubts |= dict.fromkeys(self._mappings(following, end))
                if kind == _SERVICE and edge.exporter != account:
                    todo.append((edge.exporter, Subject(remote), following, is_changed))
        return found, doubts

    def _mappings(self, way: Sequence[Edge], end: Subject) -> Iterator[str]:
        """What mappings on the way may make of what is called so at its end; those of streams count at the exporter."""
        yield from self._mapped(way[-1].exporter, end)
        if way[0].kind == _SERVICE:
            for edge, name in zip(way, _names(way, end) or (), strict=False):
                yield from self._mapped(edge.importer, Subject(name))

    def _mapped(self, account: str, subject: Subject) -> Iterator[str]:
        claims = self._accounts.get(account)
        if claims is not None:
            for source in claims.mappings:
                if Subject(source).overlaps(subject):
                    yield f"account {claims.name} maps `{source}` to something else"


def doubts_of(edge: Edge) -> Iterator[str]:
    """Why it cannot be known where an import leads; nothing where it can."""
    name = f"the import of `{edge.remote}`"
    if edge.state is not State.WORKS:
        yield f"{name} is {edge.state.value}: {edge.reason}" if edge.reason else f"{name} is {edge.state.value}"
    elif len(edge.exports) != 1:
        yield f"{name}: {edge.reason}"
    elif edge.exports[0].account_token_position:
        yield f"{name} is let in by the account's key in its subject"
    if not is_turned_round(edge.remote, edge.local):
        yield f"{name} as `{edge.local}` renames in a way that the server does not turn round"
    if edge.importer == edge.exporter:
        yield f"{name} is from the account itself"
    if edge.kind not in (_SERVICE, _STREAM):
        yield f"{name} is neither of a service nor of a stream"


def manner_of(way: Sequence[Edge]) -> Manner:
    """How a message that takes these imports is carried.

    Server: who asks is shared by the first import's ``share`` alone; more than one reply comes only if every export on
    the way lets it, and each was copied when the import was made.
    """
    exports = [edge.exports[0] for edge in way if edge.exports]
    responses = {export.response_type or "Singleton" for export in exports}
    response = "Singleton" if "Singleton" in responses else "/".join(sorted(responses))
    tracked = {str(sorted(export.service_latency.items())) for export in exports if export.service_latency is not None}
    return (
        way[0].claims.share,
        any(edge.claims.allow_trace for edge in way),
        response,
        tuple(sorted({export.response_threshold for export in exports})),
        tuple(sorted(tracked)),
        tuple(sorted({edge.claims.token for edge in way if edge.exports and edge.exports[0].token_req})),
    )


def examples(patterns: Sequence[str], taken: frozenset[str], longest: int) -> Iterator[str]:
    """Literal subjects that stand for all of these patterns and of what any two have in common, the shortest first.

    Parameters
    ----------
    taken
        Words that some pattern names.
    longest
        Tokens up to which a ``>`` is tried.

    Examples
    --------
    >>> list(examples(["a.*", "*.b"], frozenset({"a", "b"}), 3))
    ['a.b', 'a.x', 'x.b']
    >>> list(examples(["a.>"], frozenset({"a"}), 3))
    ['a.x', 'a.x.y', 'a.x.y.z']
    """
    subjects = {text: Subject(text) for text in patterns}
    wild = [subject for subject in subjects.values() if subject.has_wildcard]
    pairs = islice(((one, other) for i, one in enumerate(wild) for other in wild[:i]), MOST_WAYS)
    for one, other in pairs:
        both = meet(one, other)
        if both is not None:
            subjects.setdefault(both.text, both)
    words = list(islice(fresh_words(taken), longest + 2))
    found = {text for subject in subjects.values() for text in _filled(subject, words, longest)}
    return iter(sorted(found, key=lambda text: (text.count("."), len(text), text)))


def fresh_words(taken: frozenset[str]) -> Iterator[str]:
    """Words that are not taken, the shortest first."""
    names = (letter + (str(number) if number else "") for number in count() for letter in "xyzuvw")
    return (name for name in names if name not in taken)


def _filled(subject: Subject, words: Sequence[str], longest: int) -> Iterator[str]:
    tokens = subject.tokens
    ends = [len(tokens)] if tokens[-1] != ">" else range(len(tokens), max(longest, len(tokens)) + 2)
    for end in ends:
        fresh = iter(words)
        whole = tokens if tokens[-1] != ">" else (*tokens[:-1], *["*"] * (end - len(tokens) + 1))
        # More wildcards than words is more tokens than any pattern has: the last word again tells no less.
        yield ".".join(next(fresh, words[-1]) if token == "*" else token for token in whole)


def _passed(edge: Edge, way: Sequence[Edge]) -> bool:
    """Whether a message came by the export of this import before; of several exports nobody knows which."""
    if len(edge.exports) != 1:
        return False
    mine = (edge.exporter, edge.exports[0].subject)
    return any((other.exporter, other.exports[0].subject) == mine for other in way if len(other.exports) == 1)


def _names(way: Sequence[Edge], end: Subject) -> tuple[str, ...] | None:
    """What a pattern at the end of a way is called in each account that imports it; None where nobody can say."""
    names: list[str] = []
    subject = end
    for edge in reversed(way):
        name = image(edge.remote, edge.local, subject)
        if name is None:
            return None
        names.append(name)
        subject = Subject(name)
    return tuple(reversed(names))
