"""Which known users a message can arrive at, where the graph says that it arrives at their account."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from optimizer.access.principals import effective, may_stay
from optimizer.subjects.admitted import Admitted
from optimizer.subjects.subject import Subject

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from optimizer.claims.keys import UserKey
    from optimizer.claims.model import AccountClaims, UserClaims
    from optimizer.graph.reach import Arrival, Reach
    from optimizer.hierarchy import Hierarchy
    from optimizer.settings import Server


@dataclass(frozen=True, slots=True)
class Receiver:
    """A known user that some subscription lets receive the message.

    Parameters
    ----------
    by_name
        Whether it may subscribe to just this subject. Otherwise only a wildcard brings it the message, or what the
        message is called cannot be known.
    """

    key: UserKey
    name: str
    by_name: bool


@dataclass(frozen=True, slots=True)
class Reached:
    """One arrival with the known users that may receive it there, by name.

    Parameters
    ----------
    complete
        Whether nobody else can, for no other user of the account is known to be possible.
    """

    arrival: Arrival
    receivers: tuple[Receiver, ...]
    complete: bool


def reached(hierarchy: Hierarchy, found: Reach, servers: Iterable[Server]) -> tuple[Reached, ...]:
    """Each arrival of a message, with the known users that any subscription lets receive it.

    A user whose token a server refuses, as expired or revoked, receives nothing, nor does one that may have no
    subscription (``subs`` of 0). Queue groups share a message: of
    those who may receive it not all do.

    Parameters
    ----------
    hierarchy
        `hierarchy.coverage.users`, a person's word, makes the list complete where the source can hold users.
    found
        From `optimizer.graph.reach`.
    servers
        What any of these generations lets through counts.
    """
    generations = tuple(servers)
    users: dict[str, list[UserClaims]] = {}
    for user in hierarchy.users.values():
        if not user.issues:
            users.setdefault(user.claims.account, []).append(user.claims)
    made = []
    for arrival in found.arrivals:
        account = hierarchy.accounts.get(arrival.account)  # type: ignore[call-overload]  # a key like any other
        here = (
            () if account is None else _receivers(arrival, account.claims, users.get(arrival.account, ()), generations)
        )
        receivers = tuple(sorted(here, key=lambda receiver: (receiver.name, receiver.key)))
        complete = account is not None and hierarchy.coverage.users and hierarchy.has_users
        made.append(Reached(arrival, receivers, complete))
    return tuple(made)


def _receivers(
    arrival: Arrival, account: AccountClaims, users: Iterable[UserClaims], servers: tuple[Server, ...]
) -> Iterator[Receiver]:
    subject = Subject(arrival.subject)
    for user in users:
        permissions = effective(user, account)
        if permissions.refusal is not None or not may_stay(user, account):
            continue
        if subject.has_wildcard:  # a name that only the server knows: anybody who may connect
            yield Receiver(user.sub, user.name, by_name=False)
        elif any(Admitted(permissions, server).receives(subject.tokens) for server in servers):
            by_name = all(permissions.delivers(subject.text, None, [subject.text], server) for server in servers)
            yield Receiver(user.sub, user.name, by_name)
