"""The vocabulary of what permopt says: findings, proofs, savings, proposals and plans. Records only."""

from __future__ import annotations

import enum
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from optimizer.claims.keys import AccountKey, UserKey
    from optimizer.edits import Edit, ListName, Target
    from optimizer.hierarchy import Hierarchy
    from optimizer.settings import Server
    from optimizer.subjects.compare import Probe, Relation


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

    @property
    def saving(self) -> Saving:
        """The sum over all rewritten tokens."""
        return Saving(sum(t.before for t in self.tokens), sum(t.after for t in self.tokens))


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
    """

    hierarchy: Hierarchy
    proposals: tuple[Proposal, ...]
    findings: tuple[Finding, ...]
    """Findings that no proposal repairs: advice and notes."""
    set_aside: tuple[SetAside, ...]
    judgement: Judgement | None

    @property
    def default_selection(self) -> tuple[Proposal, ...]:
        """The proposals that go into a script without anybody's word."""
        return tuple(p for p in self.proposals if p.judgement.safety is Safety.SAFE)
