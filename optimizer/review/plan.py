"""A saved plan read back: its digest checked, its tokens decoded and verified again, its edits rebuilt.

What can be worked out from the tokens in it is not taken on trust: what is chosen is judged again.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, TypeVar

from optimizer.claims.decode import decode
from optimizer.claims.keys import account_key, operator_key, user_key
from optimizer.claims.model import AccountClaims, Export, Import, OperatorClaims, Record, UserClaims
from optimizer.claims.token import parse_token
from optimizer.claims.verify import Issue, account_issues, operator_issues, user_issues
from optimizer.edits import (
    ActivationRevocation,
    AddAccount,
    EditActivationRevocations,
    EditEntries,
    EditExports,
    EditImports,
    EditRevocations,
    ListName,
    Revocation,
    Target,
    TargetKind,
)
from optimizer.errors import SourceError, TokenError
from optimizer.hierarchy import Coverage, Hierarchy, Signed, Skipped
from optimizer.proposals import (
    Basis,
    Evidence,
    Finding,
    FrontierPoint,
    Gain,
    Grant,
    Judgement,
    Plan,
    Proof,
    Proposal,
    Safety,
    SetAside,
    Severity,
    TokenBudget,
    TokenChange,
    Witness,
)
from optimizer.reports.json import PLAN, digest
from optimizer.settings import Server, Settings, Weights, Widen
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

if TYPE_CHECKING:
    from optimizer.claims.keys import AccountKey, UserKey
    from optimizer.edits import Edit
    from optimizer.subjects.probes import Probe

_AGAIN = "make a new plan with `permopt propose -o PLAN`"
_EDITED = "a plan is used as it was written; make a new one, and record decisions with `permopt review`"

Document = dict[str, Any]
Shared = TypeVar("Shared", bound=Record)


@dataclass(frozen=True, slots=True, kw_only=True)
class SavedPlan:
    """A plan as it was saved.

    Parameters
    ----------
    plan
        Its hierarchy holds the operator, the touched accounts and their users only.
    settings
        What the plan was made under, and is judged under again.
    digest
        Of the document; decisions name it.
    fingerprint
        Of the whole store when the plan was made.
    """

    plan: Plan
    settings: Settings
    digest: str
    fingerprint: str


def load(text: str, name: str) -> SavedPlan:
    """A plan from the text of its file.

    Parameters
    ----------
    text
        What `optimizer.reports.json.plan_document` was written as.
    name
        The file's name, for messages.

    Raises
    ------
    SourceError
        It is no plan, of another version, or was edited after it was written.
    """
    try:
        document = json.loads(text)
    except (ValueError, RecursionError):
        raise SourceError(f"`{name}` is not JSON", _AGAIN) from None
    kind = document.get("type") if isinstance(document, dict) else None
    if kind != PLAN:
        found = f"its type is `{kind}`" if isinstance(kind, str) else "it has no type"
        raise SourceError(f"`{name}` is not a {PLAN} document: {found}", _AGAIN)
    if document.get("digest") != digest(document):
        raise SourceError(f"`{name}` was edited after it was written: its digest does not fit", _EDITED)
    try:
        return _plan(document)
    except (KeyError, TypeError, ValueError, AttributeError, AssertionError) as error:
        raise SourceError(f"`{name}` is not a plan this version can read: {error!r}", _AGAIN) from None
    except TokenError as error:
        raise SourceError(f"`{name}` holds a token that cannot be read: {error.message}", _AGAIN) from None


def _plan(document: Document) -> SavedPlan:
    settings = _settings(document["settings"])
    return SavedPlan(
        plan=Plan(
            hierarchy=_hierarchy(document, settings.now),
            proposals=tuple(map(_proposal, document["proposals"])),
            # An empty pointer means a whole token: what is wrong with those, the tokens themselves say.
            findings=tuple(_finding(each) for each in document["findings"] if each["target"]["pointer"]),
            set_aside=tuple(SetAside(aside["id"], aside["reason"]) for aside in document["set_aside"]),
            judgement=None if document["judgement"] is None else _judgement(document["judgement"]),
            budgets=tuple(map(_budget, document["budgets"])),
        ),
        settings=settings,
        digest=document["digest"],
        fingerprint=document["fingerprint"],
    )


def _settings(document: Document) -> Settings:
    return Settings(
        now=document["now"],
        servers=tuple(map(Server, document["servers"])),
        complete_users=document["complete"]["users"],
        complete_accounts=document["complete"]["accounts"],
        complete_tokens=document.get("complete_tokens", False),
        max_user_ttl=document.get("max_user_ttl"),
        accounts=tuple(document["accounts"]),
        rules=tuple(document["rules"]),
        effort=document["effort"],
        budget=document["budget"],
        budgets=tuple((glob, size) for glob, size in document.get("account_budgets", ())),
        user_budget=document["user_budget"],
        widen=Widen(document["widen"]),
        frontier=document["frontier"],
        keep_prefix=document["keep_prefix"],
        protected=tuple(document["protected"]),
        weights=Weights(**document["weights"]),
        bytes_per_cost=document["bytes_per_cost"],
    )


def _hierarchy(document: Document, now: int) -> Hierarchy:
    operator: Signed[OperatorClaims] | None = None
    accounts: dict[AccountKey, Signed[AccountClaims]] = {}
    users: dict[tuple[UserKey, AccountKey], Signed[UserClaims]] = {}
    # Each token's owner comes before it in the file.
    for target in document["targets"]:
        token = parse_token(target["token_before"])
        said = tuple(Issue(issue["code"], issue["message"]) for issue in target["issues"])
        origin, store_name = target["origin"], target["store_name"]
        claims = decode(token)
        match claims:
            case OperatorClaims():
                issues = _with(said, operator_issues(token, claims, now))
                operator = Signed(claims, token, origin, issues, store_name)
            case AccountClaims():
                issues = _with(said, account_issues(token, claims, operator.claims if operator else None, now))
                accounts[claims.sub] = Signed(claims, token, origin, issues, store_name)
            case UserClaims():
                issues = _with(said, user_issues(token, claims, accounts[claims.account].claims, now))
                users[claims.sub, claims.account] = Signed(claims, token, origin, issues, store_name)
            case _:
                raise TokenError(f"`{origin}` is no operator, account or user token")
    source = document["source"]
    return Hierarchy(
        operator=operator,
        accounts=accounts,
        users=users,
        skipped=tuple(Skipped(skipped["origin"], skipped["reason"]) for skipped in source["skipped"]),
        coverage=Coverage(users=source["complete"]["users"], accounts=source["complete"]["accounts"]),
        store=source["store"],
        managed=source["managed"],
        has_users=source["has_users"],
    )


def _with(said: tuple[Issue, ...], found: tuple[Issue, ...]) -> tuple[Issue, ...]:
    """The issues in the file and those the tokens show: a file may hold back none of the latter."""
    return (*said, *(issue for issue in found if issue not in said))


def _proposal(document: Document) -> Proposal:
    edits = tuple(map(_edit, document["edits"]))
    return Proposal(
        id=document["id"],
        finding=replace(_finding(document["finding"]), edits=edits),
        edits=edits,
        judgement=_judgement(document),
        requires=tuple(document["requires"]),
        alternatives=tuple(document["alternatives"]),
        grant=None if document["grant"] is None else _grant(document["grant"]),
    )


def _grant(document: Document) -> Grant:
    return Grant(
        gained=tuple(map(_gain, document["gained"])),
        lost=tuple(map(_gain, document["lost"])),
        openness=document["openness"],
        cost=document["cost"],
    )


def _gain(document: Document) -> Gain:
    return Gain(document["subject"], document["probe"] == "publish", tuple(document["principals"]))


def _budget(document: Document) -> TokenBudget:
    user = document["user_key"]
    return TokenBudget(
        account=account_key(document["account_key"]),
        user=None if user is None else user_key(user),
        before=document["before"],
        after_safe=document["after_safe"],
        budget=document["budget"],
        smallest=document["smallest"],
        smallest_is_least=document["smallest_is_least"],
        chosen=None if document["chosen"] is None else _point(document["chosen"]),
        left=tuple((each["pointer"], each["token_bytes"]) for each in document["left"]),
        closed=tuple(document["closed"]),
        frontier=tuple(map(_point, document["frontier"])),
    )


def _point(document: Document) -> FrontierPoint:
    return FrontierPoint(
        token_bytes=document["token_bytes"],
        cost=document["cost"],
        bound=document["bound"],
        is_least=document["is_least"],
        gained=document["gained"],
        patterns=tuple((ListName(each["list"]), each["entry"]) for each in document["patterns"]),
        proposals=tuple(document["proposals"]),
    )


def _finding(document: Document) -> Finding:
    return Finding(
        rule=document["rule"],
        severity=Severity(document["severity"]),
        target=_target(document["target"]),
        list=None if document["list"] is None else ListName(document["list"]),
        message=document["message"],
        evidence=tuple(Evidence(Basis(each["basis"]), each["statement"]) for each in document["evidence"]),
        advice=document["advice"],
    )


def _target(document: Document) -> Target:
    user = document.get("user_key")
    return Target(
        kind_name=TargetKind(document["kind"]).value,
        account=account_key(document["account_key"]),
        user=None if user is None else user_key(user),
        key=document.get("key"),
    )


def _edit(document: Document) -> Edit:
    target, removed, added = _target(document["target"]), document["remove"], document["add"]
    match document["verb"]:
        case "edit-entries":
            return EditEntries(target, ListName(document["list"]), tuple(removed), tuple(added))
        case "edit-imports":
            return EditImports(target, *(tuple(_as(Import, each) for each in items) for items in (removed, added)))
        case "edit-exports":
            return EditExports(target, *(tuple(_as(Export, each) for each in items) for items in (removed, added)))
        case "edit-revocations":
            return EditRevocations(target, *(tuple(Revocation(**each) for each in items) for items in (removed, added)))
        case "edit-activation-revocations":
            return EditActivationRevocations(
                target, *(tuple(ActivationRevocation(**each) for each in items) for items in (removed, added))
            )
        case "add-account":
            (account,) = added
            if account["sub"] != target.account:
                raise ValueError(account["sub"])
            issuer = account["iss"]
            return AddAccount(
                target, account["name"], operator_key(issuer) if issuer[:1] == "O" else account_key(issuer)
            )
        case other:
            raise ValueError(other)


def _as(kind: type[Shared], members: Document) -> Shared:
    """An import or export from JSON of the claims, as `optimizer.claims.decode` makes one."""
    known = {*kind.field_names()} - {"unknown"}
    return kind(
        **{name: value for name, value in members.items() if name in known},
        unknown={name: value for name, value in members.items() if name not in known},
    )


def _judgement(document: Document) -> Judgement:
    proof = document["proof"]
    return Judgement(
        relation=Relation(document["relation"]),
        gained=tuple(map(_witness, document["gained"])),
        lost=tuple(map(_witness, document["lost"])),
        safety=Safety(document["safety"]),
        proof=Proof(
            principals=proof["principals"],
            accounts=proof.get("accounts", 0),
            complete=proof["complete"],
            why_incomplete=tuple(proof["why_incomplete"]),
            servers=tuple(map(Server, proof["servers"])),
            connections=tuple(proof["connections"]),
        ),
        tokens=tuple(map(_token_change, document["tokens"])),
        reach=document["reach"],
        disturbs=document["disturbs"],
        undo=document["undo"],
        protected=tuple(map(_witness, document["protected"])),
    )


def _token_change(document: Document) -> TokenChange:
    user = document["user_key"]
    return TokenChange(
        account=account_key(document["account_key"]),
        user=None if user is None else user_key(user),
        before=document["before"],
        after=document["after"],
    )


def _witness(document: Document) -> Witness:
    return Witness(document["principal"], _probe(document), Server(document["server"]))


def _probe(document: Document) -> Probe:
    match document["probe"]:
        case "publish":
            return Publish(document["subject"], document.get("replying_to"))
        case "subscribe":
            return Subscribe(document["subject"], document.get("queue"))
        case "deliver":
            beside = document.get("alongside")
            return Deliver(
                document["subscription"],
                document.get("queue"),
                document["subject"],
                None if beside is None else Subscribe(beside["subject"], beside.get("queue")),
            )
        case "leaf_subscribe":
            return LeafSubscribe(document["subject"])
        case "leaf_interest":
            return LeafInterest(document["subject"])
        case "connect":
            return Connect()
        case "import":
            return AcrossImport(
                importer=document["importer_key"],
                kind=document["kind"],
                subject=document["subject"],
                exporter=document["exporter_key"],
                exporter_name=document["exporter"],
                remote=document["remote"],
                copies=document["copies"],
            )
        case other:
            raise ValueError(other)
