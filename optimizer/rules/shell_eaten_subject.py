"""A subject whose first word a shell took for a variable.

## What it finds

An entry that begins with a dot: `.API.INFO`, `.>`. In `nsc edit user --allow-pub $JS.API.INFO` without single
quotes the shell replaces `$JS` by nothing. The same happens to `$KV.`, `$SYS.`, `$O.`, `$SRV.` and `$MQTT.`.

## What it costs

The server refuses a user whose own lists hold such an entry; in a role's template it allows nothing, and
JetStream calls time out.

## What the proposal changes

None is offered: what was meant has to be put in by hand, in single quotes, and lets the user do what today it
cannot.

## When to leave it

Never.

## Sources

nsc: subjects are stored unchecked. Server: `Subject.Validate` in the jwt library: a subject may not begin
with a dot.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from optimizer.edits import ListName
from optimizer.proposals import Severity
from optimizer.rules.rule import Block, Rule

if TYPE_CHECKING:
    from collections.abc import Iterator

    from optimizer.proposals import Finding

_MEANT = {"API": "$JS", "ACK": "$JS", "FC": "$JS", "EVENT": "$JS", "REQ": "$SYS", "PING": "$SRV", "STATS": "$SRV"}
"""By the second word of a subject: what the first one was, most likely."""


def find(block: Block) -> Iterator[Finding]:
    """Lists with entries that begin with a dot."""
    for name in ListName:
        eaten = sorted({entry.text for entry in block.entries(name) if entry.text.startswith(".")})
        if eaten:
            yield RULE.finding(
                block,
                name,
                f"{name.value} holds entries that begin with a dot: a shell took the first word for a variable",
                (_statement(text) for text in eaten),
                advice="put in what was meant, in single quotes: nsc edit ... '$JS.API.INFO'",
            )


def _statement(text: str) -> str:
    meant = _MEANT.get(text[1:].split(".", maxsplit=1)[0])
    return f"`{text}` was probably `{meant}{text}`" if meant else f"`{text}` lost its first word"


RULE = Rule("shell-eaten-subject", Severity.ERROR, __doc__ or "", find, only_odd=True)
