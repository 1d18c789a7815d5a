"""As much of a hierarchy as decides what comes of an edit of imports, and no more: a large one has 200,000 of them.

Whose requests come by an edited account can gain and lose by it, and whether the server takes an import for the end of
a cycle depends on all that can lead back to it. Where nobody imports from what is edited, only what lies behind the
imports that change counts, and there only what shares subjects with them.

The server loads the accounts that one imports from in the order of its imports, and of a cycle it drops the import that
it comes to last. So where an edit changes that order, cycles of others behind the edited account count as well.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import TYPE_CHECKING

from optimizer.claims.keys import AccountKey
from optimizer.claims.validate import account_refusal, refusal_of_earlier
from optimizer.edits.anew import Itself
from optimizer.graph.build import build
from optimizer.graph.edges import edges_of
from optimizer.graph.resolve import State, route, without_places
from optimizer.hierarchy import Hierarchy, Signed
from optimizer.subjects.subject import Subject

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from optimizer.claims.model import AccountClaims, Import, OperatorClaims

Part = Mapping[AccountKey, "Signed[AccountClaims]"]

_KINDS = ("service", "stream")
_LARGEST = 2000
"""Steps behind the imports that change; beyond them everything counts."""


def upstream(accounts: Iterable[str], before: Hierarchy, after: Hierarchy) -> frozenset[str]:
    """These accounts, and all that import from them before or after, through however many others."""
    takers = _takers(Itself(before.accounts))
    new: dict[str, set[str]] = defaultdict(set)
    for key, signed in after.accounts.items():
        if before.accounts.get(key) is not signed:
            for each in signed.claims.imports:
                new[each.account].add(key)
    return _closed(accounts, lambda key: (*takers.get(key, ()), *new.get(key, ())))


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What counts.

    Parameters
    ----------
    asking
        The edited accounts, and those whose requests may come by what changes.
    before, after
        Accounts, each with as many of its imports as count.
    loaded
        The accounts of which imports may work on one side only: those asking, and where the order in which accounts are
        loaded changes, all that are loaded for them.
    """

    asking: frozenset[str]
    before: Part
    after: Part
    loaded: frozenset[str]


def surroundings(
    edited: Iterable[AccountKey], before: Hierarchy, after: Hierarchy, *, now: int, reordered: bool | None = None
) -> Surroundings:
    """Everything that decides what comes of an edit.

    Parameters
    ----------
    edited
        The accounts whose imports or exports differ.
    now
        The clock, in seconds since the epoch.
    reordered
        Whether accounts may be loaded in another order afterwards; found out where it is not said.
    """
    edited = frozenset(edited)
    asking = upstream(edited, before, after)
    changed = [each for key in edited for each in _changed(key, before, after)]
    if reordered is None:
        reordered = any(_loading(key, before) != _loading(key, after) for key in edited)
    everything = _closed(asking, lambda key: _givers(key, before, after)) if reordered else None
    in_cycles = everything is not None and not everything.isdisjoint(_in_cycles(before, now))
    if not in_cycles and (asking == edited or not _comes_by(changed, asking, edited, before, after)):
        kept = _behind(sorted(edited), before, after)
        if kept is not None:
            return Surroundings(edited, _narrowed(before, kept, edited), _narrowed(after, kept, edited), edited)
    if everything is None:
        everything = _closed(asking, lambda key: _givers(key, before, after))
    loaded = everything if in_cycles else asking
    return Surroundings(asking, _part(before, everything), _part(after, everything), loaded)


def _loading(key: AccountKey, hierarchy: Hierarchy) -> tuple[str, ...]:
    """The accounts that an account imports from, in the order a server comes to them.

    Server: ``updateAccountClaimsWithRefresh`` looks the exporter up at each import, one after the other.
    """
    signed = hierarchy.accounts.get(key)
    return () if signed is None else tuple(dict.fromkeys(each.account for each in signed.claims.imports))


def _in_cycles(hierarchy: Hierarchy, now: int) -> frozenset[str]:
    """The accounts that have an import which may close a cycle."""
    return _cyclic(Itself(hierarchy.operator), Itself(hierarchy.accounts), now)


@lru_cache(maxsize=2)
def _cyclic(operator: Itself[Signed[OperatorClaims] | None], accounts: Itself[Part], now: int) -> frozenset[str]:
    graph = build(Hierarchy(operator=operator.value, accounts=accounts.value), now)
    return frozenset(
        edge.importer
        for edge in edges_of(graph)
        if edge.state is State.UNKNOWN and len(edge.exports) == 1 and edge.exporter in accounts.value
    )


def _changed(key: AccountKey, before: Hierarchy, after: Hierarchy) -> list[Import]:
    """The imports of an account that only one side has."""
    old, new = (Counter(one.accounts[key].claims.imports if key in one.accounts else ()) for one in (before, after))
    return [*(old - new), *(new - old)]


def _comes_by(
    changed: Sequence[Import], asking: frozenset[str], edited: frozenset[AccountKey], *hierarchies: Hierarchy
) -> bool:
    """Whether anything that leads to the edited accounts may go on by an import that changes.

    A request does, or a search for cycles, only under the name of some import on its way, and all of those are by
    accounts upstream from accounts upstream. Exports that change count for everybody.
    """
    names = {kind: {name for each in changed if each.type == kind for name in _names(each)} for kind in _KINDS}
    for one in hierarchies:
        for key in asking:
            signed = one.accounts.get(AccountKey(key))
            for each in signed.claims.imports if signed is not None else ():
                inside = key in edited and each.account in edited
                if not inside and each.account in asking and _meet(_names(each), names.get(each.type, ())):
                    return True
    before, after = hierarchies
    return any(
        key in before.accounts and Counter(before.accounts[key].claims.exports) != Counter(signed.claims.exports)
        for key in edited
        if (signed := after.accounts.get(key)) is not None
    )


@lru_cache(maxsize=2)
def _takers(accounts: Itself[Mapping[AccountKey, Signed[AccountClaims]]]) -> dict[str, set[str]]:
    """Who imports from whom."""
    found: dict[str, set[str]] = defaultdict(set)
    for key, signed in accounts.value.items():
        for each in signed.claims.imports:
            found[each.account].add(key)
    return found


def _givers(key: str, *hierarchies: Hierarchy) -> set[str]:
    signed = [one.accounts[AccountKey(key)] for one in hierarchies if key in one.accounts]
    return {each.account for one in signed for each in one.claims.imports}


def _closed(accounts: Iterable[str], following: Callable[[str], Iterable[str]]) -> frozenset[str]:
    todo = list(dict.fromkeys(accounts))
    found = set(todo)
    while todo:
        for other in following(todo.pop()):
            if other not in found:
                found.add(other)
                todo.append(other)
    return frozenset(found)


def _behind(edited: Iterable[AccountKey], before: Hierarchy, after: Hierarchy) -> dict[str, set[Import]] | None:
    """By account that counts, the imports of it that do; None where they are too many to be told apart.

    Server: ``checkServiceImportsForCycles`` goes on with the importer's or the exporter's name of a subject.
    """
    kept: dict[str, set[Import]] = defaultdict(set)
    todo: list[tuple[str, str, frozenset[Subject]]] = []
    for key in edited:
        changed = _changed(key, before, after)
        sides = [one.accounts[key].claims.imports for one in (before, after) if key in one.accounts]
        for each in dict.fromkeys(item for side in sides for item in side):
            kept[each.account] |= set()  # its exports count in any case
            if any(each.type == other.type and _meet(_names(each), _names(other)) for other in changed):
                todo.append((each.account, each.type, _names(each)))
    seen = set(todo)
    while todo:
        account, kind, names = todo.pop()
        for each in {
            item
            for one in (before, after)
            if account in one.accounts
            for item in one.accounts[AccountKey(account)].claims.imports
        }:
            theirs = _names(each)
            if each.type != kind or not _meet(theirs, names):
                continue
            kept[account].add(each)
            kept[each.account] |= set()
            step = (each.account, kind, names | theirs)
            if step not in seen:
                seen.add(step)
                todo.append(step)
        if len(seen) > _LARGEST:
            return None
    return kept


def _names(each: Import) -> frozenset[Subject]:
    path = route(each)
    return frozenset((path.source, Subject(without_places(path.local) if path.has_wildcard else path.local)))


def _meet(names: Iterable[Subject], others: Iterable[Subject]) -> bool:
    others = tuple(others)
    return any(name.overlaps(other) for name in names for other in others)


def _part(hierarchy: Hierarchy, keys: frozenset[str]) -> Part:
    """These accounts; all of them where most are, so that what is found out of all is found out once."""
    if 2 * len(keys) > len(hierarchy.accounts):
        return hierarchy.accounts
    return {key: signed for key, signed in hierarchy.accounts.items() if key in keys}


@lru_cache(maxsize=1 << 14)
def _is_refused(signed: Itself[Signed[AccountClaims]]) -> bool:
    """Whether some server refuses the account's token for what is in it."""
    claims = signed.value.claims
    return account_refusal(claims) is not None or refusal_of_earlier(claims) is not None


def _narrowed(hierarchy: Hierarchy, kept: Mapping[str, set[Import]], edited: Iterable[AccountKey]) -> Part:
    """The accounts with those imports alone; whole where a server refuses the token, perhaps for its imports."""
    whole = frozenset(edited)
    found: dict[AccountKey, Signed[AccountClaims]] = {}
    for key in (*whole, *kept):
        signed = hierarchy.accounts.get(AccountKey(key))
        if signed is None:
            continue
        if key not in whole and not _is_refused(Itself(signed)):
            mine = kept[key]
            imports = tuple(each for each in signed.claims.imports if each in mine) if mine else ()
            if len(imports) < len(signed.claims.imports):
                signed = replace(signed, claims=replace(signed.claims, imports=imports))
        found[AccountKey(key)] = signed
    return found
