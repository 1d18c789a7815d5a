"""What a person decided about the proposals of one plan: a file beside it that only grows."""

from __future__ import annotations

import enum
import json
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from optimizer.errors import SourceError, UsageError
from optimizer.proposals import Safety
from optimizer.reports.json import text_of, without_seeds
from optimizer.review.files import read_text, write_files

if TYPE_CHECKING:
    from pathlib import Path

    from optimizer.proposals import Plan, Proposal
    from optimizer.review.plan import SavedPlan

DECISIONS = "permopt.decisions.v1"


class Verdict(enum.Enum):
    """What was decided; LATER takes an earlier decision back."""

    ACCEPT = "accept"
    REJECT = "reject"
    LATER = "later"


@dataclass(frozen=True, slots=True)
class Decision:
    """One decision: about which proposal, what, by whom, when (RFC 3339, UTC), and why."""

    id: str
    verdict: Verdict
    who: str
    when: str
    why: str = ""


@dataclass(frozen=True, slots=True)
class Decisions:
    """All decisions ever made about one plan, in order; of several about one proposal the last one counts.

    Parameters
    ----------
    plan
        The digest of the plan they were made for.
    """

    plan: str
    made: tuple[Decision, ...] = ()

    def verdict(self, proposal: str) -> Verdict | None:
        """What counts for a proposal, or None where nobody decided."""
        last = self.last(proposal)
        return None if last is None or last.verdict is Verdict.LATER else last.verdict

    def last(self, proposal: str) -> Decision | None:
        """The latest decision about a proposal."""
        return next((decision for decision in reversed(self.made) if decision.id == proposal), None)

    def with_decision(self, decision: Decision, plan: Plan) -> Decisions:
        """These decisions and one more.

        Raises
        ------
        UsageError
            The plan has no such proposal, it is advice that no script can carry out, or an alternative of it
            was accepted.
        """
        proposal = proposal_of(plan, decision.id)
        if decision.verdict is Verdict.ACCEPT:
            if proposal.judgement.safety is Safety.ADVICE:
                reasons = "; ".join(proposal.judgement.proof.why_incomplete) or "its proof is not complete"
                raise UsageError(f"`{decision.id}` is advice and never goes into a script: {reasons}")
            rivals = [other for other in proposal.alternatives if self.verdict(other) is Verdict.ACCEPT]
            if rivals:
                raise UsageError(
                    f"`{decision.id}` and `{rivals[0]}` are alternatives, of which one can be accepted",
                    f"reject `{rivals[0]}` first",
                )
        return replace(self, made=(*self.made, decision))


def proposal_of(plan: Plan, identifier: str) -> Proposal:
    """The proposal with this id.

    Raises
    ------
    UsageError
        The plan has none.
    """
    for proposal in plan.proposals:
        if proposal.id == identifier:
            return proposal
    raise UsageError(f"the plan has no proposal `{identifier}`", "`permopt review PLAN` lists the ids")


def beside(plan: Path) -> Path:
    """Where the decisions about a plan are kept: ``plan.json`` has ``plan.json.decisions.json``."""
    return plan.with_name(plan.name + ".decisions.json")


def load_decisions(path: Path, saved: SavedPlan) -> Decisions:
    """The decisions in a file; none where there is no file.

    Raises
    ------
    SourceError
        It is no decisions file, or was made for another plan.
    """
    if not path.exists():
        return Decisions(saved.digest)
    text = read_text(path)
    try:
        document = json.loads(text)
        if document["type"] != DECISIONS:
            raise SourceError(f"`{path}` is not a {DECISIONS} document")
        decisions = Decisions(document["plan"], tuple(map(_decision, document["decisions"])))
    except (KeyError, TypeError, ValueError, AttributeError, RecursionError):
        raise SourceError(f"`{path}` is not a {DECISIONS} document") from None
    if decisions.plan != saved.digest:
        raise SourceError(
            f"the decisions in `{path}` were made about another plan",
            "what was accepted there was judged on other tokens: move that file away and review this plan",
        )
    return decisions


def save_decisions(path: Path, decisions: Decisions) -> None:
    """Write the decisions."""
    document: dict[str, Any] = {
        "type": DECISIONS,
        "plan": decisions.plan,
        "decisions": [
            {
                "id": decision.id,
                "decision": decision.verdict.value,
                "who": decision.who,
                "when": decision.when,
                "why": decision.why,
            }
            for decision in decisions.made
        ],
    }
    write_files({path: text_of(without_seeds(document))})


def _decision(document: dict[str, Any]) -> Decision:
    return Decision(
        id=str(document["id"]),
        verdict=Verdict(document["decision"]),
        who=str(document["who"]),
        when=str(document["when"]),
        why=str(document["why"]),
    )
