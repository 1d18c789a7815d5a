"""What the corpus promises: small, every token read and written to the byte, every cause of bloat in ACME."""

from __future__ import annotations

import base64
import json
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from optimizer.claims.decode import decode
from optimizer.claims.encode import payload_bytes
from optimizer.claims.token import parse_token
from workshop import claims

if TYPE_CHECKING:
    from collections.abc import Iterator

CORPUS = Path(__file__).resolve().parents[2] / "corpus"
ACME = CORPUS / "acme" / "ACME"
CASES = sorted((CORPUS / "cases").glob("*.json"))
STORED = sorted(CORPUS.glob("*/*/**/*.jwt"))
LISTS = [(side, kind) for side in ("pub", "sub") for kind in ("allow", "deny")]

ACCOUNTS = {path.name: claims(path / f"{path.name}.jwt")["nats"] for path in sorted((ACME / "accounts").iterdir())}
USERS = {f"{path.parts[-3]}/{path.stem}": claims(path)["nats"] for path in sorted(ACME.rglob("users/*.jwt"))}
SIZES = {path.stem: path.stat().st_size for path in ACME.glob("accounts/*/*.jwt")}


def blocks() -> Iterator[tuple[str, dict[str, Any]]]:
    """Every permission block of ACME, with what holds it."""
    for user in USERS.values():
        yield "user", user
    for account in ACCOUNTS.values():
        yield "defaults", account["default_permissions"]
        for key in account.get("signing_keys", []):
            if not isinstance(key, str):
                yield "template", key["template"]


def inside(inner: str, outer: str) -> bool:
    """Whether every subject of a plain entry is one of another's, token by token."""
    if " " in inner or " " in outer:
        return False
    left, right = inner.split("."), outer.split(".")
    for index, token in enumerate(right):
        if token == ">":
            return len(left) > index
        if index >= len(left) or left[index] == ">" or (token not in ("*", left[index])):
            return False
    return len(left) == len(right)


def texts(block: dict[str, Any], side: str, kind: str) -> list[str]:
    return block[side].get(kind, [])


# -- every token -------------------------------------------------------------------------------------------------------


OTHER_LIBRARY = {"jwt-nbe-callout-user": "minted by a Java service: `type` and `version` first, `resp` without `ttl`"}
"""Published tokens whose payload Go did not write; they have no Go bytes to compare with."""


def tokens() -> Iterator[Any]:
    for path in STORED:
        yield pytest.param(path.read_text(), id=str(path.relative_to(CORPUS)))
    for path in CASES:
        case = json.loads(path.read_text())
        if case["jwt"] and case["name"] not in OTHER_LIBRARY:
            yield pytest.param(case["jwt"], id=case["name"])
    for name, account in ACCOUNTS.items():
        for wanted in account.get("imports", []):
            if "token" in wanted:
                yield pytest.param(wanted["token"], id=f"activation of {name} for {wanted['subject']}")


@pytest.mark.parametrize("text", list(tokens()))
def test_every_token_is_decoded_and_encoded_to_the_byte(text):
    token = parse_token(text)
    assert payload_bytes(decode(token)) == token.payload
    assert token.size == len(text)


@pytest.mark.parametrize("name", OTHER_LIBRARY)
def test_a_token_of_another_library_keeps_its_values_and_gains_only_what_go_always_writes(name):
    token = parse_token(json.loads((CORPUS / "cases" / f"{name}.json").read_text())["jwt"])
    read = json.loads(token.payload)
    assert payload_bytes(decode(token)) != token.payload
    read["nats"]["resp"]["ttl"] = 0
    assert json.loads(payload_bytes(decode(token))) == read


def test_the_recorded_stores_and_cases_are_small():
    folders = ("acme", "clean", "cases", "recipes")
    assert sum(path.stat().st_size for name in folders for path in (CORPUS / name).rglob("*")) < 1_500_000


def test_every_folder_says_what_it_is():
    for folder in (CORPUS, *(path for path in CORPUS.iterdir() if path.is_dir() and any(path.glob("*.*")))):
        if not any(folder.glob("*.py")) or folder == CORPUS:
            assert (folder / "README.md").is_file(), folder


@pytest.mark.parametrize("path", CASES, ids=lambda path: path.stem)
def test_every_case_names_its_source_and_licence(path):
    case = json.loads(path.read_text())
    assert case["name"] == path.stem
    assert case["source"]
    assert case["licence"]
    assert case["kind"] in {"permissions", "topology", "jwt"}
    assert bool(case["jwt"]) is (case["kind"] == "jwt")


def test_the_readme_counts_the_cases_right():
    kinds = [json.loads(path.read_text())["kind"] for path in CASES]
    readme = (CORPUS / "cases" / "README.md").read_text()
    counted = {kind: kinds.count(kind) for kind in set(kinds)}
    assert {kind: int(count) for count, kind in re.findall(r"(\d+) `(\w+)`", readme)} == counted
    assert f"{len(CASES)} files" in readme


def test_acmes_readme_states_sizes_and_users_right():
    readme = (CORPUS / "acme" / "README.md").read_text()
    stated = {
        name: (int(size), int(users))
        for name, size, users in re.findall(r"^\| (\w+) \| (\d+) \| (\d+) \|", readme, re.MULTILINE)
    }
    counted = {name: (size, sum(user.startswith(f"{name}/") for user in USERS)) for name, size in SIZES.items()}
    assert stated == counted


# -- what ACME carries -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("holder", ["user", "template", "defaults"])
@pytest.mark.parametrize(("side", "kind"), LISTS)
def test_every_list_of_every_holder_has_a_duplicate(holder, side, kind):
    assert any(
        len(set(listed)) < len(listed)
        for who, block in blocks()
        if who == holder
        for listed in [texts(block, side, kind)]
    )


@pytest.mark.parametrize("holder", ["user", "template", "defaults"])
@pytest.mark.parametrize(("side", "kind"), LISTS)
def test_every_list_of_every_holder_has_an_entry_inside_another(holder, side, kind):
    assert any(
        inside(a, b)
        for who, block in blocks()
        if who == holder
        for a in texts(block, side, kind)
        for b in texts(block, side, kind)
        if a != b
    )


@pytest.mark.parametrize("holder", ["user", "template"])
def test_granular_subjects_stand_where_a_wildcard_could(holder):
    def siblings(listed: list[str]) -> int:
        parents = [text.rsplit(".", 1)[0] for text in set(listed) if "." in text and text[-1] not in "*>"]
        return max((parents.count(parent) for parent in parents), default=0)

    most = max(
        siblings(texts(block, side, "allow")) for who, block in blocks() if who == holder for side in ("pub", "sub")
    )
    assert most >= {"user": 20, "template": 12}[holder]


@pytest.mark.parametrize("holder", ["user", "template"])
def test_one_level_and_all_below_it_are_listed_side_by_side(holder):
    assert any(
        text.endswith(".*") and f"{text}.>" in texts(block, side, kind)
        for who, block in blocks()
        if who == holder
        for side, kind in LISTS
        for text in texts(block, side, kind)
    )


def test_queue_entries_are_covered_by_queue_entries_and_by_none():
    listed = texts(USERS["WAREHOUSE/stock-service"], "sub", "allow")
    assert {"stock.reserve stock", "stock.* stock", "stock.> stock.v1", "stock.reserve stock.v1"} <= set(listed)
    listed = texts(USERS["ORDERS/returns-worker"], "sub", "allow")
    assert {"orders.returned returns", "orders.* returns", "orders.refunded returns-eu", "orders.cancelled"} <= set(
        listed
    )
    denied = texts(USERS["WAREHOUSE/label-printer"], "sub", "deny")
    assert {"printers.test", "printers.test printers", "printers.test.labels printers"} <= set(denied)


def test_a_queue_entry_stands_beside_a_template():
    assert any(
        any(" " in text and "{{" not in text for text in listed) and any("{{" in text for text in listed)
        for who, block in blocks()
        if who == "template"
        for listed in [texts(block, "sub", "allow")]
    )


@pytest.mark.parametrize("holder", ["user", "template", "defaults"])
def test_an_allow_lies_inside_a_deny(holder):
    assert any(
        inside(allowed, denied)
        for who, block in blocks()
        if who == holder
        for side in ("pub", "sub")
        for allowed in texts(block, side, "allow")
        for denied in texts(block, side, "deny")
    )


@pytest.mark.parametrize("holder", ["user", "template"])
def test_a_publish_deny_denies_nothing(holder):
    def meets(a: list[str], b: list[str]) -> bool:
        for left, right in zip(a, b, strict=False):
            if ">" in (left, right):
                return True
            if left != right and "*" not in (left, right) and "{{" not in left + right:
                return False
        return len(a) == len(b)

    assert any(
        block["pub"].get("allow")
        and not any(meets(denied.split("."), allowed.split(".")) for allowed in block["pub"]["allow"])
        for who, block in blocks()
        if who == holder
        for denied in texts(block, "pub", "deny")
    )


def test_a_user_has_one_entry_left_that_the_server_ignores_where_defaults_exist():
    user = USERS["ORDERS/audit-export"]
    assert (user["pub"], user["sub"]) == ({}, {"deny": ["orders.>.draft"]})
    assert ACCOUNTS["ORDERS"]["default_permissions"]["pub"]["allow"]


def test_a_user_has_no_lists_and_lives_by_the_defaults():
    user = USERS["ORDERS/support-console"]
    assert (user["pub"], user["sub"], "resp" in user) == ({}, {}, False)


def test_the_only_allow_of_a_user_lies_inside_its_deny():
    assert USERS["ORDERS/maintenance-lock"]["pub"] == {
        "allow": ["orders.internal.audit"],
        "deny": ["orders.internal.>"],
    }


def test_an_ignored_entry_stands_in_a_role_template():
    assert any("orders.>.status" in texts(block, "sub", "allow") for who, block in blocks() if who == "template")


def test_a_shell_ate_the_dollar_of_a_users_subjects():
    listed = texts(USERS["EDGE/price-sync"], "pub", "allow")
    assert all(text.startswith(".") for text in listed)
    assert ".>" in listed
    assert any(text.startswith(".API.STREAM.INFO.") for text in listed)


def test_acknowledgements_stand_in_a_subscribe_list():
    assert "$JS.ACK.>" in texts(USERS["EDGE/sales-collector"], "sub", "allow")


def test_an_allow_list_is_there_and_empty():
    assert USERS["PAYMENTS/vault-sealed"]["pub"]["allow"] == []


def test_a_revoked_user_is_bloated():
    path = ACME / "accounts" / "ORDERS" / "users" / "batch-importer.jwt"
    payload = claims(path)
    assert payload["iat"] <= ACCOUNTS["ORDERS"]["revocations"][payload["sub"]]
    listed = texts(payload["nats"], "pub", "allow")
    assert len(set(listed)) < len(listed)


def test_an_expired_user_is_still_there():
    assert claims(ACME / "accounts" / "ORDERS" / "users" / "contractor-mara.jwt")["exp"] < 1_760_000_000


def test_revocations_go_into_the_hundreds_and_most_lie_under_the_star():
    revoked = dict(ACCOUNTS["ORDERS"]["revocations"])
    everyone = revoked.pop("*")
    covered = [at for at in revoked.values() if at <= everyone]
    assert len(revoked) > 300
    assert 150 < len(covered) < len(revoked) - 50


def test_activations_are_revoked_one_by_one_and_with_a_star():
    exports = {export["subject"]: export.get("revocations", {}) for export in ACCOUNTS["PAYMENTS"]["exports"]}
    assert sum(map(len, exports.values())) > 70
    everyone = exports["payments.api.charge"].pop("*")
    assert {at <= everyone for at in exports["payments.api.charge"].values()} == {True, False}


def test_signing_keys_are_left_from_rotations():
    keys = ACCOUNTS["ORDERS"]["signing_keys"]
    issuers = {claims(path)["iss"] for path in (ACME / "accounts" / "ORDERS" / "users").iterdir()}
    unused = [key for key in keys if (key if isinstance(key, str) else key["key"]) not in issuers]
    assert len(keys) == 9
    assert sum(isinstance(key, str) for key in unused) == 4
    assert sum(isinstance(key, dict) for key in unused) == 2
    operator = claims(ACME / "ACME.jwt")
    assert len(operator["nats"]["signing_keys"]) == 3


def test_imports_and_exports_sprawl_and_some_carry_activations():
    assert len(ACCOUNTS["ANALYTICS"]["imports"]) > 50
    assert len(ACCOUNTS["ORDERS"]["exports"]) > 30
    assert sum("token" in wanted for wanted in ACCOUNTS["BILLING"]["imports"]) == 7


def test_an_import_names_what_nobody_exports():
    assert any(wanted["subject"] == "orders.drafted" for wanted in ACCOUNTS["BILLING"]["imports"])
    assert all(export["subject"] != "orders.drafted" for export in ACCOUNTS["ORDERS"]["exports"])


def test_accounts_were_copied_and_pasted():
    one, two = (json.loads(json.dumps(ACCOUNTS[name])) for name in ("ORDERS_EU", "ORDERS_US"))
    assert one["description"] == two["description"] == ACCOUNTS["ORDERS"]["description"]
    assert one["mappings"] == two["mappings"]
    assert one["default_permissions"] == two["default_permissions"] == ACCOUNTS["ORDERS"]["default_permissions"]
    shared = {export["subject"] for export in one["exports"]} & {export["subject"] for export in two["exports"]}
    assert len(shared) == 32
    assert two["revocations"].items() <= one["revocations"].items() <= ACCOUNTS["ORDERS"]["revocations"].items()


def test_mappings_keep_old_names_alive():
    assert len(ACCOUNTS["ORDERS"]["mappings"]) == 13


def test_token_sizes_reach_into_every_band():
    bands = [0, 5, 10, 25]
    reached = {max(limit for limit in bands if size > limit * 1024) for size in SIZES.values()}
    assert reached == set(bands)
    assert any(2 * 1024 < size < 5 * 1024 for size in SIZES.values())


def test_a_user_token_almost_fills_a_connect_line():
    # 3,834 bytes were the last that a client with short options got through: facts of nats-server 2.12.15
    assert 3_700 < (ACME / "accounts" / "EDGE" / "users" / "edge-gateway.jwt").stat().st_size < 3_834


def test_activation_tokens_are_what_their_import_says():
    for account in ACCOUNTS.values():
        for wanted in account.get("imports", []):
            if "token" in wanted:
                segment = wanted["token"].split(".")[1]
                activation = json.loads(base64.urlsafe_b64decode(segment + "=" * (-len(segment) % 4)))
                assert activation["nats"]["subject"] == wanted["subject"]
                assert activation["nats"]["issuer_account"] == wanted["account"]
