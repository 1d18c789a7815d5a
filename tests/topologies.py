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
from optimizer.edits import EditImports, Target, TargetKind
from optimizer.graph.suggestion import NEW, NEW_KEY, new_account
from optimizer.hierarchy import Hierarchy, Signed
from tests import signing
from tests.builders import Account, store

if TYPE_CHECKING:
    import random

    from optimizer.claims.model import Import
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


LETTERS = "ABCD"
_EXPORTED = ("a.>", "a.*", "*.b", "b.>", "a.*.*", ">", "c", "*.*", "b.*")


def drawn(chance: random.Random) -> Accounts:
    """Four accounts that export and import; few of them map, for what is mapped is mostly not decided."""
    accounts: Accounts = {letter: {"exports": [], "imports": [], "mappings": {}} for letter in LETTERS}
    for letter in LETTERS:
        for make in (stream, service):
            if chance.random() < 0.8:
                accounts[letter]["exports"].append(make(chance.choice(_EXPORTED)))
    for letter in LETTERS:
        for _ in range(chance.choice((0, 1, 2))):
            giver = chance.choice([other for other in LETTERS if other != letter])
            for export in accounts[giver]["exports"]:
                if chance.random() < 0.6:
                    accounts[letter]["imports"].append(_taken(chance, giver, export))
        if chance.random() < 0.05:
            accounts[letter]["mappings"]["a.*"] = [{"subject": "b.$1", "weight": 100}]
    return accounts


def _taken(chance: random.Random, giver: str, export: dict[str, Any]) -> dict[str, Any]:
    tokens = [chance.choice(("a", "b", "*")) if token == "*" else token for token in export["subject"].split(".")]
    if tokens[-1] == ">" and chance.random() < 0.6:
        tokens[-1:] = chance.choice((["a"], ["*"], ["*"], ["b", ">"], ["*", ">"]))
    make = stream if export["type"] == "stream" else service
    subject = ".".join(tokens)
    return make(subject, giver, **({"local_subject": renamed(chance, subject)} if chance.random() < 0.4 else {}))


def renamed(chance: random.Random, subject: str) -> str:
    """A local subject that carries every wildcard."""
    places = [f"${place}" for place in range(1, subject.split(".").count("*") + 1)]
    chance.shuffle(places)
    return ".".join([chance.choice("abl"), *places, *([">"] if subject[-1] == ">" else [])])


def made(accounts: Accounts) -> Hierarchy:
    """The accounts by name under one operator."""
    return store(
        *(
            Account(
                name,
                nats={
                    **body,
                    "imports": [
                        {**each, "account": str(signing.account(each["account"]))} for each in body.get("imports", [])
                    ],
                },
            )
            for name, body in accounts.items()
        )
    )


def drawn_edit(chance: random.Random, hierarchy: Hierarchy) -> EditImports | None:
    """Imports of one account that go, and others that come: taken apart, put together, renamed or moved elsewhere."""
    importers = [signed.claims for _, signed in sorted(hierarchy.accounts.items()) if signed.claims.imports]
    if not importers:
        return None
    claims = chance.choice(importers)
    goes = chance.sample(claims.imports, chance.randint(1, min(2, len(claims.imports))))
    come: list[Import] = []
    for each in goes:
        come += chance.choice((_parts, _parts, _wider, _narrower, _again))(chance, each)
    if chance.random() < 0.3:
        goes, come = come, goes
        rest = [each for each in claims.imports if each not in come]
        claims = replace(claims, imports=(*rest, *goes))
        hierarchy.accounts[claims.sub] = replace(hierarchy.accounts[claims.sub], claims=claims)  # type: ignore[index]
    return EditImports(Target(TargetKind.IMPORT.value, claims.sub), tuple(goes), tuple(come))


def _parts(chance: random.Random, taken: Import) -> list[Import]:
    """What makes up an import that ends in ``>``, in two; of another the same again."""
    if taken.subject[-1] != ">":
        return _again(chance, taken)
    return [_instead(taken, ">", "*"), _instead(taken, ">", "*.>")]


def _instead(taken: Import, old: str, new: str) -> Import:
    def changed(subject: str) -> str:
        stars = taken.subject.count("*")
        ending = new if subject is taken.subject else new.replace("*", f"${stars + 1}")
        return subject[: -len(old)] + ending if subject else ""

    return taken.replaced(subject=changed(taken.subject), local_subject=changed(taken.local_subject))


def _wider(chance: random.Random, taken: Import) -> list[Import]:
    tokens = taken.subject.split(".")
    if taken.local_subject or tokens[-1] == ">":
        return _again(chance, taken)
    tokens[-1] = chance.choice("*>")
    return [taken.replaced(subject=".".join(tokens))]


def _narrower(chance: random.Random, taken: Import) -> list[Import]:
    tokens = taken.subject.split(".")
    if taken.local_subject or tokens[-1] not in "*>":
        return []
    tokens[-1] = chance.choice("ab")
    return [taken.replaced(subject=".".join(tokens))]


def _again(chance: random.Random, taken: Import) -> list[Import]:
    """The same, perhaps by another name that the server does not see."""
    return [taken.replaced(name=f"{taken.name} {chance.choice('xy')}")]
