"""Spaces of subjects into which no rewrite may let anybody: whether one does, and the denies that would keep it out.

`newly_admitted` asks what `optimizer.subjects.compare` does not: not which request is answered otherwise, but which
*message* can be published, or received by any subscription at all, that could not be before. What it walks, and why
that is every case, is docs/protect.md.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

from optimizer.settings import Server
from optimizer.subjects.both import Both, denying, publishing
from optimizer.subjects.compare import compare
from optimizer.subjects.deny_filter import Asked, Subscriptions
from optimizer.subjects.permissions import (
    Permission,
    Permissions,
    asked_for_any,
    publishes,
)
from optimizer.subjects.probes import Deliver, Probe, Publish, Relation
from optimizer.subjects.search import Effort, EffortSpentError, Letter, Word, shortest_words
from optimizer.subjects.stand_ins import queue_names, queue_patterns, unnamed
from optimizer.subjects.subject import Subject, meet, reach
from optimizer.subjects.trie import Automaton, State

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

__all__ = ["denies_for", "meet", "newly_admitted", "reach"]

_NOTHING = Permissions(Permission(()), Permission(()))
"""What a client may do that the server does not let in."""

# What the subscriptions of one queue class let arrive, for before; of after the same bits, shifted by `_AFTER`.
_UNLESS_DENIED = 1  # every message the deny filter lets pass
_FILTER_OFF = 2  # and those it would keep back
_AFTER = 2
_SIDE = _UNLESS_DENIED | _FILTER_OFF

_FOUND = frozenset(("found",))
_NOT = frozenset[str]()


def denies_for(pattern: Subject, protected: Sequence[Subject], *, subscribe: bool) -> tuple[Subject, ...]:
    """The deny entries that name all of the protected spaces an allow entry reaches, and nothing else.

    Parameters
    ----------
    subscribe
        Whether the entry is of a subscribe list, where a final ``*`` reaches all depths.

    Notes
    -----
    They keep out what `pattern` admits by itself, save before 2.12.14, where a deny filters a wildcard subscription
    only if some deny lies inside it (``*.*`` admits ``SUB *.*``, and no deny ``$SYS.>`` keeps ``$SYS.b`` from it): ask
    `newly_admitted` of the list with its denies.
    """
    wide = reach(pattern) if subscribe else pattern
    found = dict.fromkeys(there for space in protected if (there := meet(wide, space)) is not None)
    return tuple(one for one in found if not any(other != one and other.covers(one) for other in found))


def newly_admitted(
    before: Permissions,
    after: Permissions,
    protected: Sequence[Subject],
    server: Server = Server.CURRENT,
    *,
    effort: int = 500_000,
) -> Probe | None:
    """How a client gets into a protected space with ``after`` that could not with ``before``, or None.

    Parameters
    ----------
    protected
        Valid patterns.
    effort
        How many trie nodes may be visited.

    Returns
    -------
    Probe or None
        A `Publish` on a protected subject on which none was accepted before, unasked or as a reply, or a `Deliver` of a
        message on a protected subject that no subscription received before: the one with the fewest tokens.

    Raises
    ------
    EffortSpentError
        There were more cases than ``effort`` allows to look at; callers take that for an admission.
    ValueError
        A protected pattern is not valid, and so would protect nothing.

    Examples
    --------
    >>> block = lambda *allow, deny=(): Permissions.from_claims({"sub": {"allow": list(allow), "deny": list(deny)}})
    >>> newly_admitted(block("*.a"), block("*.*"), [Subject("$SYS.>")])
    Deliver(subscription='*.*', queue=None, subject='$SYS.x', alongside=None)
    >>> newly_admitted(block("*.a"), block("*.*", deny=["$SYS.>"]), [Subject("$SYS.>")])
    """
    if unfit := next((space for space in protected if not space.is_valid), None):
        raise ValueError(f"`{unfit}` is no subject")
    if server is Server.EARLIER and before.is_generation_free and after.is_generation_free:
        server = Server.CURRENT
    return _newly_admitted(before, after, tuple(protected), server, effort)


# Copied users and users of one role ask the same question again and again.
@lru_cache(maxsize=1 << 12)
def _newly_admitted(
    before: Permissions, after: Permissions, protected: tuple[Subject, ...], server: Server, effort: int
) -> Probe | None:
    if after.refusal is not None:
        return None
    if before.refusal is not None:
        before = _NOTHING
    if compare(before, after, server, effort=effort).relation in (Relation.SAME, Relation.NARROWER):
        return None  # nobody gains anything: whoever asks has mostly asked that before, and it is cheaper to tell
    walker = _Walker(before, after, protected, server, Effort(effort))
    found: list[Probe] = []
    try:
        for walk in (walker.publish, walker.reply, walker.deliver):
            found += walk()
    except EffortSpentError:
        if not found:
            raise
    return min(found, key=_length, default=None)


def _length(probe: Probe) -> tuple[int, int]:
    """Fewest tokens first, then least text."""
    match probe:
        case Publish(subject, replying_to):
            return subject.count(".") + (replying_to is not None), len(subject)
        case Deliver(subscription, queue, subject):
            return subject.count("."), len(subject) + len(subscription) + len(queue or "")
        case _:  # pragma: no cover
            raise TypeError(probe)


class _Walker:
    """One question under way; every walk keeps inside the protected spaces."""

    def __init__(
        self,
        before: Permissions,
        after: Permissions,
        protected: tuple[Subject, ...],
        server: Server,
        effort: Effort,
    ) -> None:
        self.before = before
        self.after = after
        self.server = server
        self.effort = effort
        self.spaces = Automaton((space.tokens, 1) for space in protected)
        self.queue_patterns = queue_patterns((before, after), server)
        self.fresh = unnamed((before, after), self.queue_patterns, protected)

    def publish(self) -> Iterator[Probe]:
        """The shortest protected subject that only ``after`` lets a client publish on."""
        if self.before.pub == self.after.pub:
            return
        both = self._publishing()

        def gained(state: State) -> bool:
            before, after = both.split(state)
            return publishes(after) and not publishes(before)

        if word := self._published(both, gained):
            yield Publish(_text(word))

    def reply(self) -> Iterator[Probe]:
        """A protected subject that only ``after`` lets a responder reply on. Server: ``responseAllowed``.

        Leave to reply is leave to publish on any subject, since whoever asks chooses it. More replies than before, or
        for longer, count as new.
        """
        old, new = self.before.resp, self.after.resp
        if new is None:
            return
        groups = self._groups()
        request = next((word for group in groups if (word := group.receivable(after=True)) is not None), None)
        if request is None:
            return
        more = old is None or any(
            now < 0 <= then or 0 <= then < now for then, now in ((old.max, new.max), (old.ttl, new.ttl))
        )
        if not more and any(group.receivable(after=False) is not None for group in groups):
            return
        both = self._publishing()
        if word := self._published(both, lambda state: not any(map(publishes, both.split(state))), settled=False):
            yield Publish(_text(word), replying_to=_text(request))

    def deliver(self) -> Iterator[Probe]:
        """The shortest protected message that some subscription receives, and none did.

        One state holds every subscription that a message may still arrive at, of every queue class.
        """
        if self.before.sub == self.after.sub:
            return
        groups = self._groups()

        def steps(state: _Messages) -> Iterator[tuple[Letter, _Messages]]:
            place, heard = state
            if all(group.is_settled(one) for group, one in zip(groups, heard, strict=True)):
                return
            named = (token for group, one in zip(groups, heard, strict=True) for token in group.letters(one))
            for token in self._letters(place, named):
                following = tuple(group.step(one, token) for group, one in zip(groups, heard, strict=True))
                yield (token or self.fresh,), (self.spaces.step(place, token), following)

        def verdict(state: _Messages) -> frozenset[str]:
            place, heard = state
            if not self.spaces.mask(place):
                return _NOT
            answers = [group.hears(one) for group, one in zip(groups, heard, strict=True)]
            return _FOUND if any(after for _, after in answers) and not any(was for was, _ in answers) else _NOT

        start = self.spaces.start, tuple(group.start for group in groups)
        if found := shortest_words(start, steps, verdict, _FOUND):
            subject = tuple(letter[0] for letter in found["found"])
            there = [
                Deliver(_text(word), group.asking.queue, ".".join(subject))
                for group in groups
                if (word := group.subscription(subject)) is not None
            ]
            yield min(there, key=_length)

    def _groups(self) -> list[_Group]:
        queues = queue_names(self.queue_patterns, self.fresh, self.effort)
        return [
            _Group(self.before, self.after, queue, server=self.server, effort=self.effort, fresh=self.fresh)
            for queue in queues
        ]

    def _publishing(self) -> Both:
        return publishing(self.before, self.after, server=self.server, effort=self.effort)

    def _published(self, both: Both, holds: Callable[[State], bool], *, settled: bool = True) -> Word | None:
        """The shortest protected subject for which ``holds``; ``settled`` where it cannot if both answer alike."""

        def steps(pair: tuple[State, State]) -> Iterator[tuple[Letter, tuple[State, State]]]:
            place, state = pair
            if settled and both.is_settled(state):
                return
            for token in self._letters(place, both.letters(state)):
                yield (token or self.fresh,), (self.spaces.step(place, token), both.trie.step(state, token))

        def verdict(pair: tuple[State, State]) -> frozenset[str]:
            place, state = pair
            return _FOUND if self.spaces.mask(place) and holds(state) else _NOT

        return shortest_words((self.spaces.start, both.trie.start), steps, verdict, _FOUND).get("found")

    def _letters(self, place: State, named: Iterable[str]) -> Iterable[str]:
        """The tokens that lead on inside the protected spaces and matter; ``named`` are those that do elsewhere."""
        nodes, inside = place
        spaces = self.spaces
        self.effort.spend(len(nodes))
        if inside or any(spaces.tail[node] or spaces.star[node] for node in nodes):
            return dict.fromkeys([*spaces.named(place), *named])
        return dict.fromkeys(spaces.named(place))


@dataclass(frozen=True, slots=True)
class _Heard:
    """Where a message read so far stands with the subscriptions of one queue class.

    Parameters
    ----------
    going
        Every subscription so far that the message is inside, and whose further tokens matter.
    settled
        What all others let arrive, whatever follows.
    sent
        Where the message stands in the deny filters.
    """

    going: frozenset[Asked]
    settled: int
    sent: State


_Messages = tuple[State, tuple[_Heard, ...]]


class _Group:
    """All subscriptions there can be with one queue name, or with none."""

    def __init__(
        self,
        before: Permissions,
        after: Permissions,
        queue: str | None,
        *,
        server: Server,
        effort: Effort,
        fresh: str,
    ) -> None:
        self.asking = Subscriptions(before, after, queue, server=server, effort=effort, fresh=fresh)
        self.start = _Heard(frozenset((Asked(),)), 0, asked_for_any(server).start)
        self._denying = denying(before, after, queue, server=server, effort=effort)
        self._filters = server is Server.CURRENT
        texts = [{entry.text for entry in block.sub.deny} for block in (before, after)]
        self._loads_alike = self._filters or texts[0] == texts[1]
        # The old subset test takes a token that begins with `*` for a wildcard, which none of its kin is.
        self._starred = () if self._filters or not any(texts) else (f"*{fresh}",)
        self._effort = effort
        self._fresh = fresh

    def letters(self, heard: _Heard) -> Iterator[str]:
        """Every token of a message that matters from here, `FRESH` included."""
        yield from self._denying.letters(heard.sent)
        yield from self._starred
        for asked in heard.going:
            yield from self.asking.letters(asked)

    def step(self, heard: _Heard, token: str) -> _Heard:
        """After one more token of the message: each subscription has it too, or ``*``, or ends in ``>``."""
        self._effort.spend(len(heard.sent[0]))
        settled = heard.settled
        going = set()
        for asked in heard.going:
            star, rest = (following for _, following in self.asking.wildcards(asked))
            settled |= self._lets(rest)
            for following in (self.asking.literal(asked, token), star):
                if following.state[0] or following.raw:
                    # From 2.12.14 on nobody asks whether a subscription had a wildcard.
                    going.add(Asked(following.state) if self._filters else following)
                else:
                    settled |= self._lets(following)
        return _Heard(frozenset(going), settled, self._denying.trie.step(heard.sent, token))

    def hears(self, heard: _Heard) -> tuple[bool, bool]:
        """Whether the message, if it ends here, arrives at any of the subscriptions, before and after."""
        lets = heard.settled
        for asked in heard.going:
            lets |= self._lets(asked)
        denied = self._denying.split(heard.sent)
        return _arrives(lets & _SIDE, denied[0]), _arrives(lets >> _AFTER, denied[1])

    def is_settled(self, heard: _Heard) -> bool:
        """Whether from here on nothing arrives after that did not before."""
        if not heard.going and not heard.settled >> _AFTER:
            return True
        return (
            self._loads_alike
            and heard.settled & _SIDE == heard.settled >> _AFTER
            and self._denying.is_settled(heard.sent)
            and all(self.asking.both.is_settled(asked.state) for asked in heard.going)
        )

    def receivable(self, *, after: bool) -> Word | None:
        """The shortest subject whose messages arrive at a subscription to it, which any wildcard one implies."""
        both = self.asking.both

        def steps(state: State) -> Iterator[tuple[Letter, State]]:
            for token in both.letters(state) if state[0] else ():
                yield (token or self._fresh,), both.trie.step(state, token)

        def verdict(state: State) -> frozenset[str]:
            return _FOUND if self.asking.accepted(state)[after] else _NOT

        return shortest_words(both.trie.start, steps, verdict, _FOUND).get("found")

    def subscription(self, subject: tuple[str, ...]) -> Word | None:
        """The shortest subscription that receives this message after, if any does."""
        sent = self._denying.trie.start
        for token in subject:
            sent = self._denying.trie.step(sent, token)
        denied = self._denying.split(sent)[1]

        def steps(at: tuple[int, Asked]) -> Iterator[tuple[Letter, tuple[int, Asked]]]:
            index, asked = at
            if index < len(subject) and asked.closed is None:
                yield (subject[index],), (index + 1, self.asking.literal(asked, subject[index]))
                for text, following in self.asking.wildcards(asked):
                    yield (text,), (index + 1, following)

        def verdict(at: tuple[int, Asked]) -> frozenset[str]:
            index, asked = at
            if index < len(subject) and asked.closed is None:
                return _NOT
            return _FOUND if _arrives(self._lets(asked) >> _AFTER, denied) else _NOT

        return shortest_words((0, Asked()), steps, verdict, _FOUND).get("found")

    def _lets(self, asked: Asked) -> int:
        """What one subscription lets arrive. Server: ``checkDenySub``, and who switches it on."""
        loads = self.asking.loads(asked)
        lets = 0
        for side, accepted in enumerate(self.asking.accepted(asked.state)):
            if accepted:
                is_filtered = self._filters or loads >> side & 1
                lets |= (_UNLESS_DENIED if is_filtered else _SIDE) << side * _AFTER
        return lets


def _arrives(lets: int, denied: int) -> bool:
    return bool(lets & _FILTER_OFF or (lets and not denied))


def _text(word: Word) -> str:
    return ".".join(letter[0] for letter in word)
