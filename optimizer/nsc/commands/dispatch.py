"""Which kind of commands edits which part of a token."""

from __future__ import annotations

from typing import TYPE_CHECKING

from optimizer.edits import TargetKind
from optimizer.nsc.commands.entries import entry_commands
from optimizer.nsc.commands.revocations import activation_commands, revocation_commands
from optimizer.nsc.commands.sharing import account_commands, export_commands, import_commands

if TYPE_CHECKING:
    from optimizer.edits import Target
    from optimizer.hierarchy import Hierarchy
    from optimizer.nsc.commands.command import Command


def commands(now: Hierarchy, wanted: Hierarchy, target: Target) -> tuple[Command, ...] | None:
    """The commands that turn this part of a token into the one wanted, in order; None where nsc has none."""
    match target.kind:
        case TargetKind.USER | TargetKind.SCOPE | TargetKind.DEFAULTS:
            return entry_commands(now, wanted, target)
        case TargetKind.IMPORT:
            return import_commands(now, wanted, target)
        case TargetKind.EXPORT:
            return export_commands(now, wanted, target)
        case TargetKind.ACCOUNT:
            return account_commands(now, wanted, target)
        case TargetKind.REVOCATION:
            return revocation_commands(now, wanted, target)
        case TargetKind.ACTIVATION:
            return activation_commands(now, wanted, target)
