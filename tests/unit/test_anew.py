"""`written_anew`: what nsc makes of a token without any edit."""

from __future__ import annotations

from optimizer.claims.decode import decode
from optimizer.claims.encode import payload_bytes, reencoded
from optimizer.claims.token import parse_token
from optimizer.edits import written_anew
from optimizer.hierarchy import Signed
from tests import signing

ACCOUNT = signing.account("anew")


def _signed(**members):
    claims = signing.user_claims(signing.user("anew"), None, "app", **members)
    token = parse_token(signing.sign(claims, ACCOUNT))
    return Signed(decode(token), token, "here")


def _by_nsc(signed):
    token = parse_token(signing.sign(reencoded(signed.claims), ACCOUNT))
    return Signed(decode(token), token, "here")


def test_a_token_that_nsc_wrote_is_written_as_it_was_read():
    signed = _by_nsc(_signed(pub={"allow": ["a"]}))
    anew = written_anew(signed)
    assert anew.is_as_read
    assert anew.claims is signed.claims
    assert anew.payload == len(signed.token.payload)


def test_a_token_with_an_explicit_empty_list_is_not():
    signed = _signed(pub={"allow": [], "deny": ["a"]})
    anew = written_anew(signed)
    assert not anew.is_as_read
    assert anew.claims == reencoded(signed.claims)
    assert anew.payload == len(payload_bytes(anew.claims))
