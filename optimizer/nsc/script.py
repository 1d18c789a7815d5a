"""Scripts that a person reads and runs: apply.sh, rollback.sh, verify.sh, and what they are to lead to."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from optimizer.claims.encode import nats_object
from optimizer.edits import EditEntries, apply, apply_all, obstacle
from optimizer.errors import MismatchError, UsageError
from optimizer.nsc.head import label
from optimizer.nsc.step import steps_for
from optimizer.nsc.writer import Writer
from optimizer.proposals import Safety

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from optimizer.edits import Edit
    from optimizer.hierarchy import Hierarchy
    from optimizer.nsc.step import TokenSteps
    from optimizer.proposals import Judgement, Proposal

EXPECTED = "permopt.expected.v1"


@dataclass(frozen=True, slots=True)
class Script:
    """Three texts to run, and one to compare with.

    Parameters
    ----------
    apply, rollback, verify
        POSIX sh.
    expected
        ``permopt.expected.v1``: each token before and after.
    """

    apply: str
    rollback: str
    verify: str
    expected: dict[str, Any]


def script_for(hierarchy: Hierarchy, proposals: Sequence[Proposal], judgement: Judgement) -> Script:
    """The scripts that carry out these proposals on this store, undo them and check them.

    Parameters
    ----------
    hierarchy
        The store as read.
    proposals
        Those to carry out, in the order of the plan.
    judgement
        Of all of them as a whole.

    Raises
    ------
    UsageError
        There is nothing to do, or nsc cannot do it.
    MismatchError
        The judgement promises other bytes than these commands lead to.
    """
    _check_allowed(hierarchy, proposals)
    tokens = steps_for(hierarchy, proposals)
    if not tokens:
        raise UsageError("there is nothing to put into a script", "accept a proposal first: `permopt review`")
    _check_promise(tokens, judgement)
    writer = Writer(hierarchy, tuple(proposals), judgement, tokens)
    return Script(
        writer.apply(),
        writer.rollback(),
        writer.verify(),
        _expected(hierarchy, proposals, tokens, writer.operator_name()),
    )


def _check_allowed(hierarchy: Hierarchy, proposals: Sequence[Proposal]) -> None:
    """Nothing gets in that the judge would not let in: this is the last door before a shell."""
    for proposal in proposals:
        if proposal.judgement.safety is Safety.ADVICE:
            raise UsageError(f"proposal `{proposal.id}` is advice, which no script carries out")
        reason = next(_reasons(proposal.edits, hierarchy), None)
        if reason is not None:
            raise UsageError(f"no script can carry out proposal `{proposal.id}`: {reason}")
        hierarchy = apply_all([edit for edit in proposal.edits if not isinstance(edit, EditEntries)], hierarchy)


def _reasons(edits: Sequence[Edit], hierarchy: Hierarchy) -> Iterator[str]:
    for edit in edits:
        # An edit of nothing meets what stands in the way of any edit of the token; which entries, the steps will tell.
        asked = EditEntries(edit.target, edit.list) if isinstance(edit, EditEntries) else edit
        reason = obstacle(asked, hierarchy)
        if reason is not None:
            yield reason
        elif not isinstance(edit, EditEntries):
            hierarchy = apply(edit, hierarchy)


def _check_promise(tokens: Sequence[TokenSteps], judgement: Judgement) -> None:
    promised = {(change.account, change.user): (change.before, change.after) for change in judgement.tokens}
    for token in tokens:
        key = (token.account.claims.sub, None if token.user is None else token.user.claims.sub)
        found = (token.before.bytes, token.after.bytes)
        if promised.get(key, found) != found:
            raise MismatchError(
                f"the plan promises {promised[key]} bytes for {label(token)}, nsc would make it {found}",
                "make the plan again with `permopt propose`",
            )


def _expected(
    hierarchy: Hierarchy, proposals: Sequence[Proposal], tokens: Sequence[TokenSteps], store: str
) -> dict[str, Any]:
    operator = hierarchy.operator
    return {
        "type": EXPECTED,
        "operator": None
        if operator is None
        else {"name": operator.claims.name, "key": operator.claims.sub, "store": store},
        "proposals": [proposal.id for proposal in proposals],
        "targets": [_target(token) for token in tokens],
    }


def _target(token: TokenSteps) -> dict[str, Any]:
    account, user = token.account.claims, token.user
    return {
        "kind": "account" if user is None else "user",
        "account": {"name": account.name, "key": account.sub},
        "user": None if user is None else {"name": user.claims.name, "key": user.claims.sub},
        "issuer": token.signed.claims.iss,
        "before": {"bytes": token.before.bytes, "fingerprint": token.before.fingerprint},
        "after": {
            "bytes": token.after.bytes,
            "fingerprint": token.after.fingerprint,
            "claims": None if token.after.claims is None else nats_object(token.after.claims),
        },
        "steps": len(token.steps),
    }
