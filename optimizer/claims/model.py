"""Typed claims of operator, account, user and activation tokens, field for field as the Go library has them.

Every record keeps what it does not know in ``unknown``, so that reading loses nothing; nsc drops such fields when it
re-encodes, and `optimizer.claims.encode` can write either. A field that is absent, null or zero in the token is None,
empty or zero here, save for lists in a permission block and limits in `UserLimits`: there absent (None) and empty
(``()``) or 0 mean different things to the server. Structs kept as JSON hold no zero values.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import TYPE_CHECKING, Annotated, Any, Literal, Self

from msgspec import Meta, Struct
from msgspec.structs import replace

from optimizer.claims.keys import AccountKey, OperatorKey, UserKey

Json = Any  # what json.loads returns; narrowed field by field in decode
NOTHING: Mapping[str, Any] = MappingProxyType({})
"""One empty mapping for all records: a tenth of the memory of a store would be empty dicts."""

if TYPE_CHECKING:
    Kind = str
else:
    Kind = Literal["", "stream", "service"]  # what `optimizer.claims.quick` reads

Int64 = Annotated[int, Meta(ge=-(2**63), le=2**63 - 1)]
Unknown = Annotated[Mapping[str, Json], Meta(max_length=0)]
"""Members nobody knows. `optimizer.claims.quick` reads none: a member that is called ``unknown`` is no such mapping."""


class Record(Struct, frozen=True, gc=False, omit_defaults=True, forbid_unknown_fields=True):
    """A part of the claims, its fields those of the JSON in the order Go writes them.

    So `optimizer.claims.quick` has it read and written by msgspec, which makes one in a fifth of a dataclass's time.
    """

    def replaced(self, **fields: Json) -> Self:
        """The same record with other values in some fields."""
        return replace(self, **fields)

    @classmethod
    def field_names(cls) -> tuple[str, ...]:
        """The names of its fields, in the order Go writes them."""
        return cls.__struct_fields__


class SubjectLists(Record, frozen=True):
    """The ``pub`` or ``sub`` half of a permission block; None where the key is absent or null."""

    allow: tuple[str, ...] | None = None
    deny: tuple[str, ...] | None = None
    unknown: Unknown = NOTHING


class ResponsePermission(Record, frozen=True):
    """``resp``: how many replies a responder may publish, and for how many nanoseconds."""

    max: Int64 = 0
    ttl: Int64 = 0
    unknown: Unknown = NOTHING


class PermissionLists(Record, frozen=True):
    """A permission block as written: texts in the order read, duplicates kept."""

    pub: SubjectLists = SubjectLists()
    sub: SubjectLists = SubjectLists()
    resp: ResponsePermission | None = None
    unknown: Unknown = NOTHING
    """Unknown members of ``default_permissions``; a user's and a template's are kept by their owner."""

    @property
    def is_empty(self) -> bool:
        """Whether the server takes the account's defaults instead. Server: ``buildPermissionsFromJwt``."""
        return self.resp is None and not (self.pub.allow or self.pub.deny or self.sub.allow or self.sub.deny)

    @property
    def has_explicit_empty_list(self) -> bool:
        """Whether some list is present and empty: a re-encode by nsc drops it, which can open it."""
        return () in (self.pub.allow, self.pub.deny, self.sub.allow, self.sub.deny)

    def as_claims(self) -> dict[str, Json]:
        """The JSON of the block, as `optimizer.subjects.permissions.Permissions.from_claims` reads it."""
        block: dict[str, Json] = {}
        for name, lists in (("pub", self.pub), ("sub", self.sub)):
            side = {k: list(v) for k, v in (("allow", lists.allow), ("deny", lists.deny)) if v is not None}
            if side:
                block[name] = side
        if self.resp is not None:
            block["resp"] = {"max": self.resp.max, "ttl": self.resp.ttl}
        return block


class UserLimits(Record, frozen=True, kw_only=True):
    """Everything in a user token or scope template beside the permission lists; None where absent."""

    src: tuple[str, ...] | None = None
    times: tuple[Mapping[str, Json], ...] | None = None
    times_location: str = ""
    subs: Int64 | None = None
    data: Int64 | None = None
    payload: Int64 | None = None
    bearer_token: bool = False
    proxy_required: bool = False
    allowed_connection_types: tuple[str, ...] | None = None


class Scope(Record, frozen=True, kw_only=True):
    """What a scoped signing key says of the users it issues."""

    kind: str
    role: str = ""
    permissions: PermissionLists = PermissionLists()
    limits: UserLimits = UserLimits()
    description: str = ""
    unknown: Unknown = NOTHING
    """Unknown members of the scope object."""
    unknown_template: Unknown = NOTHING
    """Unknown members of its template."""


class SigningKey(Record, frozen=True):
    """A key that may sign for its account; with a scope, only users as the scope's template says."""

    key: str
    scope: Scope | None = None


class Export(Record, frozen=True, kw_only=True):
    """A subject that an account offers to others."""

    name: str = ""
    subject: str = ""
    type: Kind = ""
    """``stream`` or ``service``."""
    token_req: bool = False
    revocations: Mapping[str, Int64] = NOTHING
    response_type: str = ""
    response_threshold: Int64 = 0
    service_latency: Mapping[str, Json] | None = None
    account_token_position: Annotated[int, Meta(ge=0, le=2**63 - 1)] = 0
    advertise: bool = False
    allow_trace: bool = False
    description: str = ""
    info_url: str = ""
    unknown: Unknown = NOTHING

    def __hash__(self) -> int:
        return hash((self.type, self.subject, self.name))


class Import(Record, frozen=True, kw_only=True):
    """A subject that an account takes from another.

    Notes
    -----
    ``to`` is the legacy form: for a stream it is a prefix; for a service ``subject`` and ``to`` are the other way
    round (``subject`` is the importer's own, ``to`` the exporter's).
    """

    name: str = ""
    subject: str = ""
    account: str = ""
    token: str = ""
    to: str = ""
    local_subject: str = ""
    type: Kind = ""
    share: bool = False
    allow_trace: bool = False
    unknown: Unknown = NOTHING

    def __hash__(self) -> int:
        return hash((self.type, self.account, self.subject, self.local_subject))


_NO_PERMISSIONS = PermissionLists()
_NO_LIMITS = UserLimits()


@dataclass(frozen=True, slots=True, kw_only=True)
class Head:
    """The registered claims every token has, and what kind and version its ``nats`` object states."""

    aud: str = ""
    exp: int = 0
    jti: str = ""
    iat: int = 0
    iss: str = ""
    name: str = ""
    nbf: int = 0
    tags: tuple[str, ...] = ()
    version: int = 2
    unknown_top: Mapping[str, Json] = field(default_factory=lambda: NOTHING)
    """Unknown members beside ``nats``."""
    unknown: Mapping[str, Json] = field(default_factory=lambda: NOTHING)
    """Unknown members of ``nats``."""


@dataclass(frozen=True, slots=True, kw_only=True)
class OperatorClaims(Head):
    """An operator token."""

    sub: OperatorKey
    signing_keys: tuple[str, ...] = ()
    account_server_url: str = ""
    operator_service_urls: tuple[str, ...] = ()
    system_account: str = ""
    assert_server_version: str = ""
    strict_signing_key_usage: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountClaims(Head):
    """An account token."""

    sub: AccountKey
    imports: tuple[Import, ...] = ()
    exports: tuple[Export, ...] = ()
    limits: Mapping[str, Json] = field(default_factory=lambda: NOTHING)
    signing_keys: tuple[SigningKey, ...] = ()
    revocations: Mapping[str, int] = field(default_factory=lambda: NOTHING)
    """User key, or ``*``, to the time at or before which a token's ``iat`` is refused."""
    default_permissions: PermissionLists = _NO_PERMISSIONS
    mappings: Mapping[str, tuple[Mapping[str, Json], ...]] = field(default_factory=lambda: NOTHING)
    authorization: Mapping[str, Json] = field(default_factory=lambda: NOTHING)
    trace: Mapping[str, Json] | None = None
    cluster_traffic: str = ""
    description: str = ""
    info_url: str = ""

    def signing_key(self, key: str) -> SigningKey | None:
        """The signing key of that public key: of several the last, as Go's map of them has it."""
        return next((known for known in reversed(self.signing_keys) if known.key == key), None)

    def revoked_at(self, user: UserKey) -> int | None:
        """The time at or before which a token of this user is refused, or None. Server: ``isRevoked``."""
        times = [self.revocations[key] for key in (user, "*") if key in self.revocations]
        return max(times) if times else None


@dataclass(frozen=True, slots=True, kw_only=True)
class UserClaims(Head):
    """A user token."""

    sub: UserKey
    permissions: PermissionLists = _NO_PERMISSIONS
    limits: UserLimits = _NO_LIMITS
    issuer_account: str = ""

    @property
    def account(self) -> AccountKey:
        """The account this user belongs to: ``issuer_account``, else the issuer itself."""
        return AccountKey(self.issuer_account or self.iss)

    @property
    def is_scoped(self) -> bool:
        """Whether it has no permission and no limit of its own, not even an explicit empty list.

        Server: ``UserClaims.HasEmptyPermissions``, without which a scoped key's user is refused.
        """
        limits = self.limits
        numbers = (limits.subs, limits.data, limits.payload)
        if self.version == 1:  # absent limits are read as -1 there
            return False
        return (
            self.permissions.resp is None
            and self.permissions.is_empty
            and not self.permissions.has_explicit_empty_list
            and limits.src is None
            and limits.times is None
            and limits.allowed_connection_types is None
            and not any(numbers)
            and not (limits.times_location or limits.bearer_token or limits.proxy_required)
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class ActivationClaims(Head):
    """An activation token: leave to import a private export. ``sub`` is the importing account, or ``public``."""

    sub: str
    subject: str = ""
    kind: str = ""
    issuer_account: str = ""


Claims = OperatorClaims | AccountClaims | UserClaims | ActivationClaims
