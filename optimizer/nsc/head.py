"""The beginning of each script: what it is about, for people who read it before they run it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from optimizer.nsc.pushes import push_order
from optimizer.nsc.words import comment
from optimizer.text import printable

if TYPE_CHECKING:
    from collections.abc import Iterator

    from optimizer.hierarchy import Hierarchy
    from optimizer.nsc.step import TokenSteps
    from optimizer.proposals import Judgement, Proposal

QUIET = (
    "Nothing is pushed unless --push is given. nsc's own context (nsc.json) stays as it is. The script may be"
    " stopped at any time and run again."
)
UNMAKE = (
    "An account that apply.sh made is removed, unless it has got users since; its key stays in the keystore. With"
    " --push it is taken off the servers as well, last, where they allow that (allow_delete of their resolver). Where"
    " they do not, it stays there, and the script says so and exits with 1; all else is done by then. Whoever else"
    " imports from it loses that."
)
_OPTIONS = """\
options:
  --data-dir DIR      the stores directory, the one that holds the operator's
  --keystore-dir DIR  the directory with keys and creds
  -H DIR              both are DIR, as in nsc -H
  --operator NAME     the operator's directory, where it is not the one that was read"""
_PUSH = """
  --push              push the accounts afterwards: nothing is pushed otherwise"""
_PUSH_BACK = """
  --push              sign the old account claims again and push them, see above"""
_CHANGED = """\
exit status:
  0  done, or done already
  1  nsc failed, for instance because a key is missing
  2  wrong usage
  4  the store is not the one that the plan was made from; nothing more is changed
  5  """
_USAGE = {
    "apply.sh": (
        "Carry out the plan with nsc.",
        _OPTIONS + _PUSH,
        _CHANGED + "an edit did not yield what was predicted; that token was put back",
    ),
    "rollback.sh": (
        "Put back the tokens from before apply.sh.",
        _OPTIONS + _PUSH_BACK,
        _CHANGED + "a token put back is not the one from before",
    ),
    "verify.sh": (
        "Check that the store is what the plan promised; change nothing.",
        _OPTIONS,
        _CHANGED + "some token is not as promised",
    ),
}


@dataclass(frozen=True, slots=True)
class Head:
    """What the three scripts of one plan tell about it."""

    hierarchy: Hierarchy
    proposals: tuple[Proposal, ...]
    judgement: Judgement
    tokens: tuple[TokenSteps, ...]

    def lines(self, name: str, what: str, *more: str) -> Iterator[str]:
        """The beginning of a script up to its usage: the plan, what it brings, the order of pushes, and more."""
        before = sum(token.before.bytes for token in self.tokens)
        after = sum(token.after.bytes for token in self.tokens)
        yield "#!/bin/sh"
        yield comment(f"{name}: {what}.")
        yield "#"
        for proposal in self.proposals:
            yield comment(f"  {proposal.id} ({proposal.judgement.safety.value}): {message(proposal)}")
        yield "#"
        for token in self.tokens:
            had = "new" if token.is_made else f"{token.before.bytes}"
            yield comment(f"  {label(token)}: {had} -> {token.after.bytes} bytes")
        saved = f"{before - after} saved" if after <= before else f"{after - before} more"
        yield comment(f"In all {before} -> {after} bytes, {saved}.")
        yield comment(f"Safety: {self.judgement.safety.value}. {terms(self.judgement)}")
        pushes = list(push_order(self.hierarchy, self.proposals, self.tokens))
        if pushes:
            yield "#"
            yield comment("Pushed in this order (--push keeps to it); rollback.sh --push goes the other way:")
            for place, (account, lost) in enumerate(pushes, 1):
                yield comment(f"  {place}. account {account}: {lost}")
        yield "#"
        for text in more:
            yield comment(text)
        yield "\nset -eu\n"
        about, options, status = _USAGE[name]
        yield f"usage() {{\n  cat <<'END'\nusage: sh {name} [options]\n\n{about}\n\n{options}\n"
        yield "Without directories, nsc is asked where the store is. NSC names another nsc than the one on PATH."
        yield f"\n{status}\nEND\n}}"


def message(proposal: Proposal) -> str:
    """Why, as far as it fits."""
    return proposal.finding.message[:300]


def terms(judgement: Judgement) -> str:
    """When it takes effect, whom it disturbs, and whether it can be undone."""
    return f"Takes effect {judgement.reach}; disturbs {judgement.disturbs}; undo: {judgement.undo}."


def label(token: TokenSteps) -> str:
    """What a token is called in comments and messages."""
    account = printable(token.account.claims.name)
    return f"account {account}" if token.user is None else f"user {account}/{printable(token.user.claims.name)}"
