"""What a leafnode may ask for, and what interest it hears of: like a client, and wildcards with an allow entry inside.

Its own side decides what it asks for, with the subscribe lists that the hub sends it; the hub looks at literals again.
The hub decides with the publish lists what interest it tells the leafnode of, without which no message is sent on.

The server finds "inside" by a walk with edges of its own (`_Inside` states them), which are kept here move for move:
a proof about leafnodes is worth nothing on a nicer walk than the server's.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from optimizer.settings import Server
from optimizer.subjects.both import Both
from optimizer.subjects.interest import QUEUES, CurrentInterest, Interest
from optimizer.subjects.permissions import ALLOW, DENY, Permission, Permissions, kept, publishes, subscribe_patterns
from optimizer.subjects.search import Effort, Letter, Word, shortest_words
from optimizer.subjects.subject import Entry, Subject
from optimizer.subjects.trie import Automaton, State

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from optimizer.subjects.permissions import Pattern

_PLAIN, _OTHER = 1, 2


@dataclass(frozen=True, slots=True)
class _Within:
    """Where the server's walk stands: (level, node whose entries count if the subject ends here), and a sure find."""

    at: frozenset[tuple[int, int]] = frozenset(((0, 0),))
    found: bool = False


class _Inside:
    """Finds allow entries inside a wildcard subject. Server: ``reverseMatchLevel`` and ``getAllNodes``."""

    def __init__(self, side: Permission, server: Server) -> None:
        entries = side.allow or ()
        used = kept(entries, server)
        patterns = [(e.subject.tokens, _PLAIN if e.queue is None else _OTHER) for e in used]
        if server is Server.EARLIER:
            # Its insert fails at the token behind `>`, but the nodes before it stay.
            patterns += [(e.subject.tokens, _OTHER) for e in entries if ">" in e.subject.tokens[:-1]]
        self.trie = Automaton(patterns)
        below = [0] * len(self.trie.star)
        for node in range(len(below) - 1, -1, -1):
            # INVARIANT of getAllNodes: it descends into literal tokens, not below a `*`.
            below[node] = self.trie.tail[node] | self.trie.ends[self.trie.star[node]] * bool(self.trie.star[node])
            for child in self.trie.children[node].values():
                below[node] |= self.trie.ends[child] | below[child]
        self._below = below

    def shapes(self, known: dict[object, int]) -> list[int]:
        """For each level a number that equal levels share, across every walk that is given the same ``known``."""
        trie = self.trie
        shape = [0] * len(trie.star)
        for node in range(len(shape) - 1, -1, -1):
            children = frozenset(
                (token, shape[child], trie.ends[child] & _PLAIN) for token, child in trie.children[node].items()
            )
            star = trie.star[node]
            own = (
                children,
                star and (shape[star], trie.ends[star] & _PLAIN),
                bool(trie.tail[node]),
                trie.tail[node] & _PLAIN,
            )
            shape[node] = known.setdefault(own, len(known))
        return shape

    def outlook(self, within: _Within, shapes: list[int]) -> object:
        """All that what follows can depend on."""
        return within.found, frozenset((shapes[level], self.trie.ends[node] & _PLAIN) for level, node in within.at)

    def step(self, within: _Within, token: str) -> _Within:
        """After one more token; `FRESH` for one no entry names."""
        at: set[tuple[int, int]] = set()
        found = within.found
        trie = self.trie
        for level, node in within.at:
            if token == ">":
                found = found or bool(self._below[level] & _PLAIN)
                continue
            if trie.tail[level]:
                found = found or bool(self._below[level] & _PLAIN)
            if token == "*":
                at.update((child, child) for child in trie.children[level].values())
            elif trie.tail[level]:
                continue
            elif token in trie.children[level]:
                at.add((trie.children[level][token],) * 2)
            if trie.star[level]:
                # The walk goes on below `*`, but the node it counts at the end is the last literal one.
                at.add((trie.star[level], node))
        return _Within(frozenset(at), found)

    def finds(self, within: _Within) -> bool:
        """Whether the subject read so far has an entry inside it, as the server sees it."""
        return within.found or any(self.trie.ends[node] & _PLAIN for _, node in within.at)

    def named(self, within: _Within) -> Iterator[str]:
        """Tokens that lead on from here."""
        for level, _ in within.at:
            yield from self.trie.children[level]


def admits_leaf(permissions: Permissions, subject: str, server: Server) -> bool:
    """Whether a leafnode may ask for ``subject``.

    Server: ``canSubscribeInternal`` with kind LEAF at the leafnode, ``processLeafSub`` at the hub.
    """
    return (
        permissions.refusal is None
        and _passes(permissions.sub, subject, server)
        and (
            Subject(subject).has_wildcard
            or publishes(_hub(server)(_hub_patterns(permissions.sub, server)).match(subject.split(".")))
        )
    )


def tells_leaf(permissions: Permissions, subject: str, server: Server) -> bool:
    """Whether a leafnode hears of a subscription to ``subject``.

    Server: ``canSubscribeInternal`` with kind LEAF at the hub, over the publish lists.
    """
    return permissions.refusal is None and _passes(publish_side(permissions.pub, server), subject, server)


def _passes(side: Permission, subject: str, server: Server) -> bool:
    if not Subject(subject).is_valid:
        return False
    tokens = subject.split(".")
    mask = Automaton(subscribe_patterns(side, None, server)).match(tokens)
    allowed = bool(mask & ALLOW)
    if not allowed and Subject(subject).has_wildcard:
        inside = _Inside(side, server)
        within = _Within()
        for token in tokens:
            within = inside.step(within, token)
        allowed = inside.finds(within)
    return allowed and not mask & DENY


def publish_side(side: Permission, server: Server) -> Permission:
    """A publish side as a subscribe side of the same meaning: it knows no queue names, and white space splits nothing.

    Server: ``setPermissions``; from 2.12.14 a deny with white space in it keeps its first word.
    """
    return Permission(
        None if side.allow is None else tuple(entry for entry in side.allow if entry.text == entry.subject.text),
        tuple(
            Entry(entry.subject.text)
            for entry in side.deny
            if entry.text == entry.subject.text or (server is Server.CURRENT and not entry.is_ignored(publish=False))
        ),
    )


def _hub(server: Server) -> type[Interest]:
    return CurrentInterest if server is Server.CURRENT else Interest


def _hub_patterns(side: Permission, server: Server) -> list[Pattern]:
    """The lists that a hub asks about a literal: the subscribe lists, walked as publish lists are."""
    patterns: list[Pattern] = [((">",), ALLOW)] if side.allow is None else []
    for entries, bit in ((side.allow or (), ALLOW), (side.deny, DENY)):
        patterns += [
            (entry.subject.tokens, bit if entry.queue is None else bit << QUEUES)
            for entry in (kept(entries, server) if server is Server.CURRENT else entries)
        ]
    return patterns


@dataclass(frozen=True, slots=True)
class _Ask:
    """A leafnode's subject read so far, against the entries that match it and those inside it, before and after."""

    hub: State
    state: State = Automaton.start
    before: _Within = _Within()
    after: _Within = _Within()
    wild: bool = False
    closed: bool = False


def leaf_differences(
    before: Permission, after: Permission, server: Server, effort: Effort, fresh: str, *, asks_hub: bool
) -> dict[str, Word]:
    """The shortest subjects that only ``after`` (``gained``) or only ``before`` (``lost``) lets pass.

    Parameters
    ----------
    before, after
        The subscribe sides, or what `publish_side` makes of the publish sides.
    asks_hub
        Whether the hub checks literals once more, as it does what a leafnode asks for.

    Raises
    ------
    EffortSpentError
        There were more cases than ``effort`` allows to look at.
    """
    old, new = _Inside(before, server), _Inside(after, server)
    known: dict[object, int] = {}
    old_shapes, new_shapes = old.shapes(known), new.shapes(known)
    both = Both(subscribe_patterns(before, None, server), subscribe_patterns(after, None, server), effort)
    lists = (_hub_patterns(before, server), _hub_patterns(after, server)) if asks_hub else ([], [])
    hub = Both(*lists, effort, _hub(server))

    def steps(ask: _Ask) -> Iterator[tuple[Letter, _Ask]]:
        if ask.closed or (
            both.is_settled(ask.state)
            and hub.is_settled(ask.hub)
            and old.outlook(ask.before, old_shapes) == new.outlook(ask.after, new_shapes)
        ):
            return
        effort.spend(len(ask.before.at) + len(ask.after.at))
        letters: Iterable[str] = [
            *both.letters(ask.state),
            *hub.letters(ask.hub),
            *old.named(ask.before),
            *new.named(ask.after),
        ]
        for token in dict.fromkeys([*letters, "*", ">"]):
            following = _Ask(
                hub.trie.step(ask.hub, token),
                both.trie.step(ask.state, token),
                old.step(ask.before, token),
                new.step(ask.after, token),
                ask.wild or token in ("*", ">"),
                token == ">",
            )
            yield (token or fresh,), following

    def allowed(ask: _Ask, mask: int, inside: _Inside, within: _Within, checked: int) -> bool:
        if mask & DENY or not (mask & ALLOW or (ask.wild and inside.finds(within))):
            return False
        return ask.wild or not asks_hub or publishes(checked)

    def verdict(ask: _Ask) -> frozenset[str]:
        masks, checked = both.split(ask.state), hub.split(ask.hub)
        was = allowed(ask, masks[0], old, ask.before, checked[0])
        now = allowed(ask, masks[1], new, ask.after, checked[1])
        return frozenset() if was == now else frozenset(("gained",) if now else ("lost",))

    return shortest_words(_Ask(hub.trie.start), steps, verdict, frozenset(("gained", "lost")))
