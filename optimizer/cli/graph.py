"""``permopt graph``: the imports between accounts, resolved against the exports."""

from __future__ import annotations

import enum
from dataclasses import replace
from fnmatch import fnmatchcase
from typing import Annotated, Any

import typer

from optimizer.access.reached import reached
from optimizer.cli import hub_plan, options, output
from optimizer.cli.graphviz import svg
from optimizer.errors import SourceError, UsageError
from optimizer.graph import build, graph_document
from optimizer.graph.analysis import analysis
from optimizer.graph.consolidate import suggestions
from optimizer.graph.exchange import graphml, node_link
from optimizer.graph.narrow import around, beyond, broken, of_type, within
from optimizer.graph.reach import Reach, reach
from optimizer.graph.remarks import analysis_member, consolidation_members
from optimizer.hierarchy import Coverage, Hierarchy
from optimizer.reports.consolidation import cautions, consolidation_page
from optimizer.reports.dot import dot
from optimizer.reports.imports import graph_page, names
from optimizer.reports.json import text_of
from optimizer.reports.mermaid import MOST_CHARACTERS, MOST_LINES, mermaid
from optimizer.reports.reach import reach_document, reach_page
from optimizer.sources import read


class GraphForm(enum.Enum):
    """How the graph is printed."""

    TABLE = "table"
    DOT = "dot"
    MERMAID = "mermaid"
    GRAPHML = "graphml"
    NODE_LINK = "node-link"
    JSON = "json"
    SVG = "svg"


class ImportType(enum.Enum):
    """Types of imports."""

    SERVICE = "service"
    STREAM = "stream"


Depth = Annotated[
    int | None,
    typer.Option(metavar="HOPS", min=0, show_default=False, help="How far around --account; 1 by default."),
]
Type = Annotated[ImportType | None, typer.Option("--type", show_default=False, help="Only imports of this type.")]
Broken = Annotated[bool, typer.Option("--broken", help="Only imports that do not work, and their ends.")]


def command(
    source: options.Source = None,
    *,
    source_option: options.SourceOption = None,
    form: Annotated[GraphForm, typer.Option("--format", "-f", help="How to print it.")] = GraphForm.TABLE,
    file: options.Output = None,
    account: options.Accounts = None,
    depth: Depth = None,
    only: Type = None,
    only_broken: Broken = False,
    operator: options.Operator = None,
    hubs: Annotated[
        bool, typer.Option("--hubs", help="Suggest fewer imports: bundles and hubs, with their price.")
    ] = False,
    save: Annotated[
        int | None,
        typer.Option(
            metavar="BYTES",
            min=1,
            show_default=False,
            help="With --hubs: save so many, and open as little as that takes.",
        ),
    ] = None,
    origin: Annotated[
        str | None, typer.Option("--from", help="Account whose client publishes; with --subject.", show_default=False)
    ] = None,
    subject: Annotated[
        str | None,
        typer.Option("--subject", help="Who a message on this subject can arrive at; with --from.", show_default=False),
    ] = None,
    plan: hub_plan.PlanFile = None,
    hub_key: hub_plan.HubKeys = None,
    complete: options.Complete = None,
    now: options.Now = None,
    strict: options.Strict = False,
    quiet: options.Quiet = False,
    no_color: options.NoColour = False,
) -> int:
    """Show every import between accounts, and whether the server resolves it, drops it or refuses its token.

    With --hubs --plan PLAN the suggestions become a plan: `permopt review PLAN` shows each with its proof.
    """
    if depth is not None and not account:
        raise UsageError("--depth is about the accounts around some, and none is named", "add --account NAME")
    if save is not None and not hubs:
        raise UsageError("--save is about what --hubs suggests", "add --hubs")
    if hubs and only_broken:
        raise UsageError("--hubs is about imports that work, which --broken leaves out", "drop one")
    asks = "--from" if origin is not None or subject is not None else "--hubs" if hubs else ""
    if asks and form not in (GraphForm.JSON, GraphForm.TABLE):
        raise UsageError(f"{asks} is for a page or for JSON", "use --format table or json")
    if asks == "--from":
        beside = {"--hubs": hubs, "--account": account, "--type": only, "--broken": only_broken}
        for option, given in beside.items():
            if given:
                raise UsageError(f"--from asks where a message arrives, which {option} does not change", "drop one")
    narrowing = {"--hubs": hubs, "--from": origin, "--account": account, "--type": only}
    to_plan = hub_plan.wanted(plan, hub_key, beside=narrowing)
    settings = options.settings_of(now=now, complete=complete, accounts=account)
    where = options.one_source(source, source_option)
    with output.progress("reading", quiet=quiet) as progress:
        hierarchy = read(where, now=settings.now, operator=operator, progress=progress)
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
    options.known_accounts((name for name in settings.accounts if name not in graph), hierarchy)
    document = graph_document(graph)
    whole, name, saved = document, names(document), ""
    document = _narrowed(document, settings.accounts, 1 if depth is None else depth, only)
    document = broken(document) if only_broken else document
    if form in (GraphForm.JSON, GraphForm.TABLE):
        about = None if document is whole else within(document)
        together = analysis(graph, hierarchy, settings.now)
        document |= {"analysis": analysis_member(together if about is None else together.about(about))}
        if hubs:
            found = suggestions(graph, hierarchy, wanted=save, about=about)
            document |= consolidation_members(found, save)
            saved = "" if to_plan is None else hub_plan.save(to_plan, hierarchy, found, settings, quiet=quiet)
        document |= {} if about is None else {"beyond": beyond(document, whole)}
    match form:
        case GraphForm.DOT:
            text = dot(document)
        case GraphForm.SVG:
            text = svg(dot(document))
        case GraphForm.MERMAID:
            text = mermaid(document)
            if len(text) > MOST_CHARACTERS or text.count("\n  linkStyle ") > MOST_LINES:
                large = f"more than the {MOST_CHARACTERS:,} characters or {MOST_LINES} lines that code hosts draw"
                output.note(f"{large}: narrow it with --account, --type or --broken", quiet=quiet)
        case GraphForm.GRAPHML:
            text = graphml(document)
        case GraphForm.NODE_LINK:
            text = text_of(node_link(document))
        case GraphForm.JSON:
            text = text_of(document)
            output.note(f"next: {saved}", quiet=quiet or not saved)
        case GraphForm.TABLE:
            filters = [word for name in account or () for word in ("--account", name)]
            filters += [] if depth is None else ["--depth", str(depth)]
            filters += [] if only is None else ["--type", only.value]
            filters += ["--broken"] if only_broken else []
            drawn = (*filters, "--format", "dot", "-o", "imports.dot")
            planned = ("--hubs", "--plan", "hubs.json")
            further = planned if hubs and document["suggestions"] else drawn
            following = saved or output.typed("permopt", "graph", where, *further)
            style = output.style(no_colour=no_color or file is not None)
            remarks = cautions(document, style, name) + (consolidation_page(document, style, name) if hubs else "")
            text = graph_page(document, style, next_command=following, remarks=remarks)
    output.emit(text, file)
    if to_plan is not None and not saved:
        raise hub_plan.nothing(to_plan)
    return _skipped(hierarchy, strict=strict, quiet=quiet)


def _skipped(hierarchy: Hierarchy, *, strict: bool, quiet: bool) -> int:
    """Say what was not read, and the exit status it makes."""
    for skipped in hierarchy.skipped[:20]:
        output.note(f"skipped {skipped.origin}: {skipped.reason}", quiet=quiet)
    return SourceError.exit_code if strict and hierarchy.skipped else 0


def _narrowed(
    document: dict[str, Any], patterns: tuple[str, ...], depth: int, only: ImportType | None
) -> dict[str, Any]:
    """The part that --type and --account name: hops go along imports of that type."""
    if only is not None:
        document = of_type(document, only.value)
    if not patterns:
        return document

    def is_wanted(name: str, key: str) -> bool:
        return any(pattern in (name, key) or fnmatchcase(name, pattern) for pattern in patterns)

    return around(document, is_wanted, depth)


def _reached(hierarchy: Hierarchy, now: int, origin: str | None, subject: str | None) -> Reach:
    """What ``--from`` and ``--subject`` ask for."""
    if origin is None or subject is None:
        raise UsageError("`--from` and `--subject` belong together", "give the account that publishes, and the subject")
    options.known_accounts((origin,), hierarchy)
    named = {key: account.claims.name for key, account in hierarchy.accounts.items()}
    meant = [key for key, name in named.items() if origin in (name, key)]
    meant = meant or [key for key, name in named.items() if fnmatchcase(name, origin)]
    if len(meant) > 1:
        raise UsageError(f"`{origin}` names {len(meant)} accounts", "name one, by its key if need be")
    try:
        return reach(build(hierarchy, now), hierarchy, meant[0], subject)
    except ValueError as error:
        raise UsageError(str(error), "a message is published on one subject, without wildcards") from None
