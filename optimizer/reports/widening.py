"""Widenings in words: what one opens and to whom, what gets a token under its budget, and which sizes it can have."""

from __future__ import annotations

from typing import TYPE_CHECKING

from optimizer.reports import words
from optimizer.reports.style import columns

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from optimizer.proposals import FrontierPoint, Gain, Grant, Plan, TokenBudget
    from optimizer.reports.style import Style

_SUBJECTS_SHOWN = 6
_USERS_SHOWN = 3
_PATTERNS_SHOWN = 3
_TOKENS_SHOWN = 20
_CLOSED_SHOWN = 3


def grant_sentences(grant: Grant) -> Iterator[str]:
    """What a widening opens and closes of what is known, that unknown subjects are opened too, and its cost."""
    for verb, found in (("opens", grant.gained), ("closes", grant.lost)):
        for publish in (True, False):
            subjects = [gain for gain in found if gain.publish is publish]
            if subjects:
                side = "to publish" if publish else "to receive"
                number = words.quantity(len(subjects), "known subject")
                yield f"{verb} {number} {side}: {'; '.join(_who_what(subjects))}"
    if not grant.gained and not grant.lost:
        yield "no subject that is known to exist is opened or closed by it"
    yield f"subjects that nobody has named yet are concerned as well; cost {amount(grant.cost)}"


def amount(cost: float) -> str:
    """A cost: a whole number without its fraction."""
    return f"{cost:,.0f}" if cost == int(cost) else f"{cost:,.1f}"


def budget_lines(plan: Plan, style: Style, plan_name: str) -> list[str]:
    """For each token above its budget what gets it there; for each with a frontier the sizes it can have."""
    names = words.Names(plan.hierarchy)
    over = [each for each in plan.budgets if each.after_safe > each.budget]
    lines = []
    if over:
        lines.append(style.heading("what gets a token under its budget"))
        for each in over[:_TOKENS_SHOWN]:
            lines += ["", *_budget(each, names, style, plan_name)]
        if len(over) > _TOKENS_SHOWN:
            lines += ["", f"  and {words.quantity(len(over) - _TOKENS_SHOWN, 'more token')}, in `--format json`"]
    ahead = sorted((each for each in plan.budgets if len(each.frontier) > 1), key=lambda each: -each.after_safe)
    if ahead:
        lines += [""] if lines else []
        lines.append(style.heading("which sizes a token can have, from nothing widened to the smallest"))
        for each in ahead[:_TOKENS_SHOWN]:
            lines += ["", f"  {style.heading(names.token(each.account, each.user))}", *_frontier(each)]
        if len(ahead) > _TOKENS_SHOWN:
            lines += ["", f"  and {words.quantity(len(ahead) - _TOKENS_SHOWN, 'more token')}, in `--format json`"]
    return lines


def budget_sentences(budget: TokenBudget, plan_name: str) -> Iterator[str]:
    """What becomes of one token above its budget."""
    if budget.before != budget.after_safe:
        then = f"{budget.after_safe:,} after the safe proposals"
        yield f"{budget.before:,} bytes, {then}; the budget is {budget.budget:,}"
    else:
        yield f"{budget.before:,} bytes, and no safe proposal; the budget is {budget.budget:,}"
    point = budget.chosen
    reached = point is not None and point.token_bytes <= budget.budget
    if point is not None:
        number = words.quantity(len(point.proposals), "widening")
        verb = "gets" if len(point.proposals) == 1 else "get"
        how = f"{number} {verb} it to {point.token_bytes:,} bytes at a cost of {amount(point.cost)}"
        yield f"{how}, {_proved(point)}" if reached else f"{how}, which is worth it all the same"
    if not reached:
        least = budget.smallest
        if least < budget.after_safe:
            over = least - budget.budget
            what = "gets" if budget.smallest_is_least else "was found that gets"
            yield f"no widening {what} it under the budget: {least:,} bytes is the smallest, {over:,} over"
        else:
            script = " by a script" if budget.closed else ""
            yield f"nothing in it can be widened{script}: {least - budget.budget:,} bytes have to come from elsewhere"
        parts = [
            f"{words.shown(pointer.removeprefix('/nats').lstrip('/#') or 'nats')} {size:,}"
            for pointer, size in budget.left
        ]
        if parts:
            yield f"its largest parts, in bytes: {', '.join(parts)}"
    for reason in budget.closed[:_CLOSED_SHOWN]:
        yield f"left as it is: {words.shown(reason, 300)}"
    if point is not None and point.proposals:
        accepted = " ".join(f"--accept {each}" for each in point.proposals)
        yield f"permopt review {plan_name} {accepted}"


def frontier_rows(budget: TokenBudget) -> list[tuple[str, str, str, str, str]]:
    """The sizes a token can have, as a table with its header."""
    rows = [("bytes", "cost", "at least", "known opened", "entries that come")]
    rows += [
        (
            f"{point.token_bytes:,}",
            amount(point.cost),
            "proved" if point.is_least else amount(point.bound),
            f"{point.gained:,}",
            _patterns(point),
        )
        for point in budget.frontier
    ]
    return rows


def _budget(budget: TokenBudget, names: words.Names, style: Style, plan_name: str) -> list[str]:
    lines = [f"  {style.heading(names.token(budget.account, budget.user))}"]
    for sentence in budget_sentences(budget, plan_name):
        lines += style.wrapped(sentence, 4, 2)
    return lines


def _frontier(budget: TokenBudget) -> list[str]:
    return columns(frontier_rows(budget), indent=4, right=frozenset({0, 1, 2, 3}))


def _proved(point: FrontierPoint) -> str:
    if point.is_least:
        return "proved to be the least"
    if point.bound <= 0:
        return "with no lower bound but 0"
    return f"where no choice costs less than {amount(point.bound)}"


def _patterns(point: FrontierPoint) -> str:
    if not point.patterns:
        return "nothing widened"
    shown = [words.shown(text, 60) for _, text in point.patterns[:_PATTERNS_SHOWN]]
    more = len(point.patterns) - len(shown)
    return f"{', '.join(shown)}{f' and {more:,} more' if more else ''}"


def _who_what(gains: Sequence[Gain]) -> list[str]:
    """The first subjects, those that concern the same users together."""
    by_users: dict[tuple[str, ...], list[str]] = {}
    for gain in gains:
        by_users.setdefault(gain.principals, []).append(gain.subject)
    found = []
    for users, subjects in list(by_users.items())[:_USERS_SHOWN]:
        shown = [f"`{words.shown(subject, 80)}`" for subject in subjects[:_SUBJECTS_SHOWN]]
        more = f" and {len(subjects) - len(shown):,} more" if len(subjects) > len(shown) else ""
        who = [words.shown(user, 80) for user in users[:_USERS_SHOWN]]
        others = f" and {len(users) - len(who):,} more" if len(users) > len(who) else ""
        found.append(f"{', '.join(shown)}{more} (for {', '.join(who)}{others})")
    if len(by_users) > _USERS_SHOWN:
        found.append(f"{words.quantity(len(by_users) - _USERS_SHOWN, 'more group')} of users")
    return found
