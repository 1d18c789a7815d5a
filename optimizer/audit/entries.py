"""What the entry behind a JSON pointer is, in words."""

from __future__ import annotations

from typing import TYPE_CHECKING

from optimizer.claims.model import AccountClaims

if TYPE_CHECKING:
    from optimizer.claims.model import Export, Import, PermissionLists, SigningKey, UserClaims


def described(pointer: str, claims: AccountClaims | UserClaims) -> str:
    """An entry in words; text from the token is kept exact.

    Parameters
    ----------
    pointer
        As `optimizer.claims.sections.largest_entries` gives it.
    claims
        Of the token that it points into.

    Examples
    --------
    >>> from optimizer.claims.model import AccountClaims, Import
    >>> described("/nats/imports/0", AccountClaims(sub="A", imports=(Import(subject="a.b", type="stream"),)))
    'stream import of `a.b`'
    """
    steps = [step.replace("~1", "/").replace("~0", "~") for step in pointer.split("/")[1:]]
    match steps:
        case ["nats", "imports", number] if isinstance(claims, AccountClaims) and _is_of(number, claims.imports):
            return _import(claims.imports[int(number)])
        case ["nats", "exports", number] if isinstance(claims, AccountClaims) and _is_of(number, claims.exports):
            return _export(claims.exports[int(number)])
        case ["nats", "signing_keys", number] if isinstance(claims, AccountClaims) and _is_of(
            number, claims.signing_keys
        ):
            return _signing_key(claims.signing_keys[int(number)])
        case ["nats", "revocations", key]:
            return "revocation of every user" if key == "*" else f"revocation of {key}"
        case ["nats", "mappings", subject]:
            return f"mapping of `{subject}`"
        case ["nats", "default_permissions", side, name, number] if isinstance(claims, AccountClaims):
            return _subject(claims.default_permissions, side, name, number)
        case ["nats", side, name, number] if not isinstance(claims, AccountClaims):
            return _subject(claims.permissions, side, name, number)
        case _:
            return steps[-1]


def _is_of(number: str, items: tuple[object, ...]) -> bool:
    return number.isdecimal() and int(number) < len(items)


def _import(taken: Import) -> str:
    private = ", with its activation token" if taken.token else ""
    return f"{taken.type or 'untyped'} import of `{taken.subject}`{private}"


def _export(offered: Export) -> str:
    revoked = len(offered.revocations)
    beside = f", {revoked:,} activations revoked" if revoked else ""
    return f"{offered.type or 'untyped'} export of `{offered.subject}`{beside}"


def _signing_key(key: SigningKey) -> str:
    if key.scope is None:
        return "signing key"
    lists = key.scope.permissions
    entries = sum(len(each or ()) for side in (lists.pub, lists.sub) for each in (side.allow, side.deny))
    return f"role `{key.scope.role}`, {entries:,} entries"


def _subject(lists: PermissionLists, side: str, name: str, number: str) -> str:
    halves = {"pub": ("publish", lists.pub), "sub": ("subscribe", lists.sub)}
    verb, half = halves.get(side, (side, None))
    entries = (getattr(half, name, None) if name in ("allow", "deny") else None) or ()
    subject = entries[int(number)] if _is_of(number, entries) else number
    return f"{verb} {name} `{subject}`"
