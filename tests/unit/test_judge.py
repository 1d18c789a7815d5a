"""The one judge: whatever an edit is said to be, this is what it is worth."""

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from optimizer.access.side_effects import side_effects
from optimizer.claims.encode import payload_bytes, reencoded, token_size
from optimizer.edits import apply_all
from optimizer.judge import judge, net, safety_of
from optimizer.proposals import Safety
from optimizer.settings import Server
from optimizer.subjects.compare import Connect, Deliver, LeafSubscribe, Publish, Relation
from tests import signing
from tests.builders import (
    CURRENT_ONLY,
    NOW,
    Account,
    Role,
    User,
    defaults_of,
    removing,
    role_of,
    settings,
    store,
    user_of,
)

if TYPE_CHECKING:
    from optimizer.claims.model import UserClaims

DOUBLE = {"allow": ["a.>", "a.b"]}


def judged(hierarchy, *edits, **given):
    return judge(hierarchy, edits, settings(**given))


class TestUsers:
    def test_a_covered_entry_may_go(self):
        acme = store(Account("ACME", users=[User("app", pub=DOUBLE)]))
        judgement = judged(acme, removing(user_of(acme, "ACME/app"), "pub.allow", "a.b"))
        assert (judgement.relation, judgement.safety) == (Relation.SAME, Safety.SAFE)
        assert judgement.proof.complete
        assert judgement.proof.principals == 1
        assert judgement.proof.servers == (Server.CURRENT, Server.EARLIER)
        assert (judgement.reach, judgement.disturbs, judgement.undo) == ("on reissue", "nothing", "exact")

    def test_the_bytes_are_those_of_the_token_nsc_writes(self):
        acme = store(Account("ACME", users=[User("app", pub=DOUBLE)]))
        lean = store(Account("ACME", users=[User("app", pub={"allow": ["a.>"]})]))
        change = judged(acme, removing(user_of(acme, "ACME/app"), "pub.allow", "a.b")).tokens[0]
        assert change.before == next(iter(acme.users.values())).token.size
        assert change.after == next(iter(lean.users.values())).token.size

    def test_a_needed_entry_is_missed_with_a_witness(self):
        acme = store(Account("ACME", users=[User("app", pub={"allow": ["a", "b"]})]))
        judgement = judged(acme, removing(user_of(acme, "ACME/app"), "pub.allow", "b"))
        assert (judgement.relation, judgement.safety) == (Relation.NARROWER, Safety.RISKY)
        assert judgement.lost[0].probe == Publish("b")
        assert judgement.lost[0].principal == "ACME/app"

    def test_the_last_allow_entry_opens_everything(self):
        acme = store(Account("ACME", users=[User("app", pub={"allow": ["a"], "deny": ["a"]})]))
        edit = removing(user_of(acme, "ACME/app"), "pub.allow", "a")
        judgement = judged(acme, edit, protected=())
        assert (judgement.relation, judgement.safety) == (Relation.WIDER, Safety.RISKY)
        # Everything is more than a person may accept: protected spaces are among it.
        judgement = judged(acme, edit)
        assert (judgement.relation, judgement.safety) == (Relation.WIDER, Safety.ADVICE)
        assert {witness.probe for witness in judgement.protected} == {Publish("$O.x")}

    def test_the_last_permission_lets_the_defaults_take_over(self):
        # The deny denies nothing that matters; without it the user has no permission, and the account's defaults hold.
        user = User("app", sub={"deny": ["zzz"]})
        plain = store(Account("ACME", users=[user]))
        ruled = store(Account("ACME", users=[user], defaults={"pub": {"allow": ["only.this"]}}))
        edit = ("sub.deny", "zzz")
        assert judged(plain, removing(user_of(plain, "ACME/app"), *edit)).relation is Relation.WIDER
        judgement = judged(ruled, removing(user_of(ruled, "ACME/app"), *edit))
        assert judgement.relation is Relation.CROSSED
        assert judgement.safety is Safety.RISKY

    def test_a_covered_subscribe_deny_is_missed_by_earlier_servers_only(self):
        acme = store(Account("ACME", users=[User("app", sub={"allow": ["*.a"], "deny": ["x.a", "x.*"]})]))
        edit = removing(user_of(acme, "ACME/app"), "sub.deny", "x.a")
        assert judged(acme, edit, **CURRENT_ONLY).safety is Safety.SAFE
        both = judged(acme, edit)
        assert (both.relation, both.safety) == (Relation.WIDER, Safety.RISKY)
        assert {witness.server for witness in both.gained} == {Server.EARLIER}
        assert isinstance(both.gained[0].probe, Deliver)

    @pytest.mark.parametrize(
        ("types", "safety", "connections"),
        [
            ([], Safety.SAFE, ("client",)),
            (["STANDARD"], Safety.SAFE, ("client", "leafnode")),
            (["leafnode"], Safety.RISKY, ("client",)),
            (["STANDARD", "LEAFNODE_WS"], Safety.RISKY, ("client",)),
        ],
    )
    def test_a_token_that_names_a_leafnode_is_judged_as_one(self, types, safety, connections):
        nats = {"allowed_connection_types": types} if types else {}
        acme = store(Account("ACME", users=[User("app", sub={"allow": ["a.b.c", "a.b.*"]}, nats=nats)]))
        judgement = judged(acme, removing(user_of(acme, "ACME/app"), "sub.allow", "a.b.c"))
        assert (judgement.safety, judgement.proof.connections) == (safety, connections)
        if safety is Safety.RISKY:
            assert isinstance(judgement.lost[0].probe, LeafSubscribe)

    def test_an_explicit_empty_list_makes_every_edit_of_its_token_more_than_it_says(self):
        acme = store(Account("ACME", users=[User("app", pub={"allow": [], "deny": ["x"]}, sub=DOUBLE)]))
        judgement = judged(acme, removing(user_of(acme, "ACME/app"), "sub.allow", "a.b"))
        assert judgement.relation is Relation.WIDER
        assert judgement.safety is Safety.ADVICE

    def test_a_harmless_explicit_empty_list_is_never_safe_either(self):
        acme = store(Account("ACME", users=[User("app", pub=DOUBLE, sub={"allow": []})]))
        judgement = judged(acme, removing(user_of(acme, "ACME/app"), "pub.allow", "a.b"))
        assert (judgement.relation, judgement.safety) == (Relation.SAME, Safety.ADVICE)

    @pytest.mark.parametrize("who", ["own", "*"])
    def test_the_token_of_a_revoked_user_is_left_alone(self, who):
        user = User("app", pub=DOUBLE)
        plain = store(Account("ACME", users=[user]))
        key = user_of(plain, "ACME/app").user if who == "own" else "*"
        acme = store(Account("ACME", users=[user], nats={"revocations": {key: NOW - 5}}))
        judgement = judged(acme, removing(user_of(acme, "ACME/app"), "pub.allow", "a.b"))
        assert judgement.safety is Safety.ADVICE
        assert Connect() in [witness.probe for witness in judgement.gained]

    @pytest.mark.parametrize(
        ("until", "safety"), [(NOW - 1, Safety.SAFE), (NOW, Safety.RISKY), (NOW + 9, Safety.RISKY)]
    )
    def test_a_revocation_that_reaches_into_the_future_would_meet_the_new_token(self, until, safety):
        user = User("app", pub=DOUBLE, head={"iat": NOW + 10})
        acme = store(Account("ACME", users=[user], nats={"revocations": {"*": until}}))
        judgement = judged(acme, removing(user_of(acme, "ACME/app"), "pub.allow", "a.b"))
        assert judgement.safety is safety
        assert [witness.probe for witness in judgement.lost] == [Connect()] * (safety is Safety.RISKY)

    def test_a_token_the_server_refuses_is_never_repaired(self):
        acme = store(Account("ACME", users=[User("app", pub={"allow": ["a..b", "a"]})]))
        judgement = judged(acme, removing(user_of(acme, "ACME/app"), "pub.allow", "a..b"))
        assert judgement.relation is Relation.WIDER
        assert judgement.safety is Safety.ADVICE
        assert judgement.gained[0].probe == Connect()

    def test_a_duplicate_in_a_token_the_server_refuses_is_advice(self):
        acme = store(Account("ACME", users=[User("app", pub={"allow": ["a..b", "a", "a"]})]))
        assert judged(acme, removing(user_of(acme, "ACME/app"), "pub.allow", "a")).safety is Safety.ADVICE

    @pytest.mark.parametrize(
        "head", [{"exp": NOW - 1}, {"nbf": NOW + 1000}, {"nats": {"pub": DOUBLE, "type": "user", "version": 2}}]
    )
    def test_a_token_that_is_not_in_order_gets_advice_only(self, head):
        acme = store(Account("ACME", users=[User("app", pub=DOUBLE, head=head)]))
        target = user_of(acme, "ACME/app")
        if "nats" in head:  # the same claims, signed by a stranger
            key = next(iter(acme.users))
            user = acme.users[key]
            acme = acme.with_user(replace(user, issues=(_issue(),)))
        assert judged(acme, removing(target, "pub.allow", "a.b")).safety is Safety.ADVICE

    def test_members_nsc_does_not_know_are_not_dropped_in_silence(self):
        acme = store(Account("ACME", users=[User("app", pub=DOUBLE, nats={"newer": {"x": 1}})]))
        judgement = judged(acme, removing(user_of(acme, "ACME/app"), "pub.allow", "a.b"))
        assert judgement.safety is Safety.ADVICE
        assert any("unknown members" in reason for reason in judgement.proof.why_incomplete)

    def test_lists_in_no_order_are_sorted_by_nsc_and_mean_the_same(self):
        acme = store(
            Account("ACME", users=[User("app", pub={"allow": ["b", "a.>", "a.b"]}, sub={"allow": ["z", "y"]})])
        )
        assert judged(acme, removing(user_of(acme, "ACME/app"), "pub.allow", "a.b")).safety is Safety.SAFE

    def test_a_comparison_out_of_effort_is_advice(self):
        acme = store(Account("ACME", users=[User("app", pub={"allow": ["a.*.c", "*.b.c", "a.b.*", "a.b.c"]})]))
        judgement = judged(acme, removing(user_of(acme, "ACME/app"), "pub.allow", "a.b.c"), effort=1)
        assert judgement.relation is Relation.UNDECIDED
        assert judgement.safety is Safety.ADVICE

    def test_an_entry_that_is_not_there_is_an_error(self):
        acme = store(Account("ACME", users=[User("app", pub=DOUBLE)]))
        with pytest.raises(KeyError):
            judged(acme, removing(user_of(acme, "ACME/app"), "pub.allow", "nothing.here"))

    def test_a_user_of_an_unknown_signing_key_is_advice(self):
        acme = store(Account("ACME", roles=[Role("gone")], users=[User("app", role="gone")]))
        account = next(iter(acme.accounts.values()))
        acme = acme.with_account(replace(account, claims=replace(account.claims, signing_keys=())))
        user = next(iter(acme.users.values()))
        lists = user.claims.permissions.pub.replaced(allow=("a.>", "a.b"))
        claims: UserClaims = replace(user.claims, permissions=user.claims.permissions.replaced(pub=lists))
        acme = acme.with_user(replace(user, claims=claims))
        assert judged(acme, removing(user_of(acme, "ACME/app"), "pub.allow", "a.b")).safety is Safety.ADVICE


class TestDefaults:
    def test_defaults_touch_every_user_without_permissions_seen_or_not(self):
        acme = store(Account("ACME", defaults={"pub": DOUBLE}))
        judgement = judged(acme, removing(defaults_of(acme, "ACME"), "pub.allow", "a.b"))
        assert (judgement.safety, judgement.reach) == (Safety.SAFE, "on push")
        assert judgement.undo == "needs the seed"
        assert judgement.disturbs == "nothing"

    def test_a_push_of_defaults_forgets_the_replies_under_way(self):
        acme = store(Account("ACME", defaults={"pub": DOUBLE, "resp": {"max": 1, "ttl": 0}}))
        judgement = judged(acme, removing(defaults_of(acme, "ACME"), "pub.allow", "a.b"))
        assert judgement.safety is Safety.SAFE
        assert judgement.disturbs == "drops replies in flight of users under the account's defaults"

    def test_emptied_defaults_open_everything(self):
        acme = store(Account("ACME", defaults={"pub": {"allow": ["a"]}}))
        judgement = judged(acme, removing(defaults_of(acme, "ACME"), "pub.allow", "a"), protected=())
        assert (judgement.relation, judgement.safety) == (Relation.WIDER, Safety.RISKY)

    def test_malformed_defaults_lock_the_account_and_are_not_repaired(self):
        acme = store(Account("ACME", defaults={"pub": {"allow": ["a..b", "a"]}}, roles=[Role("r", {"pub": DOUBLE})]))
        assert judged(acme, removing(defaults_of(acme, "ACME"), "pub.allow", "a..b")).safety is Safety.ADVICE
        assert judged(acme, removing(role_of(acme, "ACME/r"), "pub.allow", "a.b")).safety is Safety.ADVICE

    def test_a_known_leafnode_under_the_defaults_is_judged_as_one(self):
        leaf = User("leaf", nats={"allowed_connection_types": ["LEAFNODE"]})
        acme = store(Account("ACME", users=[leaf], defaults={"sub": {"allow": ["a.b.c", "a.b.*"]}}))
        judgement = judged(acme, removing(defaults_of(acme, "ACME"), "sub.allow", "a.b.c"))
        assert judgement.safety is Safety.RISKY

    def test_a_push_of_an_exporter_names_whose_replies_are_lost(self):
        acme = Account(
            "ACME", defaults={"pub": DOUBLE}, nats={"exports": [{"name": "q", "subject": "q", "type": "service"}]}
        )
        other = Account(
            "OTHER",
            nats={"imports": [{"name": "q", "subject": "q", "account": acme.key.public, "type": "service"}]},
        )
        both = store(acme, other)
        judgement = judged(both, removing(defaults_of(both, "ACME"), "pub.allow", "a.b"))
        assert judgement.disturbs == "drops replies in flight to OTHER"


class TestRoles:
    def test_a_role_without_templates_speaks_for_users_nobody_has_seen(self):
        acme = store(Account("ACME", roles=[Role("r", {"pub": DOUBLE})], users=[User("ann", role="r")]))
        judgement = judged(acme, removing(role_of(acme, "ACME/r"), "pub.allow", "a.b"))
        assert judgement.safety is Safety.SAFE
        assert judgement.disturbs == "reconnects 1 known user of role r"

    def test_plain_entries_beside_a_template_are_compared_on_their_own(self):
        lists = {"sub": {"allow": ["a.>", "a.b", "inbox.{{name()}}.>"]}}
        acme = store(Account("ACME", roles=[Role("r", lists)]))
        assert judged(acme, removing(role_of(acme, "ACME/r"), "sub.allow", "a.b")).safety is Safety.SAFE

    def test_dropping_the_only_plain_entry_is_not_dropping_nothing(self):
        lists = {"sub": {"allow": [">", "inbox.{{name()}}.>"]}}
        acme = store(Account("ACME", roles=[Role("r", lists)]))
        assert judged(acme, removing(role_of(acme, "ACME/r"), "sub.allow", ">")).safety is Safety.ADVICE

    def test_a_template_is_covered_by_a_literal_prefix_only(self):
        lists = {"pub": {"allow": ["jobs.*", "jobs.{{name()}}"]}}
        acme = store(Account("ACME", roles=[Role("r", lists)], users=[User("ann", role="r")]))
        edit = removing(role_of(acme, "ACME/r"), "pub.allow", "jobs.{{name()}}")
        unknown = judged(acme, edit)
        assert (unknown.relation, unknown.safety) == (Relation.SAME, Safety.ADVICE)
        assert not unknown.proof.complete
        stated = judged(acme, edit, complete_users=True)
        assert stated.safety is Safety.GUARDED
        assert "that all users are known is a person's word" in stated.proof.why_incomplete

    def test_a_known_user_may_be_the_witness_against_a_template(self):
        lists = {"pub": {"allow": ["jobs.*", "jobs.{{name()}}"]}}
        acme = store(Account("ACME", roles=[Role("r", lists)], users=[User("ann.x", role="r")]))
        edit = removing(role_of(acme, "ACME/r"), "pub.allow", "jobs.{{name()}}")
        judgement = judged(acme, edit, complete_users=True, **CURRENT_ONLY)
        assert (judgement.relation, judgement.safety) == (Relation.NARROWER, Safety.RISKY)
        assert (judgement.lost[0].principal, judgement.lost[0].probe) == ("ACME/ann.x", Publish("jobs.ann.x"))

    def test_a_deny_template_never_goes(self):
        lists = {"pub": {"deny": ["jobs.>", "jobs.{{name()}}.>"]}}
        acme = store(Account("ACME", roles=[Role("r", lists)]))
        edit = removing(role_of(acme, "ACME/r"), "pub.deny", "jobs.{{name()}}.>")
        assert judged(acme, edit).safety is Safety.ADVICE

    def test_beside_tags_the_proof_needs_the_users(self):
        lists = {"pub": {"allow": ["a.>", "a.b", "{{tag(team)}}.>"]}}
        acme = store(Account("ACME", roles=[Role("r", lists)]))
        assert judged(acme, removing(role_of(acme, "ACME/r"), "pub.allow", "a.b")).safety is Safety.ADVICE

    def test_another_list_than_the_one_with_tags_is_provable(self):
        lists = {"pub": {"allow": ["{{tag(team)}}.>"]}, "sub": DOUBLE}
        acme = store(Account("ACME", roles=[Role("r", lists)]))
        assert judged(acme, removing(role_of(acme, "ACME/r"), "sub.allow", "a.b")).safety is Safety.SAFE

    def test_dropping_the_last_template_wakes_its_queue_entries(self):
        lists = {"sub": {"allow": ["a.>", "a.{{name()}}", "b workers"]}}
        acme = store(Account("ACME", roles=[Role("r", lists)]))
        edit = removing(role_of(acme, "ACME/r"), "sub.allow", "a.{{name()}}")
        assert judged(acme, edit).safety is Safety.ADVICE

    def test_an_ignored_entry_beside_a_deny_template_refuses_everybody_and_stays(self):
        lists = {"pub": {"deny": ["a.>.c", "b", "x.{{name()}}"]}}
        acme = store(Account("ACME", roles=[Role("r", lists)]))
        assert judged(acme, removing(role_of(acme, "ACME/r"), "pub.deny", "a.>.c")).safety is Safety.ADVICE

    def test_a_leafnode_role_keeps_the_template_a_leafnode_may_see(self):
        lists = {"sub": {"allow": ["a.>", "a.{{name()}}.c"]}, "allowed_connection_types": ["LEAFNODE"]}
        acme = store(Account("ACME", roles=[Role("r", lists)]))
        assert judged(acme, removing(role_of(acme, "ACME/r"), "sub.allow", "a.{{name()}}.c")).safety is Safety.ADVICE

    def test_the_re_encode_of_an_account_reaches_every_block_in_it(self):
        # An explicit empty list in the defaults: dropped when the role is edited, which opens the defaults.
        defaults = {"pub": {"allow": [], "deny": ["x"]}}
        acme = store(Account("ACME", defaults=defaults, roles=[Role("r", {"pub": DOUBLE})]))
        judgement = judged(acme, removing(role_of(acme, "ACME/r"), "pub.allow", "a.b"))
        assert judgement.relation is Relation.WIDER
        assert judgement.safety is Safety.ADVICE

    def test_a_limit_of_zero_in_a_template_is_lost_in_a_re_encode(self):
        acme = store(Account("ACME", roles=[Role("r", {"pub": DOUBLE, "subs": 0})]))
        judgement = judged(acme, removing(role_of(acme, "ACME/r"), "pub.allow", "a.b"))
        assert judgement.safety is Safety.ADVICE
        assert "nsc would also change signing_keys" in judgement.proof.why_incomplete


class TestBytes:
    def test_an_account_is_weighed_by_its_edited_blocks_and_to_the_byte(self):
        roles = [Role("r", {"pub": DOUBLE, "src": ["10.0.0.0/8"]}), Role("s", {"sub": {"allow": ["z", "y"]}})]
        account = Account("ACME", defaults={"pub": {"allow": ["b", "a.>", "a.b"]}}, roles=roles)
        acme = store(account)
        edits = [
            removing(role_of(acme, "ACME/r"), "pub.allow", "a.b"),
            removing(defaults_of(acme, "ACME"), "pub.allow", "a.b", add=["c.>"]),
        ]
        after = apply_all(edits, acme).accounts[edits[0].target.account].claims
        change = judged(acme, *edits).tokens[0]
        assert change.after == token_size(len(payload_bytes(reencoded(after))))

    @pytest.mark.parametrize(("subjects", "changed"), [(("b", "a"), ()), (("a", "a"), ("imports",))])
    def test_a_new_order_of_imports_counts_where_two_name_one_subject(self, subjects, changed):
        other = signing.account("OTHER").public
        imports = [
            {"name": str(n), "subject": subject, "account": other, "local_subject": f"l{n}", "type": "stream"}
            for n, subject in enumerate(subjects)
        ]
        account = next(iter(store(Account("ACME", nats={"imports": imports})).accounts.values())).claims
        assert side_effects(account, replace(account, imports=account.imports[::-1])) == changed


class TestTogether:
    def test_edits_are_judged_as_one_change(self):
        acme = store(Account("ACME", users=[User("app", pub={"allow": ["a.*", "a.*.>"]})]))
        target = user_of(acme, "ACME/app")
        edits = [removing(target, "pub.allow", "a.*"), removing(target, "pub.allow", "a.*.>", add=["a.>"])]
        assert judged(acme, edits[0]).safety is Safety.RISKY
        assert judged(acme, *edits).safety is Safety.SAFE

    def test_tokens_of_several_accounts_are_weighed_one_by_one(self):
        both = store(Account("A", users=[User("x", pub=DOUBLE)]), Account("B", defaults={"pub": DOUBLE}))
        edits = [
            removing(user_of(both, "A/x"), "pub.allow", "a.b"),
            removing(defaults_of(both, "B"), "pub.allow", "a.b"),
        ]
        judgement = judged(both, *edits)
        assert judgement.safety is Safety.SAFE
        assert judgement.reach == "on push and on reissue"
        assert judgement.saving.bytes == sum(judged(both, edit).saving.bytes for edit in edits)

    def test_one_bad_edit_spoils_the_whole(self):
        acme = store(Account("ACME", users=[User("x", pub=DOUBLE), User("y", pub={"allow": ["a", "b"]})]))
        judgement = judged(
            acme,
            removing(user_of(acme, "ACME/x"), "pub.allow", "a.b"),
            removing(user_of(acme, "ACME/y"), "pub.allow", "b"),
        )
        assert judgement.safety is Safety.RISKY

    def test_net_edits_forget_what_comes_and_goes(self):
        acme = store(Account("ACME", users=[User("app", pub=DOUBLE)]))
        target = user_of(acme, "ACME/app")
        first = removing(target, "pub.allow", "a.b", add=["c"])
        assert net([first, removing(target, "pub.allow", "c", add=["a.b"])]) == (removing(target, "pub.allow"),)


@pytest.mark.parametrize(
    ("relation", "complete", "stated", "possible", "safety"),
    [
        (Relation.SAME, True, False, True, Safety.SAFE),
        (Relation.SAME, True, True, True, Safety.GUARDED),
        (Relation.SAME, False, False, True, Safety.ADVICE),
        (Relation.SAME, True, False, False, Safety.ADVICE),
        (Relation.NARROWER, True, False, True, Safety.RISKY),
        (Relation.WIDER, True, False, True, Safety.RISKY),
        (Relation.CROSSED, True, True, True, Safety.RISKY),
        (Relation.WIDER, False, False, True, Safety.ADVICE),
        (Relation.UNDECIDED, True, False, True, Safety.ADVICE),
    ],
)
def test_safety_follows_the_table(relation, complete, stated, possible, safety):
    assert safety_of(relation, complete=complete, stated=stated, possible=possible) is safety


def _issue():
    from optimizer.claims.verify import Issue  # noqa: PLC0415

    return Issue("bad-signature", "the signature is not by the issuer that the token names")
