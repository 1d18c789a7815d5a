"""One token's offers as a problem to be solved, and a solution as entries that go and come."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from optimizer.edits import ListName
from optimizer.subjects.choose import Choice, Problem
from optimizer.widen.offers import edits_of, items, offers
from optimizer.widen.price import entry_size

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from optimizer.access.principals import Principal
    from optimizer.edits import Edit, Target
    from optimizer.rules import Block
    from optimizer.settings import Settings
    from optimizer.subjects.literals import Literals
    from optimizer.widen.offers import Offer


@dataclass(frozen=True, slots=True)
class TokenOffers:
    """All that can be widened in one token.

    Parameters
    ----------
    blocks
        Its permission blocks.
    offers
        In the order of `problem`'s choices.
    """

    blocks: Mapping[Target, Block]
    offers: tuple[Offer, ...]
    problem: Problem


@dataclass(frozen=True, slots=True)
class Taken:
    """An offer that was taken, with the entries it takes out: those that no offer before it took."""

    offer: Offer
    gone: tuple[str, ...]
    edits: tuple[Edit, ...]


def token_offers(
    blocks: Mapping[Target, Block],
    behind: Mapping[Target, Sequence[Principal]],
    known: Literals,
    settings: Settings,
    refused: Iterable[tuple[Target, ListName, str]] = (),
) -> TokenOffers:
    """What one token's blocks offer together.

    Parameters
    ----------
    behind
        Everybody whom each block speaks for.
    refused
        Patterns that the judge would not let through.
    """
    refused = frozenset(refused)
    places: dict[tuple[Target, ListName, str], int] = {}
    sizes: list[int] = []
    weights: list[float] = []
    subjects: dict[tuple[Target, ListName, int], int] = {}
    found: list[Offer] = []
    choices: list[Choice] = []
    for target, block in blocks.items():
        for name in ListName:
            here = list(offers(block, name, behind[target], known, settings))
            if not here:
                continue
            copies = [entry.text for entry in block.entries(name)]
            for entry in items(block, name):
                places[target, name, entry.text] = len(sizes)
                sizes.append(entry_size(entry.text) * copies.count(entry.text))
            for offer in here:
                if (target, name, offer.text) in refused:
                    continue
                for index, users in offer.known.items():
                    if (target, name, index) not in subjects:
                        subjects[target, name, index] = len(weights)
                        weights.append(settings.weights.known * users)
                found.append(offer)
                choices.append(
                    Choice(
                        covers=tuple(places[target, name, text] for text in offer.replaces),
                        size=offer.size,
                        cost=offer.openness,
                        admits=tuple(subjects[target, name, index] for index in offer.known),
                    )
                )
    return TokenOffers(blocks, tuple(found), Problem(tuple(sizes), tuple(weights), tuple(choices)))


def taken(token: TokenOffers, chosen: Iterable[int]) -> tuple[Taken, ...]:
    """What a solution takes, each entry taken out by one offer only: the one that replaces most comes first."""
    gone: set[tuple[Target, ListName, str]] = set()
    found = []
    for index in sorted(chosen, key=lambda index: (-len(token.offers[index].replaces), index)):
        offer = token.offers[index]
        own = tuple(text for text in offer.replaces if (offer.target, offer.list, text) not in gone)
        gone |= {(offer.target, offer.list, text) for text in own}
        found.append(Taken(offer, own, edits_of(offer, token.blocks[offer.target], own)))
    return tuple(found)
