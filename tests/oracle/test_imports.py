"""Import states against the real nats-server: what the graph calls working, dropped or refused is so."""

from __future__ import annotations

import os
import random
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import pytest

from optimizer import read
from optimizer.claims.model import Import
from optimizer.graph import State, build
from optimizer.graph.resolve import route, without_places
from optimizer.settings import Server
from optimizer.subjects.subject import Subject
from tests import signing
from tests.oracle.server import OPERATOR, USER, RealServer, RefusedError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

pytestmark = pytest.mark.server

NOW = 1_795_000_000
LONG = os.environ.get("PERMOPT_BUDGET") == "long"


@dataclass
class Topology:
    """Accounts by letter, and what is expected of each import of account `B`, in order."""

    accounts: dict[str, dict[str, Any]]
    expected: tuple[str, ...]
    keys: dict[str, signing.Key] = field(default_factory=dict)


def stream(subject: str, **more: Any) -> dict[str, Any]:
    return {"name": subject, "subject": subject, "type": "stream", **more}


def service(subject: str, **more: Any) -> dict[str, Any]:
    return {"name": subject, "subject": subject, "type": "service", **more}


def of(account: str, taken: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {**taken, "account": account, **more}


def pair(exports: list[dict[str, Any]], imports: list[dict[str, Any]], *expected: str) -> Topology:
    """`A` exports, `B` imports from it."""
    return Topology({"A": {"exports": exports}, "B": {"imports": [of("A", each) for each in imports]}}, expected)


def activation(subject: str, kind: str, **more: Any) -> dict[str, Any]:
    """An activation by `A` for `B`, signed when the keys are there; ``by`` and ``sub`` name other accounts."""
    return {"subject": subject, "kind": kind, **more}


PRIVATE = {"token_req": True}
GRANTED = {"token": activation("p.>", "stream")}

NAMED: dict[str, Topology] = {
    "an import equal to an export works": pair([stream("s.a")], [stream("s.a")], "works"),
    "an import inside one export works": pair(
        [service("svc.>")], [service("svc.a"), service("svc.b.*")], "works", "works"
    ),
    "an import must lie inside one export, not inside two": pair(
        [service("svc.a"), service("svc.b")], [service("svc.*")], "dropped"
    ),
    "exports that make up a wildcard together do not contain it": pair(
        [stream("u.*"), stream("v.*.>")], [stream("u.>"), stream("v.>")], "dropped", "dropped"
    ),
    "a stream is no service": pair([stream("s.a")], [service("s.a")], "dropped"),
    "nothing is exported": pair([], [stream("s.a"), service("s.a")], "dropped", "dropped"),
    "a legacy service names the exporter's subject in `to`": pair(
        [service("svc.a")], [service("mine.a", to="svc.a"), service("svc.a", to="mine.a")], "works", "dropped"
    ),
    "a legacy stream names a prefix in `to`": pair(
        [stream("s.>")], [stream("s.a", to="pre"), stream("s.b.*", to="p.q")], "works", "works"
    ),
    "a prefix has no wildcards": pair([stream("s.>")], [stream("s.a", to="pre.*")], "dropped"),
    "a legacy service maps wildcard to wildcard": pair([service("svc.*")], [service("mine.*", to="svc.*")], "works"),
    "and no wildcard to none": pair([service("svc.*")], [service("lit", to="svc.*")], "dropped"),
    "legacy services must not overlap in the exporter's subject": pair(
        [service("svc.*")], [service("mine.a", to="svc.a"), service("mine.b", to="svc.*")], "refused", "refused"
    ),
    "a local subject renames, and may swap wildcards": pair(
        [stream("s.*.*"), service("svc.*.*")],
        [stream("s.*.*", local_subject="l.$2.$1"), service("svc.*.*", local_subject="m.$2.$1")],
        "works",
        "works",
    ),
    "a local subject must keep every wildcard": pair(
        [stream("s.*.*")], [stream("s.*.*", local_subject="l.$1")], "refused"
    ),
    "only one of `local_subject` and `to`": pair(
        [service("svc.a")], [service("svc.a", to="svc.a", local_subject="l")], "refused"
    ),
    "service imports of one account must not overlap": pair(
        [service("svc.*")], [service("svc.*"), service("svc.a")], "refused", "refused"
    ),
    "stream imports may overlap": pair([stream("s.>")], [stream("s.>"), stream("s.a")], "works", "works"),
    "the same stream twice: the second is dropped, whatever it is called": pair(
        [stream("s.a")],
        [stream("s.a", local_subject="l.one"), stream("s.a", local_subject="l.two")],
        "works",
        "dropped",
    ),
    "two legacy services under one name: the second is dropped": pair(
        [service("svc.*")], [service("mine", to="svc.a"), service("mine", to="svc.b")], "works", "dropped"
    ),
    "the same service under two names works": pair(
        [service("svc.a")],
        [service("svc.a", local_subject="l.one"), service("svc.a", local_subject="l.two")],
        "works",
        "works",
    ),
    "exports of one type must not contain each other": Topology(
        {"A": {"exports": [stream("s.>"), stream("s.a")]}, "B": {"imports": [of("A", stream("s.a"))]}}, ("dropped",)
    ),
    "a stream and a service may share a subject": pair(
        [stream("x.a"), service("x.a")], [stream("x.a"), service("x.a")], "works", "works"
    ),
    "a private export needs an activation": pair([stream("p.>", **PRIVATE)], [stream("p.a")], "dropped"),
    "an activation lets in": pair([stream("p.>", **PRIVATE)], [stream("p.a", **GRANTED)], "works"),
    "an activation on a public export is not asked for": pair([stream("p.>")], [stream("p.a")], "works"),
    "an activation narrower than the import refuses the account": pair(
        [stream("p.>", **PRIVATE)], [stream("p.>", token=activation("p.a", "stream"))], "refused"
    ),
    "an activation of the other type refuses the account": pair(
        [stream("p.>", **PRIVATE)], [stream("p.a", token=activation("p.>", "service"))], "refused"
    ),
    "an activation for somebody else refuses the account": pair(
        [stream("p.>", **PRIVATE)], [stream("p.a", token=activation("p.>", "stream", sub="C"))], "refused"
    ),
    "an activation by somebody else refuses the account": pair(
        [stream("p.>", **PRIVATE)], [stream("p.a", token=activation("p.>", "stream", by="C"))], "refused"
    ),
    "a signing key of the exporter may issue": Topology(
        {
            "A": {"exports": [stream("p.>", **PRIVATE)], "signing_keys": ["S"]},
            "B": {"imports": [of("A", stream("p.a", token=activation("p.>", "stream", by="S", issuer_account="A")))]},
        },
        ("works",),
    ),
    "a signing key that was removed may not": pair(
        [stream("p.>", **PRIVATE)],
        [stream("p.a", token=activation("p.>", "stream", by="S", issuer_account="A"))],
        "dropped",
    ),
    "an expired activation drops the import": pair(
        [service("p.a", **PRIVATE)], [service("p.a", token=activation("p.a", "service", exp=NOW - 10**7))], "dropped"
    ),
    "a revoked activation drops the import": pair(
        [stream("p.>", **PRIVATE, revocations={"B": signing.ISSUED})], [stream("p.a", **GRANTED)], "dropped"
    ),
    "everybody's revocation drops the import": pair(
        [stream("p.>", **PRIVATE, revocations={"*": signing.ISSUED + 5})], [stream("p.a", **GRANTED)], "dropped"
    ),
    "a revocation before the activation was issued does not": pair(
        [stream("p.>", **PRIVATE, revocations={"B": signing.ISSUED - 1})], [stream("p.a", **GRANTED)], "works"
    ),
    "a revocation on a public export does nothing": pair(
        [stream("p.>", revocations={"B": signing.ISSUED})], [stream("p.a", **GRANTED)], "works"
    ),
    "the account token position takes the importer's key": pair(
        [service("t.*.a", account_token_position=2)], [service("t.{B}.a", local_subject="mine")], "works"
    ),
    "and nobody else's": pair([service("t.*.a", account_token_position=2)], [service("t.{A}.a")], "dropped"),
    "and no wildcard": pair(
        [stream("t.*.>", account_token_position=2)], [stream("t.*.>"), stream("t.*.x")], "dropped", "dropped"
    ),
    "a position stands above the activation": pair(
        [stream("t.*", account_token_position=2, **PRIVATE)], [stream("t.{B}")], "works"
    ),
    "a limit on imports refuses the account": Topology(
        {
            "A": {"exports": [stream("s.>")]},
            "B": {
                "imports": [of("A", stream("s.a")), of("A", stream("s.b"))],
                "limits": {**signing.NO_LIMITS, "imports": 1},
            },
        },
        ("refused", "refused"),
    ),
    "without limits in the token no import is allowed": Topology(
        {"A": {"exports": [stream("s.>")]}, "B": {"imports": [of("A", stream("s.a"))], "limits": {}}}, ("refused",)
    ),
    "a limit on exports refuses the exporter": Topology(
        {
            "A": {"exports": [stream("s.a"), stream("s.b")], "limits": {**signing.NO_LIMITS, "exports": 1}},
            "B": {"imports": [of("A", stream("s.a"))]},
        },
        ("dropped",),
    ),
    "so does a wildcard where none is allowed": Topology(
        {
            "A": {"exports": [stream("s.*")], "limits": {**signing.NO_LIMITS, "exports": 5, "wildcards": False}},
            "B": {"imports": [of("A", stream("s.a"))]},
        },
        ("dropped",),
    ),
    "a limit on exports alone says whether wildcards are counted": Topology(
        {
            "A": {"exports": [stream("s.*")], "limits": {**signing.NO_LIMITS, "wildcards": False}},
            "B": {"imports": [of("A", stream("s.a"))]},
        },
        ("works",),
    ),
    "a tail that is not last is no wildcard to the limit": Topology(
        {
            "A": {
                "exports": [stream("s.a"), stream("x.>.y")],
                "limits": {**signing.NO_LIMITS, "exports": 5, "wildcards": False},
            },
            "B": {"imports": [of("A", stream("s.a"))]},
        },
        ("works",),
    ),
    "a limit that is reached refuses nothing": Topology(
        {
            "A": {"exports": [stream("s.>")], "limits": {**signing.NO_LIMITS, "exports": 1}},
            "B": {"imports": [of("A", stream("s.a"))], "limits": {**signing.NO_LIMITS, "imports": 1}},
        },
        ("works",),
    ),
    "a limit below -1 is one": Topology(
        {
            "A": {"exports": [stream("s.a")]},
            "B": {"imports": [of("A", stream("s.a"))], "limits": {**signing.NO_LIMITS, "imports": -2}},
        },
        ("refused",),
    ),
    "a broken default permission refuses the exporter": Topology(
        {
            "A": {"exports": [stream("s.a")], "default_permissions": {"pub": {"allow": ["a..b"]}}},
            "B": {"imports": [of("A", stream("s.a"))]},
        },
        ("dropped",),
    ),
    "a broken mapping refuses the importer": Topology(
        {
            "A": {"exports": [stream("s.a")]},
            "B": {
                "imports": [of("A", stream("s.a"))],
                "mappings": {"m": [{"subject": "n", "weight": 60}, {"subject": "o", "weight": 60}]},
            },
        },
        ("refused",),
    ),
    "an exporter that nobody knows": Topology({"B": {"imports": [of("A", stream("s.a"))]}}, ("unknown",)),
    "exports that overlap and agree": pair([service("o.*.b"), service("o.a.*")], [service("o.a.b")], "works"),
    "a token that only begins with a star matches like one": pair([stream("s.*x")], [stream("s.foo")], "works"),
    "a stream taken on to a third account": Topology(
        {
            "A": {"exports": [stream("s.a")]},
            "B": {"imports": [of("C", stream("s.a"))]},
            "C": {"imports": [of("A", stream("s.a"))], "exports": [stream("s.a")]},
        },
        ("works",),
    ),
    "an import from oneself": Topology(
        {
            "B": {
                "exports": [stream("s.a"), service("v.a")],
                "imports": [of("B", stream("s.a", local_subject="l.a")), of("B", service("v.a", local_subject="m.a"))],
            }
        },
        ("works", "works"),
    ),
    "an import from oneself under its own name": Topology(
        {
            "B": {
                "exports": [stream("s.a"), service("v.a")],
                "imports": [of("B", stream("s.a")), of("B", service("v.a"))],
            }
        },
        ("works", "works"),
    ),
    "two accounts that import the same service from each other": Topology(
        {
            "A": {"exports": [service("c.a")], "imports": [of("B", service("c.a"))]},
            "B": {"exports": [service("c.a")], "imports": [of("A", service("c.a"))]},
        },
        ("unknown",),
    ),
}


def signed(name: str, topology: Topology) -> dict[str, str]:
    """The account tokens of a topology by key, letters replaced by keys and activations signed."""
    keys = topology.keys = {letter: signing.account(f"{name} {letter}") for letter in "ABCS"}

    def filled(value: Any) -> Any:
        match value:
            case str():
                return value.format(**keys) if "{" in value else value
            case dict():
                return {str(keys.get(key, key)): filled(item) for key, item in value.items()}
            case list():
                return [filled(item) for item in value]
            case _:
                return value

    def imported(taken: dict[str, Any]) -> dict[str, Any]:
        taken = filled(taken) | {"account": str(keys[taken["account"]])}
        granted = taken.pop("token", None)
        if granted is not None:
            granted = dict(granted)
            issuer, importer = keys[granted.pop("by", "A")], keys[granted.pop("sub", "B")]
            outer = {"exp": granted.pop("exp")} if "exp" in granted else {}
            if "issuer_account" in granted:
                granted["issuer_account"] = str(keys[granted["issuer_account"]])
            claims = {"name": "act", "sub": str(importer), "nats": {**granted, "type": "activation", "version": 2}}
            taken["token"] = signing.sign(claims | outer, issuer)
        return taken

    tokens = {}
    for letter, claims in topology.accounts.items():
        body = filled({key: value for key, value in claims.items() if key != "imports"})
        body["signing_keys"] = [str(keys[key]) for key in claims.get("signing_keys", ())]
        body["imports"] = [imported(each) for each in claims.get("imports", ())]
        tokens[str(keys[letter])] = signing.sign(signing.account_claims(keys[letter], letter, **body), OPERATOR)
    return tokens


def member(account: signing.Key) -> str:
    return signing.sign(signing.user_claims(USER, None, "member"), account)


def tried(server: RealServer, importer: signing.Key, exporter: signing.Key, claims: Import) -> str:
    """What the real server makes of one import."""
    try:
        mine = server.connect(member(importer))
    except RefusedError:
        return "refused"
    with mine:
        try:
            theirs = server.connect(member(exporter))
        except RefusedError:
            return "dropped"
        with theirs:
            remote, local = literals(claims)
            giver, sent, taker, heard = (
                (theirs, remote, mine, local) if claims.type == "stream" else (mine, local, theirs, remote)
            )
            taker.say(f"SUB {heard} 1")
            giver.say(f"PUB {sent} 0\r\n")
            return "works" if any(event.verb == "MSG" for event in taker.say()) else "dropped"


def literals(claims: Import) -> tuple[str, str]:
    """A literal subject of the exporter and the importer's name for it."""
    path = route(claims)
    places = [token for token in path.local.split(".") if token[:1] == "$"]
    # Where one wildcard is named twice, only a subject with equal tokens can be told apart from no import at all.
    values = [f"w{index if len(places) == len(set(places)) else 1}" for index in range(1, 10)]

    def literal(subject: str) -> str:
        stars = iter(values)
        tokens = []
        for token in subject.split("."):
            if token == "*":
                tokens.append(next(stars))
            elif token[:1] == "$" and token[1:].isdigit():
                tokens.append(values[int(token[1:]) - 1])
            else:
                tokens.append("t.u" if token == ">" else token)
        return ".".join(tokens)

    return literal(path.remote), literal(path.local)


def compared(server: RealServer, topologies: Mapping[str, Topology]) -> Iterator[tuple[str, int, State, str, str]]:
    """For each import of each `B`: the state in the graph, what the server did, and the graph's reason."""
    graph = build(read(str(server.directory / "server.conf"), now=NOW), NOW)
    for name, topology in topologies.items():
        importer = topology.keys["B"]
        letters = {str(key): key for key in topology.keys.values()}
        edges = sorted(
            (index, exporter, edge) for exporter, _, index, edge in graph.in_edges(str(importer), keys=True, data=True)
        )
        for index, exporter, edge in edges:
            yield name, index, edge["state"], tried(server, importer, letters[exporter], edge["claims"]), edge["reason"]


@pytest.fixture(scope="module")
def named(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RealServer]:
    tokens: dict[str, str] = {}
    for name, topology in NAMED.items():
        tokens |= signed(name, topology)
    with RealServer(Server.CURRENT, tmp_path_factory.mktemp("imports"), tokens) as server:
        yield server


def test_every_topology_resolves_as_on_the_real_server(named: RealServer):
    found: dict[str, list[str]] = {}
    wrong = []
    for name, index, state, real, reason in compared(named, NAMED):
        found.setdefault(name, []).append(state.value)
        if state is not State.UNKNOWN and state.value != real:
            wrong.append(f"{name} [{index}]: graph {state.value} ({reason}), server {real}")
    assert not wrong, "\n".join(wrong)
    assert found == {name: list(topology.expected) for name, topology in NAMED.items()}


def test_of_a_cycle_the_server_drops_an_import_that_the_graph_calls_unknown(named: RealServer):
    topology = NAMED["two accounts that import the same service from each other"]
    states = {(state, real) for _, _, state, real, _ in compared(named, {"": topology})}
    back = Topology({}, (), {**topology.keys, "A": topology.keys["B"], "B": topology.keys["A"]})
    states |= {(state, real) for _, _, state, real, _ in compared(named, {"": back})}
    assert {state for state, _ in states} == {State.UNKNOWN}
    assert "dropped" in {real for _, real in states}


SUBJECTS = (
    "a.b",
    "a.c",
    "a.*",
    "a.>",
    "*.b",
    "*.*",
    "a.*.b",
    "a.*.*",
    "b.*.a",
    "*.a.*",
    ">",
    "a.b.c",
    "a.>.b",
    "a.*x",
    "*x.b",
)
LOCALS = (
    "l",
    "l.*",
    "l.$1",
    "l.$2.$1",
    "l.$1.$1",
    "l.*.$2",
    "l.>",
    "l.$1.>",
    "a.b",
    "a.*",
    "l.{{wildcard(1)}}",
    "$1.l",
)


def own_name(taken: Mapping[str, Any]) -> str:
    fields = {name: taken[name] for name in ("subject", "type", "to", "local_subject") if name in taken}
    return without_places(route(Import(**fields)).local)


def drawn(chance: random.Random) -> Topology:
    """A small topology at random: what the named ones do not think of."""

    def export() -> dict[str, Any]:
        made = chance.choice((stream, service))(chance.choice(SUBJECTS))
        stars = [place for place, token in enumerate(made["subject"].split("."), 1) if token == "*"]
        if stars and chance.random() < 0.15:
            made["account_token_position"] = chance.choice(stars)
        if chance.random() < 0.25:
            made["token_req"] = True
            if chance.random() < 0.3:
                made["revocations"] = {chance.choice("B*"): signing.ISSUED + chance.choice((-1, 0, 1))}
        return made

    def taken(exports: Mapping[str, list[dict[str, Any]]]) -> dict[str, Any]:
        account = chance.choice("AAAC")
        aim = chance.choice(exports[account])
        kind = aim["type"] if chance.random() < 0.9 else chance.choice(("stream", "service"))
        subject = narrowed(aim["subject"]) if chance.random() < 0.8 else chance.choice(SUBJECTS)
        if chance.random() < 0.1:
            subject = subject.replace("*", "{B}", 1)
        made = of(account, {"name": subject, "subject": subject, "type": kind})
        stars = subject.split(".").count("*")
        if chance.random() < 0.3:
            places = [f"${place}" for place in range(1, stars + 1)]
            chance.shuffle(places)
            made["local_subject"] = ".".join(["l", *places, *([">"] if subject[-1] == ">" else [])])
        elif chance.random() < 0.15:
            made["local_subject"] = chance.choice(LOCALS)
        elif chance.random() < 0.2:
            made["to"] = chance.choice(SUBJECTS[:10])
        if chance.random() < (0.8 if aim.get("token_req") else 0.1):
            made["token"] = activation(chance.choice((subject, ">")), kind)
            made["token"]["by"] = account if chance.random() < 0.9 else "A"
        return made

    def narrowed(subject: str) -> str:
        tokens = [chance.choice(("x", "*")) if token == "*" else token for token in subject.split(".")]
        if tokens[-1] == ">" and chance.random() < 0.6:
            tokens[-1:] = chance.choice((["x"], ["*"], ["x", ">"]))
        return ".".join(tokens)

    exports = {"A": [export() for _ in range(chance.choice((1, 1, 1, 2)))], "C": [export()]}
    accounts: dict[str, dict[str, Any]] = {letter: {"exports": exports[letter]} for letter in exports}
    imports = [taken(exports) for _ in range(chance.choice((1, 1, 1, 2)))]
    if len(imports) > 1 and Subject(own_name(imports[0])).overlaps(Subject(own_name(imports[1]))):
        imports.pop()  # the messages of one would look like the other's
    accounts["B"] = {"imports": imports}
    return Topology(accounts, ())


def test_random_topologies_resolve_as_on_the_real_server(tmp_path: Path):
    seed = int(os.environ.get("PERMOPT_SEED") or random.randrange(2**32))
    chance = random.Random(seed)
    topologies = {str(number): drawn(chance) for number in range(4000 if LONG else 500)}
    tokens: dict[str, str] = {}
    for name, topology in topologies.items():
        tokens |= signed(f"{seed} {name}", topology)
    with RealServer(Server.CURRENT, tmp_path / "server", tokens) as server:
        outcomes = list(compared(server, topologies))
    wrong = [
        f"{topologies[name].accounts} [{index}]: graph {state.value} ({reason}), server {real}"
        for name, index, state, real, reason in outcomes
        if state is not State.UNKNOWN and state.value != real
    ]
    assert not wrong, f"PERMOPT_SEED={seed}\n" + "\n".join(wrong[:5])
    assert {real for _, _, _, real, _ in outcomes} == {"works", "dropped", "refused"}
    assert sum(state is State.UNKNOWN for _, _, state, _, _ in outcomes) < len(outcomes) / 4
