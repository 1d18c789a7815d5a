"""What is said to stand in the way of an edit of imports or exports does so when the real nsc tries."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import pytest

from optimizer.claims.keys import account_key
from optimizer.claims.model import Export, Import
from optimizer.edits import AddAccount, EditExports, EditImports, Target, apply, obstacle
from optimizer.edits.sharing import edited
from optimizer.nsc.commands import commands
from optimizer.nsc.words import ACTIVATION
from tests.oracle.markets import market
from tests.topologies import service, stream

if TYPE_CHECKING:
    from pathlib import Path

    from tests.oracle.nsc_tool import Store

pytestmark = pytest.mark.nsc


@dataclass(frozen=True)
class Case:
    """An account ``B`` and an edit of it that nsc cannot make; ``A`` and ``C`` stand for their keys.

    Parameters
    ----------
    remove
        Places among the account's imports or exports.
    """

    reason: str
    imports: tuple[dict[str, Any], ...] = ()
    exports: tuple[dict[str, Any], ...] = ()
    remove: tuple[int, ...] = ()
    add: tuple[Import | Export, ...] = ()

    def edit(self, store: Store) -> EditImports | EditExports:
        account = account_key(store.key("B"))
        claims = store.hierarchy().accounts[account].claims
        if self.exports or any(isinstance(each, Export) for each in self.add):
            gone = tuple(claims.exports[place] for place in self.remove)
            return EditExports(Target("export", account), gone, tuple(e for e in self.add if isinstance(e, Export)))
        come = [e.replaced(account=store.key(e.account)) for e in self.add if isinstance(e, Import)]
        return EditImports(
            Target("import", account), tuple(claims.imports[place] for place in self.remove), tuple(come)
        )


def taken(subject: str, account: str = "A", kind: str = "service", **more: Any) -> Import:
    return Import(name="n", subject=subject, account=account, type=kind, **more)


def given(subject: str, kind: str = "service", **more: Any) -> Export:
    more.setdefault("response_type", "Singleton" if kind == "service" else "")
    return Export(name="n", subject=subject, type=kind, **more)


CASES = {
    "an import it has": Case("only once", (service("s", "A"),), add=(taken("s", local_subject="other"),)),
    "two that overlap": Case("two service imports", (service("s.*", "A"),), add=(taken("s.a"),)),
    "two that overlap, of two accounts": Case("nor does an earlier", (service("s.*", "A"),), add=(taken("s.a", "C"),)),
    "from itself": Case("from itself", add=(taken("s", "B"),)),
    "without a name": Case("no name", add=(taken("s").replaced(name=""),)),
    "traces of a service": Case("traces of streams only", add=(taken("s", allow_trace=True),)),
    "shared details of a stream": Case("with services only", add=(taken("s", kind="stream", share=True),)),
    "the old form": Case("`to`", add=(taken("s", to="t"),)),
    "wildcards that do not fit": Case("number of wildcards", add=(taken("s.*", local_subject="t"),)),
    "a space": Case("has spaces", add=(taken("a b"),)),
    "the wrong one of two": Case(
        "cannot tell",
        (service("s", "A", local_subject="l"), stream("s", "A"), service("s", "C", local_subject="c")),
        (),
        (1,),
    ),
    "an account that is not valid": Case("not in order", (service("s", "A"), service("s", "A")), add=(taken("t"),)),
    "an export inside another": Case("exports overlap", exports=(service("s.>"),), add=(given("s.a"),)),
    "the wrong export of two": Case("cannot tell", exports=(service("s"), stream("s")), remove=(1,)),
    "a private export with a position": Case(
        "no private export", add=(given("s.*", token_req=True, account_token_position=2),)
    ),
    "a service without a response type": Case("response type", add=(given("s", response_type=""),)),
    "a description": Case("description", add=(given("s", description="d"),)),
    "revocations": Case("revocations", add=(given("s", revocations={"*": 1}),)),
    "traces to a stream": Case("allows traces", add=(given("s", "stream", allow_trace=True),)),
    "a position that is no wildcard": Case("token position", add=(given("s.*", account_token_position=1),)),
    "a sampling nsc does not know": Case(
        "sampled", add=(given("s", service_latency={"sampling": 101, "results": "l"}),)
    ),
}


@pytest.mark.parametrize("name", CASES)
def test_nsc_does_not_make_what_is_said_to_be_impossible(tmp_path: Path, name: str):
    case = CASES[name]
    store = market(tmp_path / "home", {"A": {}, "C": {}, "B": {}})
    keyed = [{**each, "account": store.key(each["account"])} for each in case.imports]
    store.forge("B", nats={"imports": keyed or None, "exports": list(case.exports) or None})
    edit, read = case.edit(store), store.hierarchy()
    read = replace(read, accounts={key: with_issues(signed) for key, signed in read.accounts.items()})
    found = obstacle(edit, read)
    assert found is not None
    assert case.reason in found
    wanted = apply(edit, read)
    for command in commands(read, wanted, edit.target) or ():
        store.nsc(*command.words(read), code=None)
    claims = store.hierarchy().accounts[edit.target.account].claims
    after = edited(edit, read.accounts[edit.target.account].claims)
    assert sorted(map(repr, claims.imports + claims.exports)) != sorted(map(repr, after.imports + after.exports))


def with_issues(signed: Any) -> Any:
    from optimizer.claims.verify import account_issues  # noqa: PLC0415

    return replace(signed, issues=account_issues(signed.token, signed.claims, None, 1_795_000_000))


def test_nsc_would_import_all_that_an_activation_is_for_and_under_a_name(tmp_path: Path):
    store = market(tmp_path / "home", {"A": {}, "B": {}})
    store.nsc("add", "export", "--account=A", "--subject=p.*", "--private", "--service")
    file = tmp_path / "activation.jwt"
    to = (f"--target-account={store.key('B')}", "--subject=p.*", f"--output-file={file}")
    store.nsc("generate", "activation", "--account=A", *to)
    match = re.search(r"ey[\w.-]+", file.read_text())
    assert match is not None
    whole = taken("p.*", store.key("A"), token=match[0], local_subject="p.*")
    target = Target("import", account_key(store.key("B")))
    for wanted, reason in (
        (whole.replaced(subject="p.a", local_subject="p.a"), "all that an activation is for"),
        (whole.replaced(local_subject=""), "always writes a local subject"),
        (whole, None),
    ):
        edit, read = EditImports(target, (), (wanted,)), store.hierarchy()
        found = obstacle(edit, read)
        assert (found is None) if reason is None else (reason in (found or "")), found
        (command,) = commands(read, apply(edit, read), target) or ()
        words = [f"--token={file}" if word == ACTIVATION else word for word in command.words(read)]
        copy = store.copy(tmp_path / f"copy {reason}")
        copy.nsc(*words, code=None)
        claims = copy.hierarchy().accounts[target.account].claims
        assert (claims.imports == (wanted,)) == (reason is None)


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("a", "there already"),
        ("A", "there already"),
        ("\u00c4", "there already"),
        ("lost", "there already"),
        ("", "something else"),
        ("*", "something else"),
        ("x/y", "something else"),
        (" x", "trims"),
        ("n" * 252, "file"),
        ("fine", None),
    ],
)
def test_nsc_makes_no_account_of_a_name_that_is_said_to_be_impossible(tmp_path: Path, name: str, reason: str | None):
    store = market(tmp_path / "home", {"A": {}, "\u00e4": {}, "Lost": {}})
    key = store.payload("A")["sub"]
    store.nsc("env", "--account=A")  # nsc reads the account of its context, whatever it is asked
    store.path("Lost").write_text("no token")
    fresh = store.nsc("generate", "nkey", "--account", "--store").split()
    made = account_key(next(word for word in fresh if word.startswith("A") and len(word) == len(key)))
    read = store_as_read(store)
    edit = AddAccount(Target("account", made), name, store.payload("A")["iss"])
    found = obstacle(edit, read)
    assert (found is None) if reason is None else (reason in (found or "")), found
    if name not in ("", "*", " x"):  # of these nsc makes an account of another name
        before = store.tokens()
        said = store.nsc(
            "add", "account", f"--name={name}", f"--public-key={made}", f"--private-key={edit.issuer}", code=None
        )
        assert (store.tokens() == before) == (reason is not None), said


def store_as_read(store: Store) -> Any:
    from optimizer.sources import read  # noqa: PLC0415

    return read(str(store.home / store.operator), now=1_795_000_000)
