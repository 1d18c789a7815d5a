"""Claims as payload bytes, exactly as the Go library writes them, and what nsc makes of claims it signs again."""

from __future__ import annotations

import base64
import hashlib
from dataclasses import replace
from typing import TYPE_CHECKING, Any, TypeVar

from optimizer.claims.gojson import go_json
from optimizer.claims.gosort import go_sorted
from optimizer.claims.layout import (
    ACCOUNT_LIMITS,
    AUTHORIZATION,
    JETSTREAM_LIMITS,
    KINDS,
    LIMITS,
    SPAN,
    TARGET,
    TRACE,
    filled,
    known_members,
    nats_object,
)
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

__all__ = ["JETSTREAM_LIMITS", "claims_id", "nats_object", "payload_bytes", "reencoded", "token_size"]

C = TypeVar("C", bound=Claims)

_DIGITS = 10
_SOME_TIME = 1_000_000_000  # where the iat has not ten digits: only they count, for nsc writes the time it signs


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
    late = filled({"tags": claims.tags, "type": KINDS[type(claims)]})
    owner = filled({"issuer_account": getattr(claims, "issuer_account", "")})
    return go_json({**_head(claims), "sub": claims.sub, **late, "nats": nats, **owner, **claims.unknown_top})


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
        iat=(claims.iat if len(str(claims.iat)) == _DIGITS else _SOME_TIME) if iat is None else iat,
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
    return filled(
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


def _account_rewritten(claims: AccountClaims) -> AccountClaims:
    trace = claims.trace
    return replace(
        claims,
        imports=_by_subject(item.replaced(unknown={}) for item in claims.imports),
        exports=_by_subject(_export_rewritten(item) for item in claims.exports),
        limits=_account_limits_rewritten(claims.limits),
        signing_keys=_signing_keys_rewritten(claims.signing_keys),
        default_permissions=_permissions_rewritten(claims.default_permissions),
        mappings={
            subject: tuple({"subject": "", **known_members(target, TARGET)} for target in targets)
            for subject, targets in claims.mappings.items()
        },
        authorization=known_members(claims.authorization, AUTHORIZATION),
        trace=None if trace is None else known_members(trace, TRACE),
    )


def _export_rewritten(item: Export) -> Export:
    latency = item.service_latency
    if latency is not None:
        latency = {"sampling": latency.get("sampling") or "headers", "results": latency.get("results", "")}
    return item.replaced(service_latency=latency, unknown={})


def _account_limits_rewritten(limits: Mapping[str, Json]) -> dict[str, Json]:
    tiers = limits.get("tiered_limits")
    if not tiers:
        return known_members(limits, LIMITS)
    written = known_members(limits, ACCOUNT_LIMITS)
    written["tiered_limits"] = {tier: known_members(values, JETSTREAM_LIMITS) for tier, values in tiers.items()}
    return written


def _signing_keys_rewritten(keys: Iterable[SigningKey]) -> tuple[SigningKey, ...]:
    last = {key.key: key for key in keys}
    return tuple(
        key if key.scope is None else key.replaced(scope=_scope_rewritten(key.scope)) for _, key in sorted(last.items())
    )


def _scope_rewritten(scope: Scope) -> Scope:
    # An explicit 0 is left out by Go, and an absent limit is read as -1 by whoever decodes the scope next.
    return scope.replaced(
        permissions=_permissions_rewritten(scope.permissions),
        limits=_limits_rewritten(_unlimited_where_absent(scope.limits)),
        unknown={},
        unknown_template={},
    )


def _permissions_rewritten(block: PermissionLists) -> PermissionLists:
    return PermissionLists(
        pub=SubjectLists(allow=block.pub.allow or None, deny=block.pub.deny or None),
        sub=SubjectLists(allow=block.sub.allow or None, deny=block.sub.deny or None),
        resp=None if block.resp is None else block.resp.replaced(unknown={}),
    )


def _unlimited_where_absent(limits: UserLimits) -> UserLimits:
    return limits.replaced(
        subs=-1 if limits.subs is None else limits.subs,
        data=-1 if limits.data is None else limits.data,
        payload=-1 if limits.payload is None else limits.payload,
    )


def _limits_rewritten(limits: UserLimits) -> UserLimits:
    return limits.replaced(
        src=limits.src or None,
        times=tuple(known_members(span, SPAN) for span in limits.times) if limits.times else None,
        subs=limits.subs or None,
        data=limits.data or None,
        payload=limits.payload or None,
        allowed_connection_types=limits.allowed_connection_types or None,
    )


S = TypeVar("S", Import, Export)


def _by_subject(items: Iterable[S]) -> tuple[S, ...]:
    return go_sorted(items, key=lambda item: item.subject)
