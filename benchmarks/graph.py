"""The import graph of a large operator, made in memory: resolving, cycles, bundles, hubs, and the drawing.

python benchmarks/run.py graph              the figures
python benchmarks/graph.py 10000 200000 1   the same, with a store of another size, once
"""

from __future__ import annotations

import gc
import random
import resource
import sys
import time
from typing import TYPE_CHECKING, Any

import networkx as nx

from optimizer.claims.encode import payload_bytes, token_size
from optimizer.claims.model import AccountClaims, Export, Import
from optimizer.claims.token import Token
from optimizer.collecting import without_collecting
from optimizer.graph import build, bundles, graph_document, hubs
from optimizer.graph.analysis import analysis
from optimizer.graph.consolidate import suggestions
from optimizer.graph.edges import edges_of
from optimizer.graph.suggestion import Kind
from optimizer.graph.together import Together
from optimizer.hierarchy import Hierarchy, Signed
from optimizer.reports.dot import dot
from tests import signing

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

NOW = 1_795_000_000
ACCOUNTS, IMPORTS = 10_000, 200_000
KITS = 25
PRIVATE = 100
"""One account in so many has a private export, of which an import carries an activation: a signature to check."""
_TEAMS = ("orders", "billing", "stock", "fleet", "search", "media", "risk", "crm")
_VERBS = ("created", "updated", "deleted", "read", "list", "sync", "failed", "done")


def hierarchy(accounts: int, imports: int) -> Hierarchy:
    """An operator as large ones are: one account in five exports, a few of them to nearly everybody.

    Nearly one import in a hundred is private, one in two hundred lies in no export, one in five hundred comes from an
    account that nobody knows, and exporters import from each other, so that there are cycles to be found. One account
    in eight begins with most of one of 25 kits, twelve services of six exporters each: hubs are to be found.
    """
    chance = random.Random(f"graph {accounts} {imports}")
    keys = [signing.account(f"graph {number}") for number in range(accounts)]
    names = [str(key) for key in keys]
    exporters = range(0, accounts, 5)
    offers = {number: _exports(number) for number in exporters}
    weights = [1 / (1 + place) ** 0.7 for place in range(len(exporters))]
    taken: list[list[Import]] = [[] for _ in range(accounts)]
    for importer in range(3, accounts, 8):
        for exporter, subject in _kit(importer // 8 % KITS, exporters):
            if chance.random() < 0.95:
                account = names[exporter]
                taken[importer].append(Import(name=subject, subject=subject, account=account, type="service"))
    picks = chance.choices(exporters, weights, k=imports - sum(map(len, taken)))
    for index, exporter in enumerate(picks):
        importer = index % accounts
        mine = taken[importer]
        export = chance.choice(offers[exporter])
        subject = export.subject.replace("*", f"r{chance.randrange(9)}").replace(
            ">", f"{chance.choice(_VERBS)}.{len(mine)}"
        )
        more: dict[str, Any] = {}
        if export.token_req:
            more["token"] = _activation(keys[exporter], names[importer], export)
        elif index % 200 == 7:
            subject = f"gone.{subject}"
        stranger = index % 500 == 11 and not export.token_req
        account = str(signing.account(f"graph stranger {index % 50}")) if stranger else names[exporter]
        if chance.random() < 0.2:
            more["local_subject"] = f"from.{exporter}.{subject}"
        mine.append(Import(name=subject, subject=subject, account=account, type=export.type, **more))
    found = {}
    for number, key in enumerate(names):
        claims = AccountClaims(
            sub=key,
            iss="O" + "A" * 55,
            jti="J" * 52,
            iat=signing.ISSUED,
            name=f"{_TEAMS[number % 8].upper()}_{number:05}",
            imports=tuple(taken[number]),
            exports=tuple(offers.get(number, ())),
            limits=signing.NO_LIMITS,
        )
        payload = payload_bytes(claims)
        # Where a token's length is all that is asked of its text, no signature is made.
        text = "h" * 46 + "." + "x" * (token_size(len(payload)) - 134) + "." + "s" * 86
        found[key] = Signed(claims, Token(text, {}, payload, bytes(64)), f"{number}.jwt")
    return Hierarchy(accounts=found)


def _kit(kit: int, exporters: Sequence[int]) -> Iterator[tuple[int, str]]:
    for place in range(12):
        exporter = exporters[(kit * 6 + place % 6) % len(exporters)]
        yield exporter, f"{_TEAMS[exporter % 8]}.{exporter}.api.kit.{kit}.{place}"


def _exports(number: int) -> tuple[Export, ...]:
    team = _TEAMS[number % 8]
    return (
        Export(subject=f"{team}.{number}.events.>", type="stream"),
        Export(subject=f"{team}.{number}.*.state", type="stream"),
        Export(subject=f"{team}.{number}.api.>", type="service"),
        Export(subject="common.api.>", type="service"),
        *(
            [Export(subject=f"{team}.{number}.secret.>", type="stream", token_req=True)]
            if number % PRIVATE == 50
            else []
        ),
    )


_signed: dict[tuple[str, str], str] = {}


def _activation(exporter: signing.Key, importer: str, export: Export) -> str:
    found = _signed.get((importer, export.subject))
    if found is None:
        nats = {"subject": export.subject, "kind": export.type, "type": "activation", "version": 2}
        claims = {"name": "act", "sub": importer, "nats": nats}
        found = _signed[importer, export.subject] = signing.sign(claims, exporter)
    return found


def plain(whole: Hierarchy) -> nx.MultiDiGraph[str]:
    """The same nodes and edges, nothing resolved and nothing weighed."""
    graph: nx.MultiDiGraph[str] = nx.MultiDiGraph()
    for key, account in whole.accounts.items():
        graph.add_node(key, name=account.claims.name, token_bytes=account.token.size)
    for key, account in whole.accounts.items():
        for index, each in enumerate(account.claims.imports):
            graph.add_edge(each.account, key, key=index, claims=each, type=each.type, subject=each.subject)
    return graph


def timed(work: Callable[[], Any]) -> tuple[float, Any]:
    gc.collect()
    with without_collecting():  # neither the graph nor its peer makes garbage
        start = time.process_time()
        made = work()
        return time.process_time() - start, made


def bench_graph(accounts: int = ACCOUNTS, imports: int = IMPORTS, rounds: int = 3) -> Iterator[str]:
    whole = hierarchy(accounts, imports)
    before = _peak()
    rows, found = [], None
    for _ in range(rounds):
        peer, _plain = timed(lambda: plain(whole))
        del _plain
        resolved, graph = timed(lambda: build(whole, NOW))
        documented, document = timed(lambda graph=graph: graph_document(graph))
        written, text = timed(lambda document=document: dot(document))
        analysed, _analysis = timed(lambda graph=graph: analysis(graph, whole, NOW))
        del _analysis
        bundled, _bundles = timed(lambda graph=graph: list(bundles.bundles(edges_of(graph))))
        del _bundles
        sought, found = timed(lambda graph=graph: suggestions(graph, whole))
        rows.append((resolved, documented, written, bundled, analysed, sought, resolved + bundled, peer))
        if len(rows) == rounds:
            peak = _peak()
            saved, plain_saved, hub_count = against_greedy(graph, whole)
        states: dict[str, int] = {}
        for edge in document["edges"]:
            states[edge["state"]] = states.get(edge["state"], 0) + 1
        sizes = len(text)
        del graph, document, text
    middle = [sorted(column)[rounds // 2] for column in zip(*rows, strict=True)]
    ratios = [sorted(row[index] / row[-1] for row in rows)[rounds // 2] for index in range(len(middle))]
    yield (
        f"## The import graph of {accounts:,} accounts and {imports:,} imports: resolved and bundled within 5 s, "
        "hubs within 10 s, drawn within 3 s"
    )
    yield ""
    yield f"From decoded claims, one process, CPU time; medians of {rounds}; the peer adds the same edges unresolved."
    yield f"States: {', '.join(f'{states[state]:,} {state}' for state in sorted(states))}."
    yield ""
    yield "| step | s of CPU | times the plain construction |"
    yield "|---|---|---|"
    yield f"| networkx, the same edges, nothing resolved | {middle[-1]:.2f} | 1 |"
    steps = (
        (0, "every import resolved, cycles sought, bytes charged"),
        (3, "bundles sought"),
        (6, "**both of these: wanted within 5 s**"),
        (4, "cycles named, shared streams, several responders, what imports hang on"),
        (5, "**hubs and bundles sought, chosen and priced: wanted within 10 s**"),
        (1, "the document `permopt.graph.v1`"),
        (2, f"**DOT of it, {sizes / 1e6:.1f} MB: wanted within 3 s**"),
    )
    for index, step in steps:
        yield f"| {step} | {middle[index]:.2f} | {ratios[index]:.1f} |"
    yield ""
    yield (
        f"Suggestions: {len(found.suggestions) + found.more:,}, {hub_count} of them hubs; they save {saved:,} bytes, "
        f"{saved / plain_saved:.4f} times what the plain greedy saves (wanted: never less than 1)."
    )
    yield f"Peak memory of the process: {peak / 2**20:.2f} GB; {before / 2**20:.2f} GB of it are claims and tokens."


def against_greedy(graph: nx.MultiDiGraph[str], whole: Hierarchy) -> tuple[int, int, int]:
    """Bytes that all suggestions save, and those of a greedy written down anew: most first, whatever goes together."""
    chosen = suggestions(graph, whole, most=1_000_000).suggestions
    edges = edges_of(graph)
    beside = Together(edges, whole)
    possible = [*hubs.hubs(edges, whole)[0], *bundles.bundles(edges)]
    ranked = sorted(
        (each for each in possible if each.estimate() > 0 and beside.accepts(each)), key=lambda each: -each.estimate()
    )
    gone: set[tuple[str, int]] = set()
    saved = 0
    for each in ranked:
        places = {(edge.importer, edge.place) for edge in each.edges}
        if gone.isdisjoint(places) and beside.takes(each):
            gone |= places
            priced = hubs.suggested(each, whole) if isinstance(each, hubs.Hub) else bundles.suggested(each, whole, {})
            saved += max(0, priced.saved)
    return sum(each.saved for each in chosen), saved, sum(each.kind is Kind.HUB for each in chosen)


def _peak() -> int:
    """Kilobytes."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss


if __name__ == "__main__":
    print("\n".join(bench_graph(*map(int, sys.argv[1:]))))
