"""What the README shows is so: its Python runs to the results in its comments, its commands and links exist."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from optimizer.cli import COMMANDS

ROOT = Path(__file__).resolve().parents[2]
README = (ROOT / "README.md").read_text()


def test_the_python_example_comes_to_the_results_in_its_comments():
    (code,) = re.findall(r"```python\n(.*?)```", README, re.DOTALL)
    known: dict = {}
    shown = 0
    for line in code.splitlines():
        expression, _, result = line.partition("  # ")
        if result:
            assert repr(eval(expression, known)) == result, line
            shown += 1
        else:
            exec(line, known)
    assert shown == 2


def test_every_command_it_names_exists_and_every_command_is_named():
    assert set(re.findall(r"^\| `permopt (\w+)", README, re.MULTILINE)) == set(COMMANDS)


@pytest.mark.parametrize("target", sorted(set(re.findall(r"\]\(([^)#]+)", README))))
def test_what_it_links_to_is_there(target):
    assert (ROOT / target).exists()
