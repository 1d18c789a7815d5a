"""Paired benchmarks: each figure beside that of a peer from the same minutes of the same machine.

    make bench                                  all of them, into benchmarks/figures.md
    python benchmarks/run.py compare covered    some of them, to the terminal

Only ratios mean anything: the seconds of a shared machine drift by a factor of two within an hour.
"""

from __future__ import annotations

import argparse
import io
import json
import os
import platform
import random
import shutil
import subprocess
import sys
import tempfile
import time
from compileall import compile_dir
from contextlib import redirect_stdout
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING

import covered
import make_store
from audit import bench_audit
from choose import bench_choose
from graph import bench_graph

from optimizer.subjects.compare import _agree, _compared, compare
from optimizer.subjects.near import pared
from optimizer.subjects.permissions import Permissions
from optimizer.subjects.subject import Subject, entry_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

ROOT = Path(__file__).resolve().parents[1]
BIN = Path(sys.executable).parent
ACCOUNTS = 1000
ROUNDS = 5


def timed(work: Callable[[], object], clock: Callable[[], float] = time.perf_counter) -> float:
    start = clock()
    work()
    return clock() - start


def paired(
    mine: Callable[[], object],
    peer: Callable[[], object],
    rounds: int = ROUNDS,
    clock: Callable[[], float] = time.process_time,
) -> tuple[float, float, float]:
    """Seconds of both, and the median of the ratios peer / mine of single rounds; inside one process its own time."""
    pairs = [(timed(mine, clock), timed(peer, clock)) for _ in range(rounds)]
    return median(a for a, _ in pairs), median(b for _, b in pairs), median(b / a for a, b in pairs)


# compare ----------------------------------------------------------------------------------------------------------


def literals(count: int) -> list[str]:
    """A realistic tree: 8 teams, nouns, verbs, and a number at the end."""
    chance = random.Random(1)
    found: dict[str, None] = {}
    while len(found) < count:
        team, noun = chance.choice(make_store.TEAMS), chance.choice(make_store.NOUNS)
        found[f"{team}.{noun}.{chance.choice(make_store.VERBS)}.{chance.randrange(100)}"] = None
    return list(found)


def mixed(count: int) -> list[str]:
    """The same tree with a wildcard in every third entry."""
    chance = random.Random(2)
    found: dict[str, None] = {}
    for text in literals(count * 2):
        tokens = text.split(".")
        if chance.random() < 0.33:
            tokens[chance.randrange(1, 4)] = "*"
        if chance.random() < 0.05:
            tokens[3:] = [">"]
        found[".".join(tokens)] = None
        if len(found) == count:
            break
    return list(found)


def shapes() -> Iterator[tuple[str, dict[str, object], dict[str, object]]]:
    tree, mix = literals(1000), mixed(1000)
    yield "literals, one dropped", {"pub": {"allow": tree}}, {"pub": {"allow": tree[:-1]}}
    yield (
        "literals, one covered entry dropped",
        {"pub": {"allow": [*tree[:-1], "orders.>", "orders.order.read.1"]}},
        {"pub": {"allow": [*tree[:-1], "orders.>"]}},
    )
    yield (
        "literals against one `>` a team",
        {"pub": {"allow": tree}},
        {"pub": {"allow": [f"{t}.>" for t in make_store.TEAMS]}},
    )
    yield "wildcards, one dropped", {"pub": {"allow": mix}}, {"pub": {"allow": mix[:-1]}}
    yield (
        "wildcards, publish and subscribe",
        {"pub": {"allow": mix}, "sub": {"allow": mix}},
        {"pub": {"allow": mix[1:]}, "sub": {"allow": mix}},
    )
    yield "subscribe, one dropped", {"sub": {"allow": mix}}, {"sub": {"allow": mix[:-1]}}
    denies = [f"{text.rpartition('.')[0]}.{index}" for index, text in enumerate(tree[:500])]
    yield (
        "subscribe, 500 allow and 500 deny, one deny dropped",
        {"sub": {"allow": mix[:500], "deny": denies}},
        {"sub": {"allow": mix[:500], "deny": denies[:-1]}},
    )
    yield (
        "publish, 500 allow and 500 deny, one deny dropped",
        {"pub": {"allow": mix[:500], "deny": denies}},
        {"pub": {"allow": mix[:500], "deny": denies[:-1]}},
    )
    queues = [f"{text} v{index % 7}" for index, text in enumerate(mix[:500])]
    yield (
        "subscribe, half of it queues",
        {"sub": {"allow": mix[:500] + queues}},
        {"sub": {"allow": mix[:500] + queues[:-1]}},
    )


def naive(before: Sequence[str], after: Sequence[str]) -> list[Subject]:
    """What many a tool does: each entry of one list against each of the other, both ways. No proof of anything."""
    olds, news = [Subject(text) for text in before], [Subject(text) for text in after]
    return [
        subject
        for mine, theirs in ((olds, news), (news, olds))
        for subject in mine
        if not any(other.covers(subject) for other in theirs)
    ]


def bench_compare() -> Iterator[str]:
    yield "## `compare` on two blocks of 1,000 entries: at most 50 ms"
    yield ""
    yield "From the JSON of the claims, nothing cached; the naive peer checks entries pairwise and proves nothing."
    yield ""
    yield "| shape | relation | ms of CPU | naive pairwise, ms | naive / permopt |"
    yield "|---|---|---|---|---|"
    for name, before, after in shapes():

        def mine(before: dict[str, object] = before, after: dict[str, object] = after) -> str:
            for known in (_compared, _agree, pared, entry_of):
                known.cache_clear()
            return compare(Permissions.from_claims(before), Permissions.from_claims(after)).relation.value

        def peer(before: dict[str, object] = before, after: dict[str, object] = after) -> None:
            for side in ("pub", "sub"):
                for kind in ("allow", "deny"):
                    lists = [block.get(side, {}).get(kind, []) for block in (before, after)]
                    naive(*([text.split(" ")[0] for text in texts] for texts in lists))

        relation = mine()
        seconds, slow, ratio = paired(mine, peer, 3)
        yield f"| {name} | {relation} | {seconds * 1000:.1f} | {slow * 1000:,.0f} | {ratio:.1f} |"


# propose ----------------------------------------------------------------------------------------------------------


def bench_propose() -> Iterator[str]:
    yield f"## `permopt propose` on {ACCOUNTS:,} accounts: at least 20 times as fast as a loop of `nsc describe`"
    yield ""
    yield "Whole processes on stores of `benchmarks/make_store.py`. The loop is `nsc describe account -n NAME -W --raw`"
    yield f"for each account; a run of permopt (median of {ROUNDS}) lies between any two fifths of it."
    yield ""
    yield "| lists with something to propose | proposals | store | permopt, s | nsc loop, s | nsc / permopt |"
    yield "|---|---|---|---|---|---|"
    for name, untidy in (("none", 0.0), ("1 in 50", 0.02), ("1 in 20", 0.05)):
        shape, proposals, mine, peer, ratio = _proposing(untidy)
        yield f"| {name} | {proposals:,} | {shape} | {mine:.2f} | {peer:.1f} | {ratio:.0f} |"


def _proposing(untidy: float) -> tuple[str, int, float, float, float]:
    nsc = shutil.which("nsc") or str(ROOT / ".build" / "bin" / "nsc")
    with tempfile.TemporaryDirectory() as directory:
        store = Path(directory) / "store"
        with redirect_stdout(io.StringIO()) as said:
            make_store.main(ACCOUNTS, store, untidy)
        shape = said.getvalue().strip().partition(": ")[2]
        names = sorted(path.name for path in (store / make_store.OPERATOR / "accounts").iterdir())
        frame = [nsc, "--config-dir", f"{directory}/c", "--data-dir", str(store), "--keystore-dir", f"{directory}/k"]

        def propose(*words: str) -> bytes:
            return subprocess.run([BIN / "permopt", "propose", store, *words], check=True, capture_output=True).stdout

        def describe(part: Sequence[str]) -> None:
            for name in part:
                words = [*frame, "describe", "account", "-n", name, "-W", "--raw"]
                subprocess.run(words, check=True, capture_output=True)

        plan = json.loads(propose("--format", "json"))
        loops, runs = [], []
        for index in range(ROUNDS):
            loops.append(timed(lambda index=index: describe(names[index::ROUNDS])))
            runs.append(timed(propose))
    ratio = median(loop * ROUNDS / run for loop, run in zip(loops, runs, strict=True))
    return shape, len(plan["proposals"]), median(runs), sum(loops), ratio


# help -------------------------------------------------------------------------------------------------------------


def bench_help() -> Iterator[str]:
    def run(*words: str | Path) -> Callable[[], object]:
        return lambda: subprocess.run(words, check=True, capture_output=True)

    mine, peer = run(BIN / "permopt", "--help"), run(sys.executable, "-c", "pass")
    mine()
    seconds, base, ratio = paired(mine, peer, 21, time.perf_counter)
    yield "## `permopt --help`: within 8 times of `python -c pass`"
    yield ""
    yield "| whole process | ms |"
    yield "|---|---|"
    yield f"| `python -c pass` | {base * 1000:.0f} |"
    yield f"| `permopt --help` | {seconds * 1000:.0f} |"
    yield f"| ratio (median of 21 pairs) | {1 / ratio:.1f} |"


BENCHES = {
    "compare": bench_compare,
    "propose": bench_propose,
    "help": bench_help,
    "covered": covered.bench,
    "choose": bench_choose,
    "graph": bench_graph,
    "audit": bench_audit,
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("name", nargs="*", choices=[*BENCHES, []], help="which ones; without a name all")
    chosen = parser.parse_args().name or list(BENCHES)
    machine = f"{os.cpu_count()} cores, Python {platform.python_version()}, {platform.system()}"
    compile_dir(ROOT / "optimizer", quiet=1)  # as pip does when it installs, whatever PYTHONDONTWRITEBYTECODE says here
    lines = [
        "# Figures",
        "",
        f"`make bench` on {machine}. Ratios are medians of pairs from the same minutes;",
        "the times themselves are worth what a shared machine's are.",
    ]
    for name in chosen:
        lines += ["", *BENCHES[name]()]
        print(f"{name} done", file=sys.stderr)
    text = "\n".join(lines) + "\n"
    print(text, end="")
    if len(chosen) == len(BENCHES):
        (ROOT / "benchmarks" / "figures.md").write_text(text)


if __name__ == "__main__":
    main()
