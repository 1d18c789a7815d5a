"""The widenings of one account, judged: of each token the cheapest that get it under its budget, or all worth it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from optimizer.access.gains import gains
from optimizer.access.principals import blocks, holders
from optimizer.claims.encode import token_size
from optimizer.claims.weigh import weigh
from optimizer.edits import permission_lists
from optimizer.judge import signed_of
from optimizer.proposals import FrontierPoint, Grant, Safety, TokenBudget, proposal_id
from optimizer.rules import Block
from optimizer.rules.granular_list import RULE
from optimizer.settings import Server, Widen
from optimizer.subjects.probes import LeafInterest, LeafSubscribe
from optimizer.subjects.subject import Subject, reach
from optimizer.widen.choice import taken, token_offers
from optimizer.widen.offers import tokens_of
from optimizer.widen.price import cost

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from optimizer.claims.keys import AccountKey
    from optimizer.edits import Edit, ListName, Target
    from optimizer.hierarchy import Hierarchy
    from optimizer.judge import State, TokenName, Trial
    from optimizer.proposals import Finding, Judgement
    from optimizer.settings import Settings
    from optimizer.subjects.choose import Selection
    from optimizer.subjects.literals import Literals
    from optimizer.widen.choice import Taken, TokenOffers
    from optimizer.widen.offers import Offer, Tokens

_LEFT_SHOWN = 5
_UNDECIDED = "whether anybody could tell takes too long to find out"
_ROUNDS = 4
"""How often a choice is made again because its widenings together save less than each says."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Widening:
    """One widening as the judge found it."""

    finding: Finding
    judgement: Judgement
    grant: Grant


@dataclass(frozen=True, slots=True, kw_only=True)
class Widened:
    """What came of one account.

    Parameters
    ----------
    budgets
        Of tokens above their budget, and with a frontier asked for of all that have one.
    """

    widenings: tuple[Widening, ...]
    budgets: tuple[TokenBudget, ...]


class AccountWidening:
    """Looks at one account after its safe proposals.

    Parameters
    ----------
    state
        The account after them.
    before
        As read, for the sizes.
    tried
        What comes of edits of one block in that state, and the judgement.
    known
        The subjects known to exist.
    """

    def __init__(
        self,
        state: State,
        before: Hierarchy,
        tried: Callable[[tuple[Edit, ...], Target], tuple[Trial, Judgement]],
        known: Literals,
        settings: Settings,
    ) -> None:
        self.state = state
        self.before = before
        self.tried = tried
        self.known = known
        self.settings = settings

    def widened(self, account: AccountKey) -> Widened:
        """Every token of the account in turn."""
        found: list[Widening] = []
        budgets: list[TokenBudget] = []
        for token, targets in self._tokens(account):
            widenings, budget = self._token(token, targets)
            found += widenings
            budgets += budget
        return Widened(widenings=tuple(found), budgets=tuple(budgets))

    def _tokens(self, account: AccountKey) -> Iterator[tuple[TokenName, list[Target]]]:
        """The tokens that hold permission blocks, and those blocks."""
        by_token: dict[TokenName, list[Target]] = {(account, None): []}
        for target, lists in blocks(self.state.hierarchy, self.state.hierarchy.accounts[account].claims):
            if not lists.is_empty:
                by_token.setdefault((target.account, target.user), []).append(target)
        yield from by_token.items()

    def _token(self, token: TokenName, targets: Sequence[Target]) -> tuple[list[Widening], list[TokenBudget]]:
        settings = self.settings
        name = self.state.hierarchy.accounts[token[0]].claims.name
        budget = settings.budget_of(name, token[0]) if token[1] is None else settings.user_budget
        size = self._size(token)
        over = size > budget
        if not (over or settings.frontier or settings.widen is Widen.WORTHWHILE):
            return [], []
        desk = _Desk(self, token, targets, budget, size)
        widenings: list[Widening] = []
        point: FrontierPoint | None = None
        if settings.widen is Widen.WORTHWHILE:
            widenings = desk.worthwhile()
        elif over and settings.widen is Widen.OVER_BUDGET:
            widenings, point = desk.under_budget()
        points = desk.frontier() if settings.frontier else ()
        if not over and len(points) <= 1:
            return widenings, []
        return widenings, [desk.accounted(signed_of(self.before, token).token.size, point, points)]

    def _size(self, token: TokenName) -> int:
        """Bytes of the token after the safe proposals."""
        if token in self.state.written:
            return token_size(self.state.written[token].payload)
        return signed_of(self.before, token).token.size


class _Desk:
    """One token while its widenings are chosen.

    Parameters
    ----------
    targets
        Its permission blocks.
    size
        Bytes after the safe proposals.
    """

    def __init__(
        self, run: AccountWidening, token: TokenName, targets: Sequence[Target], budget: int, size: int
    ) -> None:
        self.run = run
        self.token = token
        self.budget = budget
        self.size = size
        self.settings = run.settings
        hierarchy = run.state.hierarchy
        self.blocks = {target: Block(target, permission_lists(hierarchy, target)) for target in targets}
        self.behind = {target: holders(hierarchy, target) for target in targets}
        self.refused: set[tuple[Target, ListName, str]] = set()
        self.found: dict[tuple[frozenset[Target], int], TokenOffers] = {}
        self.closed = dict(self._closed())

    def worthwhile(self) -> list[Widening]:
        """Whatever saves enough bytes for its cost, blocks included that no script can edit: as advice."""
        while True:
            offers = self._offers(self.blocks)
            widenings = self._let_through(taken(offers, self._worth_it(offers).chosen))
            if widenings is not None:
                return widenings

    def under_budget(self) -> tuple[list[Widening], FrontierPoint | None]:
        """The cheapest that gets the token under its budget; what is worth it anyway where nothing does."""
        # What nsc writes beside an edit (limits that were not there, for one) or leaves out counts from the start.
        wanted = max(self._payload_over(token_size(self.run.state.as_nsc_writes(self.token).payload)), 1)
        rounds = _ROUNDS
        while True:
            offers = self._offers(self._open())
            selection = offers.cheapest(wanted)
            if not selection.reached:
                selection = self._worth_it(offers)
            these = taken(offers, selection.chosen)
            if not these:
                return [], None
            widenings = self._let_through(these)
            if widenings is None:
                continue
            point = self._point(offers, selection)
            rounds -= 1
            if selection.saved < wanted or point.token_bytes <= self.budget or not rounds:
                return widenings, replace(point, proposals=tuple(_id(widening) for widening in widenings))
            # A deny entry that one widening takes out and another puts in stays.
            wanted += self._payload_over(point.token_bytes)

    def _worth_it(self, offers: TokenOffers) -> Selection:
        """Of the sizes the token can have the one whose bytes and cost weigh least together."""
        rate = self.settings.bytes_per_cost
        return max(offers.frontier(), key=lambda each: each.saved - rate * each.cost)

    def frontier(self) -> tuple[FrontierPoint, ...]:
        """The sizes that a script can give the token, and what each costs."""
        offers = self._offers(self._open())
        points: list[FrontierPoint] = []
        for selection in offers.frontier():
            point = self._point(offers, selection)
            if not points or point.token_bytes < points[-1].token_bytes:  # nsc may write more than is saved
                points.append(point)
        return tuple(points)

    def accounted(self, read: int, point: FrontierPoint | None, points: tuple[FrontierPoint, ...]) -> TokenBudget:
        """What there is to say of the token and its budget."""
        after = self.size if point is None else point.token_bytes
        # What is under its budget needs no answer to how small it could be.
        smallest = points[-1:] if points or after <= self.budget else (self._smallest(),)
        return TokenBudget(
            account=self.token[0],
            user=self.token[1],
            before=read,
            after_safe=self.size,
            budget=self.budget,
            chosen=point,
            smallest=min((after, *(each.token_bytes for each in smallest))),
            smallest_is_least=any(each.is_least for each in smallest),
            left=self._left() if after > self.budget else (),
            closed=tuple(dict.fromkeys(self.closed.values())),
            frontier=points,
        )

    def _open(self) -> dict[Target, Block]:
        return {target: block for target, block in self.blocks.items() if target not in self.closed}

    def _offers(self, from_blocks: Mapping[Target, Block]) -> TokenOffers:
        """What these blocks offer, worked out again only where something was refused since."""
        key = frozenset(from_blocks), len(self.refused)
        if key not in self.found:
            self.found[key] = token_offers(from_blocks, self.behind, self.run.known, self.settings, self.refused)
        return self.found[key]

    def _closed(self) -> Iterator[tuple[Target, str]]:
        """Blocks in which no script can widen anything, and why: what hinders one edit of a block hinders each."""
        offers = self._offers(self.blocks)
        first: dict[Target, int] = {}
        for index, offer in enumerate(offers.offers):
            first.setdefault(offer.target, index)
        for target, index in first.items():
            (one,) = taken(offers, (index,))
            judgement = self.run.tried(one.edits, target)[1]
            if judgement.safety is Safety.ADVICE and not judgement.protected:
                yield target, (*judgement.proof.why_incomplete, _UNDECIDED)[0]

    def _let_through(self, these: Sequence[Taken]) -> list[Widening] | None:
        """What the judge makes of each; None where one does what it must not, which is left out from now on."""
        widenings = [self._judged(one) for one in these]
        refused = {
            (one.offer.target, one.offer.list, one.offer.text)
            for one, widening in zip(these, widenings, strict=True)
            if widening.judgement.protected or _backfires(one.offer, widening.judgement)
        }
        self.refused |= refused
        return None if refused else widenings

    def _judged(self, one: Taken) -> Widening:
        offer = one.offer
        trial, judgement = self.run.tried(one.edits, offer.target)
        finding = RULE.finding(
            self.blocks[offer.target],
            offer.list,
            f"{offer.list.value}: `{offer.text}` could stand for {len(one.gone)} entries, and admits more",
        )
        before, after = self.run.state.hierarchy, trial.after.hierarchy
        gained, lost = gains(before, after, offer.target, self._touched(one), self.settings.servers)
        price = cost(offer.known.values(), offer.openness, self.settings.weights)
        grant = Grant(gained=gained, lost=lost, openness=offer.openness, cost=price)
        return Widening(finding=replace(finding, edits=one.edits), judgement=judgement, grant=grant)

    def _touched(self, one: Taken) -> list[Tokens]:
        """The known subjects that the changed entries can have to do with.

        Those inside the pattern; and before 2.12.14, where an entry that leads on hides the ``*`` beside it, those
        inside the beginning of any entry that comes or goes.
        """
        known, pattern = self.run.known, Subject(one.offer.text)
        patterns = {reach(pattern).tokens}
        if Server.EARLIER in self.settings.servers:
            changed = {tokens_of(text) for edit in one.edits for text in (*edit.remove, *edit.add)}
            patterns |= {tokens[:depth] for tokens in changed for depth in range(1, len(tokens) + 1)}
        found = sorted({index for tokens in patterns for index in known.inside(tokens)})
        return [known.subjects[index] for index in found]

    def _payload_over(self, size: int) -> int:
        """Payload bytes that a token of this size has too many."""
        # Base64 makes 4 bytes of 3, so the largest payload that still fits is rounded down.
        largest = (self.budget - token_size(0)) * 3 // 4
        return max((size - token_size(0)) * 3 // 4 - largest, 0)

    def _size_with(self, these: Sequence[Taken]) -> int:
        """Bytes of the token with all of these, exactly."""
        if not these:
            return self.size
        edits = [edit for each in these for edit in each.edits]
        trial = self.run.state.tried(edits, self.settings)
        return next(change.after for change in trial.tokens if (change.account, change.user) == self.token)

    def _smallest(self) -> FrontierPoint:
        offers = self._offers(self._open())
        return self._point(offers, offers.cheapest(sum(offers.problem.sizes)))

    def _point(self, offers: TokenOffers, selection: Selection) -> FrontierPoint:
        chosen = [offers.offers[index] for index in selection.chosen]
        gained = {(offer.target, offer.list, index): users for offer in chosen for index, users in offer.known.items()}
        return FrontierPoint(
            token_bytes=self._size_with(taken(offers, selection.chosen)),
            cost=selection.cost,
            bound=selection.bound,
            is_least=selection.exact,
            gained=sum(gained.values()),
            patterns=tuple((offer.list, offer.text) for offer in chosen),
        )

    def _left(self) -> tuple[tuple[str, int], ...]:
        """What the token consists of after the safe proposals, largest first."""
        sections = weigh(signed_of(self.run.state.hierarchy, self.token).claims, 2)
        largest = sorted(sections, key=lambda weight: (-weight.token_bytes, weight.pointer))
        return tuple((weight.pointer, weight.token_bytes) for weight in largest[:_LEFT_SHOWN])


def _backfires(offer: Offer, judgement: Judgement) -> bool:
    """Whether a client loses something by a wider allow entry, or gains something by a wider deny entry.

    Server: ``matchLevelForAny`` before 2.12.14 does not find ``c.*`` for ``c.a`` where ``c.a.x`` leads on.
    """
    other = judgement.lost if offer.list.is_allow else judgement.gained
    return any(not isinstance(witness.probe, LeafSubscribe | LeafInterest) for witness in other)


def _id(widening: Widening) -> str:
    return proposal_id(widening.finding, widening.finding.edits)
