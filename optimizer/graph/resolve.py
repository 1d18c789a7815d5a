"""One import asked of its exporter, in the order and by the words of the server that would load it."""

from __future__ import annotations

import enum
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

from optimizer.claims.token import parse_token
from optimizer.claims.validate import activation_of, exporter_subject
from optimizer.claims.verify import activation_issues
from optimizer.subjects.once import once
from optimizer.subjects.subject import Subject

if TYPE_CHECKING:
    from collections.abc import Iterator

    from optimizer.claims.keys import AccountKey
    from optimizer.claims.model import AccountClaims, Export, Import
    from optimizer.graph.exports import Exports

_LITERAL = re.compile(r"[^\s.*>]++(?:\.[^\s.*>]++)*+")
"""Most subjects, and valid without a closer look."""
_NUMBERED = re.compile(r"\$([+-]?[0-9]{1,18})")
_WILDCARD_CALL = re.compile(r"\{\{\s*[wW]ildcard\s*\((.*)\)\s*\}\}")
_SHORTEST_CALL = 5  # `{{x}}`: Go's indexPlaceHolders takes nothing shorter for a function


class State(enum.Enum):
    """What a server does with one import."""

    WORKS = "works"
    DROPPED = "dropped"
    """Passed over, with a line in the debug log at most; the rest of the account works."""
    REFUSED = "refused"
    """The server refuses the whole importing token."""
    UNKNOWN = "unknown"
    """What decides it is not in the source, or differs from one load to the next."""


class Resolution(NamedTuple):
    """What becomes of one import.

    Parameters
    ----------
    reason
        Why it does not work, or what is to be known about one that does; may be empty.
    exports
        The exports that contain it; the server takes an equal one, else any, differing from load to load.
    otherwise
        Of an import whose whole token is refused, what would become of it if it were not.
    """

    state: State
    reason: str = ""
    exports: tuple[Export, ...] = ()
    otherwise: State | None = None


@dataclass(frozen=True)
class Route:
    """From which subject of the exporter to which of the importer, as the server files it."""

    remote: str
    local: str

    @once
    def source(self) -> Subject:
        """The exporter's subject."""
        return Subject(self.remote)

    @once
    def target(self) -> Subject:
        """The importer's subject."""
        return self.source if self.local == self.remote else Subject(self.local)

    @property
    def has_wildcard(self) -> bool:
        """Whether the exporter's subject has one."""
        return ("*" in self.remote or ">" in self.remote) and self.source.has_wildcard

    @property
    def is_mapped(self) -> bool:
        """Whether wildcards have to be carried from one to the other."""
        return self.local != self.remote and self.has_wildcard


def route(claims: Import) -> Route:
    """The exporter's and the importer's subject of an import, the legacy ``to`` included.

    For a stream ``to`` is a prefix; for a service ``subject`` is the importer's and ``to`` the exporter's.

    Server: ``Server.updateAccountClaimsWithRefresh``, ``Account.addStreamImportWithClaim``.
    """
    remote = exporter_subject(claims)
    if claims.local_subject:
        return Route(remote, claims.local_subject)
    if claims.type == "service" or not claims.to:
        return Route(remote, claims.subject)
    return Route(remote, f"{claims.to.removesuffix('.')}.{remote}")


def filed_under(claims: Import, path: Route) -> str:
    """The subject by which a server knows an import: the exporter's of a stream, one's own of a service."""
    if claims.type == "stream":
        return path.remote
    return without_places(path.local) if path.is_mapped else path.local


@dataclass(frozen=True, slots=True)
class Exporter:
    """The account an import names, as a server knows it.

    Parameters
    ----------
    now
        When: activations expire.
    demands_signing_keys
        Whether its operator lets only signing keys issue for it.
    sometimes
        Exports a server adds by itself, depending on how it is run.
    """

    claims: AccountClaims
    exports: Exports
    now: int
    demands_signing_keys: bool = False
    sometimes: Exports | None = None


def resolved(
    claims: Import, path: Route, exports: tuple[Export, ...], importer: AccountKey, exporter: Exporter
) -> Resolution:
    """What becomes of an import whose exporter is loaded, cycles and repeated imports apart.

    Server: ``AddServiceImportWithClaim``, ``AddStreamImportWithClaim``, ``AddMappedStreamImportWithClaim``.

    Parameters
    ----------
    path
        What `route` makes of it.
    exports
        Those of the exporter that contain it.
    """
    kind = claims.type
    if not _is_valid(path.remote):
        return Resolution(State.DROPPED, f"`{path.remote}` is no subject to the server")
    if kind == "service" and path.local != path.remote and not _is_valid(path.local):
        return Resolution(State.DROPPED, f"`{path.local}` is no subject to the server")
    if not exports:
        return _uncontained(kind, path.remote, exporter)
    barred = [
        refusal
        for export in exports
        if (export.token_req or export.account_token_position)
        and (refusal := _unauthorized(export, claims, path, importer, exporter))
    ]
    if barred and len(barred) == len(exports):
        return Resolution(State.DROPPED, barred[0], exports)
    if barred:
        return Resolution(
            State.UNKNOWN, f"of {len(exports)} exports that contain it the server takes any: {barred[0]}", exports
        )
    problem = _untranslatable(claims, path)
    if problem:
        return Resolution(State.DROPPED, problem, exports)
    if kind == "stream" and path.local != path.remote and not path.target.is_valid:
        return Resolution(State.UNKNOWN, f"its prefix makes `{path.local}`, which is no subject", exports)
    if len(exports) > 1:
        return Resolution(State.WORKS, f"{len(exports)} exports contain it, the server takes any of them", exports)
    return Resolution(State.WORKS, "", exports)


def _is_valid(subject: str) -> bool:
    return _LITERAL.fullmatch(subject) is not None or Subject(subject).is_valid


def _uncontained(kind: str, subject: str, exporter: Exporter) -> Resolution:
    sometimes = exporter.sometimes.containing(kind, subject) if exporter.sometimes else ()
    if sometimes:
        return Resolution(
            State.UNKNOWN, f"only a server that adds the export `{sometimes[0].subject}` by itself has it"
        )
    other = "stream" if kind == "service" else "service"
    parts = exporter.exports.overlapping(kind, subject)
    if parts:
        return Resolution(
            State.DROPPED, f"no one {kind} export contains `{subject}`; `{parts[0].subject}` is only a part of it"
        )
    if exporter.exports.containing(other, subject):
        return Resolution(State.DROPPED, f"`{subject}` is exported as a {other}, not as a {kind}")
    return Resolution(State.DROPPED, f"no {kind} export contains `{subject}`")


def _unauthorized(export: Export, claims: Import, path: Route, importer: AccountKey, exporter: Exporter) -> str:
    """Why the exporter does not let this account in by this export; empty where it does. Server: ``checkAuth``."""
    position = export.account_token_position
    if position:  # which leaves the activation unasked
        subject = path.remote
        tokens = path.source.tokens
        if subject == export.subject or position > len(tokens) or tokens[position - 1] != importer:
            return f"token {position} of `{subject}` must be the importing account's own key"
        return ""
    return next(_inactive(export, claims, importer, exporter), "")


def _inactive(export: Export, claims: Import, importer: AccountKey, exporter: Exporter) -> Iterator[str]:
    """Why an activation does not count. Server: ``checkActivation``, ``isIssuerClaimTrusted``, ``isRevoked``."""
    if not claims.token:
        yield f"`{export.subject}` is private and the import has no activation"
        return
    activation, token = activation_of(claims), parse_token(claims.token)
    for issue in activation_issues(token, activation, exporter.claims, importer, exporter.now, is_signed=True):
        yield f"its activation does not count: {issue.message}"
    if exporter.demands_signing_keys and activation.issuer_account and activation.iss == exporter.claims.sub:
        yield "its activation does not count: the operator demands signing keys and the account's own key issued it"
    revoked = [export.revocations[key] for key in (activation.sub, "*") if key in export.revocations]
    if revoked and activation.iat <= max(revoked):
        yield f"its activation is revoked: `{export.subject}` takes none issued up to {max(revoked)}"


def _untranslatable(claims: Import, path: Route) -> str:
    """Why the server cannot map one subject to the other; empty where it can, or need not.

    Server: ``NewSubjectTransformStrict``, which maps from the exporter's subject in both types.
    """
    if claims.type == "stream" and claims.to and not claims.local_subject and Subject(claims.to).has_wildcard:
        return f"the prefix `{claims.to}` has wildcards"
    if not path.is_mapped:
        return ""
    source, target = path.source, tokenized(path.local)
    wildcards = source.tokens.count("*")
    problem = f"`{path.remote}` cannot be mapped to `{path.local}`"
    if not path.target.is_valid or (source.tokens[-1] == ">") != (target[-1] == ">"):
        return problem
    places = 0
    for token in target:
        place = place_of(token)
        if place is None:
            continue
        if place == "" or int(place) > wildcards:
            return problem
        places += 1
    return problem if places < wildcards else ""


def tokenized(subject: str) -> list[str]:
    """The tokens with each ``*`` numbered. Server: ``transformTokenize``."""
    tokens, count = [], 0
    for token in subject.split("."):
        if token == "*":
            count += 1
            tokens.append(f"${count}")
        else:
            tokens.append(token)
    return tokens


def place_of(token: str) -> str | None:
    """The number of the wildcard a token stands for; None for plain text, empty for what an import must not use.

    Server: ``indexPlaceHolders``.
    """
    match = _NUMBERED.fullmatch(token)
    if match:
        return match[1]
    if len(token) < _SHORTEST_CALL or not (token.startswith("{{") and token.endswith("}}")):
        return None
    call = _WILDCARD_CALL.search(token)
    number = call[1].strip(" ") if call else ""
    return number if re.fullmatch("[+-]?[0-9]{1,18}", number) else ""


def without_places(subject: str) -> str:
    """The subject with every numbered place a ``*`` again. Server: ``transformUntokenize``."""
    return ".".join("*" if _stands_for_wildcard(token) else token for token in subject.split("."))


def _stands_for_wildcard(token: str) -> bool:
    numbered = len(token) > 1 and token[0] == "$" and token[1] in "123456789"
    call = None if numbered else _WILDCARD_CALL.search(token)
    return numbered or (call is not None and "," not in call[1] and call[1] != "")
