"""A revoked activation of an export that needs none.

## What it finds

Revocations in an export whose `token_req` is not set: every account may import it, and none is asked for an
activation.

## What it costs

70 bytes of the payload for each, 93 to 94 of the token. They are left where an export was made public, or revoked by
hand in the belief that it keeps an account out.

## What the proposal changes

The revocations go, with `nsc revocations delete_activation` for each key. No server looks at them as long as the
export is public; that it stays so is your word, so what no `*` covers is `guarded`.

## When to leave it

Where the export is to be private again: then they count again. And where somebody believed that they keep an account
out: they do not, and the export should rather need an activation.

## Sources

Server: `Account.checkAuth` in accounts.go asks for an activation, and for revocations, only where `tokenReq` is set.
Asked of both server generations: a revoked importer of such an export is served, before and after.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from optimizer.edits import EditActivationRevocations, TargetKind, activation_revocations_of
from optimizer.proposals import Severity
from optimizer.rules.revoked import revoked_evidence
from optimizer.rules.rule import Rule
from optimizer.text import printable

if TYPE_CHECKING:
    from collections.abc import Iterator

    from optimizer.proposals import Finding
    from optimizer.rules.view import AccountView


def find(view: AccountView) -> Iterator[Finding]:
    """The revocations of each export that needs no activation."""
    for export in view.claims.exports:
        if export.revocations and not export.token_req:
            target = view.target(TargetKind.ACTIVATION)
            idle = activation_revocations_of(export)
            shown = printable(export.subject)[:80]
            yield RULE.found_in(
                target,
                f"the export of `{shown}` needs no activation, and revokes {len(idle):,}",
                revoked_evidence(view, idle, "no activation is asked for"),
                edits=(EditActivationRevocations(target, idle),),
            )


RULE = Rule("idle-activation-revocation", Severity.WARNING, __doc__ or "", None, find_in=find)
