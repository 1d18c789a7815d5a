"""Claims as payload bytes, exactly as the Go library writes them, and what nsc makes of claims it signs again."""

from __future__ import annotations

import base64
import hashlib
from dataclasses import replace
from typing import TYPE_CHECKING, Any, TypeVar

from optimizer.claims.gojson import go_json
from optimizer.claims.gosort import go_sorted
from optimizer.claims.model import (
    AccountClaims,
    ActivationClaims,
    Claims,
    Export,
    Import,
    OperatorClaims,
    PermissionLists,
    Scope,
    SigningKey,
    SubjectLists,
    UserClaims,
    UserLimits,
)
from optimizer.claims.token import token_size

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from optimizer.claims.model import Head, Json

__all__ = ["claims_id", "nats_object", "payload_bytes", "reencoded", "token_size"]

C = TypeVar("C", bound=Claims)

ACCOUNT_LIMITS = (
    "subs",
    "data",
    "payload",
    "imports",
    "exports",
    "wildcards",
    "disallow_bearer",
    "conn",
    "leaf",
)
JETSTREAM_LIMITS = (
    "mem_storage",
    "disk_storage",
    "streams",
    "consumer",
    "max_ack_pending",
    "mem_max_stream_bytes",
    "disk_max_stream_bytes",
    "max_bytes_required",
)
_LIMITS = (*ACCOUNT_LIMITS, *JETSTREAM_LIMITS, "tiered_limits")
_LIMITS_1 = ("subs", "conn", "leaf", "imports", "exports", "data", "payload", "wildcards")
_AUTHORIZATION = ("auth_users", "allowed_accounts", "xkey")
_TRACE = ("dest", "sampling")
_TARGET = ("subject", "weight", "cluster")
_SPAN = ("start", "end")
_SOME_TIME = 1_000_000_000  # where a token has no iat: only its ten digits count, nsc writes the time it signs


def payload_bytes(claims: Claims) -> bytes:
    """The payload of these claims, faithful to what was read: explicit empty lists and unknown members are kept.

    Server: ``ClaimsData.doEncode``. For claims that Go wrote these are the very bytes of their token; unknown
    members come after the known ones of their object.

    Examples
    --------
    >>> from optimizer.claims.model import UserClaims
    >>> payload_bytes(UserClaims(sub="U", name="app"))
    b'{"name":"app","sub":"U","nats":{"pub":{},"sub":{},"type":"user","version":2}}'
    """
    nats = nats_object(claims)
    if claims.version > 1:
        return go_json({**_head(claims), "sub": claims.sub, "nats": nats, **claims.unknown_top})
    late = _filled({"tags": claims.tags, "type": _KINDS[type(claims)]})
    owner = _filled({"issuer_account": getattr(claims, "issuer_account", "")})
    return go_json({**_head(claims), "sub": claims.sub, **late, "nats": nats, **owner, **claims.unknown_top})


def nats_object(claims: Claims) -> dict[str, Json]:
    """The ``nats`` member of the payload, its members in the order Go writes them."""
    match claims:
        case OperatorClaims():
            body = _operator(claims)
        case AccountClaims():
            body = _account(claims)
        case UserClaims():
            body = _user(claims)
        case ActivationClaims():
            body = _activation(claims)
    if claims.version > 1:
        body |= _filled({"tags": claims.tags})
        body |= {"type": _KINDS[type(claims)], "version": claims.version}
    return {**body, **claims.unknown}


def reencoded(claims: C, *, iat: int | None = None, issuer: str | None = None) -> C:
    """What nsc 2.12 makes of these claims when it signs them again, whatever the edit was.

    nsc: ``AccountClaims.Encode``, ``UserClaims.Encode`` after ``jwt.Decode``. Unknown members and explicit empty
    lists go, exports and imports are sorted by subject and signing keys by key, a scope's absent limits become -1,
    global JetStream limits go where tiers exist, and version 1 becomes 2.

    Parameters
    ----------
    claims
        The claims as they are to be written.
    iat
        When nsc signs; as long as it has ten digits it does not change the size.
    issuer
        The key that signs; without it the one that did.
    """
    written: Any
    match claims:
        case OperatorClaims():
            written = claims
        case AccountClaims():
            written = _account_rewritten(claims)
        case UserClaims():
            limits = claims.limits
            if claims.version == 1:
                limits = _unlimited_where_absent(limits)
            written = replace(
                claims,
                permissions=_permissions_rewritten(claims.permissions),
                limits=_limits_rewritten(limits),
            )
        case ActivationClaims():
            written = claims
    signed = replace(
        written,
        iat=(claims.iat or _SOME_TIME) if iat is None else iat,
        iss=claims.iss if issuer is None else issuer,
        version=2,
        unknown={},
        unknown_top={},
    )
    return replace(signed, jti=claims_id(signed))  # type: ignore[no-any-return]


def claims_id(claims: Claims) -> str:
    """The ``jti`` Go gives these claims: a hash of the registered claims, which does not cover ``nats``.

    Server: ``ClaimsData.hash``.
    """
    head = _head(claims) | {"sub": claims.sub}
    head.pop("jti", None)
    return base64.b32encode(hashlib.new("sha512_256", go_json(head)).digest()).decode().rstrip("=")


def _head(claims: Head) -> dict[str, Json]:
    return _filled(
        {
            "aud": claims.aud,
            "exp": claims.exp,
            "jti": claims.jti,
            "iat": claims.iat,
            "iss": claims.iss,
            "name": claims.name,
            "nbf": claims.nbf,
        }
    )


def _operator(claims: OperatorClaims) -> dict[str, Json]:
    return _filled(
        {
            "identity": claims.unknown.get("identity") if claims.version == 1 else None,
            "signing_keys": claims.signing_keys,
            "account_server_url": claims.account_server_url,
            "operator_service_urls": claims.operator_service_urls,
            "system_account": claims.system_account,
            "assert_server_version": claims.assert_server_version,
            "strict_signing_key_usage": claims.strict_signing_key_usage,
        }
    )


def _account(claims: AccountClaims) -> dict[str, Json]:
    imports = _filled({"imports": [_import(item) for item in claims.imports]})
    exports = _filled({"exports": [_export(item, claims.version) for item in claims.exports]})
    keys = _filled(
        {
            "signing_keys": [_signing_key(key) for key in claims.signing_keys],
            "revocations": _by_name(claims.revocations),
        }
    )
    if claims.version == 1:
        identity = _filled({"identity": claims.unknown.get("identity")})
        return {**imports, **exports, **identity, "limits": _ordered(claims.limits, _LIMITS_1), **keys}
    return {
        **imports,
        **exports,
        "limits": _account_limits(claims.limits),
        **keys,
        "default_permissions": {**_permissions(claims.default_permissions), **claims.default_permissions.unknown},
        **_filled({"mappings": {s: [_target(t) for t in targets] for s, targets in _by_name(claims.mappings).items()}}),
        "authorization": _ordered(claims.authorization, _AUTHORIZATION),
        **({} if claims.trace is None else {"trace": _ordered(claims.trace, _TRACE)}),
        **_filled(
            {
                "cluster_traffic": claims.cluster_traffic,
                "description": claims.description,
                "info_url": claims.info_url,
            }
        ),
    }


def _user(claims: UserClaims) -> dict[str, Json]:
    limits = claims.limits
    if claims.version > 1:
        owner = _filled({"issuer_account": claims.issuer_account})
        return {**_permissions(claims.permissions), **_user_limits(limits), **owner}
    named = {
        "max": claims.unknown.get("max"),
        "payload": limits.payload,
        "src": ",".join(limits.src or ()),
    }
    return _permissions(claims.permissions) | _filled(named) | _user_limits(replace(limits, src=None))


def _activation(claims: ActivationClaims) -> dict[str, Json]:
    kind = "type" if claims.version == 1 else "kind"
    owner = claims.issuer_account if claims.version > 1 else ""
    return _filled({"subject": claims.subject, kind: claims.kind, "issuer_account": owner})


def _import(item: Import) -> dict[str, Json]:
    known = {
        "name": item.name,
        "subject": item.subject,
        "account": item.account,
        "token": item.token,
        "to": item.to,
        "local_subject": item.local_subject,
        "type": item.type,
        "share": item.share,
        "allow_trace": item.allow_trace,
    }
    return {**_filled(known), **item.unknown}


def _export(item: Export, version: int) -> dict[str, Json]:
    known = {
        "name": item.name,
        "subject": item.subject,
        "type": item.type,
        "token_req": item.token_req,
        "revocations": _by_name(item.revocations),
        "response_type": item.response_type,
        "response_threshold": item.response_threshold,
        "service_latency": _latency(item.service_latency, version),
        "account_token_position": item.account_token_position,
        "advertise": item.advertise,
        "allow_trace": item.allow_trace,
        "description": item.description,
        "info_url": item.info_url,
    }
    return {**_filled(known), **item.unknown}


def _latency(latency: Mapping[str, Json] | None, version: int) -> dict[str, Json] | None:
    if latency is None:
        return None
    sampling = latency.get("sampling") or "headers"
    written = {} if version == 1 and sampling == "headers" else {"sampling": sampling}
    return {**written, "results": latency.get("results", ""), **_without(latency, ("sampling", "results"))}


def _signing_key(key: SigningKey) -> Json:
    if key.scope is None:
        return key.key
    scope = key.scope
    template = {**_permissions(scope.permissions), **_user_limits(scope.limits), **scope.unknown_template}
    return {
        "kind": scope.kind,
        "key": key.key,
        "role": scope.role,
        "template": template,
        "description": scope.description,
        **scope.unknown,
    }


def _permissions(block: PermissionLists) -> dict[str, Json]:
    written: dict[str, Json] = {"pub": _lists(block.pub), "sub": _lists(block.sub)}
    if block.resp is not None:
        written["resp"] = {"max": block.resp.max, "ttl": block.resp.ttl, **block.resp.unknown}
    return written


def _lists(lists: SubjectLists) -> dict[str, Json]:
    return {**_present({"allow": lists.allow, "deny": lists.deny}), **lists.unknown}


def _user_limits(limits: UserLimits) -> dict[str, Json]:
    spans = None if limits.times is None else [_ordered(span, _SPAN) for span in limits.times]
    return {
        **_present({"src": limits.src, "times": spans}),
        **_filled({"times_location": limits.times_location}),
        **_present({"subs": limits.subs, "data": limits.data, "payload": limits.payload}),
        **_filled({"bearer_token": limits.bearer_token, "proxy_required": limits.proxy_required}),
        **_present({"allowed_connection_types": limits.allowed_connection_types}),
    }


def _account_limits(limits: Mapping[str, Json]) -> dict[str, Json]:
    written = _ordered(limits, _LIMITS)
    tiers = written.get("tiered_limits")
    if tiers:
        written["tiered_limits"] = {
            tier: _ordered(values, JETSTREAM_LIMITS) for tier, values in _by_name(tiers).items()
        }
    return written


def _target(target: Mapping[str, Json]) -> dict[str, Json]:
    return {"subject": target.get("subject", ""), **_ordered(target, _TARGET[1:], _TARGET)}


def _account_rewritten(claims: AccountClaims) -> AccountClaims:
    trace = claims.trace
    return replace(
        claims,
        imports=_by_subject(replace(item, unknown={}) for item in claims.imports),
        exports=_by_subject(_export_rewritten(item) for item in claims.exports),
        limits=_account_limits_rewritten(claims.limits),
        signing_keys=_signing_keys_rewritten(claims.signing_keys),
        default_permissions=_permissions_rewritten(claims.default_permissions),
        mappings={
            subject: tuple({"subject": "", **_known(target, _TARGET)} for target in targets)
            for subject, targets in claims.mappings.items()
        },
        authorization=_known(claims.authorization, _AUTHORIZATION),
        trace=None if trace is None else _known(trace, _TRACE),
    )


def _export_rewritten(item: Export) -> Export:
    latency = item.service_latency
    if latency is not None:
        latency = {"sampling": latency.get("sampling") or "headers", "results": latency.get("results", "")}
    return replace(item, service_latency=latency, unknown={})


def _account_limits_rewritten(limits: Mapping[str, Json]) -> dict[str, Json]:
    tiers = limits.get("tiered_limits")
    if not tiers:
        return _known(limits, _LIMITS)
    written = _known(limits, ACCOUNT_LIMITS)
    written["tiered_limits"] = {tier: _known(values, JETSTREAM_LIMITS) for tier, values in tiers.items()}
    return written


def _signing_keys_rewritten(keys: Iterable[SigningKey]) -> tuple[SigningKey, ...]:
    last = {key.key: key for key in keys}
    return tuple(
        key if key.scope is None else replace(key, scope=_scope_rewritten(key.scope)) for _, key in sorted(last.items())
    )


def _scope_rewritten(scope: Scope) -> Scope:
    # An explicit 0 is left out by Go, and an absent limit is read as -1 by whoever decodes the scope next.
    return replace(
        scope,
        permissions=_permissions_rewritten(scope.permissions),
        limits=_limits_rewritten(_unlimited_where_absent(scope.limits)),
        unknown={},
        unknown_template={},
    )


def _permissions_rewritten(block: PermissionLists) -> PermissionLists:
    return PermissionLists(
        pub=SubjectLists(allow=block.pub.allow or None, deny=block.pub.deny or None),
        sub=SubjectLists(allow=block.sub.allow or None, deny=block.sub.deny or None),
        resp=None if block.resp is None else replace(block.resp, unknown={}),
    )


def _unlimited_where_absent(limits: UserLimits) -> UserLimits:
    return replace(
        limits,
        subs=-1 if limits.subs is None else limits.subs,
        data=-1 if limits.data is None else limits.data,
        payload=-1 if limits.payload is None else limits.payload,
    )


def _limits_rewritten(limits: UserLimits) -> UserLimits:
    return replace(
        limits,
        src=limits.src or None,
        times=tuple(_known(span, _SPAN) for span in limits.times) if limits.times else None,
        subs=limits.subs or None,
        data=limits.data or None,
        payload=limits.payload or None,
        allowed_connection_types=limits.allowed_connection_types or None,
    )


def _filled(members: dict[str, Json]) -> dict[str, Json]:
    """Without the zero values. Go: ``omitempty``."""
    return {name: _json(value) for name, value in members.items() if value}


def _present(members: dict[str, Json]) -> dict[str, Json]:
    return {name: _json(value) for name, value in members.items() if value is not None}


def _known(members: Mapping[str, Json], names: Iterable[str]) -> dict[str, Json]:
    return {name: members[name] for name in names if members.get(name)}


def _json(value: Json) -> Json:
    return list(value) if type(value) is tuple else value


def _without(members: Mapping[str, Json], names: Iterable[str]) -> dict[str, Json]:
    return {name: value for name, value in members.items() if name not in names}


def _ordered(members: Mapping[str, Json], names: tuple[str, ...], known: tuple[str, ...] = ()) -> dict[str, Json]:
    """The known members in Go's order, then those nobody knows."""
    return _filled(_known(members, names)) | _without(members, known or names)


def _by_name(members: Mapping[str, Json]) -> dict[str, Json]:
    """Go writes maps sorted by the bytes of their keys, which is the order of their code points."""
    return dict(sorted(members.items()))


S = TypeVar("S", Import, Export)


def _by_subject(items: Iterable[S]) -> tuple[S, ...]:
    return go_sorted(items, key=lambda item: item.subject)


_KINDS = {
    OperatorClaims: "operator",
    AccountClaims: "account",
    UserClaims: "user",
    ActivationClaims: "activation",
}
