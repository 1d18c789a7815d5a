from __future__ import annotations

import base64

import pytest
from hypothesis import given
from hypothesis import strategies as st

from optimizer.claims.keys import account_key, are_account_keys, operator_key, raw_public_key, user_key
from optimizer.errors import TokenError
from tests import signing

CHECKS = {"O": operator_key, "A": account_key, "U": user_key}


@given(st.sampled_from("OAU"), st.integers(0, 50))
def test_a_real_key_passes_for_its_own_kind_only(letter, number):
    text = signing.Key(letter, str(number)).public
    for kind, check in CHECKS.items():
        if kind == letter:
            assert check(text) == text
        else:
            with pytest.raises(TokenError, match=f"starts with {kind}"):
                check(text)


@given(st.integers(0, 50))
def test_the_raw_key_is_what_base32_says(number):
    text = signing.account(number).public
    assert raw_public_key(text) == base64.b32decode(text)[1:33]


@given(st.integers(0, 55), st.sampled_from("ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"))
def test_one_changed_letter_is_noticed(place, letter):
    text = signing.account().public
    changed = text[:place] + letter + text[place + 1 :]
    if changed != text:
        with pytest.raises(TokenError):
            account_key(changed)


@pytest.mark.parametrize(
    "text", ["", "A", "A" * 54 + "BB", "A" * 55 + "=", "A" * 55 + "_", "A" * 55 + " ", "a" * 56, "Ä" * 56]
)
def test_what_is_no_key_is_refused(text):
    with pytest.raises(TokenError):
        account_key(text)


def test_a_seed_in_the_place_of_a_key_is_not_shown():
    seed = signing.account().seed.decode()
    for text in (seed, seed[:56], "x" * 20 + seed):
        with pytest.raises(TokenError) as problem:
            account_key(text)
        assert seed[2:40] not in problem.value.message


hardly_keys = st.sampled_from(
    [
        signing.user().public,
        signing.account().public[:-1],
        signing.account().public + "A",
        signing.account().public.lower(),
        "A" * 56,
        " " + signing.account().public[1:],
        signing.account().public[:-1] + "\u00e9",
        "",
    ]
)


@given(st.lists(st.integers(0, 9).map(lambda number: signing.account(number).public) | hardly_keys, max_size=4))
def test_several_keys_at_once_are_what_each_of_them_is(texts):
    assert are_account_keys(texts) == all(map(is_account_key, texts))


def is_account_key(text: str) -> bool:
    try:
        return account_key(text) == text
    except TokenError:
        return False
