"""Build ``corpus/acme`` with the real nsc.

``python corpus/build_acme.py --nsc .build/bin/nsc --out corpus/acme`` writes the public store; with
``--with-keys`` a whole nsc home (for ``nsc -H``), to run scripts against.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from company import ACCOUNTS, OPERATOR
from workshop import Workshop, main

if TYPE_CHECKING:
    from pathlib import Path


def build(directory: Path, nsc: Path) -> Workshop:
    """Make ACME's nsc home, keys and creds included, in ``directory``."""
    workshop = Workshop(nsc, directory, OPERATOR)
    workshop.found(
        signing_keys=3,
        flags=(
            "--service-url=nats://nats.acme.example:4222",
            "--account-jwt-server-url=nats://nats.acme.example:4222",
            "--tag=retail",
        ),
    )
    workshop.build(ACCOUNTS)
    return workshop


if __name__ == "__main__":
    main(build, usage=__doc__ or "")
