"""`compare` against 900 recorded rewrites that nats-server 2.12.15, asked finitely much, called equivalent or not."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from optimizer.settings import Server
from optimizer.subjects.compare import Relation, Subscribe, compare
from optimizer.subjects.permissions import Permissions
from tests.oracle.witnesses import untrue_witnesses

RECORDED = Path(__file__).resolve().parents[2] / "corpus" / "oracle" / "rewrite-pairs.jsonl"

CALLED_EQUIVALENT = {
    317: Subscribe("b", ">"),
    323: Subscribe("a.b", ">"),
    529: Subscribe("a", ">"),
    575: Subscribe("a.b", ">"),
}
"""Pairs that the recording calls equivalent and that are not: its probes had no queue named ``>``.

Each drops a queue entry ``SUBJECT *`` under a plain allow, which admits every queue name again. By line, with the
witness that the real server confirms below.
"""


@pytest.fixture(scope="module")
def pairs():
    rows = [json.loads(line) for line in RECORDED.read_text().splitlines()]
    assert len(rows) == 900
    return rows


def compared(row, server):
    before, after = (Permissions.from_claims(row[name]) for name in ("before", "after"))
    return compare(before, after, server)


def test_same_is_what_the_server_treats_alike(pairs):
    wrong = [
        (line, row["rewrite"])
        for line, row in enumerate(pairs)
        if (compared(row, Server.CURRENT).relation is Relation.SAME) != row["equivalent"]
        and line not in CALLED_EQUIVALENT
    ]
    assert wrong == []


def test_the_pairs_wrongly_called_equivalent_have_the_witnesses_stated(pairs):
    assert {line: compared(pairs[line], Server.CURRENT).gained for line in CALLED_EQUIVALENT} == {
        line: (witness,) for line, witness in CALLED_EQUIVALENT.items()
    }


@pytest.mark.server
def test_every_witness_about_a_pair_is_true_on_the_server(pairs, oracle, server):
    found = [(row["before"], row["after"], compared(row, server)) for row in pairs]
    assert sum(comparison.relation is not Relation.SAME for *_, comparison in found) > 150
    assert untrue_witnesses(oracle, found) == []
