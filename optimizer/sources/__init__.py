"""The only readers: nsc stores, files of tokens, resolver directories, server configs, archives, standard input."""

from optimizer.sources.read import KINDS, read

__all__ = ["KINDS", "read"]
