"""The smallest list that means the same.

`smallest` is for a list without deny entries beside it and without queue entries in it: there the list is a language,
and its fewest entries are known exactly (docs/decisions/0004-smallest-list.md holds the proof). `smaller` is for every
other list: no entry of what it returns can be dropped and no two merged, and no more than that is claimed.
"""

from __future__ import annotations

from itertools import combinations
from typing import TYPE_CHECKING

from optimizer.subjects.subject import Entry, entry_of, meet_tokens
from optimizer.subjects.trie import Automaton, covered

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

Tokens = tuple[str, ...]

MOST_PATTERNS = 2_000
"""How many maximal patterns `smallest` may meet before it says it cannot tell."""


class TooManyPatternsError(Exception):
    """The language has more maximal patterns than `MOST_PATTERNS`."""


def smallest(entries: Sequence[Entry]) -> tuple[Entry, ...]:
    """The list with the fewest entries, and among those the fewest bytes, that admits the same subjects.

    Parameters
    ----------
    entries
        An allow (or deny) list of plain entries, with no other list on its side.

    Returns
    -------
    tuple
        In the order of their bytes, as nsc sorts. Unique: no other list of so few entries has so few bytes.

    Raises
    ------
    TooManyPatternsError
        Telling would take more than `MOST_PATTERNS` patterns.
    ValueError
        A queue entry or a template is in the list.

    Examples
    --------
    >>> [str(entry) for entry in smallest([Entry("a.*"), Entry("a.*.>"), Entry("a.b")])]
    ['a.>']
    >>> [str(entry) for entry in smallest([Entry("a.>"), Entry("*.*.>")])]
    ['*.*.>', 'a.*']
    """
    if any(entry.queue is not None or entry.is_template for entry in entries):
        raise ValueError("a queue entry or a template is no plain pattern")
    language = [entry.subject.tokens for entry in entries if entry.subject.is_valid]
    if not language:
        return tuple(entries[:1])  # matches nothing, and must go on keeping its list from being empty
    patterns = _maximal(language)
    trie = Automaton((tokens, 1 << index) for index, tokens in enumerate(patterns))
    depth = max(map(len, patterns)) + 1
    kept = []
    for index, tokens in enumerate(patterns):
        own = [length for length in _lengths(tokens, depth) if trie.match(_generic(tokens, length)) == 1 << index]
        if not own:
            continue  # every subject it admits is admitted by another maximal pattern
        kept.append(_cheapest(tokens, own, depth))
    return tuple(Entry(".".join(tokens)) for tokens in sorted(kept, key=lambda tokens: ".".join(tokens).encode()))


def smaller(
    entries: Sequence[Entry],
    same: Callable[[tuple[Entry, ...]], bool],
    idle: Callable[[Tokens], bool] = lambda _: True,
    depth: int = 0,
) -> tuple[Entry, ...]:
    """A list that means the same, of which no entry can be dropped and no two be merged into one.

    Parameters
    ----------
    entries
        The list as it stands.
    same
        Whether a list in its place would mean the same to every client; every step asks it.
    idle
        Whether nobody cares what this list says of a literal subject, because another list settles it. It spares
        asking `same` in vain; without it every entry and every pair is asked about.
    depth
        The most tokens an entry of any list of the block has.

    Returns
    -------
    tuple
        In the order read, a merged entry in the place of the first of its two.
    """
    kept = tuple(entries)
    depth = max(depth, *(len(entry.subject.tokens) for entry in kept)) + 1
    while True:
        kept = _dropped(kept, same, idle, depth)
        merged = _merged(kept, same, idle, depth)
        if merged is None:
            return kept
        kept = merged


def _dropped(
    entries: tuple[Entry, ...],
    same: Callable[[tuple[Entry, ...]], bool],
    idle: Callable[[Tokens], bool],
    depth: int,
) -> tuple[Entry, ...]:
    trie, bits = _trie(entries)
    # The longest go first: of two that could stand for each other the shorter stays.
    for entry in sorted(entries, key=lambda entry: (-len(entry.text), entry.text)):
        index = entries.index(entry)
        fewer, others = (*entries[:index], *entries[index + 1 :]), (*bits[:index], *bits[index + 1 :])
        left = sum(others)
        spared = fewer and _all_spared(entry, lambda subject: trie.match(subject) & left or idle(subject), depth)  # noqa: B023
        if spared and same(fewer):
            entries, bits = fewer, others
    return entries


def _merged(
    entries: tuple[Entry, ...],
    same: Callable[[tuple[Entry, ...]], bool],
    idle: Callable[[Tokens], bool],
    depth: int,
) -> tuple[Entry, ...] | None:
    trie, _ = _trie(entries)
    known: dict[Tokens, bool] = {}

    def is_spared(subject: Tokens) -> bool:
        spared = known.get(subject)
        if spared is None:
            spared = known[subject] = bool(trie.match(subject)) or idle(subject)
        return spared

    plain = [entry.queue is None and entry.subject.is_valid for entry in entries]
    for left, right in combinations(range(len(entries)), 2):
        one, two = entries[left], entries[right]
        if one.queue != two.queue or one.is_template or two.is_template:
            continue
        tokens = _joined(one.subject.tokens, two.subject.tokens)
        # Most pairs end here, before an entry is made of them.
        if plain[left] and plain[right] and not is_spared(_generic(tokens, len(tokens))):
            continue
        text = ".".join(tokens)
        joined = Entry(text if one.queue is None else f"{text} {one.queue}")
        if not _all_spared(joined, is_spared, depth):
            continue
        merged = (*entries[:left], joined, *entries[left + 1 : right], *entries[right + 1 :])
        if same(merged):
            return merged
    return None


def _trie(entries: Sequence[Entry]) -> tuple[Automaton, tuple[int, ...]]:
    """The plain entries with a bit each, and the bit of every entry."""
    bits = tuple(1 << index for index in range(len(entries)))
    numbered = zip(entries, bits, strict=True)
    return Automaton((e.subject.tokens, bit) for e, bit in numbered if e.queue is None and e.subject.is_valid), bits


def _all_spared(entry: Entry, is_spared: Callable[[Tokens], object], depth: int) -> bool:
    """Whether all subjects of an entry may be; a queue entry or an ignored one always may."""
    if entry.queue is not None or not entry.subject.is_valid:
        return True
    tokens = entry.subject.tokens
    return all(is_spared(_generic(tokens, length)) for length in _lengths(tokens, depth))


def _joined(one: Tokens, two: Tokens) -> Tokens:
    """The narrowest pattern that covers both."""
    if len(one) == len(two) and ">" not in one and ">" not in two:
        return tuple([a if a == b else "*" for a, b in zip(one, two, strict=True)])
    joined: list[str] = []
    for index in range(max(len(one), len(two))):
        last = index == min(len(one), len(two)) - 1
        a, b = one[min(index, len(one) - 1)], two[min(index, len(two) - 1)]
        if ">" in (a, b) or (last and len(one) != len(two)):
            joined.append(">")
            break
        joined.append(a if a == b else "*")
    return tuple(joined)


def _maximal(language: Sequence[Tokens]) -> list[Tokens]:
    """All maximal patterns of a language: what lies in no other pattern that lies in the language.

    `X.*.>` and `Y.*` with X and Y of one length make `(X and Y).>`, the intersection of the prefixes; no other two
    patterns make a pattern that was in neither, so repeating this until nothing new comes finds them all.
    """
    patterns = _outermost(language)
    while True:
        tails = [tokens[:-2] for tokens in patterns if tokens[-1] == ">" and tokens[-2:-1] == ("*",)]
        stars = [tokens[:-1] for tokens in patterns if tokens[-1] == "*"]
        made = {
            (*prefix, ">")
            for tail in tails
            for star in stars
            if len(tail) == len(star) and (prefix := meet_tokens(tail, star)) is not None
        }
        if made <= {*patterns}:
            return patterns
        grown = _outermost([*patterns, *sorted(made)])
        if grown == patterns:
            return patterns
        if len(grown) > MOST_PATTERNS:
            raise TooManyPatternsError
        patterns = grown


def _outermost(patterns: Sequence[Tokens]) -> list[Tokens]:
    entries = [entry_of(".".join(tokens)) for tokens in patterns]
    inside = covered(entries)
    return sorted(tokens for index, tokens in enumerate(patterns) if index not in inside)


def _lengths(tokens: Tokens, depth: int) -> range:
    """Lengths of the subjects a pattern admits, up to where all longer ones behave alike."""
    return range(len(tokens), (depth if tokens[-1] == ">" else len(tokens)) + 1)


def _generic(tokens: Tokens, length: int) -> Tokens:
    """The subject of this length that lies in a pattern only if every subject of this length in ``tokens`` does.

    Its tokens at wildcard places are ones no pattern names; ``*`` serves, for a trie takes it for a plain token.
    """
    fixed = tokens[:-1] if tokens[-1] == ">" else tokens
    return (*fixed, *("*",) * (length - len(fixed)))


def _cheapest(tokens: Tokens, own: Sequence[int], depth: int) -> Tokens:
    r"""The entry of fewest bytes that still admits what no other maximal pattern does.

    That is the pattern itself, or, where it is needed for subjects of one length only, ``*`` in place of its ``>``:
    ``>`` costs 6 bytes in a token (``\u003e``), ``*`` 1 and a dot more for each further one.
    """
    if tokens[-1] != ">" or own != [length := own[0]] or length == depth:
        return tokens
    finite = _generic(tokens, length)
    return finite if _cost(finite) < _cost(tokens) else tokens


def _cost(tokens: Tokens) -> int:
    return sum(len(token) for token in tokens) + len(tokens) - 1 + (5 if tokens[-1] == ">" else 0)
