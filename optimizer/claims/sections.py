"""A token by section: the sums of `optimizer.claims.weigh`, found some 30 times as fast where Go wrote the payload.

To charge a token byte by byte takes a millisecond; a store has thousands. A section's edges are enough for its sum, and
a few compiled patterns find those. Where they cannot (white space, deep nesting, a name twice), `weigh` does the work.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from functools import lru_cache
from heapq import nsmallest
from typing import TYPE_CHECKING, Any, NamedTuple

from optimizer.claims.gojson import folded
from optimizer.claims.token import header_size
from optimizer.claims.weigh import HEADER, SIGNATURE, Weight, step, weigh

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from optimizer.claims.token import Token

ACTIVATIONS = "/nats/imports/*/token"
"""The activation tokens that private imports carry: a section of its own, beside what else their imports weigh."""

_TEXT = rb'"[^"\\]*+(?:\\.[^"\\]*+)*+"'
_PLAIN = rb'[^"{}\[\]]*+'
_DEEPEST = 6  # `signing_keys` lies five deep: list, scope, template, pub, allow


def _box(depth: int) -> bytes:
    """A pattern for a list or an object of valid JSON, of so many levels."""
    inner = b"|" + _box(depth - 1) if depth > 1 else b""
    return rb"[{\[]" + _PLAIN + rb"(?:(?:" + _TEXT + inner + rb")" + _PLAIN + rb")*+[}\]]"


_VALUE = rb"(?:" + _TEXT + rb"|[-+.0-9A-Za-z]++|" + _box(_DEEPEST) + rb"),?"
_MEMBER = re.compile(rb"(" + _TEXT + rb"):" + _VALUE, re.DOTALL)
_ELEMENT = re.compile(_VALUE, re.DOTALL)
_NATS = b'"nats":{'
_IMPORTS = "/nats/imports"
_LETTER_ESCAPED = re.compile(rb"\\u00[4-7]")  # Go escapes no letter: a name written so is left to `weigh`
_ESCAPE = re.compile(rb"\\(?:u00(3[eEcC]|26)|.)", re.DOTALL)
_name = lru_cache(4096)(step)  # a store's tokens share theirs
_folded = lru_cache(4096)(folded)
_LISTS = {"pub": 2, "sub": 2, "default_permissions": 3}
"""How many steps below its section an entry of a permission block is; elsewhere it is one."""
_DEEPEST_ENTRY = 5
"""Steps of the longest pointer to an entry, one of ``/nats/default_permissions/pub/allow``."""


@dataclass(frozen=True, slots=True)
class Section:
    """A part of a token, and all that lies in it.

    Parameters
    ----------
    pointer
        A JSON pointer into the payload: of a claim beside ``nats``, or of a member of it; ``/nats`` and the empty one
        for their names and brackets alone; `HEADER`, `SIGNATURE`, and `ACTIVATIONS`, which no import section includes.
    entries
        Elements of a list, members of an object, entries of all lists of a permission block; 1 for a single value, 0
        for what only surrounds others.
    payload_bytes, token_bytes
        As `optimizer.claims.weigh.Weight` has them. The ``token_bytes`` of a token's sections sum to its size.
    """

    pointer: str
    entries: int
    payload_bytes: int
    token_bytes: int


@dataclass(frozen=True, slots=True)
class Escapes:
    r"""Characters that JSON as Go writes it spells with six bytes, ``\u003e`` for ``>``.

    Go: ``encoding/json`` escapes ``<``, ``>`` and ``&`` for HTML.
    """

    greater: int
    less: int
    ampersand: int

    @property
    def payload_bytes(self) -> int:
        """All the payload bytes they take; a sixth would do for plain JSON, which the library does not write."""
        return 6 * (self.greater + self.less + self.ampersand)


class _Span(NamedTuple):
    """Where a value stands in the payload: ``start`` with its name, ``end`` with the comma after it."""

    pointer: str
    start: int
    value: int
    end: int

    def sizes(self) -> tuple[int, int]:
        return self.end - self.start, _encoded(self.end) - _encoded(self.start)


def section_weights(token: Token) -> tuple[Weight, ...]:
    """The bytes of a token by section, header first and signature last; the ``token_bytes`` sum to its size.

    Parameters
    ----------
    token
        One whose payload decodes.
    """
    spans = _spans(token.payload)
    if spans is None:
        return _weighed(token)
    sums: dict[str, tuple[int, int]] = {}
    for span in spans:
        payload, encoded = span.sizes()
        before = sums.get(span.pointer)
        sums[span.pointer] = (payload, encoded) if before is None else (before[0] + payload, before[1] + encoded)
    frame = header_size(token) + 1
    rest = token.size - frame - _encoded(len(token.payload))
    return (
        Weight(HEADER, 0, frame),
        *(Weight(pointer, *sizes) for pointer, sizes in sums.items()),
        Weight(SIGNATURE, 0, rest),
    )


def sections(token: Token) -> tuple[Section, ...]:
    """The same with the entries of each section counted, in twice the time.

    Parameters
    ----------
    token
        One whose payload decodes.
    """
    claims = _loaded(token.payload)
    return tuple(
        Section(each.pointer, _entries(each.pointer, claims), each.payload_bytes, each.token_bytes)
        for each in section_weights(token)
    )


def largest_entries(token: Token, most: int) -> tuple[Weight, ...]:
    """The entries that weigh most, heaviest first: an import, an export, a signing key, a subject, a single claim.

    Parameters
    ----------
    token
        One whose payload decodes.
    most
        How many to give.
    """
    spans = _spans(token.payload)
    try:
        weights = _entries_weighed(token) if spans is None else [*_entry_weights(token.payload, spans)]
    except _OddlyWrittenError:
        weights = _entries_weighed(token)
    return tuple(nsmallest(most, weights, key=lambda each: -each.token_bytes))


def escapes(token: Token) -> Escapes:
    """How often ``>``, ``<`` and ``&`` are written with six bytes in a token."""
    payload = token.payload
    if b"\\\\" not in payload and b"\\u003E" not in payload and b"\\u003C" not in payload:
        return Escapes(payload.count(b"\\u003e"), payload.count(b"\\u003c"), payload.count(b"\\u0026"))
    found = [escaped.lower() for escaped in _ESCAPE.findall(payload)]
    return Escapes(found.count(b"3e"), found.count(b"3c"), found.count(b"26"))


class _OddlyWrittenError(Exception):
    """The payload is not as Go writes it."""


def _encoded(length: int) -> int:
    return -(-4 * length // 3)


def _spans(payload: bytes) -> list[_Span] | None:
    """The sections of a payload as Go writes it; None of another."""
    if payload[:1] != b"{":
        return None
    try:
        return [*_claims(payload)]
    except _OddlyWrittenError:
        return None


def _claims(payload: bytes) -> Iterator[_Span]:
    yield _Span("", 0, 0, 1)
    end = 1
    names: set[str] = set()
    while not payload.startswith(b"}", end):
        if payload.startswith(_NATS, end):
            name = "nats"
            for span in _nats(payload, end):
                end = span.end
                yield span
        else:
            member = _MEMBER.match(payload, end)
            if member is None:
                raise _OddlyWrittenError
            name = _name(member[1])
            if _folded(name) == "nats":
                raise _OddlyWrittenError
            yield _Span(f"/{name}", end, member.end(1) + 1, member.end())
            end = member.end()
        if name in names:
            raise _OddlyWrittenError
        names.add(name)
    if end + 1 != len(payload):
        raise _OddlyWrittenError
    yield _Span("", end, end, end + 1)


def _nats(payload: bytes, start: int) -> Iterator[_Span]:
    """What the ``nats`` object that begins at ``start`` consists of."""
    end = start + len(_NATS)
    yield _Span("/nats", start, end - 1, end)
    for span in _members(payload, end, "/nats"):
        end = span.end
        if span.pointer == _IMPORTS:
            yield from _imports(payload, span)
        else:
            yield span
    yield _Span("/nats", end, end, end + 1 + payload.startswith(b",", end + 1))


def _imports(payload: bytes, span: _Span) -> Iterator[_Span]:
    """The section of imports, cut where an activation token stands in it."""
    if _LETTER_ESCAPED.search(payload, span.start, span.end) is not None:
        raise _OddlyWrittenError
    if payload.find(b'"token":', span.start, span.end) < 0:
        yield span
        return
    start = span.start
    for element in _elements(payload, span.value + 1, span.pointer):
        if not payload.startswith(b"{", element.value):
            raise _OddlyWrittenError
        for member in _members(payload, element.value + 1, ""):
            if member.pointer == "/token":
                yield _Span(span.pointer, start, span.value, member.start)
                yield _Span(ACTIVATIONS, member.start, member.value, member.end)
                start = member.end
    yield _Span(span.pointer, start, span.value, span.end)


def _members(payload: bytes, start: int, pointer: str) -> Iterator[_Span]:
    """The members of an object that begins before ``start``, each name once."""
    end = start
    names = set()
    following = _MEMBER.scanner(payload, start).match  # type: ignore[attr-defined]  # there since Python 2.1
    while (member := following()) is not None:
        end = member.end()
        name = _name(member[1])
        if name in names:
            raise _OddlyWrittenError
        names.add(name)
        yield _Span(f"{pointer}/{name}", member.start(), member.end(1) + 1, end)
    if not payload.startswith(b"}", end):
        raise _OddlyWrittenError


def _elements(payload: bytes, start: int, pointer: str) -> Iterator[_Span]:
    """The elements of a list that begins before ``start``."""
    end = start
    following = _ELEMENT.scanner(payload, start).match  # type: ignore[attr-defined]
    count = 0
    while (element := following()) is not None:
        end = element.end()
        yield _Span(f"{pointer}/{count}", element.start(), element.start(), end)
        count += 1
    if not payload.startswith(b"]", end):
        raise _OddlyWrittenError


def _entry_weights(payload: bytes, spans: list[_Span]) -> Iterator[Weight]:
    imports = [span for span in spans if span.pointer in (_IMPORTS, ACTIVATIONS)]
    if imports:  # one list again, whatever it was cut into
        first = imports[0]
        yield from _below(payload, _Span(_IMPORTS, first.start, first.value, imports[-1].end), 1)
    for span in spans:
        if span.pointer not in ("", "/nats", _IMPORTS, ACTIVATIONS):
            yield from _below(payload, span, _LISTS.get(span.pointer.removeprefix("/nats/"), 1))


def _below(payload: bytes, span: _Span, steps: int) -> Iterator[Weight]:
    """What lies so many steps below a value; the value itself where it holds nothing."""
    is_empty = True
    if steps > 0 and payload[span.value] in b"{[":
        inside = _members if payload.startswith(b"{", span.value) else _elements
        for part in inside(payload, span.value + 1, span.pointer):
            is_empty = False
            yield from _below(payload, part, steps - 1)
    if is_empty:
        yield Weight(span.pointer, *span.sizes())


def _weighed(token: Token) -> tuple[Weight, ...]:
    """The sections by `weigh`, which can tell of any payload."""
    return _summed((_section_of(weight.pointer), weight) for weight in weigh(token, _DEEPEST_ENTRY))


def _section_of(pointer: str) -> str:
    steps = pointer.split("/")
    if len(steps) == 1 or folded(steps[1]) != "nats":
        return "/".join(steps[:2])
    if steps[1:3] == ["nats", "imports"] and steps[4:5] == ["token"]:
        return ACTIVATIONS
    return "/".join(steps[:3])


def _entries_weighed(token: Token) -> tuple[Weight, ...]:
    """The entries by `weigh`."""
    weights = weigh(token, _DEEPEST_ENTRY)
    holders = {weight.pointer.rpartition("/")[0] for weight in weights}
    found = ((_entry_of(weight.pointer, holders), weight) for weight in weights)
    return _summed((pointer, weight) for pointer, weight in found if pointer)


def _entry_of(pointer: str, holders: set[str]) -> str:
    """The entry that a place belongs to; empty for brackets around some, and for the frame."""
    steps = pointer.split("/")
    is_inner = len(steps) > 1 and folded(steps[1]) == "nats"
    deepest = 3 + _LISTS.get(steps[2] if len(steps) > 2 else "", 1) if is_inner else 3  # noqa: PLR2004 of a claim
    if len(steps) == 1 + is_inner or (len(steps) < deepest and pointer in holders):
        return ""
    return "/".join(steps[:deepest])


def _summed(weights: Iterable[tuple[str, Weight]]) -> tuple[Weight, ...]:
    sums: dict[str, tuple[int, int]] = {}
    for pointer, weight in weights:
        payload, encoded = sums.get(pointer, (0, 0))
        sums[pointer] = payload + weight.payload_bytes, encoded + weight.token_bytes
    return tuple(Weight(pointer, *sizes) for pointer, sizes in sums.items())


def _loaded(payload: bytes) -> Any:  # noqa: ANN401 JSON values are what they are
    try:
        return json.loads(payload.decode("utf-8", "replace"), strict=False)
    except (ValueError, RecursionError):
        return None


def _entries(pointer: str, claims: Any) -> int:  # noqa: ANN401 as above
    if pointer in (HEADER, SIGNATURE, ""):
        return 0
    steps = [each.replace("~1", "/").replace("~0", "~") for each in pointer.split("/")[1:]]
    if pointer == ACTIVATIONS:
        imports = claims["nats"]["imports"]
        return sum(isinstance(each, dict) and "token" in each for each in imports)
    value = claims
    for name in steps:
        value = value.get(name) if isinstance(value, dict) else None
    if len(steps) == 1 and folded(steps[0]) == "nats" and isinstance(value, dict):
        return 0
    if isinstance(value, dict) and steps[-1] in _LISTS:
        return _listed(value)
    return len(value) if isinstance(value, (dict, list)) else 1


def _listed(block: Mapping[str, Any]) -> int:
    """Entries of the lists of a permission block."""
    return sum(
        _listed(value) if isinstance(value, dict) else len(value) if isinstance(value, list) else 0
        for value in block.values()
    )
