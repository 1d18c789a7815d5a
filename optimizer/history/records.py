"""One run: what each account of an operator weighed at a time."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

from optimizer.text import redacted

if TYPE_CHECKING:
    from optimizer.hierarchy import Hierarchy


class Row(NamedTuple):
    """An account in a run. A tuple, for a year of 10,000 accounts is 3,650,000 of them.

    Parameters
    ----------
    account
        Its key: what it stays one by when it is renamed.
    name
        Exact, less what looks like a seed.
    users
        None where the source cannot hold users (a resolver directory).
    """

    account: str
    name: str
    token_bytes: int
    payload_bytes: int
    imports: int = 0
    exports: int = 0
    signing_keys: int = 0
    revocations: int = 0
    mappings: int = 0
    users: int | None = None


COUNTS = Row._fields[4:]
"""What is counted beside bytes, in the order of `Row`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """All accounts of one operator, as one source held them at one time.

    Parameters
    ----------
    time
        Seconds since the epoch.
    operator
        Its key; empty where the source did not hold its token.
    fingerprint
        Of the whole source: with time and operator it tells a run that is kept already from another one.
    """

    time: int
    operator: str
    operator_name: str
    fingerprint: str
    rows: tuple[Row, ...] = ()


def run_of(hierarchy: Hierarchy, now: int) -> Run:
    """The run that a source makes; of all its accounts, for one left out would count as vanished.

    Parameters
    ----------
    hierarchy
        Whole: before ``--account`` narrows what is shown of it.
    now
        Seconds since the epoch.
    """
    users = Counter(owner for _, owner in hierarchy.users)
    rows = (
        Row(
            account=key,
            name=redacted(account.claims.name),
            token_bytes=account.token.size,
            payload_bytes=len(account.token.payload),
            imports=len(account.claims.imports),
            exports=len(account.claims.exports),
            signing_keys=len(account.claims.signing_keys),
            revocations=len(account.claims.revocations),
            mappings=len(account.claims.mappings),
            users=users[key] if hierarchy.has_users else None,
        )
        for key, account in hierarchy.accounts.items()
    )
    operator = hierarchy.operator
    return Run(
        time=now,
        operator="" if operator is None else operator.claims.sub,
        operator_name="" if operator is None else redacted(operator.claims.name),
        fingerprint=hierarchy.fingerprint,
        rows=tuple(rows),
    )
