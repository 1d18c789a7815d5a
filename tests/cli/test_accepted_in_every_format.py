"""Exclusions and a baseline in every format of ``permopt audit``: what is accepted is set apart, and never dropped."""

from __future__ import annotations

import csv
import io
import json
import re
from collections import Counter
from pathlib import Path

import jsonschema
import pytest
from prometheus_client.parser import text_string_to_metric_families

from tests import signing
from tests.cli.conftest import NOW, is_printable
from tests.cli.test_hostile import NASTY

ROOT = Path(__file__).resolve().parents[2]
SARIF = json.loads((ROOT / "tests" / "schemas" / "sarif-2.1.0-rtm.5.json").read_text())
STANDINGS = ("new", "grown", "unchanged")
CONFIGURATION = """
[[exclude]]
user = "typo"
reason = "known since May"

[[exclude]]
rule = "no-such-*"
reason = "covers nothing"

[[exclude]]
rule = "expired"
account = "ORDERS"
reason = "=until then"
until = 2099-12-31
"""


def audit(permopt, shop, form, *words):
    typed = permopt("audit", shop.root, "--now", NOW, "--fail-on", "never", "-q", "-f", form, *words)
    assert typed.status == 0, typed.err
    return typed


@pytest.fixture
def accepted(permopt, shop, tmp_path):
    """The company with findings of every standing, excluded ones, a token that is gone, and one that is no token."""
    late = {"exp": 1_760_000_000}
    own = signing.account("ORDERS")
    for name, lists in (("grows", {}), ("gone", {"allow": ["a.>", "a.b"]}), ("late", {})):
        shop.user("ORDERS", name, own, pub=lists)
    token = signing.user_claims(signing.user("ORDERS late"), None, "late") | late
    shop.write("accounts/ORDERS/users/late.jwt", signing.sign(token, own))
    budget = ("--budget", "1000")
    permopt("audit", shop.root, "--now", NOW, "-q", "--fail-on", "never", *budget, "--write-baseline", "b.json")
    for path in shop.root.rglob("gone.jwt"):
        path.unlink()
    shop.user("ORDERS", "fresh", own, pub={"allow": ["x.>", "x.y"]})
    shop.write("accounts/ORDERS/users/broken.jwt", "eyJ0eXAi.x.y")
    account = signing.account_claims(own, "ORDERS", description="x" * 3_000)
    shop.write("accounts/ORDERS/ORDERS.jwt", signing.sign(account, shop.operator))
    (tmp_path / "permopt.toml").write_text(CONFIGURATION)
    return ("--baseline", "b.json", *budget)


@pytest.fixture
def document(permopt, shop, accepted):
    found = audit(permopt, shop, "json", *accepted).json
    assert all(found["baseline"][standing] for standing in STANDINGS)
    assert found["baseline"]["fixed"]
    assert {each["exclusion"]["reason"] for each in found["excluded"]} == {"known since May", "=until then"}
    assert found["skipped"]
    assert "unused-exclusion" in {each["rule"] for each in found["findings"]}
    return found


def gone_key(document):
    here = {each["key"] for each in document["users"]}
    (key,) = {each["user_key"] for each in document["baseline"]["fixed"]} - here - {None}
    return key


def test_csv_counts_every_finding_in_one_row(permopt, shop, accepted, document):
    typed = audit(permopt, shop, "csv", *accepted)
    rows = list(csv.DictReader(io.StringIO(typed.out, newline=""), strict=True))
    of_findings = [row for row in rows if row["kind"] != "skipped"]

    def total(column):
        return sum(int(row[column]) for row in of_findings)

    severities = Counter(each["severity"] for each in document["findings"])
    assert {name: total(f"{name}s") for name in severities} == severities
    assert {name: total(name) for name in STANDINGS} == {name: document["baseline"][name] for name in STANDINGS}
    assert total("fixed") == len(document["baseline"]["fixed"])
    assert total("excluded") == len(document["excluded"])
    (typo,) = (row for row in rows if row["user"] == "typo")
    assert (typo["excluded"], typo["remark"], typo["warnings"]) == ("1", "excluded: known since May", "0")
    (gone,) = (row for row in rows if row["kind"] == "gone")
    assert (gone["user_key"], gone["fixed"], gone["token_bytes"]) == (gone_key(document), "1", "")
    (other,) = (row for row in rows if row["kind"] == "other")
    assert (other["notes"], other["new"], other["account_key"]) == ("1", "1", "")
    skipped = [row["remark"] for row in rows if row["kind"] == "skipped"]
    assert skipped == [f"{each['origin']}: {each['reason']}" for each in document["skipped"]]
    assert not any(cell.startswith("=") for row in rows for cell in row.values())


@pytest.mark.usefixtures("accepted")
def test_without_a_baseline_csv_has_no_standings(permopt, shop):
    rows = list(csv.DictReader(io.StringIO(audit(permopt, shop, "csv").out, newline="")))
    assert {row[name] for row in rows for name in (*STANDINGS, "fixed")} == {""}


def test_markdown_lists_what_is_excluded_and_what_is_fixed(permopt, shop, accepted, document):
    text = audit(permopt, shop, "markdown", *accepted).out
    base = document["baseline"]
    sums = f"{base['new']} new, {base['grown']} grown, {base['unchanged']} unchanged and {len(base['fixed'])} fixed"
    assert f"- findings since the baseline: {sums}\n" in text
    assert f"- the configuration excludes {len(document['excluded'])} findings\n" in text
    assert "### Grown findings\n" in text
    assert f"<summary>excluded by the configuration ({len(document['excluded'])})</summary>" in text
    assert re.search(r"^\| [a-z]+ \| `[a-z-]+` \| `user ORDERS/typo` \| `known since May` \| - \|$", text, re.MULTILINE)
    assert "\n| error | `expired` | `user ORDERS/late` | `=until then` | 2099-12-31 |\n" in text
    assert f"<summary>fixed since the baseline ({len(base['fixed'])})</summary>" in text
    assert re.search(rf"^\| `covered-entry` \| `user ORDERS/{gone_key(document)}` \|$", text, re.MULTILINE)


def test_sarif_suppresses_what_is_excluded_and_says_how_the_others_stand(permopt, shop, accepted, document):
    run = audit(permopt, shop, "sarif", *accepted).json
    jsonschema.Draft4Validator(SARIF).validate(run)
    (run,) = run["runs"]
    states = {"new": "new", "grown": "updated", "unchanged": "unchanged"}
    told = {each["partialFingerprints"]["permoptFinding/v1"]: each for each in run["results"]}
    assert set(told) == {each["id"] for each in document["findings"] + document["excluded"]}
    for each in document["findings"]:
        assert told[each["id"]]["baselineState"] == states[each["standing"]]
        assert told[each["id"]]["suppressions"] == []
    for each in document["excluded"]:
        (suppression,) = told[each["id"]]["suppressions"]
        assert suppression["kind"] == "external"
        assert suppression["justification"].endswith(each["exclusion"]["reason"])
        assert "baselineState" not in told[each["id"]]
    remarks = [each["message"]["text"] for each in run["invocations"][0]["toolExecutionNotifications"]]
    fixed = [each for each in remarks if each.startswith("fixed since the baseline: ")]
    assert len(fixed) == len(document["baseline"]["fixed"])


def test_prometheus_counts_what_is_excluded_skipped_and_how_the_others_stand(permopt, shop, accepted, document):
    found = {}
    for family in text_string_to_metric_families(audit(permopt, shop, "prometheus", *accepted).out):
        found[family.name] = [(sample.labels, sample.value) for sample in family.samples]
    by_rule = {(labels["rule"], labels["severity"]): number for labels, number in found["permopt_excluded_findings"]}
    assert by_rule == Counter((each["rule"], each["severity"]) for each in document["excluded"])
    assert sum(number for _, number in found["permopt_findings"]) == len(document["findings"])
    standings = {labels["standing"]: number for labels, number in found["permopt_baseline_findings"]}
    base = document["baseline"]
    assert standings == {**{name: base[name] for name in STANDINGS}, "fixed": len(base["fixed"])}
    ((_, skipped),) = found["permopt_skipped_tokens"]
    assert skipped == len(document["skipped"])


@pytest.mark.parametrize("form", ["csv", "markdown", "sarif"])
def test_a_reason_is_text_of_a_stranger(permopt, shop, accepted, tmp_path, form):
    for text in NASTY.values():
        (tmp_path / "permopt.toml").write_text(f'[[exclude]]\nrule = "*"\nreason = {json.dumps(text)}\n')
        typed = audit(permopt, shop, form, *accepted)
        assert is_printable(typed.out.replace("\r\n", "\n"))
        assert NASTY["seed"] not in typed.out
