"""What one permission block offers to be widened: each pattern with the entries it replaces and what it would admit."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

from optimizer.edits import EditEntries, ListName
from optimizer.rules.patterns import Patterns
from optimizer.settings import Server
from optimizer.subjects.admitted import Admitted
from optimizer.subjects.generalise import generalisations, openness
from optimizer.subjects.jetstream import may_not_generalise
from optimizer.subjects.protected import denies_for, reach
from optimizer.subjects.subject import TEMPLATE, Subject

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from optimizer.access.principals import Principal
    from optimizer.edits import Edit, Target
    from optimizer.rules import Block
    from optimizer.settings import Settings
    from optimizer.subjects.literals import Literals
    from optimizer.subjects.subject import Entry

Tokens = tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Offer:
    """One entry in place of several.

    Parameters
    ----------
    text
        The entry that comes.
    replaces
        The entries that go, each once.
    denies
        Entries for the deny list of the same side, which keep protected subjects out.
    known
        How many users gain (or of a deny list lose) each known subject, by its index.
    openness
        Of its wildcards.
    """

    target: Target
    list: ListName
    text: str
    replaces: tuple[str, ...]
    denies: tuple[str, ...]
    known: Mapping[int, int]
    openness: float


def items(block: Block, name: ListName) -> tuple[Entry, ...]:
    """The entries of a list that a wider one may replace: plain ones, and in an allow list templates; each once.

    A queue entry is not among them: a wider one would take leave away from every other queue name. A template in a deny
    list is not either: the server refuses whoever it does not expand for.
    """
    found: dict[str, Entry] = {}
    for entry in block.entries(name):
        if entry.queue is None and (
            (entry.is_template and block.is_scope and name.is_allow)
            or not (entry.is_template or entry.is_ignored(publish=name.is_publish))
        ):
            found.setdefault(entry.text, entry)
    return tuple(found.values())


def offers(
    block: Block, name: ListName, behind: Sequence[Principal], known: Literals, settings: Settings
) -> Iterator[Offer]:
    """Every widening of one list that keeps the protected subjects out and is worth comparing with others.

    Parameters
    ----------
    behind
        Everybody whom the block speaks for.
    known
        The subjects known to exist.
    """
    entries = items(block, name)
    texts = [entry.text for entry in entries]
    tokens = [tokens_of(text) for text in texts]
    changed = _Changed(known, name, behind, settings)
    protection = _Protection(block, name, settings)
    for found in generalisations(tokens, keep_prefix=settings.keep_prefix):
        pattern = Subject(".".join(found.tokens))
        covered = [tokens[index] for index in found.covers]
        denies = protection.denies(pattern) if name.is_allow else ()
        if denies is None or (name.is_allow and may_not_generalise(found.tokens, covered) is not None):
            continue
        yield Offer(
            target=block.target,
            list=name,
            text=pattern.text,
            replaces=tuple(texts[index] for index in found.covers),
            denies=denies,
            known=changed.by(pattern, denies),
            openness=openness(found.tokens, covered, subscribe=not name.is_publish, weights=settings.weights),
        )


def edits_of(offer: Offer, block: Block, gone: Sequence[str]) -> tuple[Edit, ...]:
    """The edits that make an offer true.

    Parameters
    ----------
    gone
        Which of the entries it replaces it is to take out; every copy goes.
    """
    copies = [entry.text for entry in block.entries(offer.list)]
    removed = tuple(text for text in gone for _ in range(copies.count(text)))
    edits = [EditEntries(block.target, offer.list, removed, (offer.text,))]
    if offer.denies:
        edits.insert(0, EditEntries(block.target, deny_list(offer.list), (), offer.denies))
    return tuple(edits)


def tokens_of(text: str) -> Tokens:
    """The tokens of an entry; the dots inside a ``{{...}}`` divide nothing.

    Examples
    --------
    >>> tokens_of("orders.{{tag(team.name)}}.new")
    ('orders', '{{tag(team.name)}}', 'new')
    """
    templates = [match.group() for match in TEMPLATE.finditer(text)]
    parts = TEMPLATE.sub("\0", text).split(".")
    filled = iter(templates)
    return tuple("".join(next(filled) if char == "\0" else char for char in part) for part in parts)


class _Protection:
    """What the protected spaces ask of one list: its entries are looked through once, for patterns by the hundred."""

    def __init__(self, block: Block, name: ListName, settings: Settings) -> None:
        self._subscribe = not name.is_publish
        self._literal_only = self._subscribe and Server.EARLIER in settings.servers
        self._protected = [Subject(text) for text in settings.protected]
        self._allowed = block.patterns(name)
        self._denied = block.patterns(deny_list(name))
        entries = block.entries(name)
        self._is_absent = not entries
        self._templates = [entry for entry in entries if entry.is_template]
        subjects = [entry.subject for entry in entries if not entry.is_template and entry.subject.is_valid]
        self._reached = Patterns(reach(subject) if self._subscribe else subject for subject in subjects)

    def denies(self, pattern: Subject) -> tuple[str, ...] | None:
        """The deny entries that keep what a pattern would open of the protected spaces out; None where none can.

        What the list admits already is not newly admitted, and a deny entry would take it away.
        """
        if self._is_absent:
            return ()
        wanted = []
        for subject in denies_for(pattern, self._protected, subscribe=self._subscribe):
            if self._allowed.covers(subject) or (self._denied.covers(subject) and not self._subscribe):
                continue
            if self._literal_only and subject.has_wildcard:
                return None  # before 2.12.14 only a deny inside a subscription filters it: a literal is inside each
            if self._reached.overlaps(subject) or any(_may_fill(entry, subject) for entry in self._templates):
                return None
            wanted.append(subject.text)
        return tuple(wanted)


def _may_fill(entry: Entry, subject: Subject) -> bool:
    """Whether a template may be filled in so that it admits something of a subject."""
    head = entry.text[: entry.text.index("{{")].split(".")[:-1]
    return all(a == b or "*" in (a, b) or ">" in (a, b) for a, b in zip(head, subject.tokens, strict=False))


def denied_anew(offer: Offer, block: Block) -> tuple[str, ...]:
    """The denies of an offer that its list does not hold yet."""
    held = {entry.text for entry in block.entries(deny_list(offer.list))}
    return tuple(text for text in offer.denies if text not in held)


def deny_list(name: ListName) -> ListName:
    """The deny list of the same side."""
    return ListName.PUB_DENY if name.is_publish else ListName.SUB_DENY


class _Changed:
    """How many users gain each known subject by a pattern that comes into an allow list, or lose it to a deny."""

    def __init__(self, known: Literals, name: ListName, behind: Sequence[Principal], settings: Settings) -> None:
        self._known = known
        self._name = name
        counts = Counter(each.permissions for each in behind)
        self._admitting = [(Admitted(permissions, settings.servers[0]), users) for permissions, users in counts.items()]
        self._users: dict[tuple[int, bool], int] = {}

    def by(self, pattern: Subject, denies: Sequence[str]) -> dict[int, int]:
        """The users concerned by each known subject that is inside a pattern, and is not kept out by its denies."""
        publish = self._name.is_publish
        kept_out = Patterns(map(Subject, denies)) if denies else None
        found = {}
        for index in self._known.inside((pattern if publish else reach(pattern)).tokens):
            tokens = self._known.subjects[index]
            if kept_out is not None and kept_out.matches(tokens):
                continue
            below = not publish and pattern.tokens[-1] == "*" and len(tokens) > len(pattern.tokens)
            if users := self._count(index, below=below):
                found[index] = users
        return found

    def _count(self, index: int, *, below: bool) -> int:
        """The users whom a pattern around a subject concerns; ``below`` a final ``*`` that only leads to it."""
        if (index, below) not in self._users:
            tokens = self._known.subjects[index]
            self._users[index, below] = sum(
                users for admitted, users in self._admitting if self._is_concerned(admitted, tokens, below=below)
            )
        return self._users[index, below]

    def _is_concerned(self, admitted: Admitted, tokens: Tokens, *, below: bool) -> bool:
        publish = self._name.is_publish
        if self._name.is_allow:
            return not (admitted.admits(tokens, publish=publish) or admitted.denies(tokens, publish=publish))
        # A deny `a.*` refuses `SUB a.>`, not `SUB a.b.c`: who may ask for the subject itself still receives it.
        return admitted.admits(tokens, publish=publish) and not (below and admitted.subscribes(tokens))
