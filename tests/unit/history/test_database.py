"""The history file: what is kept is whole, and what is not a history stays as it is."""

from __future__ import annotations

import os
import random
import signal
import sqlite3
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

import pytest

from optimizer.errors import OutputError, SourceError
from optimizer.history import database
from optimizer.history.database import APPLICATION, VERSION, append, read
from tests.unit.history.runs import DAY, OPERATOR, START, row, run

ROOT = Path(__file__).resolve().parents[3]


@pytest.fixture
def path(tmp_path):
    return tmp_path / "history.db"


def kept(path, **which):
    return list(read(path, **which))


def files_beside(path):
    return sorted(each.name for each in path.parent.iterdir())


def spawn(code, *words):
    """Python in a process of its own, with what the tests have at hand."""
    head = "import os, signal, sys, resource\nfrom pathlib import Path\n"
    head += "from optimizer.history.database import *\nfrom tests.unit.history.runs import *\n"
    return subprocess.Popen(
        [sys.executable, "-c", head + code, *map(str, words)],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def test_runs_come_back_exactly_oldest_first(path):
    runs = [
        run(0, row("A", 1000, imports=1, exports=2, signing_keys=3, revocations=4, mappings=5, users=6)),
        run(1, row("A", 1100, users=None), row("B", 7)),
        run(2),
    ]
    for each in (runs[1], runs[0], runs[2]):
        assert append(path, each) is True
    assert kept(path) == runs


@pytest.mark.parametrize(
    "name", ["nul\0here", "\x1b[31mred\u202e", "日本語", "", "'; DROP TABLE runs; --", "x" * 100_000]
)
def test_names_are_kept_exact(path, name):
    append(path, run(0, row("A", 1000)._replace(name=name)))
    assert [each.rows[0].name for each in read(path)] == [name]


def test_the_same_run_is_not_kept_twice(path):
    assert append(path, run(0, row("A", 1000), fingerprint="x"))
    assert not append(path, run(0, row("A", 1000), fingerprint="x"))
    assert append(path, run(0, row("A", 1000), fingerprint="y"))
    assert append(path, run(0, row("A", 1000), fingerprint="x", operator="O" + "B" * 55))
    assert append(path, run(1, row("A", 1000), fingerprint="x"))
    assert len(kept(path)) == 4


@pytest.mark.parametrize(
    "spoiled",
    [
        run(1, row("A", 1000), row("A", 1001)),
        run(1, row("A", 1000), row("B", 0)),
        run(1, row("A", 1000), row("B", 7)._replace(imports=None)),
        run(1, row("A", 1000), row("B", 7)._replace(name=b"bytes")),
        run(1e9, row("A", 1000)),
    ],
)
def test_a_run_that_makes_no_sense_is_kept_neither_whole_nor_in_part(path, spoiled):
    append(path, run(0, row("A", 1000)))
    with pytest.raises(OutputError, match="constraint failed"):
        append(path, spoiled)
    assert kept(path) == [run(0, row("A", 1000))]


def test_some_runs_can_be_read_alone(path):
    other = "O" + "B" * 55
    for day in range(5):
        append(path, run(day, row("A", 1000 + day)))
        append(path, run(day, row("A", 9000 + day), operator=other))
    sizes = lambda **which: [each.rows[0].token_bytes for each in read(path, **which)]  # noqa: E731
    assert sizes(operator=OPERATOR) == sizes(operator="OP_OOO") == [1000, 1001, 1002, 1003, 1004]
    assert sizes(since=START + 4 * DAY) == [1004, 9004]
    assert sizes(until=START, operator=other) == [9000]
    assert sizes(last=1) == [1004, 9004]
    assert sizes(last=2, until=START + 3 * DAY, operator=OPERATOR) == [1002, 1003]
    assert sizes(operator="nobody") == []


def test_the_file_says_what_it_is_and_is_all_there_is(path):
    append(path, run(0, row("A", 1000)))
    header = path.read_bytes()[:100]
    assert int.from_bytes(header[68:72]) == APPLICATION
    assert int.from_bytes(header[60:64]) == VERSION
    assert (
        header[18:20] == b"\x01\x01"
    )  # a rollback journal: no second file holds runs (https://sqlite.org/fileformat.html)
    assert files_beside(path) == [path.name]
    copy = path.with_name("copy of 100% #1?.db")  # characters that mean something in a URI
    copy.write_bytes(path.read_bytes())
    append(copy, run(1, row("A", 1001)))
    assert (len(kept(copy)), len(kept(path))) == (2, 1)


def test_an_empty_file_begins_a_history(path):
    path.touch()
    with pytest.raises(SourceError, match="holds no run yet"):
        kept(path)
    assert append(path, run(0, row("A", 1000)))
    assert len(kept(path)) == 1


def test_a_link_stays_a_link(path, tmp_path):
    link = tmp_path / "link.db"
    link.symlink_to(path)
    append(link, run(0, row("A", 1000)))
    assert link.is_symlink()
    assert len(kept(path)) == 1


def _foreign(path):
    with sqlite3.connect(path) as other:
        other.execute("CREATE TABLE t (x)")
    other.close()


def _spoiled(statement):
    def spoil(path):
        append(
            path, run(0, *(row("A", 1000, f"NAME {number}")._replace(account=f"A{number}") for number in range(2000)))
        )
        with sqlite3.connect(path) as other:
            other.executescript(statement)
        other.close()

    return spoil


def _truncated(path):
    _spoiled("")(path)
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


def _torn(path):
    _spoiled("")(path)
    content = path.read_bytes()
    middle = len(content) // 2 // 4096 * 4096
    path.write_bytes(content[:middle] + os.urandom(4096) + content[middle + 4096 :])


SPOILED = {
    "text": (lambda path: path.write_text("account,bytes\nORDERS,12\n" * 20), "is no history file"),
    "short text": (lambda path: path.write_text("x"), "is no history file"),
    "magic alone": (lambda path: path.write_bytes(b"SQLite format 3\0"), "is no history file"),
    "another program": (_foreign, "is a database of another program"),
    "another version": (_spoiled("PRAGMA user_version = 2"), "is of version 2, and this permopt knows version 1"),
    "version 0": (_spoiled("PRAGMA user_version = 0"), "is of version 0"),
    "a trigger": (
        _spoiled("CREATE TRIGGER t AFTER INSERT ON runs BEGIN DELETE FROM runs; END"),
        "does not hold the tables of a history",
    ),
    "another table": (_spoiled("CREATE TABLE more (x)"), "does not hold the tables of a history"),
    "a missing table": (_spoiled("DROP TABLE sizes"), "does not hold the tables of a history"),
    "text for a number": (
        _spoiled("PRAGMA ignore_check_constraints = ON; UPDATE sizes SET token_bytes = 'many'"),
        "is damaged",
    ),
    "bytes for a name": (
        _spoiled("PRAGMA ignore_check_constraints = ON; UPDATE accounts SET name = x'ff00'"),
        "is damaged",
    ),
    "half of it": (_truncated, "is damaged"),
    "a torn page": (_torn, "is damaged"),
    "a header alone": (lambda path: (_spoiled("")(path), os.truncate(path, 100)), "is damaged"),
}


@pytest.mark.parametrize("kind", SPOILED)
def test_what_is_no_sound_history_is_refused_and_stays_as_it_is(path, kind):
    spoil, message = SPOILED[kind]
    spoil(path)
    before = path.read_bytes()
    for attempt in (lambda: append(path, run(9, row("A", 1))), lambda: kept(path)):
        with pytest.raises(SourceError, match=message) as refused:
            attempt()
        assert refused.value.hint
        assert "nothing in it was changed" in refused.value.hint
        assert path.read_bytes() == before
        assert files_beside(path) == [path.name]


def test_a_foreign_database_is_not_even_opened(path, monkeypatch):
    _foreign(path)
    monkeypatch.setattr(database.sqlite3, "connect", lambda *_, **__: pytest.fail("opened"))
    with pytest.raises(SourceError):
        append(path, run(0))


def test_a_directory_and_a_pipe_are_no_history(path):
    path.mkdir()
    with pytest.raises(SourceError, match="no regular file"):
        append(path, run(0))
    pipe = path.with_name("pipe")
    os.mkfifo(pipe)
    with pytest.raises(SourceError, match="no regular file"):
        kept(pipe)


def test_a_file_that_is_not_there_is_said_and_not_made(path):
    with pytest.raises(SourceError, match="is not there"):
        kept(path)
    assert not path.exists()
    with pytest.raises(OutputError, match="cannot be written"):
        append(path.parent / "no" / "such" / "directory.db", run(0))


def test_many_processes_append_at_once_and_every_run_is_kept(path):
    code = """
for number in range(8):
    rows = (row(letter, 1000 + number) for letter in "ABCDEFG")
    assert append(Path(sys.argv[1]), run(number, *rows, fingerprint=sys.argv[2]))
"""
    processes = [spawn(code, path, name) for name in "abcde"]
    ends = [process.communicate(timeout=120)[1] for process in processes]
    assert ends == [""] * 5
    runs = kept(path)
    assert sorted((each.time, each.fingerprint) for each in runs) == sorted(
        (START + number * DAY, name) for number in range(8) for name in "abcde"
    )
    assert {len(each.rows) for each in runs} == {7}


KILLED_HALF_WAY = """
class Rows(tuple):
    looks = 0
    def __iter__(self):
        self.looks += 1  # `append` looks twice: for the names, and for the sizes
        for number in range(30_000):
            if self.looks == 2 and number == 29_999:
                os.kill(os.getpid(), signal.SIGKILL)
            yield Row(f"A{number:055}", f"NAME {number}", 1000 + number, 700)
append(Path(sys.argv[1]), Run(time=START, operator=OPERATOR, operator_name="", fingerprint="killed", rows=Rows()))
"""


@pytest.mark.parametrize("history", ["new", "old"])
def test_a_run_that_is_killed_half_way_leaves_nothing_of_itself_and_all_of_the_others(path, history):
    if history == "old":
        append(path, run(0, row("A", 1000)))
    process = spawn(KILLED_HALF_WAY, path)
    _, err = process.communicate(timeout=120)
    assert process.returncode == -signal.SIGKILL, err
    journal = path.with_name(f"{path.name}-journal")
    assert journal.stat().st_size > 0  # it was in the middle of writing, or this test tests nothing
    assert path.stat().st_size > 100_000
    if history == "old":
        assert kept(path) == [run(0, row("A", 1000))]
    assert append(path, run(1, row("A", 1001)))
    assert [each.time for each in read(path)] == [START] * (history == "old") + [START + DAY]
    assert files_beside(path) == [path.name]


def test_whatever_moment_a_process_is_killed_at_what_it_was_told_is_kept_is_kept(path):
    code = """
for number in range(100_000):
    rows = (row(letter, 1000 + number) for letter in "ABCDEFG")
    append(Path(sys.argv[1]), run(number, *rows, fingerprint=sys.argv[2]))
    print(number, flush=True)
"""
    chance, told = random.Random(), 0
    for attempt in range(8):
        process = spawn(code, path, attempt)
        process.stdout.readline()
        time.sleep(chance.random() / 10)
        process.kill()
        out, err = process.communicate(timeout=60)
        assert process.returncode == -signal.SIGKILL, err
        told = 1 + max([0, *map(int, out.split())])
        runs = [each for each in read(path) if each.fingerprint == str(attempt)]
        assert told <= len(runs) <= told + 1  # the one that was kept and not yet printed
        assert {len(each.rows) for each in runs} == {7}


def test_a_file_that_others_hold_is_waited_for_and_then_given_up_with_one_line(path, monkeypatch):
    append(path, run(0, row("A", 1000)))
    monkeypatch.setattr(database, "PATIENCE", 0.2)
    holder = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
    holder.execute("BEGIN IMMEDIATE")
    with pytest.raises(OutputError, match="in use by others"):
        append(path, run(1, row("A", 1001)))
    monkeypatch.setattr(database, "PATIENCE", 30.0)
    waiting = threading.Timer(0.2, lambda: holder.execute("ROLLBACK"))
    waiting.start()
    assert append(path, run(1, row("A", 1001)))
    waiting.join()
    holder.close()
    assert len(kept(path)) == 2


FULL = """
from optimizer.errors import OutputError
resource.setrlimit(resource.RLIMIT_FSIZE, (int(sys.argv[2]), int(sys.argv[2])))
try:
    append(Path(sys.argv[1]), run(1, *(Row(f"A{number:055}", f"NAME {number}", 1000, 700) for number in range(20_000))))
except OutputError as error:
    print(error.exit_code, error.message)
"""


@pytest.mark.parametrize("room", [0, 4096, 100_000, 1_000_000])
def test_a_disk_that_takes_no_more_ends_in_one_line_and_the_file_stays_whole(path, room):
    append(path, run(0, row("A", 1000)))
    process = spawn(FULL, path, room)
    out, err = process.communicate(timeout=60)
    assert err == ""
    assert out == f"3 history file `{path}` cannot be written: the disk took no more, or failed\n"
    assert kept(path) == [run(0, row("A", 1000))]
    assert append(path, run(2, row("A", 1002)))


AS_NOBODY = """
if os.getuid() == 0:  # who may write anywhere
    os.setgid(65534); os.setuid(65534)
path = Path(sys.argv[1])
def attempt(do):
    try:
        print(do())
    except Exception as error:
        print(error.exit_code, error.message)
attempt(lambda: len(list(read(path))))
for target in (path, path.with_name("new.db")):
    attempt(lambda: append(target, run(1, row("A", 1))))
"""


@pytest.fixture
def open_directory():
    """One that anybody may enter, as the directories of pytest are not."""
    with tempfile.TemporaryDirectory() as name:
        directory = Path(name)
        directory.chmod(0o755)
        yield directory
        directory.chmod(0o755)


def read_only(path):
    for each in path.parent.iterdir():
        each.chmod(0o444)
    path.parent.chmod(0o555)
    out, err = spawn(AS_NOBODY, path).communicate(timeout=60)
    assert err == ""
    return out.splitlines()


def test_a_read_only_directory_can_be_read_from_and_says_why_it_cannot_be_written(open_directory):
    path = open_directory / "history.db"
    append(path, run(0, row("A", 1000)))
    first, second, third = read_only(path)
    assert first == "1"
    assert second == f"3 history file `{path}` cannot be written: it or its directory is read-only"
    assert third.startswith(f"3 history file `{open_directory / 'new.db'}` cannot be written: ")


def test_half_a_run_in_a_read_only_directory_is_said_to_be_one(open_directory):
    path = open_directory / "history.db"
    append(path, run(0, row("A", 1000)))
    spawn(KILLED_HALF_WAY, path).communicate(timeout=120)
    half = f"3 history file `{path}` holds half a run that was killed, and it or its directory is read-only"
    assert read_only(path)[:2] == [half, half]
    open_directory.chmod(0o755)
    for each in open_directory.iterdir():
        each.chmod(0o644)
    assert kept(path) == [run(0, row("A", 1000))]
