"""`covered` on lists of one kind beside another."""

from __future__ import annotations

import pytest

from optimizer.subjects.subject import Entry
from optimizer.subjects.trie import covered


@pytest.mark.parametrize(
    ("texts", "found"),
    [
        (["a", "b q", "a"], {2: 0}),  # no plain wildcard to look up in
        (["a.*", "b q", "a.b"], {2: 0}),
        (["a.*", "a.b"], {1: 0}),
        (["a.* q", "a.b"], {}),
    ],
)
def test_plain_entries_and_queue_entries_do_not_get_in_each_others_way(texts, found):
    assert covered([Entry(text) for text in texts]) == found


def test_queue_names_that_the_server_takes_for_wildcards_by_their_first_letter_cover_only_themselves():
    assert dict(covered([Entry("foo *x.*"), Entry("foo *y.*")])) == {}
    assert dict(covered([Entry("foo a.>"), Entry("foo a.>.b")])) == {}
