"""What a user may publish, subscribe to and receive, exactly as nats-server answers it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from optimizer.settings import Server
from optimizer.subjects.interest import Interest
from optimizer.subjects.once import once
from optimizer.subjects.subject import Entry, Subject, entry_of
from optimizer.subjects.trie import Automaton, queue_matches, subset_match

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from optimizer.subjects.probes import Subscribe

# Bits one side of a comparison may set for a subject.
ALLOW = 1  # a plain allow entry matches
DENY = 2  # a plain deny entry matches
QUEUE_ALLOW = 4  # some queue allow entry matches the subject
QUEUE_ALLOW_HIT = 8  # and its queue name pattern matches the queue
QUEUE_DENY = 16  # some queue deny entry matches the subject
QUEUE_DENY_HIT = 32  # and its queue name pattern matches the queue

_DEFAULT_MAX = 1  # Server: DEFAULT_ALLOW_RESPONSE_MAX_MSGS
_DEFAULT_TTL = 120_000_000_000  # Server: DEFAULT_ALLOW_RESPONSE_EXPIRATION, two minutes in nanoseconds


@dataclass(frozen=True, slots=True)
class Responses:
    """Leave to publish replies: how many (negative: without end), and for how many nanoseconds."""

    max: int
    ttl: int

    @staticmethod
    def of(maximum: int, ttl: int) -> Responses:
        """With the server's defaults for zero. Server: ``validateResponsePermissions``."""
        return Responses(maximum or _DEFAULT_MAX, ttl or _DEFAULT_TTL)


@dataclass(frozen=True)
class Permission:
    """One side, publish or subscribe.

    Parameters
    ----------
    allow
        None permits everything; an empty tuple nothing.
    deny
        In the order read, copies kept.
    """

    allow: tuple[Entry, ...] | None = None
    deny: tuple[Entry, ...] = ()

    @once
    def texts(self) -> tuple[frozenset[str], frozenset[str]]:
        """What is allowed and what is denied, without order and copies; nothing where the allow list is absent."""
        return frozenset([entry.text for entry in self.allow or ()]), frozenset([entry.text for entry in self.deny])

    @once
    def is_plain(self) -> bool:
        """Whether all its entries are."""
        return all(entry.is_plain for entry in (*(self.allow or ()), *self.deny))


@dataclass(frozen=True)
class Permissions:
    """The permission block one connection runs with.

    Parameters
    ----------
    resp
        None where replies have no leave of their own.
    refusal
        Why the server refuses the connection outright, or None.

    Examples
    --------
    >>> block = Permissions.from_claims({"sub": {"allow": ["orders.*"]}})
    >>> block.may_subscribe("orders.>")
    True
    >>> block.delivers("orders.>", None, ["orders.us.new"])
    ('orders.us.new',)
    """

    pub: Permission = Permission()
    sub: Permission = Permission()
    resp: Responses | None = None
    refusal: str | None = None

    @staticmethod
    def from_claims(mapping: Mapping[str, Any]) -> Permissions:
        """From the JSON of the claims: ``{"pub": {"allow": [...], "deny": [...]}, "sub": {...}, "resp": {...}}``.

        Raises
        ------
        TypeError
            A list that is not a list of strings.

        Notes
        -----
        Server: ``buildPermissionsFromJwt``, ``setPermissions`` and ``validateResponsePermissions``. An explicit empty
        ``pub.allow`` beside a deny allows nothing; alone it counts as absent; an empty ``sub.allow`` always does.
        """
        pub_allow, pub_deny = _lists(mapping.get("pub"))
        sub_allow, sub_deny = _lists(mapping.get("sub"))
        if not pub_allow and not pub_deny:
            pub_allow = None
        resp = mapping.get("resp")
        if resp is not None and pub_allow is None:
            pub_allow = ()
        refusals = [
            f"`{entry}` {reason}"
            for publish, entries in (
                (False, (*(sub_allow or ()), *sub_deny)),
                (True, (*(pub_allow or ()), *pub_deny)),
            )
            for entry in entries
            if (reason := entry.refusal(publish=publish))
        ]
        return Permissions(
            pub=Permission(pub_allow, pub_deny),
            sub=Permission(sub_allow or None, sub_deny),
            resp=None if resp is None else Responses.of(int(resp.get("max") or 0), int(resp.get("ttl") or 0)),
            refusal=refusals[0] if refusals else None,
        )

    def __hash__(self) -> int:
        return self._hash

    @once
    def _hash(self) -> int:
        return hash((self.pub, self.sub, self.resp, self.refusal))

    def may_publish(self, subject: str, server: Server = Server.CURRENT) -> bool:
        """Whether a message on ``subject`` is accepted.

        Server: ``pubAllowedFullCheck``. No entry matches a subject with an empty token; as nobody can receive on one,
        `compare` leaves those out.
        """
        tokens = subject.split(".")
        if "" in tokens:
            return self.refusal is None and self.pub.allow is None
        return self.refusal is None and publishes(self._publishing[server].match(tokens))

    def may_subscribe(self, subject: str, queue: str | None = None, server: Server = Server.CURRENT) -> bool:
        """Whether a subscription is accepted. Server: ``canSubscribeInternal`` (``canSubscribe`` before 2.12.14)."""
        if self.refusal is not None or not Subject(subject).is_valid:
            return False
        mask = Automaton(subscribe_patterns(self.sub, queue, server)).match(subject.split("."))
        return accepts(mask, queue=queue is not None, server=server)

    def delivers(
        self,
        subscription: str,
        queue: str | None,
        subjects: Iterable[str],
        server: Server = Server.CURRENT,
        alongside: Subscribe | None = None,
    ) -> tuple[str, ...]:
        """Which of the messages published on ``subjects`` arrive at the subscription; none where it is refused.

        Parameters
        ----------
        alongside
            A second subscription on the same connection, which before 2.12.14 may switch the deny filter on.

        Notes
        -----
        Server: ``deliverMsg`` with ``checkDenySub``; the filter is switched on by ``loadMsgDenyFilterIfNeeded``.
        """
        if not self.may_subscribe(subscription, queue, server):
            return ()
        filtered = (
            server is Server.CURRENT
            or self.loads_filter(subscription)
            or (
                alongside is not None
                and self.may_subscribe(alongside.subject, alongside.queue, server)
                and self.loads_filter(alongside.subject)
            )
        )
        wanted = Subject(subscription)
        denied = asked_for_any(server)(deny_patterns(self.sub, queue, server))
        return tuple(
            subject
            for subject in subjects
            if wanted.admits(Subject(subject)) and not (filtered and denied.match(subject.split(".")))
        )

    def loads_filter(self, subscription: str) -> bool:
        """Whether, before 2.12.14, this subscription switches on the connection's deny filter.

        Server: 2.11 ``canSubscribe``: a wildcard subscription with the raw text of some deny entry inside it, the queue
        name of a queue entry taken for part of its last token.
        """
        tokens = subscription.split(".")
        return Subject(subscription).has_wildcard and any(
            subset_match(entry.text.split("."), tokens) for entry in self.sub.deny
        )

    @once
    def is_generation_free(self) -> bool:
        """Whether every server generation answers alike.

        They part only over subscribe denies, queues, ignored entries, white space around an entry, and a ``*`` beside a
        literal: in a publish list, and for a leafnode in a subscribe list.
        """
        entries = (*(self.pub.allow or ()), *self.pub.deny, *(self.sub.allow or ()))
        return (
            not self.sub.deny
            and all(entry.is_plain for entry in entries)
            and all(Interest(publish_patterns(side, Server.EARLIER)).is_plain for side in (self.pub, self.sub))
        )

    def may_leaf_subscribe(self, subject: str, server: Server = Server.CURRENT) -> bool:
        """Whether a leafnode that connects with this token may ask for ``subject``.

        Server: ``canSubscribeInternal`` with kind LEAF: an entry inside a wildcard subject admits it too.
        """
        from optimizer.subjects.leafnode import admits_leaf  # noqa: PLC0415 leafnode builds on this module

        return admits_leaf(self, subject, server)

    def tells_leaf(self, subject: str, server: Server = Server.CURRENT) -> bool:
        """Whether a leafnode that connects with this token hears of a subscription to ``subject``.

        Server: ``canSubscribeInternal`` with kind LEAF over the publish lists; unheard of, nothing is sent on.
        """
        from optimizer.subjects.leafnode import tells_leaf  # noqa: PLC0415 leafnode builds on this module

        return tells_leaf(self, subject, server)

    @once
    def _publishing(self) -> Mapping[Server, Automaton]:
        return {server: asked_for_any(server)(publish_patterns(self.pub, server)) for server in Server}


def publishes(mask: int) -> bool:
    """Whether a publish mask means accepted."""
    return mask & (ALLOW | DENY) == ALLOW


def accepts(mask: int, *, queue: bool, server: Server) -> bool:
    """Whether a subscribe mask means accepted.

    Server: ``canSubscribeInternal``. Before 2.12.14 a queue deny that does not match the queue overrules a plain deny
    that does match the subject.
    """
    allowed = bool(mask & ALLOW)
    if queue and mask & QUEUE_ALLOW:
        allowed = bool(mask & QUEUE_ALLOW_HIT)
    if allowed:
        allowed = not mask & DENY
        if queue and mask & QUEUE_DENY and (allowed or server is Server.EARLIER):
            allowed = not mask & QUEUE_DENY_HIT
    return allowed


Pattern = tuple["Sequence[str]", int]

_EVERYTHING: Pattern = ((">",), ALLOW)


def asked_for_any(server: Server) -> type[Automaton]:
    """How the server asks a publish list or its deny filter whether anything matches. Server: ``NumInterest``."""
    return Automaton if server is Server.CURRENT else Interest


def publish_patterns(side: Permission, server: Server) -> list[Pattern]:
    """The patterns the server keeps of a publish side, with `ALLOW` or `DENY`.

    Server: ``setPermissions``; from 2.12.14 a deny with white space in it keeps its first word. Before, every entry
    goes into the trie as far as it can be inserted, and shows (`Interest`).
    """
    patterns: list[Pattern] = [_EVERYTHING] if side.allow is None else []
    if server is Server.EARLIER:
        patterns += [(entry.text.split("."), ALLOW) for entry in side.allow or ()]
        patterns += [(entry.text.split("."), DENY) for entry in side.deny]
        return patterns
    patterns += [(e.text.split("."), ALLOW) for e in side.allow or () if not e.is_ignored(publish=True)]
    for entry in side.deny:
        if not entry.is_ignored(publish=True):
            patterns.append((entry.text.split("."), DENY))
        elif not entry.is_ignored(publish=False):
            patterns.append((entry.subject.tokens, DENY))
    return patterns


def subscribe_patterns(side: Permission, queue: str | None, server: Server) -> list[Pattern]:
    """The patterns the server keeps of a subscribe side, with their bits for one queue name."""
    rows = subscribe_rows(side, server)
    if queue is None:
        return [(tokens, bits) for tokens, pattern, bits, _ in rows if pattern is None]
    return [(row[0], bits) for row, bits in zip(rows, bits_in_queue(rows, queue), strict=True)]


Row = tuple["Sequence[str]", str | None, int, int]
"""Tokens, queue name pattern, the bits, and another for queue names that match."""


def subscribe_rows(side: Permission, server: Server) -> list[Row]:
    """What the server keeps of a subscribe side, whatever queue is named."""
    rows: list[Row] = [((">",), None, ALLOW, 0)] if side.allow is None else []
    for entries, plain, some, hit in (
        (side.allow or (), ALLOW, QUEUE_ALLOW, QUEUE_ALLOW_HIT),
        (side.deny, DENY, QUEUE_DENY, QUEUE_DENY_HIT),
    ):
        rows += [(e.subject.tokens, e.queue, plain if e.queue is None else some, hit) for e in kept(entries, server)]
    return rows


def bits_in_queue(rows: Iterable[Row], queue: str) -> list[int]:
    """The bits of each row for one queue name."""
    hits = {pattern: queue_matches(queue, pattern) for _, pattern, _, _ in rows if pattern is not None}
    return [bits | hit if pattern is not None and hits[pattern] else bits for _, pattern, bits, hit in rows]


def deny_patterns(side: Permission, queue: str | None, server: Server) -> list[Pattern]:
    """The patterns that keep a message from a subscription once the filter is on. Server: ``checkDenySub``.

    Before 2.12.14 the filter takes the queue name of an entry for the end of its last token, which no subject has.
    """
    if server is Server.EARLIER:
        return [(entry.text.split("."), DENY) for entry in side.deny]
    return [
        (entry.subject.tokens, DENY)
        for entry in kept(side.deny, server)
        if entry.queue is None or (queue is not None and queue_matches(queue, entry.queue))
    ]


def kept(entries: Iterable[Entry], server: Server) -> list[Entry]:
    """The entries of a subscribe list that the server does not ignore; before 2.12.14 it took any queue name."""
    if server is Server.CURRENT:
        return [entry for entry in entries if not entry.is_ignored(publish=False)]
    return [entry for entry in entries if entry.subject.is_valid and entry.fields <= 2]  # noqa: PLR2004 subject, queue


def _lists(side: Mapping[str, Any] | None) -> tuple[tuple[Entry, ...] | None, tuple[Entry, ...]]:
    side = side or {}
    allow, deny = side.get("allow"), side.get("deny")
    for name, texts in (("allow", allow), ("deny", deny)):
        if texts is not None and not (isinstance(texts, list | tuple) and all(isinstance(text, str) for text in texts)):
            raise TypeError(f"`{name}` is not a list of subjects")
    return None if allow is None else tuple(map(entry_of, allow)), tuple(map(entry_of, deny or ()))
