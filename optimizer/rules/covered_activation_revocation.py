"""A revoked activation that the revocation of all activations of its export covers.

## What it finds

An account that an export revokes up to a time, while the export revokes `*` up to the same time or a later one.

## What it costs

As much as the revocation of a user: 70 bytes of the payload, 93 to 94 of the token.

## What the proposal changes

The covered ones go, with `nsc revocations delete_activation` for each key. Of two times the later decides, so that no
activation is let in or refused for it, known or not. A push of an exporter loses replies on their way.

## When to leave it

Where `*` is to be taken back one day: then what it covers is let in again with all the others.

## Sources

Server: `Account.checkActivation` asks `isRevoked`, the same function that decides on users. nsc finds the export by the
first one that contains the subject it is told: where that may be another, the proposal is advice.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from optimizer.edits import EVERYBODY, EditActivationRevocations, TargetKind, activation_revocations_of
from optimizer.proposals import Severity
from optimizer.rules.revoked import revoked_evidence
from optimizer.rules.rule import Rule
from optimizer.text import printable

if TYPE_CHECKING:
    from collections.abc import Iterator

    from optimizer.proposals import Finding
    from optimizer.rules.view import AccountView


def find(view: AccountView) -> Iterator[Finding]:
    """The covered revocations of each export."""
    for export in view.claims.exports:
        everybody = export.revocations.get(EVERYBODY) if export.token_req else None
        if everybody is None:
            continue
        every = activation_revocations_of(export)
        covered = tuple(each for each in every if each.key != EVERYBODY and each.time <= everybody)
        if covered:
            target = view.target(TargetKind.ACTIVATION)
            shown = printable(export.subject)[:80]
            yield RULE.found_in(
                target,
                f"{len(covered):,} of {len(every):,} revoked activations of `{shown}` are covered by that of `*`",
                revoked_evidence(view, covered, f"`*` is revoked up to {everybody}"),
                edits=(EditActivationRevocations(target, covered),),
            )


RULE = Rule("covered-activation-revocation", Severity.WARNING, __doc__ or "", None, find_in=find)
