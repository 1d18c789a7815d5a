"""The public face: read a source, examine it, judge edits, write scripts, and ask what permissions mean.

Each name is imported when it is first used, so that ``import optimizer`` costs nothing a caller does not use.

Examples
--------
>>> from optimizer import Permissions, compare
>>> before = Permissions.from_claims({"pub": {"allow": ["orders.us", "orders.>"]}})
>>> after = Permissions.from_claims({"pub": {"allow": ["orders.>"]}})
>>> compare(before, after).relation.value
'same'
"""
# ruff: noqa: TC004 the imports below are for type checkers; a run imports each name when it is used

from __future__ import annotations

import sys
from importlib import import_module
from types import ModuleType
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from optimizer.edits import EditEntries, ListName, Target, TargetKind
    from optimizer.errors import OptimizerError
    from optimizer.examine import examine
    from optimizer.hierarchy import Hierarchy, Signed, Skipped
    from optimizer.judge import judge
    from optimizer.nsc.script import Script, script_for
    from optimizer.proposals import (
        Evidence,
        Finding,
        Judgement,
        Plan,
        Proof,
        Proposal,
        Safety,
        Saving,
        Severity,
        Witness,
    )
    from optimizer.settings import Server, Settings
    from optimizer.sources import read
    from optimizer.subjects.compare import compare
    from optimizer.subjects.permissions import Permissions
    from optimizer.subjects.probes import (
        Comparison,
        Connect,
        Deliver,
        LeafInterest,
        LeafSubscribe,
        Publish,
        Relation,
        Subscribe,
    )

_HOMES = {
    "optimizer.edits": "EditEntries ListName Target TargetKind",
    "optimizer.errors": "OptimizerError",
    "optimizer.examine": "examine",
    "optimizer.hierarchy": "Hierarchy Signed Skipped",
    "optimizer.judge": "judge",
    "optimizer.nsc.script": "Script script_for",
    "optimizer.proposals": "Evidence Finding Judgement Plan Proof Proposal Safety Saving Severity Witness",
    "optimizer.settings": "Server Settings",
    "optimizer.sources": "read",
    "optimizer.subjects.compare": "compare",
    "optimizer.subjects.permissions": "Permissions",
    "optimizer.subjects.probes": "Comparison Connect Deliver LeafInterest LeafSubscribe Publish Relation Subscribe",
}
_HOME_OF = {name: home for home, names in _HOMES.items() for name in names.split()}

__all__ = [
    "Comparison",
    "Connect",
    "Deliver",
    "EditEntries",
    "Evidence",
    "Finding",
    "Hierarchy",
    "Judgement",
    "LeafInterest",
    "LeafSubscribe",
    "ListName",
    "OptimizerError",
    "Permissions",
    "Plan",
    "Proof",
    "Proposal",
    "Publish",
    "Relation",
    "Safety",
    "Saving",
    "Script",
    "Server",
    "Settings",
    "Severity",
    "Signed",
    "Skipped",
    "Subscribe",
    "Target",
    "TargetKind",
    "Witness",
    "compare",
    "examine",
    "judge",
    "read",
    "script_for",
]


class _Face(ModuleType):
    """A package whose functions keep their names though modules inside it have them too.

    Importing ``optimizer.judge`` makes the import system set the attribute ``judge`` of this package to the module;
    ``from optimizer import judge`` means the function, in whatever order things were imported.
    """

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401 whatever the name stands for
        home = _HOME_OF.get(name)
        if home is None:
            raise AttributeError(f"module {self.__name__!r} has no attribute {name!r}")
        value = getattr(import_module(home), name)
        setattr(self, name, value)
        return value

    def __setattr__(self, name: str, value: object) -> None:
        if name not in _HOME_OF or not isinstance(value, ModuleType):
            super().__setattr__(name, value)

    def __dir__(self) -> list[str]:
        return sorted({*super().__dir__(), *__all__})


sys.modules[__name__].__class__ = _Face
