from __future__ import annotations

import json
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from optimizer.claims.decode import decode
from optimizer.claims.encode import payload_bytes
from optimizer.claims.token import Token, parse_token, token_size
from optimizer.claims.weigh import DEEPEST, HEADER, SIGNATURE, Weight, gathered, weigh
from tests import payloads, signing


def prices(payload: str) -> dict[str, int]:
    weights = weigh(Token(f"h.{signing.b64(payload.encode())}.s", {}, payload.encode(), b""))
    assert [weights[0].pointer, weights[-1].pointer] == [HEADER, SIGNATURE]
    return {weight.pointer: weight.payload_bytes for weight in weights[1:-1]}


def test_a_value_pays_for_its_name_and_the_comma_after_it():
    assert prices('{"a":1,"bc":"xy"}') == {"": 2, "/a": 6, "/bc": 9}


def test_an_entry_pays_for_itself_and_its_escapes():
    assert prices('["orders.\\u003e","b"]') == {"": 2, "/0": 16, "/1": 3}


def test_a_container_pays_for_its_name_and_brackets():
    assert prices('{"p":{"allow":["a"],"deny":[]},"q":{}}') == {
        "": 2,
        "/p": 7,
        "/p/allow": 11,
        "/p/allow/0": 3,
        "/p/deny": 9,
        "/q": 6,
    }


def test_white_space_beside_a_number_is_its_own_and_elsewhere_its_containers():
    assert prices(' { "a" : [ 1 , 2 ] }\n') == {"": 8, "/a": 6, "/a/0": 4, "/a/1": 3}


def test_names_become_json_pointers():
    assert prices('{"a/b~c":1,"\\u0041\\n":2,"":{"":3}}') == {"": 2, "/a~1b~0c": 10, "/A\n": 13, "/": 5, "//": 4}


def test_a_member_named_twice_is_one_pointer():
    assert prices('{"a":1,"a":2}') == {"": 2, "/a": 11}


def test_brackets_quotes_and_commas_inside_text_cost_as_text():
    text = '{"a":"}],:{[\\"\\\\","b":true}'
    assert prices(text) == {"": 2, "/a": 17, "/b": 8}


def test_the_price_of_an_entry_is_what_its_removal_saves():
    for entry in ("orders.>", "a", "ä<&>"):
        lists = ["first", entry, "last"]
        with_it, without = (
            signing.sign(signing.user_claims(signing.user(), None, "u", pub={"allow": entries}), signing.account())
            for entries in (lists, ["first", "last"])
        )
        found = {weight.pointer: weight for weight in weigh(parse_token(with_it))}["/nats/pub/allow/1"]
        before, after = parse_token(with_it), parse_token(without)
        assert found.payload_bytes == len(before.payload) - len(after.payload)
        assert abs(found.token_bytes - (before.size - after.size)) <= 1


@given(payloads.every_payload)
def test_claims_and_their_token_weigh_the_same_and_sum_exactly(payload):
    claims = decode(Token("", {}, signing.go_json(payload), b""))
    written = payload_bytes(claims)
    weights = weigh(claims)
    token = parse_token(signing.sign_bytes(written, signing.account()))
    assert weights == weigh(token)
    assert sum(weight.payload_bytes for weight in weights) == len(written)
    assert sum(weight.token_bytes for weight in weights) == token_size(len(written)) == token.size
    assert len({weight.pointer for weight in weights}) == len(weights)


def pointed_at(value: object, pointer: str = "") -> set[str]:
    found = {pointer}
    steps = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for step, inner in steps:
        found |= pointed_at(inner, f"{pointer}/{str(step).replace('~', '~0').replace('/', '~1')}")
    return found


@given(payloads.any_json, st.booleans(), st.sampled_from([None, 1]))
def test_every_place_of_any_json_is_charged_and_no_other(value, ascii_only, indent):
    payload = json.dumps(value, ensure_ascii=ascii_only, indent=indent).encode()
    token = parse_token(signing.sign_bytes(payload, signing.account()))
    weights = weigh(token)
    assert {weight.pointer for weight in weights} - {HEADER, SIGNATURE} == pointed_at(value)
    assert sum(weight.payload_bytes for weight in weights) == len(payload)
    assert sum(weight.token_bytes for weight in weights) == token.size


@given(st.binary(max_size=60) | st.text('{}[]",:\\ a1', max_size=60).map(str.encode))
def test_bytes_that_are_no_json_are_charged_exactly_too(payload):
    weights = weigh(Token(f"h.{signing.b64(payload)}.s", {}, payload, b""))
    assert sum(weight.payload_bytes for weight in weights) == len(payload)


@pytest.mark.parametrize("depth", [0, 1, 2, 3, 9])
def test_gathering_moves_no_byte(depth):
    claims = signing.account_claims(signing.account(), "A", revocations={"*": 1, "U": 2}, tags=["x"])
    weights = weigh(parse_token(signing.sign(claims, signing.operator())))
    together = gathered(weights, depth)
    assert sum(weight.token_bytes for weight in together) == sum(weight.token_bytes for weight in weights)
    assert all(weight.pointer.count("/") <= depth for weight in together)


@given(payloads.any_json, st.integers(0, 4))
def test_weighing_to_a_depth_is_weighing_and_gathering(value, depth):
    payload = json.dumps({"a": value, "b": [value]}).encode()
    token = Token(f"h.{signing.b64(payload)}.s", {}, payload, b"")
    assert set(weigh(token, depth)) == set(gathered(weigh(token), depth))


def test_a_payload_that_nests_without_end_is_weighed_in_proportion():
    payload = b'{"a":' + b"[" * 300_000 + b"]" * 300_000 + b"}"
    for depth, places in ((5, 8), (DEEPEST, DEEPEST + 3)):
        weights = weigh(Token("h.x.s", {}, payload, b""), depth)
        assert sum(weight.payload_bytes for weight in weights) == len(payload)
        assert len(weights) == places
    assert weigh(Token("h.x.s", {}, payload, b"")) == weights


def test_gathered_sections_hold_all_that_lies_in_them():
    weights = (Weight("/nats", 1, 2), Weight("/nats/pub", 8, 11), Weight("/nats/pub/allow/0", 10, 13))
    assert gathered(weights, 2) == (Weight("/nats", 1, 2), Weight("/nats/pub", 18, 24))


@pytest.mark.parametrize("payload", [b'"' + b"1" * 100_000, b'["' + b'a\\"' * 50_000, b'{"a":"\\'])
def test_text_that_never_ends_is_weighed_in_proportion(payload):
    started = time.process_time()
    weights = weigh(Token("h.x.s", {}, payload, b""))
    assert sum(weight.payload_bytes for weight in weights) == len(payload)
    assert time.process_time() - started < 2
