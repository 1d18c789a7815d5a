"""Words of a script mean to sh what they meant to us, and comments stay comments."""

from __future__ import annotations

import re
import subprocess

import pytest
from hypothesis import given
from hypothesis import strategies as st

from optimizer.nsc.words import command, comment, flag, word
from tests.oracle.nsc_tool import SHELLS

HIDDEN = re.compile(r"[\x00-\x09\x0b-\x1f\x7f-\x9f\u200b-\u200f\u2028-\u202e\u2066-\u2069\ufeff]")
TEXTS = st.text(
    st.one_of(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), st.sampled_from("'\"\\$`%!-\n*~ \x1b"))
).filter(lambda text: not text.endswith("\n"))


def said(shell, *words):
    """What a shell makes of words: its arguments."""
    script = "printf '%s\\0' x " + " ".join(words)
    done = subprocess.run([shell, "-c", script], capture_output=True, check=True)
    return done.stdout.decode().split("\0")[1:-1]


@given(st.lists(TEXTS, min_size=1, max_size=20))
def test_a_word_is_to_sh_what_it_was_to_us(texts):
    words = [word(text) for text in texts]
    assert said("sh", *words) == texts
    assert not HIDDEN.search("".join(words))


@pytest.mark.parametrize("shell", SHELLS)
@pytest.mark.parametrize(
    "text",
    [
        "--rm=a\x1b[31m",
        "--rm=-n",
        "--name=$(id)",
        "--rm=a=b='c'",
        "--rm=",
        "edit",
        "-x",
        "--rm=%s\\n\r",
        "--rm=\u202e-%",
    ],
)
def test_a_flag_is_one_word_with_its_value_quoted_alone(shell, text):
    assert said(shell, flag(text)) == [text]
    assert flag(text).startswith(text.partition("=")[0])


@pytest.mark.parametrize("text", ["a\n", "nul\0"])
def test_a_text_no_word_can_hold_is_refused(text):
    with pytest.raises(ValueError, match=r"[an]"):
        word(text)


@given(TEXTS)
def test_a_comment_never_leaves_its_lines(text):
    for line in comment(text, "  ").splitlines():
        assert line.startswith("  #")
        assert not HIDDEN.search(line)


def test_a_comment_keeps_its_indent_when_it_is_folded():
    lines = comment("  " + "word " * 40).splitlines()
    assert len(lines) > 1
    assert all(line.startswith("#   word") for line in lines)


def test_a_command_of_many_lines_is_one_command():
    text = command(("edit", "user", "--name=u", "--private-key=K", "--rm=a", "--rm='b c'"))
    assert text.splitlines()[0] == "    edit user --name=u \\"
    assert said("sh", text.strip()) == ["edit", "user", "--name=u", "--private-key=K", "--rm=a", "--rm=b c"]
