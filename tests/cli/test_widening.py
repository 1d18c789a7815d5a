"""What a person types to have lists widened, and what comes of bad input: one clear line each."""

import json

import pytest

from tests import signing
from tests.cli.conftest import NOW, is_printable
from tests.cli.test_schemas import check
from tests.unit.sources.stores import make_store

VERBS = ("created", "updated", "deleted", "shipped", "paid", "refunded", "held", "released", "packed", "returned")


@pytest.fixture
def till(tmp_path):
    """A shop whose one user spells everything out."""
    made = make_store(tmp_path / "stores")
    account = made.account("SHOP")
    entries = [f"{head}.{verb}" for head in ("orders", "stock") for verb in VERBS]
    made.user("SHOP", "web", account, pub={"allow": entries}, sub={"allow": ["orders.secret"]})
    return made


def propose(permopt, till, *words):
    return permopt("propose", till.root, "--now", NOW, *words)


def test_without_being_asked_nothing_is_widened(permopt, till):
    assert "granular-list" not in propose(permopt, till).out


def test_a_budget_says_what_gets_a_token_under_it_and_how_to_accept_it(permopt, till):
    typed = propose(permopt, till, "--user-budget", "900")
    assert "what gets a token under its budget" in typed.out
    assert "permopt review plan.json --accept granular-list-" in typed.out
    assert "opens 1 known subject to publish: `orders.secret` (for SHOP/web)" not in typed.out
    assert "subjects that nobody has named yet are concerned as well" in typed.out


def test_a_frontier_goes_from_nothing_to_the_smallest(permopt, till):
    typed = propose(permopt, till, "--frontier")
    assert "nothing widened" in typed.out
    assert "orders.*" in typed.out
    assert propose(permopt, till, "--frontier", "-f", "markdown").out.count("| `") > 2


def test_the_documents_with_widenings_are_valid(permopt, till, tmp_path):
    known = tmp_path / "known"
    known.write_text("stock.secret\n")
    words = ["--widen", "--frontier", "--known", known, "--weight", "known=1"]
    document = propose(permopt, till, *words, "-f", "json").json
    check(document)
    grants = [proposal["grant"] for proposal in document["proposals"]]
    assert {gain["subject"] for grant in grants for gain in grant["gained"]} == {"orders.secret", "stock.secret"}
    assert document["budgets"][0]["frontier"]


def test_a_saved_plan_with_widenings_is_read_back_whole(permopt, till, tmp_path):
    plan = tmp_path / "plan.json"
    propose(permopt, till, "--widen", "--weight", "known=1", "-o", plan)
    name = next(one["id"] for one in json.loads(plan.read_text())["proposals"])
    typed = permopt("review", plan, "--accept", name)
    assert typed.status == 0, typed.err
    assert "known subject" in typed.out
    assert permopt("script", plan, "-o", tmp_path / "out").status == 0


@pytest.mark.parametrize(
    ("words", "line"),
    [
        (["--widen", "--budget", "10KB"], "--widen and --budget contradict each other"),
        (["--budget", "300"], "--budget `300` is 300 bytes, and a token with nothing in it weighs"),
        (["--user-budget", "1"], "--user-budget `1` is 1 bytes, and a token with nothing in it weighs"),
        (["--budget", "tiny"], "`tiny` is no size"),
        (["--keep-prefix", "2"], "--keep-prefix is about widenings, and none is asked for"),
        (["--weight", "star=2"], "--weight is about widenings, and none is asked for"),
        (["--widen", "--weight", "moon=2"], "--weight `moon=2` means nothing"),
        (["--widen", "--weight", "star=-2"], "--weight `star=-2` means nothing"),
        (["--widen", "--protect", "a..b"], "--protect `a..b` is no subject pattern"),
        (["--widen", "--rule", "covered-entry"], "--rule leaves out `granular-list`"),
        (["--known", "nowhere"], "--known is about widenings, and none is asked for"),
    ],
)
def test_what_contradicts_itself_is_one_clear_line(permopt, till, words, line):
    typed = propose(permopt, till, *words)
    assert typed.status == 2
    assert line in typed.err
    assert len(typed.err.splitlines()) <= 2


def test_a_known_file_that_is_not_there_is_one_clear_line(permopt, till):
    typed = propose(permopt, till, "--widen", "--known", "nowhere")
    assert (typed.status, "`nowhere` does not exist" in typed.err) == (3, True)


def test_lines_of_a_known_file_that_are_no_subjects_are_counted_by_kind(permopt, till, tmp_path):
    known = tmp_path / "known"
    known.write_bytes(b"stock.secret\r\n\r\n# mine\norders.*\norders.>\na..b\n\xff\xfe\n\x1b[31mred\nx y\n")
    typed = propose(permopt, till, "--widen", "--known", known)
    assert typed.status == 0
    assert is_printable(typed.err)
    notes = [line for line in typed.err.splitlines() if line.startswith("--known")]
    assert len(notes) == 4
    assert "2 lines hold a wildcard" in notes[0]


def test_what_is_protected_and_allowed_already_is_said_to_stay(permopt, till):
    typed = propose(permopt, till, "--widen", "--protect", "orders.>")
    assert "--protect orders.>: 2 lists allow some of it already, and stay as they are" in typed.err
    assert "+ orders.*" not in typed.out
    assert "+ stock.*" in typed.out


def test_default_protection_can_be_lifted(permopt, till):
    words = [f"$JS.API.STREAM.INFO.S{number}" for number in range(9)]
    till.user("SHOP", "js", signing.account("SHOP"), pub={"allow": words})
    assert "+ $JS.API.STREAM.INFO.*" not in propose(permopt, till, "--widen").out
    assert "+ $JS.API.STREAM.INFO.*" in propose(permopt, till, "--widen", "--no-default-protection").out
