"""The store that nsc itself would use here: its environment variables, nsc.json and working directory.

nsc: ``LoadOrInit``, ``GetCwdCtx``, ``ContextConfig.SetDefaults`` and package ``home``. nsc writes a first nsc.json when
it finds none; nothing is written here.
"""

from __future__ import annotations

import json
import os
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from optimizer.errors import SourceError, UsageError
from optimizer.sources import files, tokens
from optimizer.sources.nsc_store import is_operator_dir, listed, open_operator, open_stores, operators_in

if TYPE_CHECKING:
    from collections.abc import Mapping

    from optimizer.sources.found import Source


@dataclass(frozen=True, slots=True)
class Context:
    """Where nsc would look: its stores directory (empty: none), and the operator it would take (empty: none)."""

    stores: str
    operator: str


def open_own_store(operator: str | None) -> Source:
    """The store that nsc would use, of the operator it would choose or the one named.

    Raises
    ------
    UsageError
        nsc would not know which operator to take.
    SourceError
        There is no such store.
    """
    context = nsc_context(os.environ, os.getcwd())
    names = operators_in(context.stores) if context.stores else []
    if not names:
        where = f"in `{context.stores}`" if context.stores else "and knows no directory of stores"
        raise SourceError(f"nsc has no store {where}", "name a SOURCE, such as an nsc stores directory")
    if operator is not None:
        return open_stores(context.stores, operator)
    if not context.operator:
        raise UsageError(
            f"nsc's store `{context.stores}` holds {len(names)} operators and none is chosen",
            f"choose with --operator: {listed(names)}",
        )
    return open_operator(os.path.join(context.stores, context.operator))


def nsc_context(environ: Mapping[str, str], cwd: str) -> Context:
    """What ``nsc env`` would show as current store directory and current operator.

    Parameters
    ----------
    environ
        The environment.
    cwd
        The working directory.

    Raises
    ------
    SourceError
        nsc.json is broken; nsc stops there too.
    """
    home = environ.get("HOME") or os.path.expanduser("~")
    only_cwd = "NSC_CWD_ONLY" in environ
    config = {} if only_cwd else _config(_config_dir(environ, home))
    stores, operator = str(config.get("store_root") or ""), str(config.get("operator") or "")
    if not only_cwd and not any(config.get(name) for name in _FIELDS):
        # nsc's first run takes its default, and the working directory only from then on; the default is empty then
        stores = _data_dir(environ, home)
        around = None if operators_in(stores) else _around(cwd)
    else:
        around = _around(cwd)
    if around is not None:
        stores, operator = around.stores, around.operator or operator
    return Context(stores, _sane(operator, operators_in(stores)) if os.path.isdir(stores) else operator)


_FIELDS = ("store_root", "operator", "account", "github_updates", "last_update")


def _sane(current: str, choices: list[str]) -> str:
    """nsc: ``ContextConfig.saneDefault``."""
    if len(choices) == 1:
        return choices[0]
    return current if current in choices else ""


def _config_dir(environ: Mapping[str, str], home: str) -> str:
    if own := environ.get("NSC_HOME"):
        return os.path.join(home, own[1:].lstrip("/")) if own == "~" or own.startswith("~/") else own
    new = os.path.join(environ.get("XDG_CONFIG_HOME") or os.path.join(home, ".config"), "nats", "nsc")
    old = os.path.join(home, ".nsc")
    newer = os.path.exists(os.path.join(new, "nsc.json")) or not os.path.exists(os.path.join(old, "nsc.json"))
    return new if newer else old


def _data_dir(environ: Mapping[str, str], home: str) -> str:
    new = os.path.join(environ.get("XDG_DATA_HOME") or os.path.join(home, ".local", "share"), "nats", "nsc", "stores")
    old = os.path.join(home, ".nsc", "nats")
    return new if os.path.exists(new) or not os.path.exists(old) else old


def _config(directory: str) -> dict[str, Any]:
    path = os.path.join(directory, "nsc.json")
    if not os.path.exists(path):
        return {}
    try:
        config = json.loads(tokens.text_of(files.read_bytes(path)))
    except SourceError as error:
        raise SourceError(f"`{path}` {error.message}", error.hint) from None
    except (ValueError, RecursionError):
        config = None
    if not isinstance(config, dict):
        raise SourceError(f"`{path}` is not a JSON object, and nsc stops at it too", "repair it, or name a SOURCE")
    return {name.lower(): value for name, value in config.items()}  # as Go matches names


def _around(cwd: str) -> Context | None:
    """The store the working directory is in, holds or is itself. nsc: ``GetCwdCtx``."""
    try:
        if name := _operator_name(cwd):
            return Context(os.path.dirname(cwd), name)
        for entry in files.entries(cwd):
            if entry.is_dir and not entry.is_link and _operator_name(entry.path):
                return Context(cwd, "")
        above = os.path.dirname(cwd)
        while not (name := _operator_name(above)):
            if above == os.path.dirname(above):
                return None
            above = os.path.dirname(above)
    except (SourceError, ValueError, RecursionError):
        return None  # nsc gives up at the first broken .nsc
    return Context(os.path.dirname(above), name)


def _operator_name(directory: str) -> str:
    """The name in an operator directory's ``.nsc``, or nothing. nsc: ``isOperatorDir``."""
    mark = os.path.join(directory, ".nsc")
    if not is_operator_dir(directory) or os.path.isdir(mark):
        return ""
    info = json.loads(tokens.text_of(files.read_bytes(mark)))
    if not isinstance(info, dict) or info.get("kind") != "operator":
        return ""
    return str(info.get("name") or "")
