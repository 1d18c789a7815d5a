"""A `*` or `>` inside a token, which is no wildcard.

## What it finds

`KV_*`, `orders-*`, `orders->`, in an allow or a deny list, as a subject's token or a queue name's: to the server only a
token that is `*` or `>` and nothing else is a wildcard. `$JS.API.STREAM.INFO.KV_*` allows the one request for a stream
whose name is literally `KV_*`.

## What it costs

The length of the entry; and an allow that allows nothing anybody asks for, or a deny that denies nothing, while its
author believes otherwise.

## What the proposal changes

None is offered: what the entry means is known, what was meant is not. There is no pattern for many streams, buckets or
subjects that share the beginning of a token. Either each is listed (`$JS.API.STREAM.INFO.KV_a`, `...KV_b`), or the
whole token is a wildcard (`$JS.API.STREAM.INFO.*`), which admits every stream of the account, not only those that begin
so. Where subjects are still to be chosen, a token of its own for the beginning (`orders.eu.new` for `orders-eu.new`)
makes a pattern possible; the name of a stream or bucket is always one token, and no way of naming them helps.

## When to leave it

Where the text is meant as it stands.

## Sources

Server: `Sublist.insert` and `matchLevel` in sublist.go take a token for a wildcard only where it is one byte long. The
servers were asked (tests/oracle/test_live_probes.py): an allow `KV_*` admits `KV_*` and refuses `KV_a`, and so it is
with queue names.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from optimizer.edits import ListName
from optimizer.proposals import Severity
from optimizer.rules.rule import Block, Rule
from optimizer.subjects.subject import Subject

if TYPE_CHECKING:
    from collections.abc import Iterator

    from optimizer.proposals import Finding
    from optimizer.subjects.subject import Entry


def find(block: Block) -> Iterator[Finding]:
    """Lists with tokens that look like patterns."""
    for name in ListName:
        found = {
            entry.text: token
            for entry in block.entries(name)
            if ("*" in entry.text or ">" in entry.text)
            and not entry.is_template
            and not entry.is_ignored(publish=name.is_publish)
            for token in _lookalikes(entry)
        }
        if found:
            what = "allows" if name.is_allow else "denies"
            yield RULE.finding(
                block,
                name,
                f"{name.value} holds a * or > inside a token, where it is no wildcard",
                (f"`{text}` {what} only what has the very token `{token}`" for text, token in sorted(found.items())),
                advice="list what was meant one by one; or a whole token *, which admits every other one as well",
            )


def _lookalikes(entry: Entry) -> Iterator[str]:
    """The first such token of the subject, or of the queue name."""
    tokens = (*entry.subject.tokens, *(Subject(entry.queue).tokens if entry.queue else ()))
    yield from [token for token in tokens if len(token) > 1 and ("*" in token or ">" in token)][:1]


RULE = Rule("literal-star", Severity.WARNING, __doc__ or "", find)
