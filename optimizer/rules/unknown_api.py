"""A JetStream request that no server answers.

## What it finds

In publish lists, entries below `$JS.API.` or `$JS.<domain>.API.` of which no subject is one that JetStream answers: a
verb that does not exist (`$JS.API.CONSUMER.UPDATE.>`; consumers are updated through `CONSUMER.CREATE`), a misspelt one,
or the wrong number of tokens after it (`$JS.API.STREAM.INFO` without a stream, `$JS.API.STREAM.CREATE.ORDERS.x`).
Also `JS.API.` without its `$`. A pattern that some request may match is none of these.

## What it costs

The whole length of the entry. Worse: what was meant is not allowed, or, in a deny list, not denied.

## What the proposal changes

From an allow list the entry goes, where others remain. That narrows what the user may publish, though no JetStream
ever answers it: another client of the account may listen to such a subject. From a deny list nothing is taken: what was
meant has to be put in by hand.

## When to leave it

Where a service of the account's own answers below `$JS.API.`, an import maps the subject to another account, or servers
newer than those permopt knows have the API (`CONSUMER.RESET` came with 2.14, and is no finding).

## Sources

Server: `setJetStreamExportSubs`, `apiDispatch` and `generateJSMappingTable` in jetstream_api.go, of 2.11.8 and 2.12.15;
both were asked, in tests/oracle/test_jetstream_api.py.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from optimizer.edits import ListName
from optimizer.proposals import Severity
from optimizer.rules.rule import Block, Rule
from optimizer.subjects.jetstream import unanswered

if TYPE_CHECKING:
    from collections.abc import Iterator

    from optimizer.proposals import Finding
    from optimizer.subjects.subject import Entry


def find(block: Block) -> Iterator[Finding]:
    """Publish lists with requests that JetStream does not answer."""
    for name in (ListName.PUB_ALLOW, ListName.PUB_DENY):
        entries = block.entries(name)
        reasons = {entry.text: reason for entry in block.plain(name) if (reason := why(entry)) is not None}
        if not reasons:
            continue
        texts = [entry.text for entry in entries]
        removed = [text for text in sorted(reasons) if name.is_allow and text.startswith("$")]
        if len(reasons) == len(set(texts)):
            removed = []  # without them the list would be absent, and everything allowed
        if removed:
            yield RULE.finding(
                block,
                name,
                f"{name.value} holds requests that JetStream does not answer",
                (f"`{text}` {reasons[text]}" for text in removed),
                removals=(((text,) * texts.count(text), ()) for text in removed),
            )
        left = sorted(reasons.keys() - set(removed))
        if left:
            verb = "allow" if name.is_allow else "deny"
            yield RULE.finding(
                block,
                name,
                f"{name.value} holds requests that JetStream does not answer",
                (f"`{text}` {reasons[text]}" for text in left),
                advice=f"put in what was meant: as they stand these entries {verb} no request of JetStream's",
            )


def why(entry: Entry) -> str | None:
    """Why JetStream does not answer what an entry allows, or None."""
    tokens = entry.subject.tokens
    if tokens[:2] == ("JS", "API"):
        meant = unanswered((f"${tokens[0]}", *tokens[1:]))
        return f"lacks the `$` of `$JS.API`{f', and {meant}' if meant else ''}"
    return unanswered(tokens)


RULE = Rule("unknown-api", Severity.WARNING, __doc__ or "", find)
