"""Files of known subjects: a subject is kept once, what is none is counted, and nothing is silently left out."""

import io
import os
import tracemalloc

import pytest

from optimizer.errors import SourceError
from optimizer.sources import known
from optimizer.sources.known import Kind, KnownFile, known_subjects
from optimizer.text import printable


@pytest.fixture
def read(tmp_path):
    def reading(content: bytes) -> KnownFile:
        path = tmp_path / "known.txt"
        path.write_bytes(content)
        return known_subjects(str(path))

    return reading


def refused(path, **options) -> str:
    with pytest.raises(SourceError) as caught:
        known_subjects(str(path), **options)
    assert caught.value.hint
    return f"{caught.value.message}; {caught.value.hint}"


def passed(found) -> dict:
    return {one.kind: (one.count, one.first_line) for one in found.passed_over}


def test_subjects_come_once_each_in_the_order_of_their_bytes(read):
    found = read(b"b.c\na\nb.c\n\xc3\xa4.b\nB\n")
    assert found == KnownFile(subjects=("B", "a", "b.c", "ä.b"), lines=5)


@pytest.mark.parametrize(
    "content",
    [
        b"a.b\nc\n",
        b"a.b\nc",
        b"a.b\r\nc\r\n",
        b"a.b\r\nc\r",
        b"\xef\xbb\xbfa.b\nc\n",
        b" a.b\t\n\tc \n",
        b"c\na.b\na.b\r\n",
    ],
)
def test_line_ends_blanks_around_and_a_byte_order_mark_are_read_through(read, content):
    found = read(content)
    assert found.subjects == ("a.b", "c")
    assert not found.passed_over


@pytest.mark.parametrize(
    ("line", "kind"),
    [
        (b"", Kind.BLANK),
        (b" \t", Kind.BLANK),
        (b"# orders", Kind.COMMENT),
        (b"#", Kind.COMMENT),
        (b"a.*", Kind.WILDCARD),
        (b">", Kind.WILDCARD),
        (b"a.>.b", Kind.WILDCARD),
        (b"a..b", Kind.EMPTY_TOKEN),
        (b".a", Kind.EMPTY_TOKEN),
        (b"a.", Kind.EMPTY_TOKEN),
        (b".", Kind.EMPTY_TOKEN),
        (b"a b", Kind.SPACE),
        (b"a\tb", Kind.SPACE),
        (b"a\rb", Kind.SPACE),
        (b"a\x1b[31m", Kind.SPACE),
        (b"a\x7f", Kind.SPACE),
        (b"a.\x00b", Kind.SPACE),
        ("a\u00a0b".encode(), Kind.SPACE),
        ("a\u0085b".encode(), Kind.SPACE),
        ("a\u2028b".encode(), Kind.SPACE),
        (b"a.\xff", Kind.NOT_UTF8),
        (b"a.\xed\xa0\x80", Kind.NOT_UTF8),
        (b"a" * 4097, Kind.TOO_LONG),
        (b"a." * 40_000, Kind.TOO_LONG),
    ],
)
def test_what_is_no_literal_subject_is_passed_over_by_its_kind(read, line, kind):
    found = read(b"a.b\n" * 3000 + line + b"\nc.d\n" + line + b"\n")
    assert found.subjects == ("a.b", "c.d")
    assert passed(found) == {kind: (2, 3001)}
    assert len(found.warnings) == (kind not in (Kind.BLANK, Kind.COMMENT))


@pytest.mark.parametrize(
    "line", [b"a*", b"*a.b", b"a>", b">>.**", b"a.#", b"$SYS.x", b"_INBOX.Q", b"--flag", b"a" * 4096, b"a.'b\"`$(x)"]
)
def test_odd_literals_are_subjects(read, line):
    assert read(line + b"\n").subjects == (line.decode(),)


def test_each_kind_of_line_gives_one_warning_with_its_count_and_first_line(read):
    found = read(b"a\nb.*\nc..d\nb.*\n\n# x\ne.>\nf g\n")
    assert found.warnings == (
        "3 lines hold a wildcard; the first is line 2: `b.*`",
        "1 line holds an empty token; it is line 3: `c..d`",
        "1 line holds white space or a control character inside; it is line 8: `f g`",
    )


def test_hostile_text_in_a_warning_is_escaped_cut_and_free_of_seeds(read):
    seed = "SU" + "A" * 56
    found = read(f"ok\na.\x1b]0;own\x07\n{seed}.*\n".encode() + b"z" * 5000 + b"\n\xff\x1b[2J\n")
    assert [printable(line) for line in found.warnings] == list(found.warnings)
    assert "\\x1b]0;own\\x07" in "".join(found.warnings)
    assert seed not in f"{found}{found.warnings}"
    assert max(map(len, found.warnings)) < 200


def test_numbers_are_right_across_the_pieces_a_file_is_read_in(read, monkeypatch):
    content = b"".join(b"%s.%d\r\n" % (b"*" if number % 7 == 3 else b"a", number % 100) for number in range(1, 5000))
    whole = read(content)
    assert whole.lines == 4999
    assert passed(whole) == {Kind.WILDCARD: (714, 3)}
    for size in (1, 7, 64, 1000):
        monkeypatch.setattr(known, "_CHUNK", size)
        assert read(content) == whole


def test_more_subjects_than_can_be_kept_are_an_error_and_no_sample(read, monkeypatch):
    monkeypatch.setattr(known, "MOST", 10)
    assert len(read(b"".join(b"a.%d\n" % (number % 10) for number in range(100))).subjects) == 10
    read_eleven = b"".join(b"a.%d\n" % number for number in range(11))
    with pytest.raises(SourceError, match="holds more than 10 different subjects"):
        read(read_eleven)


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "is empty; give one literal subject a line"),
        (b"\n\n# only this\n", "holds no literal subject; give one a line: 2 lines hold nothing"),
        (
            b"a.*\nb.>\n",
            "holds no literal subject; give one a line: 2 lines hold a wildcard; the first is line 1: `a.*`",
        ),
        ("a.b\n".encode("utf-16"), "is UTF-16 text; save it as UTF-8"),
        ("a.b\n".encode("utf-16-le"), "is UTF-16 text or no text at all"),
        (bytes(range(256)), "is UTF-16 text or no text at all"),
        (b"a" * (5 << 20), "holds a line that never seems to end; give one subject a line"),
    ],
)
def test_a_file_without_any_subject_is_refused_with_its_reason(tmp_path, content, reason):
    path = tmp_path / "known.txt"
    path.write_bytes(content)
    assert f"`{path}` {reason}" in refused(path)


def test_what_is_no_readable_file_is_refused_with_its_reason(tmp_path, monkeypatch):
    assert "does not exist; check the path" in refused(tmp_path / "none.txt")
    assert "is a directory, not a file" in refused(tmp_path)
    os.mkfifo(tmp_path / "pipe")
    assert "is a named pipe, not a file" in refused(tmp_path / "pipe")
    assert "is a device, not a file" in refused("/dev/zero")
    (tmp_path / "loop").symlink_to(tmp_path / "loop")
    assert "leads back to itself" in refused(tmp_path / "loop")
    assert "is an empty path" in refused("")
    assert "holds a NUL character" in refused(f"{tmp_path}\0")

    def forbidden(*_, **__):
        raise PermissionError(13, "Permission denied")

    (tmp_path / "closed").write_bytes(b"a\n")
    monkeypatch.setattr(os, "open", forbidden)
    assert "is not readable by this user" in refused(tmp_path / "closed")


def test_standard_input_is_read_where_the_path_is_a_dash():
    assert known_subjects("-", io.BytesIO(b"a.b\n")).subjects == ("a.b",)
    assert refused("-", stdin=io.BytesIO(b"")).startswith("standard input is empty")


def test_a_long_file_of_few_subjects_takes_no_more_memory_than_a_piece_of_it(tmp_path):
    path = tmp_path / "known.txt"
    path.write_bytes(b"".join(b"orders.%d.created\n" % (number % 1000) for number in range(1_000_000)))
    tracemalloc.start()
    try:
        found = known_subjects(str(path))
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert len(found.subjects) == 1000
    assert path.stat().st_size > 18_000_000
    assert peak < 40_000_000
