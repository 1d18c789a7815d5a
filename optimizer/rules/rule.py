"""What a rule is, and what it sees: a permission block or a whole account. It suggests, and never grades itself."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from optimizer.edits import EditEntries, ListName, TargetKind, entries
from optimizer.proposals import Basis, Evidence, Finding, Severity
from optimizer.rules.patterns import Patterns
from optimizer.subjects.once import once
from optimizer.subjects.subject import entry_of
from optimizer.subjects.trie import covered

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

    from optimizer.claims.model import PermissionLists
    from optimizer.edits import Edit, Target
    from optimizer.rules.view import AccountView
    from optimizer.subjects.subject import Entry


@dataclass(frozen=True)
class Block:
    """One permission block, as a rule looks at it.

    Parameters
    ----------
    target
        Where it is.
    lists
        Its lists, in the order read.
    """

    target: Target
    lists: PermissionLists

    def entries(self, name: ListName) -> tuple[Entry, ...]:
        """One of the four lists; empty where it is absent."""
        return self._entries[name]

    def plain(self, name: ListName) -> tuple[Entry, ...]:
        """The entries of a list that the server matches as they stand: no queue, no template, none that it ignores."""
        if self.is_plain:
            return self.entries(name)
        publish = name.is_publish
        return tuple(
            entry
            for entry in self.entries(name)
            if entry.queue is None and not entry.is_template and not entry.is_ignored(publish=publish)
        )

    def covered(self, name: ListName) -> Mapping[Entry, Entry]:
        """Each plain entry of a list that another plain one covers, and one that covers it."""
        # In an order of their own, so that a list that was only sorted, or lost copies, is not looked at again.
        entries = sorted(set(self.plain(name)), key=str)
        wide = [entry for entry in entries if entry.head != entry.text]
        # What a pattern covers begins with the text before its first wildcard, and mostly no entry does.
        joined = "\n".join(["", *map(str, entries)])
        if all(joined.count(f"\n{entry.head}") == 1 for entry in wide):
            return {}
        inside = {e for e in entries if any(e is not w and e.text.startswith(w.head) for w in wide)}
        entries = [entry for entry in entries if entry in inside or entry in wide]
        return {entries[index]: entries[by] for index, by in covered(entries).items()}

    def patterns(self, name: ListName) -> Patterns:
        """The subjects of a list's `plain` entries, to ask what they cover."""
        return Patterns(entry.subject for entry in self.plain(name))

    @property
    def is_scope(self) -> bool:
        """Whether it is a role's template, whose entries the server never checks and may expand."""
        return self.target.kind is TargetKind.SCOPE

    @once
    def is_plain(self) -> bool:
        """Whether all its entries are plain patterns: no queue, no template, none malformed, none ignored."""
        return all(entry.is_plain and not entry.is_template for texts in self._entries.values() for entry in texts)

    @once
    def _entries(self) -> Mapping[ListName, tuple[Entry, ...]]:
        return {name: tuple(map(entry_of, entries(self.lists, name) or ())) for name in ListName}


@dataclass(frozen=True, slots=True)
class Rule:
    """A rule, whole: its name, how much what it finds matters, its page, and how it looks.

    Parameters
    ----------
    page
        Its module's docstring: what it finds, what that costs, what the proposal changes, when to leave it, sources.
    find
        Looks at one block; None where it takes all blocks of a token to see (`optimizer.widen`), or the account.
    find_in
        Looks at an account, after the rules of its blocks. It is asked of every account of a store, so it looks first
        whether there is anything of its kind at all.
    """

    name: str
    severity: Severity
    page: str
    find: Callable[[Block], Iterator[Finding]] | None
    only_odd: bool = False
    """Whether all that it finds are entries that are no plain patterns."""
    find_in: Callable[[AccountView], Iterator[Finding]] | None = None

    def look(self, block: Block) -> tuple[Finding, ...]:
        """What it finds in a block."""
        if self.find is None or (self.only_odd and block.is_plain):
            return ()
        return tuple(self.find(block))

    def look_at(self, view: AccountView) -> tuple[Finding, ...]:
        """What it finds in an account."""
        return () if self.find_in is None else tuple(self.find_in(view))

    @property
    def summary(self) -> str:
        """The first line of its page."""
        return self.page.partition("\n")[0]

    def finding(
        self,
        block: Block,
        name: ListName | None,
        message: str,
        statements: Iterable[str] = (),
        *,
        removals: Iterable[tuple[tuple[str, ...], tuple[str, ...]]] = (),
        advice: str = "",
    ) -> Finding:
        """What this rule found in one list.

        Parameters
        ----------
        statements
            Why, entry by entry.
        removals
            The entries to take out and to put in, one pair an edit that makes sense alone.
        advice
            Why no edit is offered, where there is none.
        """
        return Finding(
            rule=self.name,
            severity=self.severity,
            target=block.target,
            list=name,
            message=message,
            evidence=tuple(Evidence(Basis.CLAIMS, statement) for statement in statements),
            edits=()
            if name is None
            else tuple(EditEntries(block.target, name, remove, add) for remove, add in removals),
            advice=advice,
        )

    def found_in(
        self,
        target: Target,
        message: str,
        evidence: Iterable[Evidence] = (),
        *,
        edits: Iterable[Edit] = (),
        advice: str = "",
    ) -> Finding:
        """What this rule found in an account.

        Parameters
        ----------
        target
            The part of a token that it is about.
        edits
            Each makes sense alone; all of them are edits of this account's own token, or of what it shares with others.
        """
        return Finding(
            rule=self.name,
            severity=self.severity,
            target=target,
            list=None,
            message=message,
            evidence=tuple(evidence),
            edits=tuple(edits),
            advice=advice,
        )
