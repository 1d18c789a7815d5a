"""How findings stand to a baseline, which baselines are refused, and that the file gives back what was put in."""

from __future__ import annotations

import json
import random
from dataclasses import replace

import pytest

from optimizer.audit.audit import audit
from optimizer.audit.baseline import Standing, baseline_of, numbers, since
from optimizer.audit.baseline_text import as_text, from_text
from optimizer.audit.exclusions import Exclusion, without_excluded
from optimizer.errors import SourceError, UsageError
from optimizer.examine import examine
from tests.builders import NOW, Account, User, settings, store
from tests.unit.audit.test_audit import account_of

BIG = {"allow": ["a.>", "a.x"]}


def audited(*accounts: Account, rules: bool = True, **given: object):
    hierarchy, chosen = store(*accounts), settings(**given)
    return audit(hierarchy, examine(hierarchy, chosen) if rules else None, chosen)


def sized(size: int, name: str = "BIG"):
    return account_of(size, name)


def standings(found) -> dict[str, str]:
    return {f"{each.rule} {each.account_name}": found.since.standing(each).value for each in found.findings}


def test_the_same_store_is_unchanged_and_nothing_of_it_counts():
    found = audited(sized(12_000), Account("A", users=[User("u", pub=BIG)]))
    again = since(found, baseline_of(found))
    assert set(standings(again).values()) == {"unchanged"}
    assert len(again.findings) == 2
    assert again.counted == again.since.fixed == ()


@pytest.mark.parametrize(
    ("size", "standing"), [(11_998, "unchanged"), (12_000, "unchanged"), (12_001, "grown"), (30_000, "grown")]
)
def test_grown_is_one_byte_more(size, standing):
    before = baseline_of(audited(sized(12_000)))
    found = since(audited(sized(size)), before)
    assert standings(found)["over-budget BIG"] == standing
    counted = {each.rule for each in found.counted}
    assert counted == {*(["over-budget"] if standing == "grown" else []), *(["bloated"] if size == 30_000 else [])}


def test_what_was_not_known_is_new_and_what_is_gone_is_fixed():
    before = baseline_of(audited(Account("A", users=[User("u", pub=BIG), User("v", pub=BIG)])))
    found = since(audited(Account("A", users=[User("v", pub=BIG), User("w", pub=BIG)])), before)
    assert numbers(found) == {Standing.NEW: 1, Standing.UNCHANGED: 1}
    assert [each.user_name for each in found.counted] == ["w"]
    assert [each.rule for each in found.since.fixed] == ["covered-entry"]


def test_a_deleted_account_is_fixed():
    before = baseline_of(audited(sized(12_000), Account("A")))
    assert [each.rule for each in since(audited(Account("A")), before).since.fixed] == ["over-budget"]


def test_what_this_run_did_not_look_at_is_not_fixed():
    both = audited(sized(12_000), sized(13_000, "B"), Account("A", users=[User("u", pub=BIG)]))
    before = baseline_of(both)
    narrow = audited(
        sized(12_000), sized(13_000, "B"), Account("A", users=[User("u", pub=BIG)]), accounts=("BIG", "A"), rules=False
    )
    found = since(narrow, before, ("BIG", "A"))
    assert standings(found) == {"over-budget BIG": "unchanged"}
    assert found.since.fixed == ()


def test_excluded_findings_are_neither_in_a_baseline_nor_fixed():
    accounts = (sized(12_000), Account("A", users=[User("u", pub=BIG)]))
    exclusion = Exclusion(reason="r", account="A")
    apart = without_excluded(audited(*accounts), [exclusion], NOW)
    assert [each.rule for each in baseline_of(apart).findings] == ["over-budget"]
    assert since(apart, baseline_of(audited(*accounts))).since.fixed == ()


def test_an_exclusion_that_has_ended_is_always_new():
    over = without_excluded(
        audited(Account("A")), [Exclusion(reason="r", account="A", until="2020-01-01", ends=1)], NOW
    )
    found = since(over, baseline_of(over))
    assert baseline_of(over).findings == ()
    assert [each.rule for each in found.counted] == ["expired-exclusion"]


def test_a_baseline_of_another_operator_is_refused():
    found = audited(sized(12_000))
    for other in (None, "O" * 56):
        with pytest.raises(UsageError, match="the baseline is of") as refused:
            since(found, replace(baseline_of(found), operator=other))
        assert "--write-baseline" in refused.value.hint


def test_without_operators_a_baseline_is_refused_that_shares_no_account():
    known = replace(audited(sized(12_000)), operator_key=None)
    other = replace(audited(Account("OTHER")), operator_key=None)
    with pytest.raises(UsageError, match="no account of the baseline is in this store"):
        since(other, baseline_of(known))
    assert since(known, baseline_of(known)).counted == ()


@pytest.mark.parametrize(
    ("change", "accounts", "message"),
    [
        ({"has_rules": False}, (), "without the rules"),
        ({"has_users": False}, (), "a source without users"),
        ({"accounts": ("BIG",)}, (), "some accounts only"),
        ({"accounts": ("BIG",)}, ("BIG", "A"), "some accounts only"),
    ],
)
def test_a_baseline_of_a_run_that_looked_at_less_is_refused(change, accounts, message):
    found = audited(sized(12_000))
    with pytest.raises(UsageError, match=message) as refused:
        since(found, replace(baseline_of(found), **change), accounts)
    assert "--write-baseline" in refused.value.hint


def test_a_baseline_of_the_same_accounts_is_taken_whatever_their_order():
    found = audited(sized(12_000))
    assert since(found, baseline_of(found, ("A", "BIG")), ("BIG", "A")).counted == ()


def test_the_file_gives_back_what_was_put_in_whatever_the_order_of_the_findings():
    found = audited(sized(30_000), Account("A", users=[User("u", pub=BIG), User("v", pub=BIG)]))
    baseline = baseline_of(found, ("A*", "BIG"))
    assert len(baseline.findings) == 4
    assert from_text(as_text(baseline), "b.json") == baseline
    shuffled = list(found.findings)
    random.Random(7).shuffle(shuffled)
    assert as_text(baseline_of(replace(found, findings=tuple(shuffled)), ("A*", "BIG"))) == as_text(baseline)


def test_each_finding_is_one_line_and_no_name_is_in_the_file():
    found = audited(sized(30_000), Account("A", users=[User("secret-name", pub=BIG)]))
    text = as_text(baseline_of(found))
    assert [line.strip().startswith('{"id"') for line in text.splitlines()].count(True) == len(found.findings) == 3
    assert "secret-name" not in text
    assert "BIG" not in text


GOOD = as_text(baseline_of(audited(sized(12_000))))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "is not JSON"),
        ("[" * 100_000, "is not JSON"),
        ("[]", "is not a permopt.baseline.v1 document"),
        ('{"type": "permopt.plan.v1"}', "is not a permopt.baseline.v1 document"),
        ('{"type": "permopt.baseline.v2"}', "is a `permopt.baseline.v2`, and this version reads permopt.baseline.v1"),
        ('{"type": "permopt.baseline.v1"}', "edited or cut"),
        (GOOD.replace('"rules_ran": true', '"rules_ran": 1'), "edited or cut"),
        (GOOD.replace('"accounts": []', '"accounts": "A"'), "edited or cut"),
        (GOOD.replace('"measure": 12000', '"measure": "12000"'), "edited or cut"),
        (GOOD.replace('"measure": 12000', '"measure": true'), "edited or cut"),
        (GOOD.replace('"kind": "size"', '"kind": "weight"'), "edited or cut"),
        (GOOD.replace('"rule": "over-budget", ', ""), "edited or cut"),
        (GOOD.replace('"findings": [', '"findings": [3,'), "edited or cut"),
    ],
)
def test_what_is_no_baseline_is_refused_with_a_hint(text, message):
    with pytest.raises(SourceError, match=message) as refused:
        from_text(text, "b.json")
    assert text != GOOD
    assert "`b.json`" in refused.value.message
    assert "--write-baseline" in refused.value.hint


def test_the_good_one_of_these_is_read():
    assert [each.measure for each in from_text(GOOD, "b.json").findings] == [12_000]
    assert json.loads(GOOD)["accounts"] == []
