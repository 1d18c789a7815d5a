"""``permopt script``: the scripts that carry a plan out."""

from __future__ import annotations

import os
from collections import Counter
from pathlib import Path
from typing import Annotated

import typer

from optimizer.cli import options, output
from optimizer.errors import OptimizerError, UsageError
from optimizer.nsc.script import script_for
from optimizer.reports import words
from optimizer.reports.json import text_of, without_seeds
from optimizer.review.decisions import beside, load_decisions
from optimizer.review.files import read_text, write_files
from optimizer.review.plan import load
from optimizer.review.selection import select
from optimizer.sources.nsc_home import nsc_context


def command(
    plan: options.Plan,
    *,
    directory: Annotated[
        Path, typer.Option("--output", "-o", metavar="DIR", help="Where to write the scripts; made if missing.")
    ] = Path("scripts"),
    quiet: options.Quiet = False,
) -> int:
    """Write apply.sh, rollback.sh, verify.sh and expected.json for the safe and the accepted proposals of a plan.

    Nothing is run. Read apply.sh, then run it where nsc and the signing keys are.
    """
    saved = load(read_text(plan), str(plan))
    selection = select(saved, load_decisions(beside(plan), saved))
    if selection.judgement is None:
        raise UsageError(
            f"nothing of `{plan}` goes into a script: no proposal is safe or accepted",
            f"look at them with `{output.typed('permopt', 'review', plan)}`",
        )
    script = script_for(saved.plan.hierarchy, selection.chosen, selection.judgement)
    names = {"apply.sh": script.apply, "rollback.sh": script.rollback, "verify.sh": script.verify}
    files = {directory / name: text for name, text in names.items()}
    expected = text_of(without_seeds(script.expected))
    write_files({**files, directory / "expected.json": expected}, executable=frozenset(files))
    saved_bytes, tokens = selection.judgement.saving.bytes, len(selection.judgement.tokens)
    verb = "add" if saved_bytes < 0 else "save"
    count = words.quantity(len(selection.chosen), "proposal")
    what = f"{count} {verb}{'s' if len(selection.chosen) == 1 else ''} {words.size(abs(saved_bytes))}"
    lines = [f"{what} in {words.quantity(tokens, 'token')}"]
    lines += [f"  {words.shown(str(path), 4096)}" for path in (*files, directory / "expected.json")]
    left = Counter(out.reason for out in selection.left_out)
    lines += [f"left out {number:,}: {words.shown(reason)}" for reason, number in left.items()]
    store = saved.plan.hierarchy.store
    following = [output.typed("sh", directory / "apply.sh", *_where(store))]
    if store.startswith("nsc:"):
        following.append(output.typed("permopt", "verify", plan, store))
    if not quiet:
        output.emit("\n".join([*lines, "", "next", *(f"  {each}" for each in following), ""]))
    return 0


def _where(store: str) -> tuple[str, ...]:
    """What tells a script where the store is, if nsc by itself would look for it elsewhere."""
    if not store.startswith("nsc:"):
        return ()
    stores = Path(store.removeprefix("nsc:")).absolute().parent
    try:
        own = nsc_context(os.environ, str(Path.cwd())).stores
    except OptimizerError:
        own = ""
    if own and Path(own).resolve() == stores.resolve():
        return ()
    # `nsc -H DIR` keeps its keys in the same directory.
    return ("-H" if (stores / "keys").is_dir() else "--data-dir", str(stores))
