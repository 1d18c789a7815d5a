"""Bare ``permopt``: what it is, the store it found here, and three commands to try next."""

from __future__ import annotations

import time

from optimizer.cli import help_page, output
from optimizer.errors import OptimizerError
from optimizer.hierarchy import Hierarchy
from optimizer.reports import words
from optimizer.sources import read

_HERE = "the store nsc would use here"


def command() -> int:
    """Head the help with the store that nsc would use."""
    try:
        hierarchy = read(None, now=int(time.time()), verify=False)
    except OptimizerError as error:
        head = [words.shown(error.message, 400)]
        steps = [
            output.typed("permopt", "audit", "SOURCE"),
            output.typed("permopt", "propose", "SOURCE"),
            output.typed("permopt", "graph", "SOURCE"),
        ]
    else:
        head = _found(hierarchy)
        steps = [
            output.typed("permopt", "audit"),
            output.typed("permopt", "propose", "-o", "plan.json"),
            output.typed("permopt", "graph"),
        ]
    output.emit("\n".join([*head, "", "try", *(f"  {step}" for step in steps), "", help_page()]))
    return 0


def _found(hierarchy: Hierarchy) -> list[str]:
    operator = hierarchy.operator
    name = "unknown" if operator is None else words.name_of(operator.claims.name, operator.claims.sub)
    names = words.Names(hierarchy)
    accounts, users = len(hierarchy.accounts), len(hierarchy.users)
    lines = [
        f"{_HERE}: {words.shown(hierarchy.store)}",
        f"operator {name}, {words.quantity(accounts, 'account')}, {words.quantity(users, 'user')}",
    ]
    sizes = [(account.token.size, names.token(key, None)) for key, account in hierarchy.accounts.items()]
    sizes += [(user.token.size, names.token(owner, key)) for (key, owner), user in hierarchy.users.items()]
    if sizes:
        largest, where = max(sizes)
        lines.append(f"largest token: {where}, {words.size(largest)}")
    if hierarchy.skipped:
        lines.append(f"skipped {words.quantity(len(hierarchy.skipped), 'token')}")
    return lines
