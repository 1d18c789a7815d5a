"""Stores of consumers and providers made with the real nsc, and suggestions turned into proposals by hand."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING

from optimizer.claims.keys import account_key
from optimizer.claims.model import Export, Import
from optimizer.edits import AddAccount, EditExports, EditImports, Target
from optimizer.graph import build
from optimizer.graph.consolidate import suggestions
from optimizer.graph.suggestion import NEW, NEW_KEY, Kind
from tests.oracle.nsc_tool import Store, proposal
from tests.topologies import consumers

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from optimizer.edits import Edit
    from optimizer.graph.suggestion import Suggestion
    from optimizer.proposals import Proposal
    from tests.topologies import Accounts

NOW = 1_795_000_000


def market(home: Path, accounts: Accounts, *, strict: bool = False) -> Store:
    """A store with these accounts, their imports and exports written as another tool would: imports as they come."""
    store = Store(home)
    if strict:
        store.nsc("edit", "operator", "--sk=generate", "--require-signing-keys")
    for name in accounts:
        store.nsc("add", "account", f"--name={name}")
    for name, nats in accounts.items():
        imports = [{**each, "account": store.key(each["account"])} for each in nats.get("imports", ())]
        if imports or "exports" in nats:
            store.forge(name, nats={**nats, "imports": imports or None})
    return store


def services(count: int = 3, providers: int = 2, each: int = 7, *, root: str = "svc.p{}") -> Accounts:
    """Consumers of more services each than Go sorts by insertion (12), so that its order is not a stable one."""
    return consumers(count, providers, each, root=root)


def new_key(store: Store) -> str:
    """The key of an account that is to be made, its seed in the store's keys."""
    found = re.search(r"^A[A-Z2-7]{55}$", store.nsc("generate", "nkey", "--account", "--store"), re.MULTILINE)
    assert found is not None
    return found[0]


def suggested(store: Store, kind: Kind) -> Suggestion:
    """The only suggestion of its kind."""
    read = store.hierarchy()
    found = suggestions(build(read, NOW), read)
    (one,) = {id(each): each for each in (*found.suggestions, found.best_hub) if each and each.kind is kind}.values()
    return one


def edits_of(store: Store, suggestion: Suggestion, key: str = "", name: str = "hub") -> tuple[Edit, ...]:
    """All edits of a suggestion, in its own order."""
    read = store.hierarchy()
    edits: list[Edit] = []
    for change in suggestion.changes:
        account = account_key(key if change.account == NEW else change.account)
        issuer = next(iter(read.accounts.values())).claims.iss
        gone = (
            () if change.account == NEW else tuple(read.accounts[account].claims.imports[e.place] for e in change.drops)
        )
        come = tuple(each.replaced(account=key) if each.account == NEW_KEY else each for each in change.imports)
        if change.account == NEW:
            edits.append(AddAccount(Target("account", account), name, issuer))
        if gone or come:
            edits.append(EditImports(Target("import", account), gone, come))
        if change.exports:
            edits.append(EditExports(Target("export", account), (), change.exports))
    return tuple(edits)


def one_plan(store: Store, suggestion: Suggestion, key: str = "", name: str = "hub") -> tuple[Proposal]:
    """A suggestion that changes no name as one proposal."""
    said = f"one wildcard instead of {suggestion.edges_before} imports"
    return (proposal(f"{suggestion.kind.value}-1", *edits_of(store, suggestion, key, name), message=said),)


def two_plans(store: Store, suggestion: Suggestion, key: str, name: str = "hub") -> tuple[Proposal, Proposal]:
    """A hub by another prefix as two proposals."""
    return staged(edits_of(store, suggestion, key, name))


def staged(edits: Iterable[Edit]) -> tuple[Proposal, Proposal]:
    """What adds, then what removes: clients move to other names between the two."""
    made = [edit for edit in edits if not isinstance(edit, EditImports) or edit.add]
    adds = [replace(edit, remove=()) if isinstance(edit, EditImports) else edit for edit in made]
    gone = [replace(edit, add=()) for edit in edits if isinstance(edit, EditImports) and edit.remove]
    return (
        proposal("hub-1", *adds, message="a hub beside the imports there are"),
        replace(proposal("hub-2", *gone, message="the imports that the hub replaces"), requires=("hub-1",)),
    )


def small(store: Store, key: str, *, prefix: str = "") -> tuple[Edit, ...]:
    """A hub for the accounts of `services(2, 2, 1)`: by the names there are, or by others."""
    made, read = account_key(key), store.hierarchy()
    wide = "hub.>" if prefix else "svc.*.m0"
    taken = [
        Import(name="s", subject=f"svc.p{n}.m0", account=store.key(f"P{n}"), type="service", local_subject=local)
        for n in range(2)
        for local in [prefix and f"{prefix}svc.p{n}.m0"]
    ]
    edits: list[Edit] = [
        AddAccount(Target("account", made), "hub", store.payload("P0")["iss"]),
        EditImports(Target("import", made), (), tuple(taken)),
        EditExports(Target("export", made), (), (service_export(wide),)),
    ]
    for taker in ("C0", "C1"):
        account = account_key(store.key(taker))
        come = Import(name="hub", subject=wide, account=key, type="service")
        edits.append(EditImports(Target("import", account), read.accounts[account].claims.imports, (come,)))
    return tuple(edits)


def service_export(subject: str) -> Export:
    return Export(name="all", subject=subject, type="service", response_type="Singleton")
