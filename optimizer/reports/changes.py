"""One proposal as lines for a terminal: what goes and comes, entry by entry with its reason, and the proof."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from optimizer.edits import EditEntries
from optimizer.proposals import Safety
from optimizer.reports import words
from optimizer.reports.sharing import shared, shared_lines
from optimizer.reports.style import width_of
from optimizer.reports.widening import grant_sentences
from optimizer.subjects.probes import Relation

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from optimizer.proposals import Finding, Judgement, Proposal
    from optimizer.reports.style import Style

LOOK = {Safety.SAFE: "green", Safety.GUARDED: "yellow", Safety.RISKY: "red", Safety.ADVICE: "cyan"}

_REACH = {"on push": "on push", "on reissue": "on reissue (when the user gets new creds)"}
_ENTRIES_SHOWN = 8  # of one proposal; the rest is counted here and in full in the JSON
_REASONS_SHOWN = 4
_PRICES_SHOWN = 24  # of imports: they say what is lost, and in which order to push
_WITNESSES_SHOWN = 3
_REASON_AT = 64  # the column behind which a reason no longer stands beside its entry
_TITLE = 17  # `subscribe allow` and two spaces


@dataclass(frozen=True, slots=True)
class Change:
    """One entry that goes or comes."""

    title: str
    sign: str
    text: str
    reason: str


def proposal_lines(proposal: Proposal, style: Style, names: words.Names, *, terms: bool = True) -> list[str]:
    """A proposal, whole.

    Parameters
    ----------
    names
        What accounts are called.
    terms
        Whether to say when it takes effect, what it disturbs and how it is undone: not where that is said once for all
        proposals of a place.
    """
    judgement = proposal.judgement
    label = style.paint(judgement.safety.value, LOOK[judgement.safety])
    saving = words.saved(judgement.saving.bytes, would=judgement.safety is not Safety.SAFE)
    lines = [f"    {style.paint(proposal.id, 'bold')}  {label}, {saving}"]
    changes, told = _changes(proposal)
    if not told:
        lines += style.wrapped(words.shown(proposal.finding.message, 600), 6, 2)
    lines += _change_lines(changes, style)
    lines += shared_lines(proposal.edits, names, style, indent=6)
    if not told:
        shares = all(edit.list is None for edit in proposal.edits)
        lines += reasons(proposal.finding, style, indent=6, most=_PRICES_SHOWN if shares else _REASONS_SHOWN)
    lines += style.wrapped(words.proof(judgement), 6, 2)
    for label, witnesses in (("afterwards", judgement.gained), ("no longer:", judgement.lost)):
        lines += capped([f"{label} {each}" for each in words.witnesses(witnesses)], _WITNESSES_SHOWN, style, indent=6)
    if proposal.grant is not None and judgement.relation is not Relation.SAME:
        for sentence in grant_sentences(proposal.grant):
            lines += style.wrapped(sentence, 6, 2)
    for reason in judgement.proof.why_incomplete:
        lines += style.wrapped(f"but {words.shown(reason, 300)}", 6, 2)
    if terms:
        lines += style.wrapped(effect(judgement), 6, 2)
    if proposal.requires:
        lines += style.wrapped(f"requires {words.joined(proposal.requires)}", 6, 2)
    if proposal.alternatives:
        lines += style.wrapped(f"at most one of this and {words.joined(proposal.alternatives)}", 6, 2)
    return lines


def short_lines(proposal: Proposal, style: Style, names: words.Names) -> list[str]:
    """A proposal that never goes into a script, in a sentence."""
    entries = [f"{change.sign} `{change.text}`" for change in _changes(proposal)[0]]
    for each in shared(proposal.edits, names):
        entries += [f"- {item}" for item in each.removed] + [f"+ {item}" for item in each.added]
    more = f" and {len(entries) - 3:,} more" if len(entries) > 3 else ""  # noqa: PLR2004 a line's worth
    saving = words.saved(proposal.judgement.saving.bytes, would=True)
    lists = dict.fromkeys(words.list_name(edit.list) for edit in proposal.edits if isinstance(edit, EditEntries))
    where = words.joined(lists) if lists else f"{proposal.finding.rule} at {names.place(proposal.finding.target)}"
    sentence = f"{proposal.id}  {saving}; {where}: {' '.join(entries[:3])}{more}"
    return style.wrapped(sentence, 4, 2)


def effect(judgement: Judgement) -> str:
    """When it takes effect, whom it disturbs, how it is undone."""
    when = " and ".join(_REACH.get(reach, reach) for reach in judgement.reach.split(" and "))
    return f"takes effect {when}; disturbs {words.shown(judgement.disturbs, 400)}; undo {judgement.undo}"


def reasons(finding: Finding, style: Style, indent: int, *, most: int = _REASONS_SHOWN) -> list[str]:
    """Why a finding holds."""
    statements = [f"because {words.shown(evidence.statement, 300)}" for evidence in finding.evidence]
    return capped(statements, most, style, indent)


def capped(sentences: Sequence[str], most: int, style: Style, indent: int) -> list[str]:
    """The first sentences; how many more there are is said."""
    lines = [line for sentence in sentences[:most] for line in style.wrapped(sentence, indent, 2)]
    if len(sentences) > most:
        lines.append(f"{' ' * (indent + 2)}and {len(sentences) - most:,} more of the kind")
    return lines


def _changes(proposal: Proposal) -> tuple[list[Change], bool]:
    """Every entry that goes or comes, and whether each reason stands beside its entry."""
    evidence = proposal.finding.evidence
    edits = [edit for edit in proposal.edits if isinstance(edit, EditEntries)]
    if not edits:
        return [], False
    beside = len(evidence) == len(edits) and all(_is_one_entry(edit) for edit in edits)
    changes = []
    for index, edit in enumerate(edits):
        title, said = words.list_name(edit.list), ""
        if beside:
            said = words.shown(evidence[index].statement, 300).removeprefix(f"`{words.shown(edit.remove[0])}` ")
        for text in dict.fromkeys(edit.remove):
            copies = edit.remove.count(text)
            shown = words.shown(text) + (f" ({copies} times)" if copies > 1 else "")
            changes.append(Change(title, "-", shown, said))
        changes += [Change(title, "+", words.shown(text), "") for text in edit.add]
    return changes, beside


def _is_one_entry(edit: EditEntries) -> bool:
    return len(set(edit.remove)) == 1 and not edit.add


def _change_lines(changes: Sequence[Change], style: Style) -> Iterator[str]:
    """The first entries that go, and all that come: few entries come, and they are what a person looks for."""
    left_out = [change for change in changes[_ENTRIES_SHOWN:] if change.sign == "-"]
    few = [change for change in changes if change not in left_out]
    width = max((width_of(change.text) for change in few), default=0)
    last = ""
    for change in few:
        if change.sign == "+" and left_out:
            yield _left_out(left_out)
            left_out = []
        title = "" if change.title == last else change.title
        last = change.title
        entry = style.paint(f"{change.sign} {change.text}", "red" if change.sign == "-" else "green")
        line = f"      {title:{_TITLE}}{entry}"
        if change.reason and width < _REASON_AT - 6 - _TITLE:
            line += " " * (width - width_of(change.text) + 2) + style.paint(change.reason, "dim")
        yield line
        if change.reason and width >= _REASON_AT - 6 - _TITLE:
            yield from style.wrapped(change.reason, 6 + _TITLE + 2, 2)
    if left_out:
        yield _left_out(left_out)


def _left_out(changes: Sequence[Change]) -> str:
    return f"      {'':{_TITLE}}and {words.quantity(len(changes), 'more entry', 'more entries')}"
