from __future__ import annotations

import json
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest

from optimizer import read
from optimizer.claims.weigh import weigh
from optimizer.graph import Node, State, build, graph_document
from optimizer.reports.dot import dot
from optimizer.reports.imports import graph_page
from optimizer.reports.style import Style
from tests import signing

if TYPE_CHECKING:
    from collections.abc import Callable

    from optimizer.hierarchy import Hierarchy

    Make = Callable[..., Hierarchy]

NOW = 1_795_000_000
ACME = "corpus/acme"


def stream(subject: str, **more: Any) -> dict[str, Any]:
    return {"subject": subject, "type": "stream", **more}


def service(subject: str, **more: Any) -> dict[str, Any]:
    return {"subject": subject, "type": "service", **more}


def edges(hierarchy: Hierarchy) -> list[dict[str, Any]]:
    return graph_document(build(hierarchy, NOW))["edges"]


def key(letter: str) -> str:
    return str(signing.account(letter))


def test_an_edge_leads_from_exporter_to_importer_and_says_all_it_knows(make: Make):
    (edge,) = edges(
        make(
            A={"exports": [service("svc.>", token_req=True)]},
            B={"imports": [service("svc.a", account="A", local_subject="mine.a", share=True)]},
        )
    )
    assert edge.pop("token_bytes") > 100
    assert edge == {
        "exporter": key("A"),
        "importer": key("B"),
        "type": "service",
        "export_subject": "svc.>",
        "import_subject": "svc.a",
        "local_subject": "mine.a",
        "state": "dropped",
        "reason": "`svc.>` is private and the import has no activation",
        "private": True,
        "activation": False,
        "share": True,
        "response_type": "Singleton",
    }


def test_the_response_type_is_that_of_the_export_and_a_stream_has_none(make: Make):
    found = edges(
        make(
            A={"exports": [service("v.a", response_type="Stream"), stream("s.a")]},
            B={"imports": [service("v.a", account="A"), service("v.b", account="A"), stream("s.a", account="A")]},
        )
    )
    assert [(edge["import_subject"], edge["response_type"]) for edge in found] == [
        ("v.a", "Stream"),
        ("v.b", None),
        ("s.a", None),
    ]


def test_what_the_imports_cost_is_what_their_bytes_in_the_token_cost(make: Make):
    hierarchy = make(
        A={"exports": [stream("s.>")]},
        B={"imports": [stream("s.a", account="A"), stream("s.b.c.d", account="A", name="long")]},
    )
    token = hierarchy.accounts[key("B")].token
    charged = sum(weight.token_bytes for weight in weigh(token) if weight.pointer.startswith("/nats/imports/"))
    assert sum(edge["token_bytes"] for edge in edges(hierarchy)) == charged > 0


def test_an_exporter_outside_the_source_is_a_node_of_unknown_kind_and_size(make: Make):
    graph = build(make(B={"imports": [stream("s.a", account="A")]}), NOW)
    assert graph.nodes[key("A")]["kind"] is Node.UNKNOWN
    assert graph.nodes[key("A")]["token_bytes"] is None
    (edge,) = graph_document(graph)["edges"]
    assert (edge["state"], edge["export_subject"], edge["private"]) == ("unknown", None, None)


def test_a_person_who_says_that_all_accounts_are_there_makes_the_unknown_exporter_a_missing_one(make: Make):
    (edge,) = edges(make(B={"imports": [stream("s.a", account="A")]}, complete=True))
    assert edge["state"] == "dropped"


def test_the_system_account_is_known_by_the_operator_even_where_its_token_is_not(make: Make):
    hierarchy = make(B={"imports": [service("$SYS.REQ.SERVER.PING", account="S")]}, system="S")
    graph = build(hierarchy, NOW)
    assert graph.nodes[key("S")]["kind"] is Node.SYSTEM
    assert graph.edges[key("S"), key("B"), 0]["state"] is State.UNKNOWN


def test_what_only_the_server_exports_from_the_system_account_is_unknown(make: Make):
    (edge,) = edges(
        make(S={}, B={"imports": [service("$JS.API.STREAM.NAMES", account="S", local_subject="js")]}, system="S")
    )
    assert edge["state"] == "unknown"
    assert "$JS.API.>" in edge["reason"]


def test_an_exporter_whose_token_a_stranger_signed_is_not_loaded(make: Make):
    (edge,) = edges(
        make(A={"exports": [stream("s.a")], "signed_by": "somebody"}, B={"imports": [stream("s.a", account="A")]})
    )
    assert edge["state"] == "dropped"
    assert "does not load the exporter" in edge["reason"]


def test_a_refused_account_has_only_refused_imports_and_says_why(make: Make):
    graph = build(
        make(
            A={"exports": [service("v.*"), stream("s.a")]},
            B={"imports": [service("v.*", account="A"), service("v.a", account="A"), stream("s.a", account="A")]},
        ),
        NOW,
    )
    assert {edge["state"] for edge in graph_document(graph)["edges"]} == {"refused"}
    assert "overlap" in graph.nodes[key("B")]["refusal"]


def test_exports_nobody_imports_are_loose_ends_and_a_failing_import_still_holds_one(make: Make):
    document = graph_document(
        build(
            make(
                A={"exports": [stream("s.a"), stream("s.b", token_req=True), service("s.a"), service("v.>")]},
                B={"imports": [stream("s.b", account="A"), service("v.x.*", account="A")]},
            ),
            NOW,
        )
    )
    assert document["unused_exports"] == [
        {"account": key("A"), "type": "service", "subject": "s.a", "private": False},
        {"account": key("A"), "type": "stream", "subject": "s.a", "private": False},
    ]


def test_overlapping_exports_that_disagree_leave_it_to_chance(make: Make):
    (edge,) = edges(
        make(
            A={"exports": [service("o.*.b", token_req=True), service("o.a.*")]},
            B={"imports": [service("o.a.b", account="A")]},
        )
    )
    assert edge["state"] == "unknown"
    assert "2 exports" in edge["reason"]


@pytest.mark.parametrize(
    ("states", "accounts"),
    [
        (
            ["unknown", "unknown"],  # each would close the other's cycle
            {
                "A": {"exports": [service("c")], "imports": [service("c", account="B")]},
                "B": {"exports": [service("c")], "imports": [service("c", account="A")]},
            },
        ),
        (
            ["works", "works"],  # renamed on the way: the request never comes back
            {
                "A": {"exports": [service("a")], "imports": [service("b", account="B")]},
                "B": {"exports": [service("b")], "imports": [service("a", account="A")]},
            },
        ),
    ],
)
def test_cycles_are_told_from_chains(make: Make, states: list[str], accounts: dict[str, Any]):
    assert sorted(edge["state"] for edge in edges(make(**accounts))) == states


def test_a_chain_into_an_account_outside_the_source_may_close_a_cycle(make: Make):
    found = edges(
        make(
            A={"exports": [service("c")], "imports": [service("c", account="X")]},
            B={"imports": [service("c", account="A")]},
        )
    )
    assert [edge["state"] for edge in found] == ["unknown", "unknown"]
    assert any("depends on" in edge["reason"] for edge in found)


def test_acme_has_one_dropped_import_and_no_other_that_fails():
    document = graph_document(build(read(ACME, now=NOW), NOW))
    assert len(document["nodes"]) == 10
    assert {edge["state"] for edge in document["edges"]} == {"works", "dropped"}
    (dropped,) = (edge for edge in document["edges"] if edge["state"] == "dropped")
    assert dropped["reason"] == "no stream export contains `orders.drafted`"


def test_the_same_store_gives_the_same_document_in_every_process():
    script = (
        "import json; from optimizer import read; from optimizer.graph import build, graph_document;"
        f"print(json.dumps(graph_document(build(read({ACME!r}, now={NOW}), {NOW}))))"
    )
    found = {
        subprocess.run(
            [sys.executable, "-c", script], env={"PYTHONHASHSEED": seed}, capture_output=True, text=True, check=True
        ).stdout
        for seed in ("1", "2")
    }
    assert len(found) == 1
    assert json.loads(found.pop())["type"] == "permopt.graph.v1"


def test_importing_the_package_does_not_import_networkx():
    script = "import sys, optimizer.graph, optimizer.reports.dot; sys.exit('networkx' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", script], check=False).returncode == 0


def test_a_seed_in_a_name_is_redacted(make: Make):
    document = graph_document(build(make(A={"name": "SA" + "A" * 56}), NOW))
    assert document["nodes"][0]["name"] == "S...(seed removed)"


def test_what_only_an_earlier_server_refuses_is_said_of_an_import_that_works(make: Make):
    exporters = {letter: {"exports": [service("v.a")]} for letter in "AC"}
    taken = [service("v.a", account=letter) for letter in "AC"]
    document = graph_document(build(make(**exporters, B={"imports": taken}), NOW))
    assert {edge["state"] for edge in document["edges"]} == {"works"}
    assert all("nats-server 2.11.8 refuses the importer's token" in edge["reason"] for edge in document["edges"])
    page = " ".join(graph_page(document, Style(), next_command="").split())
    assert "account B: 2 imports work on a current server, and on no earlier one: nats-server 2.11.8 refuses" in page
    assert dot(document).count("not on an earlier server: nats-server 2.11.8 refuses the importer's token") == 2 * 2
    one = graph_document(build(make(A=exporters["A"], B={"imports": taken[:1]}), NOW))
    assert "earlier" not in graph_page(one, Style(), next_command="") + dot(one)


def test_a_search_for_cycles_may_pass_a_system_account_that_no_token_names(make: Make):
    # nats-server 2.12.15, whose configuration names one, drops the import of `*.>`.
    accounts = {
        "D": {"exports": [service("a.*")]},
        "C": {
            "exports": [service(">")],
            "imports": [service("a.a", account="D", local_subject="l"), service("a.a", account="D")],
        },
        "B": {"imports": [service("*.>", account="C")]},
    }
    (wide,) = (edge for edge in edges(make(**accounts)) if edge["import_subject"] == "*.>")
    assert wide["state"] == "unknown"
    assert "cycle" in wide["reason"]
