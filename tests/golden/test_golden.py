"""Pages, documents and scripts for one store, byte for byte; `make golden` writes them again."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from optimizer.cli.main import run
from tests.cli.conftest import NOW, company

HERE = Path(__file__).parent
PRINTED = {
    "plan.json": ("propose", "stores", "--format", "json"),
    "page.txt": ("propose", "stores"),
    "report.md": ("propose", "stores", "--format", "markdown"),
    "imports.txt": ("graph", "stores"),
    "imports.dot": ("graph", "stores", "--format", "dot"),
    "imports.json": ("graph", "stores", "--format", "json"),
}
AUDITS = {"audit.txt": (), "audit-replicas.txt": ("--replicas", "5", "--no-findings", "--top", "3", "--details")}
FORMATS = {
    "audit.csv": ("--format", "csv"),
    "audit.md": ("--format", "markdown"),
    "audit.sarif": ("--format", "sarif", "--account", "EDGE", "--account", "WAREHOUSE"),
    "audit.prom": ("--format", "prometheus"),
}
SCRIPTS = ("apply.sh", "rollback.sh", "verify.sh", "expected.json")


@pytest.fixture(scope="module")
def written(tmp_path_factory):
    """The company, its plan and its scripts, in one directory."""
    directory = tmp_path_factory.mktemp("golden")
    company(directory / "stores")
    before = Path.cwd()
    os.chdir(directory)
    try:
        assert run(["propose", "stores", "-o", "plan.json", "--now", NOW]) == 0
        assert run(["script", "plan.json", "-o", "out"]) == 0
    finally:
        os.chdir(before)
    return directory


@pytest.mark.parametrize("name", PRINTED)
def test_what_is_printed_is_the_golden_text(written, monkeypatch, capsys, name):
    monkeypatch.chdir(written)
    capsys.readouterr()
    assert run([*PRINTED[name], "--now", NOW, "--quiet"]) == 0
    compare(name, capsys.readouterr().out)


@pytest.mark.parametrize("name", [*AUDITS, *FORMATS])
def test_the_audit_of_the_corpus_is_the_golden_page(monkeypatch, capsys, name):
    monkeypatch.chdir(HERE.parents[1])
    capsys.readouterr()
    assert run(["audit", "corpus/acme", *(AUDITS | FORMATS)[name], "--now", NOW, "--quiet", "--fail-on", "never"]) == 0
    compare(name, capsys.readouterr().out)


@pytest.mark.parametrize("name", SCRIPTS)
def test_what_is_written_is_the_golden_text(written, name):
    compare(name, (written / "out" / name).read_text())


def compare(name: str, text: str) -> None:
    if os.environ.get("PERMOPT_GOLDEN") == "write":
        (HERE / name).write_bytes(text.encode())
    assert text == (HERE / name).read_bytes().decode(), f"{name} changed; `make golden` writes it again"
