"""An nsc stores directory, or one operator's directory in it.

nsc: ``store.Store``. Only these are read, as nsc itself does; keys and creds are never looked at::

    OPERATOR/.nsc                            {"managed": bool, "name": ..., "kind": "operator", "version": ...}
    OPERATOR/NAME.jwt                        NAME from .nsc, trimmed
    OPERATOR/accounts/ACCOUNT/ACCOUNT.jwt    the file is the directory's name, trimmed
    OPERATOR/accounts/ACCOUNT/users/USER.jwt
"""

from __future__ import annotations

import json
import os
from typing import TYPE_CHECKING, Any

from optimizer.claims.decode import decode
from optimizer.claims.model import OperatorClaims
from optimizer.claims.token import parse_token
from optimizer.errors import SourceError, TokenError, UsageError
from optimizer.hierarchy import Skipped
from optimizer.sources import files, tokens
from optimizer.sources.found import Found, Item, Place, Source, skipped

if TYPE_CHECKING:
    from collections.abc import Iterator

GO_SPACE = (
    "\t\n\v\f\r \x85\xa0\u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a"
    "\u2028\u2029\u202f\u205f\u3000"
)
"""What Go's ``strings.TrimSpace`` trims; ``str.strip`` would trim U+001C to U+001F as well."""

_MARK = ".nsc"


def is_operator_dir(path: str) -> bool:
    """Whether nsc takes this for an operator's directory. nsc: ``ContextConfig.ListOperators``."""
    return os.path.lexists(os.path.join(path, _MARK))


def operators_in(stores: str) -> list[str]:
    """Names of the operator directories in a stores directory, sorted; none where it cannot be listed."""
    try:
        return [entry.name for entry in files.entries(stores) if entry.is_dir and is_operator_dir(entry.path)]
    except SourceError:
        return []


def open_stores(stores: str, operator: str | None) -> Source:
    """The one operator in a stores directory that is named, or that is alone there.

    Parameters
    ----------
    operator
        The name of its directory, its name, or its public key.

    Raises
    ------
    UsageError
        No operator is named and there are several, or none is called that.
    """
    names = operators_in(stores)
    if operator is None:
        if len(names) == 1:
            return open_operator(os.path.join(stores, names[0]))
        raise UsageError(f"`{stores}` holds {len(names)} operators", f"choose with --operator: {listed(names)}")
    if operator in names:
        return open_operator(os.path.join(stores, operator))
    called = [name for name in names if operator in _called(os.path.join(stores, name))]
    if len(called) == 1:
        return open_operator(os.path.join(stores, called[0]))
    raise UsageError(
        f"`{stores}` holds {'several operators' if called else 'no operator'} called `{operator}`",
        f"choose one of {listed(called or names)}",
    )


def open_operator(path: str, operator: str | None = None) -> Source:
    """One operator's directory."""
    if operator is not None and operator not in {os.path.basename(os.path.abspath(path)), *_called(path)}:
        raise UsageError(f"the operator in `{path}` is not called `{operator}`", "leave --operator away")
    info, problem = _info(path)
    return Source(
        store=f"nsc:{path}",
        items=_items(path, info, problem),
        managed=info.get("managed") is True,
        can_hold_users=True,
    )


def _items(path: str, info: dict[str, Any], problem: Item | None) -> Iterator[Item]:
    root = os.path.realpath(path)
    if problem is not None:
        yield problem
    yield from _operator(path, root, info)
    try:
        accounts = files.entries(os.path.join(path, "accounts"))
    except SourceError as error:
        yield skipped("accounts", error)
        return
    for account in accounts:
        origin = f"accounts/{account.name}"
        if not account.is_dir:
            continue  # nsc looks at directories only
        if account.is_link:
            yield Skipped(origin, "is a symbolic link to a directory, which nsc does not list; name it as SOURCE")
            continue
        yield from _account(account, origin, root)


def _operator(path: str, root: str, info: dict[str, Any]) -> Iterator[Item]:
    directory = os.path.basename(os.path.abspath(path))
    name = info.get("name")
    if not isinstance(name, str) or not name or "/" in name:
        name = directory
    file = f"{name.strip(GO_SPACE)}.jwt"
    try:
        for entry in files.entries(path):
            if entry.name == file:
                yield _found(entry, root, file, Place.OPERATOR, directory)
                return
    except SourceError as error:
        yield skipped(file, error)
        return
    yield Skipped(file, "is missing, so no account's issuer can be checked; restore it from a backup")


def _account(account: files.Entry, origin: str, root: str) -> Iterator[Item]:
    file = f"{account.name.strip(GO_SPACE)}.jwt"
    try:
        inside = files.entries(account.path)
    except SourceError as error:
        yield skipped(origin, error)
        return
    users: files.Entry | None = None
    has_token = False
    for entry in inside:
        here = f"{origin}/{entry.name}"
        if entry.name == file:
            has_token = True
            yield _found(entry, root, here, Place.ACCOUNT, account.name)
        elif entry.name == "users":
            users = entry
        elif entry.name.endswith(".jwt"):
            yield Skipped(here, f"is not read by nsc, which takes `{file}` here; move it away")
    if inside and not has_token:
        yield Skipped(f"{origin}/{file}", "is missing; restore it with `nsc pull`, or remove what is left")
    if users is not None:
        yield from _users(users, f"{origin}/users", root, account.name)


def _users(users: files.Entry, origin: str, root: str, owner: str) -> Iterator[Item]:
    if users.is_link:
        yield Skipped(origin, "is a symbolic link to a directory and is not followed; put the directory there")
        return
    try:
        for entry in files.entries(users.path):
            if entry.name.endswith(".jwt"):
                yield _found(entry, root, f"{origin}/{entry.name}", Place.USER, entry.name[:-4], owner=owner)
    except SourceError as error:
        yield skipped(origin, error)


def _found(entry: files.Entry, root: str, origin: str, place: Place, name: str, *, owner: str = "") -> Item:
    """One token file. nsc takes a file whole; where it holds several tokens, the first."""
    try:
        text = tokens.token_texts(files.read_inside(entry, root))[0]
    except SourceError as error:
        return skipped(origin, error)
    return Found(origin, text, place=place, store_name=name, home=name.strip(GO_SPACE), owner=owner)


def _info(path: str) -> tuple[dict[str, Any], Skipped | None]:
    """What ``.nsc`` says, and what is wrong with it."""
    try:
        info = json.loads(tokens.text_of(files.read_bytes(os.path.join(path, _MARK))))
    except SourceError as error:
        return {}, skipped(_MARK, error)
    except (ValueError, RecursionError):
        info = None
    if not isinstance(info, dict):
        return {}, Skipped(_MARK, "is not a JSON object, so nsc cannot open this store; restore it")
    return info, None


def _called(path: str) -> set[str]:
    """The names and the key that an operator directory goes by, besides the directory's own name."""
    info, _ = _info(path)
    names = {str(info.get("name"))}
    for item in _operator(path, os.path.realpath(path), info):
        if isinstance(item, Found):
            try:
                claims = decode(parse_token(item.text))
            except TokenError:
                continue
            if isinstance(claims, OperatorClaims):
                names |= {claims.name, claims.sub}
    return names


def listed(names: list[str]) -> str:
    """Names for a message, the first ones where they are many."""
    shown = ", ".join(f"`{name}`" for name in names[:10])
    return f"{shown} and {len(names) - 10} more" if len(names) > 10 else shown  # noqa: PLR2004 as many as are shown
