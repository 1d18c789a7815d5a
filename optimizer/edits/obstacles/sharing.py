"""What stands in the way of edits of imports and exports, and of a new account."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from optimizer.claims.keys import account_key, raw_public_key
from optimizer.claims.validate import account_refusal, activation_of, refusal_of_earlier
from optimizer.edits.obstacles.names import of_argument, of_name
from optimizer.edits.sharing import AddAccount, EditExports, EditImports, edited
from optimizer.errors import TokenError
from optimizer.text import printable

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from optimizer.claims.model import AccountClaims, Export, Import
    from optimizer.hierarchy import Hierarchy

_FIRST_AND_LAST_PERCENT = 1, 100


def of_sharing(edit: EditImports | EditExports, claims: AccountClaims) -> Iterator[str]:
    """Why nsc cannot take these imports or exports out of an account, or put these into it."""
    if isinstance(edit, EditImports):
        yield from _of_removals(edit.remove, claims.imports, _import_told, "import")
        for each in edit.add:
            yield from _of_import(each, claims)
        yield from _of_duplicates(edit, claims)
    else:
        yield from _of_removals(edit.remove, claims.exports, _export_told, "export")
        for export in edit.add:
            yield from _of_export(export)
    try:
        after = edited(edit, claims)
    except KeyError:
        return  # said already: it does not hold what is to go
    yield from _of_account(after, imports_come=isinstance(edit, EditImports) and bool(edit.add))


def of_new_account(edit: AddAccount, hierarchy: Hierarchy) -> Iterator[str]:
    """Why nsc cannot make an account of this name and key. nsc: ``AddAccountParams.Validate``."""
    try:
        if not any(raw_public_key(account_key(edit.target.account))):  # zeros, of which the checksum is zero as well
            yield "the new account has no key yet"
    except TokenError as error:
        yield f"the new account cannot be made: {error.message}"
    yield from of_name(edit.name, "account")
    if edit.name.endswith("\n"):
        yield "no argument can hold the name of the account"
    shown = printable(edit.name[:80])
    if any(_alike(name, edit.name) for name in _names_taken(hierarchy)):
        yield f"an account called `{shown}`, in whatever case, is there already"
    if edit.target.account in hierarchy.accounts:
        yield "an account with the key of the new one is there already"
    operator = hierarchy.operator
    if operator is None:
        yield "no operator was read, whose key must sign the new account"
        return
    if edit.issuer != operator.claims.sub and edit.issuer not in operator.claims.signing_keys:
        yield "the key that is to sign the new account is no key of the operator"
    elif edit.issuer == operator.claims.sub and operator.claims.strict_signing_key_usage:
        yield "the operator wants signing keys, and its identity key is to sign the new account"
    # nsc looks for a role in the account of its context first, which may be any.
    keys = (key for signed in hierarchy.accounts.values() for key in signed.claims.signing_keys)
    if any(key.scope is not None and key.scope.role == edit.issuer for key in keys):
        yield "a role is called like the key that is to sign the new account, and nsc would sign with the role's key"


def _names_taken(hierarchy: Hierarchy) -> Iterator[str]:
    """Names of accounts and of their directories, those included that could not be read."""
    for signed in hierarchy.accounts.values():
        yield signed.claims.name
        yield signed.store_name
    for skipped in hierarchy.skipped:
        parts = skipped.origin.replace("\\", "/").split("/")
        if "accounts" in parts[:-1]:
            yield parts[parts.index("accounts") + 1]


def _alike(name: str, other: str) -> bool:
    return name.lower() == other.lower() or name.casefold() == other.casefold()


def _of_account(after: AccountClaims, *, imports_come: bool) -> Iterator[str]:
    """nsc: ``AddImportParams.Run`` asks whether the whole account is valid, servers and ``nsc push`` always do."""
    refusal = account_refusal(after)
    if refusal is not None:
        yield f"servers would refuse the account: {printable(refusal[:300])}"
    elif imports_come and (refusal := refusal_of_earlier(after)) is not None:
        yield f"nsc adds no import to such an account, nor does an earlier server take it: {printable(refusal[:300])}"


def _import_told(each: Import) -> tuple[str, str]:
    return each.subject, each.account


def _export_told(each: Export) -> tuple[str]:
    return (each.subject,)


def _of_removals(
    remove: Sequence[Any], held: Sequence[Any], told: Callable[[Any], tuple[str, ...]], what: str
) -> Iterator[str]:
    """Why what nsc would delete is not what is meant.

    nsc: ``delete import`` is told the subject and account of one, ``delete export`` a subject; either takes the first.
    """
    for each in dict.fromkeys(remove):
        shown = printable(each.subject[:80])
        if remove.count(each) > held.count(each):
            yield f"the account does not hold the {what} of `{shown}` any more"
        if not each.subject:
            yield f"nsc deletes no {what} without a subject"
        yield from of_argument(each.subject, f"subject of the {what}")
        alike = [one for one in held if told(one) == told(each)]
        if len(alike) > sum(told(one) == told(each) for one in remove) and any(one != each for one in alike):
            yield f"nsc cannot tell the {what} of `{shown}` from another of the same subject, and may delete that"


def _of_import(each: Import, claims: AccountClaims) -> Iterator[str]:
    """nsc: ``AddImportParams``."""
    shown = printable(each.subject[:80])
    yield from _of_words(each, {"subject": each.subject, "local subject": each.local_subject}, "import")
    if each.to:
        yield f"nsc writes no import with `to`, as that of `{shown}` has"
    if each.account == claims.sub:
        yield f"nsc lets no account import `{shown}` from itself"
    try:
        account_key(each.account)
    except TokenError as error:
        yield f"`{shown}` cannot be imported: {error.message}"
    if each.share and each.type != "service":
        yield f"nsc shares connection details with services only, and `{shown}` is none"
    if each.allow_trace and each.type != "stream":
        yield f"nsc allows traces of streams only, and `{shown}` is none"
    if each.token:
        yield from _of_activation(each, shown)


def _of_activation(each: Import, shown: str) -> Iterator[str]:
    """nsc: ``AddImportParams.initFromActivation``: all but the local subject and the name comes from the activation."""
    try:
        activation = activation_of(each)
    except TokenError as error:
        yield f"the activation of `{shown}` cannot be read: {error.message}"
        return
    if activation.subject != each.subject or activation.kind != each.type:
        allowed = printable(activation.subject[:80])
        yield f"nsc imports all that an activation is for, and that of `{shown}` is for `{allowed}`"
    if (activation.issuer_account or activation.iss) != each.account:
        yield f"the activation of `{shown}` is by another account"
    if each.type == "service" and not each.local_subject:
        yield f"nsc always writes a local subject beside the activation of a service, and `{shown}` has none"


def _of_duplicates(edit: EditImports, claims: AccountClaims) -> Iterator[str]:
    """nsc: ``AddImportParams.Validate``, whatever the local subjects are."""
    there = {(each.type, *_import_told(each)) for each in _left(claims.imports, edit.remove)}
    for each in edit.add:
        mark = (each.type, *_import_told(each))
        if mark in there:
            yield f"nsc imports `{printable(each.subject[:80])}` from one account only once"
        there.add(mark)


def _left(held: Iterable[Import], remove: Iterable[Import]) -> list[Import]:
    left = list(held)
    for each in remove:
        if each in left:
            left.remove(each)
    return left


def _of_export(each: Export) -> Iterator[str]:
    """nsc: ``AddExportParams``."""
    shown = printable(each.subject[:80])
    yield from _of_words(each, {"subject": each.subject}, "export")
    if each.revocations:
        yield f"nsc adds no export with revocations, as that of `{shown}` has"
    if each.description or each.info_url:
        yield f"nsc adds no export with a description or an information URL, as that of `{shown}` has"
    if each.token_req and each.account_token_position:
        yield f"nsc adds no private export with an account token position, as that of `{shown}` has"
    if each.type == "service" and not each.response_type:
        yield f"nsc always writes the response type of a service, and `{shown}` has none"
    if each.service_latency is not None:
        sampling, results = each.service_latency.get("sampling"), each.service_latency.get("results", "")
        first, last = _FIRST_AND_LAST_PERCENT
        if sampling != "headers" and not (type(sampling) is int and first <= sampling <= last):
            yield f"nsc cannot write how the latency of `{shown}` is sampled"
        yield from of_argument(str(results), "subject of latency results")


def _of_words(each: Import | Export, texts: dict[str, str], what: str) -> Iterator[str]:
    shown = printable(each.subject[:80])
    if each.unknown:
        yield f"nsc does not write `{printable(min(each.unknown)[:80])}` into the {what} of `{shown}`"
    if each.type not in ("stream", "service"):
        yield f"`{shown}` is neither a stream nor a service"
    if not each.name:
        yield f"nsc would name the {what} of `{shown}` after its subject, and it is to have no name"
    for name, text in {"name": each.name, **texts}.items():
        yield from of_argument(text, f"{name} of the {what}")
