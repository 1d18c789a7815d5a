"""The public face: what `from optimizer import ...` gives."""

from __future__ import annotations

import doctest
import importlib
import subprocess
import sys

import pytest

import optimizer


def test_the_examples_of_the_face_are_so():
    found = doctest.testmod(optimizer)
    assert found.attempted > 4
    assert not found.failed


@pytest.mark.parametrize("name", optimizer.__all__)
def test_a_name_of_the_face_is_the_one_its_module_defines(name):
    value = getattr(optimizer, name)
    assert value is getattr(importlib.import_module(value.__module__), name)
    assert value.__name__ == name
    assert value.__doc__


def test_the_names_are_sorted():
    assert optimizer.__all__ == sorted({*optimizer.__all__})


def test_the_face_alone_imports_nothing_of_what_is_behind_it():
    code = "import optimizer, sys; print(sorted(name for name in sys.modules if name.startswith('optimizer.')))"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert run.stdout == "[]\n"
