"""Reading, decoding and verifying a store: the whole process beside a loop of nsc, a token beside the Go library.

python benchmarks/run.py audit               the figures
python benchmarks/audit.py read DIRECTORY 2  seconds of processor time, seconds, tokens, kilobytes at most: one reading
"""

from __future__ import annotations

import io
import os
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from contextlib import redirect_stdout
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING

import make_store

from optimizer.claims.token import parse_token
from tests import signing

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

ROOT = Path(__file__).resolve().parents[1]
BIN = Path(sys.executable).parent
NOW = 1_795_000_000
ACCOUNTS, SAMPLE, ROUNDS = 10_000, 50, 5
PEERS = 3_000
GROWTH = (25_000, 50_000, 100_000)
AUDIT = ("audit", "--no-findings", "--fail-on", "never", "--config", os.devnull)


def bench_audit() -> Iterator[str]:
    subprocess.run(
        ["go", "build", "-mod=readonly", "-o", ROOT / ".build" / "bin" / "jwt", "."],
        cwd=ROOT / "benchmarks" / "jwt",
        check=True,
    )
    with tempfile.TemporaryDirectory() as directory:
        store = Path(directory) / "store"
        with redirect_stdout(io.StringIO()) as said:
            make_store.main(ACCOUNTS, store)
        yield from _beside_nsc(store, said.getvalue().strip().partition(": ")[2], Path(directory))
        yield ""
        small, resolver = Path(directory) / "small", Path(directory) / "resolver"
        with redirect_stdout(io.StringIO()):
            make_store.main(PEERS, small)
        copies(small / make_store.OPERATOR, resolver, PEERS)
        yield from _beside_go(
            {
                "a resolver's directory, accounts alone": resolver,
                "an nsc store, users too": small / make_store.OPERATOR,
            }
        )
        yield ""
        yield from _growing(store / make_store.OPERATOR, Path(directory))


def copies(operator: Path, directory: Path, count: int) -> None:
    """A resolver's directory of so many accounts: those of a store again and again, each with a key of its own."""
    directory.mkdir()
    shutil.copy(operator / f"{make_store.OPERATOR}.jwt", directory / "operator.jwt")
    signer = signing.operator("bench")
    texts = [path.read_text() for path in sorted(operator.glob("accounts/*/*.jwt"))]
    for number in range(count):
        payload = parse_token(texts[number % len(texts)]).payload
        start = payload.index(b'"sub":"') + 7
        key = str(signing.account(f"bench copy {number}"))
        token = signing.sign_bytes(payload[:start] + key.encode() + payload[start + 56 :], signer)
        (directory / f"{key}.jwt").write_text(token)


def _beside_nsc(store: Path, shape: str, directory: Path) -> Iterator[str]:
    nsc = shutil.which("nsc") or str(ROOT / ".build" / "bin" / "nsc")
    names = sorted(path.name for path in (store / make_store.OPERATOR / "accounts").iterdir())
    sampled = names[:: len(names) // SAMPLE][:SAMPLE]
    frame = [nsc, "--config-dir", f"{directory}/c", "--data-dir", str(store), "--keystore-dir", f"{directory}/k"]
    command = [BIN / "permopt", *AUDIT, store]

    def seconds(commands: Sequence[Sequence[str | Path]]) -> float:
        start = time.perf_counter()
        for words in commands:
            subprocess.run(words, check=True, capture_output=True)
        return time.perf_counter() - start

    rounds = []
    for index in range(ROUNDS):
        part = [[*frame, "describe", "account", "-n", name, "-W", "--raw"] for name in sampled[index::ROUNDS]]
        rounds.append((seconds([command]), seconds(part) / len(part)))
    mine, one = (median(column) for column in zip(*rounds, strict=True))
    ratio = median(nsc * len(names) / run for run, nsc in rounds)
    yield f"## Auditing {ACCOUNTS:,} accounts, signatures verified: at least 300 times as fast as a loop of nsc"
    yield ""
    yield f"Whole processes on a store of `benchmarks/make_store.py` ({shape}; 1.5 users an account)."
    yield f"The loop is `nsc describe account -n NAME -W --raw` for each account: {SAMPLE} were run, {SAMPLE // ROUNDS}"
    yield f"beside each of {ROUNDS} runs of permopt, and the whole loop is extrapolated from them."
    yield ""
    yield "| `permopt audit --no-findings`, s | nsc an account, ms | nsc loop, s (extrapolated) | nsc / permopt |"
    yield "|---|---|---|---|"
    yield f"| {mine:.2f} | {one * 1000:.0f} | {one * len(names):,.0f} | {ratio:.0f} |"


def _beside_go(sources: dict[str, Path]) -> Iterator[str]:
    yield "## Reading, decoding and verifying a token: at least twice as fast as the Go library, 60 µs on two cores"
    yield ""
    yield "Microseconds a token, medians of paired rounds of processes that read the same files, start-up left out."
    yield "CPU is that of all threads; permopt is one worker where it may use one processor, and has a thread beside it"
    yield "where it may use two. Go is `benchmarks/jwt`, one worker: `DecodeAccountClaims`, `DecodeUserClaims`, which"
    yield "check the signature, then issuer, `Validate`, expiry; it lets each token go, or keeps all claims as permopt."
    yield ""
    yield "| source | tokens | permopt | two threads (by the clock) | Go, dropping | keeping | Go / permopt | keeping |"
    yield "|---|---|---|---|---|---|---|---|"
    for name, path in sources.items():
        rounds = []
        for _ in range(2 * ROUNDS - 1):
            cpu, _wall, tokens, _most = reading(path, workers=1)
            both, wall, _tokens, _most = reading(path)
            peers = []
            for how in ("drop", "keep"):
                said = subprocess.check_output([ROOT / ".build" / "bin" / "jwt", path, how], text=True).split()
                assert (int(said[2]), said[3]) == (tokens, "0"), said
                peers.append(float(said[0]))
            rounds.append((cpu, both, wall, *peers))
        mine, both, wall, drop, keep = (median(column) / tokens * 1e6 for column in zip(*rounds, strict=True))
        ratios = [median(one[place] / one[0] for one in rounds) for place in (3, 4)]
        yield (
            f"| {name} | {tokens:,} | {mine:.0f} | {both:.0f} ({wall:.0f}) | {drop:.0f} | {keep:.0f} "
            f"| {ratios[0]:.2f} | {ratios[1]:.2f} |"
        )


def _growing(operator: Path, directory: Path) -> Iterator[str]:
    yield "## 100,000 accounts: linear, at most 1.5 GB"
    yield ""
    yield "A resolver's directory, one process a reading, signatures verified, everything kept."
    yield ""
    yield "| accounts | s of CPU | µs an account | most memory, GB | KB an account more |"
    yield "|---|---|---|---|---|"
    before = (1, _most_of(reading(_first(operator, directory))))
    for count in GROWTH:
        place = directory / f"resolver{count}"
        copies(operator, place, count)
        cpu, _wall, _tokens, most = reading(place)
        shutil.rmtree(place)
        each = (most - before[1]) / (count - before[0])
        yield f"| {count:,} | {cpu:.1f} | {cpu / count * 1e6:.0f} | {most / 2**20:.2f} | {each:.1f} |"
        before = (count, most)
    reach = 16 * 2**20 / each
    yield ""
    yield f"At that slope a machine with 16 GB ends at {reach / 1e6:.1f} million accounts of this shape. Their lists"
    yield "repeat entries as those of `benchmarks/make_store.py` do. The first size is below the one from which what"
    yield "repeats is held once: where nothing repeats, its bytes an account stay."


def _first(operator: Path, directory: Path) -> Path:
    """A resolver's directory of one account: what Python and its modules take."""
    place = directory / "resolver1"
    copies(operator, place, 1)
    return place


def _most_of(measured: tuple[float, float, int, int]) -> int:
    return measured[3]


def reading(path: Path, workers: int = 2) -> tuple[float, float, int, int]:
    """One reading in a process of its own: seconds of CPU, seconds, tokens, kilobytes at most."""
    words = [sys.executable, Path(__file__), "read", path, str(workers)]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    cpu, wall, tokens, most = subprocess.check_output(words, text=True, env=environment).split()
    return float(cpu), float(wall), int(tokens), int(most)


def _read(path: str, workers: int) -> None:
    os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[:workers])
    from optimizer import read  # noqa: PLC0415 this process alone reads

    begun, start = time.perf_counter(), time.process_time()
    found = read(path, now=NOW)
    cpu, wall = time.process_time() - start, time.perf_counter() - begun
    tokens = len(found.accounts) + len(found.users) + 1
    print(cpu, wall, tokens, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)


if __name__ == "__main__":
    if sys.argv[1] == "read":
        _read(sys.argv[2], int(sys.argv[3]))
