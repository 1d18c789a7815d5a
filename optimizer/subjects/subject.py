"""Subjects and permission entries as the server tokenises them."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache

from optimizer.subjects.once import once

# Go's unicode.IsSpace, which strings.Fields splits on.
_SPACES = re.compile("[\t\n\v\f\r \x85\xa0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000]+")

# What isValidSubject refuses inside a token.
_SERVER_SPACES = frozenset("\t\n\f\r ")

# What separates words in the protocol, so that no client can name it in a subject.
_BLANKS = frozenset(" \t\r\n")

_PLAIN = re.compile(r"(?:(?:[^\s.*>]+|\*)\.)*(?:[^\s.*>]+|[*>])")
_UP_TO_WILDCARD = re.compile(r"[^*>]*")

# Server: mustacheRE in auth.go.
TEMPLATE = re.compile(r"{{2}([^}]+)}{2}")


@dataclass(frozen=True)
class Subject:
    """A subject, its tokens, and what set of literal subjects it stands for.

    Examples
    --------
    >>> Subject("orders.*").covers(Subject("orders.us"))
    True
    >>> Subject("orders.*").covers(Subject("orders.>"))
    False
    """

    text: str

    @once
    def tokens(self) -> tuple[str, ...]:
        """The text split at dots."""
        return tuple(self.text.split("."))

    @once
    def is_valid(self) -> bool:
        """Whether the server inserts it into a permission list instead of ignoring it.

        Server: ``isValidSubject``: no empty token, no white space, ``>`` only last.
        """
        tokens = self.tokens
        return all(tokens) and ">" not in tokens[:-1] and _SERVER_SPACES.isdisjoint(self.text)

    @property
    def has_wildcard(self) -> bool:
        """Whether any token is a whole ``*`` or ``>``. Server: ``subjectHasWildcard``."""
        return "*" in self.tokens or ">" in self.tokens

    @property
    def is_template(self) -> bool:
        """Whether it holds ``{{...}}``, which a scoped signing key expands per user."""
        return TEMPLATE.search(self.text) is not None

    def covers(self, other: Subject) -> bool:
        """Whether every literal subject of ``other`` is one of this.

        Also how a request is matched against an entry: the server takes the ``*`` and ``>`` of a request for plain
        tokens, so that an entry ``a.*`` admits the request ``a.>`` without covering it: ask `admits` for that.
        """
        mine, theirs = self.tokens, other.tokens
        for index, token in enumerate(mine):
            if index >= len(theirs):
                return False
            if token == ">":
                return True
            if theirs[index] == ">" or (token != "*" and token != theirs[index]):
                return False
        return len(mine) == len(theirs)

    def admits(self, request: Subject) -> bool:
        """Whether an entry of this subject matches a request, wildcards in it taken as plain tokens.

        Server: ``matchLevel`` in sublist.go.
        """
        mine, theirs = self.tokens, request.tokens
        if not all(theirs):
            return False
        for index, token in enumerate(mine):
            if index >= len(theirs):
                return False
            if token == ">":
                return True
            if token not in ("*", theirs[index]):
                return False
        return len(mine) == len(theirs)

    def overlaps(self, other: Subject) -> bool:
        """Whether some literal subject belongs to both. Server: ``SubjectsCollide``."""
        mine, theirs = self.tokens, other.tokens
        for left, right in zip(mine, theirs, strict=False):
            if left == ">" or right == ">":
                return True
            if left != right and "*" not in (left, right):
                return False
        return len(mine) == len(theirs)

    def __str__(self) -> str:
        return self.text


@dataclass(frozen=True)
class Entry:
    """One element of an allow or deny list: a subject, and in a subscribe list possibly a queue name pattern."""

    text: str

    def __hash__(self) -> int:
        return hash(self.text)

    @once
    def _fields(self) -> tuple[str, ...]:
        return tuple(field for field in _SPACES.split(self.text) if field)

    @once
    def subject(self) -> Subject:
        """The subject part."""
        return Subject(self._fields[0] if self._fields else "")

    @property
    def fields(self) -> int:
        """How many words separated by white space it has."""
        return len(self._fields)

    @once
    def queue(self) -> str | None:
        """The queue name pattern, or None for a plain entry."""
        return self._fields[1] if len(self._fields) > 1 else None

    @once
    def is_template(self) -> bool:
        """Whether the whole text holds ``{{...}}``."""
        return TEMPLATE.search(self.text) is not None

    @once
    def is_plain(self) -> bool:
        """Whether every check of every server takes it for the same tokens: words, whole wildcards, ``>`` only last."""
        return _PLAIN.fullmatch(self.text) is not None

    @once
    def head(self) -> str:
        """The text before the first wildcard."""
        return _UP_TO_WILDCARD.match(self.text).group()  # type: ignore[union-attr]  # INVARIANT: it matches ""

    def is_ignored(self, *, publish: bool) -> bool:
        """Whether the server passes over it, though it still makes its list non-empty.

        Server: ``setPermissions`` skips what ``IsValidSubject`` or ``splitSubjectQueue`` refuses.
        """
        return self._ignored_to_publish if publish else self._ignored_to_subscribe

    @once
    def _ignored_to_publish(self) -> bool:
        return not Subject(self.text).is_valid

    @once
    def _ignored_to_subscribe(self) -> bool:
        return (
            len(self._fields) > 2  # noqa: PLR2004 subject, queue
            or not self.subject.is_valid
            or (self.queue is not None and not Subject(self.queue).is_valid)
        )

    def refusal(self, *, publish: bool) -> str | None:
        """Why the server refuses the whole connection over this entry, or None.

        Server: ``checkPermission`` in jwt's types.go, run when a user token is decoded for a connection.
        """
        if publish and " " in self.text:
            return self._malformed or "names a queue in a publish list"
        return self._malformed

    @once
    def _malformed(self) -> str | None:
        parts = self.text.split(" ")
        if len(parts) > 2:  # noqa: PLR2004 subject, queue
            return "contains too many spaces"
        for part in parts:
            if part == "":
                return "has an empty subject or queue"
            if part[0] == "." or part[-1] == "." or ".." in part:
                return "has an empty token"
        return None

    def __str__(self) -> str:
        return self.text


def reach(subject: Subject) -> Subject:
    """Every subject that a subscription admitted by an allow entry can receive: a final ``*`` reaches all depths.

    Server: ``canSubscribeInternal`` takes the ``>`` of ``SUB a.>`` for a plain token, which ``a.*`` matches.
    """
    return Subject(f"{subject.text[:-1]}>") if subject.tokens[-1] == "*" else subject


def meet(one: Subject, other: Subject) -> Subject | None:
    """The pattern of exactly the subjects that lie in both, or None where there are none.

    Parameters
    ----------
    one, other
        Valid patterns; no two meet in more than one.

    Examples
    --------
    >>> meet(Subject("*.b.>"), Subject("a.*.*"))
    Subject(text='a.b.*')
    """
    short, long = sorted((one.tokens, other.tokens), key=lambda tokens: (len(tokens), tokens[-1] != ">"))
    if short[-1] != ">" and len(short) != len(long):
        return None
    fixed = len(short) - (short[-1] == ">")
    common = meet_tokens(short[:fixed], long[:fixed])
    return None if common is None else Subject(".".join((*common, *long[fixed:])))


def meet_tokens(left: tuple[str, ...], right: tuple[str, ...]) -> tuple[str, ...] | None:
    """The prefix that matches what two prefixes of one length both match, or None where nothing is."""
    both = []
    for a, b in zip(left, right, strict=True):
        if a != b and "*" not in (a, b):
            return None
        both.append(b if a == "*" else a)
    return tuple(both)


def is_word(token: str) -> bool:
    """Whether a client can send it; the server takes a queue entry's name for the end of its last token in places."""
    return _BLANKS.isdisjoint(token)


entry_of = lru_cache(maxsize=1 << 16)(Entry)
"""The entry of a text; lists share most of theirs, and an entry remembers what was worked out about it."""
