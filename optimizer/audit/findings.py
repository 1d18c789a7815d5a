"""What others found, as findings of an audit: tokens that are not in order, and rules with the judge's answer."""

from __future__ import annotations

from typing import TYPE_CHECKING

from optimizer.audit.records import AuditFinding, FindingKind, finding_id
from optimizer.audit.standing import token_findings

if TYPE_CHECKING:
    from collections.abc import Iterator

    from optimizer.claims.keys import AccountKey, UserKey
    from optimizer.edits import Edit, ListName, Target
    from optimizer.hierarchy import Hierarchy
    from optimizer.proposals import Finding, Plan, Proposal
    from optimizer.settings import Settings


def of_tokens(hierarchy: Hierarchy, settings: Settings) -> Iterator[AuditFinding]:
    """Tokens that a server would refuse, or that do not count any more."""
    for found in token_findings(hierarchy, settings):
        names = _names(hierarchy, found.account, found.user)
        if found.account is None and hierarchy.operator is not None:
            names = (hierarchy.operator.claims.name, "")
        code, message = found.issue.code, found.issue.message
        yield AuditFinding(
            id=finding_id(code, found.account, found.user, message),
            kind=FindingKind.TOKEN,
            rule=code,
            severity=found.severity,
            account=found.account,
            user=found.user,
            account_name=names[0],
            user_name=names[1],
            pointers=("",),
            message=message,
        )


def of_rules(plan: Plan) -> Iterator[AuditFinding]:
    """Every proposal, and every finding that no edit repairs."""
    places = _Places(plan.hierarchy)
    for proposal in plan.proposals:
        yield _of_rule(proposal.finding, places.of_edits(proposal.edits), plan.hierarchy, proposal)
    for finding in plan.findings:
        yield _of_rule(finding, (places.of_list(finding.target, finding.list),), plan.hierarchy)


def _of_rule(
    finding: Finding, pointers: tuple[str, ...], hierarchy: Hierarchy, proposal: Proposal | None = None
) -> AuditFinding:
    account, user = finding.target.account, finding.target.user
    names = _names(hierarchy, account, user)
    where = finding.target.pointer(finding.list)
    return AuditFinding(
        id=finding_id(finding.rule, account, user, where, finding.message) if proposal is None else proposal.id,
        kind=FindingKind.RULE,
        rule=finding.rule,
        severity=finding.severity,
        account=account,
        user=user,
        account_name=names[0],
        user_name=names[1],
        pointers=pointers,
        message=finding.message,
        saving_bytes=None if proposal is None else proposal.judgement.saving.bytes,
        safety=None if proposal is None else proposal.judgement.safety,
        advice=finding.advice,
    )


def _names(hierarchy: Hierarchy, account: AccountKey | None, user: UserKey | None) -> tuple[str, str]:
    owner = None if account is None else hierarchy.accounts.get(account)
    member = None if account is None or user is None else hierarchy.users.get((user, account))
    return "" if owner is None else owner.claims.name, "" if member is None else member.claims.name


class _Places:
    """Where entries of permission lists stand in the tokens as they were read."""

    def __init__(self, hierarchy: Hierarchy) -> None:
        self.hierarchy = hierarchy
        self.indexes: dict[tuple[Target, ListName], dict[str, list[int]]] = {}
        """Of the lists that some edit touches: each entry's indexes."""

    def of_edits(self, edits: tuple[Edit, ...]) -> tuple[str, ...]:
        """The entries that go, the last copies where some are left; the list where none of it stands there yet."""
        from optimizer.edits import EditEntries  # noqa: PLC0415 who ran no rule need not load them

        pointers: list[str] = []
        for edit in edits:
            base = self.of_list(edit.target, edit.list)
            if not isinstance(edit, EditEntries):
                pointers.append(base)
                continue
            known = self._indexes(edit.target, edit.list)
            copies = {text: known.get(text, [])[-edit.remove.count(text) :] for text in dict.fromkeys(edit.remove)}
            numbers = sorted(number for these in copies.values() for number in these)
            pointers += [f"{base}/{number}" for number in numbers] or [base]
        return tuple(dict.fromkeys(pointers))

    def of_list(self, target: Target, name: ListName | None) -> str:
        """A list, or the whole block; a role is addressed by its index, as the token has it now."""
        pointer = target.pointer(name)
        if target.key is None:
            return pointer
        keys = [each.key for each in self.hierarchy.accounts[target.account].claims.signing_keys]
        last = len(keys) - 1 - keys[::-1].index(target.key)  # of several the last counts
        return pointer.replace(f"/signing_keys/{target.key}/", f"/signing_keys/{last}/", 1)

    def _indexes(self, target: Target, name: ListName) -> dict[str, list[int]]:
        from optimizer.edits import entries, permission_lists  # noqa: PLC0415 who ran no rule need not load them

        known = self.indexes.get((target, name))
        if known is None:
            known = self.indexes[target, name] = {}
            for number, text in enumerate(entries(permission_lists(self.hierarchy, target), name) or ()):
                known.setdefault(text, []).append(number)
        return known
