from __future__ import annotations

import functools
import gc
import json
import sys
import time

import pytest
from hypothesis import HealthCheck, event, example, given, settings
from hypothesis import strategies as st

import optimizer.claims.decode
from optimizer.claims import gojson, quick
from optimizer.claims.decode import decode
from optimizer.claims.encode import payload_bytes
from optimizer.claims.gojson import Struct, plain
from optimizer.claims.model import (
    AccountClaims,
    ActivationClaims,
    Export,
    Import,
    OperatorClaims,
    ResponsePermission,
    SigningKey,
    SubjectLists,
    UserClaims,
)
from optimizer.claims.token import Token, parse_token
from optimizer.errors import TokenError
from tests import payloads, signing

OP, ACC, USER = signing.operator().public, signing.account().public, signing.user().public


def token_of(payload: bytes) -> Token:
    return Token("", {}, payload, b"")


def read(document: object):
    return decode(token_of(signing.go_json(document)))


def user(nats: str, top: str = "") -> bytes:
    """A user's payload with these members written out."""
    return f'{{"iss":"{ACC}","sub":"{USER}"{top},"nats":{{"type":"user","version":2{nats}}}}}'.encode()


def account(nats: str) -> bytes:
    return f'{{"iss":"{OP}","sub":"{ACC}","nats":{{"type":"account","version":2{nats}}}}}'.encode()


def refusal(payload: bytes) -> str:
    with pytest.raises(TokenError) as problem:
        decode(token_of(payload))
    message = problem.value.message
    assert "\n" not in message
    assert len(message) < 300
    return message


def test_each_type_of_token_becomes_its_own_claims():
    owner, importer = signing.account(), signing.account("importer")
    activation = {"sub": importer.public, "iss": ACC, "nats": {"subject": "a.>", "kind": "stream"}}
    activation["nats"] |= {"type": "activation", "version": 2}
    assert isinstance(read(signing.operator_claims(signing.operator()) | {"iss": OP}), OperatorClaims)
    assert isinstance(read(signing.account_claims(owner) | {"iss": OP}), AccountClaims)
    assert isinstance(read(signing.user_claims(signing.user()) | {"iss": ACC}), UserClaims)
    found = read(activation)
    assert isinstance(found, ActivationClaims)
    assert (found.subject, found.kind, found.sub) == ("a.>", "stream", importer.public)


def test_an_absent_a_null_and_an_empty_list_are_told_apart_where_it_matters():
    lists = decode(token_of(user(',"pub":{"allow":[],"deny":null},"sub":{"allow":["a","a"]}'))).permissions
    assert lists.pub == SubjectLists(allow=(), deny=None)
    assert lists.sub == SubjectLists(allow=("a", "a"), deny=None)
    assert lists.has_explicit_empty_list
    assert not lists.is_empty


def test_a_user_belongs_to_its_issuer_account_else_to_its_issuer():
    signer = signing.account("signer")
    assert read(signing.user_claims(signing.user()) | {"iss": ACC}).account == ACC
    assert read(signing.user_claims(signing.user(), signing.account()) | {"iss": signer.public}).account == ACC


def test_exports_imports_and_scopes_are_read_field_by_field():
    scope = signing.scope(signing.account("sk"), "role", pub={"allow": ["x"]}, bearer_token=True)
    claims = read(
        signing.account_claims(
            signing.account(),
            "A",
            imports=[{"subject": "s", "account": ACC, "to": "t", "type": "service", "share": True}],
            exports=[{"subject": "e.>", "type": "stream", "token_req": True, "revocations": {"*": 5}}],
            signing_keys=["AX", scope],
            revocations={USER: 10, "*": 3},
            mappings={"a": [{"subject": "b", "weight": 10}, {"subject": "c"}]},
        )
        | {"iss": OP}
    )
    assert claims.imports == (Import(subject="s", account=ACC, to="t", type="service", share=True),)
    assert claims.exports == (Export(subject="e.>", type="stream", token_req=True, revocations={"*": 5}),)
    assert claims.signing_keys[0] == SigningKey("AX")
    found = claims.signing_key(signing.account("sk").public)
    assert found is claims.signing_keys[1]
    assert found.scope.permissions.pub.allow == ("x",)
    assert (found.scope.limits.bearer_token, found.scope.limits.subs, found.scope.role) == (True, -1, "role")
    assert claims.revoked_at(USER) == 10
    assert claims.revoked_at("UOTHER") == 3
    assert claims.mappings == {"a": ({"subject": "b", "weight": 10}, {"subject": "c"})}


def test_of_two_signing_keys_with_one_name_the_last_counts():
    scope = signing.scope(signing.account("sk"))
    key = scope["key"]
    claims = read(signing.account_claims(signing.account(), "A", signing_keys=[scope, key]) | {"iss": OP})
    assert claims.signing_key(key) == SigningKey(key)
    assert claims.signing_key("nobody") is None


def test_elements_of_signing_keys_that_are_neither_text_nor_object_are_passed_over():
    claims = decode(token_of(account(f',"signing_keys":[1,null,["x"],true,"{ACC}"]')))
    assert claims.signing_keys == (SigningKey(ACC),)


def test_member_names_are_matched_in_any_case():
    claims = decode(token_of(user(',"PUB":{"Allow":["a"]},"\u017fub":{"deny":["b"]},"BEARER_TOKEN":true')))
    assert claims.permissions.pub.allow == ("a",)
    assert claims.permissions.sub.deny == ("b",)
    assert claims.limits.bearer_token
    assert claims.unknown == {}


def test_of_a_member_written_twice_the_last_counts_and_objects_merge():
    twice = user(',"pub":{"allow":["a"],"deny":["d"]},"pub":{"allow":["b"]},"subs":1,"Subs":2,"data":3,"data":null')
    claims = decode(token_of(twice))
    assert claims.permissions.pub == SubjectLists(allow=("b",), deny=("d",))
    assert (claims.limits.subs, claims.limits.data) == (2, 3)


def test_a_whole_nats_object_written_twice_merges():
    payload = user(',"pub":{"allow":["a"]}')[:-1] + b',"nats":{"sub":{"allow":["b"]}},"NATS":null}'
    claims = decode(token_of(payload))
    assert claims.permissions.pub.allow == ("a",)
    assert claims.permissions.sub.allow == ("b",)


def test_a_list_of_objects_written_twice_is_refused():
    assert "`nats.imports`" in refusal(account(',"imports":[{"subject":"a"}],"imports":[{"name":"b"}]'))


def test_resp_null_takes_an_earlier_resp_away():
    assert decode(token_of(user(',"resp":{"max":1},"resp":null'))).permissions.resp is None
    assert decode(token_of(user(',"resp":{"max":1}'))).permissions.resp == ResponsePermission(max=1)


def test_null_in_a_list_of_text_is_an_empty_text():
    claims = decode(token_of(user(',"tags":["a",null],"src":[null]')))
    assert claims.tags == ("a", "")
    assert claims.limits.src == ("",)


def test_lone_surrogates_are_replaced_as_go_does():
    claims = decode(token_of(user(r',"tags":["\ud800x\uDC00","\ud83d\ude00"]', r',"name":"\udfff"')))
    assert claims.tags == ("\ufffdx\ufffd", "\U0001f600")
    assert claims.name == "\ufffd"


def test_src_may_be_one_text_with_commas():
    claims = decode(token_of(user(',"src":" 10.0.0.0/8 ,FE80::/10,,10.0.0.0/8"')))
    assert claims.limits.src == ("10.0.0.0/8", "fe80::/10")


def test_a_scopes_numbers_go_through_a_float():
    scope = f'{{"kind":"user_scope","key":"{ACC}","template":{{"subs":9007199254740993,"data":1e3,"payload":2.0}}}}'
    limits = decode(token_of(account(f',"signing_keys":[{scope}]'))).signing_keys[0].scope.limits
    assert (limits.subs, limits.data, limits.payload) == (9007199254740992, 1000, 2)


def test_unknown_members_are_kept_everywhere():
    strange = {"x": [1, {"y": None}], "unknown": "u"}
    document = signing.account_claims(
        signing.account(),
        "A",
        imports=[{"subject": "a", **strange}],
        exports=[{"subject": "b", **strange, "service_latency": {"sampling": 5, "results": "r", **strange}}],
        limits={"subs": 1, "tiered_limits": {"R1": {"streams": 1, **strange}}, **strange},
        signing_keys=[{**signing.scope(signing.account("s"), pub={"allow": ["a"], **strange}), **strange}],
        default_permissions={"pub": {**strange}, "sub": {}, "resp": {"max": 1, "ttl": 2, **strange}, **strange},
        mappings={"m": [{"subject": "t", **strange}]},
        authorization={"xkey": "X", **strange},
        trace={"dest": "d", **strange},
        **strange,
    ) | {"iss": OP, **strange}
    document["nats"]["signing_keys"][0]["template"] |= strange
    assert in_order(json.loads(payload_bytes(read(document)))) == in_order(json.loads(signing.go_json(document)))


def in_order(value: object) -> str:
    return json.dumps(value, sort_keys=True)


@pytest.mark.parametrize(
    ("payload", "said"),
    [
        (b"", "not JSON"),
        (b"null", "not a JSON object"),
        (b"[]", "not a JSON object"),
        (b'"x"', "not a JSON object"),
        (b"{", "not JSON"),
        (b"{}", "is no operator, account, user or activation"),
        (b'{"nats":null}', "is no operator"),
        (b'{"nats":{"type":"user"}}', "version 0"),
        (b'{"nats":{"type":"user","version":3}}', "newer than 2"),
        (b'{"nats":{"type":"user","version":-1}}', "version -1"),
        (b'{"nats":{"type":"authorization_request","version":2}}', "`authorization_request`"),
        (b'{"type":"server","nats":{}}', "`server`"),
        (b'{"nats":{"type":1,"version":2}}', "`nats.type` is a number"),
        (b"\xff\xfe{}", "not UTF-8 at byte 0"),
        (b'{"name":"\xc3"}', "not UTF-8 at byte 9"),
        (b"\xef\xbb\xbf{}", "not JSON"),
        (b'{"a":1}{"b":2}', "not JSON"),
        (b'{"a":1,}', "not JSON"),
        (b'{"a":01}', "not JSON"),
        (b'{"a":"\n"}', "not JSON"),
        (b'{"a":NaN}', "nan is not a number"),
        (b'{"a":Infinity}', "infinity is not a number"),
        (b'{"a":-Infinity}', "-infinity is not a number"),
        (b'{"a":' + b"9" * 5000 + b"}", "not JSON that Go reads"),
        (b"[" * 10_000 + b"]" * 10_000, "nested too deep"),
        (b'{"a":' * 10_000 + b"1" + b"}" * 10_000, "nested too deep"),
        (user(',"x":' + "[" * 10_000 + "]" * 10_000), "nested too deep"),
        (user(',"x":' + "[" * 100 + "]" * 100), "`x` is nested too deep"),
        (user(',"x":1e999'), "`x` holds a number that no float64 holds"),
        (user(',"pub":"a"'), "`nats.pub` is a string, an object is expected"),
        (user(',"pub":{"allow":"a.>"}'), "`nats.pub.allow` is a string, a list of strings is expected"),
        (user(',"pub":{"allow":["a",1]}'), "`nats.pub.allow` is a list, a list of strings is expected"),
        (user(',"pub":{"allow":[["a"]]}'), "`nats.pub.allow`"),
        (user(',"pub":[]'), "`nats.pub` is a list, an object is expected"),
        (user(',"resp":{"max":"1"}'), "`nats.resp.max` is a string, an integer"),
        (user(',"resp":{"max":1.0}'), "`nats.resp.max` is a number, an integer"),
        (user(',"resp":{"ttl":1e9}'), "`nats.resp.ttl`"),
        (user(f',"subs":{2**63}'), "`nats.subs`"),
        (user(',"subs":true'), "`nats.subs` is a boolean"),
        (user(',"bearer_token":1'), "`nats.bearer_token` is a number, true or false is expected"),
        (user(',"times":[{"start":1}]'), "`nats.times[0].start`"),
        (user(',"src":{"a":1}'), "`nats.src` is an object"),
        (user(',"tags":"a"'), "`nats.tags`"),
        (user("", ',"exp":"never"'), "`exp` is a string"),
        (user("", ',"name":{}'), "`name` is an object, a string is expected"),
        (user("", ',"iat":-1e400'), "`iat` is a number"),
        (user(',"issuer_account":"AAAA"'), "is not a public key that starts with A"),
        (account(',"imports":{}'), "`nats.imports` is an object, a list is expected"),
        (account(',"imports":[null]'), "`nats.imports[0]` is null, an object is expected"),
        (
            account(',"exports":[{},{"type":"x"}]'),
            "`nats.exports[1].type` is a string, `stream` or `service` is expected",
        ),
        (account(',"exports":[{"type":null}]'), "`nats.exports[0].type` is null"),
        (account(',"exports":[{"account_token_position":-1}]'), "`nats.exports[0].account_token_position`"),
        (account(',"exports":[{"service_latency":{"sampling":"all"}}]'), "service_latency.sampling` is a string"),
        (account(',"exports":[{"revocations":{"U":"now"}}]'), "`nats.exports[0].revocations[U]` is a string"),
        (account(',"mappings":{"a":[{"weight":256}]}'), "`nats.mappings[a][0].weight`"),
        (account(',"mappings":{"a":null}'), "`nats.mappings[a]` is null"),
        (account(',"signing_keys":"A"'), "`nats.signing_keys` is a string, a list of signing keys is expected"),
        (account(',"signing_keys":[{"kind":"x"}]'), "`nats.signing_keys[0]` is an object, a scope of kind"),
        (account(',"signing_keys":[{"kind":"user_scope","template":{"subs":1.5}}]'), "signing_keys[0].template.subs`"),
        (account(',"signing_keys":[{"kind":"user_scope","template":{"subs":1e30}}]'), "template.subs`"),
        (account(f',"signing_keys":[{{"kind":"user_scope","template":{{"subs":1{"0" * 400}}}}}]'), "template.subs`"),
        (account(f',"signing_keys":[{{"kind":"user_scope","template":{{"data":{2**63 - 1}}}}}]'), "template.data`"),
        (account(',"limits":{"tiered_limits":[]}'), "`nats.limits.tiered_limits` is a list"),
        (account(',"trace":"x"'), "`nats.trace` is a string, an object"),
        (f'{{"iss":"{USER}","sub":"{USER}","nats":{{"type":"user","version":2}}}}'.encode(), "starts with A"),
        (f'{{"iss":"{OP}","sub":"{USER}","nats":{{"type":"user","version":2}}}}'.encode(), "starts with A"),
        (f'{{"iss":"{ACC}","sub":"{ACC}","nats":{{"type":"user","version":2}}}}'.encode(), "starts with U"),
        (f'{{"iss":"{ACC}","nats":{{"type":"user","version":2}}}}'.encode(), "`` is not a public key"),
        (f'{{"iss":"{ACC}","sub":"{OP}","nats":{{"type":"operator","version":2}}}}'.encode(), "starts with O"),
        (f'{{"iss":"{OP}","sub":"{ACC[:-1]}!","nats":{{"type":"account","version":2}}}}'.encode(), "not base32"),
        (f'{{"iss":"{OP}","sub":"{ACC[:-2]}AA","nats":{{"type":"account","version":2}}}}'.encode(), "checksum"),
        (f'{{"type":"account","iss":"{OP}","sub":"{ACC}","nats":{{"signing_keys":[{{}}]}}}}'.encode(), "signing_keys"),
    ],
)
def test_what_go_would_not_read_is_refused_with_the_place_named(payload, said):
    assert said in refusal(payload)


def test_nesting_is_refused_however_deep_the_caller_already_is():
    def deeper(levels: int) -> str:
        return deeper(levels - 1) if levels else refusal(user(',"x":' + '{"y":' * 3000 + "1" + "}" * 3000))

    assert "nested too deep" in deeper(sys.getrecursionlimit() // 3)


def test_a_name_of_10_kb_does_not_flood_the_message():
    assert len(refusal(account(f',"mappings":{{"{"n" * 10_000}":1}}'))) < 300


def test_a_token_with_100_000_entries_is_read_in_proportion():
    entries = ",".join(f'"a.{n}.>"' for n in range(100_000))
    started = time.process_time()
    claims = decode(token_of(user(f',"pub":{{"allow":[{entries}]}}')))
    assert len(claims.permissions.pub.allow) == 100_000
    assert time.process_time() - started < 2


@given(payloads.every_payload)
def test_decoding_what_was_encoded_gives_the_same_claims(payload):
    claims = read(payload)
    written = payload_bytes(claims)
    again = decode(token_of(written))
    assert again == claims
    assert payload_bytes(again) == written


@settings(max_examples=300)
@given(payloads.damaged())
def test_a_value_of_any_type_anywhere_is_read_or_refused(payload):
    try:
        claims = decode(token_of(payload))
    except TokenError as problem:
        assert problem.message.isprintable()  # noqa: PT017 names come from strangers
        return
    assert decode(token_of(payload_bytes(claims))) == claims


@settings(max_examples=200)
@given(st.data())
def test_bytes_changed_anywhere_are_read_or_refused(data):
    payload = bytearray(signing.go_json(data.draw(payloads.every_payload)))
    for _ in range(data.draw(st.integers(1, 4))):
        payload[data.draw(st.integers(0, len(payload) - 1))] = data.draw(st.integers(0, 255))
    text = signing.sign_bytes(bytes(payload), signing.account())
    try:
        claims = decode(parse_token(text))
    except TokenError:
        return
    assert payload_bytes(claims)


def outcome(payload: bytes) -> object:
    try:
        claims = decode(token_of(payload))
    except TokenError as problem:
        return problem.message
    return claims, payload_bytes(claims)


@settings(deadline=None, max_examples=200, suppress_health_check=[HealthCheck.too_slow])
@given(payloads.oddly_written())
@example(account(',"signing_keys":[{"kind":"user_scope","role":"last when sorted","Role":"last as written"}]'))
@example(account(',"signing_keys":[{"kind":"user_scope","template":{"x":{"b":1,"a":2},"sub":{"z":1,"y":2}}}]'))
@example(account(',"signing_keys":[{"kind":"user_scope","role":1,"key":2}]'))
@example(account(f',"revocations":{{"*":{2**63}}}'))
@example(b'{"sub":"A","nats":{"version":9223372036854775808,"type":"account"}}')
@example(account(',"revocations":{"*":true}'))
@example(account(',"revocations":{"*":1},"revocations":{"U":2}'))
@example(user(',"Type":"account"'))
@example(user("", ',"Type":"account"'))
@example(user("", ',"NATS":{"type":"account"}'))
@example(user(',"type":null,"version":null'))
@example(user(',"pub":{"allow":["a"]},"pub":{"Deny":["b"]}'))
def test_what_is_read_at_once_is_what_member_by_member_gives(payload):
    """The short cuts are for what nsc writes; without them everything is read by the one general way."""
    found = outcome(payload)
    event("read" if isinstance(found, tuple) else "refused")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(quick, "read", lambda _: None)
        patch.setattr(gojson, "_are_integers", lambda _: False)
        patch.setattr(optimizer.claims.decode, "NAMES", frozenset())
        patch.setattr(gojson.GenericStruct, "__call__", lambda self, *two: Struct.__call__(self, plain(two[0]), two[1]))
        for struct in every_struct():
            patch.setattr(struct, "members", {name: (reader, Never) for name, (reader, _) in struct.members.items()})
        assert outcome(payload) == found


class Never:
    """The type of nothing."""


@functools.cache
def every_struct() -> list[Struct]:
    return [found for found in gc.get_objects() if isinstance(found, Struct)]
