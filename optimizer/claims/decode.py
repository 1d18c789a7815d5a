"""A token's payload as typed claims: versions 1 and 2, unknown members kept.

Server: ``jwt.Decode`` up to the signature, which `optimizer.claims.verify.signature_holds` checks. What the Go library
refuses to read is a TokenError here.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from optimizer.claims import gojson, quick
from optimizer.claims.gojson import UNKNOWN, Mismatch, integer, text
from optimizer.claims.keys import account_key, issuer_key, operator_key, user_key
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
from optimizer.claims.readers import LAYOUTS, NAMES
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
    claims = quick.read(token.payload)
    return from_document(gojson.parse(token.payload)) if claims is None else claims


def from_document(document: Mapping[str, Json]) -> Claims:
    """The claims in the parsed JSON of a payload."""
    try:
        kind, version = _kind_and_version(document)
        layout = LAYOUTS.get((kind, version))
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
    nats = document.get("nats")
    if type(nats) is dict and NAMES.issuperset(document) and NAMES.issuperset(nats):  # no other name is taken for these
        kind, number = nats.get("type"), nats.get("version")
        if type(kind) is str and type(number) is int and "type" not in document and type(document) is dict:
            return kind, _member("nats.version", integer, number, None)
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
    issuer_key(members.issuer, "AO")
    nats = _without_type(members.nats)
    return AccountClaims(
        sub=account_key(members.subject),
        imports=tuple([Import(**item) for item in nats.pop("imports", None) or ()]),
        exports=tuple([_export(item) for item in nats.pop("exports", None) or ()]),
        limits=_limits(nats.pop("limits", None) or {}),
        signing_keys=tuple([_signing_key(item) for item in nats.pop("signing_keys", ())]),
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
    issuer_key(members.issuer, "A")
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
    issuer_key(members.issuer, "AO")
    nats = members.nats
    return ActivationClaims(
        sub=members.subject,
        subject=nats.get("subject", ""),
        kind=nats.get("type" if version == 1 else "kind", ""),
        issuer_account=members.issuer_account,
        **members.head,
    )


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


def _signing_key(item: str | dict[str, Json]) -> SigningKey:
    if isinstance(item, str):
        return SigningKey(item)
    template = item.get("template") or {}
    unknown = template.pop(UNKNOWN, {})
    scope = Scope(
        kind="user_scope",
        role=item.get("role", ""),
        permissions=_permissions(template),
        limits=_user_limits(template),
        description=item.get("description", ""),
        unknown=item.get(UNKNOWN, {}),
        unknown_template=unknown,
    )
    return SigningKey(item.get("key", ""), scope)


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
    pub, sub, resp = item.get("pub"), item.get("sub"), item.get("resp")
    return PermissionLists(
        SubjectLists(**pub) if pub else _NO_LISTS,  # null changes nothing in Go
        SubjectLists(**sub) if sub else _NO_LISTS,
        None if resp is None else ResponsePermission(**resp),
        item.get(UNKNOWN, {}),
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


_NO_LISTS: Final = SubjectLists()
_BUILDERS: Final[dict[str, Any]] = {
    "operator": _operator,
    "account": _account,
    "user": _user,
    "activation": _activation,
}
