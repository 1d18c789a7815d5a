"""A small nsc store on disk, made as nsc files it, for the readers to read and the tests to break."""

import json
from dataclasses import dataclass
from pathlib import Path

from optimizer.sources import read as read_source
from tests import signing

NOW = 1_760_000_000


@dataclass
class Store:
    """A stores directory with one operator; every file can be replaced."""

    root: Path
    operator: signing.Key

    @property
    def path(self) -> Path:
        return self.root / "OP"

    def write(self, path: str, content: str | bytes) -> Path:
        file = self.path / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(content if isinstance(content, bytes) else content.encode())
        return file

    def account(self, name: str, key: object = None, /, *, token: str | None = None, **nats) -> signing.Key:
        pair = signing.account(name if key is None else key)
        token = token or signing.sign(signing.account_claims(pair, name, **nats), self.operator)
        self.write(f"accounts/{name}/{name.strip()}.jwt", token)
        return pair

    def user(self, account: str, name: str, owner: signing.Key, /, *, token: str | None = None, **nats) -> signing.Key:
        pair = signing.user(name)
        token = token or signing.sign(signing.user_claims(pair, None, name, **nats), owner)
        self.write(f"accounts/{account}/users/{name}.jwt", token)
        return pair

    def account_key(self, name: str) -> signing.Key:
        return signing.account(name)

    def read(self, **options):
        return read(self.root, **options)


def read(source, **options):
    return read_source(None if source is None else str(source), **{"now": NOW, **options})


def reasons(hierarchy) -> dict[str, str]:
    return {skipped.origin: skipped.reason for skipped in hierarchy.skipped}


def make_store(root: Path, name: str = "OP") -> Store:
    operator = signing.operator(name)
    made = Store(root, operator)
    (root / name).mkdir(parents=True)
    info = {"managed": False, "name": name, "kind": "operator", "version": "0.0.1"}
    (root / name / ".nsc").write_text(json.dumps(info))
    (root / name / f"{name}.jwt").write_text(signing.sign(signing.operator_claims(operator, name), operator))
    return made
