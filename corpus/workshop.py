"""What the corpus builders share: the records that describe a company, and the workshop where the real nsc builds it.

Whatever nsc can write, nsc writes from flags. What it cannot (duplicates, explicit empty lists, tokens issued years
ago, hundreds of revocations in one go) other tools wrote into real stores; here `Workshop` plays that other tool: it
signs the changed payload, and nsc takes it in with `nsc import`.
"""

from __future__ import annotations

import argparse
import base64
import hashlib
import json
import shutil
import subprocess
import tempfile
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import nkeys

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

Block = dict[str, dict[str, Any]]
"""A permission block in the order Go writes it: pub, sub, resp."""


def block(
    *,
    pub: Sequence[str] | None = None,
    no_pub: Sequence[str] | None = None,
    sub: Sequence[str] | None = None,
    no_sub: Sequence[str] | None = None,
    replies: int = 0,
    within: int = 0,
) -> Block:
    """A permission block; ``replies`` and ``within`` (nanoseconds) are its ``resp``."""
    made: Block = {"pub": {}, "sub": {}}
    for side, name, texts in (
        ("pub", "allow", pub),
        ("pub", "deny", no_pub),
        ("sub", "allow", sub),
        ("sub", "deny", no_sub),
    ):
        if texts is not None:
            made[side][name] = list(texts)
    if replies:
        made["resp"] = {"max": replies, "ttl": within}
    return made


NOTHING = block()


@dataclass(frozen=True, kw_only=True)
class Export:
    subject: str
    name: str
    service: bool = False
    private: bool = False
    responses: str = ""
    """``Stream`` or ``Chunked``; empty is ``Singleton``."""
    latency: str = ""
    token_position: int = 0
    revoked: Mapping[str, int] = field(default_factory=dict)
    """Account name, a departed partner's name, or ``*``, to the time of the revocation."""


@dataclass(frozen=True, kw_only=True)
class Import:
    source: str
    """Name of the exporting account."""
    subject: str
    name: str
    local: str = ""
    service: bool = False
    private: bool = False
    """Whether it carries an activation token."""
    share: bool = False


@dataclass(frozen=True, kw_only=True)
class Role:
    name: str
    permissions: Block = field(default_factory=lambda: NOTHING)
    description: str = ""
    keys: int = 1
    """How many signing keys carry this role; all but one are left from rotations."""


@dataclass(frozen=True, kw_only=True)
class User:
    name: str
    permissions: Block = field(default_factory=lambda: NOTHING)
    role: str = ""
    tags: Sequence[str] = ()
    connections: Sequence[str] = ()
    bearer: bool = False
    issued: int = 0
    """When the token was issued, if long ago."""
    expires: int = 0


@dataclass(frozen=True, kw_only=True)
class Route:
    source: str
    target: str
    weight: int = 100


@dataclass(frozen=True, kw_only=True)
class Account:
    name: str
    description: str = ""
    flags: Sequence[str] = ()
    """Further words for ``nsc edit account``."""
    legacy_issuer: bool = False
    """Whether the operator's identity key issued it, as before the operator had signing keys."""
    signing_keys: int = 1
    """Plain signing keys; one signs the users without a role, the others are left from rotations."""
    roles: Sequence[Role] = ()
    exports: Sequence[Export] = ()
    imports: Sequence[Import] = ()
    mappings: Sequence[Route] = ()
    defaults: Block = field(default_factory=lambda: NOTHING)
    users: Sequence[User] = ()
    departed: Mapping[str, int] = field(default_factory=dict)
    """Name of a key whose token is gone, or ``*``, to the time of the revocation."""
    revoked: Mapping[str, int] = field(default_factory=dict)
    """Name of a user that is still in the store to the time of its revocation."""


def public_key(letter: str, name: str) -> str:
    """The public key of somebody whose private key never existed: a hash in nkey form."""
    prefix = {"A": nkeys.PREFIX_BYTE_ACCOUNT, "U": nkeys.PREFIX_BYTE_USER}[letter]
    raw = bytes([prefix]) + hashlib.sha256(name.encode()).digest()
    return base64.b32encode(raw + nkeys.crc16(bytearray(raw)).to_bytes(2, "little")).decode()


class Workshop:
    """An nsc home with its keys, and the hands that fill it.

    Parameters
    ----------
    nsc
        The nsc to run.
    home
        Directory for its configuration, store and keys (``nsc -H``); whoever builds throws it away or keeps it.
    """

    def __init__(self, nsc: Path, home: Path, operator: str) -> None:
        self.binary = nsc.resolve()
        self.home = home.resolve()
        self.operator = operator
        self.signer = ""

    def nsc(self, *words: str, status: int = 0) -> str:
        """Run nsc and insist on its exit status."""
        argv = [str(self.binary), "-H", str(self.home), *words]
        done = subprocess.run(argv, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)
        if done.returncode != status:
            raise RuntimeError(f"nsc {' '.join(words)}: exit status {done.returncode}\n{done.stdout}{done.stderr}")
        return done.stdout + done.stderr

    def account_token(self, account: str) -> Path:
        return self.home / self.operator / "accounts" / account / f"{account}.jwt"

    def user_token(self, account: str, user: str) -> Path:
        return self.home / self.operator / "accounts" / account / "users" / f"{user}.jwt"

    def account_key(self, account: str) -> str:
        return claims(self.account_token(account))["sub"]

    def signing_keys(self, account: str, role: str = "") -> list[str]:
        """The account's signing keys that carry ``role``, or its plain ones."""
        listed = claims(self.account_token(account))["nats"].get("signing_keys", [])
        if role:
            return [key["key"] for key in listed if not isinstance(key, str) and key["role"] == role]
        return [key for key in listed if isinstance(key, str)]

    # -- building ---------------------------------------------------------------------------------------------------

    def found(self, *, signing_keys: int, flags: Sequence[str] = ()) -> None:
        """Make the operator, its signing keys and its system account."""
        self.nsc("add", "operator", f"--name={self.operator}", "--sys")
        generate = ",".join(["generate"] * signing_keys)
        self.nsc("edit", "operator", f"--sk={generate}", *flags)
        operator = claims(self.home / self.operator / f"{self.operator}.jwt")
        self.signer = operator["nats"]["signing_keys"][0]

    def build(self, accounts: Sequence[Account]) -> None:
        """Make the accounts and everything in them, the exporters before their importers."""
        for account in accounts:
            self._open(account)
        for account in accounts:
            self._import(account)
        for account in accounts:
            self._rewrite_account(account)
        for account in accounts:
            self._add_users(account)
            for name, at in account.revoked.items():
                user = claims(self.user_token(account.name, name))["sub"]
                self._nsc_account(account, "revocations", "add-user", f"--user-public-key={user}", f"--at={at}")

    def _nsc_account(self, account: Account, *words: str) -> str:
        signer = [] if account.legacy_issuer else [f"-K={self.signer}"]
        name = "--name" if words[:2] == ("edit", "account") else "--account"
        return self.nsc(*words, f"{name}={account.name}", *signer)

    def _open(self, account: Account) -> None:
        run = self._nsc_account
        if account.name != "SYS":
            signer = [] if account.legacy_issuer else [f"-K={self.signer}"]
            self.nsc("add", "account", f"--name={account.name}", *signer)
        words = list(account.flags)
        if account.description:
            words.append(f"--description={account.description}")
        if account.signing_keys:
            words.append("--sk=" + ",".join(["generate"] * account.signing_keys))
        if _nsc_writes(account.defaults):
            words += _permission_words(account.defaults)
        if words:
            run(account, "edit", "account", *words)
        for role in account.roles:
            words = [f"--role={role.name}"]
            if role.description:
                words.append(f"--description={role.description}")
            if _nsc_writes(role.permissions):
                words += _permission_words(role.permissions)
            for _ in range(role.keys):
                run(account, "edit", "signing-key", "--sk=generate", *words)
        for export in account.exports:
            words = [f"--subject={export.subject}", f"--name={export.name}"]
            words += ["--service"] if export.service else []
            words += ["--private"] if export.private else []
            words += [f"--response-type={export.responses}"] if export.responses else []
            words += [f"--latency={export.latency}", "--sampling=10"] if export.latency else []
            words += [f"--account-token-position={export.token_position}"] if export.token_position else []
            run(account, "add", "export", *words)
        for mapping in account.mappings:
            words = [f"--from={mapping.source}", f"--to={mapping.target}", f"--weight={mapping.weight}"]
            run(account, "add", "mapping", *words)

    def _import(self, account: Account) -> None:
        for wanted in account.imports:
            words = [f"--name={wanted.name}"]
            words += [f"--local-subject={wanted.local}"] if wanted.local else []
            words += ["--share"] if wanted.share else []
            if wanted.private:
                activation = self.home / "activation.jwt"
                self.nsc(
                    "generate", "activation",
                    f"--account={wanted.source}", f"--subject={wanted.subject}",
                    f"--target-account={self.account_key(account.name)}", f"--output-file={activation}",
                    f"-K={self.signing_keys(wanted.source)[0]}",
                )  # fmt: skip
                self._nsc_account(account, "add", "import", f"--token={activation}", *words)
                activation.unlink()
                continue
            words += ["--service"] if wanted.service else []
            words += [f"--src-account={self.account_key(wanted.source)}", f"--remote-subject={wanted.subject}"]
            self._nsc_account(account, "add", "import", *words)

    def _rewrite_account(self, account: Account) -> None:
        """Bring in what another tool wrote into the account, if anything."""

        def change(payload: dict[str, Any]) -> None:
            nats = payload["nats"]
            if not _nsc_writes(account.defaults):
                nats["default_permissions"] = account.defaults
            for role in account.roles:
                if not _nsc_writes(role.permissions):
                    for key in nats["signing_keys"]:
                        if not isinstance(key, str) and key["role"] == role.name:
                            key["template"] = role.permissions | {"subs": -1, "data": -1, "payload": -1}
            if account.departed:
                nats["revocations"] = {
                    name if name == "*" else public_key("U", name): at for name, at in account.departed.items()
                }
            for export in account.exports:
                if export.revoked:
                    [written] = [
                        it
                        for it in nats["exports"]
                        if it["subject"] == export.subject and (it["type"] == "service") is export.service
                    ]
                    written["revocations"] = {self._partner(name): at for name, at in export.revoked.items()}

        path = self.account_token(account.name)
        before = claims(path)
        payload = claims(path)
        change(payload)
        if payload == before:
            return
        stranger = nkeys.from_seed(nkeys.encode_seed(_random(), nkeys.PREFIX_BYTE_OPERATOR))
        payload["iss"] = stranger.public_key.decode()
        file = self.home / "foreign.jwt"
        file.write_text(signed(payload, stranger))
        # nsc verifies the stranger's signature, validates the claims and signs them with the operator's key
        self._nsc_plain(account, "import", "account", f"--file={file}", "--overwrite", "--force")
        file.unlink()

    def _nsc_plain(self, account: Account, *words: str) -> None:
        self.nsc(*words, *([] if account.legacy_issuer else [f"-K={self.signer}"]))

    def _partner(self, name: str) -> str:
        if name == "*":
            return name
        known = self.account_token(name)
        return claims(known)["sub"] if known.exists() else public_key("A", name)

    def _add_users(self, account: Account) -> None:
        for user in account.users:
            signer = (self.signing_keys(account.name, user.role) or [self.account_key(account.name)])[0]
            words = [f"--account={account.name}", f"--name={user.name}", f"-K={signer}"]
            words += [f"--tag={','.join(user.tags)}"] if user.tags else []
            words += ["--bearer"] if user.bearer else []
            by_nsc = _nsc_writes(user.permissions) and not user.issued
            if by_nsc:
                words += _permission_words(user.permissions)
            self.nsc("add", "user", *words)
            if user.connections:
                kinds = ",".join(user.connections)
                self.nsc("edit", "user", *words[:3], f"--conn-type={kinds}")
            if not by_nsc:
                self._rewrite_user(account, user, signer)

    def _rewrite_user(self, account: Account, user: User, signer: str) -> None:
        """Let another tool, which holds the same signing key, issue the user's token; nsc takes it in as it is."""
        payload = claims(self.user_token(account.name, user.name))
        if user.issued:
            payload = {"exp": user.expires, **payload} if user.expires else payload
            payload["iat"] = user.issued
            payload["jti"] = token_id(payload)
        payload["nats"] = {**user.permissions, **{k: v for k, v in payload["nats"].items() if k not in {"pub", "sub"}}}
        file = self.home / "foreign.jwt"
        file.write_text(signed(payload, self._keypair(signer)))
        # --skip: nsc would refuse subjects that another tool let through; it stores them and exits with 1
        invalid = any(text.startswith(".") or ".." in text for text in _texts(user.permissions))
        self.nsc("import", "user", f"--file={file}", "--overwrite", "--skip", status=int(invalid))
        file.unlink()
        creds = self.home / "creds" / self.operator / account.name / f"{user.name}.creds"
        creds.unlink()
        self.nsc("generate", "creds", f"--account={account.name}", f"--name={user.name}", f"--output-file={creds}")

    def _keypair(self, key: str) -> nkeys.KeyPair:
        seed = (self.home / "keys" / key[0] / key[1:3] / f"{key}.nk").read_bytes().strip()
        return nkeys.from_seed(bytearray(seed))

    # -- what is committed --------------------------------------------------------------------------------------------

    def publish(self, out: Path) -> None:
        """Copy the public part of the store, tokens and ``.nsc`` files, to ``out``; nothing else leaves the home."""
        store = self.home / self.operator
        target = out / self.operator
        if target.exists():
            shutil.rmtree(target)
        for path in sorted(store.rglob("*")):
            if path.suffix == ".jwt" or path.name == ".nsc":
                copy = target / path.relative_to(store)
                copy.parent.mkdir(parents=True, exist_ok=True)
                copy.write_bytes(path.read_bytes())


def claims(path: Path) -> dict[str, Any]:
    """The payload of a token file."""
    segment = path.read_text().split(".")[1]
    decoded: dict[str, Any] = json.loads(base64.urlsafe_b64decode(segment + "=" * (-len(segment) % 4)))
    return decoded


def signed(payload: Mapping[str, Any], key: nkeys.KeyPair) -> str:
    """A token as the Go library writes it, in the order of ``payload``."""
    head = _segment(b'{"typ":"JWT","alg":"ed25519-nkey"}') + "." + _segment(_go_json(payload))
    return f"{head}.{_segment(bytes(key.sign(head.encode())))}"


def token_id(payload: Mapping[str, Any]) -> str:
    """The ``jti`` of a payload: a hash of the registered claims, which the Go library sets on encoding."""
    order = ("aud", "exp", "iat", "iss", "name", "nbf", "sub")
    head = {name: payload[name] for name in order if name in payload}
    return base64.b32encode(hashlib.new("sha512_256", _go_json(head)).digest()).decode().rstrip("=")


def _go_json(value: Mapping[str, Any]) -> bytes:
    text = json.dumps(value, separators=(",", ":"), ensure_ascii=False)
    for char in "<>&\u2028\u2029":
        text = text.replace(char, f"\\u{ord(char):04x}")
    return text.encode()


def _segment(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).decode().rstrip("=")


def _random() -> bytes:
    with Path("/dev/urandom").open("rb") as source:
        return source.read(32)


def _texts(permissions: Block) -> Iterable[str]:
    for side in ("pub", "sub"):
        for texts in permissions[side].values():
            yield from texts


def _nsc_writes(permissions: Block) -> bool:
    """Whether nsc can write these lists from flags: it drops duplicates and empty lists."""
    lists = [texts for side in ("pub", "sub") for texts in permissions[side].values()]
    return all(texts and len(set(texts)) == len(texts) for texts in lists)


def _permission_words(permissions: Block) -> list[str]:
    words = [
        f"--{name}-{side}={','.join(texts)}" for side in ("pub", "sub") for name, texts in permissions[side].items()
    ]
    if "resp" in permissions:
        words.append(f"--allow-pub-response={permissions['resp']['max']}")
        if permissions["resp"]["ttl"]:
            words.append(f"--response-ttl={permissions['resp']['ttl'] // 1_000_000}ms")
    return words


def main(build: Callable[[Path, Path], Workshop], *, usage: str) -> None:
    """Run one builder from the command line."""
    parser = argparse.ArgumentParser(description=usage)
    parser.add_argument("--nsc", type=Path, default=Path(".build/bin/nsc"), help="the nsc to run")
    parser.add_argument("--out", type=Path, required=True, help="directory for the store")
    parser.add_argument(
        "--with-keys",
        action="store_true",
        help="leave a whole nsc home in --out (configuration, store, keys, creds) instead of the public store alone",
    )
    chosen = parser.parse_args()
    if chosen.with_keys:
        chosen.out.mkdir(parents=True, exist_ok=True)
        build(chosen.out, chosen.nsc)
        return
    with tempfile.TemporaryDirectory(prefix="corpus-") as home:
        build(Path(home), chosen.nsc).publish(chosen.out)
