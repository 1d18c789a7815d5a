import json
import os

import pytest

from optimizer.errors import SourceError
from optimizer.sources import config_text, files, server_config
from tests import signing
from tests.unit.sources.stores import read, reasons

OPERATOR = signing.operator("OP")


def operator_token() -> str:
    return signing.sign(signing.operator_claims(OPERATOR, "OP"), OPERATOR)


def preload(*names: str, separator: str = ": ", end: str = "\n") -> str:
    lines = (
        f"  {signing.account(name)}{separator}"
        + signing.sign(signing.account_claims(signing.account(name), name), OPERATOR)
        for name in names
    )
    return end.join(lines)


@pytest.mark.parametrize(
    "form",
    [
        "operator: {operator}\nresolver: MEMORY\nresolver_preload: {{\n{preload}\n}}\n",
        'operator = "{operator}"\nresolver_preload {{\n{preload}\n}}',
        "# why\nport: 4222 // because\noperator {operator};\r\nRESOLVER_PRELOAD = {{\r\n{preload}\r\n}}\r\n",
        "operators: [{operator}]\nresolver: URL(http://localhost:9090/jwt/v1/)\nresolver_preload {{ {preload} }}",
        "jetstream {{ store_dir: '/x}}' }}\noperator: {operator}\nresolver_preload {{\n{preload}\n}}",
        "authorization {{ users [ {{password: $2a$11$x}} ] }}\nroot {operator}\nresolver_preload {{\n{preload}\n}}",
        "\ufeffoperator: {operator}\nresolver_preload {{\n{preload}\n}}",
    ],
)
def test_operator_and_preload_are_found_in_any_form(tmp_path, form):
    text = form.format(operator=operator_token(), preload=preload("A", "B"))
    (tmp_path / "server.conf").write_text(text)
    hierarchy = read(tmp_path / "server.conf")
    assert hierarchy.operator.claims.name == "OP"
    assert [account.claims.name for account in hierarchy.accounts.values()] == ["A", "B"]
    assert all(account.issues == () for account in hierarchy.accounts.values())
    assert hierarchy.skipped == ()
    assert not hierarchy.has_users
    assert hierarchy.store == f"conf:{tmp_path}/server.conf"


@pytest.mark.parametrize(("separator", "end"), [(": ", ",\n"), (" = ", ";"), (" ", "\n"), (':"', '"\n')])
def test_preload_entries_are_separated_as_the_server_allows(tmp_path, separator, end):
    (tmp_path / "c").write_text(
        "resolver_preload {\n" + preload("A", "B", separator=separator, end=end) + end[:1] + "\n}"
    )
    assert len(read(f"conf:{tmp_path}/c").accounts) == 2


def test_origins_say_which_setting(tmp_path):
    (tmp_path / "c").write_text("resolver_preload {\n" + preload("A") + "\n}")
    (account,) = read(tmp_path / "c").accounts.values()
    assert account.origin == f"resolver_preload {signing.account('A')}"


def test_an_operators_file_is_looked_for_beside_the_config(tmp_path):
    (tmp_path / "op.jwt").write_text(operator_token())
    (tmp_path / "c").write_text("operator: ./op.jwt\nresolver_preload {\n" + preload("A") + "\n}")
    assert read(tmp_path / "c").operator.origin == "operator ./op.jwt"


def test_included_files_are_read(tmp_path):
    (tmp_path / "sub").mkdir()
    (tmp_path / "sub/more.conf").write_text(preload("A"))
    (tmp_path / "sub/resolver.conf").write_text("resolver_preload {\n include 'more.conf'\n" + preload("B") + "\n}")
    (tmp_path / "c").write_text(f"operator: {operator_token()}\ninclude sub/resolver.conf\n")
    hierarchy = read(tmp_path / "c")
    assert {account.claims.name for account in hierarchy.accounts.values()} == {"A", "B"}


def test_a_file_that_includes_itself_is_named(tmp_path):
    (tmp_path / "c").write_text("include c\nresolver_preload {\n" + preload("A") + "\n}")
    hierarchy = read(tmp_path / "c")
    assert len(hierarchy.accounts) == 1
    assert "leads back to a file that includes it" in reasons(hierarchy)["include c"]


def test_what_a_config_points_to_and_is_not_there_is_named(tmp_path):
    (tmp_path / "c").write_text("operator: gone.jwt\ninclude gone.conf\nresolver_preload {\n" + preload("A") + "\n}")
    found = reasons(read(tmp_path / "c"))
    assert set(found) == {"operator gone.jwt", "include gone.conf"}


def test_a_resolver_directory_in_a_config_is_named(tmp_path):
    (tmp_path / "c").write_text("resolver { type: full, dir: './jwt' }\nresolver_preload {\n" + preload("A") + "\n}")
    assert reasons(read(tmp_path / "c")) == {"resolver dir ./jwt": "is not read with its config; name it as SOURCE too"}


def test_a_token_under_another_accounts_key_is_read_with_an_issue(tmp_path):
    (tmp_path / "c").write_text(
        "resolver_preload {\n" + preload("A").replace(str(signing.account("A")), str(signing.account("B"))) + "\n}"
    )
    (account,) = read(tmp_path / "c").accounts.values()
    assert [issue.code for issue in account.issues] == ["misfiled"]


def test_broken_entries_are_named_and_the_rest_read(tmp_path):
    text = f"resolver_preload {{\n ABC: nonsense\n {signing.account('B')}: eyJ.x\n{preload('A')}\n}}"
    (tmp_path / "c").write_text(text)
    hierarchy = read(tmp_path / "c")
    assert len(hierarchy.accounts) == 1
    assert set(reasons(hierarchy)) == {"resolver_preload ABC", f"resolver_preload {signing.account('B')}"}


def test_a_config_without_tokens_is_one_error(tmp_path):
    (tmp_path / "c").write_text("resolver: MEMORY\n")
    with pytest.raises(SourceError, match="holds no token"):
        read(tmp_path / "c")


@pytest.mark.parametrize("end", ['x: "abc', "x: (\nabc", "'abc"])
def test_a_config_cut_off_is_named_and_what_came_before_read(tmp_path, end):
    (tmp_path / "c").write_text("resolver_preload {\n" + preload("A") + "\n}\n" + end)
    hierarchy = read(tmp_path / "c")
    assert len(hierarchy.accounts) == 1
    assert "ends inside" in reasons(hierarchy)["c"]


def test_a_config_that_never_seems_to_end_is_named(tmp_path, monkeypatch):
    monkeypatch.setattr(config_text, "MOST_SETTINGS", 9)
    (tmp_path / "c").write_text("resolver_preload {\n" + preload("A") + "\n}\n" + "a: b\n" * 9)
    hierarchy = read(tmp_path / "c")
    assert len(hierarchy.accounts) == 1
    assert "more than 9 settings" in reasons(hierarchy)["c"]


@pytest.mark.parametrize(
    "form",
    [
        "PRELOADED {{\n{preload}\n}}\nOP = {operator}\noperator: $OP\nresolver_preload: $PRELOADED\n",
        "T: {token}\noperator: {operator}\nresolver_preload {{ {key}: $T }}",
        "T: wrong\noperator: {operator}\nresolver_preload {{ T: {token}, {key}: $T }}",
        "operator: $OPERATOR_FROM_OUTSIDE\nresolver_preload {{ {preload} }}",
        'operator: {operator}\nresolver_preload {{ "{key}": "{escaped}" }}',
        "operator (\n{operator}\n)\nresolver_preload {{ {preload} }}",
    ],
)
def test_variables_escapes_and_blocks_stand_for_what_the_server_takes_them_for(tmp_path, monkeypatch, form):
    token = signing.sign(signing.account_claims(signing.account("A"), "A"), OPERATOR)
    monkeypatch.setenv("OPERATOR_FROM_OUTSIDE", operator_token())
    text = form.format(
        operator=operator_token(),
        preload=preload("A"),
        token=token,
        key=signing.account("A"),
        escaped="\\x65" + token[1:].replace(".", "\\x2e"),
    )
    (tmp_path / "c").write_text(text)
    hierarchy = read(f"conf:{tmp_path}/c")
    assert hierarchy.operator.claims.name == "OP"
    assert [
        account.token.text for key, account in hierarchy.accounts.items() if key == signing.account("A").public
    ] == [token]


def test_a_variable_that_nothing_sets_is_named(tmp_path):
    text = f"operator: {operator_token()}\nresolver_preload {{\n{signing.account('A')}: $NOWHERE_SET\n}}"
    (tmp_path / "c").write_text(text)
    found = reasons(read(tmp_path / "c"))
    assert found == {
        f"resolver_preload {signing.account('A')}": (
            "is the variable `$NOWHERE_SET`, which nothing sets; set it in the environment"
        )
    }


def test_of_the_same_setting_the_last_counts(tmp_path):
    (tmp_path / "more").write_text("resolver_preload {\n" + preload("C") + "\n}")
    text = "\n".join(f"resolver_preload {{\n{preload(name)}\n}}" for name in "AB")
    (tmp_path / "c").write_text(text)
    assert [account.claims.name for account in read(tmp_path / "c").accounts.values()] == ["B"]
    (tmp_path / "c").write_text(text + "\ninclude more\n")
    assert [account.claims.name for account in read(tmp_path / "c").accounts.values()] == ["C"]


def test_several_operators_are_a_list(tmp_path):
    other = signing.operator("other")
    second = signing.sign(signing.operator_claims(other, "other"), other)
    (tmp_path / "c").write_text(
        f"operators: [ {operator_token()}, '{second}' ]\nresolver_preload {{\n{preload('A')}\n}}"
    )
    hierarchy = read(tmp_path / "c", operator="OP")
    assert hierarchy.operator.claims.name == "OP"
    assert set(reasons(hierarchy)) == {"operators"}


def test_a_path_in_an_included_file_starts_at_that_file_and_is_never_absolute(tmp_path):
    (tmp_path / "sub").mkdir()
    (tmp_path / "sub/accounts.conf").write_text("resolver_preload {\n" + preload("A") + "\n}")
    (tmp_path / "sub/all.conf").write_text("include /accounts.conf\ninclude ../op.conf")
    (tmp_path / "op.conf").write_text(f"operator: {operator_token()}")
    (tmp_path / "c").write_text("include sub/all.conf")
    hierarchy = read(tmp_path / "c")
    (account,) = hierarchy.accounts.values()
    assert hierarchy.skipped == ()
    assert account.origin == f"sub/accounts.conf: resolver_preload {signing.account('A')}"
    assert hierarchy.operator.origin == "op.conf: operator"


def test_files_that_include_each_other_are_named_once(tmp_path):
    (tmp_path / "a.conf").write_text("include b.conf\nresolver_preload {\n" + preload("A") + "\n}")
    os.symlink("a.conf", tmp_path / "link.conf")
    (tmp_path / "b.conf").write_text("include link.conf")
    hierarchy = read(tmp_path / "a.conf")
    assert len(hierarchy.accounts) == 1
    assert reasons(hierarchy) == {
        "b.conf: include link.conf": "leads back to a file that includes it; remove one of the two includes"
    }


def test_files_that_include_others_twice_over_come_to_an_end(tmp_path, monkeypatch):
    monkeypatch.setattr(server_config, "MOST_FILES", 20)
    for number in range(30):
        (tmp_path / str(number)).write_text(f"include x/../{number + 1}\ninclude '{number + 1}'\n")
    (tmp_path / "0").write_text("include '1'\nresolver_preload {\n" + preload("A") + "\n}")
    hierarchy = read(f"conf:{tmp_path}/0")
    assert len(hierarchy.accounts) == 1
    assert any("one of more than 20" in reason for reason in reasons(hierarchy).values())


def test_all_files_of_a_config_together_are_limited(tmp_path, monkeypatch):
    text = "resolver_preload {\n" + preload("A") + "\n}\ninclude big.conf\n"
    (tmp_path / "c").write_text(text)
    (tmp_path / "big.conf").write_text("#" * len(text))
    monkeypatch.setattr(files, "LIMIT", len(text) + 10)
    assert "above 64 MB" in reasons(read(tmp_path / "c"))["include big.conf"]


def test_what_is_no_map_of_tokens_is_named(tmp_path):
    (tmp_path / "a").write_text(f"operator: {operator_token()}\nresolver_preload: nothing")
    assert "is no map of accounts" in reasons(read(tmp_path / "a"))["resolver_preload"]
    (tmp_path / "b").write_text(f"operator: {operator_token()}\nresolver_preload {{ A {{ b: c }} }}")
    assert "is a block where a token belongs" in reasons(read(tmp_path / "b"))["resolver_preload A"]


def test_a_config_says_that_it_holds_no_users_and_not_every_account(tmp_path):
    (tmp_path / "c").write_text("resolver_preload {\n" + preload("A") + "\n}")
    hierarchy = read(tmp_path / "c")
    assert not hierarchy.has_users
    assert any("no users" in sentence for sentence in hierarchy.unknowable)
    assert any("accounts" in sentence for sentence in hierarchy.unknowable)


def test_described_claims_that_speak_of_an_operator_are_no_config(tmp_path):
    claims = signing.account_claims(signing.account("A"), "A", mappings={"operator": [{"subject": "x", "weight": 100}]})
    (tmp_path / "described.json").write_text(json.dumps(claims | {"iss": str(OPERATOR)}, indent=1))
    hierarchy = read(tmp_path / "described.json")
    assert hierarchy.store == f"file:{tmp_path}/described.json"
    assert [account.claims.name for account in hierarchy.accounts.values()] == ["A"]
