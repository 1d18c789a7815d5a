"""A token's payload as typed claims: versions 1 and 2, unknown members kept.

Server: ``jwt.Decode`` up to the signature, which `optimizer.claims.verify.signature_holds` checks. What the Go library
refuses to read is a TokenError here.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from optimizer.claims import gojson
from optimizer.claims.gojson import UNKNOWN, Mismatch, Struct, flag, integer, listed, mapped, optional, text, texts
from optimizer.claims.keys import account_key, operator_key, user_key
from optimizer.claims.model import (
    AccountClaims,
    ActivationClaims,
    Claims,
    Export,
    Import,
    OperatorClaims,
    PermissionLists,
    ResponsePermission,
    Scope,
    SigningKey,
    SubjectLists,
    UserClaims,
    UserLimits,
)
from optimizer.errors import TokenError
from optimizer.text import printable

if TYPE_CHECKING:
    from collections.abc import Mapping

    from optimizer.claims.gojson import Json, Reader
    from optimizer.claims.token import Token

NEWEST_VERSION: Final = 2


def decode(token: Token) -> Claims:
    """The claims in a token, whoever signed it.

    Server: ``jwt.Decode``.

    Raises
    ------
    TokenError
        Where the Go library would refuse the payload, naming the member at fault.
    """
    return from_document(gojson.parse(token.payload))


def from_document(document: Mapping[str, Json]) -> Claims:
    """The claims in the parsed JSON of a payload."""
    try:
        kind, version = _kind_and_version(document)
        layout = _LAYOUTS.get((kind, version))
        if layout is None:
            raise _refusal(kind, version)
        read = layout(document, None)
        claims: Claims = _BUILDERS[kind](_Members(read, version), version)
    except Mismatch as problem:
        raise TokenError(str(problem)) from None
    except RecursionError:
        raise TokenError("the payload is nested too deep") from None
    else:
        return claims


def _refusal(kind: str, version: int) -> TokenError:
    if kind not in _BUILDERS:
        return TokenError(f"a token of type `{printable(kind)[:64]}` is no operator, account, user or activation")
    if version > NEWEST_VERSION:
        return TokenError(f"the token has version {version}, newer than {NEWEST_VERSION}")
    return TokenError(f"the token has version {version}, which no server reads")


def _kind_and_version(document: Mapping[str, Json]) -> tuple[str, int]:
    """Server: ``jwt.identifier``: a ``type`` beside ``nats`` makes it version 1."""
    top, inner, version = "", "", 0
    for name, value in document.items():
        folded = gojson.folded(name)
        if folded == "type":
            top = _member("type", text, value, top)
        elif folded == "nats" and isinstance(value, dict):
            for member, item in value.items():
                folded = gojson.folded(member)
                if folded == "type":
                    inner = _member("nats.type", text, item, inner)
                elif folded == "version":
                    version = _member("nats.version", integer, item, version)
    return (top, 1) if top else (inner, version)


def _member(path: str, reader: Reader, value: Json, old: Json) -> Json:
    try:
        return reader(value, old)
    except Mismatch as problem:
        problem.path.append(path)
        raise


class _Members:
    """What was read of a payload: the head's fields once, the rest by name, each taken with its default."""

    def __init__(self, read: dict[str, Json], version: int) -> None:
        self.nats: dict[str, Json] = read.pop("nats", None) or {}
        self.issuer = read.get("iss", "")
        self.subject = read.pop("sub", "")
        outer = read if version == 1 else self.nats
        self.issuer_account = outer.pop("issuer_account", "")
        read["tags"] = outer.pop("tags", None) or ()
        read["version"] = version
        read.pop("type", None)
        read["unknown_top"] = read.pop(UNKNOWN, {})
        read["unknown"] = self.nats.pop(UNKNOWN, {})
        self.head = read


def _operator(members: _Members, version: int) -> OperatorClaims:  # noqa: ARG001 one form for all builders
    operator_key(members.issuer)
    nats = _without_type(members.nats)
    nats["signing_keys"] = nats.get("signing_keys") or ()
    nats["operator_service_urls"] = nats.get("operator_service_urls") or ()
    return OperatorClaims(sub=operator_key(members.subject), **members.head, **nats)


def _account(members: _Members, version: int) -> AccountClaims:  # noqa: ARG001
    _issued_by(members.issuer, "AO")
    nats = _without_type(members.nats)
    return AccountClaims(
        sub=account_key(members.subject),
        imports=tuple([Import(**item) for item in nats.pop("imports", None) or ()]),
        exports=tuple([_export(item) for item in nats.pop("exports", None) or ()]),
        limits=_limits(nats.pop("limits", None) or {}),
        signing_keys=nats.pop("signing_keys", ()),
        revocations=nats.pop("revocations", None) or {},
        default_permissions=_permissions(nats.pop("default_permissions", None) or {}),
        mappings={
            subject: tuple([{"subject": "", **_flat(target)} for target in targets])
            for subject, targets in (nats.pop("mappings", None) or {}).items()
        },
        authorization=_flat(nats.pop("authorization", None) or {}),
        trace=None if (trace := nats.pop("trace", None)) is None else _flat(trace),
        **members.head,
        **nats,
    )


def _user(members: _Members, version: int) -> UserClaims:  # noqa: ARG001
    _issued_by(members.issuer, "A")
    if members.issuer_account:
        account_key(members.issuer_account)
    nats = _without_type(members.nats)
    return UserClaims(
        sub=user_key(members.subject),
        permissions=_permissions(nats),
        limits=_user_limits(nats),
        issuer_account=members.issuer_account,
        **members.head,
    )


def _activation(members: _Members, version: int) -> ActivationClaims:
    _issued_by(members.issuer, "AO")
    nats = members.nats
    return ActivationClaims(
        sub=members.subject,
        subject=nats.get("subject", ""),
        kind=nats.get("type" if version == 1 else "kind", ""),
        issuer_account=members.issuer_account,
        **members.head,
    )


def _issued_by(issuer: str, letters: str) -> None:
    """Server: ``jwt.Decode``, which checks the issuer's key against ``ExpectedPrefixes``."""
    if issuer[:1] == "O" and "O" in letters:
        operator_key(issuer)
    else:
        account_key(issuer)


def _without_type(nats: dict[str, Json]) -> dict[str, Json]:
    nats.pop("type", None)
    nats.pop("version", None)
    return nats


def _export(item: dict[str, Json]) -> Export:
    if item.get("revocations", 0) is None:
        del item["revocations"]
    latency = item.get("service_latency")
    if latency is not None:
        item["service_latency"] = {"sampling": "headers", "results": "", **_flat(latency)}
    return Export(**item)


def _limits(item: dict[str, Json]) -> dict[str, Json]:
    tiers = item.get("tiered_limits")
    if tiers:
        item["tiered_limits"] = {tier: _flat(limits or {}) for tier, limits in tiers.items()}
    return _flat(item)


def _flat(item: dict[str, Json]) -> dict[str, Json]:
    """A struct that the model keeps as JSON: zero values left out, unknown members among the others."""
    unknown = item.pop(UNKNOWN, {})
    return {**{name: value for name, value in item.items() if value}, **unknown}


def _permissions(item: dict[str, Json]) -> PermissionLists:
    """The permission block among the members of ``item``."""
    resp = item.get("resp")
    return PermissionLists(
        pub=SubjectLists(**(item.get("pub") or {})),  # null changes nothing in Go
        sub=SubjectLists(**(item.get("sub") or {})),
        resp=None if resp is None else ResponsePermission(**resp),
        unknown=item.get(UNKNOWN, {}),
    )


def _user_limits(item: dict[str, Json]) -> UserLimits:
    times = item.get("times")
    return UserLimits(
        src=item.get("src"),
        times=None if times is None else tuple([_flat(span) for span in times]),
        times_location=item.get("times_location", ""),
        subs=item.get("subs"),
        data=item.get("data"),
        payload=item.get("payload"),
        bearer_token=item.get("bearer_token", False),
        proxy_required=item.get("proxy_required", False),
        allowed_connection_types=item.get("allowed_connection_types"),
    )


def _kind_of_export(value: Json, old: Json) -> Json:  # noqa: ARG001 a Reader
    if value in ("stream", "service") and type(value) is str:
        return value
    raise Mismatch("`stream` or `service`", value)


def _sampling(value: Json, old: Json) -> Json:
    if type(value) is str and value.lower() == "headers":
        return "headers"
    return integer(value, old) or "headers"


def _source_networks(value: Json, old: Json) -> Json:
    """Server: ``CIDRList.UnmarshalJSON``: a list, or a text with commas."""
    if type(value) is not str:
        return texts(value, old)
    return tuple(dict.fromkeys(part for part in map(str.strip, value.lower().split(",")) if part))


def _targets(value: Json, old: Json) -> Json:
    if value is None:
        raise Mismatch("a list of mapping targets", value)
    return _TARGETS(value, old)


def _keys(value: Json, old: Json) -> Json:
    """Signing keys as version 1 has them: a list of strings."""
    return (old or ()) + tuple([SigningKey(key) for key in texts(value, None) or ()])


def _keys_and_scopes(value: Json, old: Json) -> Json:
    """Server: ``SigningKeys.UnmarshalJSON``: elements that are neither string nor object are passed over."""
    if value is None:
        return old or ()
    if type(value) is not list:
        raise Mismatch("a list of signing keys", value)
    found = []
    for index, item in enumerate(value):
        if type(item) is str:
            found.append(SigningKey(item))
        elif isinstance(item, dict):
            try:
                found.append(_scope(gojson.plain(item)))
            except Mismatch as problem:
                problem.path.append(f"[{index}]")
                raise
    return (old or ()) + tuple(found)


def _scope(item: dict[str, Json]) -> SigningKey:
    if item.get("kind") != "user_scope":
        raise Mismatch("a scope of kind `user_scope`", item)
    read = _SCOPE(item, None)
    template = read.get("template") or {}
    return SigningKey(
        read.get("key", ""),
        Scope(
            kind="user_scope",
            role=read.get("role", ""),
            permissions=_permissions({**template, UNKNOWN: {}}),
            limits=_user_limits(template),
            description=read.get("description", ""),
            unknown=read.get(UNKNOWN, {}),
            unknown_template=template.get(UNKNOWN, {}),
        ),
    )


def _user_members(number: Reader) -> dict[str, Reader]:
    """What a user and a scope's template have in common; ``number`` reads their integers."""
    return {
        **_permission_members(number),
        "src": _source_networks,
        "times": listed(Struct({"start": text, "end": text})),
        "times_location": text,
        "subs": number,
        "data": number,
        "payload": number,
        "bearer_token": flag,
        "proxy_required": flag,
        "allowed_connection_types": texts,
    }


def _permission_members(number: Reader) -> dict[str, Reader]:
    return {
        "pub": Struct({"allow": texts, "deny": texts}),
        "sub": Struct({"allow": texts, "deny": texts}),
        "resp": optional(Struct({"max": number, "ttl": number})),
    }


def _all(reader: Reader, names: str) -> dict[str, Reader]:
    return dict.fromkeys(names.split(), reader)


_ACCOUNT_LIMITS = _all(integer, "subs data payload imports exports conn leaf") | {
    "wildcards": flag,
    "disallow_bearer": flag,
}
_JETSTREAM_LIMITS = _all(
    integer,
    "mem_storage disk_storage streams consumer max_ack_pending mem_max_stream_bytes disk_max_stream_bytes",
) | {"max_bytes_required": flag}
_TARGETS = listed(Struct({"subject": text, "weight": gojson.bounded(0, 255), "cluster": text}))
_SCOPE = Struct(
    {
        "kind": text,
        "key": text,
        "role": text,
        "template": Struct(_user_members(gojson.through_float)),
        "description": text,
    }
)
_IMPORT = Struct(
    _all(text, "name subject account token to local_subject")
    | {"type": _kind_of_export, "share": flag, "allow_trace": flag}
)
_EXPORT = Struct(
    _all(text, "name subject response_type description info_url")
    | {
        "type": _kind_of_export,
        "token_req": flag,
        "revocations": mapped(integer),
        "response_threshold": integer,
        "service_latency": optional(Struct({"sampling": _sampling, "results": text})),
        "account_token_position": gojson.bounded(0, 2**64 - 1),
        "advertise": flag,
        "allow_trace": flag,
    }
)
_OPERATOR_1: Final[dict[str, Reader]] = {
    "signing_keys": texts,
    "account_server_url": text,
    "operator_service_urls": texts,
    "system_account": text,
}
_ACCOUNT_1: Final[dict[str, Reader]] = {
    "imports": listed(_IMPORT, null=False),
    "exports": listed(_EXPORT, null=False),
    "limits": Struct(_ACCOUNT_LIMITS),
    "signing_keys": _keys,
    "revocations": mapped(integer),
}
_GENERIC: Final[dict[str, Reader]] = {"tags": texts, "type": text, "version": integer}
_HEAD = _all(text, "aud jti iss name sub") | _all(integer, "exp iat nbf")


def _version_1(members: dict[str, Reader]) -> Struct:
    return Struct(_HEAD | {"tags": texts, "type": text, "issuer_account": text, "nats": Struct(members)})


def _version_2(members: dict[str, Reader]) -> Struct:
    return Struct(_HEAD | {"nats": Struct(_GENERIC | members)})


_LAYOUTS: Final = {
    ("operator", 1): _version_1(_OPERATOR_1),
    ("account", 1): _version_1(_ACCOUNT_1),
    ("user", 1): _version_1(_user_members(integer)),
    ("activation", 1): _version_1({"subject": text, "type": _kind_of_export}),
    ("operator", 2): _version_2(_OPERATOR_1 | {"assert_server_version": text, "strict_signing_key_usage": flag}),
    ("account", 2): _version_2(
        _ACCOUNT_1
        | {
            "limits": Struct(
                _ACCOUNT_LIMITS | _JETSTREAM_LIMITS | {"tiered_limits": mapped(Struct(_JETSTREAM_LIMITS))}
            ),
            "signing_keys": _keys_and_scopes,
            "default_permissions": Struct(_permission_members(integer)),
            "mappings": mapped(_targets),
            "authorization": Struct({"auth_users": texts, "allowed_accounts": texts, "xkey": text}),
            "trace": optional(Struct({"dest": text, "sampling": integer})),
            "cluster_traffic": text,
            "description": text,
            "info_url": text,
        }
    ),
    ("user", 2): _version_2(_user_members(integer) | {"issuer_account": text}),
    ("activation", 2): _version_2({"subject": text, "kind": _kind_of_export, "issuer_account": text}),
}
_BUILDERS: Final[dict[str, Any]] = {
    "operator": _operator,
    "account": _account,
    "user": _user,
    "activation": _activation,
}
