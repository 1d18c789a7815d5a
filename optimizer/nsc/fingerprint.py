"""The bytes of ``nsc describe ... -W -F nats``, and their hash, by which a script knows a state of a token."""

from __future__ import annotations

import hashlib
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from optimizer.claims.gojson import go_json, parse, plain

if TYPE_CHECKING:
    from optimizer.claims.token import Token


def describe_field_bytes(value: Any) -> bytes:  # noqa: ANN401 any JSON
    r"""What ``nsc describe -F`` prints of a JSON value, with the line break it ends in.

    nsc: ``bodyAsJson`` and ``GetField``: decoded into ``interface{}`` and marshalled again, so that members are
    sorted, text is HTML-escaped and every number has gone through a float64.

    Examples
    --------
    >>> describe_field_bytes({"subs": -1, "pub": {"allow": ["a.>"]}})
    b'{"pub":{"allow":["a.\\u003e"]},"subs":-1}\n'
    """
    return go_json(_through_interface(plain(value))) + b"\n"


def fingerprint(nats: Any) -> str:  # noqa: ANN401 any JSON
    """The SHA-256 of what ``nsc describe -W -F nats`` prints of a ``nats`` object, in hexadecimal digits."""
    return hashlib.sha256(describe_field_bytes(nats)).hexdigest()


def fingerprint_of(token: Token) -> str:
    """The fingerprint of a token as it was read, fields that nobody knows included."""
    return fingerprint(parse(token.payload).get("nats"))


def _through_interface(value: Any) -> Any:  # noqa: ANN401 any JSON
    if isinstance(value, dict):
        return {name: _through_interface(item) for name, item in value.items()}
    if isinstance(value, list | tuple):
        return [_through_interface(item) for item in value]
    # Every number nsc knows in a token is an integer below 2**63. Go writes its float64 with as few digits as tell it
    # from its neighbours, and zeros behind. Fractions stand only in members that nsc does not know; it would drop
    # those, so such a token gets no script.
    return int(Decimal(repr(float(value)))) if type(value) is int else value
