"""Fingerprints are of the very bytes that nsc prints."""

from __future__ import annotations

import hashlib
import subprocess

import pytest

from optimizer.claims.token import parse_token
from optimizer.nsc.fingerprint import describe_field_bytes, fingerprint, fingerprint_of
from tests import signing
from tests.oracle.nsc_tool import NSC

ODD = {
    "html": "<a&b>",
    "line": "\u2028\n\t\u0001\x7f",
    "text": '\u00fc\U0001f600"\\/',
    "numbers": [0, -1, 2**53, 2**53 + 1, 2**62, 9_007_199_254_740_993, -(2**63)],
    "z": {"b": [], "a": {}, "": None, "t": True},
    "subs": -1,
}


def test_members_are_sorted_and_numbers_go_through_a_float():
    assert describe_field_bytes({"b": 2**53 + 1, "a": ["<"]}) == b'{"a":["\\u003c"],"b":9007199254740992}\n'
    assert describe_field_bytes(2**63 - 1) == b"9223372036854775807\n".replace(b"4775807", b"4776000")


@pytest.mark.nsc
def test_they_are_what_the_real_nsc_prints(tmp_path):
    key = signing.user("odd")
    payload = signing.user_claims(key, None, "odd", pub={"allow": ["a.>"]})
    payload["nats"] |= ODD
    token = signing.sign(payload, signing.account("odd"))
    (tmp_path / "odd.jwt").write_text(token)
    told = subprocess.run(
        [NSC, "-H", tmp_path, "describe", "jwt", "--file", tmp_path / "odd.jwt", "-W", "-F", "nats"],
        capture_output=True,
        check=True,
        stdin=subprocess.DEVNULL,
    ).stdout
    assert describe_field_bytes(payload["nats"]) == told
    assert fingerprint_of(parse_token(token)) == fingerprint(payload["nats"]) == hashlib.sha256(told).hexdigest()


@pytest.mark.nsc
def test_a_lone_surrogate_is_replaced_as_go_replaces_it(tmp_path):
    key, owner = signing.user("odd"), signing.account("odd")
    body = signing.go_json({**signing.user_claims(key, None, "odd", a="LONE"), "iss": owner.public, "iat": 1})
    token = signing.sign_bytes(body.replace(b"LONE", rb"\ud800x"), owner)
    (tmp_path / "odd.jwt").write_text(token)
    told = subprocess.run(
        [NSC, "-H", tmp_path, "describe", "jwt", "--file", tmp_path / "odd.jwt", "-W", "-F", "nats"],
        capture_output=True,
        check=True,
        stdin=subprocess.DEVNULL,
    ).stdout
    assert fingerprint_of(parse_token(token)) == hashlib.sha256(told).hexdigest()
