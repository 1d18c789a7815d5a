"""``docs/rules``: every rule's page as a file, current; ``make docs`` writes them again."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from optimizer.cli.main import run
from optimizer.rules import RULES

PAGES = Path(__file__).resolve().parents[2] / "docs" / "rules"
WRITE = os.environ.get("PERMOPT_GOLDEN") == "write"


@pytest.mark.parametrize("name", [rule.name for rule in RULES])
def test_the_page_in_the_documentation_is_the_one_the_command_shows(capsys, name):
    capsys.readouterr()
    assert run(["rules", name]) == 0
    compare(PAGES / f"{name}.md", capsys.readouterr().out)


def test_the_index_lists_every_rule_with_a_link():
    lines = [f"- [`{rule.name}`]({rule.name}.md) ({rule.severity.value}): {rule.summary}" for rule in RULES]
    compare(PAGES / "README.md", "\n".join(["# Rules", "", *lines, ""]))
    assert {path.stem for path in PAGES.glob("*.md")} == {rule.name for rule in RULES} | {"README"}


def compare(path: Path, text: str) -> None:
    if WRITE:
        path.write_text(text)
    assert text == path.read_text(), f"{path.name} is not current: `make docs` writes it again"
