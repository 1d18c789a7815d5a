"""Bundles, hubs and cycles against the real servers and the real nsc."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from optimizer import read
from optimizer.claims.decode import decode
from optimizer.claims.model import AccountClaims
from optimizer.claims.token import parse_token
from optimizer.graph import State, build
from optimizer.graph.analysis import analysis
from optimizer.graph.consolidate import suggestions
from optimizer.graph.suggestion import NEW, Kind
from optimizer.hierarchy import Signed
from optimizer.settings import Server
from tests import signing
from tests.oracle.nsc_tool import Store
from tests.oracle.server import OPERATOR, USER, Client, RealServer
from tests.oracle.test_imports import tried
from tests.oracle.test_reach import key, part_of, signed
from tests.topologies import CYCLES, HUB, NO_CYCLES, carried_out, case_accounts, consumers, stream

if TYPE_CHECKING:
    from pathlib import Path

    from optimizer.graph.suggestion import Suggestion
    from optimizer.hierarchy import Hierarchy

NOW = 1_795_000_000


def hierarchy_of(name: str, accounts: dict[str, dict[str, Any]]) -> Hierarchy:
    """Accounts as the server of these tests is given them."""
    from optimizer.claims.model import OperatorClaims  # noqa: PLC0415
    from optimizer.hierarchy import Hierarchy  # noqa: PLC0415

    operator = parse_token(signing.sign(signing.operator_claims(OPERATOR, "oracle"), OPERATOR))
    claims = decode(operator)
    assert isinstance(claims, OperatorClaims)
    loaded = {}
    for account, text in signed(name, accounts).items():
        one = decode(parse_token(text))
        assert isinstance(one, AccountClaims)
        loaded[one.sub] = Signed(one, parse_token(text), account)
    return Hierarchy(operator=Signed(claims, operator, "op"), accounts=loaded)


def tap(server: RealServer, account: signing.Key) -> Client:
    return server.connect(signing.sign(signing.user_claims(USER, None, "tap"), account))


@pytest.mark.server
@pytest.mark.parametrize("generation", list(Server))
@pytest.mark.parametrize("root", ["svc.p{}", "s{}"], ids=["names kept", "names with a prefix"])
def test_requests_cross_a_suggested_hub_and_replies_come_back(tmp_path: Path, generation: Server, root: str):
    before = hierarchy_of("hub", consumers(12, 6, 2, root=root))
    (hub,) = suggestions(build(before, NOW), before).suggestions
    assert hub.kind is Kind.HUB
    after = carried_out(before, hub, OPERATOR)
    prefix = "" if root.startswith("svc") else "hub."
    tokens = {str(account): one.token.text for account, one in after.accounts.items()}
    with RealServer(generation, tmp_path / "server", tokens) as server:
        for provider, consumer in ((0, 3), (5, 11)):
            subject = f"{root.format(provider)}.m1"
            giver, asker = tap(server, key("hub", f"P{provider}")), tap(server, key("hub", f"C{consumer}"))
            hubs_user = tap(server, HUB)
            with giver, asker, hubs_user:
                giver.say(f"SUB {subject} 1")
                hubs_user.say("SUB > 1")
                asker.say("SUB back 1", f"PUB {prefix}{subject} back 1\r\nq")
                (request,) = [event for event in giver.say() if event.verb == "MSG"]
                giver.say(f"PUB {request.text} 1\r\na")
                assert [event.body for event in asker.say() if event.verb == "MSG"] == ["a"]
                assert {event.body for event in hubs_user.say() if event.verb == "MSG"} == {"q", "a"}


@pytest.mark.server
@pytest.mark.parametrize("generation", list(Server))
def test_a_suggested_bundle_brings_what_its_parts_brought(tmp_path: Path, generation: Server):
    imports = [stream(f"ev.{word}.x", "A", local_subject=f"in.{word}") for word in "abcd"]
    before = hierarchy_of("bundle", {"A": {"exports": [stream("ev.>")]}, "B": {"imports": imports}})
    (bundle,) = suggestions(build(before, NOW), before).suggestions
    after = carried_out(before, bundle, OPERATOR)
    with (
        RealServer(
            generation, tmp_path / "server", {str(account): one.token.text for account, one in after.accounts.items()}
        ) as server,
        tap(server, key("bundle", "A")) as giver,
        tap(server, key("bundle", "B")) as taker,
    ):
        taker.say("SUB > 1")
        giver.say(*[f"PUB ev.{word}.x 0\r\n" for word in "abcdz"])
        heard = [event.subject for event in taker.say() if event.verb == "MSG"]
    assert heard == [f"in.{word}" for word in "abcdz"]  # the last is what it opens
    assert [gain.subject for gain in bundle.gained] == ["ev.*.x"]


@pytest.mark.server
@pytest.mark.parametrize("generation", list(Server))
def test_the_servers_drop_an_import_of_each_cycle_and_of_nothing_that_only_looks_like_one(
    tmp_path: Path, generation: Server
):
    tokens: dict[str, str] = {}
    for case in (*CYCLES, *NO_CYCLES):
        tokens |= signed(case, case_accounts(case))
    with RealServer(generation, tmp_path / "server", tokens) as server:
        whole = read(str(server.directory / "server.conf"), now=NOW)
        for case in (*CYCLES, *NO_CYCLES):
            hierarchy = part_of(whole, case, case_accounts(case))
            keys = {key(case, name).public: key(case, name) for name in case_accounts(case)}
            graph = build(hierarchy, NOW)
            real = {
                (importer, place): tried(server, keys[importer], keys[exporter], data["claims"])
                for exporter, importer, place, data in graph.edges(keys=True, data=True)
            }
            cycles = analysis(graph, hierarchy, NOW).cycles
            named = {(edge.importer, edge.place) for cycle in cycles for edge in cycle.imports}
            dropped = {place for place, outcome in real.items() if outcome == "dropped"}
            assert bool(dropped) == bool(cycles) == (case in CYCLES), (case, real)
            assert dropped <= named, case
            assert all(
                data["state"] is (State.UNKNOWN if case in CYCLES else State.WORKS)
                for _, _, data in graph.edges(data=True)
            )


@pytest.mark.nsc
def test_tokens_weigh_what_was_said_when_nsc_makes_the_hub(tmp_path: Path):
    store = Store(tmp_path / "nsc")
    services = {provider: [f"svc.{provider.lower()}.m{number}" for number in range(4)] for provider in ("P0", "P1")}
    for provider, subjects in services.items():
        store.nsc("add", "account", f"--name={provider}")
        for subject in subjects:
            store.nsc("add", "export", "--service", f"--subject={subject}", f"--account={provider}")
    takers = [f"C{number}" for number in range(6)]
    for taker in takers:
        store.nsc("add", "account", f"--name={taker}")
        for provider, subjects in services.items():
            for subject in subjects:
                add_import(store, taker, store.key(provider), subject)
    hierarchy = read(str(tmp_path / "nsc" / "OP"), now=NOW)
    result = suggestions(build(hierarchy, NOW), hierarchy)
    hub: Suggestion = result.suggestions[0] if result.suggestions else result.best_hub  # type: ignore[assignment]
    assert hub.kind is Kind.HUB
    store.nsc("add", "account", "--name=hub")
    for each in hub.changes[0].imports:
        add_import(store, "hub", each.account, each.subject, each.local_subject)
    store.nsc("add", "export", "--service", f"--subject={hub.subject}", "--account=hub")
    said = {each.account: each.after for each in hub.accounts}
    assert len(store.path("hub").read_text().strip()) == said[NEW]
    taker = store.key("C2")
    for edge in next(change for change in hub.changes if change.account == taker).drops:
        store.nsc("delete", "import", f"--subject={edge.remote}", "--account=C2", f"--src-account={edge.exporter}")
    add_import(store, "C2", store.key("hub"), hub.subject)
    assert len(store.path("C2").read_text().strip()) == said[taker]
    after = read(str(tmp_path / "nsc" / "OP"), now=NOW)
    assert {data["state"] for _, taker, data in build(after, NOW).edges(data=True)} <= {State.WORKS, State.UNKNOWN}


def add_import(store: Store, account: str, exporter: str, remote: str, local: str = "") -> None:
    names = [f"--remote-subject={remote}", f"--name={remote}", *([f"--local-subject={local}"] if local else [])]
    store.nsc("add", "import", "--service", f"--src-account={exporter}", f"--account={account}", *names)
