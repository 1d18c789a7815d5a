"""Widenings asked of both real servers: what is opened is opened, what is protected stays shut.

Stores are drawn anew on every run; a failure prints the seed, as in test_live_probes.py.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from optimizer.access.principals import holders
from optimizer.examine import examine
from optimizer.proposals import Safety
from optimizer.settings import Server, Widen
from optimizer.subjects.compare import Deliver, Publish, Subscribe
from optimizer.subjects.permissions import Permission, Permissions
from optimizer.subjects.protected import newly_admitted
from optimizer.subjects.subject import Subject
from tests.builders import Account, Role, User, settings, store
from tests.oracle.server import RealServer, RefusedError, user_token
from tests.oracle.test_plans import as_user, edited, safe_edits, untrue
from tests.strategies import BUDGET

if TYPE_CHECKING:
    from random import Random

    from optimizer.hierarchy import Hierarchy
    from optimizer.proposals import Plan

WORDS = ("a", "b", "c", "d", "e", "f")
KNOWN = [f"{x}.{y}{z}" for x in "abcd" for y in "abg" for z in ("", ".x", ".a.b")]
PROTECTED = ("b.g", "c.x.>", "*.a.b", "$SYS.>")


def granular(chance: Random, *, publish: bool) -> dict[str, Any]:
    """A side of literals that beg to be folded, now and then with a wildcard, a queue or a deny among them."""
    heads = chance.sample(WORDS, 2)
    allow = [f"{head}.{word}" for head in heads for word in chance.sample(WORDS, chance.randint(2, 6))]
    allow += [f"{head}.{word}.x" for head in heads for word in chance.sample(WORDS, chance.randint(0, 4))]
    if chance.random() < 0.3:
        allow.append(f"{chance.choice(WORDS)}.*")
    if not publish and chance.random() < 0.2:
        allow.append(f"{chance.choice(heads)}.g workers")
    side: dict[str, Any] = {"allow": allow}
    if chance.random() < 0.4:
        side["deny"] = [
            f"{chance.choice(heads)}.{chance.choice((*WORDS, 'g', '*'))}" for _ in range(chance.randint(1, 4))
        ]
    return side


def drawn_store(chance: Random, accounts: int) -> Hierarchy:
    def block() -> dict[str, Any]:
        return {"pub": granular(chance, publish=True), "sub": granular(chance, publish=False)}

    return store(
        *(
            Account(
                f"ACC{number}",
                users=[*(User(f"u{index}", **block()) for index in range(3)), User("r", role="role"), User("plain")],
                roles=[Role("role", block())],
                defaults=block(),
            )
            for number in range(accounts)
        )
    )


@pytest.fixture(scope="module")
def drawn(seed):
    import random  # noqa: PLC0415 the fixture alone draws

    hierarchy = drawn_store(random.Random(f"{seed} widening"), 4 * BUDGET)
    print(f"PERMOPT_SEED={seed}")  # noqa: T201 pytest shows it where the test fails
    given = {"widen": Widen.WORTHWHILE, "bytes_per_cost": 0.01, "protected": PROTECTED, "keep_prefix": 0}
    return examine(hierarchy, settings(**given), known=KNOWN)


def sides(plan: Plan):
    """Each widening with the permissions before and after of everybody behind its block, as claims of a user."""
    base = edited(plan.hierarchy, safe_edits(plan))
    for proposal in plan.proposals:
        if proposal.grant is None:
            continue
        after = edited(base, proposal.edits)
        target = proposal.finding.target
        for old, new in zip(holders(base, target), holders(after, target), strict=True):
            yield proposal, old.name, old.permissions, new.permissions


def receiving(block: Permissions, subject: str, server: Server) -> Deliver | Subscribe:
    """How the kernel says the subject can be received, or an attempt that says it cannot."""
    nothing = Permission(())
    probe = newly_admitted(
        Permissions(nothing, nothing), Permissions(nothing, block.sub), [Subject(subject)], server, effort=10**6
    )
    return probe if isinstance(probe, Deliver) else Subscribe(subject)


@pytest.mark.server
def test_every_known_subject_that_is_said_to_be_opened_to_publishers_is_opened_and_no_other(drawn, oracles):
    questions, expected = [], []
    for proposal, name, old, new in sides(drawn):
        then, now = as_user(old), as_user(new)
        if then is None or now is None:
            continue
        grant = proposal.grant
        gained = {gain.subject for gain in grant.gained if name in gain.principals and gain.publish}
        lost = {gain.subject for gain in grant.lost if name in gain.principals and gain.publish}
        for subject in KNOWN:
            questions += [(then, Publish(subject)), (now, Publish(subject))]
            expected.append((proposal, subject, subject in gained, subject in lost))
    # What one generation opens is opened.
    told = [oracle.ask_all(questions) for oracle in oracles.values()]
    assert sum(gained for *_, gained, _ in expected) > 20, "something is opened"
    for index, (proposal, subject, gained, lost) in enumerate(expected):
        answers = [answer[2 * index : 2 * index + 2] for answer in told]
        assert (gained, lost) == ([False, True] in answers, [True, False] in answers), (proposal.edits, subject)


@pytest.mark.server
def test_every_known_subject_that_can_be_received_afterwards_only_is_named(drawn, oracle, server):
    questions, expected = [], []
    for proposal, name, old, new in sides(drawn):
        then, now = as_user(old), as_user(new)
        if then is None or now is None:
            continue
        gained = {gain.subject for gain in proposal.grant.gained if name in gain.principals and not gain.publish}
        for subject in gained:
            probe = receiving(new, subject, server)
            questions += [(then, probe), (now, probe), (then, receiving(old, subject, server))]
            expected.append((proposal, subject))
    answers = oracle.ask_all(questions)
    assert expected, "something is opened to subscribers"
    told = {}
    for index, (proposal, subject) in enumerate(expected):
        then, now, otherwise = answers[3 * index : 3 * index + 3]
        told[proposal.id, subject] = (then, now, otherwise)
    # A subject counts as opened if one generation opens it, so each generation may know it open or shut already.
    assert sum(answer == (False, True, False) for answer in told.values()) > len(told) * 0.7, told


@pytest.mark.server
def test_no_protected_subject_passes_afterwards_that_did_not_before(drawn, oracle, server):
    literals = ["b.g", "c.x.a", "c.x.z.z", "a.a.b", "d.a.b", "$SYS.x", "$SYS.a", "$SYS.a.b"]
    questions, about = [], []
    for proposal, _, old, new in sides(drawn):
        then, now = as_user(old), as_user(new)
        if then is None or now is None:
            continue
        for subject in literals:
            for probe in (Publish(subject), receiving(new, subject, server)):
                questions += [(then, probe), (now, probe), (then, receiving(old, subject, server))]
                about.append((proposal, probe))
    answers = oracle.ask_all(questions)
    assert about
    for index, (proposal, probe) in enumerate(about):
        then, now, otherwise = answers[3 * index : 3 * index + 3]
        could = then or (otherwise and not isinstance(probe, Publish))
        assert could or not now, (proposal.edits, probe)


@pytest.mark.server
def test_a_user_whose_token_is_too_long_to_connect_connects_after_its_budget(server, tmp_path):
    shelves = [
        f"shelves.{hall}.{row:02}.{what}" for hall in "abcd" for row in range(1, 16) for what in ("filled", "picked")
    ]
    account = Account("ACME", users=[User("sensors", pub={"allow": shelves}, sub={"allow": ["_INBOX.>"]})])
    plan = examine(store(account), settings(widen=Widen.OVER_BUDGET))
    ((old, new),) = {(then, now) for _, _, then, now in sides(plan)}
    with RealServer(server, tmp_path, more="max_control_line: 4096\n") as real:
        real.connect(user_token(as_user(new))).close()
        with pytest.raises(RefusedError, match="maximum control line"):
            real.connect(user_token(as_user(old)))


@pytest.mark.server
def test_every_witness_of_a_widening_is_true(drawn, oracle, server):
    base = edited(drawn.hierarchy, safe_edits(drawn))
    these = [one for one in drawn.proposals if one.grant is not None and one.judgement.safety is Safety.RISKY]
    assert len(these) > 5
    assert [line for one in these for line in untrue(base, one, oracle, server)] == []
