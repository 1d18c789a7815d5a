"""Why a server refuses a whole account token for what is in it, however well it is signed.

`optimizer.claims.verify` asks who signed a token and whether it still counts; this asks about the claims themselves.
A server that holds an older token of the account keeps it; one that has none does not know the account at all.
"""

from __future__ import annotations

import re
from bisect import bisect_left
from functools import lru_cache
from operator import eq
from typing import TYPE_CHECKING, Any

from optimizer.claims.decode import decode
from optimizer.claims.keys import account_key, are_account_keys, curve_key, user_key
from optimizer.claims.model import ActivationClaims
from optimizer.claims.signature import signed_as
from optimizer.claims.token import parse_token
from optimizer.errors import TokenError
from optimizer.subjects.subject import entry_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from optimizer.claims.model import AccountClaims, Export, Import, Json

EARLIER_REFUSES = "nats-server 2.11.8 refuses the importer's token"
"""How the reason begins that only earlier servers have."""

_LONGEST_INFO = 8 * 1024
_URL = r"(?s)[A-Za-z][A-Za-z0-9+.-]*://(?:[^/?#@]*@)?(?:\[[^\]/?#]+\]|[^/?#:@\s\[\]]+)(?::[0-9]*)?(?:[/?#].*)?"
_REFERENCE = re.compile(r"\$([+-]?[0-9]{1,18})")  # what Go's strconv.Atoi takes for a number
_WILDCARD = re.compile(r"[*>]")
_TYPES = ("stream", "service")
_WHOLE = 100  # per cent


def account_refusal(claims: AccountClaims) -> str | None:
    """The first reason why a server refuses these claims, or None.

    Server: ``Server.verifyAccountClaims``, by ``AccountClaims.Validate`` of jwt 2.8.2 (nats-server 2.12.15). Before
    jwt 2.8.1 service imports from different accounts must not overlap either: `refusal_of_earlier`.
    """
    return next(_refusals(claims), None)


def refusal_of_earlier(claims: AccountClaims) -> str | None:
    """Why a server with a jwt before 2.8.1 (nats-server 2.11.8 has 2.7.4) refuses claims that later ones let in.

    Server: ``Imports.Validate``, which compared the service imports of all accounts with each other.
    """
    pair = _overlap([subject for subjects in _service_names(claims).values() for subject in subjects])
    if pair is None:
        return None
    return f"{EARLIER_REFUSES}: of its service imports `{pair[0]}` lies in `{pair[1]}`"


def activation_of(claims: Import) -> ActivationClaims:
    """The activation that an import carries.

    Server: ``jwt.DecodeActivationClaims``, which checks the signature by the issuer the token names.

    Raises
    ------
    TokenError
        Where the server cannot make an activation of it, and so refuses the account that carries it.
    """
    return _activation(claims.token)


@lru_cache(maxsize=1 << 14)
def _activation(text: str) -> ActivationClaims:
    """Checking a signature takes longer than all else that is asked of an import, and several ask."""
    token = parse_token(text)
    activation = decode(token)
    if not isinstance(activation, ActivationClaims):
        raise TokenError("it is a token of another kind")
    if signed_as(token, activation) != activation.version:
        raise TokenError("its signature does not hold")
    return activation


def is_contained(subject: str, other: str) -> bool:
    """Whether jwt takes one subject for a part of another; unlike the server it takes ``a.>`` for a part of ``a.*``.

    Server: ``Subject.IsContainedIn`` of the jwt library.

    Examples
    --------
    >>> is_contained("a.b", "a.*"), is_contained("a.>", "a.*"), is_contained("a.*", "a.b")
    (True, True, False)
    """
    mine, theirs = subject.split("."), other.split(".")
    if len(mine) < len(theirs) or (len(mine) > len(theirs) and theirs[-1] != ">"):
        return False
    for index, token in enumerate(theirs):
        if token == ">" and index == len(theirs) - 1:
            return True
        if token not in ("*", mine[index]):
            return False
    return True


def exporter_subject(claims: Import) -> str:
    """The exporter's subject of an import: in the legacy form of a service it stands in ``to``."""
    return claims.to if claims.type == "service" and claims.to and not claims.local_subject else claims.subject


def _refusals(claims: AccountClaims) -> Iterator[str]:
    yield from _import_refusals(claims)
    yield from _export_refusals(claims)
    if "" in claims.limits.get("tiered_limits", {}):
        yield "a tier of its JetStream limits has no name"
    for lists, publish in ((claims.default_permissions.sub, False), (claims.default_permissions.pub, True)):
        for entry in (*(lists.allow or ()), *(lists.deny or ())):
            problem = entry_of(entry).refusal(publish=publish)
            if problem is not None:
                yield f"the entry `{entry}` of its default permissions {problem}"
    for source, targets in claims.mappings.items():
        yield from _mapping_refusals(source, targets)
    yield from _authorization_refusals(claims.authorization)
    if claims.trace is not None:
        yield from _trace_refusals(claims.trace)
    yield from _limit_refusals(claims)
    if not are_account_keys([key.key for key in claims.signing_keys]):
        for key in claims.signing_keys:
            if not _holds(account_key, key.key):
                yield f"the signing key `{key.key}` is no account key"
    yield from _info_refusals("account", claims.description, claims.info_url)
    if claims.cluster_traffic not in ("", "system", "owner"):
        yield f"its cluster traffic `{claims.cluster_traffic}` is neither `system` nor `owner`"


def _import_refusals(claims: AccountClaims) -> Iterator[str]:
    sound = _are_sound([each.subject for each in claims.imports])
    for each in claims.imports:
        extras = each.local_subject or each.token or each.share or each.allow_trace
        if extras or not (sound and each.account and each.type in _TYPES):
            yield from _one_import(each, claims.sub)
    for subjects in _service_names(claims).values():
        pair = _overlap(subjects)
        if pair is not None:
            yield f"two service imports from one account overlap: `{pair[0]}` lies in `{pair[1]}`"


def _service_names(claims: AccountClaims) -> dict[str, list[str]]:
    """By exporter, the subjects of service imports that must not overlap."""
    services: dict[str, list[str]] = {}
    for each in claims.imports:
        if each.type == "service":
            local = each.to or (each.local_subject and _without_references(each.local_subject)) or each.subject
            services.setdefault(each.account, []).append(local)
    return services


def _one_import(claims: Import, importer: str) -> Iterator[str]:
    name = f"the import of `{claims.subject}`"
    if claims.type not in ("stream", "service"):
        yield f"{name} is neither of a stream nor of a service"
    if claims.type == "service" and claims.allow_trace:
        yield f"{name} allows traces, which only a stream's may"
    if claims.type == "stream" and claims.share:
        yield f"{name} shares connection details, which only a service's may"
    if not claims.account:
        yield f"{name} names no account"
    yield from _subject_refusals(claims.subject, "import")
    if claims.local_subject:
        yield from _renaming_refusals(claims)
        if claims.to:
            yield f"{name} has both `local_subject` and `to`"
    if claims.token:
        yield from _activation_refusals(claims, importer)


def _renaming_refusals(claims: Import) -> Iterator[str]:
    """Server: ``RenamingSubject.Validate``."""
    local, subject = claims.local_subject, claims.subject
    yield from _subject_refusals(local, "local subject")
    tokens, wildcards = local.split("."), subject.split(".").count("*")
    if (tokens[-1] == ">") != (subject.split(".")[-1] == ">"):
        yield f"of `{subject}` and its local subject `{local}` only one ends in `>`"
    references = [int(match[1]) for token in tokens if (match := _REFERENCE.fullmatch(token))]
    if any(reference > wildcards for reference in references):
        yield f"the local subject `{local}` refers to a wildcard that `{subject}` does not have"
    if len([one for one in references if one <= wildcards]) + tokens.count("*") != wildcards:
        yield f"the local subject `{local}` has another number of wildcards than `{subject}`"


def _activation_refusals(claims: Import, importer: str) -> Iterator[str]:
    """Server: ``Import.Validate``; whether the activation still counts decides about the import alone."""
    name = f"the activation of the import of `{claims.subject}`"
    try:
        activation = activation_of(claims)
    except TokenError as error:
        yield f"{name} cannot be read: {error.message}"
        return
    if claims.account not in (activation.iss, activation.issuer_account):
        yield f"{name} is not by the account it imports from"
    if activation.sub != importer:
        yield f"{name} is for another account"
    if activation.kind != claims.type:
        yield f"{name} is for a {activation.kind or 'thing unnamed'}, the import is of a {claims.type}"
    yield from _subject_refusals(activation.subject, "activation")
    if activation.issuer_account and not _holds(account_key, activation.issuer_account):
        yield f"{name} names an issuer that is no account"
    if not is_contained(claims.to if claims.type == "service" and claims.to else claims.subject, activation.subject):
        yield f"{name} is for `{activation.subject}` only"


def _export_refusals(claims: AccountClaims) -> Iterator[str]:
    sound = _are_sound([export.subject for export in claims.exports])
    for export in claims.exports:
        response = export.response_type or export.response_threshold or export.service_latency is not None
        extras = response or export.account_token_position or export.allow_trace
        if extras or export.description or export.info_url or not (sound and export.type in _TYPES):
            yield from _one_export(export)
    for services in (True, False):
        subjects = [export.subject for export in claims.exports if (export.type == "service") == services]
        pair = _overlap(subjects)
        if pair is not None:
            yield f"two {'service' if services else 'stream'} exports overlap: `{pair[0]}` lies in `{pair[1]}`"


def _one_export(export: Export) -> Iterator[str]:
    name = f"the export of `{export.subject}`"
    service = export.type == "service"
    if export.type not in ("stream", "service"):
        yield f"{name} is neither of a stream nor of a service"
    if service and export.response_type not in ("", "Singleton", "Stream", "Chunked"):
        yield f"{name} has the unknown response type `{export.response_type}`"
    if export.type == "stream" and export.response_type:
        yield f"{name} has a response type, which only a service's may"
    if export.type == "stream" and export.allow_trace:
        yield f"{name} allows traces, which only a service's may"
    if export.service_latency is not None:
        yield from _latency_refusals(export, name)
    if export.response_threshold < 0 or (export.response_threshold and not service):
        yield f"{name} has a response threshold that it must not have"
    yield from _subject_refusals(export.subject, "export")
    position = export.account_token_position
    if position > 0 and export.subject.split(".")[position - 1 : position] != ["*"]:
        yield f"the account token position {position} of `{export.subject}` is not one of its `*`"
    yield from _info_refusals("export", export.description, export.info_url)


def _latency_refusals(export: Export, name: str) -> Iterator[str]:
    latency = export.service_latency or {}
    if export.type != "service":
        yield f"{name} tracks latency, which only a service's may"
    sampling = latency.get("sampling")
    if isinstance(sampling, int) and sampling and not 1 <= sampling <= _WHOLE:
        yield f"{name} samples latency at {sampling} per cent"
    results = str(latency.get("results", ""))
    yield from _subject_refusals(results, "latency result")
    if _has_wildcards(results):
        yield f"the latency results of `{export.subject}` go to a subject with wildcards"


def _mapping_refusals(source: str, targets: tuple[Mapping[str, Json], ...]) -> Iterator[str]:
    yield from _subject_refusals(source, "mapping")
    totals: dict[str, int] = {}
    for target in targets:
        yield from _subject_refusals(str(target.get("subject", "")), "mapping target")
        cluster = str(target.get("cluster", ""))
        totals[cluster] = totals.get(cluster, 0) + int(target.get("weight", 0) or _WHOLE)
    if any(total > _WHOLE for total in totals.values()):
        yield f"the mapping of `{source}` exceeds {_WHOLE} per cent"


def _authorization_refusals(authorization: Mapping[str, Json]) -> Iterator[str]:
    if not authorization:
        return
    users = authorization.get("auth_users") or ()
    accounts = authorization.get("allowed_accounts") or ()
    if accounts and not users:
        yield "its external authorization has accounts without users"
    if not all(_holds(user_key, key) for key in users):
        yield "its external authorization names a user that is none"
    if not all(key == "*" or _holds(account_key, key) for key in accounts) or ("*" in accounts and len(accounts) > 1):
        yield "its external authorization names an account that is none, or `*` beside others"
    box = authorization.get("xkey")
    if box and not _holds(curve_key, box):
        yield "its external authorization names a curve key that is none"


def _trace_refusals(trace: Mapping[str, Json]) -> Iterator[str]:
    destination = str(trace.get("dest", ""))
    yield from _subject_refusals(destination, "trace")
    if _has_wildcards(destination):
        yield f"its traces go to `{destination}`, which has wildcards"
    if not 0 <= int(trace.get("sampling", 0)) <= _WHOLE:
        yield f"its traces are sampled at {trace['sampling']} per cent"


def _limit_refusals(claims: AccountClaims) -> Iterator[str]:
    for name, used in (("imports", len(claims.imports)), ("exports", len(claims.exports))):
        limit = claims.limits.get(name, 0)
        if limit != -1 and used > limit:
            yield f"it has {used} {name} and is allowed {limit}"
    if claims.limits.get("exports", 0) != -1 and not claims.limits.get("wildcards"):
        wildcards = [export.subject for export in claims.exports if _has_wildcards(export.subject)]
        if wildcards:
            yield f"it exports `{wildcards[0]}` and is allowed no wildcards in exports"


def _info_refusals(owner: str, description: str, url: str) -> Iterator[str]:
    if (description or url) and max(len(description.encode()), len(url.encode())) > _LONGEST_INFO:
        yield f"a description or information URL of the {owner} is longer than {_LONGEST_INFO} bytes"
    if url and not re.fullmatch(_URL, url):
        yield f"the information URL of the {owner} has no scheme or no host"


def _are_sound(subjects: list[str]) -> bool:
    """Whether `_subject_refusals` has nothing against any of the subjects; False where it may have."""
    text = ".".join(["x", *subjects, "x"])
    return ".." not in text and " " not in text


def _subject_refusals(subject: str, what: str) -> Iterator[str]:
    """Server: ``Subject.Validate``, which passes over ``a.>.c``."""
    if not subject:
        yield f"the subject of an {what} is empty" if what[0] in "aei" else f"the subject of a {what} is empty"
    elif " " in subject:
        yield f"the subject `{subject}` has spaces"
    elif ".." in subject or subject[0] == "." or subject[-1] == ".":
        yield f"the subject `{subject}` has an empty token"


def _has_wildcards(subject: str) -> bool:
    """Server: ``Subject.HasWildCards`` of the jwt library, which passes over a ``>`` that is not last."""
    tokens = subject.split(".")
    return "*" in tokens or tokens[-1] == ">"


def _overlap(subjects: list[str]) -> tuple[str, str] | None:
    """Two of the subjects of which `is_contained` holds; the server compares each with each."""
    if len(subjects) <= 1:
        return None
    ordered = sorted(subjects)
    if not any(map(eq, ordered, ordered[1:])) and not any(
        _has_company(subject, ordered) for subject in ordered if "*" in subject or ">" in subject
    ):
        return None
    root: dict[str | None, Any] = {}
    for subject in subjects:
        node = root
        for token in subject.split("."):
            node = node.setdefault(token, {})
        if None in node:
            return subject, subject
        node[None] = subject
    for subject in subjects:
        tokens = subject.split(".")
        open_nodes = [(root, 0)]
        while open_nodes:
            node, depth = open_nodes.pop()
            other = node.get(">", {}).get(None) if depth < len(tokens) else node.get(None)
            if other not in (None, subject):
                return subject, other
            if depth < len(tokens):
                open_nodes += [
                    (node[token], depth + 1) for token in dict.fromkeys((tokens[depth], "*")) if token in node
                ]
    return None


def _has_company(subject: str, ordered: list[str]) -> bool:
    """Whether another subject begins like this one does up to its first wildcard, as all that it contains do."""
    wildcard = _WILDCARD.search(subject)
    if wildcard is None:
        return False
    beginning = subject[: wildcard.start()]
    first = bisect_left(ordered, beginning)
    return sum(text.startswith(beginning) for text in ordered[first : first + 2]) > 1


def _without_references(local: str) -> str:
    """Server: ``RenamingSubject.ToSubject``."""
    return ".".join("*" if _REFERENCE.fullmatch(token) else token for token in local.split("."))


def _holds(parser: Callable[[str], str], text: str) -> bool:
    try:
        parser(text)
    except TokenError:
        return False
    return True
