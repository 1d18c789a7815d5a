"""A real leafnode between the oracle and its hub: a second nats-server whose own checks decide what it asks for.

What a leafnode may subscribe to is decided on its own side, with the permissions that the hub sends it: so the probe
needs a real server there. It connects through a relay, which reads the ``LS+`` lines it sends and puts a PING of its
own into the stream to know when all were sent. The lines themselves it keeps: a literal that the hub refuses would
close the connection for all others, so `hub_refuses` asks the hub for each by itself.
"""

from __future__ import annotations

import contextlib
import json
import shutil
import socket
import tempfile
import threading
from pathlib import Path
from typing import TYPE_CHECKING, Self

from tests import signing

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tests.oracle.server import RealServer

PATIENCE = 30.0


class Relay:
    """Passes one leafnode's connection on to the hub, and listens."""

    def __init__(self, hub_port: int) -> None:
        self._hub_port = hub_port
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        self._changed = threading.Condition()
        self._spoke: socket.socket | None = None
        self._hub: socket.socket | None = None
        self.refused = False
        self.asked: list[str] = []
        self.errors: list[str] = []
        self.pongs = 0
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self) -> None:
        try:
            spoke, _ = self._listener.accept()
        except OSError:
            return
        self._listener.close()  # a leafnode that was refused tries again for ever
        self._spoke, self._hub = spoke, socket.create_connection(("127.0.0.1", self._hub_port), PATIENCE)
        for end in (self._spoke, self._hub):
            end.settimeout(None)
            end.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        threading.Thread(target=self._pass, args=(self._hub, self._spoke, self._from_hub), daemon=True).start()
        self._pass(self._spoke, self._hub, self._from_spoke)

    def _pass(self, source: socket.socket, sink: socket.socket, hear) -> None:
        buffer = b""
        try:
            while more := source.recv(65536):
                *lines, buffer = (buffer + more).split(b"\r\n")
                for line in lines:
                    with self._changed:
                        passed = hear(line.decode())
                        self._changed.notify_all()
                    if passed:
                        sink.sendall(line + b"\r\n")
        except OSError:
            pass
        with self._changed:
            self.refused = True
            self._changed.notify_all()
        self._shut(source)
        self._shut(sink)

    def _from_hub(self, line: str) -> bool:
        verb, _, rest = line.partition(" ")
        if verb == "-ERR":
            self.errors.append(rest)
        return True

    def _from_spoke(self, line: str) -> bool:
        verb, _, rest = line.partition(" ")
        if verb == "LS+":
            self.asked.append(rest)
            return False
        if verb == "PONG":
            self.pongs += 1
            return False
        return True

    def wait_welcome(self) -> bool:
        """Whether the hub let the leafnode in; waits until it passes subscriptions on.

        It looks for loops first, whatever it may ask for, once it has the permissions and knows who is subscribed.
        """
        with self._changed:
            self._wait(lambda: any(subject.startswith("$LDS.") for subject in self.asked) or self.refused)
            return not self.refused

    def fence(self) -> None:
        """Wait until the leafnode has sent everything it has to say so far."""
        assert self._spoke is not None
        with self._changed:
            before = self.pongs
        self._spoke.sendall(b"PING\r\n")
        with self._changed:
            self._wait(lambda: self.pongs > before or self.refused)

    def _wait(self, holds) -> None:
        if not self._changed.wait_for(holds, PATIENCE):
            raise TimeoutError("the leafnode said nothing")

    def close(self) -> None:
        for end in (self._listener, self._spoke, self._hub):
            if end is not None:
                self._shut(end)
                end.close()

    @staticmethod
    def _shut(end: socket.socket) -> None:
        with contextlib.suppress(OSError):
            end.shutdown(socket.SHUT_RDWR)


class Spoke:
    """A nats-server with one leafnode connection, and one local account, for each of the credentials."""

    SEATS = 40

    def __init__(self, hub: RealServer, credentials: Sequence[tuple[str, str]]) -> None:
        self.hub = hub
        self.credentials = credentials

    def __enter__(self) -> Self:
        from tests.oracle.server import launch  # noqa: PLC0415 which imports this module

        self.directory = Path(tempfile.mkdtemp(prefix="spoke"))
        self.relays = [Relay(self.hub.leaf_port) for _ in self.credentials]
        accounts, remotes = [], []
        for seat, ((token, seed), relay) in enumerate(zip(self.credentials, self.relays, strict=True)):
            creds = self.directory / f"{seat}.creds"
            creds.write_text(
                f"-----BEGIN NATS USER JWT-----\n{token}\n------END NATS USER JWT------\n\n"
                f"-----BEGIN USER NKEY SEED-----\n{seed}\n------END USER NKEY SEED------\n"
            )
            accounts.append(f"  L{seat}: {{ users: [ {{ user: l{seat}, password: p }} ] }}\n")
            remotes.append(
                f"    {{ url: 'nats-leaf://127.0.0.1:{relay.port}', account: L{seat}, credentials: '{creds}',"
                " compression: off }\n"
            )
        conf = self.directory / "spoke.conf"
        conf.write_text(
            "listen: '127.0.0.1:-1'\n"
            "server_name: spoke\n"
            f"accounts {{\n{''.join(accounts)}}}\n"
            f"leafnodes {{\n  reconnect: 3600\n  remotes: [\n{''.join(remotes)}  ]\n}}\n"
        )
        self.process, ports = launch(self.hub.binary, conf, self.directory)
        self.port = ports["nats"][0]
        return self

    def __exit__(self, *_: object) -> None:
        from tests.oracle.server import stop  # noqa: PLC0415 which imports this module

        for relay in self.relays:
            relay.close()
        stop(self.process)
        shutil.rmtree(self.directory)

    def asks(self, seat: int, subjects: Sequence[str]) -> list[bool]:
        """Whether the leafnode passes each of these subscriptions of a local client on to the hub."""
        relay = self.relays[seat]
        if not relay.wait_welcome():
            return [False] * len(subjects)
        with socket.create_connection(("127.0.0.1", self.port), PATIENCE) as client:
            lines = client.makefile("rb")
            lines.readline()
            asked = list(dict.fromkeys(subjects))
            options = json.dumps({"user": f"l{seat}", "pass": "p", "verbose": False, "pedantic": False})
            wanted = "".join(f"SUB {subject} {sid}\r\n" for sid, subject in enumerate(asked))
            client.sendall(f"CONNECT {options}\r\n{wanted}PING\r\n".encode())
            while (line := lines.readline().strip()) != b"PONG":
                assert line in (b"", b"PING") or line.startswith((b"INFO", b"-ERR 'Invalid Subject'")), line
            relay.fence()
        assert not relay.refused, relay.errors
        passed = set(relay.asked)
        return [subject in passed for subject in subjects]


class Leaf:
    """The leafnode's end of a connection in the raw protocol, without the checks of a real one."""

    def __init__(self, port: int, token: str, user: signing.Key) -> None:
        self._socket = socket.create_connection(("127.0.0.1", port), PATIENCE)
        self._lines = self._socket.makefile("rb")
        info = json.loads(self._lines.readline().removeprefix(b"INFO "))
        connect = {"jwt": token, "sig": signing.b64(user.sign(info["nonce"].encode())), "name": "leaf"}
        answered, said = self.say(f"CONNECT {json.dumps(connect)}")
        self.welcome = answered and not any(line.startswith("-ERR") for line in said)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._socket.close()

    def say(self, *lines: str) -> tuple[bool, list[str]]:
        """Whether the hub kept the connection open, and what it said."""
        heard: list[str] = []
        try:
            self._socket.sendall("".join(f"{line}\r\n" for line in (*lines, "PING")).encode())
            while (line := self._lines.readline().decode()) and line.strip() != "PONG":
                heard.append(line.removesuffix("\r\n"))
        except ConnectionError:
            return False, heard
        return bool(line), heard


def hub_refuses(port: int, token: str, user: signing.Key, subjects: Sequence[str]) -> set[str]:
    """Which of these subscriptions of a leafnode a hub answers by closing the connection."""
    refused: set[str] = set()
    waiting = list(subjects)
    while waiting:
        with Leaf(port, token, user) as leaf:
            assert leaf.welcome
            while waiting:
                subject = waiting.pop(0)
                kept, said = leaf.say(f"LS+ {subject}")
                if not kept:
                    assert any("Permissions Violation for Subscription" in line for line in said), said
                    refused.add(subject)
                    break
    return refused
