"""Cycles, double deliveries, several responders, and what could be lost unnoticed."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING, Any

import pytest

from optimizer.graph import State, build
from optimizer.graph.analysis import Effect, Hold, analysis
from optimizer.graph.edges import overlapping
from optimizer.subjects.subject import Subject
from tests import signing
from tests.topologies import CYCLES, NO_CYCLES, case_accounts, service, stream

if TYPE_CHECKING:
    from collections.abc import Callable

    from optimizer.graph.analysis import Analysis
    from optimizer.hierarchy import Hierarchy

    Make = Callable[..., Hierarchy]

NOW = 1_795_000_000
DAY = 86_400


def found(hierarchy: Hierarchy, **more: Any) -> Analysis:
    return analysis(build(hierarchy, NOW), hierarchy, NOW, **more)


def named(hierarchy: Hierarchy, key: str) -> str:
    return hierarchy.accounts[key].claims.name  # type: ignore[index]


@pytest.mark.parametrize(("case", "length"), list(zip(CYCLES, (2, 3, 2), strict=True)))
def test_a_cycle_is_named_with_the_accounts_and_imports_it_leads_through(make: Make, case: str, length: int):
    hierarchy = make(**case_accounts(case))
    (cycle,) = found(hierarchy).cycles
    assert len(cycle.imports) == length
    assert {named(hierarchy, edge.importer) for edge in cycle.imports} == set("ABC"[:length])
    for edge, following in zip(cycle.imports, cycle.imports[1:] + cycle.imports[:1], strict=True):
        assert edge.exporter == following.importer
        assert edge.state is State.UNKNOWN


def test_a_cycle_shows_what_its_imports_are_called_on_the_way(make: Make):
    (cycle,) = found(make(**case_accounts("cycle-stream-mapped"))).cycles
    assert {(edge.remote, edge.local) for edge in cycle.imports} == {("bar", "bar"), ("foo", "bar")}


@pytest.mark.parametrize("case", NO_CYCLES)
def test_what_only_looks_like_a_cycle_is_none(make: Make, case: str):
    hierarchy = make(**case_accounts(case))
    assert found(hierarchy).cycles == ()
    assert {data["state"] for _, _, data in build(hierarchy, NOW).edges(data=True)} == {State.WORKS}


def test_a_wildcard_beside_a_part_of_it_delivers_twice(make: Make):
    hierarchy = make(
        A={"exports": [stream("ev.>")]},
        B={"imports": [stream("ev.>", "A"), stream("ev.a", "A"), stream("ev.b", "A", local_subject="other")]},
    )
    (overlap,) = found(hierarchy).overlaps
    assert (overlap.effect, overlap.subject, overlap.certain) == (Effect.TWICE, "ev.a", True)
    assert [edge.remote for edge in overlap.imports] == ["ev.>", "ev.a"]


def test_the_second_import_of_one_subject_is_dropped_and_said_to_be(make: Make):
    hierarchy = make(
        A={"exports": [stream("s.a")]},
        B={"imports": [stream("s.a", "A", local_subject="l.1"), stream("s.a", "A", local_subject="l.2")]},
    )
    result = found(hierarchy)
    (overlap,) = result.overlaps
    assert (overlap.effect, overlap.subject) == (Effect.DROPPED, "s.a")
    assert [edge.local for edge in result.silent] == ["l.2"]


def test_the_same_subject_of_two_exporters_is_a_merged_stream_and_no_duplicate(make: Make):
    (overlap,) = found(make(**case_accounts("duplicate-import-different-source"))).overlaps
    assert (overlap.effect, overlap.subject) == (Effect.MERGED, "puba.>")


@pytest.mark.parametrize(
    "case", ["ingest-same-name-imports", "many-accounts-public-export", "dual-stream-service-same-subject"]
)
def test_imports_that_merely_look_alike_share_nothing(make: Make, case: str):
    result = found(make(**case_accounts(case)))
    assert (result.overlaps, result.responders, result.cycles, result.silent) == ((), (), (), ())


def test_every_account_behind_a_service_name_is_a_responder(make: Make):
    hierarchy = make(
        A={"exports": [service("r.*.c")]},
        B={"exports": [service("r.b.*")]},
        C={"exports": [service("apart")]},
        D={"imports": [service("r.*.c", "A"), service("r.b.*", "B"), service("apart", "C")]},
    )
    (rivals,) = found(hierarchy).responders
    assert (rivals.subject, rivals.certain) == ("r.b.c", True)
    assert [named(hierarchy, edge.exporter) for edge in rivals.imports] == ["A", "B"]


def test_whoever_may_not_answer_makes_the_rivals_uncertain(make: Make):
    hierarchy = make(A={"exports": [service("r")]}, D={"imports": [service("r", "A"), service("r", "X")]})
    (rivals,) = found(hierarchy).responders
    assert not rivals.certain


def private(exp: int | None, issuer: str = "A") -> dict[str, dict[str, Any]]:
    """`A` exports a private stream, `B` imports it with an activation."""
    outer = {} if exp is None else {"exp": exp}
    more = {} if issuer == "A" else {"issuer_account": str(signing.account("A"))}
    nats = {"subject": "p.>", "kind": "stream", "type": "activation", "version": 2, **more}
    token = signing.sign(
        {"name": "a", "sub": str(signing.account("B")), "nats": nats, **outer}, signing.account(issuer)
    )
    keys = {} if issuer == "A" else {"signing_keys": [str(signing.account(issuer))]}
    return {
        "A": {"exports": [stream("p.>", token_req=True)], **keys},
        "B": {"imports": [stream("p.a", "A", token=token)]},
    }


@pytest.mark.parametrize(("days", "soon"), [(29, True), (31, False)])
def test_an_activation_that_ends_within_the_days_asked_for_is_near(make: Make, days: int, soon: bool):
    points = found(make(**private(NOW + days * DAY))).points
    (point,) = [point for point in points if point.hold is Hold.ACTIVATION]
    assert (point.until, point.soon) == (NOW + days * DAY, soon)
    assert points[0].soon is soon


def test_a_signing_key_of_activations_holds_their_imports(make: Make):
    points = found(make(**private(None, issuer="S"))).points
    assert [(point.hold, point.key, len(point.imports)) for point in points] == [
        (Hold.EXPORTER, str(signing.account("A")), 1),
        (Hold.SIGNING_KEY, str(signing.account("S")), 1),
    ]


def test_an_activation_by_the_account_itself_hangs_on_the_account(make: Make):
    assert [point.hold for point in found(make(**private(None))).points] == [Hold.EXPORTER]


def test_overlapping_pairs_are_those_that_every_pair_asked_alone_gives():
    chance = random.Random(3)
    for _ in range(300):
        subjects = [
            Subject(
                ".".join([chance.choice("ab*") for _ in range(chance.choice((1, 2, 3)))] + chance.choice(([], [">"])))
            )
            for _ in range(12)
        ]
        pairs = {(i, j) for j in range(12) for i in range(j) if subjects[i].overlaps(subjects[j])}
        assert list(overlapping(subjects)) == sorted(pairs, key=lambda pair: (pair[1], pair[0])), subjects
