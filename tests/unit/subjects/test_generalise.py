from __future__ import annotations

import pytest

from optimizer.settings import Weights
from optimizer.subjects.generalise import generalisations, matched, openness


def _tokens(*texts):
    return [tuple(text.split(".")) for text in texts]


def _found(*texts, **options):
    return {".".join(each.tokens): each.covers for each in generalisations(_tokens(*texts), **options)}


def test_siblings_fold_into_a_star():
    assert _found("orders.created", "orders.updated", "orders.deleted") == {"orders.*": (0, 1, 2)}


def test_a_subtree_of_several_depths_folds_into_a_tail():
    assert _found("a.b", "a.b.c", "a.d") == {"a.>": (0, 1, 2)}


def test_what_two_branches_share_is_a_cut_across_the_tree():
    found = _found("orders.created", "billing.created", "users.created")
    assert found == {"*.created": (0, 1, 2)}


def test_a_cut_keeps_a_literal_though_its_prefix_is_gone():
    found = _found("a.us.x", "b.us.y.z", "c.us.w", keep_prefix=2)
    assert found == {"*.us.>": (0, 1, 2)}


def test_a_star_between_two_literals_is_no_cut_too_many():
    assert _found("o.eu.made", "o.us.made", "o.ap.made", keep_prefix=2) == {"o.*.made": (0, 1, 2)}


def test_two_entries_are_too_few():
    assert _found("orders.created", "orders.updated") == {}
    assert _found("orders.created", "orders.updated", least=2) == {"orders.*": (0, 1)}


def test_without_a_common_token_there_is_nothing_to_keep():
    assert _found("a", "b", "c") == {}
    assert _found("a", "b", "c", keep_prefix=0) == {"*": (0, 1, 2)}


def test_of_patterns_for_the_same_entries_the_narrower_stays_unless_it_takes_more_bytes():
    # `a.>` takes 8 bytes, `a.*.*` 5: the narrower is the smaller.
    assert "a.>" not in _found("a.b.c", "a.d.e", "a.f.g")
    deep = _found("a.b.b.b.b", "a.c.c.c.c", "a.d.d.d.d")
    # `a.*.*.*.*` takes 9 bytes, `a.>` 8: neither beats the other; what lies between is larger than both.
    assert set(deep) == {"a.*.*.*.*", "a.>"}


def test_an_entry_that_is_the_pattern_already_is_no_candidate():
    assert "a.*" not in _found("a.*", "a.b", "a.c", "a.d")


def test_wildcard_entries_fold_like_others():
    assert _found("a.b.>", "a.c.>", "a.d.>") == {"a.*.>": (0, 1, 2), "a.>": (0, 1, 2)}
    assert _found("a.*.x", "a.*.y", "a.*.z") == {"a.*.*": (0, 1, 2)}


@pytest.mark.parametrize("template", ["{{name()}}", "x{{tag(role)}}y"])
def test_a_star_never_replaces_a_template(template):
    assert _found(f"a.{template}", "a.b", "a.c", "a.d") == {"a.*": (1, 2, 3), "a.>": (0, 1, 2, 3)}


def test_a_template_before_the_wildcard_equals_its_own_text_alone():
    assert _found("{{name()}}.a", "{{name()}}.b", "{{name()}}.c", "{{account-name()}}.d") == {"{{name()}}.*": (0, 1, 2)}


def test_no_pattern_ends_amid_a_template_that_holds_a_dot():
    found = _found("a.{{tag(x.y)}}.b", "a.{{tag(x.y)}}.c", "a.{{tag(x.y)}}.d")
    assert found == {"a.>": (0, 1, 2), "a.{{tag(x.y)}}.*": (0, 1, 2)}


def test_an_opened_template_is_left_alone_to_the_end():
    assert _found("a.{{b.c", "a.{{b.d", "a.{{b.e") == {"a.>": (0, 1, 2)}


def test_entries_of_64_tokens_by_the_thousand_are_answered():
    stem = tuple(f"t{place}" for place in range(63))
    entries = [(*stem, str(index)) for index in range(3000)]
    found = generalisations(entries)
    assert (*stem, "*") in {each.tokens for each in found}


WEIGHTS = Weights()


def _openness(pattern, *covered, subscribe=False):
    return openness(*_tokens(pattern), _tokens(*covered), subscribe=subscribe, weights=WEIGHTS)


def test_each_new_star_counts_once():
    assert _openness("a.*.*", "a.b.c", "a.d.e") == 2


def test_a_star_that_every_entry_had_is_not_new():
    assert _openness("a.*.*", "a.*.c", "a.*.e") == 1


def test_a_tail_counts_for_each_token_of_the_longest_entry_it_stands_in_for():
    assert _openness("a.>", "a.b", "a.b.c.d") == 12
    assert _openness("a.b.>", "a.b.c", "a.b.d") == 4


def test_a_tail_that_every_entry_had_is_not_new():
    assert _openness("a.*.>", "a.b.>", "a.c.>") == 1
    assert _openness("a.*.>", "a.b.>", "a.c.d") == 5


def test_a_final_star_of_a_subscribe_list_counts_as_a_tail():
    assert _openness("a.*", "a.b", "a.c", subscribe=True) == 4
    assert _openness("a.*.*", "a.b.*", "a.c.*", subscribe=True) == 1


def test_weights_are_a_setting():
    weights = Weights(star=2.0, tail=10.0)
    assert openness(("*", ">"), [("a", "b", "c")], subscribe=False, weights=weights) == 22


def test_a_pattern_admits_the_subjects_it_matches():
    patterns, subjects = _tokens("a.*", "a.>", "*.b", "x", "*.*.c"), _tokens("a.b", "a.b.c", "x.b", "x", "a")
    assert matched(patterns, subjects, subscribe=False) == [(0,), (0, 1), (0, 2), (3,), (1,)]


def test_in_a_subscribe_list_a_final_star_reaches_the_subtree():
    patterns, subjects = _tokens("a.*", "*", "*.b"), _tokens("a.b", "a.b.c", "a")
    assert matched(patterns, subjects, subscribe=True) == [(0, 1), (0, 1, 2), (0,)]
