"""A template operation that no server knows: the role's users cannot connect, and an older server dies of it.

## What it finds

In a role's lists, `{{...}}` with anything but `name()`, `subject()`, `account-name()`, `account-subject()`,
`tag(...)` and `account-tag(...)`: `{{nope()}}`, `{{name}}`, `{{ }}`.

## What it costs

nats-server 2.12 refuses every user of the role. 2.11.8 compares the operation without a look at its length: with one
shorter than 12 bytes the **whole server process panics** when a user of the role connects.

## What the proposal changes

None is offered: what stands there says nothing about what was meant, and repairing it lets users in.

## When to leave it

Never on servers of 2.11.

## Sources

Server: `processUserPermissionsTemplate` in auth.go; asked of both servers in tests/oracle/test_live_access.py.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from optimizer.access.template import operations
from optimizer.edits import ListName
from optimizer.proposals import Severity
from optimizer.rules.rule import Block, Rule

if TYPE_CHECKING:
    from collections.abc import Iterator

    from optimizer.proposals import Finding


def find(block: Block) -> Iterator[Finding]:
    """Role templates that hold an operation no server knows."""
    if not block.is_scope:
        return
    for name in ListName:
        texts = sorted(
            {
                entry.text
                for entry in block.entries(name)
                if entry.is_template and any(not operation.name for operation in operations(entry.text))
            }
        )
        if texts:
            yield RULE.finding(
                block,
                name,
                f"{name.value} holds template operations that no server knows; one may end a 2.11 server",
                (f"`{text}` holds an unknown operation" for text in texts),
                advice="write what was meant with name(), subject(), tag(...) or their account- forms",
            )


RULE = Rule("unknown-operation", Severity.ERROR, __doc__ or "", find, only_odd=True)
