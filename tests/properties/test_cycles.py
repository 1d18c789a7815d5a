"""The search for cycles against the server's own, written down as the server runs it, in every order of loading."""

from __future__ import annotations

import os
import random
from itertools import pairwise
from typing import TYPE_CHECKING

from optimizer.claims.model import Export
from optimizer.graph.cycles import CLOSES, CUT, Cycles, Link, Links
from optimizer.graph.exports import Exports, contains
from optimizer.graph.resolve import Route
from optimizer.subjects.subject import Subject

if TYPE_CHECKING:
    from collections.abc import Sequence

LONG = os.environ.get("PERMOPT_BUDGET") == "long"

Import = tuple[str, Link]


def drawn(chance: random.Random) -> tuple[list[Import], dict[str, Exports]]:
    accounts = [f"A{number}" for number in range(chance.choice((2, 3, 4, 6)))]

    def subject(wild: float) -> str:
        tokens = [chance.choice("ab") if chance.random() > wild else "*" for _ in range(chance.choice((1, 2, 2)))]
        return ".".join([*tokens[:-1], ">"] if chance.random() < wild / 2 else tokens)

    # The second of two equal imports is dropped whatever the search says of the first.
    imports: dict[tuple[str, str, str, Route], Import] = {}
    for _ in range(chance.choice((len(accounts), 2 * len(accounts)))):
        remote = subject(0.3)
        local = remote if chance.random() < 0.6 or not remote.isascii() or set("*>") & set(remote) else subject(0)
        kind = chance.choice(("service", "stream"))
        importer, exporter, path = chance.choice(accounts), chance.choice(accounts), Route(remote, local)
        imports[importer, exporter, kind, path] = (importer, Link(exporter, kind, path))
    exports = {
        account: Exports(Export(subject=subject(0.5), type="stream") for _ in range(chance.choice((1, 2, 3))))
        for account in accounts
    }
    return list(imports.values()), exports


def searched(imports: Sequence[Import], exports: dict[str, Exports]) -> dict[str, list[Link]]:
    """The imports by account, as ``Cycles`` takes them."""
    found: dict[str, list[Link]] = {account: [] for account in exports}
    for account, link in imports:
        found[account].append(link)
    return found


def cycles_of(imports: Sequence[Import], exports: dict[str, Exports], **more: int) -> Cycles:
    return Cycles(
        {account: Links(lambda mine=mine: mine) for account, mine in searched(imports, exports).items()},  # type: ignore[misc]
        exports,
        **more,
    )


def dropped(imports: Sequence[Import], exports: dict[str, Exports]) -> list[Import]:
    """Server: ``checkServiceImportsForCycles`` and ``checkStreamImportsForCycles``, import by import in this order."""
    loaded: dict[str, list[Link]] = {account: [] for account in exports}

    def is_cycle(account: str, kind: str, subject: str, visited: set[str]) -> bool:
        if kind == "stream" and not exports[account].containing("stream", subject):
            return False
        for link in loaded[account]:
            theirs = link.path.local if kind == "stream" else link.path.remote
            if link.kind == kind and Subject(theirs).overlaps(Subject(subject)):
                if link.exporter in visited:
                    return True
                visited.add(account)
                mine = link.path.local
                narrower = contains(subject.split("."), mine.split("."))
                if is_cycle(link.exporter, kind, mine if narrower else subject, visited):
                    return True
        return False

    gone = []
    for account, link in imports:
        starts = [link.path.local] if link.kind == "service" else [link.path.local, link.path.remote]
        if any(is_cycle(link.exporter, link.kind, start, {account}) for start in starts):
            gone.append((account, link))
        else:
            loaded[account].append(link)
    return gone


def test_no_import_that_the_server_drops_in_some_order_is_without_suspicion():
    seed = int(os.environ.get("PERMOPT_SEED") or random.randrange(2**32))
    chance = random.Random(seed)
    gone = clear = 0
    for number in range(20_000 if LONG else 400):
        imports, exports = drawn(chance)
        cycles = cycles_of(imports, exports)
        cut = cycles_of(imports, exports, most=chance.choice((0, 1, 3, 8)))
        suspected = {
            id(link): cycles.suspicion(account, link.exporter, link.kind, link.path) for account, link in imports
        }
        for account, link in imports:
            short = cut.suspicion(account, link.exporter, link.kind, link.path)
            assert bool(short) or not suspected[id(link)], f"PERMOPT_SEED={seed} number {number}: wrong once cut off"
        clear += sum(not why for why in suspected.values())
        for _ in range(6):
            chance.shuffle(imports)
            for account, link in dropped(imports, exports):
                gone += 1
                assert suspected[id(link)], f"PERMOPT_SEED={seed} number {number}: {account} {link.path}"
    assert min(gone, clear) > 100


def test_what_closes_a_cycle_lies_on_one_that_can_be_shown():
    seed = int(os.environ.get("PERMOPT_SEED") or random.randrange(2**32))
    chance = random.Random(seed)
    shown = 0
    for _ in range(2_000 if LONG else 200):
        imports, exports = drawn(chance)
        cycles = cycles_of(imports, exports)
        for account, link in imports:
            ring = cycles.ring(account, link)
            closes = cycles.suspicion(account, link.exporter, link.kind, link.path) == CLOSES
            if closes:
                shown += 1
                ends = [(each.exporter, following[0]) for (_, each), following in pairwise(ring)]
                assert ring, f"PERMOPT_SEED={seed}"
                assert ring[0] == (account, link)
                assert ring[-1][1].exporter == account
                assert all(one == other for one, other in ends)
    assert shown > 50


def ring_of(count: int, each: int) -> tuple[list[Import], dict[str, Exports]]:
    imports = [
        (f"A{number}", Link(f"A{(number + 1) % count}", "service", Route(f"s.{one}", f"s.{one}")))
        for number in range(count)
        for one in range(each)
    ]
    return imports, {f"A{number}": Exports(()) for number in range(count)}


def why(imports: Sequence[Import], exports: dict[str, Exports], most: int) -> set[str]:
    cycles = cycles_of(imports, exports, most=most)
    return {cycles.suspicion(account, link.exporter, link.kind, link.path) for account, link in imports}


def test_each_import_of_a_long_ring_is_followed_once():
    imports, exports = ring_of(1_500, 6)
    assert why(imports, exports, most=9_000) == {CLOSES}


def test_each_import_of_a_mesh_is_followed_once():
    exports = {f"A{number}": Exports(()) for number in range(300)}
    imports = [
        (one, Link(other, "service", Route("s.a", "s.a"))) for one in exports for other in exports if one != other
    ]
    assert why(imports, exports, most=300 * 299) == {CLOSES}


def test_a_search_that_is_cut_off_says_so_and_never_that_there_is_no_cycle():
    imports, exports = ring_of(20, 1)
    assert CUT in why(imports, exports, most=10)
    assert "" not in why(imports, exports, most=10)


def test_an_account_after_which_the_server_gives_up_is_not_said_to_work():
    count = 1_030
    exports = {f"A{number}": Exports(()) for number in range(count)}
    imports = [(f"A{number}", Link(f"A{number + 1}", "service", Route("s.a", "s.a"))) for number in range(count - 1)]
    cycles = cycles_of(imports, exports)
    reasons = [cycles.suspicion(account, link.exporter, link.kind, link.path) for account, link in imports]
    assert [bool(reason) for reason in reasons].index(False) == count - 1_024
    assert all("1,024 accounts" in reason for reason in reasons if reason)
