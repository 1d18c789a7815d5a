"""Frozen thresholds and limits: built at the door from flags and configuration, passed down, never global."""

from __future__ import annotations

import enum
from dataclasses import dataclass
from fnmatch import fnmatchcase


class Server(enum.Enum):
    """A generation of nats-server whose permission checks differ from its neighbour's.

    Server: ``loadMsgDenyFilterIfNeeded`` (2.12.14 and later) against the filter inside ``canSubscribe`` before it.
    """

    CURRENT = "2.12"
    """2.12.14 and later; tested against 2.12.15."""
    EARLIER = "2.11"
    """Before 2.12.14; tested against 2.11.8."""


class Widen(enum.Enum):
    """Which lists may be widened."""

    NOTHING = "nothing"
    OVER_BUDGET = "over budget"
    """Those of tokens above their budget, as little as gets them under it."""
    WORTHWHILE = "worthwhile"
    """All, where it saves `Settings.bytes_per_cost` bytes for each unit of cost."""


PROTECTED: tuple[str, ...] = (
    "$SYS.>",  # server and account events, and the requests that steer servers and accounts; auth callout
    "$JS.>",  # JetStream: its API, acknowledgements, flow control, advisories, and the API of every domain
    "$JSC.>",  # JetStream between servers. Server: jscAllSubj
    "$NRG.>",  # Raft between servers. Server: raftAllSubj
    "$KV.>",  # key-value buckets: to publish here writes a key
    "$O.>",  # object stores of the client libraries
    "$OBJ.>",  # the object store space as the server names it. Server: denyAllJs
    "$MQTT.>",  # MQTT sessions and retained messages
    "$LDS.>",  # leafnode loop detection: who listens here fakes a loop. Server: leafNodeLoopDetectionSubjectPrefix
    "_INBOX.>",  # answers to requests: who listens here reads everybody's, who publishes forges them
    "_R_.>",  # answers on their way across a service import. Server: replyPrefix
    "_GR_.>",  # answers on their way across a gateway. Server: gwReplyPrefix
)
"""What no proposal newly opens unless a run says otherwise: the spaces of the server itself, of JetStream, of key-value
and object stores, and of answers to requests."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Weights:
    """What a widening costs: `optimizer.widen.price.cost` is the one function that uses them.

    Parameters
    ----------
    known
        Of a subject known to exist that is newly admitted, for each user that gains it.
    star, tail
        Of a new ``*``, and of a new ``>``, for each token of depth that it gives up.
    """

    known: float = 100.0
    star: float = 1.0
    tail: float = 4.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """Everything a run may vary, with the defaults a run without flags has.

    Parameters
    ----------
    now
        The clock, in seconds since the epoch.
    servers
        The generations a proof must hold for; ``SAME`` needs all of them.
    complete_users, complete_accounts
        A person's word that the source holds every user (account) there is; recorded wherever it is used.
    complete_tokens
        A person's word that the source holds every user token that was ever issued, which is more than every user:
        an edit overwrites the token before, and keys sign outside a store.
    max_user_ttl
        A person's word that no user token is valid for more than so many seconds after its issue; None without one.
    accounts
        Globs over account names; empty means all.
    rules
        Rule names to run; empty means all.
    effort
        How many trie nodes one comparison may visit before it answers UNDECIDED.
    budget
        Bytes of an encoded account token above which it is over budget.
    budgets
        Globs over account names, with what such an account may have instead; the first that matches counts.
    user_budget
        Bytes of an encoded user token that need attention: a CONNECT line longer than 4,096 bytes is refused.
    widen
        Which lists may be widened, which lossless proposals never do.
    frontier
        Whether to work out the sizes each token can have, and what they cost.
    keep_prefix
        How many leading tokens of a widened entry stay literal.
    protected
        Patterns of subjects that no proposal may newly admit.
    weights
        What a widening costs.
    bytes_per_cost
        Without a budget: how many bytes of the token make a widening worth one unit of its cost.
    """

    now: int
    servers: tuple[Server, ...] = (Server.CURRENT, Server.EARLIER)
    complete_users: bool = False
    complete_accounts: bool = False
    complete_tokens: bool = False
    max_user_ttl: int | None = None
    accounts: tuple[str, ...] = ()
    rules: tuple[str, ...] = ()
    effort: int = 500_000
    budget: int = 10 * 1024
    budgets: tuple[tuple[str, int], ...] = ()
    user_budget: int = 3_500
    widen: Widen = Widen.NOTHING
    keep_prefix: int = 1
    protected: tuple[str, ...] = PROTECTED
    weights: Weights = Weights()
    bytes_per_cost: float = 4.0
    frontier: bool = False

    @property
    def has_words(self) -> bool:
        """Whether something rests on a person's word, so that proposals can be guarded."""
        return self.complete_users or self.complete_tokens or self.max_user_ttl is not None

    def chooses(self, name: str, key: str) -> bool:
        """Whether the globs of a run let an account in, by its name or its key."""
        return not self.accounts or any(fnmatchcase(name, glob) or glob in (name, key) for glob in self.accounts)

    def budget_of(self, name: str, key: str) -> int:
        """Bytes that an account's token may have, by its name or its key."""
        named = (size for glob, size in self.budgets if fnmatchcase(name, glob) or glob in (name, key))
        return next(named, self.budget)
