"""``permopt audit --format markdown``: short enough for a comment, and nothing of a token is markup in it."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import pytest
from markdown_it import MarkdownIt

from optimizer import Settings, audit, audit_markdown, examine, read
from optimizer.audit.baseline import Known, Since, Standing
from optimizer.audit.exclusions import Excluded, Exclusion
from optimizer.reports.audit_markdown import MOST_BYTES
from optimizer.reports.markdown import cell, code, sentence
from tests import signing
from tests.cli.conftest import NOW, is_printable
from tests.cli.test_hostile import NASTY
from tests.cli.test_hostile import hostile as hostile  # noqa: PLC0414 a fixture
from tests.unit.sources.stores import make_store

ROOT = Path(__file__).resolve().parents[2]
ACME = ROOT / "corpus" / "acme"
OURS = {"<details>\n", "</details>\n"}
MARKUP = {
    "mention": "@everyone @org/team",
    "link": "[click](https://evil.example) https://evil.example www.evil.example a@b.example",
    "issue": "#1 GH-1 org/repo#2 0123456789abcdef0123456789abcdef01234567",
    "html": "</details></td><img src=x onerror=alert(1)><!-- -->&lt;b&gt;",
    "fence": "`` ` ``` a",
    "cells": "a|b\\|c\\\\|@d|",
    "heading": "# h\n## h2\n- x\n---\n> q",
    "emphasis": "**b** _i_ ~~s~~ $x$ :+1:",
    "backslash": "ends with \\",
}


def comment(permopt, source, *words):
    typed = permopt("audit", source, "-f", "markdown", "--now", NOW, "--fail-on", "never", "-q", *words)
    assert typed.status == 0, typed.err
    assert is_printable(typed.out)
    assert len(typed.out) <= len(typed.out.encode()) <= MOST_BYTES
    return typed.out


def parts(text):
    """Kinds of inline pieces with their text, and blocks of HTML, as a reader of GitHub's markdown sees them."""
    found = []
    for token in MarkdownIt("commonmark").enable(["table", "strikethrough"]).parse(text):
        if token.type == "html_block":
            found.append(("html", token.content))
        found += [(piece.type, piece.content) for piece in token.children or ()]
    return found


def held_against(found, *standings):
    """The audit since a baseline, its findings standing each like the next of these, and each fixed one besides."""
    every = {each.id: standings[n % len(standings)] for n, each in enumerate(found.findings)}
    fixed = tuple(Known(each.id, each.kind, each.rule, each.account, each.user, None) for each in found.findings)
    return replace(found, since=Since(standings=every, fixed=fixed))


@pytest.fixture
def marked(shop):
    """The company with accounts and users named in markup, each with findings that quote it and over its budget."""
    for number, text in enumerate({**MARKUP, **NASTY}.values()):
        key = signing.account(f"marked {number}")
        claims = signing.account_claims(key, text, description="x" * 12_000)
        shop.write(f"accounts/m{number}/m{number}.jwt", signing.sign(claims, shop.operator))
        lists = {"allow": [f"a.{text}", f"a.{text}", f".{text}", "a.>"]}
        user = signing.user_claims(signing.user(f"marked {number}"), None, text, pub=lists, sub=lists)
        shop.write(f"accounts/m{number}/users/m.jwt", signing.sign({**user, "exp": 1_760_000_000}, key))
    shop.write("accounts/ORDERS/users/@all|<b>`x.jwt", "eyJ0eXAi.x.y")
    return shop


def test_it_says_what_is_over_its_budget_and_what_was_found(permopt):
    text = comment(permopt, ACME)
    assert "- **6 accounts are over the budget of 10,240 bytes**" in text
    assert "- found 4 errors, 259 warnings and 19 notes" in text
    assert re.search(r"\| `ORDERS` \| 41,938 \| 10,240 \| █{10} \| revocations 67%", text)
    assert text.count("<details>") == text.count("</details>") == 4
    assert text.endswith(f"Next: `permopt propose {ACME} -o plan.json`\n")
    unfolded = re.sub(r"<details>.*?</details>\n\n", "", text, flags=re.DOTALL)
    assert len(unfolded.splitlines()) < 42


@pytest.mark.parametrize("since", [False, True])
def test_nothing_of_a_token_is_markup_a_mention_or_a_link(marked, since):
    settings = Settings(now=1_795_435_200)
    hierarchy = read(str(marked.root), now=settings.now)
    found = audit(hierarchy, examine(hierarchy, settings), settings)
    if since:
        found = held_against(found, *Standing)
        reasons = [*MARKUP.values(), *NASTY.values()]
        apart = [Excluded(each, Exclusion(reason=text)) for each, text in zip(found.findings, reasons, strict=False)]
        found = replace(found, excluded=tuple(apart))
    text = audit_markdown(found, next_command="permopt 'x`@y'")
    pieces = parts(text)
    assert {kind for kind, _ in pieces} == {"text", "code_inline", "html", "strong_open", "strong_close"}
    assert all(
        re.fullmatch(r"<details>\n<summary>[a-zA-Z ,0-9()]+</summary>\n|</details>\n", html)
        for kind, html in pieces
        if kind == "html"
    )
    plain = " ".join(content for kind, content in pieces if kind == "text")
    assert not re.search(r"[@#<>`\[\]|\\$*_~&]|www|http|evil|\d{9}", plain), plain
    quoted = " ".join(content for kind, content in pieces if kind == "code_inline")
    assert "@everyone" in quoted
    assert "https://evil.example" in quoted
    assert NASTY["seed"] not in text


def test_every_row_of_a_table_has_the_cells_of_its_header(permopt, marked):
    tables = re.findall(r"^(?:\|.*\n)+", comment(permopt, marked.root), re.MULTILINE)
    assert len(tables) > 4
    for table in tables:
        assert len({line.count("|") for line in table.splitlines()}) == 1, table


@pytest.mark.parametrize("text", [*MARKUP.values(), *NASTY.values(), "", "`", "``", " a ", "|"])
def test_a_cell_is_one_code_span_and_nothing_else(text):
    assert "|" not in cell(text)
    pieces = parts(f"| a | b |\n|---|---|\n| {cell(text)} | x |\n")
    assert [kind for kind, _ in pieces] == ["text", "text", "code_inline", "text"]
    assert [kind for kind, _ in parts(f"before {code(text)} after")] == ["text", "code_inline", "text"]


def test_a_large_store_fits_into_a_comment_and_says_how_many_more_there_are(tmp_path):
    made = make_store(tmp_path / "stores")
    name = "\U0001f600|`" * 30
    for number in range(400):
        key = made.account(f"{number}{name}", description="x" * 10_500)
        made.user(f"{number}{name}", f"{name}{number}", key, pub={"allow": [f"{name}.a", f"{name}.a", f".{name}"]})
    settings = Settings(now=1_795_435_200)
    hierarchy = read(str(made.root), now=settings.now)
    found = audit(hierarchy, examine(hierarchy, settings), settings)
    found = replace(found, findings=tuple(replace(each, message="\U0001f600" * 200) for each in found.findings))
    for each in (found, held_against(found, Standing.NEW, Standing.GROWN)):
        text = audit_markdown(each, next_command="permopt graph")
        assert MOST_BYTES // 2 < len(text.encode()) <= MOST_BYTES
        assert re.search(r"^and 380 more accounts$", text, re.MULTILINE)
        assert text.count("<details>\n") == text.count("</details>\n")
        assert text.endswith("Next: `permopt graph`\n")


@pytest.mark.parametrize("since", [False, True])
def test_where_there_is_no_room_rows_and_parts_are_left_out_and_counted(monkeypatch, since):
    settings = Settings(now=1_795_435_200)
    hierarchy = read(str(ACME), now=settings.now)
    found = audit(hierarchy, examine(hierarchy, settings), settings)
    found = replace(found, findings=tuple(replace(each, message="\U0001f600" * 200) for each in found.findings))
    if since:
        found = held_against(found, Standing.NEW, Standing.GROWN)
        apart = Exclusion(reason="\U0001f600" * 200)
        found = replace(found, excluded=tuple(Excluded(each, apart) for each in found.findings[:10]))
    whole = audit_markdown(found, next_command="permopt graph")
    texts = []
    for most in range(1_500, len(whole.encode()) + 2_500, 97):
        monkeypatch.setattr("optimizer.reports.audit_markdown.MOST_BYTES", most)
        text = audit_markdown(found, next_command="permopt graph")
        assert len(text.encode()) <= most
        assert text.count("<details>\n") == text.count("</details>\n")
        assert text == whole or re.search(r"^and \d+ more |^Left out, for a comment", text, re.MULTILINE)
        texts.append(text)
    assert texts[-1] == whole
    assert "\nLeft out, for a comment has no more room: " in texts[0]
    cut = {line for text in texts for line in re.findall(r"^and \d+ more .*", text, re.MULTILINE)}
    assert cut > {*re.findall(r"^and \d+ more .*", whole, re.MULTILINE)}


def test_with_a_baseline_only_what_is_new_or_has_grown_is_open():
    settings = Settings(now=1_795_435_200)
    hierarchy = read(str(ACME), now=settings.now)
    found = audit(hierarchy, examine(hierarchy, settings), settings)
    new, grown, *_ = found.findings
    standings = dict.fromkeys((each.id for each in found.findings), Standing.UNCHANGED)
    standings |= {new.id: Standing.NEW, grown.id: Standing.GROWN}
    text = audit_markdown(replace(found, since=Since(standings=standings, fixed=())), next_command="x")
    others = len(found.findings) - 2
    assert f"- findings since the baseline: 1 new, 1 grown, {others} unchanged and 0 fixed" in text
    head = r"\n\n.*\n.*\n\| error \| "
    both = rf"### New findings{head}`{new.rule}` .*\n\n### Grown findings{head}`{grown.rule}` "
    assert re.search(both, text)
    assert "### Findings" not in text
    none = audit_markdown(held_against(found, Standing.UNCHANGED), next_command="x")
    assert "0 new, 0 grown" in none
    assert "### New" not in none


def test_a_store_with_an_operator_alone_says_so(permopt, tmp_path):
    operator = signing.operator("lonely")
    (tmp_path / "op.jwt").write_text(signing.sign(signing.operator_claims(operator, "lonely"), operator))
    text = comment(permopt, "op.jwt")
    assert "- 0 accounts (0 bytes)" in text
    assert "- nothing found" in text
    assert "|" not in text


def test_a_source_without_users_says_what_was_not_looked_for(permopt, tmp_path):
    operator, key = signing.operator("op"), signing.account("A")
    (tmp_path / "jwt").mkdir()
    (tmp_path / "jwt" / f"{key.public}.jwt").write_text(signing.sign(signing.account_claims(key, "A"), operator))
    text = comment(permopt, tmp_path / "jwt")
    assert "this kind of source holds no users" in text
    assert "not looked for: long-connect-line" in text.split("###")[0]


def test_a_budget_of_its_own_is_that_of_the_row():
    settings = Settings(now=0)
    found = audit(read(str(ACME), now=0), None, settings)
    own = (replace(found.accounts[0], budget=20_000), *found.accounts[1:])
    text = audit_markdown(replace(found, accounts=own), next_command="x")
    assert "| 41,938 | 20,000 |" in text
    assert "**6 accounts are over their budgets**" in text


def test_what_a_proposal_quotes_mentions_nobody_and_links_to_nothing():
    assert sentence("`@team.*` could stand for 3 entries") == "`` `@team.*` could stand for 3 entries ``"
    assert sentence("pub.allow is <b>") == "pub.allow is \\<b\\>"
