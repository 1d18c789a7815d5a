"""Who is refused before and after an edit of revocations, over every key and every time of issue."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from optimizer.access.revocations_compared import windows
from optimizer.edits import (
    EVERYBODY,
    ActivationRevocation,
    EditActivationRevocations,
    EditRevocations,
    Revocation,
    Target,
    apply,
    revocations_of,
)
from optimizer.examine import examine
from optimizer.judge import judge
from optimizer.proposals import Safety
from optimizer.subjects.probes import AcrossImport, Relation
from tests import signing
from tests.builders import NOW, Account, User, settings, store

ANN, BOB, EVE = (signing.user(f"ACME {name}").public for name in ("ann", "bob", "eve"))
KEYS = (EVERYBODY, "UA", "UB", "UC")
TIMES = (-1, 0, 1, 2, 3)

lists = st.dictionaries(st.sampled_from(KEYS), st.sampled_from(TIMES))


def refuses(times, key, issued):
    """Server: ``isRevoked``, line by line."""
    if not times:
        return False
    if EVERYBODY not in times or times[EVERYBODY] < issued:
        return key in times and times[key] >= issued
    return True


@given(lists, lists)
def test_every_token_is_in_just_the_window_that_tells_before_from_after(before, after):
    gained, lost = windows(before, after)
    own = {*before, *after} - {EVERYBODY}
    for key in ("UA", "UB", "UC", "UNKNOWN"):
        named = key if key in own else None
        for issued in range(-3, 5):
            then, now = refuses(before, key, issued), refuses(after, key, issued)
            assert any(each.key == named and each.holds(issued) for each in gained) == (then and not now)
            assert any(each.key == named and each.holds(issued) for each in lost) == (now and not then)
    if before == after:
        assert (gained, lost) == ((), ())


def acme(revocations, *users, **nats):
    return store(Account("ACME", users=users, nats={"revocations": revocations, **nats}))


def target(hierarchy, kind="revocation"):
    (account,) = hierarchy.accounts
    return Target(kind, account)


def judged(hierarchy, remove=(), add=(), **stated):
    edit = EditRevocations(target(hierarchy), tuple(remove), tuple(add))
    return judge(hierarchy, [edit], settings(**stated))


def names(witnesses):
    return list(dict.fromkeys(witness.principal for witness in witnesses))


def test_a_covered_revocation_goes_unnoticed():
    result = judged(acme({EVERYBODY: 60, ANN: 60}), [Revocation(ANN, 60)])
    assert (result.relation, result.safety, result.gained, result.lost) == (Relation.SAME, Safety.SAFE, (), ())
    assert result.proof.complete
    assert result.saving.bytes in (82, 83)


def test_one_second_later_it_is_noticed_and_the_user_is_named():
    hierarchy = acme({EVERYBODY: 60, ANN: 61}, User("ann", head={"iat": 61}))
    result = judged(hierarchy, [Revocation(ANN, 61)])
    assert (result.relation, result.safety) == (Relation.WIDER, Safety.RISKY)
    assert names(result.gained) == ["ACME/ann"]


def test_a_key_that_nobody_knows_is_told_by_itself():
    result = judged(acme({ANN: 61}), [Revocation(ANN, 61)])
    assert names(result.gained) == [f"whoever has a token of {ANN} issued up to 61"]


def test_a_known_token_that_has_expired_does_not_stand_for_those_that_have_not():
    result = judged(acme({ANN: 61}, User("ann", head={"iat": 50, "exp": 70})), [Revocation(ANN, 61)])
    assert (result.relation, result.safety) == (Relation.WIDER, Safety.RISKY)
    assert names(result.gained) == [f"whoever has a token of {ANN} issued up to 61"]


def test_a_blanket_names_every_known_user_it_refuses_and_those_that_are_not_known():
    users = [User("ann", head={"iat": 50}), User("bob", head={"iat": 51}), User("eve", head={"iat": 40})]
    result = judged(acme({EVE: 45}, *users), add=[Revocation(EVERYBODY, 50)])
    assert (result.relation, result.safety) == (Relation.NARROWER, Safety.RISKY)
    assert names(result.lost) == [
        "whoever has a token of ACME issued up to 50",
        "ACME/ann",
        f"whoever has a token of {EVE} issued after 45 and up to 50",
    ]


def test_a_time_that_moves_is_noticed_either_way():
    hierarchy = acme({ANN: 50, BOB: 50})
    later = judged(hierarchy, add=[Revocation(ANN, 60)])
    assert (later.relation, names(later.lost)) == (
        Relation.NARROWER,
        [f"whoever has a token of {ANN} issued after 50 and up to 60"],
    )
    crossed = judged(hierarchy, [Revocation(BOB, 50)], [Revocation(ANN, 60)])
    assert crossed.relation is Relation.CROSSED


def test_a_time_in_the_future_refuses_fresh_tokens_as_well():
    users = (User("ann", head={"iat": NOW}),)
    result = judged(acme({}, *users), add=[Revocation(EVERYBODY, 2**53 + 1)])
    assert "ACME/ann" in names(result.lost)
    gone = judged(acme({EVERYBODY: 2**53 + 1}, *users), [Revocation(EVERYBODY, 2**53 + 1)])
    assert gone.relation is Relation.WIDER
    assert "ACME/ann" in names(gone.gained)


def test_a_word_about_lifetimes_is_taken_only_when_all_that_was_issued_is_over_and_never_makes_safe():
    hierarchy, gone = acme({ANN: NOW - 1001}), [Revocation(ANN, NOW - 1001)]
    assert judged(hierarchy, gone, max_user_ttl=1000).safety is Safety.GUARDED
    assert judged(hierarchy, gone, max_user_ttl=1001).safety is Safety.RISKY
    assert judged(hierarchy, gone).safety is Safety.RISKY
    believed = judged(hierarchy, gone, max_user_ttl=1000)
    assert believed.relation is Relation.SAME
    assert believed.proof.why_incomplete == (
        "that no user token is valid for more than 1,000 seconds is a person's word",
    )


def test_a_word_that_a_token_of_the_store_contradicts_is_not_taken():
    gone = [Revocation(ANN, NOW - 1001)]
    for head in ({}, {"iat": 5, "exp": 1006}):
        hierarchy = acme({ANN: NOW - 1001}, User("eve", head=head))
        assert judged(hierarchy, gone, max_user_ttl=1000).safety is Safety.RISKY
    kept = acme({ANN: NOW - 1001}, User("eve", head={"iat": 5, "exp": 1005}))
    assert judged(kept, gone, max_user_ttl=1000).safety is Safety.GUARDED


def test_that_all_users_are_known_frees_nothing_and_that_all_tokens_are_frees_those_that_are_over():
    expired = acme({ANN: 60}, User("ann", head={"iat": 50, "exp": 70}))
    gone = [Revocation(ANN, 60)]
    assert judged(expired, gone, complete_users=True).safety is Safety.RISKY
    assert judged(expired, gone, complete_tokens=True).safety is Safety.GUARDED
    alive = acme({ANN: 60}, User("ann", head={"iat": 50}))
    assert judged(alive, gone, complete_tokens=True).safety is Safety.RISKY
    unknown = acme({ANN: 60}, User("bob", head={"iat": 50, "exp": 70}))
    assert judged(unknown, gone, complete_tokens=True).safety is Safety.RISKY


def test_the_word_about_tokens_says_nothing_where_the_source_can_hold_none():
    hierarchy = replace(acme({ANN: 60}, User("ann", head={"iat": 50, "exp": 70})), has_users=False)
    assert judged(hierarchy, [Revocation(ANN, 60)], complete_tokens=True).safety is Safety.RISKY


def test_the_blanket_itself_is_not_freed_by_known_tokens():
    hierarchy = acme({EVERYBODY: 60}, User("ann", head={"iat": 50, "exp": 70}))
    gone = [Revocation(EVERYBODY, 60)]
    assert judged(hierarchy, gone, complete_tokens=True).safety is Safety.RISKY
    assert judged(hierarchy, gone, max_user_ttl=1000).safety is Safety.GUARDED


def export(*, private, revocations):
    needed = {"token_req": True} if private else {}
    return {"name": "s", "subject": "s.*", "type": "stream", "revocations": revocations, **needed}


def test_a_revoked_activation_counts_where_one_is_needed_and_nowhere_else():
    other = signing.account("other").public
    for private, relation in ((True, Relation.WIDER), (False, Relation.SAME)):
        hierarchy = acme({}, exports=[export(private=private, revocations={other: 60})])
        edit = EditActivationRevocations(
            target(hierarchy, "activation"), (ActivationRevocation("stream", "s.*", other, 60),)
        )
        result = judge(hierarchy, [edit], settings())
        assert result.relation is relation
        assert result.safety is (Safety.RISKY if private else Safety.GUARDED), "it may ask for activations again"
        probes = [witness.probe for witness in result.gained]
        assert all(isinstance(probe, AcrossImport) and probe.importer == other for probe in probes)
        assert bool(probes) == private


def test_users_that_are_refused_for_another_reason_are_not_named():
    hierarchy = acme({}, User("ann", head={"iat": 50, "exp": 60}))
    assert names(judged(hierarchy, add=[Revocation(EVERYBODY, 55)]).lost) == [
        "whoever has a token of ACME issued up to 55"
    ]


def test_a_hundred_thousand_revocations_are_answered_and_left_alone_for_no_server_reads_such_a_token():
    times = {f"U{number:055d}": number for number in range(100_000)}
    hierarchy = acme({**times, EVERYBODY: 99_000})
    plan = examine(hierarchy, settings())
    (covered,) = [each for each in plan.proposals if each.finding.rule == "covered-revocation"]
    assert len(covered.edits[0].remove) == 99_001
    assert covered.judgement.safety is Safety.ADVICE


def test_revocations_that_are_edited_are_those_that_are_there():
    hierarchy = acme({ANN: 50, BOB: 60})
    after = apply(EditRevocations(target(hierarchy), (Revocation(ANN, 50),), (Revocation(BOB, 55),)), hierarchy)
    (signed,) = after.accounts.values()
    assert revocations_of(signed.claims) == (Revocation(BOB, 60),), "an earlier time is passed over"
