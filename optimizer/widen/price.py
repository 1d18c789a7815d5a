"""What a widening costs and what an entry weighs: one function each."""

from __future__ import annotations

from typing import TYPE_CHECKING

from optimizer.claims.gojson import go_json

if TYPE_CHECKING:
    from collections.abc import Iterable

    from optimizer.settings import Weights


def cost(users: Iterable[int], openness: float, weights: Weights) -> float:
    """The cost of a widening, in units that only compare widenings with each other.

    Parameters
    ----------
    users
        For each known subject that is newly admitted, or by a deny entry newly denied: how many users that concerns.
    openness
        Of the wildcards: `optimizer.subjects.generalise.openness`.

    Notes
    -----
    What is known to exist comes first, for it is what a widening can be shown to expose; the wildcards count
    because what nobody has named yet is admitted too.
    """
    return weights.known * sum(users) + openness


def entry_size(text: str) -> int:
    r"""Payload bytes of one entry in a list, its quotes and comma included; ``>`` is written ``\u003e``."""
    return len(go_json(text)) + 1


NEW_LIST_SIZE = len(',"deny":[]') - 1
"""Payload bytes of a list's name and brackets, less the comma that its last entry does not have."""
