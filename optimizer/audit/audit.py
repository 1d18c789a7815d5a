"""From a hierarchy to an audit: every token on the scale, ranked, with what stands out and what the rules found."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from optimizer.audit.bands import Band, ConnectBand, band_of, connect_band_of
from optimizer.audit.findings import of_rules, of_tokens
from optimizer.audit.records import AccountAudit, Audit, AuditFinding, Counts, NotKnown, Totals, UserAudit, rank
from optimizer.audit.signs import USER_SIGNS, signs
from optimizer.collecting import without_collecting

if TYPE_CHECKING:
    from collections.abc import Iterator

    from optimizer.claims.keys import AccountKey
    from optimizer.hierarchy import Hierarchy
    from optimizer.proposals import Plan
    from optimizer.settings import Settings


@without_collecting()
def audit(hierarchy: Hierarchy, plan: Plan | None, settings: Settings) -> Audit:
    """Weigh every token of a hierarchy, and put beside it what was found.

    Parameters
    ----------
    hierarchy
        As read and verified.
    plan
        What `optimizer.examine.examine` found in it; None for the sizes, what stands out among them, and tokens that
        are not in order, alone.
    settings
        The accounts that were asked for, and the budgets.

    Returns
    -------
    Audit
        Accounts and users largest first.

    Examples
    --------
    >>> from optimizer.hierarchy import Hierarchy
    >>> from optimizer.settings import Settings
    >>> audit(Hierarchy(), None, Settings(now=0)).totals.accounts
    0
    """
    accounts, users = _accounts(hierarchy, settings), _users(hierarchy, settings)
    operator = hierarchy.operator
    return Audit(
        operator_name="" if operator is None else operator.claims.name,
        operator_key=None if operator is None else operator.claims.sub,
        store=hierarchy.store,
        has_users=hierarchy.has_users,
        has_rules=plan is not None,
        budget=settings.budget,
        user_budget=settings.user_budget,
        totals=_totals(accounts, users),
        accounts=accounts,
        users=users,
        findings=tuple(sorted(_findings(accounts, users, hierarchy, plan, settings), key=rank)),
        skipped=hierarchy.skipped,
        not_known=tuple(_not_known(hierarchy, users)),
    )


def _accounts(hierarchy: Hierarchy, settings: Settings) -> tuple[AccountAudit, ...]:
    users: Counter[AccountKey] = Counter()
    user_bytes: Counter[AccountKey] = Counter()
    for (_, owner), user in hierarchy.users.items():
        users[owner] += 1
        user_bytes[owner] += user.token.size
    found = []
    for key, signed in hierarchy.accounts.items():
        claims, size = signed.claims, signed.token.size
        if not settings.chooses(claims.name, key):
            continue
        counts = Counts(
            imports=len(claims.imports),
            exports=len(claims.exports),
            signing_keys=len(claims.signing_keys),
            revocations=len(claims.revocations),
            mappings=len(claims.mappings),
            users=users[key] if hierarchy.has_users else None,
        )
        found.append(
            AccountAudit(
                name=claims.name,
                key=key,
                token_bytes=size,
                payload_bytes=len(signed.token.payload),
                band=band_of(size),
                budget=settings.budget_of(claims.name, key),
                counts=counts,
                user_bytes=user_bytes[key],
                signed=signed,
            )
        )
    return tuple(sorted(found, key=lambda each: (-each.token_bytes, each.name, each.key)))


def _users(hierarchy: Hierarchy, settings: Settings) -> tuple[UserAudit, ...]:
    names = {key: account.claims.name for key, account in hierarchy.accounts.items()}
    chosen = {owner for _, owner in hierarchy.users if settings.chooses(names.get(owner, ""), owner)}
    found = [
        UserAudit(
            account=owner,
            account_name=names.get(owner, ""),
            name=signed.claims.name,
            key=key,
            token_bytes=signed.token.size,
            payload_bytes=len(signed.token.payload),
            band=connect_band_of(signed.token.size),
            budget=settings.user_budget,
            signed=signed,
        )
        for (key, owner), signed in hierarchy.users.items()
        if owner in chosen
    ]
    return tuple(sorted(found, key=lambda each: (-each.token_bytes, each.account_name, each.name, each.key)))


def _totals(accounts: tuple[AccountAudit, ...], users: tuple[UserAudit, ...]) -> Totals:
    bands = Counter(account.band for account in accounts)
    user_bands = Counter(user.band for user in users)
    return Totals(
        accounts=len(accounts),
        users=len(users),
        account_bytes=sum(account.token_bytes for account in accounts),
        user_bytes=sum(user.token_bytes for user in users),
        over_budget=sum(account.over_budget for account in accounts),
        users_over_budget=sum(user.over_budget for user in users),
        bands={band: bands[band] for band in Band},
        user_bands={band: user_bands[band] for band in ConnectBand},
    )


def _findings(
    accounts: tuple[AccountAudit, ...],
    users: tuple[UserAudit, ...],
    hierarchy: Hierarchy,
    plan: Plan | None,
    settings: Settings,
) -> Iterator[AuditFinding]:
    yield from signs(accounts, users)
    yield from of_tokens(hierarchy, settings)
    if plan is not None:
        yield from of_rules(plan)


def _not_known(hierarchy: Hierarchy, users: tuple[UserAudit, ...]) -> Iterator[NotKnown]:
    if not hierarchy.has_users:
        reason = "this kind of source holds no users: neither their sizes nor their permission lists were looked at"
        yield NotKnown("users", reason, USER_SIGNS)
    orphans = sum(user.account not in hierarchy.accounts for user in users)
    if orphans:
        whose = "1 user" if orphans == 1 else f"{orphans:,} users"
        reason = f"the account tokens of {whose} are missing, with their defaults and roles: no rule looked at them"
        yield NotKnown("accounts", reason, ())
