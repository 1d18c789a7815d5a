"""Frozen thresholds and limits: built at the door from flags and configuration, passed down, never global."""

from __future__ import annotations

import enum
from dataclasses import dataclass


class Server(enum.Enum):
    """A generation of nats-server whose permission checks differ from its neighbour's.

    Server: ``loadMsgDenyFilterIfNeeded`` (2.12.14 and later) against the filter inside ``canSubscribe`` before it.
    """

    CURRENT = "2.12"
    """2.12.14 and later; tested against 2.12.15."""
    EARLIER = "2.11"
    """Before 2.12.14; tested against 2.11.8."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """Everything a run may vary, with the defaults a run without flags has.

    Parameters
    ----------
    now
        The clock, in seconds since the epoch.
    servers
        The generations a proof must hold for; ``SAME`` needs all of them.
    complete_users, complete_accounts
        A person's word that the source holds every user (account) there is; recorded wherever it is used.
    accounts
        Globs over account names; empty means all.
    rules
        Rule names to run; empty means all.
    effort
        How many trie nodes one comparison may visit before it answers UNDECIDED.
    budget
        Bytes of an encoded account token above which it is over budget.
    user_budget
        Bytes of an encoded user token that need attention: a CONNECT line longer than 4,096 bytes is refused.
    """

    now: int
    servers: tuple[Server, ...] = (Server.CURRENT, Server.EARLIER)
    complete_users: bool = False
    complete_accounts: bool = False
    accounts: tuple[str, ...] = ()
    rules: tuple[str, ...] = ()
    effort: int = 500_000
    budget: int = 10 * 1024
    user_budget: int = 3_500
