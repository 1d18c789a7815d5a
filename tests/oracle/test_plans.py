"""The headline: no probe can tell before from after a safe proposal, and every other one's own witnesses can.

Plans are made of accounts drawn anew on every run, and of the corpus; what each user may do before and after is then
asked of both real servers.
"""

from __future__ import annotations

import random
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from optimizer.access.principals import Principal, principals
from optimizer.claims.encode import reencoded
from optimizer.edits import TargetKind, apply_all
from optimizer.examine import examine
from optimizer.proposals import Safety
from optimizer.rules import RULES
from optimizer.sources import read
from optimizer.subjects.compare import Comparison, Connect, LeafInterest, Relation
from optimizer.subjects.permissions import Permissions
from tests import strategies
from tests.builders import NOW, Account, Role, User, settings, store
from tests.oracle.witnesses import untrue_witnesses
from tests.strategies import BUDGET

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from optimizer.edits import Edit, Target
    from optimizer.hierarchy import Hierarchy
    from optimizer.proposals import Plan, Proposal
    from optimizer.settings import Server

pytestmark = pytest.mark.server

ACME = Path(__file__).resolve().parents[2] / "corpus" / "acme"


def drawn_store(chance: random.Random, accounts: int) -> Hierarchy:
    """Accounts with users, roles and defaults, most lists of them longer than they need to be."""

    def bloated() -> dict[str, Any]:
        block = strategies.block(chance, malformed=0.02, odd=0.03)
        for name in ("pub", "sub"):
            for kind in ("allow", "deny"):
                texts = (block.get(name) or {}).get(kind)
                if texts and chance.random() < 0.7:
                    texts += [strategies.near(chance, chance.choice(texts)) for _ in range(chance.randint(1, 4))]
        return block

    return store(
        *(
            Account(
                f"ACC{number}",
                users=[
                    *(User(f"u{index}", **_sides(bloated())) for index in range(5)),
                    *(User(f"r{index}", role=f"role{index}") for index in range(2)),
                ],
                roles=[Role(f"role{index}", bloated()) for index in range(2)],
                defaults=strategies.block(chance, malformed=0.0) if chance.random() < 0.4 else {},
            )
            for number in range(accounts)
        )
    )


def _sides(block: dict[str, Any]) -> dict[str, Any]:
    return {name: block[name] for name in ("pub", "sub", "resp") if name in block}


def edited(hierarchy: Hierarchy, edits: Iterable[Edit]) -> Hierarchy:
    """The hierarchy as nsc would leave it."""
    edits = tuple(edits)
    after = apply_all(edits, hierarchy)
    for target in dict.fromkeys(edit.target for edit in edits):
        if target.kind is TargetKind.USER:
            user = after.users[target.user, target.account]
            after = after.with_user(replace(user, claims=reencoded(user.claims)))
        else:
            account = after.accounts[target.account]
            after = after.with_account(replace(account, claims=reencoded(account.claims)))
    return after


def people(before: Hierarchy, after: Hierarchy, target: Target) -> Iterator[tuple[Principal, Principal]]:
    """Everybody known behind a block, before and after; users of a templated role one by one."""
    for templated in (True, False) if target.kind is TargetKind.SCOPE else (False,):
        sides = (principals(side, target, templated=templated).known for side in (before, after))
        yield from zip(*sides, strict=True)


def as_user(block: Permissions) -> dict[str, Any] | None:
    """The claims of a user of its own with these permissions, or None where no such user could connect."""
    claims: dict[str, Any] = {}
    for name, side in (("pub", block.pub), ("sub", block.sub)):
        lists = {"deny": [entry.text for entry in side.deny]} if side.deny else {}
        if side.allow is not None:
            lists["allow"] = [entry.text for entry in side.allow]
        claims[name] = lists
    if block.resp is not None:
        claims["resp"] = {"max": block.resp.max, "ttl": block.resp.ttl}
    return claims if Permissions.from_claims(claims) == block else None


def safe_edits(plan: Plan) -> list[Edit]:
    """What the script does by default."""
    return [edit for one in plan.proposals if one.judgement.safety is Safety.SAFE for edit in one.edits]


def untrue(base: Hierarchy, proposal: Proposal, oracle, server: Server) -> list[str]:
    """The witnesses of a proposal which the server does not confirm, on top of what is safe."""
    after = edited(base, proposal.edits)
    found = []
    for target in dict.fromkeys(edit.target for edit in proposal.edits):
        for old, new in people(base, after, target):
            claims = as_user(old.permissions), as_user(new.permissions)
            if None in claims:
                continue
            gained, lost = (
                tuple(
                    w.probe
                    for w in witnesses
                    # That a token of a revoked user gets in again is no matter of its permissions.
                    if w.principal == old.name
                    and w.server is server
                    and w.probe != Connect()
                    # What passes a leafnode below `$JS.API` depends on how both servers are configured.
                    and not (isinstance(w.probe, LeafInterest) and w.probe.subject.startswith("$JS.API."))
                )
                for witnesses in (proposal.judgement.gained, proposal.judgement.lost)
            )
            found.append((*claims, Comparison(Relation.CROSSED, gained, lost)))
    return untrue_witnesses(oracle, found)


def told_apart(plan: Plan, oracle, chance: random.Random, most: int) -> list[str]:
    """Probes that tell before from after all safe proposals together."""
    edits = safe_edits(plan)
    after = edited(plan.hierarchy, edits)
    questions = []
    for target in dict.fromkeys(edit.target for edit in edits):
        for old, new in people(plan.hierarchy, after, target):
            then, now = as_user(old.permissions), as_user(new.permissions)
            if then is None or now is None:
                continue
            for about in (then, now):
                for probe in strategies.probes_about(chance, about, most):
                    questions += [(then, probe), (now, probe)]
    assert len(questions) > most, "nothing safe was proposed"
    answers = oracle.ask_all(questions)
    return [
        f"{probe} of {claims}"
        for (claims, probe), then, now in zip(questions[::2], answers[::2], answers[1::2], strict=True)
        if then != now
    ]


@pytest.fixture(scope="module", params=["drawn", "acme"])
def made(request, seed):
    """A store and the plan for it."""
    if request.param == "drawn":
        return examine(drawn_store(random.Random(seed), 6 * BUDGET), settings())
    # Edits of revocations are asked about in test_revocations_live.py, of each token by the time of its issue.
    of_blocks = tuple(rule.name for rule in RULES if rule.find is not None)
    return examine(read(str(ACME), now=NOW), settings(rules=of_blocks))


def test_no_probe_tells_before_from_after_the_safe_proposals(made, oracle, chance):
    assert told_apart(made, oracle, chance, 10) == []


def test_every_witness_against_a_proposal_is_true(made, oracle, server):
    base = edited(made.hierarchy, safe_edits(made))
    risky = [proposal for proposal in made.proposals if proposal.judgement.safety is not Safety.SAFE]
    assert risky
    assert [line for proposal in risky for line in untrue(base, proposal, oracle, server)] == []
