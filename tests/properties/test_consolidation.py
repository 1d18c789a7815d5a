"""Laws of a suggestion: carried out, every import resolves, what arrived arrives, and what is new was said to be."""

from __future__ import annotations

import os
import random
from typing import TYPE_CHECKING, Any

from optimizer.graph import State, build
from optimizer.graph.consolidate import suggestions
from optimizer.graph.reach import reach
from optimizer.graph.suggestion import NEW, Kind
from optimizer.subjects.subject import Subject
from tests import signing
from tests.builders import OPERATOR, Account, store
from tests.topologies import HUB, Accounts, carried_out, service, stream

if TYPE_CHECKING:
    from optimizer.graph.suggestion import Suggestion
    from optimizer.hierarchy import Hierarchy

NOW = 1_795_000_000
LONG = os.environ.get("PERMOPT_BUDGET") == "long"


def drawn(chance: random.Random) -> Accounts:
    """Providers that also consume, consumers that also provide, kits of services many have in common."""
    providers = [f"P{number}" for number in range(chance.choice((3, 5)))]
    accounts: Accounts = {}
    for name in providers:
        root = chance.choice(("svc", "svc", name.lower()))
        exports = [service(f"{root}.{name.lower()}.m{m}") for m in range(3)]
        if chance.random() < 0.3:
            exports[0]["token_req"] = True
        if chance.random() < 0.4:
            exports = [service(f"{root}.{name.lower()}.>", response_type=chance.choice(("Singleton", "Stream")))]
        accounts[name] = {"exports": [*exports, stream(f"ev.{name.lower()}.>")], "imports": []}
    kit = [(name, word) for name in providers for word in ("m0", "m1", "m2") if chance.random() < 0.8]
    for number in range(chance.choice((6, 12))):
        imports = [
            taken for name, word in kit if chance.random() < 0.95 for taken in asked(chance, accounts, name, word)
        ]
        for name in providers:
            words = chance.sample("abcde", chance.choice((0, 2, 4)))
            imports += [stream(f"ev.{name.lower()}.{word}", name) for word in words]
        accounts[f"C{number}"] = {"imports": imports, "exports": []}
    for name in providers:
        if chance.random() < 0.4:
            other, word = chance.choice(kit) if kit else (name, "m0")
            accounts[name]["imports"] += asked(chance, accounts, other, word) if other != name else []
    if chance.random() < 0.5:
        accounts["C0"]["exports"] = [service("svc.back")]
        accounts[providers[0]]["imports"].append(
            service("svc.back", "C0", local_subject=f"svc.{providers[0].lower()}.m0")
        )
    return accounts


def asked(chance: random.Random, accounts: Accounts, name: str, word: str) -> list[dict[str, Any]]:
    (export, *_) = [each for each in accounts[name]["exports"] if each["type"] == "service"]
    subject = f"{export['subject'].rpartition('.')[0]}.{word}"
    renamed = {"local_subject": f"mine.{name}.{word}"} if chance.random() < 0.02 else {}
    return [service(subject, name, **renamed)]


def made(accounts: Accounts) -> Hierarchy:
    return store(
        *(
            Account(
                name,
                nats={
                    "exports": body["exports"],
                    "imports": [{**each, "account": str(signing.account(each["account"]))} for each in body["imports"]],
                },
            )
            for name, body in accounts.items()
        )
    )


def arrivals(graph: Any, hierarchy: Hierarchy, account: str, subject: str) -> dict[tuple[str, str], bool]:
    found = reach(graph, hierarchy, account, subject)
    return {(each.account, each.subject): each.certain for each in found.arrivals}


def check(before: Hierarchy, old: Any, suggestion: Suggestion, told: str) -> None:
    after = carried_out(before, suggestion, OPERATOR)
    graph = build(after, NOW)
    states = {}
    for exporter, importer, data in graph.edges(data=True):
        states[exporter, importer, data["remote"], data["local"]] = data["state"]
    was = {(e, i, data["remote"], data["local"]): data["state"] for e, i, data in old.edges(data=True)}
    for edge, state in states.items():
        assert state in (was.get(edge, State.WORKS), State.WORKS), f"{told}: {edge} {state}"
    for change in suggestion.changes:
        assert after.accounts[HUB.public if change.account == NEW else change.account].token.size == next(  # type: ignore[index]
            each.after for each in suggestion.accounts if each.account == change.account
        ), told
    prefix = suggestion.subject[:-1] if suggestion.kind is Kind.HUB and suggestion.subject.startswith("hub") else ""
    for change in suggestion.changes:
        for edge in change.drops[:2]:
            if edge.kind == "service":
                one, other = (
                    arrivals(old, before, edge.importer, edge.local),
                    arrivals(graph, after, edge.importer, prefix + edge.local),
                )
                gone = {place for place, sure in one.items() if sure and place[0] != edge.importer} - {
                    place for place, sure in other.items() if sure
                }
            else:
                one, other = (
                    arrivals(old, before, edge.exporter, edge.remote),
                    arrivals(graph, after, edge.exporter, edge.remote),
                )
                gone = {place for place, sure in one.items() if sure} - {p for p, sure in other.items() if sure}
            assert not gone, f"{told}: {edge.importer} {edge.remote} no longer reaches {gone}"
            new = {account for account, _ in other.keys() - one.keys()} - {edge.importer, HUB.public}
            opened = {gain.account for gain in suggestion.gained} | {gain.exporter for gain in suggestion.gained}
            assert new <= opened, f"{told}: {edge.remote} newly reaches {new}"
    if not suggestion.gained:
        (change,) = suggestion.changes
        (wide,) = change.imports
        assert all(Subject(wide.subject).covers(Subject(edge.remote)) for edge in change.drops)


def test_every_suggestion_does_what_it_says():
    seed = int(os.environ.get("PERMOPT_SEED") or random.randrange(2**32))
    chance = random.Random(seed)
    kinds = {Kind.BUNDLE: 0, Kind.HUB: 0}
    for number in range(400 if LONG else 12):
        accounts = drawn(chance)
        before = made(accounts)
        old = build(before, NOW)
        found = suggestions(old, before)
        for suggestion in found.suggestions[:5]:
            kinds[suggestion.kind] += 1
            assert suggestion.saved > 0
            check(
                before, old, suggestion, f"PERMOPT_SEED={seed} number {number} {suggestion.kind} {suggestion.subject}"
            )
    assert min(kinds.values()) > 5, kinds
