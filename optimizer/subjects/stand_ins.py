"""Few names that stand for infinitely many: a token that no entry names, and a queue name of every kind there is."""

from __future__ import annotations

from itertools import count
from typing import TYPE_CHECKING

from optimizer.subjects.permissions import kept
from optimizer.subjects.search import EffortSpentError, Letter, shortest_words
from optimizer.subjects.trie import FRESH, Automaton, State

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from optimizer.settings import Server
    from optimizer.subjects.permissions import Permissions
    from optimizer.subjects.search import Effort
    from optimizer.subjects.subject import Entry, Subject


def queue_patterns(blocks: Sequence[Permissions], server: Server) -> list[str]:
    """Every queue name pattern of these blocks."""
    entries = [entry for block in blocks for entry in _entries(block)]
    return sorted({entry.queue for entry in kept(entries, server) if entry.queue is not None})


def unnamed(blocks: Sequence[Permissions], queues: Sequence[str], beside: Iterable[Subject] = ()) -> str:
    """A short token that no entry of these blocks and no pattern ``beside`` them names, nor it with ``*`` before it.

    Parameters
    ----------
    queues
        Their `queue_patterns`.
    """
    names = {token for block in blocks for entry in _entries(block) for token in entry.subject.tokens}
    names.update(token for pattern in (*queues, *(pattern.text for pattern in beside)) for token in pattern.split("."))
    # Before 2.12.14 the server looks at the whole text where white space splits it.
    odd = (entry.text for block in blocks for entry in _entries(block) if entry.fields > 1)
    names.update(token for text in odd for token in text.split("."))
    candidates = (f"{letter}{number or ''}" for number in count() for letter in "xyzw")
    return next(name for name in candidates if names.isdisjoint((name, f"*{name}")))


def queue_names(patterns: Sequence[str], fresh: str, effort: Effort) -> list[str | None]:
    """No queue, and the shortest queue name for each set of queue name patterns that some name matches.

    Parameters
    ----------
    fresh
        A token that no pattern names.

    Raises
    ------
    EffortSpentError
        There were more than ``effort`` allows to look at, or a pattern has a token like ``*x``.

    Notes
    -----
    Server: ``queueMatches``. A ``>`` in a client's queue name is inside a pattern only where that ends in ``>``.
    """
    if not patterns:
        return [None]
    bits = {}
    for index, pattern in enumerate(patterns):
        tokens = tuple(pattern.split("."))
        if any(len(token) > 1 and token[0] == "*" for token in tokens):
            raise EffortSpentError  # the server takes `*x` there for a wildcard, but not for every name
        bits[tokens] = 1 << index
    trie = Automaton(bits.items())

    def steps(state: State) -> Iterator[tuple[Letter, State]]:
        nodes, tail = state
        effort.spend(len(nodes))
        if nodes:
            for token in [*dict.fromkeys(trie.named(state)), FRESH]:
                yield (token or fresh,), trie.step(state, token)
            for node in nodes:
                tail |= trie.tail[node]
            yield (">",), ((), tail)

    def verdict(state: State) -> frozenset[str]:
        return frozenset((f"{trie.mask(state):x}",))

    names = shortest_words(Automaton.start, steps, verdict, frozenset(("every name",)))
    return [None, *(".".join(letter[0] for letter in word) for word in names.values())]


def _entries(block: Permissions) -> Iterator[Entry]:
    for side in (block.pub, block.sub):
        yield from side.allow or ()
        yield from side.deny
