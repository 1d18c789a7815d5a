"""Tells cheaply that no rule will find anything in a block, which is so for most blocks of a large store.

A store of 1,000 accounts has some 100,000 entries. To look at each costs a second and more; a few searches through a
list's text cost microseconds, and are exact in the one direction that matters: where they see nothing, nothing is.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from optimizer.rules.unknown_api import why
from optimizer.subjects.recipes import names_a_role
from optimizer.subjects.subject import entry_of

if TYPE_CHECKING:
    from optimizer.claims.model import PermissionLists

# White space but the line ends between entries, templates, empty tokens, an empty entry, `>` inside an entry.
_ODD = re.compile(r"[^\S\n]|\{\{|\.\.|\n\.|\.\n|\n\n|>[^\n]")
_WRONG_TO_SUBSCRIBE = re.compile(r"\n\$JS\.(?:ACK|API|FC)[.\n]")
_WRONG_TO_PUBLISH = re.compile(r"\n\$JS\.EVENT[.\n]")
_WILDCARD = re.compile(r"[*>]")
_INSIDE_A_TOKEN = re.compile(r"[*>](?<=[^.\n][*>])|\*[^.\n]")


def may_find(lists: PermissionLists) -> bool:
    """Whether some rule may find something in a block; False is certain.

    Examples
    --------
    >>> from optimizer.claims.model import PermissionLists, SubjectLists
    >>> may_find(PermissionLists(pub=SubjectLists(allow=("orders.new", "billing.>"))))
    False
    >>> may_find(PermissionLists(pub=SubjectLists(allow=("orders.new", "orders.>"))))
    True
    """
    if (lists.pub.allow and lists.pub.deny) or (lists.sub.allow and lists.sub.deny):
        return True  # an allow inside a deny, a deny beside everything that is allowed
    return (
        _is_odd(lists.pub.allow, _WRONG_TO_PUBLISH, publish=True)
        or _is_odd(lists.sub.allow, _WRONG_TO_SUBSCRIBE)
        or _is_odd(lists.pub.deny, publish=True)
        or _is_odd(lists.sub.deny)
    )


def _is_odd(texts: tuple[str, ...] | None, wrong: re.Pattern[str] | None = None, *, publish: bool = False) -> bool:
    if not texts:
        return texts is not None
    joined = "\n".join(("", *texts, ""))
    return (
        len(set(texts)) < len(texts)
        or joined.count("\n") != len(texts) + 1
        or _ODD.search(joined) is not None
        or (wrong is not None and wrong.search(joined) is not None)
        or (
            _WILDCARD.search(joined) is not None
            and (_INSIDE_A_TOKEN.search(joined) is not None or any(_reaches(text, joined) for text in texts))
        )
        or (publish and ("\n$JS." in joined or "\nJS." in joined) and _asks_jetstream(texts, joined))
    )


def _asks_jetstream(texts: tuple[str, ...], joined: str) -> bool:
    """Whether publish entries may spell out a role, or some ask what JetStream does not answer."""
    return names_a_role(joined) or any(why(entry_of(text)) for text in texts if text.startswith(("$JS.", "JS.")))


def _reaches(text: str, joined: str) -> bool:
    """Whether an entry with a wildcard may match what another of the list does.

    Whatever a pattern covers, alone or with others, and whatever it can be merged with, begins with the text before the
    first wildcard of one of the two.
    """
    wildcard = _WILDCARD.search(text)
    return wildcard is not None and joined.count(f"\n{text[: wildcard.start()]}") > 1 + (wildcard.start() == 0)
