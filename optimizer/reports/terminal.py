"""A plan as a page for a terminal: what was read, what is proposed and why it is true, what to type next."""

from __future__ import annotations

from itertools import groupby
from typing import TYPE_CHECKING

from optimizer.proposals import Safety, Severity
from optimizer.reports import words
from optimizer.reports.style import Style, columns

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from optimizer.edits import Edit
    from optimizer.hierarchy import Hierarchy
    from optimizer.proposals import Finding, Plan, Proposal, Witness
    from optimizer.settings import Settings

_SAFETY_LOOK = {Safety.SAFE: "green", Safety.GUARDED: "yellow", Safety.RISKY: "red", Safety.ADVICE: "cyan"}
_SEVERITY_LOOK = {Severity.ERROR: "red", Severity.WARNING: "yellow", Severity.NOTE: "cyan"}
_ENTRIES_SHOWN = 8  # of one list in one proposal; the rest is counted, and in the JSON
_REASONS_SHOWN = 4
_WITNESSES_SHOWN = 3
_SKIPPED_SHOWN = 20


def plan_page(plan: Plan, settings: Settings, style: Style, *, next_command: str, plan_name: str = "PLAN") -> str:
    """The page that ``permopt propose`` prints.

    Parameters
    ----------
    plan
        What was found.
    settings
        What it was asked for with.
    style
        Of the terminal.
    next_command
        What to type next, quoted for a shell.
    plan_name
        The file the plan was saved in, for the commands that are named.

    Returns
    -------
    str
        Lines of printable text, a newline at the end.
    """
    page = _Page(plan, settings, style, plan_name)
    parts = [
        page.head(),
        page.tokens(),
        page.proposals(),
        page.findings(),
        page.set_aside(),
        page.skipped(),
        page.totals(),
        [style.heading("next"), f"  {next_command}"],
    ]
    return "\n\n".join("\n".join(part) for part in parts if part) + "\n"


def proposal_page(proposal: Proposal, plan: Plan, style: Style) -> list[str]:
    """One proposal with its place, as lines: what a person decides upon."""
    names = words.Names(plan.hierarchy)
    return [f"  {style.heading(names.place(proposal.finding.target))}", *_proposal(proposal, style)]


class _Page:
    def __init__(self, plan: Plan, settings: Settings, style: Style, plan_name: str) -> None:
        self.plan = plan
        self.settings = settings
        self.style = style
        self.plan_name = plan_name
        self.names = words.Names(plan.hierarchy)

    def head(self) -> list[str]:
        return [
            line
            for sentence in head_sentences(self.plan.hierarchy, self.settings)
            for line in self.style.wrapped(sentence, indent=0, hanging=2)
        ]

    def tokens(self) -> list[str]:
        """Every token the safe proposals change, largest saving first."""
        judgement = self.plan.judgement
        if judgement is None or not judgement.tokens:
            return []
        saving = judgement.saving
        changes = sorted(judgement.tokens, key=lambda change: change.after - change.before)
        rows = [("token", "before", "", "after", "saves")]
        rows += [
            (
                self.names.token(change.account, change.user),
                f"{change.before:,}",
                "->",
                f"{change.after:,}",
                _saves(change.before, change.after),
            )
            for change in changes
        ]
        if len(changes) > 1:
            total = _saves(saving.before, saving.after)
            rows.append(("together", f"{saving.before:,}", "->", f"{saving.after:,}", total))
        lines = columns(rows, right=frozenset({1, 3, 4}))
        return [self.style.heading("bytes of the tokens the safe proposals rewrite"), *lines]

    def proposals(self) -> list[str]:
        proposals = self.plan.proposals
        if not proposals:
            return ["nothing to propose: no rewrite of these lists saves a byte without being noticed"]
        lines = [self.style.heading(words.quantity(len(proposals), "proposal"))]
        # The order of the plan is the order of the script, so one place may come up twice.
        for place, group in groupby(proposals, key=lambda each: self.names.place(each.finding.target)):
            lines += ["", f"  {self.style.heading(place)}"]
            for proposal in group:
                lines += _proposal(proposal, self.style)
        return lines

    def findings(self) -> list[str]:
        if not self.plan.findings:
            return []
        lines = [self.style.heading("found, without a proposal")]
        for finding in self.plan.findings:
            lines += self.finding(finding)
        return lines

    def finding(self, finding: Finding) -> list[str]:
        severity = self.style.paint(finding.severity.value, _SEVERITY_LOOK[finding.severity])
        where = self.names.place(finding.target)
        if finding.list is not None:
            where += f", {words.list_name(finding.list)}"
        lines = [f"  {severity}  {self.style.paint(finding.rule, 'bold')}  {where}"]
        lines += self.style.wrapped(words.shown(finding.message, 600), 4, 2)
        reasons = [words.shown(evidence.statement, 300) for evidence in finding.evidence]
        lines += _capped(self.style, "because", reasons, _REASONS_SHOWN)
        if finding.advice:
            lines += self.style.wrapped(f"advice: {words.shown(finding.advice, 600)}", 4, 2)
        return lines

    def set_aside(self) -> list[str]:
        if not self.plan.set_aside:
            return []
        lines = [self.style.heading("set aside")]
        for aside in self.plan.set_aside:
            lines += self.style.wrapped(f"{aside.id}: {words.shown(aside.reason, 300)}", 2, 2)
        return lines

    def skipped(self) -> list[str]:
        skipped = self.plan.hierarchy.skipped
        if not skipped:
            return []
        lines = [self.style.heading(f"skipped {words.quantity(len(skipped), 'token')}")]
        for each in skipped[:_SKIPPED_SHOWN]:
            lines += self.style.wrapped(f"{words.shown(each.origin)}: {words.shown(each.reason, 300)}", 2, 2)
        if len(skipped) > _SKIPPED_SHOWN:
            lines.append(f"  and {len(skipped) - _SKIPPED_SHOWN:,} more, all of them in `--format json`")
        return lines

    def totals(self) -> list[str]:
        rows = [row for safety in Safety if (row := total_row(self.plan.proposals, safety, self.plan_name))]
        return [self.style.heading("in all"), *columns(rows, right=frozenset({1, 3}))] if rows else []


def head_sentences(hierarchy: Hierarchy, settings: Settings) -> list[str]:
    """What was read, and what was proved for whom."""
    operator = hierarchy.operator
    name = "an unknown operator"
    if operator is not None:
        name = f"operator {words.name_of(operator.claims.name, operator.claims.sub)}"
    accounts = sum(account.token.size for account in hierarchy.accounts.values())
    users = sum(user.token.size for user in hierarchy.users.values())
    read = f"read {words.quantity(len(hierarchy.accounts), 'account')} ({words.size(accounts)})"
    if hierarchy.has_users:
        read += f" and {words.quantity(len(hierarchy.users), 'user')} ({words.size(users)})"
    else:
        read += "; this kind of source holds no users"
    skipped = words.quantity(len(hierarchy.skipped), "token") if hierarchy.skipped else "nothing"
    sentences = [f"{name}, {words.shown(hierarchy.store)}", f"{read}; skipped {skipped}"]
    if settings.accounts or settings.rules:
        only = [words.shown(pattern) for pattern in settings.accounts]
        parts = [f"accounts {words.joined(only)}"] if only else []
        parts += [f"rules {words.joined(settings.rules)}"] if settings.rules else []
        sentences.append(f"looked at {'; '.join(parts)} only")
    stated = [
        what for what, word in (("users", settings.complete_users), ("accounts", settings.complete_accounts)) if word
    ]
    if stated:
        sentences.append(f"taken on your word: the source holds all {words.joined(stated)}")
    return sentences


def total_row(proposals: Iterable[Proposal], safety: Safety, plan_name: str) -> tuple[str, ...] | None:
    """How many proposals of one class there are, what they save, and what becomes of them; None without any."""
    these = [proposal for proposal in proposals if proposal.judgement.safety is safety]
    if not these:
        return None
    saves = sum(proposal.judgement.saving.bytes for proposal in these)
    match safety:
        case Safety.SAFE:
            fate = "in the script"
        case Safety.GUARDED | Safety.RISKY:
            fate = f"not in the script unless accepted: permopt review {plan_name} --accept ID"
        case Safety.ADVICE:
            fate = "never in a script"
    return (
        safety.value,
        f"{len(these):,}",
        "proposal" if len(these) == 1 else "proposals",
        words.saved(saves, would=safety is not Safety.SAFE),
        fate,
    )


def _proposal(proposal: Proposal, style: Style) -> list[str]:
    judgement = proposal.judgement
    label = style.paint(judgement.safety.value, _SAFETY_LOOK[judgement.safety])
    lines = [f"    {style.paint(proposal.id, 'bold')}  {label}, {words.saved(judgement.saving.bytes)}"]
    lines += style.wrapped(words.shown(proposal.finding.message, 600), 6, 2)
    lines += _edits(style, proposal.edits)
    reasons = [words.shown(evidence.statement, 300) for evidence in proposal.finding.evidence]
    lines += _capped(style, "because", reasons, _REASONS_SHOWN)
    lines += style.wrapped(f"proof: {words.proof(judgement)}", 6, 2)
    lines += _witnesses(style, "afterwards", judgement.gained)
    lines += _witnesses(style, "no longer", judgement.lost)
    for reason in judgement.proof.why_incomplete:
        lines += style.wrapped(f"but: {words.shown(reason, 300)}", 6, 2)
    effect = f"takes effect {judgement.reach}; disturbs {words.shown(judgement.disturbs)}; undo {judgement.undo}"
    lines += style.wrapped(effect, 6, 2)
    if proposal.requires:
        lines += style.wrapped(f"requires {words.joined(proposal.requires)}", 6, 2)
    if proposal.alternatives:
        lines += style.wrapped(f"instead of {words.joined(proposal.alternatives)}", 6, 2)
    return lines


def _edits(style: Style, edits: Sequence[Edit]) -> Iterator[str]:
    for edit in edits:
        changes = [("-", entry) for entry in edit.remove] + [("+", entry) for entry in edit.add]
        title = words.list_name(edit.list)
        for number, (sign, entry) in enumerate(changes[:_ENTRIES_SHOWN]):
            look = "red" if sign == "-" else "green"
            change = style.paint(f"{sign} {words.shown(entry)}", look)
            yield f"      {title if number == 0 else '':<15} {change}"
        if len(changes) > _ENTRIES_SHOWN:
            more = words.quantity(len(changes) - _ENTRIES_SHOWN, "more entry", "more entries")
            yield f"      {'':<15} and {more}"


def _witnesses(style: Style, label: str, found: Sequence[Witness]) -> list[str]:
    return _capped(style, label, [words.witness(each) for each in found], _WITNESSES_SHOWN)


def _capped(style: Style, label: str, sentences: Sequence[str], most: int) -> list[str]:
    """The first sentences, each under the label; how many more there are is said."""
    lines = []
    for sentence in sentences[:most]:
        lines += style.wrapped(f"{label}: {sentence}", 6, 2)
    if len(sentences) > most:
        lines.append(f"        and {len(sentences) - most:,} more of the kind")
    return lines


def _saves(before: int, after: int) -> str:
    share = f" ({(before - after) * 100 / before:.0f}%)" if before else ""
    return f"{before - after:,}{share}"
