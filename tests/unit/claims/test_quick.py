"""What is read at once is what is read member by member: claims, order, messages."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from hypothesis import HealthCheck, event, given, settings
from hypothesis import strategies as st

from optimizer.claims import gojson, quick
from optimizer.claims.decode import decode, from_document
from optimizer.claims.encode import payload_bytes, reencoded
from optimizer.claims.model import AccountClaims, UserClaims
from optimizer.claims.readers import NAMES
from optimizer.claims.sharing import share
from optimizer.claims.token import Token, parse_token
from optimizer.errors import TokenError
from tests import payloads, signing

CORPUS = Path(__file__).parents[3] / "corpus"
OP, ACC, USER = signing.operator().public, signing.account().public, signing.user().public
ACCOUNT = f'{{"iat":1,"iss":"{OP}","name":"A","sub":"{ACC}","nats":{{%s"type":"account","version":2}}}}'
LIMITS = '"limits":{"subs":-1,"wildcards":true},'
SCOPE = f'{{"kind":"user_scope","key":"{ACC}","role":"","template":{{"pub":{{}},"sub":{{}},%s}},"description":""}}'
SCOPED = f'{LIMITS}"signing_keys":[{SCOPE}],'
INNER = ("allow", "deny", "max", "ttl", "subject", "account", "token_req", "key", "kind", "role", "template", "weight")
NAMED = sorted({*NAMES, *INNER, "unknown", "service_latency", "response_threshold", "account_token_position", "x"})
ODD_VALUES = (
    *(
        "null",
        "true",
        "0",
        "-0",
        "1",
        "1e3",
        "1.0",
        "01",
        '""',
        '"x"',
        "[]",
        "{}",
        "[null]",
        '["a","a"]',
        '[""]',
        '{"a":1}',
    ),
    *(str(2**53), str(2**53 + 1), str(2**63 - 1), str(2**63), str(-(2**63)), str(-(2**63) - 1), str(2**64), "9" * 400),
    *(
        "1e999",
        "NaN",
        '"\\ud800"',
        '"\\u0000"',
        '"\\/"',
        '"\\u003E"',
        '">"',
        '"\u2028"',
        '"\\u2028"',
        "[[" * 40 + "]]" * 40,
    ),
    *('{"pub":{"allow":["a"]},"pub":{"deny":["b"]}}', '[{"subject":"s","type":""}]', '[{"type":"x"}]', '"stream"'),
)


def member_by_member(payload: bytes) -> object:
    return outcome(lambda: from_document(gojson.parse(payload)))


def outcome(reading) -> object:
    try:
        claims = reading()
    except TokenError as problem:
        return problem.message
    return claims, repr(claims).replace("mappingproxy({})", "{}"), payload_bytes(claims)


def both(payload: bytes) -> bool:
    """Whether it was read at once; and the same either way."""
    assert outcome(lambda: decode(Token("", {}, payload, b""))) == member_by_member(payload)
    try:
        return quick.read(payload) is not None
    except TokenError:
        return True


as_go_writes = payloads.every_payload.map(
    lambda payload: payload_bytes(reencoded(from_document(gojson.parse(signing.go_json(payload)))))
)


real = st.sampled_from([parse_token(path.read_text().strip()).payload for path in sorted(CORPUS.rglob("*.jwt"))])


@settings(deadline=None, max_examples=200, suppress_health_check=[HealthCheck.too_slow])
@given(as_go_writes)
def test_what_go_writes_is_read_alike(payload):
    event("at once" if both(payload) else "member by member")


@settings(deadline=None, max_examples=400, suppress_health_check=[HealthCheck.too_slow])
@given(st.data())
def test_what_nobody_would_write_is_read_alike(data):
    payload = data.draw(real | as_go_writes)
    for _ in range(data.draw(st.integers(1, 3))):
        payload = data.draw(st.sampled_from(CHANGES))(data, payload)
    event("at once" if both(payload) else "member by member")


@settings(deadline=None, max_examples=200, suppress_health_check=[HealthCheck.too_slow])
@given(payloads.damaged() | payloads.oddly_written())
def test_what_is_broken_is_read_alike(payload):
    both(payload)


def member_inserted(data: st.DataObject, payload: bytes) -> bytes:
    """A member that is there already, in other case, or unknown."""
    name = data.draw(st.sampled_from(NAMED))
    name = data.draw(
        st.sampled_from([name, name.upper(), name.replace("s", "\u017f"), f"\\u{ord(name[0]):04x}{name[1:]}"])
    )
    member = f'"{name}":{data.draw(st.sampled_from(ODD_VALUES))}'.encode()
    place = data.draw(st.sampled_from([match.end() for match in re.finditer(rb"{", payload)]))
    comma = b"" if payload[place : place + 1] == b"}" else b","
    return payload[:place] + member + comma + payload[place:]


def member_copied(data: st.DataObject, payload: bytes) -> bytes:
    """One of its own members again, in another place among the objects."""
    found = list(re.finditer(rb'"\w+":(?:"[^"]*"|-?\d+|true|\{[^{}]*\}|\[[^\[\]{}]*\]),', payload))
    places = [match.end() for match in re.finditer(rb"\{(?!\})", payload)]
    if not found:
        return payload
    place = data.draw(st.sampled_from(places))
    return payload[:place] + data.draw(st.sampled_from(found))[0] + payload[place:]


def value_replaced(data: st.DataObject, payload: bytes) -> bytes:
    found = list(re.finditer(rb'(?<=[:,\[])(?:"[^"\\]*"(?!:)|-?\d+|true|\{\}|\[[^\[\]{}]*\])', payload))
    if not found:
        return payload
    start, end = data.draw(st.sampled_from(found)).span()
    return payload[:start] + data.draw(st.sampled_from(ODD_VALUES)).encode() + payload[end:]


def bytes_changed(data: st.DataObject, payload: bytes) -> bytes:
    start = data.draw(st.integers(0, len(payload)))
    end = min(len(payload), start + data.draw(st.integers(0, 3)))
    return (
        payload[:start] + data.draw(st.binary(max_size=2) | st.sampled_from([b" ", b"\n", b",", b"\\"])) + payload[end:]
    )


def letter_escaped(data: st.DataObject, payload: bytes) -> bytes:
    place = data.draw(st.sampled_from([match.start() for match in re.finditer(rb"[a-z_]", payload)]))
    return payload[:place] + b"\\u00%02x" % payload[place] + payload[place + 1 :]


def written_otherwise(data: st.DataObject, payload: bytes) -> bytes:
    front, end = data.draw(
        st.sampled_from([(b"", b" "), (b" ", b""), (b"", b"\0"), (b"\xef\xbb\xbf", b""), (b"", b"{}")])
    )
    return front + payload + end


CHANGES = (member_inserted, member_copied, value_replaced, bytes_changed, letter_escaped, written_otherwise)


def test_almost_every_token_of_the_corpus_is_read_at_once_and_alike():
    found = [both(parse_token(path.read_text().strip()).payload) for path in CORPUS.rglob("*.jwt")]
    assert len(found) > 80
    assert sum(found) / len(found) > 0.9


@pytest.mark.parametrize(
    "nats",
    [
        f'"imports":[{{"name":"i","subject":"a.\\u003e","account":"{ACC}","type":"stream"}}],{LIMITS}',
        f'"exports":[{{"subject":"a","type":"service","revocations":{{"*":1}}}}],{LIMITS}"authorization":{{}},',
        f'{LIMITS}"signing_keys":["{ACC}"],"revocations":{{"{USER}":5,"*":{2**63 - 1}}},',
        f'{LIMITS}"default_permissions":{{"pub":{{"allow":[]}},"sub":{{}},"resp":{{"max":1,"ttl":{2**60}}}}},',
        f'{LIMITS}"mappings":{{"a":[{{"subject":"b","weight":255}},{{"subject":"c"}}]}},"tags":["t"],',
        '"limits":{"tiered_limits":{"R1":{"mem_storage":1,"max_bytes_required":true},"R3":{}}},',
        SCOPED % f'"resp":{{"max":-1,"ttl":{2**53}}},"subs":0',
        f'{LIMITS}"description":"\\u003c\\u0026",',
    ],
)
def test_what_nsc_writes_is_read_at_once(nats):
    payload = (ACCOUNT % nats).encode()
    assert isinstance(quick.read(payload), AccountClaims)
    assert both(payload)


def test_a_users_token_is_read_at_once():
    permissions = '"pub":{"allow":["a.b","$JS.API.\\u003e"]},"sub":{"deny":["x"]},"resp":{"max":1,"ttl":2}'
    nats = (
        f'{permissions},"src":["::1/128"],"subs":-1,"data":0,"payload":-1,"bearer_token":true,"issuer_account":"{ACC}"'
    )
    payload = f'{{"exp":9,"iss":"{ACC}","sub":"{USER}","nats":{{{nats},"type":"user","version":2}}}}'.encode()
    assert isinstance(quick.read(payload), UserClaims)
    assert both(payload)


@pytest.mark.parametrize(
    "nats",
    [
        f'{LIMITS}"limits":{{}},',
        f'{LIMITS}"tags":[],',
        f'{LIMITS}"unknown":{{}},',
        f'{LIMITS}"unknown":{{"a":1}},',
        f'"exports":[{{"subject":"a","type":"service","unknown":{{"a":1}}}}],{LIMITS}',
        f'"exports":[{{"subject":"a","type":"stream","service_latency":{{"sampling":1,"results":"r"}}}}],{LIMITS}',
        f'"exports":[{{"subject":"a","type":"other"}}],{LIMITS}',
        f'"imports":[{{"subject":"a","type":"other"}}],{LIMITS}',
        SCOPED % f'"resp":{{"max":1,"ttl":{2**53 + 1}}}',
        SCOPED % f'"subs":{2**53 + 1}',
        SCOPED % '"times":[{"start":"1","end":"2"}]',
        SCOPED.replace("user_scope", "other") % '"subs":1',
        f'{LIMITS}"revocations":{{"*":{2**63}}},',
        f'{LIMITS}"revocations":{{"*":1,"*":2}},',
        f'{LIMITS}"description":">",',
        f'{LIMITS}"description":"\\u2028",',
        '"limits":{"subs":0},',
    ],
)
def test_what_is_not_proved_is_left_to_be_read_member_by_member(nats):
    payload = (ACCOUNT % nats).encode()
    assert quick.read(payload) is None
    assert not both(payload)


@pytest.mark.parametrize("broken", [("A", "B"), ('"iss":"O', '"iss":"U'), ('"sub":"A', '"sub":"U')])
def test_a_key_that_is_none_is_refused_in_the_same_words(broken):
    payload = (ACCOUNT % LIMITS).replace(*broken, 1 if len(broken[0]) > 1 else -1).encode()
    assert isinstance(member_by_member(payload), str)
    both(payload)


def test_reading_at_once_leaves_deep_nesting_to_the_reader_that_can_say_so():
    payload = (ACCOUNT % f'{LIMITS}"x":{"[" * 5000}{"]" * 5000},').encode()
    assert quick.read(payload) is None
    assert "nested too deep" in member_by_member(payload)
    both(payload)


@settings(deadline=None)
@given(as_go_writes)
def test_sharing_changes_nothing_about_claims(payload):
    claims = decode(Token("", {}, payload, b""))
    share(claims)
    assert outcome(lambda: claims) == member_by_member(payload)


def test_sharing_holds_equal_entries_once():
    texts = f'"pub":{{"allow":["{"a." * 9}b"]}}'
    payload = f'{{"iss":"{ACC}","sub":"{USER}","nats":{{{texts},"type":"user","version":2}}}}'.encode()
    one, other = (decode(Token("", {}, payload, b"")) for _ in range(2))
    assert one.permissions.pub.allow[0] is not other.permissions.pub.allow[0]
    share(one)
    share(other)
    assert one.permissions.pub.allow[0] is other.permissions.pub.allow[0]
