"""The cases of ``corpus/cases``, turned into signed tokens, read back and examined."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from functools import cache, cached_property
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

from optimizer.edits import ListName, Target, TargetKind, apply_all, permission_lists
from optimizer.edits import entries as entries_of
from optimizer.examine import examine
from optimizer.proposals import Safety
from optimizer.settings import Settings
from optimizer.sources import read
from optimizer.subjects.permissions import Permissions
from tests import signing

if TYPE_CHECKING:
    from optimizer.hierarchy import Hierarchy
    from optimizer.proposals import Finding, Plan, Proposal

CASES = {path.stem: path for path in sorted((Path(__file__).parents[1] / "corpus" / "cases").glob("*.json"))}
NOW = 1_790_000_000
UNITS = {"ms": 10**6, "s": 10**9, "m": 60 * 10**9}


@dataclass(frozen=True)
class Case:
    """One case: what its file says, what permopt reads of it, and what it proposes."""

    file: dict[str, Any]
    hierarchy: Hierarchy
    plan: Plan

    @property
    def expected(self) -> dict[str, Any]:
        return self.file["expected"]

    @cached_property
    def targets(self) -> dict[str, Target]:
        """Permission blocks by the paths that case files use."""
        found = {}
        names = {key: account.claims.name for key, account in self.hierarchy.accounts.items()}
        for (user, account), signed in self.hierarchy.users.items():
            target = Target(TargetKind.USER.value, account, user=user)
            found[f"users[{signed.claims.name}]"] = target
            found[f"accounts[{names[account]}].users[{signed.claims.name}]"] = target
        for key, signed in self.hierarchy.accounts.items():
            defaults = Target(TargetKind.DEFAULTS.value, key)
            found[f"accounts[{signed.claims.name}].default_permissions"] = defaults
            found.setdefault("users[(default_permissions)]", defaults)
            for signer in signed.claims.signing_keys:
                if signer.scope is not None:
                    path = f"accounts[{signed.claims.name}].scope[{signer.scope.role}]"
                    found[path] = Target(TargetKind.SCOPE.value, key, key=signer.key)
        return found

    def place(self, path: str) -> tuple[Target, ListName]:
        """The block and list that a path such as ``users[app].pub.allow`` names."""
        block, side, kind = path.rsplit(".", 2)
        return self.targets[block], ListName(f"{side}.{kind}")

    def list(self, path: str, hierarchy: Hierarchy | None = None) -> tuple[str, ...]:
        """The entries of one list, as read or in another hierarchy."""
        target, name = self.place(path)
        return entries_of(permission_lists(hierarchy or self.hierarchy, target), name) or ()

    @property
    def lists(self) -> dict[str, tuple[str, ...]]:
        """All lists that have entries, by path; one path each."""
        paths = {target: path for path, target in reversed(self.targets.items())}
        named = [f"{path}.{name.value}" for path in paths.values() for name in ListName]
        return {path: listed for path in named if (listed := self.list(path))}

    def findings(self, path: str) -> list[Finding]:
        """What the rules found in one list, repaired by a proposal or not."""
        where = self.place(path)
        every = [*(proposal.finding for proposal in self.plan.proposals), *self.plan.findings]
        return [finding for finding in every if (finding.target, finding.list) == where]

    def removing(self, path: str, entry: str) -> list[Proposal]:
        """The proposals that take an entry out of a list, the last copy included."""
        target, name = self.place(path)
        return [
            proposal
            for proposal in self.plan.proposals
            for edit in proposal.edits
            if (edit.target, edit.list) == (target, name) and entry in edit.remove
        ]

    def says(self, rule: str, path: str, entry: str) -> bool:
        """Whether a rule names an entry of a list, as evidence or to be removed."""
        return any(
            finding.rule == rule
            and any(f"`{entry}`" in evidence.statement.split(" is ")[0] for evidence in finding.evidence)
            for finding in self.findings(path)
        )

    @cached_property
    def after(self) -> Hierarchy:
        """What the safe proposals make of it."""
        edits = [edit for proposal in self.plan.default_selection for edit in proposal.edits]
        return apply_all(edits, self.hierarchy)

    def claims(self, path: str, hierarchy: Hierarchy | None = None) -> dict[str, Any]:
        """One permission block as JSON."""
        return permission_lists(hierarchy or self.hierarchy, self.targets[path]).as_claims()

    def permissions(self, path: str, hierarchy: Hierarchy | None = None) -> Permissions:
        """What the server makes of one block."""
        return Permissions.from_claims(self.claims(path, hierarchy))

    def safely_added(self) -> set[str]:
        """Every entry that a safe proposal puts in."""
        return {
            text
            for proposal in self.plan.proposals
            if proposal.judgement.safety in (Safety.SAFE, Safety.GUARDED)
            for edit in proposal.edits
            for text in edit.add
        }


@cache
def case(name: str) -> Case:
    """A case by its name, read from signed tokens and examined."""
    file = json.loads(CASES[name].read_text())
    with TemporaryDirectory() as directory:
        for number, token in enumerate(tokens(file)):
            (Path(directory) / f"{number:04}.jwt").write_text(token)
        hierarchy = read(f"dir:{directory}", now=NOW)
    return Case(file, hierarchy, examine(hierarchy, Settings(now=NOW)))


def tokens(file: dict[str, Any]) -> list[str]:
    """Operator, accounts and users of a case, signed; users outside an account get one called like the case."""
    name, operator = file["name"], signing.operator(file["name"])
    accounts = [dict(account) for account in file["accounts"]]
    loose = [user for user in file["users"] if user["name"] != "(default_permissions)"]
    if file["users"] and not accounts:
        [defaults] = [user for user in file["users"] if user not in loose] or [None]
        accounts.append({"name": name, "users": loose, "default_permissions": defaults})
    elif file["users"]:
        accounts[0]["scoped"] = loose
    made = [signing.sign(signing.operator_claims(operator, name), operator)]
    for account in accounts:
        key = signing.account(f"{name} {account['name']}")
        roles = [scope for scope in account.get("signing_keys") or [] if not isinstance(scope, str)]
        signers = [signing.account(f"{name} {account['name']} {scope['role']}") for scope in roles]
        nats: dict[str, Any] = {"default_permissions": block(account.get("default_permissions") or {})}
        if roles:
            nats["signing_keys"] = [
                signing.scope(signer, scope["role"], **block(scope["template"]))
                for signer, scope in zip(signers, roles, strict=True)
            ]
        if account.get("tags"):
            nats["tags"] = account["tags"]
        made.append(signing.sign(signing.account_claims(key, account["name"], **nats), operator))
        for user in account.get("users") or []:
            owner = signing.user(f"{name} {account['name']} {user['name']}")
            more = {more: user[more] for more in ("tags", "allowed_connection_types") if user.get(more)}
            made.append(signing.sign(signing.user_claims(owner, None, user["name"], **block(user), **more), key))
        for user in account.get("scoped", ()):
            owner = signing.user(f"{name} {account['name']} {user['name']}")
            made.append(
                signing.sign(signing.scoped_user_claims(owner, key, user["name"], tags=user["tags"]), signers[0])
            )
    return made


def block(written: dict[str, Any]) -> dict[str, Any]:
    """A permission block of a case as claims: there an empty list is an absent one."""
    made: dict[str, Any] = {
        side: {kind: listed for kind in ("allow", "deny") if (listed := (written.get(side) or {}).get(kind))}
        for side in ("pub", "sub")
    }
    if written.get("resp"):
        made["resp"] = {"max": written["resp"].get("max", 1), "ttl": nanoseconds(written["resp"].get("ttl") or 0)}
    return made


def nanoseconds(written: int | str) -> int:
    if isinstance(written, int):
        return written
    [(count, unit)] = re.findall(r"^(\d+)(\w+)$", written)
    return int(count) * UNITS[unit]
