"""Asks a list of patterns whether one of them covers, or overlaps, another pattern."""

from __future__ import annotations

from typing import TYPE_CHECKING

from optimizer.subjects.trie import Automaton

if TYPE_CHECKING:
    from collections.abc import Iterable

    from optimizer.subjects.subject import Subject


class Patterns:
    """Valid patterns without queue names, as a trie: asking costs the pattern's tokens, not the list's length.

    Examples
    --------
    >>> from optimizer.subjects.subject import Subject
    >>> patterns = Patterns([Subject("a.*"), Subject("b.>")])
    >>> patterns.covers(Subject("a.>")), patterns.overlaps(Subject("a.>"))
    (False, True)
    """

    def __init__(self, subjects: Iterable[Subject]) -> None:
        self._trie = Automaton((subject.tokens, 1) for subject in subjects)

    def covers(self, subject: Subject) -> bool:
        """Whether one pattern covers every subject of ``subject``."""
        state = self._trie.start
        for token in subject.tokens:
            if token == ">":
                return bool(state[1]) or any(self._trie.tail[node] for node in state[0])
            # A `*` asked for is no literal of the trie, so only its wildcards answer.
            state = self._trie.step(state, token)
        return bool(self._trie.mask(state))

    def matches(self, tokens: Iterable[str]) -> bool:
        """Whether one pattern matches a literal subject, given as its tokens."""
        return bool(self._trie.match(tokens))

    def overlaps(self, subject: Subject) -> bool:
        """Whether some subject belongs to ``subject`` and to one pattern."""
        nodes = {0}
        for token in subject.tokens:
            if token == ">":
                return any(
                    self._trie.children[node] or self._trie.star[node] or self._trie.tail[node] for node in nodes
                )
            if any(self._trie.tail[node] for node in nodes):
                return True
            below = {self._trie.star[node] for node in nodes}
            for node in nodes:
                children = self._trie.children[node]
                below |= set(children.values()) if token == "*" else {children.get(token, 0)}
            nodes = below - {0}
        return any(self._trie.ends[node] for node in nodes)
