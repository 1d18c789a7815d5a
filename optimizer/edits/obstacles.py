"""Why nsc cannot make an edit, or must not be asked to.

Each reason was met by running nsc 2.12.0; where one holds, the proposal is advice and gets no script step.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

from optimizer.claims.encode import nats_object
from optimizer.edits.anew import Itself, written_anew
from optimizer.edits.edit import touches_account_token
from optimizer.edits.lists import entries, permission_lists
from optimizer.edits.targets import ListName, TargetKind
from optimizer.text import printable, redacted

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from optimizer.claims.keys import AccountKey, UserKey
    from optimizer.claims.model import AccountClaims, UserClaims
    from optimizer.edits.edit import Edit
    from optimizer.hierarchy import Hierarchy, Signed

ARGUMENT_LIMIT = 131_000
"""Bytes of one argument: Linux takes 131,071 (``MAX_ARG_STRLEN`` less its NUL), a flag's name goes before it."""

NAME_LIMIT = 251
"""Bytes of a name that nsc can store: file systems take 255, and ``.jwt`` goes behind it."""


def obstacle(edit: Edit, hierarchy: Hierarchy) -> str | None:
    """Why nsc cannot make this edit of this store, or must not, in a sentence; None where it can.

    Parameters
    ----------
    edit
        The edit.
    hierarchy
        The store as read.

    Returns
    -------
    str or None
        The first reason found, fit for people.
    """
    return next(_obstacles(edit, hierarchy), None)


def together(edits: tuple[Edit, ...], hierarchy: Hierarchy) -> str | None:
    """Why nsc cannot make these edits as one, though it could each; None where it can.

    nsc: ``--rm X`` takes a copy of X out of all four lists of a block, and adding X puts back one copy only. So a
    duplicate cannot leave one list while another list keeps two or more copies of the same entry.

    Parameters
    ----------
    edits
        All edits that are to be made.
    hierarchy
        The store before them.
    """
    for target in dict.fromkeys(edit.target for edit in edits):
        lists = permission_lists(hierarchy, target)
        texts = [entries(lists, name) or () for name in ListName]
        copied = {text for each in texts if len(set(each)) < len(each) for text in each if each.count(text) > 1}
        # Where no list holds a copy, one mention takes an entry out of all, and what stays is added again.
        for text in sorted(copied):
            have = [each.count(text) for each in texts]
            want = dict(zip(ListName, have, strict=True))
            for edit in edits:
                if edit.target == target:
                    want[edit.list] -= edit.remove.count(text)
                    if text in edit.add and want[edit.list] < 1:
                        want[edit.list] += 1
            if removals(tuple(have), tuple(want.values())) is None:
                return (
                    f"nsc cannot take copies of `{printable(text)}` out of one list and leave duplicates of it "
                    "in another: accept the proposals for both lists"
                )
    return None


def removals(have: tuple[int, ...], want: tuple[int, ...]) -> int | None:
    """How often ``--rm`` must name an entry, given its copies in each list now and afterwards.

    After that many mentions a list has the copies it shall have, or none and shall have one, which is then added.

    Returns
    -------
    int or None
        None where no number does: nsc cannot make this change.

    Examples
    --------
    >>> removals((2, 0, 1, 0), (1, 0, 1, 0))
    1
    >>> removals((2, 0, 2, 0), (1, 0, 2, 0)) is None
    True
    """
    for mentions in range(max(have) + 1):
        left = [max(count - mentions, 0) for count in have]
        if all(n == w or (n == 0 and w == 1) for n, w in zip(left, want, strict=True)):
            return mentions
    return None


def csv_field(text: str) -> str:
    """An entry as one field of nsc's comma separated list flags.

    nsc: ``pflag.StringSlice`` reads each value as a line of CSV.
    """
    if text and not any(char in text for char in ',"\r\n'):
        return text
    return '"' + text.replace('"', '""') + '"'


@dataclass(frozen=True, slots=True)
class _Names:
    """What is called what in a store, counted once for all edits."""

    accounts: Counter[str]
    users: Counter[tuple[str, str]]
    spaced: str | None


def _names(hierarchy: Hierarchy) -> _Names:
    return _counted(Itself(hierarchy.accounts), Itself(hierarchy.users))


@lru_cache(maxsize=2)
def _counted(
    accounts: Itself[Mapping[AccountKey, Signed[AccountClaims]]],
    users: Itself[Mapping[tuple[UserKey, AccountKey], Signed[UserClaims]]],
) -> _Names:
    spaced = (name for signed in accounts.value.values() for name in (signed.claims.name, signed.store_name))
    return _Names(
        Counter(signed.claims.name for signed in accounts.value.values()),
        Counter((signed.claims.account, signed.claims.name) for signed in users.value.values()),
        min((name for name in spaced if name != name.strip()), default=None),
    )


def _obstacles(edit: Edit, hierarchy: Hierarchy) -> Iterator[str]:
    target = edit.target
    if hierarchy.managed:
        yield "nsc may push every edit of a managed store at once"
    account = hierarchy.accounts.get(target.account)
    if account is None:
        yield "the store does not hold the account"
        return
    yield from _of_names(account, _names(hierarchy).accounts[account.claims.name], "account")
    if touches_account_token(edit):
        yield from _of_account_token(edit, hierarchy, account)
    else:
        assert target.user is not None  # noqa: S101 INVARIANT: a USER target names its user
        user = hierarchy.users.get((target.user, target.account))
        if user is None:
            yield "the store does not hold the user"
            return
        yield from _of_user_token(user, account, hierarchy)
    yield from _of_entries(edit, hierarchy)


def _of_names(signed: Signed[AccountClaims] | Signed[UserClaims], alike: int, kind: str) -> Iterator[str]:
    name, stored = signed.claims.name, signed.store_name
    shown = printable(name[:80])
    if stored and name != stored:
        yield f"nsc would write the {kind} `{shown}` to another file than the one that was read"
    if name != name.strip():
        yield f"nsc trims names, and would not find the {kind} `{shown}`"
    if not name or name in (".", "..", "*") or any(char in name for char in "/\\\0"):
        yield f"nsc takes `{shown}` for something else than the name of the {kind}"
    if len(name.encode(errors="surrogatepass")) > NAME_LIMIT or not _encodes(name):
        yield f"the name of the {kind} cannot be the name of a file"
    if redacted(name) != name:
        yield f"the name of the {kind} holds what looks like a seed"
    if alike > 1:
        yield f"two tokens are called `{shown}`, and nsc knows a {kind} by its name only"


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


def _of_user_token(user: Signed[UserClaims], account: Signed[AccountClaims], hierarchy: Hierarchy) -> Iterator[str]:
    claims, keys = user.claims, {key.key: key for key in account.claims.signing_keys}
    # Revocation comes before the other issues: it is the one that an edit would undo without a word.
    revoked_at = account.claims.revoked_at(claims.sub)
    if revoked_at is not None and claims.iat <= revoked_at:
        yield "the user is revoked, and the new `iat` of an edited token would readmit it"
    if claims.permissions.has_explicit_empty_list:
        yield "nsc drops an empty list whenever it re-encodes, which opens what the list closes"
    if account.issues:
        yield f"the account's token is not in order: {account.issues[0].message}"
    names = _names(hierarchy)
    yield from _of_names(user, names.users[account.claims.sub, claims.name], "user")
    yield from _of_token(user)
    # Seen to make `edit user` fail in other accounts of such a store, and seen not to: it finds the account that signed
    # a user by reading all accounts, each by a name that it trims (`StoreRaw`).
    if names.spaced is not None:
        shown = printable(names.spaced[:80])
        yield f"nsc trims names: with the account `{shown}` in the store it is not to be relied on to edit users"
    if claims.iss != account.claims.sub and claims.iss not in keys:
        yield "the key that issued the user is no key of the account"
    elif claims.iss in keys and keys[claims.iss].scope is not None:
        yield "the user was issued by a scoped key: its permissions are those of the role"
    if any(key.scope is not None and key.scope.role == claims.iss for key in account.claims.signing_keys):
        yield "a role is called like the key that issued the user, and nsc would sign with the role's key"


def _of_account_token(edit: Edit, hierarchy: Hierarchy, account: Signed[AccountClaims]) -> Iterator[str]:
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
    if edit.target.kind is TargetKind.SCOPE:
        found = [key for key in claims.signing_keys if key.key == edit.target.key]
        if not found or found[0].scope is None:
            yield "the account holds no such scoped key, and nsc would add it"
        elif len(found) > 1:
            yield "the account lists the scoped key twice, and nsc keeps one"
    else:
        yield from _of_edit_account(hierarchy, claims)


def _of_edit_account(hierarchy: Hierarchy, claims: AccountClaims) -> Iterator[str]:
    """Reasons that only ``nsc edit account`` has, the command for account defaults."""
    operator = hierarchy.operator
    if operator is not None and operator.claims.system_account == claims.sub and has_jetstream(claims):
        yield "nsc takes JetStream limits from the system account whenever it edits it"
    bearers = (user for user in hierarchy.users_of(claims.sub) if user.claims.limits.bearer_token)
    if claims.limits.get("disallow_bearer") and any(bearers):
        yield "nsc edits no account that forbids bearer tokens while a user has one"


def has_jetstream(claims: AccountClaims) -> bool:
    """Whether the account has JetStream limits of its own, tiered or not. nsc: ``jsLimitsSet``."""
    names = (
        "mem_storage disk_storage streams consumer max_ack_pending mem_max_stream_bytes disk_max_stream_bytes "
        "max_bytes_required tiered_limits"
    )
    return any(claims.limits.get(name) for name in names.split())


def _of_entries(edit: Edit, hierarchy: Hierarchy) -> Iterator[str]:
    try:
        lists = permission_lists(hierarchy, edit.target)
    except KeyError:
        return  # said already: there is no such scope
    held = entries(lists, edit.list) or ()
    missing = {text for text in edit.remove if edit.remove.count(text) > held.count(text)}
    if missing:
        yield f"the list does not hold `{printable(min(missing)[:80])}`"
    for text in dict.fromkeys(edit.remove):
        yield from _of_entry(text)
        for name in ListName:
            others = (entries(lists, name) or ()).count(text) - (edit.remove.count(text) if name is edit.list else 0)
            if others == 1 or (others > 1 and name is not edit.list):
                yield from _of_addition(text, name, "put back into")
    for text in edit.add:
        yield from _of_entry(text)
        yield from _of_addition(text, edit.list, "put into")


def _of_entry(text: str) -> Iterator[str]:
    shown = printable(text[:80])
    if "\0" in text or not _encodes(text):
        yield f"no argument can hold the entry `{shown}`"
    elif len(csv_field(text).encode()) > ARGUMENT_LIMIT:
        yield f"the entry `{shown}` is longer than an argument may be"
    if "\r\n" in text:
        yield f"nsc reads a line break in the entry `{shown}` as another"
    if redacted(text) != text:
        yield "the entry holds what looks like a seed"


def _of_addition(text: str, name: ListName, verb: str) -> Iterator[str]:
    """nsc: ``PermissionsParams.Validate`` and ``StringList.Add``."""
    if not text or text.count(" ") > (0 if name.is_publish else 1):
        yield f"nsc cannot {verb} {name.value} the entry `{printable(text[:80])}`"


def _encodes(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True
