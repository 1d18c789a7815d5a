"""Growth as a person sees it: the page, the files, the exit status, and the run that `audit` keeps."""

from __future__ import annotations

import csv
import io
import json
import os
import re
import shlex
import shutil
import sqlite3
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import pytest

from optimizer.cli import growing
from optimizer.errors import UsageError
from optimizer.history.database import append, read
from optimizer.history.growth import Against, Limit
from optimizer.history.records import run_of
from optimizer.reports.history import ASCII, BLOCKS, history_page, sparkline
from optimizer.reports.spreadsheet import as_text
from optimizer.reports.style import Style, width_of
from optimizer.sources import read as read_source
from tests.cli.conftest import is_printable, spawn
from tests.cli.test_hostile import NASTY
from tests.cli.test_schemas import ROOT, check
from tests.unit.history.runs import DAY, START, key, row, run

NOW = START + 30 * DAY


@pytest.fixture(scope="session")
def month(tmp_path_factory):
    """One account that grows, one that stays, one bloated, one new, one gone, one renamed."""
    path = tmp_path_factory.mktemp("month") / "growth.db"
    for day in range(31):
        rows = [
            row("A", 8000 + 70 * day + (3000 if day == 13 else 0), "ORDERS", imports=10 + day // 3),
            row("B", 1200, "STILL"),
            row("C", 24_000 + 100 * day, "LARGE"),
            row("D", 2000, "OLD" if day < 20 else "NEW_NAME"),
        ]
        rows += [row("E", 1500, "YOUNG")] if day > 10 else [row("F", 900, "GONE")]
        append(path, run(day, *rows))
    return path


@pytest.fixture
def growth_db(month, tmp_path):
    return Path(shutil.copy(month, tmp_path))


def test_the_page_shows_first_last_change_rate_trend_and_the_next_limit(permopt, growth_db):
    typed = permopt("history", growth_db, "--now", NOW)
    assert typed.status == 0, typed.err
    lines = {line.split()[0]: line.split() for line in typed.out.splitlines() if line.startswith("  ")}
    assert lines["ORDERS"][1:6] == ["8,000", "10,100", "+2,100", "+26.2%", "+2,100"]
    assert lines["ORDERS"][-5:] == ["10", "KB", "in", "2", "d"]
    assert lines["LARGE"][-1] == "-"
    assert lines["STILL"][1:6] == ["1,200", "1,200", "0", "0%", "0"]
    assert "GONE" not in lines
    assert "new since 2026-09-21: YOUNG (2026-10-02, 1,500 bytes)" in typed.out
    assert "vanished: GONE (last seen 2026-10-01, 900 bytes)" in typed.out
    assert "renamed: NEW_NAME (was OLD)" in typed.out
    assert "estimates" in typed.out
    assert "Theil-Sen" in typed.out
    assert f"permopt history {growth_db} --format csv -o growth.csv" in typed.out


def test_a_file_is_drawn_with_blocks_and_a_terminal_that_lacks_them_without(permopt, growth_db, tmp_path):
    permopt("history", growth_db, "-o", tmp_path / "page.txt")
    assert BLOCKS[-1] in (tmp_path / "page.txt").read_text()
    page = spawn("history", growth_db, env={"PYTHONIOENCODING": "ascii"}).stdout
    assert page.isascii()
    assert b"#" in page
    assert b"\\u" not in page


@pytest.mark.parametrize("by_count", [False, True])
@pytest.mark.parametrize("size", [999, 99_999, 1_048_000])
def test_a_page_fits_80_columns_whatever_the_sizes_and_names(permopt, tmp_path, size, by_count):
    path = tmp_path / "wide.db"
    for day in range(5):
        append(
            path,
            run(
                day,
                *(
                    row(letter, size + day * 100, name * 9)
                    for letter, name in zip("ABC", ["長い名前", "long name", "x"], strict=True)
                ),
            ),
        )
    document = permopt("history", path, "-f", "json").json
    page = history_page(document, Style(width=80), ramp=BLOCKS, next_command="permopt", by_count=by_count)
    assert max(map(width_of, page.splitlines())) <= 80


def test_counts_can_be_shown_instead(permopt, growth_db):
    out = permopt("history", growth_db, "--by", "count").out
    assert "20 (+10)" in out
    assert "Theil-Sen" not in out


def test_json_holds_everything_and_is_valid(permopt, growth_db):
    document = permopt("history", growth_db, "-f", "json", "--now", NOW).json
    check(document)
    check(permopt("history", growth_db, "-f", "json", "--fail-on-growth", "1%", "--against", str(START)).json)
    accounts = {each["name"]: each for each in document["accounts"]}
    assert accounts["ORDERS"]["per_30_days"] == 2100
    assert accounts["ORDERS"]["crosses"][0] == {"limit_bytes": 10_240, "at": START + 32 * DAY}
    assert accounts["GONE"]["state"] == "vanished"
    assert accounts["GONE"]["per_30_days"] is None
    assert accounts["STILL"]["sizes"] == [{"time": START, "token_bytes": 1200}]
    assert accounts["NEW_NAME"]["names"] == ["OLD", "NEW_NAME"]
    assert accounts["ORDERS"]["last"]["counts"]["imports"] == 20
    assert document["operators"] == [{"key": "O" * 56, "name": "OP_OOO", "runs": 31, "first": START, "last": NOW}]


def test_csv_has_a_row_an_account(permopt, growth_db):
    rows = list(csv.DictReader(io.StringIO(permopt("history", growth_db, "-f", "csv").out)))
    orders = next(each for each in rows if each["account"] == "ORDERS")
    assert len(rows) == 6
    assert orders["last_token_bytes"] == "10100"
    assert orders["crosses_10240"] == "2026-10-23T14:13:20Z"
    assert orders["account_key"] == key("A")


FORMULAS = [
    "=1+1",
    "+1",
    "-1",
    "@SUM(1)",
    "\t=1",
    "\r=1",
    "'=1",
    "'plain",
    "\uff1d1",
    '=HYPERLINK("http://x","y")',
    "=cmd|' /C calc'!A0",
]


def test_no_cell_of_csv_is_a_formula_and_no_name_is_lost(permopt, tmp_path):
    path = tmp_path / "f.db"
    names = [*FORMULAS, *(text for kind, text in NASTY.items() if kind != "seed")]
    append(path, run(0, *(row("A", 1000, name)._replace(account=f"A{index:055}") for index, name in enumerate(names))))
    typed = permopt("history", path, "-f", "csv")
    assert is_printable(typed.out.replace("\r\n", "\n"))
    rows = list(csv.DictReader(io.StringIO(typed.out)))
    assert {each["account"][:1] for each in rows if each["account"]} & set("=+-@\t\r\uff1d") == set()
    assert {json.loads(each["account_json"]) for each in rows} == set(names)
    assert {each["account_json"][:1] for each in rows} == {'"'}


@pytest.mark.parametrize("name", ["=a", "'a", "''a", "a", "", "-"])
def test_without_its_mark_a_name_in_csv_is_the_name_again(name):
    assert as_text(name).removeprefix("'") == name or as_text(name) == name
    assert as_text(name) != as_text(f"'{name}")


@pytest.mark.parametrize("form", ["table", "csv", "json"])
def test_nothing_of_a_name_moves_a_cursor_and_no_seed_is_shown(permopt, tmp_path, form):
    path = tmp_path / "nasty.db"
    for day, tail in enumerate(["", "x", "y"]):
        rows = (
            row("A", 1000 + day * 900, text + tail)._replace(account=f"A{index:055}")
            for index, text in enumerate(NASTY.values())
        )
        append(path, run(day, *rows, row("Z", 5, "vanishing") if day == 0 else row("Y", 5, "\x1b[2Jnew")))
    typed = permopt("history", path, "-f", form, "--fail-on-growth", "1%")
    assert typed.status == 1
    assert is_printable(typed.out.replace("\r\n", "\n"))
    assert is_printable(typed.err)
    assert NASTY["seed"] not in typed.out + typed.err


def test_accounts_are_named_by_globs_by_key_and_by_names_they_had(permopt, growth_db):
    def names(*patterns):
        words = [word for pattern in patterns for word in ("--account", pattern)]
        return [each["name"] for each in permopt("history", growth_db, "-f", "json", *words).json["accounts"]]

    assert names("L*", "STILL") == ["LARGE", "STILL"]
    assert names(key("A")) == ["ORDERS"]
    assert names("OLD") == ["NEW_NAME"]
    typed = permopt("history", growth_db, "--account", "ORDRES")
    assert typed.status == 2
    assert "did you mean `ORDERS`?" in typed.err


def test_top_since_and_operator_narrow_it(permopt, growth_db):
    append(growth_db, run(31, row("A", 9), operator="O" + "B" * 55))
    assert [each["name"] for each in permopt("history", growth_db, "-f", "json", "--top", "2").json["accounts"]] == [
        "LARGE",
        "ORDERS",
        "ACCOUNT_A",
    ]
    recent = permopt("history", growth_db, "-f", "json", "--since", str(START + 25 * DAY), "--operator", "OP_OOO").json
    assert [each["runs"] for each in recent["operators"]] == [6]
    assert "operator OP_OBB: 1 run" in permopt("history", growth_db).out
    typed = permopt("history", growth_db, "--operator", "nobody")
    assert (typed.status, typed.err.splitlines()[0]) == (
        2,
        f"permopt: history file `{growth_db}` holds no run for --operator `nobody`",
    )


def test_growth_above_the_limit_ends_with_1_and_names_the_accounts(permopt, growth_db):
    typed = permopt("history", growth_db, "--fail-on-growth", "0.5%")
    assert typed.status == 1
    assert "1 account grew by more than 0.5% since the run before" in typed.out
    typed = permopt("history", growth_db, "--fail-on-growth", "20%", "--against", "first", "-f", "csv")
    assert typed.status == 1
    assert "ORDERS  8,000  -> 10,100 bytes  (+26.2%)  since 2026-09-21" in typed.err
    typed = permopt("history", growth_db, "--fail-on-growth", "2KB", "--against", "2026-09-22")
    assert (typed.status, "LARGE" in typed.out.split("grew by more")[1]) == (1, True)


def test_growth_below_the_limit_or_of_accounts_not_asked_for_ends_with_0(permopt, growth_db):
    typed = permopt("history", growth_db, "--fail-on-growth", "20%")
    assert (typed.status, "no account grew by more than 20% since the run before" in typed.out) == (0, True)
    assert (
        permopt("history", growth_db, "--fail-on-growth", "1%", "--against", "first", "--account", "STILL").status == 0
    )


def test_what_the_page_about_growth_types_can_be_typed(permopt, growth_db):
    page = (ROOT / "docs" / "growth.md").read_text()
    typed = re.findall(r"^ *(?:- )?(?:run: )?permopt history growth\.db(.*?)(?:  #.*)?$", page, re.MULTILINE)
    assert len(typed) == 3
    for words in typed:
        found = permopt("history", growth_db, *shlex.split(words))
        assert found.status == int("--fail-on-growth" in words), found.err
    for words in re.findall(r"`(--[a-z-]+ [^`]+)`", page.split("## Failing")[0]):
        assert permopt("history", growth_db, *shlex.split(words.replace("ORDERS*", "ORD*"))).status == 0, words


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--fail-on-growth", "fast"], "--fail-on-growth `fast` is no growth"),
        (["--fail-on-growth", "-5%"], "--fail-on-growth `-5%` is no growth"),
        (["--fail-on-growth", "5%", "--against", "last"], "--against `last` is no run"),
        (["--against", "first"], "--against says what --fail-on-growth compares with"),
        (["--since", "lately"], "`lately` is no time"),
        (["--top", "0"], "--top"),
        (["--format", "xml"], "--format"),
    ],
)
def test_wrong_usage_ends_with_2_and_one_line_with_a_hint(permopt, growth_db, words, message):
    typed = permopt("history", growth_db, *words)
    assert typed.status == 2
    first, hint = typed.err.splitlines()
    assert message in first
    assert hint.startswith("  hint: ")


def test_a_file_that_is_no_history_ends_with_3_and_stays(permopt, tmp_path):
    path = tmp_path / "text.db"
    path.write_text("not a database\n" * 100)
    typed = permopt("history", path)
    assert typed.status == 3
    assert typed.err.splitlines()[0] == f"permopt: `{path}` is no history file"
    assert path.read_text() == "not a database\n" * 100
    assert permopt("history", tmp_path / "none.db").status == 3
    assert not (tmp_path / "none.db").exists()


def test_a_reader_that_goes_away_is_no_failure(growth_db):
    read_end, write_end = os.pipe()
    os.close(read_end)
    process = spawn("history", growth_db, stdout=write_end)
    os.close(write_end)
    assert (process.returncode, process.stderr) == (0, b"")


def test_times_outside_every_calendar_are_shown_as_they_are(permopt, tmp_path):
    append(tmp_path / "far.db", replace(run(0, row("A", 1000)), time=999_999_999_999))
    assert "999999999999 to 999999999999" in permopt("history", tmp_path / "far.db").out


@pytest.mark.parametrize(
    ("text", "limit"),
    [
        ("20%", Limit("20%", percent=Fraction(20))),
        ("0.5 %", Limit("0.5 %", percent=Fraction(1, 2))),
        ("2KB", Limit("2KB", bytes=2048)),
        ("0", Limit("0", bytes=0)),
    ],
)
def test_growth_is_written_in_per_cent_or_bytes(text, limit):
    assert growing.growth_limit(text) == limit
    assert growing.growth_limit(None) is None


def test_growth_is_judged_only_of_runs_that_are_kept(tmp_path):
    assert growing.keeping(None, None, None) is None
    asked = growing.keeping(tmp_path / "h.db", "20%", "first")
    assert asked == growing.Keeping(tmp_path / "h.db", Limit("20%", percent=Fraction(20)), Against.FIRST)
    assert asked.keep(run(0, row("A", 1000)), quiet=True) == 0
    assert asked.keep(run(1, row("A", 2000)), quiet=True) == 1
    with pytest.raises(UsageError, match="none is named"):
        growing.keeping(None, "20%", None)
    with pytest.raises(UsageError, match="that is not given"):
        growing.keeping(tmp_path / "h.db", None, "first")


def test_runs_are_named_by_a_word_or_a_time():
    limit = growing.growth_limit("20%")
    assert growing.against("first", limit) is Against.FIRST
    assert growing.against("previous", limit) is growing.against(None, limit) is Against.PREVIOUS
    assert growing.against("1970-01-02", limit) == DAY
    with pytest.raises(UsageError):
        growing.against("", limit)


def test_a_run_of_a_store_is_kept_once_and_its_growth_is_judged(shop, tmp_path, capsys):
    path, fifth = tmp_path / "growth.db", Limit("20%", percent=Fraction(20))
    first = run_of(read_source(str(shop.root), now=START), START)
    assert growing.kept(path, first, fifth) == 0
    assert "holds no run before this one" in capsys.readouterr().err
    assert growing.kept(path, first, fifth) == 0
    assert "not counted twice" in capsys.readouterr().err
    larger = tuple(
        each._replace(token_bytes=each.token_bytes * 2) if each.name == "ORDERS" else each for each in first.rows
    )
    assert growing.kept(path, replace(first, time=START + DAY, fingerprint="more", rows=larger), fifth) == 1
    assert "ORDERS" in capsys.readouterr().err
    assert growing.kept(path, replace(first, time=START + 2 * DAY, fingerprint="same", rows=larger), fifth) == 0
    assert growing.kept(path, replace(first, time=START + 3 * DAY, rows=larger), fifth, Against.FIRST, quiet=True) == 1
    assert capsys.readouterr().err == "no account grew by more than 20% since the run before\n"
    assert len(list(read(path))) == 4


def test_a_run_of_before_is_compared_with_what_was_before_it(tmp_path):
    path, fifth = tmp_path / "growth.db", Limit("20%", percent=Fraction(20))
    for day, size in ((0, 1000), (9, 9000)):
        append(path, run(day, row("A", size)))
    assert growing.kept(path, run(5, row("A", 1100)), fifth) == 0
    assert growing.kept(path, run(6, row("A", 2100)), fifth) == 1


def test_a_trend_is_blank_before_it_begins_and_spans_the_ramp():
    sizes = [{"time": time, "token_bytes": size} for time, size in ((50, 10), (75, 20), (100, 40))]
    assert sparkline(sizes, 0, 100, 8, ASCII) == "   __::#"
    assert sparkline(sizes[:1], 0, 100, 4, ASCII) == " ___"
    assert sparkline(sizes[:1], 50, 50, 4, ASCII) == "____"


def test_names_kept_by_hand_are_redacted_as_well(permopt, tmp_path):
    path = tmp_path / "seed.db"
    append(path, run(0, row("A", 1000, NASTY["seed"]), row("B", 1, "x")))
    assert NASTY["seed"] not in permopt("history", path, "-f", "json").out
    with sqlite3.connect(path) as kept:
        assert kept.execute("SELECT count(*) FROM accounts").fetchone() == (2,)
    kept.close()
