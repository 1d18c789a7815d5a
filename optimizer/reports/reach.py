"""Where a message can arrive, and at whom: as JSON and as a page for a terminal."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from optimizer.reports import words
from optimizer.text import redacted

if TYPE_CHECKING:
    from collections.abc import Sequence

    from optimizer.access.reached import Reached
    from optimizer.graph.reach import Reach
    from optimizer.hierarchy import Hierarchy
    from optimizer.reports.style import Style

REACH = "permopt.reach.v1"
_SHOWN = 20


def reach_document(found: Reach, reached: Sequence[Reached]) -> dict[str, Any]:
    """A ``permopt.reach.v1`` document.

    Parameters
    ----------
    found
        From `optimizer.graph.reach`.
    reached
        The same arrivals with their users, from `optimizer.access.reached`.
    """
    return {
        "type": REACH,
        "account": redacted(found.account),
        "subject": redacted(found.subject),
        "arrivals": [
            {
                "account": redacted(each.arrival.account),
                "subject": redacted(each.arrival.subject),
                "certain": each.arrival.certain,
                "why": redacted(each.arrival.why),
                "way": [
                    {"by": step.by, "account": redacted(step.account), "subject": redacted(step.subject)}
                    for step in each.arrival.way
                ],
                "users": [
                    {"key": redacted(user.key), "name": redacted(user.name), "by_name": user.by_name}
                    for user in each.receivers
                ],
                "users_complete": each.complete,
            }
            for each in reached
        ],
        "unknown": [redacted(why) for why in found.unknown],
    }


def reach_page(found: Reach, reached: Sequence[Reached], hierarchy: Hierarchy, style: Style) -> str:
    """The same as a page."""
    called = words.Names(hierarchy)
    subject = words.shown(found.subject)
    accounts = words.quantity(len({each.arrival.account for each in reached}), "account")
    lines = [f"a message that {called.account(found.account)} publishes on `{subject}` can arrive at {accounts}"]  # type: ignore[arg-type]
    for each in reached:
        arrival = each.arrival
        head = f"{called.account(arrival.account)} `{words.shown(arrival.subject)}`"  # type: ignore[arg-type]
        sure = "" if arrival.certain else style.paint(f"  perhaps: {words.shown(arrival.why)}", "yellow")
        lines += ["", f"  {style.paint(head, 'bold')}{sure}"]
        way = [
            f"{step.by} {called.account(step.account)} `{words.shown(step.subject, 60)}`"  # type: ignore[arg-type]
            for step in arrival.way
        ]
        lines += style.wrapped(" -> ".join(way), 4, 2)
        names = [
            words.name_of(user.name, user.key) + ("" if user.by_name else " (by a wildcard)")
            for user in each.receivers[:_SHOWN]
        ]
        more = len(each.receivers) - _SHOWN
        who = words.joined([*names, *([f"{more:,} more"] if more > 0 else [])])
        beyond = "" if each.complete else "; users that are not in the source may too"
        lines += style.wrapped(f"known users who may receive it: {who}{beyond}", 4, 2)
    for why in found.unknown:
        lines += ["", *style.wrapped(f"not known: {words.shown(why, 300)}", 2, 2)]
    return "\n".join([*lines, ""])
