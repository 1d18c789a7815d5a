"""An entry that its list holds more than once.

## What it finds

The same text twice or more in one of the four lists of a user, a role's template or an account's defaults.
The same text in two different lists is no duplicate.

## What it costs

Each copy costs its whole length in every token that carries it: `"orders.>",` is 16 bytes of payload, 21 to
22 of the token. nsc never writes a second copy; other tools and hand-made tokens do.

## What the proposal changes

All copies but one go. The server keeps a list as a set, so nothing that connects can notice. With `nsc edit
... --rm` one mention takes one copy away.

## When to leave it

Never, on its own. A role's connected users reconnect when its template changes, whatever the change.

## Sources

Server: `setPermissions` fills a `Sublist`, where a second insertion of the same subject adds no new match.
Compared on the live server: 59 pairs of lists, no difference.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from optimizer.edits import ListName
from optimizer.proposals import Severity
from optimizer.rules.rule import Block, Rule

if TYPE_CHECKING:
    from collections.abc import Iterator

    from optimizer.proposals import Finding


def find(block: Block) -> Iterator[Finding]:
    """Lists with copies."""
    for name in ListName:
        entries = block.entries(name)
        if len(set(entries)) == len(entries):
            continue
        copies = {text: n for text, n in sorted(Counter(map(str, entries)).items()) if n > 1}
        yield RULE.finding(
            block,
            name,
            f"{name.value} holds entries more than once",
            (f"`{text}` stands there {n} times" for text, n in copies.items()),
            removals=(((text,) * (n - 1), ()) for text, n in copies.items()),
        )


RULE = Rule("duplicate-entry", Severity.WARNING, __doc__ or "", find)
