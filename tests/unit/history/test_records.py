"""The run that a source makes."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from optimizer.history.records import run_of
from optimizer.sources import read

ROOT = Path(__file__).resolve().parents[3]
NOW = 1_790_000_000


def test_a_run_holds_every_account_with_the_size_of_its_file_and_its_counts():
    hierarchy = read(str(ROOT / "corpus" / "acme"), now=NOW)
    run = run_of(hierarchy, NOW)
    rows = {row.name: row for row in run.rows}
    files = {path.stem: path for path in (ROOT / "corpus/acme/ACME/accounts").glob("*/*.jwt")}
    assert set(rows) == set(files)
    for name, path in files.items():
        assert rows[name].token_bytes == len(path.read_text().strip())
        assert rows[name].users == len(list(path.parent.glob("users/*.jwt")))
        account = hierarchy.accounts[rows[name].account].claims
        assert rows[name].imports == len(account.imports)
        assert rows[name].signing_keys == len(account.signing_keys)
    assert sum(row.imports for row in run.rows) > 0
    assert run.operator == hierarchy.operator.claims.sub
    assert run.fingerprint == hierarchy.fingerprint


def test_a_source_that_cannot_hold_users_counts_none():
    hierarchy = replace(read(str(ROOT / "corpus" / "acme"), now=NOW), has_users=False)
    assert {row.users for row in run_of(hierarchy, NOW).rows} == {None}


def test_a_source_without_its_operator_makes_a_run_without_one():
    run = run_of(replace(read(str(ROOT / "corpus" / "acme"), now=NOW), operator=None), NOW)
    assert (run.operator, run.operator_name) == ("", "")
