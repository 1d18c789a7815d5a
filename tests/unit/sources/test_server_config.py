import time

import pytest

from optimizer.errors import SourceError
from optimizer.sources import server_config
from optimizer.sources.server_config import settings
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
    assert any("too deeply" in reason for reason in reasons(hierarchy).values())


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


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("a: 1", [(("a",), "1")]),
        ('a = \'x y\' b: "p\\"q"', [(("a",), "x y"), (("b",), 'p\\"q')]),
        ("a [1, 2 3]", [(("a",), "1"), (("a",), "2"), (("a",), "3")]),
        ("a { b { c: 1 } d: 2 }", [(("a", "b", "c"), "1"), (("a", "d"), "2")]),
        ("a { b { c { d: 1 } } } e: 2", [(("e",), "2")]),
        ("a [ {b: 1}, {b: 2} ] c: 3", [(("a", "b"), "1"), (("a", "b"), "2"), (("c",), "3")]),
        ("u: nats://h:1 # c\n// d\nv: 2", [(("u",), "nats://h:1"), (("v",), "2")]),
        ("a (\nraw } text\n)\nb: 1", [(("a",), "raw } text"), (("b",), "1")]),
        ('{"a": {"b": "c"}, "d": ["e"]}', [(("a", "b"), "c"), (("d",), "e")]),
        ("} ] a: 1", [(("a",), "1")]),
        ("a", []),
        ("a {", []),
        ("", []),
    ],
)
def test_settings_are_keys_and_values(text, found):
    assert list(settings(text)) == found


def test_a_config_that_never_seems_to_end_is_named(tmp_path, monkeypatch):
    monkeypatch.setattr(server_config, "_MOST_SETTINGS", 9)
    (tmp_path / "c").write_text("resolver_preload {\n" + preload("A") + "\n}\n" + "a: b\n" * 9)
    hierarchy = read(tmp_path / "c")
    assert len(hierarchy.accounts) == 1
    assert "more than 9 settings" in reasons(hierarchy)["c"]


@pytest.mark.parametrize(
    "piece", ["{", "[", "}", "a ", "a (\n", 'a: "\\"', "'", "a {", "a: b\n", "//", "#\n", "\\", ": "]
)
def test_no_config_takes_more_than_linear_time(piece):
    def seconds(text):
        began = time.process_time()
        try:
            for _ in settings(text):
                pass
        except SourceError:
            pass
        return time.process_time() - began

    assert seconds(piece * 100_000) < 5  # quadratic would be hours
