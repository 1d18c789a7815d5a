"""``permopt audit``: read, weigh, rank, and say what stands out."""

from __future__ import annotations

from dataclasses import replace
from typing import Annotated

import typer

from optimizer.audit.audit import audit
from optimizer.audit.records import Audit
from optimizer.cli import accepting, options, output
from optimizer.cli.configuration import configured
from optimizer.cli.options import ShortForm
from optimizer.errors import SourceError
from optimizer.hierarchy import Coverage, Hierarchy
from optimizer.proposals import Plan
from optimizer.settings import Settings
from optimizer.sources.read import read


def command(
    source: options.Source = None,
    *,
    source_option: options.SourceOption = None,
    form: options.ShortFormat = ShortForm.TABLE,
    file: options.Output = None,
    account: options.Accounts = None,
    operator: options.Operator = None,
    budget: options.Budget = None,
    user_budget: options.UserBudget = None,
    replicas: Annotated[
        int | None,
        typer.Option(metavar="N", min=1, show_default=False, help="Also what each account costs on N servers."),
    ] = None,
    top: Annotated[int, typer.Option(metavar="N", min=1, help="How many accounts and users the table ranks.")] = 10,
    details: Annotated[
        bool, typer.Option("--details", help="Every section of what is ranked, and every finding.")
    ] = False,
    no_findings: Annotated[
        bool, typer.Option("--no-findings", help="Sizes, and what stands out among them, alone: no rule is run.")
    ] = False,
    server_version: options.ServerVersions = None,
    complete: options.Complete = None,
    max_user_ttl: options.MaxUserTtl = None,
    baseline: accepting.Baseline = None,
    write_baseline: accepting.WriteBaseline = None,
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
    stated = Coverage(users=settings.complete_users, accounts=settings.complete_accounts)
    hierarchy = replace(hierarchy, coverage=stated)
    plan = None if no_findings else _examined(hierarchy, settings, quiet=quiet)
    found = accepting.accepted(audit(hierarchy, plan, settings), settings, project, baseline)
    following = _next(found, where)
    if form is ShortForm.JSON:
        from optimizer.reports.audit_document import audit_document  # noqa: PLC0415 a page does not need it
        from optimizer.reports.json import text_of  # noqa: PLC0415

        output.emit(text_of(audit_document(found, replicas=replicas)), file)
        output.note(f"next: {following}", quiet=quiet)
    else:
        from optimizer.reports.audit_page import audit_page  # noqa: PLC0415 JSON does not need it

        style = output.style(no_colour=no_color or file is not None)
        page = audit_page(found, style, next_command=following, top=top, details=details, replicas=replicas)
        output.emit(page, file)
    if write_baseline is not None:
        accepting.write(found, settings, write_baseline, quiet=quiet)
    if strict and found.skipped:
        return SourceError.exit_code
    return int(write_baseline is None and any(finding.severity in failing for finding in found.counted))


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
