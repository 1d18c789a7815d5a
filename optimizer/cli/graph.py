"""``permopt graph``: the imports between accounts, resolved against the exports."""

from __future__ import annotations

import enum
from dataclasses import replace
from fnmatch import fnmatchcase
from typing import Annotated

import typer

from optimizer.access.reached import reached
from optimizer.cli import options, output
from optimizer.errors import SourceError, UsageError
from optimizer.graph import build, graph_document
from optimizer.graph.analysis import analysis
from optimizer.graph.consolidate import suggestions
from optimizer.graph.reach import Reach, reach
from optimizer.graph.remarks import analysis_member, consolidation_members
from optimizer.hierarchy import Coverage, Hierarchy
from optimizer.reports.consolidation import cautions, consolidation_page, touching
from optimizer.reports.dot import dot
from optimizer.reports.imports import graph_page, names, of_accounts
from optimizer.reports.json import text_of
from optimizer.reports.reach import reach_document, reach_page
from optimizer.sources import read


class GraphForm(enum.Enum):
    """How the graph is printed."""

    TABLE = "table"
    DOT = "dot"
    JSON = "json"


def command(
    source: options.Source = None,
    *,
    source_option: options.SourceOption = None,
    form: Annotated[GraphForm, typer.Option("--format", "-f", help="How to print it.")] = GraphForm.TABLE,
    file: options.Output = None,
    account: options.Accounts = None,
    operator: options.Operator = None,
    hubs: Annotated[
        bool, typer.Option("--hubs", help="Suggest fewer imports: bundles and hubs, with their price.")
    ] = False,
    origin: Annotated[
        str | None, typer.Option("--from", help="Account whose client publishes; with --subject.", show_default=False)
    ] = None,
    subject: Annotated[
        str | None,
        typer.Option("--subject", help="Who a message on this subject can arrive at; with --from.", show_default=False),
    ] = None,
    complete: options.Complete = None,
    now: options.Now = None,
    strict: options.Strict = False,
    quiet: options.Quiet = False,
    no_color: options.NoColour = False,
) -> int:
    """Show every import between accounts, and whether the server resolves it, drops it or refuses its token."""
    settings = options.settings_of(now=now, complete=complete, accounts=account)
    where = options.one_source(source, source_option)
    with output.progress("reading", quiet=quiet) as progress:
        hierarchy = read(where, now=settings.now, operator=operator, progress=progress)
    options.known_accounts(settings.accounts, hierarchy)
    coverage = Coverage(users=settings.complete_users, accounts=settings.complete_accounts)
    hierarchy = replace(hierarchy, coverage=coverage)
    if origin is not None or subject is not None:
        arrivals = _reached(hierarchy, settings.now, origin, subject)
        receivers = reached(hierarchy, arrivals, settings.servers)
        if form is GraphForm.JSON:
            output.emit(text_of(reach_document(arrivals, receivers)), file)
        else:
            style = output.style(no_colour=no_color or file is not None)
            output.emit(reach_page(arrivals, receivers, hierarchy, style), file)
        return _skipped(hierarchy, strict=strict, quiet=quiet)
    graph = build(hierarchy, settings.now)
    document = graph_document(graph) | {"analysis": analysis_member(analysis(graph, hierarchy, settings.now))}
    if hubs:
        document |= consolidation_members(suggestions(graph, hierarchy))
    name = names(document)
    if settings.accounts:
        patterns = settings.accounts
        document = touching(
            of_accounts(
                document, lambda name, key: any(fnmatchcase(name, pattern) or key == pattern for pattern in patterns)
            )
        )
    match form:
        case GraphForm.DOT:
            output.emit(dot(document), file)
        case GraphForm.JSON:
            output.emit(text_of(document), file)
        case GraphForm.TABLE:
            following = output.typed("permopt", "graph", where, "--format", "dot", "-o", "imports.dot")
            style = output.style(no_colour=no_color or file is not None)
            remarks = cautions(document, style, name) + (consolidation_page(document, style, name) if hubs else "")
            output.emit(graph_page(document, style, next_command=following, remarks=remarks), file)
    return _skipped(hierarchy, strict=strict, quiet=quiet)


def _skipped(hierarchy: Hierarchy, *, strict: bool, quiet: bool) -> int:
    """Say what was not read, and the exit status it makes."""
    for skipped in hierarchy.skipped[:20]:
        output.note(f"skipped {skipped.origin}: {skipped.reason}", quiet=quiet)
    return SourceError.exit_code if strict and hierarchy.skipped else 0


def _reached(hierarchy: Hierarchy, now: int, origin: str | None, subject: str | None) -> Reach:
    """What ``--from`` and ``--subject`` ask for."""
    if origin is None or subject is None:
        raise UsageError("`--from` and `--subject` belong together", "give the account that publishes, and the subject")
    options.known_accounts((origin,), hierarchy)
    meant = [
        key for key, account in hierarchy.accounts.items() if key == origin or fnmatchcase(account.claims.name, origin)
    ]
    if len(meant) > 1:
        raise UsageError(f"`{origin}` names {len(meant)} accounts", "name one, by its key if need be")
    try:
        return reach(build(hierarchy, now), hierarchy, meant[0], subject)
    except ValueError as error:
        raise UsageError(str(error), "a message is published on one subject, without wildcards") from None
