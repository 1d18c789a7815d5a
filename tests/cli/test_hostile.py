"""Names and subjects of strangers on their way to a terminal, a page, a file."""

from __future__ import annotations

import json

import pytest

from tests import signing
from tests.cli.conftest import NOW, is_printable

NASTY = {
    "escape": "red\x1b[31mA\x1b]0;title\x07",
    "bidi": "safe\u202egnp.exe\u2066",
    "invisible": "a\u200bb\u00ad\ufeff\u2060c",
    "lines": "one\ntwo\r\nthree\x85four\u2028five\x0bsix",
    "shell": "$(touch /tmp/pwned)`id`;'\"\\ -rf",
    "markup": "[red]rich[/red] <script>alert(1)</script> | `code` ![x](http://evil) @here **b**",
    "nul": "a\x00b\x7fc\x9bd",
    "long": "x" * 10_000,
    "wide": "日本語" * 20,
    "seed": "SU" + "A" * 56,
}


@pytest.fixture
def hostile(shop):
    """The company with accounts and users of every nasty name, each with a duplicate entry of that text."""
    for number, text in enumerate(NASTY.values()):
        key = signing.account(f"hostile {number}")
        role = signing.account(f"role {number}")
        claims = signing.account_claims(
            key,
            text,
            signing_keys=[signing.scope(role, text, pub={"allow": [f"b.{text}", f"b.{text}", "b.>"]})],
            imports=[{"name": text, "subject": f"feed.{text}", "account": key.public, "type": "stream"}],
            description=text,
        )
        shop.write(f"accounts/h{number}/h{number}.jwt", signing.sign(claims, shop.operator))
        lists = {"allow": [f"a.{text}", f"a.{text}", "a.>"], "deny": [f"q.* {text}"]}
        user = signing.user_claims(
            signing.user(f"hostile {number}"), None, text, pub={"allow": lists["allow"]}, sub=lists
        )
        shop.write(f"accounts/h{number}/users/h{number}.jwt", signing.sign(user, key))
    shop.write("accounts/ORDERS/users/\x1b[2Jcut.jwt", "eyJ0eXAi\x1b[31m.x.y")
    return shop


@pytest.mark.parametrize("form", ["table", "markdown", "json"])
def test_nothing_of_a_name_moves_a_cursor_hides_or_reorders(permopt, hostile, form):
    for command in ("propose", "graph"):
        if command == "graph" and form == "markdown":
            continue
        typed = permopt(command, hostile.root, "--format", form, "--now", NOW)
        assert typed.status == 0, typed.err
        assert is_printable(typed.out), command
        assert is_printable(typed.err), command


def test_dot_holds_nothing_that_moves_a_cursor(permopt, hostile):
    assert is_printable(permopt("graph", hostile.root, "--format", "dot", "--now", NOW).out)


def test_json_keeps_names_exact_less_the_seeds(permopt, hostile):
    plan = permopt("propose", hostile.root, "-f", "json", "--now", NOW).json
    names = {target.get("account") for target in plan["targets"]} | {target.get("user") for target in plan["targets"]}
    assert {text for kind, text in NASTY.items() if kind != "seed"} <= names
    assert "S...(seed removed)" in names


@pytest.mark.parametrize("form", ["table", "markdown", "json"])
def test_no_seed_is_ever_shown(permopt, hostile, form, tmp_path):
    typed = permopt("propose", hostile.root, "-f", form, "-o", tmp_path / "p.json", "--account", "*")
    shown = typed.out + typed.err + (tmp_path / "p.json").read_text()
    assert NASTY["seed"] not in shown
    assert typed.status == 0


def test_a_long_name_does_not_drown_the_page(permopt, hostile):
    assert "x" * 250 not in permopt("propose", hostile.root).out


def test_markdown_takes_no_orders_from_a_name(permopt, hostile):
    page = permopt("propose", hostile.root, "-f", "markdown", "--now", NOW).out
    outside = "".join(part for line in page.splitlines() for part in without_code(line))
    for active in ("<script>", "![x](", "**b**", "[red]", "@here"):
        assert active not in outside
    rows = [line for line in page.splitlines() if line.startswith("| ")]
    assert {line.replace("\\|", "").count("|") for line in rows} == {5}


def without_code(line: str) -> list[str]:
    """What of a line of markdown stands outside code spans."""
    kept, position = [], 0
    while position < len(line):
        start = line.find("`", position)
        if start < 0 or (start > 0 and line[start - 1] == "\\"):
            kept.append(line[position : start + 1 if start >= 0 else None])
            position = start + 1 if start >= 0 else len(line)
            continue
        fence = line[start:][: len(line[start:]) - len(line[start:].lstrip("`"))]
        end = line.find(fence, start + len(fence))
        kept.append(line[position:start])
        position = len(line) if end < 0 else end + len(fence)
    return kept


def test_the_whole_path_to_scripts_works_for_the_others(permopt, hostile, tmp_path):
    """What nsc cannot do for a nasty name is advice; scripts are written for the rest."""
    plan = tmp_path / "plan.json"
    assert permopt("propose", hostile.root, "-o", plan, "--now", NOW).status == 0
    for command in ([plan], [plan, "-f", "json"]):
        typed = permopt("review", *command)
        assert typed.status == 0, typed.err
        assert is_printable(typed.out + typed.err)
    typed = permopt("script", plan, "-o", "out")
    if json.loads(plan.read_text())["judgement"] is None:
        assert typed.status == 2
        return
    assert typed.status == 0, typed.err
    assert is_printable(typed.out + typed.err)
    assert is_printable((tmp_path / "out" / "apply.sh").read_text().replace("\t", " "))
    assert NASTY["seed"] not in "".join(path.read_text() for path in (tmp_path / "out").iterdir())


def test_arguments_are_shown_printable_in_errors(permopt):
    typed = permopt("propose", "/no/\x1b[31m\u202estore")
    assert is_printable(typed.err)
    typed = permopt("pro\x1b[31m")
    assert is_printable(typed.err)


def test_an_nsc_describe_document_on_standard_input_is_read(permopt, monkeypatch, shop, tmp_path):
    import io  # noqa: PLC0415
    import sys  # noqa: PLC0415

    token = (shop.path / "accounts/ORDERS/users/api.jwt").read_bytes()
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(token)))
    typed = permopt("propose", "-")
    assert typed.status == 0, typed.err
    assert "1 user" in typed.out
    assert tmp_path.exists()
