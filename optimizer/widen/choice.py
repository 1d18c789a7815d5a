"""One token's offers as a problem to be solved, and a solution as entries that go and come."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from optimizer.edits import ListName
from optimizer.subjects.choose import Choice, Problem, cheapest, frontier
from optimizer.widen.offers import denied_anew, deny_list, edits_of, items, offers
from optimizer.widen.price import NEW_LIST_SIZE, entry_size

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from optimizer.access.principals import Principal
    from optimizer.edits import Edit, Target
    from optimizer.rules import Block
    from optimizer.settings import Settings
    from optimizer.subjects.choose import Selection
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
        In the order of the problem's choices.
    problem
        Each offer weighs all that it writes: what two offers write together, a deny entry or the list it stands in,
        is weighed twice, so that no selection saves less than this says.
    floor
        The same, but what several offers may write together weighs nothing: no selection saves more than this says.
    """

    blocks: Mapping[Target, Block]
    offers: tuple[Offer, ...]
    problem: Problem
    floor: Problem

    def cheapest(self, need: int) -> Selection:
        """The least cost that saves so many payload bytes; proved only if it is the least at the floor too."""
        found = self._weighed(cheapest(self.problem, need))
        if self.floor is self.problem:
            return found
        least = cheapest(self.floor, need)
        other = self._weighed(least)
        if least.reached:
            if other.saved >= need:
                return other
            bound = min(found.bound, least.bound) if found.reached else found.bound
            return replace(found, bound=bound, exact=found.reached and found.cost <= bound)
        best = max(found, other, key=lambda each: (each.saved, -each.cost))
        return replace(best, bound=0.0, exact=least.exact and best.saved >= least.saved)

    def frontier(self) -> tuple[Selection, ...]:
        """What sizes the token can have, from nothing taken to the most that can be saved."""
        found = [self._weighed(each) for each in frontier(self.problem)]
        if self.floor is self.problem:
            return tuple(found)
        bounds = [cheapest(self.floor, each.saved).bound for each in found]
        return tuple(
            replace(each, bound=min(each.bound, bound), exact=each.cost <= bound)
            for each, bound in zip(found, bounds, strict=True)
        )

    def _weighed(self, selection: Selection) -> Selection:
        """With the bytes that it saves, what its offers write together weighed once."""
        written = {part: size for index in selection.chosen for part, size in self._parts(self.offers[index])}
        gone = {item for index in selection.chosen for item in self.problem.choices[index].covers}
        return replace(selection, saved=sum(self.problem.sizes[item] for item in gone) - sum(written.values()))

    def _parts(self, offer: Offer) -> list[tuple[_Part, int]]:
        return _parts(offer, self.blocks[offer.target])


_Part = tuple["Target", ListName, str | None]
"""Something written into a token: an entry of a list, or the list itself."""


def _parts(offer: Offer, block: Block) -> list[tuple[_Part, int]]:
    """What an offer writes, and the payload bytes of each."""
    parts: list[tuple[_Part, int]] = [((offer.target, offer.list, offer.text), entry_size(offer.text))]
    name = deny_list(offer.list)
    if denies := denied_anew(offer, block):
        parts += [((offer.target, name, text), entry_size(text)) for text in denies]
        if not block.entries(name):
            parts.append(((offer.target, name, None), NEW_LIST_SIZE))
    return parts


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
                        size=sum(size for _, size in _parts(offer, block)),
                        cost=offer.openness,
                        admits=tuple(subjects[target, name, index] for index in offer.known),
                    )
                )
    problem = Problem(tuple(sizes), tuple(weights), tuple(choices))
    return TokenOffers(blocks, tuple(found), problem, _floor(problem, found, blocks))


def _floor(problem: Problem, found: Sequence[Offer], blocks: Mapping[Target, Block]) -> Problem:
    if not any(offer.denies for offer in found):
        return problem
    written = [_parts(offer, blocks[offer.target]) for offer in found]
    times = Counter(part for parts in written for part, _ in parts)
    choices = tuple(
        replace(choice, size=sum(size for part, size in parts if times[part] == 1))
        for choice, parts in zip(problem.choices, written, strict=True)
    )
    return problem if choices == problem.choices else replace(problem, choices=choices)


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
