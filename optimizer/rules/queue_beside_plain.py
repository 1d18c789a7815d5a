"""A queue entry of an allow list beside a plain entry for the same subjects: it forbids, it does not allow.

## What it finds

`orders.new workers` beside `orders.*` in a subscribe allow list. It looks redundant and is not: as soon as
some queue entry's subject matches, only the queue names of matching entries pass. With both entries the group
`workers` may subscribe, any other group may not, and a plain subscription may.

## What it costs

Nothing; it is a note to the reader.

## What the proposal changes

None is offered: dropping the queue entry would let every queue group in.

## When to leave it

Where the restriction is meant. Where it is not, drop the entry by hand and expect the rights to grow.

## Sources

Server: `canSubscribe`. On the live server `[foo, foo v1]` refuses `SUB foo v2`, `[foo]` admits it.
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
    """Subscribe allow lists in which a queue entry narrows a plain one."""
    name = ListName.SUB_ALLOW
    queues = [
        entry
        for entry in block.entries(name)
        if entry.queue is not None and not entry.is_template and not entry.is_ignored(publish=False)
    ]
    if not queues:
        return
    patterns = block.patterns(name)
    beside = sorted({entry.text for entry in queues if patterns.covers(entry.subject)})
    if beside:
        yield RULE.finding(
            block,
            name,
            f"{name.value} holds queue entries that refuse other queue groups of what is allowed",
            (f"`{text}` keeps every other queue name from these subjects" for text in beside),
            advice="leave them: dropping one lets every queue group in",
        )


RULE = Rule("queue-beside-plain", Severity.NOTE, __doc__ or "", find, only_odd=True)
