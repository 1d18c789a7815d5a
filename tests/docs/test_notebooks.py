"""Every notebook runs from top to bottom on the store in `corpus/`, and the outputs it is committed with are current.

A code host shows the outputs as they are committed. Text is compared with what a run prints; figures are not, for
their bytes differ between versions of what draws them. ``make notebooks`` writes both again.
"""

from __future__ import annotations

import base64
import io
import os
from pathlib import Path
from typing import Any

import nbformat
import pytest
from nbclient import NotebookClient
from PIL import Image

ROOT = Path(__file__).resolve().parents[2]
NOTEBOOKS = sorted((ROOT / "notebooks").glob("*.ipynb"))
WRITE = os.environ.get("PERMOPT_GOLDEN") == "write"
LARGEST = 300_000
"""Bytes of a notebook with its figures, which every clone pays for."""
METADATA = {
    "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
    "language_info": {"name": "python"},
}

every_notebook = pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)


def test_there_is_a_notebook():
    assert NOTEBOOKS


@every_notebook
def test_a_notebook_runs_to_its_end_and_prints_what_is_committed(path: Path):
    notebook = nbformat.read(path, as_version=4)
    committed = shown(notebook)
    # A cell that raises, an assertion that fails included, ends the run with that cell's traceback.
    resources = {"metadata": {"path": path.parent}}
    NotebookClient(notebook, timeout=300, record_timing=False, resources=resources).execute()
    for cell in code(notebook):
        assert not [output for output in cell.outputs if output.get("name") == "stderr"], cell.source
        assert cell.outputs or "import" in cell.source, cell.source
    if WRITE:
        notebook.metadata = nbformat.from_dict(METADATA)
        for cell in code(notebook):
            for output in cell.outputs:
                if "image/png" in output.get("data", {}):
                    output.data["image/png"] = fewer_colours(output.data["image/png"])
        nbformat.write(notebook, path)
        committed = shown(nbformat.read(path, as_version=4))
    assert shown(notebook) == committed, f"{path.name} is not current: `make notebooks` writes it again"


@every_notebook
def test_a_notebook_is_committed_run_once_and_says_nothing_of_the_machine(path: Path):
    text = path.read_text()
    notebook = nbformat.reads(text, as_version=4)
    cells = code(notebook)
    assert [cell.execution_count for cell in cells] == list(range(1, len(cells) + 1))
    assert notebook.metadata == METADATA
    assert not [cell.metadata for cell in notebook.cells if cell.metadata]
    assert str(ROOT) not in text
    assert str(Path.home()) + "/" not in text
    assert text == nbformat.writes(notebook) + "\n", "not as `make notebooks` writes it"


@every_notebook
def test_a_notebook_is_small(path: Path):
    assert path.stat().st_size < LARGEST


def fewer_colours(png: str) -> str:
    """The same figure with a palette, a third of the bytes; Pillow is what matplotlib writes it with."""
    small = io.BytesIO()
    Image.open(io.BytesIO(base64.b64decode(png))).convert("RGB").quantize(128).save(small, "png", optimize=True)
    return base64.b64encode(small.getvalue()).decode()


def code(notebook: Any) -> list[Any]:
    return [cell for cell in notebook.cells if cell.cell_type == "code"]


def shown(notebook: Any) -> list[tuple[str, list[str]]]:
    """What a reader sees after each cell of code: its source, and lines of text with one line for each figure."""
    return [(cell.source, lines_of(cell.outputs)) for cell in code(notebook)]


def lines_of(outputs: list[Any]) -> list[str]:
    text = ""
    for output in outputs:
        if output.output_type == "stream":
            text += output.text
        else:
            data = output.get("data", {})
            text += f"\n{sorted(data)}\n" + ("" if "image/png" in data else data.get("text/plain", "")) + "\n"
    return [line.rstrip() for line in text.rstrip().splitlines()]
