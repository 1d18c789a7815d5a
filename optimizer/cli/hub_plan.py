"""What ``permopt graph --hubs --plan`` saves: the suggestions as a plan."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from optimizer.claims.keys import account_key
from optimizer.cli import output
from optimizer.consolidation import MAKE_KEY, consolidated
from optimizer.errors import TokenError, UsageError
from optimizer.graph.suggestion import Kind
from optimizer.reports import words
from optimizer.reports.json import plan_document, text_of

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from optimizer.claims.keys import AccountKey
    from optimizer.graph.consolidate import Consolidation
    from optimizer.hierarchy import Hierarchy
    from optimizer.settings import Settings

PlanFile = Annotated[
    Path | None,
    typer.Option(
        "--plan",
        metavar="PLAN",
        show_default=False,
        help="Save the suggestions as a plan (JSON), for permopt review and script; with --hubs.",
    ),
]
HubKeys = Annotated[
    list[str] | None,
    typer.Option(
        "--hub-key",
        metavar="KEY",
        show_default=False,
        help=f"Key of a hub, made by `{MAKE_KEY}`; one for each hub, repeatable; with --plan.",
    ),
]


@dataclass(frozen=True, slots=True)
class Wanted:
    """A plan to be saved, and the keys for its hubs."""

    file: Path
    keys: tuple[AccountKey, ...]


def wanted(file: Path | None, keys: Sequence[str] | None, *, beside: Mapping[str, object]) -> Wanted | None:
    """What was asked for, as far as it can be told before anything is read.

    Parameters
    ----------
    beside
        Options that narrow the page, which a plan is never narrowed by; ``--hubs`` among them.

    Raises
    ------
    UsageError
        Options that do not belong together, or keys that are none.
    """
    if file is None:
        if keys:
            raise UsageError("--hub-key is for a plan, and none is asked for", "add --plan PLAN")
        return None
    if not beside["--hubs"]:
        raise UsageError("--plan saves suggestions, and none are asked for", "add --hubs")
    for option, given in beside.items():
        if given and option != "--hubs":
            raise UsageError(f"--plan holds every suggestion, which {option} does not change", "drop one")
    checked = []
    for text in keys or ():
        try:
            checked.append(account_key(text))
        except TokenError as error:
            raise UsageError(f"--hub-key: {error.message}", f"`{MAKE_KEY}` makes one and prints it") from None
        if checked.count(checked[-1]) > 1:
            raise UsageError(f"--hub-key `{text}` is given twice", "each hub needs a key of its own")
    return Wanted(file, tuple(checked))


def save(asked: Wanted, hierarchy: Hierarchy, found: Consolidation, settings: Settings, *, quiet: bool) -> str:
    """Write the plan, say what is in it, and return what to type next; empty where there is nothing to write.

    Raises
    ------
    UsageError
        A key is an account's already.
    """
    for key in asked.keys:
        account = hierarchy.accounts.get(key)
        if account is not None:
            name = words.name_of(account.claims.name, key)
            raise UsageError(f"--hub-key `{key}` is the key of account {name}", f"a hub is new: `{MAKE_KEY}` makes one")
    if not found.suggestions:
        return ""
    with output.progress("proving", quiet=quiet) as progress:
        plan = consolidated(hierarchy, found, settings, asked.keys, progress)
    output.emit(text_of(plan_document(plan, settings)), asked.file)
    output.note(f"plan written to `{asked.file}`", quiet=quiet)
    hubs = sum(each.kind is Kind.HUB for each in found.suggestions)
    missing = hubs - len(asked.keys)
    if missing > 0:
        count = words.quantity(missing, "hub is in it as advice", "hubs are in it as advice")
        output.note(f"{count}, without a key: make one with `{MAKE_KEY}` and give it with --hub-key", quiet=quiet)
    elif missing < 0:
        output.note(f"{words.quantity(-missing, 'key')} of {len(asked.keys)} not needed", quiet=quiet)
    return output.typed("permopt", "review", asked.file) if plan.proposals else MAKE_KEY


def nothing(asked: Wanted) -> UsageError:
    """What is said, after the page, where there is nothing to plan."""
    return UsageError(
        f"no plan is written to `{asked.file}`: no hub pays here, and nothing can be bundled",
        "the page says how near the best hub comes",
    )
