"""``permopt.toml``: where it is looked for, what it says, that flags win, and that everything wrong is told at once."""

from __future__ import annotations

import json
import re
from dataclasses import fields
from pathlib import Path

import pytest

from optimizer.cli.configuration import Configuration, configured
from tests.cli.conftest import NOW, is_printable
from tests.cli.test_hostile import NASTY
from tests.cli.test_schemas import check

ROOT = Path(__file__).resolve().parents[2]
ACME = ROOT / "corpus" / "acme"


@pytest.fixture
def project(tmp_path):
    """Write files of a repository whose root the working directory is."""
    (tmp_path / ".git").mkdir()

    def write(text: str, name: str = "permopt.toml") -> Path:
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        return path

    return write


def audited(permopt, *words: object, source: object = ACME):
    typed = permopt("audit", *([] if source is None else [source]), "--now", NOW, "-f", "json", "--no-findings", *words)
    assert typed.status in (0, 1), typed.err
    return typed.json


def budgets(document) -> dict[str, int]:
    return {each["name"]: each["budget"] for each in document["accounts"]}


def test_without_a_file_nothing_is_configured_and_nothing_said(permopt):
    typed = permopt("audit", ACME, "--now", NOW, "--no-findings")
    assert "configured by" not in typed.err
    assert Configuration() == Configuration(path=None)


def test_budgets_are_the_first_that_matches_else_that_of_the_run(permopt, project):
    project(
        'budget = "12KB"\nuser_budget = 3000\n[budgets]\nORDERS_EU = "20KB"\n"ORDERS*" = "40KB"\nORDERS_US = "1KB"\n'
    )
    document = audited(permopt)
    found = budgets(document)
    assert found["ORDERS"] == found["ORDERS_US"] == 40 * 1024
    assert found["ORDERS_EU"] == 20 * 1024
    assert found["BILLING"] == document["budget"] == 12 * 1024
    assert document["user_budget"] == 3000
    over = {each["name"] for each in document["accounts"] if each["over_budget"]}
    assert over == {each["name"] for each in document["accounts"] if each["token_bytes"] > each["budget"]}
    assert over == {"ORDERS", "ANALYTICS", "PAYMENTS"}
    signs = {each["account"] for each in document["findings"] if each["rule"] == "over-budget" and not each["user"]}
    assert signs == over
    assert "or their own (3 by the configuration)" in permopt("audit", ACME, "--now", NOW, "--no-findings").out


def test_a_budget_of_no_account_is_remarked_on(permopt, project):
    project('[budgets]\nODRERS = "20KB"\n"ORDERS*" = "40KB"\n')
    typed = permopt("audit", ACME, "--now", NOW, "--no-findings", "-f", "json")
    remarks = [line for line in typed.err.splitlines() if "[budgets]" in line]
    assert remarks == ["no account matches `ODRERS` of [budgets]"]
    assert "[budgets]" not in permopt("audit", ACME, "--now", NOW, "--no-findings", "--budget", "9KB").err


def test_a_budget_on_the_command_line_is_that_of_every_account(permopt, project):
    project('[budgets]\nORDERS = "40KB"\n')
    assert set(budgets(audited(permopt, "--budget", "8KB")).values()) == {8 * 1024}


def test_an_account_is_named_by_its_key_too(permopt, project):
    key = next(each["key"] for each in audited(permopt)["accounts"] if each["name"] == "ORDERS")
    project(f'[budgets]\n{key} = "40KB"\n')
    assert budgets(audited(permopt))["ORDERS"] == 40 * 1024


@pytest.mark.parametrize(
    ("text", "words", "status"),
    [
        ('fail_on = "never"', (), 0),
        ('fail_on = "never"', ("--fail-on", "error"), 1),
        ('fail_on = "warning"\naccounts = ["LOYALTY"]', ("--budget", "1KB"), 1),
        ('accounts = ["LOYALTY"]', ("--budget", "1KB"), 0),
        ('accounts = ["LOYALTY"]', ("--account", "ORDERS"), 1),
    ],
)
def test_flags_win_over_what_is_configured(permopt, project, text, words, status):
    project(text)
    assert permopt("audit", ACME, "--now", NOW, "--no-findings", *words).status == status


def test_propose_takes_what_its_flags_would_say(permopt, project, shop):
    project('rules = ["covered-entry"]\nservers = ["2.11"]\naccounts = ["ORDERS"]\nprotect = ["secret.>"]\n'
            'budget = "9KB"\ncomplete = ["users"]\n[budgets]\nORD = "8KB"\n')  # fmt: skip
    typed = permopt("propose", shop.root, "--now", NOW, "-f", "json")
    assert typed.status == 0, typed.err
    check(typed.json)
    settings = typed.json["settings"]
    assert {each["rule"] for each in typed.json["proposals"]} == {"covered-entry"}
    assert settings["servers"] == ["2.11"]
    assert settings["accounts"] == ["ORDERS"]
    assert settings["complete"] == {"users": True, "accounts": False}
    assert "secret.>" in settings["protected"]
    assert "$SYS.>" in settings["protected"]
    assert (settings["budget"], settings["account_budgets"]) == (9 * 1024, [["ORD", 8 * 1024]])
    assert settings["widen"] == "nothing"
    other = permopt(
        "propose", shop.root, "--now", NOW, "-f", "json", "--protect", "other.>", "--server-version", "2.12"
    )
    assert {"secret.>", "other.>"} <= set(other.json["settings"]["protected"])
    assert other.json["settings"]["servers"] == ["2.12"]


def test_a_plan_made_with_budgets_of_accounts_goes_into_a_script(permopt, project, shop, tmp_path):
    project('[budgets]\nORDERS = "8KB"\n')
    assert permopt("propose", shop.root, "--now", NOW, "-o", "plan.json").status == 0
    assert permopt("script", "plan.json", "-o", "out").status == 0
    assert (tmp_path / "out" / "apply.sh").exists()


def test_propose_widens_by_the_budget_of_the_account_where_a_run_widens(permopt, project):
    project('[budgets]\nORDERS = "17KB"\n')
    words = ("propose", ACME, "--now", NOW, "-f", "json", "--account", "ORDERS", "--user-budget", "100KB")
    configured = permopt(*words).json["budgets"]
    assert [each["budget"] for each in configured] == [17 * 1024]
    assert [each["budget"] for each in permopt(*words, "--budget", "16KB").json["budgets"]] == [16 * 1024]


def test_known_subjects_wait_for_a_run_that_widens(permopt, project):
    project('known = "no-such-file.txt"\n')
    words = ("propose", ACME, "--now", NOW, "--account", "LOYALTY")
    assert permopt(*words).status == 0
    typed = permopt(*words, "--widen")
    assert typed.status == 3
    assert "no-such-file.txt" in typed.err


def test_graph_takes_accounts_and_completeness(permopt, project, shop):
    project('accounts = ["CLEAN"]\ncomplete = "accounts"\n')
    assert {node["name"] for node in permopt("graph", shop.root, "-f", "json").json["nodes"]} == {"CLEAN", "ORDERS"}
    project('accounts = ["NOBODY"]\n')
    assert permopt("audit", shop.root).status == 2


@pytest.mark.parametrize("kind", ["", "nsc:"])
def test_the_source_is_found_from_the_directory_of_the_file(permopt, project, shop, monkeypatch, kind):
    project(f'source = "{kind}{shop.root.name}"\n')
    tmp_path = shop.root.parent
    below = tmp_path / "a" / "b"
    below.mkdir(parents=True)
    for directory in (tmp_path, below):
        monkeypatch.chdir(directory)
        assert {each["name"] for each in audited(permopt, source=None)["accounts"]} == {"ORDERS", "CLEAN"}
        assert permopt("graph", "-f", "json").status == 0
        assert permopt("propose", "-f", "json").status == 0
        assert permopt("propose", "-o", tmp_path / "plan.json").status == 0
        typed = permopt("verify", tmp_path / "plan.json")
        assert typed.status == 5
        assert "unchanged" in typed.out
    assert len(audited(permopt)["accounts"]) == 10


def test_it_is_looked_for_up_to_the_root_of_the_repository_and_the_nearest_counts(
    permopt, project, tmp_path, monkeypatch
):
    project("budget = 5000\n")
    below = tmp_path / "a" / "b"
    below.mkdir(parents=True)
    monkeypatch.chdir(below)
    assert audited(permopt)["budget"] == 5000
    project('user_budget = "3KB"\n', "a/permopt.toml")
    document = audited(permopt)
    assert (document["budget"], document["user_budget"]) == (10 * 1024, 3 * 1024)
    (below / ".git").write_text("gitdir: elsewhere")
    assert audited(permopt)["user_budget"] == 3_500


def test_outside_of_a_repository_only_the_working_directory_counts(permopt, tmp_path, monkeypatch):
    (tmp_path / "permopt.toml").write_text("budget = 5000\n")
    assert audited(permopt)["budget"] == 5000
    (tmp_path / "a").mkdir()
    monkeypatch.chdir(tmp_path / "a")
    assert audited(permopt)["budget"] == 10 * 1024


def test_a_pyproject_counts_where_it_has_the_table_and_after_permopt_toml(permopt, project, tmp_path, monkeypatch):
    project("[project]\nname = 'permopt-user'\n", "a/pyproject.toml")
    project("[tool.permopt]\nbudget = 6000\n", "pyproject.toml")
    monkeypatch.chdir(tmp_path / "a")
    assert audited(permopt)["budget"] == 6000
    project("budget = 7000\n")
    assert audited(permopt)["budget"] == 7000
    typed = permopt("audit", ACME, "--no-findings", "--fail-on", "never")
    assert "configured by `../permopt.toml`" in typed.err
    assert "configured" not in permopt("audit", ACME, "--no-findings", "--fail-on", "never", "--quiet").err


def test_a_broken_pyproject_that_does_not_speak_of_permopt_is_not_ours(permopt, project):
    project("[project\n", "pyproject.toml")
    assert audited(permopt)["budget"] == 10 * 1024


def test_config_names_a_file_and_none_else_is_looked_for(permopt, project):
    project("budget = 5000\n")
    project("budget = 6000\n", "ci/other.toml")
    project("[tool.permopt]\nbudget = 7000\n", "ci/pyproject.toml")
    assert audited(permopt, "--config", "ci/other.toml")["budget"] == 6000
    assert audited(permopt, "--config", "ci/pyproject.toml")["budget"] == 7000
    assert audited(permopt, "--config", "/dev/null")["budget"] == 10 * 1024


def test_a_byte_order_mark_is_read_through(permopt, project):
    project("\ufeffbudget = 5000\n")
    assert audited(permopt)["budget"] == 5000


WRONG = """
budget = true
user_budget = "much"
fail-on = "error"
fail_on = "loud"
protect = ["a..b", "good.>", "c..d"]
known = 3
servers = ["two"]
accounts = "ORDERS"
rules = ["covered-entrie", "none-such"]
complete = ["all"]
source = ""
sorce = 3

[budgets]
A = "1KB"
B = 5
C = [1]

[[exclude]]
rule = "covered-entry"

[[exclude]]
reason = "r"
until = 2027-01-01T00:00:00

[[exclude]]
user = 3
reason = " "
until = "2027-01-01"
untill = 2027-01-01
"""

TOLD = """
`budget`: not a size; write it as "10KB" or 10240; 1 KB is 1,024 bytes
`user_budget`: `much` is no size; write it as 10KB or 10240; 1 KB is 1,024 bytes
`fail-on`: unknown key; did you mean `fail_on`?
`fail_on`: `loud` is no severity; use error, warning, note or never
`protect[1]`: `a..b` is no subject pattern; write it as orders.secret or orders.>
`protect[3]`: `c..d` is no subject pattern; write it as orders.secret or orders.>
`known`: not a text; write the path of a file, in quotes
`servers[1]`: `two` is no version of nats-server; write it as 2.12, 2.11 or 2.12.15
`accounts`: not a list of texts; write it as ["one", "another"]
`rules[1]`: no rule `covered-entrie`; did you mean `covered-entry`?
`rules[2]`: no rule `none-such`; `permopt rules` lists them; `blanket-revocation`
`complete`: neither users, accounts nor tokens; write it as ["users", "accounts"]
`source`: not a text; write a source, as on the command line, in quotes
`sorce`: unknown key; did you mean `source`?
`budgets.B`: `5` is 5 bytes, and a token with nothing in it weighs
`budgets.C`: not a size; write it as "10KB" or 10240; 1 KB is 1,024 bytes
`exclude[1]`: no reason; say why, as reason = "moved with the next release"
`exclude[2]`: it would exclude everything; name a rule, account, user or id
`exclude[2].until`: not a date; write it without quotes, as until = 2027-03-31
`exclude[3].untill`: unknown key; did you mean `until`?
`exclude[3].user`: not a text; write it in quotes, as "ORDERS"
`exclude[3].reason`: not a text; write it in quotes, as "ORDERS"
`exclude[3].until`: not a date; write it without quotes, as until = 2027-03-31
""".strip().splitlines()


@pytest.mark.parametrize("command", ["audit", "propose", "graph", "verify"])
def test_everything_wrong_is_told_at_once_a_line_each(permopt, project, command):
    project(WRONG)
    typed = permopt(command, ACME)
    assert (typed.status, typed.out) == (2, "")
    *lines, hint = typed.err.splitlines()
    assert len(lines) == len(TOLD)
    for line, told in zip(lines, TOLD, strict=True):
        assert line.startswith(f"permopt: `permopt.toml`: {told}")
    assert hint == "  hint: docs/configuration.md lists the keys"


@pytest.mark.parametrize(
    ("text", "name", "message"),
    [
        ("budget = \n", "permopt.toml", "is no TOML: invalid value (at line 1, column 10)"),
        ("budget = 2027-13-45\n", "permopt.toml", "is no TOML: "),
        ("a = " + "[" * 5000, "permopt.toml", "is no TOML: "),
        ("[tool]\npermopt = 3\n", "pyproject.toml", "`tool.permopt`: not a table; write it as [tool.permopt]"),
        ("budgets = 3\n", "permopt.toml", "`budgets`: not a table; write it as [budgets]"),
        ('exclude = ["a"]\n', "permopt.toml", "`exclude`: not a list of tables; write each as [[exclude]]"),
        ("x = '" + "x" * 1024 * 1024 + "'", "permopt.toml", "is above 1 MB"),
    ],
)
def test_a_file_that_means_nothing_is_one_line(permopt, project, text, name, message):
    project(text, name)
    typed = permopt("audit", ACME)
    assert (typed.status, typed.out) == (2, "")
    assert message in typed.err
    assert len(typed.err.splitlines()) == 2


def test_a_file_that_cannot_be_read_is_one_line(permopt, project, tmp_path):
    for words, message in (
        (("--config", "gone.toml"), "`gone.toml` cannot be read: no such file or directory"),
        (("--config", "."), "`.` cannot be read: is a directory"),
        (("--config", "pyproject.toml"), "`pyproject.toml` has no [tool.permopt]"),
        (("--config", "latin.toml"), "`latin.toml` is not UTF-8 text"),
    ):
        project("[project]\n", "pyproject.toml")
        (tmp_path / "latin.toml").write_bytes(b"# \xe9\n")
        typed = permopt("audit", ACME, *words)
        assert (typed.status, typed.out) == (2, "")
        assert message in typed.err


def test_nothing_of_a_key_reaches_the_terminal_as_it_is(permopt, project):
    for text in NASTY.values():
        project(f"{json.dumps(text)} = 1\n[budgets]\n{json.dumps(text)} = 1\n")
        typed = permopt("audit", ACME)
        assert typed.status == 2
        assert is_printable(typed.err)
        assert NASTY["seed"] not in typed.err


EXCLUDE = """
[[exclude]]
rule = "bloated"
account = "ORDERS"
reason = "split in March"
until = 2026-11-30

[[exclude]]
user = "contractor-mara"
reason = "left, and her token is over"
"""


def test_excluded_findings_are_shown_with_their_reason_and_do_not_fail(permopt, project):
    project(EXCLUDE)
    before = permopt("audit", ACME, "--now", NOW, "--no-findings", "-f", "json", "--config", "/dev/null")
    after = permopt("audit", ACME, "--now", NOW, "--no-findings", "-f", "json")
    assert (before.status, after.status) == (1, 0)
    check(after.json)
    excluded, other = after.json["excluded"]
    assert (excluded["rule"], excluded["account"]) == ("bloated", "ORDERS")
    assert (other["user"], other["exclusion"]["until"]) == ("contractor-mara", None)
    assert excluded["exclusion"] == {
        "rule": "bloated",
        "account": "ORDERS",
        "user": None,
        "id": None,
        "reason": "split in March",
        "until": "2026-11-30",
    }
    counted = {each["id"] for each in before.json["findings"]}
    assert {each["id"] for each in after.json["findings"]} == counted - {excluded["id"], other["id"]}
    page = permopt("audit", ACME, "--now", NOW, "--no-findings").out
    assert "excluded by the configuration: 2 findings\n" in page
    assert "1 of rule `bloated`, account `ORDERS`, until 2026-11-30: split in March" in page
    details = permopt("audit", ACME, "--now", NOW, "--no-findings", "--details").out
    assert "account ORDERS: bloated: 41,938 bytes" in details


@pytest.mark.parametrize(("now", "status"), [("2026-11-30T23:59:59Z", 0), ("2026-12-01T00:00:00Z", 1)])
def test_an_exclusion_holds_through_its_last_day(permopt, project, now, status):
    project(EXCLUDE)
    typed = permopt("audit", ACME, "--now", now, "--no-findings", "-f", "json")
    assert typed.status == status
    check(typed.json)
    expired = [each for each in typed.json["findings"] if each["rule"] == "expired-exclusion"]
    assert len(expired) == status
    assert all(each["severity"] == "warning" for each in expired)
    page = permopt("audit", ACME, "--now", now, "--no-findings", "--details").out
    assert ("the configuration: warning, expired-exclusion" in page) is bool(status)


def test_propose_does_not_fail_on_what_is_excluded_and_keeps_its_proposals(permopt, project, shop):
    words = ("propose", shop.root, "--now", NOW, "-f", "json", "--fail-on", "note")
    before = permopt(*words)
    project('[[exclude]]\naccount = "*"\nreason = "later"\n')
    after = permopt(*words)
    assert (before.status, after.status) == (1, 0)
    assert after.json["proposals"] == before.json["proposals"]
    assert "excluded by `permopt.toml`" in after.err


def test_the_reason_of_an_exclusion_is_text_of_a_stranger(permopt, project):
    for text in NASTY.values():
        project(f'[[exclude]]\nrule = "*"\nreason = {json.dumps(text)}\n')
        for words in ((), ("--details",), ("-f", "json")):
            typed = permopt("audit", ACME, "--now", NOW, "--no-findings", *words)
            assert typed.status == 0, typed.err
            assert is_printable(typed.out + typed.err)
            assert NASTY["seed"] not in typed.out


PAGE = (ROOT / "docs" / "configuration.md").read_text()


def test_the_page_shows_every_key_and_what_it_shows_is_valid(permopt, project):
    (example,) = re.findall(r"```toml\n(.*?)```", PAGE, re.DOTALL)
    found = configured(project(example), quiet=True)
    unsaid = [field.name for field in fields(found) if not getattr(found, field.name)]
    assert unsaid == []
    assert found.budgets == (("ORDERS_EU", 20 * 1024), ("ORDERS*", 40 * 1024))
    (exclusion,) = found.exclude
    assert (exclusion.reason, exclusion.until) == ("split in March", "2027-03-31")
    assert exclusion.has_ended(1_806_537_600)  # 2027-04-01T00:00:00Z
    assert not exclusion.has_ended(1_806_537_599)
    typed = permopt("audit", ACME, "--now", NOW, "--no-findings", "--account", "ORDERS")
    assert typed.status == 1, typed.err


def test_the_page_of_ci_shows_commands_that_work(permopt, tmp_path):
    page = (ROOT / "docs" / "ci.md").read_text()
    (tmp_path / "stores").symlink_to(ACME)
    commands = [line.partition("  ")[0].split() for line in page.splitlines() if line.startswith("permopt audit")]
    assert [permopt(*words[1:], "--now", NOW).status for words in commands] == [0, 0]
