"""The short page: what a large plan comes to, class by class, with one proposal spelled out and every witness's first.

A plan of hundreds of proposals fills a thousand lines when each is spelled out, and nobody reads those at first.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from typing import TYPE_CHECKING

from optimizer.proposals import Safety
from optimizer.reports import words
from optimizer.reports.changes import capped, proposal_lines, short_lines

if TYPE_CHECKING:
    from collections.abc import Sequence

    from optimizer.claims.keys import AccountKey, UserKey
    from optimizer.proposals import Finding, Proposal
    from optimizer.reports.style import Style

MOST_SPELLED_OUT = 24
"""Proposals and findings that a page still spells out one by one."""

_RULES_SHOWN = 2
_RISKY_SHOWN = 12
_REASONS_SHOWN = 8
_PLACES_SHOWN = 3


def what_goes(proposals: Sequence[Proposal]) -> dict[tuple[AccountKey, UserKey | None], str]:
    """For each token how many entries go, by rule: ``12 covered-entry, 3 duplicate-entry``."""
    counts: dict[tuple[AccountKey, UserKey | None], Counter[str]] = defaultdict(Counter)
    for proposal in proposals:
        for edit in proposal.edits:
            counts[edit.target.account, edit.target.user][proposal.finding.rule] += len(edit.remove)
    return {token: _most(rules) for token, rules in counts.items()}


def _most(rules: Counter[str]) -> str:
    common = rules.most_common()
    rest = sum(number for _, number in common[_RULES_SHOWN:])
    parts = [f"{number:,} {rule}" for rule, number in common[:_RULES_SHOWN]]
    return ", ".join([*parts, f"{rest:,} more"] if rest else parts)


def proposals_in_brief(these: Sequence[Proposal], safety: Safety, names: words.Names, style: Style) -> list[str]:
    """One class of proposals: an example of the safe, the witness of each risky one, the reasons behind advice."""
    match safety:
        case Safety.SAFE:
            largest = max(these, key=lambda each: each.judgement.saving.bytes)
            return [
                "",
                "  for example, the largest of them:",
                f"  {style.heading(names.place(largest.finding.target))}",
                *proposal_lines(largest, style, names),
            ]
        case Safety.ADVICE:
            reasons: Counter[str] = Counter(reason for each in these for reason in each.judgement.proof.why_incomplete)
            lines = [
                f"{words.quantity(number, 'edit')}: {words.shown(reason, 300)}"
                for reason, number in reasons.most_common()
            ]
            return capped(lines, _REASONS_SHOWN, style, 2)
        case _:
            lines = []
            last = ""
            for each in these[:_RISKY_SHOWN]:
                place = names.place(each.finding.target)
                lines += [] if place == last else ["", f"  {style.heading(place)}"]
                lines += short_lines(each, style, names)
                last = place
                for label, found in (("afterwards", each.judgement.gained), ("no longer:", each.judgement.lost)):
                    lines += capped([f"{label} {told}" for told in words.witnesses(found)], 1, style, indent=6)
            if len(these) > _RISKY_SHOWN:
                lines += ["", f"  and {len(these) - _RISKY_SHOWN:,} more"]
            return lines


def findings_in_brief(found: Sequence[Finding], names: words.Names, style: Style) -> list[str]:
    """Findings without an edit: one paragraph a rule, the first places named."""
    by_rule: dict[str, list[Finding]] = defaultdict(list)
    for finding in found:
        by_rule[finding.rule].append(finding)
    lines = []
    for rule, these in by_rule.items():
        places = list(dict.fromkeys(names.place(finding.target) for finding in these))
        more = f" and {len(places) - _PLACES_SHOWN:,} more" if len(places) > _PLACES_SHOWN else ""
        where = f"{', '.join(places[:_PLACES_SHOWN])}{more}"
        first = these[0]
        advice = f"; {words.shown(first.advice, 300)}" if first.advice else ""
        lines += ["", f"  {style.heading(rule)}  {first.severity.value}, {words.quantity(len(these), 'list')}: {where}"]
        lines += style.wrapped(f"{words.shown(first.message, 300)}{advice}", 4, 2)
    return lines
