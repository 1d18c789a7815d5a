"""An entry that the server accepts in the token and then passes over.

## What it finds

An entry that is no valid subject for the server's permission check but does not make it refuse the token: `>`
before the last token (`orders.>.new`), and in a role's template, which is never checked, anything malformed
(`orders..new`).

## What it costs

Its whole length. Worse: it allows or denies nothing, while its author believes it does.

## What the proposal changes

It goes, where other entries remain in the list. In a publish list servers before 2.12.14 trip over it: `a.>.b`
ends their search, and a subject that another entry allows is refused; there the proposal is not lossless. An allow
list that holds only such entries refuses everything; there no edit is offered, for without the list everything
would be allowed.

## When to leave it

Where it was meant to do something: put what was meant in its place first (`orders.*.new`).

## Sources

Server: `setPermissions` logs "invalid publish subject" or "invalid subject-queue" and goes on;
`Subject.Validate` in the jwt library lets a `>` in the middle pass; `UserScope.Validate` looks at the key
only.
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
    """Lists with entries that have no effect."""
    for name in ListName:
        publish = name.is_publish
        entries = block.entries(name)
        texts = [
            entry.text
            for entry in entries
            if not entry.is_template
            and entry.is_ignored(publish=publish)
            and (block.is_scope or entry.refusal(publish=publish) is None)
        ]
        if texts:
            ignored = sorted(set(texts))
            last = len(texts) == len(entries) and name.is_allow
            yield RULE.finding(
                block,
                name,
                f"{name.value} holds entries that are no valid subjects, and the server passes over them",
                (f"`{text}` matches nothing" for text in ignored),
                removals=() if last else (((text,) * texts.count(text), ()) for text in ignored),
                advice="without them the list would be absent and everything allowed; put in what was meant"
                if last
                else "",
            )


RULE = Rule("ignored-entry", Severity.WARNING, __doc__ or "", find, only_odd=True)
