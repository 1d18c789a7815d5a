"""The text of the scripts: heads and comments for people, states and steps for sh."""

from __future__ import annotations

import hashlib
import textwrap
from dataclasses import dataclass
from itertools import count
from typing import TYPE_CHECKING

from optimizer.claims.encode import nats_object, payload_bytes, reencoded, token_size
from optimizer.claims.model import AccountClaims
from optimizer.nsc.fingerprint import fingerprint
from optimizer.nsc.head import QUIET, UNMAKE, Head, label, message, terms
from optimizer.nsc.shell import APPLY, COMMON, ROLLBACK, VERIFY
from optimizer.nsc.words import WIDTH, command, comment, flag, word

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from optimizer.hierarchy import Hierarchy
    from optimizer.nsc.step import State, TokenSteps
    from optimizer.proposals import Judgement, Proposal


@dataclass(frozen=True, slots=True)
class Writer:
    """The three texts for one set of proposals, and the names they use."""

    hierarchy: Hierarchy
    proposals: tuple[Proposal, ...]
    judgement: Judgement
    tokens: tuple[TokenSteps, ...]

    @property
    def _head(self) -> Head:
        return Head(self.hierarchy, self.proposals, self.judgement, self.tokens)

    def apply(self) -> str:
        """The script that carries the proposals out."""
        users = [token for token in self.tokens if token.user is not None]
        creds = "nsc renews a user's creds file at every step: hand none out before the script is done."
        return _text(
            *self._head.lines("apply.sh", "carries out these proposals with nsc", QUIET, *([creds] if users else [])),
            COMMON + APPLY,
            *self._targets(),
            _title("the steps"),
            *self._steps(),
            "main() {",
            '  options "$@"',
            "  open_store",
            "  left=0",
            f"  for one in {self._each('t')}; do",
            '    "$one"',
            "    look",
            '    [ "$state" = "$after" ] || { left=$((left + 1)); need_key; }',
            "  done",
            f'  for one in {self._each("do")}; do "$one"; done',
            '  if [ "$left" -eq 0 ]; then',
            "    echo 'Already done: nothing was changed.'",
            "  else",
            "    echo 'Done. verify.sh checks it, rollback.sh takes it back.'",
            *_listed("These have effect once their new creds files are handed out:", users, "    "),
            "  fi",
            *self._pushing("These have effect once they are pushed (--push, or nsc push):"),
            "}",
        )

    def rollback(self) -> str:
        """The script that puts the tokens back."""
        back = "It restores each token byte for byte, from the copy that apply.sh kept, else from the"
        back += " text below. The creds files that nsc keeps are renewed where the users' keys are there."
        push = "Where the new account tokens have been pushed, use --push: a server that misses the push of an old"
        push += " token gives its newer one back to all the others. So the old claims are signed again, with a new"
        push += " iat, and then pushed."
        made = [UNMAKE] if any(token.is_made for token in self.tokens) else []
        return _text(
            *self._head.lines(
                "rollback.sh", "puts back the tokens from before these proposals", back, push, *made, QUIET
            ),
            COMMON + ROLLBACK,
            *self._targets(back=True),
            _title("the tokens as they were read: public, as every token is"),
            *(
                f"b{index}() {{ # {label(token)}\n  tr -d '\\n' {_heredoc(token.signed.token.text)}\n}}\n"
                for index, token in enumerate(self.tokens, 1)
                if not token.is_made
            ),
            "main() {",
            '  options "$@"',
            "  open_store",
            f"  for one in {self._each('t')}; do",
            '    "$one"',
            "    look",
            "    removable",
            "  done",
            f"  for number in {self._each('', back=True)}; do",
            '    "t$number"',
            "    look",
            '    restore "b$number"',
            "  done",
            "  echo 'The tokens are as before.'",
            *self._pushing_back("If these have been pushed, push them again: rollback.sh --push"),
            "}",
        )

    def verify(self) -> str:
        """The script that checks the store."""
        return _text(
            *self._head.lines(
                "verify.sh", "checks that the store is what these proposals promised", "It changes nothing."
            ),
            COMMON + VERIFY,
            *self._targets(),
            "main() {",
            '  options "$@"',
            "  open_store",
            f"  for one in {self._each('t')}; do",
            '    "$one"',
            "    check",
            "  done",
            f'  [ "$wrong" -eq 0 ] || fail 5 "$wrong of {len(self.tokens)} tokens not as promised"',
            "}",
        )

    def _targets(self, *, back: bool = False) -> Iterator[str]:
        operator = self.hierarchy.operator
        yield _title("the store, and its tokens that are edited: each with the states it may be in")
        yield f"operator={word(self.operator_name())}"
        yield f"operator_key={'' if operator is None else word(operator.claims.sub)}"
        yield f"kept=$here/before-{self._plan()}\n"
        for index, token in enumerate(self.tokens, 1):
            account, claims = token.account.claims, token.signed.claims
            kind, user = ("account", "") if token.user is None else ("user", token.user.claims.name)
            states = [_state(state) for state in token.states]
            names = " ".join(f"$s{number}" for number in range(len(states)))
            yield f"t{index}() {{"
            yield f"  kind={kind} account={word(account.name)} user={word(user)}"
            yield f"  label={word(label(token))}"
            yield f"  subject={word(claims.sub)}"
            yield f"  issuer={word(claims.iss)}"
            yield f"  id={word(_id(token))}"
            yield "  target"
            yield from (f"  s{number}={state}" for number, state in enumerate(states))
            yield f"  before=$s0 after=$s{len(states) - 1}"
            if back and isinstance(claims, AccountClaims) and not token.is_made:
                names += " $signed_again"
                yield f"  signed_again={_signed_again(claims)}"
                yield f"  no_mapping={_no_mapping(claims)}"
            elif back:
                yield "  signed_again="
            yield f'  known="{names}"\n}}\n'

    def _steps(self) -> Iterator[str]:
        by_id = {proposal.id: proposal for proposal in self.proposals}
        total, number = sum(len(token.steps) for token in self.tokens), 0
        for index, token in enumerate(self.tokens, 1):
            yield f"do{index}() {{ # {label(token)}\n  t{index}\n  look\n  keep"
            last: tuple[str, ...] = ()
            for place, step in enumerate(token.steps):
                number += 1
                yield f"\n  # Step {number} of {total}: {', '.join(step.proposals)}"
                if step.proposals != last:
                    for proposal in (by_id[id_] for id_ in step.proposals):
                        yield comment(f"  Why: {message(proposal)}", "  ")
                        safety = proposal.judgement.safety.value
                        yield comment(f"  Safety: {safety}. {terms(proposal.judgement)}", "  ")
                elif step.argv[0] == "edit" and not any(text.startswith("--rm=") for text in step.argv):
                    yield "  #   This puts back what other lists keep: --rm took it out of all four."
                last = step.proposals
                if step.each:
                    yield f"  #   {len(step.each)} calls of nsc on a copy: the token is exchanged once, after the last."
                if step.activation:
                    yield f"  tr -d '\\n' >\"$work/activation\" {_heredoc(step.activation)}"
                words = tuple(map(flag, step.argv))
                if step.each:
                    yield f'  each "$s{place}" "$s{place + 1}" {words[-1]} \\'
                    yield f"{command(words[:-1])} {_lines(step.each)}"
                else:
                    yield f'  step "$s{place}" "$s{place + 1}" \\'
                    yield command(words)
            yield "\n  finish\n}\n"

    def _pushing(self, otherwise: str) -> Iterator[str]:
        tokens = [token for token in self.tokens if token.user is None]
        if tokens:
            yield '  if [ -n "$push" ]; then'
            yield f"    push_all {_names(tokens)}"
            yield "    echo 'Pushed.'"
            yield "  else"
            yield from _listed(otherwise, tokens, "    ")
            yield "  fi"

    def _pushing_back(self, otherwise: str) -> Iterator[str]:
        """What was pushed last goes back first, and what was made goes when nobody imports from it any more."""
        numbered = [(index, token) for index, token in enumerate(self.tokens, 1) if token.user is None][::-1]
        kept = [(index, token) for index, token in numbered if not token.is_made]
        if numbered:
            yield '  if [ -n "$push" ]; then'
            if kept:
                yield f"    for one in {' '.join(f't{index}' for index, _ in kept)}; do"
                yield '      "$one"\n      look\n      sign_again\n    done'
                yield f"    push_all {_names(token for _, token in kept)}"
            for index, token in numbered:
                if token.is_made:
                    yield f"    t{index}\n    unserve"
            yield "    echo 'Pushed.'"
            yield "  else"
            yield from _listed(otherwise, [token for _, token in numbered], "    ")
            yield "  fi"

    def _each(self, letter: str, *, back: bool = False) -> str:
        numbers = range(1, len(self.tokens) + 1)
        return " ".join(f"{letter}{index}" for index in (reversed(numbers) if back else numbers))

    def _plan(self) -> str:
        """A name for the copies of the tokens before: another plan in the same directory has others."""
        states = [(_id(token), _state(token.before), _state(token.after)) for token in self.tokens]
        return hashlib.sha256(repr(states).encode()).hexdigest()[:12]

    def operator_name(self) -> str:
        """The operator's directory, or nothing where no operator was read."""
        operator = self.hierarchy.operator
        return "" if operator is None else operator.store_name or operator.claims.name


def _text(*parts: str) -> str:
    return "\n".join([*parts, "", 'main "$@"; exit', ""])


def _listed(text: str, tokens: Sequence[TokenSteps], indent: str) -> Iterator[str]:
    if tokens:
        yield f"{indent}echo '{text}'"
        yield f"{indent}printf '  %s\\n' \\"
        yield " \\\n".join(f"{indent}  {word(label(token))}" for token in tokens)


def _title(text: str) -> str:
    return f"# ---- {text} ".ljust(WIDTH, "-") + "\n"


def _state(state: State) -> str:
    """How a script knows a state; of a token that is not there ``absent:0``."""
    return f"{state.fingerprint}:{state.bytes}"


def _id(token: TokenSteps) -> str:
    """A file name for the token: keys are base32. One key may be a user of several accounts."""
    account = token.account.claims.sub
    return account if token.user is None else f"{account}-{token.user.claims.sub}"


def _heredoc(token: str) -> str:
    """The token as lines, of which none is the ``=END=`` behind it: base64url without padding has no such sign."""
    return _lines(textwrap.wrap(token, WIDTH))


def _lines(lines: Iterable[str]) -> str:
    return "\n".join(["<<'=END='", *lines, "=END="])


def _names(tokens: Iterable[TokenSteps]) -> str:
    return " ".join(word(token.account.claims.name) for token in tokens)


def _signed_again(before: AccountClaims) -> str:
    """The state that nsc leaves when it signs the old claims anew."""
    claims = reencoded(before)
    return f"{fingerprint(nats_object(claims))}:{token_size(len(payload_bytes(claims)))}"


def _no_mapping(claims: AccountClaims) -> str:
    """A subject that the account does not map: `nsc delete mapping` of it signs again and changes nothing."""
    return next(name for n in count() if (name := f"permopt.no.mapping.{n}") not in claims.mappings)
