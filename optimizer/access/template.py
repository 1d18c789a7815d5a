"""A scoped signing key's template, expanded for one user as the server does when that user connects."""

from __future__ import annotations

import re
from dataclasses import dataclass
from itertools import product
from typing import TYPE_CHECKING

from optimizer.subjects.subject import TEMPLATE, Subject

if TYPE_CHECKING:
    from collections.abc import Iterator

    from optimizer.claims.model import AccountClaims, PermissionLists, SubjectLists, UserClaims

MAX_EXPANSIONS = 4096
"""Server: ``maxPermTemplateSubjectExpansions`` in auth.go."""

SINGLE_VALUED = ("name()", "subject()", "account-name()", "account-subject()")
"""Operations that stand for exactly one text."""

# Go's strings.TrimSpace. Python's strip would also take the four ASCII separators \x1c-\x1f.
_SPACE = "\t\n\v\f\r \x85\xa0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000"
_TRIM = re.compile(f"^[{_SPACE}]+|[{_SPACE}]+$")


class TemplateRefusedError(Exception):
    """The server refuses a connection because the template does not expand for its user."""


@dataclass(frozen=True, slots=True)
class Operation:
    """One ``{{...}}`` of an entry.

    Parameters
    ----------
    text
        As written, braces included: what the server replaces.
    name
        One of `SINGLE_VALUED`, ``tag`` or ``account-tag``, or empty where the server knows no such operation.
    key
        The tag's key, for the two tag operations.
    """

    text: str
    name: str
    key: str = ""


def operations(entry: str) -> tuple[Operation, ...]:
    """Every ``{{...}}`` in an entry, in order."""
    return tuple(_operation(match.group()) for match in TEMPLATE.finditer(entry))


def has_template(texts: tuple[str, ...] | None) -> bool:
    """Whether some entry of a list holds ``{{...}}``, which makes the server drop or refuse its queue entries."""
    return texts is not None and "{{" in "\n".join(texts) and any(TEMPLATE.search(text) for text in texts)


def expanded(template: PermissionLists, user: UserClaims, account: AccountClaims) -> PermissionLists:
    """The permission block that a scoped signing key's template means for one user.

    Parameters
    ----------
    user
        Whose name, key and tags are filled in.
    account
        Whose name, key and tags are filled in.

    Returns
    -------
    PermissionLists
        Without templates; an allow list of which nothing remained is closed by a deny of ``>``.

    Raises
    ------
    TemplateRefusedError
        The server refuses the connection: an unknown operation, a deny entry that does not expand to a valid
        subject, or more than `MAX_EXPANSIONS` entries (a limit that servers before 2.12.14 do not have).

    Notes
    -----
    Server: ``processUserPermissionsTemplate`` in auth.go.
    """

    def side(lists: SubjectLists) -> SubjectLists:
        allow = _expanded_list(lists.allow, user, account, refuse=False)
        deny = _expanded_list(lists.deny, user, account, refuse=True)
        if lists.allow and not allow:
            deny = (deny or ()) if ">" in (deny or ()) else (*(deny or ()), ">")
        return lists.replaced(allow=allow, deny=deny)

    # The server expands subscribe lists first; which refusal is named depends on it, nothing else does.
    sub = side(template.sub)
    return template.replaced(pub=side(template.pub), sub=sub)


def _expanded_list(
    texts: tuple[str, ...] | None, user: UserClaims, account: AccountClaims, *, refuse: bool
) -> tuple[str, ...] | None:
    if texts is None or not has_template(texts):
        return texts
    emitted: list[str] = []
    for text in texts:
        # With a template anywhere in the list every entry must be one valid subject: "foo v1" is none.
        for subject in _subjects(text, len(emitted), user, account, refuse=refuse):
            if Subject(subject).is_valid:
                emitted.append(subject)
            elif refuse:
                raise TemplateRefusedError(f"the deny entry `{text}` expands to no valid subject")
    return tuple(emitted)


def _subjects(text: str, emitted: int, user: UserClaims, account: AccountClaims, *, refuse: bool) -> Iterator[str]:
    found = operations(text)
    values = [_values(operation, text, user, account, refuse=refuse) for operation in found]
    if any(operation.name in ("tag", "account-tag") for operation in found):
        expected = 1
        for value in values:
            expected *= len(value)
        if emitted + expected > MAX_EXPANSIONS:
            raise TemplateRefusedError(f"more than {MAX_EXPANSIONS} entries come of `{text}`")
    for choice in product(*values):
        subject = text
        # One after the other, as the server does: the same tag twice in one entry is not crossed.
        for operation, filled in zip(found, choice, strict=True):
            subject = subject.replace(operation.text, filled)
        yield subject


def _values(
    operation: Operation, text: str, user: UserClaims, account: AccountClaims, *, refuse: bool
) -> tuple[str, ...]:
    match operation.name:
        case "name()":
            return (user.name,)
        case "subject()":
            return (user.sub,)
        case "account-name()":
            return (account.name,)
        case "account-subject()":
            return (user.issuer_account,)
        case "tag" | "account-tag":
            tags = user.tags if operation.name == "tag" else account.tags
            prefix = f"{operation.key.lower()}:"
            found = tuple(tag.removeprefix(prefix) for tag in tags if tag.startswith(prefix))
            if not found and refuse:
                raise TemplateRefusedError(f"the deny entry `{text}` asks for the tag `{operation.key}`")
            return found or (" ",)  # an invalid subject, which an allow list drops
        case _:
            raise TemplateRefusedError(f"`{operation.text}` in `{text}` is no operation")


def _operation(text: str) -> Operation:
    op = _TRIM.sub("", text.removeprefix("{{").removesuffix("}}"))
    folded = op.casefold()
    if folded in SINGLE_VALUED:
        return Operation(text, folded)
    for name in ("tag", "account-tag"):
        if folded.startswith(f"{name}(") and op.endswith(")"):
            # The server compares the word without regard to case, and then strips it only in lower case.
            return Operation(text, name, op.removeprefix(f"{name}(").removesuffix(")"))
    return Operation(text, "")
