from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from nacl.bindings import crypto_sign_open
from nacl.exceptions import CryptoError

from optimizer.claims.decode import decode
from optimizer.claims.keys import raw_public_key
from optimizer.claims.signature import _holds
from optimizer.claims.token import MAX_TOKEN_SIZE, Token, parse_token
from optimizer.claims.verify import (
    account_issues,
    activation_issues,
    operator_issues,
    signature_holds,
    signer_problem,
    user_issues,
)
from tests import signing

NOW = signing.ISSUED + 100
OP, ACC, USER = signing.operator(), signing.account(), signing.user()
SIGNER, OP_SIGNER, STRANGER = signing.account("signer"), signing.operator("signer"), signing.account("stranger")


def made(claims: dict[str, Any], key: signing.Key, **how: Any) -> tuple[Token, Any]:
    token = parse_token(signing.sign(claims, key, **how))
    return token, decode(token)


def codes(issues) -> list[str]:
    assert all(issue.message.isprintable() for issue in issues)
    return [issue.code for issue in issues]


def operator(**nats):
    return made(signing.operator_claims(OP, "op", **nats), OP)[1]


def account(**nats):
    return made(signing.account_claims(ACC, "A", **nats), OP)[1]


def asked(claims: dict[str, Any], key: signing.Key, owner: Any = None, **how: Any) -> list[str]:
    token, user = made(claims, key)
    return codes(user_issues(token, user, owner or account(), NOW, **how))


def test_a_token_in_order_has_no_issue():
    token, claims = made(signing.operator_claims(OP, "op"), OP)
    assert operator_issues(token, claims, NOW) == ()
    token, claims = made(signing.account_claims(ACC, "A"), OP)
    assert account_issues(token, claims, operator(), NOW) == ()
    assert account_issues(token, claims, None, NOW) == ()
    assert asked(signing.user_claims(USER), ACC) == []
    assert asked(signing.user_claims(USER, ACC), ACC) == []


@pytest.mark.parametrize("place", [0, 31, 32, 63])
def test_a_changed_signature_does_not_hold(place):
    token, claims = made(signing.user_claims(USER), ACC)
    broken = bytearray(token.signature)
    broken[place] ^= 1
    text = f"{token.text.rpartition('.')[0]}.{signing.b64(bytes(broken))}"
    changed = parse_token(text)
    assert signature_holds(token, claims)
    assert not signature_holds(changed, claims)
    assert codes(user_issues(changed, claims, account(), NOW)) == ["bad-signature"]


def test_a_changed_payload_does_not_hold():
    token, _ = made(signing.user_claims(USER), ACC)
    head, _, tail = token.text.split(".")
    payload = token.payload.replace(b'"name":"user"', b'"name":"root"')
    changed = parse_token(f"{head}.{signing.b64(payload)}.{tail}")
    assert not signature_holds(changed, decode(changed))


def test_the_version_decides_what_is_signed_and_not_the_header():
    claims = signing.user_claims(USER) | {"iss": ACC.public}
    for header in (signing.HEADER, signing.HEADER_V1):
        token, user = made(claims, ACC, header=header)
        assert user_issues(token, user, account(), NOW) == ()
    old = {"iss": ACC.public, "sub": USER.public, "type": "user", "nats": {}}
    for header in (signing.HEADER, signing.HEADER_V1):
        token, user = made(old, ACC, header=header)
        assert user.version == 1
        assert user_issues(token, user, account(), NOW) == ()


def test_a_token_signed_in_the_way_of_the_other_version_holds_and_is_refused():
    claims = signing.user_claims(USER) | {"iss": ACC.public}
    token = parse_token(signing.sign_bytes(signing.go_json(claims), ACC, version=1))
    user = decode(token)
    assert signature_holds(token, user)
    assert codes(user_issues(token, user, account(), NOW)) == ["refused"]


def test_an_operator_token_is_signed_by_the_operator():
    token, claims = made(signing.operator_claims(OP, "op"), OP_SIGNER)
    assert codes(operator_issues(token, claims, NOW)) == ["foreign-issuer"]
    token, claims = made(signing.operator_claims(OP, "op", signing_keys=[OP_SIGNER.public]), OP_SIGNER)
    assert operator_issues(token, claims, NOW) == ()


@pytest.mark.parametrize(
    ("key", "keys", "strict", "expected"),
    [
        (OP, [], False, []),
        (OP_SIGNER, [OP_SIGNER.public], False, []),
        (OP_SIGNER, [OP_SIGNER.public], True, []),
        (OP_SIGNER, [], False, ["foreign-issuer"]),
        (OP, [OP_SIGNER.public], True, ["identity-signed"]),
        (ACC, [], False, ["self-signed"]),
        (STRANGER, [], False, ["foreign-issuer"]),
    ],
)
def test_an_account_is_vouched_for_by_a_key_that_the_operator_trusts(key, keys, strict, expected):
    token, claims = made(signing.account_claims(ACC, "A"), key)
    by = operator(signing_keys=keys, strict_signing_key_usage=strict)
    assert codes(account_issues(token, claims, by, NOW)) == expected
    problem = signer_problem(claims, by)
    assert [problem.code] == expected if problem else expected == []


def test_a_self_signed_account_is_told_without_its_operator():
    token, claims = made(signing.account_claims(ACC, "A"), ACC)
    assert codes(account_issues(token, claims, None, NOW)) == ["self-signed"]


def test_a_user_is_issued_by_its_account_or_a_signing_key_of_it():
    with_key = account(signing_keys=[SIGNER.public])
    assert asked(signing.user_claims(USER, ACC), SIGNER, with_key) == []
    assert asked(signing.user_claims(USER, ACC), SIGNER) == ["foreign-issuer"]
    assert asked(signing.user_claims(USER, ACC), STRANGER, with_key) == ["foreign-issuer"]
    assert asked(signing.user_claims(USER), SIGNER, with_key) == ["foreign-issuer"]  # names no account but the key


def test_a_user_of_an_unknown_account_is_told():
    token, user = made(signing.user_claims(USER), STRANGER)
    assert codes(user_issues(token, user, None, NOW)) == ["unknown-account"]


def test_where_the_operator_demands_signing_keys_the_accounts_own_key_signs_no_user():
    strict = operator(signing_keys=[OP_SIGNER.public], strict_signing_key_usage=True)
    owner = made(signing.account_claims(ACC, "A", signing_keys=[SIGNER.public]), OP_SIGNER)[1]
    assert asked(signing.user_claims(USER), ACC, owner, operator=strict) == ["identity-signed"]
    assert asked(signing.user_claims(USER, ACC), SIGNER, owner, operator=strict) == []
    lax = operator(signing_keys=[OP_SIGNER.public])
    assert asked(signing.user_claims(USER), ACC, owner, operator=lax) == []


@pytest.mark.parametrize(
    "own",
    [
        {"pub": {"allow": ["a"]}},
        {"sub": {"deny": []}},
        {"subs": -1},
        {"payload": 5},
        {"src": []},
        {"times": [{"start": "01:00:00", "end": "02:00:00"}]},
        {"times_location": "UTC"},
        {"resp": {"max": 0, "ttl": 0}},
        {"bearer_token": True},
        {"allowed_connection_types": ["STANDARD"]},
    ],
)
def test_a_scoped_user_with_anything_of_its_own_is_refused(own):
    owner = account(signing_keys=[signing.scope(SIGNER)])
    assert asked(signing.scoped_user_claims(USER, ACC), SIGNER, owner) == []
    assert asked(signing.scoped_user_claims(USER, ACC, "u", subs=0, data=None), SIGNER, owner) == []
    found = asked(signing.scoped_user_claims(USER, ACC, "u", **own), SIGNER, owner)
    assert found == ["scope-violation"]


def test_a_bearer_token_is_refused_where_the_account_allows_none():
    owner = account(limits=signing.NO_LIMITS | {"disallow_bearer": True})
    assert asked(signing.user_claims(USER, bearer_token=True), ACC) == []
    assert asked(signing.user_claims(USER, None, "u", bearer_token=True), ACC, owner) == ["bearer-not-allowed"]
    scoped = account(
        limits=signing.NO_LIMITS | {"disallow_bearer": True}, signing_keys=[signing.scope(SIGNER, bearer_token=True)]
    )
    assert asked(signing.scoped_user_claims(USER, ACC), SIGNER, scoped) == ["bearer-not-allowed"]


@pytest.mark.parametrize(
    ("revocations", "expected"),
    [
        ({USER.public: signing.ISSUED - 1}, []),
        ({USER.public: signing.ISSUED}, ["revoked"]),
        ({USER.public: NOW + 1000}, ["revoked"]),
        ({"*": signing.ISSUED}, ["revoked"]),
        ({"*": signing.ISSUED - 1, USER.public: signing.ISSUED - 2}, []),
        ({"*": signing.ISSUED + 1, USER.public: signing.ISSUED - 2}, ["revoked"]),
        ({signing.user("other").public: NOW}, []),
    ],
)
def test_a_user_is_revoked_up_to_and_including_the_second_of_the_revocation(revocations, expected):
    assert asked(signing.user_claims(USER), ACC, account(revocations=revocations)) == expected


@pytest.mark.parametrize(
    ("times", "expected"),
    [
        ({"exp": NOW + 1}, []),
        ({"exp": NOW}, ["expired"]),
        ({"exp": NOW - 1}, ["expired"]),
        ({"exp": 0}, []),
        ({"nbf": NOW}, []),
        ({"nbf": NOW + 1}, ["not-yet-valid"]),
        ({"nbf": NOW + 5, "exp": NOW - 5}, ["expired", "not-yet-valid"]),
    ],
)
def test_a_token_counts_between_its_two_times(times, expected):
    token, claims = made(signing.operator_claims(OP, "op") | times, OP)
    assert codes(operator_issues(token, claims, NOW)) == expected
    token, claims = made(signing.account_claims(ACC, "A") | times, OP)
    assert codes(account_issues(token, claims, operator(), NOW)) == expected
    assert asked(signing.user_claims(USER) | times, ACC) == expected


def test_a_token_above_1_mib_is_refused_by_servers_of_today():
    token, claims = made(signing.account_claims(ACC, "A", tags=["x" * MAX_TOKEN_SIZE]), OP)
    issues = account_issues(token, claims, operator(), NOW)
    assert codes(issues) == ["refused"]
    assert str(token.size) in issues[0].message


def activation(**nats: Any) -> dict[str, Any]:
    body = {"subject": "a.>", "kind": "stream", **nats, "type": "activation", "version": 2}
    return {"name": "a.>", "sub": STRANGER.public, "nats": body}


def test_an_activation_counts_for_the_account_it_names_and_comes_from_the_exporter():
    importer = STRANGER.public
    token, claims = made(activation(), ACC)
    assert activation_issues(token, claims, account(), importer, NOW) == ()
    assert codes(activation_issues(token, claims, account(), ACC.public, NOW)) == ["refused"]
    assert codes(activation_issues(token, claims, None, importer, NOW)) == ["unknown-account"]
    token, claims = made(activation(), SIGNER)
    assert codes(activation_issues(token, claims, account(), importer, NOW)) == ["foreign-issuer"]
    token, claims = made(activation(issuer_account=ACC.public), SIGNER)
    assert codes(activation_issues(token, claims, account(), importer, NOW)) == ["foreign-issuer"]
    with_key = account(signing_keys=[SIGNER.public])
    assert activation_issues(token, claims, with_key, importer, NOW) == ()


def test_a_name_that_moves_the_cursor_does_not_in_a_message():
    claims = activation() | {"sub": "\x1b[31m\u202e"}
    token, found = made(claims, ACC)
    issues = activation_issues(token, found, account(), STRANGER.public, NOW)
    assert codes(issues) == ["refused"]


def test_an_account_that_every_server_refuses_is_told():
    overlapping = [{"subject": "a.>", "type": "stream"}, {"subject": "a.b", "type": "stream"}]
    token, claims = made(signing.account_claims(ACC, "A", exports=overlapping), OP)
    issues = account_issues(token, claims, operator(), NOW)
    assert codes(issues) == ["refused"]
    assert "`a.b` lies in `a.>`" in issues[0].message


def test_an_account_with_an_activation_signed_in_the_way_of_the_other_version_is_refused():
    payload = signing.go_json(activation(subject="a.>") | {"sub": ACC.public, "iss": STRANGER.public})
    carried = {"subject": "a.>", "account": STRANGER.public, "type": "stream"}
    for version, expected in ((2, []), (1, ["refused"])):
        text = signing.sign_bytes(payload, STRANGER, version=version)
        token, claims = made(signing.account_claims(ACC, "A", imports=[{**carried, "token": text}]), OP)
        assert codes(account_issues(token, claims, operator(), NOW)) == expected


@given(st.binary(max_size=80), st.integers(0, 150), st.integers(1, 255), st.booleans())
def test_a_signature_holds_where_pynacl_says_so(message, place, change, is_changed):
    signer = signing.account()
    signed = bytearray(signer.sign(message) + message)
    if is_changed and place < len(signed):
        signed[place] ^= change
    key = raw_public_key(signer.public)
    try:
        crypto_sign_open(bytes(signed), key)
    except CryptoError:
        expected = False
    else:
        expected = True
    assert _holds(bytes(signed), key) == expected
