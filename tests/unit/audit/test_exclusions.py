"""Which findings an exclusion sets apart, and that it comes back when its time is over."""

from __future__ import annotations

from dataclasses import replace

import pytest

from optimizer.audit.audit import audit
from optimizer.audit.exclusions import EXPIRED, UNUSED, Exclusion, without_excluded
from optimizer.audit.records import FindingKind
from optimizer.examine import examine
from optimizer.proposals import Severity
from tests import signing
from tests.builders import NOW, Account, User, settings, store

WIDE = {"allow": ["a.>", "a.x"]}
TWO = (
    Account("SHOP", users=[User("app", pub=WIDE), User("old", pub=WIDE, head={"exp": NOW - 1})]),
    Account("STORE", users=[User("app", pub=WIDE)], defaults={"pub": WIDE}),
)
DAY = 24 * 60 * 60


def found(*exclusions: Exclusion, now: int = NOW):
    hierarchy, chosen = store(*TWO), settings()
    return without_excluded(audit(hierarchy, examine(hierarchy, chosen), chosen), exclusions, now)


def places(findings) -> set[str]:
    return {f"{each.rule} {each.account_name}/{each.user_name}".rstrip("/") for each in findings}


EVERY = {
    "covered-entry SHOP/app",
    "covered-entry STORE/app",
    "covered-entry STORE",
    "expired SHOP/old",
    "covered-entry SHOP/old",
}


def test_without_exclusions_every_finding_counts():
    assert places(found().findings) == EVERY
    assert found().excluded == ()


@pytest.mark.parametrize(
    ("named", "apart"),
    [
        ({"rule": "covered-entry"}, EVERY - {"expired SHOP/old"}),
        ({"rule": "covered-*", "account": "STORE"}, {"covered-entry STORE/app", "covered-entry STORE"}),
        ({"account": "S*"}, EVERY),
        ({"account": "s*"}, set()),
        ({"account": signing.account("SHOP").public, "user": "app"}, {"covered-entry SHOP/app"}),
        ({"user": "*"}, EVERY - {"covered-entry STORE"}),
        ({"user": signing.user("SHOP old").public}, {"covered-entry SHOP/old", "expired SHOP/old"}),
        ({"rule": "expired", "account": "STORE"}, set()),
    ],
)
def test_an_exclusion_covers_what_is_all_that_it_names(named, apart):
    result = found(Exclusion(reason="so be it", **named))
    assert places(each.finding for each in result.excluded) == apart
    assert places(result.findings) == EVERY - apart | (set() if apart else {f"{UNUSED} "})
    assert {each.exclusion.reason for each in result.excluded} <= {"so be it"}


def test_an_id_names_one_finding():
    (first, *others) = found().findings
    result = found(Exclusion(reason="r", id=first.id))
    assert [each.finding for each in result.excluded] == [first]
    assert list(result.findings) == others


def test_the_first_exclusion_that_covers_a_finding_gives_the_reason():
    result = found(Exclusion(reason="first", user="app"), Exclusion(reason="second", rule="covered-entry"))
    assert {each.finding.user_name: each.exclusion.reason for each in result.excluded} == {
        "app": "first",
        "old": "second",
        "": "second",
    }


def test_an_exclusion_holds_until_its_last_second_and_is_a_warning_after():
    exclusion = Exclusion(reason="next release", account="SHOP", until="2026-11-18", ends=NOW + DAY)
    assert places(found(exclusion, now=NOW + DAY - 1).findings) == EVERY - {each for each in EVERY if "SHOP" in each}
    over = found(exclusion, now=NOW + DAY)
    assert over.excluded == ()
    (warning,) = [each for each in over.findings if each.kind is FindingKind.CONFIGURATION]
    assert (warning.rule, warning.severity, warning.account) == (EXPIRED, Severity.WARNING, None)
    assert warning.message == (
        "the exclusion of account `SHOP` was until 2026-11-18, and 3 findings count again (next release)"
    )
    assert places(over.findings) == {*EVERY, f"{EXPIRED} "}
    severities = [each.severity for each in over.findings]
    assert severities == sorted(severities, key=[Severity.ERROR, Severity.WARNING, Severity.NOTE].index)


def test_an_exclusion_that_covers_nothing_is_noted():
    idle = Exclusion(reason="of last year", rule="covered-*", account="NOBODY")
    shadowed = Exclusion(reason="after the first", user="app")
    result = found(Exclusion(reason="all", account="S*"), idle, shadowed)
    (note,) = result.findings
    assert (note.rule, note.severity, note.kind) == (UNUSED, Severity.NOTE, FindingKind.CONFIGURATION)
    assert note.message == "the exclusion of rule `covered-*`, account `NOBODY` covers no finding (of last year)"


def test_an_exclusion_is_not_called_idle_by_a_run_that_looked_at_a_part():
    hierarchy, chosen = store(*TWO), settings()
    plan = examine(hierarchy, chosen)
    idle = [Exclusion(reason="r", rule="nothing-*")]
    for part, accounts in (
        (audit(hierarchy, None, chosen), ()),
        (audit(replace(hierarchy, has_users=False), plan, chosen), ()),
        (audit(hierarchy, plan, chosen), ("SHOP",)),
    ):
        assert without_excluded(part, idle, NOW, accounts).findings == part.findings
