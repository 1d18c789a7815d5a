"""The commands, one file each; their names are known here without importing them, so that help stays fast."""

from __future__ import annotations

COMMANDS = {
    "audit": "weigh every token to the byte, rank accounts and users, and say what stands out",
    "propose": "propose rewrites of permission lists, each proved and weighed to the byte",
    "script": "write apply.sh, rollback.sh and verify.sh for the safe and the accepted proposals",
    "verify": "prove that the store now is what the plan promised",
    "review": "accept or reject proposals of a plan; decisions are kept beside it",
    "graph": "the imports between accounts, resolved against the exports",
    "history": "growth per account over the runs kept in a file",
    "rules": "the rules, or one rule's page",
}

HELP = """\
usage: permopt COMMAND [OPTIONS] [ARGUMENTS]

Finds permission entries in NATS tokens (operator mode) that nobody would miss, proves it against what
nats-server does, and writes the nsc scripts that remove them. It never edits a store itself.

commands:
{commands}

`permopt COMMAND --help` explains one command. `permopt` alone looks at the store that nsc would use.
Exit status: 0 clean, 1 findings at --fail-on, 2 wrong usage, 3 unreadable or unwritable, 4 drift, 5 mismatch.
"""


def help_page() -> str:
    """What ``permopt --help`` prints."""
    width = max(map(len, COMMANDS))
    return HELP.format(commands="\n".join(f"  {name:{width}}  {line}" for name, line in COMMANDS.items()))
