"""What one permission block offers to be widened: each pattern with the entries it replaces and what it would admit."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

from optimizer.edits import EditEntries, ListName
from optimizer.subjects.admitted import Admitted
from optimizer.subjects.generalise import generalisations, openness
from optimizer.subjects.jetstream import may_not_generalise
from optimizer.subjects.protected import denies_for, reach
from optimizer.subjects.subject import TEMPLATE, Subject
from optimizer.widen.price import NEW_LIST_SIZE, entry_size

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
    size
        Payload bytes it adds.
    """

    target: Target
    list: ListName
    text: str
    replaces: tuple[str, ...]
    denies: tuple[str, ...]
    known: Mapping[int, int]
    openness: float
    size: int


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
    counts = Counter(each.permissions for each in behind)
    admitting = [(Admitted(permissions, settings.servers[0]), users) for permissions, users in counts.items()]
    keeping_out = _Protection(block, name, settings)
    for found in generalisations(tokens, keep_prefix=settings.keep_prefix):
        pattern = Subject(".".join(found.tokens))
        covered = [tokens[index] for index in found.covers]
        denies = keeping_out.denies(pattern) if name.is_allow else ()
        if denies is None or (name.is_allow and may_not_generalise(found.tokens, covered) is not None):
            continue
        touched = reach(pattern) if not name.is_publish else pattern
        yield Offer(
            target=block.target,
            list=name,
            text=pattern.text,
            replaces=tuple(texts[index] for index in found.covers),
            denies=denies,
            known=_changed(known, touched.tokens, name, denies, admitting),
            openness=openness(found.tokens, covered, subscribe=not name.is_publish, weights=settings.weights),
            size=entry_size(pattern.text) + _denies_size(block, name, denies),
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
        deny = ListName.PUB_DENY if offer.list.is_publish else ListName.SUB_DENY
        edits.insert(0, EditEntries(block.target, deny, (), offer.denies))
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
    """What keeps protected subjects out of one list while it is widened."""

    def __init__(self, block: Block, name: ListName, settings: Settings) -> None:
        self.subscribe = not name.is_publish
        self.entries = block.entries(name)
        self.allowed = block.patterns(name)
        self.denied = block.patterns(ListName.PUB_DENY if name.is_publish else ListName.SUB_DENY)
        self.protected = [Subject(text) for text in settings.protected]

    def denies(self, pattern: Subject) -> tuple[str, ...] | None:
        """The deny entries that keep what a pattern would open of the protected spaces out; None where none can.

        What the list admits already is not newly admitted, and a deny entry would take it away.
        """
        wanted = []
        for subject in denies_for(pattern, self.protected, subscribe=self.subscribe):
            if self.allowed.covers(subject) or (self.denied.covers(subject) and not self.subscribe):
                continue
            if self.subscribe and subject.has_wildcard:
                return None  # before 2.12.14 only a deny inside a subscription filters it: a literal is inside each
            if any(_may_overlap(entry, subject, subscribe=self.subscribe) for entry in self.entries):
                return None
            wanted.append(subject.text)
        return tuple(wanted)


def _may_overlap(entry: Entry, subject: Subject, *, subscribe: bool) -> bool:
    """Whether an entry may admit something of a subject, templates and queue entries included."""
    if entry.is_template:
        head = entry.text[: entry.text.index("{{")].split(".")[:-1]
        return all(a == b or "*" in (a, b) or ">" in (a, b) for a, b in zip(head, subject.tokens, strict=False))
    own = entry.subject
    return own.is_valid and (reach(own) if subscribe else own).overlaps(subject)


def _denies_size(block: Block, name: ListName, denies: Sequence[str]) -> int:
    deny = ListName.PUB_DENY if name.is_publish else ListName.SUB_DENY
    if not denies:
        return 0
    return sum(map(entry_size, denies)) + (0 if block.entries(deny) else NEW_LIST_SIZE)


def _changed(
    known: Literals,
    pattern: Tokens,
    name: ListName,
    denies: Sequence[str],
    admitting: Sequence[tuple[Admitted, int]],
) -> dict[int, int]:
    """How many users gain each known subject inside a pattern that comes into an allow list, or lose it to a deny."""
    kept_out = [Subject(text) for text in denies]
    found = {}
    for index in known.inside(pattern):
        tokens = known.subjects[index]
        if any(subject.covers(Subject(".".join(tokens))) for subject in kept_out):
            continue
        users = 0
        for admitted, number in admitting:
            has = admitted.admits(tokens, publish=name.is_publish)
            if name.is_allow and not has:
                has = admitted.denies(tokens, publish=name.is_publish)
                users += 0 if has else number
            elif not name.is_allow and has:
                users += number
        if users:
            found[index] = users
    return found
