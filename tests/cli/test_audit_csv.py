"""``permopt audit --format csv``: a row a token, whose columns sum to it, and no cell that a spreadsheet calculates."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path

import pytest

from optimizer.reports.audit_csv import OTHER, SECTIONS
from optimizer.reports.spreadsheet import as_json, as_text
from tests import signing
from tests.cli.conftest import NOW, is_printable
from tests.cli.test_history import FORMULAS
from tests.cli.test_hostile import NASTY
from tests.cli.test_hostile import hostile as hostile  # noqa: PLC0414 a fixture

ROOT = Path(__file__).resolve().parents[2]
ACME = ROOT / "corpus" / "acme"


def table(permopt, source, *words):
    typed = permopt("audit", source, "-f", "csv", "--now", NOW, "--fail-on", "never", "-q", *words)
    assert typed.status == 0, typed.err
    assert typed.out.endswith("\r\n")
    assert is_printable(typed.out.replace("\r\n", "\n"))
    return list(csv.DictReader(io.StringIO(typed.out, newline=""), strict=True))


def test_every_account_and_user_has_a_row_with_its_numbers(permopt):
    rows = table(permopt, ACME)
    document = permopt("audit", ACME, "-f", "json", "--now", NOW).json
    assert [row["kind"] for row in rows] == ["account"] * 10 + ["user"] * 65
    for row, each in zip(rows, document["accounts"] + document["users"], strict=True):
        of_account = row["kind"] == "account"
        assert row["account_key"] == each["key" if of_account else "account_key"]
        assert json.loads(row["account_json"]) == each["name" if of_account else "account"]
        assert row["user_key"] == ("" if of_account else each["key"])
        assert [int(row[name]) for name in ("token_bytes", "payload_bytes", "budget")] == [
            each[name] for name in ("token_bytes", "payload_bytes", "budget")
        ]
        assert (row["band"], row["over_budget"]) == (each["band"], "true" if each["over_budget"] else "false")
        for name in ("imports", "exports", "signing_keys", "revocations", "mappings", "users"):
            assert row[name] == (str(each["counts"][name]) if of_account else "")


def test_the_columns_of_sections_sum_to_the_token_and_are_the_sections(permopt):
    document = permopt("audit", ACME, "-f", "json", "--now", NOW, "--no-findings").json
    for row, each in zip(table(permopt, ACME, "--no-findings"), document["accounts"] + document["users"], strict=True):
        assert sum(int(row[name]) for name in (*SECTIONS, OTHER)) == each["token_bytes"]
        sizes = {part["pointer"]: part["token_bytes"] for part in each["sections"]}
        assert {name: int(row[name]) for name in SECTIONS if int(row[name])} == {
            name: size for name, size in sizes.items() if name in SECTIONS
        }


def test_every_section_of_the_corpus_has_a_column_but_the_frame(permopt):
    document = permopt("audit", ACME, "-f", "json", "--now", NOW, "--no-findings").json
    pointers = {part["pointer"] for each in document["accounts"] + document["users"] for part in each["sections"]}
    assert pointers - {*SECTIONS} == {"", "/nats"}


def test_the_columns_are_the_same_for_every_store(permopt, shop):
    assert list(table(permopt, ACME)[0]) == list(table(permopt, shop.root)[0])


def test_findings_are_counted_and_safe_savings_summed(permopt):
    found = permopt("audit", ACME, "-f", "json", "--now", NOW).json["findings"]
    rows = table(permopt, ACME)
    for column, severity in (("errors", "error"), ("warnings", "warning"), ("notes", "note")):
        assert sum(int(row[column]) for row in rows) == sum(each["severity"] == severity for each in found)
    safe = sum(each["saving_bytes"] for each in found if each["safety"] == "safe")
    assert sum(int(row["safe_saving_bytes"]) for row in rows) == safe > 1_000


def test_no_cell_is_a_formula_whatever_separates_cells_and_no_name_is_lost(permopt, shop):
    names = [*FORMULAS, "a;=1+1", ';@x"', "b\t=1", "c,=1", 'q";=1', *(t for kind, t in NASTY.items() if kind != "seed")]
    for number, name in enumerate(names):
        key = signing.account(f"formula {number}")
        shop.write(f"accounts/f{number}/f{number}.jwt", signing.sign(signing.account_claims(key, name), shop.operator))
        member = signing.user_claims(signing.user(f"formula {number}"), None, name)
        shop.write(f"accounts/f{number}/users/u.jwt", signing.sign(member, key))
    rows = table(permopt, shop.root)
    assert {json.loads(row["account_json"]) for row in rows if row["kind"] == "account"} >= {*names}
    assert {json.loads(row["user_json"]) for row in rows if row["kind"] == "user"} >= {*names}
    text = permopt("audit", shop.root, "-f", "csv", "--now", NOW, "-q").out
    for separator in ",;\t":
        for row in csv.reader(io.StringIO(text, newline=""), delimiter=separator):
            assert not any(cell.lstrip().startswith(tuple("=+@-\uff1d\uff0b\uff0d\uff20")) for cell in row), row


def test_no_seed_is_in_it(permopt, hostile):
    assert NASTY["seed"] not in str(table(permopt, hostile.root))


@pytest.mark.parametrize("name", ["", "a", "'", "'=1", "=1", "a;b", "日本"])
def test_text_and_json_tell_every_name_from_its_marked_one(name):
    assert as_text(name) != as_text(f"'{name}")
    assert json.loads(as_json(name)) == name
    assert not as_text(name).startswith(("=", "+", "-", "@"))


def test_a_store_with_an_operator_alone_is_a_header(permopt, tmp_path):
    operator = signing.operator("lonely")
    (tmp_path / "op.jwt").write_text(signing.sign(signing.operator_claims(operator, "lonely"), operator))
    assert table(permopt, "op.jwt") == []


def test_a_source_without_users_leaves_their_cells_empty(permopt, tmp_path):
    operator, key = signing.operator("op"), signing.account("A")
    (tmp_path / "jwt").mkdir()
    (tmp_path / "jwt" / f"{key.public}.jwt").write_text(signing.sign(signing.account_claims(key, "A"), operator))
    (row,) = table(permopt, tmp_path / "jwt")
    assert (row["users"], row["user_bytes"], row["imports"]) == ("", "", "0")
