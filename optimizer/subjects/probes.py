"""All that somebody can try against a permission block, and the answer of a comparison."""

from __future__ import annotations

import enum
from dataclasses import dataclass


class Relation(enum.Enum):
    """How what is allowed afterwards stands to what was allowed before."""

    SAME = "same"
    NARROWER = "narrower"
    WIDER = "wider"
    CROSSED = "crossed"
    UNDECIDED = "undecided"


@dataclass(frozen=True, slots=True)
class Publish:
    """A client publishes on ``subject``; with ``replying_to`` set, as the reply to a request received there."""

    subject: str
    replying_to: str | None = None


@dataclass(frozen=True, slots=True)
class Subscribe:
    """A client subscribes to ``subject``, in a queue group or not."""

    subject: str
    queue: str | None = None


@dataclass(frozen=True, slots=True)
class Deliver:
    """A message on ``subject`` arrives at a client subscribed to ``subscription``.

    ``alongside`` is a second subscription on the same connection: before 2.12.14 one subscription can switch on the
    deny filter for all the others.
    """

    subscription: str
    queue: str | None
    subject: str
    alongside: Subscribe | None = None


@dataclass(frozen=True, slots=True)
class LeafSubscribe:
    """A leafnode that connects with this token asks for ``subject``."""

    subject: str


@dataclass(frozen=True, slots=True)
class LeafInterest:
    """A leafnode that connects with this token hears that somebody subscribed to ``subject``, and so sends it on."""

    subject: str


@dataclass(frozen=True, slots=True)
class Connect:
    """A client connects at all."""


Probe = Publish | Subscribe | Deliver | LeafSubscribe | LeafInterest | Connect


@dataclass(frozen=True, slots=True)
class Comparison:
    """The relation, and the shortest probes that only ``after`` (gained) or only ``before`` (lost) admits."""

    relation: Relation
    gained: tuple[Probe, ...] = ()
    lost: tuple[Probe, ...] = ()
