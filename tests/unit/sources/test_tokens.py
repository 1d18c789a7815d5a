from __future__ import annotations

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from optimizer.errors import SourceError
from optimizer.sources.tokens import token_texts

pieces = st.sampled_from(["eyJ", "ewo", "e30.", "e", "a.b", "-_", "SU", "ä", "\x00", "\x1c", "\x85", "\xa0", "\u2028"])
ends = st.sampled_from([" ", "\n", "\r\n", "\t", "\x0b", "'", '"', "`", ",", ";"])


def found(data: bytes) -> list[str]:
    try:
        return token_texts(data)
    except SourceError:
        return []


@given(st.lists(pieces | ends, max_size=8).map("".join).map(str.encode))
@example(b"eyJa")
@example(b"\neyJa\n")
def test_a_file_that_is_one_token_is_read_as_any_other_text_is(data):
    """What stands before the token in the second file keeps it from being taken whole."""
    assert found(data) == found(b"; " + data)


@pytest.mark.parametrize("data", [b"eyJh.eyJq.c2ln", b"\r\n eyJh.eyJq.c2ln\n", b"'eyJh.eyJq.c2ln'"])
def test_one_token_is_found_without_what_surrounds_it(data):
    assert token_texts(data) == ["eyJh.eyJq.c2ln"]


@pytest.mark.parametrize(
    "data", [b"eyJh,eyJq", b"eyJh eyJq", b"eyJh;eyJq", b"eyJh`eyJq", b"eyJh\x0beyJq", "\ufeffeyJh\n\ufeffeyJq".encode()]
)
def test_two_tokens_are_never_taken_for_one(data):
    assert token_texts(data) == ["eyJh", "eyJq"]
