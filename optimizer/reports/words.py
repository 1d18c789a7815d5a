"""The sentences every report shares: places, edits, witnesses and proofs in words, fit to be shown.

Whatever comes from a token passes through `optimizer.text.printable`, and is cut where it is absurdly long.
"""

from __future__ import annotations

import re
from collections import Counter
from typing import TYPE_CHECKING, assert_never

from optimizer.edits import TargetKind
from optimizer.subjects.probes import (
    AcrossImport,
    Connect,
    Deliver,
    LeafInterest,
    LeafSubscribe,
    Publish,
    Relation,
    Subscribe,
)
from optimizer.text import printable

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from optimizer.claims.keys import AccountKey, UserKey
    from optimizer.edits import ListName, Target
    from optimizer.hierarchy import Hierarchy
    from optimizer.proposals import Judgement, Witness
    from optimizer.settings import Server
    from optimizer.subjects.probes import Probe

NAME_LIMIT = 60  # characters of a name: a terminal line holds account and user beside the rest
SUBJECT_LIMIT = 200  # characters of a subject: longer ones exist only to break a page
KEY_SHOWN = 8  # characters of a key that tell accounts of one name apart

_PLAIN_NAME = re.compile(r"[\w.@+-]+", re.ASCII)


def shown(text: str, limit: int = SUBJECT_LIMIT) -> str:
    """Text of a stranger on one line, and not more of it than ``limit`` characters."""
    clean = printable(text)
    return clean if len(clean) <= limit else f"{clean[: limit - 3]}..."


def name_of(name: str, key: str) -> str:
    """A name as it is shown: quoted where it is more than a word, the key where it is empty."""
    if not name:
        return shown(key, NAME_LIMIT)
    clean = shown(name, NAME_LIMIT)
    return clean if _PLAIN_NAME.fullmatch(clean) else f'"{clean}"'


class Names:
    """What accounts, users and permission blocks of one hierarchy are called, each distinct.

    Where two accounts (users of an account) share a name, the start of the key stands beside it.
    """

    def __init__(self, hierarchy: Hierarchy) -> None:
        self._hierarchy = hierarchy
        self._accounts = Counter(account.claims.name for account in hierarchy.accounts.values())
        self._users = Counter((owner, user.claims.name) for (_, owner), user in hierarchy.users.items())

    def account(self, key: AccountKey) -> str:
        """The account's name."""
        account = self._hierarchy.accounts.get(key)
        if account is None:
            return shown(key, NAME_LIMIT)
        return told_apart(name_of(account.claims.name, key), key, self._accounts[account.claims.name])

    def account_of(self, text: str) -> str:
        """The name behind a key as a token writes it, which may be none."""
        return self.account(text)  # type: ignore[arg-type]  # a key like any other, if it is one

    def user_of(self, account: AccountKey, text: str) -> str:
        """The name of the user behind a key as a token writes it; empty where no such user is known."""
        user = self._hierarchy.users.get((text, account))  # type: ignore[arg-type]  # a key, if it is one
        return "" if user is None else name_of(user.claims.name, text)

    def user(self, account: AccountKey, key: UserKey) -> str:
        """``ACCOUNT/USER``."""
        user = self._hierarchy.users.get((key, account))
        if user is None:
            return f"{self.account(account)}/{shown(key, NAME_LIMIT)}"
        name = told_apart(name_of(user.claims.name, key), key, self._users[account, user.claims.name])
        return f"{self.account(account)}/{name}"

    def token(self, account: AccountKey, user: UserKey | None) -> str:
        """Which token: ``account ORDERS`` or ``user ORDERS/app``."""
        return f"account {self.account(account)}" if user is None else f"user {self.user(account, user)}"

    def place(self, target: Target) -> str:
        """Where a permission block is."""
        match target.kind:
            case TargetKind.USER:
                return self.token(target.account, target.user)
            case TargetKind.SCOPE:
                return f"{self._role(target)} of account {self.account(target.account)}"
            case TargetKind.DEFAULTS:
                return f"default permissions of account {self.account(target.account)}"
            case TargetKind.IMPORT:
                return f"imports of account {self.account(target.account)}"
            case TargetKind.EXPORT:
                return f"exports of account {self.account(target.account)}"
            case TargetKind.REVOCATION:
                return f"revocations of account {self.account(target.account)}"
            case TargetKind.ACTIVATION:
                return f"revoked activations of account {self.account(target.account)}"
            case TargetKind.ACCOUNT:
                return f"account {self.account(target.account)}"
            case _:
                assert_never(target.kind)

    def _role(self, target: Target) -> str:
        key = target.key or ""
        owner = self._hierarchy.accounts.get(target.account)
        scopes = [] if owner is None else [each.scope for each in owner.claims.signing_keys if each.key == key]
        role = next((scope.role for scope in scopes if scope is not None), "")
        return f"role {name_of(role, key)}" if role else f"the role of signing key {shown(key)}"


def list_name(name: ListName) -> str:
    """``publish allow``, ``subscribe deny`` ..."""
    return f"{'publish' if name.is_publish else 'subscribe'} {'allow' if name.is_allow else 'deny'}"


def quantity(number: int, one: str, many: str = "") -> str:
    """``1 proposal``, ``1,200 proposals``."""
    return f"{number:,} {one if number == 1 else many or one + 's'}"


def size(number: int) -> str:
    """Bytes of an encoded token, exact."""
    return quantity(number, "byte")


def saved(number: int, *, would: bool = False) -> str:
    """What a saving is called: a token can also grow."""
    verb = "add" if number < 0 else "save"
    return f"{'would ' + verb if would else verb + 's'} {size(abs(number))}"


def joined(parts: Iterable[str]) -> str:
    """``a``, ``a and b``, ``a, b and c``."""
    texts = list(parts)
    return texts[0] if len(texts) == 1 else f"{', '.join(texts[:-1])} and {texts[-1]}" if texts else "none"


def servers(generations: Sequence[Server]) -> str:
    """``nats-server 2.11 and 2.12``, the older one first."""
    return f"nats-server {joined(sorted(server.value for server in generations))}"


def witnesses(found: Iterable[Witness]) -> list[str]:
    """Who could try what to tell before from after; one sentence for what holds on several server generations."""
    on: dict[str, list[Server]] = {}
    for witness in found:
        on.setdefault(f"{shown(witness.principal)} may {_doing(witness.probe)}", []).append(witness.server)
    return [f"{sentence} ({servers(generations)})" for sentence, generations in on.items()]


def _doing(probe: Probe) -> str:
    match probe:
        case Publish():
            doing = f"publish `{shown(probe.subject)}`"
            if probe.replying_to is not None:
                doing += f" in reply to a request on `{shown(probe.replying_to)}`"
        case Subscribe():
            doing = f"subscribe to `{shown(probe.subject)}`{_queue(probe.queue)}"
        case Deliver():
            doing = f"receive `{shown(probe.subject)}` on a subscription to `{shown(probe.subscription)}`"
            doing += _queue(probe.queue)
            if probe.alongside is not None:
                beside = probe.alongside
                doing += f", subscribed to `{shown(beside.subject)}`{_queue(beside.queue)} as well"
        case LeafSubscribe():
            doing = f"take, as a leafnode, `{shown(probe.subject)}`"
        case LeafInterest():
            doing = f"send, as a leafnode, to a subscription to `{shown(probe.subject)}`"
        case Connect():
            doing = "connect"
        case AcrossImport(kind="service"):
            whose = f"`{shown(probe.remote)}` of {name_of(probe.exporter_name, probe.exporter)}"
            doing = f"reach {whose} with a request on `{shown(probe.subject)}`{_times(probe.copies)}"
        case AcrossImport():
            whose = f"`{shown(probe.remote)}` of {name_of(probe.exporter_name, probe.exporter)}"
            doing = f"receive {whose} as `{shown(probe.subject)}`{_times(probe.copies)}"
        case _:
            assert_never(probe)
    return doing


def proof(judgement: Judgement) -> str:
    """What was proved, in one line."""
    compared = judgement.proof
    counts = [(compared.principals, "user")] if compared.principals or not compared.accounts else []
    counts += [(compared.accounts, "account")] if compared.accounts else []
    on, users = servers(compared.servers), f"{joined(quantity(*each) for each in counts)} compared"
    match judgement.relation:
        case Relation.SAME:
            who = "client and every leafnode" if "leafnode" in compared.connections else "client"
            return f"same for every {who} on {on}; {users}"
        case Relation.UNDECIDED:
            return f"not decided; {users} on {on}"
        case _:
            # Which generation notices, the witnesses say.
            return f"{judgement.relation.value}; {users} on {on}"


def told_apart(name: str, key: str, bearers: int) -> str:
    """A name, with the start of its key where others bear it too."""
    return name if bearers == 1 else f"{name} ({key[:KEY_SHOWN]}...)"


def _times(copies: int) -> str:
    return "" if copies == 1 else f", {copies} times"


def _queue(queue: str | None) -> str:
    return "" if queue is None else f" in queue group `{shown(queue)}`"
