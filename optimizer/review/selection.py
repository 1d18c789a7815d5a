"""What goes into a script: safe proposals nobody rejected, and what a person accepted; judged as a whole."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from optimizer.errors import UsageError
from optimizer.judge import judge
from optimizer.proposals import Safety
from optimizer.review.decisions import Verdict

if TYPE_CHECKING:
    from collections.abc import Iterable

    from optimizer.proposals import Judgement, Proposal
    from optimizer.review.decisions import Decisions
    from optimizer.review.plan import SavedPlan

_ORDER = (Safety.SAFE, Safety.GUARDED, Safety.RISKY, Safety.ADVICE)


@dataclass(frozen=True, slots=True)
class LeftOut:
    """A proposal that was not chosen, and why."""

    proposal: Proposal
    reason: str


@dataclass(frozen=True, slots=True)
class Selection:
    """What was chosen, in the order of the plan, and what the judge says of it as a whole.

    Parameters
    ----------
    judgement
        None where nothing was chosen.
    """

    chosen: tuple[Proposal, ...]
    left_out: tuple[LeftOut, ...]
    judgement: Judgement | None


def select(saved: SavedPlan, decisions: Decisions) -> Selection:
    """Choose, and judge the choice again from the tokens in the plan.

    Parameters
    ----------
    saved
        The plan.
    decisions
        Made about it.

    Raises
    ------
    UsageError
        The chosen proposals do not work together, or are less safe together than each was said to be alone.
    """
    proposals = saved.plan.proposals
    reasons = {proposal.id: _why_not(proposal, decisions) for proposal in proposals}
    for proposal in proposals:
        rivals = [other for other in proposal.alternatives if decisions.verdict(other) is Verdict.ACCEPT]
        if reasons[proposal.id] is None and rivals and decisions.verdict(proposal.id) is not Verdict.ACCEPT:
            reasons[proposal.id] = f"its alternative `{rivals[0]}` was accepted"
    settled = False
    while not settled:
        settled = True
        for proposal in proposals:
            missing = [needed for needed in proposal.requires if reasons.get(needed, "not in the plan")]
            if reasons[proposal.id] is None and missing:
                reasons[proposal.id] = f"it requires `{missing[0]}`, which is not chosen"
                settled = False
    chosen = tuple(proposal for proposal in proposals if reasons[proposal.id] is None)
    left_out = tuple(LeftOut(proposal, reason) for proposal in proposals if (reason := reasons[proposal.id]))
    return Selection(chosen, left_out, _judged(chosen, saved) if chosen else None)


def _why_not(proposal: Proposal, decisions: Decisions) -> str | None:
    """Why a proposal is not chosen on its own account, or None."""
    safety, verdict = proposal.judgement.safety, decisions.verdict(proposal.id)
    if safety is Safety.ADVICE:
        return "advice never goes into a script"
    if verdict is Verdict.REJECT:
        return "rejected"
    if safety is not Safety.SAFE and verdict is not Verdict.ACCEPT:
        return f"{safety.value}, and not accepted"
    return None


def _judged(chosen: Iterable[Proposal], saved: SavedPlan) -> Judgement:
    chosen = tuple(chosen)
    claimed = max((proposal.judgement.safety for proposal in chosen), key=_ORDER.index)
    safe = tuple(proposal for proposal in chosen if proposal.judgement.safety is Safety.SAFE)
    whole = _together(chosen, saved)
    # What was accepted at a risk must not hide that the safe ones are not safe without it.
    alone = whole if safe in (chosen, ()) else _together(safe, saved)
    if _ORDER.index(whole.safety) > _ORDER.index(claimed) or (safe and alone.safety is not Safety.SAFE):
        raise UsageError(
            f"together the chosen proposals are {whole.safety.value}, each alone {claimed.value} or better",
            "reject one of those that touch the same list, or make a new plan with `permopt propose`",
        )
    return replace(whole, disturbs=_disturbs(chosen))


def _disturbs(chosen: Iterable[Proposal]) -> str:
    """Whom the chosen ones disturb together: a plan does not hold the accounts that merely import something."""
    said = (part for proposal in chosen for part in proposal.judgement.disturbs.split("; "))
    return "; ".join(part for part in dict.fromkeys(said) if part != "nothing") or "nothing"


def _together(chosen: tuple[Proposal, ...], saved: SavedPlan) -> Judgement:
    edits = tuple(edit for proposal in chosen for edit in proposal.edits)
    try:
        return judge(saved.plan.hierarchy, edits, saved.settings)
    except KeyError as missing:
        raise UsageError(
            f"the chosen proposals do not fit together: {missing} is not where one of them looks for it",
            "one that another builds on was rejected, or an entry looks like a seed and was not written down",
        ) from None
