"""The scripts of a hub, byte for byte; `make golden` writes them again."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from optimizer.claims.keys import account_key
from optimizer.claims.model import Export, Import
from optimizer.edits import AddAccount, EditExports, EditImports, Target
from optimizer.nsc.script import script_for
from tests import signing
from tests.builders import OPERATOR, Account, store
from tests.oracle.nsc_tool import judgement, proposal
from tests.topologies import consumers

HERE = Path(__file__).parent
HUB = account_key(signing.account("hub").public)


@pytest.mark.parametrize("name", ["apply", "rollback"])
def test_the_script_is_the_golden_text(name):
    accounts = consumers(2, 2)
    for nats in accounts.values():
        for each in nats.get("imports", ()):
            each["account"] = signing.account(each["account"]).public
    read = store(*(Account(name, nats=nats) for name, nats in accounts.items()))
    held = {one.claims.name: one.claims for one in read.accounts.values()}
    export = Export(name="svc.*.m0", subject="svc.*.m0", type="service", response_type="Singleton")
    wide = Import(name="svc.*.m0", subject="svc.*.m0", account=HUB, type="service")
    edits = (
        AddAccount(Target("account", HUB), "hub", OPERATOR.public),
        EditImports(Target("import", HUB), (), held["C0"].imports),
        EditExports(Target("export", HUB), (), (export,)),
        *(EditImports(Target("import", held[taker].sub), held[taker].imports, (wide,)) for taker in ("C0", "C1")),
    )
    message = "2 accounts import 2 services each: a hub between them exports one wildcard"
    text = getattr(script_for(read, [proposal("hub-1", *edits, message=message)], judgement()), name)
    golden = HERE / f"hub-{name}.sh"
    if os.environ.get("PERMOPT_GOLDEN") == "write":
        golden.write_text(text)
    assert text == golden.read_text()
