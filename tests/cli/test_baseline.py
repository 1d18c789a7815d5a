"""``permopt audit --baseline``: what counts since, what is said about it, and which files are refused."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from tests import signing
from tests.cli.conftest import NOW
from tests.cli.test_schemas import check

ROOT = Path(__file__).resolve().parents[2]
ACME = ROOT / "corpus" / "acme"


def audit(permopt, source, *words):
    return permopt("audit", source, "--now", NOW, "--fail-on", "note", *words)


@pytest.fixture
def accepted(permopt, shop, tmp_path):
    typed = audit(permopt, shop.root, "--write-baseline", "b.json")
    assert typed.status == 0, typed.err
    assert "findings accepted; baseline written to `b.json`" in typed.err
    return tmp_path / "b.json"


def more(shop):
    """One finding more, and one less."""
    shop.user("ORDERS", "new", signing.account("ORDERS"), pub={"allow": ["x.>", "x.y"]})
    shop.user("ORDERS", "typo", signing.account("ORDERS"), pub={"allow": ["ok.>"]})


def test_a_baseline_accepts_what_there_is(permopt, shop, accepted):
    check(json.loads(accepted.read_text()))
    assert audit(permopt, shop.root).status == 1
    typed = audit(permopt, shop.root, "--baseline", accepted)
    assert typed.status == 0, typed.out
    assert "since the baseline: 0 new, 0 grown, " in typed.out
    assert list(accepted.parent.glob(".b.json*")) == []


def test_the_same_store_writes_the_same_bytes_whatever_the_clock(permopt, shop, accepted):
    permopt("audit", shop.root, "--now", "2027-01-01T00:00:00Z", "--write-baseline", "c.json")
    assert accepted.with_name("c.json").read_bytes() == accepted.read_bytes()


def test_only_what_is_new_fails_and_is_named(permopt, shop, accepted):
    more(shop)
    typed = audit(permopt, shop.root, "--baseline", accepted)
    assert typed.status == 1
    assert "since the baseline: 1 new, 0 grown, " in typed.out
    assert ", 1 fixed\n" in typed.out
    assert "new: user ORDERS/new: " in typed.out
    assert "fixed: user ORDERS/typo: " in typed.out
    assert "write the baseline again, so that what is fixed stays so" in typed.out


def test_json_says_of_each_finding_how_it_stands(permopt, shop, accepted):
    without = audit(permopt, shop.root, "-f", "json").json
    assert without["baseline"] is None
    assert {each["standing"] for each in without["findings"]} == {None}
    more(shop)
    document = audit(permopt, shop.root, "-f", "json", "--baseline", accepted).json
    check(document)
    standings = [each["standing"] for each in document["findings"]]
    summary = document["baseline"]
    assert {name: standings.count(name) for name in ("new", "grown", "unchanged")} == {
        name: summary[name] for name in ("new", "grown", "unchanged")
    }
    assert (summary["new"], len(summary["fixed"])) == (1, 1)
    assert [each["user"] for each in document["findings"] if each["standing"] == "new"] == ["new"]


def test_a_new_note_does_not_fail_a_run_that_fails_on_errors(permopt, shop, accepted):
    more(shop)
    assert permopt("audit", shop.root, "--now", NOW, "--baseline", accepted, "--fail-on", "error").status == 0


def test_a_tighter_budget_makes_new_findings(permopt, tmp_path):
    words = (ACME, "--no-findings")
    assert audit(permopt, *words, "--write-baseline", tmp_path / "b.json").status == 0
    assert audit(permopt, *words, "--baseline", tmp_path / "b.json").status == 0
    typed = audit(permopt, *words, "--baseline", tmp_path / "b.json", "--budget", "6KB")
    assert typed.status == 1
    assert "new: account EDGE: warning, over-budget: 6,230 bytes" in typed.out


def test_a_narrower_run_takes_the_baseline_of_the_whole(permopt, shop, accepted):
    typed = audit(permopt, shop.root, "--baseline", accepted, "--account", "CLEAN")
    assert typed.status == 0
    assert ", 0 fixed\n" in typed.out


def test_the_baseline_of_a_part_is_refused_for_the_whole(permopt, shop, tmp_path):
    audit(permopt, shop.root, "--account", "CLEAN", "--write-baseline", tmp_path / "part.json")
    typed = audit(permopt, shop.root, "--baseline", tmp_path / "part.json")
    assert (typed.status, typed.out) == (2, "")
    assert "the baseline is of some accounts only" in typed.err
    assert "--account CLEAN" in typed.err


def test_the_baseline_of_another_store_is_refused(permopt, accepted):
    typed = audit(permopt, ACME, "--baseline", accepted)
    assert (typed.status, typed.out) == (2, "")
    assert "the baseline is of operator `O" in typed.err
    assert "--write-baseline" in typed.err


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (None, "`gone.json` does not exist"),
        ("{", "is not JSON"),
        ('{"type": "permopt.baseline.v9"}', "is a `permopt.baseline.v9`"),
    ],
)
def test_a_file_that_is_no_baseline_ends_with_3(permopt, shop, tmp_path, text, message):
    if text is not None:
        (tmp_path / "gone.json").write_text(text)
    typed = audit(permopt, shop.root, "--baseline", "gone.json")
    assert (typed.status, typed.out) == (3, "")
    assert message in typed.err
    assert "--write-baseline" in typed.err


def test_to_obey_and_to_write_a_baseline_contradict_each_other(permopt, shop, accepted):
    typed = audit(permopt, shop.root, "--baseline", accepted, "--write-baseline", accepted)
    assert typed.status == 2
    assert "contradict each other" in typed.err


def test_a_baseline_that_cannot_be_written_ends_with_3_and_leaves_what_was_there(permopt, shop, tmp_path):
    (tmp_path / "file").write_text("kept")
    assert audit(permopt, shop.root, "--write-baseline", tmp_path / "file" / "b.json").status == 3
    assert (tmp_path / "file").read_text() == "kept"
    assert os.listdir(tmp_path / "stores")  # noqa: PTH208 the store is whole


def test_the_positions_are_told_of_the_largest_tokens(permopt):
    document = permopt("audit", ACME, "--now", NOW, "--no-findings", "-f", "json").json
    check(document)
    assert all("position" in each for each in document["accounts"])
    assert ["position" in each for each in document["users"]] == [True] * 20 + [False] * (len(document["users"]) - 20)
    (sensors,) = [each["position"] for each in document["users"] if each["name"] == "shelf-sensors"]
    assert (sensors["kind"], sensors["place"], sensors["values"]) == ("permissions", 3, 14)
    assert len(sensors["shapes"]) == 8
    page = " ".join(permopt("audit", ACME, "--now", NOW, "--no-findings").out.split())
    assert (
        "WAREHOUSE/shelf-sensors: costs most as it grows (permissions): position 3 of `shelves.a.ID.filled` (and 7 "
        "more like it) has 14 values: 2,464 payload bytes, 176 for one more"
    ) in page
    assert "costs most as it grows (exports): position 2 of `orders.ID` has 24 values" in page
