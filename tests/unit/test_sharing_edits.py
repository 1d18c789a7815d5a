"""What edits of imports, exports and new accounts make of claims, and what forbids them."""

from __future__ import annotations

from dataclasses import replace

import pytest

from optimizer.claims.keys import account_key
from optimizer.claims.model import Export, Import
from optimizer.edits import (
    AddAccount,
    EditExports,
    EditImports,
    Target,
    apply,
    apply_all,
    obstacle,
    together,
)
from optimizer.graph.suggestion import NEW_KEY
from optimizer.hierarchy import Skipped
from tests import signing
from tests.builders import OPERATOR, Account, Role, store
from tests.topologies import service

HUB = account_key(signing.account("hub").public)
TAKER, GIVER = (account_key(signing.account(name).public) for name in ("TAKER", "GIVER"))
SEED = "SU" + "A" * 56


def two(*imports, nats=None, **account):
    held = {"imports": [service(subject, GIVER) for subject in imports]} if imports else {}
    return store(Account("TAKER", nats={**held, **(nats or {})}, **account), Account("GIVER"))


def taken(subject="s", **more):
    return Import(**{"name": "n", "subject": subject, "account": GIVER, "type": "service", **more})


def imports(*add, remove=(), account=TAKER):
    return EditImports(Target("import", account), tuple(remove), add)


def exports(*subjects, remove=(), account=TAKER, **more):
    made = {"name": "n", "type": "service", "response_type": "Singleton", **more}
    return EditExports(Target("export", account), tuple(remove), tuple(Export(subject=s, **made) for s in subjects))


def hub(name="hub", key=HUB, issuer=OPERATOR.public):
    return AddAccount(Target("account", key), name, issuer)


def test_what_is_taken_out_goes_and_what_is_put_in_comes_last():
    read = two("a", "b")
    held = read.accounts[TAKER].claims.imports
    after = apply(imports(taken("c"), remove=held[:1]), read).accounts[TAKER].claims
    assert after.imports == (held[1], taken("c"))
    with pytest.raises(KeyError):
        apply(imports(remove=[taken("never")]), read)


def test_an_account_that_is_made_can_be_edited_and_stands_in_nobodys_way():
    read = two("a")
    edits = (hub(), imports(taken(), account=HUB), exports("x.>", account=HUB), imports(taken("x.>", account=HUB)))
    assert obstacle(edits[0], read) is None
    made = apply(edits[0], read)
    assert made.accounts.keys() - read.accounts.keys() == {HUB}
    assert [obstacle(edit, made) for edit in edits[1:]] == [None] * 3
    assert obstacle(edits[1], read) == "the store does not hold the account"
    assert together(edits, read) is None
    assert len(apply_all(edits, read).accounts[HUB].claims.imports) == 1


FORBIDDEN = {
    "does not hold the import": lambda: (two("a"), imports(remove=[taken("b")])),
    "does not hold the export": lambda: (two("a"), exports(remove=[Export(subject="b", type="service")])),
    "no argument can hold the name of the import": lambda: (two(), imports(taken(name="a\n"))),
    "no argument can hold the subject": lambda: (two(), imports(taken("a\0"))),
    "no argument can hold the local subject": lambda: (two(), imports(taken(local_subject="\ud800"))),
    "longer than an argument": lambda: (two(), exports("x" * 131_001)),
    "looks like a seed": lambda: (two(), imports(taken(name=SEED))),
    "does not write `novel`": lambda: (two(), imports(taken(unknown={"novel": 1}))),
    "neither a stream nor a service": lambda: (two(), imports(taken(type="other"))),
    "cannot be imported": lambda: (two(), imports(taken(account="A" * 55 + "B"))),
    "activation of `s` cannot be read": lambda: (two(), imports(taken(token="http://x", local_subject="s"))),
    "is allowed 0": lambda: (two(nats={"limits": {**signing.NO_LIMITS, "exports": 0}}), exports("x")),
    "push every edit": lambda: (replace(two(), managed=True), imports(taken())),
    "nsc drops an empty list": lambda: (two(defaults={"pub": {"allow": []}}), imports(taken())),
    "would drop `novel`": lambda: (two(nats={"novel": 1}), imports(taken())),
    "of version 1": lambda: (of_version_1(two()), imports(taken())),
    "a role is called like": lambda: (two(roles=[Role(OPERATOR.public)]), imports(taken())),
    "two tokens are called": lambda: (store(Account("TAKER"), Account("Z", head={"name": "TAKER"})), imports(taken())),
    "trims names": lambda: (two(), hub("hub ")),
    "called `Taker`": lambda: (two(), hub("Taker")),
    "called `GONE`": lambda: (replace(two(), skipped=(Skipped("OP/accounts/gone/gone.jwt", "is torn"),)), hub("GONE")),
    "takes `a/b`": lambda: (two(), hub("a/b")),
    "has no key yet": lambda: (two(), hub(key=NEW_KEY)),  # whose checksum is right
    "has a wrong checksum": lambda: (two(), hub(key="A" * 55 + "B")),
    "an account with the key": lambda: (two(), hub(key=TAKER)),
    "no operator was read": lambda: (replace(two(), operator=None), hub()),
    "no key of the operator": lambda: (two(), hub(issuer=TAKER)),
    "wants signing keys": lambda: (strict(two()), hub()),
    "sign with the role's key": lambda: (two(roles=[Role(OPERATOR.public)]), hub()),
    "holds what looks": lambda: (two(), hub(SEED)),
}


def of_version_1(read):
    signed = read.accounts[TAKER]
    return read.with_account(replace(signed, claims=replace(signed.claims, version=1)))


def strict(read):
    claims = replace(read.operator.claims, strict_signing_key_usage=True)
    return replace(read, operator=replace(read.operator, claims=claims))


@pytest.mark.parametrize("reason", FORBIDDEN)
def test_what_forbids_an_edit_is_said(reason):
    read, edit = FORBIDDEN[reason]()
    assert reason in (obstacle(edit, read) or "nothing")


def test_what_only_nsc_edit_account_does_stands_in_no_ones_way_here():
    read = two(nats={"limits": {**signing.NO_LIMITS, "mem_storage": 1}})
    system = replace(read.operator.claims, system_account=TAKER)
    assert obstacle(imports(taken()), replace(read, operator=replace(read.operator, claims=system))) is None


def test_one_of_two_imports_that_are_alike_may_go_and_so_may_both_that_nsc_cannot_tell_apart():
    stream = {"name": "s", "subject": "s", "account": GIVER, "type": "stream"}
    for pair, gone, possible in (
        ([service("s", GIVER), stream], 2, True),
        ([service("s", GIVER), stream], 1, False),
        ([stream, stream], 1, True),
        ([service("s", GIVER), {**stream, "account": HUB}], 1, True),
    ):
        read = two(nats={"imports": pair})
        found = obstacle(imports(remove=read.accounts[TAKER].claims.imports[:gone]), read)
        assert (found is None) == possible, found
