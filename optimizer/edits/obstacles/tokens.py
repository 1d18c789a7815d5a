"""What stands in the way of any edit of a token: how it is signed, and what nsc would do to it beside the edit."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

from optimizer.claims.encode import nats_object
from optimizer.edits.anew import Itself, written_anew
from optimizer.edits.obstacles.names import of_names, spaced_name, user_names
from optimizer.edits.targets import TargetKind
from optimizer.text import printable, redacted

if TYPE_CHECKING:
    from collections.abc import Iterator

    from optimizer.claims.model import AccountClaims, UserClaims
    from optimizer.edits.targets import Target
    from optimizer.hierarchy import Hierarchy, Signed


def _of_token(signed: Signed[AccountClaims] | Signed[UserClaims]) -> tuple[str, ...]:
    return _token_reasons(Itself(signed))


@lru_cache(maxsize=256)
def _token_reasons(token: Itself[Signed[AccountClaims] | Signed[UserClaims]]) -> tuple[str, ...]:
    """Reasons that any edit of the token meets: they take a walk through all of it."""
    claims, reasons = token.value.claims, []
    if token.value.issues:
        reasons.append(f"the token is not in order: {token.value.issues[0].message}")
    if claims.version != 2:  # noqa: PLR2004 the only version nsc 2.12 edits as it is
        reasons.append(f"the token is of version {claims.version}, and nsc would upgrade it beside the edit")
    anew = written_anew(token.value)
    dropped = set() if anew.is_as_read else _dropped(claims, anew.claims)
    if dropped:
        reasons.append(f"nsc would drop `{printable(min(dropped)[:80])}` from the token")
    payload = token.value.token.payload.decode(errors="replace")
    if redacted(payload) != payload:
        reasons.append("the token holds what looks like a seed: replace that key first")
    return tuple(reasons)


def _dropped(claims: AccountClaims | UserClaims, anew: AccountClaims | UserClaims) -> set[str]:
    """Names of members that nsc does not write back."""
    return (set(_members(nats_object(claims))) - set(_members(nats_object(anew)))) | set(claims.unknown_top)


def _members(value: object) -> Iterator[str]:
    """The names of all members that are not empty, wherever they are."""
    if isinstance(value, dict):
        for name, item in value.items():
            if item:
                yield name
                yield from _members(item)
    elif isinstance(value, list | tuple):
        for item in value:
            yield from _members(item)


def of_user_token(user: Signed[UserClaims], account: Signed[AccountClaims], hierarchy: Hierarchy) -> Iterator[str]:
    """Why nsc cannot edit a user's token, or must not."""
    claims, keys = user.claims, {key.key: key for key in account.claims.signing_keys}
    # Revocation comes before the other issues: it is the one that an edit would undo without a word.
    revoked_at = account.claims.revoked_at(claims.sub)
    if revoked_at is not None and claims.iat <= revoked_at:
        yield "the user is revoked, and the new `iat` of an edited token would readmit it"
    if claims.permissions.has_explicit_empty_list:
        yield "nsc drops an empty list whenever it re-encodes, which opens what the list closes"
    if account.issues:
        yield f"the account's token is not in order: {account.issues[0].message}"
    alike = user_names(Itself(hierarchy.users))[account.claims.sub, claims.name]
    yield from of_names(user, alike, "user")
    yield from _of_token(user)
    # Seen to make `edit user` fail in other accounts of such a store, and seen not to: it finds the account that signed
    # a user by reading all accounts, each by a name that it trims (`StoreRaw`).
    spaced = spaced_name(Itself(hierarchy.accounts))
    if spaced is not None:
        shown = printable(spaced[:80])
        yield f"nsc trims names: with the account `{shown}` in the store it is not to be relied on to edit users"
    if claims.iss != account.claims.sub and claims.iss not in keys:
        yield "the key that issued the user is no key of the account"
    elif claims.iss in keys and keys[claims.iss].scope is not None:
        yield "the user was issued by a scoped key: its permissions are those of the role"
    if any(key.scope is not None and key.scope.role == claims.iss for key in account.claims.signing_keys):
        yield "a role is called like the key that issued the user, and nsc would sign with the role's key"


def of_account_token(target: Target, hierarchy: Hierarchy, account: Signed[AccountClaims]) -> Iterator[str]:
    """Why nsc cannot edit this part of an account's token, or must not."""
    claims = account.claims
    scopes = [key.scope for key in claims.signing_keys if key.scope is not None]
    blocks = [claims.default_permissions, *(scope.permissions for scope in scopes)]
    if any(block.has_explicit_empty_list for block in blocks):
        yield "nsc drops an empty list whenever it re-encodes, which opens what the list closes"
    yield from _of_token(account)
    if hierarchy.operator is not None:
        operator = hierarchy.operator.claims
        if claims.iss != operator.sub and claims.iss not in operator.signing_keys:
            yield "the key that issued the account is no key of the operator"
        elif claims.iss == operator.sub and operator.strict_signing_key_usage:
            yield "the operator wants signing keys, and its identity key issued the account"
    elif claims.iss == claims.sub:
        yield "the account signed its token itself"
    if any(scope.role == claims.iss for scope in scopes):
        yield "a role is called like the key that issued the account, and nsc would sign with the role's key"
    if target.kind is TargetKind.SCOPE:
        found = [key for key in claims.signing_keys if key.key == target.key]
        if not found or found[0].scope is None:
            yield "the account holds no such scoped key, and nsc would add it"
        elif len(found) > 1:
            yield "the account lists the scoped key twice, and nsc keeps one"
    elif target.kind is TargetKind.DEFAULTS:
        yield from _of_edit_account(hierarchy, claims)


def _of_edit_account(hierarchy: Hierarchy, claims: AccountClaims) -> Iterator[str]:
    """Reasons that only ``nsc edit account`` has, the command for account defaults."""
    operator = hierarchy.operator
    if operator is not None and operator.claims.system_account == claims.sub and has_jetstream(claims):
        yield "nsc takes JetStream limits from the system account whenever it edits it"
    if claims.limits.get("disallow_bearer"):
        refuses = "nsc edits no account that forbids bearer tokens while a user has one"
        if not hierarchy.has_users:
            yield f"{refuses}, and a source of this kind holds no users"
        elif any(user.claims.limits.bearer_token for user in hierarchy.users_of(claims.sub)):
            yield refuses


def has_jetstream(claims: AccountClaims) -> bool:
    """Whether the account has JetStream limits of its own, tiered or not. nsc: ``jsLimitsSet``."""
    names = (
        "mem_storage disk_storage streams consumer max_ack_pending mem_max_stream_bytes disk_max_stream_bytes "
        "max_bytes_required tiered_limits"
    )
    return any(claims.limits.get(name) for name in names.split())
