"""What every command does alike: help, usage errors, broken pipes, interrupts, bugs."""

from __future__ import annotations

import importlib.metadata
import os
import subprocess
import sys
from pathlib import Path

import pytest

import optimizer.cli.rules
from optimizer.cli import COMMANDS
from tests.cli.conftest import spawn


def test_help_names_every_command_and_imports_none(permopt):
    typed = permopt("--help")
    assert typed.status == 0
    assert all(f"\n  {name} " in typed.out for name in COMMANDS)
    shown = "import sys; from optimizer.cli.main import run; run(['--help']); print(*sys.modules, file=sys.stderr)"
    modules = subprocess.run([sys.executable, "-c", shown], capture_output=True, check=True, text=True).stderr.split()
    heavy = {"typer", "click", "rich", "networkx", "pygtrie", "nkeys", "nacl", "optimizer.cli.propose"}
    assert heavy.isdisjoint(modules)


@pytest.mark.parametrize("name", COMMANDS)
def test_each_command_explains_itself(permopt, name):
    typed = permopt(name, "--help")
    assert typed.status == 0
    assert f"permopt {name}" in typed.out
    assert permopt("help", name).out == typed.out


def test_the_version_is_that_of_the_distribution(permopt):
    assert permopt("--version").out == f"permopt {importlib.metadata.version('nats-permission-optimizer')}\n"


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["prpose"], "no command `prpose`"),
        (["propose", "--nope"], "such option: --nope"),
        (["propose", "--format", "yaml"], "--format"),
        (["script"], "missing argument"),
        (["propose", "--fail-on", "fatal"], "`fatal` is no severity"),
        (["propose", "--now", "yesterday"], "`yesterday` is no time"),
        (["propose", "--budget", "huge"], "`huge` is no size"),
        (["propose", "--server-version", "new"], "`new` is no version"),
        (["propose", "--complete", "everything"], "`everything`"),
        (["propose", "--rule", "covered-entri"], "no rule `covered-entri`"),
        (["propose", "a", "--source", "b"], "two sources"),
        (["rules", "nothing"], "no rule `nothing`"),
    ],
)
def test_wrong_usage_ends_with_2_and_one_line_with_a_hint(permopt, words, message):
    typed = permopt(*words)
    assert typed.status == 2
    assert typed.out == ""
    first, *rest = typed.err.splitlines()
    assert first.startswith("permopt: ")
    assert message in first
    assert len(rest) == 1
    assert rest[0].startswith("  hint: ")


def test_a_mistyped_command_is_guessed(permopt):
    assert "`permopt propose`" in permopt("prpose").err


def test_a_source_that_is_not_there_ends_with_3(permopt):
    typed = permopt("propose", "/no/such/store")
    assert typed.status == 3
    assert typed.err.startswith("permopt: `/no/such/store` ")


def test_no_store_at_all_ends_bare_permopt_with_help_and_0(permopt):
    typed = permopt()
    assert typed.status == 0
    assert "usage: permopt" in typed.out
    assert "permopt propose SOURCE" in typed.out


def test_bare_permopt_is_headed_by_the_store_it_found(permopt, shop, monkeypatch):
    monkeypatch.chdir(shop.root)
    head = permopt().out.partition("usage:")[0]
    assert "operator OP, 2 accounts, 4 users" in head
    assert "largest token: account ORDERS, 1," in head
    assert head.count("\n  permopt ") == 3


def test_a_bug_is_one_line_with_its_place_and_never_a_traceback(permopt, monkeypatch):
    def broken(*_, **__):
        raise ZeroDivisionError("odd\x1b[31m")

    monkeypatch.setattr(optimizer.cli.rules, "columns", broken)
    typed = permopt("rules")
    assert typed.status == 70
    assert typed.err.startswith("permopt: unexpected ZeroDivisionError: odd\\x1b[31m (in ")
    assert "hint: please report it" in typed.err


def test_an_interrupt_ends_with_130_and_silence(permopt, monkeypatch):
    def interrupted(*_, **__):
        raise KeyboardInterrupt

    monkeypatch.setattr(optimizer.cli.rules, "columns", interrupted)
    typed = permopt("rules")
    assert (typed.status, typed.out, typed.err) == (130, "", "")


@pytest.mark.parametrize("words", [["--help"], ["rules"], ["propose", "{store}"], ["graph", "{store}", "-f", "json"]])
def test_a_closed_pipe_ends_quietly_with_0(shop, words):
    read, write = os.pipe()
    os.close(read)
    with os.fdopen(write, "wb") as closed:
        done = spawn(*(word.format(store=shop.root) for word in words), stdout=closed)
    assert (done.returncode, done.stderr) == (0, b"")


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="only Linux has a device that is always full")
def test_a_full_disk_ends_with_3(shop):
    with Path("/dev/full").open("wb") as full:
        done = spawn("graph", shop.root, stdout=full)
    assert done.returncode == 3
    assert done.stderr.startswith(b"permopt: standard output cannot be written: no space left")


@pytest.mark.parametrize(
    ("closed", "words", "status"),
    [
        (">&-", "rules", 3),
        (">&-", "", 3),
        (">&-", "rules -o rules.txt", 0),
        ("2>&-", "nothing-like-it", 2),
        (">&- 2>&-", "rules", 3),
        ("<&-", "propose -", 3),
    ],
)
def test_a_stream_closed_before_the_start_is_no_bug(tmp_path, closed, words, status):
    line = f'exec "{sys.executable}" -m optimizer {words} {closed}'
    typed = subprocess.run(["/bin/sh", "-c", line], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert (typed.returncode, "Traceback" in typed.stderr) == (status, False), typed.stderr


def test_a_terminal_without_utf_8_gets_escapes(shop):
    orders = shop.account("größe")
    shop.user("größe", "日本", orders, pub={"allow": ["a", "a"]})
    done = spawn("propose", shop.root, env={"PYTHONIOENCODING": "ascii"})
    assert (done.returncode, done.stderr) == (0, b"")
    assert rb"\xf6" in done.stdout


def test_notes_go_to_standard_error_and_quiet_stills_them(permopt, shop, tmp_path):
    loud = permopt("propose", shop.root, "-o", tmp_path / "plan.json")
    assert "plan written to" in loud.err
    assert "plan written to" not in loud.out
    assert permopt("propose", shop.root, "-o", tmp_path / "plan.json", "--quiet").err == ""
