"""Refusals of account tokens; `tests/oracle/test_account_refusals.py` asks the real servers."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, event, given, settings
from hypothesis import strategies as st

from optimizer.claims import validate
from optimizer.claims.decode import decode
from optimizer.claims.token import Token
from optimizer.claims.validate import account_refusal
from tests import payloads, signing

subjects = st.sampled_from(["a", "a.>", "a.b", "b.*", "*", "", "a b", ".a", "a.", "a..b", "..", " "])
kinds = st.sampled_from(["stream", "service"])
imports = payloads.some(
    subject=subjects,
    account=payloads.accounts,
    type=kinds,
    to=subjects,
    local_subject=subjects,
    share=st.booleans(),
    allow_trace=st.booleans(),
)
exports = payloads.some(
    subject=subjects,
    type=kinds,
    response_type=st.sampled_from(["Singleton", "odd"]),
    response_threshold=st.integers(-1, 1),
    service_latency=st.fixed_dictionaries({"sampling": st.integers(0, 101), "results": subjects}),
    account_token_position=st.integers(0, 3),
    allow_trace=st.booleans(),
    info_url=st.sampled_from(["", "x", "http://x"]),
)
plain = st.builds(lambda subject, kind: {"subject": subject, "type": kind}, subjects, kinds)
keys = st.sampled_from([*payloads.keys["A"], payloads.keys["U"][0], "x"])


@settings(deadline=None, max_examples=300, suppress_health_check=[HealthCheck.too_slow])
@given(
    st.lists(imports | plain.map(lambda item: item | {"account": signing.account().public}), max_size=3),
    st.lists(exports | plain, max_size=3),
    st.lists(keys, max_size=3),
)
def test_what_is_looked_at_in_one_glance_is_refused_as_one_after_the_other_would_be(imports, exports, signing_keys):
    """A glance only leaves out what would find nothing, so that it never changes which refusal comes first."""
    body = {"imports": imports, "exports": exports, "signing_keys": signing_keys}
    document = signing.account_claims(signing.account(), "A", **body) | {"iss": signing.operator().public}
    claims = decode(Token("", {}, signing.go_json(document), b""))
    glance = account_refusal(claims)
    event("let in" if glance is None else "refused")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(validate, "_are_sound", lambda _: False)
        patch.setattr(validate, "are_account_keys", lambda _: False)
        assert account_refusal(claims) == glance
