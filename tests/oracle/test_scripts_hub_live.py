"""A hub pushed to real servers by its own scripts, while clients of a consumer go on asking."""

from __future__ import annotations

import threading
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, ClassVar, Self

import nkeys
import pytest

from optimizer.settings import Server
from tests import signing
from tests.oracle.markets import market, new_key, services, small, staged
from tests.oracle.nsc_tool import Store, expected_is_there, proposal, sh
from tests.oracle.server import BINARY, PATIENCE, TOOLS, Client, RefusedError, launch, stop

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

pytestmark = [pytest.mark.nsc, pytest.mark.server]

PROVIDERS = ("P0", "P1")


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    store = market(tmp_path_factory.mktemp("made") / "home", services(2, 2, 1))
    store.nsc("add", "account", "--name=SYS")
    store.nsc("edit", "operator", "--system-account=SYS")
    return store, new_key(store)


def member(store: Store, port: int, account: str) -> Client:
    """A user of an account, whose token is in no store."""
    owner, key = signing.user("member"), nkeys.from_seed(store.key_file(account).read_bytes().strip())
    claims = signing.user_claims(owner, None, "member")
    claims |= {"iss": account}
    head, body = signing.b64(signing.go_json(signing.HEADER)), signing.b64(signing.go_json(claims))
    token = f"{head}.{body}.{signing.b64(key.sign(f'{head}.{body}'.encode()))}"
    return Client(port, token, owner)


@dataclass
class Loop:
    """A client of its own, spoken to again and again until it is stopped."""

    PAUSE: ClassVar[float] = 0.002

    client: Client
    stopping: threading.Event = field(default_factory=threading.Event)
    errors: list[Exception] = field(default_factory=list)

    def turn(self) -> None:
        raise NotImplementedError

    def __enter__(self) -> Self:
        self.thread = threading.Thread(target=self._run, daemon=True)
        self.thread.start()
        return self

    def _run(self) -> None:
        try:
            while not self.stopping.is_set():
                self.turn()
                time.sleep(self.PAUSE)
        except Exception as error:  # noqa: BLE001 shown by the thread that waits
            self.errors.append(error)

    def __exit__(self, *_: object) -> None:
        self.stopping.set()
        self.thread.join(PATIENCE)
        self.client.close()
        assert not self.errors, self.errors


class Provider(Loop):
    """Answers every request with its own text, so late that several are always on their way."""

    PAUSE = 0.02

    answers: tuple[str, ...] = ()

    def turn(self) -> None:
        heard = [event for event in self.client.say(*self.answers) if event.verb == "MSG"]
        self.answers = tuple(f"PUB {each.text} {len(each.body)}\r\n{each.body}" for each in heard)


@dataclass
class Asker(Loop):
    """Asks both providers in turn, every few milliseconds, and keeps account of what comes back."""

    prefix: str = ""
    asked: int = 0
    answers: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.inbox = f"{self.prefix.rstrip('.')}back"
        self.client.say(f"SUB {self.inbox}.* 1")

    def turn(self) -> None:
        self.asked += 1
        self.hear(f"PUB {self.prefix}svc.p{self.asked % 2}.m0 {self.inbox}.{self.asked} 1\r\nq")

    def hear(self, *lines: str) -> None:
        """Say something, or nothing, and note what is answered meanwhile."""
        self.answers += [event.subject for event in self.client.say(*lines) if event.verb == "MSG"]

    def wait_for(self, more: int) -> None:
        """Until so many more are answered; a loaded machine is slow."""
        wanted, deadline = len(self.answers) + more, time.monotonic() + PATIENCE
        while len(self.answers) < wanted and not self.errors and time.monotonic() < deadline:
            time.sleep(0.01)
        assert len(self.answers) >= wanted, (self.asked, len(self.answers), self.errors)

    def is_answered_once(self) -> bool:
        """Whether each request was answered, and none of them twice; it asks no more then."""
        self.stopping.set()
        self.thread.join(PATIENCE)
        deadline = time.monotonic() + PATIENCE
        while len(self.answers) < self.asked and time.monotonic() < deadline:
            self.hear()
        return sorted(self.answers) == sorted(f"{self.inbox}.{number}" for number in range(1, self.asked + 1))


def asking(store: Store, port: int, prefix: str = "") -> Asker:
    return Asker(member(store, port, store.key("C0")), prefix=prefix)


def is_answered(store: Store, port: int, name: str) -> bool:
    """Whether one request of the consumer C1 is answered, by providers that are quick."""
    with member(store, port, store.key("C1")) as client:
        client.say("SUB back.* 1", f"PUB {name} back.1 1\r\nq")
        deadline = time.monotonic() + 1
        while time.monotonic() < deadline:
            if any(event.verb == "MSG" for event in client.say()):
                return True
            time.sleep(0.01)
    return False


@contextmanager
def serving(store: Store, server: Server, directory: Path, *, allow_delete: bool) -> Iterator[int]:
    """A server with a full resolver that holds the store's accounts, and providers that answer."""
    jwts = directory / "jwt"
    jwts.mkdir(parents=True)
    for account in (*PROVIDERS, "C0", "C1"):
        (jwts / f"{store.key(account)}.jwt").write_bytes(store.path(account).read_bytes())
    text = store.nsc("generate", "config", "--nats-resolver", "--sys-account=SYS")
    text = text.replace("dir: './jwt'", f"dir: '{jwts}'")
    assert "allow_delete: false" in text
    text = text.replace("allow_delete: false", f"allow_delete: {str(allow_delete).lower()}")
    conf = directory / "server.conf"
    conf.write_text(text + "\nlisten: '127.0.0.1:-1'\nping_interval: '1h'\n")
    process, ports = launch(TOOLS / BINARY[server], conf, directory)
    port = ports["nats"][0]
    try:
        store.nsc("edit", "operator", f"--account-jwt-server-url=nats://127.0.0.1:{port}")
        with ExitStack() as stack:
            for number, account in enumerate(PROVIDERS):
                provider = Provider(member(store, port, store.key(account)))
                provider.client.say(f"SUB svc.p{number}.m0 1")
                stack.enter_context(provider)
            yield port
    finally:
        stop(process)


def run(script: Path, store: Store, code: int = 0) -> str:
    done = sh(script, "-H", str(store.home), "--push")
    assert done.code == code, done
    return done.out + done.err


def names_kept(made: tuple[Store, str], server: Server, directory: Path) -> None:
    key, store = made[1], made[0].copy(directory / "home")
    allowed = server is Server.CURRENT
    with serving(store, server, directory / "server", allow_delete=allowed) as port:
        out = store.script(directory / "out", proposal("hub-1", *small(store, key)))
        with asking(store, port) as asker:
            asker.wait_for(50)
            run(out / "apply.sh", store)
            assert expected_is_there(store, out)
            with member(store, port, key) as tap:  # the hub's own users see what passes through it, and only that
                tap.say("SUB > 1")
                asker.wait_for(50)
                assert sum(event.verb == "MSG" for event in tap.say()) >= 50
                said = run(out / "rollback.sh", store, 0 if allowed else 1)
                if not allowed:
                    tap.say()
                    asker.wait_for(50)
                    assert not [event for event in tap.say() if event.verb == "MSG"]
            asker.wait_for(50)
            assert asker.is_answered_once()
            assert asker.asked > 150
        if allowed:  # what was taken off the server can be put there again
            run(out / "apply.sh", store)
            assert is_answered(store, port, "svc.p1.m0")
            run(out / "rollback.sh", store)
    served = directory / "server" / "jwt"
    for account in ("C0", "C1"):
        assert (served / f"{store.key(account)}.jwt").read_bytes() == store.path(account).read_bytes()
    assert (served / f"{key}.jwt").exists() == (not allowed)
    assert not store.path("hub").exists()
    assert ("allow_delete" in said) == (not allowed)


def names_with_a_prefix(made: tuple[Store, str], server: Server, directory: Path) -> None:
    key, store = made[1], made[0].copy(directory / "home")
    allowed = server is Server.EARLIER
    with serving(store, server, directory / "server", allow_delete=allowed) as port:
        first, second = staged(small(store, key, prefix="hub."))
        one = store.script(directory / "one", first)
        both = store.script(directory / "both", first, second)
        with asking(store, port) as old:
            old.wait_for(50)
            run(one / "apply.sh", store)
            with asking(store, port, "hub.") as new:
                old.wait_for(50)
                new.wait_for(50)
                assert old.is_answered_once()
                run(both / "apply.sh", store)
                assert expected_is_there(store, both)
                new.wait_for(50)
                assert new.is_answered_once()
        assert is_answered(store, port, "hub.svc.p1.m0")
        assert not is_answered(store, port, "svc.p1.m0"), "the direct path is gone"
        said = run(both / "rollback.sh", store, 0 if allowed else 1)
        assert is_answered(store, port, "svc.p1.m0")
        assert not is_answered(store, port, "hub.svc.p1.m0")
        assert ("allow_delete" in said) == (not allowed)
        if allowed:
            with pytest.raises(RefusedError):
                member(store, port, key)


@pytest.mark.parametrize("form", [names_kept, names_with_a_prefix])
def test_requests_are_answered_before_during_and_after_the_switch_and_the_way_back(made, tmp_path, form):
    with ThreadPoolExecutor(len(Server)) as pool:  # most of the time nsc waits for more servers to answer a push
        for done in [pool.submit(form, made, server, tmp_path / server.value) for server in Server]:
            done.result()
