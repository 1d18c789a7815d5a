"""The Prometheus rules, checked and unit-tested by the real promtool."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).resolve().parents[2]
RULES = ROOT / "docs" / "prometheus" / "permopt.rules.yml"
ACME = ROOT / "corpus" / "acme" / "ACME"
UNIT_TESTS = RULES.with_name("permopt.rules.test.yml")
ALERTS = re.findall(r"- alert: (\w+)", RULES.read_text())


def promtool(*words, **options):
    built = ROOT / ".build" / "bin" / "promtool"
    found = str(built) if built.exists() else shutil.which("promtool")
    if found is None:
        pytest.fail('no promtool: run `make promtool`, or leave these tests out with -m "not promtool"')
    return subprocess.run([found, *words], capture_output=True, text=True, check=False, **options)


@pytest.mark.promtool
def test_promtool_accepts_the_rules():
    checked = promtool("check", "rules", str(RULES))
    assert checked.returncode == 0, checked.stdout + checked.stderr
    assert f"{len(ALERTS)} rules found" in checked.stdout


@pytest.mark.promtool
def test_every_alert_fires_when_it_should_and_only_then():
    tested = promtool("test", "rules", UNIT_TESTS.name, cwd=UNIT_TESTS.parent)
    assert tested.returncode == 0, tested.stdout + tested.stderr


@pytest.mark.promtool
@pytest.mark.parametrize("alert", ALERTS)
def test_the_unit_tests_notice_an_alert_that_never_fires(tmp_path, alert):
    silent = re.sub(rf"(- alert: {alert}\n)", r"\1        keep_firing_for: 0s\n", RULES.read_text())
    before, _, after = silent.partition("keep_firing_for: 0s\n        expr: ")
    expression = re.match(r"\|\n(?: {10}.*\n)+|.*\n", after).group()
    (tmp_path / RULES.name).write_text(before + "expr: vector(0) < 0\n" + after[len(expression) :])
    (tmp_path / UNIT_TESTS.name).write_text(UNIT_TESTS.read_text())
    assert promtool("check", "rules", RULES.name, cwd=tmp_path).returncode == 0
    assert promtool("test", "rules", UNIT_TESTS.name, cwd=tmp_path).returncode != 0


def test_the_rules_use_only_metrics_that_the_page_about_growth_names():
    page = (ROOT / "docs" / "growth.md").read_text()
    named = set(re.findall(r"^\| `(permopt_\w+)", page, re.MULTILINE))
    asked = set(re.findall(r"permopt_\w+", "".join(re.findall(r"expr:((?:.*\n)(?: {10}.*\n)*)", RULES.read_text()))))
    assert asked <= named
    assert len(asked) > 4


def test_the_page_about_growth_explains_every_alert_and_no_other():
    page = (ROOT / "docs" / "growth.md").read_text()
    assert set(re.findall(r"^\| `(Permopt\w+)", page, re.MULTILINE)) == set(ALERTS)


def alerts():
    return [rule for group in yaml.safe_load(RULES.read_text())["groups"] for rule in group["rules"]]


@pytest.fixture(scope="module")
def written():
    """The series that the real command writes for the store of the corpus, as their names with labels, and values."""
    words = ("--format", "prometheus", "--users", "all", "--no-findings", "--now", "1795435200")
    return [line.rsplit(" ", 1) for line in audited(*words).splitlines() if not line.startswith("#")]


def audited(*words):
    permopt = Path(sys.executable).with_name("permopt")
    apart = ("--config", os.devnull, "--fail-on", "never", "--quiet")
    done = subprocess.run([permopt, "audit", ACME, *words, *apart], capture_output=True, text=True, check=True)
    return done.stdout


def test_the_rules_use_only_metrics_and_labels_that_audit_writes(written):
    labels = {}
    for series, _ in written:
        name, _, rest = series.partition("{")
        labels.setdefault(name, set()).update(re.findall(r'(\w+)="', rest))
    for rule in alerts():
        asked = set(re.findall(r"permopt_\w+", rule["expr"]))
        assert asked
        assert asked <= labels.keys()
        matched = set(re.findall(r"(\w+)=", "".join(re.findall(r"{(.*?)}", rule["expr"]))))
        joined = {name for these in re.findall(r"(?:on|by) \((.*?)\)", rule["expr"]) for name in these.split(", ")}
        shown = set(re.findall(r"\$labels\.(\w+)", str(rule["annotations"])))
        assert matched | joined | shown <= set.intersection(*(labels[name] for name in asked)), rule["alert"]


@pytest.mark.promtool
def test_on_what_audit_writes_the_alerts_name_the_tokens_that_audit_names(written, tmp_path):
    found = json.loads(audited("--format", "json", "--no-findings", "--now", "1795435200"))
    named = {
        "PermoptAccountOverBudget": {each["key"] for each in found["accounts"] if each["over_budget"]},
        "PermoptAccountBloated": {each["key"] for each in found["accounts"] if each["band"] == "bloated"},
        "PermoptManyRevocations": {each["key"] for each in found["accounts"] if each["counts"]["revocations"] > 50},
        "PermoptUserTokenLarge": {each["key"] for each in found["users"] if each["band"] != "typical"},
    }
    assert all(named.values())
    tests = [
        {
            "expr": f"count by ({label}) ({rule['expr']})",
            "eval_time": "1h",
            "exp_samples": [{"labels": f'{{{label}="{key}"}}', "value": 1} for key in named[rule["alert"]]],
        }
        for rule in alerts()
        if rule["alert"] in named
        for label in ["user_key" if "User" in rule["alert"] else "account_key"]
    ]
    assert len(tests) == len(named)
    series = [{"series": name, "values": f"{value}x100"} for name, value in written]
    document = {"tests": [{"interval": "1m", "input_series": series, "promql_expr_test": tests}]}
    (tmp_path / "real.yml").write_text(yaml.safe_dump(document))
    tested = promtool("test", "rules", "real.yml", cwd=tmp_path)
    assert tested.returncode == 0, tested.stdout + tested.stderr
