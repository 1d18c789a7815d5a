"""A small company on disk, and a way to type a command at it."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

from optimizer.cli.main import run
from tests import signing
from tests.unit.sources.stores import Store, make_store

NOW = "2026-11-23T12:00:00Z"
PERMOPT = Path(sys.executable).with_name("permopt")


@dataclass
class Typed:
    """What came of a command line."""

    status: int
    out: str
    err: str

    @property
    def json(self):
        return json.loads(self.out)


@pytest.fixture
def permopt(capsys, monkeypatch, tmp_path):
    """Type a command; the working directory is a fresh one, and so is nsc's home."""
    monkeypatch.chdir(tmp_path)
    for name in ("XDG_CONFIG_HOME", "XDG_DATA_HOME", "NSC_HOME", "NO_COLOR"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", str(tmp_path / "nobody"))

    def type_it(*words: object) -> Typed:
        capsys.readouterr()
        status = run([str(word) for word in words])
        captured = capsys.readouterr()
        assert "Traceback" not in captured.err + captured.out
        return Typed(status, captured.out, captured.err)

    return type_it


def spawn(*words: object, **options) -> subprocess.CompletedProcess[bytes]:
    """Type a command in a process of its own."""
    env = {**os.environ, "PYTHONWARNINGS": "error", **options.pop("env", {})}
    return subprocess.run(
        [sys.executable, "-m", "optimizer", *map(str, words)],
        stdin=subprocess.DEVNULL,
        stdout=options.pop("stdout", subprocess.PIPE),
        stderr=options.pop("stderr", subprocess.PIPE),
        env=env,
        check=False,
        **options,
    )


@pytest.fixture(scope="session")
def made_company(tmp_path_factory) -> Store:
    return company(tmp_path_factory.mktemp("company") / "stores")


@pytest.fixture
def shop(made_company, tmp_path) -> Store:
    """The company's stores directory, to be spoiled."""
    copy = tmp_path / "stores"
    subprocess.run(["cp", "-a", made_company.root, copy], check=True)
    return Store(copy, made_company.operator)


@pytest.fixture
def saved_plan(permopt, shop, tmp_path) -> Path:
    plan = tmp_path / "plan.json"
    typed = permopt("propose", shop.root, "-o", plan, "--now", NOW)
    assert typed.status == 0, typed.err
    return plan


def company(root: Path) -> Store:
    """ORDERS with something of every class, roles and defaults, and an account without a finding."""
    made = make_store(root)
    agent = signing.account("agent role")
    guest = signing.account("guest role")
    orders = made.account(
        "ORDERS",
        signing_keys=[
            signing.scope(agent, "agent", pub={"allow": ["jobs.>", "jobs.new"]}),
            signing.scope(guest, "guest", sub={"allow": ["{{tag(desk)}}.{{tag(floor)}}", "guest.>", "guest.a"]}),
        ],
        default_permissions={"pub": {"deny": ["admin.>"]}, "sub": {}},
        exports=[{"name": "feed", "subject": "feed.>", "type": "stream"}],
    )
    made.user(
        "ORDERS",
        "api",
        orders,
        pub={"allow": ["orders.created", "orders.created", "orders.*", "stock.*", "stock.*.>"], "deny": ["zzz.>"]},
        sub={"allow": ["_INBOX.>", "_INBOX.x.>"]},
    )
    made.user("ORDERS", "audit", orders, sub={"allow": ["bill.*.*"], "deny": ["bill.draft.*", "bill.draft.>"]})
    made.user("ORDERS", "typo", orders, pub={"allow": ["ok.>", ".API.INFO"]})
    clean = made.account("CLEAN", imports=[
        {"name": "feed", "subject": "feed.a", "account": orders.public, "type": "stream"},
        {"name": "none", "subject": "none.a", "account": orders.public, "type": "stream"},
    ])  # fmt: skip
    made.user("CLEAN", "reader", clean, sub={"allow": ["feed.>"]})
    return made


CONTROL = re.compile(r"[^\n\x20-\x7e\u00a1-\U0010ffff]|[\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff]")


def is_printable(text: str) -> bool:
    """Whether nothing in a page moves a cursor, hides, or reorders."""
    return CONTROL.search(text) is None
