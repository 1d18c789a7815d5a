"""Compares whom an account refuses, before and after an edit of revocations: over every key and every time of issue.

A token is refused where its ``iat`` is at or before the time of its key or of ``*`` (Server: ``isRevoked``). So a key
has one time up to which all is refused, and every key without one of its own has that of ``*``: as many comparisons as
there are keys, and one, cover every token there can be.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from optimizer.access.compared import Compared, relation_of
from optimizer.edits import EVERYBODY
from optimizer.proposals import Witness
from optimizer.subjects.probes import AcrossImport, Connect, Relation
from optimizer.text import printable

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from optimizer.claims.keys import AccountKey
    from optimizer.claims.model import AccountClaims, Export, UserClaims
    from optimizer.hierarchy import Hierarchy, Signed
    from optimizer.settings import Settings

_SOMEBODY = "A" * 56
"""An importer that is not known."""


@dataclass(frozen=True, slots=True)
class Window:
    """Tokens that one side refuses and the other does not: those of a key issued after one time, up to another.

    Parameters
    ----------
    key
        None for all keys that have no revocation of their own.
    after
        None where there is no such time.
    """

    key: str | None
    after: int | None
    until: int

    def holds(self, issued: int) -> bool:
        """Whether a token of this key issued then is one of them."""
        return (self.after is None or self.after < issued) and issued <= self.until


def windows(before: Mapping[str, int], after: Mapping[str, int]) -> tuple[tuple[Window, ...], tuple[Window, ...]]:
    """What is let in afterwards that was refused (gained), and what is refused that was let in (lost).

    Examples
    --------
    >>> gained, lost = windows({"*": 50, "UA": 70}, {"*": 60})
    >>> [(each.key, each.after, each.until) for each in gained], [(each.key, each.until) for each in lost]
    ([('UA', 60, 70)], [(None, 60)])
    """
    gained: list[Window] = []
    lost: list[Window] = []
    for key in (None, *sorted({*before, *after} - {EVERYBODY})):
        then, now = _refused_until(before, key), _refused_until(after, key)
        if then is not None and (now is None or now < then):
            gained.append(Window(key, now, then))
        elif now is not None and (then is None or then < now):
            lost.append(Window(key, then, now))
    return tuple(gained), tuple(lost)


def _refused_until(times: Mapping[str, int], key: str | None) -> int | None:
    everybody, own = times.get(EVERYBODY), times.get(key) if key is not None else None
    if everybody is None or own is None:
        return own if everybody is None else everybody
    return max(everybody, own)


def revocations_compared(before: Hierarchy, after: Hierarchy, account: AccountKey, settings: Settings) -> Compared:
    """How every token of an account fares, be it known or not.

    Returns
    -------
    Compared
        What nobody can hold any more, as far as a person's word goes (`Stated`), counts as the same and says so.
    """
    old, new = before.accounts[account].claims, after.accounts[account].claims
    gained, lost = windows(old.revocations, new.revocations)
    users = sorted(before.users_of(account), key=lambda user: (user.claims.name, user.claims.sub))
    stated = Stated(users, new, settings)
    said = [(each, stated.spent(each)) for each in gained]
    gained = tuple(each for each, word in said if word is None)
    own = {*old.revocations, *new.revocations}
    return Compared(
        relation=relation_of(gained=bool(gained), lost=bool(lost)),
        gained=tuple(_witnesses(gained, users, own, new, settings)),
        lost=tuple(_witnesses(lost, users, own, new, settings)),
        principals=len(users),
        leafnode=not (gained or lost),
        stated=tuple(sorted({word for _, word in said if word is not None})),
    )


class Stated:
    """Which tokens nobody can hold any more, on a person's word.

    Parameters
    ----------
    users
        The known ones of an account. A token among them that is valid for longer than a person says any is proves the
        word wrong, and then it is not taken.
    account
        As it is afterwards: a token of a key that is none of its signing keys any more is refused.
    """

    def __init__(self, users: Iterable[Signed[UserClaims]], account: AccountClaims, settings: Settings) -> None:
        self._account = account
        self._settings = settings
        self._known: dict[str, list[UserClaims]] = {}
        for user in users:
            self._known.setdefault(user.claims.sub, []).append(user.claims)
        ttl = settings.max_user_ttl
        every = (user for these in self._known.values() for user in these)
        self.contradicted = () if ttl is None else tuple(user for user in every if lives_longer(user, ttl))
        """The tokens that prove a maximum lifetime wrong."""

    def spent(self, window: Window) -> str | None:
        """The word on which no token in a window can be valid any more; None where none says so."""
        ttl, now = self._settings.max_user_ttl, self._settings.now
        if ttl is not None and window.until + ttl < now and not self.contradicted:
            return f"that no user token is valid for more than {ttl:,} seconds is a person's word"
        known = self._known.get(window.key or "", ())
        if self._settings.complete_tokens and known and not any(_is_alive(user, self._account, now) for user in known):
            return "that all user tokens ever issued are known is a person's word"
        return None


def lives_longer(user: UserClaims, ttl: int) -> bool:
    """Whether a user token is valid for more than so many seconds from its issue."""
    return not user.exp or user.exp - user.iat > ttl


def _is_alive(user: UserClaims, account: AccountClaims, now: int) -> bool:
    """Whether the token would be let in were it not revoked. Server: ``processClientOrLeafAuthentication``."""
    trusted = user.iss == account.sub or account.signing_key(user.iss) is not None
    return trusted and not (user.exp and user.exp <= now)


def affected(window: Window, users: Iterable[Signed[UserClaims]], own: Iterable[str]) -> Iterator[Signed[UserClaims]]:
    """The known users whose token falls into a window and is in order but for a revocation.

    Parameters
    ----------
    own
        The keys that have a revocation of their own, before or after.
    """
    for user in users:
        key = user.claims.sub
        is_meant = key not in own if window.key is None else key == window.key
        if is_meant and window.holds(user.claims.iat) and all(issue.code == "revoked" for issue in user.issues):
            yield user


def _witnesses(
    found: Iterable[Window],
    users: Sequence[Signed[UserClaims]],
    own: set[str],
    account: AccountClaims,
    settings: Settings,
) -> Iterator[Witness]:
    by_key: dict[str, list[Signed[UserClaims]]] = {}
    for user in users:
        by_key.setdefault(user.claims.sub, []).append(user)
    names: list[str] = []
    for window in found:
        these = users if window.key is None else by_key.get(window.key, ())
        named = [f"{account.name}/{user.claims.name}" for user in affected(window, these, own)]
        if window.key is None:
            names.append(f"whoever has a token of {account.name} issued {_when(window)}")
        elif not named:
            names.append(f"whoever has a token of {printable(window.key[:56])} issued {_when(window)}")
        names += named
    for name in dict.fromkeys(names):
        yield from (Witness(name, Connect(), server) for server in settings.servers)


def _when(window: Window) -> str:
    return f"up to {window.until}" if window.after is None else f"after {window.after} and up to {window.until}"


def activation_revocations_compared(
    before: Hierarchy, after: Hierarchy, account: AccountKey, settings: Settings
) -> Compared:
    """How every activation of an account's exports fares; of exports that need none, none is asked for.

    What is let in there counts as the same as long as the export stays as it is, which is a person's word: a revocation
    that is gone refuses nobody once the export asks for activations again.

    Server: ``Account.checkAuth`` asks ``checkActivation``, and that for revocations, only where ``tokenReq`` is set.
    """
    old, new = before.accounts[account].claims, after.accounts[account].claims
    then = {(export.type, export.subject): export for export in reversed(old.exports)}
    now = {(export.type, export.subject): export for export in reversed(new.exports)}
    result = Compared(accounts=1)
    for name in sorted(then.keys() & now.keys()):
        gained, lost = windows(then[name].revocations, now[name].revocations)
        if not (then[name].token_req or now[name].token_req):
            if gained:
                word = f"that `{printable(name[1][:80])}` will not ask for activations again is a person's word"
                result = replace(result, stated=(*result.stated, word))
            continue
        result = replace(
            result,
            gained=(*result.gained, *_importers(gained, now[name], new, settings)),
            lost=(*result.lost, *_importers(lost, now[name], new, settings)),
        )
    relation = relation_of(gained=bool(result.gained), lost=bool(result.lost))
    return replace(result, relation=relation, leafnode=relation is Relation.SAME)


def _importers(
    found: Iterable[Window], export: Export, account: AccountClaims, settings: Settings
) -> Iterator[Witness]:
    literal = ".".join("x" if token in ("*", ">") else token for token in export.subject.split("."))
    for window in found:
        whose = "whoever imports" if window.key is None else f"account {printable(window.key[:56])}"
        probe = AcrossImport(window.key or _SOMEBODY, export.type, literal, account.sub, account.name, literal)
        for server in settings.servers:
            yield Witness(f"{whose} by an activation issued {_when(window)}", probe, server)
