"""Whatever bytes a source is made of: read, skipped with a reason, or refused by one error; never anything else."""

import io
import json
import os
import tempfile
import warnings
import zipfile
from pathlib import Path

import pytest
from hypothesis import HealthCheck, event, example, given, settings
from hypothesis import strategies as st

from optimizer.claims.encode import payload_bytes
from optimizer.errors import OptimizerError
from optimizer.sources import read
from optimizer.sources.config_text import parse
from optimizer.text import printable
from tests import signing

NOW = 1_760_000_000
LONG = os.environ.get("PERMOPT_BUDGET") == "long"
fuzz = settings(
    max_examples=5_000 if LONG else 250,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
)

OPERATOR, ACCOUNT, USER = signing.operator("fuzz"), signing.account("fuzz"), signing.user("fuzz")
CLAIMS = {
    "operator": signing.operator_claims(OPERATOR, "OP", signing_keys=[str(signing.operator("more"))]),
    "account": signing.account_claims(
        ACCOUNT,
        "A",
        imports=[{"name": "i", "subject": "a.>", "account": str(signing.account("x")), "type": "stream"}],
        exports=[{"name": "e", "subject": "b.>", "type": "service", "revocations": {"*": 1}}],
        signing_keys=[
            str(signing.account("sk")),
            signing.scope(signing.account("scoped"), pub={"allow": ["{{name()}}.>"]}),
        ],
        revocations={str(USER): 1, "*": 2},
        mappings={"m.>": [{"subject": "n.>", "weight": 50}]},
        tags=["t"],
    ),
    "user": signing.user_claims(USER, None, "app", pub={"allow": ["a.>"], "deny": []}, src=["10.0.0.0/8"]),
}
SIGNERS = {"operator": OPERATOR, "account": OPERATOR, "user": ACCOUNT}
CLAIMS = {kind: claims | {"iss": str(SIGNERS[kind]), "iat": signing.ISSUED} for kind, claims in CLAIMS.items()}
TOKENS = {kind: signing.sign(claims, SIGNERS[kind]) for kind, claims in CLAIMS.items()}

nasty = st.sampled_from(
    [
        "",
        ">",
        "*",
        "a..b",
        "\u202e",
        "\x1b[2J",
        "\x00",
        "\ud800",
        "'$(x)`",
        "9" * 5_000,
        "A" * 56,
        "{{name()}}",
        "q q q",
        "eyJ",
    ]
)
values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | nasty | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(nasty | st.sampled_from(["pub", "allow"]), inner, max_size=4)
    ),
    max_leaves=8,
)


@pytest.fixture(scope="module")
def store():
    """A sound store: operator, account, user, and a slot for one more file of each kind."""
    with tempfile.TemporaryDirectory() as directory:
        root = Path(directory)
        for path, content in {
            "OP/.nsc": '{"managed":false,"name":"OP","kind":"operator"}',
            "OP/OP.jwt": TOKENS["operator"],
            "OP/accounts/A/A.jwt": TOKENS["account"],
            "OP/accounts/A/users/app.jwt": TOKENS["user"],
        }.items():
            (root / path).parent.mkdir(parents=True, exist_ok=True)
            (root / path).write_text(content)
        yield root


def paths(value, at=()):
    """Every place in a JSON value."""
    yield at
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, below in inner:
        yield from paths(below, (*at, key))


def replaced(value, at, new):
    if not at:
        return new
    copy = dict(value) if isinstance(value, dict) else list(value)
    copy[at[0]] = replaced(value[at[0]], at[1:], new)
    return copy


def like(value):
    """Other values of the same kind, which a decoder would rather take."""
    match value:
        case bool():
            return st.booleans()
        case int():
            return st.integers(-(2**63), 2**63)
        case str():
            return nasty | st.text(max_size=8)
        case list():
            return st.sampled_from([[], value * 2, [*value, None]])
        case dict():
            return st.builds(
                lambda key, new: {**value, key: new}, nasty | st.sampled_from(["Sub", "IAT", "tags"]), values
            )


def at_path(value, at):
    return at_path(value[at[0]], at[1:]) if at else value


@st.composite
def changed_claims(draw):
    """Claims of some kind with one to three of their values replaced, by their like or by anything."""
    kind = draw(st.sampled_from(sorted(CLAIMS)))
    claims = CLAIMS[kind]
    for _ in range(draw(st.integers(1, 3))):
        at = draw(st.sampled_from(sorted(paths(claims), key=str)))
        here = at_path(claims, at)
        alike = isinstance(here, bool | int | str | list | dict) and draw(st.sampled_from([True, True, True, False]))
        claims = replaced(claims, at, draw(like(here) if alike else values))
        if not isinstance(claims, dict):
            break
    return kind, claims


@st.composite
def damaged(draw, content: str):
    """Text with some spans cut out, doubled or replaced."""
    data = content.encode()
    for _ in range(draw(st.integers(1, 3))):
        begin = draw(st.integers(0, len(data)))
        end = draw(st.integers(begin, min(len(data), begin + 50)) | st.just(len(data)))
        data = data[:begin] + draw(st.just(b"") | st.binary(max_size=5) | st.just(data[begin:end] * 2)) + data[end:]
    return data


def the_rest_is_read(hierarchy):
    """The sound tokens are there, and what was skipped says why in one printable line."""
    assert hierarchy.operator.token.text == TOKENS["operator"]
    assert hierarchy.accounts[ACCOUNT.public].token.text == TOKENS["account"]
    assert any(user.token.text == TOKENS["user"] for user in hierarchy.users.values())
    for skipped in hierarchy.skipped:
        assert skipped.reason
        assert printable(skipped.reason) == skipped.reason


@fuzz
@given(content=st.binary() | st.sampled_from(sorted(TOKENS)).flatmap(lambda kind: damaged(TOKENS[kind])))
@example(content=b"\xff\xfe")
@example(content=b"-----BEGIN NATS USER JWT-----")
def test_any_bytes_beside_a_sound_store_leave_it_read(store, content):
    for path in ("OP/accounts/A/users/odd.jwt", "OP/accounts/odd/odd.jwt"):
        (store / path).parent.mkdir(exist_ok=True)
        (store / path).write_bytes(content)
    the_rest_is_read(read(str(store), now=NOW))
    the_rest_is_read(read(f"dir:{store}", now=NOW, operator="OP"))


@fuzz
@given(changed_claims())
@example(("user", replaced(CLAIMS["user"], ("nats", "pub"), None)))
@example(("user", replaced(CLAIMS["user"], ("nats", "sub"), None)))
@example(("account", replaced(CLAIMS["account"], ("nats", "signing_keys", 1, "template", "pub"), None)))
def test_any_claims_well_signed_are_read_or_skipped(store, change):
    kind, claims = change
    try:
        payload = signing.go_json(claims)
    except UnicodeEncodeError:  # a lone surrogate: escaped, as a hostile writer would
        payload = json.dumps(claims).encode()
    token = signing.sign_bytes(payload, SIGNERS[kind])
    (store / "OP/accounts/A/users/odd.jwt").write_text(token)
    the_rest_is_read(read(str(store), now=NOW))
    hierarchy = whatever("-", token.encode())
    event("read" if hierarchy is not None else "skipped")
    if hierarchy is not None:
        for signed in (*hierarchy.accounts.values(), *hierarchy.users.values()):
            assert signed.token.payload == payload
            json.loads(payload_bytes(signed.claims))


def whatever(source, data=b""):
    """The hierarchy, or None where the source was refused by one error of ours."""
    try:
        hierarchy = read(source, now=NOW, stdin=io.BytesIO(data))
    except OptimizerError:
        return None
    assert hierarchy.fingerprint
    return hierarchy


@fuzz
@given(st.binary() | st.lists(st.sampled_from(sorted(TOKENS.values()))).map("\n".join).flatmap(damaged))
def test_any_bytes_on_standard_input_are_read_or_refused(data):
    whatever("-", data)


@fuzz
@given(changed_claims(), st.booleans(), st.data())
def test_anything_described_as_json_is_read_or_refused(change, whole, data):
    text = json.dumps(change[1], indent=1)
    whatever("-", text.encode() if whole else data.draw(damaged(text)))


CONFIG = f"""# a server
operator: {TOKENS["operator"]}
resolver: {{ type: full, dir: './jwt' }}
include './other.conf'
authorization {{ users [ {{ user: a, password: "\\"x" }} ] }}
T = "\\x65{TOKENS["account"][1:]}"
resolver_preload: {{
  {ACCOUNT}: $T
}}
"""
config_words = st.lists(
    st.sampled_from(
        ["{", "}", "[", "]", "(", ")", '"', "'", ":", "=", "\\", "#", "//", "\n", " ", "include", "operator"]
    )
    | st.sampled_from(
        ["resolver_preload", "resolver", "dir", "$a", "$operator", "\\x41", str(ACCOUNT), TOKENS["account"], "a", "\n)"]
    )
).map("".join)


@fuzz
@given(damaged(CONFIG) | config_words.map(str.encode) | st.binary())
def test_any_server_config_is_read_or_refused(store, data):
    path = store / "server.conf"
    path.write_bytes(data)
    whatever(f"conf:{path}")
    whatever(str(path))


@fuzz
@given(config_words)
def test_any_config_text_is_read_to_its_end_or_to_one_error(text):
    tree, error = parse(text, include=lambda _: {}, environment={"a": "$a", "operator": text})
    assert isinstance(tree, dict)
    assert error is None or error.message


GATHERED = {
    "capture/clusters/c/s/variables/0001.json": {"data": {"trusted_operators_jwt": [TOKENS["operator"]]}},
    f"capture/accounts/{ACCOUNT}/servers/c__s/account_info/0001.json": {
        "data": {"account_name": str(ACCOUNT), "jwt": TOKENS["account"], "decoded_jwt": CLAIMS["account"]}
    },
    "capture/accounts/$G/servers/c__s/account_info/0001.json": {"data": {"account_name": "$G"}},
}


def archive(files) -> bytes:
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w", zipfile.ZIP_DEFLATED) as made:
        for name, content in files:
            made.writestr(name, content)
    return data.getvalue()


@st.composite
def broken(draw, content: bytes):
    """Bytes with some of them changed, and perhaps cut off."""
    data = bytearray(content)
    for _ in range(draw(st.integers(1, 5))):
        data[draw(st.integers(0, len(data) - 1))] = draw(st.integers(0, 255))
    return bytes(data[: draw(st.integers(0, len(data)) | st.just(len(data)))])


@fuzz
@given(broken(archive((name, json.dumps(said)) for name, said in GATHERED.items())))
def test_any_damaged_archive_is_read_or_refused(store, data):
    path = store / "a.zip"
    path.write_bytes(data)
    whatever(str(path))
    whatever(f"gather:{path}")


@fuzz
@given(
    st.lists(
        st.tuples(st.sampled_from(sorted(GATHERED)), values | st.sampled_from(sorted(TOKENS.values()))), max_size=4
    ),
    st.sampled_from(["jwt", "decoded_jwt", "trusted_operators_jwt", "trusted_operators_claim", "account_name"]),
    values,
)
def test_an_archive_of_anything_is_read_or_refused(store, files, name, value):
    path = store / "a.zip"
    said = [(inside, json.dumps({"data": {name: value, "jwt": held}})) for inside, held in files]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # zipfile's, of a name that is there twice
        path.write_bytes(archive([*said, *((name, json.dumps(one)) for name, one in GATHERED.items())]))
    hierarchy = whatever(str(path))
    assert hierarchy is not None
    assert hierarchy.accounts[ACCOUNT.public].claims.name == "A"


@fuzz
@given(st.text(), st.text(), st.integers(0, 99))
def test_no_seed_leaves_a_file(before, after, number):
    seed = signing.user(number).seed.decode()
    text = f"{before}\n{seed}\n{after}"
    hierarchy = whatever("-", text.encode("utf-8", "replace"))
    assert hierarchy is None
    armoured = f"-----BEGIN NATS USER JWT-----\n{TOKENS['user']}\n------END NATS USER JWT------\n"
    hierarchy = whatever("-", (armoured + f"-----BEGIN USER NKEY SEED-----\n{seed}\n").encode())
    assert hierarchy is not None
    assert seed not in repr(hierarchy)


@fuzz
@given(st.text(alphabet=st.characters(exclude_characters="\0/", exclude_categories=["Cs"]), min_size=1, max_size=40))
def test_any_source_name_is_read_or_refused(name):
    if name != "-":
        whatever(f"/nowhere/{name}")
        whatever(name)


@fuzz
@given(st.binary())
def test_any_mark_leaves_a_store_read(store, content):
    mark = store / "OP/.nsc"
    sound = mark.read_bytes()
    mark.write_bytes(content)
    try:
        the_rest_is_read(read(str(store), now=NOW))
    finally:
        mark.write_bytes(sound)
