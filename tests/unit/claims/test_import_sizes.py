from __future__ import annotations

import base64
import json
from typing import Any

import pytest

from optimizer.claims.decode import decode
from optimizer.claims.encode import payload_bytes, reencoded
from optimizer.claims.token import Token, parse_token
from optimizer.claims.weigh import gathered, import_sizes, weigh
from tests import signing

IMPORTS = [
    {"name": "a", "subject": "s.a", "account": "A", "type": "stream"},
    {"name": 'q"uo\\te } ] , {', "subject": "s.>", "account": "A", "type": "service", "share": True},
    {"name": "caf\u00e9 \u2603", "subject": "x" * 500, "account": "A", "token": "e.f.g", "type": "stream"},
]


def token_of(payload: bytes) -> Token:
    body = base64.urlsafe_b64encode(payload).rstrip(b"=").decode()
    return parse_token(".".join((signing.sign({}, signing.operator()).split(".")[0], body, "A" * 86)))


def weighed(token: Token) -> tuple[int, ...]:
    sizes = {each.pointer: each.token_bytes for each in gathered(weigh(token), 3)}
    return tuple(sizes[f"/nats/imports/{index}"] for index in range(len(sizes)) if f"/nats/imports/{index}" in sizes)


@pytest.mark.parametrize("count", [0, 1, 2, 3])
@pytest.mark.parametrize(
    "head", [{}, {"name": "x\\"}, {"name": '"imports":['}, {"exp": 5, "aud": "\u20ac", "tags": ["a", "b"]}]
)
def test_imports_alone_weigh_what_weighing_all_says(count: int, head: dict[str, Any]):
    nats = {"imports": IMPORTS[:count], "limits": {"imports": -1}, "tags": ["x"]}
    payload = json.dumps({**head, "nats": nats}, separators=(",", ":"), ensure_ascii=False).encode()
    token = token_of(payload)
    assert import_sizes(token) == weighed(token)


def test_imports_of_a_token_as_nsc_writes_it_are_found():
    key = signing.account("sizes")
    text = signing.sign(signing.account_claims(key, "A", imports=IMPORTS), signing.operator())
    token = token_of(payload_bytes(reencoded(decode(parse_token(text)))))
    assert import_sizes(token) == weighed(token)
    assert len(import_sizes(token) or ()) == 3


@pytest.mark.parametrize(
    "payload",
    [
        b'{"nats":{"imports":[{"name":"a"}, {"name":"b"}]}}',
        b'{"nats": {"imports":[{"name":"a"}]}}',
        b'{"nats":{"exports":[],"imports":[{"name":"a"}]}}',
        b'{"nats":{"imports":[{"name":{"nested":1}}]}}',
        b'{"nats":{"imports":[{"name":"a"}],"Imports":[{"name":"bcd"}]}}',
        b'{"nats":{"imports":[{"name":"a"}]},"nats":{}}',
        b'{"x":{"nats":{"imports":[{"name":"a"}]}}}',
        b'{"nats":{}}',
    ],
)
def test_what_is_not_written_as_go_does_is_left_to_the_scales(payload: bytes):
    assert import_sizes(token_of(payload)) is None
