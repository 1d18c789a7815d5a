"""Sections and largest entries, found fast, are what weighing every byte says."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from optimizer.claims import sections as module
from optimizer.claims.sections import ACTIVATIONS, Escapes, escapes, largest_entries, section_weights, sections
from optimizer.claims.token import Token, parse_token
from optimizer.claims.weigh import HEADER, SIGNATURE
from tests import payloads, signing

ROOT = Path(__file__).resolve().parents[3]
CORPUS = [parse_token(path.read_text().strip()) for path in sorted((ROOT / "corpus").rglob("*.jwt"))]
FRAME = {"": 0, "/nats": 0}


def token_of(payload: bytes) -> Token:
    return parse_token(signing.sign_bytes(payload, signing.account("sections")))


def compact(value: object, **options: object) -> bytes:
    return json.dumps(value, separators=(",", ":"), **options).encode()


def agree(token: Token) -> None:
    """What the patterns find, and what `weigh` does."""
    found = section_weights(token)
    assert sum(each.token_bytes for each in found) == token.size
    assert sum(each.payload_bytes for each in found) == len(token.payload)
    assert {each.pointer: each for each in found} == {each.pointer: each for each in module._weighed(token)}
    assert [each.pointer for each in sections(token)] == [each.pointer for each in found]
    entries = largest_entries(token, 10_000)
    assert {each.pointer: each for each in entries} == {each.pointer: each for each in module._entries_weighed(token)}
    assert [each.token_bytes for each in entries] == sorted((each.token_bytes for each in entries), reverse=True)


def test_sections_of_every_token_of_the_corpus_sum_to_it():
    assert len(CORPUS) > 50
    for token in CORPUS:
        assert module._spans(token.payload) is not None, "not found by patterns"
        agree(token)


@given(payloads.every_payload)
def test_sections_of_drawn_tokens_as_go_writes_them_sum_to_them(payload):
    agree(token_of(signing.go_json(payload)))


@given(payloads.oddly_written())
def test_sections_of_oddly_written_tokens_sum_to_them(payload):
    agree(token_of(payload))


@given(payloads.every_payload, st.booleans(), st.sampled_from([None, 1]))
def test_sections_of_tokens_that_go_did_not_write_sum_to_them(payload, ascii_only, indent):
    agree(token_of(json.dumps(payload, ensure_ascii=ascii_only, indent=indent).encode()))


@given(payloads.any_json, payloads.any_json, payloads.names)
def test_any_json_in_any_place_is_charged_to_its_section(value, other, name):
    agree(token_of(compact({"nats": {"imports": [{"token": "e.f.g", "x": value}], name: other}, name: value})))
    agree(token_of(compact({name: other, "nats": {"pub": value, "default_permissions": other}, "tags": value})))


@pytest.mark.parametrize(
    "payload",
    [
        b"{}",
        b'{"nats":{}}',
        b'{"nats":5}',
        b'{"nats":{"imports":[]}}',
        b'{"nats":{"imports":[5,null,{"token":"a"},{"token":{"x":[1]}},{"y":{"token":"no"}}]}}',
        b'{"nats":{"imports":[{"token":"a"}],"imports":[{"token":"b"}]}}',
        b'{"nats":{"imports":[{"\\u0074oken":"a"}]}}',
        b'{"nats":{"imports":[{"name":"\\"token\\":\\"x","token":"a"}]}}',
        b'{"nats":{"x":1},"nats":{"y":2}}',
        b'{"NATS":{"imports":[{"token":"a"}]},"nat\xc5\xbf":{"x":[1]}}',
        b'{"nats":{"a":1},"a":[[[[[[[[[[1]]]]]]]]]]}',
        b' {"nats":{"a":1}}',
        b'{"nats":{"a":1}}\n',
        b'{"nats": {"a":1}}',
        b'{"a":1,"a":2,"nats":{"b":1,"b":2}}',
        b'{"nats":{"imports":{"a":{"token":"b"}}}}',
        b'{"nats":{"imports":5,"exports":[1]}}',
        b'{"nats":{"imports":5}}',
    ],
)
def test_each_odd_spelling_is_charged_as_weighing_charges_it(payload):
    agree(token_of(payload))


def by_pointer(nats: dict[str, object], **claims: object) -> dict[str, int]:
    return {each.pointer: each.entries for each in sections(token_of(compact({**claims, "nats": nats})))}


def test_entries_are_elements_members_and_what_permission_lists_hold():
    found = by_pointer(
        {
            "imports": [{"token": "a"}, {"name": "b"}, {"token": "c"}],
            "revocations": {"U": 1, "*": 2},
            "mappings": {"a": [{"subject": "b"}, {"subject": "c"}]},
            "pub": {"allow": ["a", "b"], "deny": ["c"]},
            "default_permissions": {"pub": {"deny": ["x"]}, "sub": {"allow": ["y", "z"]}, "resp": {"max": 1}},
            "description": "long",
        },
        tags=["x", "y"],
        name="A",
    )
    assert found == FRAME | {
        HEADER: 0,
        "/tags": 2,
        "/name": 1,
        "/nats/imports": 3,
        ACTIVATIONS: 2,
        "/nats/revocations": 2,
        "/nats/mappings": 1,
        "/nats/pub": 3,
        "/nats/default_permissions": 3,
        "/nats/description": 1,
        SIGNATURE: 0,
    }


def test_an_activation_token_is_a_weight_of_its_own():
    imports = [{"name": "a", "token": "e" * 300}, {"name": "b"}]
    weights = {
        each.pointer: each.payload_bytes for each in section_weights(token_of(compact({"nats": {"imports": imports}})))
    }
    assert weights[ACTIVATIONS] == len('"token":""') + 300
    assert weights["/nats/imports"] == len('"imports":[{"name":"a",},{"name":"b"}]')


def test_the_largest_entries_are_named_one_by_one():
    nats = {"exports": [{"subject": "a"}, {"subject": "b" * 90}], "pub": {"allow": ["c" * 50]}, "description": "d" * 70}
    found = largest_entries(token_of(compact({"nats": nats})), 3)
    assert [each.pointer for each in found] == ["/nats/exports/1", "/nats/description", "/nats/pub/allow/0"]


def test_equal_entries_come_in_the_order_of_the_payload():
    found = largest_entries(token_of(compact({"nats": {"revocations": {"U1": 1, "U2": 2, "U3": 3}}})), 2)
    assert [each.pointer for each in found] == ["/nats/revocations/U1", "/nats/revocations/U2"]


def test_what_a_greater_sign_costs_is_counted():
    found = escapes(token_of(signing.go_json({"a": ["x.>", "<&>", "*"]})))
    assert found == Escapes(greater=2, less=1, ampersand=1)
    assert found.payload_bytes == 24


@pytest.mark.parametrize(("text", "number"), [(b"\\\\u003e", 0), (b"\\\\\\u003e", 1), (b"\\u003E", 1), (b">", 0)])
def test_only_an_escape_is_one(text, number):
    assert escapes(token_of(b'{"a":"' + text + b'"}')).greater == number


def test_a_payload_that_nests_without_end_is_cut_in_proportion():
    payload = b'{"nats":{"imports":' + b"[" * 300_000 + b"]" * 300_000 + b"}}"
    token = token_of(payload)
    assert sum(each.token_bytes for each in section_weights(token)) == token.size
    assert len(largest_entries(token, 5)) == 1
    assert {each.pointer for each in sections(token)} == {HEADER, "", "/nats", "/nats/imports", SIGNATURE}
