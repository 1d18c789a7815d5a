"""Compares what came of an edit that its own account decides, whichever part of a token it is about."""

from __future__ import annotations

from typing import TYPE_CHECKING

from optimizer.access.compared import compared
from optimizer.edits import TargetKind

if TYPE_CHECKING:
    from optimizer.access.compared import Compared
    from optimizer.edits import Target
    from optimizer.hierarchy import Hierarchy
    from optimizer.settings import Settings


def part_compared(before: Hierarchy, after: Hierarchy, target: Target, settings: Settings) -> Compared:
    """How everybody fares whom an edit of this part of a token can touch.

    Raises
    ------
    KeyError
        It is a part that other accounts decide upon as well: `optimizer.access.imports_compared`.
    """
    match target.kind:
        case TargetKind.USER | TargetKind.SCOPE | TargetKind.DEFAULTS:
            return compared(before, after, target, settings)
        case TargetKind.REVOCATION:
            from optimizer.access.revocations_compared import revocations_compared  # noqa: PLC0415 few runs need it

            return revocations_compared(before, after, target.account, settings)
        case TargetKind.ACTIVATION:
            from optimizer.access.revocations_compared import activation_revocations_compared  # noqa: PLC0415

            return activation_revocations_compared(before, after, target.account, settings)
        case TargetKind.IMPORT | TargetKind.EXPORT | TargetKind.ACCOUNT:
            raise KeyError(target)
