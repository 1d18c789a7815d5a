"""An entry on the side where its subject is never used.

## What it finds

Subjects of the JetStream and system protocols in the wrong list: `$JS.ACK.>`, `$JS.API.>` and `$JS.FC.>` are
what a client *publishes* to (acknowledgements, requests, flow control), so in a subscribe allow list they do
nothing for it; `$JS.EVENT.>` is what it *subscribes* to. Mostly the work of `--allow-pubsub`.

## What it costs

The length of the entry; and a right that nobody needs: who may subscribe to `$JS.API.>` reads every other
client's requests.

## What the proposal changes

None is offered: the right exists, and taking it away narrows what the user may do. Only a person knows
whether a monitor really listens there.

## When to leave it

For a monitor that watches the requests of others, and for a service that answers in JetStream's place.

## Sources

JetStream's wire protocol (ADR-1, ADR-9, ADR-15): requests and acknowledgements are publishes, replies arrive
in an inbox.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from optimizer.edits import ListName
from optimizer.proposals import Severity
from optimizer.rules.rule import Block, Rule

if TYPE_CHECKING:
    from collections.abc import Iterator

    from optimizer.proposals import Finding

_PUBLISHED = ("ACK", "API", "FC")
_SUBSCRIBED = ("EVENT",)


def find(block: Block) -> Iterator[Finding]:
    """Allow lists with protocol subjects of the other side."""
    for name, other, words in (
        (ListName.SUB_ALLOW, "publishes to", _PUBLISHED),
        (ListName.PUB_ALLOW, "subscribes to", _SUBSCRIBED),
    ):
        wrong = sorted(
            {
                entry.text
                for entry in block.entries(name)
                if entry.subject.tokens[0] == "$JS" and not set(words).isdisjoint(entry.subject.tokens[1:2])
            }
        )
        if wrong:
            yield RULE.finding(
                block,
                name,
                f"{name.value} holds subjects that a client {other}",
                (f"`{text}` does nothing for a client here" for text in wrong),
                advice="take them out by hand where no monitor listens there: it narrows what the user may do",
            )


RULE = Rule("wrong-side", Severity.NOTE, __doc__ or "", find)
