import os

import pytest

from optimizer.errors import SourceError, UsageError
from tests import signing
from tests.unit.sources.stores import NOW, make_store, read, reasons


def test_a_stores_directory_and_an_operator_directory_read_alike(store):
    whole, one = store.read(), read(store.path)
    assert whole == one
    assert whole.fingerprint == one.fingerprint
    assert [account.claims.name for account in whole.accounts.values()] == ["A", "B"]
    assert [user.claims.name for user in whole.users.values()] == ["one", "two", "three"]
    assert whole.operator.claims.name == "OP"
    assert whole.store == f"nsc:{store.path}"
    assert whole.skipped == ()
    assert whole.has_users
    assert not whole.managed


def test_nscs_data_directory_is_read_through_its_stores(store):
    assert read(store.root.parent).accounts == store.read().accounts


def test_a_sound_store_has_no_issues(store):
    hierarchy = store.read()
    for signed in (hierarchy.operator, *hierarchy.accounts.values(), *hierarchy.users.values()):
        assert signed.issues == ()


def test_no_absence_is_concluded_from_a_store(store):
    coverage = store.read().coverage
    assert (coverage.users, coverage.accounts) == (False, False)


def test_origins_are_paths_in_the_store_and_names_come_from_the_tokens(store):
    pair = signing.account("x")
    store.write("accounts/filed/filed.jwt", signing.sign(signing.account_claims(pair, "named"), store.operator))
    found = store.read().accounts[pair.public]
    assert (found.claims.name, found.store_name, found.origin) == ("named", "filed", "accounts/filed/filed.jwt")


def test_users_carry_the_name_nsc_files_them_under(store):
    names = {(user.origin, user.store_name) for user in store.read().users.values()}
    assert ("accounts/A/users/one.jwt", "one") in names


@pytest.mark.parametrize("name", ["trail ", " lead", "new\nline\n", "nbsp\xa0"])
def test_the_file_of_an_account_is_its_directory_trimmed(store, name):
    pair = signing.account(name)
    token = signing.sign(signing.account_claims(pair, name), store.operator)
    store.write(f"accounts/{name}/{name.strip()}.jwt", token)
    hierarchy = store.read()
    assert hierarchy.accounts[pair.public].store_name == name
    assert hierarchy.skipped == ()


def test_go_does_not_trim_what_only_python_calls_space(store):
    pair = signing.account("odd")
    token = signing.sign(signing.account_claims(pair, "odd\x1f"), store.operator)
    store.write("accounts/odd\x1f/odd\x1f.jwt", token)
    assert pair.public in store.read().accounts


def test_managed_is_what_dot_nsc_says(store):
    store.write(".nsc", '{"managed":true,"name":"OP","kind":"operator"}')
    assert store.read().managed


@pytest.mark.parametrize("content", [b"{", b"[]", b"\xff\xfe{\x00}\x00", b'{"a":' * 20_000, b""])
def test_a_broken_dot_nsc_is_reported_and_the_store_read(store, content):
    store.write(".nsc", content)
    hierarchy = store.read()
    assert ".nsc" in reasons(hierarchy)
    assert len(hierarchy.accounts) == 2
    assert hierarchy.operator is not None


def test_the_operators_file_is_named_by_dot_nsc(store):
    os.rename(store.path, store.root / "moved")
    operator = read(store.root).operator
    assert (operator.claims.name, operator.origin, operator.store_name) == ("OP", "OP.jwt", "moved")


def test_a_name_in_dot_nsc_cannot_lead_out_of_the_store(store):
    secret = signing.sign(signing.operator_claims(signing.operator("other"), "other"), signing.operator("other"))
    (store.root / "other.jwt").write_text(secret)
    store.write(".nsc", '{"name":"../other","kind":"operator"}')
    assert read(store.path).operator.claims.name == "OP"


def test_a_store_without_its_operators_token_is_read(store):
    (store.path / "OP.jwt").unlink()
    hierarchy = store.read()
    assert hierarchy.operator is None
    assert len(hierarchy.accounts) == 2
    assert "is missing" in reasons(hierarchy)["OP.jwt"]


def test_several_operators_need_a_choice(store):
    make_store(store.root, "OTHER")
    with pytest.raises(UsageError, match="holds 2 operators") as caught:
        store.read()
    assert caught.value.hint == "choose with --operator: `OP`, `OTHER`"


@pytest.mark.parametrize("called", ["OTHER", "key"])
def test_an_operator_is_chosen_by_name_or_key(store, called):
    other = make_store(store.root, "OTHER")
    chosen = other.operator.public if called == "key" else called
    assert store.read(operator=chosen).operator.claims.name == "OTHER"


def test_an_unknown_operator_is_a_wrong_usage(store):
    make_store(store.root, "OTHER")
    with pytest.raises(UsageError, match="no operator called `nobody`"):
        store.read(operator="nobody")
    with pytest.raises(UsageError, match="is not called `nobody`"):
        read(store.path, operator="nobody")


def test_an_account_token_among_users_is_skipped(store):
    token = (store.path / "accounts/A/A.jwt").read_text()
    store.write("accounts/A/users/odd.jwt", token)
    hierarchy = store.read()
    assert "holds an account token where a user token belongs" in reasons(hierarchy)["accounts/A/users/odd.jwt"]
    assert len(hierarchy.accounts) == 2


def test_a_user_filed_under_another_account_is_read_with_an_issue(store):
    owner = signing.account("B")
    pair = store.user("A", "stray", owner)
    found = store.read().users[pair.public, owner.public]
    assert [issue.code for issue in found.issues] == ["misfiled"]


def test_a_user_of_an_unknown_account_is_read_with_an_issue(store):
    stranger = signing.account("nowhere")
    pair = store.user("A", "lost", stranger)
    found = store.read().users[pair.public, stranger.public]
    assert [issue.code for issue in found.issues] == ["unknown-account"]


def test_what_nsc_would_not_read_is_named(store):
    token = (store.path / "accounts/A/A.jwt").read_text()
    store.write("accounts/A/copy.jwt", token)
    assert "nsc" in reasons(store.read())["accounts/A/copy.jwt"]


def test_users_without_their_accounts_token_are_read(store):
    (store.path / "accounts/B/B.jwt").unlink()
    hierarchy = store.read()
    assert "is missing" in reasons(hierarchy)["accounts/B/B.jwt"]
    assert len(hierarchy.users) == 3


def test_keys_and_creds_beside_a_store_are_never_looked_at(store):
    seed = signing.user("one").seed.decode()
    for path in ("keys/U/AA/x.jwt", "creds/OP/A/one.jwt", "OP/accounts/A/one.nk"):
        file = store.root / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(seed)
    hierarchy = store.read()
    assert hierarchy.skipped == ()
    assert seed not in repr(hierarchy)


def test_of_two_copies_the_one_where_nsc_looks_is_read(store):
    pair = signing.account("A")
    newer = signing.account_claims(pair, "A") | {"iat": NOW}
    store.write("accounts/0-copy/0-copy.jwt", signing.sign(newer, store.operator))
    hierarchy = store.read()
    assert hierarchy.accounts[pair.public].origin == "accounts/A/A.jwt"
    assert "second copy of what `accounts/A/A.jwt` holds" in reasons(hierarchy)["accounts/0-copy/0-copy.jwt"]


@pytest.mark.parametrize(("ages", "kept"), [((1, 2), "2"), ((2, 1), "1"), ((1, 1), "1")])
def test_of_two_copies_elsewhere_the_newest_is_read_else_the_first(store, ages, kept):
    pair = signing.account("twice")
    for number, age in zip("12", ages, strict=True):
        claims = signing.account_claims(pair, "twice") | {"iat": NOW + age}
        store.write(f"accounts/{number}/{number}.jwt", signing.sign(claims, store.operator))
    hierarchy = store.read()
    assert hierarchy.accounts[pair.public].origin == f"accounts/{kept}/{kept}.jwt"
    assert len(hierarchy.skipped) == 1


def test_without_verifying_no_signature_is_looked_at(store):
    token = (store.path / "accounts/A/A.jwt").read_text()
    store.write("accounts/A/A.jwt", token[:-4] + ("AAAA" if not token.endswith("AAAA") else "BBBB"))
    key = signing.account("A").public
    assert store.read(verify=False).accounts[key].issues == ()
    assert [issue.code for issue in store.read().accounts[key].issues] == ["bad-signature"]


def test_progress_ends_at_the_total(store):
    seen = []
    store.read(progress=lambda done, total: seen.append((done, total)))
    assert seen == [(12, 12)]  # six tokens, each decoded and checked


def test_progress_is_told_on_the_way_and_never_goes_back(store):
    owner = signing.account("A")
    for number in range(300):
        store.user("A", f"user{number}", owner)
    seen = []
    store.read(progress=lambda done, total: seen.append((done, total)))
    assert len(seen) > 2
    assert seen == sorted(seen)
    assert {total for _, total in seen} == {612}


def test_an_empty_stores_directory_holds_no_token(tmp_path):
    with pytest.raises(SourceError, match="holds no token"):
        read(tmp_path)


def test_forcing_nsc_on_something_else_says_so(tmp_path):
    with pytest.raises(SourceError, match=r"no `\.nsc` in it"):
        read(f"nsc:{tmp_path}")
