"""From a part of a token as it is to the part that is wanted, in nsc commands: a module for each kind of part.

A kind says two things: which commands lead from one hierarchy to another, and what each of them does to the claims and
how it is called. All else - states, fingerprints, detours, scripts - is the same for every kind.
"""

from optimizer.nsc.commands.command import Command
from optimizer.nsc.commands.dispatch import commands

__all__ = ["Command", "commands"]
