"""What the rules about revocations have in common: how keys and users are told, and how many of them."""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING

from optimizer.edits import EVERYBODY
from optimizer.proposals import Basis, Evidence
from optimizer.text import printable

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from optimizer.claims.model import UserClaims
    from optimizer.edits import ActivationRevocation, Revocation
    from optimizer.rules.view import AccountView

_SAID = 4  # of a kind; the edits hold all of them


def revoked_evidence(
    view: AccountView,
    these: Sequence[Revocation | ActivationRevocation],
    why: str,
    basis: Basis = Basis.CLAIMS,
) -> Iterator[Evidence]:
    """Which revocations, each with its reason; of many the first, and how many more."""
    names = {user.claims.sub: user.claims.name for user in view.users}
    for each in these[:_SAID]:
        name = names.get(each.key, "")  # type: ignore[call-overload]  # a key like any other, if it is one
        called = f" ({printable(name)[:60]})" if name else ""
        whose = "`*`" if each.key == EVERYBODY else f"`{printable(each.key[:56])}`{called}"
        yield Evidence(basis, f"{whose} is revoked up to {each.time}: {why}")
    if len(these) > _SAID:
        yield Evidence(basis, f"{len(these) - _SAID:,} more likewise: {why}")


def refused_evidence(view: AccountView, users: Iterable[UserClaims]) -> Iterator[Evidence]:
    """Every known user that would be refused, and how to issue its token again.

    nsc: ``edit user`` wants something to edit; to take out a tag that is not there signs again and changes nothing.
    """
    for user in users:
        words = ("--account", view.claims.name), ("--name", user.name), ("--private-key", user.iss)
        told = " ".join(f"{flag}={shlex.quote(value)}" for flag, value in words)
        again = f"nsc edit user {told} --rm-tag=permopt.no.tag"
        how = f"; `{again}` issues it again" if printable(again) == again else ""
        yield Evidence(
            Basis.CLAIMS,
            f"{view.name}/{printable(user.name)[:60]}, issued at {user.iat}, would be refused{how}",
        )
