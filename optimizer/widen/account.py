"""The widenings of one account, judged: of each token the cheapest that get it under its budget, or all worth it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from optimizer.access.gains import gains
from optimizer.access.principals import blocks, holders
from optimizer.claims.encode import payload_bytes, token_size
from optimizer.claims.weigh import gathered, weigh
from optimizer.edits import ListName, permission_lists
from optimizer.proposals import FrontierPoint, Grant, Safety, TokenBudget, proposal_id
from optimizer.rules import Block
from optimizer.rules.granular_list import RULE
from optimizer.settings import Widen
from optimizer.subjects.choose import cheapest, frontier
from optimizer.widen.choice import taken, token_offers
from optimizer.widen.price import cost

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from optimizer.claims.keys import AccountKey
    from optimizer.claims.model import AccountClaims, UserClaims
    from optimizer.edits import Edit, Target
    from optimizer.hierarchy import Hierarchy
    from optimizer.judge import State, TokenName, Trial
    from optimizer.proposals import Finding, Judgement
    from optimizer.settings import Settings
    from optimizer.subjects.choose import Selection
    from optimizer.subjects.literals import Literals
    from optimizer.widen.choice import Taken, TokenOffers

_LEFT_SHOWN = 5
_ROUNDS = 4
"""How often a choice is made again because nsc writes more beside it than the entries weigh."""


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
        budget = self.settings.budget if token[1] is None else self.settings.user_budget
        size = self._size(token)
        over = size > budget
        if not (over or self.settings.frontier or self.settings.widen is Widen.WORTHWHILE):
            return [], []
        desk = _Desk(self, token, targets, budget, size)
        return desk.widened(over=over)

    def _size(self, token: TokenName) -> int:
        """Bytes of the token after the safe proposals."""
        if token in self.state.written:
            return token_size(self.state.written[token].payload)
        account, user = token
        signed = self.before.accounts[account] if user is None else self.before.users[user, account]
        return signed.token.size


class _Desk:
    """One token while its widenings are chosen."""

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
        self.closed: dict[Target, str] = {}
        self.offers = self._offers()

    def widened(self, *, over: bool) -> tuple[list[Widening], list[TokenBudget]]:
        """The widenings to propose, and the account of the budget."""
        chosen: Selection | None = None
        point: FrontierPoint | None = None
        widenings: list[Widening] = []
        if self.settings.widen is Widen.WORTHWHILE or (over and self.settings.widen is Widen.OVER_BUDGET):
            widenings, chosen, bytes_after = self._chosen(over=over)
            if widenings and chosen is not None:
                point = self._point(chosen, bytes_after, tuple(self._id(each) for each in widenings))
        if not (over or self.settings.frontier):
            return widenings, []
        points = tuple(self._frontier()) if self.settings.frontier else ()
        smallest = min((each.token_bytes for each in points), default=self._smallest())
        after = self.size if point is None else point.token_bytes
        return widenings, [
            TokenBudget(
                account=self.token[0],
                user=self.token[1],
                before=self._before(),
                after_safe=self.size,
                budget=self.budget,
                chosen=point,
                smallest=min(smallest, after),
                left=self._left() if after > self.budget else (),
                closed=tuple(dict.fromkeys(self.closed.values())),
                frontier=points,
            )
        ]

    def _offers(self) -> TokenOffers:
        open_blocks = {target: block for target, block in self.blocks.items() if target not in self.closed}
        return token_offers(open_blocks, self.behind, self.run.known, self.settings, self.refused)

    def _chosen(self, *, over: bool) -> tuple[list[Widening], Selection | None, int]:
        """The choice, made again until the judge lets all of it through and it is as small as wanted."""
        for_budget = over and self.settings.widen is Widen.OVER_BUDGET
        wanted = self._payload_over(self.size)
        rounds = _ROUNDS
        while True:
            problem = self.offers.problem
            chosen = cheapest(problem, wanted) if for_budget else self._worthwhile()
            these = taken(self.offers, chosen.chosen)
            if not these:
                return [], None, self.size
            widenings = [self._judged(each) for each in these]
            if self._refuses(these, widenings):
                self.offers = self._offers()
                continue
            size = self._size_with(these)
            rounds -= 1
            if not for_budget or not chosen.reached or size <= self.budget or not rounds:
                return widenings, chosen, size
            wanted += self._payload_over(size)

    def _worthwhile(self) -> Selection:
        """Of the sizes the token can have the one whose bytes and cost weigh least together."""
        rate = self.settings.bytes_per_cost
        return max(frontier(self.offers.problem), key=lambda each: each.saved - rate * each.cost)

    def _judged(self, one: Taken) -> Widening:
        trial, judgement = self.run.tried(one.edits, one.offer.target)
        finding = RULE.finding(
            self.blocks[one.offer.target],
            one.offer.list,
            f"{one.offer.list.value}: `{one.offer.text}` could stand for {len(one.gone)} entries, and admits more",
        )
        before, after = self.run.state.hierarchy, trial.after.hierarchy
        pattern = one.offer
        touched = [self.run.known.subjects[index] for index in pattern.known]
        gained, lost = gains(before, after, pattern.target, touched, self.settings.servers)
        users = [len(gain.principals) for gain in (*gained, *lost)]
        grant = Grant(
            gained=gained,
            lost=lost,
            openness=pattern.openness,
            cost=cost(users, pattern.openness, self.settings.weights),
        )
        return Widening(finding=replace(finding, edits=one.edits), judgement=judgement, grant=grant)

    def _refuses(self, these: Sequence[Taken], widenings: Sequence[Widening]) -> bool:
        """Leave out what the judge does not let through: a pattern that opens what is protected, or a whole block."""
        refused = False
        for one, widening in zip(these, widenings, strict=True):
            judgement = widening.judgement
            if judgement.protected:
                self.refused.add((one.offer.target, one.offer.list, one.offer.text))
                refused = True
            elif judgement.safety is Safety.ADVICE and self.settings.widen is Widen.OVER_BUDGET:
                # What no script can carry out gets no token smaller; what hinders one edit of a block hinders each.
                self.closed[one.offer.target] = judgement.proof.why_incomplete[0]
                refused = True
        return refused

    def _size_with(self, these: Iterable[Taken]) -> int:
        """Bytes of the token with all of these, exactly."""
        edits = [edit for each in these for edit in each.edits]
        trial = self.run.state.tried(edits, self.settings)
        return next(change.after for change in trial.tokens if (change.account, change.user) == self.token)

    def _payload_over(self, size: int) -> int:
        """Payload bytes that a token of this size is above the budget."""
        # Base64 makes 4 bytes of 3: the payload of a token of n bytes is not n * 3 / 4 in whole numbers.
        largest = (self.budget - token_size(0)) * 3 // 4
        return max((size - token_size(0)) * 3 // 4 - largest, 0)

    def _frontier(self) -> Iterator[FrontierPoint]:
        for selection in frontier(self.offers.problem):
            these = taken(self.offers, selection.chosen)
            size = self._size_with(these) if these else self.size
            yield self._point(selection, size)

    def _smallest(self) -> int:
        these = taken(self.offers, cheapest(self.offers.problem, sum(self.offers.problem.sizes)).chosen)
        return self._size_with(these) if these else self.size

    def _point(self, selection: Selection, size: int, proposals: tuple[str, ...] = ()) -> FrontierPoint:
        offers = [self.offers.offers[index] for index in selection.chosen]
        gained: dict[tuple[Target, ListName, int], int] = {}
        for offer in offers:
            gained |= {(offer.target, offer.list, index): users for index, users in offer.known.items()}
        return FrontierPoint(
            token_bytes=size,
            cost=selection.cost,
            bound=selection.bound,
            is_least=selection.exact,
            gained=sum(gained.values()),
            patterns=tuple((offer.list, offer.text) for offer in offers),
            proposals=proposals,
        )

    def _id(self, widening: Widening) -> str:
        return proposal_id(widening.finding, widening.finding.edits)

    def _before(self) -> int:
        account, user = self.token
        before = self.run.before
        return (before.accounts[account] if user is None else before.users[user, account]).token.size

    def _claims(self) -> AccountClaims | UserClaims:
        account, user = self.token
        hierarchy = self.run.state.hierarchy
        return hierarchy.accounts[account].claims if user is None else hierarchy.users[user, account].claims

    def _left(self) -> tuple[tuple[str, int], ...]:
        """What the token consists of after the safe proposals, largest first."""
        sections = gathered(weigh(self._claims()), 2)
        largest = sorted(sections, key=lambda weight: (-weight.token_bytes, weight.pointer))
        return tuple((weight.pointer, weight.token_bytes) for weight in largest[:_LEFT_SHOWN])
