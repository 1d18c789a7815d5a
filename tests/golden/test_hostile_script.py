"""How names and subjects of strangers are spelt in a script, byte for byte; `make golden` writes it again."""

from __future__ import annotations

import os
from pathlib import Path

from optimizer.nsc.script import script_for
from tests.builders import Account, Role, User, defaults_of, removing, role_of, store, user_of
from tests.oracle.nsc_tool import judgement, proposal

HERE = Path(__file__).parent


def test_the_script_is_the_golden_text():
    read = store(
        Account(
            "SHOP",
            users=[
                User(
                    "web", pub={"allow": ["orders.>", "orders.us", "it's.$(id)"]}, sub={"allow": ["orders.us", "a q"]}
                ),
                User("\x1b[31mred\u202e", pub={"allow": ["x", "y\n", "y\n", "--rm=x"]}, sub={"allow": ["y\n"]}),
            ],
            roles=[Role("svc", {"pub": {"allow": ["a.>", "a.b"]}})],
            defaults={"sub": {"allow": ["d.>", "d.x"]}},
        )
    )
    proposals = (
        proposal(
            "covered-entry-1",
            removing(user_of(read, "SHOP/web"), "pub.allow", "orders.us"),
            message="`orders.us` is covered by `orders.>`",
        ),
        proposal(
            "duplicate-entry-2",
            removing(user_of(read, "SHOP/\x1b[31mred\u202e"), "pub.allow", "y\n", "y\n", "--rm=x"),
            message="`y\n` is there twice",
        ),
        proposal("covered-entry-3", removing(role_of(read, "SHOP/svc"), "pub.allow", "a.b")),
        proposal("covered-entry-4", removing(defaults_of(read, "SHOP"), "sub.allow", "d.x")),
    )
    text = script_for(read, proposals, judgement()).apply
    golden = HERE / "hostile-apply.sh"
    if os.environ.get("PERMOPT_GOLDEN") == "write":
        golden.write_text(text)
    assert text == golden.read_text()
