"""Tells cheaply that no rule will find anything in a block, which is so for most blocks of a large store.

A store of 1,000 accounts has some 100,000 entries. To look at each costs a second and more; a few searches through a
list's text cost microseconds, and are exact in the one direction that matters: where they see nothing, nothing is.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from optimizer.claims.model import PermissionLists

_ODD = ("{{", "..", "\n.", ".\n")  # templates, empty tokens
_WRONG_TO_SUBSCRIBE = re.compile(r"\n\$JS\.(?:ACK|API|FC)[.\n]")
_WRONG_TO_PUBLISH = re.compile(r"\n\$JS\.EVENT[.\n]")
_HEAD = re.compile(r"\n[^*>\n]*(?=[*>])")  # of an entry with a wildcard, what stands before the first


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
        _is_odd(lists.pub.allow, _WRONG_TO_PUBLISH)
        or _is_odd(lists.sub.allow, _WRONG_TO_SUBSCRIBE)
        or _is_odd(lists.pub.deny)
        or _is_odd(lists.sub.deny)
    )


def _is_odd(texts: tuple[str, ...] | None, wrong: re.Pattern[str] | None = None) -> bool:
    if not texts:
        return texts is not None
    joined = "\n".join(("", *texts, ""))
    return (
        len(set(texts)) < len(texts)
        or joined.split() != [*texts]  # white space inside, or an empty entry
        or any(odd in joined for odd in _ODD)
        or joined.count(">") > joined.count(">\n")
        or (wrong is not None and wrong.search(joined) is not None)
        or any(_reaches(head, joined) for head in _HEAD.findall(joined))
    )


def _reaches(head: str, joined: str) -> bool:
    """Whether an entry with a wildcard may match what another of the list does.

    Whatever a pattern covers, alone or with others, and whatever it can be merged with, begins with the text before the
    first wildcard of one of the two.
    """
    return joined.count(head) > 1 + (head == "\n")
