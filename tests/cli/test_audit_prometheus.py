"""``permopt audit --format prometheus``: what prometheus_client and promtool read out of it is what was weighed."""

from __future__ import annotations

import re
from collections import defaultdict
from datetime import datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from prometheus_client.parser import text_string_to_metric_families

from optimizer.reports.prometheus import escaped
from tests import signing
from tests.cli.conftest import NOW, is_printable
from tests.cli.test_hostile import NASTY
from tests.cli.test_hostile import hostile as hostile  # noqa: PLC0414 a fixture
from tests.docs.test_prometheus_rules import promtool

ROOT = Path(__file__).resolve().parents[2]
ACME = ROOT / "corpus" / "acme"
METRICS = {
    "permopt_account_token_bytes",
    "permopt_account_budget_bytes",
    "permopt_account_section_bytes",
    "permopt_account_entries",
    "permopt_user_token_bytes",
    "permopt_findings",
    "permopt_excluded_findings",
    "permopt_baseline_findings",
    "permopt_skipped_tokens",
    "permopt_audit_timestamp_seconds",
}


def metrics(permopt, source, *words):
    typed = permopt("audit", source, "-f", "prometheus", "--now", NOW, "--fail-on", "never", "-q", *words)
    assert typed.status == 0, typed.err
    return parsed(typed.out)


def parsed(text):
    families = list(text_string_to_metric_families(text))
    assert {family.type for family in families} == {"gauge"}
    assert all(family.documentation for family in families)
    assert len(families) == len({family.name for family in families})
    found = defaultdict(dict)
    for family in families:
        for sample in family.samples:
            labels = frozenset(sample.labels.items())
            assert labels not in found[sample.name], "a series twice"
            found[sample.name][labels] = sample.value
    assert {family.name for family in families} == METRICS
    return found


def by(series, *names):
    return {tuple(dict(labels)[name] for name in names): value for labels, value in series.items()}


def test_the_metrics_are_what_was_weighed(permopt):
    found = metrics(permopt, ACME)
    document = permopt("audit", ACME, "-f", "json", "--now", NOW).json
    accounts = {(each["name"], each["key"]): each for each in document["accounts"]}
    sizes = by(found["permopt_account_token_bytes"], "account", "account_key")
    assert sizes == {key: each["token_bytes"] for key, each in accounts.items()}
    budgets = by(found["permopt_account_budget_bytes"], "account", "account_key")
    assert budgets == {key: each["budget"] for key, each in accounts.items()}
    entries = by(found["permopt_account_entries"], "account", "account_key", "kind")
    assert entries == {(*key, kind): count for key, each in accounts.items() for kind, count in each["counts"].items()}
    sections = by(found["permopt_account_section_bytes"], "account", "account_key", "section")
    for key, each in accounts.items():
        assert sum(value for labels, value in sections.items() if labels[:2] == key) == each["token_bytes"]
        revocations = sum(part["token_bytes"] for part in each["sections"] if part["pointer"] == "/nats/revocations")
        assert sections.get((*key, "/nats/revocations"), 0) == revocations
    for labels in [*found["permopt_account_token_bytes"], *found["permopt_findings"]]:
        assert dict(labels)["operator"] == "ACME"


def test_findings_are_counted_by_rule_and_severity(permopt):
    counted = by(metrics(permopt, ACME)["permopt_findings"], "rule", "severity")
    found = permopt("audit", ACME, "-f", "json", "--now", NOW).json["findings"]
    assert sum(counted.values()) == len(found)
    assert counted["covered-entry", "warning"] == sum(each["rule"] == "covered-entry" for each in found)


def test_the_time_is_that_of_the_run(permopt):
    ((_, time),) = metrics(permopt, ACME, "--no-findings")["permopt_audit_timestamp_seconds"].items()
    assert time == datetime.fromisoformat(NOW).timestamp()


@pytest.mark.parametrize(("users", "number"), [("all", 65), ("large", 2), ("none", 0)])
def test_the_users_flag_says_which_users_have_a_series(permopt, users, number):
    found = metrics(permopt, ACME, "--users", users, "--no-findings")["permopt_user_token_bytes"]
    document = permopt("audit", ACME, "-f", "json", "--now", NOW, "--no-findings").json
    sizes = {(each["account_key"], each["key"]): each["token_bytes"] for each in document["users"]}
    assert len(found) == number
    assert by(found, "account_key", "user_key").items() <= sizes.items()


def test_without_the_flag_those_over_their_budget_or_near_the_line_have_one(permopt):
    assert metrics(permopt, ACME, "--no-findings") == metrics(permopt, ACME, "--no-findings", "--users", "large")
    found = metrics(permopt, ACME, "--no-findings", "--user-budget", "1KB")["permopt_user_token_bytes"]
    document = permopt("audit", ACME, "-f", "json", "--now", NOW, "--no-findings").json
    assert set(by(found, "user_key")) == {(each["key"],) for each in document["users"] if each["token_bytes"] > 1024}


def test_hostile_names_come_out_exact_less_the_seeds(permopt, hostile):
    found = metrics(permopt, hostile.root, "--users", "all")
    names = {text for kind, text in NASTY.items() if kind != "seed"}
    accounts = {dict(labels)["account"] for labels in found["permopt_account_token_bytes"]}
    users = {dict(labels)["user"] for labels in found["permopt_user_token_bytes"]}
    assert names <= accounts
    assert names <= users
    assert "S...(seed removed)" in accounts & users


@given(st.text())
def test_any_name_is_a_label_that_reads_back(name):
    text = f'# HELP m m\n# TYPE m gauge\nm{{a="{escaped(name)}",b="x"}} 1\n'
    ((sample,),) = [family.samples for family in text_string_to_metric_families(text)]
    assert sample.labels == {"a": name, "b": "x"}


def test_a_file_is_replaced_whole_and_keeps_names_exact(permopt, hostile, tmp_path):
    place = tmp_path / "textfile" / "permopt.prom"
    place.parent.mkdir()
    place.write_text("permopt_old 1\n")
    before = place.stat().st_ino
    permopt("audit", hostile.root, "-f", "prometheus", "--now", NOW, "-q", "-o", place)
    assert place.stat().st_ino != before
    assert [path.name for path in place.parent.iterdir()] == ["permopt.prom"]
    assert parsed(place.read_bytes().decode())["permopt_account_token_bytes"]


def test_a_terminal_sees_names_escaped(permopt, hostile, monkeypatch):
    monkeypatch.setattr("sys.stdout.isatty", lambda: True, raising=False)
    typed = permopt("audit", hostile.root, "-f", "prometheus", "--now", NOW, "--fail-on", "never", "-q")
    assert is_printable(typed.out)
    assert "red\\x1b[31mA" in typed.out
    assert len(typed.out.splitlines()) > 100


def test_an_operator_alone_has_the_time_of_the_audit_and_what_was_skipped(permopt, tmp_path):
    operator = signing.operator("lonely")
    (tmp_path / "op.jwt").write_text(signing.sign(signing.operator_claims(operator, "lonely"), operator))
    found = metrics(permopt, "op.jwt")
    assert {name for name, series in found.items() if series} == {
        "permopt_audit_timestamp_seconds",
        "permopt_skipped_tokens",
    }


def test_a_source_without_users_counts_none_rather_than_0(permopt, tmp_path):
    operator, key = signing.operator("op"), signing.account("A")
    (tmp_path / "jwt").mkdir()
    (tmp_path / "jwt" / f"{key.public}.jwt").write_text(signing.sign(signing.account_claims(key, "A"), operator))
    kinds = {dict(labels)["kind"] for labels in metrics(permopt, tmp_path / "jwt")["permopt_account_entries"]}
    assert "users" not in kinds
    assert "imports" in kinds


@pytest.mark.promtool
def test_promtool_takes_it_and_has_nothing_to_remark(permopt, hostile):
    for source in (ACME, hostile.root):
        typed = permopt("audit", source, "-f", "prometheus", "--now", NOW, "-q", "--users", "all")
        checked = promtool("check", "metrics", input=typed.out)
        assert (checked.returncode, checked.stdout, checked.stderr) == (0, "", "")


@pytest.mark.promtool
def test_promtool_would_notice():
    checked = promtool("check", "metrics", input='m{a="x"y"} 1\n')
    assert checked.returncode != 0


def test_the_page_about_growth_names_every_metric_and_no_other():
    page = (ROOT / "docs" / "growth.md").read_text()
    assert {*re.findall(r"^\| `(permopt_\w+)", page, re.MULTILINE)} == METRICS
