"""Patterns that could stand for several entries of a list at once, and how far each opens it.

Nothing here says which of them to take (`optimizer.subjects.choose` does), nor that taking one is safe: every candidate
admits more than the entries it replaces. What it admits of the subjects somebody knows is `matched`; of those nobody
has seen, `openness` is the price.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from optimizer.settings import Weights

Tokens = tuple[str, ...]

SHALLOW = 8
"""A pattern of so many tokens before a `>` may have a star at each: 2^(8+1) patterns a literal, 511."""

DEEP_STARS = 3
"""A longer pattern gets so many new stars at most."""

EFFORT = 10_000_000
"""How many entries may be looked at, over all patterns tried; patterns with fewer new stars are tried first."""

NODE_EFFORT = 10
"""What a pattern costs beside its entries."""

_WILD = frozenset("*>")
_ESCAPED = frozenset("<>&")


@dataclass(frozen=True, slots=True)
class Generalisation:
    """A pattern that admits all of several entries, and more.

    Parameters
    ----------
    tokens
        The pattern.
    covers
        Ascending indices of the entries it can replace: each lies inside it, as `Subject.covers` says.
    """

    tokens: Tokens
    covers: tuple[int, ...]


def generalisations(entries: Sequence[Tokens], *, keep_prefix: int = 1, least: int = 3) -> list[Generalisation]:
    """Every pattern worth considering in place of some entries of a list.

    Siblings become ``*`` (``orders.*``), subtrees ``>`` (``orders.>``), and cuts across the tree both
    (``*.created``, ``*.us.>``, ``orders.*.created``).

    Parameters
    ----------
    entries
        Subjects the server accepts, as tokens; wildcards and templates among them.
    keep_prefix
        How many leading tokens stay as they are. A cut across the tree, which has a literal after a wildcard,
        need not keep them: that literal is what it keeps.
    least
        How many entries a pattern must replace.

    Returns
    -------
    list
        In the order of their tokens. Of patterns that replace the same entries, one is left out if another lies
        inside it and takes no more bytes.

    Notes
    -----
    A template may expand to several tokens or to none the server accepts, so it stays where it is and equals only its
    own text; ``>`` alone may replace a tail with templates in it. It counts as a literal.

    Not every pattern is tried: one of more than `SHALLOW` tokens has at most `DEEP_STARS` new stars, in entries
    longer than that a star replaces at least two different tokens, and the search ends after `EFFORT`.

    Examples
    --------
    >>> for found in generalisations([("orders", word) for word in ("made", "paid", "sent")]):
    ...     print(".".join(found.tokens), found.covers)
    orders.* (0, 1, 2)
    """
    standing = set(entries)
    alike: dict[tuple[int, ...], list[_Node]] = {}
    for node in _nodes(entries, max(least, 1)):
        if node.keeps(keep_prefix) and node.pattern(entries) not in standing:
            alike.setdefault(tuple(node.group), []).append(node)
    found = [
        Generalisation(node.pattern(entries), covers)
        for covers, nodes in alike.items()
        for node in _best(nodes, entries)
    ]
    return sorted(found, key=lambda each: each.tokens)


@dataclass(slots=True)
class _Node:
    """The entries that agree outside some starred places before a depth, and the pattern they make there.

    Their shared tokens are those of the first of them, so that a pattern is two numbers.
    """

    group: list[int]
    depth: int
    stars: int = 0  # bit i: place i holds a `*`
    new: int = 0  # how many of these not every entry had
    tail: bool = False  # the pattern ends in `>` at `depth`

    def keeps(self, prefix: int) -> bool:
        if self.depth == 0:
            return prefix <= 0
        leading = (self.stars & -self.stars).bit_length() - 1 if self.stars else self.depth
        return leading >= prefix or self.stars >> leading != (1 << (self.depth - leading)) - 1

    def pattern(self, entries: Sequence[Tokens]) -> Tokens:
        first = entries[self.group[0]]
        tokens = ["*" if self.stars >> place & 1 else first[place] for place in range(self.depth)]
        return (*tokens, ">") if self.tail else tuple(tokens)

    def inside(self, other: _Node) -> bool:
        """Whether its pattern lies inside another's that replaces the same entries."""
        if not other.tail:
            return not self.tail and self.stars | other.stars == other.stars
        below = self.stars & ((1 << other.depth) - 1)
        return self.depth >= other.depth and below | other.stars == other.stars


def _nodes(entries: Sequence[Tokens], least: int) -> Iterator[_Node]:
    """Every pattern that admits at least so many entries, those with fewer new stars first."""
    templates = [_templates(tokens) for tokens in entries]
    effort = EFFORT
    level = [_Node(list(range(len(entries))), 0)]
    while level:
        later: list[_Node] = []  # the same with one more star
        # The deepest first: siblings before cuts, and the least work.
        todo = sorted(level, key=lambda node: node.depth)
        while todo:
            node = todo.pop()
            depth = node.depth
            effort -= len(node.group) + NODE_EFFORT
            if effort < 0:
                return
            ended: list[int] = []
            going: list[int] = []
            starry: list[int] = []
            split: dict[str, list[int]] = {}
            for index in node.group:
                tokens = entries[index]
                if len(tokens) == depth:
                    ended.append(index)
                    continue
                going.append(index)
                token = tokens[depth]
                if templates[index][0] >> depth & 1:
                    split.setdefault(token, []).append(index)
                elif token != ">":
                    starry.append(index)
                    if token != "*":
                        split.setdefault(token, []).append(index)
            if len(ended) >= least:
                yield _Node(ended, depth, node.stars, node.new)
            if len(going) < least:
                continue
            # A template with a dot in it is several tokens; a pattern must not end amid one.
            if not templates[going[0]][1] >> depth & 1:
                yield _Node(going, depth, node.stars, node.new, tail=True)
            if depth >= SHALLOW and node.new > DEEP_STARS:
                continue
            todo += [_Node(group, depth + 1, node.stars, node.new) for group in split.values() if len(group) >= least]
            if len(starry) < least:
                continue
            stars = node.stars | 1 << depth
            if all(entries[index][depth] == "*" for index in starry):
                todo.append(_Node(starry, depth + 1, stars, node.new))
            elif depth < SHALLOW or node.new < DEEP_STARS:
                alone = len(split.get(entries[starry[0]][depth], ())) == len(starry)
                if not alone or all(len(entries[index]) <= SHALLOW for index in starry):
                    later.append(_Node(starry, depth + 1, stars, node.new + 1))
        level = later


def _templates(tokens: Tokens) -> tuple[int, int]:
    """The places that belong to a template, and those before which one is still open (it may hold dots), as bits."""
    places = amid = 0
    inside = False
    for place, token in enumerate(tokens):
        amid |= inside << place
        places |= (inside or "{{" in token) << place
        opening, closing = token.rfind("{{"), token.rfind("}}")
        inside = opening > closing or (inside and closing < 0)
    return places, amid


def _best(nodes: list[_Node], entries: Sequence[Tokens]) -> list[_Node]:
    """Those with no other inside them that takes no more bytes."""
    if len(nodes) == 1:
        return nodes
    sizes = {id(node): payload(node.pattern(entries)) for node in nodes}
    kept: list[_Node] = []
    # Of two patterns of one size the narrower has fewer stars, or a longer head before its `>`.
    for node in sorted(nodes, key=lambda node: (sizes[id(node)], node.tail, -node.depth, node.stars.bit_count())):
        if not any(other.inside(node) for other in kept):
            kept.append(node)
    return kept


def payload(tokens: Tokens) -> int:
    r"""Bytes of a pattern inside the quotes of a JSON text that Go wrote, where ``>`` is ``\u003e``."""
    text = ".".join(tokens)
    return len(text.encode()) + 5 * sum(letter in _ESCAPED for letter in text) + text.count('"') + text.count("\\")


def openness(pattern: Tokens, covered: Iterable[Tokens], *, subscribe: bool, weights: Weights) -> float:
    """How far a pattern opens a list beyond the entries it replaces, whatever subjects are known.

    A new ``*`` costs `Weights.star`. A new ``>`` costs `Weights.tail` for each token that it stands in for in the
    longest entry replaced, one at least. In a subscribe list a final ``*`` costs what a ``>`` does.

    A wildcard is new where not every entry replaced has it (or, for a ``*``, any wildcard) in the same place.
    Known subjects are not counted here: `matched` finds them, and `Weights.known` is their price.

    Server: ``canSubscribe`` matches a request as a text, so that an entry ``a.*`` admits ``SUB a.>``.

    Examples
    --------
    >>> from optimizer.settings import Weights
    >>> openness(("a", "*"), [("a", "b"), ("a", "c")], subscribe=False, weights=Weights())
    1.0
    >>> openness(("a", "*"), [("a", "b"), ("a", "c")], subscribe=True, weights=Weights())
    4.0
    >>> openness(("a", ">"), [("a", "b"), ("a", "c", "d", "e")], subscribe=False, weights=Weights())
    12.0
    """
    replaced = list(covered)
    last = len(pattern) - 1
    price = 0.0
    for place, token in enumerate(pattern):
        if token == ">" or (subscribe and token == "*" and place == last):
            if not all(_reaches(tokens, place, subscribe=subscribe) for tokens in replaced):
                price += weights.tail * max(1, *(len(tokens) - place for tokens in replaced))
        elif token == "*" and not all(tokens[place] in _WILD for tokens in replaced):
            price += weights.star
    return price


def _reaches(tokens: Tokens, place: int, *, subscribe: bool) -> bool:
    """Whether an entry admits the whole subtree from a place on."""
    return len(tokens) == place + 1 and (tokens[place] == ">" or (subscribe and tokens[place] == "*"))


def matched(patterns: Sequence[Tokens], subjects: Sequence[Tokens], *, subscribe: bool) -> list[tuple[int, ...]]:
    """Which literal subjects each pattern admits, as ascending indices.

    Server: in a subscribe list a final ``*`` reaches the whole subtree: ``a.*`` admits ``SUB a.>``, which
    delivers ``a.b.c``.

    Examples
    --------
    >>> matched([("a", "*")], [("a", "b"), ("a", "b", "c")], subscribe=False)
    [(0,)]
    >>> matched([("a", "*")], [("a", "b"), ("a", "b", "c")], subscribe=True)
    [(0, 1)]
    """
    root = _Branch()
    for index, pattern in enumerate(patterns):
        branch = root
        for place, token in enumerate(pattern):
            final = subscribe and token == "*" and place == len(pattern) - 1
            branch = branch.below.setdefault(">" if final else token, _Branch())
        branch.ends.append(index)
    found: list[list[int]] = [[] for _ in patterns]
    # In the order of their tokens, subjects that share a prefix stand together, the shortest first.
    order = sorted(range(len(subjects)), key=subjects.__getitem__)
    todo = [(0, 0, len(order), [root])]
    while todo:
        depth, start, stop, branches = todo.pop()
        here = start
        while here < stop and len(subjects[order[here]]) == depth:
            here += 1
        for branch in branches:
            for index in branch.ends:
                found[index] += order[start:here]
            if ">" in branch.below:
                for index in branch.below[">"].ends:
                    found[index] += order[here:stop]
        while here < stop:
            token, first = subjects[order[here]][depth], here
            while here < stop and subjects[order[here]][depth] == token:
                here += 1
            reached = [branch.below[each] for branch in branches for each in (token, "*") if each in branch.below]
            if reached:
                todo.append((depth + 1, first, here, reached))
    return [tuple(sorted(admitted)) for admitted in found]


@dataclass(slots=True)
class _Branch:
    """Patterns that begin alike."""

    below: dict[str, _Branch] = field(default_factory=dict)
    ends: list[int] = field(default_factory=list)
