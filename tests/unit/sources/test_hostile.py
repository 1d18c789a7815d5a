"""Whatever lies in a source: one clear line each, the rest still read, and never a traceback or a wait."""

import gc
import os
import socket
import stat

import pytest

from optimizer.errors import SourceError
from optimizer.sources import files
from optimizer.text import printable
from tests import signing
from tests.unit.sources.stores import read, reasons


def only(store, path: str = "accounts/A/users/bad.jwt") -> str:
    """The one reason for which one file was left out, all others being read."""
    hierarchy = store.read()
    found = reasons(hierarchy)
    assert set(found) == {path}
    assert len(hierarchy.accounts) == 2
    assert len(hierarchy.users) == 3
    assert printable(found[path]) == found[path]
    return found[path]


def token_of(store) -> str:
    return (store.path / "accounts/A/users/one.jwt").read_text()


def resigned(payload: bytes, **options) -> str:
    return signing.sign_bytes(payload, signing.account("A"), **options)


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "is empty"),
        (b" \r\n\t", "is empty"),
        (b"hello world", "holds no token"),
        (b"eyJ", "three segments"),
        (b"eyJ0eXAiOiJKV1QiLCJhbGciOiJlZDI1NTE5LW5rZXkifQ.e30", "three segments"),
        (b"eyJ!!!.e30.AAAA", "signature"),
        (b"\xff\xfee\x00y\x00J\x00", "is UTF-16 text; save it as UTF-8"),
        (b"\xfe\xff\x00e\x00y\x00J", "is UTF-16 text; save it as UTF-8"),
        (b"e\x00y\x00J\x00", "is UTF-16 text or no text at all"),
        (bytes(range(256)), "is UTF-16 text or no text at all"),
        (b"\xc3\x28\xa0\xa1", "holds no token"),
        (b"-" * 100_000, "holds no token"),
        (b"-----BEGIN NATS USER JWT-----\n------END NATS USER JWT------", "holds no token"),
    ],
)
def test_what_is_no_token_is_skipped_with_its_reason(store, content, reason):
    store.write("accounts/A/users/bad.jwt", content)
    assert reason in only(store)


@pytest.mark.parametrize("length", [1, 3, 46, 47, 60, 200, -87, -86, -50, -1])
def test_a_token_cut_anywhere_is_skipped(store, length):
    store.write("accounts/A/users/bad.jwt", token_of(store)[:length])
    assert "holds no token" in only(store) or "is no token a server would read" in only(store)


@pytest.mark.parametrize("header", [{"typ": "JWT", "alg": "none"}, {"typ": "JWT", "alg": "HS256"}, {}, {"typ": "x"}])
def test_a_header_no_server_takes_is_skipped(store, header):
    payload = signing.go_json(signing.user_claims(signing.user("bad")))
    store.write("accounts/A/users/bad.jwt", resigned(payload, header=header))
    assert "header" in only(store)


@pytest.mark.parametrize(
    "payload",
    [
        b'{"nats":' * 10_000 + b"{}" + b"}" * 10_000,
        b"[" * 100_000,
        b'{"a":' * 10_000,
        b"null",
        b"{",
        b'{"sub":1}',
        b'{"iat":' + b"9" * 10_000 + b"}",
        b"\xff\xfe",
    ],
)
def test_a_payload_no_server_takes_is_skipped(store, payload):
    store.write("accounts/A/users/bad.jwt", resigned(payload))
    assert "is no token a server would read" in only(store)


def test_a_wrong_signature_is_an_issue_and_the_token_is_read(store):
    other = resigned(b"{}").rpartition(".")[2]
    store.write("accounts/A/users/one.jwt", token_of(store).rpartition(".")[0] + "." + other)
    hierarchy = store.read()
    user = hierarchy.users[signing.user("one").public, signing.account("A").public]
    assert [issue.code for issue in user.issues] == ["bad-signature"]
    assert hierarchy.skipped == ()


def test_a_foreign_issuer_is_an_issue_and_the_token_is_read(store):
    pair = signing.account("A")
    foreign = signing.sign(signing.account_claims(pair, "A"), signing.operator("stranger"))
    store.write("accounts/A/A.jwt", foreign)
    hierarchy = store.read()
    assert [issue.code for issue in hierarchy.accounts[pair.public].issues] == ["foreign-issuer"]


def test_a_token_above_one_mebibyte_is_read_with_an_issue(store):
    pair = signing.user("fat")
    claims = signing.user_claims(pair, None, "fat", tags=["x" * 1_000_000])
    store.write("accounts/A/users/fat.jwt", signing.sign(claims, signing.account("A")))
    user = store.read().users[pair.public, signing.account("A").public]
    assert user.token.size > 1024 * 1024
    assert [issue.code for issue in user.issues] == ["refused"]


def test_a_file_of_100_mb_is_refused_unread(store):
    file = store.write("accounts/A/users/bad.jwt", b"")
    os.truncate(file, 100_000_000)
    assert only(store) == "has 100,000,000 bytes, and nothing above 64 MB is read; split it, or name the file you mean"


def test_a_file_that_grows_past_the_limit_is_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(files, "LIMIT", 10)
    (tmp_path / "f").write_bytes(b"x" * 11)
    handle = os.open(tmp_path / "f", os.O_RDONLY)
    with pytest.raises(SourceError, match="more than 10 bytes"):
        files._read_all(handle, 0)  # as of a file that says it is empty
    os.close(handle)


@pytest.mark.parametrize(
    ("make", "reason"),
    [
        (os.mkfifo, "is a named pipe, not a file"),
        (os.mkdir, "is a directory, not a file"),
        (lambda path: os.symlink(path.name, path), "is a symbolic link that leads back to itself"),
        (lambda path: os.symlink("nothing.jwt", path), "is a symbolic link to nothing"),
        (lambda path: os.symlink("/dev/zero", path), "is a symbolic link that leaves the source"),
        (lambda path: os.symlink("/etc/passwd", path), "is a symbolic link that leaves the source"),
        (lambda path: os.symlink("../..", path), "is a directory, not a file"),
    ],
)
def test_what_is_no_plain_file_is_never_opened(store, make, reason):
    make(store.path / "accounts/A/users/bad.jwt")
    assert reason in only(store)


def test_a_socket_is_never_opened(store, monkeypatch):
    monkeypatch.chdir(store.path / "accounts/A/users")  # the path of a socket has 108 bytes at most
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind("bad.jwt")
        assert "is a socket, not a file" in only(store)


@pytest.mark.parametrize("source", ["/dev/zero", "/dev/tty", "file:/dev/null"])
def test_a_device_is_refused_by_name(source):
    with pytest.raises(SourceError, match="is a device, not a file"):
        read(source)


def test_a_pipe_as_source_is_refused_by_name(tmp_path):
    os.mkfifo(tmp_path / "pipe.jwt")
    with pytest.raises(SourceError, match=r"pipe\.jwt` is a named pipe"):
        read(tmp_path / "pipe.jwt")


def test_a_link_that_stays_inside_is_read(store):
    os.rename(store.path / "accounts/A/users/one.jwt", store.path / "one.token")
    os.symlink("../../../one.token", store.path / "accounts/A/users/one.jwt")
    hierarchy = store.read()
    assert hierarchy.skipped == ()
    assert len(hierarchy.users) == 3


def test_linked_account_directories_are_named_and_not_followed(store):
    os.symlink("..", store.path / "accounts/loop")
    os.symlink("/", store.path / "accounts/world")
    os.symlink("gone", store.path / "accounts/gone")
    assert set(reasons(store.read())) == {"accounts/loop", "accounts/world"}


def test_a_linked_users_directory_is_named_and_not_followed(store, tmp_path):
    os.rename(store.path / "accounts/B/users", tmp_path / "elsewhere")
    os.symlink(tmp_path / "elsewhere", store.path / "accounts/B/users")
    hierarchy = store.read()
    assert set(reasons(hierarchy)) == {"accounts/B/users"}
    assert len(hierarchy.users) == 2


def test_a_file_that_vanishes_is_named_and_the_rest_read(store, monkeypatch):
    listed = files.entries

    def and_then_gone(directory):
        found = listed(directory)
        if directory.endswith("A/users"):
            os.unlink(f"{directory}/bad.jwt")
        return found

    store.write("accounts/A/users/bad.jwt", token_of(store))
    monkeypatch.setattr(files, "entries", and_then_gone)
    hierarchy = store.read()
    assert "vanished while it was read" in reasons(hierarchy)["accounts/A/users/bad.jwt"]
    assert len(hierarchy.users) == 3


def as_pipe(path):
    os.mkfifo(path)


def as_link_out(path):
    os.symlink("/etc/hostname", path)


def as_directory(path):
    os.mkdir(path)


@pytest.mark.parametrize(
    ("swapped", "reason"),
    [
        (as_pipe, "is a named pipe, not a file"),
        (as_link_out, "is a symbolic link that leaves the source"),
        (as_directory, "is a directory, not a file"),
    ],
)
def test_what_took_the_place_of_a_listed_file_is_named_and_not_read(store, monkeypatch, swapped, reason):
    listed = files.entries

    def and_then_swapped(directory):
        found = listed(directory)
        if directory.endswith("A/users"):
            os.unlink(f"{directory}/bad.jwt")
            swapped(f"{directory}/bad.jwt")
        return found

    store.write("accounts/A/users/bad.jwt", token_of(store))
    monkeypatch.setattr(files, "entries", and_then_swapped)
    hierarchy = store.read()
    assert reason in reasons(hierarchy)["accounts/A/users/bad.jwt"]
    assert len(hierarchy.users) == 3


def test_a_directory_that_vanishes_is_named_and_the_rest_read(store, monkeypatch):
    listed = files.entries

    def and_then_gone(directory):
        found = listed(directory)
        if directory.endswith("/accounts"):
            os.rename(f"{directory}/B", store.root / "away")
        return found

    monkeypatch.setattr(files, "entries", and_then_gone)
    hierarchy = store.read()
    assert "vanished while it was read" in reasons(hierarchy)["accounts/B"]
    assert len(hierarchy.accounts) == 1


@pytest.mark.parametrize("path", ["accounts/A/users/bad.jwt", "accounts/B", "accounts/B/users"])
def test_what_this_user_may_not_read_is_named(store, path, monkeypatch):
    """The kernel's answer is played where the tests run as root, whom nothing is denied."""
    if path.endswith(".jwt"):
        store.write(path, token_of(store))
    os.chmod(store.path / path, 0)
    if os.geteuid() == 0:
        for name in ("open", "scandir"):
            monkeypatch.setattr(os, name, denied(getattr(os, name), str(store.path / path)))
    hierarchy = store.read()
    os.chmod(store.path / path, stat.S_IRWXU)
    assert reasons(hierarchy) == {path: "is not readable by this user; ask for read permission"}


def denied(call, path):
    def checked(target, *args, **kwargs):
        if target == path:
            raise PermissionError(13, "Permission denied")
        return call(target, *args, **kwargs)

    return checked


@pytest.mark.parametrize(
    "name", [b"bad\xff\xfe", b"bad\x1b[2J", b"bad\n", "bad\u202e".encode(), b"$(touch x)", b"-rf", b"'\"`", b"b" * 200]
)
def test_any_file_name_is_read_and_kept_as_it_is(store, name):
    pair = signing.user("odd")
    token = signing.sign(signing.user_claims(pair, None, "odd"), signing.account("A"))
    file = os.path.join(os.fsencode(store.path), b"accounts/A/users", name + b".jwt")
    with open(file, "wb") as handle:
        handle.write(token.encode())
    user = store.read().users[pair.public, signing.account("A").public]
    assert os.fsencode(user.origin) == b"accounts/A/users/" + name + b".jwt"
    assert os.fsencode(user.store_name) == name


def test_a_seed_in_place_of_a_token_is_not_repeated(store):
    seed = signing.user("one").seed.decode()
    store.write("accounts/A/users/bad.jwt", seed)
    assert only(store) == (
        "holds a seed and no token; nothing of it was kept; name the .jwt or .creds file, and keep seeds apart"
    )
    for content in (f"{seed}.{seed}.{seed}", f"eyJ.{seed}.x", f"ey{seed}"):
        store.write("accounts/A/users/bad.jwt", content)
        assert seed not in repr(store.read())


@pytest.mark.parametrize(
    "wrap",
    [
        "{}\n",
        "\ufeff{}",
        "\r\n{}\r\n",
        "  {}  ",
        '"{}"',
        "'{}'",
        "`{}`,",
        "-----BEGIN NATS USER JWT-----\n{}\n------END NATS USER JWT------\n",
        "\ufeff-----BEGIN NATS USER JWT-----\r\n{}\r\n------END NATS USER JWT------\r\n",
        "---BEGIN X---\n{}\n---END X---",
    ],
)
def test_wrapping_is_read_through(store, wrap):
    plain = store.read()
    store.write("accounts/A/users/one.jwt", wrap.format(token_of(store)))
    assert store.read() == plain


def test_garbage_is_collected_again_whatever_happened(store):
    store.read()
    assert gc.isenabled()
    with pytest.raises(SourceError):
        read("nowhere")
    assert gc.isenabled()


@pytest.mark.parametrize("source", ["nats://localhost", "TLS://x", "wss://x", "https://x", "live:x"])
def test_a_live_system_is_not_supported_yet(source):
    with pytest.raises(SourceError, match="not supported yet"):
        read(source)


@pytest.mark.parametrize("source", ["nowhere", "x/y\0z", "n" * 5_000, "foo:bar", "nsc:nowhere", "/etc/passwd/x"])
def test_a_source_that_is_not_there_is_one_error(source):
    with pytest.raises(SourceError) as caught:
        read(source)
    assert caught.value.hint
