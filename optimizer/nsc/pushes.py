"""The order in which tokens are pushed, and what each push loses: a comment for whoever pushes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from optimizer.judge import service_importers
from optimizer.text import printable

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from optimizer.hierarchy import Hierarchy
    from optimizer.nsc.step import TokenSteps
    from optimizer.proposals import Proposal

_FEW = 3  # accounts to name


def push_order(
    hierarchy: Hierarchy, proposals: Sequence[Proposal], tokens: Sequence[TokenSteps]
) -> Iterator[tuple[str, str]]:
    """Each account's name, in the order of pushes, and what is lost by the push; nothing where no order matters.

    Server: a push of an account drops the replies on their way through its exports, whatever the token says; requests
    that it sends itself go on.
    """
    if all(edit.target.kind.holds_lists for proposal in proposals for edit in proposal.edits):
        return
    importers = service_importers(hierarchy)
    for token in tokens:
        if token.user is None:
            waiting = importers.get(token.account.claims.sub, ())
            yield printable(token.account.claims.name), _lost(token, waiting)


def _lost(token: TokenSteps, waiting: Sequence[str]) -> str:
    if token.is_made:
        return "new, nothing passes through it yet"
    if not waiting:
        return "loses nothing, no account here imports a service from it"
    names = f"{len(waiting)} accounts" if len(waiting) > _FEW else ", ".join(map(printable, waiting))
    return f"loses the replies in flight to {names}"
