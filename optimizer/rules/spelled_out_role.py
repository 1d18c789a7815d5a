"""Entries that together are a known role of a JetStream, key-value or object-store client.

## What it finds

In a publish allow list, all that a client of some role publishes to: to read, write or administer a stream, to use or
administer one consumer, to pull from it, to use a bucket, some of its keys or an object store, to list or manage all
streams; in any domain. The list may say it entry by entry or with wildcards. Flow control and what only servers from
2.14 on ask for need not be there, nor, of a reader, what few do: to name, list and delete consumers. Of a role that
another includes only the other is named.

## What it costs

Nothing as long as it is one stream or two: these lists are as short as they can be without reaching further. With three
or more streams, buckets or consumers the same subject is spelled out for each.

## What the proposal changes

Where a role is spelled out three times or more, each subject that only reads becomes one pattern with `*` for the
stream, bucket or consumer: `$JS.API.STREAM.INFO.*` for `...INFO.ORDERS`, `...INFO.RETURNS` and `...INFO.SALES`. That is
wider: it reaches every other one of the account, and the judge says so with a witness. Take it only if these are all.

Of an object store, `$O.<bucket>.>` is the recipe's form for its chunks and metadata, and reaches no other store.

What changes, deletes, purges, pulls or acknowledges stays as it is spelled out, one by one: it is never offered for
streams and consumers that the list does not name, and neither is a `*` for the verb. `$JS.API.STREAM.*.ORDERS` would
add `DELETE` and `PURGE`; `$JS.API.CONSUMER.*.ORDERS.>` would add `DELETE` and yet lack `MSG.NEXT` and `DURABLE.CREATE`.
`CONSUMER.CREATE.ORDERS` and `CONSUMER.CREATE.ORDERS.>` do not overlap, and both are needed. There is no pattern for
streams with the same prefix: `KV_*` is a literal (rule `literal-star`).

## When to leave it

Always, unless the list is meant for all streams. A role's template (`{{tag(stream)}}` under a scoped signing key) says
the same for many users at once.

## Sources

`optimizer.subjects.recipes`, with where each set comes from; `optimizer.subjects.jetstream` for what a request does.
"""

from __future__ import annotations

from dataclasses import replace
from itertools import groupby, starmap
from typing import TYPE_CHECKING

from optimizer.edits import ListName
from optimizer.proposals import Severity
from optimizer.rules.rule import Block, Rule
from optimizer.subjects.jetstream import Effect, asked, may_not_generalise
from optimizer.subjects.recipes import names_a_role, roles_in
from optimizer.subjects.subject import Subject

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from optimizer.proposals import Finding
    from optimizer.subjects.recipes import Found

MANY = 3
"""As often a role has to be spelled out before one pattern for all is worth a word."""

_SHOWN = 3


def find(block: Block) -> Iterator[Finding]:
    """Publish allow lists that spell out known roles."""
    name = ListName.PUB_ALLOW
    texts = [entry.text for entry in block.plain(name)]
    if not names_a_role("\n".join(texts)):
        return
    patterns = block.patterns(name)
    found = roles_in(texts, lambda subject: patterns.covers(Subject(subject)))
    for _, group in groupby(found, key=lambda one: one.role):
        roles = tuple(group)
        wider = dict(_wider(roles, texts))
        said = "; ".join(one.words for one in roles[:_SHOWN])
        more = f"; and {len(roles) - _SHOWN} more" if len(roles) > _SHOWN else ""
        yield RULE.finding(
            block,
            name,
            f"{name.value} spells out what it takes to {said}{more}",
            starmap(_widened, wider.items()) if wider else map(_named, roles),
            removals=(
                (tuple(text for text in texts if text in replaced), (pattern,)) for pattern, replaced in wider.items()
            ),
            advice="" if wider else "keep the entries: what is wider reaches more than the role needs",
        )


def _wider(roles: Sequence[Found], texts: Sequence[str]) -> Iterator[tuple[str, tuple[str, ...]]]:
    """The recipe's form; one pattern for what differs by stream, bucket or consumer alone; and what each replaces."""
    listed = set(texts)
    yield from (one.wider for one in roles if one.wider is not None and listed.issuperset(one.wider[1]))
    for alike in _alike(roles):
        for subjects in zip(*(one.recipe for one in alike), strict=True):
            replaced = tuple(dict.fromkeys(_as_listed(subject, listed) for subject in subjects))
            pattern = ".".join(_merged(tokens) for tokens in zip(*(text.split(".") for text in replaced), strict=True))
            if len(replaced) < MANY or pattern in listed or not listed.issuperset(replaced):
                continue
            tokens = tuple(pattern.split("."))
            reads = all(api.effect is Effect.READS for api in asked(tokens)) and asked(tokens)
            if reads and may_not_generalise(tokens, (tuple(text.split(".")) for text in replaced)) is None:
                listed.difference_update(replaced)
                yield pattern, replaced


def _alike(roles: Sequence[Found]) -> Iterator[list[Found]]:
    """The roles that differ in their stream or bucket alone, then those that differ in their consumer alone."""
    for held in (True, False):
        groups: dict[Found, list[Found]] = {}
        for one in roles:
            rest = replace(one, stream="", bucket="") if held else replace(one, consumer="")
            groups.setdefault(rest, []).append(one)
        yield from (group for group in groups.values() if len(group) >= MANY)


def _as_listed(subject: str, listed: set[str]) -> str:
    """A subject as the list has it: the API answers no more to a `>` than to the `*` of a role."""
    tail = f"{subject[:-1]}>"
    return tail if subject.endswith(".*") and tail in listed else subject


def _merged(tokens: tuple[str, ...]) -> str:
    return tokens[0] if len(set(tokens)) == 1 else "*"


def _named(role: Found) -> str:
    return f"to {role.words}: {_listed(role.subjects)}"


def _widened(pattern: str, replaced: Sequence[str]) -> str:
    return f"`{pattern}` would do in place of {_listed(replaced)}, and reach what none of them does"


def _listed(texts: Sequence[str]) -> str:
    more = len(texts) - _SHOWN
    return f"{', '.join(f'`{text}`' for text in texts[:_SHOWN])}{f' and {more} more' if more > 0 else ''}"


RULE = Rule("spelled-out-role", Severity.NOTE, __doc__ or "", find)
