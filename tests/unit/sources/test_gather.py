"""Archives as `nats audit gather` writes them, and as somebody hostile would. The real ones are in tests/oracle."""

import base64
import json
import stat
import struct
import tracemalloc
import zipfile

import pytest

from optimizer.errors import SourceError
from optimizer.sources import files, gather
from tests import signing
from tests.unit.sources.stores import NOW, read, reasons

OPERATOR = signing.operator("OP")
OPERATOR_TOKEN = signing.sign(signing.operator_claims(OPERATOR, "OP"), OPERATOR)
VARIABLES = "capture/clusters/east/s1/variables/0001.json"


def account_token(name, **more):
    return signing.sign(signing.account_claims(signing.account(name), name) | more, OPERATOR)


def info_path(name, server="east__s1"):
    return f"capture/accounts/{signing.account(name)}/servers/{server}/account_info/0001.json"


def answer(**data):
    return json.dumps({"server": {"name": "s1"}, "data": data}, indent=2)


def account_info(name, **more):
    return answer(account_name=str(signing.account(name)), jwt=account_token(name), **more)


def claims_of(token):
    return json.loads(base64.urlsafe_b64decode(token.split(".")[1] + "=="))


def gathered(path, *entries, compression=zipfile.ZIP_DEFLATED):
    """An archive with the manifest and log that each has, and these files."""
    with zipfile.ZipFile(path, "w", compression) as archive:
        archive.writestr("capture/misc/manifest.json", "{}")
        archive.writestr("capture/misc/audit_gather_log.log", "log")
        for name, content in entries:
            archive.writestr(name, content)
    return path


@pytest.fixture
def archive(tmp_path):
    return gathered(
        tmp_path / "gather.zip",
        (VARIABLES, answer(trusted_operators_jwt=[OPERATOR_TOKEN])),
        (info_path("A"), account_info("A")),
        (info_path("B"), account_info("B")),
        ("capture/accounts/$G/servers/east__s1/account_info/0001.json", answer(account_name="$G")),
    )


@pytest.mark.parametrize("kind", ["", "gather:"])
def test_the_tokens_of_accounts_and_operator_are_read_and_checked(archive, kind):
    hierarchy = read(f"{kind}{archive}")
    assert hierarchy.operator.claims.name == "OP"
    assert {account.claims.name for account in hierarchy.accounts.values()} == {"A", "B"}
    assert all(account.issues == () for account in hierarchy.accounts.values())
    assert hierarchy.skipped == ()
    assert hierarchy.store == f"gather:{archive}"
    assert hierarchy.accounts[signing.account("A").public].origin == info_path("A")


def test_an_archive_says_that_it_holds_no_users_and_not_every_account(archive):
    hierarchy = read(archive)
    assert not hierarchy.has_users
    assert any("no users" in sentence for sentence in hierarchy.unknowable)
    assert any("loaded" in sentence for sentence in hierarchy.unknowable)


def test_an_account_that_several_servers_know_alike_is_there_once(tmp_path):
    servers = [(info_path("A", f"east__s{number}"), account_info("A")) for number in range(3)]
    hierarchy = read(gathered(tmp_path / "z", *servers))
    assert len(hierarchy.accounts) == 1
    assert hierarchy.skipped == ()


def test_of_servers_that_differ_the_newest_token_is_read_and_the_other_named(tmp_path):
    newer = answer(account_name=str(signing.account("A")), jwt=account_token("A", iat=NOW))
    path = gathered(
        tmp_path / "z", (info_path("A", "east__s1"), account_info("A")), (info_path("A", "east__s2"), newer)
    )
    hierarchy = read(path)
    assert hierarchy.accounts[signing.account("A").public].claims.iat == NOW
    assert "which is newer" in reasons(hierarchy)[info_path("A", "east__s1")]


def test_claims_without_a_token_are_read_unsigned(tmp_path):
    said = answer(account_name=str(signing.account("A")), decoded_jwt=claims_of(account_token("A")))
    operator = answer(trusted_operators_claim=[claims_of(OPERATOR_TOKEN)])
    hierarchy = read(gathered(tmp_path / "z", (VARIABLES, operator), (info_path("A"), said)))
    (account,) = hierarchy.accounts.values()
    assert "unsigned" in {issue.code for issue in account.issues}
    assert account.token.size == len(account_token("A"))
    assert hierarchy.operator.claims.name == "OP"


def test_a_token_under_another_accounts_name_is_read_with_an_issue(tmp_path):
    said = answer(account_name=str(signing.account("B")), jwt=account_token("A"))
    (account,) = read(gathered(tmp_path / "z", (info_path("B"), said))).accounts.values()
    assert [issue.code for issue in account.issues] == ["misfiled"]


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        ("", "is no JSON"),
        ("{", "is no JSON"),
        ("[" * 100_000, "is no JSON"),
        (answer(account_name="A", jwt="hello"), "is no token a server would read"),
        (answer(account_name="A", jwt=OPERATOR_TOKEN), "holds an operator token where an account token belongs"),
    ],
)
def test_what_is_no_answer_is_named_and_the_rest_read(tmp_path, content, reason):
    bad = "capture/accounts/bad/servers/east__s1/account_info/0001.json"
    hierarchy = read(gathered(tmp_path / "z", (bad, content), (info_path("A"), account_info("A"))))
    assert reason in reasons(hierarchy)[bad]
    assert len(hierarchy.accounts) == 1


@pytest.mark.parametrize("content", ["null", "[]", "1", '{"data": 1}', '{"data": {}}', '{"error": {"code": 503}}'])
def test_an_answer_that_says_nothing_is_no_account(tmp_path, content):
    empty = "capture/accounts/empty/servers/east__s1/account_info/0001.json"
    hierarchy = read(gathered(tmp_path / "z", (empty, content), (info_path("A"), account_info("A"))))
    assert len(hierarchy.accounts) == 1
    assert hierarchy.skipped == ()


def refused(path):
    with pytest.raises(SourceError) as caught:
        read(path)
    return f"{caught.value.message}; {caught.value.hint}"


def test_a_zip_of_something_else_is_one_error(tmp_path):
    with zipfile.ZipFile(tmp_path / "z", "w") as made:
        made.writestr("a.jwt", account_token("A"))
    assert "is a zip archive, but not of `nats audit gather`" in refused(tmp_path / "z")


def test_an_empty_zip_and_one_without_tokens_are_one_error(tmp_path):
    zipfile.ZipFile(tmp_path / "z", "w").close()
    assert "not of `nats audit gather`" in refused(tmp_path / "z")
    assert "holds no token" in refused(gathered(tmp_path / "y"))


@pytest.mark.parametrize("kept", [4, 30, 500, -1, -22, -23, -60])
def test_an_archive_cut_off_anywhere_is_one_error(archive, kept):
    archive.write_bytes(archive.read_bytes()[:kept])
    assert "is no whole zip archive; gather it again, or copy it again whole" in refused(f"gather:{archive}")


@pytest.mark.parametrize("content", [b"", b"hello", b"PK\x05\x06", b"PK\x03\x04" + b"\0" * 100])
def test_what_is_no_archive_and_is_called_one_is_one_error(tmp_path, content):
    (tmp_path / "z").write_bytes(content)
    assert "is no whole zip archive" in refused(f"gather:{tmp_path / 'z'}")


def test_an_encrypted_archive_is_one_error(archive):
    """The bit that says so is set in both headers of every file, as zip tools set it."""
    data = bytearray(archive.read_bytes())
    for mark, at in ((b"PK\x01\x02", 8), (b"PK\x03\x04", 6)):
        found = data.find(mark)
        while found >= 0:
            data[found + at] |= 1
            found = data.find(mark, found + 1)
    archive.write_bytes(data)
    assert "is encrypted" in refused(archive)


def test_a_damaged_file_in_an_archive_is_named_and_the_rest_read(archive):
    data = archive.read_bytes()
    at = data.find(info_path("A").encode()) + len(info_path("A"))
    archive.write_bytes(data[: at + 20] + b"\xff" * 20 + data[at + 40 :])
    hierarchy = read(archive)
    assert reasons(hierarchy) == {info_path("A"): "is damaged inside the archive; gather it again"}
    assert [account.claims.name for account in hierarchy.accounts.values()] == ["B"]


@pytest.mark.parametrize("method", [zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_only_what_gather_packs_with_is_unpacked(tmp_path, method):
    path = gathered(tmp_path / "z", (info_path("A"), account_info("A")), compression=method)
    assert "packed in a way that `nats audit gather` never uses" in refused(path)


def test_a_file_that_unpacks_to_more_than_its_share_is_named(tmp_path, monkeypatch):
    monkeypatch.setattr(files, "LIMIT", 50_000)
    bomb = "capture/accounts/bomb/servers/east__s1/account_info/0001.json"
    path = gathered(tmp_path / "z", (bomb, " " * 50_001), (info_path("A"), account_info("A")))
    hierarchy = read(path)
    assert "has more than 64 MB unpacked" in reasons(hierarchy)[bomb]
    assert len(hierarchy.accounts) == 1


def test_of_a_bomb_no_more_is_unpacked_than_the_limit(tmp_path, monkeypatch):
    monkeypatch.setattr(files, "LIMIT", 50_000)
    bomb = "capture/accounts/bomb/servers/east__s1/account_info/0001.json"
    path = gathered(tmp_path / "z", (bomb, " " * 30_000_000), (info_path("A"), account_info("A")))
    tracemalloc.start()
    try:
        assert bomb in reasons(read(path))
        assert tracemalloc.get_traced_memory()[1] < 5_000_000
    finally:
        tracemalloc.stop()


def test_all_files_of_an_archive_together_are_limited(tmp_path, monkeypatch):
    monkeypatch.setattr(gather, "MOST_BYTES", 50_000)
    parts = [(f"capture/accounts/{at}/servers/east__s1/account_info/0001.json", " " * 40_000) for at in range(3)]
    found = reasons(read(gathered(tmp_path / "z", *parts, (info_path("A", "a"), account_info("A")))))
    assert ["is beyond the 50,000 bytes" in found[name] for name, _ in parts] == [False, True, True]


def test_the_size_in_a_header_is_not_believed(tmp_path, monkeypatch):
    monkeypatch.setattr(files, "LIMIT", 50_000)
    bomb = "capture/accounts/bomb/servers/east__s1/account_info/0001.json"
    path = gathered(tmp_path / "z", (bomb, " " * 1_000_000), (info_path("A"), account_info("A")))
    path.write_bytes(path.read_bytes().replace(struct.pack("<L", 1_000_000), struct.pack("<L", 10)))
    assert bomb in reasons(read(path))


def test_a_list_of_files_too_long_to_hold_is_one_error(archive, monkeypatch):
    monkeypatch.setattr(files, "LIMIT", 100)
    assert "lists more files than 64 MB have room for" in refused(archive)


def test_an_archive_of_more_files_than_16_bits_count_is_read(tmp_path):
    """From 65,535 files on Go and Python write the end of the archive in another form (zip64)."""
    path = tmp_path / "z"
    with zipfile.ZipFile(path, "w") as made:
        made.writestr(info_path("A"), account_info("A"))
        for number in range(65_535):
            made.writestr(f"capture/x/{number}", b"")
    data = bytearray(path.read_bytes())
    at = data.rfind(b"PK\x05\x06")
    assert data[at + 8 : at + 12] == b"\xff" * 4
    data[at + 12 : at + 20] = b"\xff" * 8  # as Go writes it: `zip64 values should be used`
    path.write_bytes(data)
    assert len(read(path).accounts) == 1


@pytest.mark.parametrize("name", ["../../{}", "/{}", "capture/../../{}", "capture/accounts/../../../../{}"])
def test_names_in_an_archive_never_reach_the_disk(tmp_path, name):
    inside = name.format("escaped/account_info/0001.json")
    inner = tmp_path / "deep" / "er"
    inner.mkdir(parents=True)
    path = gathered(inner / "z", (inside, account_info("B")), (info_path("A"), account_info("A")))
    before = sorted(tmp_path.rglob("*"))
    assert signing.account("A").public in read(path).accounts
    assert sorted(tmp_path.rglob("*")) == before


def test_a_link_in_an_archive_leads_nowhere(tmp_path):
    link = zipfile.ZipInfo("capture/accounts/link/servers/east__s1/account_info/0001.json")
    link.external_attr = (stat.S_IFLNK | 0o777) << 16
    path = gathered(tmp_path / "z", (link, str(tmp_path / "target")), (info_path("A"), account_info("A")))
    (tmp_path / "target").write_text(account_info("B"))
    hierarchy = read(path)
    assert [account.claims.name for account in hierarchy.accounts.values()] == ["A"]
    assert reasons(hierarchy) == {link.filename: "is no JSON; gather it again"}


def test_a_gzip_archive_is_one_error(tmp_path):
    (tmp_path / "gather.tgz").write_bytes(b"\x1f\x8bgzip")
    assert "is compressed with gzip; unpack it" in refused(tmp_path / "gather.tgz")


def test_a_directory_is_no_archive(tmp_path):
    assert "`gather:` takes a file" in refused(f"gather:{tmp_path}")


def test_nothing_is_left_open(archive, recwarn):
    read(archive)
    refused_anyway = gathered(archive.parent / "y")
    assert "holds no token" in refused(refused_anyway)
    assert not [warning for warning in recwarn if issubclass(warning.category, ResourceWarning)]
