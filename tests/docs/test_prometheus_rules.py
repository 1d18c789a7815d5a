"""The Prometheus rules, checked and unit-tested by the real promtool."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
RULES = ROOT / "docs" / "prometheus" / "permopt.rules.yml"
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
