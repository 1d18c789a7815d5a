"""JSON read and written as Go's ``encoding/json`` does it, so that permopt and the server see the same claims.

Go matches member names whatever their case, lets a repeated member overwrite (scalars, lists of text) or merge
(objects), takes null for "leave it as it is", and refuses a value of the wrong type. All of that decides what a
server makes of a hostile token, so it is kept; what Go refuses is refused here, with the place named.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable, Collection, Mapping
from typing import Any, NoReturn

from optimizer.errors import TokenError
from optimizer.text import printable

Json = Any
Reader = Callable[[Json, Json], Json]
"""Takes a JSON value and what an earlier member of the same name left (or None), and returns the value read."""

UNKNOWN = "unknown"
"""Where a `Struct` keeps the members it does not know. No token has a known member of that name."""

_MAX_DEPTH = 64  # of members nobody knows; the deepest struct of a token has 6 levels
_EXACT = 2**53
_INTEGERS = {int}
_STRINGS = {str}
_STRINGS_AND_NULL = {str, type(None)}
_WRITTEN_IN_FULL = 1e21  # from here on Go writes an exponent
_LONE_SURROGATE = re.compile("[\ud800-\udfff]")
_ESCAPED = {char: f"\\u{ord(char):04x}" for char in "<>&\u2028\u2029"}


class Mismatch(Exception):  # noqa: N818 it never leaves this package
    """A value of the wrong type; the path to it is gathered on the way out."""

    def __init__(self, expected: str, found: Json) -> None:
        super().__init__(expected)
        self.path: list[str] = []
        self.expected = expected
        self.found = found

    def __str__(self) -> str:
        where = "".join(printable(part)[:64] for part in reversed(self.path)).lstrip(".")
        return f"`{where or 'payload'}` is {_kind(self.found)}, {self.expected} is expected"


class Repeated(dict[str, Json]):
    """An object that names a member more than once: its items are all of them, in the order written."""

    def __init__(self, pairs: list[tuple[str, Json]]) -> None:
        super().__init__(pairs)
        self.pairs = pairs

    def items(self) -> Any:  # noqa: ANN401 it is only ever iterated
        """All pairs."""
        return self.pairs


def parse(payload: bytes) -> dict[str, Json]:
    """The JSON object in ``payload``, or TokenError."""
    try:
        text = payload.decode()
        value = _DECODER.decode(text)
    except UnicodeDecodeError as problem:
        raise TokenError(f"the payload is not UTF-8 at byte {problem.start}") from None
    except json.JSONDecodeError as problem:
        raise TokenError(f"the payload is not JSON: {problem.msg.lower()} at byte {problem.pos}") from None
    except ValueError as problem:
        raise TokenError(f"the payload is not JSON that Go reads: {str(problem)[:80].lower()}") from None
    except RecursionError:
        raise TokenError("the payload is nested too deep") from None
    if not isinstance(value, dict):
        raise TokenError("the payload is not a JSON object")
    if "\\ud" in text or "\\uD" in text:
        value = _without_surrogates(value)
    found: dict[str, Json] = value
    return found


def go_json(value: Json) -> bytes:
    r"""JSON as ``json.Marshal`` writes it: compact, HTML-escaped, members in the order given.

    Examples
    --------
    >>> go_json({"allow": ["a.>"]})
    b'{"allow":["a.\\u003e"]}'
    """
    text = _ENCODER.encode(value)
    for char, escape in _ESCAPED.items():  # they can only stand inside strings
        if char in text:
            text = text.replace(char, escape)
    return text.encode()


class Struct:
    """A reader of objects whose members are known.

    Parameters
    ----------
    members
        Name to reader. What has another name is kept under `UNKNOWN` in the dict read.
    """

    def __init__(self, members: Mapping[str, Reader]) -> None:
        self.members = {name: (reader, _AS_IT_IS.get(reader)) for name, reader in members.items()}
        self._names = frozenset(members)

    def __call__(self, value: Json, old: Json) -> Json:
        """The members read, by name; an absent one is absent."""
        if not isinstance(value, dict):
            if value is None:
                return old
            raise Mismatch("an object", value)
        known: dict[str, Json] = {} if old is None else old
        members = self.members
        for name, item in value.items():
            key = name
            member = members.get(key)
            if member is None:
                key = folded(name)
                member = members.get(key)
                if member is None:
                    known.setdefault(UNKNOWN, {})[name] = _kept(item, name)
                    continue
            reader, as_it_is = member
            if type(item) is as_it_is:
                known[key] = item
                continue
            try:
                known[key] = reader(item, known.get(key))
            except Mismatch as problem:
                problem.path.append("." + key)
                raise
        return known


class GenericStruct(Struct):
    """A struct that Go reads from what it first read as ``interface{}``. Server: ``SigningKeys.UnmarshalJSON``.

    That is `plain` before reading. Where all names are known and written once, only the member that a refusal names
    depends on it.
    """

    def __call__(self, value: Json, old: Json) -> Json:
        """The members read, by name; an absent one is absent."""
        if type(value) is dict and self._names.issuperset(value):
            try:
                return super().__call__(value, old)
            except Mismatch:
                pass
        return super().__call__(plain(value), old)


def optional(struct: Reader) -> Reader:
    """A reader for a Go pointer: null takes the value away."""
    return lambda value, old: None if value is None else struct(value, old)


def text(value: Json, old: Json) -> Json:
    """A reader of a string."""
    if type(value) is str:
        return value
    if value is None:
        return "" if old is None else old
    raise Mismatch("a string", value)


def flag(value: Json, old: Json) -> Json:
    """A reader of a boolean."""
    if value is True or value is False:
        return value
    if value is None:
        return bool(old)
    raise Mismatch("true or false", value)


def bounded(low: int, high: int) -> Reader:
    """A reader of integers in a range; a fraction or an exponent is refused, as Go does."""

    def integer(value: Json, old: Json) -> Json:
        if type(value) is int and low <= value <= high:
            return value
        if value is None:
            return old or 0
        raise Mismatch(f"an integer from {low} to {high}", value)

    return integer


_LEAST, _MOST = -(2**63), 2**63 - 1
integer = bounded(_LEAST, _MOST)


def through_float(value: Json, old: Json) -> Json:
    """A reader of an integer that Go takes through a float64 and its shortest decimal form.

    Server: ``SigningKeys.UnmarshalJSON``, which marshals what it read as ``interface{}`` and reads that again.
    """
    if type(value) is int and abs(value) <= _EXACT:
        return value
    if type(value) not in (int, float):
        return integer(value, old)
    try:
        number = float(value)
    except OverflowError:
        number = math.inf
    if not number.is_integer() or abs(number) >= _WRITTEN_IN_FULL:
        raise Mismatch("an integer", value)
    from decimal import Decimal  # noqa: PLC0415 a number above 2**53 or with an exponent, which nsc never writes

    return integer(int(Decimal(repr(number))), old)


_AS_IT_IS: Mapping[Reader, type] = {text: str, flag: bool}
"""Readers, each with a type whose values it returns as they are, whatever came before."""


def texts(value: Json, old: Json) -> Json:
    """A reader of a list of strings, as a tuple; null is None."""
    if value is None:
        return None
    if type(value) is list:
        kinds = set(map(type, value))
        if kinds <= _STRINGS:
            return tuple(value)
        if kinds <= _STRINGS_AND_NULL and not old:
            return tuple([item or "" for item in value])
    raise Mismatch("a list of strings", value)


def listed(struct: Reader, *, null: bool = True) -> Reader:
    """A reader of a list of objects, as a tuple; ``null`` elements are empty objects, or refused."""

    def objects(value: Json, old: Json) -> Json:
        if value is None:
            return None
        if type(value) is not list:
            raise Mismatch("a list", value)
        if old:  # Go would merge the second list into the first, element by element
            raise Mismatch("one list, not two of that name,", value)
        found: list[Json] = []
        try:
            for item in value:
                if item is None and not null:
                    raise Mismatch("an object", item)  # noqa: TRY301 the index is added below
                found.append(struct(item, None) or {})
        except Mismatch as problem:
            problem.path.append(f"[{len(found)}]")
            raise
        return tuple(found)

    return objects


def mapped(reader: Reader) -> Reader:
    """A reader of an object whose member names are data, such as keys or subjects."""

    def mapping(value: Json, old: Json) -> Json:
        if value is None:
            return None
        if not isinstance(value, dict):
            raise Mismatch("an object", value)
        if reader is integer and type(value) is dict and old is None and _are_integers(value.values()):
            return value
        found: dict[str, Json] = {} if old is None else old
        for name, item in value.items():
            try:
                found[name] = reader(item, None)
            except Mismatch as problem:
                problem.path.append(f"[{name}]")
                raise
        return found

    return mapping


def folded(name: str) -> str:
    """A member name as Go compares it: without case, and the long s and the Kelvin sign are letters."""
    return name.lower().replace("\u017f", "s")


def plain(value: Json) -> Json:
    """A value as Go holds it in an ``interface{}``: of repeated members the last, names sorted."""
    if isinstance(value, dict):
        return {name: plain(item) for name, item in sorted(dict(value.items()).items())}
    if isinstance(value, list):
        return [plain(item) for item in value]
    return value


def _kept(value: Json, name: str) -> Json:
    """A member nobody knows, if it can be written again."""
    level, depth = [value], 0
    while level:
        depth += 1
        if depth > _MAX_DEPTH:
            raise TokenError(f"`{printable(name)[:64]}` is nested too deep")
        for item in level:
            if type(item) is float and not math.isfinite(item):
                raise TokenError(f"`{printable(name)[:64]}` holds a number that no float64 holds")
        level = [inner for item in level for inner in _children(item)]
    return value


def _are_integers(values: Collection[Json]) -> bool:
    """Whether `integer` reads each of the values as it is."""
    return set(map(type, values)) == _INTEGERS and min(values) >= _LEAST and max(values) <= _MOST


def _children(value: Json) -> list[Json]:
    if isinstance(value, dict):
        return [item for _, item in value.items()]  # of Repeated all count
    return value if isinstance(value, list) else []


def _without_surrogates(value: Json) -> Json:
    """Every lone surrogate replaced by U+FFFD, as Go does while reading."""
    if isinstance(value, str):
        return _LONE_SURROGATE.sub("\ufffd", value)
    if isinstance(value, dict):
        return _object([(_without_surrogates(k), _without_surrogates(v)) for k, v in value.items()])
    if isinstance(value, list):
        return [_without_surrogates(item) for item in value]
    return value


def _object(pairs: list[tuple[str, Json]]) -> dict[str, Json]:
    found = dict(pairs)
    return found if len(found) == len(pairs) else Repeated(pairs)


def _no_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not a number")


def _kind(value: Json) -> str:
    match value:
        case None:
            return "null"
        case bool():
            return "a boolean"
        case str():
            return "a string"
        case int() | float():
            return "a number"
        case list():
            return "a list"
        case _:
            return "an object"


_DECODER = json.JSONDecoder(object_pairs_hook=_object, parse_constant=_no_constant)
_ENCODER = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"))
