"""What needs a user of the system account: updates and deletions of accounts, and natscli's ``nats audit gather``."""

from __future__ import annotations

import os
import subprocess
import time
from typing import TYPE_CHECKING

from tests import signing
from tests.oracle.server import OPERATOR, PATIENCE, SYSTEM, TOOLS, RealServer, sub

if TYPE_CHECKING:
    from pathlib import Path

SYSTEM_USER = signing.user("oracle system user")


def system_token() -> str:
    return signing.sign(signing.user_claims(SYSTEM_USER, None, "system"), SYSTEM)


def update(server: RealServer, token: str) -> str:
    """Push an account to a server's resolver, as ``nsc push`` does; what the server answers."""
    return _request(server, "$SYS.REQ.CLAIMS.UPDATE", token)


def delete(server: RealServer, *accounts: signing.Key) -> str:
    """Have a server's resolver delete accounts, as ``nsc push --prune`` does; what the server answers."""
    claims = {"sub": str(OPERATOR), "nats": {"accounts": [str(account) for account in accounts], "type": "generic"}}
    return _request(server, "$SYS.REQ.CLAIMS.DELETE", signing.sign(claims, OPERATOR))


def gather(server: RealServer, archive: Path) -> None:
    """What natscli captures of a server, without profiles, which take seconds and hold no tokens."""
    tool = TOOLS / "natscli"
    assert tool.exists(), f"{tool} is missing: sh tools/build.sh makes it"
    creds = archive.parent / "system.creds"
    creds.write_text(
        f"-----BEGIN NATS USER JWT-----\n{system_token()}\n------END NATS USER JWT------\n\n"
        f"-----BEGIN USER NKEY SEED-----\n{SYSTEM_USER.seed.decode()}\n------END USER NKEY SEED------\n"
    )
    words = ["--server", f"127.0.0.1:{server.port}", "--creds", creds, "--timeout", "2s", "audit", "gather"]
    done = subprocess.run(
        [tool, *words, "--no-server-profiles", "--output", archive],
        env={"PATH": os.environ["PATH"], "HOME": str(archive.parent)},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        check=False,
    )
    assert done.returncode == 0, (done.stdout + done.stderr).decode()


def _request(server: RealServer, subject: str, payload: str) -> str:
    with server.connect(system_token(), SYSTEM_USER) as client:
        client.say(sub("_INBOX.answer", None, 1), f"PUB {subject} _INBOX.answer {len(payload)}\r\n{payload}")
        deadline = time.monotonic() + PATIENCE
        while time.monotonic() < deadline:
            for event in client.say():
                if event.verb == "MSG":
                    return event.body
            time.sleep(0.01)
    raise TimeoutError(f"no answer to {subject} within {PATIENCE} seconds")
