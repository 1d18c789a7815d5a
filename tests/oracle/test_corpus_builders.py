"""The committed stores are what the real nsc makes of the builders today, and real servers load them."""

from __future__ import annotations

import base64
import json
import socket
import subprocess
import time
from collections import Counter
from pathlib import Path
from typing import Any

import nkeys
import pytest

import build_acme
import build_clean
from workshop import claims

ROOT = Path(__file__).resolve().parents[2]
CORPUS = ROOT / "corpus"
TOOLS = ROOT / ".build" / "bin"
BUILDERS = {"acme": build_acme, "clean": build_clean}

REFUSED = {
    "EDGE/price-sync": "subjects that begin with a dot",
    "ORDERS/batch-importer": "revoked",
    "ORDERS/nightly-reindex": "revoked by *",
    "ORDERS/contractor-mara": "expired",
}
"""The users of acme that no server lets in, and why; it lets in all the others."""


@pytest.fixture(scope="module", params=sorted(BUILDERS))
def built(request, tmp_path_factory):
    """A freshly built store: its name and the nsc home with its keys."""
    home = tmp_path_factory.mktemp(request.param)
    return request.param, BUILDERS[request.param].build(home, TOOLS / "nsc")


@pytest.mark.nsc
def test_the_builder_makes_the_store_that_is_committed(built, tmp_path):
    name, workshop = built
    workshop.publish(tmp_path)
    fresh, committed = shape(tmp_path), shape(CORPUS / name)
    assert list(fresh) == list(committed)
    for path, token in fresh.items():
        assert token == committed[path], path


@pytest.mark.nsc
def test_nothing_but_tokens_and_the_store_file_is_published(built, tmp_path):
    _, workshop = built
    workshop.publish(tmp_path)
    kinds = Counter(path.name if path.name == ".nsc" else path.suffix for path in tmp_path.rglob("*") if path.is_file())
    assert set(kinds) == {".jwt", ".nsc"}
    assert kinds[".nsc"] == 1


@pytest.mark.nsc
def test_nsc_finds_no_fault_but_the_two_that_acme_is_known_for(built):
    name, workshop = built
    report = workshop.nsc("validate", "-A", status=1 if name == "acme" else 0)
    faults = {line.split('"')[1] for line in report.splitlines() if "| ! |" in line}
    assert faults == ({"price-sync", "contractor-mara"} if name == "acme" else set())


@pytest.mark.nsc
def test_nsc_reads_the_committed_store_without_its_keys(built, tmp_path):
    name, workshop = built
    empty = tmp_path / "empty"
    for path in sorted((CORPUS / name / workshop.operator / "accounts").iterdir()):
        done = subprocess.run(
            [
                TOOLS / "nsc",
                f"--config-dir={empty}",
                f"--data-dir={CORPUS / name}",
                f"--keystore-dir={empty}",
                "describe",
                "account",
                f"--name={path.name}",
                "-W",
                "-F=name",
            ],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
        )
        assert (done.returncode, done.stdout.strip()) == (0, f'"{path.name}"'), done.stderr


@pytest.mark.nsc
@pytest.mark.server
@pytest.mark.parametrize("server", ["nats-server", "nats-server-2.11"])
def test_a_real_server_lets_in_every_user_that_should_get_in(built, server, tmp_path):
    name, workshop = built
    conf = tmp_path / "server.conf"
    conf.write_text(workshop.nsc("generate", "config", "--mem-resolver") + 'listen: "127.0.0.1:-1"\n')
    ports = tmp_path / "ports"
    ports.mkdir()
    log = tmp_path / "log"
    process = subprocess.Popen([TOOLS / server, "-c", conf, "--ports_file_dir", ports, "-l", log])
    try:
        port = wait_for_port(ports, process)
        answers = {
            f"{creds.parent.name}/{creds.stem}": connect(port, creds)
            for creds in sorted((workshop.home / "creds").rglob("*.creds"))
        }
    finally:
        process.terminate()
        process.wait(10)
    assert len(answers) == sum(1 for _ in (CORPUS / name).rglob("users/*.jwt"))
    expected = dict.fromkeys(REFUSED, "-ERR 'Authorization Violation'") if name == "acme" else {}
    if name == "acme":
        expected["WAREHOUSE/shelf-sensors"] = "-ERR 'maximum control line exceeded'"
    assert {user: answer for user, answer in answers.items() if answer != "PONG"} == expected


def shape(store: Path) -> dict[str, Any]:
    """Every token of a store by its path, with keys replaced by what they are keys of, and times left out."""
    paths = sorted(store.rglob("*.jwt"))
    names: dict[str, str] = {}
    for path in paths:
        payload = claims(path)
        nats = payload["nats"]
        names[payload["sub"]] = str(path.relative_to(store))
        for key in nats.get("signing_keys", []):
            role = "" if isinstance(key, str) else key["role"]
            names[key if isinstance(key, str) else key["key"]] = f"signing key {role} of {path.stem}"
    return {
        str(path.relative_to(store)): {"bytes": path.stat().st_size, "claims": named(claims(path), names)}
        for path in paths
    }


def named(value: Any, names: dict[str, str]) -> Any:
    """A claims value with what differs from build to build made equal."""
    if isinstance(value, dict):
        made = {names.get(key, key): named(child, names) for key, child in value.items() if key not in {"jti", "iat"}}
        return dict(sorted(made.items()))
    if isinstance(value, list):
        # Go sorts signing keys by key and imports by subject alone; permission lists keep their order
        children = [named(child, names) for child in value]
        return (
            children
            if all(isinstance(child, str) for child in value) and not names.keys() & set(value)
            else in_order(children)
        )
    if isinstance(value, str) and value.startswith("eyJ"):
        activation = value.split(".")[1]
        return named(json.loads(base64.urlsafe_b64decode(activation + "=" * (-len(activation) % 4))), names)
    return names.get(value, value) if isinstance(value, str) else value


def in_order(children: list[Any]) -> list[Any]:
    return sorted(children, key=lambda child: json.dumps(child, sort_keys=True))


def wait_for_port(ports: Path, process: subprocess.Popen[bytes]) -> int:
    until = time.monotonic() + 20
    while time.monotonic() < until:
        assert process.poll() is None, "the server stopped"
        for text in [file.read_text() for file in ports.glob("*.ports")]:
            if text.endswith("}"):  # the server makes the file before it writes it
                [url] = json.loads(text)["nats"]
                return int(url.rsplit(":", 1)[1])
        time.sleep(0.02)
    raise TimeoutError("the server did not start")


def connect(port: int, creds: Path) -> str:
    """What the server answers to CONNECT and PING with these credentials."""
    lines = [line for line in creds.read_text().splitlines() if line and not line.startswith("-")]
    token, seed = lines[0], next(line for line in lines if line.startswith("SU"))
    with socket.create_connection(("127.0.0.1", port), timeout=10) as plug, plug.makefile("rwb") as stream:
        nonce = json.loads(stream.readline().removeprefix(b"INFO "))["nonce"]
        signature = base64.urlsafe_b64encode(nkeys.from_seed(bytearray(seed.encode())).sign(nonce.encode()))
        hello = {"jwt": token, "sig": signature.decode().rstrip("="), "verbose": False, "pedantic": False, "lang": "t"}
        stream.write(b"CONNECT " + json.dumps(hello).encode() + b"\r\nPING\r\n")
        stream.flush()
        return stream.readline().decode().strip()
