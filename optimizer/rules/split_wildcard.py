"""Two entries `x.*` and `x.*.>` that together are `x.>`.

## What it finds

`orders.*` beside `orders.*.>` in the same list: one token after `orders`, and two or more. Together that is
one or more, which is `orders.>`.

## What it costs

The shorter one spells out what the longer one could: `"orders.*",` and `"orders.*.>",` against `"orders.>",`.

## What the proposal changes

Both entries go, `x.>` comes. The two lists mean the same to any client: one `>` matches exactly what the two
matched. In a subscribe deny list, and in a publish list that also holds `x.y.z`, servers before 2.12.14 may tell
(see `covered-entry`); and a leafnode may gain: `a.b.*` with `a.b.*.>` does not admit a leafnode's `a.b.c` through
the reverse match as `a.b.>` does.

## When to leave it

Where the two are kept apart on purpose because one of them is about to be narrowed.

## Sources

Server: `Sublist.Match`. Compared on the live server: 224 pairs, no difference on 2.12.15; `x.*` alone against
`x.>` widens.
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
    """Lists with both halves of a `>`."""
    for name in ListName:
        texts = [entry.text for entry in block.plain(name)]
        present = set(texts)
        halves = sorted(
            text
            for text in present
            if (text == "*" or text.endswith(".*")) and f"{text}.>" in present and f"{text[:-1]}>" not in present
        )
        if halves:
            yield RULE.finding(
                block,
                name,
                f"{name.value} spells wildcards as two entries that one could",
                (f"`{text}` and `{text}.>` together are `{text[:-1]}>`" for text in halves),
                removals=(
                    ((text,) * texts.count(text) + (f"{text}.>",) * texts.count(f"{text}.>"), (f"{text[:-1]}>",))
                    for text in halves
                ),
            )


RULE = Rule("split-wildcard", Severity.WARNING, __doc__ or "", find)
