"""A budget as a person types it, around the real nsc: propose, review, script, apply, verify, rollback."""

from __future__ import annotations

import json

import pytest

from tests.oracle.nsc_tool import Store, sh

pytestmark = pytest.mark.nsc

VERBS = ("created", "updated", "deleted", "shipped", "paid", "refunded", "held", "released", "packed", "returned")


def test_nsc_makes_of_a_budget_exactly_the_tokens_that_were_said(permopt, tmp_path):
    made = Store(tmp_path / "home")
    made.nsc("add", "account", "--name=SHOP")
    orders, stock = (",".join(f"{head}.{verb}" for verb in VERBS) for head in ("orders", "stock"))
    made.nsc("edit", "account", "--name=SHOP", "--sk=generate", f"--allow-pub={orders}", "--deny-pub=orders.paid.x")
    key = made.payload("SHOP")["nats"]["signing_keys"][0]
    made.nsc("edit", "signing-key", "--account=SHOP", f"--sk={key}", "--role=till", f"--allow-sub={stock}")
    # The same entries in both lists: `--rm` takes them out of both, and what stays comes back.
    lists = [f"--allow-pub={orders},{stock}", f"--allow-sub={orders},_INBOX.>"]
    made.nsc("add", "user", "--account=SHOP", "--name=web", *lists)
    before = made.tokens()
    known = tmp_path / "known.txt"
    known.write_text("orders.secret\nstock.count\n")
    plan, out = tmp_path / "plan.json", tmp_path / "out"
    account = made.path("SHOP").stat().st_size
    sizes = {"--budget": account - 300, "--user-budget": 900}
    words = [word for flag, size in sizes.items() for word in (flag, size)]
    typed = permopt("propose", made.home, *words, "--known", known, "-o", plan)
    assert typed.status == 0, typed.err
    document = json.loads(plan.read_text())
    budgets = {budget["user"]: budget for budget in document["budgets"]}
    assert set(budgets) == {None, "web"}
    accepted = [name for budget in budgets.values() for name in budget["chosen"]["proposals"]]
    assert len(accepted) > 2
    typed = permopt("review", plan, *(word for name in accepted for word in ("--accept", name)))
    assert typed.status == 0, typed.err
    assert permopt("script", plan, "-o", out).status == 0
    run = sh(out / "apply.sh", "-H", str(made.home))
    assert run.code == 0, run
    for user, budget in budgets.items():
        assert made.path("SHOP", user).stat().st_size == budget["chosen"]["token_bytes"]
    assert budgets["web"]["chosen"]["token_bytes"] <= 900 < budgets["web"]["before"]
    assert permopt("verify", plan, made.home).status == 0
    assert sh(out / "apply.sh", "-H", str(made.home)).code == 0
    assert sh(out / "rollback.sh", "-H", str(made.home)).code == 0
    assert made.tokens() == before
