"""What permopt found, as JSON documents: names exact, seeds redacted, keys in a fixed order.

`optimizer.review.plan` reads a plan back; whatever is written here it must understand.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, assert_never

from optimizer.audit.standing import token_findings
from optimizer.claims.gojson import plain
from optimizer.claims.layout import shared_members
from optimizer.edits import (
    AddAccount,
    EditActivationRevocations,
    EditEntries,
    EditExports,
    EditImports,
    EditRevocations,
    SharedEdit,
    apply_all,
    touches_account_token,
)
from optimizer.graph.surroundings import surroundings
from optimizer.subjects.probes import AcrossImport, Connect, Deliver, LeafInterest, LeafSubscribe, Publish, Subscribe
from optimizer.text import redacted

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from optimizer.audit.standing import TokenFinding
    from optimizer.claims.keys import AccountKey, UserKey
    from optimizer.claims.model import AccountClaims, OperatorClaims, UserClaims
    from optimizer.edits import Edit, Target
    from optimizer.hierarchy import Hierarchy, Signed
    from optimizer.proposals import (
        Finding,
        FrontierPoint,
        Gain,
        Grant,
        Judgement,
        Plan,
        Proposal,
        TokenBudget,
        TokenChange,
        Witness,
    )
    from optimizer.settings import Settings
    from optimizer.subjects.probes import Probe

PLAN = "permopt.plan.v1"

Document = dict[str, Any]


def text_of(document: Mapping[str, Any]) -> str:
    """The document as text: ASCII only, so that no terminal and no encoding can garble a name."""
    return json.dumps(document, indent=2).replace("\x7f", "\\u007f") + "\n"


def digest(document: Mapping[str, Any]) -> str:
    """The hash of a whole document, its own ``digest`` left out: an edited plan is known by it.

    Parameters
    ----------
    document
        With or without ``digest``; order of keys and white space do not matter.

    Returns
    -------
    str
        ``sha256:`` and 64 hexadecimal digits.
    """
    rest = {key: value for key, value in document.items() if key != "digest"}
    canonical = json.dumps(rest, sort_keys=True, separators=(",", ":"))
    return "sha256:" + hashlib.sha256(canonical.encode()).hexdigest()


def plan_document(plan: Plan, settings: Settings) -> Document:
    """A plan as ``permopt.plan.v1``: complete enough to review it and to write its scripts from it alone.

    Parameters
    ----------
    plan
        What `optimizer.examine.examine` returned.
    settings
        What it was asked for with; the plan is judged again under the same settings.

    Returns
    -------
    dict
        JSON values only, ``digest`` included.
    """
    names = _Names(plan.named)
    hierarchy = plan.hierarchy
    document: Document = {
        "type": PLAN,
        "digest": "",
        "fingerprint": hierarchy.fingerprint,
        "settings": _settings(settings),
        "source": {
            "store": hierarchy.store,
            "managed": hierarchy.managed,
            "has_users": hierarchy.has_users,
            "complete": {"users": hierarchy.coverage.users, "accounts": hierarchy.coverage.accounts},
            "accounts": len(hierarchy.accounts),
            "users": len(hierarchy.users),
            "account_bytes": sum(account.token.size for account in hierarchy.accounts.values()),
            "user_bytes": sum(user.token.size for user in hierarchy.users.values()),
            "skipped": [{"origin": skipped.origin, "reason": skipped.reason} for skipped in hierarchy.skipped],
        },
        "targets": _targets(plan, names, settings),
        "proposals": [_proposal(proposal, names) for proposal in plan.proposals],
        "findings": [
            *(_token_finding(finding, names) for finding in token_findings(hierarchy, settings)),
            *(_finding(finding, names) for finding in plan.findings),
        ],
        "set_aside": [{"id": aside.id, "reason": aside.reason} for aside in plan.set_aside],
        "judgement": None if plan.judgement is None else _judgement(plan.judgement, names),
        "budgets": [_budget(budget, names) for budget in plan.budgets],
    }
    redacted_document: Document = without_seeds(document)
    redacted_document["digest"] = digest(redacted_document)
    return redacted_document


def without_seeds(value: Any) -> Any:  # noqa: ANN401 JSON values are what they are
    """A JSON value with whatever looks like a seed redacted; tokens, which are public, stay as they are."""
    match value:
        case str():
            return redacted(value)
        case dict():
            return {key: item if key == "token_before" else without_seeds(item) for key, item in value.items()}
        case list():
            return [without_seeds(item) for item in value]
        case _:
            return value


@dataclass(frozen=True, slots=True)
class _Names:
    """Keys with the names beside them: people and scripts look for names, only keys are unique."""

    hierarchy: Hierarchy

    def of(self, account: AccountKey, user: UserKey | None) -> Document:
        owner = self.hierarchy.accounts.get(account)
        named: Document = {"account": "" if owner is None else owner.claims.name, "account_key": account}
        if user is not None:
            member = self.hierarchy.users.get((user, account))
            named["user"] = "" if member is None else member.claims.name
            named["user_key"] = user
        return named


def _settings(settings: Settings) -> Document:
    return {
        "now": settings.now,
        "servers": [server.value for server in settings.servers],
        "complete": {"users": settings.complete_users, "accounts": settings.complete_accounts},
        **({"complete_tokens": True} if settings.complete_tokens else {}),
        **({} if settings.max_user_ttl is None else {"max_user_ttl": settings.max_user_ttl}),
        "accounts": list(settings.accounts),
        "rules": list(settings.rules),
        "effort": settings.effort,
        "budget": settings.budget,
        **({"account_budgets": [[*each] for each in settings.budgets]} if settings.budgets else {}),
        "user_budget": settings.user_budget,
        "widen": settings.widen.value,
        "frontier": settings.frontier,
        "keep_prefix": settings.keep_prefix,
        "protected": list(settings.protected),
        "weights": {
            "known": settings.weights.known,
            "star": settings.weights.star,
            "tail": settings.weights.tail,
        },
        "bytes_per_cost": settings.bytes_per_cost,
    }


def _targets(plan: Plan, names: _Names, settings: Settings) -> list[Document]:
    """The tokens that judging again needs: the operator, the touched accounts, and all their users.

    Where imports are edited, so much of what others share as decides what comes of it, without their users.
    """
    hierarchy = plan.hierarchy
    edits = [edit for proposal in plan.proposals for edit in proposal.edits]
    touched = {edit.target.account for edit in edits}
    shared = [edit for edit in edits if isinstance(edit, SharedEdit)]
    around = _around(hierarchy, shared, settings.now) if shared else frozenset()
    users: dict[AccountKey, list[Document]] = {account: [] for account in touched}
    for (key, owner), user in hierarchy.users.items():
        if owner in touched:
            users[owner].append({"kind": "user", **names.of(owner, key), **_token(user)})
    targets: list[Document] = []
    if hierarchy.operator is not None and touched:
        operator = hierarchy.operator
        targets.append({"kind": "operator", "name": operator.claims.name, **_token(operator)})
    for owner, account in hierarchy.accounts.items():
        if owner in touched or owner in around:
            targets += [{"kind": "account", **names.of(owner, None), **_token(account)}, *users.get(owner, ())]
    return targets


def _around(hierarchy: Hierarchy, edits: Sequence[SharedEdit], now: int) -> frozenset[str]:
    """The accounts that judging these edits again needs, whichever of them are chosen."""
    made = apply_all([edit for edit in edits if isinstance(edit, AddAccount)], hierarchy)
    added: list[Edit] = [replace(edit, remove=()) for edit in edits if isinstance(edit, EditImports)]
    added += [replace(edit, remove=()) for edit in edits if isinstance(edit, EditExports)]
    # What only goes is seen before, what only comes after: so every choice is within, whatever order it leaves.
    near = surroundings(
        {edit.target.account for edit in edits}, hierarchy, apply_all(added, made), now=now, reordered=True
    )
    return frozenset((*near.before, *near.after))


def _token(signed: Signed[OperatorClaims] | Signed[AccountClaims] | Signed[UserClaims]) -> Document:
    return {
        "token_before": signed.token.text,
        "origin": signed.origin,
        "store_name": signed.store_name,
        "issues": [{"code": issue.code, "message": issue.message} for issue in signed.issues],
    }


def _proposal(proposal: Proposal, names: _Names) -> Document:
    judgement = _judgement(proposal.judgement, names)
    return {
        "id": proposal.id,
        "rule": proposal.finding.rule,
        "target": _target(proposal.finding.target, proposal.finding, names),
        "finding": _finding(proposal.finding, names),
        "safety": judgement["safety"],
        "relation": judgement["relation"],
        "gained": judgement["gained"],
        "lost": judgement["lost"],
        "saving": {"before": proposal.judgement.saving.before, "after": proposal.judgement.saving.after},
        "reach": judgement["reach"],
        "disturbs": judgement["disturbs"],
        "undo": judgement["undo"],
        "edits": [_edit(edit, names) for edit in proposal.edits],
        "evidence": _evidence(proposal.finding),
        "requires": list(proposal.requires),
        "alternatives": list(proposal.alternatives),
        "covers": {
            "servers": [server.value for server in proposal.judgement.proof.servers],
            "connections": list(proposal.judgement.proof.connections),
        },
        "proof": judgement["proof"],
        "tokens": judgement["tokens"],
        "protected": judgement["protected"],
        "grant": None if proposal.grant is None else _grant(proposal.grant),
    }


def _grant(grant: Grant) -> Document:
    return {
        "gained": [_gain(gain) for gain in grant.gained],
        "lost": [_gain(gain) for gain in grant.lost],
        "openness": grant.openness,
        "cost": grant.cost,
    }


def _gain(gain: Gain) -> Document:
    probe = "publish" if gain.publish else "receive"
    return {"probe": probe, "subject": gain.subject, "principals": list(gain.principals)}


def _budget(budget: TokenBudget, names: _Names) -> Document:
    return {
        "user": None,
        "user_key": None,
        **names.of(budget.account, budget.user),
        "before": budget.before,
        "after_safe": budget.after_safe,
        "budget": budget.budget,
        "smallest": budget.smallest,
        "smallest_is_least": budget.smallest_is_least,
        "chosen": None if budget.chosen is None else _point(budget.chosen),
        "left": [{"pointer": pointer, "token_bytes": size} for pointer, size in budget.left],
        "closed": list(budget.closed),
        "frontier": [_point(point) for point in budget.frontier],
    }


def _point(point: FrontierPoint) -> Document:
    return {
        "token_bytes": point.token_bytes,
        "cost": point.cost,
        "bound": point.bound,
        "is_least": point.is_least,
        "gained": point.gained,
        "patterns": [{"list": name.value, "entry": text} for name, text in point.patterns],
        "proposals": list(point.proposals),
    }


def _finding(finding: Finding, names: _Names) -> Document:
    return {
        "rule": finding.rule,
        "severity": finding.severity.value,
        "target": _target(finding.target, finding, names),
        "list": None if finding.list is None else finding.list.value,
        "message": finding.message,
        "evidence": _evidence(finding),
        "advice": finding.advice,
    }


def _token_finding(finding: TokenFinding, names: _Names) -> Document:
    """A finding about a whole token: its pointer is empty."""
    if finding.account is None:
        target: Document = {"kind": "operator"}
    else:
        target = {"kind": "account" if finding.user is None else "user", **names.of(finding.account, finding.user)}
    return {
        "rule": finding.issue.code,
        "severity": finding.severity.value,
        "target": {**target, "pointer": ""},
        "list": None,
        "message": finding.issue.message,
        "evidence": [],
        "advice": "",
    }


def _evidence(finding: Finding) -> list[Document]:
    return [{"basis": evidence.basis.value, "statement": evidence.statement} for evidence in finding.evidence]


def _target(target: Target, finding: Finding | None, names: _Names) -> Document:
    found: Document = {"kind": target.kind.value, **names.of(target.account, target.user)}
    if target.key is not None:
        found["key"] = target.key
    found["pointer"] = target.pointer(None if finding is None else finding.list)
    return found


def _edit(edit: Edit, names: _Names) -> Document:
    verb, removed, added = _members(edit)
    return {
        "verb": verb,
        "target": _target(edit.target, None, names),
        "list": None if edit.list is None else edit.list.value,
        "pointer": edit.target.pointer(edit.list),
        "remove": removed,
        "add": added,
        "rewrites": "account" if touches_account_token(edit) else "user",
    }


def _members(edit: Edit) -> tuple[str, list[Any], list[Any]]:
    """What an edit is called, and what goes and comes as JSON of the claims."""
    match edit:
        case EditEntries():
            return "edit-entries", list(edit.remove), list(edit.add)
        case EditImports() | EditExports():
            verb = "edit-imports" if isinstance(edit, EditImports) else "edit-exports"
            removed, added = ([plain(shared_members(each)) for each in items] for items in (edit.remove, edit.add))
            return verb, removed, added
        case EditRevocations() | EditActivationRevocations():
            verb = "edit-revocations" if isinstance(edit, EditRevocations) else "edit-activation-revocations"
            gone, come = (
                [{name: getattr(each, name) for name in each.__slots__} for each in items]
                for items in (edit.remove, edit.add)
            )
            return verb, gone, come
        case AddAccount():
            return "add-account", [], [{"iss": edit.issuer, "name": edit.name, "sub": edit.target.account}]


def _judgement(judgement: Judgement, names: _Names) -> Document:
    return {
        "relation": judgement.relation.value,
        "safety": judgement.safety.value,
        "gained": _witnesses(judgement.gained),
        "lost": _witnesses(judgement.lost),
        "proof": {
            "principals": judgement.proof.principals,
            "accounts": judgement.proof.accounts,
            "complete": judgement.proof.complete,
            "why_incomplete": list(judgement.proof.why_incomplete),
            "servers": [server.value for server in judgement.proof.servers],
            "connections": list(judgement.proof.connections),
        },
        "tokens": [_token_change(change, names) for change in judgement.tokens],
        "reach": judgement.reach,
        "disturbs": judgement.disturbs,
        "undo": judgement.undo,
        "protected": _witnesses(judgement.protected),
    }


def _token_change(change: TokenChange, names: _Names) -> Document:
    named = names.of(change.account, change.user)
    return {"user": None, "user_key": None, **named, "before": change.before, "after": change.after}


def _witnesses(witnesses: Iterable[Witness]) -> list[Document]:
    return [
        {
            **probe_document(witness.probe),
            "principal": witness.principal,
            "server": witness.server.value,
        }
        for witness in witnesses
    ]


def probe_document(probe: Probe) -> Document:
    """What somebody could try, as JSON; keys without a value are left out."""
    found: dict[str, Any]
    match probe:
        case Publish():
            found = {"probe": "publish", "subject": probe.subject, "replying_to": probe.replying_to}
        case Subscribe():
            found = {"probe": "subscribe", "subject": probe.subject, "queue": probe.queue}
        case Deliver():
            found = {
                "probe": "deliver",
                "subscription": probe.subscription,
                "queue": probe.queue,
                "subject": probe.subject,
                "alongside": None if probe.alongside is None else probe_document(probe.alongside),
            }
        case LeafSubscribe():
            found = {"probe": "leaf_subscribe", "subject": probe.subject}
        case LeafInterest():
            found = {"probe": "leaf_interest", "subject": probe.subject}
        case Connect():
            found = {"probe": "connect"}
        case AcrossImport():
            found = {
                "probe": "import",
                "importer_key": probe.importer,
                "kind": probe.kind,
                "subject": probe.subject,
                "exporter": probe.exporter_name,
                "exporter_key": probe.exporter,
                "remote": probe.remote,
                "copies": probe.copies,
            }
        case _:
            assert_never(probe)
    return {key: value for key, value in found.items() if value is not None}
