"""What of an audit's findings is accepted: by an exclusion of the configuration, or by a baseline."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from optimizer.cli import output
from optimizer.errors import SourceError, UsageError

if TYPE_CHECKING:
    from optimizer.audit.records import Audit
    from optimizer.cli.configuration import Configuration
    from optimizer.settings import Settings

Baseline = Annotated[
    Path | None,
    typer.Option(metavar="FILE", show_default=False, help="Only findings that are new since, or have grown, count."),
]
WriteBaseline = Annotated[
    Path | None,
    typer.Option(
        metavar="FILE", show_default=False, help="Accept what is found: write the file that --baseline takes."
    ),
]


def accepted(audit: Audit, settings: Settings, configured: Configuration, baseline: Path | None) -> Audit:
    """The audit with what is excluded set apart, and knowing what is new since the baseline.

    Raises
    ------
    SourceError
        The baseline cannot be read, or is none.
    UsageError
        It is of another store, or of a run that looked at less.
    """
    if configured.exclude:
        from optimizer.audit.exclusions import without_excluded  # noqa: PLC0415 few projects have any

        audit = without_excluded(audit, configured.exclude, settings.now, settings.accounts)
    if baseline is None:
        return audit
    from optimizer.audit.baseline import since  # noqa: PLC0415 as above
    from optimizer.audit.baseline_text import from_text  # noqa: PLC0415
    from optimizer.review.files import read_text  # noqa: PLC0415

    if not baseline.exists():
        raise SourceError(f"`{baseline}` does not exist", f"--write-baseline {baseline} writes it")
    return since(audit, from_text(read_text(baseline), str(baseline)), settings.accounts)


def one_of(baseline: Path | None, write_baseline: Path | None) -> None:
    """Check that a run does not both obey a baseline and write one.

    Raises
    ------
    UsageError
        It does.
    """
    if baseline is not None and write_baseline is not None:
        raise UsageError(
            "--baseline and --write-baseline contradict each other", "write with the one, later check with the other"
        )


def write(audit: Audit, settings: Settings, file: Path, *, quiet: bool) -> None:
    """Write what is found as a baseline, whole or not at all.

    Raises
    ------
    OutputError
        It cannot be written.
    """
    from optimizer.audit.baseline import baseline_of  # noqa: PLC0415 as above
    from optimizer.audit.baseline_text import as_text  # noqa: PLC0415

    made = baseline_of(audit, settings.accounts)
    output.emit(as_text(made), file)
    output.note(f"{len(made.findings):,} findings accepted; baseline written to `{file}`", quiet=quiet)
