"""The sections of a token as a person calls them, and a bar that shows them side by side."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from optimizer.claims.sections import ACTIVATIONS

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from optimizer.claims.weigh import Weight
    from optimizer.reports.style import Style


class Part(NamedTuple):
    """A section that can grow: what it is called, and its letter and colour in a bar."""

    letter: str
    name: str
    look: str


PARTS: Mapping[str, Part] = {
    "/nats/imports": Part("i", "imports", "cyan"),
    ACTIVATIONS: Part("a", "activation tokens", "blue"),
    "/nats/exports": Part("e", "exports", "green"),
    "/nats/signing_keys": Part("k", "signing keys", "yellow"),
    "/nats/revocations": Part("r", "revocations", "red"),
    "/nats/default_permissions": Part("d", "default permissions", "magenta"),
    "/nats/mappings": Part("m", "mappings", "bold"),
    "/nats/pub": Part("p", "publish lists", "cyan"),
    "/nats/sub": Part("s", "subscribe lists", "green"),
}
REST = Part(".", "the rest", "dim")
"""Header, signature, names, limits: what every token has."""


def split(sections: Iterable[Weight]) -> dict[Part, int]:
    """Token bytes by part, in the order of `PARTS`, the rest last; parts that are not there left out."""
    sizes = dict.fromkeys([*PARTS.values(), REST], 0)
    for section in sections:
        sizes[PARTS.get(section.pointer, REST)] += section.token_bytes
    return {part: size for part, size in sizes.items() if size}


def split_bar(parts: Mapping[Part, int], largest: int, width: int, style: Style) -> str:
    """A token as a bar, a letter or colour a part; the largest of all tokens fills ``width`` columns."""
    whole = sum(parts.values())
    cells = max(round(width * whole / max(largest, 1)), 1)
    shares = {part: cells * size / whole for part, size in parts.items()}
    drawn = {part: int(share) for part, share in shares.items()}
    by_rest = sorted(parts, key=lambda part: drawn[part] - shares[part])
    for part in by_rest[: cells - sum(drawn.values())]:  # the columns that rounding down left go to who lost most
        drawn[part] += 1
    return "".join(style.paint(_glyph(part, style) * number, part.look) for part, number in drawn.items())


def legend(part: Part, style: Style) -> str:
    """What a letter, or colour, of a bar stands for."""
    return f"{style.paint(_glyph(part, style), part.look)} {part.name}"


def _glyph(part: Part, style: Style) -> str:
    return "█" if style.colour and style.blocks else part.letter


def shares(parts: Mapping[Part, int]) -> str:
    """``revocations 67%, signing keys 11%``, the largest first and the rest last."""
    whole = sum(parts.values())
    ranked = sorted((part for part in parts if part is not REST), key=lambda part: -parts[part])
    named = [part for part in ranked if parts[part] * 200 >= whole]  # half a percent and more
    return ", ".join(f"{part.name} {parts[part] * 100 / whole:.0f}%" for part in named)
