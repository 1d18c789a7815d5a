"""A list that is present and empty, which the next edit by nsc silently drops.

## What it finds

`"allow": []` (or `"deny": []`) in a permission block. nsc never writes it; other tools do. To the server an
empty publish allow list beside a deny means that nothing may be published.

## What it costs

Nothing in bytes worth naming. But any edit of the token by nsc, whatever it is about, re-encodes the claims
without the empty list, and then everything but the deny may be published. `nsc validate` says nothing.

## What the proposal changes

None is offered, and no edit of such a token is ever `safe`.

## When to leave it

Say what is meant with a deny of `>`: that survives a re-encode.

## Sources

Server: `setPermissions` makes an empty `Sublist` of an empty list, and none of an absent one. Seen with nsc
2.12.0 and nats-server 2.12.15.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from optimizer.edits import ListName, entries
from optimizer.proposals import Severity
from optimizer.rules.rule import Block, Rule

if TYPE_CHECKING:
    from collections.abc import Iterator

    from optimizer.proposals import Finding


def find(block: Block) -> Iterator[Finding]:
    """Blocks with an explicit empty list."""
    for name in ListName:
        if entries(block.lists, name) == ():
            yield RULE.finding(
                block,
                name,
                f"{name.value} is present and empty; any edit by nsc drops it",
                advice="say what is meant with a deny of `>` before anything else is edited in this token",
            )


RULE = Rule("explicit-empty-list", Severity.WARNING, __doc__ or "", find)
