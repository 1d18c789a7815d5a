"""What an edit of imports is worth: where every subject leads, before and after."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from optimizer.claims.model import Export, Import
from optimizer.edits import AddAccount, EditExports, EditImports, Target, TargetKind
from optimizer.judge import judge, shared_trial
from optimizer.proposals import Safety
from optimizer.settings import Server
from optimizer.subjects.compare import Connect, Relation
from optimizer.subjects.probes import AcrossImport
from tests import signing
from tests.builders import CURRENT_ONLY, OPERATOR, settings
from tests.topologies import HUB, Accounts, made, service, stream

if TYPE_CHECKING:
    from optimizer.hierarchy import Hierarchy
    from optimizer.proposals import Judgement, Witness


def key(name: str) -> Any:
    return signing.account(name).public


def taken(kind: str, subject: str, exporter: str, local: str = "", **more: Any) -> Import:
    return Import(name=subject, subject=subject, account=key(exporter), local_subject=local, type=kind, **more)


def edit(name: str, *, remove: list[str], add: list[Import], hierarchy: Hierarchy) -> EditImports:
    imports = hierarchy.accounts[key(name)].claims.imports
    goes = tuple(next(each for each in imports if each.subject == subject) for subject in remove)
    return EditImports(Target(TargetKind.IMPORT.value, key(name)), goes, tuple(add))


def judged(accounts: Accounts, name: str, remove: list[str], *add: Import, **given: Any) -> Judgement:
    hierarchy = made(accounts)
    return judge(hierarchy, [edit(name, remove=remove, add=list(add), hierarchy=hierarchy)], settings(**given))


def told(witnesses: tuple[Witness, ...]) -> set[tuple[str, str, str, str, int]]:
    """Who, by what name, whose, by the exporter's name, how often."""
    found = set()
    for witness in witnesses:
        probe = witness.probe
        if isinstance(probe, Connect):
            continue
        assert isinstance(probe, AcrossImport)
        found.add((witness.principal, probe.subject, probe.exporter_name, probe.remote, probe.copies))
    return found


EVENTS: Accounts = {"EV": {"exports": [stream("ev.>"), stream("u.>"), service("svc.>")]}}


def taker(*imports: dict[str, Any], **more: Any) -> Accounts:
    return {**EVENTS, "B": {"imports": list(imports), **more}}


def test_parts_that_make_up_a_wildcard_may_become_one():
    judgement = judged(
        taker(stream("u.*", "EV"), stream("u.*.>", "EV")), "B", ["u.*", "u.*.>"], taken("stream", "u.>", "EV")
    )
    assert (judgement.relation, judgement.safety) == (Relation.SAME, Safety.SAFE)
    assert judgement.proof.accounts == 1
    assert judgement.proof.connections == ("client",), "leafnodes were not followed"
    assert (judgement.reach, judgement.disturbs, judgement.undo) == ("on push", "nothing", "needs the seed")


@pytest.mark.parametrize("kind", ["stream", "service"])
def test_a_wildcard_in_place_of_some_subjects_opens_the_others(kind):
    make, root = (stream, "ev") if kind == "stream" else (service, "svc")
    judgement = judged(
        taker(make(f"{root}.a", "EV"), make(f"{root}.b", "EV")),
        "B",
        [f"{root}.a", f"{root}.b"],
        taken(kind, f"{root}.*", "EV"),
    )
    assert (judgement.relation, judgement.safety) == (Relation.WIDER, Safety.RISKY)
    assert told(judgement.gained) == {("B", f"{root}.x", "EV", f"{root}.x", 1)}
    assert {witness.server for witness in judgement.gained} == set(Server)


def test_an_import_that_goes_is_missed():
    judgement = judged(taker(stream("ev.a", "EV", local_subject="l.a")), "B", ["ev.a"])
    assert (judgement.relation, judgement.safety) == (Relation.NARROWER, Safety.RISKY)
    assert told(judgement.lost) == {("B", "l.a", "EV", "ev.a", 1)}


@pytest.mark.parametrize(
    ("before", "after", "relation"),
    [
        ("l.$1.$2", "l.$1.$2", Relation.SAME),
        ("l.*.*", "l.$1.$2", Relation.SAME),
        ("l.$1.$2", "l.$2.$1", Relation.CROSSED),
        ("l.$1.$2", "k.$1.$2", Relation.CROSSED),
    ],
)
def test_a_renaming_counts_wildcard_by_wildcard(before, after, relation):
    accounts = taker(stream("ev.*.*", "EV", local_subject=before))
    assert judged(accounts, "B", ["ev.*.*"], taken("stream", "ev.*.*", "EV", after)).relation is relation


def test_a_renaming_that_the_server_does_not_turn_round_is_not_decided():
    accounts = taker(stream("ev.*.*.*", "EV"))
    judgement = judged(accounts, "B", ["ev.*.*.*"], taken("stream", "ev.*.*.*", "EV", "l.$2.$3.$1"))
    assert (judgement.relation, judgement.safety) == (Relation.UNDECIDED, Safety.ADVICE)
    assert "does not turn round" in judgement.proof.why_incomplete[0]


def test_two_streams_that_share_a_subject_bring_it_twice():
    accounts = taker(stream("ev.>", "EV"), stream("ev.a", "EV"))
    judgement = judged(accounts, "B", ["ev.a"])
    assert judgement.relation is Relation.NARROWER
    assert told(judgement.lost) == {("B", "ev.a", "EV", "ev.a", 2)}
    again = judged(taker(stream("ev.>", "EV")), "B", [], taken("stream", "ev.a.*", "EV"))
    assert told(again.gained) == {("B", "ev.a.x", "EV", "ev.a.x", 2)}


def test_one_more_responder_is_told_by_name():
    accounts = taker(service("svc.a", "EV"))
    accounts["P"] = {"exports": [service("svc.a")]}
    judgement = judged(accounts, "B", [], taken("service", "svc.a", "P"), **CURRENT_ONLY)
    assert told(judgement.gained) == {("B", "svc.a", "P", "svc.a", 1)}


CHAIN: Accounts = {
    "A": {"exports": [service("svc.>")]},
    "B": {
        "imports": [service("svc.a", "A", local_subject="mid.a"), service("svc.b", "A", local_subject="mid.b")],
        "exports": [service("mid.>")],
    },
    "C": {"imports": [service("mid.>", "B", local_subject="far.>")]},
    "D": {"imports": [service("mid.a", "B")]},
}


def test_what_is_opened_is_opened_to_whoever_asks_through_the_importer():
    judgement = judged(CHAIN, "B", ["svc.a", "svc.b"], taken("service", "svc.*", "A", "mid.$1"))
    assert told(judgement.gained) == {("B", "mid.x", "A", "svc.x", 1), ("C", "far.x", "A", "svc.x", 1)}
    assert judgement.proof.accounts == 3
    assert judgement.disturbs == "drops replies in flight to C, D"


def test_streams_are_followed_no_further_than_one_import():
    accounts: Accounts = {
        "A": {"exports": [stream("ev.>")]},
        "B": {"imports": [stream("ev.a", "A")], "exports": [stream("ev.>")]},
        "C": {"imports": [stream("ev.>", "B")]},
    }
    judgement = judged(accounts, "B", ["ev.a"], taken("stream", "ev.*", "A"))
    assert told(judgement.gained) == {("B", "ev.x", "A", "ev.x", 1)}


def test_mappings_on_the_way_leave_it_undecided_unless_nothing_changes():
    accounts: Accounts = {**CHAIN, "A": {**CHAIN["A"], "mappings": {"svc.*": [{"subject": "m.$1", "weight": 100}]}}}
    judgement = judged(accounts, "B", ["svc.a", "svc.b"], taken("service", "svc.*", "A", "mid.$1"))
    assert (judgement.relation, judgement.safety) == (Relation.UNDECIDED, Safety.ADVICE)
    assert "maps `svc.*`" in judgement.proof.why_incomplete[0]
    again = judged(accounts, "B", ["svc.a"], taken("service", "svc.a", "A", "mid.a"))
    assert again.relation is Relation.SAME


def test_an_import_that_may_close_a_cycle_is_not_decided():
    accounts: Accounts = {
        "A": {"exports": [service("svc.>")], "imports": [service("svc.c", "B")]},
        "B": {"exports": [service("svc.c")], "imports": [service("svc.a", "A"), service("svc.b", "A")]},
    }
    judgement = judged(accounts, "B", ["svc.a", "svc.b"], taken("service", "svc.*", "A"))
    assert (judgement.relation, judgement.safety) == (Relation.UNDECIDED, Safety.ADVICE)
    assert any("cycle" in reason for reason in judgement.proof.why_incomplete)


def test_an_import_elsewhere_that_stops_working_is_no_safe_edit():
    # What B takes from A makes a ring of what A takes from C and C from B, which B's narrow import did not.
    accounts: Accounts = {
        "A": {"exports": [service("s.>")], "imports": [service("s.z", "C")]},
        "B": {"exports": [service("s.>")], "imports": [service("s.a", "A")]},
        "C": {"exports": [service("s.>")], "imports": [service("s.z", "B")]},
    }
    judgement = judged(accounts, "B", ["s.a"], taken("service", "s.>", "A"))
    assert judgement.safety is Safety.ADVICE


def test_a_limit_that_an_edit_breaks_is_said():
    accounts = taker(stream("ev.a", "EV"), limits={**signing.NO_LIMITS, "imports": 1})
    judgement = judged(accounts, "B", [], taken("stream", "ev.b", "EV"))
    assert judgement.safety is Safety.ADVICE
    assert any("2 imports and is allowed 1" in reason for reason in judgement.proof.why_incomplete)


def test_a_token_the_server_refuses_is_never_repaired():
    accounts = taker(stream("ev.a", "EV"), stream("ev.b", "EV"), limits={**signing.NO_LIMITS, "imports": 1})
    judgement = judged(accounts, "B", ["ev.b"])
    assert judgement.safety is Safety.ADVICE


def test_an_exporter_that_is_not_in_the_source_leaves_it_undecided():
    accounts = {"B": {"imports": [stream("u.*", "EV"), stream("u.*.>", "EV")]}}
    judgement = judged(accounts, "B", ["u.*", "u.*.>"], taken("stream", "u.>", "EV"), complete_users=True)
    assert (judgement.relation, judgement.safety) == (Relation.UNDECIDED, Safety.ADVICE)


def activation(subject: str, **more: Any) -> str:
    claims = {
        "iat": signing.ISSUED,
        "iss": key("EV"),
        "sub": key("B"),
        "name": subject,
        "nats": {"subject": subject, "kind": "stream", "type": "activation", "version": 2},
        **more,
    }
    return signing.sign(claims, signing.account("EV"))


def test_a_private_import_is_the_same_only_by_the_same_activation():
    accounts: Accounts = {"EV": {"exports": [stream("p.>", token_req=True)]}}
    token = activation("p.>")
    parts = [stream(subject, "EV", token=token) for subject in ("p.*", "p.*.>")]
    accounts["B"] = {"imports": parts}
    judgement = judged(accounts, "B", ["p.*", "p.*.>"], taken("stream", "p.>", "EV", token=token))
    assert judgement.safety is Safety.SAFE
    shorter = activation("p.>", exp=settings().now + 10**7)
    judgement = judged(accounts, "B", ["p.*", "p.*.>"], taken("stream", "p.>", "EV", token=shorter))
    assert (judgement.relation, judgement.safety) == (Relation.UNDECIDED, Safety.ADVICE)
    assert "in another manner" in judgement.proof.why_incomplete[0]
    without = judged(accounts, "B", ["p.*", "p.*.>"], taken("stream", "p.>", "EV"))
    assert without.safety is not Safety.SAFE


def test_what_is_told_of_who_asks_is_part_of_what_stays():
    accounts = taker(service("svc.a", "EV"))
    judgement = judged(accounts, "B", ["svc.a"], taken("service", "svc.a", "EV", share=True))
    assert (judgement.relation, judgement.safety) == (Relation.UNDECIDED, Safety.ADVICE)


def test_a_token_that_earlier_servers_refuse_is_lost_to_them_only():
    accounts = taker(service("svc.a", "EV"))
    accounts["P"] = {"exports": [service("svc.>")]}
    judgement = judged(accounts, "B", [], taken("service", "svc.>", "P"))
    assert judgement.relation is Relation.CROSSED
    assert [(witness.probe, witness.server) for witness in judgement.lost] == [(Connect(), Server.EARLIER)]
    assert {witness.server for witness in judgement.gained} == {Server.CURRENT}
    assert judged(accounts, "B", [], taken("service", "svc.>", "P"), **CURRENT_ONLY).relation is Relation.WIDER


def test_an_export_of_an_account_that_is_there_is_not_decided():
    hierarchy = made(EVENTS)
    more = EditExports(Target(TargetKind.EXPORT.value, key("EV")), add=(Export(name="n", subject="n", type="stream"),))
    judgement = judge(hierarchy, [more], settings())
    assert (judgement.relation, judgement.safety) == (Relation.UNDECIDED, Safety.ADVICE)


def test_a_protected_space_is_never_opened():
    accounts: Accounts = {"EV": {"exports": [stream(">")]}, "B": {"imports": [stream("a.b", "EV", local_subject="l")]}}
    judgement = judged(accounts, "B", ["a.b"], taken("stream", ">", "EV", "l.>"))
    assert judgement.safety is Safety.ADVICE
    assert judgement.protected
    open_to_all = judged(accounts, "B", ["a.b"], taken("stream", ">", "EV", "l.>"), protected=())
    assert open_to_all.safety is Safety.RISKY


def test_the_name_of_an_import_says_nothing_to_a_server():
    accounts = taker(stream("ev.a", "EV"))
    judgement = judged(accounts, "B", ["ev.a"], taken("stream", "ev.a", "EV").replaced(name="other"))
    assert (judgement.relation, judgement.safety) == (Relation.SAME, Safety.SAFE)


def hub_edits() -> list[Any]:
    export = Export(name="svc.*.*", subject="svc.*.*", type="service", response_type="Singleton")
    mine = [taken("service", f"svc.{name.lower()}.get", name) for name in ("P", "Q")]
    edits: list[Any] = [
        AddAccount(Target(TargetKind.ACCOUNT.value, HUB.public), "hub", OPERATOR.public),
        EditImports(Target(TargetKind.IMPORT.value, HUB.public), add=tuple(mine)),
        EditExports(Target(TargetKind.EXPORT.value, HUB.public), add=(export,)),
    ]
    wide = taken("service", "svc.*.*", "P").replaced(account=HUB.public)
    return [*edits, EditImports(Target(TargetKind.IMPORT.value, key("C")), tuple(mine), (wide,))]


MARKET: Accounts = {
    "P": {"exports": [service("svc.p.get")]},
    "Q": {"exports": [service("svc.q.get")]},
    "C": {"imports": [service("svc.p.get", "P"), service("svc.q.get", "Q")]},
}


def test_a_hub_opens_requests_to_its_own_users_and_weighs_what_nsc_makes_of_it():
    hierarchy = made(MARKET)
    trial = shared_trial(hierarchy, hub_edits(), settings())
    assert trial.outcome.relation is Relation.WIDER
    assert told(trial.outcome.gained) == {
        ("C", "svc.x.y", "hub", "svc.x.y", 1),
        ("hub", "svc.p.get", "P", "svc.p.get", 1),
        ("hub", "svc.q.get", "Q", "svc.q.get", 1),
    }
    connecting = {one.principal for one in trial.outcome.gained if one.probe == Connect()}
    assert connecting == {"any user of hub"}
    assert trial.outcome.lost == ()
    assert trial.outcome.undecided == ()
    assert [change.before for change in trial.tokens] == [0, hierarchy.accounts[key("C")].token.size]
    assert [change.after for change in trial.tokens] == [
        trial.after.hierarchy.accounts[account].token.size for account in (HUB.public, key("C"))
    ]


def test_a_hub_that_answers_once_where_many_replies_came_is_not_decided():
    many = {"exports": [service("svc.p.get", response_type="Stream")]}
    trial = shared_trial(made({**MARKET, "P": many}), hub_edits(), settings())
    assert trial.outcome.relation is Relation.UNDECIDED
    assert "in another manner" in trial.outcome.undecided[0]


def test_a_new_account_is_never_the_same_as_none():
    judgement = judge(made(EVENTS), hub_edits()[:1], settings())
    assert judgement.relation is Relation.WIDER


def test_what_servers_import_by_themselves_is_not_decided():
    accounts: Accounts = {"EV": {"exports": [service("$JS.API.>")]}}
    accounts["B"] = {"imports": [service("$JS.API.*", "EV"), service("$JS.API.*.>", "EV")]}
    judgement = judged(accounts, "B", ["$JS.API.*", "$JS.API.*.>"], taken("service", "$JS.API.>", "EV"))
    assert (judgement.relation, judgement.safety) == (Relation.UNDECIDED, Safety.ADVICE)


def test_a_search_that_may_pass_the_system_account_is_not_decided():
    # nats-server 2.12.15 drops `*.>` here for a cycle: it passes D's imports from the system account and meets D again.
    accounts: Accounts = {
        "D": {"exports": [service("a.*")]},
        "C": {"exports": [service(">")], "imports": [service("a.a", "D", local_subject="l"), service("a.a", "D")]},
        "B": {"imports": [service("*", "C"), service("*.>", "C")]},
    }
    judgement = judged(accounts, "B", ["*", "*.>"], taken("service", ">", "C"))
    assert (judgement.relation, judgement.safety) == (Relation.UNDECIDED, Safety.ADVICE)


def test_an_exporter_whose_token_is_refused_for_its_own_imports_is_known_as_such():
    accounts: Accounts = {
        "B": {"exports": [service("c")]},
        "A": {"exports": [service("*.b")], "imports": [service("c", "B"), service("c", "B")]},
        "C": {"imports": [service("a.b", "A")]},
    }
    judgement = judged(accounts, "C", ["a.b"])
    assert (judgement.relation, judgement.safety) == (Relation.UNDECIDED, Safety.ADVICE)
    assert "does not load the exporter" in judgement.proof.why_incomplete[0]


def test_an_edit_and_its_undoing_are_nothing():
    hierarchy = made(MARKET)
    there = edit("C", remove=["svc.p.get"], add=[], hierarchy=hierarchy)
    back = EditImports(there.target, add=there.remove)
    judgement = judge(hierarchy, [there, back], settings())
    assert (judgement.relation, judgement.safety) == (Relation.SAME, Safety.SAFE)
    assert judge(hierarchy, [there], settings()).relation is Relation.NARROWER


def ring(*mine: dict[str, Any]) -> Accounts:
    """Two accounts that import one service from each other, whichever import is dropped; and one that imports both."""
    return {
        "LEFT": {"exports": [stream("ev.>"), service("ring.>")], "imports": [service("ring.*", "RIGHT")]},
        "RIGHT": {"exports": [service("ring.>"), service("far.>")], "imports": [service("ring.*", "LEFT")]},
        "B": {"imports": list(mine)},
    }


def test_an_edit_that_changes_in_what_order_a_cycle_is_loaded_is_not_decided():
    wide, gone = taken("stream", "ev.>", "LEFT"), ["ev.*", "ev.*.>"]
    first = [stream("ev.*", "LEFT"), stream("ev.*.>", "LEFT"), service("far.a", "RIGHT")]
    same = judged(ring(*first), "B", gone, wide)
    assert (same.relation, same.safety) == (Relation.SAME, Safety.SAFE), "LEFT is loaded first, before and after"
    sorted_before = [stream("ev.*.>", "LEFT"), service("ev.1", "RIGHT"), stream("ev.*", "LEFT")]
    accounts = ring(*sorted_before)
    accounts["RIGHT"]["exports"] = [service("ring.>"), service("ev.>")]
    other = judged(accounts, "B", gone, wide)
    assert (other.relation, other.safety) == (Relation.UNDECIDED, Safety.ADVICE), "`ev.1` sorts before `ev.>`"
    accounts["RIGHT"]["imports"] = []
    apart = judged(accounts, "B", gone, wide)
    assert (apart.relation, apart.safety) == (Relation.SAME, Safety.SAFE), "there is no cycle to be loaded"
