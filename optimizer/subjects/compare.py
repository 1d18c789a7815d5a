"""Decides for two permission blocks whether any client could notice the difference, with the shortest witness.

The subjects are infinitely many, the entries are not: a token that no entry names behaves like any other such token, so
walking both blocks' tries side by side, with one stand-in for all unnamed tokens, visits every case there is. The
proof, and why each walk below is complete, is docs/decisions/0003-compare.md.
"""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

from optimizer.settings import Server
from optimizer.subjects.both import Both, denying, publishing
from optimizer.subjects.deny_filter import Asked, Loaders, Subscriptions, filtered
from optimizer.subjects.leafnode import leaf_differences
from optimizer.subjects.near import pared
from optimizer.subjects.permissions import (
    Permission,
    Permissions,
    asked_for_any,
    deny_patterns,
    publishes,
)
from optimizer.subjects.probes import (
    Comparison,
    Connect,
    Deliver,
    LeafInterest,
    LeafSubscribe,
    Probe,
    Publish,
    Relation,
    Subscribe,
)
from optimizer.subjects.search import Effort, EffortSpentError, Letter, Word, shortest_words
from optimizer.subjects.stand_ins import queue_names, queue_patterns, unnamed
from optimizer.subjects.subject import Entry

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from optimizer.subjects.near import Pared
    from optimizer.subjects.trie import State

__all__ = [
    "Comparison",
    "Connect",
    "Deliver",
    "LeafInterest",
    "LeafSubscribe",
    "Probe",
    "Publish",
    "Relation",
    "Subscribe",
    "compare",
]

Direction = str
_DIRECTIONS = ("gained", "lost")
_BOTH = frozenset(_DIRECTIONS)


def compare(
    before: Permissions,
    after: Permissions,
    server: Server = Server.CURRENT,
    *,
    leafnode: bool = False,
    whether: bool = False,
    effort: int = 500_000,
) -> Comparison:
    """How ``after`` stands to ``before``, over all subjects there can be.

    Parameters
    ----------
    server
        The generation of nats-server whose checks decide.
    leafnode
        Compare what a leafnode that connects with the token may ask for, instead of what a client may do.
    whether
        Ask a leafnode's comparison only whether anything differs: it then stops at the first difference, and its
        relation may say WIDER or NARROWER where both hold.
    effort
        How many trie nodes may be visited before the answer is UNDECIDED; 500,000 take about a second.

    Returns
    -------
    Comparison
        The relation, and for each kind of probe the one with the fewest tokens that tells the two apart.

    Examples
    --------
    >>> block = lambda *allow: Permissions.from_claims({"pub": {"allow": list(allow)}})
    >>> compare(block("a.*", "a.*.>"), block("a.>")).relation.value
    'same'
    >>> compare(block("a.b", "a.c"), block("a.*")).gained
    (Publish(subject='a.x', replying_to=None),)
    """
    return _compared(before, after, server, leafnode=leafnode, whether=whether, effort=effort)


# Copied users and accounts, and users of one role, ask the same question again and again.
@lru_cache(maxsize=1 << 12)
def _compared(
    before: Permissions, after: Permissions, server: Server, *, leafnode: bool, whether: bool, effort: int
) -> Comparison:
    if before.refusal or after.refusal:
        return _comparison(
            gained=[] if after.refusal or not before.refusal else [Connect()],
            lost=[] if before.refusal or not after.refusal else [Connect()],
        )
    if before == after:
        return Comparison(Relation.SAME)
    near = pared(before, after)
    if near is not None and _agree(near, server, leafnode=leafnode, effort=effort):
        return Comparison(Relation.SAME)
    return _walked(before, after, server, leafnode=leafnode, whether=whether, effort=effort)


# Most blocks differ in one of a few ways.
@lru_cache(maxsize=1 << 12)
def _agree(near: Pared, server: Server, *, leafnode: bool, effort: int) -> bool:
    """Whether a pair of pared blocks is answered alike."""
    publish, subscribe, publish_after, subscribe_after = (
        Permission(None if allow is None else tuple(map(Entry, allow)), tuple(map(Entry, deny))) for allow, deny in near
    )
    before, after = Permissions(publish, subscribe), Permissions(publish_after, subscribe_after)
    return _walked(before, after, server, leafnode=leafnode, whether=True, effort=effort).relation is Relation.SAME


def _walked(
    before: Permissions, after: Permissions, server: Server, *, leafnode: bool, whether: bool, effort: int
) -> Comparison:
    """The answer of the walks over everything that either block names."""
    if server is Server.EARLIER and before.is_generation_free and after.is_generation_free:
        server = Server.CURRENT
    found: dict[Direction, list[Probe]] = {"gained": [], "lost": []}
    walker = _Walker(before, after, server, Effort(effort), whether=whether)
    try:
        for probes in (walker.leafnode,) if leafnode else (walker.publish, walker.subscribe, walker.reply):
            for direction, probe in probes():
                found[direction].append(probe)
                if leafnode and whether:
                    return _comparison(**found)
    except EffortSpentError:
        if not (found["gained"] and found["lost"]):
            return Comparison(Relation.UNDECIDED, tuple(found["gained"]), tuple(found["lost"]))
    return _comparison(**found)


def _comparison(gained: Sequence[Probe], lost: Sequence[Probe]) -> Comparison:
    relation = {
        (False, False): Relation.SAME,
        (True, False): Relation.WIDER,
        (False, True): Relation.NARROWER,
        (True, True): Relation.CROSSED,
    }[bool(gained), bool(lost)]
    return Comparison(relation, tuple(gained), tuple(lost))


def _flag(before: object, after: object) -> frozenset[str]:
    """The direction in which an answer that is true or false changed, if it did."""
    if bool(before) == bool(after):
        return frozenset()
    return frozenset(("gained",) if after else ("lost",))


class _Walker:
    """One comparison under way."""

    def __init__(
        self, before: Permissions, after: Permissions, server: Server, effort: Effort, *, whether: bool = False
    ) -> None:
        self.before = before
        self.after = after
        self.server = server
        self.effort = effort
        self.whether = whether
        self._queue_patterns = queue_patterns((before, after), server)
        self.fresh = unnamed((before, after), self._queue_patterns)

    def publish(self) -> Iterator[tuple[Direction, Probe]]:
        """Subjects that only one of the two lets a client publish on."""
        if self.before.pub == self.after.pub:
            return
        both = self._publishing()

        def verdict(state: State) -> frozenset[str]:
            before, after = both.split(state)
            return _flag(publishes(before), publishes(after))

        for direction, subject in self._differences(both, verdict):
            yield direction, Publish(subject)

    def reply(self) -> Iterator[tuple[Direction, Probe]]:
        """Replies that only one of the two lets a responder publish. Server: ``responseAllowed``."""
        before, after = self.before.resp, self.after.resp
        if before == after:
            return
        # It takes a request that arrives, and shows only on a subject that is not publishable anyway.
        publishing = self._publishing()
        reply = self._first(publishing, lambda state: not any(map(publishes, publishing.split(state))))
        requests = [self._receivable(queue) for queue in self._queues()]
        request = next((subject for subject in requests if subject is not None), None)
        if request is None or reply is None:
            return
        probe = Publish(reply, replying_to=request)
        if before is None or after is None:
            yield ("gained" if before is None else "lost"), probe
            return
        directions = {
            "gained" if new < 0 or 0 <= old < new else "lost"
            for old, new in ((before.max, after.max), (before.ttl, after.ttl))
            if old != new
        }
        for direction in sorted(directions):
            yield direction, probe

    def subscribe(self) -> Iterator[tuple[Direction, Probe]]:
        """Subscriptions that only one of the two accepts, and messages that only one delivers to those both accept."""
        if self.before.sub == self.after.sub:
            return
        queues = self._queues()
        asked = [self._asking(queue) for queue in queues[:2]]
        asked += [asked[1].named(queue) for queue in queues[2:] if queue is not None]
        yield from _shortest(
            (direction, Subscribe(subject, asking.queue))
            for asking in asked
            for direction, subject in self._differences(asking.both, _accepted_alike(asking))
        )
        texts_before, texts_after = ({e.text for e in block.sub.deny} for block in (self.before, self.after))
        loaders = Loaders()
        if self.server is Server.EARLIER and texts_before != texts_after:
            loaders = self._loaders(asked)
        yield from _shortest(found for asking in asked for found in self._deliveries(asking, loaders))

    def leafnode(self) -> Iterator[tuple[Direction, Probe]]:
        """Subjects that only one of the two lets a leafnode ask for, and interest that only one lets it hear of."""
        for before, after, probe in (
            (self.before.sub, self.after.sub, LeafSubscribe),
            (self.before.pub, self.after.pub, LeafInterest),
        ):
            if before == after:
                continue
            publish = probe is LeafInterest
            words = leaf_differences(
                before, after, self.server, self.effort, self.fresh, publish=publish, whether=self.whether
            )
            for direction in _DIRECTIONS:
                if direction in words:
                    yield direction, probe(_text(words[direction]))

    def _asking(self, queue: str | None) -> Subscriptions:
        return Subscriptions(self.before, self.after, queue, server=self.server, effort=self.effort, fresh=self.fresh)

    def _publishing(self) -> Both:
        return publishing(self.before, self.after, server=self.server, effort=self.effort)

    def _differences(self, both: Both, verdict: Callable[[State], frozenset[str]]) -> Iterator[tuple[Direction, str]]:
        """The shortest subject of each direction; what cannot be told apart any more is not walked."""

        def steps(state: State) -> Iterator[tuple[Letter, State]]:
            if not both.is_settled(state):
                for token in both.letters(state):
                    yield (token or self.fresh,), both.trie.step(state, token)

        words = shortest_words(both.trie.start, steps, verdict, _BOTH)
        for direction in _DIRECTIONS:
            if direction in words:
                yield direction, _text(words[direction])

    def _first(self, both: Both, holds: Callable[[State], bool]) -> str | None:
        """The shortest subject for which ``holds``."""

        def steps(state: State) -> Iterator[tuple[Letter, State]]:
            for token in both.letters(state) if state[0] else ():
                yield (token or self.fresh,), both.trie.step(state, token)

        flag = frozenset(("holds",))
        words = shortest_words(both.trie.start, steps, lambda state: flag if holds(state) else frozenset(), flag)
        return _text(words["holds"]) if words else None

    def _receivable(self, queue: str | None) -> str | None:
        asking = self._asking(queue)
        return self._first(asking.both, lambda state: all(asking.accepted(state)))

    def _deliveries(self, asking: Subscriptions, loaders: Loaders) -> Iterator[tuple[Direction, Probe]]:
        """Walks pairs: a subscription that both accept, and a message inside it that only one delivers.

        A subscription is its message's subject with some tokens made ``*``, or its end made ``>``.
        """
        queue = asking.queue
        # Where the deny lists mean the same, only a filter that one of them alone switches on can be noticed.
        same_loaders = loaders.only_before is None and loaders.only_after is None
        if same_loaders and self.before.sub.deny == self.after.sub.deny:
            return
        denials = denying(self.before, self.after, queue, server=self.server, effort=self.effort)
        trie = denials.trie
        if same_loaders and not any(self._differences(denials, lambda state: _flag(*denials.split(state)))):
            return

        def steps(pair: tuple[Asked, State]) -> Iterator[tuple[Letter, tuple[Asked, State]]]:
            asked, sent = pair
            if sent == ((), 0) or (same_loaders and denials.is_settled(sent)):
                return
            named = denials.letters(sent)
            # Each letter makes a state of its own, of as many nodes as it leads to.
            self.effort.spend(len(named) * (len(asked.state[0]) + 2 * len(sent[0])))
            if asked.closed is None:
                for text, following in asking.wildcards(asked):
                    for token in named:
                        yield (text, token or self.fresh), (following, trie.step(sent, token))
                for token in dict.fromkeys([*named, *asking.both.letters(asked.state)]):
                    text = token or self.fresh
                    yield (text, text), (asking.literal(asked, token), trie.step(sent, token))
            else:
                for token in named:
                    yield ("", token or self.fresh), (asked, trie.step(sent, token))

        def verdict(pair: tuple[Asked, State]) -> frozenset[str]:
            asked, sent = pair
            if not all(asking.accepted(asked.state)):
                return frozenset()
            before, after = map(bool, denials.split(sent))
            if self.server is Server.CURRENT:
                return _flag(not before, not after)
            loads = asking.loads(asked)
            by_before, by_after = bool(loads & 1), bool(loads & 2)
            gained = filtered(
                denied=(before, after),
                loads=(by_before, by_after),
                loader=loaders.before,
                only_loader=loaders.only_before,
            )
            lost = filtered(
                denied=(after, before),
                loads=(by_after, by_before),
                loader=loaders.after,
                only_loader=loaders.only_after,
            )
            return frozenset(name for name, holds in (("gained", gained), ("lost", lost)) if holds)

        words = shortest_words((Asked(), trie.start), steps, verdict, _BOTH)
        for direction in _DIRECTIONS:
            if direction in words:
                subscription = ".".join(letter[0] for letter in words[direction] if letter[0])
                subject = ".".join(letter[1] for letter in words[direction])
                alongside = None
                if self.server is Server.EARLIER:
                    alongside = self._alongside(direction, subscription, subject, loaders)
                yield direction, Deliver(subscription, queue, subject, alongside)

    def _alongside(self, direction: Direction, subscription: str, subject: str, loaders: Loaders) -> Subscribe | None:
        """The second subscription a delivery witness needs, if its own does not switch the filter on."""
        silent, other = (self.before, self.after) if direction == "gained" else (self.after, self.before)
        if silent.loads_filter(subscription):
            return None
        denied = asked_for_any(self.server)(deny_patterns(other.sub, None, self.server)).match(subject.split("."))
        if direction == "gained":
            return loaders.only_before if denied else loaders.before
        return loaders.only_after if denied else loaders.after

    def _loaders(self, asked: Sequence[Subscriptions]) -> Loaders:
        """Subscriptions that switch the filter on, plain ones preferred to those in a queue group."""
        found: dict[str, Word] = {}
        loaders: dict[str, Subscribe] = {}
        for subscriptions in asked:
            found = subscriptions.loaders(found)
            for flag, word in found.items():
                loaders.setdefault(flag, Subscribe(_text(word), subscriptions.queue))
        return Loaders(**loaders)

    def _queues(self) -> list[str | None]:
        return queue_names(self._queue_patterns, self.fresh, self.effort)


def _accepted_alike(asking: Subscriptions) -> Callable[[State], frozenset[str]]:
    return lambda state: _flag(*asking.accepted(state))


def _shortest(found: Iterable[tuple[Direction, Probe]]) -> Iterator[tuple[Direction, Probe]]:
    """Of each direction the shortest probe."""
    probes = list(found)
    for direction in _DIRECTIONS:
        there = [probe for way, probe in probes if way == direction]
        if there:
            yield direction, min(there, key=_length)


def _text(word: Word) -> str:
    return ".".join(letter[0] for letter in word)


def _length(probe: Probe) -> tuple[int, int, str]:
    match probe:
        case Subscribe(subject, queue):
            return subject.count("."), len(subject) + len(queue or ""), subject
        case Deliver(subscription, queue, subject, alongside):
            size = len(subscription) + len(queue or "") + len(subject)
            return subject.count(".") + (alongside is not None), size, subject
        case _:
            return 0, 0, ""
