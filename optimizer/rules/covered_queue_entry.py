"""A queue entry that another entry of the same list makes superfluous.

## What it finds

In a subscribe list, `subject queue` beside another queue entry whose subject and whose queue name pattern
both contain it (`orders.us workers` beside `orders.* *`), and in the deny list also beside a plain entry
whose subject contains it: who may not subscribe at all may not subscribe in a queue group either.

## What it costs

The whole length of the entry, in every token that carries it.

## What the proposal changes

The contained entries go. A queue entry of an *allow* list is never dropped because of a plain one: `foo v1`
beside `foo` refuses the queue group `v2` (rule `queue-beside-plain`). Before 2.12.14 a queue deny that does
not match the group overrules a plain deny, so a queue deny under a plain one is not `safe` for those servers.

## When to leave it

Where the queue names are about to be split among more groups.

## Sources

Server: `canSubscribe` with `queueMatches`. Compared on the live server: 87 pairs queue by queue, 43 pairs of
a queue deny under a plain deny on 2.12.15, no difference; `[foo, foo v1]` against `[foo]` differs.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from optimizer.edits import ListName
from optimizer.proposals import Severity
from optimizer.rules.rule import Block, Rule
from optimizer.subjects.trie import covered

if TYPE_CHECKING:
    from collections.abc import Iterator

    from optimizer.proposals import Finding


def find(block: Block) -> Iterator[Finding]:
    """Subscribe lists with queue entries inside others."""
    for name in (ListName.SUB_ALLOW, ListName.SUB_DENY):
        queues = [
            entry
            for entry in block.entries(name)
            if entry.queue is not None and not entry.is_template and not entry.is_ignored(publish=False)
        ]
        if not queues:
            continue
        found = {
            queues[index].text: queues[by].text
            for index, by in covered(queues).items()
            if queues[index].text != queues[by].text
        }
        if name is ListName.SUB_DENY:
            for entry in queues:
                by = next((p for p in block.plain(name) if p.subject.covers(entry.subject)), None)
                if by is not None:
                    found[entry.text] = by.text
        if found:
            texts = [entry.text for entry in queues]
            yield RULE.finding(
                block,
                name,
                f"{name.value} holds queue entries that another one contains",
                (f"`{text}` is contained in `{by}`" for text, by in sorted(found.items())),
                removals=(((text,) * texts.count(text), ()) for text in sorted(found)),
            )


RULE = Rule("covered-queue-entry", Severity.WARNING, __doc__ or "", find, only_odd=True)
