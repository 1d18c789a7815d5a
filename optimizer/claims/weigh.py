"""What each part of a token costs: every payload byte is charged to one JSON pointer, and the sums are exact."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING

from optimizer.claims.encode import payload_bytes
from optimizer.claims.token import Token, header_size

if TYPE_CHECKING:
    from collections.abc import Iterable

    from optimizer.claims.model import Claims

HEADER = "#header"
SIGNATURE = "#signature"
DEEPEST = 32
"""Steps of the longest pointer: what Go's library writes into a token has 8 at most."""

_GO_HEADER_SIZE = 46
_SIGNATURE_SIZE = 86
_PIECE = re.compile(rb'"(?:[^"\\]++|\\.)*+"?|[{}\[\],:]|[^"{}\[\],:]+|.', re.DOTALL)
_TEXT = rb'"(?:[^"\\]++|\\.)*+"'
_SCALAR = rb"(?:" + _TEXT + rb"|[-+.0-9A-Za-z]++)"
_NATS, _IMPORTS = b'"nats":', b'"imports":['
_UP_TO_IMPORTS = re.compile(
    rb"\{(?:"
    + _TEXT
    + rb":(?:"
    + _SCALAR
    + rb"|\[(?:"
    + _SCALAR
    + rb",?)*+\]),)*+"
    + _NATS
    + rb"\{"
    + re.escape(_IMPORTS)
)
_FLAT = re.compile(rb"\{(?:" + _TEXT + rb":" + _SCALAR + rb",?)*+\},?")
_QUOTE, _COMMA, _COLON = b'",:'
_OPEN, _CLOSE, _BRACKET = b"{[", b"}]", b"["[0]


@dataclass(frozen=True, slots=True)
class Weight:
    """The bytes that one place of a token costs.

    Parameters
    ----------
    pointer
        A JSON pointer into the payload, or `HEADER` or `SIGNATURE` for what surrounds it. A container's own
        pointer carries its name and brackets; a value's carries its name, itself and the comma after it.
    payload_bytes
        Bytes of the payload JSON.
    token_bytes
        Bytes of the token. Base64 makes 4 of 3; the rounding falls where it falls, so that the sum is exact.
    """

    pointer: str
    payload_bytes: int
    token_bytes: int


def weigh(subject: Token | Claims, depth: int = DEEPEST) -> tuple[Weight, ...]:
    """Every byte of a token, charged once.

    Parameters
    ----------
    subject
        A token, whose own bytes are weighed whoever wrote it; or claims, as `optimizer.claims.encode` writes them.
    depth
        How many steps a pointer may have: what lies deeper is charged to where it lies, as `gathered` does it. Without
        a limit a payload that nests thousands of levels would take memory that grows with the square of them.

    Returns
    -------
    tuple[Weight, ...]
        In the order of the payload, header first and signature last. The ``token_bytes`` sum to the token's size.

    Examples
    --------
    >>> from optimizer.claims.model import UserClaims
    >>> [weight.pointer for weight in weigh(UserClaims(sub="U"))]
    ['#header', '', '/sub', '/nats', '/nats/pub', '/nats/sub', '/nats/type', '/nats/version', '#signature']
    """
    if isinstance(subject, Token):
        head, payload = header_size(subject), subject.payload
    else:
        head, payload = _GO_HEADER_SIZE, payload_bytes(subject)
    return (Weight(HEADER, 0, head + 1), *_weights(payload, depth), Weight(SIGNATURE, 0, _SIGNATURE_SIZE + 1))


def gathered(weights: Iterable[Weight], depth: int) -> tuple[Weight, ...]:
    """The same bytes under pointers of at most ``depth`` steps: what lies deeper is added to where it lies.

    Examples
    --------
    >>> gathered((Weight("/nats/pub", 8, 11), Weight("/nats/pub/allow", 10, 13)), 2)
    (Weight(pointer='/nats/pub', payload_bytes=18, token_bytes=24),)
    """
    sums: dict[str, tuple[int, int]] = {}
    for weight in weights:
        pointer = "/".join(weight.pointer.split("/", depth + 1)[: depth + 1])
        payload, token = sums.get(pointer, (0, 0))
        sums[pointer] = (payload + weight.payload_bytes, token + weight.token_bytes)
    return tuple(Weight(pointer, *sizes) for pointer, sizes in sums.items())


def import_sizes(token: Token) -> tuple[int, ...] | None:
    """Bytes of an account's token that each of its imports costs, as `weigh` charges them to ``/nats/imports/N``.

    Found without weighing the rest, some 30 times as fast, where the payload is as Go writes it and its imports are
    flat; None where only `weigh` can tell.
    """
    payload = token.payload
    head = _UP_TO_IMPORTS.match(payload)
    folded = payload.lower()  # Go takes names in any case, and of two lists the later one
    if head is None or folded.count(_IMPORTS) != 1 or folded.count(_NATS) != 1:
        return None
    ends, end = [head.end()], head.end()
    while (element := _FLAT.match(payload, end)) is not None:
        end = element.end()
        ends.append(end)
    if payload[end : end + 1] != b"]":
        return None
    sizes = [-(-4 * each // 3) for each in ends]
    return tuple(after - before for before, after in pairwise(sizes))


class _Container:
    """An open object or list while its bytes are charged."""

    __slots__ = ("count", "is_list", "last", "member", "pointer")

    def __init__(self, pointer: str, *, is_list: bool) -> None:
        self.pointer = pointer
        self.is_list = is_list
        self.count = 0
        self.member: str | None = None
        """Pointer of the member whose name was read and whose value was not."""
        self.last = pointer
        """Pointer of the value before the comma."""


def _weights(payload: bytes, depth: int) -> tuple[Weight, ...]:
    sums: dict[str, list[int]] = {}
    stack = [_Container("", is_list=True)]
    spent = 0
    for piece in _PIECE.finditer(payload):
        pointer = _charged(stack, payload, piece.start(), piece.end(), depth)
        sizes = sums.get(pointer)
        if sizes is None:
            sizes = sums[pointer] = [0, 0]
        so_far = -(-4 * piece.end() // 3)
        sizes[0] += piece.end() - piece.start()
        sizes[1] += so_far - spent
        spent = so_far
    return tuple(Weight(pointer, *sizes) for pointer, sizes in sums.items())


def _charged(stack: list[_Container], payload: bytes, start: int, end: int, depth: int) -> str:
    """The pointer that pays for the piece from ``start`` to ``end``; follows it into and out of containers."""
    box = stack[-1]
    first = payload[start]
    if first == _COMMA:
        return box.last
    if first == _COLON:
        return box.member or box.pointer
    if first in _CLOSE:
        if len(stack) > 1:
            stack.pop()
        return box.pointer
    if first == _QUOTE and not box.is_list and box.member is None:
        is_deep = len(stack) > depth + 1
        box.member = box.pointer if is_deep else f"{box.pointer}/{step(payload[start:end])}"
        return box.member
    if payload[start:end].isspace():
        return box.pointer
    pointer = _value(box, outermost=len(stack) == 1, deep=len(stack) > depth + 1)
    if first in _OPEN:
        stack.append(_Container(pointer, is_list=first == _BRACKET))
    return pointer


def _value(box: _Container, *, outermost: bool, deep: bool) -> str:
    if box.member is not None:
        pointer, box.member = box.member, None
    elif outermost:
        pointer = ""
    elif deep:
        pointer = box.pointer
    else:
        pointer = f"{box.pointer}/{box.count}"
        box.count += 1
    box.last = pointer
    return pointer


def step(name: bytes) -> str:
    """One step of a JSON pointer, from a member name as it stands in the payload, quotes included."""
    try:
        text = str(json.loads(name)) if b"\\" in name else name[1:-1].decode()
    except ValueError:
        text = name[1:-1].decode(errors="replace")
    return text.replace("~", "~0").replace("/", "~1")
