"""Which members each kind of token has in either version, and the type of each: Go's structs as readers.

Server: the ``json`` tags of the jwt library, and the ``UnmarshalJSON`` of its own types.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from optimizer.claims import gojson
from optimizer.claims.gojson import (
    GenericStruct,
    Mismatch,
    Struct,
    flag,
    integer,
    listed,
    mapped,
    optional,
    text,
    texts,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

    from optimizer.claims.gojson import Json, Reader


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
    return (old or ()) + (texts(value, None) or ())


def _keys_and_scopes(value: Json, old: Json) -> Json:
    """Signing keys as texts, and as the members of scopes; what is neither string nor object is passed over.

    Server: ``SigningKeys.UnmarshalJSON``.
    """
    if value is None:
        return old or ()
    if type(value) is not list:
        raise Mismatch("a list of signing keys", value)
    found: list[Json] = []
    for index, item in enumerate(value):
        if type(item) is str:
            found.append(item)
        elif isinstance(item, dict):
            try:
                found.append(_scope(item))
            except Mismatch as problem:
                problem.path.append(f"[{index}]")
                raise
    return (old or ()) + tuple(found)


def _scope(item: dict[str, Json]) -> dict[str, Json]:
    if item.get("kind") != "user_scope":
        raise Mismatch("a scope of kind `user_scope`", item)
    found: dict[str, Json] = _SCOPE(item, None)
    return found


def _user_members(number: Reader, struct: type[Struct] = Struct) -> dict[str, Reader]:
    """What a user and a scope's template have in common; ``number`` reads their integers, ``struct`` their objects."""
    return {
        **_permission_members(number, struct),
        "src": _source_networks,
        "times": listed(struct({"start": text, "end": text})),
        "times_location": text,
        "subs": number,
        "data": number,
        "payload": number,
        "bearer_token": flag,
        "proxy_required": flag,
        "allowed_connection_types": texts,
    }


def _permission_members(number: Reader, struct: type[Struct] = Struct) -> dict[str, Reader]:
    return {
        "pub": struct({"allow": texts, "deny": texts}),
        "sub": struct({"allow": texts, "deny": texts}),
        "resp": optional(struct({"max": number, "ttl": number})),
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
_SCOPE = GenericStruct(
    {
        "kind": text,
        "key": text,
        "role": text,
        "template": GenericStruct(_user_members(gojson.through_float, GenericStruct)),
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
_OPERATOR_2 = _OPERATOR_1 | {"assert_server_version": text, "strict_signing_key_usage": flag}
_ACCOUNT_2: Final[dict[str, Reader]] = _ACCOUNT_1 | {
    "limits": Struct(_ACCOUNT_LIMITS | _JETSTREAM_LIMITS | {"tiered_limits": mapped(Struct(_JETSTREAM_LIMITS))}),
    "signing_keys": _keys_and_scopes,
    "default_permissions": Struct(_permission_members(integer)),
    "mappings": mapped(_targets),
    "authorization": Struct({"auth_users": texts, "allowed_accounts": texts, "xkey": text}),
    "trace": optional(Struct({"dest": text, "sampling": integer})),
    "cluster_traffic": text,
    "description": text,
    "info_url": text,
}
_USER_2 = _user_members(integer) | {"issuer_account": text}
_ACTIVATION_2 = {"subject": text, "kind": _kind_of_export, "issuer_account": text}


def _version_1(members: Mapping[str, Reader]) -> Struct:
    return Struct({**_HEAD, "tags": texts, "type": text, "issuer_account": text, "nats": Struct(members)})


def _version_2(members: Mapping[str, Reader]) -> Struct:
    return Struct({**_HEAD, "nats": Struct({**_GENERIC, **members})})


LAYOUTS: Final = {
    ("operator", 1): _version_1(_OPERATOR_1),
    ("account", 1): _version_1(_ACCOUNT_1),
    ("user", 1): _version_1(_user_members(integer)),
    ("activation", 1): _version_1({"subject": text, "type": _kind_of_export}),
    ("operator", 2): _version_2(_OPERATOR_2),
    ("account", 2): _version_2(_ACCOUNT_2),
    ("user", 2): _version_2(_USER_2),
    ("activation", 2): _version_2(_ACTIVATION_2),
}
NAMES: Final = frozenset({"nats"}).union(_HEAD, _GENERIC, _OPERATOR_2, _ACCOUNT_2, _USER_2, _ACTIVATION_2)
"""What members are called beside and inside the ``nats`` of version 2. Each is as `gojson.folded` leaves it."""
