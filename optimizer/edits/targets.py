"""What an edit is about: a permission block, a list in it, or another part of a token."""

from __future__ import annotations

import enum
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from optimizer.claims.keys import AccountKey, UserKey


class TargetKind(enum.Enum):
    """Which part of which token: the three places that hold permission lists, and parts of an account's token."""

    USER = "user"
    SCOPE = "scope"
    DEFAULTS = "defaults"
    IMPORT = "import"
    EXPORT = "export"
    ACCOUNT = "account"
    REVOCATION = "revocation"
    ACTIVATION = "activation"

    @property
    def holds_lists(self) -> bool:
        """Whether it is a permission block."""
        return self in (TargetKind.USER, TargetKind.SCOPE, TargetKind.DEFAULTS)


_KINDS = {kind.value: kind for kind in TargetKind}


class ListName(enum.Enum):
    """One of the four subject lists of a permission block."""

    PUB_ALLOW = "pub.allow"
    PUB_DENY = "pub.deny"
    SUB_ALLOW = "sub.allow"
    SUB_DENY = "sub.deny"

    @property
    def is_publish(self) -> bool:
        """Whether it governs publishing."""
        return self in (ListName.PUB_ALLOW, ListName.PUB_DENY)

    @property
    def is_allow(self) -> bool:
        """Whether it allows."""
        return self in (ListName.PUB_ALLOW, ListName.SUB_ALLOW)


@dataclass(frozen=True, slots=True, order=True)
class Target:
    """A part of a token: a permission block, an account's imports or exports, its revocations, or all of an account.

    ACTIVATION are the revocations in the account's exports. A block is a user's own, a scoped signing key's template,
    or an account's defaults.

    Parameters
    ----------
    account
        The account's public key.
    user
        The user's public key, for a USER target.
    key
        The scoped signing key's public key, for a SCOPE target.
    """

    kind_name: str
    account: AccountKey
    user: UserKey | None = None
    key: str | None = None

    @property
    def kind(self) -> TargetKind:
        """Which part."""
        return _KINDS[self.kind_name]

    def pointer(self, name: ListName | None = None) -> str:
        """The JSON pointer of the part, or of one of a block's lists, inside the token's claims.

        A scope is addressed by its key, for its index moves when nsc sorts ``signing_keys``.
        """
        match self.kind:
            case TargetKind.USER:
                base = "/nats"
            case TargetKind.SCOPE:
                base = f"/nats/signing_keys/{self.key}/template"
            case TargetKind.DEFAULTS:
                base = "/nats/default_permissions"
            case TargetKind.IMPORT:
                base = "/nats/imports"
            case TargetKind.EXPORT:
                base = "/nats/exports"
            case TargetKind.ACCOUNT:
                base = "/nats"
            case TargetKind.REVOCATION:
                base = "/nats/revocations"
            case TargetKind.ACTIVATION:
                base = "/nats/exports"
        return base if name is None else f"{base}/{name.value.replace('.', '/')}"
