"""An entry that another entry of the same list covers.

## What it finds

A plain entry all of whose subjects belong to another plain entry of the same list: `orders.us` beside
`orders.*`, `orders.*` beside `orders.>`. A template entry of an allow list (`orders.{{name()}}.>`) counts as
covered only by an entry that ends in `>` before the template begins (`orders.>`): whatever it becomes for a
user lies inside.

## What it costs

The whole length of the entry, in every token that carries it.

## What the proposal changes

The covered entries go; what covers them stays. From 2.12.14 on no client can notice. Older servers look at the
entries themselves in two places, and where that shows the proposal is not `safe` unless the run is told that all
servers are newer (`--server-version 2.12`): a subscribe deny filters a wildcard subscription only where some deny
entry lies inside it, so the narrow entry switches on a filter that the wide one does not; and in a publish list
`a.b.c` hides the `a.*` beside it from the subject `a.b`, until it goes.

## When to leave it

Where a leafnode connects with the token: its wildcard subscription is also admitted by an entry inside it, so
`a.b.c` beside `a.b.*` lets a leafnode have `a.*.c`. The proposal says so, and is not `safe` where the token
names the connection type. Also where a narrow entry documents what somebody needs and the wide one is about
to go.

## Sources

Server: `Sublist.Match`; `canSubscribe` and `loadMsgDenyFilterIfNeeded` for the subscribe side;
`subjectIsSubsetMatch` for leafnodes. Compared on the live server: 228 pairs, no difference on 2.12.15.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from optimizer.access.symbolic import covers_template
from optimizer.edits import ListName
from optimizer.proposals import Severity
from optimizer.rules.rule import Block, Rule

if TYPE_CHECKING:
    from collections.abc import Iterator

    from optimizer.proposals import Finding


def find(block: Block) -> Iterator[Finding]:
    """Lists in which a plain entry covers another."""
    for name in ListName:
        found = {entry.text: by.text for entry, by in block.covered(name).items()}
        if name.is_allow and not block.is_plain:
            wide = [entry for entry in block.plain(name) if entry.subject.has_wildcard]
            for entry in block.entries(name):
                by = next((w for w in wide if entry.is_template and covers_template(w.subject, entry.text)), None)
                if by is not None:
                    found[entry.text] = by.text
        if found:
            copies = [entry.text for entry in block.entries(name)]
            yield RULE.finding(
                block,
                name,
                f"{name.value} holds entries that a wider one covers",
                (f"`{text}` is covered by `{by}`" for text, by in sorted(found.items())),
                removals=(((text,) * copies.count(text), ()) for text in sorted(found)),
            )


RULE = Rule("covered-entry", Severity.WARNING, __doc__ or "", find)
