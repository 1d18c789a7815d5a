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
from optimizer.subjects.permissions import ALLOW, DENY, Permission, Permissions, kept, publishes
from optimizer.subjects.search import Effort, Letter, Word, shortest_words
from optimizer.subjects.subject import Entry, Subject, is_word
from optimizer.subjects.trie import Automaton, State

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from optimizer.subjects.permissions import Pattern

Tokens = tuple[str, ...]

_PLAIN, _OTHER = 1, 2


@dataclass(frozen=True, slots=True)
class _Within:
    """Where the server's walk stands: (level, node whose entries count if the subject ends here), and a sure find."""

    at: frozenset[tuple[int, int]] = frozenset(((0, 0),))
    found: bool = False


@dataclass(frozen=True, slots=True)
class _Lists:
    """The entries of one side as the server inserts them: tokens, and whether without a queue name.

    Before 2.12.14 what cannot be inserted is among them: the nodes before the offending token stay.
    """

    allow: tuple[tuple[Tokens, bool], ...] | None
    deny: tuple[tuple[Tokens, bool], ...]

    def patterns(self) -> list[Pattern]:
        """What a leafnode's request is matched with; it names no queue."""
        found: list[Pattern] = [((">",), ALLOW)] if self.allow is None else []
        for entries, bit in ((self.allow or (), ALLOW), (self.deny, DENY)):
            found += [(tokens, bit) for tokens, plain in entries if plain and Subject(".".join(tokens)).is_valid]
        return found

    def walked(self) -> list[Pattern]:
        """The same for the hub's walk, which a queue entry ends."""
        found: list[Pattern] = [((">",), ALLOW)] if self.allow is None else []
        for entries, bit in ((self.allow or (), ALLOW), (self.deny, DENY)):
            found += [(tokens, bit if plain else bit << QUEUES) for tokens, plain in entries]
        return found


def _subscribe_lists(side: Permission, server: Server) -> _Lists:
    def used(entries: Iterable[Entry]) -> tuple[tuple[Tokens, bool], ...]:
        inserted = kept(entries, server) if server is Server.CURRENT else entries
        return tuple((entry.subject.tokens, entry.queue is None) for entry in inserted)

    return _Lists(None if side.allow is None else used(side.allow), used(side.deny))


def _publish_lists(side: Permission, server: Server) -> _Lists:
    """No queue names, and white space splits nothing; from 2.12.14 a deny with white space keeps its first word."""
    if server is Server.EARLIER:
        allow, deny = ([tuple(entry.text.split(".")) for entry in entries] for entries in (side.allow or (), side.deny))
    else:
        allow = [tuple(entry.text.split(".")) for entry in side.allow or () if not entry.is_ignored(publish=True)]
        deny = [
            entry.subject.tokens if entry.is_ignored(publish=True) else tuple(entry.text.split("."))
            for entry in side.deny
            if not (entry.is_ignored(publish=True) and entry.is_ignored(publish=False))
        ]
    plain = (tuple((tokens, True) for tokens in entries) for entries in (allow, deny))
    allowed, denied = plain
    return _Lists(None if side.allow is None else allowed, denied)


def _insertable(tokens: Tokens) -> Tokens:
    """The tokens before an empty one, where the insertion ends."""
    return tokens[: tokens.index("")] if "" in tokens else tokens


class _Inside:
    """Finds allow entries inside a wildcard subject. Server: ``reverseMatchLevel`` and ``getAllNodes``."""

    def __init__(self, lists: _Lists) -> None:
        patterns = []
        for tokens, plain in lists.allow or ():
            whole = "" not in tokens and ">" not in tokens[:-1]
            patterns.append((_insertable(tokens), _PLAIN if plain and whole else _OTHER))
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
            yield from filter(is_word, self.trie.children[level])


def admits_leaf(permissions: Permissions, subject: str, server: Server) -> bool:
    """Whether a leafnode may ask for ``subject``.

    Server: ``canSubscribeInternal`` with kind LEAF at the leafnode, ``processLeafSub`` at the hub.
    """
    lists = _subscribe_lists(permissions.sub, server)
    return (
        permissions.refusal is None
        and _passes(lists, subject)
        and (Subject(subject).has_wildcard or publishes(_hub(server)(lists.walked()).match(subject.split("."))))
    )


def tells_leaf(permissions: Permissions, subject: str, server: Server) -> bool:
    """Whether a leafnode hears of a subscription to ``subject``.

    Server: ``canSubscribeInternal`` with kind LEAF at the hub, over the publish lists.
    """
    return permissions.refusal is None and _passes(_publish_lists(permissions.pub, server), subject)


def _passes(lists: _Lists, subject: str) -> bool:
    if not Subject(subject).is_valid:
        return False
    tokens = subject.split(".")
    mask = Automaton(lists.patterns()).match(tokens)
    allowed = bool(mask & ALLOW)
    if not allowed and Subject(subject).has_wildcard:
        inside = _Inside(lists)
        within = _Within()
        for token in tokens:
            within = inside.step(within, token)
        allowed = inside.finds(within)
    return allowed and not mask & DENY


def _hub(server: Server) -> type[Interest]:
    return CurrentInterest if server is Server.CURRENT else Interest


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
    before: Permission, after: Permission, server: Server, effort: Effort, fresh: str, *, publish: bool, whether: bool
) -> dict[str, Word]:
    """The shortest subjects that only ``after`` (``gained``) or only ``before`` (``lost``) lets pass.

    Parameters
    ----------
    before, after
        The publish sides, for what a leafnode hears of; the subscribe sides, for what it may ask for.
    whether
        Whether the first subject, of either direction, is enough.

    Raises
    ------
    EffortSpentError
        There were more cases than ``effort`` allows to look at.
    """
    lists_of = _publish_lists if publish else _subscribe_lists
    then, now = lists_of(before, server), lists_of(after, server)
    old, new = _Inside(then), _Inside(now)
    known: dict[object, int] = {}
    old_shapes, new_shapes = old.shapes(known), new.shapes(known)
    both = Both(then.patterns(), now.patterns(), effort)
    hub = Both(*(([], []) if publish else (then.walked(), now.walked())), effort, _hub(server))

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
        return ask.wild or publish or publishes(checked)

    def verdict(ask: _Ask) -> frozenset[str]:
        masks, checked = both.split(ask.state), hub.split(ask.hub)
        was = allowed(ask, masks[0], old, ask.before, checked[0])
        now = allowed(ask, masks[1], new, ask.after, checked[1])
        if was == now:
            return frozenset()
        return frozenset(("gained" if now else "lost", "either"))

    wanted = frozenset(("either",) if whether else ("gained", "lost"))
    return shortest_words(_Ask(hub.trie.start), steps, verdict, wanted)
