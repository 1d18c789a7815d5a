"""Every JSON document has a committed schema, and is valid under it."""

from __future__ import annotations

import json
import re
from pathlib import Path

import jsonschema
import pytest

from optimizer.reports.json import probe_document
from optimizer.review.plan import _probe
from optimizer.subjects.probes import AcrossImport, Connect, Deliver, LeafInterest, LeafSubscribe, Publish, Subscribe
from tests.cli.conftest import NOW

ROOT = Path(__file__).resolve().parents[2]
SCHEMAS = {path.stem: json.loads(path.read_text()) for path in sorted((ROOT / "docs" / "schemas").glob("*.json"))}


def check(document):
    schema = SCHEMAS[document["type"]]
    errors = sorted(jsonschema.Draft202012Validator(schema).iter_errors(document), key=str)
    assert [(list(error.path), error.message) for error in errors] == []


@pytest.mark.parametrize("name", SCHEMAS)
def test_each_schema_is_one_and_is_named_after_its_document(name):
    jsonschema.Draft202012Validator.check_schema(SCHEMAS[name])
    assert SCHEMAS[name]["properties"]["type"] == {"const": name}


def test_every_document_that_the_code_names_has_a_schema():
    sources = "".join(path.read_text() for path in (ROOT / "optimizer").rglob("*.py"))
    assert set(re.findall(r'"(permopt\.[a-z]+\.v\d+)"', sources)) == set(SCHEMAS)


def test_documents_are_valid_from_the_plan_to_the_verification(permopt, shop, saved_plan, tmp_path):
    plan = json.loads(saved_plan.read_text())
    check(plan)
    assert {each["safety"] for each in plan["proposals"]} == {"safe", "risky", "advice"}
    risky = next(each["id"] for each in plan["proposals"] if each["safety"] == "risky")
    permopt("review", saved_plan, "--accept", risky)
    check(json.loads(saved_plan.with_name("plan.json.decisions.json").read_text()))
    check(permopt("review", saved_plan, "-f", "json").json)
    permopt("script", saved_plan, "-o", "out")
    check(json.loads((tmp_path / "out" / "expected.json").read_text()))
    check(permopt("verify", saved_plan, shop.root, "--now", NOW, "-f", "json").json)


def test_other_documents_are_valid(permopt, shop):
    check(permopt("graph", shop.root, "-f", "json").json)
    check(permopt("graph", shop.root, "--hubs", "-f", "json").json)
    check(permopt("graph", shop.root, "--from", "ORDERS", "--subject", "feed.a", "-f", "json").json)
    check(permopt("rules", "-f", "json").json)
    check(permopt("audit", shop.root, "-f", "json", "--no-findings").json)


def test_a_plan_without_proposals_is_valid(permopt, shop):
    check(permopt("propose", shop.root, "--account", "CLEAN", "-f", "json").json)


@pytest.mark.parametrize("store", ["corpus/acme", "corpus/clean"])
def test_the_corpus_yields_valid_documents(permopt, store):
    check(permopt("propose", ROOT / store, "--now", NOW, "-f", "json").json)
    check(permopt("graph", ROOT / store, "--now", NOW, "-f", "json", "--hubs").json)
    check(permopt("audit", ROOT / store, "--now", NOW, "-f", "json", "--replicas", 3).json)


@pytest.mark.parametrize(
    "probe",
    [
        Publish("a"),
        Publish("a", replying_to="b"),
        Subscribe("a.*", "q"),
        Deliver("a.*", None, "a.b"),
        Deliver("a.*", "q", "a.b", Subscribe("c.>", "r")),
        LeafSubscribe("a.>"),
        LeafInterest("a.>"),
        Connect(),
        AcrossImport("A", "service", "a.x", "B", "b", "b.x", 2),
    ],
)
def test_every_probe_is_read_back_as_it_was_written_and_is_valid(probe):
    document = probe_document(probe)
    assert _probe(document) == probe
    plan = SCHEMAS["permopt.plan.v1"]
    witness = {"$ref": "#/$defs/witness", "$defs": plan["$defs"]}
    jsonschema.Draft202012Validator(witness).validate({**document, "principal": "A/u", "server": "2.11"})
