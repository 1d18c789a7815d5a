"""Edits of imports, exports, revocations and accounts in words: account by account what goes and what comes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from optimizer.claims.model import Import
from optimizer.edits import (
    EVERYBODY,
    ActivationRevocation,
    AddAccount,
    EditActivationRevocations,
    EditEntries,
    EditExports,
    EditImports,
    EditRevocations,
)
from optimizer.graph.resolve import route
from optimizer.reports import words

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from optimizer.claims.model import Export
    from optimizer.edits import Edit, Revocation, Target
    from optimizer.reports.style import Style

MOST_SHOWN = 4
"""Of a kind, in one account."""

_ACCOUNTS_SHOWN = 6
_SUBJECT = 60


@dataclass(frozen=True, slots=True)
class Shared:
    """What one edit does to one account.

    Parameters
    ----------
    title
        Which account, and which part of it.
    removed, added
        Each an import, an export, a revocation or a new account, in words.
    """

    title: str
    removed: tuple[str, ...]
    added: tuple[str, ...]


def shared(edits: Iterable[Edit], names: words.Names) -> list[Shared]:
    """What edits of anything but subject lists do, in their order."""
    found = []
    for edit in edits:
        match edit:
            case EditImports() | EditExports():
                removed, added = (tuple(_said(each, names) for each in items) for items in (edit.remove, edit.add))
                found.append(Shared(names.place(edit.target), removed, added))
            case AddAccount():
                key = words.shown(edit.target.account)
                found.append(Shared("new account", (), (f"{words.name_of(edit.name, key)}, key {key}",)))
            case EditRevocations() | EditActivationRevocations():
                gone, come = (
                    tuple(_revoked(each, names, edit.target) for each in items) for items in (edit.remove, edit.add)
                )
                found.append(Shared(names.place(edit.target), gone, come))
            case EditEntries():
                pass
    return found


def shared_lines(edits: Sequence[Edit], names: words.Names, style: Style, indent: int) -> list[str]:
    """The same as lines of a page; how much more there is, is counted."""
    found = shared(edits, names)
    lines = []
    for each in found[:_ACCOUNTS_SHOWN]:
        lines += style.wrapped(each.title, indent, 2)
        for sign, look, items in (("-", "red", each.removed), ("+", "green", each.added)):
            for item in items[:MOST_SHOWN]:
                first, *rest = style.wrapped(f"{sign} {item}", indent + 2, 2)
                lines += [style.paint(line, look) for line in (first, *rest)]
            if len(items) > MOST_SHOWN:
                lines.append(f"{' ' * (indent + 4)}and {len(items) - MOST_SHOWN:,} more")
    if len(found) > _ACCOUNTS_SHOWN:
        count = words.quantity(len(found) - _ACCOUNTS_SHOWN, "more account")
        lines.append(f"{' ' * indent}and the imports of {count} likewise")
    return lines


def _said(each: Import | Export, names: words.Names) -> str:
    """``service svc.a from PAY as pay.a``, without quotes of its own."""
    if not isinstance(each, Import):
        return f"{words.shown(each.type, 10)} {words.shown(each.subject, _SUBJECT)}"
    path = route(each)
    renamed = f" as {words.shown(path.local, _SUBJECT)}" if path.local != path.remote else ""
    exporter = names.account_of(each.account)
    return f"{words.shown(each.type, 10)} {words.shown(path.remote, _SUBJECT)} from {exporter}{renamed}"


def _revoked(each: Revocation | ActivationRevocation, names: words.Names, target: Target) -> str:
    """``UABC... (app) up to 1700000000``, of an activation with its export."""
    if isinstance(each, ActivationRevocation):
        whose = "every account" if each.key == EVERYBODY else names.account_of(each.key)
        return f"{words.shown(each.type, 10)} {words.shown(each.subject, _SUBJECT)}: {whose} up to {each.time}"
    if each.key == EVERYBODY:
        return f"every user up to {each.time}"
    name = names.user_of(target.account, each.key)
    return f"{words.shown(each.key, _SUBJECT)}{f' ({name})' if name else ''} up to {each.time}"
