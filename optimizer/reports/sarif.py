"""An audit as SARIF 2.1.0: each finding as a result, located in the pretty text of the token's claims."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from optimizer.audit.baseline import Standing
from optimizer.audit.records import FindingKind
from optimizer.reports import words
from optimizer.reports.audit_accepted import name_of_known
from optimizer.reports.audit_names import Names
from optimizer.reports.claims_text import claims_text
from optimizer.reports.json import without_seeds
from optimizer.reports.sarif_rules import descriptors

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from optimizer.audit.exclusions import Exclusion
    from optimizer.audit.records import Audit, AuditFinding
    from optimizer.claims.keys import AccountKey, OperatorKey, UserKey
    from optimizer.claims.model import OperatorClaims
    from optimizer.claims.token import Token
    from optimizer.hierarchy import Signed
    from optimizer.reports.claims_text import ClaimsText
    from optimizer.reports.json import Document

SCHEMA = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"
FINGERPRINT = "permoptFinding/v1"

_MESSAGE = 1_000  # characters: what code hosts show of one
_LOCATIONS = 100  # what code hosts show of one result; its property `pointers` has them all
_BRACKETS = re.compile(r"([\[\]])")
_STATES = {Standing.NEW: "new", Standing.GROWN: "updated", Standing.UNCHANGED: "unchanged"}


def audit_sarif(
    audit: Audit,
    *,
    version: str,
    operator: Signed[OperatorClaims] | None = None,
    claims_uri: str = "claims",
) -> Document:
    """What ``permopt audit --format sarif`` prints.

    Parameters
    ----------
    audit
        What was found; what was excluded is suppressed, with the reason.
    version
        Of this program.
    operator
        The operator's token, where something may have been found about it.
    claims_uri
        Where the texts of `claims_files` are, or would be: a URI reference, relative to the root of the repository.

    Returns
    -------
    Document
        Names exact in ``properties``, printable in messages; nothing in it depends on the clock. Excluded findings come
        last, as suppressed results; with a baseline every other result says how it stands, but what is fixed is only
        remarked on: code hosts would take a result that is ``absent`` for one that is there.
    """
    every = [*((each, None) for each in audit.findings), *((each.finding, each.exclusion) for each in audit.excluded)]
    rules = descriptors((finding for finding, _ in every), with_rules=audit.has_rules)
    numbers = {rule["id"]: number for number, rule in enumerate(rules)}
    names, texts = Names(audit), _Texts(audit, operator, claims_uri)
    results = []
    for finding, exclusion in every:
        result = _result(finding, numbers[finding.rule], names, texts)
        if audit.excluded:  # where one result has them, a reader takes their absence in another for not known
            result["suppressions"] = [] if exclusion is None else [_suppression(exclusion)]
        if audit.since is not None and exclusion is None:
            result["baselineState"] = _STATES[audit.since.standing(finding)]
        results.append(result)
    run = {
        "tool": {"driver": {"name": "permopt", "semanticVersion": version, "rules": rules}},
        "automationDetails": {"id": f"permopt-audit/{audit.operator_key or ''}/"},
        "columnKind": "unicodeCodePoints",
        "invocations": [{"executionSuccessful": True, "toolExecutionNotifications": [*_notifications(audit)]}],
        "artifacts": [{"location": {"uri": uri}, "mimeType": "application/json"} for uri in sorted(texts.used)],
        "results": results,
    }
    document: Document = without_seeds({"$schema": SCHEMA, "version": "2.1.0", "runs": [run]})
    return document


def claims_files(audit: Audit, operator: Signed[OperatorClaims] | None = None) -> Iterator[tuple[str, ClaimsText]]:
    """The claims of every token of an audit as text, each with the relative path it belongs at, made of keys alone."""
    for path, token in _tokens(audit, operator):
        yield path, claims_text(token)


def _tokens(audit: Audit, operator: Signed[OperatorClaims] | None) -> Iterator[tuple[str, Token]]:
    if operator is not None:
        yield _operator_path(operator.claims.sub), operator.token
    for account in audit.accounts:
        yield _path(account.key, None), account.signed.token
    for user in audit.users:
        yield _path(user.account, user.key), user.signed.token


def _path(account: AccountKey, user: UserKey | None) -> str:
    return f"accounts/{account}.json" if user is None else f"users/{account}/{user}.json"


def _operator_path(key: OperatorKey) -> str:
    return f"operators/{key}.json"


class _Texts:
    """The texts that results point into, each made when the first does."""

    def __init__(self, audit: Audit, operator: Signed[OperatorClaims] | None, base: str) -> None:
        self._tokens = dict(_tokens(audit, operator))
        self._operator = None if operator is None else operator.claims.sub
        self._base = "" if base == "." else base.rstrip("/")
        self._made: dict[str, ClaimsText] = {}
        self.used: set[str] = set()

    def locations(self, finding: AuditFinding) -> list[Document]:
        if finding.account is not None:
            path = _path(finding.account, finding.user)
        elif finding.kind is FindingKind.TOKEN and self._operator is not None:
            path = _operator_path(self._operator)
        else:
            return []
        uri = f"{self._base}/{path}" if self._base else path
        if path not in self._tokens:
            return [{"physicalLocation": {"artifactLocation": {"uri": uri}}}]
        self.used.add(uri)
        if path not in self._made:
            self._made[path] = claims_text(self._tokens[path])
        return [_location(uri, self._made[path], pointer) for pointer in finding.pointers[:_LOCATIONS]]


def _location(uri: str, text: ClaimsText, pointer: str) -> Document:
    region = text.region(pointer)
    return {
        "physicalLocation": {
            "artifactLocation": {"uri": uri},
            "region": {
                "startLine": region.start_line,
                "startColumn": region.start_column,
                "endLine": region.end_line,
                "endColumn": region.end_column,
            },
        },
    }


def _result(finding: AuditFinding, number: int, names: Names, texts: _Texts) -> Document:
    sentence = f"{names.token(finding)}: {finding.message}"
    if finding.advice:
        sentence += f" ({finding.advice})"
    found: dict[str, Any] = {
        "kind": finding.kind.value,
        "account": finding.account_name if finding.account is not None else None,
        "account_key": finding.account,
        "user": finding.user_name if finding.user is not None else None,
        "user_key": finding.user,
        "pointers": list(finding.pointers),
        "measure": finding.measure,
        "saving_bytes": finding.saving_bytes,
        "safety": None if finding.safety is None else finding.safety.value,
        "proposal": finding.proposal,
        "needs_person": finding.needs_person,
    }
    return {
        "ruleId": finding.rule,
        "ruleIndex": number,
        "level": finding.severity.value,
        "message": {"text": message_text(sentence)},
        "locations": texts.locations(finding),
        # Code hosts tell findings apart by the first; it is the finding's own name too, for lines move.
        "partialFingerprints": {"primaryLocationLineHash": finding.id, FINGERPRINT: finding.id},
        "properties": {name: value for name, value in found.items() if value is not None},
    }


def message_text(sentence: str) -> str:
    """A sentence as SARIF's plain text: no placeholder and no link in it, whatever a token says.

    SARIF: 3.11.5 doubles braces; 3.11.6 makes links of ``[text](address)``, and of escaped brackets none.
    """
    clean = words.shown(sentence, _MESSAGE)
    if "](" in clean:
        clean = _BRACKETS.sub(r"\\\1", clean)
    return clean.replace("{", "{{").replace("}", "}}")


def _suppression(exclusion: Exclusion) -> Document:
    until = "" if exclusion.until is None else f"until {exclusion.until}: "
    reason = words.shown(until + exclusion.reason, _MESSAGE)
    return {"kind": "external", "status": "accepted", "justification": reason}


def _notifications(audit: Audit) -> Iterable[Document]:
    for skipped in audit.skipped:
        yield _notification("warning", f"skipped {skipped.origin}: {skipped.reason}")
    for each in audit.not_known:
        rules = f"; not looked for: {words.joined(each.rules)}" if each.rules else ""
        yield _notification("note", f"{each.what}: {each.reason}{rules}")
    for known in () if audit.since is None else audit.since.fixed:
        yield _notification("note", f"fixed since the baseline: {name_of_known(known, audit)}: {known.rule}")


def _notification(level: str, sentence: str) -> Document:
    return {"level": level, "message": {"text": message_text(sentence)}}
