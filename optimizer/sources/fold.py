"""What a reader found, decoded, put in its place and checked: a hierarchy."""

from __future__ import annotations

import base64
from dataclasses import dataclass, field, replace
from types import MappingProxyType
from typing import TYPE_CHECKING, Generic, TypeVar

from optimizer.claims.decode import decode
from optimizer.claims.encode import payload_bytes
from optimizer.claims.gojson import go_json
from optimizer.claims.model import AccountClaims, Claims, OperatorClaims, UserClaims
from optimizer.claims.sharing import share
from optimizer.claims.token import Token, parse_token
from optimizer.claims.verify import Issue, account_issues, operator_issues, user_issues
from optimizer.errors import SourceError, TokenError, UsageError
from optimizer.hierarchy import Coverage, Hierarchy, Signed, Skipped
from optimizer.sources.found import Found, FoundClaims, Place
from optimizer.sources.nsc_store import GO_SPACE, listed
from optimizer.sources.signatures import Signatures
from optimizer.text import printable

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from optimizer.claims.keys import AccountKey, OperatorKey, UserKey
    from optimizer.claims.verify import SignedAs
    from optimizer.sources.found import Source

    Progress = Callable[[int, int], None]

C = TypeVar("C", OperatorClaims, AccountClaims, UserClaims)
K = TypeVar("K")

_BELONGS = {Place.OPERATOR: OperatorClaims, Place.ACCOUNT: AccountClaims, Place.USER: UserClaims}
_NAMES = {OperatorClaims: "an operator", AccountClaims: "an account", UserClaims: "a user"}
_HEADER = base64.urlsafe_b64encode(b'{"typ":"JWT","alg":"ed25519-nkey"}').rstrip(b"=").decode()
_NO_SIGNATURE = "A" * 86  # 64 zero bytes: no key ever signs so, and the token has the size nsc would give it
_STEP = 256
_LARGE = 30_000
"""Of more tokens what repeats is held once (`optimizer.claims.sharing`): accounts take half a gigabyte by then."""


def fold(
    source: Source, *, now: int, verify: bool, operator: str | None = None, progress: Progress | None = None
) -> Hierarchy:
    """Everything a source holds, of one operator.

    Parameters
    ----------
    now
        The clock, in seconds since the epoch.
    verify
        Whether to check signatures, the chain from the operator, expiry and revocation.
    operator
        The name or key of the operator to take where there are several.
    progress
        Called now and then with how many steps are done, and of how many.

    Raises
    ------
    SourceError
        There is no token to be read in it.
    UsageError
        It holds several operators, or none of that name.
    """
    with Signatures() as signatures:
        return _folded(source, now, signatures if verify else None, operator, progress)


def _folded(
    source: Source, now: int, signatures: Signatures | None, operator: str | None, progress: Progress | None
) -> Hierarchy:
    items = list(source.items)
    clock = _Clock(progress, len(items) * (1 if signatures is None else 2))
    pile = _Pile(signatures, shares=len(items) > _LARGE)
    items.reverse()
    while items:
        item = items.pop()  # whose text is in memory no longer than it must be
        clock.tick()
        if isinstance(item, Skipped):
            pile.skipped.append(item)
        else:
            pile.add(item)
    accounts, users = pile.accounts.signed, pile.users.signed
    chosen = _chosen(pile, operator)
    if chosen is None and not accounts and not users:
        raise _nothing_in(source.store, pile.skipped)
    users = {key: _placed(user, pile.owners, accounts) for key, user in users.items()}
    if signatures is not None:
        signatures.finish()
        chosen, accounts, users = _Checker(now, clock, signatures.signed_as).checked(chosen, accounts, users)
    clock.end()
    return Hierarchy(
        operator=chosen,
        accounts=MappingProxyType(accounts),
        users=MappingProxyType(users),
        skipped=tuple(Skipped(lost.origin, printable(lost.reason)) for lost in pile.skipped),
        coverage=Coverage(),
        store=source.store,
        managed=source.managed,
        has_users=bool(users) if source.can_hold_users is None else source.can_hold_users,
    )


@dataclass(slots=True)
class _Shelf(Generic[K, C]):
    """One kind of token by its key. Of several copies the one at home is kept, else the newest, else the first."""

    skipped: list[Skipped]
    signed: dict[K, Signed[C]] = field(default_factory=dict)
    at_home: set[K] = field(default_factory=set)

    def put(self, key: K, new: Signed[C], *, at_home: bool) -> bool:
        """Whether the token was kept."""
        old = self.signed.get(key)
        better = old is None or (at_home, new.claims.iat) > (key in self.at_home, old.claims.iat)
        if old is not None:
            kept, lost = (new, old) if better else (old, new)
            if at_home != (key in self.at_home):
                why = "which stands where it is looked for"
            else:
                why = "which is newer" if kept.claims.iat > lost.claims.iat else "which comes first"
            self.skipped.append(
                Skipped(lost.origin, f"is a second copy of what `{kept.origin}` holds, {why}; remove one")
            )
        if better:
            self.signed[key] = new
            (self.at_home.add if at_home else self.at_home.discard)(key)
        return better


class _Pile:
    """Tokens as they come, decoded and sorted by kind, their signatures being checked."""

    def __init__(self, signatures: Signatures | None, *, shares: bool) -> None:
        self.signatures = signatures
        self.shares = shares
        self.skipped: list[Skipped] = []
        self.operators: _Shelf[OperatorKey, OperatorClaims] = _Shelf(self.skipped)
        self.accounts: _Shelf[AccountKey, AccountClaims] = _Shelf(self.skipped)
        self.users: _Shelf[tuple[UserKey, AccountKey], UserClaims] = _Shelf(self.skipped)
        self.owners: dict[tuple[UserKey, AccountKey], str] = {}

    def add(self, item: Found | FoundClaims) -> None:
        """Decode one token and keep it, or say why not."""
        issues: tuple[Issue, ...] = ()
        try:
            if isinstance(item, FoundClaims):
                token, claims = _unsigned(item)
                item, issues = Found(item.origin, token.text), (_UNSIGNED,)
            else:
                token = parse_token(item.text)
                claims = decode(token)
        except TokenError as error:
            self.skipped.append(Skipped(item.origin, f"is no token a server would read: {error.message}"))
            return
        belongs = _BELONGS.get(item.place)
        if belongs is not None and not isinstance(claims, belongs):
            held, wanted = _NAMES.get(type(claims), "an activation"), _NAMES[belongs]
            self.skipped.append(Skipped(item.origin, f"holds {held} token where {wanted} token belongs; move it away"))
            return
        self._keep(item, token, claims, issues)

    def _keep(self, item: Found, token: Token, claims: Claims, issues: tuple[Issue, ...]) -> None:
        if self.signatures is not None:
            self.signatures.ask(token, claims)
        if self.shares:
            share(claims)
        at_home = item.home in (claims.name.strip(GO_SPACE), claims.sub)
        match claims:
            case OperatorClaims():
                self.operators.put(claims.sub, _signed(item, token, claims, issues), at_home=at_home)
            case AccountClaims():
                if len(item.home) == len(claims.sub) and item.home[0] == "A" and item.home != claims.sub:
                    issues = (*issues, Issue("misfiled", f"filed under the key `{item.home}`, but is another account"))
                self.accounts.put(claims.sub, _signed(item, token, claims, issues), at_home=at_home)
            case UserClaims():
                key = (claims.sub, claims.account)
                if self.users.put(key, _signed(item, token, claims, issues), at_home=at_home):
                    self.owners[key] = item.owner
            case _:
                reason = "holds an activation token, which works only inside an import; nothing to analyse"
                self.skipped.append(Skipped(item.origin, reason))


class _Clock:
    """Progress, told now and then. Each token is decoded and then checked, which takes about as long."""

    def __init__(self, progress: Progress | None, total: int) -> None:
        self.progress, self.total, self.done = progress, total, 0

    def tick(self) -> None:
        """One step more."""
        self.done += 1
        if self.progress is not None and self.done % _STEP == 0:
            self.progress(self.done, self.total)

    def end(self) -> None:
        """All done, whatever was left out."""
        if self.progress is not None:
            self.progress(self.total, self.total)


class _Checker:
    """Signature and chain of every token."""

    def __init__(self, now: int, clock: _Clock, signed: SignedAs) -> None:
        self.now, self.clock, self.signed = now, clock, signed

    def checked(
        self,
        operator: Signed[OperatorClaims] | None,
        accounts: dict[AccountKey, Signed[AccountClaims]],
        users: dict[tuple[UserKey, AccountKey], Signed[UserClaims]],
    ) -> tuple[
        Signed[OperatorClaims] | None,
        dict[AccountKey, Signed[AccountClaims]],
        dict[tuple[UserKey, AccountKey], Signed[UserClaims]],
    ]:
        """The same records with their issues."""
        head = None if operator is None else operator.claims
        if operator is not None:
            operator = self._with(
                operator, operator_issues(operator.token, operator.claims, self.now, signed=self.signed)
            )
        accounts = {
            key: self._with(account, account_issues(account.token, account.claims, head, self.now, signed=self.signed))
            for key, account in accounts.items()
        }
        for key, user in users.items():
            owner = accounts.get(user.claims.account)
            account = None if owner is None else owner.claims
            found = user_issues(user.token, user.claims, account, self.now, operator=head, signed=self.signed)
            users[key] = self._with(user, found)
        return operator, accounts, users

    def _with(self, signed: Signed[C], issues: Iterable[Issue]) -> Signed[C]:
        self.clock.tick()
        if _UNSIGNED in signed.issues:
            issues = [issue for issue in issues if issue.code != "bad-signature"]
        more = (*signed.issues, *issues)
        return replace(signed, issues=more) if more != signed.issues else signed


_UNSIGNED = Issue("unsigned", "claims without a token: nothing to check, and nothing that could be edited")


def _signed(item: Found, token: Token, claims: C, issues: tuple[Issue, ...]) -> Signed[C]:
    return Signed(claims, token, item.origin, issues, item.store_name)


def _unsigned(item: FoundClaims) -> tuple[Token, Claims]:
    """The token these claims would be, of the very size nsc would give it, with no signature in it."""
    try:
        rough = parse_token(_text(go_json(dict(item.claims))))
    except (ValueError, RecursionError):
        raise TokenError("the claims are not JSON that Go reads") from None
    claims = decode(rough)
    return parse_token(_text(payload_bytes(claims))), claims


def _text(payload: bytes) -> str:
    return f"{_HEADER}.{base64.urlsafe_b64encode(payload).rstrip(b'=').decode()}.{_NO_SIGNATURE}"


def _placed(
    user: Signed[UserClaims],
    owners: dict[tuple[UserKey, AccountKey], str],
    accounts: dict[AccountKey, Signed[AccountClaims]],
) -> Signed[UserClaims]:
    """The user, with an issue where it is filed under an account that is not its own."""
    owner = owners[user.claims.sub, user.claims.account]
    account = accounts.get(user.claims.account)
    if not owner or account is None or account.store_name == owner:
        return user
    message = f"filed under account `{owner}`, but belongs to account `{account.store_name}`"
    return replace(user, issues=(*user.issues, Issue("misfiled", message)))


def _chosen(pile: _Pile, operator: str | None) -> Signed[OperatorClaims] | None:
    """The operator of the hierarchy; the others are recorded as skipped."""
    found = list(pile.operators.signed.values())
    called = [one for one in found if operator in (None, one.claims.name, one.claims.sub)]
    if operator is not None and len(called) != 1:
        many = "several operators" if called else "no operator"
        raise UsageError(f"the source holds {many} called `{operator}`", _choice(found))
    if len(called) > 1:
        raise UsageError(f"the source holds {len(called)} operators", _choice(found))
    for one in found:
        if one is not called[0]:
            pile.skipped.append(Skipped(one.origin, "is another operator; choose it with --operator"))
    return called[0] if called else None


def _choice(found: list[Signed[OperatorClaims]]) -> str:
    if not found:
        return "leave --operator away"
    names = [one.claims.name for one in found]
    keys = [str(one.claims.sub) for one in found]
    return f"choose with --operator: {listed(names if len(set(names)) == len(names) else keys)}"


def _nothing_in(store: str, skipped: list[Skipped]) -> SourceError:
    kind, _, path = store.partition(":")
    where = f"`{path}`" if path else "standard input"
    if not skipped:
        what = {"nsc": "an nsc store", "conf": "a config with `resolver_preload`"}.get(kind, "`.jwt` files")
        return SourceError(f"{where} holds no token", f"name {what}, or force another kind with `nsc:`, `dir:` ...")
    first = printable(f"`{skipped[0].origin}` {skipped[0].reason}")
    others = f", and {len(skipped) - 1} more like it" if len(skipped) > 1 else ""
    return SourceError(f"no token in {where} can be read", f"{first}{others}")
