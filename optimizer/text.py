"""Text of strangers made fit for a terminal, a comment or a message: nothing hidden in it, and no seed.

Names, subjects and descriptions come out of tokens, and paths out of file systems. What is shown of them
passes through here; records and JSON keep them exact, less the seeds.
"""

from __future__ import annotations

import re

_SEED = re.compile(r"S[ACNOUX][A-Z2-7]{54,}|s[acnoux][a-z2-7]{54,}")
# A seed has 58 characters: `S`, the kind, 56 of base32. The last 2 are only checksum, so 56 in all already
# give it away. A public key (56, never beginning with `S`) and a jti (52) cannot hold a run that long.

_SHORTEST_SEED = 56

_INVISIBLE = frozenset(
    "\u034f\u115f\u1160\u17b4\u17b5\u180b\u180c\u180d\u180f\u2800\u3164\uffa0"
    + "".join(map(chr, range(0xFE00, 0xFE10)))
    + "".join(map(chr, range(0xE0100, 0xE01F0)))
)
# Letters and marks that draw nothing, so that two names look alike: Unicode's Default_Ignorable_Code_Point
# without those `str.isprintable` already calls unprintable, and the blank Braille pattern.

_SHORT = {"\n": r"\n", "\r": r"\r", "\t": r"\t"}


def redacted(text: str) -> str:
    """``text`` without anything that looks like an nkey seed.

    Parameters
    ----------
    text
        Any text.

    Returns
    -------
    str
        The text with ``S...(seed removed)`` in the place of each seed.

    Examples
    --------
    >>> redacted("SU" + "A" * 56 + " is secret")
    'S...(seed removed) is secret'
    """
    return text if len(text) < _SHORTEST_SEED else _SEED.sub("S...(seed removed)", text)


def printable(text: str) -> str:
    r"""``text`` as one line that cannot move a cursor, reorder or hide itself, or give a seed away.

    Control, bidirectional, zero-width, C1, private, unassigned and lone surrogate characters, every separator
    but the plain space, and letters that draw nothing are written as Python writes them. A backslash stays as
    it is, so to make a text printable twice changes nothing more.

    Parameters
    ----------
    text
        Any text, lone surrogates (file names that are no UTF-8) included.

    Returns
    -------
    str
        Text of printable characters only, which always encodes as UTF-8.

    Examples
    --------
    >>> print(printable("red\x1b[31m \u202egnp.exe"))
    red\x1b[31m \u202egnp.exe
    """
    text = redacted(text)
    if text.isascii() and text.isprintable():
        return text
    return "".join(char if char.isprintable() and char not in _INVISIBLE else _escape(char) for char in text)


def _escape(char: str) -> str:
    if char in _SHORT:
        return _SHORT[char]
    point = ord(char)
    if point <= 0xFF:  # noqa: PLR2004 the last character Python writes with two digits
        return f"\\x{point:02x}"
    return f"\\u{point:04x}" if point <= 0xFFFF else f"\\U{point:08x}"  # noqa: PLR2004 likewise with four
