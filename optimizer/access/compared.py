"""Compares what everybody behind one permission block may do, before and after an edit."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from optimizer.access.principals import Leafnode, account_refusal, is_templated, principals
from optimizer.access.symbolic import difference, leafnode_agrees
from optimizer.edits import TargetKind, permission_lists
from optimizer.proposals import Witness
from optimizer.subjects.compare import (
    Connect,
    Deliver,
    LeafInterest,
    LeafSubscribe,
    Publish,
    Relation,
    Subscribe,
    compare,
)
from optimizer.subjects.probes import AcrossImport
from optimizer.subjects.protected import newly_admitted
from optimizer.subjects.search import EffortSpentError
from optimizer.subjects.subject import Subject

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from optimizer.access.principals import Principal, Principals
    from optimizer.claims.model import PermissionLists
    from optimizer.edits import Target
    from optimizer.hierarchy import Hierarchy
    from optimizer.settings import Settings
    from optimizer.subjects.compare import Probe

MOST_WITNESSES = 12
"""Of each kind, gained and lost; the shortest are kept."""

REFUSED = "the server refuses whoever connects with it as it is"


@dataclass(frozen=True, slots=True, kw_only=True)
class Compared:
    """The answer over everybody compared and every server generation.

    Parameters
    ----------
    principals
        How many were compared.
    why
        Why these are not all that the edit can touch; empty where they are.
    refused
        Whether the server refuses somebody of them before the edit.
    leafnode
        Whether a leafnode could not tell before from after either.
    protected
        Who could publish or receive a protected subject afterwards, and could not before.
    accounts
        How many were compared by what they import.
    undecided
        Why it cannot be decided, which no word of a person changes.
    stated
        On which words of a person the answer rests.
    """

    relation: Relation = Relation.SAME
    gained: tuple[Witness, ...] = ()
    lost: tuple[Witness, ...] = ()
    principals: int = 0
    why: tuple[str, ...] = ()
    refused: bool = False
    leafnode: bool = True
    protected: tuple[Witness, ...] = ()
    accounts: int = 0
    undecided: tuple[str, ...] = ()
    stated: tuple[str, ...] = ()


def compared(before: Hierarchy, after: Hierarchy, target: Target, settings: Settings) -> Compared:
    """How everybody behind ``target`` fares.

    Parameters
    ----------
    before, after
        With the claims as read, and as nsc would write them.
    """
    old, new = permission_lists(before, target), permission_lists(after, target)
    templated = target.kind is TargetKind.SCOPE and (is_templated(old) or is_templated(new))
    people = principals(before, target, templated=templated)
    then = principals(after, target, templated=templated)
    results = [_one(one, other, settings) for one, other in zip(people.known, then.known, strict=True)]
    whole = united(results)
    if not people.complete:
        whole = _of_everybody(whole, old, new, people, settings) if templated else replace(whole, why=(people.why,))
    refused = account_refusal(before.accounts[target.account].claims) is not None
    return replace(whole, refused=whole.refused or refused)


def _of_everybody(
    known: Compared, old: PermissionLists, new: PermissionLists, people: Principals, settings: Settings
) -> Compared:
    """What was found out of the known users of a role, and what is provable of all others."""
    reason = difference(old, new, settings)
    leafnode = not reason and leafnode_agrees(old, new, settings)
    if not reason and not leafnode and people.leafnode is Leafnode.NAMED:
        reason = "a leafnode might tell"
    if reason:
        return replace(known, leafnode=False, why=(f"{people.why}: {reason}",))
    # What holds for every user there can be holds for one whom the server refuses, too.
    return replace(known, principals=known.principals + 1, leafnode=known.leafnode and leafnode, refused=False)


def united(results: Iterable[Compared]) -> Compared:
    """Several answers as one."""
    results = tuple(results)
    gained = tuple(dict.fromkeys(witness for result in results for witness in result.gained))
    lost = tuple(dict.fromkeys(witness for result in results for witness in result.lost))
    undecided = tuple(dict.fromkeys(reason for result in results for reason in result.undecided))
    relation = _relation((result.relation for result in results), gained=bool(gained), lost=bool(lost))
    return Compared(
        relation=Relation.UNDECIDED if undecided else relation,
        gained=_shortest(gained),
        lost=_shortest(lost),
        principals=sum(result.principals for result in results),
        why=tuple(dict.fromkeys(reason for result in results for reason in result.why)),
        refused=any(result.refused for result in results),
        leafnode=all(result.leafnode for result in results),
        protected=_shortest(tuple(dict.fromkeys(witness for result in results for witness in result.protected))),
        accounts=sum(result.accounts for result in results),
        undecided=undecided,
        stated=tuple(dict.fromkeys(word for result in results for word in result.stated)),
    )


def _one(before: Principal, after: Principal, settings: Settings) -> Compared:
    gained: list[Witness] = []
    lost: list[Witness] = []
    relations: list[Relation] = []
    leafnode = True
    for server in settings.servers:
        kinds = (False, True) if before.leafnode is not Leafnode.NEVER else (False,)
        for leaf in kinds:
            unnamed = leaf and before.leafnode is not Leafnode.NAMED
            if unnamed and any(relation is not Relation.SAME for relation in relations):
                leafnode = False  # what a client can tell is not called the same for leafnodes
                continue
            found = compare(
                before.permissions, after.permissions, server, leafnode=leaf, whether=unnamed, effort=settings.effort
            )
            leafnode &= not leaf or found.relation is Relation.SAME
            if unnamed:
                continue  # the token does not call its holder a leafnode: said beside the proof, not held against it
            relations.append(found.relation)
            gained += [Witness(before.name, probe, server) for probe in found.gained]
            lost += [Witness(before.name, probe, server) for probe in found.lost]
    return Compared(
        relation=_relation(relations, gained=bool(gained), lost=bool(lost)),
        gained=tuple(gained),
        lost=tuple(lost),
        principals=1,
        refused=before.permissions.refusal is not None,
        leafnode=leafnode,
        protected=tuple(_opened(before, after, settings)) if gained and settings.protected else (),
    )


def _opened(before: Principal, after: Principal, settings: Settings) -> Iterator[Witness]:
    """What an edit newly admits of the protected spaces; what is too large to tell counts as admitted."""
    protected = [Subject(text) for text in settings.protected]
    for server in settings.servers:
        try:
            probe = newly_admitted(before.permissions, after.permissions, protected, server, effort=settings.effort)
        except EffortSpentError:
            probe = Publish(protected[0].text)
        if probe is not None:
            yield Witness(before.name, probe, server)


def _relation(relations: Iterable[Relation], *, gained: bool, lost: bool) -> Relation:
    if Relation.UNDECIDED in relations and not (gained and lost):
        return Relation.UNDECIDED
    return relation_of(gained=gained, lost=lost)


def relation_of(*, gained: bool, lost: bool) -> Relation:
    """How two sides stand where all that was gained and lost between them is known."""
    if gained and lost:
        return Relation.CROSSED
    if gained:
        return Relation.WIDER
    return Relation.NARROWER if lost else Relation.SAME


def _shortest(witnesses: tuple[Witness, ...]) -> tuple[Witness, ...]:
    return tuple(sorted(witnesses, key=lambda witness: _length(witness.probe))[:MOST_WITNESSES])


def _length(probe: Probe) -> int:
    match probe:
        case Connect():
            return 0
        case Deliver():
            return len(probe.subject.split(".")) + len(probe.subscription.split("."))
        case Publish() | Subscribe() | LeafSubscribe() | LeafInterest() | AcrossImport():
            return len(probe.subject.split("."))
