"""``docs/by-hand.md``: every command is run with the real nsc and jq, and what it finds is what permopt finds.

A block of ``sh`` that prints something has its answer beneath it; one that prints nothing defines what later ones use.
``make docs`` writes the answers again.
"""

from __future__ import annotations

import base64
import json
import os
import re
import shutil
import subprocess
import sys
from collections import Counter
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from optimizer import Permissions, Settings, build, examine, graph_document, read
from optimizer.claims.decode import decode
from optimizer.claims.token import parse_token
from optimizer.subjects.subject import Subject
from tests.oracle.nsc_tool import NSC, Store

pytestmark = [pytest.mark.nsc, pytest.mark.jq]

ROOT = Path(__file__).resolve().parents[2]
PAGE = ROOT / "docs" / "by-hand.md"
STORE = ROOT / "corpus" / "acme" / "ACME"
WRITE = os.environ.get("PERMOPT_GOLDEN") == "write"
NOW = 1_800_000_000
"""After every time in the corpus but the end of a token or two."""
COUNTED = ("imports", "exports", "signing_keys", "revocations", "mappings")
_BLOCK = re.compile(r"```sh\n(?P<code>.*?)```\n(?:\n```text\n(?P<answer>.*?)```\n)?", re.DOTALL)


@dataclass(frozen=True)
class Block:
    """Commands of the page, those that they build on, and what the page says they print."""

    code: str
    before: str
    answer: str | None


def blocks() -> list[Block]:
    found: list[Block] = []
    for match in _BLOCK.finditer(PAGE.read_text()):
        before = "".join(block.code for block in found if block.answer is None)
        found.append(Block(match["code"], before, match["answer"]))
    return found


PERMOPT = Path(sys.executable).with_name("permopt")
BLOCKS = blocks()
ASKED = [block for block in BLOCKS if block.answer is not None]


@dataclass(frozen=True)
class Ran:
    code: int
    out: str
    err: str


def sh(script: str, home: Path) -> Ran:
    """Run a script on the store of the corpus, as ``sh`` runs what is typed into it."""
    assert NSC.exists(), f"{NSC} is missing: sh tools/build.sh makes it"
    assert shutil.which("jq"), "jq is missing: it is a package of that name (apt-get install jq)"
    home.mkdir(exist_ok=True)
    path = f"{NSC.parent}:{os.environ['PATH']}"
    env = {"PATH": path, "HOME": str(home), "TMPDIR": str(home), "store": str(STORE), "LC_ALL": "C"}
    done = subprocess.run(
        ["sh", "-c", script], stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False, env=env, cwd=home
    )
    return Ran(done.returncode, done.stdout, done.stderr)


def lines(text: str) -> list[str]:
    """Without the blanks that `wc` puts before numbers on one system and not on the other."""
    return [line.strip() for line in text.splitlines()]


if WRITE:

    def test_the_answers_are_written(tmp_path):
        made, before, end, text = [], "", 0, PAGE.read_text()
        for number, match in enumerate(_BLOCK.finditer(text)):
            ran = sh(before + match["code"], tmp_path / str(number))
            assert ran.err == "", ran
            if ran.out == "":
                before += match["code"]
            answer = f"\n```text\n{ran.out}```\n" if ran.out else ""
            made += [text[end : match.start()], f"```sh\n{match['code']}```\n", answer]
            end = match.end()
        PAGE.write_text("".join([*made, text[end:]]))


@pytest.mark.skipif(WRITE, reason="being written")
@pytest.mark.parametrize("block", BLOCKS, ids=lambda block: block.code.split("\n", 1)[0][:60])
def test_a_block_prints_what_stands_beneath_it(tmp_path, block):
    ran = sh(block.before + block.code, tmp_path / "home")
    assert ran.err == ""
    assert lines(ran.out) == lines(block.answer or "")
    assert ran.code == 0


# -- permopt's own numbers ------------------------------------------------------------------------------------------


@cache
def hierarchy() -> Any:
    return read(str(STORE), now=NOW)


@cache
def audit() -> dict[str, Any]:
    """What ``permopt audit`` prints of the store; over their budget are the users that the page says are too large."""
    words = ["audit", STORE, "--now", str(NOW), "--no-findings", "--user-budget", "3500", "--format", "json"]
    words += ["--config", os.devnull, "--fail-on", "never", "--quiet"]
    done = subprocess.run([PERMOPT, *words], capture_output=True, text=True, check=True)
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def section_bytes(account: dict[str, Any]) -> dict[str, int]:
    """Payload bytes of each member of ``nats``; of an import its activation token too, whoever lists it apart."""
    sums: Counter[str] = Counter()
    for section in account["sections"]:
        steps = section["pointer"].split("/")
        if len(steps) > 2:
            sums[steps[2]] += section["payload_bytes"]
    return dict(sums)


def account(name: str) -> dict[str, Any]:
    (found,) = (each for each in audit()["accounts"] if each["name"] == name)
    return found


def answer(within: str) -> list[list[str]]:
    """What the page says beneath the one block that has this in it: the fields of each line."""
    (block,) = (block for block in ASKED if within in block.code)
    return [line.split("\t") if "\t" in line else line.split() for line in lines(block.answer or "")]


def test_the_accounts_and_their_sizes_are_those_of_the_audit():
    sizes = {each["name"]: each["token_bytes"] for each in audit()["accounts"]}
    assert [name for (name,) in answer("list accounts --json")] == sorted(sizes)
    total, *ranked = answer("wc -c ./*/*.jwt | sort -rn")
    assert total == [str(sum(sizes.values())), "total"]
    assert [(int(size), Path(path).stem) for size, path in ranked] == sorted(
        ((size, name) for name, size in sizes.items()), reverse=True
    )
    assert answer("--raw | tr -d") == [[str(sizes["ORDERS"])]]
    assert answer("servers=5") == [[str(5 * sizes["ORDERS"]), str(5 * sum(sizes.values()))]]


def test_what_is_over_a_budget_is_over_it_in_the_audit():
    found = [Path(path).stem for (path,) in answer("-size +10240c")]
    over, bloated = found[: found.index("and")], found[found.index("and") + 1 :]
    assert sorted(over) == sorted(each["name"] for each in audit()["accounts"] if each["over_budget"])
    assert sorted(bloated) == sorted(each["name"] for each in audit()["accounts"] if each["band"] == "bloated")


def test_the_users_and_their_sizes_are_those_of_the_audit():
    users = {f"./{each['account']}/users/{each['name']}.jwt": each for each in audit()["users"]}
    total, *shown = answer("-size +3500c")
    ranked, over = shown[:3], shown[4:]
    sizes = sorted(((each["token_bytes"], path) for path, each in users.items()), reverse=True)
    assert total == [str(sum(size for size, _ in sizes)), "total"]
    assert [(int(size), path) for size, path in ranked] == sizes[:3]
    assert sorted(path for (path,) in over) == sorted(path for path, each in users.items() if each["over_budget"])


def test_the_counts_are_those_of_the_audit():
    counted = {row[-1]: list(map(int, row[:-1])) for row in answer(".signing_keys, .revocations, .mappings) | length")}
    assert counted == {each["name"]: [each["counts"][name] for name in COUNTED] for each in audit()["accounts"]}
    users, _, activations = answer("length > 50")
    assert users == [each["name"] for each in audit()["accounts"] if each["counts"]["revocations"] > 50]
    assert activations == [
        each.claims.name
        for each in hierarchy().accounts.values()
        if sum(len(export.revocations) for export in each.claims.exports) > 50
    ]


def test_the_sections_weigh_what_they_do_in_the_audit():
    by_section = {name: int(size) for size, name in answer("$sections[] |")}
    assert by_section == section_bytes(account("ORDERS"))
    largest = {name: (section, int(size)) for name, section, size in answer("$sections[0] |")}
    for each in audit()["accounts"]:
        size, section = max((size, name) for name, size in section_bytes(each).items())
        assert largest[each["name"]][1] == size
        assert section_bytes(each)[largest[each["name"]][0]] == size, section


def test_jq_counts_the_payload_only_with_what_go_escapes():
    in_token, as_go, as_jq, pretty = (int(size) for (size,) in answer("jq -j -c ."))
    payload = hierarchy().accounts[account("ORDERS")["key"]].token.payload
    assert in_token == as_go == account("ORDERS")["payload_bytes"] == len(payload)
    assert as_jq == len(payload) - 5 * payload.count(b"\\u003e") < len(payload)
    assert pretty not in (in_token, account("ORDERS")["token_bytes"])


def test_a_token_that_is_not_as_go_writes_it_is_named(tmp_path):
    shutil.copytree(STORE, tmp_path / "ACME")
    token = tmp_path / "ACME" / "accounts" / "LOYALTY" / "LOYALTY.jwt"
    head, payload, signature = token.read_text().split(".")
    spaced = json.dumps(json.loads(base64.urlsafe_b64decode(payload + "=="))).encode()
    token.write_text(f"{head}.{base64.urlsafe_b64encode(spaced).decode().rstrip('=')}.{signature}")
    (block,) = (block for block in ASKED if "as_go" in block.code)
    ran = sh(f"store='{tmp_path}/ACME'\n{block.before}{block.code}", tmp_path / "home")
    named, count = lines(ran.out)
    assert named.split()[1:] == [str(len(spaced)), "./LOYALTY/LOYALTY.jwt"]
    assert int(count) == len(audit()["accounts"]) + len(audit()["users"])


def test_who_issued_whom_is_what_the_claims_say():
    shown = {(name, key): (role, users.split()) for name, key, role, users in answer("group_by(.iss)")}
    expected: dict[tuple[str, str], tuple[str, list[str]]] = {}
    for user in hierarchy().users.values():
        claims = hierarchy().accounts[user.claims.account].claims
        key = claims.signing_key(user.claims.iss)
        role = key.scope.role if key.scope else "-"
        expected.setdefault((claims.name, user.claims.iss), (role, []))[1].append(user.claims.name)
    assert shown == {place: (role, sorted(users)) for place, (role, users) in expected.items()}


def test_the_keys_that_issued_nobody_are_those_of_the_claims():
    accounts = [each.claims for each in hierarchy().accounts.values()]
    issuers = {user.claims.iss for user in hierarchy().users.values()}
    activations = [taken.token for claims in accounts for taken in claims.imports if taken.token]
    issuers |= {decode(parse_token(text)).iss for text in activations}
    expected = {
        (claims.name, key.key, key.scope.role if key.scope else "-")
        for claims in accounts
        for key in claims.signing_keys
        if key.key not in issuers
    }
    assert activations
    assert {tuple(row) for row in answer("$issuers[")} == expected


def covered(revocations: dict[str, int]) -> list[str]:
    everybody = revocations.get("*", -1)
    return sorted(key for key, at in revocations.items() if key != "*" and at <= everybody)


def test_the_revocations_under_a_star_are_those_of_the_claims():
    expected = [
        (each.claims.name, len(covered(revocations)), len(revocations) - 1)
        for each in hierarchy().accounts.values()
        for revocations in (each.claims.revocations, *(export.revocations for export in each.claims.exports))
        if "*" in revocations
    ]
    assert [(name, int(idle), int(others)) for name, idle, others in answer('del(.["*"])')] == expected
    orders = hierarchy().accounts[account("ORDERS")["key"]].claims
    assert [key for (key,) in answer("| .key' | head -n 3")] == covered(orders.revocations)[:3]


def test_to_remove_what_is_past_readmits_users_that_are_refused():
    refused = {
        (hierarchy().accounts[user.claims.account].claims.name, user.claims.name)
        for user in hierarchy().users.values()
        if "revoked" in [issue.code for issue in user.issues]
    }
    assert {tuple(row) for row in answer("$revoked[.sub]")} == refused != set()
    by_account = {name: (int(passed), int(total)) for name, passed, total in answer("select(. < now)] | length")}
    counts = {each["name"]: each["counts"]["revocations"] for each in audit()["accounts"]}
    assert by_account == {name: (count, count) for name, count in counts.items() if count}


def lists() -> Any:
    """Every list of the store: name of the token, place, entries."""
    for signed in (*hierarchy().accounts.values(), *hierarchy().users.values()):
        payload = json.loads(signed.token.payload)["nats"]
        todo = [(payload, "")]
        while todo:
            value, place = todo.pop()
            if isinstance(value, dict):
                todo += [(below, f"{place}.{name}") for name, below in value.items()]
            elif place.endswith((".allow", ".deny")):
                yield signed.claims.name, place[1:], value
            elif isinstance(value, list):
                todo += [(below, f"{place}.{number}") for number, below in enumerate(value)]


def overlapping(entries: list[str], *, stars: bool) -> Any:
    for entry, times in Counter(entries).items():
        if times > 1:
            yield entry, f"{times} times"
    plain = [Subject(entry) for entry in dict.fromkeys(entries) if " " not in entry and "{{" not in entry]
    for entry in plain:
        wider = [each for each in plain if each != entry and each.covers(entry) and all(entry.tokens)]
        if any(each.text.endswith(">") and (stars or "*" not in each.text) for each in wider):
            yield entry.text, "under"


@pytest.fixture(scope="module")
def overlaps(tmp_path_factory) -> Counter[tuple[str, ...]]:
    (block,) = (block for block in ASKED if '"$overlaps" | wc -l' in block.code)
    ran = sh(block.before + block.code.replace(" | wc -l", ""), tmp_path_factory.mktemp("overlaps"))
    rows = [line.split("\t") for line in ran.out.splitlines()]
    assert [[str(len(rows))]] == answer('"$overlaps" | wc -l')
    return Counter((*row[:3], row[3].split(" ", 1)[0] if row[3].startswith("under") else row[3]) for row in rows)


def test_the_overlaps_are_those_that_the_kernel_sees_but_for_some_under_a_star(overlaps):
    seen, with_stars = (
        Counter(
            (name, place, *found) for name, place, entries in lists() for found in overlapping(entries, stars=stars)
        )
        for stars in (False, True)
    )
    assert seen <= overlaps < with_stars


def test_permopt_finds_every_overlap_and_more(overlaps):
    plan = examine(hierarchy(), Settings(now=NOW, rules=("duplicate-entry", "covered-entry")))
    findings = [each.finding for each in plan.proposals] + list(plan.findings)
    found = {(*where(finding), entry) for finding in findings for entry in removed(finding)}
    assert {row[:3] for row in overlaps} < found


def where(finding: Any) -> tuple[str, str]:
    """The name of the token that a finding is about, and the path of the list as jq writes it."""
    target = finding.target
    owner = hierarchy().accounts[target.account].claims
    if target.user is not None:
        return hierarchy().users[target.user, target.account].claims.name, finding.list.value
    place = "default_permissions"
    if target.key is not None:
        place = f"signing_keys.{[each.key for each in owner.signing_keys].index(target.key)}.template"
    return owner.name, f"{place}.{finding.list.value}"


def removed(finding: Any) -> list[str]:
    return [entry for edit in finding.edits for entry in edit.remove]


def test_the_imports_of_nothing_and_the_exports_for_nobody_are_those_of_the_graph():
    document = graph_document(build(hierarchy(), now=NOW))
    names = {node["key"]: node["name"] for node in document["nodes"]}
    dropped = [
        [names[edge["importer"]], edge["type"], edge["import_subject"], names[edge["exporter"]]]
        for edge in document["edges"]
        if edge["state"] == "dropped"
    ]
    assert answer("$taken.subject") == sorted(dropped)
    (count,), *shown = answer('>"$work/unused"')
    unused = sorted((names[each["account"]], each["type"], each["subject"]) for each in document["unused_exports"])
    assert int(count) == len(unused)
    assert sorted(map(tuple, shown)) == [row for row in unused if row[0] == "ORDERS"]


def test_accounts_of_awkward_names_are_read_too(tmp_path):
    names = ["-dash", "a=b", "two words", "$HOME", "üml"]
    store = Store(tmp_path / "nsc", "OP")
    for name in names:
        store.nsc("add", "account", f"--name={name}")
        store.nsc("add", "user", f"--account={name}", f"--name={name}")
    asked = "claims ./*/*.jwt ./*/users/*.jwt | jq -r .name; find ./*/*.jwt -size +1c; wc -c ./*/users/*.jwt | wc -l"
    ran = sh(f"store='{store.home}/OP'\n{BLOCKS[0].code}\n{asked}", tmp_path / "home")
    assert ran.err == ""
    *shown, count = lines(ran.out)
    assert sorted(shown) == sorted([*names, *names, *(f"./{name}/{name}.jwt" for name in names)])
    assert int(count) == len(names) + 1


# -- what the edits do, in the words of the kernel ------------------------------------------------------------------


def edited(within: str) -> list[Any]:
    (block,) = (block for block in ASKED if within in block.code)
    return [json.loads(line) for line in lines(block.answer or "")]


def test_a_user_that_lost_its_last_entry_publishes_anything_but_what_is_denied():
    (pub,) = edited("--rm=orders.new")
    permissions = Permissions.from_claims({"pub": pub})
    assert permissions.may_publish("anything.at.all")
    assert not permissions.may_publish("orders.secret")


def test_rm_took_the_denies_with_it():
    (block,) = edited("--rm=orders.secret")
    permissions = Permissions.from_claims(block)
    assert permissions.may_publish("orders.secret")
    assert permissions.may_subscribe("orders.secret")


@pytest.fixture
def store(tmp_path):
    assert NSC.exists(), f"{NSC} is missing: sh tools/build.sh makes it"
    made = Store(tmp_path / "nsc", "OP")
    made.nsc("add", "account", "--name=ORDERS")
    made.nsc("add", "user", "--account=ORDERS", "--name=app", "--allow-pub=a.b,c.d", "--deny-sub=a.b")
    return made


def test_a_limit_that_is_named_stays_and_an_account_without_jetstream_does_not_grow(store):
    flags = ("--disallow-bearer=true", "--wildcard-exports=false", "--js-disable")
    store.nsc("edit", "account", "--name=ORDERS", *flags)
    before = store.payload("ORDERS")["nats"]
    store.nsc("edit", "account", "--name=ORDERS", "--tag=shop", *flags)
    assert store.payload("ORDERS")["nats"] == {**before, "tags": ["shop"]}


def test_an_explicit_empty_list_is_dropped_by_an_edit_of_anything(store):
    closed = {"allow": [], "deny": ["zzz"]}
    store.forge("ORDERS", "app", nats={"pub": closed})
    assert not Permissions.from_claims({"pub": closed}).may_publish("a")
    store.nsc("edit", "user", "--account=ORDERS", "--name=app", "--tag=x")
    opened = store.payload("ORDERS", "app")["nats"]["pub"]
    assert opened == {"deny": ["zzz"]}
    assert Permissions.from_claims({"pub": opened}).may_publish("a")


def test_to_remove_and_add_in_one_command_leaves_an_entry_nowhere_and_in_two_where_it_belongs(store):
    edit = ("edit", "user", "--account=ORDERS", "--name=app")
    store.nsc(*edit, "--rm=a.b", "--allow-pub=a.b")
    assert store.payload("ORDERS", "app")["nats"]["pub"] == {"allow": ["c.d"]}
    store.nsc(*edit, "--allow-pub=a.b")
    assert store.payload("ORDERS", "app")["nats"]["pub"] == {"allow": ["a.b", "c.d"]}
    assert store.payload("ORDERS", "app")["nats"]["sub"] == {}


def test_what_no_block_shows_is_so_too(store):
    store.nsc("revocations", "add-user", "--account=ORDERS", "--user-public-key=")
    assert list(store.payload("ORDERS")["nats"]["revocations"]) == [store.key("ORDERS", "app")]
    assert "removed" in store.nsc("edit", "user", "--account=ORDERS", "--name=app", "--rm=never.there")
    stranger = store.payload("ORDERS")["sub"]
    store.nsc("add", "account", "--name=OTHER")
    store.nsc("edit", "signing-key", "--account=OTHER", f"--sk={stranger}", "--role=r")
    assert [each["key"] for each in store.payload("OTHER")["nats"]["signing_keys"]] == [stranger]


def test_a_list_changes_the_context_that_later_commands_use(store):
    store.nsc("add", "account", "--name=OTHER")
    store.nsc("list", "users", "-a", "ORDERS")
    assert json.loads((store.home / "nsc.json").read_text())["account"] == "ORDERS"
    store.nsc("list", "users", "-a", "OTHER")
    assert json.loads((store.home / "nsc.json").read_text())["account"] == "OTHER"


# -- the published ones ---------------------------------------------------------------------------------------------

ROWS = [
    [cell.strip().replace(r"\|", "|") for cell in re.split(r"(?<!\\)\|", line)[1:-1]]
    for line in PAGE.read_text().splitlines()
    if line.startswith("| `")
]


def typed(cell: str) -> str:
    (code,) = re.fullmatch(r"`(.*)`", cell).groups()
    return code


def setting() -> str:
    return "".join(block.code for block in BLOCKS if block.answer is None)


def test_the_table_is_there():
    assert len(ROWS) == 8


@pytest.mark.parametrize("row", ROWS, ids=lambda row: typed(row[0]))
def test_a_published_command_does_what_the_table_says_and_the_other_one_works(tmp_path, row):
    published, does, instead = row
    ran = sh(f"{setting()}\n{typed(published)}", tmp_path / "published")
    (code,) = re.findall(r"^exit (\d)", does)
    assert ran.code == int(code), ran
    for quoted in re.findall(r"`([^`]*)`", does.split(";")[0]):
        assert quoted in ran.out + ran.err
    ran = sh(f"{setting()}\n{typed(instead)}", tmp_path / "instead")
    assert ran.code == 0, ran


SIZES = [row for row in ROWS if "wc -c" in row[0]]


@pytest.mark.parametrize("row", SIZES, ids=lambda row: typed(row[0]))
def test_a_published_size_is_not_the_tokens_and_the_other_one_is(tmp_path, row):
    script = f"{setting()}\n{typed(row[0])}\n{typed(row[2])}\ntr -d '\\n' <ORDERS/ORDERS.jwt | wc -c"
    published, instead, size = (int(each) for each in sh(script, tmp_path / "home").out.split())
    assert published != size
    assert instead == size
    assert "one too many" not in row[1] or published == size + 1


def test_json_of_a_list_is_on_standard_error(tmp_path):
    ran = sh(f"{setting()}\nnsc list users -a ORDERS --json", tmp_path / "home")
    assert ran.out == ""
    assert [sorted(user) for user in json.loads(ran.err)] == [["name", "public_key"]]


@pytest.mark.parametrize(("which", "kept"), [(0, False), (2, True)])
def test_to_remove_a_signing_key_resets_two_limits_unless_they_are_named(tmp_path, which, kept):
    (row,) = (row for row in ROWS if "--rm-sk" in row[0])
    ran = sh(f"{setting()}\nquiet {typed(row[which])}\nshow ORDERS/ORDERS.jwt .nats", tmp_path / "home")
    nats = json.loads(ran.out)
    assert "signing_keys" not in nats
    limits = nats["limits"]
    assert (limits.get("disallow_bearer", False), "wildcards" not in limits, "streams" not in limits) == (kept,) * 3


def test_the_copy_has_no_keys_and_the_store_stays_as_it_was(tmp_path):
    before = {path: path.read_bytes() for path in STORE.rglob("*") if path.is_file()}
    first = BLOCKS[0].code
    ran = sh(f'{first}\nnsc edit account --name=ORDERS --tag=x\nls -A "$HOME"', tmp_path / "home")
    assert "unable to resolve any of the following signing keys" in ran.out + ran.err
    assert [name for name in ran.out.splitlines() if not name.startswith("tmp.")] == []
    assert {path: path.read_bytes() for path in STORE.rglob("*") if path.is_file()} == before
