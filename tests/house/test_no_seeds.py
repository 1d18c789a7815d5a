"""No private key in the repository, not even inside an encoded token."""

from __future__ import annotations

import base64
import binascii
import os
import re
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
SEED = re.compile(rb"(?<![A-Z2-7])S[OAUNCX][A-Z2-7]{56}(?![A-Z2-7])")
ARMOUR = re.compile(rb"BEGIN [A-Z ]*SEED-+[^A-Z]*S[OAUNCX][A-Z2-7]{20}")
ENCODED = re.compile(rb"(?:eyJ|ewog|eyAi)[A-Za-z0-9_-]{40,}")

SEED_PREFIX = 18 << 3
PREFIXES = {"O": 14 << 3, "A": 0, "U": 20 << 3, "N": 13 << 3, "C": 2 << 3, "X": 23 << 3}


def seeds_in(content: bytes) -> list[bytes]:
    """Every seed with a right checksum, every armoured seed even with a wrong one, inside tokens too."""
    found = [match for match in SEED.findall(content) if _checksum_holds(match)]
    found += ARMOUR.findall(content)
    for segment in ENCODED.findall(content):
        decoded = base64.urlsafe_b64decode(segment + b"=" * (-len(segment) % 4)) if len(segment) % 4 != 1 else b""
        found += [match for match in SEED.findall(decoded) if _checksum_holds(match)]
    return found


def _checksum_holds(text: bytes) -> bool:
    raw = base64.b32decode(text + b"=" * (-len(text) % 8))
    return raw[0] & 0xF8 == SEED_PREFIX and binascii.crc_hqx(raw[:-2], 0) == int.from_bytes(raw[-2:], "little")


def files_of_the_repository() -> list[Path]:
    """Tracked files, and those that the next commit could take."""
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        capture_output=True,
        check=True,
    ).stdout
    return [path for name in listed.split(b"\0") if name and (path := ROOT / os.fsdecode(name)).is_file()]


def made_up_seed(letter: str) -> bytes:
    prefix = PREFIXES[letter]
    raw = bytes([SEED_PREFIX | prefix >> 5, (prefix & 31) << 3]) + os.urandom(32)
    return base64.b32encode(raw + binascii.crc_hqx(raw, 0).to_bytes(2, "little")).rstrip(b"=")


def test_no_file_of_the_repository_holds_a_seed():
    files = files_of_the_repository()
    assert len(files) > 100
    assert {str(path): len(found) for path in files if (found := seeds_in(path.read_bytes()))} == {}


def test_no_key_file_and_no_creds_file_is_committed():
    assert [str(path) for path in files_of_the_repository() if path.suffix in {".nk", ".creds"}] == []


@pytest.mark.parametrize("letter", PREFIXES)
def test_a_planted_seed_is_found(letter):
    seed = made_up_seed(letter)
    assert seed.startswith(b"S" + letter.encode())
    assert seeds_in(b'key = "' + seed + b'"\n') == [seed]


def test_a_seed_planted_inside_a_token_is_found():
    seed = made_up_seed("U")
    payload = base64.urlsafe_b64encode(b'{"name":"' + seed + b'","nats":{"type":"user"}}').rstrip(b"=")
    assert seeds_in(b"eyJ0eXAiOiJKV1QifQ." + payload + b".signature") == [seed]


def test_an_armoured_seed_is_found_even_when_its_checksum_is_wrong():
    armoured = b"-----BEGIN USER NKEY SEED-----\n" + made_up_seed("U")[:-2] + b"AA\n------END USER NKEY SEED------"
    assert len(seeds_in(armoured)) == 1


def test_base32_text_with_a_wrong_checksum_is_no_seed():
    seed = made_up_seed("A")
    altered = seed[:20] + (b"A" if seed[20:21] != b"A" else b"B") + seed[21:]
    assert seeds_in(altered) == []


def test_a_public_key_is_no_seed():
    assert seeds_in(b"AAMC5ZJFXDGSX4LZCZ7MDHIVL4726ZOQQUMRV45SOCHYU7FUM57K7BIE") == []
