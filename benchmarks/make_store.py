"""A generated nsc store of N accounts, as large and as untidy as stores are; signed with keys made in memory.

    python benchmarks/make_store.py 1000 /tmp/store

Account tokens have a median of about 3.1 KB, a 90th percentile of 10 KB, a 99th of 60 KB and a maximum near 0.5 MB; an
account has 1.5 users; the tokens are as nsc writes them. One permission list in 50 has something to propose. The same
number of accounts gives the same store. None of it is ever committed, and the keys are derived from names when they
are needed and written nowhere.
"""

from __future__ import annotations

import json
import math
import random
import sys
from pathlib import Path
from statistics import quantiles
from typing import TYPE_CHECKING, Any

from optimizer.claims.decode import decode
from optimizer.claims.encode import reencoded
from optimizer.claims.token import parse_token
from tests import signing

if TYPE_CHECKING:
    from collections.abc import Iterator

OPERATOR = "BENCH"
TEAMS = ("orders", "billing", "stock", "fleet", "search", "media", "risk", "crm")
NOUNS = ("order", "invoice", "item", "truck", "query", "image", "score", "lead", "basket", "refund", "route", "batch")
VERBS = ("created", "updated", "deleted", "read", "list", "sync", "failed", "done")
REGIONS = ("eu", "us", "apac", "latam", "mea")
_MEDIAN, _P90, _LARGEST = 2_900, 9_700, 500_000


def main(count: int, root: Path, untidy: float = 0.02) -> None:
    """Write the store, and say what came of it.

    Parameters
    ----------
    untidy
        The share of permission lists that hold an entry twice, and entries that another one covers.
    """
    chance = random.Random(f"permopt benchmark {count}")
    operator = signing.operator("bench")
    system = signing.account("bench SYS")
    home = root / OPERATOR
    (home / "creds").mkdir(parents=True)
    (home / ".nsc").write_text(json.dumps({"managed": False, "name": OPERATOR, "kind": "operator", "version": "1"}))
    claims = signing.operator_claims(operator, OPERATOR, system_account=str(system))
    (home / f"{OPERATOR}.jwt").write_text(signing.sign(claims, operator))
    _write_account(home, "SYS", signing.sign(signing.account_claims(system, "SYS"), operator), {})
    offered: list[tuple[str, str, str]] = []
    sizes = []
    for number in range(count - 1):
        name = f"{chance.choice(TEAMS).upper()}_{number:05}"
        key = signing.account(f"bench {number}")
        body = _body(chance, number, _target(chance), offered, untidy)
        token = _by_nsc(signing.sign(signing.account_claims(key, name, **body), operator), operator)
        sizes.append(len(token))
        _write_account(home, name, token, dict(_users(chance, number, key, body, untidy)))
    cuts = quantiles(sizes, n=100)
    print(
        f"{count} accounts in {home}: median {cuts[49] / 1024:.1f} KB, p90 {cuts[89] / 1024:.1f} KB, "
        f"p99 {cuts[98] / 1024:.1f} KB, max {max(sizes) / 1024:.0f} KB"
    )


def _by_nsc(token: str, key: signing.Key) -> str:
    """The token as nsc would have written it: lists sorted, absent limits filled in."""
    return signing.sign(reencoded(decode(parse_token(token))), key)


def _write_account(home: Path, name: str, token: str, users: dict[str, str]) -> None:
    directory = home / "accounts" / name
    (directory / "users").mkdir(parents=True)
    (directory / f"{name}.jwt").write_text(token)
    for user, text in users.items():
        (directory / "users" / f"{user}.jwt").write_text(text)


def _target(chance: random.Random) -> int:
    """The bytes of an account token: log-normal up to the 90th percentile, and a Pareto tail above it."""
    size = chance.lognormvariate(math.log(_MEDIAN), 0.914)
    if size > _P90:
        size = _P90 * chance.paretovariate(1.285)
    return int(min(size, _LARGEST))


def _body(
    chance: random.Random, number: int, target: int, offered: list[tuple[str, str, str]], untidy: float
) -> dict[str, Any]:
    """Claims that fill about ``target`` bytes of token."""
    body: dict[str, Any] = {"imports": [], "exports": [], "signing_keys": [], "revocations": {}}
    team = chance.choice(TEAMS)
    if chance.random() < 0.4:
        body["default_permissions"] = {"pub": {"allow": _entries(chance, team, 4, untidy)}, "sub": {}}
    # A frame costs 700 bytes; what follows is measured as payload, of which base64 makes 4 bytes of 3.
    left = (target - 700) * 3 // 4
    serial = 0
    while left > 0:
        part, value = _part(chance, team, f"{number} {serial}", offered, untidy)
        left -= len(json.dumps(value)) + 1
        serial += 1
        if part == "revocations":
            body[part] |= value
        else:
            body[part].append(value)
    for index, export in enumerate(body["exports"]):
        export["subject"] = f"{team}.a{number}.e{index}.{export['subject']}"
        offered.append((str(signing.account(f"bench {number}")), export["type"], export["subject"]))
    # The server refuses an account that imports one service of another twice.
    body["imports"] = list({(taken["account"], taken["subject"]): taken for taken in body["imports"]}.values())
    return body


def _part(
    chance: random.Random, team: str, serial: str, offered: list[tuple[str, str, str]], untidy: float
) -> tuple[str, Any]:
    kind = chance.choices(("imports", "exports", "signing_keys", "revocations"), (30, 25, 15, 30))[0]
    if kind == "imports" and offered:
        account, type_, subject = chance.choice(offered)
        return kind, {"name": subject, "subject": subject, "account": account, "type": type_}
    if kind in ("exports", "imports"):
        subject = f"{chance.choice(NOUNS)}.{chance.choice((*VERBS, '*', '>'))}"
        return "exports", {"name": subject, "subject": subject, "type": chance.choice(("stream", "service"))}
    if kind == "signing_keys":
        key = signing.account(f"bench signing {serial}")
        if chance.random() < 0.3:
            return kind, str(key)
        lists = {side: {"allow": _entries(chance, team, 12, untidy)} for side in ("pub", "sub")}
        return kind, signing.scope(key, f"role{serial.split()[1]}", **lists)
    return kind, {str(signing.user(f"bench revoked {serial}")): signing.ISSUED + chance.randrange(10**6)}


def _entries(chance: random.Random, team: str, about: int, untidy: float) -> list[str]:
    """A list as people write them, with wildcards beside literals; a share of the lists is untidy, as they become."""
    number = max(1, int(chance.gauss(about, about / 2)))
    entries: list[str] = []
    for noun in chance.sample(NOUNS, k=min(len(NOUNS), 1 + number // 3)):
        draw = chance.random()
        if draw < 0.15:
            entries.append(f"{team}.{noun}.>")
        elif draw < 0.3:
            entries.append(f"{team}.{noun}.*.{chance.choice(REGIONS)}")
        else:
            entries += [f"{team}.{noun}.{verb}.{chance.choice(REGIONS)}" for verb in chance.sample(VERBS, k=4)]
    entries = entries[:number]
    if chance.random() < untidy:
        literal = chance.choice(entries)
        entries += [chance.choice(entries), literal.rpartition(".")[0] + ".>"]
    chance.shuffle(entries)
    return entries


def _users(
    chance: random.Random, number: int, owner: signing.Key, body: dict[str, Any], untidy: float
) -> Iterator[tuple[str, str]]:
    scopes = [key for key in body["signing_keys"] if isinstance(key, dict)]
    for index in range(chance.choices((1, 2, 3), (60, 30, 10))[0]):
        user = signing.user(f"bench {number} {index}")
        name = f"user{index}"
        if scopes and chance.random() < 0.4:
            scope = chance.choice(scopes)
            serial = scope["role"].removeprefix("role")
            signer = signing.account(f"bench signing {number} {serial}")
            yield name, _by_nsc(signing.sign(signing.scoped_user_claims(user, owner, name), signer), signer)
            continue
        team = chance.choice(TEAMS)
        lists = {side: {"allow": _entries(chance, team, 10, untidy)} for side in ("pub", "sub")}
        wide = [text for text in lists["sub"]["allow"] if text.endswith(".>")]
        if wide and chance.random() < 0.4:
            lists["sub"]["deny"] = [f"{wide[0].removesuffix('>')}internal"]
        yield name, _by_nsc(signing.sign(signing.user_claims(user, None, name, **lists), owner), owner)


if __name__ == "__main__":
    main(int(sys.argv[1]), Path(sys.argv[2]))
