"""From suggestions of fewer imports to a plan: bundles and hubs as proposals, each judged like any other.

A suggestion is only a suggestion: what it is worth, the judge finds out from the claims before and after. Safe ones are
judged alone and then each on top of those before it, so that their savings add up; the others on top of the safe ones.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from optimizer.claims.keys import AccountKey
from optimizer.edits import AddAccount, EditExports, EditImports, SharedEdit, Target, TargetKind
from optimizer.graph.suggestion import NEW, NEW_KEY, Kind
from optimizer.judge import judge, obstacles, shared_trial, verdict
from optimizer.proposals import (
    Basis,
    Evidence,
    Finding,
    Plan,
    Proposal,
    Safety,
    SetAside,
    Severity,
    proposal_id,
)
from optimizer.text import printable

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from optimizer.graph.consolidate import Consolidation
    from optimizer.graph.suggestion import Change, Suggestion
    from optimizer.hierarchy import Hierarchy
    from optimizer.proposals import Judgement
    from optimizer.settings import Settings

MAKE_KEY = "nsc generate nkey --account --store"
"""Prints a new account's key, and keeps its seed where nsc finds it. nsc: ``generatenkeys.go``."""

_SAID = 10
"""Of a kind of evidence that a finding spells out."""

_ORDER = (Safety.SAFE, Safety.GUARDED, Safety.RISKY, Safety.ADVICE)


def consolidated(
    hierarchy: Hierarchy,
    consolidation: Consolidation,
    settings: Settings,
    hub_keys: Sequence[AccountKey] = (),
    progress: Callable[[int, int], None] | None = None,
) -> Plan:
    """A plan of everything that was suggested.

    Parameters
    ----------
    consolidation
        From `optimizer.graph.consolidate.suggestions`.
    hub_keys
        Of accounts that are not made yet, one for each hub, in the order of the suggestions; a hub without a key is a
        finding that says how to make one.
    progress
        Told how many suggestions are judged, and of how many.

    Returns
    -------
    Plan
        The safe proposals first. A hub under a name of its own is two proposals: one adds, the second takes the old
        imports away and requires the first, so that clients can change the names they send to in between.
    """
    keys = iter(hub_keys)
    names = _free_names(hierarchy)
    findings: list[Finding] = []
    suggested: list[tuple[Finding, ...]] = []
    for each in consolidation.suggestions:
        key = next(keys, None) if each.kind is Kind.HUB else None
        if each.kind is Kind.BUNDLE:
            suggested.append((_bundle(each, hierarchy),))
        elif key is None:
            findings.append(_without_key(each, hierarchy))
        else:
            suggested.append(_hub(each, hierarchy, key, next(names)))
    worker = _Worker(hierarchy, settings)
    rest = []
    for done, stages in enumerate(suggested, start=1):
        if len(stages) > 1 or not worker.takes(stages[0]):
            rest.append(stages)
        if progress is not None:
            progress(done, len(suggested))
    for stages in rest:
        worker.propose(stages)
    proposals = _with_alternatives(sorted(worker.proposals, key=lambda one: _ORDER.index(one.judgement.safety)))
    taken = [edit for one in proposals if one.judgement.safety is Safety.SAFE for edit in one.edits]
    return Plan(
        hierarchy=hierarchy,
        proposals=proposals,
        findings=tuple(findings),
        set_aside=tuple(worker.set_aside),
        judgement=judge(hierarchy, taken, settings) if taken else None,
    )


class _Worker:
    """Judges suggestions one after the other."""

    def __init__(self, hierarchy: Hierarchy, settings: Settings) -> None:
        self._whole = self._state = hierarchy
        self._settings = settings
        self._taken: list[SharedEdit] = []
        self._alone: dict[tuple[SharedEdit, ...], tuple[Judgement, Hierarchy]] = {}
        self.proposals: list[Proposal] = []
        self.set_aside: list[SetAside] = []

    def takes(self, finding: Finding) -> bool:
        """Whether a suggestion is safe by itself and on top of those taken before; then it is among them."""
        edits = _shared(finding)
        alone = self._alone[edits] = self._tried(self._whole, edits, ())
        if alone[0].safety is not Safety.SAFE:
            return False
        judgement, after = self._tried(self._state, edits, self._taken)
        if judgement.safety is not Safety.SAFE:
            reason = "safe alone, but not with those before it"
            self.set_aside.append(SetAside(proposal_id(finding, edits), reason))
            return True
        self._add(finding, judgement)
        self._taken += edits
        self._state = after
        return True

    def propose(self, stages: Sequence[Finding]) -> None:
        """What is not safe, on top of all that is; each stage on top of the one before."""
        state, earlier = self._state, list(self._taken)
        required: tuple[str, ...] = ()
        for finding in stages:
            edits = _shared(finding)
            judgement, state = self._tried(state, edits, earlier)
            earlier += edits
            required = (self._add(finding, judgement, required),)

    def _tried(
        self, state: Hierarchy, edits: Sequence[SharedEdit], earlier: Iterable[SharedEdit]
    ) -> tuple[Judgement, Hierarchy]:
        if state is self._whole and tuple(edits) in self._alone:
            return self._alone[tuple(edits)]
        trial = shared_trial(state, edits, self._settings)
        hindrances = obstacles([*earlier, *edits], self._whole)
        return verdict([trial], hindrances, self._settings), trial.after.hierarchy

    def _add(self, finding: Finding, judgement: Judgement, requires: tuple[str, ...] = ()) -> str:
        name = proposal_id(finding, finding.edits)
        self.proposals.append(
            Proposal(id=name, finding=finding, edits=finding.edits, judgement=judgement, requires=requires)
        )
        return name


def _shared(finding: Finding) -> tuple[SharedEdit, ...]:
    return tuple(edit for edit in finding.edits if isinstance(edit, SharedEdit))


def _with_alternatives(proposals: Sequence[Proposal]) -> tuple[Proposal, ...]:
    """Of those that take out the same import of an account at most one can be accepted."""
    goes = [
        {(edit.target, each) for edit in one.edits if isinstance(edit, EditImports) for each in edit.remove}
        for one in proposals
    ]
    return tuple(
        replace(
            one,
            alternatives=tuple(
                other.id
                for other, theirs in zip(proposals, goes, strict=True)
                if other is not one and not mine.isdisjoint(theirs) and one.judgement.safety is not Safety.SAFE
            ),
        )
        for one, mine in zip(proposals, goes, strict=True)
    )


def _bundle(suggestion: Suggestion, hierarchy: Hierarchy) -> Finding:
    (change,) = suggestion.changes
    edit = _imports(change, AccountKey(change.account))
    (wide,) = edit.add
    importer, exporter = (_name(hierarchy, key) for key in (change.account, wide.account))
    count = len(edit.remove)
    return Finding(
        rule="bundle",
        severity=Severity.NOTE,
        target=edit.target,
        list=None,
        message=f"{importer} imports {count} subjects of {exporter} one by one: `{wide.subject}` brings them all",
        evidence=tuple(_evidence(suggestion, hierarchy)),
        edits=(edit,),
    )


def _hub(suggestion: Suggestion, hierarchy: Hierarchy, key: AccountKey, name: str) -> tuple[Finding, ...]:
    """One finding, or two where clients have to move to other names in between."""
    hub, *consumers = suggestion.changes
    first = hierarchy.accounts[AccountKey(consumers[0].account)].claims
    target = Target(TargetKind.ACCOUNT.value, key)
    own: tuple[SharedEdit, ...] = (
        AddAccount(target, name, first.iss),
        _imports(hub, key),
        EditExports(Target(TargetKind.EXPORT.value, key), add=hub.exports),
    )
    switched = [_imports(change, AccountKey(change.account), hub=key) for change in consumers]
    services = len(hub.imports)
    what = f"{len(consumers)} accounts import {services} services of others one by one"
    evidence = tuple(_evidence(suggestion, hierarchy, name))
    finding = Finding(
        rule="hub",
        severity=Severity.NOTE,
        target=target,
        list=None,
        message=f"{what}: the new account `{name}` could stand between, which each imports `{suggestion.subject}` from",
        evidence=evidence,
        edits=(*own, *switched),
    )
    if not any(lost.what == "names" for lost in suggestion.lost):
        return (finding,)
    again = f"clients then send to `{suggestion.subject}`"
    return (
        replace(
            finding,
            message=f"{finding.message}; {again}, and the old imports stay until the second step",
            edits=(*own, *(replace(edit, remove=()) for edit in switched)),
        ),
        replace(
            finding,
            message=f"once no client sends to the old names any more: {len(consumers)} accounts need no imports but "
            f"`{suggestion.subject}` from `{name}`",
            edits=tuple(replace(edit, add=()) for edit in switched),
        ),
    )


def _without_key(suggestion: Suggestion, hierarchy: Hierarchy) -> Finding:
    hub, *consumers = suggestion.changes
    return Finding(
        rule="hub",
        severity=Severity.NOTE,
        target=Target(TargetKind.IMPORT.value, AccountKey(consumers[0].account)),
        list=None,
        message=f"{len(consumers)} accounts import {len(hub.imports)} services of others one by one: a new account "
        f"could stand between, which each imports `{suggestion.subject}` from",
        evidence=tuple(_evidence(suggestion, hierarchy)),
        advice=f"a hub needs a key: make one with `{MAKE_KEY}` and give it with `--hub-key KEY`",
    )


def _imports(change: Change, account: AccountKey, hub: AccountKey | None = None) -> EditImports:
    return EditImports(
        Target(TargetKind.IMPORT.value, account),
        remove=tuple(edge.claims for edge in change.drops),
        add=tuple(
            each.replaced(account=hub) if hub is not None and each.account == NEW_KEY else each
            for each in change.imports
        ),
    )


def _evidence(suggestion: Suggestion, hierarchy: Hierarchy, hub: str = "the hub") -> Iterator[Evidence]:
    """The whole price, in sentences."""

    def name(key: str) -> str:
        return f"`{hub}`" if key == NEW and hub != "the hub" else hub if key == NEW else _name(hierarchy, key)

    def opened() -> Iterator[str]:
        for one in suggestion.gained:
            if one.account == one.exporter:
                yield f"users of {name(one.account)} see `{one.subject}` and can answer"
            else:
                yield f"{name(one.account)} reaches `{one.subject}` of {name(one.exporter)}"

    sentences = [
        f"tokens of {suggestion.bytes_before:,} bytes become {suggestion.bytes_after:,}",
        f"{suggestion.edges_before:,} imports become {suggestion.edges_after:,}",
    ]
    if suggestion.hops:
        sentences.append(f"each request passes {suggestion.hops} import more than before")
    every = list(opened())
    sentences += every[:_SAID]
    if len(every) > _SAID:
        sentences.append(f"and {len(every) - _SAID:,} more that is opened")
    if suggestion.known:
        sentences.append(f"others import of it: {', '.join(suggestion.known[:_SAID])}")
    sentences += [f"what is lost, {one.what}: {one.statement}" for one in suggestion.lost]
    order = [name(one.account) for one in suggestion.pushes]
    rest = f" and {len(order) - _SAID:,} more" if len(order) > _SAID else ""
    sentences.append(f"pushed in this order: {', '.join(order[:_SAID])}{rest}")
    if suggestion.kind is Kind.HUB and not any(one.what == "names" for one in suggestion.lost):
        sentences.append(
            "each consumer in one push: with old and new imports both in place a request is answered twice"
        )
    return (Evidence(Basis.CLAIMS, sentence) for sentence in sentences)


def _free_names(hierarchy: Hierarchy) -> Iterator[str]:
    """``hub``, ``hub2`` and so on, as far as no account has them. nsc: ``add account`` asks in whatever case."""
    taken = {name.strip().lower() for one in hierarchy.accounts.values() for name in (one.claims.name, one.store_name)}
    number = 1
    while True:
        name = "hub" if number == 1 else f"hub{number}"
        if name not in taken:
            yield name
        number += 1


def _name(hierarchy: Hierarchy, key: str) -> str:
    account = hierarchy.accounts.get(AccountKey(key))
    return printable(account.claims.name if account is not None and account.claims.name else key)
