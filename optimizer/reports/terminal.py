"""A plan as a page for a terminal: what was read, what is proposed and why it is true, what to type next."""

from __future__ import annotations

from itertools import groupby
from typing import TYPE_CHECKING

from optimizer.audit.standing import token_findings
from optimizer.proposals import Safety, Severity
from optimizer.reports import words
from optimizer.reports.brief import MOST_SPELLED_OUT, findings_in_brief, proposals_in_brief, what_goes
from optimizer.reports.changes import LOOK, capped, effect, proposal_lines, reasons, short_lines
from optimizer.reports.style import Style, columns
from optimizer.reports.widening import budget_lines
from optimizer.settings import Widen

if TYPE_CHECKING:
    from collections.abc import Iterable

    from optimizer.hierarchy import Hierarchy
    from optimizer.proposals import Finding, Plan, Proposal
    from optimizer.settings import Settings

_SEVERITY_LOOK = {Severity.ERROR: "red", Severity.WARNING: "yellow", Severity.NOTE: "cyan"}
_TOKENS_SHOWN = 30
_FINDINGS_SHOWN = 50
_SKIPPED_SHOWN = 20


def plan_page(
    plan: Plan,
    settings: Settings,
    style: Style,
    *,
    next_command: str,
    plan_name: str = "PLAN",
    details: bool = False,
) -> str:
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
    details
        Whether to spell out every proposal of a plan that holds more than a page of them.

    Returns
    -------
    str
        Lines of printable text, a newline at the end.
    """
    brief = not details and len(plan.proposals) + len(plan.findings) > MOST_SPELLED_OUT
    page = _Page(plan, settings, style, plan_name, brief=brief)
    parts = [
        page.head(),
        page.tokens(),
        budget_lines(plan, style, plan_name),
        *(page.proposals(safety) for safety in Safety),
        page.findings(),
        page.standing(),
        page.set_aside(),
        page.skipped(),
        page.totals(),
        [style.heading("next"), f"  {next_command}"],
    ]
    return "\n\n".join("\n".join(part) for part in parts if part) + "\n"


def proposal_page(proposal: Proposal, plan: Plan, style: Style) -> list[str]:
    """One proposal with its place, as lines: what a person decides upon."""
    names = words.Names(plan.named)
    return [f"  {style.heading(names.place(proposal.finding.target))}", *proposal_lines(proposal, style, names)]


class _Page:
    def __init__(self, plan: Plan, settings: Settings, style: Style, plan_name: str, *, brief: bool) -> None:
        self.brief = brief
        self.plan = plan
        self.settings = settings
        self.style = style
        self.plan_name = plan_name
        self.names = words.Names(plan.named)

    def head(self) -> list[str]:
        sentences = head_sentences(self.plan.hierarchy, self.settings)
        sentences += over_budget(self.plan, self.settings)
        orphans = sum(owner not in self.plan.hierarchy.accounts for _, owner in self.plan.hierarchy.users)
        if orphans:
            users = words.quantity(orphans, "user is", "users are")
            sentences.append(f"{users} not examined: the token of the account, with its defaults and roles, is missing")
        if not self.plan.proposals and orphans < max(len(self.plan.hierarchy.users), 1):
            sentences.append("nothing to propose: no rule found an edit that helps")
        return [line for sentence in sentences for line in self.style.wrapped(sentence, indent=0, hanging=2)]

    def tokens(self) -> list[str]:
        """The tokens the safe proposals rewrite, largest saving first."""
        judgement = self.plan.judgement
        if judgement is None or not judgement.tokens:
            return []
        changes = sorted(judgement.tokens, key=lambda change: change.after - change.before)
        goes = what_goes(self.plan.default_selection) if self.brief else {}
        rows = [("token", "bytes now", "", "after", "saved", "entries that go" if goes else "")]
        rows += [
            _token_row(
                self.names.token(change.account, change.user),
                change.before,
                change.after,
                goes.get((change.account, change.user), ""),
            )
            for change in changes[:_TOKENS_SHOWN]
        ]
        rest = changes[_TOKENS_SHOWN:]
        if rest:
            before, after = sum(change.before for change in rest), sum(change.after for change in rest)
            rows.append(_token_row(words.quantity(len(rest), "more token"), before, after))
        if len(changes) > 1:
            rows.append(_token_row("in all", judgement.saving.before, judgement.saving.after))
        title = "what the safe proposals save"
        return [self.style.heading(title), *columns(rows, right=frozenset({1, 3, 4}))]

    def proposals(self, safety: Safety) -> list[str]:
        """One class of proposals, grouped by the place they edit; the order is that of the script."""
        these = [proposal for proposal in self.plan.proposals if proposal.judgement.safety is safety]
        if not these:
            return []
        what = "edit as advice only" if safety is Safety.ADVICE else f"{safety.value} proposal"
        many = "edits as advice only" if safety is Safety.ADVICE else ""
        number = self.style.paint(words.quantity(len(these), what, many), "bold", LOOK[safety])
        lines = [f"{number}: {meaning(safety)}"]
        if self.brief:
            return [*lines, *proposals_in_brief(these, safety, self.names, self.style)]
        for place, group in groupby(these, key=lambda each: self.names.place(each.finding.target)):
            lines += ["", *self.place(place, list(group), safety)]
        return lines

    def place(self, place: str, group: list[Proposal], safety: Safety) -> list[str]:
        lines = [f"  {self.style.heading(place)}"]
        if safety is Safety.ADVICE:
            for why, same in groupby(group, key=lambda each: each.judgement.proof.why_incomplete):
                lines += [line for reason in why for line in self.style.wrapped(words.shown(reason, 300), 4, 2)]
                lines += [line for proposal in same for line in short_lines(proposal, self.style, self.names)]
            return lines
        common = {effect(proposal.judgement) for proposal in group}
        if len(common) == 1:
            lines += self.style.wrapped(common.pop(), 4, 2)
            return lines + [
                line for each in group for line in proposal_lines(each, self.style, self.names, terms=False)
            ]
        return lines + [line for each in group for line in proposal_lines(each, self.style, self.names)]

    def findings(self) -> list[str]:
        found = self.plan.findings
        if not found:
            return []
        lines = [self.style.heading(f"{words.quantity(len(found), 'finding')} for a person: no edit is proposed")]
        if self.brief:
            return [*lines, *findings_in_brief(found, self.names, self.style)]
        for finding in found[:_FINDINGS_SHOWN]:
            lines += ["", *self.finding(finding)]
        if len(found) > _FINDINGS_SHOWN:
            lines += ["", f"  and {len(found) - _FINDINGS_SHOWN:,} more, all of them in `--format json`"]
        return lines

    def finding(self, finding: Finding) -> list[str]:
        severity = self.style.paint(finding.severity.value, _SEVERITY_LOOK[finding.severity])
        where = self.names.place(finding.target)
        if finding.list is not None:
            where += f", {words.list_name(finding.list)}"
        lines = [f"  {self.style.heading(where)}", f"    {finding.rule}  {severity}"]
        lines += self.style.wrapped(words.shown(finding.message, 600), 6, 2)
        lines += reasons(finding, self.style, indent=6)
        if finding.advice:
            lines += self.style.wrapped(words.shown(finding.advice, 600), 6, 2)
        return lines

    def standing(self) -> list[str]:
        """Tokens that are not in order."""
        found = token_findings(self.plan.hierarchy, self.settings)
        if not found:
            return []
        number = len({(finding.account, finding.user) for finding in found})
        title = f"{words.quantity(number, 'token')} not in order: left out of the script"
        lines = []
        for finding in found:
            name = "the operator" if finding.account is None else self.names.token(finding.account, finding.user)
            lines.append(
                f"{name}: {finding.severity.value}, {finding.issue.code}: {words.shown(finding.issue.message)}"
            )
        return [self.style.heading(title), *capped(lines, _FINDINGS_SHOWN, self.style, 2)]

    def set_aside(self) -> list[str]:
        # That two rules came to one edit is of no use to who reads a page.
        aside = [
            f"{each.id}: {words.shown(each.reason, 300)}"
            for each in self.plan.set_aside
            if not each.reason.endswith("proposes the same edit")
        ]
        return [self.style.heading("set aside"), *capped(aside, _SKIPPED_SHOWN, self.style, 2)] if aside else []

    def skipped(self) -> list[str]:
        skipped = self.plan.hierarchy.skipped
        if not skipped:
            return []
        reasons = [f"{words.shown(each.origin)}: {words.shown(each.reason, 300)}" for each in skipped]
        title = f"skipped {words.quantity(len(skipped), 'file or token', 'files and tokens')}"
        return [self.style.heading(title), *capped(reasons, _SKIPPED_SHOWN, self.style, 2)]

    def totals(self) -> list[str]:
        rows = [row for safety in Safety if (row := total_row(self.plan.proposals, safety, self.plan_name))]
        if not rows:
            return []
        more = ["", "  every proposal with its proof: the same command with --details"] if self.brief else []
        return [self.style.heading("in all"), *columns(rows, right=frozenset({1})), *more]


def head_sentences(hierarchy: Hierarchy, settings: Settings) -> list[str]:
    """What was read, and what was asked."""
    operator = hierarchy.operator
    name = "no operator token"
    if operator is not None:
        name = f"operator {words.name_of(operator.claims.name, operator.claims.sub)}"
    accounts = sum(account.token.size for account in hierarchy.accounts.values())
    users = sum(user.token.size for user in hierarchy.users.values())
    read = f"read {words.quantity(len(hierarchy.accounts), 'account')} ({words.size(accounts)})"
    if hierarchy.has_users:
        read += f" and {words.quantity(len(hierarchy.users), 'user')} ({words.size(users)})"
    else:
        read += " and no users"
    skipped = f"{len(hierarchy.skipped):,}" if hierarchy.skipped else "nothing"
    sentences = [f"{name}, {words.shown(hierarchy.store)}", f"{read}; skipped {skipped}", *hierarchy.unknowable]
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
    if settings.complete_tokens:
        sentences.append("taken on your word: the source holds every user token that was ever issued")
    if settings.max_user_ttl is not None:
        sentences.append(f"taken on your word: no user token is valid for more than {settings.max_user_ttl:,} seconds")
    return sentences


def over_budget(plan: Plan, settings: Settings) -> list[str]:
    """How many tokens are above their budget, and how many would be after the safe proposals."""
    after = {} if plan.judgement is None else {(each.account, each.user): each.after for each in plan.judgement.tokens}
    sizes = [
        (settings.budget_of(account.claims.name, key), account.token.size, after.get((key, None), account.token.size))
        for key, account in plan.hierarchy.accounts.items()
    ]
    users = [
        (settings.user_budget, user.token.size, after.get((owner, key), user.token.size))
        for (key, owner), user in plan.hierarchy.users.items()
    ]
    sentences = []
    still_over = False
    for kind, limit, these in (("account", settings.budget, sizes), ("user", settings.user_budget, users)):
        now, then = (sum(each[place] > each[0] for each in these) for place in (1, 2))
        if now:
            count = words.quantity(now, f"{kind} token is", f"{kind} tokens are")
            above = "their budgets" if kind == "account" and settings.budgets else f"{limit:,} bytes"
            sentences.append(f"{count} above {above}; after the safe proposals {then:,}")
            still_over |= then > 0
    if still_over and settings.widen is Widen.NOTHING and not settings.frontier:
        sentences.append(
            "what wildcards that admit more could save, and at what cost: the same command with --budget 10KB"
        )
    return sentences


def meaning(safety: Safety) -> str:
    """What a class of proposals means to who reads the page."""
    match safety:
        case Safety.SAFE:
            return "no client can tell before from after; the script carries them out"
        case Safety.GUARDED:
            return "no client can tell, as far as your word or what was seen goes; accepted one by one"
        case Safety.RISKY:
            return "somebody could notice, and the witness says how; accepted one by one, by id"
        case Safety.ADVICE:
            return "not proved for everybody, or nothing nsc can do; never in a script"


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
            fate = f"not selected; permopt review {plan_name} --accept ID"
        case Safety.ADVICE:
            fate = "never in a script"
    return safety.value, f"{len(these):,}", words.saved(saves, would=safety is not Safety.SAFE), fate


def _token_row(name: str, before: int, after: int, goes: str = "") -> tuple[str, str, str, str, str, str]:
    share = f" ({(before - after) * 100 / before:.0f}%)" if before else ""
    return name, f"{before:,}", "->", f"{after:,}", f"{before - after:,}{share}", goes
