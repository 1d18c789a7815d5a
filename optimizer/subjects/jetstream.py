"""The JetStream API as nats-server answers it: which subjects there are, and what a request to each does.

A client publishes requests below ``$JS.API.``, or below ``$JS.<domain>.API.`` where JetStream runs in a domain. The
server asks one list of patterns which of its handlers a request is for; any other gets no answer, and times out.

Server: ``setJetStreamExportSubs`` holds the list and ``apiDispatch`` asks it; streams and pull consumers answer
``DIRECT.GET`` and ``CONSUMER.MSG.NEXT`` themselves; a cluster's leader what only the system account may ask;
``generateJSMappingTable`` maps a domain's subjects. The list is the same in 2.11.8 and 2.12.15, and both were asked:
tests/oracle/test_jetstream_api.py.
"""

from __future__ import annotations

import enum
from dataclasses import dataclass
from difflib import get_close_matches
from functools import lru_cache
from typing import TYPE_CHECKING

from optimizer.subjects.once import once
from optimizer.subjects.subject import Subject

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

Tokens = tuple[str, ...]


class Effect(enum.Enum):
    """What a request does, in words that follow `which`."""

    READS = "reads"
    TAKES = "takes messages from a consumer"
    CHANGES = "creates or changes something"
    DELETES = "deletes, purges or removes"


@dataclass(frozen=True)
class Api:
    """One API of JetStream.

    Parameters
    ----------
    verb
        What follows ``$JS.API.``.
    arguments
        The pattern of the tokens after the verb; empty where there are none.
    effect
        The worst a request can do.
    since
        The first server that answers it, where neither 2.11 nor 2.12 does.
    """

    verb: str
    arguments: str
    effect: Effect
    since: str = ""

    @once
    def tokens(self) -> Tokens:
        """The pattern of all tokens after ``API``."""
        return tuple(f"{self.verb}.{self.arguments}".rstrip(".").split("."))

    def subject(self, domain: str = "") -> Tokens:
        """The pattern of its subjects in a domain."""
        return ("$JS", *((domain,) if domain else ()), "API", *self.tokens)


API: tuple[Api, ...] = (
    Api("INFO", "", Effect.READS),
    Api("STREAM.NAMES", "", Effect.READS),
    Api("STREAM.LIST", "", Effect.READS),
    Api("STREAM.INFO", "*", Effect.READS),
    Api("STREAM.CREATE", "*", Effect.CHANGES),
    Api("STREAM.UPDATE", "*", Effect.CHANGES),
    Api("STREAM.DELETE", "*", Effect.DELETES),
    Api("STREAM.PURGE", "*", Effect.DELETES),
    Api("STREAM.SNAPSHOT", "*", Effect.READS),
    Api("STREAM.RESTORE", "*", Effect.CHANGES),
    Api("STREAM.MSG.GET", "*", Effect.READS),
    Api("STREAM.MSG.DELETE", "*", Effect.DELETES),
    Api("STREAM.PEER.REMOVE", "*", Effect.DELETES),
    Api("STREAM.LEADER.STEPDOWN", "*", Effect.CHANGES),
    Api("STREAM.TEMPLATE.NAMES", "", Effect.READS),
    Api("STREAM.TEMPLATE.INFO", "*", Effect.READS),
    Api("STREAM.TEMPLATE.CREATE", "*", Effect.CHANGES),
    Api("STREAM.TEMPLATE.DELETE", "*", Effect.DELETES),
    Api("DIRECT.GET", "*", Effect.READS),
    Api("DIRECT.GET", "*.>", Effect.READS),
    Api("CONSUMER.NAMES", "*", Effect.READS),
    Api("CONSUMER.LIST", "*", Effect.READS),
    Api("CONSUMER.INFO", "*.*", Effect.READS),
    Api("CONSUMER.CREATE", "*", Effect.CHANGES),
    Api("CONSUMER.CREATE", "*.>", Effect.CHANGES),
    Api("CONSUMER.DURABLE.CREATE", "*.*", Effect.CHANGES),
    Api("CONSUMER.DELETE", "*.*", Effect.DELETES),
    Api("CONSUMER.PAUSE", "*.*", Effect.CHANGES),
    Api("CONSUMER.UNPIN", "*.*", Effect.CHANGES),
    Api("CONSUMER.RESET", "*.*", Effect.CHANGES, since="2.14"),
    Api("CONSUMER.MSG.NEXT", "*.*", Effect.TAKES),
    Api("CONSUMER.LEADER.STEPDOWN", "*.*", Effect.CHANGES),
    # The system account's.
    Api("META.LEADER.STEPDOWN", "", Effect.CHANGES),
    Api("SERVER.REMOVE", "", Effect.DELETES),
    Api("ACCOUNT.PURGE", "*", Effect.DELETES),
    Api("ACCOUNT.STREAM.MOVE", "*.*", Effect.CHANGES),
    Api("ACCOUNT.STREAM.CANCEL_MOVE", "*.*", Effect.CHANGES),
)

IN_A_DOMAIN: tuple[Api, ...] = (Api("$KV", ">", Effect.CHANGES), Api("$OBJ", ">", Effect.CHANGES))
"""What a domain's prefix is put before though it is no API: writes to a bucket."""

_ACKNOWLEDGE: tuple[Tokens, ...] = (
    ("$JS", "ACK", *"*******"),
    ("$JS", "ACK", *"********", ">"),  # from 2.14 on, with a domain and an account before the stream
)
_FLOW: tuple[Tokens, ...] = (("$JS", "FC", *"***"), ("$JS", "FC", *"*****"))

_PROTOCOL: tuple[tuple[tuple[Tokens, ...], Effect], ...] = (
    (_ACKNOWLEDGE, Effect.TAKES),
    (_FLOW, Effect.CHANGES),
    ((("$JS", "SNAPSHOT", "ACK", "*", "*"),), Effect.CHANGES),
    ((("$JS", "SNAPSHOT", "RESTORE", "*", "*"),), Effect.CHANGES),
    ((("$JS", "EVENT", "*", ">"),), Effect.CHANGES),
)
"""Below ``$JS.`` but no API: acknowledgements, flow control, snapshots, and advisories, which others believe."""

_NO_DOMAIN = frozenset(("API", "ACK", "FC", "EVENT", "SNAPSHOT", ">"))
"""Second tokens that do not name a domain, though the third may be ``API``: a stream can have that name."""

_ELSEWHERE = " "
"""A domain that no list names, for no client can say it."""

_SAID_OTHERWISE = {
    "CONSUMER.UPDATE": "`CONSUMER.CREATE` updates as well",
    "CONSUMER.GET": "`CONSUMER.INFO` tells of a consumer, `CONSUMER.MSG.NEXT` gets its messages",
    "CONSUMER.NEXT": "messages come from `CONSUMER.MSG.NEXT`",
    "STREAM.GET": "messages come from `STREAM.MSG.GET`",
    "MSG.NEXT": "messages come from `CONSUMER.MSG.NEXT`",
    "MSG.GET": "messages come from `STREAM.MSG.GET`",
}
"""What people write where another verb does it."""


def request(tokens: Tokens) -> tuple[str, Tokens] | None:
    """The domain of an API request pattern (empty where none is named) and what follows ``API``; None for any other.

    Examples
    --------
    >>> request(("$JS", "hub", "API", "INFO"))
    ('hub', ('INFO',))
    """
    if tokens[:2] == ("$JS", "API"):
        return "", tokens[2:]
    if tokens[:1] == ("$JS",) and tokens[2:3] == ("API",) and tokens[1] not in _NO_DOMAIN:
        return tokens[1], tokens[3:]
    return None


def asked(tokens: Tokens) -> tuple[Api, ...]:
    """The APIs that some subject of a request pattern asks; none for a pattern that is not one."""
    part = request(tokens)
    if part is None:
        return ()
    domain, rest = part
    return tuple(api for api in (*API, *(IN_A_DOMAIN if domain else ())) if overlap(rest, api.tokens))


@lru_cache(maxsize=1 << 14)
def unanswered(tokens: Tokens) -> str | None:
    """Why no JetStream API of any server answers a request pattern, or None where one does, or it is no request.

    Server: ``apiDispatch`` passes over what no handler's subject matches.

    Examples
    --------
    >>> unanswered(("$JS", "API", "STREAM", "INFO"))
    'has no tokens after `STREAM.INFO`, where the server wants 1'
    """
    part = request(tokens)
    if part is None or asked(tokens):
        return None
    _, rest = part
    for api in API:
        size = api.verb.count(".") + 1
        if rest[:size] == api.tokens[:size]:
            return _miscounted(rest[size:], api)
    text = ".".join(rest)
    for name, words in _SAID_OTHERWISE.items():
        if f"{text}.".startswith(f"{name}."):
            return f"asks `{name}`, which no server has: {words}"
    verbs = list(dict.fromkeys(api.verb for api in API))
    near = [verb for size in (3, 2, 1) for verb in get_close_matches(".".join(rest[:size]), verbs, 1, cutoff=0.8)]
    return "asks what no server has" + (f"; `{near[0]}` is the nearest" if near else "")


def _miscounted(given: Tokens, api: Api) -> str:
    count = f"{len(given) or 'no'} token{'' if len(given) == 1 else 's'}{' or more' if given[-1:] == ('>',) else ''}"
    wanted = str(api.arguments.count(".") + 1) if api.arguments else "none"
    return f"has {count} after `{api.verb}`, where the server wants {wanted}"


def may_not_generalise(pattern: Tokens, covered: Iterable[Tokens]) -> str | None:
    """Why a pattern must never be offered in place of entries it covers, or None where nothing is against it.

    It must not, where it would newly let its user

    - ask an API that deletes, purges, creates, changes or takes messages, and that none of the entries asks, be it in
      the entries' domain or in any other;
    - pull from, acknowledge to or answer for streams or consumers that no entry names: messages of somebody else;
    - create consumers without the filter that the subject of an entry holds them to.

    What reads only may be offered: it is a widening like any other, and the judge shows whom it lets read what. Every
    pattern is asked, wherever it begins: ``>`` and ``*.*.>`` reach the API as well.

    Parameters
    ----------
    pattern
        The tokens of the candidate.
    covered
        The tokens of each entry that it would replace.

    Examples
    --------
    >>> entries = [("$JS", "API", "STREAM", verb, "ORDERS") for verb in ("INFO", "CREATE", "UPDATE")]
    >>> may_not_generalise(("$JS", "API", "STREAM", "*", "ORDERS"), entries)
    'it would admit `$JS.API.STREAM.DELETE.ORDERS`, which deletes, purges or removes'
    """
    if not overlap(pattern, ("$JS", ">")):
        return None
    entries = tuple(covered)
    # A stream may be called API, so that `$JS.*.API.>` reaches acknowledgements; nobody means that.
    protocol = () if request(pattern) is not None else _PROTOCOL
    for forms, effect in (*_requests(_domains((pattern, *entries))), *protocol):
        new = [form for form in forms if effect is not Effect.READS and overlap(pattern, form)]
        if new and not any(overlap(entry, form) for entry in entries for form in forms):
            return f"it would admit `{_example(pattern, new[0])}`, which {effect.value}"
    for prefix, forms, last in _OWN:
        if (protocol or "API" in prefix) and _reaches_others(pattern, entries, prefix, forms, last):
            return f"below `{'.'.join(prefix)}.` it would reach streams and consumers of others"
    return _loses_a_filter(pattern, entries)


def overlap(left: Tokens, right: Tokens) -> bool:
    """Whether some literal subject belongs to both patterns. Server: ``SubjectsCollide``."""
    for mine, theirs in zip(left, right, strict=False):
        if mine == ">" or theirs == ">":
            return True
        if mine not in (theirs, "*") and theirs != "*":
            return False
    return len(left) == len(right)


def _domains(patterns: Iterable[Tokens]) -> tuple[str, ...]:
    """No domain, one that no pattern names, and each that one does."""
    named = {part[0] for tokens in patterns if (part := request(tokens)) is not None}
    return ("", *sorted(named - {"", "*"}), _ELSEWHERE)


def _requests(domains: Iterable[str]) -> Iterator[tuple[tuple[Tokens, ...], Effect]]:
    for domain in domains:
        for api in (*API, *(IN_A_DOMAIN if domain else ())):
            yield (api.subject(domain),), api.effect


def _example(pattern: Tokens, subject: Tokens) -> str:
    """What belongs to both, as far as it has to be said."""
    both = [mine if theirs in ("*", ">") else theirs for mine, theirs in zip(pattern, subject, strict=False)]
    if pattern[len(both) - 1] == ">":
        both = [*both[:-1], *subject[len(both) - 1 :]]
    elif subject[len(both) - 1] == ">":
        both = [*both[:-1], *pattern[len(both) - 1 :]]
    return ".".join("*" if token == _ELSEWHERE else token for token in both)


_NEXT: Tokens = ("CONSUMER", "MSG", "NEXT")

_OWN: tuple[tuple[Tokens, tuple[Tokens, ...], int], ...] = (
    (("$JS", "API", *_NEXT), (("$JS", "API", *_NEXT, "*", "*"),), 7),
    (("$JS", "*", "API", *_NEXT), (("$JS", "*", "API", *_NEXT, "*", "*"),), 8),
    (("$JS", "ACK"), _ACKNOWLEDGE, 6),
    (("$JS", "FC"), _FLOW, 6),
)
"""Subjects that name the stream and the consumer whose messages they are about: their beginning, their forms, and where
those names end at the latest."""


def _reaches_others(
    pattern: Tokens, entries: Iterable[Tokens], prefix: Tokens, forms: Iterable[Tokens], last: int
) -> bool:
    if not any(overlap(pattern, form) for form in forms):
        return False
    places = range(len(prefix), last)
    open_here = _wild(pattern, places)
    return not any(overlap(entry, (*prefix, ">")) and open_here <= _wild(entry, places) for entry in entries)


def _wild(tokens: Tokens, places: range) -> set[int]:
    """Those places at which any token will do."""
    end = tokens.index(">") if ">" in tokens else len(tokens)
    return {place for place in places if (place >= end and end < len(tokens)) or tokens[place : place + 1] == ("*",)}


def _loses_a_filter(pattern: Tokens, entries: Iterable[Tokens]) -> str | None:
    """Server: ``jsConsumerCreateRequest`` holds a consumer to the filter in the subject, where there is one."""
    for prefix in (("$JS", "API", "CONSUMER", "CREATE"), ("$JS", "*", "API", "CONSUMER", "CREATE")):
        space = (*prefix, "*", "*", ">")
        if not overlap(pattern, space):
            continue
        here = [entry for entry in entries if overlap(entry, space)]
        free = [entry for entry in here if _filter(entry, len(prefix)) is None]
        for entry in here:
            mine = _filter(entry, len(prefix))
            if mine not in (None, _filter(pattern, len(prefix))) and not any(_covers(one, entry) for one in free):
                return f"it would free new consumers from the filter `{'.'.join(mine or ())}`"
    return None


def _covers(wide: Tokens, narrow: Tokens) -> bool:
    return Subject(".".join(wide)).covers(Subject(".".join(narrow)))


def _filter(tokens: Tokens, verb_ends: int) -> Tokens | None:
    """The filter in a request to create a consumer; None where any may be given."""
    after = tokens[verb_ends + 2 :]
    return None if ">" in tokens[: verb_ends + 2] or after == (">",) else after
