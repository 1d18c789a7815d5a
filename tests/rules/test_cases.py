"""What real people wrote: known redundancies are found, and no trap is fallen into.

Every redundancy, trap and better form that a case file names is either checked here or listed in
`tests/cases_in_words.py` with the reason why not; the two `..._is_checked_or_accounted_for` tests hold that together.
"""

from __future__ import annotations

import itertools
import json
from typing import Any

import pytest

from optimizer.access.template import expanded
from optimizer.claims.decode import decode
from optimizer.claims.model import AccountClaims, ActivationClaims, OperatorClaims, UserClaims
from optimizer.claims.token import parse_token
from optimizer.claims.verify import signature_holds
from optimizer.proposals import Safety
from optimizer.settings import Server
from optimizer.subjects.jetstream import may_not_generalise
from optimizer.subjects.permissions import Permissions
from optimizer.subjects.probes import Relation
from optimizer.subjects.subject import Subject
from tests.cases import CASES, case
from tests.cases_in_words import (
    BETTER_FORMS_CHECKED,
    BETTER_FORMS_ELSEWHERE,
    CHECKED,
    ELSEWHERE,
    RECIPES,
    never_offered,
    spelled_out,
)

FILES = {name: json.loads(path.read_text()) for name, path in CASES.items()}


def said(field: str) -> list[tuple[str, str]]:
    """What the case files say in words under ``redundant`` or ``traps``."""
    return [(name, text) for name, file in FILES.items() for text in file["expected"][field]]


IN_WORDS = [*said("redundant"), *said("traps")]
BY_ENTRY = {
    (name, entry) for name, file in FILES.items() for _, entry, _ in file["expected"]["auto"].get("covered", [])
}
"""Redundant entries that are also given by list and entry."""


def test_every_expectation_of_every_case_is_checked_or_accounted_for():
    assert set(IN_WORDS) - BY_ENTRY == (CHECKED.keys() | ELSEWHERE.keys()) - BY_ENTRY
    assert not CHECKED.keys() & ELSEWHERE.keys()


@pytest.mark.parametrize(("name", "text"), sorted(CHECKED), ids=lambda text: text[:60])
def test_what_a_case_says_holds(name, text):
    assert CHECKED[name, text](case(name))


# -- what they say by machine ----------------------------------------------------------------------------------------


def given(field: str) -> list[tuple[str, ...]]:
    """One field of ``expected.auto`` over all cases: case, path, and what else it gives."""
    return [(name, *row) for name, file in FILES.items() for row in file["expected"]["auto"].get(field, [])]


@pytest.mark.parametrize(("name", "path", "entry", "by"), given("covered"))
def test_a_covered_entry_is_proposed_for_removal_and_what_covers_it_stays(name, path, entry, by):
    it = case(name)
    assert it.removing(path, entry)
    left = it.list(path, it.after)
    assert any(wide in left or any(Subject(other).covers(Subject(wide)) for other in left) for wide in by)


@pytest.mark.parametrize("name", [name for name, file in FILES.items() if file["expected"]["covered_by"]])
def test_every_pair_of_a_covered_entry_and_its_cover_is_found(name):
    it = case(name)
    for narrow, wide in FILES[name]["expected"]["covered_by"]:
        lists = [path for path, listed in it.lists.items() if narrow in listed and wide in listed]
        assert lists, narrow
        assert all(it.removing(path, narrow) for path in lists), narrow


REACHED = [("ns-auths-newstyle", "users[bench-deny].sub", "foo.bar")]
"""Denies that look idle to a comparison of patterns; but an allow that ends in `*` reaches as far as `>`."""

OPAQUE = [
    ("server-template-missing-tag", "accounts[accname].scope[t].pub", "{{tag(foo)}}.{{account-tag(acc)}}"),
    (
        "server-template-missing-tag",
        "accounts[accname].scope[t].sub",
        "foo.{{name()}}.{{subject()}}.{{account-name()}}.{{account-subject()}}.bar",
    ),
]
"""Denies with a template, in lists whose allows have one too: for some user they may deny something."""


@pytest.mark.parametrize(
    ("name", "path", "entry"), [row for row in given("deny_without_effect") if row not in [*REACHED, *OPAQUE]]
)
def test_a_deny_without_effect_is_found(name, path, entry):
    assert case(name).says("idle-deny", f"{path}.deny", entry)
    assert case(name).removing(f"{path}.deny", entry)


@pytest.mark.parametrize(("name", "path", "entry"), REACHED)
def test_a_deny_that_a_final_star_reaches_is_not_idle(name, path, entry):
    it = case(name)
    assert not it.says("idle-deny", f"{path}.deny", entry)
    assert entry in it.list(f"{path}.deny", it.after)
    assert it.permissions(path.removesuffix(".sub")).delivers(">", None, (entry, "foo")) == ("foo",)


@pytest.mark.parametrize(("name", "path", "entry"), OPAQUE)
def test_a_deny_with_a_template_beside_allows_with_templates_is_left_alone(name, path, entry):
    it = case(name)
    assert not it.removing(f"{path}.deny", entry)
    assert entry in it.list(f"{path}.deny", it.after)


@pytest.mark.parametrize(("name", "path", "entry", "by"), given("allow_dead_by_deny"))
def test_a_denied_allow_is_found_unless_it_is_the_last(name, path, entry, by):
    it = case(name)
    assert set(by) <= set(it.list(f"{path}.deny"))
    if it.list(f"{path}.allow") == (entry,):
        assert it.list(f"{path}.allow", it.after) == (entry,)
    else:
        assert it.says("denied-allow", f"{path}.allow", entry)
        assert it.removing(f"{path}.allow", entry)


@pytest.mark.parametrize(("name", "path", "entry"), given("queue_entries"))
def test_a_queue_entry_is_kept_or_reported(name, path, entry):
    it = case(name)
    if ".pub." in path:
        assert it.says("malformed-entry", path, entry)
    assert entry in it.list(path, it.after) or it.says("idle-deny", path, entry)


@pytest.mark.parametrize(("name", "path", "entry"), given("templated"))
def test_a_template_is_left_alone(name, path, entry):
    it = case(name)
    assert entry in it.list(path, it.after)
    assert not it.removing(path, entry)


@pytest.mark.parametrize(("name", "path", "entry", "reason"), given("suspect_subjects"))
def test_a_suspect_subject_is_reported_or_taken_literally(name, path, entry, reason):
    it = case(name)
    if reason == "empty token":
        assert it.says("shell-eaten-subject", path, entry)
        assert not it.removing(path, entry)
    else:
        assert "literal" in reason
        loose = entry.replace("*", "x").replace(">", "x")
        assert not Subject(entry).covers(Subject(loose))
        assert it.says("literal-star", path, entry) or it.removing(path, entry)


def rewrites() -> list[tuple[str, tuple[str, ...], str]]:
    return [
        (name, tuple(rewrite["replace"]), rewrite["by"])
        for name, file in FILES.items()
        for rewrite in (file["expected"]["better_form"] or {}).get("exact_rewrites", [])
    ]


@pytest.mark.parametrize(("name", "replaced", "by"), rewrites())
def test_an_exact_rewrite_is_proposed(name, replaced, by):
    assert any(
        set(replaced) <= set(edit.remove) and edit.add == (by,)
        for proposal in case(name).plan.proposals
        for edit in proposal.edits
    )


def widenings() -> list[tuple[str, str]]:
    found = []
    for name, file in FILES.items():
        better = file["expected"]["better_form"] or {}
        if "widening_proposal" in better:
            found.append((name, better["widening_proposal"]["by"]))
        found += [(name, by) for _, by in better.get("widening_proposals", [])]
    return found


@pytest.mark.parametrize(("name", "by"), widenings())
def test_a_widening_rewrite_is_never_safe(name, by):
    assert by not in case(name).safely_added()
    for proposal in case(name).plan.proposals:
        if any(by in edit.add for edit in proposal.edits):
            assert proposal.judgement.relation is not Relation.SAME


def test_every_kind_of_better_form_is_checked_or_accounted_for():
    kinds = {kind for file in FILES.values() for kind in file["expected"]["better_form"] or {}}
    assert kinds == BETTER_FORMS_CHECKED | BETTER_FORMS_ELSEWHERE.keys()
    assert not BETTER_FORMS_CHECKED & BETTER_FORMS_ELSEWHERE.keys()


def better(kind: str) -> list[tuple[str, Any]]:
    """One kind of better form over all cases."""
    forms = [(name, file["expected"]["better_form"] or {}) for name, file in FILES.items()]
    return [(name, form[kind]) for name, form in forms if kind in form]


@pytest.mark.parametrize(("name", "patterns"), better("semantic_dead_sub"))
def test_requests_in_a_subscribe_list_are_reported_as_on_the_wrong_side(name, patterns):
    it = case(name)
    for pattern in patterns:
        places = [
            (path, entry)
            for path, listed in it.lists.items()
            for entry in listed
            if path.endswith("sub.allow") and Subject(pattern).covers(Subject(entry))
        ]
        assert places
        assert all(it.says("wrong-side", path, entry) for path, entry in places)
        assert all(entry in it.list(path, it.after) or it.says("covered-entry", path, entry) for path, entry in places)


@pytest.mark.parametrize(("name", "meant"), [row for row in better("likely_intent") if isinstance(row[1], str)])
def test_what_a_shell_ate_is_guessed(name, meant):
    found = [finding for finding in case(name).plan.findings if finding.rule == "shell-eaten-subject"]
    assert found
    assert all(f"probably `{meant}`" in evidence.statement for finding in found for evidence in finding.evidence)


@pytest.mark.parametrize(("name", "meant"), [row for row in better("likely_intent") if not isinstance(row[1], str)])
def test_what_was_probably_meant_is_never_put_in_on_our_own(name, meant):
    assert case(name).safely_added().isdisjoint(meant)


def test_every_recipe_that_a_case_names_is_found_or_accounted_for():
    assert set(RECIPES) == {
        *better("recipe"),
        *((name, recipe) for name, recipes in better("recipes") for recipe in recipes),
    }


@pytest.mark.parametrize(
    ("name", "path", "words"), [(name, *found) for (name, _), found in RECIPES.items() if not isinstance(found, str)]
)
def test_a_list_that_spells_out_a_recipe_is_known_by_it(name, path, words):
    assert spelled_out(path, words)(case(name))


@pytest.mark.parametrize(
    ("name", "path", "words"),
    [
        ("kv-per-router", "users[router001].pub.allow", "use the keys below `dev.001` of the bucket `test_kv`"),
        ("objstore-agent", "users[agent-42].pub.allow", "use the object store `42`"),
        ("objstore-agent", "users[agent-42].pub.allow", "use every consumer of the stream `FJ_42`"),
        ("choria-client-streams-user", "users[streams_user+election].pub.allow", "list all streams"),
    ],
)
def test_a_role_that_no_source_names_is_known_as_well(name, path, words):
    assert spelled_out(path, words)(case(name))


def test_two_subjects_of_an_object_store_may_be_one_which_is_wider():
    [proposal] = [one for one in case("objstore-agent").plan.proposals if one.edits[0].add]
    assert proposal.edits[0].add == ("$O.42.>",)
    assert proposal.edits[0].remove == ("$O.42.C.*", "$O.42.M.*")
    # Object stores are protected unless a run says otherwise, so that this is advice.
    assert (proposal.judgement.safety, proposal.judgement.relation) == (Safety.ADVICE, Relation.WIDER)
    assert proposal.judgement.protected


@pytest.mark.parametrize(("name", "dead"), better("semantic_dead"))
def test_a_request_that_no_server_answers_is_found_and_taken_out_only_on_somebodys_word(name, dead):
    it = case(name)
    for entry in dead:
        [path] = [path for path, listed in it.lists.items() if entry in listed]
        assert it.says("unknown-api", path, entry)
        assert entry in it.list(path, it.after)
        [proposal] = it.removing(path, entry)
        assert (proposal.judgement.safety, proposal.judgement.relation) == (Safety.RISKY, Relation.NARROWER)


def test_requests_without_their_dollar_are_found_with_what_else_is_wrong():
    """`likely_intent` of `cap-missing-dollar`: the `$`, and one token less."""
    it = case("cap-missing-dollar")
    path = "users[client].pub.allow"
    assert all(it.says("unknown-api", path, entry) for entry in it.list(path))
    [finding] = it.findings(path)
    said = {evidence.statement for evidence in finding.evidence}
    assert "`JS.API.STREAM.INFO.VolatileStream` lacks the `$` of `$JS.API`" in said
    assert sum("has 2 tokens after" in statement for statement in said) == 2
    assert not finding.edits


@pytest.mark.parametrize("name", CASES)
def test_no_rule_offers_a_pattern_that_newly_lets_a_user_change_what_jetstream_keeps(name):
    for proposal in case(name).plan.proposals:
        for edit in proposal.edits:
            for text in edit.add:
                covered = [Subject(one).tokens for one in edit.remove]
                assert may_not_generalise(Subject(text).tokens, covered) is None, (edit.remove, text)


@pytest.mark.parametrize("name", [name for name in CASES if "STREAM" in json.dumps(FILES[name])])
def test_a_star_for_the_verb_of_a_stream_or_consumer_is_never_offered(name):
    streams = {"ORD", "ORDERS", "S", "VolatileStream", "mystream", "*", "OBJ_42", "FJ_42"}
    wild = [f"$JS.API.{kind}.*.{rest}" for kind in ("STREAM", "CONSUMER") for s in streams for rest in (s, f"{s}.>")]
    assert never_offered(*wild, "$JS.API.STREAM.>", "$JS.API.CONSUMER.>", "$JS.API.>", "$JS.ACK.>")(case(name))


@pytest.mark.parametrize(("name", "left"), better("sub"))
def test_what_is_left_is_the_form_the_documentation_gives(name, left):
    it = case(name)
    for user in ("joe", "pam"):
        assert it.list(f"users[{user}].sub.allow", it.after) == tuple(text.format(name=user) for text in left)
        assert it.list(f"users[{user}].sub.deny", it.after) == ()


@pytest.mark.parametrize(("name", "reach"), better("sub_effective"))
def test_an_allow_that_ends_in_a_star_admits_the_wider_subscription(name, reach):
    for allowed, wider in reach.items():
        assert Permissions.from_claims({"sub": {"allow": [allowed]}}).may_subscribe(wider), name


@pytest.mark.parametrize(("name", "counts"), better("expansion"))
def test_a_template_expands_for_its_user_as_the_server_expands_it(name, counts):
    hierarchy = case(name).hierarchy
    [user], [account] = hierarchy.users.values(), hierarchy.accounts.values()
    template = account.claims.signing_keys[0].scope.permissions
    lists = expanded(template, user.claims, account.claims)
    assert len(lists.pub.allow) == counts["pub_allow"]
    assert len(lists.pub.deny) == counts["pub_deny"]
    assert counts["sub_deny_added"] in lists.sub.deny


def test_every_queue_is_no_restriction():
    both_entries = Permissions.from_claims({"sub": {"allow": [">", "> >"]}})
    one_entry = Permissions.from_claims({"sub": {"allow": [">"]}})
    for server in Server:
        for subject, queue in itertools.product(("foo", "foo.bar", ">"), (None, "v1", "v1.prod")):
            assert both_entries.may_subscribe(subject, queue, server)
            assert one_entry.may_subscribe(subject, queue, server)


# -- laws over all cases ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", CASES)
def test_every_token_of_a_case_is_read(name):
    it = case(name)
    assert not it.hierarchy.skipped
    assert not [signed for signed in it.hierarchy.accounts.values() if signed.issues]
    written = [user for account in it.file["accounts"] for user in account["users"] or []] + it.file["users"]
    assert len(it.hierarchy.users) == sum(user["name"] != "(default_permissions)" for user in written)


@pytest.mark.parametrize("name", CASES)
def test_safe_proposals_change_no_answer_to_any_subject_the_case_suggests(name):
    it = case(name)
    for path in {path.rsplit(".", 2)[0] for path in it.lists}:
        texts = {text for list_path, listed in it.lists.items() if list_path.startswith(f"{path}.") for text in listed}
        before, after = it.permissions(path), it.permissions(path, it.after)
        assert (before.refusal is None) is (after.refusal is None)
        for server in Server:
            for subject, queue in probes(texts):
                assert before.may_publish(subject) == after.may_publish(subject), (path, subject)
                assert before.may_subscribe(subject, queue, server) == after.may_subscribe(subject, queue, server)


@pytest.mark.parametrize("name", CASES)
def test_every_safe_proposal_keeps_the_relation_and_saves_bytes(name):
    for proposal in case(name).plan.default_selection:
        assert proposal.judgement.safety is Safety.SAFE
        assert proposal.judgement.relation is Relation.SAME
        assert not proposal.judgement.gained
        assert not proposal.judgement.lost
        assert proposal.judgement.saving.bytes > 0


@pytest.mark.parametrize("name", CASES)
def test_no_list_with_entries_is_emptied(name):
    it = case(name)
    for path, listed in it.lists.items():
        if listed and path.endswith("allow"):
            assert it.list(path, it.after)


def probes(texts: set[str]) -> set[tuple[str, str | None]]:
    """Subjects in, beside, above and below each entry, with and without its queue."""
    found: set[tuple[str, str | None]] = set()
    for text in texts:
        subject, _, queue = text.partition(" ")
        for filled in ("x", "foo", "*"):
            literal = ".".join(filled if token in ("*", ">") else token for token in subject.split("."))
            for probe in (literal, f"{literal}.y", f"{literal}.y.z", literal.rpartition(".")[0], subject):
                if probe and ".." not in probe and not probe.startswith("."):
                    found |= {(probe, None), (probe, queue.replace("*", "q").replace(">", "q") or "group")}
    return found


# -- published tokens ------------------------------------------------------------------------------------------------

PUBLISHED = {name: file for name, file in FILES.items() if file["jwt"]}
KINDS = {"operator": OperatorClaims, "account": AccountClaims, "user": UserClaims, "activation": ActivationClaims}


@pytest.mark.parametrize("name", PUBLISHED)
def test_a_published_token_is_what_its_case_says_and_its_signature_holds(name):
    token, check = parse_token(PUBLISHED[name]["jwt"]), PUBLISHED[name]["jwt_check"]
    claims = decode(token)
    assert type(claims) is KINDS[check["claim_type"]]
    assert (claims.version, claims.iss, claims.sub) == (check["version"], check["issuer"], check["subject"])
    assert (claims.exp or None) == check["exp"]
    assert dict(token.header) == check["header"]
    assert signature_holds(token, claims) is check["signature_valid"] is True


@pytest.mark.parametrize("name", PUBLISHED)
def test_a_published_token_with_one_byte_changed_does_not_verify(name):
    head, payload, signature = PUBLISHED[name]["jwt"].split(".")
    changed = "B" if signature[10] != "B" else "C"
    token = parse_token(f"{head}.{payload}.{signature[:10]}{changed}{signature[11:]}")
    assert not signature_holds(token, decode(token))


def test_an_escaped_wildcard_is_read_as_one():
    token = parse_token(PUBLISHED["jwt-v1-account-6-imports"]["jwt"])
    claims = decode(token)
    assert rb"cron.\u003e" in token.payload
    assert isinstance(claims, AccountClaims)
    assert claims.imports[0].subject == "cron.>"
