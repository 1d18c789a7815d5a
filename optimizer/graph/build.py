"""Hierarchy -> networkx.MultiDiGraph: accounts, and an edge from exporter to importer for every import."""

from __future__ import annotations

import enum
from dataclasses import dataclass
from typing import TYPE_CHECKING

from optimizer.claims.model import Export
from optimizer.claims.validate import account_refusal
from optimizer.claims.weigh import gathered, weigh
from optimizer.graph.cycles import Cycles, Link, Links
from optimizer.graph.resolve import Exporter, Exports, Resolution, Route, State, filed_under, resolved, route

if TYPE_CHECKING:
    from collections.abc import Mapping

    import networkx as nx

    from optimizer.claims.keys import AccountKey
    from optimizer.claims.model import AccountClaims, Import
    from optimizer.hierarchy import Hierarchy, Signed

_BY_SERVER = (
    Export(subject="$SYS.REQ.ACCOUNT.*.CONNZ", type="service", account_token_position=4),
    Export(subject="$SYS.REQ.ACCOUNT.*.STATZ", type="service", account_token_position=4),
    Export(subject="$SYS.DEBUG.SUBSCRIBERS", type="service"),
    Export(subject="$SYS.REQ.USER.*.INFO", type="service"),
    Export(subject="$JS.API.>", type="service"),
)
"""Server: ``addSystemAccountExports`` and ``setupJetStreamExports`` give these to the system account."""

IMPORTED_BY_SERVER = (
    ("$SYS.REQ.ACCOUNT.PING.CONNZ", "$SYS.REQ.ACCOUNT.{}.CONNZ"),
    ("$SYS.REQ.SERVER.PING.CONNZ", "$SYS.REQ.ACCOUNT.{}.CONNZ"),
    ("$SYS.REQ.ACCOUNT.PING.STATZ", "$SYS.REQ.ACCOUNT.{}.STATZ"),
    ("$SYS.REQ.USER.INFO", "$SYS.REQ.USER.{}.INFO"),
)
"""Server: ``registerSystemImports`` gives these to every other account: its subject, and the system account's."""


class Node(enum.Enum):
    """What is known of an account."""

    KNOWN = "known"
    UNKNOWN = "unknown"
    """It is imported from, and its token is not in the source."""
    SYSTEM = "system"


@dataclass(frozen=True, slots=True)
class _Source:
    """A hierarchy as one server would load it."""

    hierarchy: Hierarchy
    now: int
    refusals: Mapping[str, str]
    """Why the server refuses an account's whole token; empty where it does not."""
    exporters: Mapping[str, Exporter]
    """The accounts it loads."""
    system: str


def build(hierarchy: Hierarchy, now: int) -> nx.MultiDiGraph[str]:
    """The graph of all imports of a hierarchy.

    Server: ``Server.updateAccountClaimsWithRefresh`` (2.12.15).

    Parameters
    ----------
    hierarchy
        As read. `hierarchy.coverage.accounts`, a person's word, turns "not in the source" into "does not exist".
    now
        The clock, in seconds since the epoch: activations expire.

    Returns
    -------
    networkx.MultiDiGraph
        Nodes by account key, with ``name``, ``kind`` (a `Node`), ``token_bytes`` (None where not known), ``refusal``
        (why the server refuses the token, or empty) and ``unused_exports`` (the `Export` records that no import of
        the source lies in). Edges from exporter to importer, keyed by the import's place in the importer's token,
        with ``claims`` (the `Import`), ``exports`` (those that contain it), ``state`` (a `State`), ``reason``,
        ``remote`` and ``local`` (the subject in the exporter and in the importer) and ``token_bytes``.
    """
    import networkx as nx  # noqa: PLC0415 159 ms that only a graph pays

    graph: nx.MultiDiGraph[str] = nx.MultiDiGraph()
    source = _source(hierarchy, now)
    for key in sorted(hierarchy.accounts):
        _add_account(graph, source, key)
    used: set[tuple[str, str, str]] = set()
    for key, resolutions in _resolutions(source).items():
        account = hierarchy.accounts[key]
        sizes = _import_sizes(account)
        for index, (each, resolution) in enumerate(zip(account.claims.imports, resolutions, strict=True)):
            if each.account not in graph:
                _add_stranger(graph, source, each.account)
            used.update((each.account, export.type, export.subject) for export in resolution.exports)
            path = route(each)
            graph.add_edge(
                each.account,
                key,
                key=index,
                claims=each,
                exports=resolution.exports,
                state=resolution.state,
                reason=resolution.reason,
                remote=path.remote,
                local=path.local,
                token_bytes=sizes[index],
            )
    for key, account in hierarchy.accounts.items():
        graph.nodes[key]["unused_exports"] = tuple(
            sorted(
                (export for export in account.claims.exports if (key, export.type, export.subject) not in used),
                key=lambda export: (export.type, export.subject),
            )
        )
    return graph


def _source(hierarchy: Hierarchy, now: int) -> _Source:
    operator = None if hierarchy.operator is None else hierarchy.operator.claims
    system = "" if operator is None else operator.system_account
    refusals: dict[str, str] = {key: _refusal(account) for key, account in hierarchy.accounts.items()}
    exporters: dict[str, Exporter] = {}
    for key, account in hierarchy.accounts.items():
        if not refusals[key]:
            strict = operator is not None and operator.strict_signing_key_usage
            sometimes = Exports(_BY_SERVER) if key == system else None
            exporters[key] = Exporter(account.claims, Exports(account.claims.exports), strict, sometimes)
    return _Source(hierarchy, now, refusals, exporters, system)


def _refusal(account: Signed[AccountClaims]) -> str:
    if account.issues:
        return account.issues[0].message
    return account_refusal(account.claims) or ""


def _add_account(graph: nx.MultiDiGraph[str], source: _Source, key: AccountKey) -> None:
    account = source.hierarchy.accounts[key]
    graph.add_node(
        key,
        name=account.claims.name,
        kind=Node.SYSTEM if key == source.system else Node.KNOWN,
        token_bytes=account.token.size,
        refusal=source.refusals[key],
        unused_exports=(),
    )


def _add_stranger(graph: nx.MultiDiGraph[str], source: _Source, key: str) -> None:
    kind = Node.SYSTEM if key == source.system else Node.UNKNOWN
    graph.add_node(key, name="", kind=kind, token_bytes=None, refusal="", unused_exports=())


def _resolutions(source: _Source) -> dict[AccountKey, list[Resolution]]:
    accounts = source.hierarchy.accounts
    found = {key: [_alone(each, key, source) for each in accounts[key].claims.imports] for key in sorted(accounts)}
    cycles = Cycles(_links(source, found), {key: exporter.exports for key, exporter in source.exporters.items()})
    for key, resolutions in found.items():
        taken: dict[tuple[str, ...], State] = {}
        for index, each in enumerate(accounts[key].claims.imports):
            resolution = resolutions[index] = _beside_others(resolutions[index], each, key, taken, cycles)
            if resolution.state in (State.WORKS, State.UNKNOWN):
                taken.setdefault((each.account, each.type, filed_under(each)), resolution.state)
    return found


def _alone(claims: Import, importer: AccountKey, source: _Source) -> Resolution:
    """What becomes of an import without regard to any other."""
    refusal = source.refusals[importer]
    exporter = source.exporters.get(claims.account)
    exports = () if exporter is None else exporter.exports.containing(claims.type, route(claims).remote)
    if refusal:
        return Resolution(State.REFUSED, refusal, exports)
    if exporter is not None:
        resolution = resolved(claims, importer, exporter, source.now)
        if claims.account == source.system and route(claims).local in {local for local, _ in IMPORTED_BY_SERVER}:
            return Resolution(State.UNKNOWN, "the server makes this import by itself", resolution.exports)
        return resolution
    if claims.account in source.refusals:
        why = source.refusals[claims.account]
        return Resolution(State.DROPPED, f"the server does not load the exporter: {why}")
    if source.hierarchy.coverage.accounts and claims.account != source.system:
        return Resolution(State.DROPPED, "there is no such account, if the source holds all of them as stated")
    return Resolution(State.UNKNOWN, "the exporter's token is not in the source")


def _links(source: _Source, found: Mapping[AccountKey, list[Resolution]]) -> dict[str, Links]:
    """What the server's search for cycles may follow: imports that are let in, and those it makes by itself."""
    links: dict[str, Links] = {}
    for key, resolutions in found.items():
        imports = zip(source.hierarchy.accounts[key].claims.imports, resolutions, strict=True)
        mine = [
            Link(each.account, each.type, route(each))
            for each, resolution in imports
            if resolution.state in (State.WORKS, State.UNKNOWN)
        ]
        if source.system and key != source.system:
            made = [Route(remote.format(key), local) for local, remote in IMPORTED_BY_SERVER]
            mine += [Link(source.system, "service", path) for path in made]
        links[key] = Links(mine)
    return links


def _beside_others(
    resolution: Resolution, claims: Import, importer: AccountKey, taken: Mapping[tuple[str, ...], State], cycles: Cycles
) -> Resolution:
    """What the other imports make of one that would work: cycles, and subjects already taken."""
    if resolution.state is not State.WORKS:
        return resolution
    path = route(claims)
    suspicion = cycles.suspicion(importer, Link(claims.account, claims.type, path))
    if suspicion:
        return Resolution(State.UNKNOWN, suspicion, resolution.exports)
    # Server: isStreamImportDuplicate asks for the exporter's subject, getServiceImportForAccountLocked for one's own.
    subject = path.remote if claims.type == "stream" else path.local
    before = taken.get((claims.account, claims.type, subject))
    if before is not None and any(len(token) > 1 and token[0] == "*" for token in subject.split(".")):
        odd = "the server takes a token that only begins with `*` for a wildcard in some places and not in others"
        return Resolution(State.UNKNOWN, odd, resolution.exports)
    match before:
        case State.WORKS:
            reason = f"an import before it takes `{subject}` from the same account"
            return Resolution(State.DROPPED, reason, resolution.exports)
        case State.UNKNOWN:
            reason = f"it is dropped if the import of `{subject}` before it works, which is not known"
            return Resolution(State.UNKNOWN, reason, resolution.exports)
        case _:
            return resolution


def _import_sizes(account: Signed[AccountClaims]) -> tuple[int, ...]:
    """Bytes of the token that each import costs."""
    if not account.claims.imports:
        return ()
    weights = {weight.pointer: weight.token_bytes for weight in gathered(weigh(account.token), 3)}
    return tuple(weights.get(f"/nats/imports/{index}", 0) for index in range(len(account.claims.imports)))
