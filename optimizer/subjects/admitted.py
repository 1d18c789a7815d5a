"""Which literal subjects a permission block lets its holder publish, and which it lets it receive by any subscription.

`optimizer.subjects.compare` decides over all subjects there can be; here one subject after the other is asked about,
of which there may be very many, so that what is the same for all is worked out once.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from optimizer.settings import Server
from optimizer.subjects.permissions import (
    DENY,
    Permission,
    Permissions,
    accepts,
    asked_for_any,
    deny_patterns,
    kept,
    publish_patterns,
    subscribe_patterns,
)
from optimizer.subjects.protected import newly_admitted
from optimizer.subjects.search import EffortSpentError
from optimizer.subjects.subject import Subject, reach
from optimizer.subjects.trie import Automaton

if TYPE_CHECKING:
    from collections.abc import Sequence

_NOTHING = Permission(())


class Admitted:
    """One block under one server generation, ready to be asked about many subjects.

    Parameters
    ----------
    permissions
        The block.
    server
        The generation that answers.
    effort
        How many trie nodes the answer for one subject may visit, where it takes a search.

    Examples
    --------
    >>> block = Permissions.from_claims({"sub": {"allow": ["orders.*"]}})
    >>> Admitted(block, Server.CURRENT).receives(("orders", "us", "new"))
    True
    """

    def __init__(self, permissions: Permissions, server: Server, effort: int = 500_000) -> None:
        sub = permissions.sub
        self._permissions = permissions
        self._receiving = Permissions(_NOTHING, sub, refusal=permissions.refusal)
        self._server = server
        self._effort = effort
        self._subscribing = Automaton(subscribe_patterns(sub, None, server))
        self._denying = asked_for_any(server)(deny_patterns(sub, None, server))
        self._publish_denying = asked_for_any(server)(
            [(tokens, bits) for tokens, bits in publish_patterns(permissions.pub, server) if bits == DENY]
        )
        entries = kept(sub.allow or (), server)
        # Whatever subscription receives a subject lies inside an entry that reaches it, a queue entry or not.
        self._reached = None if sub.allow is None else Automaton((reach(each.subject).tokens, 1) for each in entries)
        # Only the entries themselves are admitted where none reaches further than it says, and no filter can be off.
        self._is_plain = all(entry.queue is None for entry in entries) and (server is Server.CURRENT or not sub.deny)

    def admits(self, tokens: Sequence[str], *, publish: bool) -> bool:
        """Either of the two questions below."""
        return self.publishes(tokens) if publish else self.receives(tokens)

    def publishes(self, tokens: Sequence[str]) -> bool:
        """Whether a message on this subject is accepted. Server: ``pubAllowedFullCheck``."""
        return self._permissions.may_publish(".".join(tokens), self._server)

    def receives(self, tokens: Sequence[str]) -> bool:
        """Whether a message on this subject can arrive, by whatever subscription the block accepts.

        Server: ``canSubscribeInternal`` and ``checkDenySub``; by the subject itself, or by a wildcard that reaches it.
        What takes more than ``effort`` to tell counts as received: `compare` does not decide about such a block either.
        """
        if self._permissions.refusal is not None:
            return False
        if self.subscribes(tokens):
            return True
        if self._reached is not None and not self._reached.match(tokens):
            return False
        if self._is_plain and self._denying.match(tokens):
            return False
        nothing = Permissions(_NOTHING, _NOTHING)
        subject = [Subject(".".join(tokens))]
        try:
            return newly_admitted(nothing, self._receiving, subject, self._server, effort=self._effort) is not None
        except EffortSpentError:
            return True

    def subscribes(self, tokens: Sequence[str]) -> bool:
        """Whether a plain subscription to the subject itself is accepted. Server: ``canSubscribeInternal``."""
        return self._permissions.refusal is None and accepts(
            self._subscribing.match(tokens), queue=False, server=self._server
        )

    def denies(self, tokens: Sequence[str], *, publish: bool) -> bool:
        """Whether a plain deny entry speaks of this subject, whatever is allowed."""
        return bool((self._publish_denying if publish else self._denying).match(tokens))
