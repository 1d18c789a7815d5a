"""The claims of a token as text, and the places in it."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from optimizer.claims.token import parse_token
from optimizer.reports.claims_text import claims_text
from tests import signing
from tests.cli.conftest import is_printable
from tests.cli.test_hostile import NASTY


def text_of(payload):
    raw = payload if isinstance(payload, bytes) else json.dumps(payload).encode()
    return claims_text(parse_token(signing.sign_bytes(raw, signing.account("a"))))


def entry(text, pointer):
    return text.cut(text.region(pointer))


def test_the_text_is_the_claims():
    payload = {"sub": "A", "nats": {"pub": {"allow": ["a.>", "b"]}, "limits": {"subs": -1, "share": 0.5}, "tags": []}}
    assert json.loads(text_of(payload).text) == payload
    assert text_of(payload).text.splitlines()[5:7] == ['        "a.>",', '        "b"']


def test_an_element_is_cut_without_its_comma_and_a_member_with_its_name():
    text = text_of({"nats": {"pub": {"allow": ["a.>", "b"]}, "revocations": {"U/~": 7}, "tags": []}})
    assert entry(text, "/nats/pub/allow/0") == '"a.>"'
    assert entry(text, "/nats/revocations/U~1~0") == '"U/~": 7'
    assert entry(text, "/nats/tags") == '"tags": []'
    assert json.loads("{" + entry(text, "/nats/pub/allow") + "}") == {"allow": ["a.>", "b"]}
    assert entry(text, "") + "\n" == text.text


@pytest.mark.parametrize(
    ("pointer", "place"),
    [
        ("/nats/sub/allow/3", '"sub": {}'),
        ("/nats/sub", '"sub": {}'),
        ("/nats/tags/9", '"tags": [\n      "x"\n    ]'),
        ("/nats/tags/0/deeper", '"x"'),
    ],
)
def test_what_the_token_does_not_hold_is_where_it_would_be(pointer, place):
    assert entry(text_of({"nats": {"sub": {}, "tags": ["x"]}}), pointer) == place


def test_names_are_found_as_go_finds_them_whatever_their_case_and_the_later_of_two():
    text = text_of(
        b'{"NATS":{"Pub":{"allow":["early"]},"pub":{"allow":["late"],"deny":["d"]},"pub":{"allow":["last"]}}}'
    )
    assert entry(text, "/nats/pub/allow/0") == '"last"'
    assert entry(text, "/nats/pub/deny/0") == '"d"'
    assert text.text.count("allow") == 3


@pytest.mark.parametrize("name", NASTY)
def test_nothing_in_it_moves_a_cursor_hides_or_gives_a_seed_away(name):
    text = text_of({"nats": {NASTY[name]: [NASTY[name]]}})
    assert is_printable(text.text)
    assert NASTY["seed"] not in text.text
    if name != "seed":
        assert json.loads(text.text) == {"nats": {NASTY[name]: [NASTY[name]]}}


def test_letters_of_every_script_stay_and_count_one_column_each():
    text = text_of({"tags": ["日本語", "\U0001f600", "x"]})
    assert '"日本語"' in text.text
    assert [text.region(f"/tags/{index}").end_column for index in range(3)] == [10, 8, 8]


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=20,
)


@given(st.dictionaries(st.text(), JSON, max_size=4))
def test_every_place_of_any_claims_is_cut_out_of_the_text(claims):
    text = text_of(claims)
    assert json.loads(text.text) == claims

    def look(value, pointer):
        for step, inner in value.items() if isinstance(value, dict) else enumerate(value):
            there = f"{pointer}/{str(step).replace('~', '~0').replace('/', '~1')}"
            cut = entry(text, there)
            assert json.loads("{" + cut + "}" if isinstance(value, dict) else cut) == (
                {step: inner} if isinstance(value, dict) else inner
            )
            if isinstance(inner, (dict, list)):
                look(inner, there)

    look(claims, "")
