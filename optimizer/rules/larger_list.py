r"""A list that several of its entries together make larger than it need be.

## What it finds

What no two entries show, but the list as a whole does. An entry that no other one covers, but several do together:
`a.b.>` beside `a.*.*` and `*.b.*.>`. Two entries that one could replace. A `>` that is needed for one more token
only, where `*` would do: `a.>` beside `*.*.>`.

## What it costs

The bytes of the entries that could go; and 5 bytes for each `>` that could be `*`, for `>` is written `\u003e`.

## What the proposal changes

Where a list stands alone, without denies, queue groups and templates, what is left is the smallest there is: no other
list that means the same has fewer entries, and none of as few has fewer bytes. Beside a deny list or with queue groups
what is left is smaller: no entry of it can be dropped and no two merged, and no more than that is claimed.

## When to leave it

Where the entries are kept apart on purpose because they go to different people.

## Sources

`optimizer.subjects.rewrite`; the proof is docs/decisions/0004-smallest-list.md.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from optimizer.edits import ListName
from optimizer.proposals import Severity
from optimizer.rules.rule import Block, Rule
from optimizer.subjects.compare import Relation, compare
from optimizer.subjects.permissions import Permissions
from optimizer.subjects.rewrite import TooManyPatternsError, smaller, smallest
from optimizer.subjects.subject import Entry
from optimizer.subjects.trie import covered

if TYPE_CHECKING:
    from collections.abc import Iterator

    from optimizer.proposals import Finding
    from optimizer.subjects.rewrite import Tokens

_EFFORT = 50_000
"""Of one comparison; the first that takes more ends the search in its list, for the others would take as much."""

_PAIRS = (
    (ListName.PUB_ALLOW, ListName.PUB_DENY),
    (ListName.PUB_DENY, ListName.PUB_ALLOW),
    (ListName.SUB_ALLOW, ListName.SUB_DENY),
    (ListName.SUB_DENY, ListName.SUB_ALLOW),
)


def find(block: Block) -> Iterator[Finding]:
    """Lists for which fewer or cheaper entries mean the same."""
    for name, other in _PAIRS:
        here, there = block.entries(name), block.entries(other)
        if len(here) < 2 or any(entry.is_template for entry in (*here, *there)):  # noqa: PLR2004 one entry is the least
            continue
        entries = _uncovered(block, name)
        alone = not there and all(entry.queue is None for entry in entries)
        if alone and not _may_shrink(entries):
            continue
        try:
            wanted = smallest(entries) if alone else _smaller(block, name, other, entries)
        except TooManyPatternsError:
            continue
        changes = list(_changes(entries, wanted, alone=alone))
        if changes:
            yield RULE.finding(
                block,
                name,
                f"{name.value} is larger than it need be",
                (statement for statement, _ in changes),
                removals=(removal for _, removal in changes),
            )


def _uncovered(block: Block, name: ListName) -> tuple[Entry, ...]:
    """A list without what `covered-entry` and its like speak of, and without copies."""
    entries = block.entries(name)
    if block.is_plain:
        inside = block.covered(name)
        return tuple(entry for entry in dict.fromkeys(entries) if entry not in inside)
    indices = covered(entries)
    return tuple(entry for index, entry in enumerate(entries) if index not in indices)


def _may_shrink(entries: tuple[Entry, ...]) -> bool:
    """Whether entries of which none covers another could be fewer or shorter; False is certain.

    A pattern of one length lies in several others only if it lies in one. So it takes a closing `>`, and something that
    goes deeper there without lying inside: a pattern with a `*` before its last token.
    """
    return any(entry.subject.tokens[-1] == ">" for entry in entries) and any(
        "*" in entry.subject.tokens[:-1] for entry in entries
    )


def _smaller(block: Block, name: ListName, other: ListName, entries: tuple[Entry, ...]) -> tuple[Entry, ...]:
    settled = block.patterns(other)
    claims = block.lists.as_claims()
    before = Permissions.from_claims(claims)
    side, key = name.value.split(".")
    depth = max(len(entry.subject.tokens) for each in ListName for entry in block.entries(each) or (Entry("x"),))

    gave_up = False

    def same(kept: tuple[Entry, ...]) -> bool:
        nonlocal gave_up
        if gave_up:
            return False
        after = {**claims, side: {**claims[side], key: [entry.text for entry in kept]}}
        relation = compare(before, Permissions.from_claims(after), effort=_EFFORT).relation
        gave_up = relation is Relation.UNDECIDED
        return relation is Relation.SAME

    def idle(subject: Tokens) -> bool:
        """Whether the other list of the side settles a subject: denied anyway, or not allowed anyway."""
        return (
            settled.matches(subject) if name.is_allow else bool(block.entries(other)) and not settled.matches(subject)
        )

    return smaller(entries, same, idle, depth)


def _changes(
    entries: tuple[Entry, ...], wanted: tuple[Entry, ...], *, alone: bool
) -> Iterator[tuple[str, tuple[tuple[str, ...], tuple[str, ...]]]]:
    """From the one list to the other: each new entry with those it stands for, then those that just go."""
    gone = [entry for entry in entries if entry not in wanted]
    for new in wanted:
        if new in entries:
            continue
        replaced = [old for old in gone if _stands_for(new, old)]
        gone = [old for old in gone if old not in replaced]
        texts = tuple(old.text for old in replaced)
        yield f"`{new}` does in place of {' and '.join(f'`{text}`' for text in texts)}", (texts, (new.text,))
    why = "is covered by several others together" if alone else "decides nothing that the rest does not"
    for old in gone:
        yield f"`{old}` {why}", ((old.text,), ())


def _stands_for(new: Entry, old: Entry) -> bool:
    shortened = new.subject.tokens[-1] == "*" and old.subject.tokens[-1] == ">" and old.subject.covers(new.subject)
    return new.queue == old.queue and (new.subject.covers(old.subject) or shortened)


RULE = Rule("larger-list", Severity.WARNING, __doc__ or "", find)
