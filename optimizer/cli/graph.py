"""``permopt graph``: the imports between accounts, resolved against the exports."""

from __future__ import annotations

import enum
from dataclasses import replace
from fnmatch import fnmatchcase
from typing import Annotated

import typer

from optimizer.cli import options, output
from optimizer.errors import SourceError
from optimizer.graph import build, graph_document
from optimizer.hierarchy import Coverage
from optimizer.reports.dot import dot
from optimizer.reports.imports import graph_page, of_accounts
from optimizer.reports.json import text_of
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
    document = graph_document(build(replace(hierarchy, coverage=coverage), settings.now))
    if settings.accounts:
        patterns = settings.accounts
        document = of_accounts(
            document, lambda name, key: any(fnmatchcase(name, pattern) or key == pattern for pattern in patterns)
        )
    match form:
        case GraphForm.DOT:
            output.emit(dot(document), file)
        case GraphForm.JSON:
            output.emit(text_of(document), file)
        case GraphForm.TABLE:
            following = output.typed("permopt", "graph", where, "--format", "dot", "-o", "imports.dot")
            style = output.style(no_colour=no_color or file is not None)
            output.emit(graph_page(document, style, next_command=following), file)
    for skipped in hierarchy.skipped[:20]:
        output.note(f"skipped {skipped.origin}: {skipped.reason}", quiet=quiet)
    return SourceError.exit_code if strict and hierarchy.skipped else 0
