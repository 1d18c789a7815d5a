"""A baseline as a file: ``permopt.baseline.v1``, small, sorted, a finding a line, so that its changes read well."""

from __future__ import annotations

import json
import re
from typing import Any

from optimizer.audit.baseline import Baseline, Known
from optimizer.audit.records import FindingKind
from optimizer.claims.keys import AccountKey, OperatorKey, UserKey
from optimizer.errors import SourceError

BASELINE = "permopt.baseline.v1"

_AGAIN = "`permopt audit --write-baseline FILE` writes one"
_MEMBERS = {"type", "operator", "accounts", "rules_ran", "has_users", "findings"}
_OF_A_FINDING = {"id", "kind", "rule", "account", "user", "measure"}


def as_text(baseline: Baseline) -> str:
    """The file; the same findings give the same bytes."""
    head = {
        "type": BASELINE,
        "operator": baseline.operator,
        "accounts": sorted(baseline.accounts),
        "rules_ran": baseline.has_rules,
        "has_users": baseline.has_users,
    }
    members = [f"  {json.dumps(name)}: {json.dumps(value)}" for name, value in head.items()]
    lines = [
        json.dumps(
            {
                "id": known.id,
                "kind": known.kind.value,
                "rule": known.rule,
                "account": known.account,
                "user": known.user,
                "measure": known.measure,
            }
        )
        for known in baseline.findings
    ]
    findings = "[]" if not lines else "[\n    " + ",\n    ".join(lines) + "\n  ]"
    text = "{\n" + ",\n".join((*members, f'  "findings": {findings}')) + "\n}\n"
    return text.replace("\x7f", "\\u007f")


def from_text(text: str, name: str) -> Baseline:
    """What such a file holds.

    Parameters
    ----------
    text
        Of the file.
    name
        What it is called in a message.

    Raises
    ------
    SourceError
        It is no baseline, or one of another version.
    """
    try:
        document = json.loads(text)
    except (ValueError, RecursionError):
        raise SourceError(f"`{name}` is not JSON", _AGAIN) from None
    named = document.get("type") if isinstance(document, dict) else None
    if named != BASELINE:
        if isinstance(named, str) and re.fullmatch(r"permopt\.baseline\.v\d{1,9}", named):
            raise SourceError(f"`{name}` is a `{named}`, and this version reads {BASELINE}", _AGAIN)
        raise SourceError(f"`{name}` is not a {BASELINE} document", _AGAIN)
    try:
        return _baseline(document)
    except (KeyError, TypeError, ValueError):
        raise SourceError(f"`{name}` is not a whole {BASELINE} document: it was edited or cut", _AGAIN) from None


def _baseline(document: dict[str, Any]) -> Baseline:
    _check(set(document) == _MEMBERS and isinstance(document["findings"], list))
    operator, accounts = document["operator"], document["accounts"]
    _check(isinstance(accounts, list) and all(isinstance(glob, str) for glob in accounts))
    _check(isinstance(document["rules_ran"], bool) and isinstance(document["has_users"], bool))
    return Baseline(
        operator=None if operator is None else OperatorKey(_text(operator)),
        accounts=tuple(accounts),
        has_rules=document["rules_ran"],
        has_users=document["has_users"],
        findings=tuple(map(_known, document["findings"])),
    )


def _known(each: Any) -> Known:  # noqa: ANN401 as JSON has it
    _check(isinstance(each, dict) and set(each) == _OF_A_FINDING)
    measure, account, user = each["measure"], each["account"], each["user"]
    _check(measure is None or type(measure) is int)
    return Known(
        id=_text(each["id"]),
        kind=FindingKind(each["kind"]),
        rule=_text(each["rule"]),
        account=None if account is None else AccountKey(_text(account)),
        user=None if user is None else UserKey(_text(user)),
        measure=measure,
    )


def _text(value: object) -> str:
    _check(isinstance(value, str))
    return str(value)


def _check(is_so: bool) -> None:
    if not is_so:
        raise TypeError
