"""The recipes are the corpus's, and a list that spells one out is known by it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from optimizer.subjects.jetstream import asked, unanswered
from optimizer.subjects.recipes import RECIPES, ROLES, names_a_role, roles_in
from optimizer.subjects.subject import Subject

CORPUS = json.loads((Path(__file__).parents[3] / "corpus" / "recipes" / "jetstream-recipes.json").read_text())
ABOUT = {"_source", "placeholders", "domain_rule", "merge_hazards"}
ROLE = {role.name: role for role in ROLES}
ORDERS = {"{s}": "ORDERS", "{c}": "billing", "{b}": "carts", "<key>": "eu.north"}


def filled(text: str) -> str:
    for place, name in ORDERS.items():
        text = text.replace(place, name)
    return text


def spelled(*texts: str) -> list[str]:
    """What a list spells out, in words."""

    def covers(subject: str) -> bool:
        return any(Subject(text).covers(Subject(subject)) for text in texts)

    return [one.words for one in roles_in(texts, covers)]


def test_the_recipes_are_those_of_the_corpus_line_by_line():
    assert {name: list(lines) for name, lines in RECIPES.items()} == {
        name: lines for name, lines in CORPUS.items() if name not in ABOUT
    }


@pytest.mark.parametrize(
    "line", sorted({line for lines in RECIPES.values() for line in lines if line.startswith("$JS")})
)
def test_every_request_of_a_recipe_is_one_that_a_server_answers(line):
    tokens = tuple(filled(line).split("."))
    assert unanswered(tokens) is None
    assert bool(asked(tokens)) is line.startswith("$JS.API.")


@pytest.mark.parametrize("role", ROLES, ids=lambda role: role.name)
def test_every_subject_of_a_role_is_one_of_a_recipe(role):
    """Bucket and object store in use are our own; a `>` is needed as far as the API answers it."""
    lines = {line for lines in RECIPES.values() for line in lines} | {"$KV.{b}.>", "$O.{b}.>"}
    if role.name not in ("kv_use", "object_use"):
        for subject in role.subjects:
            written = subject.replace("KV_{b}", "{s}").replace("OBJ_{b}", "{s}")
            assert any(line in lines for line in (subject, written, f"{written[:-1]}>")), subject


@pytest.mark.parametrize("role", ROLES, ids=lambda role: role.name)
def test_a_list_of_a_roles_subjects_is_that_role_and_without_any_of_them_it_is_not(role):
    texts = [filled(subject) for subject in role.subjects]
    words = filled(role.words)
    assert words in spelled(*texts)
    for left_out in texts:
        assert words not in spelled(*(text for text in texts if text != left_out))


def test_a_reader_is_known_without_what_few_readers_do():
    role, late = ROLE["stream_read"], ("$JS.FC.", "$JS.ACK.*.*.")
    lines = [line for line in RECIPES["stream_read"] if not line.startswith(late)]
    assert len(role.subjects) + len(role.spared) == len(lines)
    assert all(any(Subject(line).covers(Subject(one)) for line in lines) for one in (*role.subjects, *role.spared))
    [found] = roles_in(map(filled, role.subjects), set(map(filled, role.subjects)).__contains__)
    assert set(found.recipe) == {filled(one) for one in (*role.subjects, *role.spared)}


def test_of_a_role_that_another_includes_only_the_other_is_named():
    use = [filled(subject) for subject in ROLE["consumer_use"].subjects]
    pull = [filled(subject) for subject in ROLE["pull_bind_minimum"].subjects]
    assert spelled(*pull) == ["pull from the consumer `billing` of the stream `ORDERS`"]
    assert spelled(*use, *pull) == ["use the consumer `billing` of the stream `ORDERS`"]
    other = [text.replace("billing", "audit") for text in pull]
    assert spelled(*use, *other) == [
        "use the consumer `billing` of the stream `ORDERS`",
        "pull from the consumer `audit` of the stream `ORDERS`",
    ]
    everything = [
        filled(subject) for role in ("admin", "consumer_use", "stream_read") for subject in ROLE[role].subjects
    ]
    assert spelled(*everything, *pull) == ["administer the stream `ORDERS`"]


def test_entries_may_be_wider_than_the_role():
    assert spelled("$JS.API.CONSUMER.MSG.NEXT.ORDERS.billing", "$JS.ACK.>") == [
        "pull from the consumer `billing` of the stream `ORDERS`"
    ]
    assert spelled("$JS.API.CONSUMER.MSG.NEXT.ORDERS.>", "$JS.ACK.ORDERS.>") == [
        "pull from every consumer of the stream `ORDERS`"
    ]
    assert spelled("$JS.API.>", "$JS.ACK.>") == []


def test_a_bucket_has_one_name_in_all_subjects():
    texts = [filled(subject) for subject in ROLE["kv_key_subtree_minimum"].subjects]
    assert spelled(*texts) == ["use the keys below `eu.north` of the bucket `carts`"]
    assert spelled(*(text.replace("$KV.carts", "$KV.other") for text in texts)) == []


def test_a_domain_stands_before_the_api_and_before_writes_to_a_bucket_alone():
    """The `domain_rule` of the corpus: acknowledgements, `$O` and what is subscribed to stay as they are."""
    assert CORPUS["domain_rule"].startswith("$JS.API. -> $JS.<domain>.API. ; KV write -> $JS.<domain>.API.$KV.{b}.>")
    use = ("$JS.hub.API.STREAM.INFO.KV_b", "$JS.hub.API.DIRECT.GET.KV_b.>", "$JS.hub.API.CONSUMER.CREATE.KV_b.>")
    assert spelled(*use, "$JS.hub.API.$KV.b.>") == ["use the bucket `b` in the domain `hub`"]
    assert spelled(*use, "$KV.b.>") == []
    assert spelled(*(text.replace("hub", "leaf") for text in use), "$JS.hub.API.$KV.b.>") == []
    pull = "pull from the consumer `c` of the stream `S` in the domain `hub`"
    assert spelled("$JS.hub.API.CONSUMER.MSG.NEXT.S.c", "$JS.ACK.S.c.>") == [pull]
    objects = [subject.replace("{b}", "b") for subject in ROLE["object_use"].subjects]
    assert spelled(*(text.replace("$JS.API", "$JS.hub.API") for text in objects)) == [
        "use the object store `b` in the domain `hub`"
    ]


LINES = st.sampled_from(
    sorted(
        {filled(subject) for role in ROLES for subject in role.subjects}
        | {"$JS.API.>", "$JS.ACK.>", "$JS.API.CONSUMER.>", "$KV.>", "x\ny", "", "$JS.API.CONSUMER.MSG.NEXT.ORDERS.>"}
    )
)


@given(st.lists(LINES, max_size=6))
def test_where_nothing_names_a_role_none_is_spelled_out(texts):
    if not names_a_role("\n".join(texts)):
        assert spelled(*texts) == []
