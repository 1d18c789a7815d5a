"""``permopt review``: what a person decides about the proposals of a plan."""

from __future__ import annotations

import getpass
import sys
from collections import Counter
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from optimizer.cli import options, output
from optimizer.cli.options import ShortForm
from optimizer.errors import OptimizerError, UsageError
from optimizer.nsc.script import script_for
from optimizer.proposals import Plan, Proposal, Safety
from optimizer.reports import words
from optimizer.reports.json import text_of, without_seeds
from optimizer.reports.style import Style, columns
from optimizer.reports.terminal import proposal_page
from optimizer.review.decisions import (
    Decision,
    Decisions,
    Verdict,
    beside,
    load_decisions,
    proposal_of,
    save_decisions,
)
from optimizer.review.files import read_text
from optimizer.review.plan import SavedPlan, load
from optimizer.review.selection import Selection, select

_KEYS = {"a": Verdict.ACCEPT, "r": Verdict.REJECT, "l": Verdict.LATER}
_MENU = "[a]ccept  [r]eject  [l]ater  [s]how script  [p]roof again  [q]uit"


def command(
    plan: options.Plan,
    *,
    accept: Annotated[
        list[str] | None, typer.Option(metavar="ID", show_default=False, help="Take this one; repeatable.")
    ] = None,
    reject: Annotated[
        list[str] | None, typer.Option(metavar="ID", show_default=False, help="Leave this one out; repeatable.")
    ] = None,
    later: Annotated[
        list[str] | None, typer.Option(metavar="ID", show_default=False, help="Take a decision back; repeatable.")
    ] = None,
    reason: Annotated[str, typer.Option(metavar="TEXT", show_default=False, help="Why; kept with the decision.")] = "",
    who: Annotated[
        str | None, typer.Option(metavar="NAME", show_default=False, help="Who decides; default: the user logged in.")
    ] = None,
    form: options.ShortFormat = ShortForm.TABLE,
    now: options.Now = None,
    quiet: options.Quiet = False,
    no_color: options.NoColour = False,
) -> int:
    """Accept or reject proposals of a plan; without a decision named, show where each stands or walk through them.

    Decisions are kept in PLAN.decisions.json: who, when and why. `permopt script PLAN` heeds them.
    """
    saved = load(read_text(plan), str(plan))
    place = beside(plan)
    desk = _Desk(
        saved=saved,
        file=place,
        decisions=load_decisions(place, saved),
        who=who or _logged_in(),
        when=datetime.fromtimestamp(options.clock(now), UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
        style=output.style(no_colour=no_color),
    )
    asked = {Verdict.ACCEPT: accept, Verdict.REJECT: reject, Verdict.LATER: later}
    named = [(identifier, verdict) for verdict, ids in asked.items() for identifier in dict.fromkeys(ids or ())]
    for identifier, times in Counter(identifier for identifier, _ in named).items():
        if times > 1:
            raise UsageError(f"`{identifier}` is named for more than one decision", "decide one way")
    if named:
        desk = desk.decide(named, reason)
        desk.save()
        for identifier, verdict in named:
            output.note(f"{identifier}: {verdict.value}, kept in `{place}`", quiet=quiet)
    elif form is ShortForm.TABLE and not quiet and sys.stdin.isatty() and sys.stdout.isatty():
        return desk.walk()
    selection = select(saved, desk.decisions)
    following = _following(plan, saved.plan, desk.decisions, selection)
    if form is ShortForm.JSON:
        output.emit(text_of(without_seeds(_states(saved.plan, desk.decisions, selection))))
    else:
        output.emit("\n".join([*_table(saved.plan, desk.decisions, selection), "", "next", f"  {following}", ""]))
    return 0


@dataclass(frozen=True, slots=True, kw_only=True)
class _Desk:
    saved: SavedPlan
    file: Path
    decisions: Decisions
    who: str
    when: str
    style: Style

    def decide(self, named: list[tuple[str, Verdict]], why: str) -> _Desk:
        """Record decisions; what is accepted at a risk is shown with its witness."""
        decisions = self.decisions
        for identifier, verdict in named:
            proposal = proposal_of(self.saved.plan, identifier)
            if verdict is Verdict.ACCEPT and proposal.judgement.safety is not Safety.SAFE:
                output.emit("\n".join([*proposal_page(proposal, self.saved.plan, self.style), "", ""]))
            decision = Decision(identifier, verdict, self.who, self.when, why)
            decisions = decisions.with_decision(decision, self.saved.plan)
        selection = select(self.saved, decisions)
        accepted = {identifier for identifier, verdict in named if verdict is Verdict.ACCEPT}
        for left in selection.left_out:
            if left.proposal.id in accepted:
                raise UsageError(f"`{left.proposal.id}` cannot be accepted: {left.reason}", "accept that one too")
        return replace(self, decisions=decisions)

    def save(self) -> None:
        save_decisions(self.file, self.decisions)

    def walk(self) -> int:
        """Proposal by proposal, with a person at the terminal."""
        desk = self
        for proposal in self.saved.plan.proposals:
            if proposal.judgement.safety is Safety.ADVICE:
                continue
            output.emit("\n".join(["", *proposal_page(proposal, self.saved.plan, self.style), ""]))
            try:
                while (answer := typer.prompt(f"  {_MENU}", default="l", show_default=False)[:1].lower()) in "sp":
                    desk.show(proposal, script=answer == "s")
            except typer.Abort:
                break
            if answer == "q":
                break
            if answer in _KEYS and (answer != "l" or desk.decisions.verdict(proposal.id) is not None):
                why = typer.prompt("  why", default="", show_default=False) if answer in "ar" else ""
                try:
                    desk = desk.decide([(proposal.id, _KEYS[answer])], why)
                except OptimizerError as error:
                    output.note(f"  {error.message}; {error.hint}")
                else:
                    desk.save()
        selection = select(desk.saved, desk.decisions)
        output.emit("\n".join(["", *_table(desk.saved.plan, desk.decisions, selection), ""]))
        return 0

    def show(self, proposal: Proposal, *, script: bool) -> None:
        if not script:
            output.emit("\n".join(["", *proposal_page(proposal, self.saved.plan, self.style), ""]))
            return
        only = script_for(self.saved.plan.hierarchy, (proposal,), proposal.judgement)
        output.emit(only.apply)


def _following(file: Path, plan: Plan, decisions: Decisions, selection: Selection) -> str:
    """What to type next: where nothing is chosen, a script would be empty."""
    possible = [
        each.id
        for each in plan.proposals
        if each.judgement.safety is not Safety.ADVICE and decisions.verdict(each.id) is not Verdict.REJECT
    ]
    if possible and not selection.chosen:
        return output.typed("permopt", "review", file, "--accept", possible[0])
    return output.typed("permopt", "script", file, "-o", "scripts")


def _table(plan: Plan, decisions: Decisions, selection: Selection) -> list[str]:
    chosen = {proposal.id for proposal in selection.chosen}
    rows = []
    for proposal in plan.proposals:
        decision = decisions.last(proposal.id)
        rows.append(
            (
                proposal.id,
                proposal.judgement.safety.value,
                words.saved(proposal.judgement.saving.bytes, would=proposal.id not in chosen),
                "in the script" if proposal.id in chosen else "not in the script",
                "" if decision is None else words.shown(_said(decision)),
            )
        )
    if not rows:
        return ["the plan holds no proposals"]
    saving = 0 if selection.judgement is None else selection.judgement.saving.bytes
    return [*columns(rows, indent=0), f"{words.quantity(len(chosen), 'proposal')} chosen: {words.saved(saving)}"]


def _said(decision: Decision) -> str:
    why = f": {decision.why}" if decision.why else ""
    return f"{decision.verdict.value} by {decision.who} at {decision.when}{why}"


def _states(plan: Plan, decisions: Decisions, selection: Selection) -> dict[str, object]:
    chosen = {proposal.id for proposal in selection.chosen}
    reasons = {left.proposal.id: left.reason for left in selection.left_out}
    proposals = []
    for proposal in plan.proposals:
        decision = decisions.last(proposal.id)
        proposals.append(
            {
                "id": proposal.id,
                "safety": proposal.judgement.safety.value,
                "chosen": proposal.id in chosen,
                "reason": reasons.get(proposal.id, ""),
                "decision": None
                if decision is None
                else {
                    "decision": decision.verdict.value,
                    "who": decision.who,
                    "when": decision.when,
                    "why": decision.why,
                },
            }
        )
    saving = selection.judgement.saving if selection.judgement else None
    return {
        "type": "permopt.review.v1",
        "plan": decisions.plan,
        "proposals": proposals,
        "saving": None if saving is None else {"before": saving.before, "after": saving.after},
    }


def _logged_in() -> str:
    try:
        return getpass.getuser()
    except (OSError, KeyError):  # no entry in the password database, as in some containers
        return "unknown"
