"""Where a message arrives, asked of the real servers: nobody who hears it is missing, and what is certain arrives."""

from __future__ import annotations

import itertools
import os
import random
from contextlib import ExitStack
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Self

import pytest

from optimizer import read
from optimizer.access.reached import reached
from optimizer.graph import build
from optimizer.graph.analysis import Effect, analysis
from optimizer.graph.reach import reach
from optimizer.settings import Server
from optimizer.subjects.subject import Subject
from tests import signing
from tests.oracle.server import OPERATOR, USER, Client, RealServer, RefusedError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from pathlib import Path

    from optimizer.hierarchy import Hierarchy

pytestmark = pytest.mark.server

NOW = 1_795_000_000
LONG = os.environ.get("PERMOPT_BUDGET") == "long"
LETTERS = "ABCD"
COPIES = 3
SUBJECTS = ("a", "a.b", "a.c", "b.a", "a.b.c", "c", "b.c.a")
PATTERNS = ("a", "a.b", "a.*", "a.>", "*.b", "*.a", "*.*", "a.*.*", "b.>", "b.*.a", "a.b.c", ">", "c", "b.a")

Accounts = dict[str, dict[str, Any]]


def stream(subject: str, account: str = "", **more: Any) -> dict[str, Any]:
    return {"name": "n", "subject": subject, "type": "stream", **({"account": account} if account else {}), **more}


def service(subject: str, account: str = "", **more: Any) -> dict[str, Any]:
    return {**stream(subject, account, **more), "type": "service"}


def drawn(chance: random.Random) -> Accounts:
    """Four accounts that export, import and map."""
    accounts: Accounts = {letter: {"exports": [], "imports": [], "mappings": {}} for letter in LETTERS}
    for letter in LETTERS:
        for make in (stream, service):
            if chance.random() < 0.8:
                accounts[letter]["exports"].append(make(chance.choice(PATTERNS)))
    for letter in LETTERS:
        for _ in range(chance.choice((0, 1, 2, 3))):
            giver = chance.choice(LETTERS)
            if accounts[giver]["exports"]:
                accounts[letter]["imports"].append(taken(chance, giver, chance.choice(accounts[giver]["exports"])))
        if chance.random() < 0.4:
            source = chance.choice(PATTERNS)
            accounts[letter]["mappings"][source] = targets(chance, source)
    return accounts


def taken(chance: random.Random, giver: str, export: Mapping[str, Any]) -> dict[str, Any]:
    tokens = [chance.choice(("a", "b", "*")) if token == "*" else token for token in export["subject"].split(".")]
    if tokens[-1] == ">" and chance.random() < 0.5:
        tokens[-1:] = chance.choice((["a"], ["*"], ["b", ">"]))
    made = {**export, "subject": ".".join(tokens), "account": giver}
    if chance.random() < 0.5:
        made["local_subject"] = renamed(chance, made["subject"])
    elif export["type"] == "stream" and chance.random() < 0.2:
        made["to"] = "pre"
    return made


def renamed(chance: random.Random, subject: str) -> str:
    places = [f"${place}" for place in range(1, subject.split(".").count("*") + 1)]
    chance.shuffle(places)
    return ".".join([chance.choice("abl"), *places, *([">"] if subject[-1] == ">" else [])])


def targets(chance: random.Random, source: str) -> list[dict[str, Any]]:
    if chance.random() < 0.6:
        return [{"subject": renamed(chance, source), "weight": chance.choice((100, 100, 60))}]
    return [{"subject": f"{letter}.{renamed(chance, source)}", "weight": 50} for letter in "xa"]


def signed(name: str, accounts: Accounts) -> dict[str, str]:
    """Account tokens by key, letters replaced by keys."""
    tokens = {}
    for letter, claims in accounts.items():
        imports = [{**each, "account": key(name, each["account"]).public} for each in claims.get("imports", ())]
        mine = key(name, letter)
        tokens[mine.public] = signing.sign(
            signing.account_claims(mine, letter, **{**claims, "imports": imports}), OPERATOR
        )
    return tokens


def key(name: str, letter: str) -> signing.Key:
    return signing.account(f"reach {name} {letter}")


class Taps:
    """One client in each account that loads, listening to everything."""

    def __init__(self, server: RealServer, name: str, hierarchy: Hierarchy) -> None:
        self._stack = ExitStack()
        self.clients: dict[str, Client] = {}
        for letter in LETTERS:
            mine = key(name, letter)
            if mine.public in hierarchy.accounts and not refused(hierarchy, mine.public):
                token = signing.sign(signing.user_claims(USER, None, "tap"), mine)
                try:
                    self.clients[letter] = self._stack.enter_context(server.connect(token))
                except RefusedError:
                    # Before jwt 2.8.1 a server refuses overlapping service imports, of which the graph knows nothing.
                    self._stack.close()
                    assert server.generation is Server.EARLIER
                    raise

    def __enter__(self) -> Self:
        for client in self.clients.values():
            client.say("SUB > 1")
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    def heard(self, letter: str, subject: str, copies: int = COPIES) -> dict[tuple[str, str], int]:
        """How often each account hears what a client of one publishes, by account and subject."""
        body = f"{subject} from {letter}"
        said = {letter: self.clients[letter].say(*[f"PUB {subject} {len(body)}\r\n{body}" for _ in range(copies)])}
        said |= {other: client.say() for other, client in self.clients.items() if other != letter}
        counts: dict[tuple[str, str], int] = {}
        for other, events in said.items():
            for event in events:
                if event.verb == "MSG" and event.body == body:
                    counts[other, event.subject] = counts.get((other, event.subject), 0) + 1
        return counts


def refused(hierarchy: Hierarchy, account: str) -> str:
    return build(hierarchy.only(account), NOW).nodes[account]["refusal"]  # type: ignore[arg-type]


def predicted(hierarchy: Hierarchy, name: str, letter: str, subject: str) -> dict[tuple[str, str], bool]:
    letters = {key(name, each).public: each for each in LETTERS}
    found = reach(build(hierarchy, NOW), hierarchy, key(name, letter).public, subject)
    return {(letters[each.account], each.subject): each.certain for each in found.arrivals if each.account in letters}


def missing(heard: Mapping[tuple[str, str], int], said: Mapping[tuple[str, str], bool]) -> list[tuple[str, str]]:
    """What is heard and not foretold: a wildcard foretells every subject of its account that it matches."""

    def foretold(account: str, subject: str) -> bool:
        return any(who == account and Subject(what).admits(Subject(subject)) for who, what in said)

    return [place for place in heard if not foretold(*place)]


def part(hierarchy: Hierarchy, name: str) -> Hierarchy:
    """The accounts of one topology and the operator."""
    return part_of(hierarchy, name, LETTERS)


def part_of(hierarchy: Hierarchy, name: str, letters: Iterable[str]) -> Hierarchy:
    """The same of a topology whose accounts have other names."""
    keys = {key(name, letter).public for letter in letters}
    return replace(hierarchy, accounts={k: v for k, v in hierarchy.accounts.items() if k in keys})


@pytest.mark.parametrize("generation", list(Server))
def test_nobody_who_hears_a_message_is_missing_and_what_is_certain_arrives(tmp_path: Path, generation: Server):
    seed = int(os.environ.get("PERMOPT_SEED") or random.randrange(2**32))
    chance = random.Random(seed)
    topologies = {f"{seed} {number}": drawn(chance) for number in range(1200 if LONG else 120)}
    tokens: dict[str, str] = {}
    for name, accounts in topologies.items():
        tokens |= signed(name, accounts)
    certain = uncertain = across = 0
    with RealServer(generation, tmp_path / "server", tokens) as server:
        whole = read(str(server.directory / "server.conf"), now=NOW)
        for name, accounts in topologies.items():
            hierarchy = part(whole, name)
            try:
                tapped = Taps(server, name, hierarchy)
            except RefusedError:
                continue
            with tapped as taps:
                for letter, subject in itertools.product(taps.clients, chance.sample(SUBJECTS, 3)):
                    heard = taps.heard(letter, subject)
                    said = predicted(hierarchy, name, letter, subject)
                    told = f"PERMOPT_SEED={seed} {accounts} {letter} {subject}: heard {heard}, said {said}"
                    assert not missing(heard, said), told
                    sure = {place for place, yes in said.items() if yes}
                    assert all(heard.get(place, 0) >= COPIES for place in sure), told
                    certain += len(sure)
                    uncertain += len(said) - len(sure)
                    across += sum(account != letter for account, _ in sure)
    assert certain > 500
    assert across > 100
    assert uncertain < certain


NAMED: dict[str, tuple[Accounts, str, str, set[tuple[str, str]]]] = {
    "a stream goes one import far": (
        {
            "A": {"exports": [stream("s.>")]},
            "B": {"imports": [stream("s.>", "A")], "exports": [stream("s.>")]},
            "C": {"imports": [stream("s.>", "B")]},
        },
        "A",
        "s.x",
        {("A", "s.x"), ("B", "s.x")},
    ),
    "a service goes on, renamed twice": (
        {
            "A": {"exports": [service("svc.*")]},
            "B": {"imports": [service("svc.*", "A", local_subject="hub.*")], "exports": [service("hub.*")]},
            "C": {"imports": [service("hub.*", "B", local_subject="mine.*")]},
        },
        "C",
        "mine.x",
        {("C", "mine.x"), ("B", "hub.x"), ("A", "svc.x")},
    ),
    "what comes by a service import is not exported as a stream": (
        {
            "A": {"exports": [service("e.>"), stream("e.>")]},
            "B": {"imports": [service("e.>", "A")]},
            "C": {"imports": [stream("e.>", "A")]},
        },
        "B",
        "e.x",
        {("B", "e.x"), ("A", "e.x")},
    ),
    "mappings do not see what a stream brings": (
        {
            "A": {"exports": [stream("n.>")]},
            "B": {"imports": [stream("n.>", "A")], "mappings": {"n.>": [{"subject": "m.>", "weight": 100}]}},
        },
        "A",
        "n.x",
        {("A", "n.x"), ("B", "n.x")},
    ),
    "but they do see what a service brings": (
        {
            "A": {"exports": [service("n.>")], "mappings": {"n.>": [{"subject": "m.>", "weight": 100}]}},
            "B": {"imports": [service("n.>", "A")]},
        },
        "B",
        "n.x",
        {("B", "n.x"), ("A", "m.x")},
    ),
    "a mapping with one target twice is none": (
        {"A": {"mappings": {"n.*": [{"subject": "m.$1", "weight": 50}, {"subject": "m.$1", "weight": 50}]}}},
        "A",
        "n.x",
        {("A", "n.x")},
    ),
    "a mapping before the export decides who hears it": (
        {
            "A": {"exports": [stream("n.*")], "mappings": {"o.*.*": [{"subject": "n.{{wildcard(2)}}", "weight": 100}]}},
            "B": {"imports": [stream("n.*", "A", to="from.a")]},
        },
        "A",
        "o.x.y",
        {("A", "n.y"), ("B", "from.a.n.y")},
    ),
}


@pytest.fixture(scope="module", params=list(Server))
def named(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[RealServer]:
    tokens: dict[str, str] = {}
    for name, (accounts, *_) in {**NAMED, **SHARED}.items():
        tokens |= signed(name, accounts)
    with RealServer(request.param, tmp_path_factory.mktemp("reach"), tokens) as server:
        yield server


@pytest.mark.parametrize("name", NAMED)
def test_named_topologies(named: RealServer, name: str):
    _, letter, subject, expected = NAMED[name]
    hierarchy = part(read(str(named.directory / "server.conf"), now=NOW), name)
    with Taps(named, name, hierarchy) as taps:
        assert set(taps.heard(letter, subject)) == expected
    assert predicted(hierarchy, name, letter, subject) == dict.fromkeys(expected, True)


SHARED: dict[str, tuple[Accounts, str, tuple[str, str], int]] = {
    "ev.> and ev.a": (
        {"A": {"exports": [stream("ev.>")]}, "B": {"imports": [stream("ev.>", "A"), stream("ev.a", "A")]}},
        "twice",
        ("A", "ev.a"),
        2,
    ),
    "one subject of the exporter under two names": (
        {
            "A": {"exports": [stream("s.a")]},
            "B": {"imports": [stream("s.a", "A", local_subject="l.1"), stream("s.a", "A", local_subject="l.2")]},
        },
        "dropped",
        ("A", "s.a"),
        1,
    ),
    "one name for two exporters": (
        {
            "A": {"exports": [stream("s.*")]},
            "C": {"exports": [stream("s.*")]},
            "B": {"imports": [stream("s.*", "A"), stream("s.*", "C")]},
        },
        "merged",
        ("A", "s.x"),
        1,
    ),
    "two names for one message": (
        {
            "A": {"exports": [stream("s.>")]},
            "B": {"imports": [stream("s.a", "A"), stream("s.*", "A", local_subject="t.*")]},
        },
        "",
        ("A", "s.a"),
        2,
    ),
}


@pytest.mark.parametrize("name", SHARED)
def test_streams_that_share_subjects_do_what_the_analysis_says(named: RealServer, name: str):
    _, effect, (letter, subject), times = SHARED[name]
    hierarchy = part(read(str(named.directory / "server.conf"), now=NOW), name)
    found = analysis(build(hierarchy, NOW), hierarchy, NOW)
    assert [overlap.effect.value for overlap in found.overlaps] == ([effect] if effect else [])
    assert all(overlap.certain for overlap in found.overlaps)
    with Taps(named, name, hierarchy) as taps:
        heard = taps.heard(letter, subject, copies=1)
    by_subject = {what: count for (who, what), count in heard.items() if who == "B"}
    assert sum(by_subject.values()) == times
    assert (max(by_subject.values()) == 2) == (effect == Effect.TWICE.value)


RIVALS: dict[str, tuple[list[str], str, int]] = {
    "one service from two accounts": (["r.a", "r.a"], "r.a", 2),
    "services that overlap in part": (["r.*.c", "r.b.*"], "r.b.c", 2),
    "services apart": (["r.a", "r.b"], "r.a", 1),
}


@pytest.mark.parametrize("generation", list(Server))
def test_every_responder_answers(tmp_path: Path, generation: Server):
    tokens: dict[str, str] = {}
    for name, (subjects, *_) in RIVALS.items():
        given = dict(zip("AC", subjects, strict=True))
        accounts: Accounts = {letter: {"exports": [service(subject)]} for letter, subject in given.items()}
        accounts["B"] = {"imports": [service(subject, letter) for letter, subject in given.items()]}
        tokens |= signed(name, accounts)
    with RealServer(generation, tmp_path / "server", tokens) as server:
        whole = read(str(server.directory / "server.conf"), now=NOW)
        for name, (_, subject, answers) in RIVALS.items():
            hierarchy = part(whole, name)
            found = analysis(build(hierarchy, NOW), hierarchy, NOW)
            assert [each.subject for each in found.responders] == ([subject] if answers > 1 else []), name
            reasons = {data["reason"] for _, _, data in build(hierarchy, NOW).edges(data=True)}
            is_told = any("nats-server 2.11.8 refuses" in reason for reason in reasons)
            try:
                tapped = Taps(server, name, hierarchy)
            except RefusedError:
                assert is_told, name
                continue
            assert not (is_told and generation is Server.EARLIER), name
            with tapped as taps:
                heard = taps.heard("B", subject, copies=1)
            assert sum(who != "B" for who, _ in heard) == answers, name


BLOCKS: tuple[dict[str, Any], ...] = (
    {},
    {"sub": {"allow": ["a.*"]}},
    {"sub": {"allow": ["s.x", "a.b q"]}},
    {"sub": {"deny": ["s.x"]}},
    {"sub": {"allow": ["s.*"], "deny": ["s.x.y"]}},
    {"sub": {"allow": [">"], "deny": ["s.>"]}},
    {"pub": {"deny": [">"]}},
)


@pytest.mark.parametrize("generation", list(Server))
def test_known_users_hear_what_is_said_and_no_others(tmp_path: Path, generation: Server):
    name = "users"
    accounts: Accounts = {"A": {"exports": [stream("s.>")]}, "B": {"imports": [stream("s.>", "A")]}}
    tokens = signed(name, accounts)
    members = {
        signing.user(f"reach {number}"): signing.sign(
            signing.user_claims(signing.user(f"reach {number}"), None, f"user{number}", **block), key(name, "B")
        )
        for number, block in enumerate(BLOCKS)
    }
    with RealServer(generation, tmp_path / "server", tokens) as server:
        whole = read(str(server.directory / "server.conf"), now=NOW)
        (tmp_path / "dir").mkdir()
        for number, token in enumerate([*tokens.values(), *members.values()]):
            (tmp_path / "dir" / f"{number}.jwt").write_text(token)
        hierarchy = part(read(f"dir:{tmp_path / 'dir'}", now=NOW), name)
        assert set(hierarchy.accounts) <= set(whole.accounts)
        graph = build(hierarchy, NOW)
        publisher = server.connect(signing.sign(signing.user_claims(USER, None, "p"), key(name, "A")))
        for subject in ("s.x", "s.x.y", "s.y", "s.y.z"):
            found = reach(graph, hierarchy, key(name, "A").public, subject)
            (there,) = (
                each
                for each in reached(hierarchy, found, [generation])
                if each.arrival.account == key(name, "B").public
            )
            said = {receiver.name: receiver.by_name for receiver in there.receivers}
            for number, (user, token) in enumerate(members.items()):
                entries = [entry.split() for entry in BLOCKS[number].get("sub", {}).get("allow", [])]
                tail = subject.partition(".")[2]
                tries = [subject, f"*.{tail}", "s.>", "s.*", ">", "*.>", *[" ".join(entry) for entry in entries]]
                got = {}
                for wanted in tries:
                    with server.connect(token, user) as client:
                        client.say(f"SUB {wanted} 1")
                        publisher.say(f"PUB {subject} 0\r\n")
                        got[wanted] = any(event.verb == "MSG" for event in client.say())
                assert any(got.values()) == (f"user{number}" in said), (subject, BLOCKS[number], got, said)
                assert got[subject] == said.get(f"user{number}", False), (subject, BLOCKS[number], got, said)
        publisher.close()


LIMITED: dict[str, tuple[dict[str, Any], dict[str, Any], bool]] = {
    "of a user that says none": ({"subs": 0}, {}, False),
    "of a user that says nothing": ({"subs": None}, {}, False),
    "of a user below any": ({"subs": -2}, {}, False),
    "of a user that says one": ({"subs": 1}, {}, True),
    "of an account that says none": ({}, {"subs": 0}, False),
    "of an account that says nothing": ({}, {"subs": None}, False),
    "of a role that says none": ({"role": {"subs": 0}}, {}, False),
    "of a role that says nothing": ({"role": {"subs": None}}, {}, True),
}


def without(members: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in members.items() if value is not None}


@pytest.mark.parametrize("generation", list(Server))
def test_whoever_may_have_no_subscription_is_no_receiver(tmp_path: Path, generation: Server):
    tokens, users, hierarchies = {}, {}, {}
    for name, (own, limits, _) in LIMITED.items():
        account, role = signing.account(f"limited {name}"), signing.account(f"limited role {name}")
        keys = [signing.scope(role)] if "role" in own else []
        if keys:
            keys[0]["template"] = without(keys[0]["template"] | own["role"])
        body = {"limits": without({**signing.NO_LIMITS, **limits}), "signing_keys": keys}
        tokens[str(account)] = signing.sign(signing.account_claims(account, name, **body), OPERATOR)
        if keys:
            users[name] = signing.sign(signing.scoped_user_claims(USER, account), role)
        else:
            claims = signing.user_claims(USER)
            claims["nats"] = without(claims["nats"] | own)
            users[name] = signing.sign(claims, account)
        hierarchies[name] = str(account)
    with RealServer(generation, tmp_path / "server", tokens) as server:
        heard = {}
        for name, token in users.items():
            try:
                with server.connect(token) as client:
                    events = client.say("SUB a 1", "PUB a 0\r\n")
                    heard[name] = any(event.verb == "MSG" for event in events)
            except (RefusedError, ConnectionError):
                heard[name] = False
    assert heard == {name: receives for name, (_, _, receives) in LIMITED.items()}
    for name, token in users.items():
        path = tmp_path / "tokens" / name
        path.mkdir(parents=True)
        for number, text in enumerate((tokens[hierarchies[name]], token)):
            (path / f"{number}.jwt").write_text(text)
        hierarchy = read(str(path), now=NOW)
        found = reach(build(hierarchy, NOW), hierarchy, hierarchies[name], "a")
        (arrival,) = reached(hierarchy, found, [generation])
        assert bool(arrival.receivers) == heard[name], name
