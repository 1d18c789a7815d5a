"""Where the bytes of one account are: its sections with their bars, and what the sections do not show."""

from __future__ import annotations

from typing import TYPE_CHECKING

from optimizer.audit.bands import Band
from optimizer.reports import words
from optimizer.reports.sections import PARTS, REST
from optimizer.reports.style import beside, columns

if TYPE_CHECKING:
    from optimizer.audit.positions import GrowingPosition
    from optimizer.audit.records import AccountAudit
    from optimizer.reports.style import Style

LOOKS = {Band.BLOATED: "red", Band.ATTENTION: "yellow", Band.REVIEW: "cyan", Band.TYPICAL: "green"}

_SECTIONS = 5
_ENTRIES = 3
_BAR = 32


def section_table(account: AccountAudit, name: str, style: Style, *, details: bool = False) -> list[str]:
    """The sections of an account's token, largest first, as lines of a page.

    Parameters
    ----------
    name
        What the account is called.
    details
        Whether to list every section, however small.
    """
    size = account.token_bytes
    over = f", {size - account.budget:,} over budget" if account.over_budget else ""
    band = style.paint(account.band.value, LOOKS[account.band])
    title = f"{style.heading(name)}  {words.size(size)}, {band}{over}"
    ranked = sorted(account.sections, key=lambda section: -section.token_bytes)
    shown = ranked if details else [each for each in ranked[:_SECTIONS] if each.token_bytes * 100 >= size]
    rows = [("section", "entries", "bytes", "")]
    for each in shown:
        entries = f"{each.entries:,}" if each.entries else "-"
        rows.append((words.shown(each.pointer) or "{}", entries, *_bytes(each.token_bytes, size)))
    rest = sum(each.token_bytes for each in ranked[len(shown) :])
    if rest:
        rows.append((f"{len(ranked) - len(shown)} smaller ones", "", *_bytes(rest, size)))
    lines = columns(rows, right=frozenset({1, 2, 3}), width=style.width - 14, yielding=(0,))
    looks = [PARTS.get(each.pointer, REST).look for each in shown]
    bars = [
        style.paint(style.bar(each.token_bytes / size, _BAR), look) for each, look in zip(shown, looks, strict=True)
    ]
    head, *table = beside(lines, ["", *bars])
    return [title, style.paint(head, "dim"), *table, *_remarks(account, style)]


def _remarks(account: AccountAudit, style: Style) -> list[str]:
    """Six bytes for ``>``, single entries, the users, the server's work, the way to 1 MiB."""
    sentences = []
    escapes = account.escapes
    if escapes.payload_bytes:
        signs = {">": escapes.greater, "<": escapes.less, "&": escapes.ampersand}
        times = words.joined(f"{number:,} `{sign}`" for sign, number in signs.items() if number)
        sentences.append(f"{times}, each written with six bytes: {escapes.payload_bytes:,} payload bytes")
    largest = account.largest(_ENTRIES)
    entries = [f"{words.shown(entry.what, 120)} ({words.size(entry.token_bytes)})" for entry in largest]
    if entries:
        sentences.append(f"largest entries: {'; '.join(entries)}")
    growing = position_remark(account.position)
    if growing:
        sentences.append(growing)
    if account.counts.users:
        users = words.quantity(account.counts.users, "user")
        sentences.append(f"its {users}: {words.size(account.user_bytes)} in tokens of their own")
    validation = account.validation
    if validation.cost != "cheap":
        many = f"{validation.exports:,} exports and {validation.service_imports:,} service imports"
        sentences.append(f"{many} take the server about {validation.milliseconds:,} ms to validate (an estimate)")
    if account.headroom < account.token_bytes:
        sentences.append(
            f"{words.size(account.headroom)} left to the 1 MiB above which a server reads no token"
            if account.headroom >= 0
            else "above the 1 MiB that a server reads"
        )
    return [line for sentence in sentences for line in style.wrapped(sentence, 2, 2)]


def position_remark(growing: GrowingPosition | None) -> str:
    """The token position whose values cost most, in a sentence; empty without one."""
    if growing is None:
        return ""
    position = growing.position
    shape, several = words.shown(position.shapes[0], 120), len(position.shapes) - 1
    besides = f" (and {several:,} more like it)" if several else ""
    each = f"{position.bytes_a_value:,} for one more"
    return (
        f"costs most as it grows ({growing.kind}): position {position.place} of `{shape}`{besides} has "
        f"{position.values:,} values: {position.payload_bytes:,} payload bytes, {each}"
    )


def _bytes(size: int, whole: int) -> tuple[str, str]:
    return f"{size:,}", f"{size * 100 / whole:.0f}%"
