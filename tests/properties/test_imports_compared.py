"""What the judge says of edited imports agrees with every literal subject asked one by one."""

from __future__ import annotations

import itertools
import os
import random
from collections import Counter
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from optimizer.access.imports_compared import imports_compared
from optimizer.edits import apply
from optimizer.edits.anew import Itself
from optimizer.graph import build
from optimizer.graph.reach import reach
from optimizer.subjects.compare import Relation
from optimizer.subjects.probes import AcrossImport
from tests.builders import CURRENT_ONLY, NOW, settings
from tests.topologies import drawn, drawn_edit, made

if TYPE_CHECKING:
    import pytest

    from optimizer.hierarchy import Hierarchy
    from optimizer.proposals import Witness

LONG = os.environ.get("PERMOPT_BUDGET") == "long"
WORDS = ("a", "b", "c", "l", "x")
LITERALS = [".".join(tokens) for length in (1, 2, 3) for tokens in itertools.product(WORDS, repeat=length)]


def everywhere(hierarchy: Hierarchy) -> set[tuple[str, str, str, str, str]]:
    """Who reaches whom, by what name and as what, for all literal subjects of a small alphabet."""
    return {
        (kind, account, subject, arrival.account, arrival.subject)
        for kind in ("service", "stream")
        for account in hierarchy.accounts
        for subject in LITERALS
        for arrival in reach(graph_of(hierarchy, kind), hierarchy, account, subject).arrivals
    }


def graph_of(hierarchy: Hierarchy, kind: str) -> Any:
    """Only what services do, or only what streams do: a message may arrive by both."""
    return _graph_of(Itself(hierarchy), kind)


@lru_cache(maxsize=4)
def _graph_of(whole: Itself[Hierarchy], kind: str) -> Any:
    hierarchy = whole.value
    graph = build(hierarchy, NOW)
    others = [(one, other, key) for one, other, key, d in graph.edges(keys=True, data=True) if d["claims"].type != kind]
    graph.remove_edges_from(others)
    return graph


def test_every_literal_subject_agrees_with_the_relation():
    seed = int(os.environ.get("PERMOPT_SEED") or random.randrange(2**32))
    chance = random.Random(seed)
    found: Counter[Relation] = Counter()
    for number in range(1500 if LONG else 100):
        accounts = drawn(chance)
        before = made(accounts)
        edit = drawn_edit(chance, before)
        if edit is None:
            continue
        after = apply(edit, before)
        result = imports_compared(before, after, settings(**CURRENT_ONLY))
        found[result.relation] += 1
        if result.relation is Relation.UNDECIDED:
            assert result.undecided
            continue
        told = f"PERMOPT_SEED={seed} number {number}: {accounts} {edit} {result}"
        then, now = everywhere(before), everywhere(after)
        often = [witness.probe.copies > 1 for witness in (*result.gained, *result.lost)]
        expected = {
            (False, False): Relation.SAME,
            (True, False): Relation.WIDER,
            (False, True): Relation.NARROWER,
            (True, True): Relation.CROSSED,
        }[bool(now - then), bool(then - now)]
        if often and all(often):  # what arrived once arrives twice, of which reach says nothing
            assert expected is Relation.SAME, told
        else:
            assert result.relation is expected or (any(often) and result.relation is Relation.CROSSED), told
        for witness in (*result.gained, *result.lost):
            probe = witness.probe
            assert isinstance(probe, AcrossImport), told
            if probe.copies == 1:
                one, other = arrives(before, probe), arrives(after, probe)
                assert (one, other) == ((False, True) if witness in result.gained else (True, False)), told
    assert found[Relation.SAME] > sum(found.values()) // 20, found
    assert min(found[Relation.WIDER], found[Relation.NARROWER]) > sum(found.values()) // 40, found
    assert found[Relation.UNDECIDED] < sum(found.values()) * 3 // 4, found


def test_what_is_left_out_of_sight_changes_no_answer(monkeypatch: pytest.MonkeyPatch):
    seed = int(os.environ.get("PERMOPT_SEED") or random.randrange(2**32))
    chance = random.Random(seed)
    answered = 0
    for number in range(1500 if LONG else 150):
        before = made(drawn(chance))
        edit = drawn_edit(chance, before)
        if edit is None:
            continue
        after = apply(edit, before)
        narrow = imports_compared(before, after, settings())
        with monkeypatch.context() as patched:
            patched.setattr("optimizer.graph.surroundings._behind", lambda *_: None)
            whole = imports_compared(before, after, settings())
        if Relation.UNDECIDED not in (narrow.relation, whole.relation):
            answered += 1
            told = f"PERMOPT_SEED={seed} number {number}: {edit} {narrow} {whole}"
            assert narrow.relation is whole.relation, told
            assert ends(narrow.gained) == ends(whole.gained), told
            assert ends(narrow.lost) == ends(whole.lost), told
        assert whole.refused <= narrow.refused
    assert answered > 50


def ends(witnesses: tuple[Witness, ...]) -> set[tuple[str, str, str]]:
    """Between whom: which generation shows it may depend on accounts that have nothing to do with it."""
    probes = [witness.probe for witness in witnesses]
    return {(one.kind, one.importer, one.exporter) for one in probes if isinstance(one, AcrossImport)}


def arrives(hierarchy: Hierarchy, probe: AcrossImport) -> bool:
    """Whether the message of a witness arrives where it says."""
    start, name = (probe.importer, probe.subject) if probe.kind == "service" else (probe.exporter, probe.remote)
    end = (probe.exporter, probe.remote) if probe.kind == "service" else (probe.importer, probe.subject)
    if start not in hierarchy.accounts:
        return False
    found = reach(graph_of(hierarchy, probe.kind), hierarchy, start, name).arrivals
    return end in {(arrival.account, arrival.subject) for arrival in found}
