"""What SARIF says of each rule: the engine's rules by their own pages, signs and token issues by the lines below."""

from __future__ import annotations

from inspect import cleandoc
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable

    from optimizer.audit.records import AuditFinding

_SIZE, _TOKEN, _RULE, _CONFIGURATION = "size", "token", "permissions", "configuration"

_NOTED: dict[str, tuple[str, str, str, str]] = {
    "over-budget": (
        _SIZE,
        "warning",
        "A token is larger than its budget.",
        "`permopt propose --budget SIZE` picks the changes that get it under, those that widen least first.",
    ),
    "bloated": (
        _SIZE,
        "error",
        "An account token is above 25 KB.",
        "Every server keeps, sends and validates all of it. `permopt propose` says what it can do without.",
    ),
    "too-large": (
        _SIZE,
        "error",
        "An account token is above 1 MiB.",
        "nats-server 2.12.15 reads no larger one.",
    ),
    "long-connect-line": (
        _SIZE,
        "warning",
        "A user token is so long that its CONNECT line nears or exceeds 4,096 bytes.",
        "That is the default of `max_control_line`; the server ends a client whose line is longer.",
    ),
    "many-revocations": (
        _SIZE,
        "warning",
        "An account revokes more than 50 users.",
        "One revocation of `*` at a time after the last of them does with 90 bytes, and revokes all others, too.",
    ),
    "slow-validation": (
        _SIZE,
        "warning",
        "An account has so many exports or service imports that a server takes long to validate it.",
        "The server compares each with each: the time grows with the square of their number.",
    ),
    "bad-signature": (
        _TOKEN,
        "error",
        "The signature is not by the issuer that the token names.",
        "No server takes it.",
    ),
    "refused": (_TOKEN, "error", "A server refuses the token.", "The message says what is wrong with it."),
    "self-signed": (_TOKEN, "error", "An account signed its own token.", "No operator vouches for it."),
    "foreign-issuer": (
        _TOKEN,
        "error",
        "A token was issued by a key that is none of its operator's or account's.",
        "The key may have been removed since, or the token be of another operator.",
    ),
    "identity-signed": (
        _TOKEN,
        "error",
        "A token was signed by an identity key where a signing key is required.",
        "The operator asks for signing keys.",
    ),
    "unknown-account": (_TOKEN, "note", "The account of a user is not in the source.", "The source may not hold it."),
    "scope-violation": (
        _TOKEN,
        "error",
        "A user that a role's key signed carries permissions of its own.",
        "A server refuses it: with a scoped key they are the role's.",
    ),
    "bearer-not-allowed": (_TOKEN, "error", "A bearer token in an account that allows none.", "A server refuses it."),
    "revoked": (_TOKEN, "note", "A token that its account has revoked.", "Somebody meant it so; the file can go."),
    "expired": (_TOKEN, "error", "A token whose time is over.", "A server refuses it."),
    "not-yet-valid": (_TOKEN, "note", "A token whose time has not come.", "Its `nbf` lies ahead."),
    "unsigned": (_TOKEN, "note", "Claims without a token.", "There is nothing to check, and nothing to edit."),
    "misfiled": (_TOKEN, "warning", "A token under the name of another.", "What looks it up by name finds a stranger."),
    "expired-exclusion": (
        _CONFIGURATION,
        "warning",
        "An exclusion of the configuration whose time is over.",
        "What it covered counts again.",
    ),
    "unused-exclusion": (
        _CONFIGURATION,
        "note",
        "An exclusion of the configuration that covers no finding.",
        "What it covered is repaired, or it names something else than was meant.",
    ),
}
"""By rule: its tag, its level, what it is, and what follows from it. Signs are explained in docs/audit.md."""


def descriptors(findings: Iterable[AuditFinding], *, with_rules: bool) -> list[dict[str, Any]]:
    """A SARIF ``reportingDescriptor`` a rule, sorted by id: all that are known, and any other that found something.

    Parameters
    ----------
    with_rules
        Whether the rules of the engine were run.
    """
    known = {name: _noted(name, *noted) for name, noted in _NOTED.items()}
    if with_rules:
        from optimizer.rules import RULES  # noqa: PLC0415 who ran no rule need not load them

        known |= {rule.name: _page(rule.name, rule.severity.value, cleandoc(rule.page)) for rule in RULES}
    for finding in findings:
        if finding.rule not in known:
            sentence = f"{finding.rule.replace('-', ' ').capitalize()}."
            known[finding.rule] = _noted(finding.rule, finding.kind.value, finding.severity.value, sentence, "")
    return [known[name] for name in sorted(known)]


def _page(name: str, level: str, page: str) -> dict[str, Any]:
    summary, _, rest = page.partition("\n")
    return _descriptor(name, _RULE, level, summary, rest.strip())


def _noted(name: str, tag: str, level: str, summary: str, consequence: str) -> dict[str, Any]:
    return _descriptor(name, tag, level, summary, f"{summary} {consequence}".strip())


def _descriptor(name: str, tag: str, level: str, summary: str, page: str) -> dict[str, Any]:
    # Braces stand as they are: what has no arguments has no placeholders either.
    return {
        "id": name,
        "shortDescription": {"text": summary},
        "fullDescription": {"text": summary},
        "help": {"text": page, "markdown": f"# {name}\n\n{page}"},
        "defaultConfiguration": {"level": level},
        "properties": {"tags": ["nats", tag]},
    }
