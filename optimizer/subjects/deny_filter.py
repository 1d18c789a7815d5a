"""Subscriptions, and before 2.12.14 the deny filter they switch on for their whole connection."""

from __future__ import annotations

from copy import copy
from dataclasses import dataclass
from typing import TYPE_CHECKING

from optimizer.settings import Server
from optimizer.subjects.both import Both
from optimizer.subjects.permissions import (
    accepts,
    bits_in_queue,
    subscribe_patterns,
    subscribe_rows,
)
from optimizer.subjects.search import Effort, Letter, Word, shortest_words
from optimizer.subjects.subject import is_word
from optimizer.subjects.trie import FRESH, Automaton, State

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from optimizer.subjects.permissions import Permission, Permissions
    from optimizer.subjects.probes import Subscribe


@dataclass(frozen=True, slots=True)
class Loaders:
    """Before 2.12.14: subscriptions that switch the deny filter on, by whose deny list they do."""

    before: Subscribe | None = None
    after: Subscribe | None = None
    only_before: Subscribe | None = None
    only_after: Subscribe | None = None


_LOADS = {
    0: frozenset[str](),
    1: frozenset(("before", "only_before")),
    2: frozenset(("after", "only_after")),
    3: frozenset(("before", "after")),
}


def _alone(bits: int) -> int:
    return 0 if bits == 3 else bits  # noqa: PLR2004 both bits


class Raw:
    """The raw texts of both deny lists as the old filter looks at them; bit 1 before, bit 2 after.

    Server: 2.11 ``subjectIsSubsetMatch`` over ``darray``: which texts lie inside a subscription.
    """

    def __init__(self, before: Permission, after: Permission) -> None:
        self._trie = Automaton(
            (entry.text.split("."), bit) for side, bit in ((before, 1), (after, 2)) for entry in side.deny
        )
        own = [ends | tail for ends, tail in zip(self._trie.ends, self._trie.tail, strict=True)]
        self._folded = self._trie.fold_below(own)
        alone = [_alone(ends) | _alone(tail) for ends, tail in zip(self._trie.ends, self._trie.tail, strict=True)]
        self._alone = self._trie.fold_below(alone)

    def __bool__(self) -> bool:
        return bool(self._folded[0])

    @property
    def flags(self) -> frozenset[str]:
        """Every way in which some subscription could switch a filter on, accepted or not."""
        only = _alone(self._folded[0]) | self._alone[0]
        names = (
            ("before", self._folded[0] & 1),
            ("after", self._folded[0] & 2),
            ("only_before", only & 1),
            ("only_after", only & 2),
        )
        return frozenset(name for name, holds in names if holds)

    def tells(self, nodes: Iterable[int]) -> bool:
        """Whether from here on a text of one list alone can still be met."""
        return any(self._alone[node] for node in nodes)

    def named(self, nodes: Iterable[int]) -> Iterator[str]:
        """Literal tokens of a subscription that lead on."""
        return filter(is_word, self._trie.named((tuple(nodes), 0)))

    def step(self, nodes: Iterable[int], token: str) -> tuple[int, ...]:
        """After a literal token of the subscription; one that begins with ``*`` passes for a wildcard over literals."""
        if token.startswith("*"):
            return self.literals_below(nodes)
        children = self._trie.children
        return tuple(sorted(children[node][token] for node in nodes if token in children[node]))

    def literals_below(self, nodes: Iterable[int]) -> tuple[int, ...]:
        """Every node one literal token further."""
        return tuple(sorted(below for node in nodes for below in self._trie.children[node].values()))

    def below(self, nodes: Iterable[int]) -> tuple[int, ...]:
        """After ``*``: every node one token further."""
        stars = tuple(self._trie.star[node] for node in nodes if self._trie.star[node])
        return tuple(sorted((*self.literals_below(nodes), *stars)))

    def loads(self, nodes: Iterable[int]) -> int:
        """Whose texts end here."""
        mask = 0
        for node in nodes:
            mask |= self._trie.ends[node]
        return mask

    def loads_below(self, nodes: Sequence[int]) -> int:
        """After a closing ``>``: whose texts go on from here."""
        mask = 0
        for node in nodes:
            mask |= self._trie.tail[node]
        for node in self.below(nodes):
            mask |= self._folded[node]
        return mask


@dataclass(frozen=True, slots=True)
class Asked:
    """A subscription read so far: where it stands among the entries, and among the raw deny texts.

    ``closed`` holds whose filter a closing ``>`` loads, and None while the subscription may go on.
    """

    state: State = Automaton.start
    raw: tuple[int, ...] = (0,)
    wild: bool = False
    closed: int | None = None


class Subscriptions:
    """Both blocks' answers to every subscription there can be, for one queue name."""

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
        self.queue = queue
        self._server = server
        self._effort = effort
        self._fresh = fresh
        self.both = Both(
            subscribe_patterns(before.sub, queue, server),
            subscribe_patterns(after.sub, queue, server),
            effort,
        )
        self._rows = subscribe_rows(before.sub, server), subscribe_rows(after.sub, server)
        self._raw = Raw(before.sub, after.sub) if server is Server.EARLIER else None

    def named(self, queue: str) -> Subscriptions:
        """The same where these name a queue, too, for another: all that differs are the bits."""
        other = copy(self)
        other.queue = queue
        other.both = self.both.remarked(*(bits_in_queue(rows, queue) for rows in self._rows))
        return other

    def accepted(self, state: State) -> tuple[bool, bool]:
        """Whether before and after accept what was read so far."""
        before, after = self.both.split(state)
        named = self.queue is not None
        return accepts(before, queue=named, server=self._server), accepts(after, queue=named, server=self._server)

    def loads(self, asked: Asked) -> int:
        """Whose deny filter the subscription switches on: bit 1 before, bit 2 after."""
        if asked.closed is not None:
            return asked.closed
        return self._raw.loads(asked.raw) if self._raw and asked.wild else 0

    def letters(self, asked: Asked) -> list[str]:
        """Every token of a subscription that matters from here, `FRESH` included."""
        raw = self._raw.named(asked.raw) if self._raw else ()
        return [*raw, *self.both.letters(asked.state)]

    def literal(self, asked: Asked, token: str) -> Asked:
        """After a literal token; `FRESH` for one that no entry names."""
        raw = self._raw.step(asked.raw, token) if self._raw else ()
        return Asked(self.both.trie.step(asked.state, token), raw, asked.wild)

    def wildcards(self, asked: Asked) -> Iterator[tuple[str, Asked]]:
        """After ``*`` and after a closing ``>``, both plain tokens to the entries that accept."""
        state = self.both.trie.step(asked.state, FRESH)
        self._effort.spend(len(asked.state[0]) + len(asked.raw))
        yield "*", Asked(state, self._raw.below(asked.raw) if self._raw else (), wild=True)
        yield ">", Asked(state, (), wild=True, closed=self._raw.loads_below(asked.raw) if self._raw else 0)

    def loaders(self, known: dict[str, Word]) -> dict[str, Word]:
        """The shortest subscriptions both accept that switch a filter on, added to those known."""
        raw = self._raw
        assert raw is not None  # noqa: S101 INVARIANT: only the earlier generation has loaders
        whose = raw.flags & {"before", "after"}
        return self._search(raw, raw.flags - whose, self._search(raw, whose, known))

    def _search(self, raw: Raw, wanted: frozenset[str], known: dict[str, Word]) -> dict[str, Word]:
        only = wanted.isdisjoint(("before", "after"))

        def steps(asked: Asked) -> Iterator[tuple[Letter, Asked]]:
            if asked.closed is not None or not asked.raw or (only and not raw.tells(asked.raw)):
                return
            for text, following in self.wildcards(asked):
                yield (text,), following
            for token in dict.fromkeys(self.letters(asked)):
                yield (token or self._fresh,), self.literal(asked, token)
            # The server's subset test takes every token that begins with `*` for a wildcard.
            starred = Asked(self.both.trie.step(asked.state, FRESH), raw.literals_below(asked.raw), asked.wild)
            yield ("*" + self._fresh,), starred

        def verdict(asked: Asked) -> frozenset[str]:
            return _LOADS[self.loads(asked)] if all(self.accepted(asked.state)) else frozenset()

        return shortest_words(Asked(), steps, verdict, wanted, known)


def filtered(
    *,
    denied: tuple[bool, bool],
    loads: tuple[bool, bool],
    loader: Subscribe | None,
    only_loader: Subscribe | None,
) -> bool:
    """Whether some session keeps a message from its subscription there but not here, before 2.12.14.

    There, the message must be denied and the filter on; here, not denied or the filter off.

    Parameters
    ----------
    denied, loads
        There and here: whether the deny list names the message, and whether the subscription itself loads the filter.
    loader, only_loader
        Another subscription that loads the filter there; and one that loads it there but not here.
    """
    denied_there, denied_here = denied
    loads_there, loads_here = loads
    if not denied_there:
        return False
    if not denied_here:
        return loads_there or loader is not None
    return not loads_here and (loads_there or only_loader is not None)
