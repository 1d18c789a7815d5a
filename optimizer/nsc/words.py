"""Words and comments of a shell script, whatever text a stranger chose."""

from __future__ import annotations

import shlex
import textwrap

from optimizer.text import printable

WIDTH = 110

ACTIVATION = "--token=$work/activation"
"""Says that a command reads an activation token, which the script puts there before."""

_AS_IT_IS = frozenset(chr(code) for code in range(0x20, 0x7F)) - frozenset("'\\%-")
# What `printf` writes as it stands: the minus is missing, for a format that begins with one is taken for an option.


def word(text: str) -> str:
    r"""``text`` as one word of POSIX sh, which a person can read and no terminal can misread.

    Text that would draw nothing, move the cursor or reorder itself is spelt in octal. The command substitution
    would eat line breaks at the end, so text that ends in one is refused.

    Examples
    --------
    >>> print(word("orders.>"), word("plain"), word("red\x1b[31m"))
    'orders.>' plain "$(printf 'red\033[31m')"
    """
    if "\0" in text or text.endswith("\n"):
        raise ValueError(text)
    if printable(text) == text:
        return shlex.quote(text)
    spelt = "".join(chr(byte) if chr(byte) in _AS_IT_IS else f"\\{byte:03o}" for byte in text.encode())
    return f"\"$(printf '{spelt}')\""


def flag(argument: str) -> str:
    """A word of the form ``--name=value``, its value quoted by itself; or a plain word."""
    if argument == ACTIVATION:
        return '--token="$work/activation"'
    name, equals, value = argument.partition("=")
    return f"{name}={word(value)}" if equals and name.startswith("--") else word(argument)


def comment(text: str, indent: str = "") -> str:
    """Lines of a comment, made printable and folded."""
    shown = printable(text)
    hanging = " " * (len(shown) - len(shown.lstrip()))
    lines = textwrap.wrap(
        shown, WIDTH - 2 - len(indent), subsequent_indent=hanging, break_on_hyphens=False, drop_whitespace=True
    )
    return "\n".join(f"{indent}# {line}".rstrip() for line in lines or [""])


def command(words: tuple[str, ...], indent: str = "    ") -> str:
    """A command over several lines: what it edits on the first, then each other word on its own."""
    head = next((place for place, text in enumerate(words) if text.startswith("--private-key=")), len(words))
    lines = [" ".join(words[:head]), *(f"{indent}  {text}" for text in words[head:])]
    return " \\\n".join([indent + lines[0], *lines[1:]])
