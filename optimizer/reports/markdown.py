"""A plan as markdown: for a pull request, a ticket, a chat."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from optimizer.audit.standing import token_findings
from optimizer.edits import EditEntries
from optimizer.proposals import Safety
from optimizer.reports import words
from optimizer.reports.changes import effect
from optimizer.reports.sharing import shared
from optimizer.reports.terminal import head_sentences, over_budget, total_row
from optimizer.reports.widening import budget_sentences, frontier_rows, grant_sentences
from optimizer.subjects.probes import Relation

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from optimizer.proposals import Finding, Plan, Proposal, TokenBudget
    from optimizer.settings import Settings

_ACTIVE = re.compile(r"([\\`*_\[\]<>|~&$])")  # what markdown, or the HTML in it, would act on


def plan_markdown(plan: Plan, settings: Settings, *, next_command: str, plan_name: str = "PLAN") -> str:
    """The report that ``permopt propose --format markdown`` prints.

    Parameters
    ----------
    plan, settings
        What was found, and what it was asked for with.
    next_command
        What to type next, quoted for a shell.
    plan_name
        The file the plan was saved in.

    Returns
    -------
    str
        Markdown in which nothing from a token is anything but text.
    """
    names = words.Names(plan.named)
    head = [*head_sentences(plan.hierarchy, settings), *over_budget(plan, settings)]
    lines = ["# Permission proposals", "", *(f"- {code(each)}" for each in head)]
    lines += ["", *_totals(plan, plan_name), *_tokens(plan, names)]
    for budget in plan.budgets:
        lines += _budget(budget, names, plan_name)
    if plan.proposals:
        lines += ["## Proposals", ""]
        for proposal in plan.proposals:
            lines += _proposal(proposal, names)
    if plan.findings:
        lines += ["## Found, without a proposal", ""]
        lines += [_finding(finding, names) for finding in plan.findings] + [""]
    standing = token_findings(plan.hierarchy, settings)
    if standing:
        lines += ["## Tokens not in order", ""]
        for each in standing:
            name = "the operator" if each.account is None else names.token(each.account, each.user)
            lines.append(
                f"- **{each.severity.value}** {code(each.issue.code)} {code(name)}: {code(each.issue.message)}"
            )
        lines.append("")
    if plan.set_aside:
        lines += ["## Set aside", "", *(f"- {code(each.id)}: {code(each.reason)}" for each in plan.set_aside), ""]
    if plan.hierarchy.skipped:
        lines += ["## Skipped", ""]
        lines += [f"- {code(each.origin)}: {code(each.reason)}" for each in plan.hierarchy.skipped] + [""]
    return "\n".join([*lines, f"Next: {code(next_command)}", ""])


def escaped(text: str) -> str:
    """A sentence of ours as text and nothing else."""
    return _ACTIVE.sub(r"\\\1", words.shown(text, 600))


def sentence(text: str) -> str:
    """What a finding says: in a code span where it quotes a token, for a ``@mention`` cannot be escaped."""
    return code(text) if "`" in text else escaped(text)


def code(text: str) -> str:
    """Text of a stranger as a code span, which no backtick in it ends, and in which a forge sees no ``@mention``."""
    clean = words.shown(text, 600) or " "  # two backticks around nothing are two backticks
    fence = "`" * (max((len(run) for run in re.findall("`+", clean)), default=0) + 1)
    padding = " " if "`" in clean else ""
    return f"{fence}{padding}{clean}{padding}{fence}"


def cell(text: str) -> str:
    r"""Text of a stranger as a code span in a cell of a table.

    A bar is written ``\x7c``: GitHub's tables part cells at ``\\|`` even inside a code span, and the rest of the name
    would be markup.
    """
    return code(words.shown(text, 600).replace("|", r"\x7c"))


def table(header: Sequence[str], rows: Iterable[Sequence[str]]) -> list[str]:
    """A table; cells are markdown already."""
    return [
        f"| {' | '.join(header)} |",
        f"|{'---|' * len(header)}",
        *(f"| {' | '.join(row)} |" for row in rows),
        "",
    ]


def _totals(plan: Plan, plan_name: str) -> list[str]:
    found = [row for safety in Safety if (row := total_row(plan.proposals, safety, plan_name))]
    if not found:
        return ["Nothing to propose.", ""]
    rows = [(safety, number, escaped(saves), escaped(fate)) for safety, number, saves, fate in found]
    return table(("safety", "proposals", "bytes", "what becomes of them"), rows)


def _tokens(plan: Plan, names: words.Names) -> list[str]:
    if plan.judgement is None:
        return []
    rows = [
        (
            cell(names.token(change.account, change.user)),
            f"{change.before:,}",
            f"{change.after:,}",
            f"{change.before - change.after:,}",
        )
        for change in plan.judgement.tokens
    ]
    return table(("token the safe proposals rewrite", "bytes before", "after", "saved"), rows)


def _budget(budget: TokenBudget, names: words.Names, plan_name: str) -> list[str]:
    lines = [f"## Budget: {code(names.token(budget.account, budget.user))}", ""]
    if budget.after_safe > budget.budget:
        lines += [*(f"- {code(sentence)}" for sentence in budget_sentences(budget, plan_name)), ""]
    if budget.frontier:
        header, *rows = frontier_rows(budget)
        lines += table(header, ([*row[:-1], cell(row[-1])] for row in rows))
    return lines


def _proposal(proposal: Proposal, names: words.Names) -> list[str]:
    judgement = proposal.judgement
    lines = [
        f"### {code(proposal.id)}: {judgement.safety.value}, {words.saved(judgement.saving.bytes)}",
        "",
        f"{code(names.place(proposal.finding.target))}: {sentence(proposal.finding.message)}",
        "",
    ]
    for edit in proposal.edits:
        if not isinstance(edit, EditEntries):
            continue
        lines += [f"- {words.list_name(edit.list)}: remove {code(entry)}" for entry in edit.remove]
        lines += [f"- {words.list_name(edit.list)}: add {code(entry)}" for entry in edit.add]
    for each in shared(proposal.edits, names):
        lines += [f"- {code(each.title)}: remove {code(item)}" for item in each.removed]
        lines += [f"- {code(each.title)}: add {code(item)}" for item in each.added]
    lines += [f"- because {code(evidence.statement)}" for evidence in proposal.finding.evidence]
    lines += [f"- proof: {escaped(words.proof(judgement))}"]
    lines += [f"- afterwards {code(each)}" for each in words.witnesses(judgement.gained)]
    lines += [f"- no longer: {code(each)}" for each in words.witnesses(judgement.lost)]
    if proposal.grant is not None and judgement.relation is not Relation.SAME:
        lines += [f"- {code(sentence)}" for sentence in grant_sentences(proposal.grant)]
    lines += [f"- but {code(reason)}" for reason in judgement.proof.why_incomplete]
    return [*lines, f"- {code(effect(judgement))}", ""]


def _finding(finding: Finding, names: words.Names) -> str:
    where = names.place(finding.target)
    if finding.list is not None:
        where += f", {words.list_name(finding.list)}"
    line = f"- **{finding.severity.value}** {code(finding.rule)} {code(where)}: {sentence(finding.message)}"
    return f"{line} ({sentence(finding.advice)})" if finding.advice else line
