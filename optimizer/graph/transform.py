"""One subject made into another: by an import, on its way in or out, and by an account's mappings.

Server: ``subjectTransform``.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from optimizer.graph.resolve import place_of, tokenized
from optimizer.subjects.subject import Subject

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from optimizer.claims.model import AccountClaims, Json

_WHOLE = 100  # per cent


def image(source: str, target: str, subject: Subject) -> str | None:
    """What a subject inside ``source`` is called in ``target``; None where only the server could say.

    Parameters
    ----------
    subject
        Literal or a pattern, as long as it lies in ``source``.

    Examples
    --------
    >>> image("s.*.*", "l.$2.$1", Subject("s.a.b")), image("s.>", "x.s.>", Subject("s.a.b"))
    ('l.b.a', 'x.s.a.b')
    """
    if source == target:
        return subject.text
    if not Subject(source).has_wildcard:
        return target
    return _filled(source, tokenized(target), subject)


def preimage(source: str, target: str, subject: Subject) -> str | None:
    """From the importer's subject back to the exporter's, as the server turns its transform round.

    Which is no true inverse: it puts the references into the places of the wildcards in the order it finds them.

    Server: ``subjectTransform.reverse``.

    Examples
    --------
    >>> preimage("s.*.*", "l.$2.$1", Subject("l.b.a"))
    's.a.b'
    """
    if source == target:
        return subject.text
    if not Subject(source).has_wildcard:
        return source
    references = [token for token in tokenized(target) if place_of(token) is not None]
    stars = Subject(source).tokens.count("*")
    if any(place_of(token) == "" for token in references) or len(references) != stars:
        return None
    wild = ["*" if place_of(token) is not None else token for token in tokenized(target)]
    places = iter(references)
    back = [next(places) if token == "*" else token for token in source.split(".")]
    return _filled(".".join(wild), back, subject)


def _filled(source: str, target: Sequence[str], subject: Subject) -> str | None:
    own = source.split(".")
    stars = [index for index, token in enumerate(own) if token == "*"]
    made: list[str] = []
    for token in target:
        place = place_of(token)
        if place is None:
            if token == ">":
                made += subject.tokens[len(own) - 1 :]
            else:
                made.append(token)
        elif place == "" or not 1 <= int(place) <= len(stars):
            return None
        else:
            made.append(subject.tokens[stars[int(place) - 1]])
    return ".".join(made)


def is_turned_round(source: str, target: str) -> bool:
    """Whether the server finds the exporter's subject again of every subject of the importer.

    Where it does not, a client that subscribes to less than all of an import hears other messages than it asked for.
    """
    stars = Subject(source).tokens.count("*")
    places = [place for token in tokenized(target) if (place := place_of(token)) is not None]
    if source == target or not places:
        return True
    if "" in places or sorted(map(int, places)) != list(range(1, stars + 1)):
        return False
    return all(int(places[int(place) - 1]) == index for index, place in enumerate(places, 1))


@dataclass(frozen=True, slots=True)
class Mapped:
    """What an account's mappings may make of a subject.

    Parameters
    ----------
    subject
        None where the message is thrown away, or where only the server could say what it is called.
    certain
        Whether it is so every time.
    why
        Where it is not.
    """

    subject: str | None
    certain: bool
    why: str = ""


def mapped(account: AccountClaims, subject: str) -> tuple[Mapped, ...]:
    """What becomes of a message that enters an account on a literal subject, mappings considered once.

    Server: ``Account.selectMappedSubject``; of several mappings that match it takes the first, in no fixed order.
    """
    literal = Subject(subject)
    matching = [
        (source, targets)
        for source, targets in account.mappings.items()
        if Subject(source).admits(literal) and not _repeats(targets)
    ]
    if not matching:
        return (Mapped(subject, certain=True),)
    found: dict[tuple[str | None, str], Mapped] = {}
    for source, targets in sorted(matching):
        for each in _targets(source, targets, literal):
            if each.subject is None:  # each has its own reason, of which none may hide another
                found.setdefault((None, each.why), each)
            else:
                one = each if len(matching) == 1 else Mapped(each.subject, certain=False, why=_SEVERAL)
                found.setdefault((one.subject, ""), one)
    return tuple(found.values())


def _repeats(targets: Sequence[Mapping[str, Json]]) -> bool:
    """Whether one target stands twice: then the server makes no mapping at all. Server: ``AddWeightedMappings``."""
    return len({target.get("subject") for target in targets}) < len(targets)


_SEVERAL = "several mappings match, and the server takes any of them"


def _targets(source: str, targets: Sequence[Mapping[str, Json]], subject: Subject) -> Iterator[Mapped]:
    """Server: ``Account.AddWeightedMappings``: what is left of 100 per cent stays as it was, or is lost by intent."""
    plain = [target for target in targets if not target.get("cluster")]
    left = _WHOLE - sum(_weight(target) for target in plain)
    shares = len(targets) > 1 or left > 0 or len(plain) < len(targets)
    why = ""
    if len(plain) < len(targets):
        why = f"the mapping of `{source}` differs from cluster to cluster"
    elif shares:
        why = f"the mapping of `{source}` shares messages out by weight"
    for target in targets:
        text = str(target.get("subject", ""))
        made = _destination(source, text, subject)
        if made is None:
            yield Mapped(None, certain=False, why=f"`{text}` is worked out by the server")
        else:
            yield Mapped(made, certain=not shares, why=why)
    if left > 0 or len(plain) < len(targets):
        kept = all(target.get("subject") != source for target in targets)
        yield Mapped(subject.text if kept else None, certain=False, why=why)


def _destination(source: str, target: str, subject: Subject) -> str | None:
    if "*" in target.split(".") or (Subject(source).tokens[-1] == ">") != (Subject(target).tokens[-1] == ">"):
        return None  # Server: NewSubjectTransform refuses it, and the account is left without this mapping
    return _filled(source, target.split("."), subject)


def _weight(target: Mapping[str, Json]) -> int:
    return int(target.get("weight", 0) or _WHOLE)
