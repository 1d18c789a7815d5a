"""``permopt audit``: read, weigh, rank, and say what stands out."""

from __future__ import annotations

import enum
from dataclasses import replace
from pathlib import Path
from typing import Annotated

import typer

from optimizer.audit.audit import audit
from optimizer.audit.records import Audit
from optimizer.cli import accepting, growing, options, output
from optimizer.cli.configuration import configured
from optimizer.errors import SourceError, UsageError
from optimizer.hierarchy import Coverage, Hierarchy
from optimizer.history.records import run_of
from optimizer.proposals import Plan
from optimizer.reports.prometheus import UserSeries
from optimizer.settings import Settings
from optimizer.sources.read import read

_TOP = 10


class AuditForm(enum.Enum):
    """How an audit is printed."""

    TABLE = "table"
    JSON = "json"
    CSV = "csv"
    MARKDOWN = "markdown"
    SARIF = "sarif"
    PROMETHEUS = "prometheus"


def command(
    source: options.Source = None,
    *,
    source_option: options.SourceOption = None,
    form: Annotated[AuditForm, typer.Option("--format", "-f", help="How to print it.")] = AuditForm.TABLE,
    file: options.Output = None,
    account: options.Accounts = None,
    operator: options.Operator = None,
    budget: options.Budget = None,
    user_budget: options.UserBudget = None,
    replicas: Annotated[
        int | None,
        typer.Option(metavar="N", min=1, show_default=False, help="Also what each account costs on N servers."),
    ] = None,
    top: Annotated[
        int | None,
        typer.Option(
            metavar="N", min=1, show_default=False, help="How many accounts and users the table ranks; 10 by default."
        ),
    ] = None,
    details: Annotated[
        bool, typer.Option("--details", help="Every section of what is ranked, and every finding.")
    ] = False,
    no_findings: Annotated[
        bool, typer.Option("--no-findings", help="Sizes, and what stands out among them, alone: no rule is run.")
    ] = False,
    claims_dir: Annotated[
        Path | None,
        typer.Option(
            metavar="DIR",
            show_default=False,
            help="With --format sarif: write the claims of every token there as text, which the results point into.",
        ),
    ] = None,
    users: Annotated[
        UserSeries | None,
        typer.Option(
            show_default=False,
            help="With --format prometheus: which users have metrics; by default `large`, those over their budget or "
            "above 3,500 bytes.",
        ),
    ] = None,
    server_version: options.ServerVersions = None,
    complete: options.Complete = None,
    max_user_ttl: options.MaxUserTtl = None,
    baseline: accepting.Baseline = None,
    write_baseline: accepting.WriteBaseline = None,
    history: growing.History = None,
    fail_on_growth: growing.FailOnGrowth = None,
    against: growing.AgainstRun = None,
    config: options.Config = None,
    now: options.Now = None,
    fail_on: options.FailOn = None,
    strict: options.Strict = False,
    quiet: options.Quiet = False,
    no_color: options.NoColour = False,
) -> int:
    r"""Rank accounts and users by token size, charge every byte to what costs it, and say what stands out.

    Sizes are those of the encoded tokens, as a server keeps and sends them. Nothing is changed.

    \b
    permopt audit --fail-on warning                    in CI: 1 where something is over budget
    permopt audit --write-baseline baseline.json       accept what there is today
    permopt audit --baseline baseline.json             1 only for what is new since, or has grown
    """
    project = configured(config, quiet=quiet)
    failing = options.failing(fail_on, project, "error")
    accepting.one_of(baseline, write_baseline)
    keeping = growing.keeping(history, fail_on_growth, against)
    _check(
        form,
        {
            "--top": top is not None,
            "--details": details,
            "--replicas": replicas is not None,
            "--claims-dir": claims_dir is not None,
            "--users": users is not None,
        },
    )
    settings = options.settings_of(
        now=now,
        server_versions=server_version,
        complete=complete,
        max_user_ttl=max_user_ttl,
        accounts=account,
        budget=budget,
        user_budget=user_budget,
        configured=project,
    )
    where = options.one_source(source, source_option, project.source)
    with output.progress("reading", quiet=quiet) as progress:
        hierarchy = read(where, now=settings.now, operator=operator, progress=progress)
    options.known_accounts(settings.accounts, hierarchy)
    for remark in options.unmatched_budgets(settings, hierarchy):
        output.note(remark, quiet=quiet)
    stated = Coverage(users=settings.complete_users, accounts=settings.complete_accounts)
    hierarchy = replace(hierarchy, coverage=stated)
    plan = None if no_findings else _examined(hierarchy, settings, quiet=quiet)
    found = accepting.accepted(audit(hierarchy, plan, settings), settings, project, baseline)
    following = _next(found, where)
    match form:
        case AuditForm.TABLE:
            from optimizer.reports.audit_page import audit_page  # noqa: PLC0415 each run needs one of these

            style = output.style(no_colour=no_color or file is not None)
            text = audit_page(found, style, next_command=following, top=top or _TOP, details=details, replicas=replicas)
        case AuditForm.JSON:
            from optimizer.reports.audit_document import audit_document  # noqa: PLC0415
            from optimizer.reports.json import text_of  # noqa: PLC0415

            text = text_of(audit_document(found, replicas=replicas))
        case AuditForm.CSV:
            from optimizer.reports.audit_csv import audit_csv  # noqa: PLC0415

            text = audit_csv(found)
        case AuditForm.MARKDOWN:
            from optimizer.reports.audit_markdown import audit_markdown  # noqa: PLC0415

            text = audit_markdown(found, next_command=following)
        case AuditForm.SARIF:
            from optimizer.cli.audit_sarif import sarif_text  # noqa: PLC0415

            text = sarif_text(found, hierarchy.operator, claims_dir)
        case AuditForm.PROMETHEUS:
            from optimizer.reports.prometheus import audit_prometheus  # noqa: PLC0415

            text = output.shown(audit_prometheus(found, now=settings.now, users=users or UserSeries.LARGE), file)
    output.emit(text, file)
    if form not in (AuditForm.TABLE, AuditForm.MARKDOWN):
        output.note(f"next: {following}", quiet=quiet)
    if write_baseline is not None:
        accepting.write(found, settings, write_baseline, quiet=quiet)
    grew = 0 if keeping is None else keeping.keep(run_of(hierarchy, settings.now), quiet=quiet)
    if strict and found.skipped:
        return SourceError.exit_code
    failed = write_baseline is None and any(finding.severity in failing for finding in found.counted)
    return int(failed or bool(grew))


def _check(form: AuditForm, given: dict[str, bool]) -> None:
    """Refuse options that the form has nothing for; JSON has everything that ``--top`` and ``--details`` leave out."""
    takes = {
        "--top": (AuditForm.TABLE, AuditForm.JSON),
        "--details": (AuditForm.TABLE, AuditForm.JSON),
        "--replicas": (AuditForm.TABLE, AuditForm.JSON),
        "--claims-dir": (AuditForm.SARIF,),
        "--users": (AuditForm.PROMETHEUS,),
    }
    for option, is_given in given.items():
        if is_given and form not in takes[option]:
            forms = " or ".join(f"--format {each.value}" for each in takes[option])
            raise UsageError(f"`{option}` means nothing to --format {form.value}", f"use {forms}, or leave it out")


def _examined(hierarchy: Hierarchy, settings: Settings, *, quiet: bool) -> Plan:
    from optimizer.examine import examine  # noqa: PLC0415 100 ms that --no-findings does not pay

    with output.progress("proving", quiet=quiet) as progress:
        return examine(hierarchy, settings, progress)


def _next(found: Audit, source: str | None) -> str:
    if any(finding.proposal is not None for finding in found.findings):
        return output.typed("permopt", "propose", source, "-o", "plan.json")
    if found.totals.over_budget:
        return output.typed("permopt", "propose", source, "--budget", str(found.budget), "-o", "plan.json")
    return output.typed("permopt", "graph", source)
