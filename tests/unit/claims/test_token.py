from __future__ import annotations

import binascii
import json

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from optimizer.claims.decode import decode
from optimizer.claims.token import LARGEST_READ, MAX_TOKEN_SIZE, header_size, parse_token, signed_bytes, token_size
from optimizer.errors import TokenError
from tests import signing


@pytest.fixture
def text() -> str:
    return signing.sign(signing.user_claims(signing.user(), None, "app"), signing.account())


def with_header(text: str, header: object) -> str:
    _, payload, signature = text.split(".")
    return f"{signing.b64(json.dumps(header).encode())}.{payload}.{signature}"


def test_a_token_keeps_its_text_and_bytes_exactly(text):
    token = parse_token(text)
    assert token.text == text
    assert token.size == len(text)
    assert json.loads(token.payload)["name"] == "app"
    assert len(token.signature) == 64
    assert dict(token.header) == signing.HEADER
    assert header_size(token) == 46


@pytest.mark.parametrize(
    "header",
    [
        {"typ": "jwt", "alg": "ed25519"},
        {"typ": "JWT", "alg": "ED25519-NKEY"},
        {"typ": "Jwt", "alg": "Ed25519"},
        {"TYP": "JWT", "Alg": "ed25519-nkey"},
        {"typ": "JWT", "alg": "ed25519-nkey", "kid": 1},
    ],
)
def test_a_header_is_read_in_any_case(text, header):
    assert parse_token(with_header(text, header)).header == header


@pytest.mark.parametrize(
    ("header", "said"),
    [
        ({"typ": "JWT", "alg": "none"}, "`alg` is `none`"),
        ({"typ": "JWT", "alg": "HS256"}, "`alg` is `HS256`"),
        ({"typ": "JWT", "alg": "ed25519-nkeys"}, "`alg` is `ed25519-nkeys`"),
        ({"typ": "JWT"}, "`alg` is `None`"),
        ({"alg": "ed25519"}, "`typ` is `None`"),
        ({"typ": "PGP", "alg": "ed25519"}, "`typ` is `PGP`"),
        ({"typ": 1, "alg": "ed25519"}, "`typ` is `1`"),
        ({"typ": "JWT", "alg": ["ed25519"]}, "`alg` is"),
        ([], "not a JSON object"),
        (None, "not a JSON object"),
    ],
)
def test_a_header_that_no_server_takes_is_refused(text, header, said):
    with pytest.raises(TokenError, match="header") as problem:
        parse_token(with_header(text, header))
    assert said in problem.value.message


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda _: "", "three segments"),
        (lambda _: "..", "signature is empty"),
        (lambda t: t.replace(".", ",", 1), "this text has 2"),
        (lambda t: t + ".x", "this text has 4"),
        (lambda t: t + "." * 10_000, "this text has 10003"),
        (lambda t: t[:-1], "signature"),
        (lambda t: t[:-40], "the signature has 34 bytes"),
        (lambda t: t[:200], "three segments"),
        (lambda t: t.replace("e", "+", 1), "header is not base64url"),
        (lambda t: t.replace("e", "/", 1), "header is not base64url"),
        (lambda t: t + "==", "signature is not base64url"),
        (lambda t: t + "\n", "signature is not base64url"),
        (lambda t: " " + t, "header is not base64url"),
        (lambda t: t.replace("e", "é", 1), "header is not base64url"),
        (lambda t: t.replace("e", "\udce9", 1), "header is not base64url"),
        (lambda t: "!" + t[1:], "header is not base64url"),
        (lambda t: "AAAA" + t[t.index(".") :], "header is not JSON"),
        (lambda t: signing.b64(b"[" * 100_000) + t[t.index(".") :], "header is not JSON"),
        (lambda t: signing.b64(b"\xff{}") + t[t.index(".") :], "header is not JSON"),
    ],
)
def test_a_broken_token_is_refused_with_one_line_that_says_where(text, change, said):
    with pytest.raises(TokenError) as problem:
        parse_token(change(text))
    assert said in problem.value.message
    assert "\n" not in problem.value.message
    assert len(problem.value.message) < 200


def test_a_token_above_1_mib_is_read():
    claims = signing.user_claims(signing.user(), None, "app", tags=["x" * MAX_TOKEN_SIZE])
    big = parse_token(signing.sign(claims, signing.account()))
    assert big.size > MAX_TOKEN_SIZE
    assert decode(big).tags == ("x" * MAX_TOKEN_SIZE,)


def test_a_token_above_64_mib_is_not_even_split():
    with pytest.raises(TokenError, match="more than the"):
        parse_token("a" * (LARGEST_READ + 1))


@given(st.binary(max_size=400))
def test_the_size_of_a_token_follows_from_its_payload(payload):
    assert token_size(len(payload)) == len(signing.sign_bytes(payload, signing.account()))


@given(st.text(max_size=300) | st.text("eyJ0.-_=\n", max_size=300))
def test_no_text_breaks_the_parser(text):
    try:
        parse_token(text)
    except TokenError as problem:
        assert problem.message  # noqa: PT017 the only error there may be


alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"


@given(st.text(alphabet, max_size=12) | st.text(alphabet + "+/= \n\0\u00e9\ud800~", max_size=12))
@example("AB")  # whose last four bits count for nothing
@example("AAB")
def test_a_segment_is_read_as_the_standard_library_reads_it_strictly(segment):
    text = f"{signing.b64(json.dumps(signing.HEADER).encode())}.{segment}.{'A' * 86}"
    plain = segment.replace("-", "+").replace("_", "/") + "=" * (-len(segment) % 4)
    try:
        expected = None if set("+/=") & set(segment) or not segment else binascii.a2b_base64(plain, strict_mode=True)
    except ValueError:
        expected = None
    try:
        token = parse_token(text)
        found = token.payload
        assert (token.text, token.size) == (text, len(text))
    except TokenError as problem:
        assert "segments" in problem.message or problem.message.startswith("the payload")  # noqa: PT017
        found = None
    assert found == expected


@pytest.mark.parametrize("ending", ["A", "Q", "B", "_"])
def test_what_is_signed_is_the_text_whatever_bits_are_left_over(ending):
    head, body = signing.b64(json.dumps(signing.HEADER).encode()), "e30" if ending == "A" else f"e{ending}A{ending}"
    text = f"{head}.{body}.{'A' * 85}{ending}"
    token = parse_token(text)
    assert token.text == text
    assert header_size(token) == len(head)
    assert signed_bytes(token, 2).decode() == f"{head}.{body}"
    assert signed_bytes(token, 1).decode() == body
