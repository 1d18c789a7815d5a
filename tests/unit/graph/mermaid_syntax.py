"""A strict reader of Mermaid flowcharts, for tests: of the language what permopt writes, and nothing looser."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

# Inside a string: no quote, no `<` but the line break's, no `#` but an entity's, and no sign that begins anything.
_TEXT = r'"((?:[^"<>#&;%`$\[\]{}|\\:*~!\n\r]|#\d{1,7};|<br/>)+)"'
_ID = r"([al]\d+[eu]?)"
_BOX = rf"\[{_TEXT}\](?::::(\w+))"
_NODE = re.compile(rf"  (?:  )?{_ID}{_BOX}")
_LINK = re.compile(rf"  {_ID} (-->|-\.->)\|{_TEXT}\| {_ID}")
_LOOSE = re.compile(rf"  {_ID} -\.- {_ID}{_BOX}")
_SAMPLE = re.compile(rf'    {_ID}\[" "\]:::unused (-->|-\.->) {_ID}{_BOX}')
_CLASS = re.compile(r"  classDef (\w+) [a-z-]+:[#a-z0-9]+(?:,[a-z-]+:[#a-z0-9]+)*")
_LOOK = re.compile(r"  linkStyle (\d+) stroke:(#[0-9a-f]{6}),stroke-width:\dpx")
_SUBGRAPH = re.compile(r'  subgraph legend\["legend"\]')


@dataclass
class Chart:
    nodes: dict[str, str] = field(default_factory=dict)
    links: list[tuple[str, str, str, str]] = field(default_factory=list)
    """From, arrow, label, to."""
    looks: list[str] = field(default_factory=list)


def parse(text: str) -> Chart:
    """The boxes and links of a flowchart, their texts as Mermaid shows them; AssertionError where it is none."""
    assert text.endswith("\n")
    first, *lines = text[:-1].split("\n")
    assert first == "flowchart LR"
    chart, classes, used, drawn, depth = Chart(), set(), set(), 0, 0
    for line in lines:
        if match := _NODE.fullmatch(line):
            assert match[1] not in chart.nodes, line
            chart.nodes[match[1]] = shown(match[2])
            used.add(match[3])
        elif match := _LINK.fullmatch(line):
            assert {match[1], match[4]} <= set(chart.nodes), line
            chart.links.append((match[1], match[2], shown(match[3]), match[4]))
            drawn += 1
        elif match := _LOOSE.fullmatch(line):
            used.add(match[4])
            drawn += 1
        elif match := _SAMPLE.fullmatch(line):
            assert depth == 1, line
            used.add(match[5])
            drawn += 1
        elif match := _CLASS.fullmatch(line):
            classes.add(match[1])
        elif match := _LOOK.fullmatch(line):
            assert int(match[1]) == len(chart.looks), line
            chart.looks.append(match[2])
        elif _SUBGRAPH.fullmatch(line):
            depth += 1
        else:
            assert line == "  end", f"no flowchart: {line[:80]!r}"
            depth -= 1
    assert depth == 0
    assert used <= classes
    assert len(chart.looks) == drawn, "every link has its look, and no look is of a link that is not there"
    return chart


def shown(quoted: str) -> str:
    return re.sub(r"#(\d+);", lambda match: chr(int(match[1])), quoted.replace("<br/>", "\n"))
