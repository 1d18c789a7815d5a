"""A server config with ``resolver_preload``: its account tokens and its operator, included files read too.

Server: ``processConfigFileLine`` in ``opts.go``: setting names in any case, the last of the same settings counts.
"""

from __future__ import annotations

import os
import re
from typing import TYPE_CHECKING

from optimizer.errors import SourceError
from optimizer.hierarchy import Skipped
from optimizer.sources import files, tokens
from optimizer.sources.config_text import Plain, Unset, parse
from optimizer.sources.found import NO_USERS, Found, Item, Place, Source, skipped

if TYPE_CHECKING:
    from collections.abc import Iterator

    from optimizer.sources.config_text import Node, Tree

_OPERATOR = frozenset({"operator", "operators", "roots", "root", "root_operators", "root_operator"})
_RESOLVER = frozenset({"resolver", "account_resolver", "accounts_resolver"})

MOST_FILES = 1_000
"""Files of one config. Two that include each other twice over would otherwise never end."""
_DEEPEST = 50

_SPEAKS_OF = re.compile(
    r"""(?:^|[{,;])[ \t]*+["']?(?:resolver_preload|(?:accounts?_)?resolver|operators?|include)["']?"""
    r"""(?:[ \t]*+[:={]|[ \t]++\S)""",
    re.IGNORECASE | re.MULTILINE,
)


def is_config(text: str) -> bool:
    """Whether a file speaks of a resolver, an operator or an include as a server config does."""
    return _SPEAKS_OF.search(text) is not None


def open_config(path: str, data: bytes) -> Source:
    """A server config and the files it includes."""
    unknowable = (NO_USERS, "accounts that the server's resolver holds beside the preloaded ones are not in its config")
    return Source(store=f"conf:{path}", items=_items(path, data), can_hold_users=False, unknowable=unknowable)


def _items(path: str, data: bytes) -> Iterator[Item]:
    reader = _Files(os.path.dirname(path))
    for name, node in reader.read(path, data).items():
        setting = name.lower()
        if setting == "resolver_preload":
            yield from _preload(name, node)
        elif setting in _OPERATOR:
            for value in node if isinstance(node, list) else [node]:
                yield _operator(name, value, reader.home)
        elif setting in _RESOLVER and isinstance(node, dict):
            directory = next((inner for key, inner in node.items() if key.lower() == "dir"), None)
            if isinstance(directory, Plain):
                origin = f"{_named(name, directory)} dir {directory.text}"
                yield Skipped(origin, "is not read with its config; name it as SOURCE too")
    yield from reader.lost


class _Files:
    """A config's files as they include each other."""

    def __init__(self, home: str) -> None:
        self.home = home
        self.lost: list[Skipped] = []
        self._above: list[str] = []
        self._files = 0
        self._bytes = 0

    def read(self, path: str, data: bytes, name: str = "") -> Tree:
        """What one file sets; ``name`` is its path from the config that includes it."""
        self._above.append(os.path.realpath(path))
        self._files += 1
        self._bytes += len(data)
        try:
            tree, error = parse(
                tokens.text_of(data),
                include=lambda value: self._included(value, path, name),
                environment=os.environ,
                file=name,
            )
        except SourceError as unreadable:
            tree, error = {}, unreadable
        if error is not None:
            self.lost.append(skipped(name or os.path.basename(path), error))
        self._above.pop()
        return tree

    def _included(self, value: str, path: str, name: str) -> Tree:
        """What an included file sets.

        Server: ``filepath.Join`` with the directory of the file that includes it, so the name is never absolute.
        """
        value = value.replace("\0", "")
        full = os.path.join(os.path.dirname(path), value.lstrip("/"))
        try:
            data = self._read_included(full)
        except SourceError as error:
            self.lost.append(skipped(f"{name}: include {value}" if name else f"include {value}", error))
            return {}
        return self.read(full, data, os.path.normpath(os.path.join(os.path.dirname(name), value.lstrip("/"))))

    def _read_included(self, path: str) -> bytes:
        if os.path.realpath(path) in self._above:
            raise SourceError("leads back to a file that includes it", "remove one of the two includes")
        if len(self._above) > _DEEPEST or self._files >= MOST_FILES:
            raise SourceError(f"is deeper than {_DEEPEST}, or one of more than {MOST_FILES:,}", "merge the files")
        data = files.read_bytes(path)
        if self._bytes + len(data) > files.LIMIT:
            raise SourceError("brings the config above 64 MB", "name the files one by one")
        return data


def _preload(name: str, node: Node) -> Iterator[Item]:
    if not isinstance(node, dict):
        yield Skipped(name, "is no map of accounts; write `resolver_preload { ACCOUNT_KEY: TOKEN }`")
        return
    for key, value in node.items():
        yield _token(f"{_named(name, value)} {key}", value, Place.ACCOUNT, key)


def _token(origin: str, node: Node, place: Place, home: str = "") -> Item:
    if isinstance(node, Unset):
        return Skipped(origin, f"is the variable `${node.name}`, which nothing sets; set it in the environment")
    if not isinstance(node, Plain):
        return Skipped(origin, "is a block where a token belongs")
    try:
        return Found(origin, tokens.token_texts(node.text.encode("utf-8", "replace"))[0], place=place, home=home)
    except SourceError as error:
        return skipped(origin, error)


def _operator(name: str, node: Node, home: str) -> Item:
    """The operator's token, inline or in a file.

    Server: ``readOperatorJWT`` looks for the file from where the server was started, which a config does not say; it is
    looked for beside the config.
    """
    origin = _named(name, node)
    text = node.text.strip() if isinstance(node, Plain) else ""
    if not text or text.startswith("eyJ"):
        return _token(origin, node, Place.OPERATOR)
    try:
        data = files.read_bytes(os.path.join(home, text))
        return Found(f"{origin} {text}", tokens.token_texts(data)[0], place=Place.OPERATOR)
    except SourceError as error:
        return skipped(f"{origin} {text}", error)


def _named(name: str, node: Node) -> str:
    """A setting's name, with the included file that it stands in."""
    file = node.file if isinstance(node, Plain | Unset) else ""
    return f"{file}: {name}" if file else name
