"""The real nsc on stores made for one test, and sh to run scripts on them."""

from __future__ import annotations

import base64
import hashlib
import json
import os
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import nkeys

from optimizer.claims.decode import decode
from optimizer.claims.token import parse_token
from optimizer.edits import EditEntries, ListName, Target
from optimizer.hierarchy import Hierarchy, Signed
from optimizer.nsc.script import Script, script_for
from optimizer.proposals import Finding, Judgement, Proof, Proposal, Safety, Severity
from optimizer.settings import Server
from optimizer.subjects.compare import Relation
from tests import signing

NSC = Path(__file__).resolve().parents[2] / ".build" / "bin" / "nsc"

SHELLS = tuple(
    {os.path.realpath(path): name for name in ("bash", "dash", "sh") if (path := shutil.which(name))}.values()
)
"""Every other shell this machine has, by the name to call it; at least `sh`."""

PUB, PUB_DENY, SUB, SUB_DENY = ListName.PUB_ALLOW, ListName.PUB_DENY, ListName.SUB_ALLOW, ListName.SUB_DENY


class Store:
    """One operator's store and keys in a directory of their own, as ``nsc -H`` lays them out."""

    def __init__(self, home: Path, operator: str = "OP") -> None:
        assert NSC.exists(), f"{NSC} is missing: sh tools/build.sh makes it"
        self.home, self.operator = home, operator
        home.mkdir(parents=True, exist_ok=True)
        if not (home / operator).exists():
            self.nsc("add", "operator", f"--name={operator}")

    def nsc(self, *words: str, code: int | None = 0) -> str:
        done = subprocess.run(
            [NSC, "-H", self.home, *words], stdin=subprocess.DEVNULL, capture_output=True, check=False
        )
        output = (done.stdout + done.stderr).decode(errors="replace")
        assert code is None or done.returncode == code, output
        return output

    def copy(self, home: Path) -> Store:
        shutil.copytree(self.home, home)
        return Store(home, self.operator)

    def path(self, account: str, user: str | None = None) -> Path:
        directory = self.home / self.operator / "accounts" / account
        return directory / f"{account}.jwt" if user is None else directory / "users" / f"{user}.jwt"

    def payload(self, account: str, user: str | None = None) -> dict[str, Any]:
        body = self.path(account, user).read_text().split(".")[1]
        return json.loads(base64.urlsafe_b64decode(body + "=" * (-len(body) % 4)))

    def key(self, account: str, user: str | None = None) -> str:
        return self.payload(account, user)["sub"]

    def key_file(self, key: str) -> Path:
        return self.home / "keys" / key[0] / key[1:3] / f"{key}.nk"

    def forge(self, account: str, user: str | None = None, **changed: Any) -> None:
        """Sign a token again with members of its payload changed, as another tool would have written them.

        A member named ``nats`` is merged into the one there; None takes a member out.
        """
        payload = self.payload(account, user)
        nats = {**payload["nats"], **changed.pop("nats", {})}
        payload = {**payload, **changed, "nats": {k: v for k, v in nats.items() if v is not None}}
        pair = nkeys.from_seed(self.key_file(payload["iss"]).read_bytes().strip())
        head, body = signing.b64(signing.go_json(signing.HEADER)), signing.b64(signing.go_json(payload))
        token = f"{head}.{body}.{signing.b64(pair.sign(f'{head}.{body}'.encode()))}"
        self.path(account, user).write_text(token)

    def tokens(self) -> dict[str, bytes]:
        """Every token of the store by its path."""
        root = self.home / self.operator
        return {str(path.relative_to(root)): path.read_bytes() for path in sorted(root.rglob("*.jwt"))}

    def hierarchy(self) -> Hierarchy:
        """The store as permopt reads it, without its reader: names are those of the files."""
        accounts, users = {}, {}
        root = self.home / self.operator
        for path in sorted(root.glob("accounts/*/*.jwt")):
            signed = _signed(path)
            accounts[signed.claims.sub] = signed
        for path in sorted(root.glob("accounts/*/users/*.jwt")):
            signed = _signed(path)
            users[signed.claims.sub, signed.claims.account] = signed
        info = json.loads((root / ".nsc").read_text())
        return Hierarchy(
            operator=_signed(root / f"{self.operator}.jwt"),
            accounts=accounts,
            users=users,
            store=str(self.home),
            managed=info["managed"],
        )

    def user(self, account: str, user: str) -> Target:
        return Target("user", self.key(account), user=self.key(account, user))

    def scope(self, account: str, key: str) -> Target:
        return Target("scope", self.key(account), key=key)

    def defaults(self, account: str) -> Target:
        return Target("defaults", self.key(account))

    def script(self, directory: Path, *proposals: Proposal) -> Path:
        """Write the scripts for these proposals into a directory."""
        made = script_for(self.hierarchy(), proposals, judgement())
        return write(made, directory)


@dataclass(frozen=True)
class Run:
    code: int
    out: str
    err: str

    def __str__(self) -> str:
        return f"exit {self.code}\n{self.out}{self.err}"


def _signed(path: Path) -> Signed[Any]:
    token = parse_token(path.read_text())
    return Signed(decode(token), token, str(path), store_name=path.stem)


def write(made: Script, directory: Path) -> Path:
    directory.mkdir(parents=True, exist_ok=True)
    (directory / "apply.sh").write_text(made.apply)
    (directory / "rollback.sh").write_text(made.rollback)
    (directory / "verify.sh").write_text(made.verify)
    (directory / "expected.json").write_text(json.dumps(made.expected))
    return directory


def sh(script: Path, *words: str, shell: str = "sh", cwd: Path | None = None, **env: str) -> Run:
    """Run a script with a shell. Its environment is bare, so that nothing of this machine helps it."""
    temporary = script.parent / "tmp"
    temporary.mkdir(exist_ok=True)
    done = subprocess.run(
        [shell, script, *words],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        check=False,
        cwd=cwd,
        env={"PATH": f"{NSC.parent}:{os.environ['PATH']}", "HOME": str(script.parent), "TMPDIR": str(temporary), **env},
    )
    return Run(done.returncode, done.stdout.decode(errors="replace"), done.stderr.decode(errors="replace"))


def stand_in(directory: Path, body: str) -> Path:
    """Something that a script takes for nsc. In ``body``: ``$real``, ``$n`` (which call this is), ``$@``."""
    directory.mkdir(parents=True, exist_ok=True)
    program = directory / "nsc-stand-in"
    program.write_text(
        f"#!/bin/sh\nreal={NSC}\ncount={directory}/count\n"
        'n=$(($(cat "$count" 2>/dev/null || echo 0) + 1))\necho "$n" >"$count"\n' + body
    )
    program.chmod(0o755)
    return program


def calls(directory: Path) -> int:
    """How often a stand-in was called."""
    return int((directory / "count").read_text())


def proposal(name: str, *edits: EditEntries, message: str = "one entry covers another") -> Proposal:
    """A proposal as the judge would grade it, if it were the judge's."""
    finding = Finding(
        rule="covered-entry",
        severity=Severity.WARNING,
        target=edits[0].target,
        list=edits[0].list,
        message=message,
        edits=edits,
    )
    return Proposal(id=name, finding=finding, edits=edits, judgement=judgement())


def judgement() -> Judgement:
    return Judgement(
        relation=Relation.SAME,
        gained=(),
        lost=(),
        safety=Safety.SAFE,
        proof=Proof(principals=1, complete=True, why_incomplete=(), servers=tuple(Server), connections=("client",)),
        tokens=(),
        reach="on reissue",
        disturbs="nothing",
        undo="exact",
    )


def expected_is_there(store: Store, directory: Path) -> bool:
    """Every token is what ``expected.json`` says: the same claims, as many bytes."""
    for target in json.loads((directory / "expected.json").read_text())["targets"]:
        account, user = target["account"]["name"], target["user"] and target["user"]["name"]
        assert store.payload(account, user)["nats"] == target["after"]["claims"]
        assert len(store.path(account, user).read_bytes()) == target["after"]["bytes"]
    return True


def digest_of(directory: Path) -> dict[str, str]:
    """Every file below a directory and its hash."""
    return {
        str(path.relative_to(directory)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(directory.rglob("*"))
        if path.is_file()
    }
