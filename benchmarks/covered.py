"""Which pattern does another one cover: permopt, a plain dict trie, and nats-server's `gsl`."""

from __future__ import annotations

import gc
import random
import subprocess
import tempfile
import time
import tracemalloc
from math import log
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING

from optimizer.subjects.outermost import covered_texts, weight, widest_first

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

ROOT = Path(__file__).resolve().parents[1]
SIZES = (10_000, 100_000, 1_000_000)
Cover = list[int | None]


# Recipes: distinct patterns, shuffled, the same at each run; names and identifiers grow with the count. ---------------


def nearly_all(count: int, chance: random.Random) -> list[str]:
    """One in 200 is a wide wildcard, half of those end in `>`; a quarter of the rest has a `*`, one in 20 a `>`."""
    wide = max(2, count // 200)
    heads = [f"team{index % 40}.svc{index}" for index in range(wide)]
    found = dict.fromkeys(f"{head}.>" if index % 2 else f"{head}.*.log" for index, head in enumerate(heads))
    while len(found) < count:
        index = chance.randrange(wide)
        if index % 2:
            tokens = [str(chance.randrange(1000)) for _ in range(chance.randint(1, 3))]
            tokens.append(chance.choice(("read", "write", "list", "watch", "drop")))
            if chance.random() < 0.25:
                tokens[chance.randrange(len(tokens))] = "*"
            if chance.random() < 0.05:
                tokens.append(">")
        else:
            tokens = [str(chance.randrange(10 * count)), "log"]
        found[".".join((heads[index], *tokens))] = None
    return list(found)


def almost_none(count: int, chance: random.Random) -> list[str]:
    """Identifiers at the end, one in ten patterns with a `*` before it."""
    found: dict[str, None] = {}
    while len(found) < count:
        tokens = [f"team{chance.randrange(40)}", f"svc{chance.randrange(count // 100)}", chance.choice("abcdefgh")]
        if chance.random() < 0.1:
            tokens[chance.randrange(3)] = "*"
        found[".".join((*tokens, str(chance.randrange(100 * count))))] = None
    return list(found)


def mixed(count: int, chance: random.Random) -> list[str]:
    """Half of either."""
    return [*nearly_all(count // 2, chance), *(f"x{text}" for text in almost_none(count // 2, chance))]


def adversarial(count: int, chance: random.Random) -> list[str]:
    """13 tokens of `*`, `*`, `a` and `b`, one in 20 cut short by a `>`: up to 2^13 ways through a trie of them all."""
    found: dict[str, None] = {}
    while len(found) < count:
        tokens = [chance.choice("**ab") for _ in range(13)]
        if chance.random() < 0.05:
            tokens[chance.randrange(6, 13) :] = [">"]
        found[".".join(tokens)] = None
    return list(found)


RECIPES = {"nearly all": nearly_all, "almost none": almost_none, "mixed": mixed, "adversarial": adversarial}


# Peers ----------------------------------------------------------------------------------------------------------------


def by_dicts(texts: list[str]) -> Cover:
    """Nested dicts, tokens in their order; asked widest first too, and keeping only what nothing covers."""
    root: dict = {}

    def find(tokens: list[str], node: dict = root, at: int = 0) -> int | None:
        for token in tokens[at:] if at else tokens:
            tail = node.get(">")
            if tail is not None:
                return tail
            at += 1
            star = node.get("*") if token != ">" else None
            below = node.get(token) if token != "*" else None
            if star is None:
                if below is None:
                    return None
                node = below
            elif below is None:
                node = star
            else:
                found = find(tokens, star, at)
                if found is not None:
                    return found
                node = below
        return node.get("")

    def add(index: int, tokens: list[str]) -> None:
        node = root
        for token in tokens:
            if token == ">":
                node[">"] = index
                return
            below = node.get(token)
            if below is None:
                below = node[token] = {}
            node = below
        node[""] = index

    by: Cover = [None] * len(texts)
    for index in widest_first((i, weight(text)) for i, text in enumerate(texts) if "*" in text or ">" in text):
        tokens = texts[index].split(".")
        by[index] = find(tokens)
        if by[index] is None:
            add(index, tokens)
    for index, text in enumerate(texts):
        if not ("*" in text or ">" in text):
            by[index] = find(text.split("."))
    return by


def by_gsl(file: Path, how: str) -> tuple[float, int]:
    """Seconds and covered patterns of the Go program, which reads its own clock."""
    seconds, covered = subprocess.check_output([ROOT / ".build" / "bin" / "gsl", how, file], text=True).split()
    return float(seconds), int(covered)


def _seconds(cover: Callable[[list[str]], Cover], texts: list[str], covered: int) -> float:
    gc.collect()
    gc.disable()  # for all of them: a peer whose nodes are looked through again and again is no fair one
    start = time.process_time()
    by = cover(texts)
    seconds = time.process_time() - start
    gc.enable()
    assert sum(other is not None for other in by) == covered, cover
    return seconds


def _bytes(texts: list[str]) -> float:
    tracemalloc.start()
    covered_texts(texts)
    most = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    return most / len(texts)


def bench() -> Iterator[str]:
    build = ["go", "build", "-mod=readonly", "-o", ROOT / ".build" / "bin" / "gsl", "."]
    subprocess.run(build, cwd=ROOT / "benchmarks" / "gsl", check=True)
    yield "## Which pattern does another one cover: within 4.5 times of Go, faster where nearly all are covered"
    yield ""
    yield "Microseconds of CPU a pattern, medians of paired rounds. permopt is `covered_texts`, over pygtrie; dicts is"
    yield "a plain dict trie, asked widest first too. Go is nats-server's `gsl` holding the patterns with wildcards,"
    yield "asked in the faster of two ways (`benchmarks/gsl`). Bytes: the most that tracemalloc saw at once, the answer"
    yield "included, the texts not. Growth: the exponent from the first size, Go's in brackets."
    yield ""
    yield "| recipe | patterns | covered | permopt | dicts | Go | permopt / Go | permopt / dicts | bytes | growth |"
    yield "|---|---|---|---|---|---|---|---|---|---|"
    with tempfile.TemporaryDirectory() as directory:
        for name in RECIPES:
            yield from _recipe(name, Path(directory) / "patterns")


def _recipe(name: str, file: Path) -> Iterator[str]:
    ways = ["match", "remove"]
    first: tuple[float, float] | None = None
    for count in SIZES:
        chance = random.Random(count)
        texts = RECIPES[name](count, chance)
        chance.shuffle(texts)
        if count == SIZES[1]:  # the slower way may take minutes: it is left out
            ways = [min(ways, key=lambda how: by_gsl(file, how)[0])]
        file.write_text("\n".join(texts) + "\n")
        texts = file.read_text().splitlines()  # as Go has them: side by side in memory, in their order
        covered = by_gsl(file, ways[-1])[1]
        rounds = []
        for _ in range(3 if count == SIZES[-1] else 7):
            mine, dicts = (_seconds(cover, texts, covered) for cover in (covered_texts, by_dicts))
            rounds.append((mine, dicts, min(by_gsl(file, how)[0] for how in ways)))
        mine, dicts, go = (median(times) / count * 1e6 for times in zip(*rounds, strict=True))
        first = first or (mine, go)
        growth = "-"
        if count > SIZES[0]:
            powers = (1 + log(now / then) / log(count / SIZES[0]) for now, then in zip((mine, go), first, strict=True))
            growth = "{:.2f} ({:.2f})".format(*powers)
        to_go, to_dicts = (median(one[0] / one[peer] for one in rounds) for peer in (2, 1))
        yield (
            f"| {name} | {count:,} | {covered:,} | {mine:.2f} | {dicts:.2f} | {go:.2f} | {to_go:.2f} | {to_dicts:.2f} "
            f"| {_bytes(texts):.0f} | {growth} |"
        )
