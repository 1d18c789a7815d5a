"""Sources that a real nats-server fills: its resolver directory, and what natscli gathers of it."""

import json
import subprocess
import time
import zipfile

import pytest

from optimizer.settings import Server
from optimizer.sources import read
from tests import signing
from tests.oracle.server import OPERATOR, SYSTEM, TOOLS, USER, RealServer
from tests.oracle.system import delete, gather, update

pytestmark = pytest.mark.server

NOW = int(time.time())
NAMES = ["ORDERS", "BILLING", "größe"]


def account_token(name, **nats):
    return signing.sign(signing.account_claims(signing.account(name), name, **nats), OPERATOR)


TOKENS = {signing.account(name).public: account_token(name) for name in NAMES}


def texts(hierarchy):
    return {key: account.token.text for key, account in hierarchy.accounts.items()}


@pytest.mark.parametrize("hard", [False, True])
def test_what_a_resolver_saves_is_read_and_what_it_deleted_is_not(tmp_path, server, hard):
    directory = tmp_path / "jwt"
    resolver = f"resolver {{type: full, dir: '{directory}', allow_delete: true, hard_delete: {str(hard).lower()}}}\n"
    changed = signing.sign(
        signing.account_claims(signing.account("ORDERS"), "ORDERS", tags=["new"]) | {"iat": signing.ISSUED + 1},
        OPERATOR,
    )
    with RealServer(server, tmp_path / "server", TOKENS, resolver) as running:
        before = read(str(directory), now=NOW)
        assert '"code":200' in update(running, changed)
        assert '"message":"deleted 1 accounts"' in delete(running, signing.account("BILLING"))
        after = read(str(directory), now=NOW)
    assert texts(before) == {SYSTEM.public: texts(before)[SYSTEM.public], **TOKENS}
    left = {key: token for key, token in texts(before).items() if key != signing.account("BILLING").public}
    assert texts(after) == left | {signing.account("ORDERS").public: changed}
    assert (directory / f"{signing.account('BILLING')}.jwt.deleted").exists() is not hard
    for hierarchy in (before, after):
        assert hierarchy.skipped == ()
        assert hierarchy.operator is None
        assert not hierarchy.has_users
        assert hierarchy.unknowable


def test_what_the_servers_own_store_files_sharded_is_read(tmp_path):
    tool = TOOLS / "dirstore"
    assert tool.exists(), f"{tool} is missing: sh tools/build.sh makes it"
    subprocess.run([tool, tmp_path / "jwt", *(word for pair in TOKENS.items() for word in pair)], check=True)
    assert {path.parent.name for path in tmp_path.rglob("*.jwt")} == {key[-2:] for key in TOKENS}
    hierarchy = read(str(tmp_path / "jwt"), now=NOW)
    assert texts(hierarchy) == TOKENS
    assert hierarchy.skipped == ()
    assert not hierarchy.has_users


def test_what_natscli_gathers_holds_the_tokens_of_the_operator_and_of_accounts_in_use(tmp_path, server):
    """A server answers for accounts that it loaded; it loads one when somebody connects, or imports from it."""
    orders = account_token(
        "ORDERS",
        imports=[{"name": "i", "subject": "b.>", "account": str(signing.account("BILLING")), "type": "stream"}],
    )
    accounts = {**TOKENS, signing.account("ORDERS").public: orders}
    user = signing.sign(signing.user_claims(USER, None, "user"), signing.account("ORDERS"))
    with RealServer(server, tmp_path / "server", accounts) as running, running.connect(user):
        gather(running, tmp_path / "gather.zip")
    hierarchy = read(str(tmp_path / "gather.zip"), now=NOW)
    assert hierarchy.store == f"gather:{tmp_path}/gather.zip"
    assert hierarchy.skipped == ()
    assert hierarchy.operator.claims.sub == OPERATOR.public
    assert hierarchy.operator.issues == ()
    found = texts(hierarchy)
    assert found.pop(SYSTEM.public)
    assert found == {key: accounts[key] for key in accounts if key != signing.account("größe").public}
    assert all(account.issues == () for account in hierarchy.accounts.values())
    assert not hierarchy.has_users
    assert hierarchy.users == {}
    assert any("loaded" in sentence for sentence in hierarchy.unknowable)


def test_a_gathered_archive_is_laid_out_as_its_reader_takes_it(tmp_path):
    """The directory of each file is the type that the manifest gives it, which is what the reader goes by."""
    with RealServer(Server.CURRENT, tmp_path / "server") as running:
        gather(running, tmp_path / "gather.zip")
    with zipfile.ZipFile(tmp_path / "gather.zip") as archive:
        manifest = json.loads(archive.read("capture/misc/manifest.json"))
        kinds = set()
        for path, tags in manifest.items():
            named = {tag["Name"]: tag["Value"] for tag in tags}
            if "artifact_type" in named:
                assert path.split("/")[-2] == named["artifact_type"]
                kinds.add(named["artifact_type"])
            if named.get("artifact_type") == "account_info":
                assert json.loads(archive.read(path))["data"]["account_name"] == named["account"]
    assert {"account_info", "variables"} <= kinds
