"""Runs the prose pages of the rules: what stands in a `claims` block, what the rule finds, what is proposed.

A page is markdown. Each `claims` block is JSON: `{"user": {...}}`, `{"role": {...}}` or `{"defaults": {...}}` holds
the permission lists, `users` more users of the role, `servers` the generations, `known` subjects known to exist,
`protected` those that nothing may newly admit. The blocks after it state what the rule finds (`list: why`, or
`nothing`) and what is proposed (`safety relation bytes: list -gone +come`, or `nothing`).
"""

import json
import re
from pathlib import Path

import pytest

from optimizer.examine import examine
from optimizer.rules import RULES
from optimizer.settings import Server, Widen
from tests.builders import Account, Role, User, settings, store

PAGES = Path(__file__).parent / "pages"
BLOCK = re.compile(r"^```(claims|finds|proposes)\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def cases():
    for page in sorted(PAGES.glob("*.md")):
        blocks = BLOCK.findall(page.read_text())
        number = 0
        for kind, text in blocks:
            if kind == "claims":
                number += 1
                claims, expected = json.loads(text), {}
                yield pytest.param(page.stem, claims, expected, id=f"{page.stem}-{number}")
            else:
                expected[kind] = [line for line in text.splitlines() if line]


def hierarchy_of(claims):
    if "user" in claims:
        return store(Account("ACME", users=[User("app", **claims["user"])], defaults=claims.get("beside", {})))
    if "role" in claims:
        users = [User(name, role="worker", nats=nats) for name, nats in claims.get("users", {}).items()]
        return store(Account("ACME", roles=[Role("worker", claims["role"])], users=users))
    return store(Account("ACME", defaults=claims["defaults"]))


def found(plan):
    lines = []
    for finding in (*(proposal.finding for proposal in plan.proposals), *plan.findings):
        where = f"{finding.list.value}: " if finding.list else ""
        lines += [f"{where}{reason.statement}" for reason in finding.evidence] or [finding.message]
    return lines or ["nothing"]


def proposed(plan):
    return [
        f"{proposal.judgement.safety.value} {proposal.judgement.relation.value} "
        f"{proposal.judgement.saving.bytes}: {edited(proposal.edits)}"
        for proposal in plan.proposals
    ] or ["nothing"]


def edited(edits):
    words = []
    for edit in edits:
        words += [edit.list.value, *(f"-{text}" for text in edit.remove), *(f"+{text}" for text in edit.add)]
    return " ".join(dict.fromkeys(words)) if len({edit.list for edit in edits}) == 1 else " ".join(words)


@pytest.mark.parametrize(("rule", "claims", "expected"), list(cases()))
def test_the_page_is_true(rule, claims, expected):
    servers = tuple(Server(name) for name in claims.get("servers", ["2.12", "2.11"]))
    protected = tuple(claims.get("protected", ()))
    chosen = settings(rules=(rule,), servers=servers, widen=Widen.WORTHWHILE, protected=protected)
    plan = examine(hierarchy_of(claims), chosen, known=claims.get("known", ()))
    assert {"finds": found(plan), "proposes": proposed(plan)} == expected


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.name)
def test_every_rule_has_a_page_and_a_docstring_with_all_its_parts(rule):
    assert (PAGES / f"{rule.name}.md").is_file()
    for part in ("What it finds", "What it costs", "What the proposal changes", "When to leave it", "Sources"):
        assert f"\n## {part}\n" in rule.page
    assert rule.summary.endswith(".")
    assert rule.summary == rule.summary.strip()
