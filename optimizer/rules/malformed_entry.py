"""An entry over which the server refuses the whole token.

## What it finds

In a user's own lists or an account's defaults: an entry with an empty token (`orders..new`, `orders.`), an
empty text, more than one space, or a queue name in a publish list (`orders workers`). An entry that begins
with a dot is the rule `shell-eaten-subject`'s.

## What it costs

The user cannot connect at all; in an account's defaults no user of the account can, for the account does not
load.

## What the proposal changes

None is offered: repairing the entry lets somebody in who is refused today, which is never a lossless edit.
nsc stores such entries without a word; `nsc validate` names them.

## When to leave it

Where the user is meant to be locked out; deleting the user says that better.

## Sources

Server: `checkPermission` in the jwt library, run by `isClientAuthorized` for a user's token and by
`verifyAccountClaims` for an account's. A role's template is not checked (rule `ignored-entry`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from optimizer.edits import ListName
from optimizer.proposals import Severity
from optimizer.rules.rule import Block, Rule

if TYPE_CHECKING:
    from collections.abc import Iterator

    from optimizer.proposals import Finding


def find(block: Block) -> Iterator[Finding]:
    """Lists that the server refuses."""
    if block.is_scope:
        return
    for name in ListName:
        refused = {
            entry.text: reason
            for entry in block.entries(name)
            if not entry.text.startswith(".") and (reason := entry.refusal(publish=name.is_publish)) is not None
        }
        if refused:
            yield RULE.finding(
                block,
                name,
                f"{name.value} holds entries over which the server refuses the token",
                (f"`{text}` {reason}" for text, reason in sorted(refused.items())),
                advice="decide what was meant, and edit by hand: the repaired token admits who is refused today",
            )


RULE = Rule("malformed-entry", Severity.ERROR, __doc__ or "", find, only_odd=True)
