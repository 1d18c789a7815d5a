"""Permission blocks and probes drawn from nasty pools, by a seeded chance, so that a failing run can be repeated.

Subjects are short and over few tokens: whatever two entries can do to each other happens often. `Block` draws one JSON
permission block, `probes_about` what somebody might try against it, `pair` a block and a neighbour of it.
"""

from __future__ import annotations

import copy
import itertools
import os
from typing import TYPE_CHECKING, Any

from optimizer.subjects.compare import Deliver, LeafInterest, LeafSubscribe, Probe, Publish, Subscribe

if TYPE_CHECKING:
    from collections.abc import Iterable
    from random import Random

Claims = dict[str, Any]

LONG = os.environ.get("PERMOPT_BUDGET") == "long"
BUDGET = 20 if LONG else 1

LITERALS = ("a", "a", "a", "b", "b", "b", "c")
QUEUE_PATTERNS = ("q", "v1", "v1", "v1.*", "*", ">", "v1.>", "*.prod", "v1.a.b", "*.*")
QUEUE_NAMES = ("q", "v1", "v1.a", "v1.a.b", "v2.prod", "zz", "*", ">", "v1.*", "v1.>")
ODD_QUEUE_PATTERNS = ("*x", "q.>.r", "*.v*", "v1.*x")

IGNORED = ("a.>.c", ">.a", "*.>.b", "a.b.>.c", ">.>")
"""Entries that the server takes in and passes over."""

ODD = (
    "*a",
    "a*",
    "a.b*",
    "a.*b",
    ">a",
    "a.>b",
    "a>",
    "**",
    "a.**",
    "$SYS.>",
    "$JS.API.>",
    "_INBOX.>",
    "_R_.>",
    "{{name()}}.a",
)
"""Entries that look as if they meant more than they do."""

HOSTILE = ("größe.*", "a.\u202eb", "a.日本", "a.$(reboot)", "a.'b", "--flag.>", "a.\u200bb", 'a."b')
SPACED = ("a\tb", "a.b\tc", "a.b\tv1", "\ta", "a.b\n", "a\u00a0b", "a.\u2003b", "a\x85")
"""White space that is no blank: parts of a word to one check, a separator to another."""

MALFORMED = ("", " ", "a..b", ".a", "a.", "a  b", "a b c", " a", "a ", "a b..c", ".")
"""Entries over which the server refuses the connection."""


def pattern(chance: Random, most: int = 4) -> str:
    """A subject pattern of one to ``most`` tokens."""
    tokens = [chance.choice((*LITERALS, "*", "*", "*")) for _ in range(chance.randint(1, most))]
    if chance.random() < 0.25:
        tokens[-1] = ">"
    return ".".join(tokens)


def entry(chance: Random, *, publish: bool, odd: float = 0.06) -> str:
    """An entry of a list; one in a few dozen is odd."""
    if chance.random() < odd:
        pool = chance.choices((IGNORED, ODD, HOSTILE, SPACED), (6, 5, 2, 2))[0]
        text = chance.choice(pool)
    else:
        text = pattern(chance)
    if not publish and chance.random() < 0.2:
        queues = ODD_QUEUE_PATTERNS if chance.random() < odd else QUEUE_PATTERNS
        text += f" {chance.choice(queues)}"
    return text


def entries(chance: Random, *, publish: bool, most: int = 5, odd: float = 0.06) -> list[str]:
    """A list of one to ``most`` entries, some of them copies or neighbours of one another."""
    drawn: list[str] = []
    for _ in range(chance.randint(1, most)):
        if drawn and chance.random() < 0.3:
            drawn.append(near(chance, chance.choice(drawn)))
        else:
            drawn.append(entry(chance, publish=publish, odd=odd))
    return drawn


def near(chance: Random, text: str) -> str:
    """A copy of an entry, or one that is a little wider, narrower, longer or beside it."""
    subject, blank, queue = text.partition(" ")
    tokens = subject.split(".")
    place = chance.randrange(len(tokens))
    match chance.randrange(6):
        case 0:
            pass
        case 1:
            tokens[place] = "*"
        case 2:
            tokens[place] = chance.choice(LITERALS)
        case 3:
            tokens[place:] = [">"]
        case 4 if tokens[-1] != ">":
            tokens.append(chance.choice((*LITERALS, "*", ">")))
        case _:
            tokens = tokens[:-1] or tokens
    return f"{'.'.join(tokens)}{blank}{queue}"


def side(chance: Random, *, publish: bool, odd: float = 0.06) -> dict[str, Any]:
    """One side of a block: allow and deny, each absent, empty or filled."""
    drawn: dict[str, Any] = {}
    if chance.random() < 0.7:
        drawn["allow"] = entries(chance, publish=publish, odd=odd)
    elif chance.random() < 0.2:
        drawn["allow"] = []
    if chance.random() < 0.55:
        source = drawn.get("allow")
        drawn["deny"] = [
            near(chance, chance.choice(source)) if source and chance.random() < 0.4 else text
            for text in entries(chance, publish=publish, most=4, odd=odd)
        ]
    return drawn


def block(chance: Random, *, malformed: float = 0.02, odd: float = 0.06) -> Claims:
    """The JSON of a permission block."""
    drawn: Claims = {}
    if chance.random() < 0.85:
        drawn["pub"] = side(chance, publish=True, odd=odd)
    if chance.random() < 0.9:
        drawn["sub"] = side(chance, publish=False, odd=odd)
    if chance.random() < 0.1:
        drawn["resp"] = {"max": chance.choice((-1, 0, 1, 2)), "ttl": chance.choice((0, 60_000_000_000))}
    if chance.random() < malformed:
        name = chance.choice(("pub", "sub"))
        texts = [*MALFORMED, *(("a v1",) if name == "pub" else ())]
        kind = drawn.setdefault(name, {}).setdefault(chance.choice(("allow", "deny")), [])
        kind.insert(chance.randint(0, len(kind)), chance.choice(texts))
    return drawn


def texts(claims: Claims, *names: str) -> list[str]:
    """Every entry of these sides."""
    return [text for name in names for kind in ("allow", "deny") for text in (claims.get(name) or {}).get(kind) or ()]


def request(chance: Random, about: Iterable[str]) -> str:
    """A subject to try: out of the air, or out of one of the entries."""
    about = [text for text in about if text.strip()]
    if not about or chance.random() < 0.15:
        tokens = pattern(chance).split(".")
    else:
        words = chance.choice(about).split()
        tokens = [token for token in words[0].split(".") if token] or ["a"]
    for place, token in enumerate(tokens):
        if token == "*" and chance.random() < 0.8:
            tokens[place] = chance.choice((*LITERALS, "x", "*"))
    if tokens[-1] == ">" and chance.random() < 0.8:
        tokens[-1:] = [chance.choice((*LITERALS, "x", "*", ">")) for _ in range(chance.randint(1, 2))]
    match chance.randrange(10):
        case 0:
            tokens = tokens[:-1] or tokens
        case 1 if tokens[-1] != ">":
            tokens.append(chance.choice((*LITERALS, "x", "*", ">")))
        case 2 | 3:
            tokens[chance.randrange(len(tokens))] = chance.choice(("*", "x"))
        case 4:
            tokens[chance.randrange(len(tokens)) :] = [">"]
    return ".".join(tokens)


def literal(chance: Random, subject: str, about: Iterable[str] = ()) -> str:
    """A message inside a subscription."""
    near_by = [token for text in about for token in text.split(" ")[0].split(".")]
    pool = [token for token in (*LITERALS, "x", *near_by) if token not in ("", "*", ">") and token.split() == [token]]
    tokens = subject.split(".")
    if tokens[-1] == ">":
        tokens[-1:] = ["*"] * chance.randint(1, 2)
    return ".".join(chance.choice(pool) if token in ("*", ">") else token for token in tokens)


def subscriptions_to(word: str) -> list[str]:
    """Every subscription that a message on ``word`` is inside: each token itself or ``*``, the end perhaps ``>``."""
    tokens = word.split(".")
    found: set[str] = set()
    for length in range(1, len(tokens) + 1):
        for choice in itertools.product(*((token, "*") for token in tokens[:length])):
            found.add(".".join((*choice[:-1], ">")))
            if length == len(tokens):
                found.add(".".join(choice))
    return sorted(found)


def queue(chance: Random) -> str | None:
    return chance.choice(QUEUE_NAMES) if chance.random() < 0.35 else None


def probes_about(chance: Random, claims: Claims, count: int, *, leafnode: bool = False) -> list[Probe]:
    """What somebody might try, most of it near what the entries say."""
    pub, sub = texts(claims, "pub"), texts(claims, "sub")
    drawn: list[Probe] = []
    while len(drawn) < count:
        if leafnode:
            asks = chance.random() < 0.5
            drawn.append(LeafSubscribe(request(chance, sub)) if asks else LeafInterest(request(chance, pub)))
            continue
        match chance.randrange(9):
            case 0 | 1 | 2:
                drawn.append(Publish(request(chance, pub)))
            case 3 | 4 | 5:
                drawn.append(Subscribe(request(chance, sub), queue(chance)))
            case 6 if "resp" in claims:
                drawn.append(Publish(literal(chance, request(chance, pub)), literal(chance, request(chance, sub))))
            case _:
                wide = _widened(chance, request(chance, sub))
                alongside = None
                if chance.random() < 0.3:
                    alongside = Subscribe(_widened(chance, request(chance, sub)), queue(chance))
                drawn.append(Deliver(wide, queue(chance), literal(chance, wide, sub), alongside))
    return drawn


def _widened(chance: Random, subject: str) -> str:
    tokens = subject.split(".")
    match chance.randrange(4):
        case 0:
            tokens[chance.randrange(len(tokens)) :] = [">"]
        case 1 | 2:
            tokens[chance.randrange(len(tokens))] = "*"
    if ">" in tokens[:-1]:
        tokens = tokens[: tokens.index(">") + 1]
    return ".".join(tokens)


def pair(chance: Random, *, odd: float = 0.06) -> tuple[Claims, Claims]:
    """A block and a neighbour of it: an entry dropped, copied, changed or moved, two merged, a side emptied."""
    before = block(chance, malformed=0.01, odd=odd)
    after = copy.deepcopy(before)
    for _ in range(chance.choice((1, 1, 1, 2, 3))):
        changed(chance, after)
    return (before, after) if chance.random() < 0.8 else (after, before)


def changed(chance: Random, claims: Claims) -> None:
    """Make one change to a block, in place."""
    filled = [
        (name, kind) for name in ("pub", "sub") for kind in ("allow", "deny") if (claims.get(name) or {}).get(kind)
    ]
    if not filled or chance.random() < 0.06:
        name = chance.choice(("pub", "sub"))
        claims[name] = side(chance, publish=name == "pub")
        return
    name, kind = chance.choice(filled)
    found = claims[name][kind]
    place = chance.randrange(len(found))
    match chance.randrange(10):
        case 0 | 1 | 2 | 3:
            del found[place]
            if not found and chance.random() < 0.7:
                del claims[name][kind]
        case 4 | 5:
            found[place] = near(chance, found[place])
        case 6:
            found.insert(chance.randint(0, len(found)), near(chance, found[place]))
        case 7:
            found.append(entry(chance, publish=name == "pub"))
        case 8:
            chance.shuffle(found)
        case _:
            head = found[place].split(" ")[0].rpartition(".")[0]
            merged = f"{head}.>" if head else ">"
            claims[name][kind] = [merged, *(text for text in found if not text.startswith(f"{head}.") or " " in text)]
