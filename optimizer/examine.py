"""From a hierarchy to a plan: rules notice, the judge grades, what is lossless is taken until no more is found.

Account by account and block by block the rules look at the lists as they stand, and then others at the account as a
whole. A finding whose edits are safe together is accepted, and the rules look again at what is left: so what becomes
removable only after another removal is in the same plan. What is not safe is proposed on top of that, with its witness.
In the end every account's accepted edits are judged once more as a whole.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from optimizer.access.principals import blocks
from optimizer.collecting import without_collecting
from optimizer.edits import Target, permission_lists, touches_account_token
from optimizer.judge import State, believed, by_account, obstacles, service_importers, tried_among, verdict
from optimizer.proposals import Plan, Proposal, Safety, SetAside, proposal_id
from optimizer.rules import RULES, AccountView, Block, Surroundings, granular_list
from optimizer.rules.screen import may_find
from optimizer.settings import Widen
from optimizer.subjects.compare import Relation

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from optimizer.claims.keys import AccountKey
    from optimizer.edits import Edit
    from optimizer.hierarchy import Hierarchy
    from optimizer.judge import Trial
    from optimizer.proposals import Finding, Grant, Judgement, TokenBudget
    from optimizer.rules import Rule
    from optimizer.settings import Settings
    from optimizer.subjects.literals import Literals

MANY = 8
"""More edits than these that are not safe are one proposal, not one each."""

Place = Target | str
"""Where rules look: a permission block, or an account by its key."""

_ORDER = (Safety.SAFE, Safety.GUARDED, Safety.RISKY, Safety.ADVICE)


@without_collecting()
def examine(
    hierarchy: Hierarchy,
    settings: Settings,
    progress: Callable[[int, int], None] | None = None,
    known: Iterable[str] = (),
) -> Plan:
    """Everything worth proposing for a hierarchy.

    Parameters
    ----------
    progress
        Told how many accounts are done, and of how many.
    known
        Literal subjects known to exist, beside those that the hierarchy itself names: for the price of widenings.

    Returns
    -------
    Plan
        The safe proposals first, each judged on top of those before it in its account, so that their savings add up;
        then the others, judged on top of the safe ones of their account.
    """
    settings = believed(settings, hierarchy)
    chosen = [rule for rule in RULES if not settings.rules or rule.name in settings.rules]
    rules = [rule for rule in chosen if rule.find_in is None], [rule for rule in chosen if rule.find_in is not None]
    literals = _literals(hierarchy, known) if _widens(settings) else None
    importers = service_importers(hierarchy)
    around = Surroundings(hierarchy, settings)
    accounts = [
        account
        for account, signed in sorted(hierarchy.accounts.items(), key=lambda item: (item[1].claims.name, item[0]))
        if settings.chooses(signed.claims.name, account)
    ]
    parts = by_account(hierarchy, accounts)
    examined = []
    for done, account in enumerate(accounts, start=1):
        base = State(parts[account], importers=importers.get(account, ()))
        worker = _Account(account, hierarchy, settings, *rules, base, around, literals)
        worker.examine()
        examined.append(worker)
        if progress is not None:
            progress(done, len(accounts))
    proposals = [proposal for worker in examined for proposal in worker.proposals]
    trials = [worker.whole for worker in examined if worker.whole is not None]
    return Plan(
        hierarchy=hierarchy,
        proposals=tuple(sorted(proposals, key=lambda proposal: _ORDER.index(proposal.judgement.safety))),
        findings=tuple(finding for worker in examined for finding in worker.findings),
        set_aside=tuple(aside for worker in examined for aside in worker.set_aside),
        # Nothing hinders any of them: each account's were found safe as a whole.
        judgement=verdict(trials, (), settings) if trials else None,
        budgets=tuple(budget for worker in examined for budget in worker.budgets),
    )


def _widens(settings: Settings) -> bool:
    wanted = settings.widen is not Widen.NOTHING or settings.frontier
    return wanted and (not settings.rules or granular_list.RULE.name in settings.rules)


def _literals(hierarchy: Hierarchy, known: Iterable[str]) -> Literals:
    from optimizer.access.known import known_subjects_of  # noqa: PLC0415 20 ms that a run without widenings does not pay
    from optimizer.subjects.literals import Literals  # noqa: PLC0415 as above

    subjects = sorted({*known_subjects_of(hierarchy), *known})
    return Literals(subject.split(".") for subject in subjects)


@dataclass(slots=True)
class _Account:
    """One account under examination."""

    account: AccountKey
    hierarchy: Hierarchy
    settings: Settings
    rules: Sequence[Rule]
    account_rules: Sequence[Rule]
    base: State
    around: Surroundings
    known: Literals | None = None
    proposals: list[Proposal] = field(default_factory=list)
    findings: list[Finding] = field(default_factory=list)
    set_aside: list[SetAside] = field(default_factory=list)
    budgets: tuple[TokenBudget, ...] = ()
    whole: Trial | None = None
    """What comes of all safe proposals together."""
    _known: dict[tuple[Edit, ...], tuple[State, tuple[Trial, Judgement]]] = field(default_factory=dict)

    def examine(self) -> None:
        """Find and grade everything in the account."""
        state = self.base
        left: list[tuple[Place, list[Finding]]] = []
        for target, lists in blocks(state.hierarchy, state.hierarchy.accounts[self.account].claims):
            if may_find(lists):
                state, found = self._taken(target, state, Safety.SAFE)
                left.append((target, found))
        state, found = self._taken(self.account, state, Safety.SAFE)
        left.append((self.account, found))
        state = self._judged_as_a_whole(state)
        for place, found in left:
            here, rest = state, found
            if any(finding.edits for finding in rest):
                if self.settings.has_words or self.set_aside:
                    here, rest = self._taken(place, state, Safety.GUARDED)
                self._propose_the_rest(rest, here)
            self.findings += [finding for finding in rest if not finding.edits]
        if self.known is not None:
            self._widen(self.account, state, self.known)

    def _widen(self, account: AccountKey, state: State, known: Literals) -> None:
        """What admits more, on top of what is safe; what edits the same entries of a list is an alternative."""
        from optimizer.widen.account import AccountWidening  # noqa: PLC0415 10 ms that a run without them does not pay

        def tried(edits: tuple[Edit, ...], target: Target) -> tuple[Trial, Judgement]:
            return self._tried(edits, target, state)

        widened = AccountWidening(state, self.base.hierarchy, tried, known, self.settings).widened(account)
        self.budgets = widened.budgets
        first = len(self.proposals)
        for one in widened.widenings:
            self._propose(one.finding, one.judgement, one.grant)
        self._take_in_safe(first)
        for index, proposal in enumerate(self.proposals):
            others = self.proposals[:first] if index >= first else self.proposals[first:]
            rivals = tuple(other.id for other in others if _edit_the_same(proposal, other))
            if rivals:
                self.proposals[index] = replace(proposal, alternatives=(*proposal.alternatives, *rivals))

    def _take_in_safe(self, first: int) -> None:
        """Widenings that admit no more after all are among the safe, which are judged as a whole."""
        safe = [one for one in self.proposals if one.judgement.safety is Safety.SAFE]
        new = [one for one in self.proposals[first:] if one.judgement.safety is Safety.SAFE]
        if not new:
            return
        whole = self._safe_together(safe)
        if whole is not None:
            self.whole = whole
            return
        self.proposals = [one for one in self.proposals if one not in new]
        self.set_aside += [SetAside(one.id, "with the others the plan as a whole would not be safe") for one in new]

    def _looking(self, place: Place, state: State) -> Callable[[Rule], tuple[Finding, ...]]:
        """What a rule finds in a place as it is now."""
        if isinstance(place, Target):
            block = Block(place, permission_lists(state.hierarchy, place))
            return lambda rule: rule.look(block)
        view = AccountView(self.account, state.hierarchy, self.around)
        return lambda rule: rule.look_at(view)

    def _taken(self, place: Place, state: State, wanted: Safety) -> tuple[State, list[Finding]]:
        """The state with every proposal of this safety accepted, and the findings that then are left."""
        while True:
            look = self._looking(place, state)
            found: list[Finding] = []
            for rule in self.rules if isinstance(place, Target) else self.account_rules:
                these = look(rule)
                if not these:
                    continue
                grown = self._accepted(these, state, wanted)
                if grown is not state:
                    state = grown
                    break  # what they look at is other now: every rule looks again
                found += these
            else:
                return state, found

    def _accepted(self, findings: Sequence[Finding], state: State, wanted: Safety) -> State:
        """The state with one rule's findings in one place accepted, as far as they are of this safety."""
        before = state
        editing = [finding for finding in findings if finding.edits]
        for finding in editing:
            state = self._accept(finding, self._largest(finding, state, wanted), state)
        if state is before and len(editing) > 1 and editing[0].list is not None:
            # nsc may be able to edit two lists of a block only together: `--rm` reaches into all four.
            both = _merged(editing)
            if self._tried(both.edits, both.target, state)[1].safety is wanted:
                state = self._accept(both, both.edits, state)
        return state

    def _accept(self, finding: Finding, edits: tuple[Edit, ...], state: State) -> State:
        if not edits:
            return state
        trial, judgement = self._tried(edits, finding.target, state)
        self._propose(_narrowed(finding, edits), judgement)
        return trial.after

    def _largest(self, finding: Finding, state: State, wanted: Safety) -> tuple[Edit, ...]:
        """As many of a finding's edits as are of this safety together: all, or found by halving."""

        def grown(kept: tuple[Edit, ...], more: tuple[Edit, ...]) -> tuple[Edit, ...]:
            if self._tried(kept + more, finding.target, state)[1].safety is wanted:
                return kept + more
            if len(more) == 1:
                return kept
            return grown(grown(kept, more[: len(more) // 2]), more[len(more) // 2 :])

        edits = finding.edits
        together = self._tried(edits, finding.target, state)[1]
        if together.safety is wanted:
            return edits
        reasons = together.proof.why_incomplete
        if reasons and reasons == self._tried(edits[:1], finding.target, state)[1].proof.why_incomplete:
            return ()  # what stands in the way of the first stands in the way of each
        return grown((), edits)

    def _tried(self, edits: tuple[Edit, ...], target: Target, state: State) -> tuple[Trial, Judgement]:
        """What comes of edits of one place, and the judgement."""
        known = self._known.get(edits)
        if known is not None and known[0] is state:
            return known[1]
        trial = self._trial(state, edits)
        earlier = [edit for proposal in self._earlier(target) for edit in proposal.edits]
        judgement = verdict([trial], obstacles([*earlier, *edits], self.hierarchy), self.settings)
        self._known[edits] = state, (trial, judgement)
        return trial, judgement

    def _trial(self, state: State, edits: tuple[Edit, ...]) -> Trial:
        return tried_among(state, edits, self.hierarchy, self.settings)

    def _earlier(self, target: Target) -> list[Proposal]:
        """What is accepted already in a block, or in all of the account that is no block."""
        return [
            proposal
            for proposal in self.proposals
            if (
                proposal.finding.target == target
                or not (target.kind.holds_lists or proposal.finding.target.kind.holds_lists)
            )
            and proposal.judgement.safety in (Safety.SAFE, Safety.GUARDED)
        ]

    def _propose(self, finding: Finding, judgement: Judgement, grant: Grant | None = None) -> None:
        self.proposals.append(
            Proposal(
                id=proposal_id(finding, finding.edits),
                finding=finding,
                edits=finding.edits,
                judgement=judgement,
                requires=self._required(finding, judgement),
                grant=grant,
            )
        )

    def _required(self, finding: Finding, judgement: Judgement) -> tuple[str, ...]:
        """The proposals of the block without which this one cannot be made or is worth less; as few as do."""
        earlier = self._earlier(finding.target)
        if not earlier or self._is_found_without(finding):
            return ()
        in_list = [one for one in earlier if {e.list for e in one.edits} & {e.list for e in finding.edits}]
        for needed in ([], in_list, earlier):
            try:
                edits = [*(edit for one in needed for edit in one.edits), *finding.edits]
                alone = verdict([self._trial(self.base, tuple(edits))], obstacles(edits, self.hierarchy), self.settings)
            except KeyError:
                continue  # it edits what an earlier one puts there
            if (alone.relation, alone.safety) == (judgement.relation, judgement.safety):
                return tuple(one.id for one in needed)
        return tuple(one.id for one in earlier)

    def _is_found_without(self, finding: Finding) -> bool:
        """Whether its rule suggests the same edits in the lists as they were read."""
        rule = next(rule for rule in (*self.rules, *self.account_rules) if rule.name == finding.rule)
        place = finding.target if finding.target.kind.holds_lists else self.account
        return {*finding.edits} <= {edit for one in self._looking(place, self.base)(rule) for edit in one.edits}

    def _judged_as_a_whole(self, state: State) -> State:
        """All safe proposals of the account once more, together; where they are not safe, the last of a block go."""
        if not self.proposals:
            return state
        self.whole = self._safe_together(self.proposals)
        if self.whole is None:
            kept: list[Proposal] = []
            for target in dict.fromkeys(proposal.finding.target for proposal in self.proposals):
                kept += self._safe_part([one for one in self.proposals if one.finding.target == target])
            self.proposals = self._safe_part(kept)
            self.whole = self._safe_together(self.proposals) if self.proposals else None
        self._leave_what_grows()
        return self.whole.after if self.whole else self.base

    def _leave_what_grows(self) -> None:
        """Set aside what would make its token larger: nsc fills in limits when it first edits a role, and more."""
        grown = {
            (token.account, token.user): token.after - token.before
            for token in (self.whole.tokens if self.whole else ())
            if token.after >= token.before
        }
        if not grown:
            return
        kept = []
        for proposal in self.proposals:
            edit = proposal.edits[0]  # INVARIANT: a proposal edits one block
            token = edit.target.account, None if touches_account_token(edit) else edit.target.user
            if token in grown:
                reason = (
                    f"safe, but nsc adds more than the safe edits save: the token would grow by {grown[token]} bytes"
                )
                self.set_aside.append(SetAside(proposal.id, reason))
            else:
                kept.append(proposal)
        self.proposals = kept
        self.whole = self._safe_together(kept) if kept else None

    def _safe_part(self, proposals: list[Proposal]) -> list[Proposal]:
        """The longest beginning of these proposals that is safe; the others are set aside."""
        while proposals and self._safe_together(proposals) is None:
            last = proposals.pop()
            self.set_aside.append(SetAside(last.id, "with those before it the plan as a whole would not be safe"))
        return proposals

    def _safe_together(self, proposals: Iterable[Proposal]) -> Trial | None:
        edits = tuple(edit for proposal in proposals for edit in proposal.edits)
        known = self._known.get(edits)
        if known is not None and known[0] is self.base:
            return known[1][0]  # the only proposal was judged from here already
        trial = self._trial(self.base, edits)
        whole = verdict([trial], obstacles(edits, self.hierarchy), self.settings)
        return trial if whole.safety is Safety.SAFE else None

    def _propose_the_rest(self, findings: Iterable[Finding], state: State) -> None:
        """What is not safe, judged on top of what is: entry by entry where a person can still read it."""
        seen: dict[tuple[Edit, ...], str] = {}
        aside = {one.id for one in self.set_aside}
        first = len(self.proposals)
        for finding in findings:
            if not finding.edits:
                continue
            whole = self._tried(finding.edits, finding.target, state)[1]
            single = whole.relation is not Relation.SAME and len(finding.edits) <= MANY
            for edits in [(edit,) for edit in finding.edits] if single else [finding.edits]:
                judgement = whole if edits == finding.edits else self._tried(edits, finding.target, state)[1]
                part = _narrowed(finding, edits)
                name = proposal_id(part, edits)
                if edits in seen:
                    self.set_aside.append(SetAside(name, f"`{seen[edits]}` proposes the same edit"))
                elif name not in aside:
                    seen[edits] = name
                    self._propose(part, judgement)
        rest = self.proposals[first:]
        for index, proposal in enumerate(rest, start=first):
            self.proposals[index] = replace(proposal, alternatives=_alternatives(proposal, rest))


def _narrowed(finding: Finding, edits: tuple[Edit, ...]) -> Finding:
    """A finding with some of its edits, and the evidence that goes with them."""
    if len(finding.evidence) != len(finding.edits):
        return replace(finding, edits=edits)
    kept = {id(edit) for edit in edits}
    evidence = (reason for edit, reason in zip(finding.edits, finding.evidence, strict=True) if id(edit) in kept)
    return replace(finding, edits=edits, evidence=tuple(evidence))


def _merged(findings: Sequence[Finding]) -> Finding:
    """A rule's findings in several lists of a block as one."""
    return replace(
        findings[0],
        list=None,
        message="; ".join(finding.message for finding in findings),
        evidence=tuple(
            replace(reason, statement=f"{finding.list.value}: {reason.statement}" if finding.list else reason.statement)
            for finding in findings
            for reason in finding.evidence
        ),
        edits=tuple(edit for finding in findings for edit in finding.edits),
    )


def _edit_the_same(proposal: Proposal, other: Proposal) -> bool:
    """Whether two proposals that are not safe cannot both be carried out: both take out one entry of one list."""
    if Safety.SAFE in (proposal.judgement.safety, other.judgement.safety):
        return False
    return any(
        one.target == two.target and one.list is two.list and not {*one.remove}.isdisjoint(two.remove)
        for one in proposal.edits
        for two in other.edits
    )


def _alternatives(proposal: Proposal, others: Iterable[Proposal]) -> tuple[str, ...]:
    """Of what is not lossless in one list or part at most one may be accepted: each was judged without the others."""
    if proposal.judgement.safety is Safety.ADVICE:
        return ()
    lists = {(edit.target, edit.list) for edit in proposal.edits}
    return tuple(
        other.id
        for other in others
        if other.id != proposal.id
        and other.judgement.safety is not Safety.ADVICE
        and lists & {(edit.target, edit.list) for edit in other.edits}
    )
