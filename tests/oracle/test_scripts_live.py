"""From a real store of a whole company to its proposals, through the scripts, to what real servers then allow."""

from __future__ import annotations

import json
import os
import re
import time
from contextlib import contextmanager
from pathlib import Path

import nkeys
import pytest

import build_acme
from optimizer.edits import EditEntries, ListName
from optimizer.examine import examine
from optimizer.judge import judge
from optimizer.nsc.script import script_for
from optimizer.proposals import Safety
from optimizer.settings import Server, Settings
from optimizer.sources import read
from tests.oracle.nsc_tool import NSC, Store, expected_is_there, proposal, sh, write
from tests.oracle.server import BINARY, TOOLS, Client, RefusedError, launch, stop

LONG = os.environ.get("PERMOPT_BUDGET") == "long"
SOME = ("ANALYTICS", "ORDERS_EU", "WAREHOUSE")
"""The accounts of a run that is not long: roles, users of signing keys and of the account itself."""

pytestmark = [pytest.mark.nsc, pytest.mark.server]


@pytest.fixture(scope="module")
def company(tmp_path_factory):
    """ACME as its builder makes it, the plan of what is safe, its scripts, and ACME after apply.sh."""
    home = tmp_path_factory.mktemp("acme")
    build_acme.build(home / "before", NSC)
    before = Store(home / "before", "ACME")
    now = int(time.time())
    hierarchy = read(str(before.home), now=now)
    settings = Settings(now=now)
    chosen = examine(hierarchy, settings).default_selection
    if not LONG:
        keys = {before.key(account) for account in SOME}
        chosen = tuple(proposal for proposal in chosen if proposal.finding.target.account in keys)
    judgement = judge(hierarchy, [edit for proposal in chosen for edit in proposal.edits], settings)
    assert judgement.safety is Safety.SAFE
    out = write(script_for(hierarchy, chosen, judgement), home / "out")
    after = before.copy(home / "after")
    run = sh(out / "apply.sh", "-H", str(after.home))
    assert run.code == 0, run
    return before, after, judgement, out


def test_every_token_has_the_claims_and_bytes_the_plan_promised(company):
    before, after, judgement, out = company
    assert expected_is_there(after, out)
    expected = json.loads((out / "expected.json").read_text())
    names = {target["user"]["key"] if target["user"] else target["account"]["key"] for target in expected["targets"]}
    assert names == {change.user or change.account for change in judgement.tokens}
    told = {(change.account, change.user): (change.before, change.after) for change in judgement.tokens}
    for target in expected["targets"]:
        account, user = target["account"], target["user"] or {"name": None, "key": None}
        sizes = [len(store.path(account["name"], user["name"]).read_bytes()) for store in (before, after)]
        assert told[account["key"], user["key"]] == tuple(sizes)
    assert judgement.saving.bytes > 1_500
    changed = {path for path, token in after.tokens().items() if token != before.tokens()[path]}
    assert len(changed) == len(expected["targets"]), "no other token has changed"
    assert "No issues found" in after.nsc("validate", "--all-accounts", code=None) or before.nsc(
        "validate", "--all-accounts", code=None
    ) == after.nsc("validate", "--all-accounts", code=None)


def test_verify_agrees_and_rollback_restores_every_byte(company, tmp_path):
    before, after, _, out = company
    assert sh(out / "verify.sh", "-H", str(after.home)).code == 0
    copy = after.copy(tmp_path / "copy")
    back = sh(out / "rollback.sh", "-H", str(copy.home))
    assert (back.code, copy.tokens()) == (0, before.tokens()), back


@pytest.mark.parametrize("server", list(Server), ids=lambda server: server.value)
def test_no_probe_tells_the_store_before_from_the_store_after(company, server, tmp_path):
    before, after, _, out = company
    touched = {target["account"]["name"] for target in json.loads((out / "expected.json").read_text())["targets"]}
    users = [
        (account, path.stem)
        for account in sorted(touched)
        for path in sorted((before.home / "ACME" / "accounts" / account / "users").glob("*.jwt"))
    ]
    subjects = probes(before, touched)
    answers = []
    for name, store in (("before", before), ("after", after)):
        with running(store, server, tmp_path / name) as port:
            answers.append({user: ask(store, port, user, subjects) for user in users})
    assert answers[0] == answers[1]
    let_in = [found for found in answers[0].values() if found]
    assert len(let_in) > 10, "the users are let in at all"
    assert all(len(set(found.values())) == 2 for found in let_in[:5]), "and some things are forbidden"


def probes(store, accounts):
    """A subject for every entry of any list in these accounts, and one beside it."""
    entries = set()
    for path in store.tokens():
        if path.startswith("accounts/") and Path(path).parts[1] in accounts:
            user = Path(path).stem if "/users/" in path else None
            text = json.dumps(store.payload(Path(path).parts[1], user)["nats"])
            entries |= set(re.findall(r'"([A-Za-z$_][^" {}\\]*[.>*][^" {}\\]*)', text))
    made = {re.sub(r"(?<![^.])>$", "zz.zz", re.sub(r"(?<![^.])\*(?![^.])", "zz", entry)) for entry in entries}
    return sorted(made | {f"{subject}.beside" for subject in made} | {s.rpartition(".")[0] for s in made} - {""})


def ask(store, port, user, subjects):
    """Whether each subject may be published, subscribed, and subscribed in a queue; None where it is not let in."""
    account, name = user
    seed = store.key_file(store.key(account, name))
    if not seed.exists():
        return None
    pair = nkeys.from_seed(seed.read_bytes().strip())
    questions = [
        line
        for index, subject in enumerate(subjects)
        for line in (f"PUB {subject} 0\r\n", f"SUB {subject} {index}a", f"SUB {subject} workers {index}b")
    ]
    try:
        with Client(port, store.path(account, name).read_text(), pair) as client:
            said = client.say_each(questions)
    except RefusedError:
        return None
    return {
        question: any(event.verb == "-ERR" for event in events)
        for question, events in zip(questions, said, strict=True)
    }


@contextmanager
def running(store, server, directory):
    """A server with the store's accounts, as `nsc generate config` would preload them."""
    directory.mkdir()
    accounts = [path for path in store.tokens() if path.startswith("accounts/") and "/users/" not in path]
    preload = "".join(
        f"  {store.key(Path(path).stem)}: {store.path(Path(path).stem).read_text()}\n" for path in accounts
    )
    conf = directory / "server.conf"
    conf.write_text(
        "listen: '127.0.0.1:-1'\n"
        f"operator: {(store.home / 'ACME' / 'ACME.jwt').read_text()}\n"
        "resolver: MEMORY\n"
        f"resolver_preload: {{\n{preload}}}\n"
        "max_control_line: 65536\n"
        f"jetstream {{ store_dir: '{directory}/js' }}\n"
    )
    process, ports = launch(TOOLS / BINARY[server], conf, directory)
    try:
        yield ports["nats"][0]
    finally:
        stop(process)


@pytest.mark.parametrize("server", list(Server), ids=lambda server: server.value)
def test_a_push_and_a_rollback_that_pushes_reach_a_real_resolver(server, tmp_path):
    store = Store(tmp_path / "home")
    store.nsc("add", "account", "--name=SYS")
    store.nsc("add", "user", "--account=SYS", "--name=sys")
    store.nsc("edit", "operator", "--system-account=SYS")
    store.nsc("add", "account", "--name=A")
    store.nsc("edit", "account", "--name=A", "--allow-pub=a.>,a.b", "--js-disable")
    conf = tmp_path / "server" / "server.conf"
    conf.parent.mkdir()
    text = store.nsc("generate", "config", "--nats-resolver", "--sys-account=SYS")
    conf.write_text(text.replace("dir: './jwt'", f"dir: '{tmp_path}/jwt'") + "\nlisten: '127.0.0.1:-1'\n")
    process, ports = launch(TOOLS / BINARY[server], conf, conf.parent)
    try:
        store.nsc("edit", "operator", f"--account-jwt-server-url=nats://127.0.0.1:{ports['nats'][0]}")
        store.nsc("push", "--account=A")
        served = tmp_path / "jwt" / f"{store.key('A')}.jwt"
        assert served.read_bytes() == store.path("A").read_bytes()
        before = store.payload("A")["nats"]
        edit = EditEntries(store.defaults("A"), ListName.PUB_ALLOW, ("a.b",))
        out = store.script(tmp_path / "out", proposal("covered-entry-1", edit))
        for script, allowed in (("apply.sh", ["a.>"]), ("rollback.sh", ["a.>", "a.b"])):
            run = sh(out / script, "-H", str(store.home), "--push")
            assert run.code == 0, run
            assert "Pushed." in run.out
            assert served.read_bytes() == store.path("A").read_bytes()
            assert store.payload("A")["nats"]["default_permissions"]["pub"]["allow"] == allowed
        assert store.payload("A")["nats"] == before
    finally:
        stop(process)
