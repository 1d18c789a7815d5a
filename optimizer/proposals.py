"""The vocabulary of what permopt says: findings, proofs, savings, proposals and plans. Records, and their names."""

from __future__ import annotations

import enum
import hashlib
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING

from optimizer.claims.layout import shared_members
from optimizer.edits import (
    AddAccount,
    EditActivationRevocations,
    EditEntries,
    EditExports,
    EditImports,
    EditRevocations,
    apply_all,
)

if TYPE_CHECKING:
    from collections.abc import Iterable

    from optimizer.claims.keys import AccountKey, UserKey
    from optimizer.edits import ActivationRevocation, Edit, ListName, Revocation, Target
    from optimizer.hierarchy import Hierarchy
    from optimizer.settings import Server
    from optimizer.subjects.compare import Probe, Relation


def proposal_id(finding: Finding, edits: Iterable[Edit]) -> str:
    """A name for a proposal that another run over the same store gives it again."""
    target = finding.target
    content = [
        finding.rule,
        target.kind_name,
        target.account,
        target.user,
        target.key,
        [_content(edit) for edit in edits],
    ]
    digest = hashlib.sha256(json.dumps(content).encode()).hexdigest()
    return f"{finding.rule}-{digest[:10]}"


def _content(edit: Edit) -> list[object]:
    match edit:
        case EditEntries():
            return [edit.list.value, sorted(edit.remove), sorted(edit.add)]
        case EditImports() | EditExports():
            shared: list[list[dict[str, object]]] = [
                sorted(map(shared_members, items), key=str) for items in (edit.remove, edit.add)
            ]
            return [edit.target.kind_name, edit.target.account, *shared]
        case AddAccount():
            return [edit.target.kind_name, edit.target.account, edit.name, edit.issuer]
        case EditRevocations() | EditActivationRevocations():
            revoked = [sorted(_values(each) for each in items) for items in (edit.remove, edit.add)]
            return [edit.target.kind_name, edit.target.account, *revoked]


def _values(each: Revocation | ActivationRevocation) -> list[object]:
    return [getattr(each, name) for name in each.__slots__]


class Severity(enum.Enum):
    """How much a finding matters; set in the rule."""

    ERROR = "error"
    WARNING = "warning"
    NOTE = "note"


class Basis(enum.Enum):
    """What a statement rests on."""

    CLAIMS = "claims"
    SIGHTINGS = "sightings"
    ABSENCE = "absence"
    STATED = "stated"


@dataclass(frozen=True, slots=True)
class Evidence:
    """One reason behind a finding: what it rests on, in a sentence."""

    basis: Basis
    statement: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """What a rule noticed, and the edits it suggests. A rule never grades itself: the judge does.

    Parameters
    ----------
    rule
        The rule's name.
    target, list
        Where; ``list`` is None where the finding is about the whole block.
    message
        One sentence for the operator of the account.
    evidence
        Entry by entry why.
    edits
        Each an edit that makes sense alone; together they are the suggestion. Empty: nothing nsc can do, advice only.
    advice
        Why no edit is offered, where there is none.
    """

    rule: str
    severity: Severity
    target: Target
    list: ListName | None
    message: str
    evidence: tuple[Evidence, ...] = ()
    edits: tuple[Edit, ...] = ()
    advice: str = ""


class Safety(enum.Enum):
    """How a proposal may be used; derived by the judge from the table in docs/architecture.md and nothing else."""

    SAFE = "safe"
    GUARDED = "guarded"
    RISKY = "risky"
    ADVICE = "advice"


@dataclass(frozen=True, slots=True)
class Witness:
    """A probe that tells before from after, and who could make it."""

    principal: str
    probe: Probe
    server: Server


@dataclass(frozen=True, slots=True, kw_only=True)
class Proof:
    """What was compared.

    Parameters
    ----------
    principals
        How many principals were compared.
    accounts
        How many accounts were compared by what they reach across imports.
    complete
        Whether they are all that the edit can touch.
    why_incomplete
        Each reason the proof is not complete, or rests on more than claims.
    servers
        Generations it holds for.
    connections
        ``client``, and ``leafnode`` where a leafnode could not tell either.
    """

    principals: int
    complete: bool
    why_incomplete: tuple[str, ...]
    servers: tuple[Server, ...]
    connections: tuple[str, ...]
    accounts: int = 0


@dataclass(frozen=True, slots=True)
class Saving:
    """Bytes of the encoded token (header, payload, signature) before and after."""

    before: int
    after: int

    @property
    def bytes(self) -> int:
        """Bytes saved; negative where the token grows."""
        return self.before - self.after


@dataclass(frozen=True, slots=True)
class TokenChange:
    """One token an edit rewrites: bytes before, and after nsc re-encoded it."""

    account: AccountKey
    user: UserKey | None
    before: int
    after: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Judgement:
    """What the judge found out about a set of edits."""

    relation: Relation
    gained: tuple[Witness, ...]
    lost: tuple[Witness, ...]
    safety: Safety
    proof: Proof
    tokens: tuple[TokenChange, ...]
    reach: str
    """``on push`` or ``on reissue``."""
    disturbs: str
    """``nothing``, or who is reconnected."""
    undo: str
    """``exact``, ``needs the seed`` or ``none``."""
    protected: tuple[Witness, ...] = ()
    """Who could publish or receive a protected subject afterwards; then the edits are advice only."""

    @property
    def saving(self) -> Saving:
        """The sum over all rewritten tokens."""
        return Saving(sum(t.before for t in self.tokens), sum(t.after for t in self.tokens))


@dataclass(frozen=True, slots=True)
class Gain:
    """A subject known to exist that somebody may publish (or else receive) on one side of an edit only.

    Parameters
    ----------
    principals
        Who, by name.
    """

    subject: str
    publish: bool
    principals: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Grant:
    """What a widening opens, beside what a witness shows; subjects that nobody has named yet are opened as well.

    Parameters
    ----------
    gained, lost
        Of the subjects known to exist: those newly admitted, and those newly denied.
    openness
        The cost of the wildcards themselves.
    cost
        Of both: `optimizer.widen.price.cost`, by the newest server generation asked about.
    """

    gained: tuple[Gain, ...]
    lost: tuple[Gain, ...]
    openness: float
    cost: float


@dataclass(frozen=True, slots=True, kw_only=True)
class FrontierPoint:
    """One of the sizes a token can have, and what that costs.

    Parameters
    ----------
    token_bytes
        Of the encoded token after these proposals and the safe ones.
    proposals
        Their ids, where they are in the plan.
    cost, bound
        What they cost together, and what no choice that saves as much costs less than.
    is_least
        Whether the cost is proved to be the least.
    patterns
        The entries that come, each with its list.
    gained
        How many known subjects are newly admitted (or denied), counted once for each user.
    """

    token_bytes: int
    cost: float
    bound: float
    is_least: bool
    gained: int
    patterns: tuple[tuple[ListName, str], ...]
    proposals: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class TokenBudget:
    """One token, its budget, and what it takes to get under it.

    Parameters
    ----------
    before, after_safe
        Bytes of the encoded token as read, and after the safe proposals.
    chosen
        The cheapest way under the budget, or as far as it goes; None where none is needed or nothing can be widened.
    smallest, smallest_is_least
        The fewest bytes that widening was found to reach, and whether it is proved that it cannot reach fewer.
    left
        What the token consists of then, largest first: what else would have to go. Bytes by JSON pointer.
    closed
        Why blocks of the token were left as they are.
    """

    account: AccountKey
    user: UserKey | None
    before: int
    after_safe: int
    budget: int
    chosen: FrontierPoint | None
    smallest: int
    smallest_is_least: bool
    left: tuple[tuple[str, int], ...] = ()
    closed: tuple[str, ...] = ()
    frontier: tuple[FrontierPoint, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Proposal:
    """A finding, its edits, and the judge's answer.

    Parameters
    ----------
    id
        ``[a-z0-9-]+``; hashes rule, target, list and edits, so that it survives a re-run on the same store.
    requires
        Ids of proposals that must be accepted for this one to make sense.
    alternatives
        Ids of proposals on the same list of which at most one may be accepted.
    """

    id: str
    finding: Finding
    edits: tuple[Edit, ...]
    judgement: Judgement
    requires: tuple[str, ...] = ()
    alternatives: tuple[str, ...] = ()
    grant: Grant | None = None
    """What it opens; None where it is no widening."""


@dataclass(frozen=True, slots=True)
class SetAside:
    """A proposal that was not taken into the plan, and why."""

    id: str
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """Everything proposed for one hierarchy, in order; the default selection is the safe ones.

    Parameters
    ----------
    hierarchy
        What was examined, before any edit.
    judgement
        Of the default selection as a whole; None where it is empty.
    budgets
        The tokens that are above their budget (with a frontier asked for: all that have one), and the way under it.
    """

    hierarchy: Hierarchy
    proposals: tuple[Proposal, ...]
    findings: tuple[Finding, ...]
    """Findings that no proposal repairs: advice and notes."""
    set_aside: tuple[SetAside, ...]
    judgement: Judgement | None
    budgets: tuple[TokenBudget, ...] = ()

    @property
    def named(self) -> Hierarchy:
        """The hierarchy with the accounts that proposals would make, for what they are called."""
        new = {
            edit.target.account: edit
            for proposal in self.proposals
            for edit in proposal.edits
            if isinstance(edit, AddAccount) and edit.target.account not in self.hierarchy.accounts
        }
        return apply_all(new.values(), self.hierarchy)

    @property
    def default_selection(self) -> tuple[Proposal, ...]:
        """The proposals that go into a script without anybody's word."""
        return tuple(p for p in self.proposals if p.judgement.safety is Safety.SAFE)
