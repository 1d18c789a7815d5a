from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from optimizer.claims.model import Export
from optimizer.graph.exports import Exports, contains
from optimizer.subjects.subject import Subject

TOKENS = st.sampled_from(["a", "b", "*", ">", "*x", "*y", ""])
SUBJECTS = st.lists(TOKENS, min_size=1, max_size=4).map(".".join)


@given(st.lists(SUBJECTS, max_size=8), SUBJECTS)
def test_the_trie_finds_what_asking_each_export_finds(texts: list[str], subject: str):
    exports = [Export(subject=text, type="stream") for text in texts]
    found = Exports(exports).containing("stream", subject)
    if subject in texts:
        assert [each.subject for each in found] == [subject]
    else:
        tokens = subject.split(".")
        assert [each.subject for each in found] == sorted({t for t in texts if contains(t.split("."), tokens)})
    assert Exports(exports).containing("service", subject) == ()


@given(st.lists(SUBJECTS.filter(lambda text: "" not in text.split(".")), max_size=8), SUBJECTS)
def test_the_trie_finds_what_overlaps(texts: list[str], subject: str):
    found = Exports(Export(subject=text, type="stream") for text in texts).overlapping("stream", subject)
    assert [each.subject for each in found] == sorted({t for t in texts if Subject(t).overlaps(Subject(subject))})
