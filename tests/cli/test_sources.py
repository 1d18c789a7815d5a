"""Sources other than a store, as a person names them."""

import json
import zipfile

import pytest

from tests import signing
from tests.cli.conftest import NOW

OPERATOR = signing.operator("OP")
KEY = signing.account("A")
COVERED = {"pub": {"allow": ["a.>", f"a.{'b' * 200}"]}}
TOKEN = signing.sign(signing.account_claims(KEY, "A", default_permissions=COVERED), OPERATOR)


def in_a_directory(tmp_path):
    (tmp_path / f"{KEY}.jwt").write_text(TOKEN)
    return tmp_path


def in_a_config(tmp_path):
    (tmp_path / "server.conf").write_text(f"T: {TOKEN}\nresolver_preload {{ {KEY}: $T }}\n")
    return tmp_path / "server.conf"


def in_an_archive(tmp_path):
    with zipfile.ZipFile(tmp_path / "gather.zip", "w") as made:
        said = {"data": {"account_name": str(KEY), "jwt": TOKEN}}
        made.writestr(f"capture/accounts/{KEY}/servers/c__s/account_info/0001.json", json.dumps(said))
    return tmp_path / "gather.zip"


@pytest.mark.parametrize("make", [in_a_directory, in_a_config, in_an_archive])
def test_a_source_without_users_says_so_and_takes_no_word_on_them(permopt, tmp_path, make):
    (tmp_path / "source").mkdir()
    source = make(tmp_path / "source")
    page = permopt("propose", source, "--now", NOW)
    assert page.status == 0
    assert "holds no users" in " ".join(page.out.split())
    told = permopt("propose", source, "--now", NOW, "--complete", "users")
    assert "`--complete users` is not taken" in told.err
    assert "taken on your word" not in told.out
    plan = permopt("propose", source, "--now", NOW, "--format", "json", "--complete", "users").json
    assert plan["source"]["has_users"] is False
    assert [proposal["safety"] for proposal in plan["proposals"]] == ["safe"]


@pytest.mark.parametrize("form", ["{}", "gather:{}"])
def test_a_broken_archive_is_one_line(permopt, tmp_path, form):
    archive = in_an_archive(tmp_path)
    archive.write_bytes(archive.read_bytes()[:-30])
    typed = permopt("propose", form.format(archive), "--now", NOW)
    assert typed.status == 3
    assert typed.out == ""
    assert "is no whole zip archive" in typed.err
    assert len(typed.err.strip().splitlines()) <= 2  # what, and what to do
