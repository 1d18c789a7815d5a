"""What an audit says, as frozen records: every report is written from these alone.

What few readers ask for (sections, largest entries) is found from the token when it is asked for, each time anew: a
store of 100,000 accounts would hold a million sections otherwise. Ask once and keep the answer.
"""

from __future__ import annotations

import enum
import hashlib
import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Generic, TypeVar

from optimizer.audit.bands import KB, Band, ConnectBand, validation_milliseconds
from optimizer.audit.entries import described
from optimizer.claims.model import AccountClaims, UserClaims
from optimizer.claims.sections import ACTIVATIONS, escapes, largest_entries, section_weights, sections
from optimizer.claims.token import MAX_TOKEN_SIZE
from optimizer.proposals import Safety, Severity

if TYPE_CHECKING:
    from collections.abc import Mapping

    from optimizer.audit.baseline import Since
    from optimizer.audit.exclusions import Excluded
    from optimizer.audit.positions import GrowingPosition
    from optimizer.claims.keys import AccountKey, OperatorKey, UserKey
    from optimizer.claims.sections import Escapes, Section
    from optimizer.claims.token import Token
    from optimizer.claims.weigh import Weight
    from optimizer.hierarchy import Signed, Skipped

_QUICK_BELOW = 4 * KB
"""Smaller tokens take less than half a millisecond to validate, whatever is in them."""


_SEVERITIES = (Severity.ERROR, Severity.WARNING, Severity.NOTE)


def finding_id(rule: str, *place: str | None) -> str:
    """A name for a finding that another run over the same store gives it again."""
    digest = hashlib.sha256(json.dumps([rule, *place]).encode()).hexdigest()
    return f"{rule}-{digest[:10]}"


class FindingKind(enum.Enum):
    """Who noticed."""

    SIZE = "size"
    """The audit itself: a token, or a part of it, is large."""
    TOKEN = "token"
    """The check of the chain: a token is not in order."""
    RULE = "rule"
    """A rule of the engine, with the judge's answer where an edit is proposed."""
    CONFIGURATION = "configuration"
    """What the run was told does not hold any more; about no token, and without an account."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditFinding:
    """One thing that somebody should know, wherever it was noticed.

    Parameters
    ----------
    id
        Survives a re-run on the same store; of a proposal its own id.
    rule
        A rule's name, the code of a token's issue, or a sign: ``over-budget``, ``bloated``, ``too-large``,
        ``many-revocations``, ``slow-validation``, ``long-connect-line``.
    account, user
        Keys; no user where it is about the account's token, no account where it is about the operator's.
    account_name, user_name
        As the tokens say, exact; empty where there is none.
    pointers
        JSON pointers into that token's claims, as it was read; the empty one is the whole token.
    message
        One sentence; holds text from tokens.
    measure
        For a size: the bytes, entries or milliseconds that are too many; None elsewhere.
    saving_bytes
        What the proposal saves of encoded tokens, as the judge weighed it; None where nothing is proposed.
    safety
        The judge's answer; None where nothing is proposed.
    advice
        What a person could do, where no edit is offered.
    """

    id: str
    kind: FindingKind
    rule: str
    severity: Severity
    account: AccountKey | None
    user: UserKey | None
    account_name: str
    user_name: str
    pointers: tuple[str, ...]
    message: str
    measure: int | None = None
    saving_bytes: int | None = None
    safety: Safety | None = None
    advice: str = ""

    @property
    def needs_person(self) -> bool:
        """Whether no script repairs it without somebody's word: everything that is not a safe proposal."""
        return self.safety is not Safety.SAFE

    @property
    def proposal(self) -> str | None:
        """The id of the proposal behind it, for ``permopt review``; None without one."""
        return None if self.safety is None else self.id


@dataclass(frozen=True, slots=True, kw_only=True)
class Counts:
    """How many there are of what an account's token lists, and of its users."""

    imports: int
    exports: int
    signing_keys: int
    revocations: int
    """Of the account; those of an export's activations are the export's."""
    mappings: int
    users: int | None
    """None where the source cannot hold users."""


@dataclass(frozen=True, slots=True)
class Entry:
    """A single thing that a token lists: an import, an export, a subject, a claim.

    Parameters
    ----------
    what
        In words; holds text from the token.
    """

    pointer: str
    payload_bytes: int
    token_bytes: int
    what: str


@dataclass(frozen=True, slots=True)
class Validation:
    """What the server's validation of an account costs: it grows with the square of exports and service imports.

    Parameters
    ----------
    milliseconds
        An estimate; see `optimizer.audit.bands.validation_milliseconds` for what it rests on.
    """

    exports: int
    service_imports: int
    milliseconds: int

    @property
    def cost(self) -> str:
        """``cheap``, ``noticeable`` (from 10 ms), ``slow`` (from 100 ms) or ``stalling`` (from a second)."""
        limits = ((10, "cheap"), (100, "noticeable"), (1_000, "slow"))
        return next((name for limit, name in limits if self.milliseconds < limit), "stalling")


C = TypeVar("C", AccountClaims, UserClaims)


@dataclass(frozen=True, slots=True, kw_only=True)
class Weighed(Generic[C]):
    """A token on the scale.

    Parameters
    ----------
    name
        As the token says, exact.
    budget
        Bytes it may have: the run's, or its own.
    """

    name: str
    token_bytes: int
    payload_bytes: int
    budget: int
    signed: Signed[C] = field(repr=False, compare=False)

    @property
    def over_budget(self) -> bool:
        """Whether the token is larger than its budget."""
        return self.token_bytes > self.budget

    @property
    def sections(self) -> tuple[Section, ...]:
        """What the token consists of; the bytes sum to it."""
        return sections(self.signed.token)

    @property
    def dominant(self) -> Weight:
        """The section that weighs most."""
        return _dominant(self.signed.token)

    @property
    def escapes(self) -> Escapes:
        """What ``>``, ``<`` and ``&`` cost, six payload bytes each."""
        return escapes(self.signed.token)

    def largest(self, most: int = 3) -> tuple[Entry, ...]:
        """The entries that weigh most, heaviest first."""
        return _largest(self.signed, most)

    @property
    def position(self) -> GrowingPosition | None:
        """The token position of its subjects whose values cost most."""
        return _position(self.signed)


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountAudit(Weighed[AccountClaims]):
    """An account's token on the scale.

    Parameters
    ----------
    user_bytes
        Of the tokens of its users together; 0 where the source cannot hold users.
    """

    key: AccountKey
    band: Band
    counts: Counts
    user_bytes: int

    @property
    def headroom(self) -> int:
        """Bytes left to the 1 MiB above which nats-server refuses a token; negative beyond."""
        return MAX_TOKEN_SIZE - self.token_bytes

    @property
    def validation(self) -> Validation:
        """What the server's validation of it costs."""
        services = sum(each.type == "service" for each in self.signed.claims.imports)
        if self.token_bytes < _QUICK_BELOW:
            return Validation(self.counts.exports, services, 0)
        sizes = {each.pointer: each.token_bytes for each in section_weights(self.signed.token)}
        share = services / max(self.counts.imports, 1)
        import_bytes = sizes.get("/nats/imports", 0) + sizes.get(ACTIVATIONS, 0)
        milliseconds = validation_milliseconds(sizes.get("/nats/exports", 0), import_bytes * share)
        return Validation(self.counts.exports, services, round(milliseconds))

    def replicated_bytes(self, replicas: int) -> int:
        """What the token takes on so many servers, each of which keeps it."""
        return self.token_bytes * replicas


@dataclass(frozen=True, slots=True, kw_only=True)
class UserAudit(Weighed[UserClaims]):
    """A user's token on the scale.

    Parameters
    ----------
    account
        Key of the account it belongs to, whether or not the source holds that.
    account_name
        Empty where it does not.
    """

    account: AccountKey
    account_name: str
    key: UserKey
    band: ConnectBand


@dataclass(frozen=True, slots=True)
class NotKnown:
    """What the source cannot say, and the findings that are therefore not looked for, which is not to say absent."""

    what: str
    reason: str
    rules: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Totals:
    """Sums over the accounts and users that were asked for."""

    accounts: int
    users: int
    account_bytes: int
    user_bytes: int
    over_budget: int
    """Accounts."""
    users_over_budget: int
    bands: Mapping[Band, int]
    """Accounts by band, every band."""
    user_bands: Mapping[ConnectBand, int]


@dataclass(frozen=True, slots=True, kw_only=True)
class Audit:
    """Everything that an audit found.

    Parameters
    ----------
    operator_name, operator_key
        Empty and None where the source holds no operator token.
    store
        What the source is: its kind and path as given.
    has_users
        Whether this kind of source can hold users at all.
    has_rules
        Whether the rules of the engine were run.
    budget, user_budget
        Of the run.
    accounts, users
        Largest first, ties by name and key.
    findings
        Errors first, then by rule, name and pointer.
    excluded
        Findings that the configuration sets apart; not among ``findings``.
    since
        What is new since a baseline; None without one.
    """

    operator_name: str
    operator_key: OperatorKey | None
    store: str
    has_users: bool
    has_rules: bool
    budget: int
    user_budget: int
    totals: Totals
    accounts: tuple[AccountAudit, ...]
    users: tuple[UserAudit, ...]
    findings: tuple[AuditFinding, ...]
    skipped: tuple[Skipped, ...]
    not_known: tuple[NotKnown, ...]
    excluded: tuple[Excluded, ...] = ()
    since: Since | None = None

    @property
    def counted(self) -> tuple[AuditFinding, ...]:
        """The findings that decide over a run: with a baseline those that are new or have grown."""
        if self.since is None:
            return self.findings
        return tuple(each for each in self.findings if self.since.standing(each).counts)

    def users_of(self, account: AccountKey) -> tuple[UserAudit, ...]:
        """The users of one account, largest first."""
        return tuple(user for user in self.users if user.account == account)


def rank(finding: AuditFinding) -> tuple[object, ...]:
    """What findings are sorted by: errors first, then rule, account, user and place."""
    names = (finding.account_name, finding.account or "", finding.user_name, finding.user or "")
    return (_SEVERITIES.index(finding.severity), finding.rule, *names, finding.pointers, finding.id)


def _dominant(token: Token) -> Weight:
    return max(section_weights(token), key=lambda section: section.token_bytes)


def _position(signed: Signed[AccountClaims] | Signed[UserClaims]) -> GrowingPosition | None:
    from optimizer.audit.positions import costliest_position  # noqa: PLC0415 most runs show few tokens, or none

    return costliest_position(signed)


def _largest(signed: Signed[AccountClaims] | Signed[UserClaims], most: int) -> tuple[Entry, ...]:
    return tuple(
        Entry(each.pointer, each.payload_bytes, each.token_bytes, described(each.pointer, signed.claims))
        for each in largest_entries(signed.token, most)
    )
