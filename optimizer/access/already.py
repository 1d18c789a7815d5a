"""What protection does not take away: the lists that allow a protected subject as they stand."""

from __future__ import annotations

from typing import TYPE_CHECKING

from optimizer.access.principals import blocks
from optimizer.subjects.subject import Subject, entry_of, reach

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from optimizer.hierarchy import Hierarchy


def allowed_already(hierarchy: Hierarchy, patterns: Iterable[str]) -> Iterator[tuple[str, int]]:
    """Each protected pattern of which some allow list admits a part, and how many lists do.

    Parameters
    ----------
    patterns
        Valid ones; templates in a list are not looked into.
    """
    lists = [
        (texts, publish)
        for account in hierarchy.accounts.values()
        for _, block in blocks(hierarchy, account.claims)
        for texts, publish in ((block.pub.allow, True), (block.sub.allow, False))
        if texts
    ]
    for pattern in patterns:
        number = sum(_admits(texts, Subject(pattern), publish=publish) for texts, publish in lists)
        if number:
            yield pattern, number


def _admits(texts: Sequence[str], protected: Subject, *, publish: bool) -> bool:
    subjects = (entry_of(text).subject for text in texts)
    return any((subject if publish else reach(subject)).overlaps(protected) for subject in subjects if subject.is_valid)
