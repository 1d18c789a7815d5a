"""What all kinds of nsc commands have in common."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from optimizer.hierarchy import Hierarchy


class Command(Protocol):
    """One nsc command, as far as a script has to know it."""

    @property
    def activation(self) -> str:
        """An activation token that it reads from a file; empty where it reads none."""
        ...

    @property
    def each(self) -> tuple[str, ...]:
        """What the last of its words is completed with, one call each; empty where it is one call."""
        ...

    def done_to(self, hierarchy: Hierarchy) -> Hierarchy:
        """The claims after nsc ran it, before nsc encodes them.

        Raises
        ------
        KeyError
            nsc would refuse it.
        """
        ...

    def words(self, hierarchy: Hierarchy) -> tuple[str, ...]:
        """The words behind ``nsc``, run on this hierarchy.

        The key that signed is named each time: without it nsc takes another when that one is missing.
        """
        ...
