"""Accounts that export to and import from each other: those of ``corpus/cases``, and consumers of services."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from optimizer.claims.decode import decode
from optimizer.claims.encode import reencoded
from optimizer.claims.model import AccountClaims
from optimizer.claims.token import parse_token
from optimizer.graph.suggestion import NEW, NEW_KEY, new_account
from optimizer.hierarchy import Hierarchy, Signed
from tests import signing

if TYPE_CHECKING:
    from optimizer.graph.suggestion import Suggestion

HUB = signing.account("the new hub")
CASES = Path(__file__).resolve().parents[1] / "corpus" / "cases"

Accounts = dict[str, dict[str, Any]]

CYCLES = ("cycle-dollar-one", "cycle-service-3", "cycle-stream-mapped")
NO_CYCLES = ("false-cycle-5752", "chain-4-service", "noncycle-stream-mapped")


def case_accounts(name: str) -> Accounts:
    """The accounts of a case by name; what its file grants by a list of accounts is public here."""
    accounts: Accounts = {}
    for account in json.loads((CASES / f"{name}.json").read_text())["accounts"]:
        exports = [_without(export, "accounts", "token_req") for export in account["exports"]]
        imports = [
            _without(taken, "prefix") | {"name": taken["subject"], "local_subject": taken["local_subject"] or ""}
            for taken in account["imports"]
        ]
        mappings = {
            source: [{"subject": target, "weight": 100}] if isinstance(target, str) else target
            for source, target in account["mappings"].items()
        }
        accounts[account["name"]] = {"exports": exports, "imports": imports, "mappings": mappings}
    return accounts


def _without(members: dict[str, Any], *names: str) -> dict[str, Any]:
    return {key: value for key, value in members.items() if key not in names}


def service(subject: str, account: str = "", **more: Any) -> dict[str, Any]:
    """An export, or an import as nsc writes it."""
    taken = {"account": account} if account else {"response_type": "Singleton"}
    return {"name": subject, "subject": subject, "type": "service", **taken, **more}


def stream(subject: str, account: str = "", **more: Any) -> dict[str, Any]:
    """The same for a stream."""
    return {"name": subject, "subject": subject, "type": "stream", **({"account": account} if account else {}), **more}


def consumers(count: int, providers: int, each: int = 1, *, root: str = "svc.p{}") -> Accounts:
    """Accounts that all import all services of all providers."""
    names = {f"P{p}": [f"{root.format(p)}.m{m}" for m in range(each)] for p in range(providers)}
    accounts: Accounts = {name: {"exports": [service(s) for s in subjects]} for name, subjects in names.items()}
    for number in range(count):
        imports = [service(subject, name) for name, subjects in names.items() for subject in subjects]
        accounts[f"C{number}"] = {"imports": imports}
    return accounts


def carried_out(hierarchy: Hierarchy, suggestion: Suggestion, signer: signing.Key) -> Hierarchy:
    """The hierarchy with the suggestion made, each token that changes signed anew."""
    accounts: dict[Any, Signed[AccountClaims]] = dict(hierarchy.accounts)
    for change in suggestion.changes:
        imports = tuple(
            each.replaced(account=HUB.public) if each.account == NEW_KEY else each for each in change.imports
        )
        if change.account == NEW:
            claims = replace(new_account("hub", imports, change.exports), sub=HUB.public)
        else:
            before = accounts[change.account].claims
            gone = {edge.place for edge in change.drops}
            kept = [each for place, each in enumerate(before.imports) if place not in gone]
            claims = replace(before, imports=(*kept, *imports))
        token = parse_token(signing.sign(reencoded(claims, iat=signing.ISSUED, issuer=signer.public), signer))
        read = decode(token)
        assert isinstance(read, AccountClaims)
        accounts[read.sub] = Signed(read, token, "after")
    return replace(hierarchy, accounts=accounts)
