"""``permopt verify``: the store against the promise."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated, Any

import typer

from optimizer.cli import options, output, values
from optimizer.cli.configuration import configured
from optimizer.cli.options import ShortForm
from optimizer.errors import DriftError, MismatchError, SourceError, UsageError
from optimizer.nsc.script import script_for
from optimizer.reports import words
from optimizer.reports.json import Document, text_of, without_seeds
from optimizer.review.decisions import beside, load_decisions
from optimizer.review.files import read_text
from optimizer.review.outcome import Outcome, State, outcome
from optimizer.review.plan import SavedPlan, load
from optimizer.review.selection import select
from optimizer.sources import read
from optimizer.subjects.probes import Relation

VERIFY = "permopt.verify.v1"

_LABEL = {State.PROMISED: "ok", State.UNCHANGED: "unchanged", State.DIFFERENT: "different", State.MISSING: "missing"}


def command(
    plan: options.Plan,
    source: options.Source = None,
    *,
    source_option: options.SourceOption = None,
    expected_file: Annotated[
        Path | None,
        typer.Option(
            "--expected",
            metavar="FILE",
            show_default=False,
            help="The expected.json written with the scripts. Default: worked out from the plan and its decisions.",
        ),
    ] = None,
    operator: options.Operator = None,
    config: options.Config = None,
    form: options.ShortFormat = ShortForm.TABLE,
    file: options.Output = None,
    now: options.Now = None,
    quiet: options.Quiet = False,
) -> int:
    """Read the store again and prove that it now is what the plan promised: same claims, same bytes, same relation.

    Exit status: 0 it is, 5 a token is not as promised, 4 a token is gone.
    """
    project = configured(config, quiet=quiet)
    saved = load(read_text(plan), str(plan))
    expected = _promised(plan, saved) if expected_file is None else _document(expected_file)
    where = options.one_source(source, source_option, project.source)
    with output.progress("reading", quiet=quiet) as progress:
        hierarchy = read(where, now=values.clock(now), operator=operator, progress=progress)
    found = outcome(saved, expected, hierarchy)
    status = _status(found)
    if form is ShortForm.JSON:
        output.emit(text_of(without_seeds(_report(found, saved, status))), file)
    else:
        output.emit("\n".join([*_lines(found, saved, plan, where), ""]), file)
    return status


def _promised(plan: Path, saved: SavedPlan) -> dict[str, Any]:
    selection = select(saved, load_decisions(beside(plan), saved))
    if selection.judgement is None:
        raise UsageError(f"`{plan}` promises nothing: no proposal is safe or accepted", "`permopt review` lists them")
    return script_for(saved.plan.hierarchy, selection.chosen, selection.judgement).expected


def _document(path: Path) -> dict[str, Any]:
    try:
        document = json.loads(read_text(path))
    except (ValueError, RecursionError):
        document = None
    if not isinstance(document, dict):
        raise SourceError(f"`{path}` is not a JSON object", "pass the expected.json that `permopt script` wrote")
    return document


def _status(found: Outcome) -> int:
    states = {token.state for token in found.tokens}
    if found.kept:
        return 0
    return DriftError.exit_code if states <= {State.PROMISED, State.MISSING} else MismatchError.exit_code


def _lines(found: Outcome, saved: SavedPlan, plan: Path, source: str | None) -> list[str]:
    names = words.Names(saved.plan.named)
    lines = []
    for token in found.tokens:
        name = names.token(token.account, token.user)
        if token.state is State.PROMISED:
            lines.append(f"{_LABEL[token.state]:9}  {name}: {words.size(token.promised)}, claims as promised")
        else:
            lines.append(f"{_LABEL[token.state]:9}  {name}: {words.shown(token.reason, 400)}")
    wrong = sum(token.state is not State.PROMISED for token in found.tokens)
    if found.comparison is not None:
        compared = found.comparison
        same = compared.relation is Relation.SAME
        relation = "same as before" if same else f"{compared.relation.value}, as was accepted"
        if not found.kept:
            relation = f"{compared.relation.value}, which was not promised"
        on = words.servers(saved.settings.servers)
        counts = [(compared.principals, "user")] if compared.principals or not compared.accounts else []
        counts += [(compared.accounts, "account")] if compared.accounts else []
        what = "imports" if compared.accounts and not compared.principals else "permissions"
        number = words.joined(words.quantity(*each) for each in counts)
        lines.append(f"{what}: {relation}; {number} compared on {on}")
        lines += [f"  afterwards {each}" for each in words.witnesses(compared.gained)]
        lines += [f"  no longer: {each}" for each in words.witnesses(compared.lost)]
    if found.kept:
        return [*lines, "the store is what the plan promised"]
    count = f"{wrong:,} of {words.quantity(len(found.tokens), 'token')}"
    if wrong:
        lines.append(f"{count} not as promised")
    if all(token.state is State.UNCHANGED for token in found.tokens):
        following = output.typed("permopt", "script", plan, "-o", "scripts")  # still to be carried out
    else:
        following = output.typed("permopt", "propose", source, "-o", plan)
    return [*lines, "", "next", f"  {following}"]


def _report(found: Outcome, saved: SavedPlan, status: int) -> Document:
    tokens = []
    hierarchy = saved.plan.named
    for token in found.tokens:
        account = hierarchy.accounts[token.account].claims
        user = None if token.user is None else hierarchy.users[token.user, token.account].claims
        tokens.append(
            {
                "account": account.name,
                "account_key": token.account,
                "user": None if user is None else user.name,
                "user_key": token.user,
                "state": _LABEL[token.state],
                "before": token.before,
                "promised": token.promised,
                "found": token.found,
                "reason": token.reason,
            }
        )
    return {
        "type": VERIFY,
        "plan": saved.digest,
        "status": status,
        "relation": None if found.comparison is None else found.comparison.relation.value,
        "tokens": tokens,
    }
