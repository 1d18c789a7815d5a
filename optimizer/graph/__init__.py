"""Who exports what to whom: every import of a hierarchy, resolved against the exports as a server resolves it.

`build` makes a `networkx.MultiDiGraph`; `graph_document` makes plain JSON of it, from which the reports are written.
What the graph says holds for a server of the current generation that loads the tokens of the source, and none other,
at the time given. Trust in an account is checked against the source's operator; without one it is taken for granted.
"""

from optimizer.graph.build import Node, build
from optimizer.graph.document import graph_document
from optimizer.graph.resolve import State

__all__ = ["Node", "State", "build", "graph_document"]
