"""What the readers make of what the real nsc and nats-server write, and of where nsc keeps it."""

import io
import os
import re
import signal
import subprocess
import time
from pathlib import Path

import pytest

from optimizer.errors import SourceError
from optimizer.sources import read
from optimizer.sources.nsc_home import nsc_context

TOOLS = Path(__file__).parents[2] / ".build" / "bin"
NOW = int(time.time())

pytestmark = pytest.mark.nsc


def nsc(*words, env, cwd="/", where="stdout"):
    """What nsc prints; its own variables come from ``env`` alone."""
    tool = TOOLS / "nsc"
    assert tool.exists(), "no nsc: run `make tools`"
    clean = {"PATH": os.environ["PATH"], "NSC_NO_GIT_IGNORE": "true", **env}
    done = subprocess.run(
        [tool, *words], env=clean, cwd=cwd, stdin=subprocess.DEVNULL, capture_output=True, check=False
    )
    assert done.returncode == 0, done.stderr.decode()
    return getattr(done, where).decode()


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    """A home in which nsc made operator OP with accounts ORDERS (users app, ops) and `BILL ING` (user b)."""
    home = tmp_path_factory.mktemp("home")
    env = {"HOME": str(home)}
    nsc("add", "operator", "OP", "--generate-signing-key", "--sys", env=env)
    nsc("add", "account", "ORDERS", env=env)
    nsc("add", "account", "BILL ING", env=env)
    nsc("add", "user", "-a", "ORDERS", "app", "--allow-pub", "orders.>,größe.*", env=env)
    nsc("add", "user", "-a", "ORDERS", "ops", "--deny-sub", "x.>", env=env)
    nsc("add", "user", "-a", "BILL ING", "b", env=env)
    return home


@pytest.fixture(scope="module")
def stores(home):
    return home / ".local/share/nats/nsc/stores"


def test_every_token_of_a_store_nsc_made_is_read_and_sound(home, stores):
    hierarchy = read(str(stores), now=NOW)
    assert hierarchy.skipped == ()
    assert {account.store_name for account in hierarchy.accounts.values()} == {"SYS", "ORDERS", "BILL ING"}
    assert {user.store_name for user in hierarchy.users.values()} == {"sys", "app", "ops", "b"}
    for signed in (hierarchy.operator, *hierarchy.accounts.values(), *hierarchy.users.values()):
        assert signed.issues == ()
        assert signed.claims.name == (signed.store_name)
    for account in hierarchy.accounts.values():
        described = nsc("describe", "account", "-n", account.store_name, "-F", "sub", env={"HOME": str(home)})
        assert described.strip() == f'"{account.claims.sub}"'


def test_without_a_source_nscs_own_store_is_read(home, stores, monkeypatch):
    monkeypatch.setattr(os, "environ", {"HOME": str(home)})
    monkeypatch.chdir("/")
    hierarchy = read(None, now=NOW)
    assert hierarchy.store == f"nsc:{stores}/OP"
    assert hierarchy.fingerprint == read(str(stores), now=NOW).fingerprint


def described(kind, home, *words):
    return nsc("describe", kind, *words, "--json", env={"HOME": str(home)})


def test_what_nsc_describes_as_json_has_the_very_size_of_its_token(home, stores):
    store = read(str(stores), now=NOW)
    text = described("operator", home) + described("account", home, "-n", "ORDERS")
    text += described("user", home, "-a", "ORDERS", "-n", "app")
    hierarchy = read("-", now=NOW, stdin=io.BytesIO(text.encode()))
    for key, user in hierarchy.users.items():
        assert user.claims == store.users[key].claims
        assert user.token.payload == store.users[key].token.payload
        assert user.token.size == store.users[key].token.size
        assert [issue.code for issue in user.issues] == ["unsigned"]
    assert {account.token.size for account in hierarchy.accounts.values()} == {
        account.token.size for account in store.accounts.values() if account.store_name == "ORDERS"
    }
    assert hierarchy.operator.token.payload == store.operator.token.payload


def test_tokens_and_armour_and_creds_that_nsc_writes_are_read(home, tmp_path):
    raw = nsc("describe", "user", "-a", "ORDERS", "-n", "app", "--raw", env={"HOME": str(home)})
    nsc(
        "describe",
        "user",
        "-a",
        "ORDERS",
        "-n",
        "app",
        "--raw",
        "-o",
        str(tmp_path / "armoured"),
        env={"HOME": str(home)},
    )
    nsc("generate", "creds", "-a", "ORDERS", "-n", "app", "-o", str(tmp_path / "app.creds"), env={"HOME": str(home)})
    assert b"-----" in (tmp_path / "armoured").read_bytes()
    (seed,) = re.findall(rb"^SU\w+$", (tmp_path / "app.creds").read_bytes(), re.MULTILINE)
    for hierarchy in (
        read("-", now=NOW, stdin=io.BytesIO(raw.encode())),
        read(str(tmp_path / "armoured"), now=NOW),
        read(str(tmp_path / "app.creds"), now=NOW),
    ):
        assert [user.token.text for user in hierarchy.users.values()] == [raw.strip()]
        assert seed.decode() not in repr(hierarchy)


ACCOUNTS = ["ORDERS", "BILL ING", "SYS"]


def test_accounts_that_nsc_describes_one_after_the_other_are_all_read(home, stores):
    store = {account.store_name: account for account in read(str(stores), now=NOW).accounts.values()}
    text = "".join(described("account", home, "-n", name) for name in ACCOUNTS)
    for form in (text, "\ufeff" + text, text.replace("\n", "\r\n"), text.replace("\n\n{", "\n\ufeff{")):
        hierarchy = read("-", now=NOW, stdin=io.BytesIO(form.encode()))
        assert [account.claims for account in hierarchy.accounts.values()] == [store[name].claims for name in ACCOUNTS]
        assert [account.token.size for account in hierarchy.accounts.values()] == [
            store[name].token.size for name in ACCOUNTS
        ]
        assert hierarchy.skipped == ()
        assert hierarchy.unknowable


@pytest.mark.parametrize("wrap", ["{}", "\ufeff{}", "\r\n{}\r\n", "'{}'", '"{}",', "{}\n\n"])
def test_accounts_that_nsc_describes_raw_one_after_the_other_are_all_read(home, stores, tmp_path, wrap):
    store = {account.store_name: account.token for account in read(str(stores), now=NOW).accounts.values()}
    raw = [nsc("describe", "account", "-n", name, "--raw", env={"HOME": str(home)}) for name in ACCOUNTS]
    text = "\n".join(wrap.replace("{}", one.strip()) for one in raw)
    (tmp_path / "all.txt").write_text(text, newline="")
    for hierarchy in (
        read("-", now=NOW, stdin=io.BytesIO(text.encode())),
        read(str(tmp_path / "all.txt"), now=NOW),
    ):
        assert [account.token for account in hierarchy.accounts.values()] == [store[name] for name in ACCOUNTS]
        assert hierarchy.skipped == ()


@pytest.mark.server
def test_the_config_nsc_generates_for_a_memory_resolver_is_read(home, stores, tmp_path):
    config = tmp_path / "server.conf"
    nsc("generate", "config", "--mem-resolver", "--config-file", str(config), env={"HOME": str(home)})
    checked = subprocess.run([TOOLS / "nats-server", "-c", config, "-t"], capture_output=True, check=False)
    assert checked.returncode == 0, checked.stderr
    hierarchy, store = read(str(config), now=NOW), read(str(stores), now=NOW)
    assert hierarchy.store == f"conf:{config}"
    assert hierarchy.skipped == ()
    assert hierarchy.operator.token == store.operator.token
    assert {key: account.token for key, account in hierarchy.accounts.items()} == {
        key: account.token for key, account in store.accounts.items()
    }
    assert all(account.issues == () for account in hierarchy.accounts.values())


@pytest.mark.server
@pytest.mark.parametrize("server", ["nats-server", "nats-server-2.11"])
def test_the_resolver_directory_a_server_fills_is_read(home, stores, tmp_path, server):
    """The server itself files each preloaded account."""
    config = tmp_path / "server.conf"
    nsc("generate", "config", "--mem-resolver", "--config-file", str(config), env={"HOME": str(home)})
    text = config.read_text().replace("resolver: MEMORY", f"resolver: {{type: full, dir: '{tmp_path}/jwt'}}")
    assert "type: full" in text
    config.write_text(f"listen: 127.0.0.1:-1\n{text}")
    store = read(str(stores), now=NOW)
    tool = TOOLS / server
    assert tool.exists(), f"no {server}: run `make tools`"
    with subprocess.Popen([tool, "-c", config], stderr=subprocess.PIPE) as running:
        try:
            for line in running.stderr:
                if b"Server is ready" in line:
                    break
            hierarchy = read(str(tmp_path / "jwt"), now=NOW)
        finally:
            running.send_signal(signal.SIGTERM)
    assert hierarchy.store == f"dir:{tmp_path}/jwt"
    assert not hierarchy.has_users
    assert {key: account.token for key, account in hierarchy.accounts.items()} == {
        key: account.token for key, account in store.accounts.items()
    }


# Where nsc looks. Each case: the variables nsc has, the directory it runs in, and files that are there beforehand.
PLACES = {
    "nothing set": ({}, ".", {}),
    "XDG_DATA_HOME alone": ({"XDG_DATA_HOME": "{t}/data"}, ".", {}),
    "both XDG": ({"XDG_DATA_HOME": "{t}/data", "XDG_CONFIG_HOME": "{t}/config"}, ".", {}),
    "store_root in nsc.json": ({}, ".", {"home/.config/nats/nsc/nsc.json": '{"store_root": "{t}/two"}'}),
    "operator in nsc.json": (
        {},
        ".",
        {"home/.config/nats/nsc/nsc.json": '{"store_root": "{t}/two", "operator": "P2"}'},
    ),
    "unknown operator": ({}, ".", {"home/.config/nats/nsc/nsc.json": '{"store_root": "{t}/two", "operator": "P9"}'}),
    "one operator there is": (
        {},
        ".",
        {"home/.config/nats/nsc/nsc.json": '{"store_root": "{t}/one", "operator": "P9"}'},
    ),
    "names in any case": ({}, ".", {"home/.config/nats/nsc/nsc.json": '{"Store_Root": "{t}/one"}'}),
    "old home": ({}, ".", {"home/.nsc/nsc.json": '{"store_root": "{t}/one"}'}),
    "old data": ({}, ".", {"home/.nsc/nats/x": ""}),
    "new beside old home": (
        {},
        ".",
        {
            "home/.nsc/nsc.json": '{"store_root": "{t}/one"}',
            "home/.config/nats/nsc/nsc.json": '{"store_root": "{t}/two"}',
        },
    ),
    "NSC_HOME": ({"NSC_HOME": "{t}/nsc"}, ".", {"nsc/nsc.json": '{"store_root": "{t}/two", "operator": "P1"}'}),
    "NSC_HOME with a tilde": ({"NSC_HOME": "~/nsc"}, ".", {"home/nsc/nsc.json": '{"store_root": "{t}/one"}'}),
    "in an operator's directory": ({}, "two/P2", {"home/.config/nats/nsc/nsc.json": '{"store_root": "{t}/one"}'}),
    "in a stores directory": (
        {},
        "two",
        {"home/.config/nats/nsc/nsc.json": '{"store_root": "{t}/one", "operator": "P2"}'},
    ),
    "below an account": ({}, "two/P1/accounts/A", {"home/.config/nats/nsc/nsc.json": '{"store_root": "{t}/one"}'}),
    "first run in a store": ({"HOME": "{t}/data-home"}, "two/P1", {}),
    "NSC_CWD_ONLY outside": (
        {"NSC_CWD_ONLY": "1"},
        ".",
        {"home/.config/nats/nsc/nsc.json": '{"store_root": "{t}/one"}'},
    ),
    "NSC_CWD_ONLY inside": (
        {"NSC_CWD_ONLY": ""},
        "two/P2",
        {"home/.config/nats/nsc/nsc.json": '{"store_root": "{t}/one"}'},
    ),
    "empty nsc.json": ({}, ".", {"home/.config/nats/nsc/nsc.json": "{}"}),
    "nsc.json without a store": ({}, ".", {"home/.config/nats/nsc/nsc.json": '{"store_root": "", "operator": "P1"}'}),
    "broken mark beside": (
        {},
        "two",
        {"two/AA/.nsc": "{", "home/.config/nats/nsc/nsc.json": '{"store_root": "{t}/one"}'},
    ),
}


def shown(text: str, name: str) -> str:
    """One effective value in the table of `nsc env`."""
    plain = re.sub(r"\x1b\[[0-9;]*m", "", text)
    (row,) = re.findall(rf"^[|│] {re.escape(name)} .*$", plain, re.MULTILINE)
    return re.split(r"[|│]", row)[3].strip()


@pytest.mark.parametrize("place", PLACES)
def test_nscs_store_is_found_where_nsc_finds_it(tmp_path, place):
    variables, cwd, written = PLACES[place]
    for stores, names in {
        "one": ["P0"],
        "two": ["P1", "P2"],
        "data/nats/nsc/stores": ["D"],
        "data-home/.local/share/nats/nsc/stores": ["DH"],
    }.items():
        for name in names:
            (tmp_path / stores / name / "accounts/A").mkdir(parents=True)
            (tmp_path / stores / name / ".nsc").write_text(f'{{"name":"{name}","kind":"operator"}}')
    (tmp_path / "home").mkdir()
    for path, text in written.items():
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).write_text(text.replace("{t}", str(tmp_path)))
    env = {"HOME": "{t}/home"} | variables
    env = {name: value.replace("{t}", str(tmp_path)) for name, value in env.items()}
    here = str(tmp_path / cwd)
    context = nsc_context(env, here)  # before nsc, which writes nsc.json

    table = nsc("env", env=env, cwd=here, where="stderr")
    stores, operator = shown(table, "Current Store Dir"), shown(table, "Current Operator")
    stores = "" if stores == "Not Set" else stores.replace("~", env["HOME"], 1)
    assert (context.stores, context.operator) == (stores, operator)


def test_in_a_store_before_nscs_first_run_it_is_what_nscs_second_run_takes(tmp_path):
    """The first run takes its own default, which is empty, and writes nsc.json; from then on the directory counts."""
    (tmp_path / "P").mkdir()
    (tmp_path / "P/.nsc").write_text('{"name":"P","kind":"operator"}')
    env = {"HOME": str(tmp_path / "home")}
    context = nsc_context(env, str(tmp_path))
    first, second = (nsc("env", env=env, cwd=tmp_path, where="stderr") for _ in range(2))
    assert shown(first, "Current Operator") == ""
    assert shown(second, "Current Operator") == context.operator == "P"
    assert shown(second, "Current Store Dir") == context.stores == str(tmp_path)


def test_a_broken_nsc_json_stops_both(tmp_path):
    config = tmp_path / ".config/nats/nsc/nsc.json"
    config.parent.mkdir(parents=True)
    config.write_text("{")
    env = {"HOME": str(tmp_path)}
    done = subprocess.run([TOOLS / "nsc", "env"], env=env, cwd="/", capture_output=True, check=False)
    assert done.returncode == 1
    with pytest.raises(SourceError, match=r"nsc\.json` is not a JSON object"):
        nsc_context(env, "/")
