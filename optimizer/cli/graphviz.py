"""Graphviz, which draws: run only where a person asks for a drawing."""

from __future__ import annotations

import shutil
import subprocess

from optimizer.errors import OutputError, UsageError
from optimizer.text import printable


def svg(text: str) -> str:
    """What Graphviz makes of DOT.

    Raises
    ------
    UsageError
        It is not on PATH.
    OutputError
        It failed.
    """
    program = shutil.which("dot")
    if program is None:
        raise UsageError(
            "SVG is drawn by Graphviz, and no `dot` is on PATH",
            "install the package `graphviz` (apt, dnf, brew, winget), or use --format dot, which does not need it",
        )
    # Bytes either way: a locale must not garble a name.
    done = subprocess.run(  # noqa: S603 a program of the person's own PATH, with no word from a token
        [program, "-Tsvg"], input=text.encode(), capture_output=True, check=False
    )
    if done.returncode or not done.stdout:
        said = printable(done.stderr.decode(errors="replace").strip().partition("\n")[0])[:200]
        raise OutputError(f"Graphviz failed: {said or done.returncode}", "try --format dot, or --account for a part")
    return done.stdout.decode()
