"""The ``permopt`` command, also ``python -m optimizer``."""

from __future__ import annotations

import sys

from optimizer.cli.main import run
from optimizer.collecting import without_collecting


def main() -> None:
    """Run the command line given and end the process with its exit status."""
    with without_collecting():
        sys.exit(run(sys.argv[1:]))


if __name__ == "__main__":
    main()
