"""The chain operator, account, user: who signed a token, whether they may, and whether it still counts.

Each function says what is wrong with one token, in the order a server would notice. A token with issues is analysed
all the same; it gets no script step.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from optimizer.claims.signature import signature_holds, signed_as
from optimizer.claims.token import MAX_TOKEN_SIZE
from optimizer.claims.validate import account_refusal
from optimizer.text import printable

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from optimizer.claims.model import AccountClaims, ActivationClaims, Claims, OperatorClaims, UserClaims
    from optimizer.claims.token import Token

    SignedAs = Callable[[Token, Claims], int | None]

__all__ = [
    "Issue",
    "account_issues",
    "activation_issues",
    "operator_issues",
    "signature_holds",
    "signer_problem",
    "user_issues",
]


@dataclass(frozen=True, slots=True)
class Issue:
    """Something wrong with a token that a server would notice.

    Parameters
    ----------
    code
        One of ``bad-signature``, ``refused``, ``self-signed``, ``foreign-issuer``, ``identity-signed``,
        ``unknown-account``, ``scope-violation``, ``bearer-not-allowed``, ``revoked``, ``expired``,
        ``not-yet-valid``; stable, for machines.
    message
        For people, in the style of `optimizer.errors`.
    """

    code: str
    message: str


def operator_issues(
    token: Token, claims: OperatorClaims, now: int, *, signed: SignedAs = signed_as
) -> tuple[Issue, ...]:
    """What is wrong with an operator's token at ``now`` (seconds since 1970); ``signed`` as in `user_issues`."""
    return tuple(_operator_issues(token, claims, now, signed))


def account_issues(
    token: Token, claims: AccountClaims, operator: OperatorClaims | None, now: int, *, signed: SignedAs = signed_as
) -> tuple[Issue, ...]:
    """What is wrong with an account's token; without its operator, as far as it can be told.

    Server: ``Server.verifyAccountClaims``, ``Account.checkExpiration``. ``signed`` is as in `user_issues`.
    """
    return tuple(_account_issues(token, claims, operator, now, signed))


def user_issues(
    token: Token,
    claims: UserClaims,
    account: AccountClaims | None,
    now: int,
    *,
    operator: OperatorClaims | None = None,
    signed: SignedAs = signed_as,
) -> tuple[Issue, ...]:
    """What is wrong with a user's token; ``account`` is None where its account is not known.

    Server: ``Server.processClientOrLeafAuthentication``.

    Parameters
    ----------
    operator
        Where it demands signing keys, a user signed by the account's own key is refused.
    signed
        Answers as `optimizer.claims.signature.signed_as` does, which takes longer than all else here.
    """
    return tuple(_user_issues(token, claims, account, operator, now=now, signed=signed))


def activation_issues(
    token: Token,
    claims: ActivationClaims,
    exporter: AccountClaims | None,
    importer: str,
    now: int,
    *,
    is_signed: bool = False,
) -> tuple[Issue, ...]:
    """What is wrong with an activation token that ``importer`` carries, its revocation apart.

    Server: ``Account.checkActivation``.

    Parameters
    ----------
    is_signed
        Whether the signature is known to hold, as it is of what `optimizer.claims.validate.activation_of` returns.
    """
    frame = () if is_signed else _frame_issues(token, claims, signed_as)
    return (*frame, *_activation_issues(claims, exporter, importer, now))


def signer_problem(claims: AccountClaims, operator: OperatorClaims) -> Issue | None:
    """Why the operator does not vouch for who issued this account. Server: ``Server.isTrustedIssuer``."""
    if claims.iss == claims.sub:
        return Issue("self-signed", "the account signed its own token, no operator vouches for it")
    if claims.iss in operator.signing_keys:
        return None
    if claims.iss != operator.sub:
        return Issue("foreign-issuer", f"`{claims.iss}` issued the token and is no key of this operator")
    if operator.strict_signing_key_usage:
        return Issue(
            "identity-signed", "the operator's own key issued the token where the operator demands a signing key"
        )
    return None


def _operator_issues(token: Token, claims: OperatorClaims, now: int, signed: SignedAs) -> Iterator[Issue]:
    yield from _frame_issues(token, claims, signed)
    if claims.iss != claims.sub and claims.iss not in claims.signing_keys:
        yield Issue("foreign-issuer", f"`{claims.iss}` issued the token and is no key of this operator")
    yield from _time_issues(claims, now)


def _account_issues(
    token: Token, claims: AccountClaims, operator: OperatorClaims | None, now: int, signed: SignedAs
) -> Iterator[Issue]:
    yield from _frame_issues(token, claims, signed)
    if operator is not None:
        problem = signer_problem(claims, operator)
        if problem is not None:
            yield problem
    elif claims.iss == claims.sub:
        yield Issue("self-signed", "the account signed its own token, no operator vouches for it")
    yield from _time_issues(claims, now)
    refusal = account_refusal(claims)
    if refusal is not None:
        yield Issue("refused", printable(refusal))


def _user_issues(
    token: Token,
    claims: UserClaims,
    account: AccountClaims | None,
    operator: OperatorClaims | None,
    *,
    now: int,
    signed: SignedAs,
) -> Iterator[Issue]:
    yield from _frame_issues(token, claims, signed)
    yield from _time_issues(claims, now)
    if account is None:
        yield Issue("unknown-account", f"the account `{claims.account}` of this user is not known")
        return
    signer = account.signing_key(claims.iss)
    scope = None if signer is None else signer.scope
    if claims.account != account.sub or (signer is None and claims.iss != account.sub):
        yield Issue("foreign-issuer", f"`{claims.iss}` issued the token and is no key of its account")
    elif signer is None and _demands_signing_keys(operator, account):
        yield Issue(
            "identity-signed", "the account's own key issued the token where the operator demands a signing key"
        )
    if scope is not None and not claims.is_scoped:
        yield Issue(
            "scope-violation",
            "the token of a scoped signing key has permissions or limits of its own, which is refused",
        )
    bearer = claims.limits.bearer_token if scope is None else scope.limits.bearer_token
    if bearer and account.limits.get("disallow_bearer"):
        yield Issue("bearer-not-allowed", "the token is a bearer token and the account allows none")
    revoked_at = account.revoked_at(claims.sub)
    if revoked_at is not None and claims.iat <= revoked_at:
        yield Issue("revoked", f"the account revoked what was issued up to {revoked_at}, the token is of {claims.iat}")


def _activation_issues(
    claims: ActivationClaims, exporter: AccountClaims | None, importer: str, now: int
) -> Iterator[Issue]:
    yield from _time_issues(claims, now)
    if claims.sub != importer:
        yield Issue(
            "refused", f"the activation is for `{printable(claims.sub)[:64]}`, not for the account that carries it"
        )
    if exporter is None:
        yield Issue("unknown-account", "the account that issued the activation is not known")
        return
    direct = not claims.issuer_account and claims.iss == exporter.sub
    keys = {exporter.sub, *(key.key for key in exporter.signing_keys)}
    if not direct and not (claims.issuer_account == exporter.sub and claims.iss in keys):
        yield Issue("foreign-issuer", f"`{claims.iss}` issued the activation and is no key of the exporter")


def _frame_issues(token: Token, claims: Claims, signed: SignedAs) -> Iterator[Issue]:
    version = signed(token, claims)
    if version is None:
        yield Issue("bad-signature", "the signature is not by the issuer that the token names")
    elif version != claims.version:
        yield Issue("refused", f"the token says version {claims.version} and is signed as version {version} is")
    if token.size > MAX_TOKEN_SIZE:
        yield Issue(
            "refused", f"the token has {token.size} bytes, nats-server 2.12.15 reads none above {MAX_TOKEN_SIZE}"
        )


def _time_issues(claims: Claims, now: int) -> Iterator[Issue]:
    if claims.exp and claims.exp <= now:  # nats-server ends a client in the very second, jwt one later
        yield Issue("expired", f"the token expired at {claims.exp}")
    if claims.nbf > now:
        yield Issue("not-yet-valid", f"the token is not valid before {claims.nbf}")


def _demands_signing_keys(operator: OperatorClaims | None, account: AccountClaims) -> bool:
    """Server: ``Server.strictSigningKeyUsage``, looked up by who issued the account."""
    return operator is not None and operator.strict_signing_key_usage and account.iss in operator.signing_keys
