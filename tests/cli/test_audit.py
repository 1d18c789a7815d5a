"""``permopt audit``: what it prints, writes and ends with."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import optimizer.reports.style
from optimizer.reports.sections import PARTS, REST, split_bar
from tests import signing
from tests.cli.conftest import NOW, is_printable, spawn
from tests.cli.test_hostile import NASTY
from tests.cli.test_hostile import hostile as hostile  # noqa: PLC0414 a fixture

ROOT = Path(__file__).resolve().parents[2]
ACME = ROOT / "corpus" / "acme"


def page_of(permopt, *words):
    typed = permopt("audit", *words, "--now", NOW, "--fail-on", "never")
    assert typed.status == 0, typed.err
    return typed.out


def test_sections_of_every_account_and_user_sum_to_the_token(permopt):
    document = permopt("audit", ACME, "-f", "json", "--now", NOW).json
    assert len(document["accounts"]) == 10
    for each in document["accounts"] + document["users"]:
        assert sum(section["token_bytes"] for section in each["sections"]) == each["token_bytes"]
        assert sum(section["payload_bytes"] for section in each["sections"]) == each["payload_bytes"]
    totals = document["totals"]
    assert totals["account_bytes"] == sum(each["token_bytes"] for each in document["accounts"])
    assert totals["user_bytes"] == sum(each["token_bytes"] for each in document["users"])


def test_savings_are_those_of_the_plan(permopt, tmp_path):
    permopt("propose", ACME, "-o", tmp_path / "plan.json", "--now", NOW)
    plan = json.loads((tmp_path / "plan.json").read_text())
    saved = {each["id"]: each["saving"]["before"] - each["saving"]["after"] for each in plan["proposals"]}
    found = permopt("audit", ACME, "-f", "json", "--now", NOW).json["findings"]
    assert {each["proposal"]: each["saving_bytes"] for each in found if each["proposal"]} == saved
    assert len(saved) > 100


@pytest.mark.parametrize(
    ("words", "status"),
    [
        ((), 1),
        (("--fail-on", "never"), 0),
        (("--account", "LOYALTY"), 0),
        (("--account", "ORDERS_EU"), 0),
        (("--account", "ORDERS_EU", "--fail-on", "warning"), 1),
        (("--account", "ORDERS", "--no-findings"), 1),
        (("--account", "LOYALTY", "--budget", "1KB", "--fail-on", "warning"), 1),
        (("--account", "NOBODY"), 2),
        (("--fail-on", "loud"), 2),
        (("--budget", "many"), 2),
        (("--replicas", "0"), 2),
    ],
)
def test_the_exit_status_is_that_of_the_worst_finding(permopt, words, status):
    assert permopt("audit", ACME, "--now", NOW, *words).status == status


def test_strict_wins_where_a_token_was_skipped(permopt, shop):
    shop.write("accounts/ORDERS/users/broken.jwt", "eyJ0eXAi.x.y")
    typed = permopt("audit", shop.root, "--now", NOW)
    assert typed.status in (0, 1)
    assert "skipped 1 file or token" in typed.out
    assert permopt("audit", shop.root, "--now", NOW, "--strict").status == 3


def test_no_findings_leaves_what_the_sizes_and_the_chain_show(permopt):
    document = permopt("audit", ACME, "--now", NOW, "--no-findings", "-f", "json").json
    assert document["rules_ran"] is False
    assert {each["kind"] for each in document["findings"]} == {"size", "token"}


def test_no_findings_does_not_even_load_the_rules():
    code = (
        "import sys; from optimizer.cli.main import run; "
        f"run(['audit', {str(ACME)!r}, '--no-findings', '-o', '{os.devnull}']); "
        "print(sorted(name for name in sys.modules if name.startswith(('optimizer.rules', 'optimizer.judge'))))"
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert run.stdout == "[]\n"


def test_a_resolver_directory_has_no_users_and_says_what_was_not_looked_for(permopt, tmp_path):
    directory = tmp_path / "jwt"
    directory.mkdir()
    operator = signing.operator("op")
    for name in ("A", "B"):
        key = signing.account(name)
        token = signing.sign(signing.account_claims(key, name), operator)
        (directory / f"{key.public}.jwt").write_text(token)
    page = page_of(permopt, directory)
    assert "this kind of source holds no users" in page
    assert "what this source cannot say" in page
    assert re.search(r"not looked for:\s+long-connect-line", page)
    assert "users" not in next(line for line in page.splitlines() if "imp  exp" in line)
    document = permopt("audit", directory, "-f", "json").json
    assert [account["counts"]["users"] for account in document["accounts"]] == [None, None]
    assert document["not_known"][0]["what"] == "users"


def test_one_token_file_is_an_audit_of_its_own(permopt, tmp_path):
    shutil.copy(ACME / "ACME" / "accounts" / "ORDERS" / "ORDERS.jwt", tmp_path / "one.jwt")
    page = page_of(permopt, "one.jwt")
    assert "/nats/revocations" in page
    assert "no operator token" in page
    assert page.rstrip().endswith("permopt propose one.jwt -o plan.json")


def test_a_store_with_an_operator_alone_is_an_empty_audit(permopt, tmp_path):
    operator = signing.operator("lonely")
    (tmp_path / "op.jwt").write_text(signing.sign(signing.operator_claims(operator, "lonely"), operator))
    page = page_of(permopt, "op.jwt")
    assert "weighed 0 accounts" in page
    assert "accounts by size" not in page


def test_nothing_readable_is_3(permopt, tmp_path):
    (tmp_path / "empty").mkdir()
    typed = permopt("audit", tmp_path / "empty")
    assert (typed.status, typed.out) == (3, "")


@pytest.mark.parametrize(
    "words", [(), ("--details",), ("-f", "json"), ("--replicas", "3"), ("-f", "markdown"), ("-f", "sarif")]
)
def test_nothing_of_a_name_moves_a_cursor_hides_or_gives_a_seed_away(permopt, hostile, words):
    typed = permopt("audit", hostile.root, "--now", NOW, "--fail-on", "never", *words)
    assert typed.status == 0, typed.err
    assert is_printable(typed.out + typed.err)
    assert NASTY["seed"] not in typed.out + typed.err


def test_json_keeps_names_exact(permopt, hostile):
    document = permopt("audit", hostile.root, "--now", NOW, "-f", "json").json
    names = {account["name"] for account in document["accounts"]}
    assert {text for kind, text in NASTY.items() if kind != "seed"} <= names


@pytest.mark.parametrize("width", [80, 100])
def test_no_line_is_wider_than_the_page(permopt, monkeypatch, width):
    style = optimizer.reports.style.Style(width=width, blocks=True)
    monkeypatch.setattr("optimizer.cli.output.style", lambda **_: style)
    for words in ((), ("--details",), ("--replicas", "12")):
        lines = page_of(permopt, ACME, *words).splitlines()[:-1]  # the last is a command, whatever its source is called
        assert [line for line in lines if optimizer.reports.style.width_of(line) > width] == []


def test_a_closed_pipe_ends_quietly_with_0(shop):
    read, write = os.pipe()
    os.close(read)
    with os.fdopen(write, "wb") as closed:
        done = spawn("audit", shop.root, "--details", stdout=closed)
    assert (done.returncode, done.stderr) == (0, b"")


def test_an_output_that_cannot_be_written_ends_with_3(permopt, tmp_path):
    (tmp_path / "file").touch()
    typed = permopt("audit", ACME, "--now", NOW, "-o", tmp_path / "file" / "audit.txt")
    assert (typed.status, typed.out) == (3, "")
    assert typed.err.startswith("permopt: ")
    assert permopt("audit", ACME, "--now", NOW, "-o", tmp_path / "audit.txt", "--fail-on", "never").out == ""
    assert (tmp_path / "audit.txt").read_text().startswith("operator ACME")


def test_a_terminal_without_utf_8_gets_plain_bars(shop):
    done = spawn("audit", shop.root, "--no-findings", env={"PYTHONIOENCODING": "ascii"})
    assert done.stderr == b""
    assert b"####" in done.stdout
    assert done.stdout.isascii()


def test_colour_shows_parts_and_letters_do_without(permopt, monkeypatch):
    plain = page_of(permopt, ACME, "--no-findings")
    row = next(line for line in plain.splitlines() if line.startswith("    ORDERS "))
    assert "rrrrrr" in row
    assert "\x1b" not in plain
    style = optimizer.reports.style.Style(colour=True, width=100, blocks=True)
    monkeypatch.setattr("optimizer.cli.output.style", lambda **_: style)
    coloured = page_of(permopt, ACME, "--no-findings")
    row = next(line for line in coloured.splitlines() if line.startswith("    ORDERS "))
    assert "\x1b[31m██████" in row


def test_a_bar_has_the_columns_that_its_size_gives_it_whatever_its_parts():
    parts = [*PARTS.values(), REST]
    style = optimizer.reports.style.Style()
    for sizes in ((1,), (1, 1, 1), (1_000, 1), (333, 333, 334), tuple(range(1, 11))):
        token = dict(zip(parts, sizes, strict=False))
        for largest in (sum(sizes), sum(sizes) * 3, sum(sizes) * 1_000):
            bar = split_bar(token, largest, 32, style)
            assert len(bar) == max(round(32 * sum(sizes) / largest), 1)


@pytest.mark.parametrize("blocks", [False, True])
def test_what_is_there_at_all_is_seen_in_a_bar_and_nothing_is_wider_than_all(blocks):
    style = optimizer.reports.style.Style(blocks=blocks)
    assert style.bar(0, 32) == ""
    assert len(style.bar(0.000_1, 32)) == 1
    assert [len(style.bar(share, 32)) for share in (0.5, 1)] == [16, 32]


def test_top_says_how_many_are_left_and_how_many_of_them_are_over(permopt):
    page = page_of(permopt, ACME, "--top", "2")
    assert "and 8 more accounts, 4 of them over the budget; --top lists more" in page


def test_replicas_multiply(permopt):
    document = permopt("audit", ACME, "--now", NOW, "-f", "json", "--replicas", "7").json
    assert all(each["replicated_bytes"] == 7 * each["token_bytes"] for each in document["accounts"])
    assert "on 7" in page_of(permopt, ACME, "--replicas", "7")
    assert "replicated_bytes" not in permopt("audit", ACME, "--now", NOW, "-f", "json").json["accounts"][0]


@pytest.mark.parametrize(
    ("words", "following"),
    [
        ((), "-o plan.json"),
        (("--no-findings",), "--budget 10240 -o plan.json"),
        (("--account", "LOYALTY"), "permopt graph"),
    ],
)
def test_the_page_ends_with_the_next_command(permopt, words, following):
    last = page_of(permopt, ACME, *words).splitlines()[-1]
    assert last.startswith("  permopt ")
    assert following in last


@pytest.mark.parametrize(
    ("form", "words", "meant"),
    [
        ("csv", ("--top", "3"), "--format table or --format json"),
        ("sarif", ("--details",), "--format table or --format json"),
        ("prometheus", ("--replicas", "3"), "--format table or --format json"),
        ("markdown", ("--claims-dir", "claims"), "--format sarif"),
        ("table", ("--claims-dir", "claims"), "--format sarif"),
        ("json", ("--users", "all"), "--format prometheus"),
        ("csv", ("--users", "none"), "--format prometheus"),
    ],
)
def test_an_option_that_means_nothing_to_a_format_is_refused(permopt, tmp_path, form, words, meant):
    typed = permopt("audit", ACME, "-f", form, *words)
    assert (typed.status, typed.out) == (2, "")
    assert f"`{words[0]}` means nothing to --format {form}" in typed.err
    assert f"hint: use {meant}, or leave it out" in typed.err
    assert not (tmp_path / "claims").exists()


@pytest.mark.parametrize("form", ["csv", "markdown", "sarif", "prometheus"])
def test_a_format_says_the_same_again_ends_as_the_table_does_and_notes_what_comes_next(permopt, form):
    typed = permopt("audit", ACME, "-f", form, "--now", NOW)
    assert typed.status == 1
    assert typed.out == permopt("audit", ACME, "-f", form, "--now", NOW).out
    assert permopt("audit", ACME, "-f", form, "--now", NOW, "--fail-on", "never", "-q").err == ""
    following = f"permopt propose {ACME} -o plan.json"
    assert following in (typed.out if form == "markdown" else typed.err)
