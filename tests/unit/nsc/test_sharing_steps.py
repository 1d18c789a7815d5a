"""Bundles and hubs as nsc commands, and the states between them."""

from __future__ import annotations

import subprocess
from dataclasses import replace

import pytest

from optimizer.claims.keys import account_key
from optimizer.claims.model import Export, Import
from optimizer.edits import AddAccount, EditExports, EditImports, Target, apply
from optimizer.errors import UsageError
from optimizer.nsc.script import script_for
from optimizer.nsc.step import ABSENT, steps_for
from optimizer.nsc.words import ACTIVATION, flag
from tests import signing
from tests.builders import OPERATOR, Account, defaults_of, removing, store
from tests.oracle.nsc_tool import SHELLS, judgement, proposal
from tests.topologies import service, stream

HUB = account_key(signing.account("hub").public)
TAKER, GIVER, OTHER = (account_key(signing.account(name).public) for name in ("TAKER", "GIVER", "OTHER"))
WIDE = Import(name="w", subject="s.*", account=HUB, type="service")
MADE = AddAccount(Target("account", HUB), "hub", OPERATOR.public)


@pytest.fixture
def read():
    return store(
        Account("TAKER", nats={"imports": [service("s.b", GIVER), service("s.a", GIVER)]}),
        Account("GIVER", nats={"exports": [service("s.a"), service("s.b")]}),
        Account("OTHER", defaults={"pub": {"allow": ["a", "b"]}}),
    )


def imports(account, add=(), remove=()):
    return EditImports(Target("import", account), tuple(remove), tuple(add))


def hub(read):
    held = read.accounts[TAKER].claims.imports
    export = Export(name="s.*", subject="s.*", type="service", response_type="Singleton")
    taken = tuple(each.replaced(name="n") for each in held)
    return (MADE, imports(HUB, taken), EditExports(Target("export", HUB), (), (export,)), imports(TAKER, [WIDE], held))


def verbs(token):
    return [" ".join(step.argv[:2]) for step in token.steps]


def test_an_account_is_made_before_it_is_edited_and_imports_go_before_others_come(read):
    made, taker = steps_for(read, [proposal("p", *hub(read))])
    assert verbs(made) == ["add account", "add import", "add import", "add export"]
    assert verbs(taker) == ["delete import", "delete import", "add import"]
    assert (made.before, made.before.bytes, made.account.token.size) == (ABSENT, 0, 0)
    assert [len(state.claims.imports) for state in made.states[1:]] == [0, 1, 2, 2]
    assert [step.before for step in made.steps] == [state.fingerprint for state in made.states[:-1]]
    assert made.steps[0].argv[2:] == ("--name=hub", f"--public-key={HUB}", f"--private-key={OPERATOR.public}")


def test_what_is_imported_from_comes_first_whatever_was_edited_before(read):
    edits = hub(read)
    early = proposal("early", imports(TAKER, [Import(name="x", subject="x", account=OTHER, type="stream")]))
    assert [token.account.claims.name for token in steps_for(read, [early, proposal("p", *edits)])] == ["hub", "TAKER"]


def test_every_command_names_its_account_and_its_signer_and_no_flag_is_empty(read):
    for token in steps_for(read, [proposal("p", *hub(read))]):
        for step in token.steps[token.before == ABSENT :]:
            flags = dict(text.partition("=")[::2] for text in step.argv[2:])
            assert flags["--account"] == token.account.claims.name
            assert flags["--private-key"] == OPERATOR.public
            assert all(flags[name] for name in flags.keys() - {"--service"})


def test_what_is_added_and_removed_again_needs_no_step():
    read = store(Account("TAKER", nats={"imports": [service("s.a", GIVER), service("s.b", GIVER)]}), Account("GIVER"))
    held = read.accounts[TAKER].claims.imports
    there, back = imports(TAKER, [WIDE], held), imports(TAKER, held, [WIDE])
    assert steps_for(read, [proposal("p", there), proposal("q", back)]) == ()


def test_the_steps_of_a_first_plan_are_the_beginning_of_those_of_both(read):
    *made, switch = hub(read)
    wide = WIDE.replaced(local_subject="hub.*")
    first = proposal("one", *made, imports(TAKER, [wide]))
    second = proposal("two", imports(TAKER, remove=switch.remove))
    alone, both = steps_for(read, [first]), steps_for(read, [first, second])
    assert [token.states for token in alone] == [
        token.states[: len(one.states)] for one, token in zip(alone, both, strict=True)
    ]
    assert both[1].steps[-1].proposals == ("two",)


def test_an_import_that_nsc_would_take_for_another_is_refused():
    read = store(Account("TAKER", nats={"imports": [service("s", GIVER), stream("s", GIVER)]}), Account("GIVER"))
    last = read.accounts[TAKER].claims.imports[1]
    with pytest.raises(UsageError, match="something else than what is meant"):
        steps_for(read, [proposal("p", imports(TAKER, remove=[last]))])
    both = read.accounts[TAKER].claims.imports
    (token,) = steps_for(read, [proposal("p", imports(TAKER, remove=both[::-1]))])
    assert token.after.claims.imports == ()


def test_a_plan_of_another_store_is_refused(read):
    with pytest.raises(UsageError, match="there already"):
        steps_for(apply(MADE, read), [proposal("p", *hub(read))])
    with pytest.raises(UsageError, match="another store"):
        steps_for(read, [proposal("p", imports(HUB, [WIDE.replaced(account=GIVER)]))])
    with pytest.raises(UsageError, match="does not fit"):
        steps_for(read, [proposal("p", imports(TAKER, remove=[WIDE]))])


def test_only_an_activation_is_a_word_that_the_shell_fills_in():
    assert flag(ACTIVATION) == '--token="$work/activation"'
    assert flag(ACTIVATION + "x") == "--token='$work/activationx'"
    assert flag(f"--name={ACTIVATION}") == "--name='--token=$work/activation'"


@pytest.mark.parametrize("shell", SHELLS)
def test_every_script_of_a_hub_is_sh(read, shell):
    made = script_for(read, [proposal("p", *hub(read))], judgement())
    for text in (made.apply, made.rollback, made.verify):
        assert subprocess.run([shell, "-n"], input=text.encode(), check=False).returncode == 0


def test_a_script_says_what_is_new_and_expects_it(read):
    made = script_for(read, [proposal("p", *hub(read))], judgement())
    new, changed = made.expected["targets"]
    assert new["before"] == {"bytes": 0, "fingerprint": "absent"}
    assert f"#   account hub: new -> {new['after']['bytes']} bytes\n" in made.apply
    assert "#   1. account hub: new, nothing passes through it yet\n" in made.apply
    assert (new["account"], changed["kind"]) == ({"name": "hub", "key": HUB}, "account")
    assert "its key stays in the keystore" in made.rollback.replace("\n# ", " ")
    assert "allow_delete" not in made.apply


def test_edits_of_lists_alone_say_nothing_of_an_order_of_pushes(read):
    edit = removing(defaults_of(read, "OTHER"), "pub.allow", "a")
    assert "Pushed in this order" not in script_for(read, [proposal("p", edit)], judgement()).apply
    assert "Pushed in this order" in script_for(read, [proposal("p", *hub(read), edit)], judgement()).apply


def test_what_nsc_cannot_do_never_gets_into_a_script(read):
    held = read.accounts[TAKER].claims.imports
    for edit, reason in (
        (imports(TAKER, [WIDE.replaced(name="")]), "no name"),
        (replace(MADE, name="taker"), "there already"),
        (imports(TAKER, held), "only once"),
    ):
        with pytest.raises(UsageError, match=reason):
            script_for(read, [proposal("p", edit)], judgement())
