"""Proves that two templates mean the same for every user there can be, without knowing any.

A template entry stands for other subjects for each user, so a role's lists cannot be compared as they are. Taken
list by list it can still be proved: if both lists hold the same template entries, and what remains means the same on
its own, then whatever the template entries become is added to equals. Only a `literal.prefix.>` that stays can make a
template entry redundant.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from typing import TYPE_CHECKING

from optimizer.access.template import SINGLE_VALUED, has_template, operations
from optimizer.claims.model import PermissionLists, SubjectLists
from optimizer.edits import ListName, entries
from optimizer.settings import Server, Settings
from optimizer.subjects.compare import Relation, compare
from optimizer.subjects.permissions import Permissions
from optimizer.subjects.subject import Entry, Subject

if TYPE_CHECKING:
    from collections.abc import Iterable

    from optimizer.access.template import Operation


def difference(before: PermissionLists, after: PermissionLists, settings: Settings) -> str:
    """Why two templates may differ for some user of the role; empty where they provably never do.

    Parameters
    ----------
    before, after
        The template blocks, as read and as nsc would write them.

    Notes
    -----
    Server: ``processUserPermissionsTemplate`` treats each of the four lists alone, and each list's effect on what may
    be published or subscribed to is a union over its entries; so equal lists make equal permissions.
    """
    if before.resp != after.resp:
        return "the response permission differs"
    for publish in (True, False):
        names = [name for name in ListName if name.is_publish is publish]
        reasons = (_list_difference(before, after, name, settings) for name in names)
        old, new = _half(before, publish=publish), _half(after, publish=publish)
        if any(has_template(entries(block, name)) for block in (old, new) for name in names):
            old = _without_covered(old, new)
        if any(has_template(entries(block, name)) for block in (old, new) for name in names):
            reason = next(filter(None, reasons), "")
        else:
            # Nothing is left for users to fill in, so allow and deny may be looked at together.
            templates = (_dropped_difference(before, after, name, settings) for name in names)
            reason = _unequal(old, new, settings) or next(filter(None, templates), "")
        if reason:
            return reason
    return ""


def leafnode_agrees(before: PermissionLists, after: PermissionLists, settings: Settings) -> bool:
    """Whether a leafnode could not tell two templates apart either, given that `difference` found none.

    A leafnode's wildcard request is also admitted by an entry inside it, so a template entry that was dropped counts.
    """
    return all(
        {*_templates(entries(before, name))} == {*_templates(entries(after, name))}
        and not _unequal(
            _alone(name, _plain(entries(before, name))),
            _alone(name, _plain(entries(after, name))),
            settings,
            leafnode=True,
        )
        for name in ListName
    )


def _list_difference(before: PermissionLists, after: PermissionLists, name: ListName, settings: Settings) -> str:
    old, new = entries(before, name), entries(after, name)
    if old == new:
        return ""
    # An allow list that is present or absent, or of which nothing valid may remain, is a matter of its own.
    if not old or not new or bool(_plain(old)) != bool(_plain(new)):
        return f"{name.value} is empty before or after, its templates aside"
    if has_template(old) or has_template(new):
        reason = _template_difference(old, new, name, settings)
        if reason:
            return reason
    return _unequal(_alone(name, _plain(old)), _alone(name, _plain(new)), settings)


def _without_covered(old: PermissionLists, new: PermissionLists) -> PermissionLists:
    """``old`` without the template entries of its allow lists that ``new`` dropped."""

    def allow(side: SubjectLists, other: SubjectLists) -> SubjectLists:
        kept = {*_templates(other.allow)}
        left = tuple(text for text in side.allow or () if text in kept or not Entry(text).is_template)
        return replace(side, allow=left or side.allow)

    return replace(old, pub=allow(old.pub, new.pub), sub=allow(old.sub, new.sub))


def _dropped_difference(before: PermissionLists, after: PermissionLists, name: ListName, settings: Settings) -> str:
    """Why the template entries that a list loses may matter; empty where it has none."""
    old = entries(before, name)
    return _list_difference(before, after, name, settings) if has_template(old) else ""


def _template_difference(old: tuple[str, ...], new: tuple[str, ...], name: ListName, settings: Settings) -> str:
    """What beside the plain entries keeps two lists with templates from meaning the same."""
    if not all(Subject(text).is_valid for text in _plain(old) + _plain(new)):
        # Beside a template the server drops such an entry from an allow list, and refuses the connection over it in
        # a deny list: queue entries ("foo v1") and malformed ones.
        return f"{name.value} mixes templates with queue entries or malformed ones"
    if any(operation.name not in SINGLE_VALUED for operation in _all_operations(old + new)):
        # Each user may have any number of tags, and 2.12.14 refuses a list that expands to more than 4,096 entries:
        # for some user one entry less, or another order, makes the difference.
        return f"how many entries {name.value} expands to depends on each user's tags"
    gone = Counter(_templates(old)) - Counter(_templates(new))
    if Counter(_templates(new)) - Counter(_templates(old)):
        return f"{name.value} gains a template"
    for text in sorted(gone):
        if text in new:  # a copy of it stays
            continue
        if not name.is_allow:
            return f"the deny entry `{text}` is a template"
        if not any(covers_template(Subject(kept), text) for kept in _plain(new)):
            return f"no literal prefix covers the template `{text}` for every user"
    if name is ListName.SUB_DENY and Server.EARLIER in settings.servers and {*_plain(old)} != {*_plain(new)}:
        # Before 2.12.14 the deny filter looks at the entries themselves, not at what they mean.
        return f"before 2.12.14 {name.value} is more than what its entries mean together"
    return ""


def covers_template(kept: Subject, text: str) -> bool:
    """Whether ``kept`` covers whatever a template entry expands to: it ends in ``>`` before the first template."""
    literal = text[: text.index("{{")].split(".")[:-1]
    return kept.is_valid and kept.tokens[-1] == ">" and kept.covers(Subject(".".join((*literal, ">"))))


def _unequal(old: PermissionLists, new: PermissionLists, settings: Settings, *, leafnode: bool = False) -> str:
    before, after = (_permissions(block) for block in (old, new))
    for server in settings.servers:
        found = compare(before, after, server, leafnode=leafnode, effort=settings.effort)
        if found.relation is not Relation.SAME:
            return "the entries without templates do not mean the same"
    return ""


def _permissions(lists: PermissionLists) -> Permissions:
    # A scope's template is never checked for malformed entries: the server passes over them.
    return replace(Permissions.from_claims(lists.as_claims()), refusal=None)


def _half(lists: PermissionLists, *, publish: bool) -> PermissionLists:
    return PermissionLists(pub=lists.pub, resp=lists.resp) if publish else PermissionLists(sub=lists.sub)


def _alone(name: ListName, texts: tuple[str, ...]) -> PermissionLists:
    side = SubjectLists(allow=texts or None) if name.is_allow else SubjectLists(deny=texts or None)
    return PermissionLists(pub=side) if name.is_publish else PermissionLists(sub=side)


def _plain(texts: tuple[str, ...] | None) -> tuple[str, ...]:
    return tuple(text for text in texts or () if not Entry(text).is_template)


def _templates(texts: tuple[str, ...] | None) -> tuple[str, ...]:
    return tuple(text for text in texts or () if Entry(text).is_template)


def _all_operations(texts: Iterable[str]) -> Iterable[Operation]:
    return (operation for text in texts for operation in operations(text))
