"""Sets of subjects that belong together because a JetStream client of some role publishes to them all.

Source: nats-by-example, the documentation of JetStream and of its Terraform provider, and a server fork that tests them
end to end. Line by line they are those of corpus/recipes; tests/unit/subjects/test_recipes.py holds the two together.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from optimizer.subjects.jetstream import asked
from optimizer.subjects.once import once

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

RECIPES: Mapping[str, tuple[str, ...]] = {
    "stream_read": (
        "$JS.API.STREAM.INFO.{s}",
        "$JS.API.STREAM.MSG.GET.{s}",
        "$JS.API.DIRECT.GET.{s}",
        "$JS.API.DIRECT.GET.{s}.>",
        "$JS.API.CONSUMER.CREATE.{s}",
        "$JS.API.CONSUMER.CREATE.{s}.>",
        "$JS.API.CONSUMER.DURABLE.CREATE.{s}.>",
        "$JS.API.CONSUMER.INFO.{s}.>",
        "$JS.API.CONSUMER.NAMES.{s}",
        "$JS.API.CONSUMER.LIST.{s}",
        "$JS.API.CONSUMER.DELETE.{s}.>",
        "$JS.API.CONSUMER.MSG.NEXT.{s}.>",
        "$JS.ACK.{s}.*.*.*.*.*.*",
        "$JS.ACK.*.*.{s}.*.*.*.*.*.>",
        "$JS.FC.{s}.*.*",
        "$JS.FC.*.*.{s}.*.*",
    ),
    "write_adds": ("$JS.API.STREAM.PURGE.{s}", "$KV.{b}.>  or  $O.{b}.>"),
    "admin_adds": (
        "$JS.API.STREAM.CREATE.{s}",
        "$JS.API.STREAM.UPDATE.{s}",
        "$JS.API.STREAM.DELETE.{s}",
        "$JS.API.STREAM.MSG.DELETE.{s}",
        "$JS.API.STREAM.SNAPSHOT.{s}",
        "$JS.API.STREAM.RESTORE.{s}",
        "$JS.API.INFO",
    ),
    "discovery": ("$JS.API.INFO", "$JS.API.STREAM.NAMES", "$JS.API.STREAM.LIST"),
    "consumer_use": (
        "$JS.API.STREAM.INFO.{s}",
        "$JS.API.CONSUMER.INFO.{s}.{c}",
        "$JS.API.CONSUMER.MSG.NEXT.{s}.{c}",
        "$JS.ACK.{s}.{c}.*.*.*.*.*",
        "$JS.ACK.*.*.{s}.{c}.*.*.*.*.>",
        "$JS.FC.{s}.{c}.*",
        "$JS.FC.*.*.{s}.{c}.*",
    ),
    "consumer_admin_adds": (
        "$JS.API.CONSUMER.CREATE.{s}.{c}",
        "$JS.API.CONSUMER.CREATE.{s}.{c}.>",
        "$JS.API.CONSUMER.DURABLE.CREATE.{s}.{c}",
        "$JS.API.CONSUMER.DELETE.{s}.{c}",
        "$JS.API.CONSUMER.PAUSE.{s}.{c}",
        "$JS.API.CONSUMER.UNPIN.{s}.{c}",
        "$JS.API.CONSUMER.RESET.{s}.{c}",
    ),
    "kv_key_subtree_minimum": (
        "$JS.API.STREAM.INFO.KV_{b}",
        "$KV.{b}.<key>.>",
        "$JS.API.DIRECT.GET.KV_{b}.$KV.{b}.<key>.>",
    ),
    "pull_bind_minimum": ("$JS.API.CONSUMER.MSG.NEXT.{s}.{c}", "$JS.ACK.{s}.{c}.>", "sub: inbox"),
    "push_bind_minimum": ("$JS.ACK.{s}.{c}.>", "sub: deliver subject"),
    "cross_account_source_exports": (
        "service $JS.API.CONSUMER.CREATE.{s}",
        "service $JS.API.CONSUMER.CREATE.{s}.>",
        "service $JS.FC.<deliver prefix>.>",
        "stream <deliver prefix>.>",
    ),
    "terraform_manage": (
        "$JS.API.CONSUMER.DELETE.*.*",
        "$JS.API.CONSUMER.CREATE.>",
        "$JS.API.CONSUMER.INFO.*.*",
        "$JS.API.CONSUMER.LIST.*",
        "$JS.API.CONSUMER.NAMES.*",
        "$JS.API.INFO",
        "$JS.API.STREAM.CREATE.*",
        "$JS.API.STREAM.DELETE.*",
        "$JS.API.STREAM.INFO.*",
        "$JS.API.STREAM.LIST",
        "$JS.API.STREAM.NAMES",
        "$JS.API.STREAM.TEMPLATE.>",
        "$JS.API.STREAM.UPDATE.*",
    ),
    "micro_service_sub": (
        "$SRV.{PING,INFO,STATS}",
        "$SRV.{PING,INFO,STATS}.<name>",
        "$SRV.{PING,INFO,STATS}.<name>.*",
    ),
}
"""As people write them down: ``{s}`` a stream, ``{c}`` a consumer, ``{b}`` a bucket, ``<key>`` one token or more."""

_KV_USE = (
    "$JS.API.STREAM.INFO.KV_{b}",
    "$JS.API.DIRECT.GET.KV_{b}.>",
    "$JS.API.CONSUMER.CREATE.KV_{b}.>",
    "$KV.{b}.>",
)
"""What get, put and watch of a key-value client publish to; no recipe of the corpus, but common (`moox-cloudnode`)."""

_OBJECT_USE = (
    "$JS.API.STREAM.INFO.OBJ_{b}",
    "$JS.API.STREAM.PURGE.OBJ_{b}",
    "$JS.API.DIRECT.GET.OBJ_{b}.>",
    "$JS.API.CONSUMER.CREATE.OBJ_{b}.>",
    "$O.{b}.C.*",
    "$O.{b}.M.*",
)
"""The same of an object store: chunks, metadata, and the purge of an object's old chunks (`objstore-agent`)."""


@dataclass(frozen=True)
class Role:
    """What a role's client publishes to.

    Parameters
    ----------
    words
        What it does, with the placeholders of its subjects.
    subjects
        All that it cannot do without; the first holds all placeholders, and names the role in a list.
    includes
        Roles that say nothing more where this one is found for the same stream.
    stream
        The name of the stream.
    wider
        The recipe's one subject for several of these, which reaches further; and how many of the last it is for.
    spared
        What belongs to the recipe as well, but the role is known without.
    """

    name: str
    words: str
    subjects: tuple[str, ...]
    includes: tuple[str, ...] = ()
    stream: str = "{s}"
    wider: tuple[str, int] = ("", 0)
    spared: tuple[str, ...] = ()

    @once
    def anchor(self) -> re.Pattern[str]:
        """Finds the role's first subject in a list, in any domain, and what its placeholders stand for."""
        return re.compile(_regex(self.subjects[0]))


@dataclass(frozen=True, slots=True)
class Found:
    """A role, and what its placeholders stand for; a consumer may be ``*``, which is any."""

    role: Role
    domain: str = ""
    stream: str = ""
    consumer: str = ""
    bucket: str = ""
    key: str = ""

    @property
    def words(self) -> str:
        """What is spelled out, for people."""
        words = self.role.words
        if self.consumer == "*":
            words = words.replace("the consumer `{c}`", "every consumer")
        said = _filled(words, self)
        return f"{said} in the domain `{self.domain}`" if self.domain else said

    @property
    def subjects(self) -> tuple[str, ...]:
        """All that it cannot do without."""
        return self._said(self.role.subjects)

    @property
    def recipe(self) -> tuple[str, ...]:
        """All subjects of the recipe."""
        return self._said((*self.role.subjects, *self.role.spared))

    def _said(self, subjects: Iterable[str]) -> tuple[str, ...]:
        return tuple(_filled(_in_domain(subject, self.domain), self) for subject in subjects)

    @property
    def wider(self) -> tuple[str, tuple[str, ...]] | None:
        """The recipe's one subject for several, and those."""
        pattern, count = self.role.wider
        return (_filled(pattern, self), self.subjects[-count:]) if count else None

    def says_all_of(self, other: Found) -> bool:
        """Whether it leaves nothing to say about another."""
        return (
            other.role.name in self.role.includes
            and self.domain == other.domain
            and self.holder == other.holder
            and self.consumer in ("", "*", other.consumer)
        )

    @property
    def holder(self) -> str:
        """The stream, be it named or a bucket's."""
        return _filled(self.role.stream, self)


def roles_in(texts: Iterable[str], covers: Callable[[str], bool]) -> tuple[Found, ...]:
    """The roles that a list spells out; of one that another includes, only the other.

    Parameters
    ----------
    texts
        The entries.
    covers
        Whether the list covers a subject.
    """
    joined = "\n".join(texts)
    found = dict.fromkeys(one for role in ROLES for one in _candidates(role, joined) if all(map(covers, one.subjects)))
    return tuple(one for one in found if not any(other.says_all_of(one) for other in found))


def names_a_role(joined: str) -> bool:
    """Whether some line may be what a role is found by; False is certain."""
    return any(anchor.search(joined) for anchor in _ANCHORS)


def _candidates(role: Role, joined: str) -> Iterator[Found]:
    for match in role.anchor.finditer(joined):
        named = {name: value or "" for name, value in match.groupdict().items()}
        if named.get("consumer") == ">":
            named["consumer"] = "*"
        yield Found(role, **named)


_PLACES = {"{s}": "stream", "{c}": "consumer", "{b}": "bucket", "<key>": "key"}
_MATCHES = {"{s}": r"[^.*>\n]+", "{c}": r"(?:[^.*>\n]+|\*|>$)", "{b}": r"[^.*>\n]+", "<key>": r"[^*>\n]+"}


def _regex(subject: str) -> str:
    """A subject with placeholders as a regular expression for one line; the same placeholder matches the same text."""
    pattern = re.escape(_in_domain(subject, "DOMAIN"))
    pattern = pattern.replace(r"DOMAIN\.", r"(?:(?P<domain>[^.*>\n]+)\.)?")
    for place, name in _PLACES.items():
        first, *more = pattern.split(re.escape(place))
        for number, part in enumerate(more):
            first += (f"(?P<{name}>{_MATCHES[place]})" if number == 0 else f"(?P={name})") + part
        pattern = first
    return f"(?m:^{pattern}$)"


def _in_domain(subject: str, domain: str) -> str:
    """A subject as it is in a domain: what the API answers, and writes to a bucket, begin with it; no other does."""
    if not domain:
        return subject
    if subject.startswith("$KV."):
        return f"$JS.{domain}.API.{subject}"
    return subject.replace("$JS.API.", f"$JS.{domain}.API.", 1)


def _filled(text: str, found: Found) -> str:
    for place, name in _PLACES.items():
        text = text.replace(place, getattr(found, name))
    return text


def _needed(*names: str, stream: str = "{s}", more: tuple[str, ...] = ()) -> tuple[str, ...]:
    """The subjects that no client of these recipes can do without.

    Flow control concerns only push consumers that ask for it. The longer acknowledgements, with a domain and an account
    in them, and ``RESET`` are of servers from 2.14 on. Of a ``>`` is needed what the API answers.
    """
    lines = [line for name in names for line in RECIPES[name] if line.startswith("$") and "  or  " not in line]
    late = ("$JS.FC.", "$JS.ACK.*.*.", "$JS.API.CONSUMER.RESET.")
    needed = (_answered(line) for line in lines if not line.startswith(late))
    return (*(line.replace("{s}", stream) for line in needed if line not in _SPARED), *more)


def _answered(line: str) -> str:
    apis = asked(tuple(line.split(".")))
    return f"{line[:-1]}*" if line.endswith(">") and not any(api.arguments.endswith(">") for api in apis) else line


_SPARED = (
    "$JS.API.DIRECT.GET.{s}.>",
    "$JS.API.CONSUMER.DURABLE.CREATE.{s}.*",
    "$JS.API.CONSUMER.NAMES.{s}",
    "$JS.API.CONSUMER.LIST.{s}",
    "$JS.API.CONSUMER.DELETE.{s}.*",
)
"""Of those who read a stream few name, list and delete its consumers, or get its messages by subject; and since 2.9
clients create durable consumers as they do any other."""

_READING = ("stream_read", "kv_use", "kv_key_subtree_minimum", "consumer_admin", "consumer_use", "pull_bind_minimum")
_ADMIN = _needed("stream_read", "write_adds", "admin_adds")

ROLES: tuple[Role, ...] = (
    Role("admin", "administer the stream `{s}`", _ADMIN, _READING),
    Role(
        "kv_write",
        "read, write and purge the bucket `{b}`",
        _needed("stream_read", "write_adds", stream="KV_{b}", more=("$KV.{b}.>",)),
        _READING,
        "KV_{b}",
    ),
    Role(
        "object_write",
        "read, write and purge the object store `{b}`",
        _needed("stream_read", "write_adds", stream="OBJ_{b}", more=("$O.{b}.>",)),
        (*_READING, "object_use"),
        "OBJ_{b}",
    ),
    Role("stream_read", "read the stream `{s}`", _needed("stream_read"), _READING[3:], spared=_SPARED),
    Role("kv_use", "use the bucket `{b}`", _KV_USE, ("kv_key_subtree_minimum",), "KV_{b}"),
    Role("object_use", "use the object store `{b}`", _OBJECT_USE, (), "OBJ_{b}", ("$O.{b}.>", 2)),
    Role(
        "kv_key_subtree_minimum",
        "use the keys below `<key>` of the bucket `{b}`",
        RECIPES["kv_key_subtree_minimum"][2::-1],
        (),
        "KV_{b}",
    ),
    Role(
        "consumer_admin",
        "administer the consumer `{c}` of the stream `{s}`",
        _needed("consumer_use", "consumer_admin_adds")[1:] + _needed("consumer_use")[:1],
        ("consumer_use", "pull_bind_minimum"),
    ),
    Role(
        "consumer_use",
        "use the consumer `{c}` of the stream `{s}`",
        _needed("consumer_use")[1:] + _needed("consumer_use")[:1],
        ("pull_bind_minimum",),
    ),
    Role("pull_bind_minimum", "pull from the consumer `{c}` of the stream `{s}`", RECIPES["pull_bind_minimum"][:2]),
    Role("terraform_manage", "manage all streams and consumers", RECIPES["terraform_manage"], ("discovery",)),
    Role("discovery", "list all streams", RECIPES["discovery"]),
)
"""The wider before what it includes. An acknowledgement alone (`push_bind_minimum`) is no set; exports are no list."""

_ANCHORS = tuple({role.subjects[0]: role.anchor for role in ROLES}.values())
