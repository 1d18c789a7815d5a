"""Compares what accounts reach across their imports, before and after an edit of imports, exports or accounts.

Where each edited account takes the same subjects from the same exporters in the same manner, nobody anywhere can tell:
whatever leads to it, leads on as before. Where one does not, requests are followed from every account upstream through
all that they pass, and streams over their one hop.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

from optimizer.access.compared import Compared, relation_of, united
from optimizer.claims.model import NOTHING, OperatorClaims
from optimizer.claims.validate import refusal_of_earlier
from optimizer.edits.anew import Itself
from optimizer.graph.build import IMPORTED_BY_SERVER, build
from optimizer.graph.edges import edges_of
from optimizer.graph.resolve import State
from optimizer.graph.surroundings import surroundings
from optimizer.graph.ways import TooManyError, Ways, doubts_of, examples
from optimizer.hierarchy import Hierarchy, Signed
from optimizer.proposals import Witness
from optimizer.settings import Server
from optimizer.subjects.probes import AcrossImport, Connect, Relation
from optimizer.subjects.subject import Subject, meet

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from optimizer.claims.keys import AccountKey
    from optimizer.claims.model import AccountClaims, Import
    from optimizer.graph.edges import Edge
    from optimizer.graph.surroundings import Part
    from optimizer.settings import Settings

_KINDS = ("service", "stream")


def imports_compared(before: Hierarchy, after: Hierarchy, settings: Settings) -> Compared:
    """How every account fares that an edit of imports, exports or accounts can touch.

    Parameters
    ----------
    before, after
        With the claims and tokens as read, and as nsc would write them; whole, or at least with all
        `optimizer.graph.surroundings` of what was edited.

    Returns
    -------
    Compared
        With ``accounts`` instead of ``principals``. What cannot be decided is UNDECIDED and says why in ``undecided``;
        no word of a person changes that, so what is stated about the source counts for nothing here.
    """
    edited = _edited(before, after)
    if not edited:
        return Compared()
    near = surroundings(edited, before, after, now=settings.now)
    old, new = _side(before, near.before, settings.now), _side(after, near.after, settings.now)
    return _Comparison(old, new, edited, near.asking, near.loaded, settings, before.system_account).compared()


def _edited(before: Hierarchy, after: Hierarchy) -> tuple[AccountKey, ...]:
    """The accounts of which imports or exports differ, and those that only one side has."""
    found = [key for key in before.accounts if key not in after.accounts]
    for key, signed in after.accounts.items():
        old = before.accounts.get(key)
        if old is not signed and (
            old is None
            or Counter(old.claims.imports) != Counter(signed.claims.imports)
            or Counter(old.claims.exports) != Counter(signed.claims.exports)
        ):
            found.append(key)
    return tuple(found)


@dataclass(frozen=True, slots=True)
class _Side:
    """Before, or after: the accounts that count, and their imports as a server resolves them."""

    accounts: Mapping[str, AccountClaims]
    edges: tuple[Edge, ...]
    ways: Ways
    refusals: Mapping[str, str]
    words: frozenset[str]
    """All tokens of subjects of imports."""
    longest: int
    """Tokens of the longest."""


def _side(whole: Hierarchy, some: Part, now: int) -> _Side:
    return _resolved(Itself(whole.operator), Itself(some), now)


@lru_cache(maxsize=2)
def _resolved(operator: Itself[Signed[OperatorClaims] | None], accounts: Itself[Part], now: int) -> _Side:
    """Nothing is taken on anybody's word. Where all of a store counts, it is compared many times."""
    some = accounts.value
    graph = build(Hierarchy(operator=operator.value, accounts=some), now)
    claims = {str(key): signed.claims for key, signed in some.items()}
    edges = edges_of(graph)
    refusals = {key: data["refusal"] for key, data in graph.nodes(data=True)}
    names = [name.split(".") for edge in edges for name in (edge.remote, edge.local)]
    words = frozenset(token for name in names for token in name)
    return _Side(claims, edges, Ways(edges, claims), refusals, words, max(map(len, names), default=0))


@dataclass(frozen=True, slots=True)
class _Comparison:
    old: _Side
    new: _Side
    edited: tuple[AccountKey, ...]
    asking: frozenset[str]
    """The accounts upstream of the edited ones, those among them."""
    loaded: frozenset[str]
    """Those of which imports in a cycle may fare otherwise: these, or all behind them, loaded in another order."""
    settings: Settings
    system: str

    def compared(self) -> Compared:
        gone, come, doubts = self._changes()
        doubts += [*self._refused(), *self._exported(), *self._taken_twice()]
        for edge in (*gone, *come):
            doubts += [f"in account {self._name(edge.importer)} {doubt}" for doubt in doubts_of(edge)]
            doubts += self._meets_the_server(edge)
        results = [*self._earlier(), *self._new()]
        try:
            same, more = self._same_over_one_hop(gone, come)
            doubts += more
            if not same:
                found, more = self._far(gone, come)
                results.append(found)
                doubts += more
        except TooManyError:
            doubts.append("services lead on to services in more ways than were followed")
        results.append(
            Compared(
                relation=Relation.UNDECIDED if doubts else Relation.SAME,
                accounts=len(self.asking),
                refused=any(self.old.refusals.get(key, "") for key in self.edited),
                leafnode=False,
                undecided=tuple(dict.fromkeys(doubts)),
            )
        )
        return united(results)

    def _name(self, key: str) -> str:
        claims = self.new.accounts.get(key) or self.old.accounts.get(key)
        return claims.name if claims is not None else key

    def _changes(self) -> tuple[list[Edge], list[Edge], list[str]]:
        """The imports that go and those that come; what does not stay as it was is among both."""
        then, now = _by_claims(self.old.edges), _by_claims(self.new.edges)
        gone: list[Edge] = []
        come: list[Edge] = []
        doubts: list[str] = []
        for place in {**then, **now}:
            before, after = then.get(place, []), now.get(place, [])
            for one, other in zip(before, after, strict=False):
                if one.state is not other.state or one.exports != other.exports:
                    gone += [one] * (one.state in (State.WORKS, State.UNKNOWN))
                    come += [other] * (other.state in (State.WORKS, State.UNKNOWN))
                    if State.REFUSED in (one.state, other.state):
                        doubts.append(f"account {self._name(one.importer)} is refused: {one.reason or other.reason}")
                elif other.state is State.UNKNOWN and self._may_close_a_cycle(other):
                    doubts.append(
                        f"the import of `{other.remote}` by account {self._name(other.importer)} may work before and "
                        f"not after, or after and not before: {other.reason}"
                    )
            gone += before[len(after) :]
            come += after[len(before) :]
        return gone, come, doubts

    def _may_close_a_cycle(self, edge: Edge) -> bool:
        """Whether an import is not known to work for a reason that edits elsewhere may have to do with."""
        known = edge.exporter in self.new.accounts and len(edge.exports) == 1
        return known and edge.importer in self.loaded

    def _refused(self) -> Iterator[str]:
        for key in self.edited:
            refusal = self.new.refusals.get(key, "")
            if refusal:
                yield f"the server refuses account {self._name(key)} afterwards: {refusal}"

    def _taken_twice(self) -> Iterator[str]:
        """Streams of one name twice: nsc does not sort stably, and which of them comes first is no promise."""
        for key in self.edited:
            claims = self.new.accounts.get(key)
            streams = Counter((e.account, e.subject) for e in claims.imports if e.type == "stream") if claims else {}
            for (_, subject), times in streams.items():
                if times > 1:
                    yield f"account {self._name(key)} imports `{subject}` {times} times, and the server keeps the first"

    def _exported(self) -> Iterator[str]:
        for key in self.edited:
            before, after = self.old.accounts.get(key), self.new.accounts.get(key)
            if after is None:
                yield f"account {self._name(key)} is gone"
            elif before is not None and Counter(before.exports) != Counter(after.exports):
                yield f"accounts that are not in the source may import what account {self._name(key)} exports"

    def _earlier(self) -> Iterator[Compared]:
        """Tokens that only one generation of the server lets in, before or after."""
        if Server.EARLIER in self.settings.servers:
            for key in self.edited:
                before, after = (_earlier_refusal(side, key) for side in (self.old, self.new))
                if key in self.old.accounts and before != after:
                    witness = (Witness(f"any user of {self._name(key)}", Connect(), Server.EARLIER),)
                    yield (
                        Compared(relation=Relation.NARROWER, lost=witness, leafnode=False)
                        if after
                        else Compared(relation=Relation.WIDER, gained=witness, leafnode=False)
                    )

    def _new(self) -> Iterator[Compared]:
        """Whoever becomes a user of a new account connects, and could not before."""
        for key in self.edited:
            if key not in self.old.accounts:
                name = f"any user of {self._name(key)}"
                gained = tuple(Witness(name, Connect(), server) for server in self.settings.servers)
                yield Compared(relation=Relation.WIDER, gained=gained, leafnode=False)

    def _meets_the_server(self, edge: Edge) -> Iterator[str]:
        """Imports that servers make by themselves, as long as the account has none under the same name.

        Server: ``registerSystemImports``, ``enableAllJetStreamServiceImportsAndMappings``.
        """
        made = {local.format(edge.importer) for local, _ in IMPORTED_BY_SERVER} | {"$JS.API.>"}
        if edge.exporter == self.system or (edge.kind == "service" and edge.local in made):
            yield f"servers add exports and imports of their own to that of `{edge.remote}`"

    def _same_over_one_hop(self, gone: Sequence[Edge], come: Sequence[Edge]) -> tuple[bool, list[str]]:
        """Whether each edited account takes the same from the same exporters, as often and in the same manner.

        And what of its other imports keeps that from being known.
        """
        same = all(key in self.old.accounts for key in self.edited)
        doubts: list[str] = []
        for importer, kind in {(edge.importer, edge.kind): None for edge in (*gone, *come)}:
            patterns = dict.fromkeys(e.within.text for e in (*gone, *come) if (e.importer, e.kind) == (importer, kind))
            beside = {
                id(each): each
                for text in patterns
                for side in (self.old, self.new)
                for each in side.ways.meeting(importer, kind, Subject(text))
            }
            for each in beside.values():
                doubts += [f"in account {self._name(importer)} {doubt}" for doubt in doubts_of(each)]
            for subject in self._examples([*patterns, *(each.within.text for each in beside.values())]) if same else ():
                before, after = (side.ways.arrivals(importer, kind, subject, hops=1) for side in (self.old, self.new))
                same = same and before.manners == after.manners
        return same, doubts

    def _far(self, gone: Sequence[Edge], come: Sequence[Edge]) -> tuple[Compared, list[str]]:
        """Everything that is gained and lost anywhere, with witnesses."""
        doubts: dict[str, None] = {}
        gained: list[AcrossImport] = []
        lost: list[AcrossImport] = []
        watched = [Subject(text) for text in self.settings.protected]
        for kind in _KINDS:
            sides = (
                (self.old, frozenset(id(edge) for edge in gone if edge.kind == kind)),
                (self.new, frozenset(id(edge) for edge in come if edge.kind == kind)),
            )
            if not any(changed for _, changed in sides):
                continue
            importers = {edge.importer for edge in (*gone, *come) if edge.kind == kind}
            for account in sorted(self.asking if kind == "service" else importers):
                patterns: dict[str, None] = {}
                for side, changed in sides:
                    found, more = side.ways.domains(account, kind, changed, self.asking, watched)
                    patterns |= found
                    doubts |= more
                for subject in self._examples([*patterns, *self._protected(patterns)]) if patterns else ():
                    doubts |= self._one(account, kind, subject, gained, lost)
        servers = self._witnessing()
        compared = Compared(
            gained=self._witnesses(gained, servers),
            lost=self._witnesses(lost, servers),
            relation=relation_of(gained=bool(gained), lost=bool(lost)),
            leafnode=False,
            protected=self._witnesses([probe for probe in gained if self._is_protected(probe)], servers),
        )
        if (gained or lost) and not servers:
            doubts["no server generation that was asked about lets all these accounts in"] = None
        return compared, list(doubts)

    def _one(
        self, account: str, kind: str, subject: str, gained: list[AcrossImport], lost: list[AcrossImport]
    ) -> dict[str, None]:
        """What one subject of an account leads to on one side only."""
        before, after = (side.ways.arrivals(account, kind, subject) for side in (self.old, self.new))
        for place in sorted({**before.counts, **after.counts}):
            then, now = before.counts[place], after.counts[place]
            if then != now:
                exporter, remote = place
                probe = AcrossImport(
                    account, kind, subject, exporter, self._name(exporter), remote, copies=min(then, now) + 1
                )
                (gained if now > then else lost).append(probe)
            elif before.manners[place] != after.manners[place]:
                return {
                    f"`{subject}` of account {self._name(account)} comes to account {self._name(place[0])} in another "
                    "manner: what is told of who asks, how it may be answered, or by which leave": None
                }
        return {}

    def _examples(self, patterns: Iterable[str]) -> Iterator[str]:
        texts = list(dict.fromkeys(patterns))
        sides = (self.old, self.new)
        longest = max(*(side.longest for side in sides), *(len(text.split(".")) for text in texts))
        protected = frozenset(token for text in self.settings.protected for token in text.split("."))
        return examples(texts, protected.union(*(side.words for side in sides)), longest)

    def _protected(self, patterns: Iterable[str]) -> Iterator[str]:
        """The parts of these patterns that nothing may newly reach."""
        for text in patterns:
            for protected in self.settings.protected:
                both = meet(Subject(text), Subject(protected))
                if both is not None:
                    yield both.text

    def _is_protected(self, probe: AcrossImport) -> bool:
        names = (Subject(probe.subject), Subject(probe.remote))
        return any(Subject(protected).admits(name) for protected in self.settings.protected for name in names)

    def _witnessing(self) -> tuple[Server, ...]:
        """The generations that let in every account near, before and after."""
        keys = {*self.old.accounts, *self.new.accounts}
        told = any(_earlier_refusal(side, key) for side in (self.old, self.new) for key in keys)
        return tuple(server for server in self.settings.servers if not (told and server is Server.EARLIER))

    def _witnesses(self, probes: Iterable[AcrossImport], servers: Iterable[Server]) -> tuple[Witness, ...]:
        """The shortest between two accounts, so that none hides behind another, or what is new behind what is twice."""
        shortest: dict[tuple[str, str, str, bool], AcrossImport] = {}
        for probe in sorted(probes, key=lambda one: (one.subject.count("."), len(one.subject), one.subject)):
            shortest.setdefault((probe.importer, probe.exporter, probe.kind, probe.copies > 1), probe)
        return tuple(
            Witness(self._name(probe.importer), probe, server) for probe in shortest.values() for server in servers
        )


def _by_claims(edges: Iterable[Edge]) -> dict[tuple[str, Import], list[Edge]]:
    found: dict[tuple[str, Import], list[Edge]] = defaultdict(list)
    for edge in edges:
        # The name of an import says nothing to the server.
        found[edge.importer, edge.claims.replaced(name="", unknown=NOTHING)].append(edge)
    return found


def _earlier_refusal(side: _Side, key: str) -> bool:
    claims = side.accounts.get(key)
    return claims is not None and refusal_of_earlier(claims) is not None
