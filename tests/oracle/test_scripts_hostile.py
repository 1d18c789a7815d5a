"""Names and subjects that strangers chose, on the whole path through the real nsc."""

from __future__ import annotations

import re

import pytest

from optimizer.edits import EditEntries, obstacle
from tests.oracle.nsc_tool import PUB, SUB, Store, expected_is_there, proposal, sh

pytestmark = pytest.mark.nsc

NAMES = (
    "it's",
    'say "no"',
    "two\nDone. 0 lines",
    "$(touch pwned)",
    "`touch pwned`",
    "; touch pwned #",
    "-dash",
    "--rm=a",
    ".hidden",
    "a*b?[c]",
    "~root",
    "100%s%n",
    "\x1b[2K\x1b[31mred\x07",
    "abc\u202etxt.exe",
    "zero\u200bwidth",
    "n\u00fcn \u540d\u524d",
    "=",
    "x" * 240,
)
"""Names that nsc itself accepts, of accounts, users and roles."""

SUBJECTS = (
    "$(touch pwned).>",
    "`touch pwned`",
    "'; touch pwned; '",
    '"quoted",and,commas',
    "line\nbreak",
    "back\\slash",
    "-x",
    "--allow-pub=evil.>",
    ">",
    "*",
    "$JS.API.>",
    "a.>.%s.\x1b[31m",
    "\u202ecba",
    "x" * 10_000,
)
CONTROL = re.compile(r"[\x00-\x09\x0b-\x1f\x7f-\x9f\u200b-\u200f\u202a-\u202e\u2066-\u2069\ufeff]")


def test_no_name_and_no_subject_executes_forges_or_escapes(tmp_path):
    store = Store(tmp_path / "home", "OP $(touch pwned)\x1b[31m'")
    proposals = []
    for number, name in enumerate(NAMES):
        store.nsc("add", "account", f"--name={name}")
        store.nsc("add", "user", f"--account={name}", f"--name={name}")
        # No separator in a queue, no second space: what nsc takes back with --allow-sub.
        own = SUBJECTS[number % len(SUBJECTS)]
        taken = tuple(text for text in (own, f"own.{number}") if " " not in text) or ("own.x",)
        kept = [text for text in {*taken, own} if text.count(" ") < 2]
        store.forge(name, name, nats={"pub": {"allow": ["own.>", *taken]}, "sub": {"allow": kept}})
        finding = f"`{own}` of `{name}` \x1b[31m\nrm -rf nothing"
        edit = EditEntries(store.user(name, name), PUB, taken)
        assert obstacle(edit, store.hierarchy()) is None, name
        proposals.append(proposal(f"covered-entry-{number}", edit, message=finding))
    role = NAMES[3]
    store.nsc("edit", "account", f"--name={role}", "--sk=generate")
    key = store.payload(role)["nats"]["signing_keys"][0]
    store.nsc("edit", "signing-key", f"--account={role}", f"--sk={key}", f"--role={NAMES[2]}", "--allow-pub=a.>,a.b")
    proposals.append(proposal("covered-role", EditEntries(store.scope(role, key), PUB, ("a.b",))))
    before = store.tokens()
    out = store.script(tmp_path / "out", *proposals)

    for script in out.glob("*.sh"):
        assert not CONTROL.search(script.read_text())
    for name, code in (("apply.sh", 0), ("verify.sh", 0), ("apply.sh", 0), ("rollback.sh", 0), ("verify.sh", 5)):
        run = sh(out / name, "-H", str(store.home), cwd=tmp_path)
        assert run.code == code, run
        assert not CONTROL.search(run.out + run.err)
        lines = [
            line
            for line in run.out.splitlines()
            if not re.match(r"( *user| *account|ok|unchanged|These|If these) ", line)
        ]
        assert lines in (
            [],
            ["The tokens are as before."],
            [line for line in lines if line.startswith(("Done.", "Already"))],
        )
        assert len(lines) <= 1
        assert not list(tmp_path.rglob("*pwned")), "something ran"
        if (name, code) == ("verify.sh", 0):
            assert expected_is_there(store, out)
    assert store.tokens() == before


def test_nsc_writes_a_token_by_the_name_inside_it_so_such_a_token_gets_no_script(tmp_path):
    store = Store(tmp_path / "home")
    store.nsc("add", "account", "--name=A")
    store.nsc("add", "user", "--account=A", "--name=u", "--allow-pub=a.>,a.b")
    store.forge("A", "u", name="../../../../escaped")
    edit = EditEntries(store.user("A", "u"), PUB, ("a.b",))
    assert "another file" in obstacle(edit, store.hierarchy())
    store.nsc("edit", "user", "--account=A", "--name=u", "--rm=a.b")
    assert (tmp_path / "home" / "escaped.jwt").exists()


@pytest.mark.parametrize("name", ["../up", "a/b", "a\\b", "..", "*", "", " lead", "trail ", "n" * 10_000, "nul\0"])
def test_a_name_nsc_cannot_find_again_gets_no_script(tmp_path, name):
    store = Store(tmp_path / "home")
    store.nsc("add", "account", "--name=A")
    store.nsc("add", "user", "--account=A", "--name=u", "--allow-pub=a.>,a.b")
    store.forge("A", "u", name=name)
    read = store.hierarchy()
    for key, signed in read.users.items():
        object.__setattr__(signed, "store_name", "")  # as read from a directory of tokens, where no file is named
        assert obstacle(EditEntries(store.user("A", "u"), PUB, ("a.b",)), read), key


@pytest.mark.parametrize("text", ["a b", "", "nul\0", "cr\r\nlf", "x" * 131_100])
def test_an_entry_nsc_cannot_write_gets_no_script(tmp_path, text):
    store = Store(tmp_path / "home")
    store.nsc("add", "account", "--name=A")
    store.nsc("add", "user", "--account=A", "--name=u")
    store.forge("A", "u", nats={"pub": {"allow": ["a.>", text]}, "sub": {"allow": ["a.>", text]}})
    assert obstacle(EditEntries(store.user("A", "u"), SUB, (text,)), store.hierarchy())


def test_an_entry_nsc_can_only_take_away_may_go(tmp_path):
    store = Store(tmp_path / "home")
    store.nsc("add", "account", "--name=A")
    store.nsc("add", "user", "--account=A", "--name=u")
    odd = ("a b", "", " ", "two  spaces", "tab\t", "n\n")
    store.forge("A", "u", nats={"pub": {"allow": ["a.>", *odd]}, "sub": {"allow": ["a.>"]}})
    out = store.script(tmp_path / "out", proposal("odd", EditEntries(store.user("A", "u"), PUB, odd)))
    run = sh(out / "apply.sh", "-H", str(store.home))
    assert run.code == 0, run
    assert expected_is_there(store, out)
    assert store.payload("A", "u")["nats"]["pub"]["allow"] == ["a.>"]
