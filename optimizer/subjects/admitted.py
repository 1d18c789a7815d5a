"""Which literal subjects a permission block lets its holder publish, and which it lets it receive by any subscription.

`optimizer.subjects.compare` decides over all subjects there can be; here one subject after the other is asked about,
of which there may be very many, so that what is the same for all is worked out once.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from optimizer.subjects.permissions import (
    DENY,
    accepts,
    asked_for_any,
    deny_patterns,
    kept,
    publish_patterns,
    subscribe_patterns,
)
from optimizer.subjects.trie import Automaton

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from optimizer.settings import Server
    from optimizer.subjects.permissions import Permissions


class Admitted:
    """One block under one server generation, ready to be asked about many subjects.

    Parameters
    ----------
    permissions
        The block.
    server
        The generation that answers.

    Examples
    --------
    >>> from optimizer.settings import Server
    >>> from optimizer.subjects.permissions import Permissions
    >>> block = Permissions.from_claims({"sub": {"allow": ["orders.*"]}})
    >>> Admitted(block, Server.CURRENT).receives(("orders", "us", "new"))
    True
    """

    def __init__(self, permissions: Permissions, server: Server) -> None:
        self._permissions = permissions
        self._server = server
        self._subscribing = Automaton(subscribe_patterns(permissions.sub, None, server))
        self._denying = asked_for_any(server)(deny_patterns(permissions.sub, None, server))
        self._publish_denying = asked_for_any(server)(
            [(tokens, bits) for tokens, bits in publish_patterns(permissions.pub, server) if bits == DENY]
        )
        self._entries = kept(permissions.sub.allow or (), server)
        self._only_literally = permissions.sub.allow is not None and not any(
            entry.queue is not None or entry.subject.tokens[-1] == "*" for entry in self._entries
        )

    def admits(self, tokens: Sequence[str], *, publish: bool) -> bool:
        """Either of the two questions below."""
        return self.publishes(tokens) if publish else self.receives(tokens)

    def publishes(self, tokens: Sequence[str]) -> bool:
        """Whether a message on this subject is accepted. Server: ``pubAllowedFullCheck``."""
        return self._permissions.may_publish(".".join(tokens), self._server)

    def receives(self, tokens: Sequence[str]) -> bool:
        """Whether a message on this subject can arrive, by whatever subscription the block accepts.

        Server: ``canSubscribeInternal`` and ``checkDenySub``. A subscription is the subject itself, an entry as it
        stands (the server takes its wildcards for plain tokens), or an entry with ``>`` in place of a final ``*``.
        """
        if self._permissions.refusal is not None:
            return False
        if accepts(self._subscribing.match(tokens), queue=False, server=self._server):
            return True
        if self._only_literally and not self._denying.match(tokens):
            return False
        subject = ".".join(tokens)
        return any(
            self._permissions.delivers(subscription, queue, (subject,), self._server)
            for subscription, queue in self._subscriptions(tokens)
        )

    def denies(self, tokens: Sequence[str], *, publish: bool) -> bool:
        """Whether a plain deny entry speaks of this subject, whatever is allowed."""
        if publish:
            return bool(self._publish_denying.match(tokens))
        return bool(self._denying.match(tokens))

    def _subscriptions(self, tokens: Sequence[str]) -> Iterator[tuple[str, str | None]]:
        """Subscriptions that might bring the subject, entry by entry."""
        if self._permissions.sub.allow is None:
            yield from ((text, None) for text in (">", "*", ".".join(("*",) * len(tokens))))
        for entry in self._entries:
            pattern = entry.subject.tokens
            if not _reaches(pattern, tokens):
                continue
            queue = None if entry.queue is None else ".".join("x" if t in "*>" else t for t in entry.queue.split("."))
            for text in dict.fromkeys(
                (".".join(tokens), ".".join(pattern), ".".join((*tokens[: len(pattern) - 1], pattern[-1])))
            ):
                yield text, queue
            if pattern[-1] == "*":
                yield ".".join((*pattern[:-1], ">")), queue
                yield ".".join((*tokens[: len(pattern) - 1], ">")), queue


def _reaches(pattern: Sequence[str], tokens: Sequence[str]) -> bool:
    """Whether an entry admits some subscription that matches the subject: a final ``*`` reaches all below it."""
    last = len(pattern) - 1
    if len(tokens) <= last or (len(tokens) > last + 1 and pattern[last] not in ("*", ">")):
        return False
    return all(wide in ("*", ">", token) for wide, token in zip(pattern, tokens, strict=False))
