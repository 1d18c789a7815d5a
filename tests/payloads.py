"""Hypothesis strategies for whole payloads of every kind of token, hostile text and all, as JSON."""

from __future__ import annotations

import json
import random
from typing import Any

from hypothesis import strategies as st

from tests import signing

NASTY = (
    "",
    " ",
    "a.>",
    "*",
    ">",
    "orders.*.>",
    "a.b q.*",
    "{{name()}}.{{tag(x)}}",
    "<b>&amp;</b>",
    "line\nbreak\r\ttab",
    "\b\f\v\x00\x1f\x7f",
    'quote"back\\slash/',
    "\u2028\u2029\u202e\u200b",
    "größe.日本.🙂",
    "$(reboot)`id`;'",
    "--flag",
    "e\u0301\ufffd",
    "\ufeff",
)

names = st.sampled_from(NASTY) | st.text(st.characters(exclude_categories=["Cs"]), max_size=12)
lists = st.lists(names, max_size=5)
keys = {letter: [signing.Key(letter, str(n)).public for n in range(6)] for letter in "OAU"}
accounts = st.sampled_from(keys["A"])
int64 = st.integers(-(2**63), 2**63 - 1)
small = st.sampled_from([-1, 0, 1, 5, 1_000_000, 2**53, 2**53 + 1]) | int64
times = st.integers(0, 2_000_000_000)
flags = st.booleans()
kinds = st.sampled_from(["stream", "service"])
any_json = st.recursive(
    st.none() | flags | small | names,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(names, inner, max_size=3),
)
strangers = st.dictionaries(st.sampled_from(["x", "newField", "zz.<>"]), any_json, max_size=2)


def some(**members: st.SearchStrategy[Any]) -> st.SearchStrategy[dict[str, Any]]:
    """An object with any of these members, in any order, and now and then one nobody knows."""
    fixed = st.fixed_dictionaries({}, optional=members)
    both = st.tuples(fixed, st.just({}) | st.just({}) | strangers).map(lambda two: {**two[0], **two[1]})
    return both.flatmap(lambda found: st.permutations(list(found.items())).map(dict))


def without(found: dict[str, Any], name: str) -> dict[str, Any]:
    return {key: value for key, value in found.items() if key != name}


sides = some(allow=lists, deny=lists)
resps = some(max=small, ttl=small)
permissions = {"pub": sides, "sub": sides, "resp": resps}
user_limits = {
    "src": st.lists(st.sampled_from(["10.0.0.0/8", "::1/128", "no network"]), max_size=2),
    "times": st.lists(some(start=names, end=names), max_size=2),
    "times_location": names,
    "subs": small,
    "data": small,
    "payload": small,
    "bearer_token": flags,
    "proxy_required": flags,
    "allowed_connection_types": st.lists(st.sampled_from(["STANDARD", "LEAFNODE", "odd"]), max_size=3),
}
revocations = st.dictionaries(st.sampled_from([*keys["U"], "*", "x<y"]), times, max_size=5)
jetstream = dict.fromkeys(
    (
        "mem_storage",
        "disk_storage",
        "streams",
        "consumer",
        "max_ack_pending",
        "mem_max_stream_bytes",
        "disk_max_stream_bytes",
    ),
    small,
) | {"max_bytes_required": flags}
limits = dict.fromkeys(("subs", "data", "payload", "imports", "exports", "conn", "leaf"), small) | {
    "wildcards": flags,
    "disallow_bearer": flags,
}
imports = some(
    name=names,
    subject=names,
    account=accounts | names,
    token=names,
    to=names,
    local_subject=names,
    type=kinds,
    share=flags,
    allow_trace=flags,
)
exports = some(
    name=names,
    subject=names,
    type=kinds,
    token_req=flags,
    revocations=revocations,
    response_type=st.sampled_from(["", "Singleton", "Stream", "Chunked", "odd"]),
    response_threshold=small,
    service_latency=some(sampling=st.integers(1, 100) | st.just("headers") | st.just("Headers"), results=names),
    account_token_position=st.integers(0, 2**64 - 1),
    advertise=flags,
    allow_trace=flags,
    description=names,
    info_url=names,
)
inexact = st.integers(-(2**62), 2**62)  # read through a float64, so that greater ones may not fit any more
template_numbers = dict.fromkeys(("subs", "data", "payload"), inexact)
templates = some(**permissions | {"resp": some(max=inexact, ttl=inexact)}, **user_limits | template_numbers)
scopes = st.tuples(
    st.sampled_from(keys["A"]),
    some(role=names, template=templates, description=names),
).map(lambda two: {"kind": "user_scope", "key": two[0], **two[1]})
mappings = st.dictionaries(
    names, st.lists(some(subject=names, weight=st.integers(0, 255), cluster=names), max_size=3), max_size=3
)
account_bodies = some(
    imports=st.lists(imports, max_size=4),
    exports=st.lists(exports, max_size=4),
    limits=some(
        **limits,
        **jetstream,
        tiered_limits=st.dictionaries(st.sampled_from(["R1", "R3", "<"]), some(**jetstream), max_size=2),
    ),
    signing_keys=st.lists(accounts | scopes, max_size=4),
    revocations=revocations,
    default_permissions=some(**permissions),
    mappings=mappings,
    authorization=some(auth_users=st.lists(names, max_size=2), allowed_accounts=lists, xkey=names),
    trace=some(dest=names, sampling=small),
    cluster_traffic=st.sampled_from(["", "owner", "system", "odd"]),
    description=names,
    info_url=names,
    tags=lists,
)
user_bodies = some(**permissions, **user_limits, issuer_account=st.just(keys["A"][0]), tags=lists)
operator_bodies = some(
    signing_keys=st.lists(st.sampled_from(keys["O"]), max_size=3),
    account_server_url=names,
    operator_service_urls=lists,
    system_account=accounts,
    assert_server_version=names,
    strict_signing_key_usage=flags,
    tags=lists,
)
activation_bodies = some(subject=names, kind=kinds, issuer_account=accounts, tags=lists)
heads = st.fixed_dictionaries({}, optional={"aud": names, "exp": times, "nbf": times, "name": names})


def payloads(kind: str, issuer: str, subject: str) -> st.SearchStrategy[dict[str, Any]]:
    """Version 2 payloads of one kind of token, the type and version anywhere among their members."""
    bodies = {
        "operator": operator_bodies,
        "account": account_bodies,
        "user": user_bodies,
        "activation": activation_bodies,
    }[kind]
    head = {"jti": "J" * 52, "iat": signing.ISSUED, "iss": issuer, "sub": subject}
    return st.tuples(heads, bodies).map(lambda two: {**head, **two[0], "nats": {"version": 2, **two[1], "type": kind}})


every_payload = st.one_of(
    payloads("operator", keys["O"][0], keys["O"][0]),
    payloads("account", keys["O"][0], keys["A"][0]),
    payloads("user", keys["A"][0], keys["U"][0]),
    payloads("activation", keys["A"][0], keys["A"][1]),
)

broken = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5) | st.just({"kind": "user_scope"}),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=6,
)


@st.composite
def damaged(draw: st.DrawFn) -> bytes:
    """A payload with some value anywhere in it replaced by another."""
    payload = json.loads(json.dumps(draw(every_payload)))
    place = payload
    for _ in range(draw(st.integers(0, 6))):
        inner = [key for key, value in steps(place) if isinstance(value, (dict, list)) and value]
        if not inner:
            break
        place = place[draw(st.sampled_from(inner))]
    keys = [key for key, _ in steps(place)]
    if keys:
        place[draw(st.sampled_from(keys))] = draw(broken)
    return json.dumps(payload, ensure_ascii=draw(st.booleans())).encode(errors="surrogatepass")


@st.composite
def oddly_written(draw: st.DrawFn) -> bytes:
    """A payload in which names come twice, in other case, or with the long s of Go's folding."""
    payload = draw(every_payload)
    chance = random.Random(draw(st.integers(0, 2**32)))  # far faster than a draw a member
    often = draw(st.sampled_from([0.0, 0.01, 0.03, 0.1]))

    def cased(name: str) -> str:
        other = chance.choice((name.upper(), name.title(), name.replace("s", "\u017f", 1)))
        return other if chance.random() < often else name

    def written(value: Any) -> str:
        if isinstance(value, list):
            return f"[{','.join(map(written, value))}]"
        if not isinstance(value, dict):
            other = chance.choice((None, 2**63, 1.5, "x", [], True))
            return json.dumps(other if chance.random() < often / 3 else value)
        members = [(cased(name), inner) for name, inner in value.items()]
        for name, inner in value.items():
            if chance.random() < often:
                members.append((cased(name), chance.choice((None, inner, inner, 1, "x", {}, *value.values()))))
        if chance.random() < often:
            chance.shuffle(members)
        return f"{{{','.join(f'{json.dumps(name)}:{written(inner)}' for name, inner in members)}}}"

    return written(payload).encode()


def steps(place: Any) -> Any:
    return place.items() if isinstance(place, dict) else enumerate(place)
