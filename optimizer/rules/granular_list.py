"""Entries that one wider entry could stand for, at a stated cost.

## What it finds

Lists that name subject by subject what a wildcard says at once: siblings (`orders.created`, `orders.updated` and so on:
`orders.*`), whole subtrees (`orders.>`), and cuts across the tree (`*.created`, `*.us.>`). At least three entries fold
into one. A pattern keeps `--keep-prefix` literal leading tokens (1), or, where it cuts across the tree, a literal
after a wildcard.

## What it costs

Bytes: 10 to 30 for each entry that is spelled out, in every copy of the token.

## What the proposal changes

It **widens**: subjects that are in none of the entries are admitted from then on, those that exist already and those
that somebody will think of next year. So it is never `safe`, and it is proposed only where it is asked for: for tokens
above a `--budget`, which then get the cheapest set that gets them under it, or with `--widen`. Each proposal names
the known subjects it opens, and to whom; a witness on the publish or the subscribe side; and its cost. On the subscribe
side a final `*` reaches everything below (`orders.*` admits a subscription to `orders.>`), and costs as much as a `>`.
A deny entry that widens takes leave away instead. Subjects under `--protect` are never newly admitted: a pattern that
would admit one comes with a deny entry that keeps it out, or not at all.

## When to leave it

Where the entries differ on purpose, and where what is named below the same token does not belong together. A role that
more users get next week, or an export that is added under the same prefix, is open from the start.

## Sources

Server: `Sublist.Match` on plain tokens, `canSubscribe`. The cost and the choice are explained in docs/widening.md and
docs/decisions/0007-least-widening.md; `optimizer.subjects.compare` compares what is admitted, as for every rule.
"""

from __future__ import annotations

from optimizer.proposals import Severity
from optimizer.rules.rule import Rule

RULE = Rule("granular-list", Severity.NOTE, __doc__ or "", None)
