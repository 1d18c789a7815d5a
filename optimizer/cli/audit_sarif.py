"""SARIF of an audit, and the texts that its results point into."""

from __future__ import annotations

import os
from importlib.metadata import version
from pathlib import Path
from urllib.parse import quote

from optimizer.audit.records import Audit
from optimizer.claims.model import OperatorClaims
from optimizer.hierarchy import Signed
from optimizer.reports.json import text_of
from optimizer.reports.sarif import audit_sarif, claims_files
from optimizer.review.files import write_files

_NOWHERE = "claims"
"""Where the texts would be: the addresses are the same with ``--claims-dir claims``."""


def sarif_text(found: Audit, operator: Signed[OperatorClaims] | None, directory: Path | None) -> str:
    """The document; with a directory, each token's claims are written there first.

    Raises
    ------
    OutputError
        The directory cannot be written.
    """
    if directory is None:
        uri = _NOWHERE
    else:
        uri = directory.as_uri() if directory.is_absolute() else quote(os.fsencode(directory))
        for name, claims in claims_files(found, operator):
            write_files({directory / name: claims.text})
    document = audit_sarif(found, version=version("nats-permission-optimizer"), operator=operator, claims_uri=uri)
    return text_of(document)
