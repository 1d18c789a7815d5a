"""The ``nats`` member of a payload as the Go library lays it out: members in struct order, zero values left out."""

from __future__ import annotations

from typing import TYPE_CHECKING

from optimizer.claims.gojson import go_json
from optimizer.claims.model import (
    AccountClaims,
    ActivationClaims,
    Claims,
    Export,
    Import,
    OperatorClaims,
    PermissionLists,
    SigningKey,
    SubjectLists,
    UserClaims,
    UserLimits,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from optimizer.claims.model import Json

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
LIMITS = (*ACCOUNT_LIMITS, *JETSTREAM_LIMITS, "tiered_limits")
_LIMITS_1 = ("subs", "conn", "leaf", "imports", "exports", "data", "payload", "wildcards")
AUTHORIZATION = ("auth_users", "allowed_accounts", "xkey")
TRACE = ("dest", "sampling")
TARGET = ("subject", "weight", "cluster")
SPAN = ("start", "end")


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
        body |= filled({"tags": claims.tags})
        body |= {"type": KINDS[type(claims)], "version": claims.version}
    return {**body, **claims.unknown}


def shared_members(item: Import | Export) -> dict[str, Json]:
    """One import or export as JSON of the claims."""
    return _import(item) if isinstance(item, Import) else _export(item, 2)


def _operator(claims: OperatorClaims) -> dict[str, Json]:
    return filled(
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
    imports = filled({"imports": [_import(item) for item in claims.imports]})
    exports = filled({"exports": [_export(item, claims.version) for item in claims.exports]})
    keys = filled(
        {
            "signing_keys": [_signing_key(key) for key in claims.signing_keys],
            "revocations": _by_name(claims.revocations),
        }
    )
    if claims.version == 1:
        identity = filled({"identity": claims.unknown.get("identity")})
        return {**imports, **exports, **identity, "limits": _ordered(claims.limits, _LIMITS_1), **keys}
    return {
        **imports,
        **exports,
        "limits": _account_limits(claims.limits),
        **keys,
        "default_permissions": {**_permissions(claims.default_permissions), **claims.default_permissions.unknown},
        **filled({"mappings": {s: [_target(t) for t in targets] for s, targets in _by_name(claims.mappings).items()}}),
        "authorization": _ordered(claims.authorization, AUTHORIZATION),
        **({} if claims.trace is None else {"trace": _ordered(claims.trace, TRACE)}),
        **filled(
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
        owner = filled({"issuer_account": claims.issuer_account})
        return {**_permissions(claims.permissions), **_user_limits(limits), **owner}
    named = {
        "max": claims.unknown.get("max"),
        "payload": limits.payload,
        "src": ",".join(limits.src or ()),
    }
    return _permissions(claims.permissions) | filled(named) | _user_limits(limits.replaced(src=None))


def _activation(claims: ActivationClaims) -> dict[str, Json]:
    kind = "type" if claims.version == 1 else "kind"
    owner = claims.issuer_account if claims.version > 1 else ""
    return filled({"subject": claims.subject, kind: claims.kind, "issuer_account": owner})


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
    return {**filled(known), **item.unknown}


def import_payload(item: Import) -> int:
    """Bytes of the payload that one import more takes, with the comma that parts it from the one before."""
    return len(go_json(_import(item))) + 1


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
    return {**filled(known), **item.unknown}


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
    spans = None if limits.times is None else [_ordered(span, SPAN) for span in limits.times]
    return {
        **_present({"src": limits.src, "times": spans}),
        **filled({"times_location": limits.times_location}),
        **_present({"subs": limits.subs, "data": limits.data, "payload": limits.payload}),
        **filled({"bearer_token": limits.bearer_token, "proxy_required": limits.proxy_required}),
        **_present({"allowed_connection_types": limits.allowed_connection_types}),
    }


def _account_limits(limits: Mapping[str, Json]) -> dict[str, Json]:
    written = _ordered(limits, LIMITS)
    tiers = written.get("tiered_limits")
    if tiers:
        written["tiered_limits"] = {
            tier: _ordered(values, JETSTREAM_LIMITS) for tier, values in _by_name(tiers).items()
        }
    return written


def _target(target: Mapping[str, Json]) -> dict[str, Json]:
    return {"subject": target.get("subject", ""), **_ordered(target, TARGET[1:], TARGET)}


def filled(members: dict[str, Json]) -> dict[str, Json]:
    """Without the zero values. Go: ``omitempty``."""
    return {name: _json(value) for name, value in members.items() if value}


def _present(members: dict[str, Json]) -> dict[str, Json]:
    return {name: _json(value) for name, value in members.items() if value is not None}


def known_members(members: Mapping[str, Json], names: Iterable[str]) -> dict[str, Json]:
    """Those of ``members`` that have one of the names and a value, in the order of the names."""
    return {name: members[name] for name in names if members.get(name)}


def _json(value: Json) -> Json:
    return list(value) if type(value) is tuple else value


def _without(members: Mapping[str, Json], names: Iterable[str]) -> dict[str, Json]:
    return {name: value for name, value in members.items() if name not in names}


def _ordered(members: Mapping[str, Json], names: tuple[str, ...], known: tuple[str, ...] = ()) -> dict[str, Json]:
    """The known members in Go's order, then those nobody knows."""
    return filled(known_members(members, names)) | _without(members, known or names)


def _by_name(members: Mapping[str, Json]) -> dict[str, Json]:
    """Go writes maps sorted by the bytes of their keys, which is the order of their code points."""
    return dict(sorted(members.items()))


KINDS = {
    OperatorClaims: "operator",
    AccountClaims: "account",
    UserClaims: "user",
    ActivationClaims: "activation",
}
