"""The options that commands share, and what is made of them."""

from __future__ import annotations

import enum
import re
from dataclasses import dataclass, replace
from fnmatch import fnmatchcase
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from optimizer.claims.model import AccountClaims, UserClaims
from optimizer.cli import values
from optimizer.errors import OutputError, UsageError
from optimizer.proposals import Severity
from optimizer.settings import Server, Settings, Weights, Widen
from optimizer.subjects.subject import Subject

if TYPE_CHECKING:
    from collections.abc import Iterable

    from optimizer.cli.configuration import Configuration
    from optimizer.hierarchy import Hierarchy


def placed(path: Path | None) -> Path | None:
    """Where a file is to be written, asked before any work is done: no command makes the directory of a file.

    Raises
    ------
    OutputError
        There is no such directory.
    """
    if path is not None and str(path) != "-" and not path.parent.is_dir():
        raise OutputError(
            f"`{path}` cannot be written: there is no directory `{path.parent}`",
            "make it, or name a file elsewhere",
        )
    return path


Source = Annotated[
    str | None,
    typer.Argument(
        metavar="SOURCE",
        show_default=False,
        help="nsc stores directory, directory of .jwt files, .jwt or .creds file, server config, archive, or `-`; "
        "`kind:PATH` forces the form. Default: the store nsc would use.",
    ),
]
SourceOption = Annotated[
    str | None, typer.Option("--source", "-s", metavar="SOURCE", show_default=False, help="The same, as an option.")
]
Plan = Annotated[
    Path, typer.Argument(metavar="PLAN", show_default=False, help="A plan that permopt propose or graph wrote.")
]
Output = Annotated[
    Path | None,
    typer.Option(
        "--output",
        "-o",
        metavar="FILE",
        show_default=False,
        help="Write to FILE, whole or not at all.",
        callback=placed,
    ),
]
Operator = Annotated[
    str | None,
    typer.Option(metavar="NAME", show_default=False, help="Which operator, where the source holds several."),
]
Accounts = Annotated[
    list[str] | None,
    typer.Option("--account", metavar="NAME", show_default=False, help="Only these accounts; repeatable, globs."),
]
Now = Annotated[
    str | None,
    typer.Option(metavar="TIME", show_default=False, help="The clock: RFC 3339 or seconds; for reproducible runs."),
]
Quiet = Annotated[bool, typer.Option("--quiet", "-q", help="No notes and no progress on standard error.")]
NoColour = Annotated[bool, typer.Option("--no-color", help="No colour, also by NO_COLOR in the environment.")]
Strict = Annotated[bool, typer.Option("--strict", help="Exit with 3 where a token was skipped.")]
Budget = Annotated[
    str | None,
    typer.Option(metavar="SIZE", show_default=False, help="Bytes an account token may have; 10KB by default."),
]
UserBudget = Annotated[
    str | None,
    typer.Option(
        metavar="SIZE",
        show_default=False,
        help="Bytes a user token may have; 3,500 by default, for a CONNECT line takes 4,096.",
    ),
]
ServerVersions = Annotated[
    list[str] | None,
    typer.Option(
        "--server-version",
        metavar="VERSION",
        show_default=False,
        help="nats-server the proof must hold for, repeatable. Default: both generations, before and from 2.12.14.",
    ),
]
Complete = Annotated[
    str | None,
    typer.Option(
        metavar="WHAT",
        show_default=False,
        help="Your word that the source holds all of them: `users`, `accounts`, `tokens` (every user token ever "
        "issued), or several with commas between.",
    ),
]
MaxUserTtl = Annotated[
    str | None,
    typer.Option(
        "--max-user-ttl",
        metavar="DURATION",
        show_default=False,
        help="Your word that no user token is valid for longer than this after its issue: 30d, 12h; then "
        "revocations that outlived all they refuse can go.",
    ),
]
Protect = Annotated[
    list[str] | None,
    typer.Option(
        metavar="SUBJECT",
        show_default=False,
        help="Never newly admit these subjects, beside the default ones; repeatable, patterns.",
    ),
]
NoDefaultProtection = Annotated[
    bool, typer.Option("--no-default-protection", help="Protect what --protect names only (docs/widening.md).")
]
KeepPrefix = Annotated[
    int, typer.Option(metavar="TOKENS", min=0, help="Leading tokens that a widened entry keeps as they are.")
]
KnownFile = Annotated[
    Path | None,
    typer.Option("--known", metavar="FILE", show_default=False, help="Subjects known to exist, one a line."),
]
Weighing = Annotated[
    list[str] | None,
    typer.Option(
        "--weight",
        metavar="WHAT=NUMBER",
        show_default=False,
        help="What a widening costs: known=100 a known subject and user, star=1, tail=4; repeatable.",
    ),
]
FailOn = Annotated[
    str | None,
    typer.Option(
        metavar="SEVERITY",
        show_default=False,
        help="Exit with 1 on findings of this severity or above: error, warning, note, never. "
        "Default: error for audit, never for propose.",
    ),
]
Config = Annotated[
    Path | None,
    typer.Option(
        metavar="FILE",
        show_default=False,
        help="Configuration. Default: permopt.toml, or [tool.permopt] in pyproject.toml, from here up to the "
        "repository's root (docs/configuration.md).",
    ),
]


class Form(enum.Enum):
    """How a result is printed."""

    TABLE = "table"
    JSON = "json"
    MARKDOWN = "markdown"


class ShortForm(enum.Enum):
    """How a result is printed that has no Markdown."""

    TABLE = "table"
    JSON = "json"


Format = Annotated[Form, typer.Option("--format", "-f", help="How to print the result.")]
ShortFormat = Annotated[ShortForm, typer.Option("--format", "-f", help="How to print the result.")]

ASK_TO_WIDEN = "add --budget SIZE, --widen or --frontier"
GRANULAR = "granular-list"
"""The rule that widens."""


def one_source(positional: str | None, option: str | None, configured: str | None = None) -> str | None:
    """The source, named either way, or in the configuration.

    Raises
    ------
    UsageError
        It was named both ways, and differently.
    """
    if positional is not None and option is not None and positional != option:
        raise UsageError(f"two sources: `{positional}` and `{option}`", "name one SOURCE, or use --source")
    named = positional if positional is not None else option
    return configured if named is None else named


def settings_of(
    *,
    now: str | None = None,
    server_versions: Iterable[str] | None = None,
    complete: str | None = None,
    max_user_ttl: str | None = None,
    accounts: Iterable[str] | None = None,
    rules: Iterable[str] | None = None,
    budget: str | None = None,
    user_budget: str | None = None,
    widening: Widening | None = None,
    configured: Configuration,
) -> Settings:
    """The settings that flags ask for, and the configuration where no flag does.

    A budget on the command line is that of every account, those with one of their own in the configuration included;
    one in the configuration asks for no widening. What the configuration protects stays protected, whatever flags add.

    Raises
    ------
    UsageError
        A flag's value means nothing.
    """
    users, accounts_too, tokens = values.completeness(configured.complete if complete is None else complete)
    settings = Settings(
        now=values.clock(now),
        complete_users=users,
        complete_accounts=accounts_too,
        complete_tokens=tokens,
        max_user_ttl=configured.max_user_ttl
        if max_user_ttl is None
        else values.duration(max_user_ttl, "--max-user-ttl"),
        accounts=tuple(accounts or configured.accounts),
        rules=values.known_rules(rules or configured.rules),
    )
    settings = _with_budgets(settings, budget, user_budget, configured)
    if widening is not None:
        for_budget = budget is not None or user_budget is not None
        settings = _with_widening(settings, widening, for_budget=for_budget)
    versions = tuple(server_versions or configured.servers)
    if versions:
        asked = {values.generation(version) for version in versions}
        settings = replace(settings, servers=tuple(server for server in Server if server in asked))
    return settings


def _with_budgets(
    settings: Settings, budget: str | None, user_budget: str | None, configured: Configuration
) -> Settings:
    if budget is not None:
        settings = replace(settings, budget=values.budget_size(budget, "--budget", AccountClaims))
    else:
        own = settings.budget if configured.budget is None else configured.budget
        settings = replace(settings, budget=own, budgets=configured.budgets)
    if user_budget is not None:
        return replace(settings, user_budget=values.budget_size(user_budget, "--user-budget", UserClaims))
    return settings if configured.user_budget is None else replace(settings, user_budget=configured.user_budget)


@dataclass(frozen=True, slots=True, kw_only=True)
class Widening:
    """The flags that say what may be widened."""

    everywhere: bool = False
    frontier: bool = False
    keep_prefix: int = 1
    protect: tuple[str, ...] = ()
    no_default_protection: bool = False
    weights: tuple[str, ...] = ()


def _with_widening(settings: Settings, asked: Widening, *, for_budget: bool) -> Settings:
    if asked.everywhere and for_budget:
        raise UsageError(
            "--widen and --budget contradict each other", "--budget widens what it must, --widen all that pays"
        )
    if not (asked.everywhere or for_budget or asked.frontier or GRANULAR in settings.rules):
        given = [
            flag
            for flag, is_given in (("--keep-prefix", asked.keep_prefix != 1), ("--weight", asked.weights))
            if is_given
        ]
        if given:
            raise UsageError(f"{given[0]} is about widenings, and none is asked for", ASK_TO_WIDEN)
    if asked.everywhere or (GRANULAR in settings.rules and not for_budget):
        widen = Widen.WORTHWHILE
    else:
        widen = Widen.OVER_BUDGET if for_budget else Widen.NOTHING
    if settings.rules and GRANULAR not in settings.rules and (widen is not Widen.NOTHING or asked.frontier):
        raise UsageError(f"--rule leaves out `{GRANULAR}`, the rule that widens", f"add --rule {GRANULAR}")
    for text in asked.protect:
        if not Subject(text).is_valid:
            raise UsageError(f"--protect `{text}` is no subject pattern", "write it as orders.secret or orders.>")
    defaults = () if asked.no_default_protection else settings.protected
    return replace(
        settings,
        widen=widen,
        frontier=asked.frontier,
        keep_prefix=asked.keep_prefix,
        protected=tuple(dict.fromkeys((*defaults, *asked.protect))),
        weights=_weights(asked.weights, settings.weights),
    )


def _weights(given: Iterable[str], weights: Weights) -> Weights:
    for text in given:
        name, _, number = text.partition("=")
        if name not in ("known", "star", "tail") or not re.fullmatch(r"\d{1,9}(\.\d{1,6})?", number):
            raise UsageError(f"--weight `{text}` means nothing", "write it as known=100, star=1 or tail=4")
        weights = replace(weights, **{name: float(number)})
    return weights


def known_accounts(patterns: Iterable[str], hierarchy: Hierarchy) -> None:
    """Check that every ``--account`` names an account.

    Raises
    ------
    UsageError
        One matches none.
    """
    names = [account.claims.name for account in hierarchy.accounts.values()]
    for pattern in patterns:
        is_exact = pattern in names or pattern in hierarchy.accounts
        if not is_exact and not any(fnmatchcase(name, pattern) for name in names):
            raise UsageError(f"no account matches `{pattern}`", values.nearest(pattern, names, "the store has"))


def unmatched_budgets(settings: Settings, hierarchy: Hierarchy) -> list[str]:
    """Notes on the budgets of the configuration that are of no account: what a typing error would hide."""
    accounts = [(account.claims.name, key) for key, account in hierarchy.accounts.items()]
    return [
        f"no account matches `{glob}` of [budgets]"
        for glob, _ in settings.budgets
        if not any(fnmatchcase(name, glob) or glob in (name, key) for name, key in accounts)
    ]


def failing(fail_on: str | None, configured: Configuration, otherwise: str) -> frozenset[Severity]:
    """The severities that make a run fail, by the flag, the configuration, or what the command does without either."""
    return values.severities_at(fail_on or configured.fail_on or otherwise)
