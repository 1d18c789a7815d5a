"""Runs the prose pages of the rules: what stands in a `claims` block, what the rule finds, what is proposed.

A page is markdown. Each `claims` block is JSON: `{"user": {...}}`, `{"role": {...}}` or `{"defaults": {...}}` holds
the permission lists, `users` more users of the role, `servers` the generations, `known` subjects known to exist,
`protected` those that nothing may newly admit. `{"account": {...}}` holds members of the account's claims, `users` its
users, each with members of its token's head, `words` what a person states. In all of it `{user NAME}`, `{account NAME}`
and `{now-SECONDS}` stand for keys and times. The blocks after it state what the rule finds (`list: why`, or `nothing`),
what is proposed (`safety relation bytes: list -gone +come`, or `nothing`), and who gains and loses by it (`witnesses`).
"""

import json
import re
from pathlib import Path

import pytest

from optimizer.examine import examine
from optimizer.rules import RULES
from optimizer.settings import Server, Widen
from tests import signing
from tests.builders import NOW, Account, Role, User, settings, store

PAGES = Path(__file__).parent / "pages"
BLOCK = re.compile(r"^```(claims|finds|proposes|witnesses)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
MOST_SPELLED_OUT = 6
FILLED = re.compile(r"\{(user|account|now)([- ])(\w+)\}")


def cases():
    for page in sorted(PAGES.glob("*.md")):
        blocks = BLOCK.findall(page.read_text())
        number = 0
        for kind, text in blocks:
            if kind == "claims":
                number += 1
                claims, expected = json.loads(FILLED.sub(filled, text)), {}
                yield pytest.param(page.stem, claims, expected, id=f"{page.stem}-{number}")
            else:
                expected[kind] = [line for line in FILLED.sub(filled, text).splitlines() if line]


def filled(match):
    """A key by its name, or a time before the clock of the tests."""
    kind, _, name = match.groups()
    if kind == "now":
        return str(NOW - int(name))
    return signing.user(f"ACME {name}").public if kind == "user" else signing.account(name).public


def hierarchy_of(claims):
    if "account" in claims:
        users = [User(name, head=head) for name, head in claims.get("users", {}).items()]
        return store(Account("ACME", users=users, nats=claims["account"]))
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
        if edit.list is None:
            gone = [f"-{each.key}@{each.time}" for each in edit.remove]
            gone = gone if len(gone) <= MOST_SPELLED_OUT else [f"-{len(gone)}"]
            words += [edit.target.kind_name, *gone, *(f"+{each.key}@{each.time}" for each in edit.add)]
            continue
        words += [edit.list.value, *(f"-{text}" for text in edit.remove), *(f"+{text}" for text in edit.add)]
    return " ".join(dict.fromkeys(words)) if len({edit.list for edit in edits}) == 1 else " ".join(words)


def witnesses(plan):
    return [
        f"{sign} {witness.principal}"
        for proposal in plan.proposals
        for sign, found in (("+", proposal.judgement.gained), ("-", proposal.judgement.lost))
        for witness in found
        if witness.server is Server.CURRENT
    ]


@pytest.mark.parametrize(("rule", "claims", "expected"), list(cases()))
def test_the_page_is_true(rule, claims, expected):
    servers = tuple(Server(name) for name in claims.get("servers", ["2.12", "2.11"]))
    protected = tuple(claims.get("protected", ()))
    words = claims.get("words", {})
    chosen = settings(rules=(rule,), servers=servers, widen=Widen.WORTHWHILE, protected=protected, **words)
    plan = examine(hierarchy_of(claims), chosen, known=claims.get("known", ()))
    told = {"finds": found(plan), "proposes": proposed(plan)}
    if "witnesses" in expected:
        told["witnesses"] = witnesses(plan)
    assert told == expected


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.name)
def test_every_rule_has_a_page_and_a_docstring_with_all_its_parts(rule):
    assert (PAGES / f"{rule.name}.md").is_file()
    for part in ("What it finds", "What it costs", "What the proposal changes", "When to leave it", "Sources"):
        assert f"\n## {part}\n" in rule.page
    assert rule.summary.endswith(".")
    assert rule.summary == rule.summary.strip()
