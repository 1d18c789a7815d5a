"""What the import graph suggests and warns of, as parts of its page for a terminal."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from optimizer.graph.remarks import share
from optimizer.graph.suggestion import NEW
from optimizer.reports import words
from optimizer.reports.style import columns

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from optimizer.reports.style import Style

Document = dict[str, Any]

_SHOWN = 10
"""Findings or suggestions of a kind that are spelled out; the JSON document has all."""

_EFFECTS = {
    "twice": "arrives twice at a subscription that covers both imports",
    "merged": "comes from several exporters under one name",
    "dropped": "is imported again under another name, and the server drops all but the first in silence",
}


def cautions(document: Mapping[str, Any], style: Style, name: Callable[[str], str]) -> str:
    """The ``analysis`` of a graph document, as far as it is something to look at; empty where nothing is.

    Parameters
    ----------
    name
        What an account is called, by its key: `optimizer.reports.imports.names`.
    """
    found = document["analysis"]
    untold = found["untold_cycles"]
    soon = [point for point in found["points"] if point["soon"]]
    parts = [
        (
            "imports that form a cycle: the server drops the one it loads last",
            [
                *(" -> ".join(_called(each, name) for each in cycle["imports"]) for cycle in found["cycles"]),
                *([f"{words.quantity(untold, 'import')} that may close others, too many to tell"] if untold else []),
            ],
        ),
        (
            "streams that share subjects",
            [
                f"in {name(each['importer'])} `{words.shown(each['subject'])}` {_EFFECTS[each['effect']]}"
                f"{_perhaps(each)}: {words.joined(_called(one, name) for one in each['imports'])}"
                for each in found["overlaps"]
            ],
        ),
        (
            "services with several responders: every one answers",
            [
                f"in {name(each['importer'])} `{words.shown(each['subject'])}`{_perhaps(each)}: "
                f"{words.joined(_called(one, name) for one in each['imports'])}"
                for each in found["responders"]
            ],
        ),
        ("imports that will be dropped in silence", [_ending(point, name) for point in soon]),
    ]
    lines: list[str] = []
    for heading, sentences in parts:
        if sentences:
            lines += ["", style.heading(heading)]
            for sentence in sentences[:_SHOWN]:
                lines += style.wrapped(sentence, 2, 2)
            if len(sentences) > _SHOWN:
                lines.append(f"  and {len(sentences) - _SHOWN:,} more")
    return "".join(f"{line}\n" for line in lines)


def consolidation_page(document: Mapping[str, Any], style: Style, name: Callable[[str], str]) -> str:
    """The ``suggestions`` and ``remarks`` of a graph document; ``name`` as in `cautions`."""

    def called(key: str) -> str:
        return "the hub" if key == NEW else name(key)

    lines = ["", style.heading("fewer imports")]
    for each in document["suggestions"][:_SHOWN]:
        lines += ["", *_suggestion(each, called, style)]
    if len(document["suggestions"]) > _SHOWN:
        lines += ["", f"  and {len(document['suggestions']) - _SHOWN:,} more suggestions, all of them in the JSON"]
    if document["remarks"]:
        lines.append("")
    for remark in document["remarks"]:
        lines += style.wrapped(remark, 2, 2)
    return "".join(f"{line}\n" for line in lines)


def _suggestion(each: Document, name: Callable[[str], str], style: Style) -> Iterator[str]:
    before, after = each["bytes_before"], each["bytes_after"]
    subject = words.shown(each["subject"], 60)
    if each["kind"] == "bundle":
        exporter, importer = (name(key) for key in each["members"])
        head = f"bundle: {importer} imports `{subject}` from {exporter} in place of {each['edges_before']:,} subjects"
    else:
        consumers = len(each["accounts"]) - 1
        services = each["edges_after"] - consumers
        head = f"hub: {consumers:,} consumers import `{subject}` once, for {services:,} services"
    yield from style.wrapped(style.paint(head, "bold"), 2, 2)
    part = f" ({share(after, before)})" if before else ""
    yield f"    bytes {before:,} -> {after:,}{part}, imports {each['edges_before']:,} -> {each['edges_after']:,}"
    rows = [
        (name(one["account"]), f"{one['bytes_before']:,}", "->", f"{one['bytes_after']:,}")
        for one in each["accounts"][:_SHOWN]
    ]
    yield from columns(rows, right=frozenset({1, 3}), indent=6)
    if len(each["accounts"]) > _SHOWN:
        yield f"      and {len(each['accounts']) - _SHOWN:,} more accounts"
    for one in each["gained"][:_SHOWN]:
        subject = words.shown(one["subject"], 60)
        who, whose = name(one["account"]), name(one["exporter"])
        is_own = one["account"] == one["exporter"]
        told = f"users of {who} see and can answer" if is_own else f"{who} reaches, of {whose},"
        yield from style.wrapped(f"opens: {told} `{subject}`", 4, 2)
    if len(each["gained"]) > _SHOWN:
        yield f"    and {len(each['gained']) - _SHOWN:,} more that it opens"
    if not each["gained"]:
        yield "    opens nothing"
    if each["known"]:
        more = f" and {each['known_more']:,} more" if each["known_more"] else ""
        known = ", ".join(words.shown(subject, 60) for subject in each["known"])
        yield from style.wrapped(f"others import of it: {known}{more}", 4, 2)
    for one in each["lost"]:
        yield from style.wrapped(f"loses {one['what']}: {one['statement']}", 4, 2)
    if each["hops"]:
        yield f"    one more import on the way of each message: {words.quantity(each['hops'], 'hop')}"
    for number, push in enumerate(each["pushes"][:_SHOWN], 1):
        yield from style.wrapped(f"push {number}: {name(push['account'])} {words.shown(push['does'])}", 4, 2)
    if len(each["pushes"]) > _SHOWN:
        yield f"    and {len(each['pushes']) - _SHOWN:,} more pushes"


def _called(edge: Document, name: Callable[[str], str]) -> str:
    local, remote = words.shown(edge["local_subject"], 60), words.shown(edge["import_subject"], 60)
    renamed = f" as `{local}`" if local != remote else ""
    return f"{name(edge['importer'])} from {name(edge['exporter'])} `{remote}`{renamed}"


def _perhaps(found: Document) -> str:
    return "" if found["certain"] else " (if all of them work)"


def _ending(point: Document, name: Callable[[str], str]) -> str:
    day = datetime.fromtimestamp(point["until"], UTC).date().isoformat()
    what = {
        "exporter": f"the token of {name(point['account'])} expires",
        "activation": f"an activation of {name(point['account'])} for {name(point['key'])} expires",
    }[point["hold"]]
    importers = words.quantity(len(point["importers"]), "account")
    return f"{day} {what}: {words.quantity(point['imports'], 'import')} of {importers}"
