"""Who gets in before and after an edit of revocations, asked of the real servers of both generations."""

from __future__ import annotations

import json
import time
from contextlib import ExitStack
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from optimizer.access.revocations_compared import windows
from optimizer.claims.encode import reencoded
from optimizer.edits import EVERYBODY, EditRevocations, Revocation, Target, apply_all, revocations_of
from optimizer.examine import examine
from optimizer.judge import judge
from optimizer.proposals import Safety
from optimizer.subjects.probes import Relation
from tests import signing
from tests.builders import NOW, Account, User, settings, store
from tests.oracle.server import OPERATOR, PATIENCE, USER, RealServer, RefusedError
from tests.oracle.system import update

if TYPE_CHECKING:
    import random

    from optimizer.hierarchy import Hierarchy
    from optimizer.settings import Server, Settings
    from tests.oracle.server import Client

pytestmark = pytest.mark.server

ANN, BOB, EVE = (signing.user(f"ACME {name}") for name in ("ann", "bob", "eve"))
STRANGER = signing.user("ACME stranger")
PEOPLE = (ANN, BOB, EVE, STRANGER)
TIMES = (10, 20, 30, 40, 50)


def account_token(hierarchy: Hierarchy) -> dict[str, str]:
    return {
        str(key): signing.sign(reencoded(one.claims, iat=signing.ISSUED, issuer=OPERATOR.public), OPERATOR)
        for key, one in hierarchy.accounts.items()
    }


def acme(revocations: dict[str, int], users: tuple[User, ...] = (), name: str = "ACME") -> Hierarchy:
    return store(Account(name, users=users, nats={"revocations": revocations}))


def is_let_in(server: RealServer, account: str, user: signing.Key, issued: int, **head: Any) -> bool:
    claims = {**signing.user_claims(user, None, user.name), "iat": issued, **head}
    try:
        server.connect(signing.sign(claims, signing.account(account)), user).close()
    except RefusedError:
        return False
    return True


def test_a_server_refuses_what_is_said_to_be_refused_and_nothing_else(server: Server, tmp_path, chance: random.Random):
    """Over keys with and without a revocation, known or not, before, at and after each time."""
    choices = [None, *TIMES]
    cases = []
    for number in range(30):
        before, after = (
            {key: at for key in (EVERYBODY, *(each.public for each in PEOPLE[:3])) if (at := chance.choice(choices))}
            for _ in range(2)
        )
        cases.append((f"R{number}", before, after))
    tokens = [
        {key: text for name, *sides in cases for key, text in account_token(acme(sides[side], name=name)).items()}
        for side in (0, 1)
    ]
    with (
        RealServer(server, tmp_path / "before", tokens[0]) as one,
        RealServer(server, tmp_path / "after", tokens[1]) as other,
    ):
        for name, before, after in cases:
            gained, lost = windows(before, after)
            own = {*before, *after}
            for person in PEOPLE:
                key = person.public if person.public in own else None
                for issued in (at + more for at in TIMES for more in (-1, 0, 1)):
                    then, now = (is_let_in(each, name, person, issued) for each in (one, other))
                    told = f"{name} {before} {after} {person.name} {issued}"
                    is_gained = any(each.key == key and each.holds(issued) for each in gained)
                    is_lost = any(each.key == key and each.holds(issued) for each in lost)
                    assert (not then and now, then and not now) == (is_gained, is_lost), told


def carried_out(hierarchy: Hierarchy, chosen: Settings, *safeties: Safety) -> Hierarchy:
    plan = examine(hierarchy, chosen)
    edits = [edit for each in plan.proposals if each.judgement.safety in safeties for edit in each.edits]
    assert edits
    return apply_all(edits, hierarchy)


def test_the_prune_of_entries_whose_time_has_passed_readmits_a_user_and_ours_does_not(server: Server, tmp_path):
    """The published recipe: `jq '.nats.revocations |= with_entries(select(.value >= now))'`."""
    ann = User("ann", head={"iat": NOW - 900})
    bob = User("bob", head={"iat": NOW - 100})
    times = {ANN.public: NOW - 500, BOB.public: NOW - 800, STRANGER.public: NOW - 400, EVERYBODY: NOW - 700}
    hierarchy = acme(times, (ann, bob))
    published = {key: at for key, at in times.items() if at >= NOW}
    assert published == {}
    ours = carried_out(hierarchy, settings(), Safety.SAFE)
    with_a_word = carried_out(hierarchy, settings(complete_users=True), Safety.SAFE, Safety.GUARDED)
    stores = {"before": hierarchy, "published": acme(published, (ann, bob)), "ours": ours, "word": with_a_word}
    found = {}
    for name, each in stores.items():
        with RealServer(server, tmp_path / name, account_token(each)) as running:
            found[name] = {
                "revoked": is_let_in(running, "ACME", ANN, NOW - 900),
                "revoked and deleted from the store": is_let_in(running, "ACME", STRANGER, NOW - 900),
                "covered by `*`": is_let_in(running, "ACME", BOB, NOW - 800),
                "kept": is_let_in(running, "ACME", BOB, NOW - 100),
            }
    refused = {"revoked": False, "revoked and deleted from the store": False, "covered by `*`": False, "kept": True}
    assert found == {"before": refused, "published": dict.fromkeys(refused, True), "ours": refused, "word": refused}
    (claims,) = (one.claims for one in ours.accounts.values())
    assert claims.revocations == {ANN.public: NOW - 500, STRANGER.public: NOW - 400, EVERYBODY: NOW - 700}
    judged = judge(hierarchy, [EditRevocations(target(hierarchy), revocations_of_only(hierarchy))], settings())
    assert (judged.relation, judged.safety) == (Relation.WIDER, Safety.RISKY)
    assert "ACME/ann" in {witness.principal for witness in judged.gained}


def target(hierarchy: Hierarchy) -> Target:
    (account,) = hierarchy.accounts
    return Target("revocation", account)


def revocations_of_only(hierarchy: Hierarchy) -> tuple[Revocation, ...]:
    (signed,) = hierarchy.accounts.values()
    return revocations_of(signed.claims)


def test_what_a_maximum_lifetime_frees_lets_nobody_in_who_keeps_to_it(server: Server, tmp_path):
    """The clock of servers cannot be set: times are those of now, and nobody waits for one to pass."""
    now = int(time.time())
    ttl = 3600
    times = {ANN.public: now - ttl - 5, BOB.public: now - 5}
    hierarchy = acme(times)
    chosen = replace(settings(max_user_ttl=ttl), now=now)
    plan = examine(hierarchy, chosen)
    (proposal,) = [each for each in plan.proposals if each.edits]
    assert (proposal.finding.rule, proposal.judgement.safety) == ("outlived-revocation", Safety.GUARDED)
    after = apply_all(proposal.edits, hierarchy)
    (claims,) = (one.claims for one in after.accounts.values())
    assert claims.revocations == {BOB.public: now - 5}
    with RealServer(server, tmp_path / "after", account_token(after)) as running:
        for person, until in ((ANN, now - ttl - 5), (BOB, now - 5)):
            for issued in (until, until - 1, until - 3000):
                assert not is_let_in(running, "ACME", person, issued, exp=issued + ttl), (person.name, issued)
        assert is_let_in(running, "ACME", BOB, now, exp=now + ttl)
        assert is_let_in(running, "ACME", ANN, now - ttl - 5), "without an end it would get in: the word rules it out"


def test_a_blanket_refuses_and_disconnects_whom_it_names_and_keeps_all_others(server: Server, tmp_path):
    gone = {signing.user(f"gone {number}").public: NOW - 2000 - number for number in range(60)}
    users = (User("ann", head={"iat": NOW - 5000}), User("bob", head={"iat": NOW - 100}), User("eve", head={"iat": 50}))
    hierarchy = acme({**gone, EVE.public: NOW - 2000}, users)
    found = examine(hierarchy, settings(rules=("blanket-revocation",)))
    (proposal,) = found.proposals
    assert proposal.judgement.safety is Safety.RISKY
    after = apply_all(proposal.edits, hierarchy)
    named = {witness.principal for witness in proposal.judgement.lost if witness.server is server}
    assert {"ACME/ann"} == named & {"ACME/ann", "ACME/bob", "ACME/eve"}
    directory = tmp_path / "resolver"
    with ExitStack() as stack:
        running = stack.enter_context(
            RealServer(server, tmp_path / "server", account_token(hierarchy), resolver(directory))
        )
        token = account_token(hierarchy)
        (pushed,) = token.values()
        answer = json.loads(update(running, pushed))
        assert answer["data"]["code"] == 200, answer
        clients = {}
        for person, issued in ((ANN, NOW - 5000), (BOB, NOW - 100)):
            claims = {**signing.user_claims(person, None, person.name), "iat": issued}
            user = signing.sign(claims, signing.account("ACME"))
            clients[person.name] = stack.enter_context(running.connect(user, person))
        assert not is_let_in(running, "ACME", EVE, 50)
        (account,) = after.accounts.values()
        newer = signing.sign(reencoded(account.claims, iat=signing.ISSUED + 9, issuer=OPERATOR.public), OPERATOR)
        answer = json.loads(update(running, newer))
        assert answer["data"]["code"] == 200, answer
        clients[BOB.name].say()
        assert is_disconnected(clients[ANN.name])
        assert not is_let_in(running, "ACME", ANN, NOW - 5000)
        assert not is_let_in(running, "ACME", EVE, 50)
        assert is_let_in(running, "ACME", ANN, NOW - 1999), "issued again"
        clients[BOB.name].say()


def is_disconnected(client: Client) -> bool:
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline:
        try:
            client.say()
        except ConnectionError:
            return True
        time.sleep(0.05)
    return False


def resolver(directory: Any) -> str:
    return f"resolver: {{ type: full, dir: '{directory}', allow_delete: true, interval: '2m' }}\n"


# ---- activations ----------------------------------------------------------------------------------------------------


IMPORTER = signing.account("importer")


def sharing(name: str, *, private: bool, revocations: dict[str, int], issued: int) -> dict[str, str]:
    """An account that exports a service, and one that imports it by an activation issued then."""
    exporter, importer = signing.account(f"exporter {name}"), signing.account(f"importer {name}")
    activation = signing.sign(
        {
            "sub": importer.public,
            "name": "act",
            "iat": issued,
            "nats": {"subject": "svc.x", "kind": "service", "type": "activation", "version": 2},
        },
        exporter,
    )
    export = {"name": "svc", "subject": "svc.x", "type": "service", "response_type": "Singleton"}
    export |= {"token_req": True} if private else {}
    export |= {"revocations": revocations} if revocations else {}
    taken = {"name": "svc", "subject": "svc.x", "account": exporter.public, "token": activation, "type": "service"}
    return {
        exporter.public: signing.sign(signing.account_claims(exporter, f"E{name}", exports=[export]), OPERATOR),
        importer.public: signing.sign(signing.account_claims(importer, f"I{name}", imports=[taken]), OPERATOR),
    }


def arrives(server: RealServer, name: str) -> bool:
    exporter, importer = signing.account(f"exporter {name}"), signing.account(f"importer {name}")
    with (
        server.connect(signing.sign(signing.user_claims(USER, None, "e"), exporter)) as ear,
        server.connect(signing.sign(signing.user_claims(USER, None, "i"), importer)) as mouth,
    ):
        ear.say("SUB svc.x 1")
        mouth.say("PUB svc.x 0\r\n")
        return any(event.verb == "MSG" for event in ear.say())


@pytest.mark.parametrize("private", [True, False], ids=["needs an activation", "needs none"])
def test_activations_are_revoked_up_to_the_later_time_and_only_where_one_is_needed(server: Server, tmp_path, private):
    cases, tokens = [], {}
    for number, (own, everybody, issued) in enumerate(
        (own, everybody, issued)
        for own in (None, 20, 40)
        for everybody in (None, 20, 30)
        for issued in (19, 20, 21, 30, 40, 41)
    ):
        name = f"{private} {number}"
        importer = signing.account(f"importer {name}").public
        times = {key: at for key, at in ((importer, own), (EVERYBODY, everybody)) if at is not None}
        cases.append((name, times, issued))
        tokens |= sharing(name, private=private, revocations=times, issued=issued)
    with RealServer(server, tmp_path, tokens) as running:
        for name, times, issued in cases:
            refused = private and any(issued <= at for at in times.values())
            assert arrives(running, name) is not refused, (name, times, issued)
