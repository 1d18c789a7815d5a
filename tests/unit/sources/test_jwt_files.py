import base64
import io
import json
import os
import time

import pytest

from optimizer.errors import SourceError, UsageError
from optimizer.sources import jwt_files, tokens
from tests import signing
from tests.unit.sources.stores import NOW, read, reasons


def account_token(name, **more) -> str:
    claims = signing.account_claims(signing.account(name), name) | more
    return signing.sign(claims, signing.operator("OP"))


def filed(directory, name, token) -> None:
    (directory / name).parent.mkdir(parents=True, exist_ok=True)
    (directory / name).write_text(token)


@pytest.mark.parametrize("sharded", [False, True])
def test_a_resolver_directory_holds_accounts_and_never_users(tmp_path, sharded):
    for name in "AB":
        key = signing.account(name).public
        filed(tmp_path, f"{key[-2:]}/{key}.jwt" if sharded else f"{key}.jwt", account_token(name))
    hierarchy = read(tmp_path)
    assert {account.claims.name for account in hierarchy.accounts.values()} == {"A", "B"}
    assert not hierarchy.has_users
    assert hierarchy.operator is None
    assert hierarchy.store == f"dir:{tmp_path}"
    assert {account.store_name for account in hierarchy.accounts.values()} == {""}
    assert all(account.issues == () for account in hierarchy.accounts.values())


def test_what_a_resolver_deleted_is_not_read(tmp_path):
    key = signing.account("A").public
    filed(tmp_path, f"{key}.jwt", account_token("A"))
    filed(tmp_path, f"{signing.account('B')}.jwt.deleted", account_token("B"))
    assert len(read(tmp_path).accounts) == 1


def test_an_account_under_another_accounts_key_is_read_with_an_issue(tmp_path):
    filed(tmp_path, f"{signing.account('B')}.jwt", account_token("A"))
    account = read(tmp_path).accounts[signing.account("A").public]
    assert [issue.code for issue in account.issues] == ["misfiled"]


def test_the_copy_under_its_own_key_is_read_and_the_other_named(tmp_path):
    key = signing.account("A").public
    filed(tmp_path, "0-backup.jwt", account_token("A", iat=NOW))
    filed(tmp_path, f"{key}.jwt", account_token("A"))
    hierarchy = read(tmp_path)
    assert hierarchy.accounts[key].origin == f"{key}.jwt"
    assert set(reasons(hierarchy)) == {"0-backup.jwt"}


def test_a_directory_of_any_tokens_is_checked_like_a_store(store):
    hierarchy = read(f"dir:{store.root}")
    assert hierarchy.operator.claims.name == "OP"
    assert len(hierarchy.accounts) == 2
    assert len(hierarchy.users) == 3
    assert hierarchy.has_users
    assert all(user.issues == () for user in hierarchy.users.values())
    assert "OP/accounts/A/users/one.jwt" in {user.origin for user in hierarchy.users.values()}


def test_a_store_that_lost_its_dot_file_is_read_as_a_directory(store):
    (store.path / ".nsc").unlink()
    assert store.read().store == f"dir:{store.root}"
    assert len(store.read().users) == 3


def test_a_kubernetes_volume_is_read_once(tmp_path):
    key = signing.account("A").public
    filed(tmp_path, f"..2026_11_23/{key}.jwt", account_token("A"))
    os.symlink("..2026_11_23", tmp_path / "..data")
    os.symlink(f"..data/{key}.jwt", tmp_path / f"{key}.jwt")
    hierarchy = read(tmp_path)
    assert [account.origin for account in hierarchy.accounts.values()] == [f"{key}.jwt"]
    assert hierarchy.skipped == ()


def test_linked_directories_are_named_and_not_followed(tmp_path):
    filed(tmp_path, "a.jwt", account_token("A"))
    os.symlink(".", tmp_path / "loop")
    hierarchy = read(tmp_path)
    assert set(reasons(hierarchy)) == {"loop"}
    assert len(hierarchy.accounts) == 1


def test_an_activation_token_is_named(tmp_path):
    filed(tmp_path, "a.jwt", account_token("A"))
    claims = {"name": "act", "sub": str(signing.account("B")), "nats": {"subject": "a.>", "kind": "stream"}}
    claims["nats"] |= {"type": "activation", "version": 2}
    filed(tmp_path, "act.jwt", signing.sign(claims, signing.account("A")))
    assert "activation" in reasons(read(tmp_path))["act.jwt"]


def test_several_operators_in_a_directory_need_a_choice(tmp_path):
    for name in ("one", "two"):
        filed(
            tmp_path,
            f"{name}.jwt",
            signing.sign(signing.operator_claims(signing.operator(name), name), signing.operator(name)),
        )
    with pytest.raises(UsageError) as caught:
        read(tmp_path)
    assert caught.value.hint == "choose with --operator: `one`, `two`"
    hierarchy = read(tmp_path, operator="two")
    assert hierarchy.operator.claims.name == "two"
    assert set(reasons(hierarchy)) == {"one.jwt"}
    with pytest.raises(UsageError, match="no operator called `three`"):
        read(tmp_path, operator="three")


def test_too_many_names_are_an_error_instead_of_a_wait(tmp_path, monkeypatch):
    monkeypatch.setattr(jwt_files, "MOST_ENTRIES", 3)
    for number in range(4):
        filed(tmp_path, f"{number}/x", "")
    with pytest.raises(SourceError, match="more than 3 names"):
        read(tmp_path)


def test_an_empty_directory_holds_no_token(tmp_path):
    with pytest.raises(SourceError, match="holds no token"):
        read(tmp_path)


def test_a_directory_where_nothing_can_be_read_says_why(tmp_path):
    filed(tmp_path, "a.jwt", "hello")
    filed(tmp_path, "b.jwt", "world")
    with pytest.raises(SourceError, match=r"no token in .* can be read") as caught:
        read(tmp_path)
    assert caught.value.hint.startswith("`a.jwt` holds no token")
    assert caught.value.hint.endswith("and 1 more like it")


def test_one_account_file_is_read(store):
    hierarchy = read(store.path / "accounts/A/A.jwt")
    account = hierarchy.accounts[signing.account("A").public]
    assert (account.origin, account.store_name, account.issues) == ("A.jwt", "", ())
    assert not hierarchy.has_users


def test_of_a_creds_file_only_the_token_is_read(tmp_path, store):
    token, seed = (store.path / "accounts/A/users/one.jwt").read_text(), signing.user("one").seed.decode()
    (tmp_path / "one.creds").write_text(
        f"-----BEGIN NATS USER JWT-----\n{token}\n------END NATS USER JWT------\n\n"
        "************************* IMPORTANT *************************\n"
        "NKEY Seed printed below can be used to sign and prove identity.\nNKEYs are sensitive and should be treated "
        f"as secrets.\n\n-----BEGIN USER NKEY SEED-----\n{seed}\n------END USER NKEY SEED------\n"
    )
    hierarchy = read(tmp_path / "one.creds")
    (user,) = hierarchy.users.values()
    assert user.token.text == token
    assert [issue.code for issue in user.issues] == ["unknown-account"]
    assert hierarchy.skipped == ()
    assert hierarchy.has_users
    assert seed not in repr(hierarchy)


def test_a_file_that_holds_only_a_seed_is_refused_without_repeating_it(tmp_path):
    seed = signing.user("one").seed.decode()
    (tmp_path / "user.nk").write_text(seed)
    with pytest.raises(SourceError, match="holds a seed and no token") as caught:
        read(tmp_path / "user.nk")
    assert seed not in f"{caught.value.message} {caught.value.hint}"


def piped(text: str, **options):
    return read("-", stdin=io.BytesIO(text.encode()), **options)


def test_tokens_come_on_standard_input_one_after_the_other(store):
    paths = ["OP.jwt", "accounts/A/A.jwt", "accounts/A/users/one.jwt", "accounts/A/users/two.jwt"]
    hierarchy = piped("\n".join((store.path / path).read_text() for path in paths))
    assert hierarchy.operator.claims.name == "OP"
    assert [user.origin for user in hierarchy.users.values()] == ["standard input, token 3", "standard input, token 4"]
    assert all(user.issues == () for user in hierarchy.users.values())
    assert hierarchy.has_users


def test_of_two_tokens_of_one_account_on_standard_input_the_newest_is_read():
    hierarchy = piped(account_token("A", iat=NOW) + "\n" + account_token("A"))
    assert [account.origin for account in hierarchy.accounts.values()] == ["standard input, token 1"]


@pytest.mark.parametrize(
    "text", ["", "hello", "{", "[]", "{}", '{"a":' * 20_000, '{"sub":NaN,"nats":{}}', "[" * 20_000]
)
def test_what_is_no_token_on_standard_input_is_one_error(text):
    with pytest.raises(SourceError, match="standard input"):
        piped(text)


@pytest.mark.parametrize("piece", ["eyJ\n", '{"sub": 1}\n'])
def test_more_tokens_than_one_file_holds_in_earnest_are_one_error(monkeypatch, piece):
    monkeypatch.setattr(tokens, "MOST", 9)
    with pytest.raises(SourceError, match="more than 9"):
        piped(piece * 10)


@pytest.mark.parametrize("piece", ["\n", "ey ", "e", "-", "---\n", "{", "[", '"', "SA", "eyJ."])
def test_nothing_on_standard_input_takes_more_than_linear_time(piece):
    began = time.process_time()
    with pytest.raises(SourceError):
        piped(piece * 1_000_000)
    assert time.process_time() - began < 5  # quadratic would be hours


def test_a_terminal_is_not_waited_for():
    class Terminal(io.BytesIO):
        def isatty(self):
            return True

    with pytest.raises(SourceError, match="is a terminal"):
        read("-", stdin=Terminal())


def test_described_claims_have_the_size_of_their_token_and_no_signature(store):
    claims = signing.account_claims(signing.account("A"), "A", description="größer > kleiner")
    token = signing.sign(claims, store.operator)
    described = json.dumps(json.loads(base64.urlsafe_b64decode(token.split(".")[1] + "==")), indent=1, sort_keys=True)
    (account,) = piped(described).accounts.values()
    assert account.token.size == len(token)
    assert account.claims.description == "größer > kleiner"
    assert [issue.code for issue in account.issues] == ["unsigned"]


def test_several_described_claims_come_one_after_the_other(store):
    claims = [
        signing.operator_claims(store.operator) | {"iss": str(store.operator)},
        signing.account_claims(signing.account("A"), "A") | {"iss": str(store.operator)},
        signing.user_claims(signing.user("one"), None, "one") | {"iss": str(signing.account("A"))},
    ]
    hierarchy = piped("\n\n".join(json.dumps(one, indent=2) for one in claims))
    assert hierarchy.operator is not None
    assert [user.origin for user in hierarchy.users.values()] == ["standard input, object 3"]
    assert piped(json.dumps(claims)).fingerprint == hierarchy.fingerprint


def test_described_claims_that_no_server_reads_are_one_error():
    with pytest.raises(SourceError, match="no token in standard input can be read"):
        piped('{"sub": "not a key", "nats": {"type": "user", "version": 2}}')


def test_one_file_and_standard_input_say_that_they_may_not_be_all(store):
    for hierarchy in (
        read(store.path / "accounts/A/A.jwt"),
        piped((store.path / "accounts/A/A.jwt").read_text()),
        read(f"dir:{store.root}"),
    ):
        assert any("other accounts and users" in sentence for sentence in hierarchy.unknowable)
    assert store.read().unknowable == ()


@pytest.mark.parametrize("sharded", [False, True])
def test_a_resolver_directory_says_that_it_holds_no_users(tmp_path, sharded):
    key = signing.account("A").public
    filed(tmp_path, f"{key[-2:]}/{key}.jwt" if sharded else f"{key}.jwt", account_token("A"))
    hierarchy = read(tmp_path)
    assert any("no users" in sentence for sentence in hierarchy.unknowable)
    assert any("no operator token" in sentence for sentence in hierarchy.unknowable)
    assert (hierarchy.has_users, hierarchy.users) == (False, {})


@pytest.mark.parametrize("form", ["\ufeff{}", "{}\r\n", "\r\n{}", "  {}\n\n{}\n"])
def test_described_claims_are_read_through_what_surrounds_them(form):
    claims = signing.account_claims(signing.account("A"), "A") | {"iss": str(signing.operator("OP"))}
    text = form.replace("{}", json.dumps(claims, indent=1).replace("\n", "\r\n" if "\r" in form else "\n"))
    assert [account.claims.name for account in piped(text).accounts.values()] == ["A"]
