"""Runs in an embedded SQLite database: appended whole or not at all, whoever else appends, and read back.

The journal is SQLite's rollback journal, not its write-ahead log. A log needs memory shared through a second file,
which a network disk has not, and keeps committed runs in a third one, which a CI artifact of the database alone would
lose (https://sqlite.org/wal.html). One writer a time, for the milliseconds of a commit, is all that a run needs.
``EXTRA`` also syncs the directory after a commit, so that not even a power cut brings back the journal of a run that
is kept.

A file is looked at before SQLite opens it: what another program, or another version, wrote is refused as it is.
"""

from __future__ import annotations

import os
import sqlite3
from collections import Counter
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from optimizer.errors import OptimizerError, OutputError, SourceError
from optimizer.history.records import Row, Run

if TYPE_CHECKING:
    from collections.abc import Iterator

APPLICATION = 0x706D6F70  # "pmop"
VERSION = 1
PATIENCE = 30.0  # seconds for other writers; each needs some 50 ms for 10,000 accounts

_SCHEMA = {
    "runs": """CREATE TABLE runs (
  id INTEGER PRIMARY KEY,
  time INTEGER NOT NULL CHECK (typeof(time) = 'integer' AND time BETWEEN -62135596800 AND 999999999999),
  operator TEXT NOT NULL CHECK (typeof(operator) = 'text'),
  operator_name TEXT NOT NULL CHECK (typeof(operator_name) = 'text'),
  fingerprint TEXT NOT NULL CHECK (typeof(fingerprint) = 'text'),
  UNIQUE (operator, time, fingerprint)
)""",
    # A name is kept once, not once a run: of a row of 30 bytes it and the key would make 110.
    "accounts": """CREATE TABLE accounts (
  id INTEGER PRIMARY KEY,
  key TEXT NOT NULL CHECK (typeof(key) = 'text'),
  name TEXT NOT NULL CHECK (typeof(name) = 'text'),
  UNIQUE (key, name)
)""",
    "sizes": """CREATE TABLE sizes (
  run INTEGER NOT NULL REFERENCES runs,
  account INTEGER NOT NULL REFERENCES accounts,
  token_bytes INTEGER NOT NULL CHECK (typeof(token_bytes) = 'integer' AND token_bytes > 0),
  payload_bytes INTEGER NOT NULL CHECK (typeof(payload_bytes) = 'integer'),
  imports INTEGER NOT NULL CHECK (typeof(imports) = 'integer'),
  exports INTEGER NOT NULL CHECK (typeof(exports) = 'integer'),
  signing_keys INTEGER NOT NULL CHECK (typeof(signing_keys) = 'integer'),
  revocations INTEGER NOT NULL CHECK (typeof(revocations) = 'integer'),
  mappings INTEGER NOT NULL CHECK (typeof(mappings) = 'integer'),
  users INTEGER CHECK (typeof(users) IN ('integer', 'null')),
  PRIMARY KEY (run, account)
) WITHOUT ROWID""",
}
_INSERT_ACCOUNT = """INSERT INTO accounts VALUES (NULL, ?, ?) ON CONFLICT DO NOTHING"""
_INSERT_SIZE = """INSERT INTO sizes SELECT ?, id, ?, ?, ?, ?, ?, ?, ?, ? FROM accounts WHERE key = ? AND name = ?"""
_SELECT = """SELECT key, name,
  token_bytes, payload_bytes, imports, exports, signing_keys, revocations, mappings, users
FROM sizes JOIN accounts ON accounts.id = account WHERE run = ? ORDER BY account"""

_MAGIC = b"SQLite format 3\0"
_JOURNAL = bytes.fromhex("d9d505f920a163d7")
_HEADER = 100  # bytes; user_version stands at 60, application_id at 68 (https://sqlite.org/fileformat.html)
_PRIMARY = 0xFF  # of an error code that SQLite extends
_KEPT = "move it away, or name another file; nothing in it was changed"
_VERBS: dict[type[OptimizerError], str] = {OutputError: "written", SourceError: "read"}
_HINTS = {
    sqlite3.SQLITE_FULL: "make room and run it again; the runs that are kept are whole",
    sqlite3.SQLITE_IOERR: "make room and run it again; the runs that are kept are whole",
}
_REASONS = {
    sqlite3.SQLITE_IOERR: "the disk took no more, or failed",
    sqlite3.SQLITE_FULL: "the disk is full",
    sqlite3.SQLITE_READONLY: "it or its directory is read-only",
    sqlite3.SQLITE_CANTOPEN: "it or its directory cannot be opened or written",
    sqlite3.SQLITE_PERM: "permission denied",
    sqlite3.SQLITE_AUTH: "permission denied",
}


def append(path: Path, run: Run) -> bool:
    """Keep a run: all of it when this returns, nothing of it when it does not.

    Parameters
    ----------
    path
        Of the database; made where there is none.

    Returns
    -------
    bool
        False where this very run (operator, time and fingerprint) was there.

    Raises
    ------
    SourceError
        The file is not a history of this version, or damaged; it stays as it is.
    OutputError
        It cannot be written: full, read-only, or in use for longer than `PATIENCE`.
    """
    is_new = _is_new(path)
    with _connected(path, "rwc" if is_new else "rw", OutputError) as database:
        if not is_new:
            _check_pages(database, path)  # before the others wait: it takes half a second for a million rows
        database.execute("PRAGMA synchronous = EXTRA")
        database.execute("BEGIN IMMEDIATE")  # a transaction that turns to writing later cannot wait for its turn
        if is_new and not database.execute("SELECT 1 FROM sqlite_master").fetchone():
            # Whoever was first among several makes the tables; the others find them, once they have their turn.
            for statement in (*_SCHEMA.values(), f"PRAGMA application_id = {APPLICATION}"):
                database.execute(statement)
            database.execute(f"PRAGMA user_version = {VERSION}")
        _check_tables(database, path)
        head = run.time, run.operator, run.operator_name, run.fingerprint
        added = database.execute("INSERT INTO runs VALUES (NULL, ?, ?, ?, ?) ON CONFLICT DO NOTHING", head)
        if not added.rowcount:
            return False
        database.executemany(_INSERT_ACCOUNT, (row[:2] for row in run.rows))
        number = added.lastrowid
        database.executemany(_INSERT_SIZE, ((number, *row[2:], *row[:2]) for row in run.rows))
        database.execute("COMMIT")
        return True


def read(
    path: Path,
    *,
    operator: str | None = None,
    since: int | None = None,
    until: int | None = None,
    last: int | None = None,
) -> Iterator[Run]:
    """The runs that are kept, oldest first; those of the same second in the order they were appended.

    They come one by one, and the file can be appended to once all have come: fold them without waiting for anything.

    Parameters
    ----------
    path
        Of the database, which is only read.
    operator
        The key or the name of the one that is wanted.
    since, until
        The time of the first and of the last.
    last
        How many of each operator: its newest, of a file that `append` has just looked through for damage.

    Raises
    ------
    SourceError
        It is missing, not a history of this version, or damaged.
    """
    if _is_new(path):
        what = "holds no run yet" if path.exists() else "is not there"
        raise SourceError(f"history file `{path}` {what}", f"`permopt audit --history {path}` adds one")
    # Opened for writing as well, where that is possible: what a killed run left half written is rolled back then.
    with _connected(path, "rw", SourceError) as database:
        database.execute("PRAGMA query_only = ON")
        database.execute("BEGIN")
        _check_tables(database, path)
        if last is None:
            _check_pages(database, path)
        heads = database.execute("SELECT * FROM runs ORDER BY time DESC, id DESC").fetchall()
        wanted = []
        seen: Counter[str] = Counter()
        for number, time, key, name, fingerprint in heads:
            if operator not in (None, key, name):
                continue
            if (since is not None and time < since) or (until is not None and time > until):
                continue
            seen[key] += 1
            if last is None or seen[key] <= last:
                wanted.append((number, Run(time=time, operator=key, operator_name=name, fingerprint=fingerprint)))
        for number, run in reversed(wanted):
            yield replace(run, rows=tuple(map(Row._make, database.execute(_SELECT, (number,)))))


def _is_new(path: Path) -> bool:
    """Whether there is nothing yet: no file, an empty one, or the remains of a first run that was killed.

    Raises
    ------
    SourceError
        There is something, and it is not a history of this version.
    """
    try:
        if not path.exists():
            return True
        if not path.is_file():
            raise SourceError(f"`{path}` is no regular file", "name a file for the history")
        for _ in range(2):  # whoever makes it may be done between a look at the file and one at its journal
            header = _start_of(path)
            if not header or (not _is_ours(header) and _began_empty(path)):
                return True
    except OSError as error:
        reason = (error.strerror or str(error)).lower()
        raise SourceError(f"history file `{path}` cannot be read: {reason}") from None
    if not header.startswith(_MAGIC) or len(header) < _HEADER:
        raise SourceError(f"`{path}` is no history file", _KEPT)
    if not _is_ours(header):
        raise SourceError(f"`{path}` is a database of another program", _KEPT)
    version = int.from_bytes(header[60:64])
    if version != VERSION:
        raise SourceError(
            f"history file `{path}` is of version {version}, and this permopt knows version {VERSION}",
            "use the permopt that wrote it, or name another file; nothing in it was changed",
        )
    return False


def _place(path: Path) -> Path:
    """Where the file is: SQLite looks for its journal there, not beside a link."""
    return Path(os.path.realpath(path))


def _start_of(path: Path) -> bytes:
    with path.open("rb") as stream:
        return stream.read(_HEADER)


def _is_ours(header: bytes) -> bool:
    return header.startswith(_MAGIC) and int.from_bytes(header[68:72]) == APPLICATION


def _began_empty(path: Path) -> bool:
    """Whether a journal stands beside the file that takes it back to nothing: its first run was killed."""
    place = _place(path)
    try:
        journal = _start_of(place.with_name(f"{place.name}-journal"))
    except FileNotFoundError:
        return False
    return journal.startswith(_JOURNAL) and journal[16:20] == bytes(4)  # the pages that there were before


@contextmanager
def _connected(path: Path, mode: str, error_type: type[OptimizerError]) -> Iterator[sqlite3.Connection]:
    """The database, and whatever SQLite has to say about it in one line."""
    database = None
    try:
        database = sqlite3.connect(
            f"{_place(path).as_uri()}?mode={mode}", uri=True, timeout=PATIENCE, isolation_level=None
        )
        database.execute("PRAGMA trusted_schema = OFF")
        yield database
    except sqlite3.Error as error:
        raise _told(error, path, error_type) from None
    finally:
        if database is not None:
            database.close()  # what is not committed is rolled back


def _check_tables(database: sqlite3.Connection, path: Path) -> None:
    """Refuse tables, triggers and views that `append` did not make, before anything is asked of them."""
    tables = dict(database.execute("SELECT name, sql FROM sqlite_master WHERE sql IS NOT NULL").fetchall())
    if tables != _SCHEMA:
        raise SourceError(f"history file `{path}` does not hold the tables of a history", _KEPT)


def _check_pages(database: sqlite3.Connection, path: Path) -> None:
    """Refuse pages that are torn, and values that `append` would not write (the CHECKs of the tables)."""
    (verdict,) = database.execute("PRAGMA quick_check(1)").fetchone()
    if verdict != "ok":
        raise _damaged(path)


def _damaged(path: Path) -> SourceError:
    return SourceError(f"history file `{path}` is damaged", f"take it from a backup, or {_KEPT}")


def _told(error: sqlite3.Error, path: Path, error_type: type[OptimizerError]) -> OptimizerError:
    extended = getattr(error, "sqlite_errorcode", 0)
    code = extended & _PRIMARY
    if extended == sqlite3.SQLITE_READONLY_ROLLBACK:
        undone = f"history file `{path}` holds half a run that was killed, and it or its directory is read-only"
        return error_type(undone, "read it once where it can be written: that takes the half run out")
    if code in (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB):
        return _damaged(path)
    if code in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED):
        busy = f"history file `{path}` was in use by others for {PATIENCE:.0f} seconds"
        return error_type(busy, "run it again; a run that ends early leaves nothing half written")
    reason = _REASONS.get(code, str(error).lower())
    return error_type(f"history file `{path}` cannot be {_VERBS[error_type]}: {reason}", _HINTS.get(code, ""))
