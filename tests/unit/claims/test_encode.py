from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given

from optimizer.claims.decode import decode
from optimizer.claims.encode import claims_id, nats_object, payload_bytes, reencoded, token_size
from optimizer.claims.model import AccountClaims, Scope, SigningKey, UserClaims, UserLimits
from optimizer.claims.token import Token, parse_token
from optimizer.claims.verify import signature_holds
from optimizer.claims.weigh import weigh
from tests import payloads, signing

ROOT = Path(__file__).parents[3]
STORES = sorted(ROOT.glob("corpus/*/**/*.jwt"))
CASES = {
    path.stem: json.loads(path.read_text())
    for path in sorted(ROOT.glob("corpus/cases/*.json"))
    if json.loads(path.read_text()).get("jwt")
}
NOT_BY_GO = {"jwt-nbe-callout-user"}  # written by a Java program, in another order and without escapes


def read(document: object):
    return decode(Token("", {}, signing.go_json(document), b""))


def account(**nats):
    return read(signing.account_claims(signing.account(), "A", **nats) | {"iss": signing.operator().public})


def user(**nats):
    return read(signing.user_claims(signing.user(), None, "U", **nats) | {"iss": signing.account().public})


def test_there_are_cases_and_stores_to_ask():
    assert len(CASES) >= 14
    assert len(STORES) >= 20


@pytest.mark.parametrize("name", CASES)
def test_real_world_tokens_are_reproduced_byte_for_byte(name):
    case = CASES[name]
    token = parse_token(case["jwt"])
    claims = decode(token)
    check = case["jwt_check"]
    assert dict(token.header) == check["header"]
    assert claims.version == check["version"]
    assert claims.iss == check["issuer"]
    assert claims.sub == check["subject"]
    assert signature_holds(token, claims) is check["signature_valid"]
    assert (claims.exp or None) == check["exp"]
    assert sum(weight.token_bytes for weight in weigh(token)) == len(case["jwt"])
    assert (payload_bytes(claims) == token.payload) == (name not in NOT_BY_GO)


def test_a_token_that_go_did_not_write_is_weighed_as_it_stands_and_predicted_as_nsc_writes_it():
    token = parse_token(CASES["jwt-nbe-callout-user"]["jwt"])
    claims = decode(token)
    assert sum(weight.payload_bytes for weight in weigh(token)) == len(token.payload)
    assert json.loads(payload_bytes(claims))["nats"] == json.loads(token.payload)["nats"] | {
        "resp": {"max": 1, "ttl": 0}
    }


@pytest.mark.parametrize("path", STORES, ids=lambda path: "/".join(path.parts[-3:]))
def test_every_token_of_the_corpus_is_reproduced_byte_for_byte(path):
    token = parse_token(path.read_text())
    claims = decode(token)
    assert payload_bytes(claims) == token.payload
    assert token_size(len(token.payload)) == token.size
    assert claims_id(claims) == claims.jti
    assert signature_holds(token, claims)
    assert sum(weight.token_bytes for weight in weigh(token)) == token.size
    assert sum(weight.payload_bytes for weight in weigh(token)) == len(token.payload)


def test_text_is_escaped_as_go_escapes_it():
    claims = user(tags=['<>&"\\/\u2028\u2029', "\b\f\n\r\t\x00\x1f\x7f", "ß日🙂\ufeff"])
    written = r'"tags":["\u003c\u003e\u0026\"\\/\u2028\u2029","\b\f\n\r\t\u0000\u001f' + '\x7f","ß日🙂\ufeff"]'
    assert written.encode() in payload_bytes(claims)


def test_maps_are_written_sorted_by_bytes_and_structs_in_gos_order():
    claims = account(revocations={"b": 1, "*": 2, "ab": 3}, mappings={"ä": [], "z": [], "a": []})
    nats = json.loads(payload_bytes(claims))["nats"]
    assert list(nats["revocations"]) == ["*", "ab", "b"]
    assert list(nats["mappings"]) == ["a", "z", "ä"]
    assert list(nats) == [
        "limits",
        "revocations",
        "default_permissions",
        "mappings",
        "authorization",
        "type",
        "version",
    ]


def test_a_reencode_drops_explicit_empty_lists_that_the_payload_keeps():
    claims = user(pub={"allow": [], "deny": ["x"]}, src=[], times=[], allowed_connection_types=[])
    kept, written = nats_object(claims), nats_object(reencoded(claims))
    assert kept["pub"] == {"allow": [], "deny": ["x"]}
    assert (kept["src"], kept["times"], kept["allowed_connection_types"]) == ([], [], [])
    assert written == {
        "pub": {"deny": ["x"]},
        "sub": {},
        "subs": -1,
        "data": -1,
        "payload": -1,
        "type": "user",
        "version": 2,
    }


def test_a_reencode_fills_a_scopes_absent_limits_and_drops_its_explicit_zeros():
    scope = signing.scope(signing.account("sk"))
    del scope["template"]["subs"]
    scope["template"]["data"] = 0
    claims = account(signing_keys=[scope])
    assert claims.signing_keys[0].scope.limits == UserLimits(subs=None, data=0, payload=-1)
    written = reencoded(claims).signing_keys[0].scope.limits
    assert written == UserLimits(subs=-1, data=None, payload=-1)


def test_a_reencode_sorts_signing_keys_and_keeps_the_last_of_a_name():
    claims = account(signing_keys=["B", {"kind": "user_scope", "key": "A"}, "C", "A", "B"])
    assert len(claims.signing_keys) == 5
    assert reencoded(claims).signing_keys == (SigningKey("A"), SigningKey("B"), SigningKey("C"))


def test_a_reencode_sorts_exports_and_imports_by_subject():
    items = [{"subject": subject, "type": "stream"} for subject in ("b", "a.>", "B", "a.*", "ä")]
    claims = reencoded(account(imports=items, exports=items))
    assert [item.subject for item in claims.imports] == ["B", "a.*", "a.>", "b", "ä"]
    assert [item.subject for item in claims.exports] == ["B", "a.*", "a.>", "b", "ä"]


def test_a_reencode_drops_global_jetstream_limits_beside_tiers():
    limits = {"mem_storage": 5, "streams": -1, "conn": 3, "tiered_limits": {"R1": {"disk_storage": 7}}}
    assert reencoded(account(limits=limits)).limits == {"conn": 3, "tiered_limits": {"R1": {"disk_storage": 7}}}
    del limits["tiered_limits"]
    assert reencoded(account(limits=limits)).limits == limits


def test_a_reencode_drops_what_nobody_knows():
    strange = {"x": 1}
    claims = account(imports=[{"subject": "s", **strange}], limits=strange, trace={"dest": "d", **strange}, **strange)
    assert b'"x":1' in payload_bytes(claims)
    assert b'"x":1' not in payload_bytes(reencoded(claims))


def test_version_1_users_become_unlimited_where_they_said_nothing():
    head = {"iss": signing.account().public, "sub": signing.user().public, "type": "user", "tags": ["t"]}
    claims = read({**head, "nats": {"pub": {"allow": ["a"]}, "payload": 9, "max": 4}})
    written = reencoded(claims)
    assert isinstance(written, UserClaims)
    assert written.limits == UserLimits(subs=-1, data=-1, payload=9)
    assert (written.version, written.tags) == (2, ("t",))
    assert json.loads(payload_bytes(written))["nats"]["tags"] == ["t"]


def test_the_time_and_the_key_of_signing_can_be_told():
    other = signing.operator("other").public
    claims = reencoded(account(), iat=1_777_777_777, issuer=other)
    assert (claims.iat, claims.iss) == (1_777_777_777, other)
    assert claims.jti == claims_id(claims)
    assert len(claims.jti) == 52


def test_a_token_without_time_or_id_is_predicted_with_both():
    claims = replace(account(), iat=0, jti="")
    assert b'"iat"' not in payload_bytes(claims)
    written = payload_bytes(reencoded(claims))
    assert len(written) == len(payload_bytes(reencoded(claims, iat=1_777_777_777)))


@given(payloads.every_payload)
def test_a_second_reencode_changes_nothing_but_what_a_scope_left_out(payload):
    once = reencoded(read(payload))
    twice = reencoded(once)
    if isinstance(once, AccountClaims):
        keys = [key if key.scope is None else key.replaced(scope=unlimited(key.scope)) for key in once.signing_keys]
        once = replace(once, signing_keys=tuple(keys))
    assert twice == once


def unlimited(scope: Scope) -> Scope:
    """With -1 for the limits that an explicit 0 became when Go left it out."""
    limits = scope.limits
    filled = {name: getattr(limits, name) or -1 for name in ("subs", "data", "payload")}
    return scope.replaced(limits=limits.replaced(**filled))


@given(payloads.every_payload)
def test_what_a_reencode_writes_is_read_as_it_said(payload):
    claims = reencoded(read(payload))
    assert decode(Token("", {}, payload_bytes(claims), b"")) == claims
    assert claims.unknown == {}
