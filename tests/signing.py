"""Keys and signed tokens made in memory, for tests: no seed is ever written down.

>>> from tests import signing
>>> op, acc, app = signing.operator(), signing.account(), signing.user()
>>> token = signing.sign(signing.user_claims(app, acc, "app", pub={"allow": ["a.>"]}), acc)
"""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

import nkeys

HEADER = {"typ": "JWT", "alg": "ed25519-nkey"}
HEADER_V1 = {"typ": "jwt", "alg": "ed25519"}
ISSUED = 1_750_000_000  # a fixed iat, before the clock of every test
NO_LIMITS = {
    "subs": -1,
    "data": -1,
    "payload": -1,
    "imports": -1,
    "exports": -1,
    "wildcards": True,
    "conn": -1,
    "leaf": -1,
}
_ACCOUNT_ORDER = (
    "imports",
    "exports",
    "limits",
    "signing_keys",
    "revocations",
    "default_permissions",
    "mappings",
    "authorization",
    "trace",
    "cluster_traffic",
    "description",
    "info_url",
    "tags",
)
_USER_ORDER = (
    "pub",
    "sub",
    "resp",
    "src",
    "times",
    "times_location",
    "subs",
    "data",
    "payload",
    "bearer_token",
    "proxy_required",
    "allowed_connection_types",
    "issuer_account",
    "tags",
)


@dataclass(frozen=True)
class Key:
    """A key pair whose raw seed is derived from a name when asked for, so the same name is the same key."""

    letter: str
    name: str

    @property
    def pair(self) -> nkeys.KeyPair:
        return _pair(self.letter, self.name)

    @property
    def public(self) -> str:
        return self.pair.public_key.decode()

    @property
    def seed(self) -> bytes:
        """The seed text, for handing to a real tool; never to be written into the repository."""
        return self.pair.seed

    def sign(self, data: bytes) -> bytes:
        return self.pair.sign(data)

    def __str__(self) -> str:
        return self.public


def operator(name: object = "") -> Key:
    return Key("O", str(name))


def account(name: object = "") -> Key:
    return Key("A", str(name))


def user(name: object = "") -> Key:
    return Key("U", str(name))


@cache
def _pair(letter: str, name: str) -> nkeys.KeyPair:
    prefix = {
        "O": nkeys.PREFIX_BYTE_OPERATOR,
        "A": nkeys.PREFIX_BYTE_ACCOUNT,
        "U": nkeys.PREFIX_BYTE_USER,
    }[letter]
    raw = hashlib.sha256(f"permopt test key {letter} {name}".encode()).digest()
    return nkeys.from_seed(nkeys.encode_seed(raw, prefix))


def b64(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def go_json(value: Any) -> bytes:
    """JSON as Go writes it, in the key order given: compact, HTML-escaped, other text raw."""
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    for char in "<>&\u2028\u2029":
        text = text.replace(char, f"\\u{ord(char):04x}")
    return text.encode()


def sign_bytes(payload: bytes, key: Key, *, header: Mapping[str, Any] = HEADER, version: int = 2) -> str:
    """A token of any payload, broken ones included; version 1 signs the payload segment only."""
    head, body = b64(go_json(dict(header))), b64(payload)
    signature = key.sign((body if version == 1 else f"{head}.{body}").encode())
    return f"{head}.{body}.{b64(signature)}"


def sign(claims: Any, key: Key, *, header: Mapping[str, Any] | None = None) -> str:
    """A token of these claims (a dict of the whole payload, or `optimizer.claims.model.Claims`).

    A dict is signed as it stands, with ``iss`` set to the key, and ``iat`` and ``jti`` where absent.
    """
    if not isinstance(claims, Mapping):
        from optimizer.claims.encode import payload_bytes  # noqa: PLC0415 a dict needs no encoder

        return sign_bytes(
            payload_bytes(claims),
            key,
            header=header or (HEADER_V1 if claims.version == 1 else HEADER),
            version=claims.version,
        )
    version = 1 if "type" in claims else 2
    filled = {"jti": "J" * 52, "iat": ISSUED, **claims, "iss": key.public}
    order = ["aud", "exp", "jti", "iat", "iss", "name", "nbf", "sub"]
    payload = {name: filled[name] for name in order if name in filled}
    payload |= {name: value for name, value in filled.items() if name not in payload}
    return sign_bytes(go_json(payload), key, header=header or (HEADER_V1 if version == 1 else HEADER), version=version)


def operator_claims(key: Key, name: str = "op", /, **nats: Any) -> dict[str, Any]:
    return {"name": name, "sub": key.public, "nats": {**nats, "type": "operator", "version": 2}}


def account_claims(key: Key, name: str = "acc", /, **nats: Any) -> dict[str, Any]:
    """The payload of an account token in Go's field order, unlimited unless told otherwise."""
    given = {
        "limits": NO_LIMITS,
        "default_permissions": {"pub": {}, "sub": {}},
        "authorization": {},
        **nats,
        "type": "account",
        "version": 2,
    }
    body = {name: given[name] for name in _ACCOUNT_ORDER if name in given}
    return {"name": name, "sub": key.public, "nats": {**body, **given}}


def user_claims(key: Key, owner: Key | None = None, name: str = "user", /, **nats: Any) -> dict[str, Any]:
    """The payload of a user token in Go's field order; ``owner`` is for users that a signing key issues."""
    given = {"pub": {}, "sub": {}, "subs": -1, "data": -1, "payload": -1, **nats}
    if owner is not None:
        given["issuer_account"] = owner.public
    given |= {"type": "user", "version": 2}
    body = {name: given[name] for name in _USER_ORDER if name in given}
    return {"name": name, "sub": key.public, "nats": {**body, **given}}


def scoped_user_claims(key: Key, owner: Key, name: str = "user", /, **nats: Any) -> dict[str, Any]:
    """The payload of a user that a scoped signing key issues: no permission, no limit."""
    claims = user_claims(key, owner, name, **nats)
    for limit in ("subs", "data", "payload"):
        if limit not in nats:
            del claims["nats"][limit]
    return claims


def scope(key: Key, role: str = "role", /, **template: Any) -> dict[str, Any]:
    """A scoped signing key as an account token holds it."""
    filled = {"pub": {}, "sub": {}, "subs": -1, "data": -1, "payload": -1, **template}
    return {"kind": "user_scope", "key": key.public, "role": role, "template": filled, "description": ""}
