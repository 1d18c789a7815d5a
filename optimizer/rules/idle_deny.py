"""A deny entry that denies nothing the allow list lets through.

## What it finds

A deny entry that overlaps no entry of a non-empty allow list of the same side: `$SYS.>` denied where only
`orders.>` is allowed. On the subscribe side an allow entry reaches further than it says: `orders.*` admits
the subscription `orders.>`, which then receives `orders.us.new`. So there a final `*` counts as `>`.

## What it costs

The whole length of the entry, in every token that carries it.

## What the proposal changes

The idle deny entries go. The allow list alone already refuses what they name.

## When to leave it

Where the deny is a belt beside the braces: it keeps denying when somebody widens the allow list later.

## Sources

Server: `canSubscribe`, `deliverMsg`, `checkDenySub`. Compared on the live server: 57 pairs on the publish
side and 55 on the subscribe side, no difference; `a.*` allowed and `a.b.c` denied is not idle.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from optimizer.edits import ListName
from optimizer.proposals import Severity
from optimizer.rules.patterns import Patterns
from optimizer.rules.rule import Block, Rule
from optimizer.subjects.subject import reach

if TYPE_CHECKING:
    from collections.abc import Iterator

    from optimizer.proposals import Finding


def find(block: Block) -> Iterator[Finding]:
    """Deny lists with entries outside everything that is allowed."""
    for name, other in ((ListName.PUB_DENY, ListName.PUB_ALLOW), (ListName.SUB_DENY, ListName.SUB_ALLOW)):
        allows = block.entries(other)
        if not block.entries(name) or not allows or any(entry.is_template for entry in allows):
            continue
        allowed = Patterns(
            entry.subject if name.is_publish else reach(entry.subject)
            for entry in allows
            if not entry.is_ignored(publish=name.is_publish)
        )
        texts = [
            entry.text
            for entry in block.entries(name)
            if not entry.is_template
            and not entry.is_ignored(publish=name.is_publish)
            and not allowed.overlaps(entry.subject)
        ]
        if texts:
            idle = sorted(set(texts))
            yield RULE.finding(
                block,
                name,
                f"{name.value} holds entries that deny what {other.value} does not allow anyway",
                (f"`{text}` overlaps nothing that is allowed" for text in idle),
                removals=(((text,) * texts.count(text), ()) for text in idle),
            )


RULE = Rule("idle-deny", Severity.WARNING, __doc__ or "", find)
