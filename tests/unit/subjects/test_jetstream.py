"""The JetStream API by its table, and which patterns must never stand in for requests to it.

That the table is the server's is asked of the real ones in tests/oracle/test_jetstream_api.py.
"""

from __future__ import annotations

import itertools
import json
from pathlib import Path

import pytest

from optimizer.subjects.jetstream import API, IN_A_DOMAIN, Effect, asked, may_not_generalise, request, unanswered
from optimizer.subjects.subject import Subject

RECIPES = json.loads((Path(__file__).parents[3] / "corpus" / "recipes" / "jetstream-recipes.json").read_text())
CHANGING = [api for api in API if api.effect is not Effect.READS]
DOMAINS = ("", "hub", "leaf")


def tokens(text: str) -> tuple[str, ...]:
    return tuple(text.split("."))


def literals(api, domain: str = "", names: tuple[str, ...] = ("S", "T")) -> list[tuple[str, ...]]:
    """Requests to an API, with each of these names in each place."""
    places = [
        names if token == "*" else tuple(f"{name}.x" for name in names) if token == ">" else (token,)
        for token in api.subject(domain)
    ]
    return [tokens(".".join(chosen)) for chosen in itertools.product(*places)]


EVERY = [(api, domain) for domain in DOMAINS for api in (*API, *(IN_A_DOMAIN if domain else ()))]


# -- what is answered ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("api", "domain"), EVERY, ids=lambda value: getattr(value, "verb", value or "no domain"))
def test_every_request_and_every_pattern_that_reaches_one_is_answered(api, domain):
    for literal in literals(api, domain):
        assert api in asked(literal)
        for place in range(3 if domain else 2, len(literal)):
            for pattern in ((*literal[:place], ">"), (*literal[:place], "*", *literal[place + 1 :])):
                assert unanswered(pattern) is None, pattern


@pytest.mark.parametrize(("api", "domain"), EVERY, ids=lambda value: getattr(value, "verb", value or "no domain"))
def test_a_token_more_or_less_is_answered_only_where_another_api_takes_it(api, domain):
    for literal in literals(api, domain):
        for other in (literal[:-1], (*literal, "x")):
            matched = [
                one
                for one in (*API, *(IN_A_DOMAIN if domain else ()))
                if Subject(".".join(one.subject(domain))).covers(Subject(".".join(other)))
            ]
            assert bool(matched) is (unanswered(other) is None), other


@pytest.mark.parametrize(
    ("text", "why"),
    [
        (
            "$JS.API.CONSUMER.UPDATE.>",
            "asks `CONSUMER.UPDATE`, which no server has: `CONSUMER.CREATE` updates as well",
        ),
        ("$JS.hub.API.CONSUMER.UPDATE.S.c", "asks `CONSUMER.UPDATE`, which no server has: "),
        ("$JS.API.STREAM.INFO", "has no tokens after `STREAM.INFO`, where the server wants 1"),
        ("$JS.API.STREAM.CREATE.S.*", "has 2 tokens after `STREAM.CREATE`, where the server wants 1"),
        ("$JS.API.STREAM.NAMES.S", "has 1 token after `STREAM.NAMES`, where the server wants none"),
        ("$JS.API.STREAM.NAMES.>", "has 1 token or more after `STREAM.NAMES`, where the server wants none"),
        ("$JS.API.CONSUMER.INFO.S", "has 1 token after `CONSUMER.INFO`, where the server wants 2"),
        ("$JS.API.STREAM.INF.S", "asks what no server has; `STREAM.INFO` is the nearest"),
        ("$JS.API.CONSUMER.MSG.NXT.S.c", "asks what no server has; `CONSUMER.MSG.NEXT` is the nearest"),
        ("$JS.API.*.x.y.z.w", "asks what no server has"),
        ("$JS.API", "asks what no server has"),
        ("$JS.API.$KV.b.k", "asks what no server has"),
    ],
)
def test_what_no_server_answers_is_explained(text, why):
    assert (unanswered(tokens(text)) or "").startswith(why)


@pytest.mark.parametrize(
    "text",
    [
        "$JS.>", "$JS.*.>", "$JS.ACK.API.c.>", "$JS.EVENT.ADVISORY.API", "$KV.a.b", "$JSC.API.x", "orders.new", ">",
        "$JS.hub.API.$KV.b.k", "$JS.API.CONSUMER.RESET.S.c", "$JS.*.API.>", "$JS.API.*.*.*",
    ],
)  # fmt: skip
def test_what_is_no_request_or_reaches_one_is_not_complained_about(text):
    assert unanswered(tokens(text)) is None


def test_a_domain_is_one_token_before_the_api():
    assert request(tokens("$JS.API.INFO")) == ("", ("INFO",))
    assert request(tokens("$JS.hub.API.INFO")) == ("hub", ("INFO",))
    assert request(tokens("$JS.a.b.API.INFO")) is None
    assert request(tokens("$JS.FC.API.x.y")) is None


# -- what must never be offered ---------------------------------------------------------------------------------------


def candidates(entries: tuple[tuple[str, ...], ...]) -> set[tuple[str, ...]]:
    """Every pattern that covers entries of one length and differs from them by wildcards alone."""
    merged = [token if len({token, *more}) == 1 else "*" for token, *more in zip(*entries, strict=True)]
    found = set()
    for wild in itertools.product((False, True), repeat=len(merged)):
        pattern = tuple("*" if is_wild else token for token, is_wild in zip(merged, wild, strict=True))
        found |= {pattern, *((*pattern[:end], ">") for end in range(len(pattern)))}
    return found


def newly_asked(pattern: tuple[str, ...], entries: tuple[tuple[str, ...], ...]) -> list[str]:
    """By brute force: the changing APIs that some literal of the pattern asks, and no literal of the entries does."""
    return [
        f"{domain} {api.verb}"
        for domain in (*DOMAINS, "elsewhere")
        for api in (*CHANGING, *(IN_A_DOMAIN if domain else ()))
        if any(Subject(".".join(pattern)).admits(Subject(".".join(it))) for it in literals(api, domain))
        and not any(
            Subject(".".join(entry)).admits(Subject(".".join(it))) for entry in entries for it in literals(api, domain)
        )
    ]


SAME_LENGTH = [
    pair
    for domain in ("", "hub")
    for pair in itertools.combinations([literals(api, domain, ("S",))[0] for api in API], 2)
    if len(pair[0]) == len(pair[1])
]


def test_no_pattern_for_two_requests_may_newly_ask_what_changes_anything():
    """Every pattern that covers two requests of the API, against brute force."""
    refused = allowed = 0
    for entries in SAME_LENGTH[:: max(1, len(SAME_LENGTH) // 30)]:
        for pattern in candidates(entries):
            reason = may_not_generalise(pattern, entries)
            if newly_asked(pattern, entries):
                assert reason is not None, (pattern, entries)
                refused += 1
            elif reason is None:
                allowed += 1
            else:  # the other two reasons, or what is below `$JS.` and no API
                assert not reason.startswith("it would admit `$JS.API."), (pattern, entries, reason)
    assert refused > 500
    assert allowed > 30


@pytest.mark.parametrize("api", CHANGING, ids=lambda api: api.verb)
@pytest.mark.parametrize("domain", DOMAINS)
def test_a_wildcard_for_the_verb_never_admits_a_change_that_no_entry_asks(api, domain):
    literal = literals(api, domain, ("S",))[0]
    verb = range(3 if domain else 2, (3 if domain else 2) + api.verb.count(".") + 1)
    reading = tuple("INFO" if place == verb[-1] else token for place, token in enumerate(literal))
    pattern = tuple("*" if place == verb[-1] else token for place, token in enumerate(literal))
    assert may_not_generalise(pattern, [reading]) is not None
    assert may_not_generalise((*pattern[: verb[-1]], ">"), [reading]) is not None
    assert may_not_generalise(literal, [literal]) is None


def test_no_pattern_beyond_the_api_reaches_it_unnoticed():
    for pattern in (">", "*.>", "*.*.>", "*.*.*.*.*", "$JS.>", "$JS.*.>"):
        assert may_not_generalise(tokens(pattern), [tokens("orders.new"), tokens("orders.eu.new.x.y")]) is not None
    assert may_not_generalise(tokens("orders.*"), [tokens("orders.a"), tokens("orders.b")]) is None
    assert may_not_generalise(tokens("*.*.orders"), [tokens("a.b.orders")]) is None


def test_the_whole_of_js_is_more_than_its_three_parts():
    """`yes-no-jetstream-indirection`: advisories, and every domain."""
    parts = [tokens("$JS.API.>"), tokens("$JS.ACK.>"), tokens("$JS.FC.>")]
    assert may_not_generalise(tokens("$JS.>"), parts) is not None
    assert may_not_generalise(tokens("$JS.>"), [tokens("$JS.>"), *parts]) is None


def test_what_only_reads_may_be_generalised():
    for text in ("$JS.API.STREAM.INFO.{}", "$JS.hub.API.DIRECT.GET.{}.>", "$JS.API.CONSUMER.LIST.{}"):
        covered = [tokens(text.format(name)) for name in ("KV_a", "KV_b", "KV_c")]
        assert may_not_generalise(tokens(text.format("*")), covered) is None
    domains = [tokens("$JS.hub.API.STREAM.INFO.S"), tokens("$JS.leaf.API.STREAM.INFO.S")]
    assert may_not_generalise(tokens("$JS.*.API.STREAM.INFO.S"), domains) is None
    domains = [tokens("$JS.hub.API.STREAM.DELETE.S"), tokens("$JS.leaf.API.STREAM.DELETE.S")]
    assert may_not_generalise(tokens("$JS.*.API.STREAM.DELETE.S"), domains) is not None


def test_a_verb_that_an_entry_asks_may_be_generalised_to_other_streams():
    """It is a widening that the judge shows; which of them to offer is the rule's to say."""
    covered = [tokens(f"$JS.API.STREAM.PURGE.{name}") for name in "ab"]
    assert may_not_generalise(tokens("$JS.API.STREAM.PURGE.*"), covered) is None
    assert may_not_generalise(tokens("$JS.API.STREAM.*.*"), covered) is not None


# -- what goes wrong when the sets are merged --------------------------------------------------------------------------


def refused(pattern: str, *covered: str) -> bool:
    return may_not_generalise(tokens(pattern), map(tokens, covered)) is not None


def covers(pattern: str, subject: str) -> bool:
    return Subject(pattern).covers(Subject(subject))


HAZARDS = {
    "STREAM.*.{s} adds DELETE/PURGE": lambda: (
        refused("$JS.API.STREAM.*.S", "$JS.API.STREAM.INFO.S", "$JS.API.STREAM.CREATE.S", "$JS.API.STREAM.UPDATE.S")
        and refused("$JS.API.STREAM.*.S", "$JS.API.STREAM.INFO.S", "$JS.API.STREAM.DELETE.S")
    ),
    (
        "CONSUMER.*.{s}.> misses MSG.NEXT and DURABLE.CREATE (two-token verbs) and LIST/NAMES (no trailing token)"
    ): lambda: (
        not any(
            covers("$JS.API.CONSUMER.*.S.>", f"$JS.API.CONSUMER.{rest}")
            for rest in ("MSG.NEXT.S.c", "DURABLE.CREATE.S.c", "LIST.S", "NAMES.S")
        )
        and refused("$JS.API.CONSUMER.*.S.>", "$JS.API.CONSUMER.INFO.S.c", "$JS.API.CONSUMER.CREATE.S.c.f")
    ),
    "INFO.KV_a/KV_b -> INFO.* reaches every stream; KV_* is a literal": lambda: (
        covers("$JS.API.STREAM.INFO.*", "$JS.API.STREAM.INFO.ORDERS")
        and not covers("$JS.API.STREAM.INFO.KV_*", "$JS.API.STREAM.INFO.KV_a")
    ),
    "CONSUMER.CREATE.{s}.*.<filter> -> any wider form loses filter confinement": lambda: (
        all(
            refused(wider, "$JS.API.CONSUMER.CREATE.S.*.orders.us", "$JS.API.CONSUMER.CREATE.S.*.orders.eu")
            for wider in (
                "$JS.API.CONSUMER.CREATE.S.*.orders.*",
                "$JS.API.CONSUMER.CREATE.S.*.>",
                "$JS.API.CONSUMER.CREATE.S.>",
                "$JS.API.CONSUMER.CREATE.>",
            )
        )
        and refused("$JS.API.CONSUMER.CREATE.*.>", "$JS.API.CONSUMER.CREATE.a.>", "$JS.API.CONSUMER.CREATE.b.*.f")
        and not refused(
            "$JS.API.CONSUMER.CREATE.*.*.orders.us",
            "$JS.API.CONSUMER.CREATE.a.*.orders.us",
            "$JS.API.CONSUMER.CREATE.b.*.orders.us",
        )
    ),
    "MSG.NEXT.{s}.> lets one user pull from another user's consumer": lambda: (
        all(
            refused(
                wider.format(domain), f"$JS.{domain}API.CONSUMER.MSG.NEXT.S.c", f"$JS.{domain}API.CONSUMER.MSG.NEXT.S.d"
            )
            for domain in ("", "hub.")
            for wider in (
                "$JS.{}API.CONSUMER.MSG.NEXT.S.>",
                "$JS.{}API.CONSUMER.MSG.NEXT.S.*",
                "$JS.{}API.CONSUMER.MSG.NEXT.>",
                "$JS.{}API.CONSUMER.MSG.NEXT.*.*",
            )
        )
        and not refused("$JS.API.CONSUMER.MSG.NEXT.S.>", "$JS.API.CONSUMER.MSG.NEXT.S.*")
    ),
    "$JS.ACK.> acks other streams": lambda: (
        all(
            refused(wider, "$JS.ACK.S.c.>", "$JS.ACK.T.c.>")
            for wider in ("$JS.ACK.>", "$JS.ACK.*.>", "$JS.ACK.*.c.>", "$JS.>")
        )
        and refused("$JS.ACK.S.>", "$JS.ACK.S.c.>", "$JS.ACK.S.d.>")
        and refused("$JS.ACK.*.*.*.c.*.*.*.*.>", "$JS.ACK.*.*.S.c.*.*.*.*.>")
        and not refused("$JS.ACK.S.c.>", "$JS.ACK.S.c.*.*.*.*.*")
    ),
    "CREATE.{s} and CREATE.{s}.> are disjoint, both needed": lambda: (
        not covers("$JS.API.CONSUMER.CREATE.S.>", "$JS.API.CONSUMER.CREATE.S")
        and not Subject("$JS.API.CONSUMER.CREATE.S").overlaps(Subject("$JS.API.CONSUMER.CREATE.S.>"))
    ),
}


def test_every_hazard_of_the_corpus_is_among_these():
    assert set(HAZARDS) == set(RECIPES["merge_hazards"])


@pytest.mark.parametrize("hazard", HAZARDS)
def test_a_hazard_is_met(hazard):
    assert HAZARDS[hazard]()
