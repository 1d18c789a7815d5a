"""``permopt audit --format sarif``: valid, and every region holds the entry that its finding names."""

from __future__ import annotations

import base64
import json
import re
from dataclasses import replace
from pathlib import Path
from urllib.parse import unquote, urlsplit

import jsonschema
import pytest

from optimizer import Settings, audit, audit_sarif, examine, read
from optimizer.audit.exclusions import Excluded, Exclusion
from optimizer.audit.records import FindingKind
from optimizer.reports.sarif import message_text
from optimizer.rules import RULES
from tests import signing
from tests.cli.conftest import NOW, is_printable
from tests.cli.test_hostile import NASTY
from tests.cli.test_hostile import hostile as hostile  # noqa: PLC0414 a fixture

ROOT = Path(__file__).resolve().parents[2]
ACME = ROOT / "corpus" / "acme"
SCHEMA = json.loads((ROOT / "tests" / "schemas" / "sarif-2.1.0-rtm.5.json").read_text())


def sarif(permopt, source, *words):
    typed = permopt("audit", source, "-f", "sarif", "--now", NOW, "--fail-on", "never", "-q", *words)
    assert typed.status == 0, typed.err
    document = typed.json
    jsonschema.Draft4Validator(SCHEMA).validate(document)
    return document["runs"][0]


def payloads(source):
    """The claims of every token, by what their file is called: decoded here, not by the engine."""
    hierarchy = read(str(source), now=0)
    tokens = {f"operators/{hierarchy.operator.claims.sub}.json": hierarchy.operator.token.text}
    tokens |= {f"accounts/{key}.json": each.token.text for key, each in hierarchy.accounts.items()}
    tokens |= {f"users/{owner}/{key}.json": each.token.text for (key, owner), each in hierarchy.users.items()}
    return {name: json.loads(base64.urlsafe_b64decode(text.split(".")[1] + "==")) for name, text in tokens.items()}


def resolved(claims, pointer):
    """What a JSON pointer means (RFC 6901), with the name of the member."""
    value, step = claims, None
    for step in (each.replace("~1", "/").replace("~0", "~") for each in pointer.split("/")[1:]):
        is_member = isinstance(value, dict)
        value = value[step] if is_member else value[int(step)]
        name = step if is_member else None
    return value if step is None or name is None else {name: value}


def cut(text, region):
    """The text of a SARIF region, whose columns are code points and whose end column is the first after it."""
    lines = text.split("\n")[region["startLine"] - 1 : region["endLine"]]
    lines[-1] = lines[-1][: region["endColumn"] - 1]
    return "\n".join(lines)[region["startColumn"] - 1 :]


def cut_of(text, region):
    found = cut(text, region)
    return json.loads("{" + found + "}" if found.startswith('"') and not _is_json(found) else found)


def _is_json(text):
    try:
        json.loads(text)
    except ValueError:
        return False
    return True


def test_every_region_holds_the_entry_that_its_finding_names(permopt, tmp_path):
    run = sarif(permopt, ACME, "--claims-dir", "out/claims")
    claims, checked = payloads(ACME), 0
    for result in run["results"]:
        pointers = result["properties"]["pointers"]
        assert len(result["locations"]) == len(pointers)
        for location, pointer in zip(result["locations"], pointers, strict=True):
            place = location["physicalLocation"]
            uri = place["artifactLocation"]["uri"]
            text = (tmp_path / uri).read_text()
            name = uri.removeprefix("out/claims/")
            assert cut_of(text, place["region"]) == resolved(claims[name], pointer), (uri, pointer)
            checked += 1
    assert checked > 300


def test_each_token_has_its_text_named_by_its_keys(permopt, tmp_path):
    run = sarif(permopt, ACME, "--claims-dir", "texts")
    written = {str(path.relative_to(tmp_path / "texts")) for path in (tmp_path / "texts").rglob("*.json")}
    claims = payloads(ACME)
    assert written == set(claims)
    for name, expected in claims.items():
        assert json.loads((tmp_path / "texts" / name).read_text()) == expected
    located = {each["location"]["uri"].removeprefix("texts/") for each in run["artifacts"]}
    assert located < written


def test_without_texts_the_regions_are_the_same(permopt):
    assert sarif(permopt, ACME) == sarif(permopt, ACME, "--claims-dir", "claims")


def test_texts_elsewhere_have_an_address_that_leads_there(permopt, tmp_path):
    for directory in (tmp_path / "a b#c%", Path("d e?f:g")):
        run = sarif(permopt, ACME, "--account", "LOYALTY", "--account", "EDGE", "--claims-dir", directory)
        uri = run["artifacts"][0]["location"]["uri"]
        assert (tmp_path / unquote(urlsplit(uri).path)).is_file()
    run = sarif(permopt, ACME, "--account", "EDGE", "--claims-dir", ".")
    assert (tmp_path / run["artifacts"][0]["location"]["uri"]).is_file()
    assert not run["artifacts"][0]["location"]["uri"].startswith(("/", "."))


def test_fingerprints_are_the_findings_own_names_and_no_two_are_alike(permopt):
    run = sarif(permopt, ACME)
    prints = [result["partialFingerprints"]["permoptFinding/v1"] for result in run["results"]]
    found = permopt("audit", ACME, "-f", "json", "--now", NOW).json["findings"]
    assert prints == [each["id"] for each in found]
    assert len({*prints}) == len(prints)
    later = permopt("audit", ACME, "-f", "sarif", "--now", "2026-11-24T12:00:00Z", "-q").json["runs"][0]
    assert {each["partialFingerprints"]["primaryLocationLineHash"] for each in later["results"]} == {*prints}


def test_a_fingerprint_stays_where_lines_move(permopt, shop):
    def prints():
        return {each["partialFingerprints"]["permoptFinding/v1"] for each in sarif(permopt, shop.root)["results"]}

    before = prints()
    key = signing.account("ANOTHER")
    shop.write("accounts/A/A.jwt", signing.sign(signing.account_claims(key, "A"), shop.operator))
    assert before <= prints()


def test_levels_savings_and_rules_are_those_of_the_findings(permopt):
    run = sarif(permopt, ACME)
    rules = run["tool"]["driver"]["rules"]
    found = permopt("audit", ACME, "-f", "json", "--now", NOW).json["findings"]
    for result, finding in zip(run["results"], found, strict=True):
        assert rules[result["ruleIndex"]]["id"] == result["ruleId"] == finding["rule"]
        assert result["level"] == finding["severity"]
        assert result["properties"].get("saving_bytes") == finding["saving_bytes"]
        assert result["properties"].get("safety") == finding["safety"]
        assert result["properties"]["needs_person"] == finding["needs_person"]
    assert {result["level"] for result in run["results"]} == {"error", "warning", "note"}


def test_every_rule_brings_its_page(permopt):
    rules = {rule["id"]: rule for rule in sarif(permopt, ACME)["tool"]["driver"]["rules"]}
    assert list(rules) == sorted(rules)
    for rule in RULES:
        assert rules[rule.name]["defaultConfiguration"]["level"] == rule.severity.value
        assert rules[rule.name]["shortDescription"]["text"] == rule.summary
        assert "## When to leave it" in rules[rule.name]["help"]["markdown"]
    without = sarif(permopt, ACME, "--no-findings")["tool"]["driver"]["rules"]
    assert {rule["id"] for rule in without} == {*rules} - {rule.name for rule in RULES}


def test_every_sign_and_issue_that_the_engine_knows_is_described():
    sources = "".join(path.read_text() for path in (ROOT / "optimizer").rglob("*.py"))
    named = set(re.findall(r'(?:_sign|Issue)\(\s*"([a-z-]+)"', sources))
    described = {rule["id"] for rule in audit_sarif(audit(read(str(ACME), now=0), None, Settings(now=0)), version="0")[
        "runs"][0]["tool"]["driver"]["rules"]}  # fmt: skip
    assert len(named) > 15
    assert named <= described


def test_hostile_names_are_exact_in_properties_and_text_alone_in_messages(permopt, hostile, tmp_path):
    typed = permopt("audit", hostile.root, "-f", "sarif", "--now", NOW, "--claims-dir", "c", "--fail-on", "never")
    jsonschema.Draft4Validator(SCHEMA).validate(typed.json)
    assert is_printable(typed.out)
    run = typed.json["runs"][0]
    names = {result["properties"].get("account") for result in run["results"]}
    assert {text for kind, text in NASTY.items() if kind != "seed"} <= names
    texts = "".join(path.read_text() for path in (tmp_path / "c").rglob("*.json"))
    assert is_printable(texts)
    assert NASTY["seed"] not in typed.out + texts
    assert {path.stem[0] for path in (tmp_path / "c").rglob("*.json")} == {"A", "O", "U"}
    assert not any("](" in result["message"]["text"].replace("\\](", "") for result in run["results"])
    assert run["invocations"][0]["toolExecutionNotifications"][0]["message"]["text"].startswith("skipped ")


@pytest.mark.parametrize(
    ("sentence", "text"),
    [
        ("a.{{name()}}", "a.{{{{name()}}}}"),
        ("{0} of {1}", "{{0}} of {{1}}"),
        ("see [x](http://evil)", "see \\[x\\](http://evil)"),
        ('`["a"]` stays', '`["a"]` stays'),
        ("a\x1b[2Jb\u202e", "a\\x1b[2Jb\\u202e"),
    ],
)  # fmt: skip
def test_a_message_holds_no_placeholder_and_no_link(sentence, text):
    assert message_text(sentence) == text


def test_an_operators_own_finding_is_in_its_own_text(permopt, tmp_path):
    operator = signing.operator("late")
    key = signing.account("A")
    late = signing.operator_claims(operator, "late") | {"exp": 1_760_000_000}
    (tmp_path / "s").mkdir()
    (tmp_path / "s" / "o.jwt").write_text(signing.sign(late, operator))
    (tmp_path / "s" / "a.jwt").write_text(signing.sign(signing.account_claims(key, "A"), operator))
    (expired,) = sarif(permopt, tmp_path / "s")["results"]
    uri = expired["locations"][0]["physicalLocation"]["artifactLocation"]["uri"]
    assert uri == f"claims/operators/{operator.public}.json"


def test_a_store_with_an_operator_alone_has_no_results(permopt, tmp_path):
    operator = signing.operator("lonely")
    (tmp_path / "op.jwt").write_text(signing.sign(signing.operator_claims(operator, "lonely"), operator))
    run = sarif(permopt, "op.jwt")
    assert (run["results"], run["artifacts"]) == ([], [])


def test_what_somebody_excluded_is_a_suppressed_result_and_the_others_are_not():
    hierarchy = read(str(ACME), now=0)
    settings = Settings(now=0)
    found = audit(hierarchy, None, settings)
    first, *rest = found.findings
    apart = Excluded(first, Exclusion(reason="known since\nMay {0}", until="2026-12-31"))
    document = audit_sarif(replace(found, findings=tuple(rest), excluded=(apart,)), version="1")
    jsonschema.Draft4Validator(SCHEMA).validate(document)
    *others, last = document["runs"][0]["results"]
    assert last["suppressions"] == [
        {"kind": "external", "status": "accepted", "justification": "until 2026-12-31: known since\\nMay {0}"}
    ]
    assert last["partialFingerprints"]["permoptFinding/v1"] == first.id
    assert all(each["suppressions"] == [] for each in others)


def test_a_finding_about_no_token_has_no_place_and_a_rule_nobody_knows_is_described_by_its_name():
    hierarchy = read(str(ACME), now=0)
    found = audit(hierarchy, None, Settings(now=0))
    odd = replace(found.findings[0], kind=FindingKind.SIZE, rule="odd-thing", account=None, user=None)
    document = audit_sarif(replace(found, findings=(odd,)), version="1", operator=hierarchy.operator)
    jsonschema.Draft4Validator(SCHEMA).validate(document)
    run = document["runs"][0]
    assert run["results"][0]["locations"] == []
    assert run["tool"]["driver"]["rules"][run["results"][0]["ruleIndex"]]["shortDescription"]["text"] == "Odd thing."


def test_of_a_thousand_places_a_hundred_are_shown_and_all_are_named(permopt, shop):
    key, owner = signing.user("many"), signing.account("ORDERS")
    subjects = ["m.>", *(f"m.{number}" for number in range(300))]
    claims = signing.user_claims(key, None, "many", pub={"allow": subjects})
    shop.write("accounts/ORDERS/users/many.jwt", signing.sign(claims, owner))
    run = sarif(permopt, shop.root)
    (result,) = [
        each
        for each in run["results"]
        if each["properties"].get("user") == "many" and each["ruleId"] == "covered-entry"
    ]
    assert len(result["locations"]) == 100
    assert len(result["properties"]["pointers"]) == 300


def test_examined_from_python_it_is_the_same_document(permopt):
    settings = Settings(now=1_795_435_200)
    hierarchy = read(str(ACME), now=settings.now)
    found = audit(hierarchy, examine(hierarchy, settings), settings)
    document = audit_sarif(found, version="0.1.0", operator=hierarchy.operator)
    assert document["runs"][0]["results"] == sarif(permopt, ACME)["results"]


def test_texts_that_cannot_be_written_end_with_3_and_no_document(permopt, tmp_path):
    (tmp_path / "file").touch()
    typed = permopt("audit", ACME, "-f", "sarif", "--now", NOW, "--claims-dir", "file")
    assert (typed.status, typed.out) == (3, "")


def test_the_configuration_suppresses_and_a_baseline_says_what_is_new(permopt, tmp_path):
    permopt("audit", ACME, "--write-baseline", "b.json", "--now", NOW, "--account", "EDGE", "--account", "ORDERS")
    exclusion = '[[exclude]]\nrule = "bloated"\nreason = "until {0} is split"\n'
    (tmp_path / "permopt.toml").write_text(exclusion + '[[exclude]]\nrule = "x"\nreason = "r"\nuntil = 2026-01-01\n')
    run = sarif(permopt, ACME, "--baseline", "b.json", "--account", "EDGE", "--account", "ORDERS")
    suppressed = [each for each in run["results"] if each["suppressions"]]
    assert [each["ruleId"] for each in suppressed] == ["bloated"]
    assert "baselineState" not in suppressed[0]
    states = {each["ruleId"]: each["baselineState"] for each in run["results"] if not each["suppressions"]}
    assert states["expired-exclusion"] == "new"
    assert states["covered-entry"] == "unchanged"
