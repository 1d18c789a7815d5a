"""A server config with ``resolver_preload``: its account tokens and its operator.

The scan is tolerant: it knows the config's words, strings, comments and brackets, and passes over what it need not
understand. Server: ``processConfigFileLine``, package ``conf``.
"""

from __future__ import annotations

import os
import re
from typing import TYPE_CHECKING

from optimizer.errors import SourceError
from optimizer.hierarchy import Skipped
from optimizer.sources import files, tokens
from optimizer.sources.found import Found, Item, Place, Source, skipped

if TYPE_CHECKING:
    from collections.abc import Iterator

_OPERATOR = frozenset({"operator", "operators", "roots", "root", "root_operators", "root_operator"})
_RESOLVER = frozenset({"resolver", "account_resolver", "accounts_resolver"})

_DEEPEST_INCLUDE = 8
_MOST_SETTINGS = 1_000_000  # 64 MB of preload are some 64,000; beyond it nobody should have to wait
_DEEPEST_SETTING = 3  # nothing of interest is deeper, and a path of keys costs its length at each value

# Possessive throughout: one pass over 64 MB, whatever is in it.
_GAP = re.compile(r"(?:[\s,;]++|#[^\n]*+|//[^\n]*+)++")
_KEY = re.compile(r"""(?:"([^"]*+)"|'([^']*+)'|([^\s:={}\[\]"']++))""")
_SEPARATOR = re.compile(r"[ \t]*+[:=]?\s*+")
_VALUE = re.compile(r"""(?:"((?:[^"\\]++|\\.)*+)"|'([^']*+)'|([^\s,;{}\[\]("'][^\s,;{}\[\]]*+))""", re.DOTALL)
_BLOCK_END = re.compile(r"\n[ \t]*+\)")
_SPEAKS_OF = re.compile(
    r"""^[ \t]*+["']?(?:resolver_preload|(?:accounts?_)?resolver|operators?|include)["']?(?:[ \t]*+[:={]|[ \t]++\S)""",
    re.IGNORECASE | re.MULTILINE,
)


def is_config(text: str) -> bool:
    """Whether a file speaks of a resolver, an operator or an include as a server config does."""
    return _SPEAKS_OF.search(text) is not None


def open_config(path: str, data: bytes) -> Source:
    """A server config and the files it includes."""
    return Source(store=f"conf:{path}", items=_items(path, data), can_hold_users=False)


def _items(path: str, data: bytes, file: str = "", above: tuple[str, ...] = ()) -> Iterator[Item]:
    """What one config file holds; ``file`` names an included one, and ``above`` is the setting it is included in."""
    prefix = f"{file}: " if file else ""
    try:
        for inner, value in settings(tokens.text_of(data)):
            keys = (*above, *inner)
            name, last = keys[0].lower(), inner[-1]
            if last == "include":
                yield from _included(value, path, prefix, keys[:-1])
            elif name == "resolver_preload" and len(keys) == 2:  # noqa: PLR2004 the setting and an account's key
                yield _token(value, f"{prefix}{keys[0]} {last}", Place.ACCOUNT, last)
            elif name in _OPERATOR:
                yield _operator(value, path, f"{prefix}{keys[0]}")
            elif name in _RESOLVER and last.lower() == "dir":
                yield Skipped(f"{prefix}{keys[0]} dir {value}", "is not read with its config; name it as SOURCE too")
    except SourceError as error:
        yield skipped(file or os.path.basename(path), error)


def _token(value: str, origin: str, place: Place, home: str) -> Item:
    try:
        return Found(origin, tokens.token_texts(value.encode("utf-8", "replace"))[0], place=place, home=home)
    except SourceError as error:
        return skipped(origin, error)


def _operator(value: str, config: str, origin: str) -> Item:
    """The operator's token, inline or in a file that is looked for beside the config."""
    if value.startswith("eyJ"):
        return _token(value, origin, Place.OPERATOR, "")
    try:
        data = files.read_bytes(os.path.join(os.path.dirname(config), value))
        return Found(f"{origin} {value}", tokens.token_texts(data)[0], place=Place.OPERATOR)
    except SourceError as error:
        return skipped(f"{origin} {value}", error)


def _included(value: str, config: str, prefix: str, above: tuple[str, ...]) -> Iterator[Item]:
    origin = f"{prefix}include {value}"
    if prefix.count(": ") >= _DEEPEST_INCLUDE:
        yield Skipped(origin, "is included too deeply; does a file include itself?")
        return
    path = os.path.join(os.path.dirname(config), value.lstrip("/"))  # as Go joins: never absolute
    try:
        data = files.read_bytes(path)
    except SourceError as error:
        yield skipped(origin, error)
        return
    yield from _items(path, data, f"{prefix}{value}", above)


def settings(text: str) -> Iterator[tuple[tuple[str, ...], str]]:
    r"""Each plain value of a config, at most three keys deep, with the keys that lead to it.

    Parameters
    ----------
    text
        The config. Values in a list share the list's keys; what cannot be understood is passed over.

    Raises
    ------
    SourceError
        The text ends inside a string or a block, or never seems to end.

    Examples
    --------
    >>> list(settings("port: 4222 # why\nresolver { type: full, dir = './jwt' }"))
    [(('port',), '4222'), (('resolver', 'type'), 'full'), (('resolver', 'dir'), './jwt')]
    """
    keys: list[str] = []
    brackets: list[tuple[str, bool]] = []  # what closes each, and whether it has a key of its own
    position = 0
    for _ in range(_MOST_SETTINGS):
        if gap := _GAP.match(text, position):
            position = gap.end()
        if position >= len(text):
            return
        if text[position] in "}]":
            if brackets and brackets.pop()[1]:
                keys.pop()
            position += 1
            continue
        keyed = not brackets or brackets[-1][0] == "}"
        if keyed and (key := _KEY.match(text, position)):
            keys.append(_group(key))
            position = key.end()
            if separator := _SEPARATOR.match(text, position):
                position = separator.end()
        else:
            keyed = False
        char = text[position : position + 1]
        if char in ("{", "["):
            brackets.append(("}" if char == "{" else "]", keyed))
            position += 1
            continue  # the key stays until the bracket closes
        value, position = _value(text, position)
        if value is not None and 0 < len(keys) <= _DEEPEST_SETTING:
            yield tuple(keys), value
        if keyed:
            keys.pop()
    raise SourceError(f"holds more than {_MOST_SETTINGS:,} settings", "name a server config")


def _value(text: str, position: int) -> tuple[str | None, int]:
    """The plain value at a place and where it ends; None where there is none, past what stands there."""
    char = text[position : position + 1]
    if char == "(":
        end = _BLOCK_END.search(text, position)
        if end is None:
            raise SourceError("ends inside a block", "close it with `)` on a line of its own")
        return text[position + 1 : end.start()].strip(), end.end()
    if found := _VALUE.match(text, position):
        return _group(found), found.end()
    if char and char in "\"'":
        raise SourceError("ends inside a string", "close it with a quote")
    return None, position if char in ("", "}", "]") else position + 1


def _group(match: re.Match[str]) -> str:
    return next((group for group in match.groups() if group is not None), "")
