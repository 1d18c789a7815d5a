"""``permopt graph`` and ``permopt rules``."""

from __future__ import annotations

import shutil
import subprocess

import pytest

from optimizer.rules import RULES


def test_the_graph_says_what_works_and_what_is_dropped_and_why(permopt, shop):
    typed = permopt("graph", shop.root)
    assert typed.status == 0
    assert "2 accounts, 2 imports (" in typed.out
    works, dropped = typed.out.partition("imports: works")[2], typed.out.partition("imports: dropped")[2]
    assert "ORDERS  ->  CLEAN  stream  feed.a" in works
    assert "ORDERS  ->  CLEAN  stream  none.a" in dropped
    assert "no stream export contains `none.a`" in dropped
    assert typed.out.endswith(f"next\n  permopt graph {shop.root} --format dot -o imports.dot\n")


def test_account_narrows_the_graph_to_its_imports_and_neighbours(permopt, shop):
    shop.account("ALONE")
    assert len(permopt("graph", shop.root, "-f", "json").json["nodes"]) == 3
    nodes = permopt("graph", shop.root, "-f", "json", "--account", "CLE*").json["nodes"]
    assert {node["name"] for node in nodes} == {"ORDERS", "CLEAN"}
    assert permopt("graph", shop.root, "--account", "NOBODY").status == 2


def test_a_person_s_word_turns_unknown_into_dropped(permopt, shop):
    (shop.path / "accounts/ORDERS/ORDERS.jwt").unlink()
    states = [edge["state"] for edge in permopt("graph", shop.root, "-f", "json").json["edges"]]
    assert set(states) == {"unknown"}
    sure = permopt("graph", shop.root, "-f", "json", "--complete", "accounts").json["edges"]
    assert {edge["state"] for edge in sure} == {"dropped"}


def test_dot_goes_to_a_file_that_graphviz_reads(permopt, shop, tmp_path):
    typed = permopt("graph", shop.root, "--format", "dot", "-o", "imports.dot")
    assert (typed.status, typed.out) == (0, "")
    text = (tmp_path / "imports.dot").read_text()
    assert text.startswith("digraph imports {")
    if shutil.which("dot"):
        done = subprocess.run(["dot", "-Tsvg", tmp_path / "imports.dot"], capture_output=True, check=False)
        assert (done.returncode, done.stderr) == (0, b"")


def test_hubs_says_what_was_sought_and_why_nothing_pays(permopt, shop):
    typed = permopt("graph", shop.root, "--hubs")
    assert typed.status == 0
    assert "no hub pays here" in typed.out.partition("fewer imports")[2]
    assert "fewer imports" not in permopt("graph", shop.root).out
    document = permopt("graph", shop.root, "--hubs", "-f", "json").json
    assert document["sought"] == ["bundle", "hub"]
    assert document["remarks"]


def test_from_and_subject_say_where_a_message_can_arrive(permopt, shop):
    typed = permopt("graph", shop.root, "--from", "ORDERS", "--subject", "feed.a")
    assert typed.status == 0
    assert "can arrive at 2 accounts" in typed.out
    assert "publish ORDERS `feed.a` -> stream CLEAN `feed.a`" in typed.out
    document = permopt("graph", shop.root, "--from", "ORDERS", "--subject", "feed.a", "-f", "json").json
    assert [arrival["certain"] for arrival in document["arrivals"]] == [True, True]


@pytest.mark.parametrize(
    "words",
    [
        ["--from", "ORDERS"],
        ["--subject", "a"],
        ["--from", "NOBODY", "--subject", "a"],
        ["--from", "*", "--subject", "a"],
        ["--from", "ORDERS", "--subject", "a.*"],
        *(
            ["--from", "ORDERS", "--subject", "feed.a", *more]
            for more in (["-f", "dot"], ["-f", "svg"], ["--hubs"], ["--account", "CLEAN"], ["--type", "stream"])
        ),
        ["--from", "ORDERS", "--subject", "feed.a", "--broken"],
        ["--hubs", "-f", "mermaid"],
    ],
)
def test_options_that_do_not_go_together_are_2(permopt, shop, words):
    typed = permopt("graph", shop.root, *words)
    assert (typed.status, typed.out) == (2, "")
    assert "hint:" in typed.err


def test_strict_makes_a_skipped_token_3(permopt, shop):
    shop.write("accounts/ORDERS/users/cut.jwt", "eyJ0eXAi")
    loose = permopt("graph", shop.root)
    assert loose.status == 0
    assert "skipped accounts/ORDERS/users/cut.jwt" in loose.err
    assert permopt("graph", shop.root, "--strict").status == 3
    assert permopt("graph", shop.root, "--from", "ORDERS", "--subject", "a", "--strict").status == 3


def test_rules_lists_every_rule_with_its_first_sentence(permopt):
    typed = permopt("rules")
    assert typed.status == 0
    assert all(f"  {rule.name} " in typed.out and rule.summary in typed.out for rule in RULES)


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.name)
def test_each_rule_has_a_whole_page(permopt, rule):
    page = permopt("rules", rule.name).out
    assert page.startswith(f"# {rule.name} ({rule.severity.value})\n\n")
    for heading in ("## What it finds", "## When to leave it", "## Sources"):
        assert heading in page


def test_rules_as_json_hold_the_pages(permopt):
    rules = permopt("rules", "-f", "json").json["rules"]
    assert [rule["name"] for rule in rules] == [rule.name for rule in RULES]
