import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from optimizer.text import printable, redacted
from tests import signing

any_text = st.text(alphabet=st.characters(exclude_categories=()), max_size=60)
hidden = st.characters(categories=("Cc", "Cf", "Cs", "Zl", "Zp"))


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("plain text, orders.> and $JS.ACK", "plain text, orders.> and $JS.ACK"),
        ("Größe 注文 🚀", "Größe 注文 🚀"),
        ("\x1b[2J", r"\x1b[2J"),
        ("a\nb\r\tc", r"a\nb\r\tc"),
        ("\x9b31m", r"\x9b31m"),
        ("\x7f\x00", r"\x7f\x00"),
        ("\u202egnp.exe", r"\u202egnp.exe"),
        ("zero\u200bwidth\ufeff", r"zero\u200bwidth\ufeff"),
        ("line\u2028break", r"line\u2028break"),
        ("no\xa0break", r"no\xa0break"),
        ("\udcff.jwt", r"\udcff.jwt"),
        ("filler\u3164 mark\ufe0f tag\U000e0041", r"filler\u3164 mark\ufe0f tag\U000e0041"),
        (r"back\slash", r"back\slash"),
        ("", ""),
    ],
)
def test_what_could_hide_or_move_is_written_out(text, shown):
    assert printable(text) == shown


@given(any_text)
def test_printable_text_is_printable_and_encodes(text):
    shown = printable(text)
    assert shown.isprintable()
    shown.encode()


@given(any_text)
def test_making_text_printable_twice_changes_nothing_more(text):
    assert printable(printable(text)) == printable(text)


@given(any_text, hidden, any_text)
def test_no_hidden_character_passes(before, char, after):
    shown = printable(before + char + after)
    assert char not in shown
    assert not {unicodedata.category(c) for c in shown} & {"Cc", "Cf", "Cs", "Zl", "Zp"}


@given(st.sampled_from([signing.operator, signing.account, signing.user]), st.integers(), any_text, any_text)
def test_a_seed_never_passes(kind, number, before, after):
    seed = kind(number).seed.decode()
    for shown in (redacted(before + seed + after), printable(before + seed + after)):
        assert seed not in shown
        assert seed[2:54] not in shown
        assert "(seed removed)" in shown


@given(st.sampled_from([signing.operator, signing.account, signing.user]), st.integers())
def test_a_seed_cut_short_or_in_lower_case_is_a_seed_still(kind, number):
    seed = kind(number).seed.decode()
    assert redacted(seed[:-2]) == redacted(seed.lower()) == "S...(seed removed)"


@given(st.sampled_from([signing.operator, signing.account, signing.user]), st.integers())
def test_a_public_key_passes(kind, number):
    key = kind(number).public
    assert printable(f"resolver/{key}.jwt") == f"resolver/{key}.jwt"


def test_tokens_pass():
    op, acc = signing.operator(), signing.account()
    token = signing.sign(signing.account_claims(acc), op)
    assert printable(token) == token
