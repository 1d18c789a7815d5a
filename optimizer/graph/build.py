"""Hierarchy -> networkx.MultiDiGraph: accounts, and an edge from exporter to importer for every import."""

from __future__ import annotations

import enum
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from optimizer.claims.model import Export
from optimizer.claims.validate import account_refusal, refusal_of_earlier
from optimizer.claims.weigh import import_sizes, weigh
from optimizer.collecting import without_collecting
from optimizer.graph.cycles import Cycles, Link, Links
from optimizer.graph.exports import Exports
from optimizer.graph.resolve import Exporter, Resolution, Route, State, filed_under, resolved, route

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

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

UNNAMED_SYSTEM = "(system)"
"""Stands for the key of a system account that no token names: a server's configuration may, and a search for cycles by
``*.>`` passes there all the same."""


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
    refusals: Mapping[str, str]
    """Why the server refuses an account's whole token; empty where it does not."""
    exporters: Mapping[str, Exporter]
    """The accounts it loads."""
    system: str


@without_collecting()
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
        with ``claims`` (the `Import`), ``exports`` (those that contain it), ``state`` (a `State`), ``otherwise`` (what
        a refused one would be if its token were let in), ``reason``, ``remote`` and ``local`` (the subject in the
        exporter and in the importer) and ``token_bytes``.
    """
    import networkx as nx  # noqa: PLC0415 159 ms that only a graph pays

    graph: nx.MultiDiGraph[str] = nx.MultiDiGraph()
    source = _source(hierarchy, now)
    for key in sorted(hierarchy.accounts):
        _add_account(graph, source, key)
    used: set[tuple[str, str, str]] = set()
    for key, paths, resolutions in _resolutions(source):
        account = hierarchy.accounts[key]
        sizes = _import_sizes(account)
        imports = zip(account.claims.imports, paths, resolutions, strict=True)
        for index, (each, path, resolution) in enumerate(imports):
            if each.account not in graph:
                _add_stranger(graph, source, each.account)
            for export in resolution.exports:
                used.add((each.account, export.type, export.subject))
            graph.add_edge(
                each.account,
                key,
                key=index,
                claims=each,
                exports=resolution.exports,
                state=resolution.state,
                otherwise=resolution.otherwise or resolution.state,
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
    system = hierarchy.system_account or UNNAMED_SYSTEM
    refusals: dict[str, str] = {key: _refusal(account) for key, account in hierarchy.accounts.items()}
    exporters: dict[str, Exporter] = {}
    for key, account in hierarchy.accounts.items():
        if not refusals[key]:
            strict = operator is not None and operator.strict_signing_key_usage
            sometimes = Exports(_BY_SERVER) if key == system else None
            exporters[key] = Exporter(account.claims, Exports(account.claims.exports), now, strict, sometimes)
    return _Source(hierarchy, refusals, exporters, system)


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


def _resolutions(source: _Source) -> Iterator[tuple[AccountKey, list[Route], list[Resolution]]]:
    """Of each account in order: its imports' routes, and what becomes of them."""
    accounts = source.hierarchy.accounts
    routes: dict[AccountKey, list[Route]] = {}
    found: dict[AccountKey, list[Resolution]] = {}
    for key in sorted(accounts):
        imports = accounts[key].claims.imports
        paths = routes[key] = [route(each) for each in imports]
        found[key] = [_alone(each, path, key, source) for each, path in zip(imports, paths, strict=True)]
    exports = {key: exporter.exports for key, exporter in source.exporters.items()}
    cycles = Cycles(_links(source, routes, found), exports)
    for key, resolutions in found.items():
        taken: dict[tuple[str, ...], State] = {}
        beside: list[Resolution] = []
        earlier = refusal_of_earlier(accounts[key].claims) or ""
        for each, path, alone in zip(accounts[key].claims.imports, routes[key], resolutions, strict=True):
            resolution = alone
            if alone.state is State.WORKS:
                suspicion = cycles.suspicion(key, each.account, each.type, path)
                if suspicion:
                    resolution = Resolution(State.UNKNOWN, suspicion, alone.exports)
                else:
                    resolution = _beside_others(alone, each, path, taken)
            if resolution.state in (State.WORKS, State.UNKNOWN):
                taken.setdefault((each.account, each.type, filed_under(each, path)), resolution.state)
            if earlier and resolution.state is State.WORKS:
                both = f"{earlier}; {resolution.reason}" if resolution.reason else earlier
                resolution = Resolution(State.WORKS, both, resolution.exports)
            beside.append(resolution)
        yield key, routes[key], beside


def _alone(claims: Import, path: Route, importer: AccountKey, source: _Source) -> Resolution:
    """What becomes of an import without regard to any other."""
    found = _read(claims, path, importer, source)
    refusal = source.refusals[importer]
    return Resolution(State.REFUSED, refusal, found.exports, found.state) if refusal else found


def _read(claims: Import, path: Route, importer: AccountKey, source: _Source) -> Resolution:
    """The same where the server does not refuse the importer's token."""
    exporter = source.exporters.get(claims.account)
    if exporter is not None:
        exports = exporter.exports.containing(claims.type, path.remote)
        resolution = resolved(claims, path, exports, importer, exporter)
        if claims.account == source.system and path.local in {local for local, _ in IMPORTED_BY_SERVER}:
            return Resolution(State.UNKNOWN, "the server makes this import by itself", resolution.exports)
        return resolution
    if claims.account in source.refusals:
        why = source.refusals[claims.account]
        return Resolution(State.DROPPED, f"the server does not load the exporter: {why}")
    if source.hierarchy.coverage.accounts and claims.account != source.system:
        return Resolution(State.DROPPED, "there is no such account, if the source holds all of them as stated")
    return Resolution(State.UNKNOWN, "the exporter's token is not in the source")


def _links(
    source: _Source, routes: Mapping[AccountKey, list[Route]], found: Mapping[AccountKey, list[Resolution]]
) -> dict[str, Links]:
    """What the server's search for cycles may follow: imports that are let in, and those it makes by itself."""

    def of(key: AccountKey) -> Iterator[Link]:
        for each, path, resolution in zip(
            source.hierarchy.accounts[key].claims.imports, routes[key], found[key], strict=True
        ):
            if resolution.state in (State.WORKS, State.UNKNOWN):
                yield Link(each.account, each.type, path)
        if key != source.system:
            for local, remote in IMPORTED_BY_SERVER:
                yield Link(source.system, "service", Route(remote.format(key), local))

    return {key: Links(partial(of, key)) for key in found}


def _beside_others(
    resolution: Resolution, claims: Import, path: Route, taken: Mapping[tuple[str, ...], State]
) -> Resolution:
    """What those before it make of an import that would work: its subject may be taken."""
    # Server: isStreamImportDuplicate asks for the exporter's subject, getServiceImportForAccountLocked for one's own.
    subject = path.remote if claims.type == "stream" else path.local
    before = taken.get((claims.account, claims.type, subject))
    if before is None:
        return resolution
    if any(len(token) > 1 and token[0] == "*" for token in subject.split(".")):
        odd = "the server takes a token that only begins with `*` for a wildcard in some places and not in others"
        return Resolution(State.UNKNOWN, odd, resolution.exports)
    if before is State.WORKS:
        return Resolution(
            State.DROPPED, f"an import before it takes `{subject}` from the same account", resolution.exports
        )
    reason = f"it is dropped if the import of `{subject}` before it works, which is not known"
    return Resolution(State.UNKNOWN, reason, resolution.exports)


def _import_sizes(account: Signed[AccountClaims]) -> tuple[int, ...]:
    """Bytes of the token that each import costs."""
    if not account.claims.imports:
        return ()
    sizes = import_sizes(account.token)
    if sizes is not None and len(sizes) == len(account.claims.imports):
        return sizes
    weights = {weight.pointer: weight.token_bytes for weight in weigh(account.token, 3)}
    return tuple(weights.get(f"/nats/imports/{index}", 0) for index in range(len(account.claims.imports)))
