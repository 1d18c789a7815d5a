"""What the judge says of edited imports, asked of the real servers before and after.

Each witness tells them apart; of what is called the same a random client can tell nothing.
"""

from __future__ import annotations

import os
import random
from collections import Counter
from contextlib import ExitStack
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Self

import pytest

from optimizer.access.imports_compared import imports_compared
from optimizer.claims.encode import reencoded
from optimizer.claims.validate import account_refusal
from optimizer.consolidation import consolidated
from optimizer.edits import apply, apply_all
from optimizer.graph import build
from optimizer.graph.consolidate import suggestions
from optimizer.judge import shared_trial
from optimizer.settings import Server
from optimizer.subjects.compare import Relation
from optimizer.subjects.probes import AcrossImport, Connect
from tests import signing
from tests.builders import settings
from tests.oracle.server import OPERATOR, USER, Client, RealServer, RefusedError
from tests.oracle.test_consolidation import hierarchy_of
from tests.oracle.test_reach import key
from tests.topologies import HUB, consumers, drawn, drawn_edit, service

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from optimizer.hierarchy import Hierarchy
    from optimizer.proposals import Witness

pytestmark = pytest.mark.server

NOW = 1_795_000_000
LONG = os.environ.get("PERMOPT_BUDGET") == "long"
LETTERS = "ABCD"
WORDS = ("a", "b", "c", "l", "x", "zz")
Heard = Counter[tuple[str, str]]


def tokens_of(hierarchy: Hierarchy) -> dict[str, str]:
    return {
        str(account): signing.sign(reencoded(one.claims, iat=signing.ISSUED, issuer=OPERATOR.public), OPERATOR)
        for account, one in hierarchy.accounts.items()
    }


class Ears:
    """One client in each account, subscribed to everything."""

    def __init__(self, server: RealServer, keys: Mapping[str, signing.Key], hierarchy: Hierarchy) -> None:
        self._stack = ExitStack()
        self.clients: dict[str, Client] = {}
        for account, mine in keys.items():
            if account in hierarchy.accounts and account_refusal(hierarchy.accounts[account].claims) is None:  # type: ignore[index]
                try:
                    token = signing.sign(signing.user_claims(USER, None, "ears"), mine)
                    self.clients[account] = self._stack.enter_context(server.connect(token))
                except RefusedError:
                    assert server.generation is Server.EARLIER

    def __enter__(self) -> Self:
        for client in self.clients.values():
            client.say("SUB > 1")
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    def heard(self, account: str, subject: str, number: int) -> Heard:
        """How often each account hears a message that a client of one publishes."""
        body = f"{number}"
        said = {account: self.clients[account].say(f"PUB {subject} {len(body)}\r\n{body}")}
        said |= {other: client.say() for other, client in self.clients.items() if other != account}
        return Counter(
            (other, event.subject)
            for other, events in said.items()
            for event in events
            if event.verb == "MSG" and event.body == body
        )


def check(before: Ears, after: Ears, witness: Witness, *, gained: bool, told: str, number: int) -> None:
    """A witness tells the two servers apart."""
    probe = witness.probe
    if isinstance(probe, Connect):
        assert gained, told
        assert (HUB.public in before.clients, HUB.public in after.clients) == (False, True), told
        return
    assert isinstance(probe, AcrossImport), told
    ends = ((probe.importer, probe.subject), (probe.exporter, probe.remote))
    (start, name), end = ends if probe.kind == "service" else ends[::-1]
    counts = []
    for ears in (before, after):
        if start not in ears.clients:
            assert start == HUB.public, told  # the hub is not there before
            counts.append(0)
        else:
            counts.append(ears.heard(start, name, number)[end])
    assert (counts[1] > counts[0]) if gained else (counts[0] > counts[1]), f"{told} {witness} {counts}"


@pytest.mark.parametrize("generation", list(Server))
def test_no_message_tells_what_is_called_the_same_apart_and_every_witness_does(tmp_path: Path, generation: Server):
    seed = int(os.environ.get("PERMOPT_SEED") or random.randrange(2**32))
    chance = random.Random(seed)
    cases: list[tuple[str, Hierarchy, Hierarchy, str]] = []
    tokens: tuple[dict[str, str], dict[str, str]] = ({}, {})
    for number in range(1500 if LONG else 150):
        name = f"compared {seed} {number}"
        accounts = drawn(chance)
        hierarchy = hierarchy_of(name, accounts)
        edit = drawn_edit(chance, hierarchy)
        if edit is not None:
            after = apply(edit, hierarchy)
            cases.append((name, hierarchy, after, f"PERMOPT_SEED={seed} {name} {accounts} {edit}"))
            tokens[0].update(tokens_of(hierarchy))
            tokens[1].update(tokens_of(after))
    asked: Counter[Relation] = Counter()
    probes = 0
    with (
        RealServer(generation, tmp_path / "before", tokens[0]) as one,
        RealServer(generation, tmp_path / "after", tokens[1]) as other,
    ):
        for name, hierarchy, after, told in cases:
            result = imports_compared(hierarchy, after, settings())
            if result.relation is Relation.UNDECIDED or result.refused:
                continue
            keys = {key(name, letter).public: key(name, letter) for letter in LETTERS}
            with Ears(one, keys, hierarchy) as then, Ears(other, keys, after) as now:
                refused = [witness for witness in (*result.gained, *result.lost) if isinstance(witness.probe, Connect)]
                if generation is Server.EARLIER and refused:
                    assert then.clients.keys() != now.clients.keys(), told
                    continue
                assert then.clients.keys() == now.clients.keys(), told
                asked[result.relation] += 1
                for gained, witnesses in ((True, result.gained), (False, result.lost)):
                    for witness in witnesses:
                        if witness.server is generation and not isinstance(witness.probe, Connect):
                            probes += 1
                            check(then, now, witness, gained=gained, told=told, number=probes)
                if result.relation is Relation.SAME:
                    for account in then.clients:
                        for subject in (literal(chance) for _ in range(12)):
                            probes += 1
                            heard = then.heard(account, subject, probes), now.heard(account, subject, probes)
                            assert heard[0] == heard[1], f"{told} {account} {subject} {heard}"
    assert asked[Relation.SAME] > len(cases) // 8, asked
    assert asked[Relation.WIDER] > len(cases) // 50, asked
    assert asked[Relation.NARROWER] > len(cases) // 50, asked


def literal(chance: random.Random) -> str:
    return ".".join(chance.choice(WORDS) for _ in range(chance.choice((1, 2, 2, 3, 3, 4))))


@pytest.mark.parametrize("generation", list(Server))
@pytest.mark.parametrize("root", ["svc.p{}", "s{}"], ids=["names kept", "names with a prefix"])
def test_every_witness_of_a_hub_tells_before_from_after(
    tmp_path: Path, generation: Server, root: str, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr("optimizer.access.compared.MOST_WITNESSES", 1000)
    accounts = consumers(9, 4, 2, root=root)
    asked = f"{root.format(0)}.m0"
    accounts["C0"]["exports"] = [service(asked)]
    accounts["X"] = {"imports": [service(asked, "C0")]}  # which asks through a consumer
    before = hierarchy_of("hub plan", accounts)
    found = suggestions(build(before, NOW), before)
    plan = consolidated(before, found, settings(), [HUB.public])
    keys = {key("hub plan", name).public: key("hub plan", name) for name in accounts} | {HUB.public: HUB}
    state, asking = before, set()
    for number, proposal in enumerate(plan.proposals):
        edits: Sequence[Any] = proposal.edits
        trial = shared_trial(state, edits, settings())
        assert trial.outcome.relation in (Relation.WIDER, Relation.NARROWER)
        assert (trial.outcome.gained, trial.outcome.lost) == (proposal.judgement.gained, proposal.judgement.lost)
        after = apply_all(edits, state)
        with (
            RealServer(generation, tmp_path / f"before {number}", tokens_of(state)) as one,
            RealServer(generation, tmp_path / f"after {number}", tokens_of(after)) as other,
            Ears(one, keys, state) as then,
            Ears(other, keys, after) as now,
        ):
            count = 0
            for gained, witnesses in ((True, trial.outcome.gained), (False, trial.outcome.lost)):
                for witness in witnesses:
                    if witness.server is generation:
                        count += 1
                        check(then, now, witness, gained=gained, told=proposal.id, number=count)
            assert count
            asking |= {witness.principal for witness in (*trial.outcome.gained, *trial.outcome.lost)}
        state = replace(trial.after.hierarchy)
    assert {"X", "C0", "hub"} <= asking
    assert len(plan.proposals) == (1 if root == "svc.p{}" else 2)
