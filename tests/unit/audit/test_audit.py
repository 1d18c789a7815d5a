"""What an audit says of small stores: sizes and bands at their borders, signs, ranks, and what the rules found."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from optimizer.audit.audit import audit
from optimizer.audit.bands import Band, ConnectBand, validation_milliseconds
from optimizer.audit.records import _QUICK_BELOW, FindingKind
from optimizer.claims.sections import ACTIVATIONS
from optimizer.examine import examine
from optimizer.hierarchy import Skipped
from optimizer.proposals import Safety, Severity
from optimizer.sources import read
from tests import signing
from tests.builders import NOW, Account, Role, User, settings, store

ROOT = Path(__file__).resolve().parents[3]
MIB = 1024 * 1024


def account_of(size: int, name: str = "A", **nats: object) -> Account:
    """An account whose token has exactly so many bytes."""
    return padded(lambda text: Account(name, nats={**nats, "newField": text}), size)


def user_of(size: int, name: str = "u") -> User:
    return padded(lambda text: User(name, nats={"newField": text}), size)


def padded(make, size):
    def size_of(made):
        hierarchy = store(made) if isinstance(made, Account) else store(Account("A", users=[made]))
        found = hierarchy.users if isinstance(made, User) else hierarchy.accounts
        return next(iter(found.values())).token.size

    length = (size - size_of(make("x"))) * 3 // 4
    fits = [made for more in (0, 1, 2) if size_of(made := make("x" * (length + more))) == size]
    assert fits, f"no token has {size} bytes"
    return fits[0]


def audited(*accounts: Account, rules: bool = False, **given: object):
    hierarchy, chosen = store(*accounts), settings(**given)
    return audit(hierarchy, examine(hierarchy, chosen) if rules else None, chosen)


def rules_of(found) -> list[tuple[str, Severity]]:
    return [(finding.rule, finding.severity) for finding in found.findings]


@pytest.mark.parametrize(
    ("size", "band", "found"),
    [
        (5 * 1024, Band.TYPICAL, []),
        (5 * 1024 + 1, Band.REVIEW, []),
        (10 * 1024, Band.REVIEW, []),
        (10 * 1024 + 1, Band.ATTENTION, [("over-budget", Severity.WARNING)]),
        (25 * 1024, Band.ATTENTION, [("over-budget", Severity.WARNING)]),
        (25 * 1024 + 1, Band.BLOATED, [("bloated", Severity.ERROR), ("over-budget", Severity.WARNING)]),
    ],
)
def test_accounts_fall_into_bands_at_their_exact_borders(size, band, found):
    result = audited(account_of(size))
    assert [account.token_bytes for account in result.accounts] == [size]
    assert result.accounts[0].band is band
    assert rules_of(result) == found
    assert result.totals.bands[band] == 1
    assert sum(result.totals.bands.values()) == 1


@pytest.mark.parametrize(
    ("size", "band", "found"),
    [
        (3_500, ConnectBand.TYPICAL, []),
        (3_501, ConnectBand.ATTENTION, [("long-connect-line", Severity.WARNING)]),
        (3_834, ConnectBand.ATTENTION, [("long-connect-line", Severity.WARNING)]),
        (3_836, ConnectBand.REFUSED, [("long-connect-line", Severity.WARNING)]),
    ],
)
def test_users_fall_into_bands_at_the_connect_line(size, band, found):
    result = audited(Account("A", users=[user_of(size)]))
    assert [(user.token_bytes, user.band) for user in result.users] == [(size, band)]
    assert rules_of(result) == found
    assert result.totals.user_bands[band] == 1


def test_budgets_of_the_run_decide_what_is_over_and_bands_do_not_move():
    result = audited(account_of(5 * 1024), Account("B", users=[user_of(3_000)]), budget=4_096, user_budget=2_000)
    assert rules_of(result) == [("over-budget", Severity.WARNING)] * 2
    assert [finding.user_name for finding in result.findings] == ["", "u"]
    assert result.accounts[0].band is Band.TYPICAL
    assert (result.totals.over_budget, result.totals.users_over_budget) == (1, 1)
    assert rules_of(audited(account_of(25 * 1024), budget=25 * 1024)) == []
    assert rules_of(audited(account_of(25 * 1024 + 1), budget=MIB)) == [("bloated", Severity.ERROR)]


@pytest.mark.parametrize(("size", "refused"), [(MIB, 0), (MIB + 1, 1)])
def test_an_account_above_one_mebibyte_is_one_error_whoever_saw_it(size, refused):
    account = account_of(size)
    found = audited(account)
    assert [rule for rule, _ in rules_of(found)].count("refused") == refused
    assert "too-large" not in [rule for rule, _ in rules_of(found)]
    unverified = audit(store(account, issues=False), None, settings())
    assert [rule for rule, _ in rules_of(unverified)].count("too-large") == refused
    assert found.accounts[0].headroom == MIB - size


@pytest.mark.parametrize(("number", "found"), [(50, []), (51, [("many-revocations", Severity.WARNING)])])
def test_more_than_fifty_revocations_are_a_sign(number, found):
    keys = {signing.user(f"revoked {each}").public: 1 for each in range(number)}
    result = audited(Account("A", nats={"revocations": keys}))
    assert rules_of(result) == found
    assert [(finding.measure, finding.pointers) for finding in result.findings] == [
        (number, ("/nats/revocations",))
    ] * len(found)


def test_validation_grows_with_the_square_and_is_a_note_and_then_a_warning():
    def exporting(number):
        exports = [{"name": f"e{each}", "subject": f"a.b{each}.c", "type": "stream"} for each in range(number)]
        return audited(Account("A", nats={"exports": exports}), budget=MIB)

    small, middling, large = (exporting(number) for number in (50, 1_000, 4_000))
    assert [each.accounts[0].validation.cost for each in (small, middling, large)] == ["cheap", "slow", "stalling"]
    slow = [[f.severity for f in each.findings if f.rule == "slow-validation"] for each in (small, middling, large)]
    assert slow == [[], [Severity.NOTE], [Severity.WARNING]]
    four_times = large.accounts[0].validation.milliseconds / middling.accounts[0].validation.milliseconds
    assert 15 < four_times < 18


def test_only_service_imports_count_for_validation():
    imports = [
        {"name": "s", "subject": f"s{number}", "account": signing.account("X").public, "type": kind}
        for number in range(20)
        for kind in ("service", "stream", "stream", "stream")
    ]
    validation = audited(Account("A", nats={"imports": imports})).accounts[0].validation
    assert (validation.service_imports, validation.exports, validation.cost) == (20, 0, "cheap")


def test_accounts_and_users_are_ranked_by_size_and_ties_by_name():
    result = audited(
        Account("SMALL", users=[User("b"), User("a"), user_of(2_000, "large")]),
        account_of(4_000, "LARGE"),
        Account("TWINB"),
        Account("TWINA"),
    )
    assert [account.name for account in result.accounts] == ["LARGE", "SMALL", "TWINA", "TWINB"]
    assert [user.name for user in result.users] == ["large", "a", "b"]
    assert result.users_of(result.accounts[1].key) == result.users
    assert result.accounts[1].user_bytes == sum(user.token_bytes for user in result.users)


def test_counts_are_those_of_the_claims():
    nats = {
        "imports": [{"name": "i", "subject": "i", "account": signing.account("X").public, "type": "stream"}],
        "exports": [{"name": "e", "subject": f"e{n}", "type": "stream"} for n in range(2)],
        "signing_keys": [signing.account("key").public],
        "revocations": {"*": 1},
        "mappings": {"a": [{"subject": "b", "weight": 50}, {"subject": "c", "weight": 50}]},
    }
    counts = audited(Account("A", users=[User("u")], roles=[Role("r")], nats=nats)).accounts[0].counts
    assert (counts.imports, counts.exports, counts.signing_keys) == (1, 2, 2)
    assert (counts.revocations, counts.mappings, counts.users) == (1, 1, 1)


def test_a_source_without_users_says_so_and_counts_none():
    hierarchy = replace(store(Account("A")), has_users=False)
    result = audit(hierarchy, None, settings())
    assert result.accounts[0].counts.users is None
    assert [(each.what, "long-connect-line" in each.rules) for each in result.not_known] == [("users", True)]
    assert audit(store(Account("A")), None, settings()).not_known == ()


def test_users_without_their_account_are_weighed_and_named_as_not_looked_at():
    whole = store(Account("A", users=[user_of(3_600)]))
    result = audit(replace(whole, accounts={}), None, settings())
    assert [(user.account_name, user.token_bytes) for user in result.users] == [("", 3_600)]
    assert [each.what for each in result.not_known] == ["accounts"]
    assert "1 user" in result.not_known[0].reason


def test_only_the_accounts_that_were_asked_for_are_weighed():
    accounts = [Account("ORDERS", users=[user_of(3_600)]), Account("OTHER", users=[user_of(3_700, "v")])]
    result = audited(*accounts, accounts=("ORD*",))
    assert [account.name for account in result.accounts] == ["ORDERS"]
    assert [user.name for user in result.users] == ["u"]
    assert {finding.account_name for finding in result.findings} == {"ORDERS"}


def test_an_empty_store_is_an_empty_audit():
    result = audited()
    assert (result.totals.accounts, result.totals.users, result.findings) == (0, 0, ())


def test_what_was_skipped_is_kept():
    skipped = Skipped("a.jwt", "is no token")
    assert audit(replace(store(), skipped=(skipped,)), None, settings()).skipped == (skipped,)


def test_proposals_are_findings_with_exact_bytes_and_pointers_to_the_entries_that_go():
    account = Account(
        "A",
        users=[User("u", pub={"allow": ["a.x", "b", "a.>", "b"]})],
        roles=[Role("other"), Role("r", {"sub": {"allow": ["c.>", "c.d"]}})],
    )
    result = audited(account, rules=True)
    found = {(f.rule, f.user_name): f for f in result.findings}
    covered, twice = found["covered-entry", "u"], found["duplicate-entry", "u"]
    assert covered.pointers == ("/nats/pub/allow/0",)
    assert twice.pointers == ("/nats/pub/allow/3",)
    assert found["covered-entry", ""].pointers == ("/nats/signing_keys/1/template/sub/allow/1",)
    hierarchy = store(account)
    saved = {p.id: p.judgement.saving.bytes for p in examine(hierarchy, settings()).proposals}
    assert {f.proposal: f.saving_bytes for f in result.findings} == saved
    assert covered.saving_bytes > 0


def test_what_is_not_a_safe_proposal_needs_a_person():
    account = Account(
        "A", users=[User("safe", pub={"allow": ["a.>", "a.x"]}), User("typo", pub={"allow": ["ok.>", ".API.INFO"]})]
    )
    result = audited(account, rules=True)
    by_user = {finding.user_name: finding for finding in result.findings}
    assert (by_user["safe"].safety, by_user["safe"].needs_person) == (Safety.SAFE, False)
    assert (by_user["typo"].safety, by_user["typo"].needs_person) == (None, True)
    assert by_user["typo"].proposal is None
    assert by_user["typo"].saving_bytes is None


def test_tokens_not_in_order_are_findings():
    result = audited(Account("A", users=[User("late", head={"exp": NOW - 1})]))
    assert [(f.kind, f.rule, f.severity, f.user_name) for f in result.findings] == [
        (FindingKind.TOKEN, "expired", Severity.ERROR, "late")
    ]


def test_errors_come_first_and_ids_are_distinct_and_stay():
    hierarchy = read(str(ROOT / "corpus" / "acme"), now=NOW)
    first, again = (audit(hierarchy, examine(hierarchy, settings()), settings()) for _ in range(2))
    severities = [finding.severity for finding in first.findings]
    assert severities == sorted(severities, key=[Severity.ERROR, Severity.WARNING, Severity.NOTE].index)
    ids = [finding.id for finding in first.findings]
    assert len(set(ids)) == len(ids) > 20
    assert first == again


def test_every_pointer_of_a_finding_is_in_its_token():
    hierarchy = read(str(ROOT / "corpus" / "acme"), now=NOW)
    for finding in audit(hierarchy, examine(hierarchy, settings()), settings()).findings:
        signed = hierarchy.users[finding.user, finding.account] if finding.user else hierarchy.accounts[finding.account]
        for pointer in finding.pointers:
            value = json.loads(signed.token.payload)
            for step in pointer.split("/")[1:]:
                value = value[int(step)] if isinstance(value, list) else value[step]


def test_an_activation_token_is_named_beside_its_import():
    imports = [
        {"name": "p", "subject": "s.q", "account": signing.account("X").public, "token": "e" * 900, "type": "service"}
    ]
    account = audited(Account("A", nats={"imports": imports}), rules=False).accounts[0]
    assert account.dominant.pointer == ACTIVATIONS
    assert [each.entries for each in account.sections if each.pointer == ACTIVATIONS] == [1]
    assert account.largest(1)[0].what == "service import of `s.q`, with its activation token"


@pytest.mark.parametrize(
    ("nats", "what"),
    [
        (
            {"exports": [{"subject": "a.>" + "x" * 300, "type": "service", "revocations": {"*": 1}}]},
            "service export of",
        ),
        ({"signing_keys": [signing.scope(signing.account("k"), "r" * 300, pub={"allow": ["a"]})]}, "role `rrr"),
        ({"mappings": {"m" * 300: [{"subject": "x"}]}}, "mapping of `mmm"),
        ({"default_permissions": {"pub": {"deny": ["d" * 300]}, "sub": {}}}, "publish deny `ddd"),
        ({"description": "x" * 300}, "description"),
        ({"revocations": {"U" * 300: 1}}, "revocation of UUU"),
    ],
)
def test_the_largest_entry_is_said_in_words(nats, what):
    account = audited(Account("A", nats=nats)).accounts[0]
    assert account.largest(1)[0].what.startswith(what)


def test_a_users_largest_entry_is_a_subject():
    user = audited(Account("A", users=[User("u", sub={"allow": ["a", "b" * 200]})])).users[0]
    assert user.largest(1)[0].what == f"subscribe allow `{'b' * 200}`"
    assert user.dominant.pointer == "/nats/sub"
    assert sum(section.token_bytes for section in user.sections) == user.token_bytes


def test_replication_costs_the_token_on_every_server():
    account = audited(account_of(4_000)).accounts[0]
    assert account.replicated_bytes(12) == 48_000


def test_small_tokens_are_quick_to_validate_whatever_is_in_them():
    assert validation_milliseconds(_QUICK_BELOW, _QUICK_BELOW) < 0.5


def test_what_a_sign_points_to_is_the_section_that_weighs_most():
    exports = [{"subject": f"subject.{number}.{'x' * 40}", "type": "stream"} for number in range(120)]
    token = "e" * 12_000
    private = [{"subject": "s", "account": signing.account("X").public, "token": token, "type": "stream"}]
    for nats, pointer in (({"exports": exports}, "/nats/exports"), ({"imports": private}, "/nats/imports")):
        found = [f for f in audited(Account("A", nats=nats)).findings if f.rule == "over-budget"]
        assert [f.pointers for f in found] == [(pointer,)]
