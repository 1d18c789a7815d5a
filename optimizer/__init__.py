"""The public face: read a source, examine it, judge edits, write scripts, and ask what permissions mean.

Each name is imported when it is first used, so that ``import optimizer`` costs nothing a caller does not use.

=================  =================================================================================================
from a source      `read` a `Hierarchy`
to its scripts     `examine` it for a `Plan`, `judge` edits of your own, `script_for` what was accepted
bytes              `weigh` a token or claims, `gathered` by section; budgets and prices are in `Settings` and `Plan`
sizes              `audit` a hierarchy and its plan: accounts and users ranked, `sections` of a token, what stands out
its reports        `audit_document`, `audit_csv`, `audit_markdown`, `audit_sarif`, `audit_prometheus`
imports            `build` the graph, `graph_document`, `analysis`, `suggestions`, `reach` and `reached`
drawings           `dot`, `mermaid`, `graphml`, `node_link`, each of a graph document
meaning            `compare` two `Permissions`, which a `Publish` or another probe tells apart
=================  =================================================================================================

Examples
--------
>>> from optimizer import Permissions, compare
>>> before = Permissions.from_claims({"pub": {"allow": ["orders.us", "orders.>"]}})
>>> after = Permissions.from_claims({"pub": {"allow": ["orders.>"]}})
>>> compare(before, after).relation.value
'same'

>>> from optimizer import Hierarchy, build, dot, graph_document
>>> dot(graph_document(build(Hierarchy(), now=0))).splitlines()[0]
'digraph imports {'
"""
# ruff: noqa: TC004 the imports below are for type checkers; a run imports each name when it is used

from __future__ import annotations

import sys
from importlib import import_module
from types import ModuleType
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from optimizer.access.reached import Reached, Receiver, reached
    from optimizer.audit.audit import audit
    from optimizer.audit.bands import Band, ConnectBand
    from optimizer.audit.records import (
        AccountAudit,
        Audit,
        AuditFinding,
        Counts,
        Entry,
        FindingKind,
        NotKnown,
        Totals,
        UserAudit,
        Validation,
    )
    from optimizer.claims.model import Export, Import
    from optimizer.claims.sections import Escapes, Section, sections
    from optimizer.claims.weigh import Weight, gathered, weigh
    from optimizer.edits import EditEntries, ListName, Target, TargetKind
    from optimizer.errors import OptimizerError
    from optimizer.examine import examine
    from optimizer.graph import Node, State, build, graph_document
    from optimizer.graph.analysis import Analysis, Cycle, Effect, Hold, Overlap, Point, Responders, analysis
    from optimizer.graph.consolidate import Consolidation, suggestions
    from optimizer.graph.edges import Edge, edges_of
    from optimizer.graph.exchange import graphml, node_link
    from optimizer.graph.reach import Arrival, Reach, Step, reach
    from optimizer.graph.suggestion import Suggestion
    from optimizer.hierarchy import Coverage, Hierarchy, Signed, Skipped
    from optimizer.judge import judge
    from optimizer.nsc.script import Script, script_for
    from optimizer.proposals import (
        Evidence,
        Finding,
        FrontierPoint,
        Gain,
        Grant,
        Judgement,
        Plan,
        Proof,
        Proposal,
        Safety,
        Saving,
        Severity,
        TokenBudget,
        TokenChange,
        Witness,
    )
    from optimizer.reports.audit_csv import audit_csv
    from optimizer.reports.audit_document import audit_document
    from optimizer.reports.audit_markdown import audit_markdown
    from optimizer.reports.claims_text import ClaimsText, Region, claims_text
    from optimizer.reports.dot import dot
    from optimizer.reports.mermaid import mermaid
    from optimizer.reports.prometheus import UserSeries, audit_prometheus
    from optimizer.reports.sarif import audit_sarif, claims_files
    from optimizer.settings import Server, Settings, Weights, Widen
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
    "optimizer.access.reached": "Reached Receiver reached",
    "optimizer.audit.audit": "audit",
    "optimizer.audit.bands": "Band ConnectBand",
    "optimizer.audit.records": "AccountAudit Audit AuditFinding Counts Entry FindingKind NotKnown Totals UserAudit "
    "Validation",
    "optimizer.claims.model": "Export Import",
    "optimizer.claims.sections": "Escapes Section sections",
    "optimizer.claims.weigh": "Weight gathered weigh",
    "optimizer.edits": "EditEntries ListName Target TargetKind",
    "optimizer.errors": "OptimizerError",
    "optimizer.examine": "examine",
    "optimizer.graph": "Node State build graph_document",
    "optimizer.graph.analysis": "Analysis Cycle Effect Hold Overlap Point Responders analysis",
    "optimizer.graph.consolidate": "Consolidation suggestions",
    "optimizer.graph.edges": "Edge edges_of",
    "optimizer.graph.exchange": "graphml node_link",
    "optimizer.graph.reach": "Arrival Reach Step reach",
    "optimizer.graph.suggestion": "Suggestion",
    "optimizer.hierarchy": "Coverage Hierarchy Signed Skipped",
    "optimizer.judge": "judge",
    "optimizer.nsc.script": "Script script_for",
    "optimizer.proposals": "Evidence Finding FrontierPoint Gain Grant Judgement Plan Proof Proposal Safety Saving "
    "Severity TokenBudget TokenChange Witness",
    "optimizer.reports.audit_csv": "audit_csv",
    "optimizer.reports.audit_document": "audit_document",
    "optimizer.reports.audit_markdown": "audit_markdown",
    "optimizer.reports.claims_text": "ClaimsText Region claims_text",
    "optimizer.reports.dot": "dot",
    "optimizer.reports.mermaid": "mermaid",
    "optimizer.reports.prometheus": "UserSeries audit_prometheus",
    "optimizer.reports.sarif": "audit_sarif claims_files",
    "optimizer.settings": "Server Settings Weights Widen",
    "optimizer.sources": "read",
    "optimizer.subjects.compare": "compare",
    "optimizer.subjects.permissions": "Permissions",
    "optimizer.subjects.probes": "Comparison Connect Deliver LeafInterest LeafSubscribe Publish Relation Subscribe",
}
_HOME_OF = {name: home for home, names in _HOMES.items() for name in names.split()}

__all__ = [
    "AccountAudit",
    "Analysis",
    "Arrival",
    "Audit",
    "AuditFinding",
    "Band",
    "ClaimsText",
    "Comparison",
    "Connect",
    "ConnectBand",
    "Consolidation",
    "Counts",
    "Coverage",
    "Cycle",
    "Deliver",
    "Edge",
    "EditEntries",
    "Effect",
    "Entry",
    "Escapes",
    "Evidence",
    "Export",
    "Finding",
    "FindingKind",
    "FrontierPoint",
    "Gain",
    "Grant",
    "Hierarchy",
    "Hold",
    "Import",
    "Judgement",
    "LeafInterest",
    "LeafSubscribe",
    "ListName",
    "Node",
    "NotKnown",
    "OptimizerError",
    "Overlap",
    "Permissions",
    "Plan",
    "Point",
    "Proof",
    "Proposal",
    "Publish",
    "Reach",
    "Reached",
    "Receiver",
    "Region",
    "Relation",
    "Responders",
    "Safety",
    "Saving",
    "Script",
    "Section",
    "Server",
    "Settings",
    "Severity",
    "Signed",
    "Skipped",
    "State",
    "Step",
    "Subscribe",
    "Suggestion",
    "Target",
    "TargetKind",
    "TokenBudget",
    "TokenChange",
    "Totals",
    "UserAudit",
    "UserSeries",
    "Validation",
    "Weight",
    "Weights",
    "Widen",
    "Witness",
    "analysis",
    "audit",
    "audit_csv",
    "audit_document",
    "audit_markdown",
    "audit_prometheus",
    "audit_sarif",
    "build",
    "claims_files",
    "claims_text",
    "compare",
    "dot",
    "edges_of",
    "examine",
    "gathered",
    "graph_document",
    "graphml",
    "judge",
    "mermaid",
    "node_link",
    "reach",
    "reached",
    "read",
    "script_for",
    "sections",
    "suggestions",
    "weigh",
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
