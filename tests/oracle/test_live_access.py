"""Account defaults and role templates: what `effective` makes of them for a user, against what the servers do.

Each run draws new accounts and starts both servers on them. A failure prints the seed, as in test_live_probes.py.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pytest

from optimizer.access.principals import effective
from optimizer.claims.decode import decode
from optimizer.claims.token import parse_token
from optimizer.settings import Server
from optimizer.subjects.compare import Connect, Deliver, Publish, Subscribe
from tests import signing, strategies
from tests.oracle.kernel import block_says
from tests.oracle.server import OPERATOR, PATIENCE, USER, Oracle, RealServer, RefusedError
from tests.strategies import BUDGET

if TYPE_CHECKING:
    from random import Random

    from optimizer.subjects.permissions import Permissions

pytestmark = pytest.mark.server

NAMES = ("ann", "ann", "Ann.B", "a b", "*", ">", "größe", "a.>.c", "x..y")
TEAM_TAGS = ("team:a", "team:b", "team:a.b", "team:*", "team:>", "team:B", "team:")
ACCOUNT_TAGS = ("env:a", "env:b.c", "zone:b", "team:c")
OPERATIONS = (
    *("{{name()}}", "{{subject()}}", "{{account-name()}}", "{{account-subject()}}") * 2,
    *("{{tag(team)}}", "{{tag(region)}}", "{{account-tag(env)}}") * 3,
    "{{tag(missing)}}",
    "{{ name() }}",
    "{{Tag(team)}}",
    "{{tag(Team)}}",
    "{{account-tag(zone)}}",
)
UNKNOWN = ("{{nope()}}", "{{name}}", "{{tag}}", "{{ }}", "{{account-names()}}")
"""Operations that no server knows: 2.12.15 refuses the connection, 2.11.8 ends."""


@dataclass(frozen=True)
class Known:
    """A user as the server meets it, and what the project says it may do."""

    token: str
    block: Permissions
    about: dict[str, Any]


def templated(chance: Random, block: dict[str, Any], server: Server) -> dict[str, Any]:
    """The block with some tokens of some entries made templates."""
    for name in ("pub", "sub"):
        for kind in ("allow", "deny"):
            texts = (block.get(name) or {}).get(kind) or []
            for index, text in enumerate(texts):
                if chance.random() < (0.5 if kind == "allow" else 0.25):
                    subject, blank, queue = text.partition(" ")
                    tokens = subject.split(".")
                    for _ in range(chance.choice((1, 1, 2))):
                        unknown = server is Server.CURRENT and chance.random() < 0.03
                        pool = UNKNOWN if unknown else OPERATIONS
                        place = chance.randrange(len(tokens))
                        operation = chance.choice(pool)
                        tokens[place] = f"pre{operation}" if chance.random() < 0.1 else operation
                    texts[index] = f"{'.'.join(tokens)}{blank}{queue}"
    return block


def drawn_users(chance: Random, owner: signing.Key, number: int, server: Server) -> tuple[str, list[Known]]:
    """An account token with defaults, two roles and a plain signing key, and users of each."""
    roles = [signing.account(f"role {number} {index}") for index in range(2)]
    plain = signing.account(f"plain {number}")
    given: dict[str, Any] = {
        "signing_keys": [
            *(
                signing.scope(role, f"r{index}", **templated(chance, strategies.block(chance, malformed=0.0), server))
                for index, role in enumerate(roles)
            ),
            plain.public,
        ],
        "tags": chance.sample(ACCOUNT_TAGS, chance.randint(0, 3)),
    }
    if chance.random() < 0.6:
        given["default_permissions"] = {"pub": {}, "sub": {}, **strategies.block(chance, malformed=0.0)}
    text = signing.sign(signing.account_claims(owner, f"ACC{number}", **given), OPERATOR)
    account = decode(parse_token(text))
    tokens = []
    for issuer in (owner, plain):
        own: dict[str, Any] = chance.choice(
            ({}, {}, {"pub": {"allow": []}}, {"sub": {"deny": ["zz"]}}, strategies.block(chance))
        )
        tokens.append(signing.sign(signing.user_claims(USER, owner, chance.choice(NAMES), **own), issuer))
    for role in roles * 2:
        tags = chance.sample(TEAM_TAGS, chance.randint(0, 3)) + ["region:b"] * chance.randint(0, 1)
        claims = signing.scoped_user_claims(USER, owner, chance.choice(NAMES), tags=tags)
        if chance.random() < 0.05:
            claims["nats"] |= chance.choice(({"pub": {"allow": ["a"]}}, {"subs": 5}, {"resp": {"max": 1, "ttl": 1}}))
        tokens.append(signing.sign(claims, role))
    users = []
    for token in tokens:
        block = effective(decode(parse_token(token)), account)
        about = {
            name: {"allow": [e.text for e in side.allow or ()], "deny": [e.text for e in side.deny]}
            for name, side in (("pub", block.pub), ("sub", block.sub))
        }
        users.append(Known(token, block, about))
    return text, users


@pytest.mark.parametrize("server", list(Server), ids=lambda server: server.value)
def test_defaults_and_templates_mean_to_the_server_what_the_project_says(server, chance, tmp_path):
    owners = [signing.account(f"owner {number}") for number in range(28 * BUDGET)]
    drawn = {owner: drawn_users(chance, owner, number, server) for number, owner in enumerate(owners)}
    preload = {owner.public: text for owner, (text, _) in drawn.items()}
    wrong: list[str] = []
    met: dict[type, set[bool]] = {}
    with RealServer(server, tmp_path / "server", preload) as real:
        for owner, (text, users) in drawn.items():
            # Permissions of its own that take nothing away keep the account's defaults off the publisher.
            everything = signing.user_claims(USER, None, "publisher", pub={"allow": [">"]}, sub={"allow": [">"]})
            oracle = Oracle(real, lambda claims: claims["token"], publisher=signing.sign(everything, owner))
            questions = [
                ({"token": user.token}, probe)
                for user in users
                for probe in (*_without_replies(strategies.probes_about(chance, user.about, 15)), Connect())
            ]
            answers = oracle.ask_all(questions)
            oracle.close()
            blocks = {user.token: user.block for user in users}
            for (claims, probe), answer in zip(questions, answers, strict=True):
                block = blocks[claims["token"]]
                met.setdefault(type(probe), set()).add(answer)
                if block_says(block, probe, server) != answer:
                    account, user = (decode(parse_token(token)) for token in (text, claims["token"]))
                    wrong.append(f"server says {answer}: {probe}, {block}, of {user}, of {account}")
    assert wrong == []
    assert met == {kind: {True, False} for kind in (Publish, Subscribe, Deliver, Connect)}


def _without_replies(probes):
    return [probe for probe in probes if not (isinstance(probe, Publish) and probe.replying_to)]


@pytest.mark.parametrize("operation", UNKNOWN)
def test_before_2_12_14_a_template_operation_it_does_not_know_ends_the_server(operation, tmp_path):
    owner, role = signing.account("owner"), signing.account("role")
    scope = signing.scope(role, "r", pub={"allow": [f"a.{operation}"]})
    account = signing.sign(signing.account_claims(owner, "ACC", signing_keys=[scope]), OPERATOR)
    user = signing.sign(signing.scoped_user_claims(USER, owner, "ann"), role)
    with RealServer(Server.EARLIER, tmp_path / "earlier", {owner.public: account}) as earlier:
        with pytest.raises((RefusedError, ConnectionError)):
            earlier.connect(user)
        earlier.process.wait(PATIENCE)
        assert "panic: runtime error" in (tmp_path / "earlier" / "output").read_text()
    with RealServer(Server.CURRENT, tmp_path / "current", {owner.public: account}) as current:
        with pytest.raises(RefusedError, match="Authorization Violation"):
            current.connect(user)
        assert current.process.poll() is None
