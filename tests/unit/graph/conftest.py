"""Hierarchies of a few accounts, signed in memory."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from optimizer.claims.decode import decode
from optimizer.claims.model import AccountClaims, OperatorClaims
from optimizer.claims.token import parse_token
from optimizer.claims.verify import account_issues
from optimizer.hierarchy import Coverage, Hierarchy, Signed
from tests import signing

if TYPE_CHECKING:
    from collections.abc import Callable

NOW = 1_795_000_000


@pytest.fixture
def make() -> Callable[..., Hierarchy]:
    return hierarchy


def hierarchy(*, system: str = "", complete: bool = False, **accounts: dict[str, Any]) -> Hierarchy:
    """Accounts by letter; in an import the letter of an account stands for its key."""
    signer = signing.operator("graph")
    more = {"system_account": str(signing.account(system))} if system else {}
    token = parse_token(signing.sign(signing.operator_claims(signer, "graph", **more), signer))
    operator = decode(token)
    assert isinstance(operator, OperatorClaims)
    read: dict[Any, Signed[AccountClaims]] = {}
    for letter, body in accounts.items():
        key = signing.account(letter)
        taken = [{**each, "account": str(signing.account(each["account"]))} for each in body.get("imports", ())]
        name = body.get("name", letter)
        by = signing.operator(body.get("signed_by", "graph"))
        claims = {key: value for key, value in body.items() if key not in ("name", "signed_by")}
        text = signing.sign(signing.account_claims(key, name, **{**claims, "imports": taken}), by)
        account = decode(parse_token(text))
        assert isinstance(account, AccountClaims)
        issues = account_issues(parse_token(text), account, operator, NOW)
        read[account.sub] = Signed(account, parse_token(text), f"{letter}.jwt", issues)
    return Hierarchy(operator=Signed(operator, token, "op.jwt"), accounts=read, coverage=Coverage(accounts=complete))
