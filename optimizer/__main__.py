"""The ``permopt`` command, also ``python -m optimizer``."""

from __future__ import annotations

import sys

from optimizer.cli.main import run


def main() -> None:
    """Run the command line given and end the process with its exit status."""
    sys.exit(run(sys.argv[1:]))


if __name__ == "__main__":
    main()
