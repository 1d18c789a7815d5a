"""Many imports of one exporter by one account as a single wildcard import.

Offered only where one export contains the wildcard, where one rule makes all local names, and where the wildcard meets
no other import of the account. It changes nothing only where the imports make up the wildcard together; else it widens.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from functools import lru_cache
from itertools import takewhile
from typing import TYPE_CHECKING

from optimizer.claims.layout import import_payload
from optimizer.claims.validate import activation_of
from optimizer.graph.exports import contains
from optimizer.graph.resolve import State, place_of, tokenized
from optimizer.graph.suggestion import (
    Change,
    Gained,
    Kind,
    Lost,
    Push,
    Suggestion,
    import_of,
    priced,
    reordered,
)
from optimizer.graph.transform import image
from optimizer.subjects.generalise import Generalisation, generalisations
from optimizer.subjects.subject import Subject

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from optimizer.claims.model import Export, Import
    from optimizer.graph.edges import Edge
    from optimizer.hierarchy import Hierarchy

    Named = tuple[Edge, Subject, Subject]
    """An import with its subject in the importer and in the exporter."""

_FRESH = "~"
_SAID = 20
"""Known subjects that a suggestion names."""
_LARGEST = 2000
"""Imports of one export by one account that are searched for patterns; what more a pattern holds goes with it."""


@dataclass(frozen=True, slots=True)
class Bundle:
    """Imports of one account that one wildcard could stand for."""

    edges: tuple[Edge, ...]
    export: Export
    remote: str
    local: str
    token: str

    @property
    def widens(self) -> bool:
        """Whether the wildcard has subjects that were not imported."""
        return not makes_up([Subject(edge.remote) for edge in self.edges], Subject(self.remote))

    @property
    def opens(self) -> int:
        """How far it widens: a ``*`` counts once, a ``>`` more than all of them."""
        return _width(self.remote) if self.widens else 0

    def estimate(self) -> int:
        """Bytes saved, but for the rounding of base64 and for what else nsc writes anew."""
        # A token is four letters for three bytes of payload.
        return sum(edge.token_bytes for edge in self.edges) - round(import_payload(self.written()) * 4 / 3)

    def written(self) -> Import:
        """The import as nsc writes it."""
        first = self.edges[0]
        made = import_of(first.kind, first.exporter, self.remote, self.local, first.claims)
        return made.replaced(token=self.token)


def bundles(edges: Sequence[Edge]) -> Iterator[Bundle]:
    """Every bundle that the server would let in, of two imports or more."""
    by_importer: dict[str, list[Edge]] = defaultdict(list)
    for edge in edges:
        by_importer[edge.importer].append(edge)
    for mine in by_importer.values():
        groups: dict[tuple[object, ...], list[Edge]] = defaultdict(list)
        for edge in mine:
            if edge.state is State.WORKS and len(edge.exports) == 1 and not edge.exports[0].account_token_position:
                export = edge.exports[0]
                alike = (edge.claims.share, edge.claims.allow_trace)
                groups[edge.exporter, edge.kind, export.subject, *alike].append(edge)
        large = [
            group for group in groups.values() if len(group) > 1 and Subject(group[0].exports[0].subject).has_wildcard
        ]
        named = [(edge, edge.within, Subject(edge.remote)) for edge in mine] if large else []
        for group in large:
            yield from _within(group, named)


def _within(group: Sequence[Edge], mine: Sequence[Named]) -> Iterator[Bundle]:
    export = group[0].exports[0]
    exported = export.subject.split(".")
    head = tuple(takewhile(_is_literal, exported))
    narrowest: dict[tuple[int, ...], Bundle] = {}
    tails = tuple(tuple(edge.remote.split(".")[len(head) :]) for edge in group[:_LARGEST])
    for pattern in _patterns(tails, keep_prefix=0 if head else 1):
        if not contains(exported[len(head) :], pattern.tokens):
            continue
        tokens = head + pattern.tokens
        remote = ".".join(tokens)
        members = tuple(group[index] for index in pattern.covers)
        members += tuple(edge for edge in group[_LARGEST:] if contains(tokens, edge.remote.split(".")))
        local = one_rule([(edge.remote, edge.local) for edge in members], remote)
        token = _activation(members, remote)
        if local is None or token is None:
            continue
        if not _meets_others(members, mine, Subject(remote), Subject(local)):
            made, places = Bundle(members, export, remote, local, token), tuple(edge.place for edge in members)
            before = narrowest.get(places)
            if before is None or (_width(remote), len(remote)) < (_width(before.remote), len(before.remote)):
                narrowest[places] = made
    yield from narrowest.values()


@lru_cache(maxsize=1 << 12)
def _patterns(tails: tuple[tuple[str, ...], ...], keep_prefix: int) -> list[Generalisation]:
    """Found once for all accounts that import alike from exports that differ in their heads: it takes a millisecond.

    A wildcard in the head of an export would not lie in the export.
    """
    return generalisations(tails, keep_prefix=keep_prefix, least=2)


def _is_literal(token: str) -> bool:
    """Whether every import in an export has this token of it. A template may be open beyond its own token."""
    return token[:1] not in ("", "*", ">") and "{" not in token


def _width(wildcard: str) -> int:
    tokens = wildcard.split(".")
    return tokens.count("*") + len(tokens) * (tokens[-1] == ">")


def _meets_others(members: Sequence[Edge], mine: Sequence[Named], remote: Subject, local: Subject) -> bool:
    """Whether the wildcard would meet another import: rivals for a request, or messages that arrive twice."""
    within = Subject(".".join("*" if place_of(token) is not None else token for token in tokenized(local.text)))
    kind, exporter = members[0].kind, members[0].exporter
    going = {edge.place for edge in members}
    return any(
        edge.kind == kind
        and edge.place not in going
        and (own.overlaps(within) or (edge.exporter == exporter and taken.overlaps(remote)))
        for edge, own, taken in mine
    )


def one_rule(names: Sequence[tuple[str, str]], wildcard: str) -> str | None:
    """The local subject that renames a wildcard as it renames each subject inside it; None where no one rule does.

    Parameters
    ----------
    names
        The exporter's and the importer's subject of each import.

    Examples
    --------
    >>> one_rule([("ev.a", "in.a"), ("ev.b", "in.b")], "ev.*")
    'in.$1'
    """
    if all(remote == local for remote, local in names):
        return wildcard
    pattern = Subject(wildcard).tokens
    heads: list[list[str]] = []
    sources: list[list[str]] = []
    for remote, local in names:
        source, target = tokenized(remote), tokenized(local)
        if pattern[-1] == ">":
            tail = source[len(pattern) - 1 :]
            if len(target) < len(tail) or target[len(target) - len(tail) :] != tail:
                return None
            target = target[: len(target) - len(tail)]
        heads.append(target)
        sources.append(source)
    if len({len(head) for head in heads}) != 1:
        return None
    stars = [index for index, token in enumerate(pattern) if token == "*"]
    made: list[str] = []
    for column in zip(*heads, strict=True):
        place = next((n for n, at in enumerate(stars, 1) if list(column) == [source[at] for source in sources]), None)
        if place is not None:
            made.append(f"${place}")
        elif len(set(column)) == 1 and place_of(column[0]) is None:
            made.append(column[0])
        else:
            return None
    if {f"${place}" for place in range(1, len(stars) + 1)} - set(made):
        return None
    local = ".".join([*made, *([">"] if pattern[-1] == ">" else [])])
    rule = all(image(wildcard, local, Subject(one)) == _plain(one, other) for one, other in names)
    return local if rule else None


def _plain(remote: str, local: str) -> str | None:
    return image(remote, local, Subject(remote))


def _activation(members: Sequence[Edge], remote: str) -> str | None:
    """The activation that lets the wildcard in, empty where none is asked for, None where a new one is needed."""
    if not members[0].exports[0].token_req:
        return ""
    for edge in members:
        if contains(activation_of(edge.claims).subject.split("."), remote.split(".")):
            return edge.claims.token
    return None


def makes_up(parts: Sequence[Subject], whole: Subject) -> bool:
    """Whether every subject of a pattern lies in one of several others.

    A token that none of them names stands for all such tokens, so that one literal of each length decides.

    Examples
    --------
    >>> makes_up([Subject("a.*"), Subject("a.*.>")], Subject("a.>"))
    True
    """
    tokens = [_FRESH * 8 if token == "*" else token for token in whole.tokens]
    if tokens[-1] != ">":
        literals = [tokens]
    else:
        longest = max([len(whole.tokens), *(len(part.tokens) for part in parts)]) + 1
        literals = [[*tokens[:-1], *[_FRESH * 8] * count] for count in range(1, longest - len(tokens) + 2)]
    return all(any(part.admits(Subject(".".join(literal))) for part in parts) for literal in literals)


def suggested(
    bundle: Bundle,
    hierarchy: Hierarchy,
    imported: Mapping[tuple[str, str], Sequence[str]],
    passing: Iterable[tuple[str, Subject | None]] = (),
) -> Suggestion:
    """The bundle with its price.

    Parameters
    ----------
    imported
        By exporter and type, the subjects that anybody imports.
    passing
        Accounts whose requests would come by it, from `optimizer.graph.together`.
    """
    first = bundle.edges[0]
    importer = hierarchy.accounts[first.importer]  # type: ignore[index]  # a key like any other
    written = bundle.written()
    price = priced(importer, {edge.place for edge in bundle.edges}, [written])
    whole, parts = Subject(bundle.remote), [Subject(edge.remote) for edge in bundle.edges]
    gained: tuple[Gained, ...] = ()
    known: list[str] = []
    if bundle.widens:
        names = [edge.within for edge in bundle.edges]
        beyond = (who for who, what in passing if what is None or not any(name.covers(what) for name in names))
        gained = tuple(
            Gained(account, first.exporter, first.kind, bundle.remote)
            for account in dict.fromkeys((first.importer, *beyond))
        )
        had = {part.text for part in parts}
        wide = [part for part in parts if part.has_wildcard]
        others = {Subject(text) for text in imported.get((first.exporter, first.kind), ()) if text not in had}
        known = sorted(
            other.text for other in others if whole.covers(other) and not any(part.covers(other) for part in wide)
        )
    return Suggestion(
        kind=Kind.BUNDLE,
        members=(first.exporter, first.importer),
        subject=bundle.local,
        edges_before=len(bundle.edges),
        edges_after=1,
        accounts=(price,),
        gained=gained,
        known=tuple(known[:_SAID]),
        known_more=max(0, len(known) - _SAID),
        lost=(*_lost(bundle), *reordered(importer, {edge.place for edge in bundle.edges}, [written])),
        hops=0,
        pushes=(Push(first.importer, f"imports `{bundle.remote}` in place of {len(bundle.edges):,} subjects"),),
        changes=(Change(first.importer, bundle.edges, (written,)),),
    )


def _lost(bundle: Bundle) -> Iterator[Lost]:
    if bundle.widens and bundle.edges[0].kind == "service":
        local = f"requests on `{bundle.local}` that the importer's own clients answer"
        yield Lost("secrecy", f"{local} go to the exporter as well, and it may answer too")
