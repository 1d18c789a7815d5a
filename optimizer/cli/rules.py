"""``permopt rules``: what is looked for, and one rule's page."""

from __future__ import annotations

from inspect import cleandoc
from typing import Annotated

import typer

from optimizer.cli import options, output, values
from optimizer.cli.options import Form
from optimizer.errors import UsageError
from optimizer.reports.json import text_of
from optimizer.reports.style import columns
from optimizer.rules import RULES


def command(
    name: Annotated[str | None, typer.Argument(metavar="RULE", show_default=False, help="A rule's name.")] = None,
    *,
    form: options.Format = Form.TABLE,
    file: options.Output = None,
) -> int:
    """List the rules, or show one rule's page: what it finds, what that costs, when to leave it."""
    chosen = [rule for rule in RULES if name in (None, rule.name)]
    if not chosen:
        raise UsageError(f"no rule `{name}`", values.nearest(name or "", [rule.name for rule in RULES], "there are"))
    if form is Form.JSON:
        rules = [{"name": rule.name, "severity": rule.severity.value, "page": cleandoc(rule.page)} for rule in chosen]
        output.emit(text_of({"type": "permopt.rules.v1", "rules": rules}), file)
    elif name is not None:
        rule = chosen[0]
        output.emit(f"# {rule.name} ({rule.severity.value})\n\n{cleandoc(rule.page)}\n", file)
    elif form is Form.MARKDOWN:
        lines = [f"- `{rule.name}` ({rule.severity.value}): {rule.summary}" for rule in chosen]
        output.emit("\n".join(["# Rules", "", *lines, ""]), file)
    else:
        lines = columns((rule.name, rule.severity.value, rule.summary) for rule in chosen)
        output.emit("\n".join([*lines, "", "next", f"  permopt rules {chosen[0].name}", ""]), file)
    return 0
