"""Two pattern lists side by side in one automaton: before and after."""

from __future__ import annotations

from copy import copy
from typing import TYPE_CHECKING

from optimizer.subjects.permissions import asked_for_any, deny_patterns, publish_patterns
from optimizer.subjects.trie import FRESH, Automaton, State

if TYPE_CHECKING:
    from collections.abc import Iterable

    from optimizer.settings import Server
    from optimizer.subjects.permissions import Pattern, Permissions
    from optimizer.subjects.search import Effort

AFTER = 8
"""Bits of the block after are those of the block before, shifted by this."""
_SIDE = (1 << AFTER) - 1


class Both:
    """Two pattern lists in one automaton, and which of its nodes cannot tell them apart."""

    def __init__(
        self,
        before: Iterable[Pattern],
        after: Iterable[Pattern],
        effort: Effort,
        automaton: type[Automaton] = Automaton,
    ) -> None:
        self.trie = automaton(
            [(tokens, bits) for tokens, bits in before] + [(tokens, bits << AFTER) for tokens, bits in after]
        )
        self.effort = effort
        self._may_differ = self.trie.differs(_uneven)

    def remarked(self, before: Iterable[int], after: Iterable[int]) -> Both:
        """The same patterns with other bits, in the order in which they came."""
        other = copy(self)
        other.trie = self.trie.remarked([*before, *(bits << AFTER for bits in after)])
        other._may_differ = other.trie.differs(_uneven)  # noqa: SLF001 its own
        return other

    def is_settled(self, state: State) -> bool:
        """Whether no extension of the subject read so far can be answered differently."""
        return not self._may_differ(state)

    def letters(self, state: State) -> list[str]:
        """Every token that matters from here, `FRESH` included."""
        self.effort.spend(len(state[0]))
        return [*dict.fromkeys(self.trie.named(state)), FRESH]

    def split(self, state: State) -> tuple[int, int]:
        """The masks of before and after for the subject read so far."""
        mask = self.trie.mask(state)
        return mask & _SIDE, mask >> AFTER


def publishing(before: Permissions, after: Permissions, *, server: Server, effort: Effort) -> Both:
    """Both blocks' publish lists, as the server asks them about a message. Server: ``pubAllowedFullCheck``."""
    old, new = publish_patterns(before.pub, server), publish_patterns(after.pub, server)
    return Both(old, new, effort, asked_for_any(server))


def denying(before: Permissions, after: Permissions, queue: str | None, *, server: Server, effort: Effort) -> Both:
    """Both blocks' denies, as the server asks them about a message once its filter is on. Server: ``checkDenySub``."""
    old, new = deny_patterns(before.sub, queue, server), deny_patterns(after.sub, queue, server)
    return Both(old, new, effort, asked_for_any(server))


def _uneven(bits: int) -> int:
    return (bits & _SIDE) ^ (bits >> AFTER)
