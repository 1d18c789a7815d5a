"""Proposals as nsc commands, and the states between them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from optimizer.edits import ListName, TargetKind
from optimizer.edits.obstacles.entries import removals
from optimizer.errors import UsageError
from optimizer.nsc.commands.entries import COMMAND_LIMIT
from optimizer.nsc.step import steps_for
from tests.builders import Account, Role, User, defaults_of, removing, role_of, store, user_of
from tests.oracle.nsc_tool import proposal

COUNTS = st.tuples(*[st.integers(0, 3)] * 4)


def acme(**user):
    return store(
        Account(
            "ACME",
            users=[User("app", **user)],
            roles=[Role("svc", {"pub": {"allow": ["a.>", "a.b"]}})],
            defaults={"sub": {"allow": ["d.>", "d.x"]}},
        )
    )


def entries(step):
    return [text for text in step.argv if text.startswith(("--rm=", "--allow-", "--deny-"))]


def test_an_entry_that_another_list_holds_is_put_back_by_a_second_command():
    read = acme(pub={"allow": ["a", "b"]}, sub={"allow": ["a"]})
    (token,) = steps_for(read, [proposal("p", removing(user_of(read, "ACME/app"), "pub.allow", "a"))])
    assert [entries(step) for step in token.steps] == [["--rm=a"], ["--allow-sub=a"]]
    assert [state.claims.permissions.sub.allow for state in token.states] == [("a",), None, ("a",)]
    assert token.after.claims.permissions.pub.allow == ("b",)


def test_what_is_new_comes_with_the_removal_and_before_it():
    read = acme(pub={"allow": ["a.b", "a.c"]})
    edit = removing(user_of(read, "ACME/app"), "pub.allow", "a.b", "a.c", add=["a.*"])
    (token,) = steps_for(read, [proposal("p", edit)])
    assert [entries(step) for step in token.steps] == [["--allow-pub=a.*", "--rm=a.b", "--rm=a.c"]]


def test_proposals_on_one_token_make_one_chain_of_states_and_each_step_names_its_proposal():
    read = acme(pub={"allow": ["a", "b", "c"]})
    app = user_of(read, "ACME/app")
    (token,) = steps_for(read, [proposal(name, removing(app, "pub.allow", name)) for name in "ab"])
    assert [step.proposals for step in token.steps] == [("a",), ("b",)]
    assert [step.before for step in token.steps] == [state.fingerprint for state in token.states[:-1]]
    assert [step.after for step in token.steps] == [state.fingerprint for state in token.states[1:]]


def test_roles_and_defaults_of_an_account_share_its_token():
    read = acme()
    role, defaults = role_of(read, "ACME/svc"), defaults_of(read, "ACME")
    (token,) = steps_for(
        read,
        [
            proposal("p", removing(role, "pub.allow", "a.b")),
            proposal("q", removing(defaults, "sub.allow", "d.x")),
        ],
    )
    assert token.user is None
    assert [step.argv[1] for step in token.steps] == ["signing-key", "account"]
    assert "--js-disable" in token.steps[1].argv
    assert role.kind is TargetKind.SCOPE


def test_a_state_that_comes_again_is_a_detour_that_is_left_out():
    # P takes `x` from pub and puts it back into sub; Q takes it from sub. Between them nothing has an x, twice.
    read = acme(pub={"allow": ["x", "y"]}, sub={"allow": ["x"]})
    app = user_of(read, "ACME/app")
    (token,) = steps_for(
        read, [proposal("p", removing(app, "pub.allow", "x")), proposal("q", removing(app, "sub.allow", "x"))]
    )
    assert [(entries(step), step.proposals) for step in token.steps] == [(["--rm=x"], ("p", "q"))]
    assert token.after.claims.permissions.sub.allow is None


def test_proposals_that_undo_each_other_need_no_step():
    read = acme(pub={"allow": ["x", "y"]})
    app = user_of(read, "ACME/app")
    there, back = removing(app, "pub.allow", "x"), removing(app, "pub.allow", add=["x"])
    assert steps_for(read, [proposal("p", there), proposal("q", back)]) == ()


def test_duplicates_that_only_go_together_are_taken_together():
    read = acme(pub={"allow": ["x", "x"]}, sub={"allow": ["x", "x"]})
    app = user_of(read, "ACME/app")
    one, other = removing(app, "pub.allow", "x"), removing(app, "sub.allow", "x")
    (token,) = steps_for(read, [proposal("p", one), proposal("q", other)])
    assert [(entries(step), step.proposals) for step in token.steps] == [(["--rm=x"], ("p", "q"))]
    with pytest.raises(UsageError, match="alone"):
        steps_for(read, [proposal("p", one)])


def test_a_proposal_that_does_not_fit_is_refused():
    read = acme(pub={"allow": ["x"]})
    with pytest.raises(UsageError, match="does not fit"):
        steps_for(read, [proposal("p", removing(user_of(read, "ACME/app"), "pub.allow", "not.there"))])


def test_no_command_is_longer_than_a_system_takes():
    many = [f"{number}.{'x' * 50}" for number in range(3_000)]
    read = acme(pub={"allow": ["*.*", *many]}, sub={"allow": many})
    (token,) = steps_for(read, [proposal("p", removing(user_of(read, "ACME/app"), "pub.allow", *many))])
    assert len(token.steps) == 6
    assert all(sum(len(text) + 9 for text in step.argv) < COMMAND_LIMIT + 1_000 for step in token.steps)
    assert token.after.claims.permissions.pub.allow == ("*.*",)


def test_every_command_names_its_account_its_user_and_its_signer():
    read = acme(pub={"allow": ["x", "y"]})
    targets = {
        user_of(read, "ACME/app"): ("pub.allow", "x"),
        role_of(read, "ACME/svc"): ("pub.allow", "a.b"),
        defaults_of(read, "ACME"): ("sub.allow", "d.x"),
    }
    for target, (name, entry) in targets.items():
        (token,) = steps_for(read, [proposal("p", removing(target, name, entry))])
        (step,) = token.steps
        flags = dict(text.split("=", 1) for text in step.argv if "=" in text)
        assert flags["--private-key"] == token.signed.claims.iss
        assert "ACME" in (flags.get("--account"), flags.get("--name"))
        assert all(flags.values())


@given(COUNTS, COUNTS)
def test_mentions_of_rm_are_those_that_trying_them_all_finds(have, want):
    def reached(mentions):
        left = [max(count - mentions, 0) for count in have]
        return all(n == w or (w == 1 and n == 0) for n, w in zip(left, want, strict=True))

    possible = [mentions for mentions in range(4) if reached(mentions)]
    assert removals(have, want) == (possible[0] if possible else None)
    assert len(ListName) == len(have)
