"""Payloads as Go wrote them, read all at once: msgspec fills the records and writes them again.

Where what it writes is the payload, byte for byte, every member is known, stands once, in Go's order and with a value
of its type: then the claims are what `optimizer.claims.decode` makes of it member by member, in a third of the time.
Any other payload is odd, and is read there. What few tokens have is odd as well, for it is left out below: latency,
traces, times, authorization.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, Final, Literal

from msgspec import DecodeError, Meta, Struct, to_builtins
from msgspec.json import Decoder, Encoder

from optimizer.claims.keys import account_key, issuer_key, user_key
from optimizer.claims.model import (
    AccountClaims,
    Export,
    Import,
    Int64,
    PermissionLists,
    ResponsePermission,
    Scope,
    SigningKey,
    SubjectLists,
    UserClaims,
    UserLimits,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from optimizer.claims.model import Claims

_EXACT: Final = 2**53
_Exact = Annotated[int, Meta(ge=-_EXACT, le=_EXACT)]  # a float64 holds it: Go takes a template's numbers through one
_Byte = Annotated[int, Meta(ge=0, le=255)]
_Texts = tuple[str, ...]


def read(payload: bytes) -> Claims | None:
    """The claims of a payload of version 2 that is as Go writes it; None where that is not proved.

    Raises
    ------
    TokenError
        A key in it is none, as `optimizer.claims.decode.decode` would say.
    """
    for end, decoder, build in _KINDS:
        if payload.endswith(end):
            try:
                head = decoder.decode(payload)
            except (DecodeError, ValueError, RecursionError):  # ValueError: it is not UTF-8
                return None
            return build(head) if _written(head) == payload else None
    return None


def _written(head: Struct) -> bytes:
    """The JSON of ``head`` with the escapes of Go's ``json.Marshal``; they can only stand inside strings."""
    data = _ENCODER.encode(head)
    for char, escape in _ESCAPES:
        if char in data:
            data = data.replace(char, escape)
    return data


class _Odd(Struct, omit_defaults=True, forbid_unknown_fields=True, gc=False):
    """A struct of the payload that is no record of the claims. What is absent from it makes a payload odd."""


class _Head(_Odd, kw_only=True):
    aud: str = ""
    exp: Int64 = 0
    jti: str = ""
    iat: Int64 = 0
    iss: str = ""
    name: str = ""
    nbf: Int64 = 0
    sub: str = ""


class _JetStream(_Odd):
    mem_storage: Int64 = 0
    disk_storage: Int64 = 0
    streams: Int64 = 0
    consumer: Int64 = 0
    max_ack_pending: Int64 = 0
    mem_max_stream_bytes: Int64 = 0
    disk_max_stream_bytes: Int64 = 0
    max_bytes_required: bool = False


class _AccountLimits(_Odd):
    subs: Int64 = 0
    data: Int64 = 0
    payload: Int64 = 0
    imports: Int64 = 0
    exports: Int64 = 0
    wildcards: bool = False
    disallow_bearer: bool = False
    conn: Int64 = 0
    leaf: Int64 = 0
    mem_storage: Int64 = 0
    disk_storage: Int64 = 0
    streams: Int64 = 0
    consumer: Int64 = 0
    max_ack_pending: Int64 = 0
    mem_max_stream_bytes: Int64 = 0
    disk_max_stream_bytes: Int64 = 0
    max_bytes_required: bool = False
    tiered_limits: dict[str, _JetStream] = {}


class _Template(_Odd):
    pub: SubjectLists = SubjectLists()
    sub: SubjectLists = SubjectLists()
    resp: ResponsePermission | None = None
    src: _Texts | None = None
    times_location: str = ""
    subs: _Exact | None = None
    data: _Exact | None = None
    payload: _Exact | None = None
    bearer_token: bool = False
    proxy_required: bool = False
    allowed_connection_types: _Texts | None = None


class _Scope(_Odd):
    kind: Literal["user_scope"]
    key: str
    role: str
    template: _Template
    description: str


class _Target(_Odd):
    subject: str
    weight: _Byte = 0
    cluster: str = ""


class _Account(_Odd, kw_only=True):
    imports: tuple[Import, ...] = ()
    exports: tuple[Export, ...] = ()
    limits: _AccountLimits
    signing_keys: tuple[str | _Scope, ...] = ()
    revocations: dict[str, Int64] = {}
    default_permissions: PermissionLists | None = None
    mappings: dict[str, tuple[_Target, ...]] = {}
    authorization: Annotated[dict[str, str], Meta(max_length=0)] | None = None
    cluster_traffic: str = ""
    description: str = ""
    info_url: str = ""
    tags: _Texts = ()
    type: Literal["account"]
    version: Literal[2]


class _User(_Odd, kw_only=True):
    pub: SubjectLists = SubjectLists()
    sub: SubjectLists = SubjectLists()
    resp: ResponsePermission | None = None
    src: _Texts | None = None
    times_location: str = ""
    subs: Int64 | None = None
    data: Int64 | None = None
    payload: Int64 | None = None
    bearer_token: bool = False
    proxy_required: bool = False
    allowed_connection_types: _Texts | None = None
    issuer_account: str = ""
    tags: _Texts = ()
    type: Literal["user"]
    version: Literal[2]


class _AccountToken(_Head, kw_only=True):
    nats: _Account


class _UserToken(_Head, kw_only=True):
    nats: _User


def _account(head: _AccountToken) -> AccountClaims | None:
    nats = head.nats
    keys = [key for key in map(_signing_key, nats.signing_keys) if key is not None]
    if len(keys) < len(nats.signing_keys):
        return None
    for export in nats.exports:
        if export.service_latency is not None:
            return None
    issuer_key(head.iss, "AO")
    return AccountClaims(
        aud=head.aud,
        exp=head.exp,
        jti=head.jti,
        iat=head.iat,
        iss=head.iss,
        name=head.name,
        nbf=head.nbf,
        sub=account_key(head.sub),
        tags=nats.tags,
        imports=nats.imports,
        exports=nats.exports,
        limits=to_builtins(nats.limits),
        signing_keys=tuple(keys),
        revocations=nats.revocations,
        default_permissions=nats.default_permissions or PermissionLists(),
        mappings={subject: tuple(map(to_builtins, targets)) for subject, targets in nats.mappings.items()},
        cluster_traffic=nats.cluster_traffic,
        description=nats.description,
        info_url=nats.info_url,
    )


def _signing_key(scope: str | _Scope) -> SigningKey | None:
    if isinstance(scope, str):
        return SigningKey(scope)
    template = scope.template
    resp = template.resp
    if resp is not None and not -_EXACT <= min(resp.max, resp.ttl) <= max(resp.max, resp.ttl) <= _EXACT:
        return None
    return SigningKey(
        scope.key,
        Scope(
            kind=scope.kind,
            role=scope.role,
            permissions=PermissionLists(template.pub, template.sub, resp),
            limits=_limits(template),
            description=scope.description,
        ),
    )


def _user(head: _UserToken) -> UserClaims:
    nats = head.nats
    issuer_key(head.iss, "A")
    if nats.issuer_account:
        account_key(nats.issuer_account)
    return UserClaims(
        aud=head.aud,
        exp=head.exp,
        jti=head.jti,
        iat=head.iat,
        iss=head.iss,
        name=head.name,
        nbf=head.nbf,
        sub=user_key(head.sub),
        tags=nats.tags,
        permissions=PermissionLists(nats.pub, nats.sub, nats.resp),
        limits=_limits(nats),
        issuer_account=nats.issuer_account,
    )


def _limits(nats: _User | _Template) -> UserLimits:
    return UserLimits(
        src=nats.src,
        times_location=nats.times_location,
        subs=nats.subs,
        data=nats.data,
        payload=nats.payload,
        bearer_token=nats.bearer_token,
        proxy_required=nats.proxy_required,
        allowed_connection_types=nats.allowed_connection_types,
    )


_ENCODER = Encoder()
_ESCAPES = [(char.encode(), f"\\u{ord(char):04x}".encode()) for char in "<>&"]
# Go escapes U+2028 and U+2029 too: to look for them would take half as long as to write all the rest.
_KINDS: Final[tuple[tuple[bytes, Decoder[Any], Callable[[Any], Claims | None]], ...]] = (
    (b'"type":"account","version":2}}', Decoder(_AccountToken), _account),
    (b'"type":"user","version":2}}', Decoder(_UserToken), _user),
)
