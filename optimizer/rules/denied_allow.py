"""An allow entry that one deny entry takes back entirely.

## What it finds

An entry of an allow list all of whose subjects belong to one plain entry of the deny list of the same side:
`orders.eu.new` allowed, `orders.eu.>` denied.

## What it costs

The whole length of the entry; and the reader believes that something is allowed which is not.

## What the proposal changes

The allow entries go, the deny stays. One allow entry always stays: an allow list that runs empty would open
everything the deny does not name.

## When to leave it

Where the deny is the mistake. That is often so: read both entries before accepting.

## Sources

Server: `canSubscribe`, `pubAllowedFullCheck`: a deny that matches wins. Compared on the live server: 114
pairs, no difference; with the last entry gone: everything but the deny is allowed.
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
    """Allow lists with entries inside a deny."""
    for name, other in ((ListName.PUB_ALLOW, ListName.PUB_DENY), (ListName.SUB_ALLOW, ListName.SUB_DENY)):
        denies = block.plain(other)
        allows = block.entries(name)
        if not denies or not allows:
            continue
        patterns = block.patterns(other)
        taken = sorted(
            {
                entry.text
                for entry in allows
                if not entry.is_template
                and not entry.is_ignored(publish=name.is_publish)
                and patterns.covers(entry.subject)
            }
        )
        if len(taken) == len({entry.text for entry in allows}):
            # Something has to keep the list from being absent: the cheapest entry stays.
            taken.remove(min(taken, key=lambda text: (len(text.encode()), text)))
        if taken:
            texts = [entry.text for entry in allows]
            yield RULE.finding(
                block,
                name,
                f"{name.value} holds entries that {other.value} takes back entirely",
                (
                    f"`{text}` lies inside the deny "
                    f"`{next(deny for deny in denies if deny.subject.covers(allows[texts.index(text)].subject))}`"
                    for text in taken
                ),
                removals=(((text,) * texts.count(text), ()) for text in taken),
            )


RULE = Rule("denied-allow", Severity.WARNING, __doc__ or "", find)
