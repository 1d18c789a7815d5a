"""From `permopt graph --hubs --plan` through the scripts and the real nsc to `permopt verify`."""

from __future__ import annotations

import json

import pytest

from tests.cli.test_schemas import check
from tests.oracle.nsc_tool import Store, sh
from tests.topologies import consumers

pytestmark = pytest.mark.nsc


@pytest.fixture(params=["svc.p{}", "s{}"], ids=["names kept", "names with a prefix"])
def market(request, tmp_path):
    """Accounts as nsc makes them, each with every import."""
    store = Store(tmp_path / "nsc")
    accounts = consumers(6, 3, 3, root=request.param)
    for name, body in accounts.items():
        store.nsc("add", "account", f"--name={name}")
        for export in body.get("exports", ()):
            store.nsc("add", "export", "--service", f"--subject={export['subject']}", f"--account={name}")
    for name, body in accounts.items():
        for each in body.get("imports", ()):
            words = [f"--remote-subject={each['subject']}", f"--name={each['subject']}", f"--account={name}"]
            store.nsc("add", "import", "--service", f"--src-account={store.key(each['account'])}", *words)
    return store


def test_a_hub_is_planned_accepted_built_and_verified(permopt, market, tmp_path):
    printed = market.nsc("generate", "nkey", "--account", "--store")
    (key,) = [word for word in printed.split() if len(word) == 56 and word[0] == "A"]
    source, plan = market.home / "OP", tmp_path / "hubs.json"
    planned = permopt("graph", source, "--hubs", "--plan", plan, "--hub-key", key)
    assert planned.status == 0, planned.err
    document = json.loads(plan.read_text())
    check(document)
    hubs = [each for each in document["proposals"] if each["rule"] == "hub"]
    assert {each["safety"] for each in hubs} == {"risky"}, "a hub is never better than risky"
    two = [each for each in hubs if each["requires"]]
    if two:
        alone = permopt("review", plan, "--accept", two[0]["id"])
        assert (alone.status, "it requires" in alone.err) == (2, True)
    for number, hub in enumerate(hubs):
        accepted = permopt("review", plan, "--accept", hub["id"])
        assert accepted.status == 0, accepted.err
        out = tmp_path / f"scripts {number}"
        assert permopt("script", plan, "-o", out).status == 0
        expected = json.loads((out / "expected.json").read_text())
        check(expected)
        before = permopt("verify", plan, source, "-f", "json")
        assert before.status == 5, "nothing was carried out yet"
        run = sh(out / "apply.sh", "-H", str(market.home))
        assert run.code == 0, run
        verified = permopt("verify", plan, source)
        assert verified.status == 0, verified.out + verified.err
        assert "the store is what the plan promised" in verified.out
        assert "imports: wider" in verified.out or "imports: crossed" in verified.out
    sizes = {each["account_key"]: each["after"] for each in hubs[-1]["tokens"]}
    found = {market.key(name): len(market.path(name).read_text().strip()) for name in ("C0", "C3", "hub")}
    assert all(sizes.get(each, size) == size for each, size in found.items())
    back = sh(out / "rollback.sh", "-H", str(market.home))
    assert back.code == 0, back
    assert permopt("verify", plan, source).status != 0


def test_where_the_store_moved_on_verify_says_so(permopt, market, tmp_path):
    printed = market.nsc("generate", "nkey", "--account", "--store")
    (key,) = [word for word in printed.split() if len(word) == 56 and word[0] == "A"]
    source, plan = market.home / "OP", tmp_path / "hubs.json"
    permopt("graph", source, "--hubs", "--plan", plan, "--hub-key", key)
    first = next(each["id"] for each in json.loads(plan.read_text())["proposals"] if each["rule"] == "hub")
    permopt("review", plan, "--accept", first)
    permopt("script", plan, "-o", "out")
    assert sh(tmp_path / "out" / "apply.sh", "-H", str(market.home)).code == 0
    market.nsc("delete", "import", "--account=C0", f"--src-account={key}", f"--subject={wildcard(market)}")
    verified = permopt("verify", plan, source)
    assert verified.status == 5
    (line,) = [line for line in verified.out.splitlines() if "account C0:" in line]
    assert line.startswith(("different", "unchanged"))


def wildcard(market: Store) -> str:
    (export,) = market.payload("hub")["nats"]["exports"]
    return export["subject"]
