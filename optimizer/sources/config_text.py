"""The language of nats-server's config files, read into mappings, lists and plain values.

What the server takes is read as the server reads it; what it would refuse is read as far as it makes sense.
Server: package ``conf``: ``lexTop`` and the states after it, ``processItem``, ``lookupVariable``.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from optimizer.errors import SourceError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    Include = Callable[[str], "Tree"]


@dataclass(frozen=True, slots=True)
class Plain:
    """A string, number, boolean or date as its text, and the included file that it stands in."""

    text: str
    file: str = ""


@dataclass(frozen=True, slots=True)
class Unset:
    """A variable that neither the config nor the environment sets."""

    name: str
    file: str = ""


Tree = dict[str, "Node"]
Node = Plain | Unset | Tree | list["Node"]

MOST_SETTINGS = 1_000_000
"""64 MB of preload are some 64,000 settings; beyond a million nobody should have to wait."""

# Possessive throughout: one pass over 64 MB, whatever is in it.
_BLANK = "\t\n\v\f\r \x85\xa0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000"  # Go's unicode.IsSpace
_GAP = re.compile(rf"(?:[{_BLANK}]++|#[^\n\r]*+|//[^\n\r]*+)++")
_END = re.compile(r"(?:[ \t]++|#[^\n\r]*+|//[^\n\r]*+)*+[,;]?")
_KEY = re.compile(rf"""(?:"([^"]*+)"|'([^']*+)'|([^{_BLANK}:="'][^{_BLANK}:=]*+))""")
_SEPARATOR = re.compile(rf"[{_BLANK}]*+[:=]?[{_BLANK}]*+")
_INCLUDE = re.compile(r"""[ \t]*+(?:"([^"]*+)"|'([^']*+)'|([^\s;}'"\[{(][^\s;}']*+)'?)""")
_VALUE = re.compile(r"""(?:"((?:[^"\\]++|\\.)*+)"|'([^']*+)'|(?!")((?:[^\n\r;,\]} \t'\\]++|\\.)++)('?))""", re.DOTALL)
_BLOCK = re.compile(r"\(((?:[^\n]++|\n(?!\)(?:\n|\Z)))*+)\n\)")
_ESCAPE = re.compile(rb'\\(?:x([0-9a-fA-F]{2})|([tnr"\\]))')
_ESCAPED = {b"t": b"\t", b"n": b"\n", b"r": b"\r", b'"': b'"', b"\\": b"\\"}
_BCRYPT = "$2a$"  # a password, which the server takes unquoted
_CLOSES = {"{": "}", "[": "]"}
_ENVIRONMENT_KEY = "pk"


def parse(
    text: str, *, include: Include, environment: Mapping[str, str], file: str = ""
) -> tuple[Tree, SourceError | None]:
    r"""What a config sets, and what is wrong with it: then what comes before that place is there.

    Parameters
    ----------
    text
        The config.
    include
        What an included file sets, by its name as written.
    environment
        Where a variable is looked for that the config does not set.
    file
        What the plain values say they stand in.

    Examples
    --------
    >>> parse("port: 4222 # why\nresolver { type: full, dir = './jwt' }", include=dict, environment={})[0]["resolver"]
    {'type': Plain(text='full', file=''), 'dir': Plain(text='./jwt', file='')}
    """
    parser = _Parser(text, include, environment, file)
    try:
        parser.run()
    except SourceError as error:
        return parser.closed(), error
    return parser.closed(), None


@dataclass(slots=True)
class _Open:
    """A map or list that is being read: under which key it belongs, what ends it, and where it begins."""

    inside: Tree | list[Node]
    key: str = ""
    end: str = ""
    at: int = 0
    own: bool = True
    """False for braces around settings of the map they are in, as in a config that is JSON."""


@dataclass(slots=True)
class _Parser:
    text: str
    include: Include
    environment: Mapping[str, str]
    file: str
    asked: frozenset[str] = frozenset()
    """Variables of the environment that are being read: one of them may name itself."""
    position: int = 0
    root: Tree = field(default_factory=dict)
    open: list[_Open] = field(init=False)

    def __post_init__(self) -> None:
        self.open = [_Open(self.root)]

    def closed(self) -> Tree:
        """All that was read; what is open yet ends here."""
        while len(self.open) > 1:
            self.close()
        return self.root

    def run(self) -> None:
        """Read to the end of the text."""
        for _ in range(MOST_SETTINGS):
            self.skip(_GAP)
            char = self.text[self.position : self.position + 1]
            if not char:
                if self.open[-1].end and self.open[-1].own:
                    raise self.cut("a block", self.open[-1].at, f"close it with `{self.open[-1].end}`")
                return
            if char in "}]":
                self.position += 1
                if self.open[-1].end == char:
                    self.close()
                self.skip(_END)
            elif isinstance(self.open[-1].inside, list):
                self.value("")
            elif char == "{":
                self.open.append(_Open(self.open[-1].inside, end="}", at=self.position, own=False))
                self.position += 1
            else:
                self.setting()
        raise SourceError(f"holds more than {MOST_SETTINGS:,} settings", "name a server config")

    def setting(self) -> None:
        """A key with its value, or an include."""
        if self.text[self.position] == "/":
            self.position += 1  # as the server does in a map: elsewhere it takes no such key
        found = _KEY.match(self.text, self.position)
        if found is None:
            if self.text[self.position : self.position + 1] in ("'", '"'):
                raise self.cut("a string", self.position, "close it with a quote")
            self.position += 1  # `:` or `=` without a key
            return
        self.position = found.end()
        bare = found[3]
        if bare and bare.lower() == "include" and self.text[self.position : self.position + 1] not in (":", "="):
            self.included()
            return
        self.skip(_SEPARATOR)
        self.value(_group(found))

    def included(self) -> None:
        named = _INCLUDE.match(self.text, self.position)
        if named is None:
            line = self.line(self.position)
            raise SourceError(f"has an include without a file on line {line:,}", "write `include 'FILE'`")
        self.position = named.end()
        self.skip(_END)
        for key, node in self.include(_group(named)).items():
            self.put(key, node)

    def value(self, key: str) -> None:
        """One value, or the beginning of a map or list."""
        char = self.text[self.position : self.position + 1]
        if char in _CLOSES:
            self.open.append(_Open({} if char == "{" else [], key, _CLOSES[char], self.position))
            self.position += 1
            return
        if char == "(":
            block = _BLOCK.match(self.text, self.position)
            if block is None:
                raise self.cut("a block", self.position, "close it with `)` on a line of its own")
            self.position = block.end()
            self.skip(_END)
            self.put(key, Plain(f"{block[1]}\n", self.file))
            return
        found = _VALUE.match(self.text, self.position)
        if found is None:
            if char and char in "\"'":
                raise self.cut("a string", self.position, "close it with a quote")
            if key and not self.open[-1].end and char:
                self.put(key, Plain("", self.file))
            if char not in ("}", "]", ""):
                self.position += 1  # a terminator where a value belongs
            return
        self.position = found.end()
        self.skip(_END)
        double, single, bare, quote = found.groups()
        if bare is not None and bare.startswith("$") and "\\" not in bare and not quote:
            self.put(key, self.variable(bare))
        elif single is not None:
            self.put(key, Plain(single, self.file))
        else:
            self.put(key, Plain(_unescaped(double if double is not None else bare), self.file))

    def variable(self, reference: str) -> Node:
        """What a variable stands for: of the maps around it the innermost that sets it, else the environment."""
        if reference.startswith(_BCRYPT):
            return Plain(reference, self.file)
        name = reference[1:]
        for around in reversed(self.open):
            if isinstance(around.inside, dict) and name in around.inside:
                return around.inside[name]
        if name not in self.environment or name in self.asked:
            return Unset(name, self.file)
        line = f"{_ENVIRONMENT_KEY}={self.environment[name]}"
        parser = _Parser(line, self.include, self.environment, self.file, self.asked | {name})
        parser.run()
        return parser.closed().get(_ENVIRONMENT_KEY, Unset(name, self.file))

    def put(self, key: str, node: Node) -> None:
        inside = self.open[-1].inside
        if isinstance(inside, dict):
            inside[key] = node  # as in the server the last one counts
        else:
            inside.append(node)

    def close(self) -> None:
        done = self.open.pop()
        if done.own:
            self.put(done.key, done.inside)

    def skip(self, what: re.Pattern[str]) -> None:
        if found := what.match(self.text, self.position):
            self.position = found.end()

    def cut(self, what: str, at: int, hint: str) -> SourceError:
        return SourceError(f"ends inside {what} that begins on line {self.line(at):,}", hint)

    def line(self, at: int) -> int:
        return self.text.count("\n", 0, at) + 1


def _group(match: re.Match[str]) -> str:
    return next((group for group in match.groups() if group is not None), "")


def _unescaped(text: str) -> str:
    r"""A string with its escapes read; ``\xXX`` is one byte. What the server would refuse stands as it is."""
    if "\\" not in text:
        return text
    data = text.encode("utf-8", "replace")
    return _ESCAPE.sub(lambda found: bytes.fromhex(found[1].decode()) if found[1] else _ESCAPED[found[2]], data).decode(
        "utf-8", "replace"
    )
