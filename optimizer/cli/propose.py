"""``permopt propose``: read, examine, and show or save the plan."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from typing import Annotated

import typer

from optimizer.audit.standing import token_findings
from optimizer.cli import options, output
from optimizer.cli.configuration import Configuration, configured
from optimizer.cli.options import Form
from optimizer.errors import SourceError, UsageError
from optimizer.examine import examine
from optimizer.hierarchy import Coverage, Hierarchy
from optimizer.proposals import Plan, Safety, Severity
from optimizer.reports import words
from optimizer.reports.json import plan_document, text_of
from optimizer.reports.markdown import plan_markdown
from optimizer.reports.terminal import plan_page
from optimizer.settings import Settings, Widen
from optimizer.sources.read import read

_DEFAULT_PLAN = "plan.json"


def command(
    source: options.Source = None,
    *,
    source_option: options.SourceOption = None,
    plan_file: Annotated[
        Path | None,
        typer.Option(
            "--output",
            "-o",
            metavar="PLAN",
            show_default=False,
            help="Save the plan (JSON) here; the page is printed too.",
            callback=options.placed,
        ),
    ] = None,
    form: options.Format = Form.TABLE,
    account: options.Accounts = None,
    rule: Annotated[
        list[str] | None, typer.Option(metavar="RULE", show_default=False, help="Only these rules; repeatable.")
    ] = None,
    operator: options.Operator = None,
    budget: options.Budget = None,
    user_budget: options.UserBudget = None,
    widen: Annotated[
        bool, typer.Option("--widen", help="Propose wildcards that admit more, wherever the bytes are worth it.")
    ] = False,
    frontier: Annotated[
        bool, typer.Option("--frontier", help="The sizes each token can have, and what each costs in openness.")
    ] = False,
    known: options.KnownFile = None,
    protect: options.Protect = None,
    no_default_protection: options.NoDefaultProtection = False,
    keep_prefix: options.KeepPrefix = 1,
    weight: options.Weighing = None,
    server_version: options.ServerVersions = None,
    complete: options.Complete = None,
    max_user_ttl: options.MaxUserTtl = None,
    config: options.Config = None,
    now: options.Now = None,
    details: Annotated[bool, typer.Option("--details", help="Spell out every proposal, however many.")] = False,
    fail_on: options.FailOn = None,
    strict: options.Strict = False,
    quiet: options.Quiet = False,
    no_color: options.NoColour = False,
) -> int:
    r"""Propose rewrites of the subject permissions in a store, each proved and weighed to the byte.

    Nothing is changed: `permopt script PLAN` writes what carries a plan out.

    \b
    permopt propose -o plan.json                       the page, and the plan behind it
    permopt propose --budget 10KB -o plan.json         wildcards too, until each token is under its budget
    """
    project = configured(config, quiet=quiet)
    failing = options.failing(fail_on, project, "never")
    protected = (*project.protect, *(protect or ()))
    settings = options.settings_of(
        now=now,
        server_versions=server_version,
        complete=complete,
        max_user_ttl=max_user_ttl,
        accounts=account,
        rules=rule,
        budget=budget,
        user_budget=user_budget,
        widening=options.Widening(
            everywhere=widen,
            frontier=frontier,
            keep_prefix=keep_prefix,
            protect=protected,
            no_default_protection=no_default_protection,
            weights=tuple(weight or ()),
        ),
        configured=project,
    )
    where = options.one_source(source, source_option, project.source)
    subjects = _known(known, project.known, settings, quiet=quiet)
    with output.progress("reading", quiet=quiet) as progress:
        hierarchy = read(where, now=settings.now, operator=operator, progress=progress)
    options.known_accounts(settings.accounts, hierarchy)
    if protected:
        _say_what_stays(hierarchy, protected, quiet=quiet)
    if (settings.complete_users or settings.complete_tokens) and not hierarchy.has_users:
        word = "users" if settings.complete_users else "tokens"
        output.note(f"this source holds no users, so that `--complete {word}` is not taken", quiet=quiet)
        settings = replace(settings, complete_users=False, complete_tokens=False)
    stated = Coverage(users=settings.complete_users, accounts=settings.complete_accounts)
    hierarchy = replace(hierarchy, coverage=stated)
    with output.progress("proving", quiet=quiet) as progress:
        plan = examine(hierarchy, settings, progress, subjects)
    document = text_of(plan_document(plan, settings)) if plan_file is not None or form is Form.JSON else ""
    if plan_file is not None:
        output.emit(document, plan_file)
        output.note(f"plan written to `{plan_file}`", quiet=quiet)
    saved = str(plan_file) if plan_file is not None else _DEFAULT_PLAN
    following = _next(plan, where, None if plan_file is None else saved)
    match form:
        case Form.TABLE:
            style = output.style(no_colour=no_color)
            output.emit(
                plan_page(
                    plan,
                    settings,
                    style,
                    next_command=following,
                    plan_name=output.typed(saved),
                    details=details,
                )
            )
        case Form.MARKDOWN:
            output.emit(plan_markdown(plan, settings, next_command=following, plan_name=output.typed(saved)))
        case Form.JSON:
            if plan_file is None:
                output.emit(document)
            output.note(f"next: {following}", quiet=quiet)
    if strict and hierarchy.skipped:
        return SourceError.exit_code
    return int(bool(_severities(plan, settings, project, quiet=quiet) & failing))


def _severities(plan: Plan, settings: Settings, project: Configuration, *, quiet: bool) -> set[Severity]:
    """Of all findings but the excluded ones. The plan holds the proposals of those too: to exclude is not to decide."""
    if not project.exclude:
        found = {finding.severity for finding in plan.findings}
        found |= {proposal.finding.severity for proposal in plan.proposals}
        return found | {finding.severity for finding in token_findings(plan.hierarchy, settings)}
    from optimizer.audit.exclusions import split  # noqa: PLC0415 few projects have any
    from optimizer.audit.findings import of_rules, of_tokens  # noqa: PLC0415

    every = (*of_tokens(plan.hierarchy, settings), *of_rules(plan))
    kept, excluded = split(every, project.exclude, settings.now)
    if excluded:
        these = words.quantity(len(excluded), "finding is", "findings are")
        output.note(f"{these} excluded by `{project.path}`: of no account for --fail-on", quiet=quiet)
    return {finding.severity for finding in kept}


def _say_what_stays(hierarchy: Hierarchy, protected: Iterable[str], *, quiet: bool) -> None:
    """A note for each ``--protect`` of which some list allows a part as it stands."""
    from optimizer.access.already import allowed_already  # noqa: PLC0415 only --protect needs it

    for pattern, number in allowed_already(hierarchy, protected):
        lists = words.quantity(number, "list allows", "lists allow")
        output.note(f"--protect {words.shown(pattern)}: {lists} some of it already, and stay as they are", quiet=quiet)


def _known(known: Path | None, configured: Path | None, settings: Settings, *, quiet: bool) -> tuple[str, ...]:
    """The subjects of ``--known``, with a note for each kind of line that is no literal subject.

    A file that the configuration names waits for a run that widens.
    """
    widens = settings.widen is not Widen.NOTHING or settings.frontier
    if known is None and widens:
        known = configured
    if known is None:
        return ()
    if not widens:
        raise UsageError("--known is about widenings, and none is asked for", options.ASK_TO_WIDEN)
    from optimizer.sources.known import known_subjects  # noqa: PLC0415 7 ms that only --known pays

    found = known_subjects(str(known))
    for sentence in found.warnings:
        output.note(f"--known: {sentence}", quiet=quiet)
    return found.subjects


def _next(plan: Plan, source: str | None, saved: str | None) -> str:
    if not plan.proposals:
        return output.typed("permopt", "rules")
    if saved is None:
        return output.typed("permopt", "propose", source, "-o", _DEFAULT_PLAN)
    if any(proposal.judgement.safety is Safety.SAFE for proposal in plan.proposals):
        return output.typed("permopt", "script", saved, "-o", "scripts")
    return output.typed("permopt", "review", saved)
