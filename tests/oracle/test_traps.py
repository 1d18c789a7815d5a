"""Ways in which nsc does more, or other, than it was asked to, each met by a script or refused beforehand.

The numbers are those of docs/decisions/0005-scripts.md. Traps 3, 4, 10 and 17 are of commands that no script
of lists uses (`edit export`, `delete import`, `delete mapping --to`, revocations): the first test holds them to that.
"""

from __future__ import annotations

import json
import random
import re

import pytest

from optimizer.edits import EditEntries, ListName, obstacle, together
from optimizer.errors import UsageError
from tests.oracle.nsc_tool import (
    PUB,
    PUB_DENY,
    SUB,
    Store,
    expected_is_there,
    proposal,
    sh,
)

pytestmark = pytest.mark.nsc


@pytest.fixture
def store(tmp_path):
    made = Store(tmp_path / "home")
    made.nsc("add", "account", "--name=A")
    return made


def applied(store, tmp_path, *edits, code=0):
    """Run the script for these edits, each a proposal; the store must become what it promised."""
    proposals = [proposal(f"p-{number}", edit) for number, edit in enumerate(edits)]
    out = store.script(tmp_path / "out", *proposals)
    run = sh(out / "apply.sh", "-H", str(store.home))
    assert run.code == code, run
    assert code or expected_is_there(store, out)
    return out


READING = {"env", "describe user", "describe account", "describe operator", "generate creds"}
SIGNING = {"edit user", "edit signing-key", "edit account", "delete mapping"}


def test_3_4_8_10_and_17_no_script_uses_a_command_that_does_more_than_it_says(store, tmp_path):
    store.nsc("edit", "account", "--name=A", "--sk=generate", "--allow-pub=a.>,a.b", "--js-disable")
    (key,) = store.payload("A")["nats"]["signing_keys"]
    store.nsc("add", "user", "--account=A", "--name=u", "--allow-pub=a.>,a.b")
    store.nsc("edit", "signing-key", "--account=A", f"--sk={key}", "--role=r", "--allow-pub=a.>,a.b")
    targets = (store.user("A", "u"), store.scope("A", key), store.defaults("A"))
    out = applied(store, tmp_path, *(EditEntries(target, PUB, ("a.b",)) for target in targets))
    found = {}
    for script in out.glob("*.sh"):
        text = script.read_text()
        ran = re.findall(r"(?:run_nsc|^ +(?=edit ))\s*((?:[a-z-]+ )?[a-z-]+(?= --|\n))", text, re.MULTILINE)
        found[script.name] = {verb.strip() for verb in ran}
        assert "--rm-response-perms" not in text
        assert not re.search(r"delete mapping .*--to", text)
    assert found["apply.sh"] == READING | SIGNING - {"delete mapping"} | {"push"}
    assert found["rollback.sh"] == READING | {"delete mapping", "push"}
    assert found["verify.sh"] == READING


JETSTREAM = {
    "none": [],
    "global": ["--js-disk-storage=1G", "--js-streams=5", "--js-max-bytes-required"],
    "tiered": ["--js-tier=3", "--js-disk-storage=1G"],
    "disk only": ["--js-disk-storage=-1"],
}


@pytest.mark.parametrize("limits", JETSTREAM)
@pytest.mark.parametrize("forbidden", [True, False], ids=["no bearer, no wildcards", "bearer and wildcards"])
def test_1_and_2_account_defaults_are_edited_without_touching_a_limit(store, tmp_path, limits, forbidden):
    flags = [f"--disallow-bearer={str(forbidden).lower()}", f"--wildcard-exports={str(not forbidden).lower()}"]
    js = JETSTREAM[limits] or ["--js-disable"]
    store.nsc("edit", "account", "--name=A", "--allow-pub=a.>,a.b", "--tag=z,b", "--conns=7", *flags, *js)
    before = store.payload("A")["nats"]
    applied(store, tmp_path, EditEntries(store.defaults("A"), PUB, ("a.b",)))
    after = store.payload("A")["nats"]
    assert after == {**before, "default_permissions": {"pub": {"allow": ["a.>"]}, "sub": {}}}


def test_2_nsc_alone_would_make_the_account_grow(store):
    before = len(store.path("A").read_bytes())
    store.nsc("edit", "account", "--name=A", "--rm=nothing.here")
    assert len(store.path("A").read_bytes()) == before + 135


def test_5_an_entry_leaves_one_list_and_stays_in_the_others(store, tmp_path):
    store.nsc("add", "user", "--account=A", "--name=u")
    every = {"allow": ["x", "keep.>"], "deny": ["x", "y"]}
    store.forge("A", "u", nats={"pub": every, "sub": every})
    applied(store, tmp_path, EditEntries(store.user("A", "u"), PUB_DENY, ("x",)))
    nats = store.payload("A", "u")["nats"]
    assert (nats["pub"], nats["sub"]) == (
        {"allow": ["keep.>", "x"], "deny": ["y"]},
        {"allow": ["keep.>", "x"], "deny": ["x", "y"]},
    )


def test_5_the_last_entry_of_a_list_may_move_to_another_form(store, tmp_path):
    store.nsc("add", "user", "--account=A", "--name=u", "--allow-pub=a.b,a.c", "--allow-sub=a.b")
    applied(store, tmp_path, EditEntries(store.user("A", "u"), PUB, ("a.b", "a.c"), ("a.*",)))
    nats = store.payload("A", "u")["nats"]
    assert (nats["pub"], nats["sub"]) == ({"allow": ["a.*"]}, {"allow": ["a.b"]})


def test_5_duplicates_in_two_lists_go_together_or_not_at_all(store, tmp_path):
    store.nsc("add", "user", "--account=A", "--name=u")
    store.forge("A", "u", nats={"pub": {"allow": ["d", "d", "e", "e", "e"]}, "sub": {"allow": ["d", "d", "e"]}})
    user = store.user("A", "u")
    pub, sub = EditEntries(user, PUB, ("d", "e", "e")), EditEntries(user, SUB, ("d",))
    assert together((pub,), store.hierarchy()) is not None
    assert together((pub, sub), store.hierarchy()) is None
    with pytest.raises(UsageError, match="alone"):
        store.script(tmp_path / "half", proposal("half", pub))
    applied(store, tmp_path, pub, sub)
    nats = store.payload("A", "u")["nats"]
    assert (nats["pub"]["allow"], nats["sub"]["allow"]) == (["d", "e"], ["d", "e"])


def test_6_a_revoked_user_is_left_alone_for_an_edit_would_readmit_it(store):
    store.nsc("add", "user", "--account=A", "--name=u", "--allow-pub=a.>,a.b")
    edit = EditEntries(store.user("A", "u"), PUB, ("a.b",))
    assert obstacle(edit, store.hierarchy()) is None
    issued = store.payload("A", "u")["iat"]
    store.nsc("revocations", "add-user", "--account=A", "--user-public-key=*", f"--at={issued}")
    assert "revoked" in obstacle(edit, store.hierarchy())
    store.forge("A", "u", iat=issued + 1)
    assert obstacle(edit, store.hierarchy()) is None


def test_7_nsc_never_signs_with_another_key_than_the_one_that_signed(store, tmp_path):
    store.nsc("edit", "account", "--name=A", "--sk=generate")
    (key,) = store.payload("A")["nats"]["signing_keys"]
    store.nsc("add", "user", "--account=A", "--name=u", "--allow-pub=a.>,a.b", "-K", key)
    out = store.script(tmp_path / "out", proposal("p", EditEntries(store.user("A", "u"), PUB, ("a.b",))))
    seed = store.key_file(key).read_bytes()
    store.key_file(key).unlink()
    tokens = store.tokens()
    assert sh(out / "apply.sh", "-H", str(store.home)).code == 1
    assert store.tokens() == tokens
    store.nsc("edit", "user", "--account=A", "--name=u", "--rm=a.b")
    assert store.payload("A", "u")["iss"] == store.key("A"), "what nsc alone does"
    store.path("A", "u").write_bytes(tokens["accounts/A/users/u.jwt"])
    store.key_file(key).write_bytes(seed)
    assert sh(out / "apply.sh", "-H", str(store.home)).code == 0
    assert store.payload("A", "u")["iss"] == key


def test_7_a_user_of_a_scoped_key_has_nothing_to_edit(store):
    store.nsc("edit", "account", "--name=A", "--sk=generate")
    (key,) = store.payload("A")["nats"]["signing_keys"]
    store.nsc("add", "user", "--account=A", "--name=u", "--allow-pub=a.>,a.b", "-K", key)
    store.nsc("edit", "signing-key", "--account=A", f"--sk={key}", "--role=r", "--allow-pub=x")
    edit = EditEntries(store.user("A", "u"), PUB, ("a.b",))
    assert "scoped key" in obstacle(edit, store.hierarchy())
    store.nsc("edit", "user", "--account=A", "--name=u", "--rm=a.b", "-K", key, code=1)


def test_7_a_role_called_like_a_key_would_sign_in_its_place(store):
    store.nsc("edit", "account", "--name=A", "--sk=generate")
    (key,) = store.payload("A")["nats"]["signing_keys"]
    store.nsc("add", "user", "--account=A", "--name=u", "--allow-pub=a.>,a.b")
    store.nsc("edit", "signing-key", "--account=A", f"--sk={key}", f"--role={store.key('A')}", "--allow-pub=a.>,a.b")
    assert "role" in obstacle(EditEntries(store.user("A", "u"), PUB, ("a.b",)), store.hierarchy())
    store.nsc("edit", "user", "--account=A", "--name=u", "--rm=a.b", "-K", store.key("A"), code=1)


def test_8_a_response_permission_stays(store, tmp_path):
    flags = ("--allow-pub-response=5", "--response-ttl=7s", "--bearer", "--tag=z,b")
    store.nsc("add", "user", "--account=A", "--name=u", "--allow-pub=a.>,a.b", *flags)
    before = store.payload("A", "u")["nats"]
    applied(store, tmp_path, EditEntries(store.user("A", "u"), PUB, ("a.b",)))
    after = store.payload("A", "u")["nats"]
    assert after == {**before, "pub": {"allow": ["a.>"]}}
    assert after["resp"] == {"max": 5, "ttl": 7_000_000_000}


def test_8_what_nsc_tidies_beside_the_lists_is_predicted(store, tmp_path):
    store.nsc("add", "user", "--account=A", "--name=u")
    odd = {
        "pub": {"allow": ["z", "a.b", "a.>"]},
        "sub": {"deny": ["y q", "b"]},
        "src": ["10.0.0.0/8", "2001:DB8::/32", "10.0.0.0/8"],
        "allowed_connection_types": ["websocket", "STANDARD", "WEBSOCKET"],
        "times": [{"start": "08:00:00", "end": "17:00:00"}],
        "tags": ["z", "b"],
    }
    store.forge("A", "u", nats=odd)
    applied(store, tmp_path, EditEntries(store.user("A", "u"), PUB, ("a.b",)))
    nats = store.payload("A", "u")["nats"]
    assert nats["src"] == ["10.0.0.0/8", "2001:db8::/32"]
    assert nats["allowed_connection_types"] == ["WEBSOCKET", "STANDARD"]
    assert (nats["tags"], nats["sub"]) == (["b", "z"], {"deny": ["b", "y q"]})


def test_9_a_role_that_is_gone_is_not_added_again(store, tmp_path):
    store.nsc("edit", "account", "--name=A", "--sk=generate")
    (key,) = store.payload("A")["nats"]["signing_keys"]
    store.nsc("edit", "signing-key", "--account=A", f"--sk={key}", "--role=r", "--allow-pub=a.>,a.b")
    edit = EditEntries(store.scope("A", key), PUB, ("a.b",))
    out = store.script(tmp_path / "out", proposal("p", edit))
    store.nsc("edit", "account", "--name=A", f"--rm-sk={key}", "--js-disable")
    tokens = store.tokens()
    assert sh(out / "apply.sh", "-H", str(store.home)).code == 4
    assert store.tokens() == tokens
    assert "no such scoped key" in obstacle(edit, store.hierarchy())


def test_10_and_12_signing_again_keeps_every_mapping(store, tmp_path):
    store.nsc("edit", "account", "--name=A", "--allow-pub=a.>,a.b", "--js-disable")
    for target in ("x", "y", "z"):
        store.nsc("add", "mapping", "--account=A", "--from=permopt.no.mapping.0", f"--to={target}", "--weight=30")
    before = store.payload("A")
    out = applied(store, tmp_path, EditEntries(store.defaults("A"), PUB, ("a.b",)))
    sh(out / "rollback.sh", "-H", str(store.home), "--push")
    assert store.payload("A")["nats"] == before["nats"]


def test_11_no_word_of_a_command_is_left_to_the_context(store, tmp_path):
    store.nsc("add", "user", "--account=A", "--name=u", "--allow-pub=a.>,a.b")
    store.nsc("add", "account", "--name=CONTEXT")
    store.nsc("add", "user", "--account=CONTEXT", "--name=u", "--allow-pub=a.>,a.b")
    assert json.loads((store.home / "nsc.json").read_text())["account"] == "CONTEXT"
    other = store.path("CONTEXT", "u").read_bytes()
    applied(store, tmp_path, EditEntries(store.user("A", "u"), PUB, ("a.b",)))
    assert store.path("CONTEXT", "u").read_bytes() == other


def test_16_an_edit_that_does_nothing_is_not_believed(store, tmp_path):
    store.nsc("add", "user", "--account=A", "--name=u", "--allow-pub=a.>,a.b")
    out = store.script(tmp_path / "out", proposal("p", EditEntries(store.user("A", "u"), PUB, ("a.b",))))
    script = (out / "apply.sh").read_text()
    assert script.count("--rm=a.b") == 1
    (out / "apply.sh").write_text(script.replace("--rm=a.b", "--rm=never.there"))
    before = store.tokens()
    assert sh(out / "apply.sh", "-H", str(store.home)).code == 5
    assert store.tokens() == before


def test_19_an_explicit_empty_list_anywhere_in_the_token_forbids_the_edit(store):
    store.nsc("add", "user", "--account=A", "--name=u")
    store.forge("A", "u", nats={"pub": {"allow": [], "deny": ["zzz"]}, "sub": {"allow": ["a.>", "a.b"]}})
    assert "empty list" in obstacle(EditEntries(store.user("A", "u"), SUB, ("a.b",)), store.hierarchy())
    store.nsc("edit", "user", "--account=A", "--name=u", "--rm=nothing.here")
    assert store.payload("A", "u")["nats"]["pub"] == {"deny": ["zzz"]}, "what nsc makes of it"

    store.nsc("edit", "account", "--name=A", "--sk=generate", "--allow-pub=a.>,a.b")
    (key,) = store.payload("A")["nats"]["signing_keys"]
    store.nsc("edit", "signing-key", "--account=A", f"--sk={key}", "--role=r", "--allow-pub=x")
    scope = store.payload("A")["nats"]["signing_keys"][0]
    scope["template"]["sub"] = {"allow": []}
    store.forge("A", nats={"signing_keys": [scope]})
    assert "empty list" in obstacle(EditEntries(store.defaults("A"), PUB, ("a.b",)), store.hierarchy())


def test_21_the_store_that_is_named_is_edited_not_the_one_nsc_json_names(store, tmp_path):
    store.nsc("add", "user", "--account=A", "--name=u", "--allow-pub=a.>,a.b")
    copy = store.copy(tmp_path / "copy")
    assert json.loads((copy.home / "nsc.json").read_text())["store_root"] == str(store.home)
    original = store.tokens()
    applied(copy, tmp_path, EditEntries(copy.user("A", "u"), PUB, ("a.b",)))
    assert store.tokens() == original


@pytest.mark.parametrize("name", [" lead", "trail ", "line\n"])
def test_22_a_store_with_a_space_around_an_accounts_name_gets_no_user_edits(store, tmp_path, name):
    store.nsc("add", "user", "--account=A", "--name=u", "--allow-pub=a.>,a.b")
    edit = EditEntries(store.user("A", "u"), PUB, ("a.b",))
    out = store.script(tmp_path / "out", proposal("p", edit))
    store.nsc("add", "account", f"--name={name}")
    assert "trims names" in obstacle(edit, store.hierarchy())
    tokens = store.tokens()
    run = sh(out / "apply.sh", "-H", str(store.home))
    assert (run.code == 0 and expected_is_there(store, out)) or (run.code == 1 and store.tokens() == tokens), run


def test_a_token_that_is_not_in_order_or_not_understood_gets_no_script(store):
    store.nsc("add", "user", "--account=A", "--name=u", "--allow-pub=a.>,a.b")
    edit = EditEntries(store.user("A", "u"), PUB, ("a.b",))
    store.forge("A", "u", nats={"from_the_future": True})
    assert "would drop `from_the_future`" in obstacle(edit, store.hierarchy())
    store.forge("A", "u", nats={"from_the_future": None}, beside="nats")
    assert "would drop `beside`" in obstacle(edit, store.hierarchy())
    store.nsc("edit", "user", "--account=A", "--name=u", "--rm=nothing.here")
    assert obstacle(edit, store.hierarchy()) is None
    store.nsc("edit", "account", "--name=A", "--sk=generate")
    (key,) = store.payload("A")["nats"]["signing_keys"]
    store.nsc("edit", "user", "--account=A", "--name=u", "--tag=x", "-K", key)
    store.nsc("edit", "account", "--name=A", f"--rm-sk={key}")
    assert "no key of the account" in obstacle(edit, store.hierarchy())


def test_account_defaults_stay_where_nsc_would_refuse_or_reset(store, tmp_path):
    store.nsc("add", "account", "--name=SYS")
    store.nsc("edit", "operator", "--system-account=SYS")
    store.nsc("edit", "account", "--name=SYS", "--allow-pub=a.>,a.b")
    edit = EditEntries(store.defaults("SYS"), PUB, ("a.b",))
    assert obstacle(edit, store.hierarchy()) is None
    applied(store, tmp_path, edit)
    store.forge("SYS", nats={"limits": {**store.payload("SYS")["nats"]["limits"], "disk_storage": 5}})
    assert "JetStream" in obstacle(edit, store.hierarchy())
    store.nsc("edit", "account", "--name=SYS", "--rm=nothing.here", code=1)

    store.nsc("edit", "account", "--name=A", "--allow-pub=a.>,a.b")
    store.nsc("add", "user", "--account=A", "--name=u", "--bearer")
    store.forge("A", nats={"limits": {**store.payload("A")["nats"]["limits"], "disallow_bearer": True}})
    assert "bearer" in obstacle(EditEntries(store.defaults("A"), PUB, ("a.b",)), store.hierarchy())
    store.nsc("edit", "account", "--name=A", "--rm=a.b", "--disallow-bearer", code=1)


@pytest.mark.parametrize("iat", [0, 5, 99_999_999_999])
def test_bytes_are_those_of_the_time_nsc_signs_at_whatever_stood_there(store, tmp_path, iat):
    store.nsc("add", "user", "--account=A", "--name=u", "--allow-pub=a.>,a.b")
    store.forge("A", "u", iat=iat, jti="")
    applied(store, tmp_path, EditEntries(store.user("A", "u"), PUB, ("a.b",)))


def test_long_lists_are_cut_into_commands_a_system_takes(store, tmp_path):
    store.nsc("add", "user", "--account=A", "--name=u")
    many = [f"{number:05d}.{'x' * 120}" for number in range(1_200)]
    store.forge("A", "u", nats={"pub": {"allow": ["*.*", *many]}, "sub": {"allow": many[:900]}})
    out = applied(store, tmp_path, EditEntries(store.user("A", "u"), PUB, tuple(many)))
    assert len(re.findall(r"^  step ", (out / "apply.sh").read_text(), re.MULTILINE)) == 4


@pytest.mark.parametrize("seed", range(3))
def test_any_edit_of_any_lists_yields_the_claims_and_bytes_predicted(store, tmp_path, seed):
    chance = random.Random(seed)
    words = ["a", "b.>", "c.*", "d q", "e,f", 'g"h', "ü", "<&>"]
    edits = []
    for number in range(6):
        name = f"u{number}"
        store.nsc("add", "user", "--account=A", f"--name={name}")
        lists = {n: [chance.choice(words) for _ in range(chance.randrange(7))] for n in ListName}
        lists = {n: [text for text in texts if " " not in text or not n.is_publish] for n, texts in lists.items()}
        store.forge(
            "A",
            name,
            nats={
                "pub": {k: v for k, v in (("allow", lists[PUB]), ("deny", lists[PUB_DENY])) if v},
                "sub": {k: v for k, v in (("allow", lists[SUB]), ("deny", lists[ListName.SUB_DENY])) if v},
            },
        )
        # Every copy but the first, in every list, and then some entries altogether: always possible.
        for where in ListName:
            texts = lists[where]
            spare = [text for index, text in enumerate(texts) if text in texts[:index]]
            gone = chance.sample(sorted(set(texts)), chance.randrange(len(set(texts)) + 1))
            add = tuple({chance.choice(words[:3]), "new.>"} - set(texts)) if chance.random() < 0.5 else ()
            if spare or gone or add:
                edits.append(EditEntries(store.user("A", name), where, (*spare, *gone), add))
    read = store.hierarchy()
    assert not [reason for edit in edits if (reason := obstacle(edit, read))]
    out = applied(store, tmp_path, *edits)
    verbs = re.findall(r"^    edit (\S+)", (out / "apply.sh").read_text(), re.MULTILINE)
    assert set(verbs) == {"user"}
