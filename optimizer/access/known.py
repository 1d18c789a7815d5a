"""Subjects that exist because somebody wrote them down: every literal one in the tokens themselves."""

from __future__ import annotations

from typing import TYPE_CHECKING

from optimizer.access.principals import account_blocks
from optimizer.graph.resolve import route, without_places
from optimizer.subjects.subject import Entry, Subject

if TYPE_CHECKING:
    from collections.abc import Iterator

    from optimizer.claims.model import AccountClaims, PermissionLists
    from optimizer.hierarchy import Hierarchy


def known_subjects_of(hierarchy: Hierarchy) -> tuple[str, ...]:
    """Every literal subject that occurs anywhere in a hierarchy, each once, in the order of their bytes.

    Permission lists of users, roles and defaults (what is denied is known too; of a queue entry the subject), exports,
    both ends of imports and of mappings. Wildcards, references to them, templates and what a server ignores or refuses
    are left out.
    """
    blocks = [user.claims.permissions for user in hierarchy.users.values()]
    exchanged: set[str] = set()
    for account in hierarchy.accounts.values():
        blocks += [lists for _, lists in account_blocks(account.claims)]
        exchanged.update(_exchanged(account.claims))
    found = {subject for subject in exchanged if _is_literal(Subject(subject))}
    # Users have most of their entries in common: each text is looked at once.
    for publish in (True, False):
        texts: set[str] = set()
        for lists in blocks:
            texts.update(_texts(lists, publish=publish))
        entries = (Entry(text) for text in texts)
        found.update(
            entry.subject.text
            for entry in entries
            if not entry.is_ignored(publish=publish)
            and entry.refusal(publish=publish) is None
            and not entry.is_template
            and _is_literal(entry.subject)
        )
    return tuple(sorted(found))


def _texts(lists: PermissionLists, *, publish: bool) -> Iterator[str]:
    side = lists.pub if publish else lists.sub
    yield from side.allow or ()
    yield from side.deny or ()


def _exchanged(account: AccountClaims) -> Iterator[str]:
    for export in account.exports:
        yield export.subject
    for taken in account.imports:
        path = route(taken)
        yield path.remote
        yield without_places(path.local)
    for subject, targets in account.mappings.items():
        yield subject
        yield from (without_places(target["subject"]) for target in targets)


def _is_literal(subject: Subject) -> bool:
    return subject.is_valid and not subject.has_wildcard and not subject.is_template
