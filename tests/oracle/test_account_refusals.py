"""Account tokens that the real nats-server refuses for what is in them, and near misses that it takes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from optimizer.claims.decode import decode
from optimizer.claims.model import AccountClaims
from optimizer.claims.token import parse_token
from optimizer.claims.validate import account_refusal
from optimizer.settings import Server
from tests import signing
from tests.oracle.server import OPERATOR, RealServer, RefusedError

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.server

OTHER, USER = str(signing.account("other")), str(signing.user("auth"))
UNLIMITED = signing.NO_LIMITS


def exporting(**export: Any) -> dict[str, Any]:
    return {"exports": [{"subject": "e.*", "type": "service", **export}]}


def importing(**taken: Any) -> dict[str, Any]:
    return {"imports": [{"subject": "i.a", "type": "stream", "account": OTHER, **taken}]}


def mapping(*weights: int, **more: Any) -> dict[str, Any]:
    return {"mappings": {"m.*": [{"subject": f"n.{n}", "weight": w, **more} for n, w in enumerate(weights)]}}


TAKEN: tuple[dict[str, Any], ...] = (
    {},
    exporting(),
    exporting(response_type="Chunked", response_threshold=1),
    exporting(account_token_position=2),
    exporting(service_latency={"sampling": 100, "results": "r"}),
    exporting(service_latency={"sampling": "headers", "results": "r"}),
    exporting(info_url="https://example.com/x?y#z", description="d" * 8192),
    exporting(info_url="nats://[::1]:4222"),
    exporting(subject="e.>.x"),
    exporting(type="stream"),
    {"exports": [{"subject": "e.*", "type": "service"}, {"subject": "e.a", "type": "stream"}]},
    {"exports": [{"subject": "e.*.b", "type": "service"}, {"subject": "e.a.*", "type": "service"}]},
    importing(),
    importing(local_subject="l"),
    importing(subject="i.*.>", local_subject="l.$1.>"),
    importing(to="pre"),
    importing(allow_trace=True),
    importing(type="service", share=True),
    mapping(60, 40),
    mapping(0),
    mapping(100, cluster="c"),
    {"default_permissions": {"pub": {"allow": ["a.>"]}, "sub": {"deny": ["a q"]}}},
    {"default_permissions": {"pub": {"allow": ["a.>.c"]}}},
    {"authorization": {"auth_users": [USER], "allowed_accounts": ["*"]}},
    {"authorization": {"auth_users": [USER], "allowed_accounts": [OTHER]}},
    {"trace": {"dest": "t", "sampling": 100}},
    {"signing_keys": [OTHER]},
    {"cluster_traffic": "owner"},
    {"limits": {**UNLIMITED, "imports": 1}, **importing()},
    {"limits": {**UNLIMITED, "exports": 1, "wildcards": True}, **exporting()},
    {"limits": {**UNLIMITED, "wildcards": False}, **exporting()},
    {"limits": {**UNLIMITED, "exports": 1, "wildcards": False}, **exporting(subject="e.a")},
)
REFUSED: tuple[dict[str, Any], ...] = (
    exporting(response_type="Many"),
    exporting(type="stream", response_type="Singleton"),
    exporting(type="stream", allow_trace=True),
    exporting(type="stream", response_threshold=1),
    exporting(response_threshold=-1),
    exporting(account_token_position=1),
    exporting(account_token_position=3),
    exporting(subject="e.a", account_token_position=1),
    exporting(service_latency={"sampling": 101, "results": "r"}),
    exporting(service_latency={"sampling": 10, "results": "r.*"}),
    exporting(service_latency={"sampling": 10, "results": ""}),
    exporting(type="stream", service_latency={"sampling": 10, "results": "r"}),
    exporting(info_url="example.com"),
    exporting(info_url="https://"),
    exporting(description="d" * 8193),
    exporting(subject=""),
    exporting(subject="e..a"),
    exporting(subject="e a"),
    exporting(subject=".e"),
    {"exports": [{"subject": "e.*", "type": "service"}, {"subject": "e.a", "type": "service"}]},
    {"exports": [{"subject": "e.a", "type": "stream"}, {"subject": "e.a", "type": "stream"}]},
    {"exports": [{"subject": "e.*", "type": "stream"}, {"subject": "e.>", "type": "stream"}]},
    importing(account=""),
    importing(subject=""),
    importing(type="service", allow_trace=True),
    importing(share=True),
    importing(local_subject="l", to="l"),
    importing(local_subject="l.$1"),
    importing(local_subject="l.*"),
    importing(local_subject="l.>"),
    importing(subject="i.*.*", local_subject="l.$1.x"),
    importing(token="a.b.c"),
    mapping(60, 60),
    mapping(101),
    mapping(60, 60, cluster="c"),
    {"mappings": {"m..x": [{"subject": "n"}]}},
    {"mappings": {"m": [{"subject": ""}]}},
    {"default_permissions": {"pub": {"allow": ["a..b"]}}},
    {"default_permissions": {"pub": {"deny": ["a q"]}}},
    {"default_permissions": {"sub": {"allow": ["a b c"]}}},
    {"authorization": {"allowed_accounts": [OTHER]}},
    {"authorization": {"auth_users": [OTHER]}},
    {"authorization": {"auth_users": [USER], "allowed_accounts": [USER]}},
    {"authorization": {"auth_users": [USER], "allowed_accounts": ["*", OTHER]}},
    {"authorization": {"auth_users": [USER], "xkey": OTHER}},
    {"trace": {"dest": "t.*", "sampling": 1}},
    {"trace": {"sampling": 1}},
    {"trace": {"dest": "t", "sampling": 101}},
    {"signing_keys": [USER]},
    {"signing_keys": [{**signing.scope(signing.account("scope")), "key": USER}]},
    {"cluster_traffic": "nobody"},
    {"limits": {**UNLIMITED, "imports": 0}, **importing()},
    {"limits": {**UNLIMITED, "exports": 0}, **exporting(subject="e.a")},
    {"limits": {**UNLIMITED, "exports": 5, "wildcards": False}, **exporting()},
    {"limits": {**UNLIMITED, "imports": -2}},
    {"limits": {**UNLIMITED, "tiered_limits": {"": {"mem_storage": 1}}}},
)


@pytest.mark.parametrize("generation", list(Server), ids=lambda server: server.value)
def test_account_refusals_are_those_of_the_real_server(generation: Server, tmp_path: Path):
    keys = {}
    tokens = {}
    for number, body in enumerate((*TAKEN, *REFUSED)):
        key = signing.account(f"refusal {number}")
        keys[number] = key
        tokens[str(key)] = signing.sign(signing.account_claims(key, f"N{number}", **body), OPERATOR)
    foretold = {number: account_refusal(claims(tokens[str(key)])) for number, key in keys.items()}
    with RealServer(generation, tmp_path / "server", tokens) as server:
        for number, body in enumerate((*TAKEN, *REFUSED)):
            assert (foretold[number] is None) == is_taken(server, keys[number]), (body, foretold[number])
            assert (foretold[number] is None) == (number < len(TAKEN)), (body, foretold[number])


def claims(token: str) -> AccountClaims:
    decoded = decode(parse_token(token))
    assert isinstance(decoded, AccountClaims)
    return decoded


def is_taken(server: RealServer, account: signing.Key) -> bool:
    auth = signing.user("auth")
    try:
        # Any user may be the one of an external authorization, which the server asks for nobody else.
        server.connect(signing.sign(signing.user_claims(auth, None, "auth"), account), auth).close()
    except RefusedError:
        return False
    return True
