"""Several edits of one thing as one: what an edit puts in and a later one takes out was never there."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, TypeVar, cast

from optimizer.edits.lists import EditEntries
from optimizer.edits.revocations import EditActivationRevocations, EditRevocations
from optimizer.edits.sharing import AddAccount, EditExports, EditImports

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from optimizer.edits.edit import Edit
    from optimizer.edits.targets import ListName, Target

T = TypeVar("T")


def net(edits: Iterable[Edit]) -> tuple[Edit, ...]:
    """The edits of each list, of each account's imports and so on as one, in the order of the first of each.

    Examples
    --------
    >>> from optimizer.edits import ListName, Target
    >>> target, name = Target("user", "A", "U"), ListName.PUB_ALLOW
    >>> first = EditEntries(target, name, ("a.*", "a.*.>"), ("a.>",))
    >>> [(edit.remove, edit.add) for edit in net([first, EditEntries(target, name, ("a.>", "b"))])]
    [(('a.*', 'a.*.>', 'b'), ())]
    """
    grouped: dict[tuple[type[Edit], Target, ListName | None], list[Edit]] = {}
    for edit in edits:
        grouped.setdefault((type(edit), edit.target, edit.list), []).append(edit)
    return tuple(each for group in grouped.values() for each in _merged(group))


def _merged(edits: Sequence[Edit]) -> Sequence[Edit]:
    match edits[0]:
        case AddAccount():
            return edits
        case EditEntries(target=target, list=name):
            removed: Counter[str] = Counter()
            added: list[str] = []
            for edit in cast("Sequence[EditEntries]", edits):
                _take(edit.remove, removed, added)
                for text in edit.add:
                    if removed[text]:
                        removed[text] -= 1
                    elif text not in added:
                        added.append(text)
            return [EditEntries(target, name, tuple(sorted(removed.elements())), tuple(added))]
        case EditImports(target=target):
            return [EditImports(target, *_shared(cast("Sequence[EditImports]", edits)))]
        case EditExports(target=target):
            return [EditExports(target, *_shared(cast("Sequence[EditExports]", edits)))]
        case EditRevocations(target=target):
            return [EditRevocations(target, *_shared(cast("Sequence[EditRevocations]", edits)))]
        case EditActivationRevocations(target=target):
            return [EditActivationRevocations(target, *_shared(cast("Sequence[EditActivationRevocations]", edits)))]


def _shared(
    edits: Sequence[EditImports | EditExports | EditRevocations | EditActivationRevocations],
) -> tuple[tuple[T, ...], tuple[T, ...]]:
    removed: Counter[T] = Counter()
    added: list[T] = []
    for edit in edits:
        _take(cast("tuple[T, ...]", edit.remove), removed, added)
        for each in cast("tuple[T, ...]", edit.add):
            if removed[each]:
                removed[each] -= 1
            else:
                added.append(each)
    return tuple(removed.elements()), tuple(added)


def _take(items: Iterable[T], removed: Counter[T], added: list[T]) -> None:
    for each in items:
        if each in added:
            added.remove(each)
        else:
            removed[each] += 1
