"""The closed set of edits nsc can make, what each makes of a hierarchy, and what stands in its way.

An edit says what should change; `optimizer.nsc.step` says with which nsc commands, and `optimizer.judge` what that
is worth. `apply` changes claims only: bytes follow when the judge re-encodes them as nsc will.
"""

from optimizer.edits.anew import written_anew
from optimizer.edits.edit import Edit, OwnEdit, SharedEdit, apply, apply_all, claims_of, touches_account_token
from optimizer.edits.lists import EditEntries, entries, permission_lists, scope_of, with_lists
from optimizer.edits.obstacles import obstacle, together
from optimizer.edits.revocations import (
    EVERYBODY,
    ActivationRevocation,
    EditActivationRevocations,
    EditRevocations,
    Revocation,
    activation_revocations_of,
    revocations_of,
)
from optimizer.edits.sharing import AddAccount, EditExports, EditImports
from optimizer.edits.targets import ListName, Target, TargetKind

__all__ = [
    "EVERYBODY",
    "ActivationRevocation",
    "AddAccount",
    "Edit",
    "EditActivationRevocations",
    "EditEntries",
    "EditExports",
    "EditImports",
    "EditRevocations",
    "ListName",
    "OwnEdit",
    "Revocation",
    "SharedEdit",
    "Target",
    "TargetKind",
    "activation_revocations_of",
    "apply",
    "apply_all",
    "claims_of",
    "entries",
    "obstacle",
    "permission_lists",
    "revocations_of",
    "scope_of",
    "together",
    "touches_account_token",
    "with_lists",
    "written_anew",
]
