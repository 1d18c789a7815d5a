"""Proves that two templates mean the same for every user there can be, without knowing any.

A template entry stands for other subjects for each user, so a role's lists cannot be compared as they are. It can
still be proved, in two steps. A template entry that was dropped must lie inside a `literal.prefix.>` that stays. Then,
list by list, the same template entries must be left, and the entries beside them must mean the same on their own:
whatever the template entries become is added to equals.
"""

from __future__ import annotations

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
    from collections.abc import Iterable, Iterator

Texts = tuple[str, ...]


def difference(before: PermissionLists, after: PermissionLists, settings: Settings) -> str:
    """Why two templates may differ for some user of the role; empty where they provably never do.

    Parameters
    ----------
    before, after
        The template blocks, as read and as nsc would write them.

    Notes
    -----
    Server: ``processUserPermissionsTemplate`` treats each of the four lists alone, and each list's effect on what may
    be published or subscribed to is a union over its entries; so equal lists make equal permissions. Before 2.12.14
    that union is broken in publish lists, where a literal hides the ``*`` beside it (``matchLevelForAny``), and in the
    deny filter, which looks at the entries themselves; there more is asked.
    """
    return next(_differences(before, after, settings), "")


def leafnode_agrees(before: PermissionLists, after: PermissionLists, settings: Settings) -> bool:
    """Whether a leafnode could not tell two templates apart either, given that `difference` found none.

    A leafnode's wildcard request is also admitted by an entry inside it, so every entry counts by itself: where a half
    has templates its lists must hold the same entries.
    """
    for publish, old, new in _halves(before, after):
        if _is_templated(old, new):
            if any({*(entries(old, name) or ())} != {*(entries(new, name) or ())} for name in _names(publish=publish)):
                return False
        elif _unequal(old, new, settings, leafnode=True):
            return False
    return True


def covers_template(kept: Subject, text: str) -> bool:
    """Whether ``kept`` covers whatever a template entry expands to: a literal beginning of it, and then ``>``."""
    literal = text[: text.index("{{")].split(".")[:-1]
    prefix = kept.tokens[:-1]
    return kept.is_valid and kept.tokens[-1] == ">" and "*" not in prefix and list(prefix) == literal[: len(prefix)]


def _differences(before: PermissionLists, after: PermissionLists, settings: Settings) -> Iterator[str]:
    if before.resp != after.resp:
        yield "the response permission differs"
    for name in ListName:
        yield from _dropped(entries(before, name), entries(after, name), name)
    for publish, old, new in _halves(_without_dropped(before, after), after):
        if not _is_templated(old, new):
            # Nothing is left for users to fill in, so allow and deny may be looked at together.
            yield from _unequal(old, new, settings)
            continue
        for name in _names(publish=publish):
            # What was read decides whether nsc changes the list at all, its order included.
            if entries(before, name) != entries(after, name):
                yield from _changed(entries(old, name), entries(new, name), name, settings)


def _dropped(old: Texts | None, new: Texts | None, name: ListName) -> Iterator[str]:
    """What is wrong with dropping the templates that a list loses."""
    if {*_templates(new)} - {*_templates(old)}:
        yield f"{name.value} gains a template"
    gone = sorted({*_templates(old)} - {*_templates(new)})
    if not gone:
        return
    yield from _unexpandable(_all(old, new), name)
    kept = {*_plain(old)} & {*_plain(new)}
    for text in gone:
        if not name.is_allow:
            yield f"the deny entry `{text}` is a template"
        elif not any(covers_template(Subject(wide), text) for wide in kept):
            yield f"no literal prefix covers the template `{text}` for every user"


def _changed(old: Texts | None, new: Texts | None, name: ListName, settings: Settings) -> Iterator[str]:
    """What keeps a list that changed, on a side with templates, from meaning the same for every user."""
    # An allow list that is present or absent, or of which nothing valid may remain, is a matter of its own.
    if not old or not new or bool(_plain(old)) != bool(_plain(new)):
        yield f"{name.value} is empty before or after, its templates aside"
        return
    if has_template(old):
        yield from _unexpandable(_all(old, new), name)
        if Server.EARLIER in settings.servers and not _apart(old, new, name):
            yield f"before 2.12.14 the entries of {name.value} cannot be looked at one by one"
    yield from _unequal(_alone(name, _plain(old)), _alone(name, _plain(new)), settings)


def _unexpandable(texts: Texts, name: ListName) -> Iterator[str]:
    """What makes it uncertain how a list with templates expands."""
    if not all(Subject(text).is_valid for text in _plain(texts)):
        # Beside a template the server drops such an entry from an allow list, and refuses the connection over it in
        # a deny list: queue entries ("foo v1") and malformed ones.
        yield f"{name.value} mixes templates with queue entries or malformed ones"
    if any(operation.name not in SINGLE_VALUED for text in texts for operation in operations(text)):
        # Each user may have any number of tags, and 2.12.15 refuses a list that expands to more than 4,096 entries:
        # for some user one entry less, or another order, makes the difference.
        yield f"how many entries {name.value} expands to depends on each user's tags"


def _apart(old: Texts, new: Texts, name: ListName) -> bool:
    """Whether servers before 2.12.14 look at the entries that changed without meeting a template on their way."""
    if {*_plain(old)} == {*_plain(new)} or name is ListName.SUB_ALLOW:
        return True
    if name is ListName.SUB_DENY:
        return False
    heads = {_head(text) for text in _all(old, new)}
    changed = {_head(text) for text in {*_plain(old)} ^ {*_plain(new)}}
    templates = {_head(text) for text in _templates(old)}
    # One trie below each first word: nothing in one is found or hidden by anything in another.
    return not any("*" in head or ">" in head or "{{" in head for head in heads) and not changed & templates


def _head(text: str) -> str:
    return text.split(".", 1)[0]


def _unequal(
    old: PermissionLists, new: PermissionLists, settings: Settings, *, leafnode: bool = False
) -> tuple[str, ...]:
    before, after = (_permissions(block) for block in (old, new))
    for server in settings.servers:
        found = compare(before, after, server, leafnode=leafnode, effort=settings.effort)
        if found.relation is not Relation.SAME:
            return ("the entries without templates do not mean the same",)
    return ()


def _permissions(lists: PermissionLists) -> Permissions:
    # A scope's template is never checked for malformed entries: the server passes over them.
    return replace(Permissions.from_claims(lists.as_claims()), refusal=None)


def _without_dropped(old: PermissionLists, new: PermissionLists) -> PermissionLists:
    """``old`` without the template entries that ``new`` dropped."""

    def kept(texts: Texts | None, other: Texts | None) -> Texts | None:
        stays = {*_templates(other)}
        return texts and tuple(text for text in texts if text in stays or not Entry(text).is_template)

    def side(lists: SubjectLists, other: SubjectLists) -> SubjectLists:
        return lists.replaced(allow=kept(lists.allow, other.allow), deny=kept(lists.deny, other.deny))

    return old.replaced(pub=side(old.pub, new.pub), sub=side(old.sub, new.sub))


def _halves(before: PermissionLists, after: PermissionLists) -> Iterator[tuple[bool, PermissionLists, PermissionLists]]:
    """The publish half with the response permission, and the subscribe half."""
    yield True, PermissionLists(pub=before.pub, resp=before.resp), PermissionLists(pub=after.pub, resp=after.resp)
    yield False, PermissionLists(sub=before.sub), PermissionLists(sub=after.sub)


def _names(*, publish: bool) -> Iterator[ListName]:
    return (name for name in ListName if name.is_publish is publish)


def _is_templated(*blocks: PermissionLists) -> bool:
    return any(has_template(entries(block, name)) for block in blocks for name in ListName)


def _alone(name: ListName, texts: Texts) -> PermissionLists:
    side = SubjectLists(allow=texts or None) if name.is_allow else SubjectLists(deny=texts or None)
    return PermissionLists(pub=side) if name.is_publish else PermissionLists(sub=side)


def _all(*lists: Texts | None) -> Texts:
    return tuple(text for texts in lists for text in texts or ())


def _plain(texts: Iterable[str] | None) -> Texts:
    return tuple(text for text in texts or () if not Entry(text).is_template)


def _templates(texts: Iterable[str] | None) -> Texts:
    return tuple(text for text in texts or () if Entry(text).is_template)
