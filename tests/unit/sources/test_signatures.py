from __future__ import annotations

import threading

import pytest

from optimizer.sources import signatures
from optimizer.sources.signatures import Signatures
from tests import signing
from tests.unit.sources.stores import NOW, make_store, read

MANY = 200


@pytest.fixture(scope="module")
def many(tmp_path_factory):
    """Accounts of which every tenth is signed by somebody else, and every seventh has expired."""
    made = make_store(tmp_path_factory.mktemp("many") / "stores")
    for number in range(MANY):
        key = signing.account(number)
        claims = signing.account_claims(key, f"A{number:03}")
        if number % 7 == 0:
            claims["exp"] = NOW - 1
        token = signing.sign(claims, made.operator)
        if number % 10 == 0:
            token = f"{token[:-86]}{signing.b64(signing.account('other').sign(b'x'))}"
        made.account(f"A{number:03}", number, token=token)
    return made


@pytest.mark.parametrize("processors", [1, 2])
def test_a_thread_changes_nothing_about_what_is_found(many, monkeypatch, processors):
    begun = []
    monkeypatch.setattr(signatures, "_processors", lambda: processors)
    monkeypatch.setattr(signatures, "Thread", lambda **how: begun.append(how) or threading.Thread(**how))
    found = {
        account.store_name: [issue.code for issue in account.issues] for account in read(many.root).accounts.values()
    }
    assert list(found) == sorted(found)
    assert found == {
        f"A{number:03}": ["bad-signature"] * (number % 10 == 0) + ["expired"] * (number % 7 == 0)
        for number in range(MANY)
    }
    assert len(begun) == processors - 1


def test_for_a_few_tokens_no_thread_is_begun(store, monkeypatch):
    monkeypatch.setattr(signatures, "_processors", lambda: 2)
    monkeypatch.setattr(signatures, "Thread", None)
    assert len(store.read().users) == 3


def test_without_verification_no_signature_is_checked(many, monkeypatch):
    monkeypatch.setattr(signatures, "signed_as", None)
    assert len(read(many.root, verify=False).accounts) == MANY


def test_a_reading_that_fails_leaves_no_thread_behind(many, monkeypatch):
    monkeypatch.setattr(signatures, "_processors", lambda: 2)

    def interrupt(done: int, total: int) -> None:  # noqa: ARG001
        raise KeyboardInterrupt

    before = threading.active_count()
    monkeypatch.setattr("optimizer.sources.fold._STEP", MANY // 2)
    with pytest.raises(KeyboardInterrupt):
        read(many.root, progress=interrupt)
    assert threading.active_count() == before


def test_what_nobody_asked_about_beforehand_is_answered_all_the_same(many):
    with Signatures() as asked:
        account = next(iter(read(many.root).accounts.values()))
        assert asked.signed_as(account.token, account.claims) is None
