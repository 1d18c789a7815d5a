"""Which accounts have to do with an edit of imports: those that reach the edited ones, and all that these reach."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from optimizer.hierarchy import Hierarchy


def upstream(accounts: Iterable[str], *hierarchies: Hierarchy) -> frozenset[str]:
    """These accounts, and all that import from them, through however many accounts."""
    takers: dict[str, set[str]] = defaultdict(set)
    for hierarchy in hierarchies:
        for key, signed in hierarchy.accounts.items():
            for each in signed.claims.imports:
                takers[each.account].add(key)
    return _closed(accounts, lambda key: takers.get(key, ()))


def surroundings(accounts: Iterable[str], *hierarchies: Hierarchy) -> frozenset[str]:
    """Everything that decides what comes of an edit of these accounts' imports.

    Parameters
    ----------
    hierarchies
        Before and after it; an account counts as it is in either.

    Returns
    -------
    frozenset of str
        Keys: the accounts upstream, whose requests come by the edited ones, and all that any of them imports from.
        Some may be in no hierarchy.
    """

    def givers(key: str) -> Iterable[str]:
        for hierarchy in hierarchies:
            signed = hierarchy.accounts.get(key)  # type: ignore[call-overload]  # a key like any other
            if signed is not None:
                yield from (each.account for each in signed.claims.imports)

    return _closed(upstream(accounts, *hierarchies), givers)


def _closed(accounts: Iterable[str], following: Callable[[str], Iterable[str]]) -> frozenset[str]:
    todo = list(dict.fromkeys(accounts))
    found = set(todo)
    while todo:
        for other in following(todo.pop()):
            if other not in found:
                found.add(other)
                todo.append(other)
    return frozenset(found)
