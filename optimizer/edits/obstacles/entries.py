"""What stands in the way of edits of subject lists."""

from __future__ import annotations

from typing import TYPE_CHECKING

from optimizer.edits.lists import EditEntries, entries, permission_lists
from optimizer.edits.obstacles.names import ARGUMENT_LIMIT, encodes
from optimizer.edits.targets import ListName
from optimizer.text import printable, redacted

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from optimizer.edits.edit import Edit
    from optimizer.hierarchy import Hierarchy


def of_entries(edit: EditEntries, hierarchy: Hierarchy) -> Iterator[str]:
    """Why nsc cannot take these entries out of a list, or put these into it."""
    try:
        lists = permission_lists(hierarchy, edit.target)
    except KeyError:
        return  # said already: there is no such scope
    held = entries(lists, edit.list) or ()
    missing = {text for text in edit.remove if edit.remove.count(text) > held.count(text)}
    if missing:
        yield f"the list does not hold `{printable(min(missing)[:80])}`"
    for text in dict.fromkeys(edit.remove):
        yield from _of_entry(text)
        for name in ListName:
            others = (entries(lists, name) or ()).count(text) - (edit.remove.count(text) if name is edit.list else 0)
            if others == 1 or (others > 1 and name is not edit.list):
                yield from _of_addition(text, name, "put back into")
    for text in edit.add:
        yield from _of_entry(text)
        yield from _of_addition(text, edit.list, "put into")


def _of_entry(text: str) -> Iterator[str]:
    shown = printable(text[:80])
    if "\0" in text or not encodes(text):
        yield f"no argument can hold the entry `{shown}`"
    elif len(csv_field(text).encode()) > ARGUMENT_LIMIT:
        yield f"the entry `{shown}` is longer than an argument may be"
    if "\r\n" in text:
        yield f"nsc reads a line break in the entry `{shown}` as another"
    if redacted(text) != text:
        yield "the entry holds what looks like a seed"


def _of_addition(text: str, name: ListName, verb: str) -> Iterator[str]:
    """nsc: ``PermissionsParams.Validate`` and ``StringList.Add``."""
    if not text or text.count(" ") > (0 if name.is_publish else 1):
        yield f"nsc cannot {verb} {name.value} the entry `{printable(text[:80])}`"


def together(edits: Iterable[Edit], hierarchy: Hierarchy) -> str | None:
    """Why nsc cannot make these edits as one, though it could each; None where it can.

    nsc: ``--rm X`` takes a copy of X out of all four lists of a block, and adding X puts back one copy only. So a
    duplicate cannot leave one list while another list keeps two or more copies of the same entry.

    Parameters
    ----------
    edits
        All edits that are to be made; only those of lists can stand in each other's way.
    hierarchy
        The store before them.
    """
    in_lists = [edit for edit in edits if isinstance(edit, EditEntries)]
    for target in dict.fromkeys(edit.target for edit in in_lists):
        lists = permission_lists(hierarchy, target)
        texts = [entries(lists, name) or () for name in ListName]
        copied = {text for each in texts if len(set(each)) < len(each) for text in each if each.count(text) > 1}
        # Where no list holds a copy, one mention takes an entry out of all, and what stays is added again.
        for text in sorted(copied):
            have = [each.count(text) for each in texts]
            want = dict(zip(ListName, have, strict=True))
            for edit in in_lists:
                if edit.target == target:
                    want[edit.list] -= edit.remove.count(text)
                    if text in edit.add and want[edit.list] < 1:
                        want[edit.list] += 1
            if removals(tuple(have), tuple(want.values())) is None:
                return (
                    f"nsc cannot take copies of `{printable(text)}` out of one list and leave duplicates of it "
                    "in another: accept the proposals for both lists"
                )
    return None


def removals(have: tuple[int, ...], want: tuple[int, ...]) -> int | None:
    """How often ``--rm`` must name an entry, given its copies in each list now and afterwards.

    After that many mentions a list has the copies it shall have, or none and shall have one, which is then added.

    Returns
    -------
    int or None
        None where no number does: nsc cannot make this change.

    Examples
    --------
    >>> removals((2, 0, 1, 0), (1, 0, 1, 0))
    1
    >>> removals((2, 0, 2, 0), (1, 0, 2, 0)) is None
    True
    """
    for mentions in range(max(have) + 1):
        left = [max(count - mentions, 0) for count in have]
        if all(n == w or (n == 0 and w == 1) for n, w in zip(left, want, strict=True)):
            return mentions
    return None


def csv_field(text: str) -> str:
    """An entry as one field of nsc's comma separated list flags.

    nsc: ``pflag.StringSlice`` reads each value as a line of CSV.
    """
    if text and not any(char in text for char in ',"\r\n'):
        return text
    return '"' + text.replace('"', '""') + '"'
