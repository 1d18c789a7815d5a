"""The bytes of tokens, asked of the real nsc: what it writes is reproduced, what it will write is predicted."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
from dataclasses import replace
from pathlib import Path
from typing import Any

import nkeys
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from optimizer.claims.decode import decode
from optimizer.claims.encode import JETSTREAM_LIMITS, claims_id, payload_bytes, reencoded, token_size
from optimizer.claims.model import AccountClaims, ActivationClaims, Claims, OperatorClaims, UserClaims
from optimizer.claims.token import parse_token
from optimizer.claims.verify import account_issues, operator_issues, signature_holds, user_issues
from optimizer.claims.weigh import weigh
from optimizer.errors import TokenError
from tests import payloads, signing

pytestmark = pytest.mark.nsc

EXAMPLES = 1500 if os.environ.get("PERMOPT_BUDGET") == "long" else 80
BUILT = Path(__file__).parents[2] / ".build" / "bin" / "nsc"


class Store:
    """A store made by the real nsc in a directory of its own, and its keys."""

    def __init__(self, home: Path) -> None:
        found = str(BUILT) if BUILT.exists() else shutil.which("nsc")
        assert found, "the pinned nsc is not built: run `make tools`"
        self.tool = found
        self.home = home
        self("add", "operator", "-n", "O")
        self("add", "account", "-n", "A")
        self("add", "account", "-n", "B")
        self("add", "account", "-n", "S")
        self("add", "user", "-a", "A", "-n", "U")

    def try_(self, *words: str) -> subprocess.CompletedProcess[str]:
        command = [self.tool, "-H", str(self.home), *words]
        return subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)

    def __call__(self, *words: str) -> str:
        done = self.try_(*words)
        assert done.returncode == 0, (words, done.stdout, done.stderr)
        return done.stdout

    def path(self, account: str = "", user: str = "") -> Path:
        if user:
            return self.home / "O" / "accounts" / account / "users" / f"{user}.jwt"
        return self.home / "O" / "accounts" / account / f"{account}.jwt" if account else self.home / "O" / "O.jwt"

    def claims(self, account: str = "", user: str = "") -> Any:
        return decode(parse_token(self.path(account, user).read_text()))

    def key(self, public: str) -> nkeys.KeyPair:
        seed = self.home / "keys" / public[0] / public[1:3] / f"{public}.nk"
        return nkeys.from_seed(seed.read_bytes().strip())

    def public(self, account: str = "", user: str = "") -> str:
        return self.claims(account, user).sub


@pytest.fixture(scope="module")
def store(tmp_path_factory) -> Store:
    return Store(tmp_path_factory.mktemp("nsc"))


def public(name: str, letter: str = "A") -> str:
    return signing.Key(letter, name).public


def commands(store: Store) -> list[tuple[str, ...]]:
    """Every field that nsc can write, some with hostile text."""
    key = {name: public(name) for name in ("k1", "k2", "scoped", "scoped2", "guest")}
    person = {name: public(name, "U") for name in ("u1", "u2")}
    scope = ("edit", "signing-key", "-a", "A")
    return [
        ("edit", "operator", "--tag", "T1,t2", "--service-url", "nats://a.example:4222,tls://b.example", "--sk",
         public("sk", "O"), "--account-jwt-server-url", "nats://localhost:4222", "--system-account", "S"),
        ("edit", "operator", "--expiry", "2030-01-01", "--start", "2020-01-01"),
        ("edit", "account", "-n", "A", "--description",
         '<b>&amp;</b> \u2028 größe 🙂 "q" \\ \b\f\x01\t\r\n\x7f'),
        ("edit", "account", "-n", "A", "--info-url", "https://e.example/?a=1&b=2", "--tag", "x,Y,z<"),
        ("edit", "account", "-n", "A", "--disallow-bearer", "--conns", "7", "--payload", "1024", "--imports", "50"),
        ("edit", "account", "-n", "A", "--js-mem-storage", "1M", "--js-disk-storage", "2G", "--js-streams", "5",
         "--js-max-bytes-required"),
        ("edit", "account", "-n", "B", "--js-tier", "1", "--js-disk-storage", "1G"),
        ("edit", "account", "-n", "B", "--js-tier", "3", "--js-mem-storage", "1G", "--js-consumer", "4"),
        ("edit", "account", "-n", "B", "--expiry", "2031-02-03", "--start", "2021-01-01"),
        ("edit", "account", "-n", "A", "--allow-pub", "z.>,a.*", "--deny-sub", "secret.>", "--allow-sub", "q.* w",
         "--allow-pub-response=5", "--response-ttl", "5s"),
        ("edit", "account", "-n", "A", "--trace-context-subject", "trace.here", "--trace-context-sampling", "50"),
        ("edit", "account", "-n", "A", "--host-cluster-traffic"),
        ("edit", "account", "-n", "A", "--sk", f"{key['k1']},{key['k2']}"),
        (*scope, "--sk", key["scoped"], "--role", "worker <&>", "--description", "d\u2029"),
        (*scope, "--sk", key["scoped"], "--allow-pub", "{{name()}}.{{tag(team)}}.>", "--deny-sub", "a.>"),
        (*scope, "--sk", key["scoped2"], "--role", "r2", "--subs", "5", "--payload", "1K", "--data", "1M", "--bearer",
         "--conn-type", "STANDARD,WEBSOCKET", "--source-network", "10.0.0.0/8", "--time", "08:00:00-17:30:00",
         "--locale", "Europe/Berlin", "--allow-pub-response"),
        ("add", "export", "-a", "A", "-s", "ev.>", "-n", "events <all>"),
        ("add", "export", "-a", "A", "-s", "priv.*", "-p"),
        ("add", "export", "-a", "A", "-s", "svc.*.x", "-r", "--response-type", "Chunked", "--response-threshold", "2s",
         "--latency", "lat.svc", "--sampling", "header", "--allow-trace", "--account-token-position", "2"),
        ("add", "export", "-a", "A", "-s", "one", "-r", "--latency", "lat.one", "--sampling", "33"),
        ("edit", "export", "-a", "A", "-s", "ev.>", "--description", "about & events", "--info-url", "http://x.example"),
        ("revocations", "add_activation", "-a", "A", "-s", "priv.x", "-t", key["guest"], "--at", "1700000000"),
        ("revocations", "add_activation", "-a", "A", "-s", "priv.x", "-t", "*", "--at", "1600000000"),
        ("generate", "activation", "-a", "A", "-s", "priv.x", "-t", store.public("B"), "-o",
         str(store.home / "act.jwt")),
        ("add", "import", "-a", "B", "-u", str(store.home / "act.jwt"), "--name", "p", "--local-subject", "mine.x"),
        ("add", "import", "-a", "B", "--src-account", "A", "--remote-subject", "ev.>", "--local-subject", "in.ev.>",
         "--allow-trace", "--name", "all"),
        ("add", "import", "-a", "B", "--src-account", "A", "--remote-subject", "one", "--service", "--share"),
        ("add", "mapping", "-a", "A", "--from", "m.>", "--to", "n.>", "--weight", "40"),
        ("add", "mapping", "-a", "A", "--from", "m.>", "--to", "o.>", "--weight", "60", "--cluster", "c<1"),
        ("add", "mapping", "-a", "A", "--from", "a", "--to", "b"),
        ("revocations", "add-user", "-a", "A", "-u", person["u1"], "--at", "1700000000"),
        ("revocations", "add-user", "-a", "A", "-u", person["u2"], "--at", "1700000001"),
        ("revocations", "add-user", "-a", "A", "-u", "*", "--at", "1600000000"),
        ("edit", "authcallout", "-a", "A", "--auth-user", person["u1"], "--allowed-account", "*", "--curve",
         "generate"),
        ("edit", "user", "-a", "A", "-n", "U", "--allow-pub", "b.>,a.*", "--allow-sub", "s q", "--deny-pub", "$JS.>",
         "--deny-sub", "\u2028<", "--allow-pub-response=-1", "--response-ttl", "1m"),
        ("edit", "user", "-a", "A", "-n", "U", "--tag", "team:Red,x&y", "--subs", "10", "--data", "100", "--payload",
         "5K", "--source-network", "192.168.0.0/16,10.0.0.0/8", "--conn-type", "mqtt,STANDARD", "--bearer"),
        ("edit", "user", "-a", "A", "-n", "U", "--time", "01:02:03-04:05:06", "--time", "22:00:00-23:00:00",
         "--locale", "Europe/London", "--expiry", "2032-01-01", "--start", "2019-01-01"),
    ]  # fmt: skip


def assert_reproduced(text: str) -> Claims:
    token = parse_token(text)
    claims = decode(token)
    assert payload_bytes(claims) == token.payload
    assert token.size == len(text) == token_size(len(token.payload))
    assert claims_id(claims) == claims.jti
    assert signature_holds(token, claims)
    weights = weigh(token)
    assert weights == weigh(claims)
    assert sum(weight.token_bytes for weight in weights) == token.size
    assert sum(weight.payload_bytes for weight in weights) == len(token.payload)
    settled = reencoded(claims)
    assert reencoded(settled) == settled
    # Two things nsc writes differently the second time: global JetStream limits beside tiers are dropped, and the
    # absent limits of a key just made a scope become -1.
    if isinstance(claims, AccountClaims):
        claims, settled = (
            replace(c, limits={**c.limits, **dict.fromkeys(JETSTREAM_LIMITS)}, signing_keys=())
            for c in (claims, settled)
        )
    assert settled == claims, "nsc would change what nsc wrote"
    return decode(token)


def test_every_token_that_nsc_writes_is_reproduced_byte_for_byte(tmp_path):
    store = Store(tmp_path)
    seen = set()
    for words in commands(store):
        store(*words)
        for path in (store.path(), store.path("A"), store.path("B"), store.path("A", "U")):
            text = path.read_text()
            if text not in seen:
                seen.add(text)
                assert_reproduced(text)
    assert len(seen) >= len(commands(store)) - 1  # all of them but `generate activation` sign a token
    account, other = store.claims("A"), store.claims("B")
    for name in AccountClaims.__dataclass_fields__:
        if name not in {"aud", "unknown", "unknown_top"}:
            assert getattr(account, name) or getattr(other, name), f"nothing wrote `{name}`"
    for name in UserClaims.__dataclass_fields__:
        if name not in {"aud", "unknown", "unknown_top", "issuer_account"}:
            assert getattr(store.claims("A", "U"), name), f"nothing wrote `{name}`"
    carried = assert_reproduced(next(item.token for item in other.imports if item.token))
    assert isinstance(carried, ActivationClaims)


def test_tokens_of_nsc_have_no_issue_in_their_chain(tmp_path):
    store = Store(tmp_path)
    now = store.claims().iat + 5
    token = {where: parse_token(store.path(*where).read_text()) for where in ((), ("A",), ("A", "U"))}
    operator, account, user = (decode(token[where]) for where in token)
    assert isinstance(operator, OperatorClaims)
    assert operator_issues(token[()], operator, now) == ()
    assert account_issues(token["A",], account, operator, now) == ()
    assert user_issues(token["A", "U"], user, account, now, operator=operator) == ()


def resigned(store: Store, kind: str, payload: dict[str, Any]) -> tuple[Claims, str]:
    """What nsc made of the payload, signed first by the store's own key: the claims before and the token after."""
    name, where = ("A", ("A",)) if kind == "account" else ("U", ("A", "U"))
    issuer = store.key(payload["iss"])
    text = signing.sign_bytes(signing.go_json({**payload, "name": name}), issuer, version=2)
    before = decode(parse_token(text))
    path = store.path(*where)
    kept = path.read_text()
    path.write_text(text)
    try:
        if kind == "account":
            done = store.try_("delete", "mapping", "-a", "A", "--from", "__noop__", "-K", payload["iss"])
        else:
            done = store.try_("edit", "user", "-a", "A", "-n", "U", "--rm-tag", "__noop__", "-K", payload["iss"])
        after = path.read_text()
        assert after != text, ("nsc refused to sign this", done.stdout, done.stderr)
        return before, after
    finally:
        path.write_text(kept)


def assert_predicted(before: Claims, after: str) -> None:
    token = parse_token(after)
    claims = decode(token)
    predicted = reencoded(before, iat=claims.iat)
    assert payload_bytes(predicted) == token.payload
    assert claims == predicted
    assert_reproduced(after)


@settings(
    max_examples=EXAMPLES, deadline=None, suppress_health_check=list(HealthCheck), database=None, derandomize=False
)
@given(data=st.data())
def test_what_nsc_makes_of_any_account_is_predicted_byte_for_byte(store, data):
    payload = data.draw(payloads.payloads("account", store.public(), store.public("A")))
    assert_predicted(*resigned(store, "account", payload))


@settings(max_examples=EXAMPLES, deadline=None, suppress_health_check=list(HealthCheck), database=None)
@given(data=st.data())
def test_what_nsc_makes_of_any_user_is_predicted_byte_for_byte(store, data):
    payload = data.draw(payloads.payloads("user", store.public("A"), store.public("A", "U")))
    payload["nats"].pop("issuer_account", None)
    before, after = resigned(store, "user", payload)
    assert_predicted(as_edit_user_has_it(before), after)


def as_edit_user_has_it(claims: Any) -> UserClaims:
    """What `nsc edit user` does beside the re-encode: lists sorted, networks and connection types tidied."""
    limits, lists = claims.limits, claims.permissions
    networks = sorted({text.strip().lower() for text in limits.src or ()} - {""})
    kinds = tuple(dict.fromkeys(kind.upper() for kind in limits.allowed_connection_types or () if kind))
    return replace(
        claims,
        limits=limits.replaced(src=tuple(networks), allowed_connection_types=kinds),
        tags=in_order(claims.tags) or (),
        permissions=lists.replaced(
            pub=lists.pub.replaced(allow=in_order(lists.pub.allow), deny=in_order(lists.pub.deny)),
            sub=lists.sub.replaced(allow=in_order(lists.sub.allow), deny=in_order(lists.sub.deny)),
        ),
    )


def in_order(entries: tuple[str, ...] | None) -> tuple[str, ...] | None:
    return None if entries is None else tuple(sorted(entries))


@pytest.mark.parametrize("length", [2, 12, 13, 20, 49, 50, 51, 90])
@pytest.mark.parametrize("kind", ["imports", "exports"])
def test_equal_subjects_stand_in_the_order_that_nsc_leaves_them(store, kind, length):
    for different in (1, 2, 5, length):
        items = [
            {"name": f"n{n}", "subject": f"s{n * 7 % different}", "type": ("stream", "service")[n % 2]}
            for n in range(length)
        ]
        claims = signing.account_claims(signing.account("A"), "A", **{kind: items})
        claims |= {"iss": store.public(), "sub": store.public("A")}
        assert_predicted(*resigned(store, "account", claims))


def version_1(store: Store, kind: str) -> dict[str, Any]:
    revocations = {"*": 1, public("u1", "U"): 5}
    exports = [
        {"name": "z", "subject": "z.>", "type": "stream", "token_req": True, "revocations": {public("x"): 3}},
        {"name": "lat", "subject": "lat", "type": "service", "service_latency": {"sampling": 7, "results": "r"}},
    ]
    imports = [{"name": "i", "subject": "i", "account": public("x"), "to": "legacy.to", "type": "service"}]
    limits = {"subs": -1, "conn": 4, "leaf": -1, "imports": 2, "data": -1, "payload": 9, "wildcards": True}
    account = {
        "imports": imports,
        "exports": exports,
        "limits": limits,
        "signing_keys": [public("b"), public("a")],
        "revocations": revocations,
    }
    user = {"pub": {"allow": ["b", "c"]}, "sub": {"deny": ["d q"]}, "src": "10.0.0.0/8", "bearer_token": True}
    subject = store.public("A") if kind == "account" else store.public("A", "U")
    return {
        "jti": "J" * 52,
        "iat": 1_500_000_000,
        "iss": store.public() if kind == "account" else store.public("A"),
        "name": "A" if kind == "account" else "U",
        "sub": subject,
        "tags": ["t1"],
        "type": kind,
        "nats": account if kind == "account" else user,
    }


@pytest.mark.parametrize("kind", ["account", "user"])
def test_a_version_1_token_becomes_the_version_2_token_that_nsc_makes_of_it(store, kind):
    payload = version_1(store, kind)
    text = signing.sign_bytes(signing.go_json(payload), store.key(payload["iss"]), header=signing.HEADER_V1, version=1)
    before = decode(parse_token(text))
    assert payload_bytes(before) == signing.go_json(payload)
    path = store.path("A", "U" if kind == "user" else "")
    kept = path.read_text()
    path.write_text(text)
    try:
        if kind == "account":
            store("delete", "mapping", "-a", "A", "--from", "__noop__", "-K", payload["iss"])
        else:
            store("edit", "user", "-a", "A", "-n", "U", "--rm-tag", "__noop__", "-K", payload["iss"])
        assert_predicted(before, path.read_text())
    finally:
        path.write_text(kept)


def test_an_explicit_empty_list_is_kept_by_us_and_dropped_by_nsc(store):
    claims = signing.user_claims(
        signing.user(), None, "U", pub={"allow": [], "deny": ["zzz"]}, sub={"allow": [], "deny": []}
    )
    claims |= {"iss": store.public("A"), "sub": store.public("A", "U")}
    before, after = resigned(store, "user", claims)
    assert isinstance(before, UserClaims)
    assert before.permissions.has_explicit_empty_list
    assert b'"pub":{"allow":[],"deny":["zzz"]}' in payload_bytes(before)
    assert b'"pub":{"deny":["zzz"]},"sub":{}' in parse_token(after).payload
    assert_predicted(before, after)


# What nsc reads and we refuse on purpose: a token about no valid key, and nulls that Go keeps as nil.
STRICTER = re.compile(r"is not a public key|is not base32|has a wrong checksum|` is null, an? (object|list)")


@settings(max_examples=EXAMPLES, suppress_health_check=list(HealthCheck), database=None)
@given(payload=payloads.damaged())
def test_what_nsc_cannot_read_is_refused_and_what_it_can_is_read(store, payload):
    issuer = json.loads(payload)
    issuer = issuer.get("iss") if isinstance(issuer, dict) else None
    signers = {key.public: key for key in (signing.operator(0), signing.account(0))}
    signer = signers.get(str(issuer), signing.account(0))
    text = signing.sign_bytes(payload, signer)
    try:
        version, problem = decode(parse_token(text)).version, None
        text = signing.sign_bytes(payload, signer, version=version)  # a version may be what was damaged
    except TokenError as error:
        problem = error.message
    path = store.home / "damaged.jwt"
    path.write_text(text)
    read = store.try_("describe", "jwt", "--file", str(path)).returncode == 0
    if problem is None:
        assert read
    else:
        assert not read or STRICTER.search(problem), problem


@pytest.mark.parametrize(
    "members",
    [
        '"pub":{"allow":["a"],"deny":["d"]},"pub":{"allow":["b"]},"resp":{"max":1},"resp":{"ttl":5}',
        '"PUB":{"Allow":["a"]},"\u017fub":{"deny":["b"]},"Bearer_TOKEN":true,"Version":2',
        '"subs":1,"SUBS":2,"data":3,"data":null,"payload":null,"bearer_token":true,"bearer_token":null',
        '"resp":{"max":1},"resp":null,"pub":null,"sub":{"allow":null,"deny":[]}',
        '"tags":["x"],"tags":["y","z"],"times":[null,{"start":"s"}],"times_location":"\\ud800x\\udc00\\ud83d\\ude00"',
        '"src":" 10.0.0.0/8 ,,FE80::/10","nats":{"pub":{"allow":["no"]}},"unknown":{"x":1}',
    ],
)
def test_members_written_twice_or_in_any_case_are_read_as_go_reads_them(store, members):
    issuer, subject = store.public("A"), store.public("A", "U")
    head = f'"jti":"J","iat":1,"iss":"{issuer}","name":"U","sub":"{subject}"'
    twice = f'{{{head},"nats":{{{members},"type":"user","version":2}},"NATS":{{"sub":{{"allow":["later"]}}}}}}'
    text = signing.sign_bytes(twice.encode(), store.key(issuer))
    before = decode(parse_token(text))
    path = store.path("A", "U")
    kept = path.read_text()
    path.write_text(text)
    try:
        store("edit", "user", "-a", "A", "-n", "U", "--rm-tag", "__noop__", "-K", issuer)
        assert_predicted(as_edit_user_has_it(before), path.read_text())
    finally:
        path.write_text(kept)
