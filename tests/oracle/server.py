"""The real nats-server of both generations, asked what it allows: the thing that can prove the kernel wrong.

A server runs in operator mode on loopback with one account. Permissions live in the user token, so every question
mints a fresh token against the same running server and asks it over the raw protocol. A probe is one line followed by
a PING: whatever error comes back before the PONG is the answer to that line.

>>> with RealServer(Server.CURRENT, tmp_path) as server:
...     Oracle(server).ask({"pub": {"allow": ["a.*"]}}, Publish("a.b"))
True
"""

from __future__ import annotations

import json
import os
import re
import socket
import subprocess
import time
from collections import defaultdict
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple, Self

from optimizer.settings import Server
from optimizer.subjects.compare import Connect, Deliver, LeafInterest, LeafSubscribe, Probe, Publish, Subscribe
from tests import signing
from tests.oracle.leafnode import Leaf, Spoke, hub_refuses

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

ROOT = Path(__file__).resolve().parents[2]
TOOLS = Path(os.environ.get("PERMOPT_TOOLS") or ROOT / ".build" / "bin")
BINARY = {Server.CURRENT: "nats-server", Server.EARLIER: "nats-server-2.11"}

PATIENCE = 30.0  # seconds for a start or an answer; a loaded machine is slow, never wrong
COPIES = 40  # of a message where the queue group has two members and either may get it: 2^-40 to miss one
WINDOW = 200  # probes sent before their answers are read, small enough for every socket buffer

Claims = dict[str, Any]
OPERATOR, SYSTEM, ACCOUNT, USER = (
    signing.operator("oracle"),
    signing.account("oracle system"),
    signing.account("oracle"),
    signing.user("oracle"),
)


class RefusedError(Exception):
    """The server did not let the connection in."""


class Event(NamedTuple):
    """One thing the server said: a message, or an error."""

    verb: str
    subject: str = ""
    sid: str = ""
    text: str = ""
    body: str = ""


def user_token(claims: Mapping[str, Any]) -> str:
    """A user of the oracle's account with these permissions, as they stand."""
    return signing.sign(signing.user_claims(USER, None, "probe", **claims), ACCOUNT)


class RealServer:
    """One nats-server process in operator mode, with tokens preloaded; stopped by its pid."""

    def __init__(
        self, generation: Server, directory: Path, accounts: Mapping[str, str] | None = None, more: str = ""
    ) -> None:
        self.generation = generation
        self.directory = directory
        self.more = more
        self.accounts = accounts or {ACCOUNT.public: signing.sign(signing.account_claims(ACCOUNT, "ORACLE"), OPERATOR)}

    @property
    def binary(self) -> Path:
        path = TOOLS / BINARY[self.generation]
        assert path.exists(), f"{path} is missing: sh tools/build.sh makes it"
        return path

    def __enter__(self) -> Self:
        self.directory.mkdir(parents=True, exist_ok=True)
        system = signing.sign(signing.account_claims(SYSTEM, "SYS"), OPERATOR)
        operator = signing.operator_claims(OPERATOR, "oracle", system_account=SYSTEM.public)
        preload = {SYSTEM.public: system, **self.accounts}
        conf = self.directory / "server.conf"
        conf.write_text(
            "listen: '127.0.0.1:-1'\n"
            f"operator: {signing.sign(operator, OPERATOR)}\n"
            f"system_account: {SYSTEM.public}\n"
            "resolver: MEMORY\n"
            "resolver_preload: {\n" + "".join(f"  {key}: {token}\n" for key, token in preload.items()) + "}\n"
            "leafnodes { listen: '127.0.0.1:-1', compression: off }\n"
            "max_control_line: 65536\n"
            "ping_interval: '1h'\n"  # the publisher listens only when it is asked
             + self.more
        )
        self.process, ports = launch(self.binary, conf, self.directory)
        self.port = ports["nats"][0]
        # The ports file says nothing about leafnodes.
        listening = re.search(r"Listening for leafnode connections on [^ ]*:(\d+)", _log(self.directory))
        assert listening is not None, _log(self.directory)
        self.leaf_port = int(listening[1])
        return self

    def __exit__(self, *_: object) -> None:
        stop(self.process)

    def connect(self, token: str, user: signing.Key = USER) -> Client:
        return Client(self.port, token, user)


def launch(binary: Path, conf: Path, directory: Path) -> tuple[subprocess.Popen[bytes], dict[str, list[int]]]:
    """Start a server and wait for the ports it took."""
    with (directory / "output").open("wb") as output:
        process = subprocess.Popen(
            [binary, "-c", conf, "--ports_file_dir", directory, "-l", directory / "log"], stdout=output, stderr=output
        )
    deadline = time.monotonic() + PATIENCE
    written = directory / f"{binary.name}_{process.pid}.ports"
    while time.monotonic() < deadline:
        assert process.poll() is None, f"{binary.name} ended: {(directory / 'output').read_text()}{_log(directory)}"
        if written.exists() and (text := written.read_text()).strip().endswith("}"):
            return process, {
                name: [int(url.rsplit(":", 1)[1]) for url in urls] for name, urls in json.loads(text).items()
            }
        time.sleep(0.01)
    stop(process)
    raise TimeoutError(f"{binary.name} did not start within {PATIENCE} seconds: {_log(directory)}")


def stop(process: subprocess.Popen[bytes]) -> None:
    process.kill()
    process.wait(PATIENCE)


def _log(directory: Path) -> str:
    log = directory / "log"
    return log.read_text() if log.exists() else ""


class Client:
    """One connection, spoken to in the raw protocol."""

    def __init__(self, port: int, token: str, user: signing.Key) -> None:
        self._socket = socket.create_connection(("127.0.0.1", port), PATIENCE)
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._buffer = b""
        try:
            self._enter(token, user)
        except BaseException:
            self.close()
            raise

    def _enter(self, token: str, user: signing.Key) -> None:
        info = json.loads(self._line().removeprefix(b"INFO "))
        options = {
            "jwt": token,
            "sig": signing.b64(user.sign(info["nonce"].encode())),
            "verbose": False,
            "pedantic": False,
            "echo": True,
            "protocol": 1,
            "lang": "probe",
            "version": "0",
        }
        self._socket.sendall(b"CONNECT " + json.dumps(options).encode() + b"\r\nPING\r\n")
        try:
            errors = [event.text for event in self.answers(1)[0] if event.verb == "-ERR"]
        except ConnectionError as error:
            errors = [str(error)]
        if errors:
            raise RefusedError(errors[0])

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        self._socket.close()

    def say(self, *lines: str) -> list[Event]:
        """Send lines and return what the server said until it had worked through them."""
        self._socket.sendall("".join(f"{line}\r\n" for line in (*lines, "PING")).encode())
        return self.answers(1)[0]

    def say_each(self, lines: Sequence[str]) -> list[list[Event]]:
        """What the server said to each line."""
        found: list[list[Event]] = []
        for start in range(0, len(lines), WINDOW):
            part = lines[start : start + WINDOW]
            self._socket.sendall("".join(f"{line}\r\nPING\r\n" for line in part).encode())
            found += self.answers(len(part))
        return found

    def answers(self, count: int) -> list[list[Event]]:
        """What the server said before each of the next ``count`` PONGs."""
        found: list[list[Event]] = [[]]
        while len(found) <= count:
            line = self._line().decode()
            verb, _, rest = line.partition(" ")
            if verb == "PONG":
                found.append([])
            elif verb == "PING":
                self._socket.sendall(b"PONG\r\n")
            elif verb == "MSG":
                subject, sid, *more = rest.split(" ")
                body = self._bytes(int(more[-1]) + len(b"\r\n")).decode()[:-2]
                found[-1].append(Event("MSG", subject, sid, more[0] if len(more) > 1 else "", body))
            elif verb == "-ERR":
                if "Permissions Violation" not in rest and "Invalid Subject" not in rest:
                    raise ConnectionError(rest)
                found[-1].append(Event("-ERR", text=rest))
            else:
                assert verb in ("", "INFO", "+OK"), line
        return found[:count]

    def _line(self) -> bytes:
        while b"\r\n" not in self._buffer:
            self._receive()
        line, _, self._buffer = self._buffer.partition(b"\r\n")
        return line

    def _bytes(self, size: int) -> bytes:
        while len(self._buffer) < size:
            self._receive()
        taken, self._buffer = self._buffer[:size], self._buffer[size:]
        return taken

    def _receive(self) -> None:
        more = self._socket.recv(65536)
        if not more:
            raise ConnectionError("the server closed the connection")
        self._buffer += more


class Oracle:
    """Answers probes by trying them on a real server."""

    def __init__(
        self, server: RealServer, token_of: Callable[[Claims], str] = user_token, publisher: str | None = None
    ) -> None:
        self.server = server
        self.asked = 0
        self._token_of = token_of
        self._publisher = server.connect(publisher or user_token({}))

    def close(self) -> None:
        self._publisher.close()

    def ask(self, claims: Claims, probe: Probe) -> bool:
        """Whether the server lets a user with these permissions do this."""
        return self.ask_all([(claims, probe)])[0]

    def ask_all(self, questions: Iterable[tuple[Claims, Probe]]) -> list[bool]:
        """The answer to each question; those about the same permissions share connections where that cannot matter."""
        asked = list(questions)
        answers: dict[int, bool] = {}
        blocks: dict[str, list[int]] = defaultdict(list)
        for index, (claims, _) in enumerate(asked):
            blocks[json.dumps(claims)].append(index)
        leaves: list[tuple[Claims, list[int]]] = []
        for indices in blocks.values():
            claims = asked[indices[0]][0]
            wanted, told, rest = (
                [index for index in indices if isinstance(asked[index][1], kind)]
                for kind in (LeafSubscribe, LeafInterest, Publish | Subscribe | Deliver | Connect)
            )
            if wanted:
                leaves.append((claims, wanted))
            if told:
                heard = self.leaf_hears(claims, [asked[index][1].subject for index in told])
                answers |= dict(zip(told, heard, strict=True))
            if rest:
                answers |= dict(zip(rest, self._ask_client(claims, [asked[index][1] for index in rest]), strict=True))
        passed = self.leaf_subscribes([(claims, [asked[index][1].subject for index in of]) for claims, of in leaves])
        for (_, indices), verdicts in zip(leaves, passed, strict=True):
            answers |= dict(zip(indices, verdicts, strict=True))
        self.asked += len(asked)
        return [answers[index] for index in range(len(asked))]

    def _ask_client(self, claims: Claims, probes: list[Probe]) -> list[bool]:
        token = self._token_of(claims)
        lines: dict[int, str] = {}
        deliveries: dict[tuple[Any, ...], list[int]] = defaultdict(list)
        answers: dict[int, bool] = {}
        try:
            with self.server.connect(token) as client:
                for index, probe in enumerate(probes):
                    match probe:
                        case Publish(subject, None):
                            lines[index] = f"PUB {word(subject)} 0\r\n"
                        case Subscribe(subject, queue):
                            # Gone again at once: the next connection's queue group must not find it.
                            lines[index] = f"{sub(subject, queue, index)}\r\nUNSUB {index}"
                        case Deliver(subscription, queue, _, alongside):
                            deliveries[subscription, queue, alongside].append(index)
                        case Connect():
                            answers[index] = True
                said = client.say_each(list(lines.values()))
                for index, events in zip(lines, said, strict=True):
                    answers[index] = not any(event.verb == "-ERR" for event in events)
        except RefusedError:
            return [False] * len(probes)
        for (subscription, queue, alongside), indices in deliveries.items():
            subjects = [probes[index].subject for index in indices]
            arrived = self.delivers(token, subscription, queue, subjects, alongside)
            answers |= {index: probes[index].subject in arrived for index in indices}
        for index, probe in enumerate(probes):
            if isinstance(probe, Publish) and probe.replying_to is not None:
                answers[index] = self.replies(claims, probe, 1) == 1
        return [answers[index] for index in range(len(probes))]

    def delivers(
        self,
        token: str,
        subscription: str,
        queue: str | None,
        subjects: Sequence[str],
        alongside: Subscribe | None = None,
    ) -> set[str]:
        """Which subjects arrive at one subscription of a fresh connection, ``alongside`` being its only other one."""
        with self.server.connect(token) as client:
            wanted = [sub(subscription, queue, 1)]
            if alongside is not None:
                wanted.append(sub(alongside.subject, alongside.queue, 2))
            refused = client.say_each(wanted)[0]
            if any(event.verb == "-ERR" for event in refused):
                return set()
            shared = alongside is not None and queue is not None and alongside.queue == queue
            self._publisher.say(*[f"PUB {word(s)} 0\r\n" for s in subjects for _ in range(COPIES if shared else 1)])
            # Whatever the publisher's PONG says was done is in front of this one; left so that no queue group keeps us.
            return {event.subject for event in client.say("UNSUB 1", "UNSUB 2") if event.sid == "1"}

    def replies(self, claims: Claims, probe: Publish, attempts: int, *, after: float = 0.0) -> int:
        """How many of ``attempts`` replies to one request are accepted, the first ``after`` so many seconds."""
        assert probe.replying_to is not None
        with self.server.connect(self._token_of(claims)) as client:
            for queue in (None, *queue_names(claims)):
                client.say(sub(probe.replying_to, queue, 1))
                self._publisher.say(f"PUB {word(probe.replying_to)} {word(probe.subject)} 0\r\n")
                heard = client.say("UNSUB 1")
                if any(event.verb == "MSG" and event.text == probe.subject for event in heard):
                    break
            time.sleep(after)
            said = client.say_each([f"PUB {word(probe.subject)} 0\r\n"] * attempts)
            return sum(not any(event.verb == "-ERR" for event in events) for events in said)

    def leaf_hears(self, claims: Claims, subjects: Sequence[str]) -> list[bool]:
        """Whether the hub tells a leafnode of a subscription to each of these subjects."""
        with Leaf(self.server.leaf_port, self._token_of(claims), USER) as leaf:
            if not leaf.welcome:
                return [False] * len(subjects)
            distinct = list(dict.fromkeys(subjects))
            self._publisher.say(*[sub(subject, None, sid) for sid, subject in enumerate(distinct)])
            heard = set(leaf.say()[1])
            self._publisher.say(*[f"UNSUB {sid}" for sid in range(len(distinct))])
        return [f"LS+ {subject}" in heard for subject in subjects]

    def leaf_subscribes(self, blocks: Sequence[tuple[Claims, Sequence[str]]]) -> list[list[bool]]:
        """For each permission block and subject: whether a real leafnode that connects with it asks the hub for it."""
        found: list[list[bool]] = []
        for start in range(0, len(blocks), Spoke.SEATS):
            part = blocks[start : start + Spoke.SEATS]
            tokens = [self._token_of(claims) for claims, _ in part]
            with Spoke(self.server, [(token, USER.seed.decode()) for token in tokens]) as spoke:
                for seat, (_, subjects) in enumerate(part):
                    passed = spoke.asks(seat, [word(s) for s in subjects])
                    asked = sorted({s for s, yes in zip(subjects, passed, strict=True) if yes})
                    refused = hub_refuses(self.server.leaf_port, tokens[seat], USER, asked)
                    found.append([yes and s not in refused for s, yes in zip(subjects, passed, strict=True)])
        return found


def sub(subject: str, queue: str | None, sid: int) -> str:
    return f"SUB {word(subject)} {word(queue) + ' ' if queue is not None else ''}{sid}"


def word(text: str) -> str:
    """A subject or queue name as one word of the protocol."""
    assert text, "the protocol has no empty word"
    assert not re.search(r"[ \t\r\n]", text), f"{text!r} is not one word of the protocol"
    return text


def queue_names(claims: Claims) -> list[str]:
    """A queue name for each queue entry of the subscribe lists, and one that no entry names."""
    lists = claims.get("sub") or {}
    entries = [entry.split() for name in ("allow", "deny") for entry in lists.get(name) or ()]
    patterns = {entry[1] for entry in entries if len(entry) > 1}
    return ["zz", *sorted(re.sub(r"(?<![^.])[*>](?![^.])", "zz", pattern) for pattern in patterns)]
