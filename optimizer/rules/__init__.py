"""The rules, one file each. A rule notices and suggests edits; it never grades itself, and cannot reach its judge."""

from __future__ import annotations

from optimizer.rules import (
    blanket_revocation,
    covered_activation_revocation,
    covered_entry,
    covered_queue_entry,
    covered_revocation,
    denied_allow,
    duplicate_entry,
    explicit_empty_list,
    granular_list,
    idle_activation_revocation,
    idle_deny,
    ignored_entry,
    larger_list,
    literal_star,
    malformed_entry,
    outlived_revocation,
    queue_beside_plain,
    shell_eaten_subject,
    spelled_out_role,
    split_wildcard,
    unknown_api,
    unknown_operation,
    unknown_revoked_user,
    wrong_side,
)
from optimizer.rules.rule import Block, Rule
from optimizer.rules.view import AccountView, Surroundings

__all__ = ["RULES", "AccountView", "Block", "Rule", "Surroundings"]

RULES: tuple[Rule, ...] = (
    duplicate_entry.RULE,
    covered_entry.RULE,
    split_wildcard.RULE,
    covered_queue_entry.RULE,
    denied_allow.RULE,
    idle_deny.RULE,
    ignored_entry.RULE,
    larger_list.RULE,
    malformed_entry.RULE,
    unknown_operation.RULE,
    shell_eaten_subject.RULE,
    wrong_side.RULE,
    literal_star.RULE,
    unknown_api.RULE,
    spelled_out_role.RULE,
    queue_beside_plain.RULE,
    explicit_empty_list.RULE,
    granular_list.RULE,
    covered_revocation.RULE,
    idle_activation_revocation.RULE,
    covered_activation_revocation.RULE,
    outlived_revocation.RULE,
    blanket_revocation.RULE,
    unknown_revoked_user.RULE,
)
"""In the order they look at a block, and then at an account: cheap and certain first."""
