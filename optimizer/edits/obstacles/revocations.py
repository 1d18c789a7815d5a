"""What stands in the way of edits of revocations."""

from __future__ import annotations

from typing import TYPE_CHECKING

from optimizer.claims.keys import account_key, user_key
from optimizer.edits.obstacles.names import of_argument
from optimizer.edits.revocations import EVERYBODY, EditRevocations
from optimizer.errors import TokenError
from optimizer.subjects.subject import Subject
from optimizer.text import printable

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from optimizer.claims.model import AccountClaims
    from optimizer.edits.revocations import ActivationRevocation, EditActivationRevocations, Revocation


def of_revocations(edit: EditRevocations | EditActivationRevocations, claims: AccountClaims) -> Iterator[str]:
    """Why nsc cannot take these revocations out, or put these in."""
    if isinstance(edit, EditRevocations):
        yield from _of_keys(edit.remove, edit.add, claims.revocations, user_key, "the account")
        return
    for kind, subject in dict.fromkeys((each.type, each.subject) for each in (*edit.remove, *edit.add)):
        held = [export for export in claims.exports if (export.type, export.subject) == (kind, subject)]
        shown = f"`{printable(subject[:80])}`"
        if not held:
            yield f"the account does not export {shown} any more"
            continue
        yield from _of_export(kind, subject, claims)
        gone, come = (
            [each for each in items if (each.type, each.subject) == (kind, subject)]
            for items in (edit.remove, edit.add)
        )
        yield from _of_keys(gone, come, held[0].revocations, account_key, f"the export of {shown}")


def _of_keys(
    remove: Sequence[Revocation] | Sequence[ActivationRevocation],
    add: Sequence[Revocation] | Sequence[ActivationRevocation],
    held: Mapping[str, int],
    checked: Callable[[str], str],
    where: str,
) -> Iterator[str]:
    """nsc: ``PubKeyParams.Valid`` takes ``*`` and keys with a sound checksum, ``dateTime.Set`` takes 0 for now."""
    gone = {each.key for each in remove}
    if len(gone) < len(remove):
        yield f"{where} holds no revocation twice"
    for each in remove:
        if held.get(each.key) != each.time:
            yield f"{where} does not hold the revocation of `{printable(each.key[:80])}` at {each.time} any more"
    for each in (*remove, *add):
        if each.key != EVERYBODY:
            try:
                checked(each.key)
            except TokenError as error:
                yield f"nsc edits no revocation of a key that is none: {error.message}"
    for each in add:
        if each.time == 0:
            yield "nsc takes 0 for the time it runs at"
        if each.key in gone:
            # A later time needs no removal, and after one the key would for a moment not be revoked at all.
            yield f"nsc moves no revocation but to a later time, and that of `{each.key}` is to be taken out as well"
        elif held.get(each.key, each.time - 1) >= each.time:
            yield f"{where} revokes `{each.key}` up to {held[each.key]} already, and nsc ignores an earlier time"


def _of_export(kind: str, subject: str, claims: AccountClaims) -> Iterator[str]:
    """nsc: ``RevokeClearActivationParams.Validate`` takes the first export that contains what it is told."""
    shown = printable(subject[:80])
    yield from of_argument(subject, "subject of the export")
    if not subject or kind not in ("stream", "service"):
        yield f"nsc finds no export like that of `{shown}`"
        return
    meant = Subject(subject)
    for export in claims.exports:
        other = Subject(export.subject)
        if export.type == kind and export.subject != subject and (not other.is_valid or other.admits(meant)):
            wide = printable(export.subject[:80])
            yield f"nsc may take the export of `{wide}` for that of `{shown}`, which lies inside it"
    if sum((export.type, export.subject) == (kind, subject) for export in claims.exports) > 1:
        yield f"nsc cannot tell two exports of `{shown}` from each other"
