"""Bundles and hubs: what is offered, at what price, and what is not offered. Each is carried out and resolved again."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from optimizer.graph import State, build
from optimizer.graph.analysis import analysis
from optimizer.graph.bundles import makes_up, one_rule
from optimizer.graph.consolidate import suggestions
from optimizer.graph.reach import reach
from optimizer.graph.remarks import consolidation_members
from optimizer.graph.suggestion import NEW, Kind
from optimizer.subjects.subject import Subject
from tests import signing
from tests.topologies import HUB, carried_out, consumers, service, stream

if TYPE_CHECKING:
    from collections.abc import Callable

    from optimizer.graph.consolidate import Consolidation
    from optimizer.graph.suggestion import Suggestion
    from optimizer.hierarchy import Hierarchy

    Make = Callable[..., Hierarchy]

NOW = 1_795_000_000
SIGNER = signing.operator("graph")


def found(hierarchy: Hierarchy, **more: Any) -> Consolidation:
    return suggestions(build(hierarchy, NOW), hierarchy, **more)


def key(letter: str) -> str:
    return str(signing.account(letter))


def heard(hierarchy: Hierarchy, account: str, subject: str) -> set[tuple[str, str]]:
    return {
        (each.account, each.subject)
        for each in reach(build(hierarchy, NOW), hierarchy, account, subject).arrivals
        if each.certain
    }


def check(hierarchy: Hierarchy, suggestion: Suggestion) -> Hierarchy:
    """Carried out, it resolves, weighs what was said, and every message that arrived arrives."""
    after = carried_out(hierarchy, suggestion, SIGNER)
    states = {data["state"] for _, _, data in build(after, NOW).edges(data=True)}
    assert states == {State.WORKS}
    result = analysis(build(after, NOW), after, NOW)
    assert (result.cycles, result.responders, result.overlaps) == ((), (), ())
    for each in suggestion.accounts:
        token = after.accounts[HUB.public if each.account == NEW else each.account].token  # type: ignore[index]
        assert token.size == each.after, each
    assert sum(each.before for each in suggestion.accounts) == suggestion.bytes_before
    assert (
        suggestion.edges_before - suggestion.edges_after
        == build(hierarchy, NOW).number_of_edges() - build(after, NOW).number_of_edges()
    )
    return after


def test_literals_of_one_export_become_a_wildcard_that_says_what_it_adds(make: Make):
    hierarchy = make(
        A={"exports": [stream("ev.>")]},
        B={"imports": [stream(f"ev.{word}", "A") for word in "abcd"]},
        C={"imports": [stream("ev.other", "A")]},
    )
    (bundle,) = found(hierarchy).suggestions
    assert (bundle.kind, bundle.subject, bundle.members) == (Kind.BUNDLE, "ev.*", (key("A"), key("B")))
    assert [(gain.account, gain.subject) for gain in bundle.gained] == [(key("B"), "ev.*")]
    assert bundle.known == ("ev.other",)
    assert bundle.saved > 0
    check(hierarchy, bundle)


def test_parts_that_make_up_the_wildcard_are_bundled_without_adding_anything(make: Make):
    hierarchy = make(A={"exports": [stream("u.>")]}, B={"imports": [stream("u.*", "A"), stream("u.*.>", "A")]})
    (bundle,) = found(hierarchy).suggestions
    assert (bundle.subject, bundle.gained, bundle.known) == ("u.>", (), ())
    check(hierarchy, bundle)


def test_a_token_that_no_server_reads_for_its_size_gets_its_bundle(make: Make):
    words = [f"{'w' * 30}{number}" for number in range(6_000)]
    hierarchy = make(A={"exports": [stream("ev.>")]}, B={"imports": [stream(f"ev.{word}", "A") for word in words]})
    assert {data["state"] for _, _, data in build(hierarchy, NOW).edges(data=True)} == {State.REFUSED}
    result = found(hierarchy)
    (bundle,) = result.suggestions
    assert (bundle.subject, result.unread) == ("ev.*", 1)
    assert bundle.bytes_before > 1024 * 1024 > bundle.bytes_after
    assert any("1,048,576 bytes that a server reads" in remark for remark in consolidation_members(result)["remarks"])
    check(hierarchy, bundle)


def test_a_name_that_changes_where_nsc_writes_the_token_anew_is_told(make: Make):
    def b(names: int) -> Hierarchy:
        twice = [stream("s", "A", local_subject=f"l{number}") for number in range(names)]
        return make(A={"exports": [stream("ev.>"), stream("s")]}, B={"imports": [*twice, *words]})

    words = [stream(f"ev.{word}", "A") for word in "abcde"]
    (bundle,) = found(b(20)).suggestions
    after = carried_out(b(20), bundle, SIGNER)
    edges = [data for *_, data in build(after, NOW).edges(data=True) if data["remote"] == "s"]
    (works,) = [data["local"] for data in edges if data["state"] is State.WORKS]
    assert works != "l0"
    assert [lost.statement for lost in bundle.lost] == [f"the stream `s` may come as `{works}` and no longer as `l0`"]
    (bundle,) = found(b(2)).suggestions
    assert bundle.lost == ()


def test_a_token_refused_for_anything_else_gets_none(make: Make):
    imports = [stream(f"ev.{word}", "A") for word in "abcd"]
    limits = {**signing.NO_LIMITS, "imports": 1}
    result = found(make(A={"exports": [stream("ev.>")]}, B={"imports": imports, "limits": limits}))
    assert (result.suggestions, result.unread) == ((), 0)


def test_local_names_made_by_one_rule_are_kept(make: Make):
    hierarchy = make(
        A={"exports": [service("svc.*.*")]},
        B={"imports": [service(f"svc.{w}.get", "A", local_subject=f"in.get.{w}") for w in "abc"]},
    )
    (bundle,) = found(hierarchy).suggestions
    assert bundle.subject == "in.get.$1"
    after = check(hierarchy, bundle)
    assert (key("A"), "svc.a.get") in heard(after, key("B"), "in.get.a")


@pytest.mark.parametrize(
    ("exports", "imports"),
    [
        ([stream("ev.a"), stream("ev.b"), stream("ev.c")], [stream(f"ev.{w}", "A") for w in "abc"]),
        ([stream("ev.*")], [stream(f"ev.{w}", "A", local_subject=f"l{n}") for n, w in enumerate("abc")]),
        ([service("t.*.x", account_token_position=2)], [service(f"t.{w}.x", "A") for w in "abc"]),
        ([service("p.*", token_req=True)], [service(f"p.{w}", "A") for w in "abc"]),
        ([stream("ev.>")], [stream("ev.>", "A"), stream("ev.a", "A"), stream("ev.b", "A")]),
    ],
    ids=["no export contains it", "names without a rule", "token position", "no activation", "it is there already"],
)
def test_no_bundle_where_the_server_would_not_let_it_in_or_names_would_change(
    make: Make, exports: list[dict[str, Any]], imports: list[dict[str, Any]]
):
    assert found(make(A={"exports": exports}, B={"imports": imports})).suggestions == ()


def test_a_wildcard_never_takes_another_imports_requests(make: Make):
    hierarchy = make(
        A={"exports": [service("svc.*")]},
        X={"exports": [service("svc.x")]},
        B={"imports": [*(service(f"svc.{w}", "A") for w in "abc"), service("svc.x", "X")]},
    )
    assert found(hierarchy).suggestions == ()


def test_an_activation_for_the_wildcard_serves_the_bundle(make: Make):
    nats = {"subject": "p.>", "kind": "stream", "type": "activation", "version": 2}
    token = signing.sign({"name": "a", "sub": key("B"), "nats": nats}, signing.account("A"))
    hierarchy = make(
        A={"exports": [stream("p.>", token_req=True)]},
        B={"imports": [stream(f"p.{w}", "A", token=token) for w in "abc"]},
    )
    (bundle,) = found(hierarchy).suggestions
    check(hierarchy, bundle)


def test_a_hub_pays_where_many_accounts_import_the_same_services(make: Make):
    hierarchy = make(**consumers(12, 6, 2))
    (hub,) = found(hierarchy).suggestions
    assert (hub.kind, hub.subject, hub.hops) == (Kind.HUB, "svc.*.*", 1)
    assert (hub.edges_before, hub.edges_after) == (144, 24)
    assert hub.bytes_after < 0.6 * hub.bytes_before
    assert hub.accounts[0].account == NEW
    assert hub.pushes[0].account == NEW
    assert [(gain.account, gain.exporter) for gain in hub.gained] == [(NEW, NEW)]
    assert {"control", "secrecy", "replies in flight"} <= {loss.what for loss in hub.lost}
    after = check(hierarchy, hub)
    assert (key("P3"), "svc.p3.m1") in heard(after, key("C5"), "svc.p3.m1")


def test_a_hub_for_three_by_three_does_not_pay_and_the_figures_say_so(make: Make):
    result = found(make(**consumers(3, 3)))
    assert result.suggestions == ()
    assert result.best_hub is not None
    assert result.best_hub.bytes_after > result.best_hub.bytes_before
    (remark,) = consolidation_members(result)["remarks"]
    assert f"{result.best_hub.bytes_before:,}" in remark
    assert f"{result.best_hub.bytes_after:,}" in remark


def test_names_without_a_common_form_get_a_prefix_and_that_is_a_loss(make: Make):
    accounts = consumers(12, 6, 2, root="s{}")
    (hub,) = found(make(**accounts)).suggestions
    assert hub.subject == "hub.>"
    assert "names" in {loss.what for loss in hub.lost}
    after = check(make(**accounts), hub)
    assert (key("P3"), "s3.m1") in heard(after, key("C5"), "hub.s3.m1")


def test_a_provider_that_consumes_as_well_is_kept_out_of_its_own_hub(make: Make):
    accounts = consumers(12, 6, 2)
    accounts["P0"]["imports"] = [service(f"svc.p{p}.m{m}", f"P{p}") for p in range(1, 6) for m in range(2)]
    hierarchy = make(**accounts)
    (hub,) = found(hierarchy).suggestions
    consumers_of_hub = {change.account for change in hub.changes[1:]}
    exporters = {each.account for each in hub.changes[0].imports}
    assert consumers_of_hub.isdisjoint(exporters)
    check(hierarchy, hub)


def test_a_service_that_leads_back_to_the_hub_is_left_out(make: Make):
    accounts = consumers(12, 6, 2)
    accounts["C0"]["exports"] = [service("svc.p0.>")]
    accounts["P0"]["exports"] = [service("svc.p0.>")]
    accounts["P0"]["imports"] = [service("svc.p0.m0", "C0")]
    accounts["C0"]["imports"] = [each for each in accounts["C0"]["imports"] if each["account"] != "P0"]
    hierarchy = make(**accounts)
    hubs = found(hierarchy).suggestions
    assert hubs
    for hub in hubs:
        after = carried_out(hierarchy, hub, SIGNER)
        before_states = {data["state"] for _, _, data in build(hierarchy, NOW).edges(data=True)}
        assert {data["state"] for _, _, data in build(after, NOW).edges(data=True)} <= before_states
        assert analysis(build(after, NOW), after, NOW).cycles == ()


@pytest.mark.parametrize(
    "spoil",
    [
        lambda export: export.update(token_req=True),
        lambda export: export.update(type="stream", response_type=""),
    ],
    ids=["private", "streams"],
)
def test_neither_private_services_nor_streams_go_through_a_hub(make: Make, spoil: Callable[[dict[str, Any]], None]):
    accounts = consumers(12, 6, 2)
    for account in accounts.values():
        for export in account.get("exports", ()):
            spoil(export)
        for taken in account.get("imports", ()):
            taken["type"] = accounts["P0"]["exports"][0]["type"]
    result = found(make(**accounts))
    assert all(each.kind is Kind.BUNDLE for each in result.suggestions)
    assert result.best_hub is None


def test_services_that_answer_differently_are_not_put_into_one_hub(make: Make):
    accounts = consumers(12, 6, 2)
    for letter in ("P0", "P1", "P2"):
        for export in accounts[letter]["exports"]:
            export["response_type"] = "Stream"
    hubs = found(make(**accounts)).suggestions
    assert len(hubs) == 2
    for hub in hubs:
        (export,) = hub.changes[0].exports
        kinds = {accounts_type(accounts, each.subject) for each in hub.changes[0].imports}
        assert kinds == {export.response_type}


def accounts_type(accounts: dict[str, Any], subject: str) -> str:
    (kind,) = {e["response_type"] for a in accounts.values() for e in a.get("exports", ()) if e["subject"] == subject}
    return kind


def test_who_shares_identity_does_so_through_the_hub_and_nobody_else_does(make: Make):
    accounts = consumers(20, 6, 2)
    for number in range(10):
        for taken in accounts[f"C{number}"]["imports"]:
            taken["share"] = True
    hubs = found(make(**accounts)).suggestions
    assert len(hubs) == 2
    for hub in hubs:
        for change in hub.changes[1:]:
            (before,) = {edge.claims.share for edge in change.drops}
            assert [each.share for each in change.imports] == [before]


def test_a_hub_that_opens_services_names_each_of_them(make: Make):
    accounts = consumers(14, 6, 2)
    for number in range(14):
        del accounts[f"C{number}"]["imports"][number % 12]
    hierarchy = make(**accounts)
    hubs = found(hierarchy).suggestions
    assert any(gain.account != NEW for hub in hubs for gain in hub.gained)
    for hub in hubs:
        after = carried_out(hierarchy, hub, SIGNER)
        opened = {(gain.account, gain.subject) for gain in hub.gained if gain.account != NEW}
        seen = {
            (change.account, each.subject)
            for change in hub.changes[1:]
            for each in hub.changes[0].imports
            if (each.account, each.subject) not in heard(hierarchy, change.account, each.subject)
            and (each.account, each.subject) in heard(after, change.account, each.subject)
        }
        assert opened == seen


def test_what_is_wanted_is_reached_with_as_little_opened_as_it_takes(make: Make):
    hierarchy = make(
        A={"exports": [stream("ev.>"), stream("u.>")]},
        B={"imports": [*(stream(f"ev.{w}", "A") for w in "abcdef"), stream("u.*", "A"), stream("u.*.>", "A")]},
    )
    assert len(found(hierarchy).suggestions) == 2
    (lossless,) = found(hierarchy, wanted=1).suggestions
    assert lossless.gained == ()


def test_the_document_holds_everything_and_counts_right(make: Make):
    result = found(make(**consumers(12, 6, 2)))
    members = consolidation_members(result)
    assert members["sought"] == ["bundle", "hub"]
    (each,) = members["suggestions"]
    assert each["bytes_before"] == sum(one["bytes_before"] for one in each["accounts"])
    assert each["bytes_after"] == sum(one["bytes_after"] for one in each["accounts"])
    assert json.loads(json.dumps(members)) == members


@pytest.mark.parametrize(
    ("names", "wildcard", "local"),
    [
        ([("a.x", "a.x"), ("a.y", "a.y")], "a.*", "a.*"),
        ([("a.x", "b.x"), ("a.y", "b.y")], "a.*", "b.$1"),
        ([("a.x", "x"), ("a.y", "y")], "a.*", "$1"),
        ([("a.x.p", "p.x"), ("a.y.q", "q.y")], "a.*.*", "$2.$1"),
        ([("a.x.p", "b.x.p"), ("a.y", "b.y")], "a.>", "b.>"),
        ([("a.x.*", "b.x.$1"), ("a.y.*", "b.y.$1")], "a.*.*", "b.$1.$2"),
        ([("a.x", "one"), ("a.y", "two")], "a.*", None),
        ([("a.x.p", "b.p"), ("a.y.q", "b.q")], "a.*.*", None),
        ([("a.x", "b.x"), ("a.y", "c.y")], "a.*", None),
    ],
)
def test_the_rule_of_local_names(names: list[tuple[str, str]], wildcard: str, local: str | None):
    assert one_rule(names, wildcard) == local


@pytest.mark.parametrize(
    ("parts", "whole", "made"),
    [
        (["a.*", "a.*.>"], "a.>", True),
        (["a.*", "a.*.*", "a.*.*.>"], "a.>", True),
        (["a.*", "a.*.*.>"], "a.>", False),
        (["a.b", "a.c"], "a.*", False),
        (["a.*", "a.b"], "a.*", True),
        (["a.*.b", "a.b.*"], "a.*.*", False),
        ([">"], "a.>", True),
    ],
)
def test_what_makes_up_a_wildcard(parts: list[str], whole: str, made: bool):
    assert makes_up([Subject(part) for part in parts], Subject(whole)) is made


@pytest.mark.parametrize("made", [service, stream])
def test_no_wildcard_leads_back_to_the_account_that_imports_it(make: Make, made: Callable[..., dict[str, Any]]):
    accounts = {
        "A": {"exports": [made("x.*")], "imports": [made("x.back", "B")]},
        "B": {"exports": [made("x.back")], "imports": [made(f"x.{word}", "A") for word in "abc"]},
    }
    assert found(make(**accounts)).suggestions == ()
    accounts["A"]["imports"] = []
    assert len(found(make(**accounts)).suggestions) == 1


def test_wildcards_taken_together_share_no_subject(make: Make):
    names = ("ev.a.x", "ev.b.x", "ev.e.x", "ev.c.y", "ev.c.z", "ev.c.w")
    hierarchy = make(
        A={"exports": [stream("ev.>")]},
        X={"exports": [stream("ev.>")]},
        B={"imports": [*(stream(name, "A") for name in names), stream("ev.q.q", "X")]},
    )
    (bundle,) = found(hierarchy).suggestions  # `ev.*.x` and `ev.c.*` both have `ev.c.x`
    check(hierarchy, bundle)


def test_two_hubs_of_one_consumer_have_names_of_their_own(make: Make):
    accounts = consumers(12, 6, 2)
    for letter in ("P0", "P1", "P2"):
        for export in accounts[letter]["exports"]:
            export["response_type"] = "Stream"
    one, other = found(make(**accounts)).suggestions
    assert set(one.members) & set(other.members)
    assert not Subject(one.subject).overlaps(Subject(other.subject))
    assert {each.subject for each in other.changes[1].imports} == {other.subject}


def test_a_hub_that_would_pay_is_not_denied_where_bundles_save_more(make: Make):
    accounts = consumers(4, 2, 30)
    for letter in ("P0", "P1"):
        accounts[letter]["exports"] = [service(f"svc.{letter.lower()}.>")]
    result = found(make(**accounts))
    assert {each.kind for each in result.suggestions} == {Kind.BUNDLE}
    assert result.best_hub is not None
    assert result.best_hub.saved > 0
    assert not any("no hub pays" in remark for remark in consolidation_members(result)["remarks"])


def test_a_hub_waits_for_replies_as_long_as_the_exporters_do(make: Make):
    accounts = consumers(12, 6, 2)
    for letter in accounts:
        for export in accounts[letter].get("exports", ()):
            export["response_threshold"] = 600_000_000_000
            export["response_type"] = "Singleton" if letter in ("P0", "P1") else ""
    hierarchy = make(**accounts)
    (hub,) = found(hierarchy).suggestions
    assert hub.changes[0].exports[0].response_threshold == 600_000_000_000
    check(hierarchy, hub)


def test_an_account_that_asks_through_the_importer_gains_too(make: Make):
    hierarchy = make(
        A={"exports": [service("svc.*")]},
        B={"exports": [service("svc.>")], "imports": [service(f"svc.{word}", "A") for word in "abc"]},
        C={"imports": [service("svc.>", "B")]},
        D={"imports": [service("svc.a", "B")]},
    )
    (bundle,) = found(hierarchy).suggestions
    assert [gain.account for gain in bundle.gained] == [key("B"), key("C")]
    assert [loss.what for loss in bundle.lost] == ["secrecy"]
    assert (key("A"), "svc.new") in heard(check(hierarchy, bundle), key("C"), "svc.new")


def test_a_bundle_holds_every_import_of_its_wildcard_however_many_there_are(make: Make):
    imports = [stream(f"s.{number}.x", "A") for number in range(2100)]
    (bundle,) = found(make(A={"exports": [stream("s.>")]}, B={"imports": imports})).suggestions
    assert bundle.edges_before == 2100
