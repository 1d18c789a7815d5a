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


@dataclass(frozen=True, slots=True)
class AcrossImport:
    """What an account says or hears across its imports.

    Of a service: a client of the importer publishes a request on ``subject``, and it arrives at the exporter, perhaps
    through other accounts. Of a stream: a client of the exporter publishes on ``remote``, and it arrives at the
    importer. Either as often as ``copies`` says, or oftener.

    Parameters
    ----------
    importer, exporter
        Account keys; ``exporter_name`` is for a person to read.
    kind
        ``service`` or ``stream``.
    subject, remote
        Literal: what the message is called in the importer, and in the exporter.
    """

    importer: str
    kind: str
    subject: str
    exporter: str
    exporter_name: str
    remote: str
    copies: int = 1


Probe = Publish | Subscribe | Deliver | LeafSubscribe | LeafInterest | Connect | AcrossImport


@dataclass(frozen=True, slots=True)
class Comparison:
    """The relation, and the shortest probes that only ``after`` (gained) or only ``before`` (lost) admits."""

    relation: Relation
    gained: tuple[Probe, ...] = ()
    lost: tuple[Probe, ...] = ()
