"""Graph documents made by hand, with names as bad as names can be."""

from __future__ import annotations

from typing import Any

HOSTILE = (
    'a" [label="forged"]; evil [label="x',
    'a\\" ]; evil',
    "ends with a backslash \\",
    "two \\\\",
    r"\N \G \l \r \L \T \H",
    "<b>bold</b><script>alert(1)</script>",
    "&lt;b&gt; &#x41; &amp; &nbsp;",
    "]; } digraph evil {",
    "]]> --> ]]",
    'x"]:::known --> evil["y',
    "a -->|b| c",
    "#quot; #35; #9829;",
    "%%{init: {}}%% %% comment",
    "$$x^2$$",
    "`**markdown**` _emphasis_ - list",
    "1. list",
    "    code",
    "end",
    "style a fill:#f00;",
    "click a href javascript:alert(1)",
    "/* comment",
    "# line\n# line",
    "a\r\nb\tc",
    "a -> b; //",
    "\x1b[31mred\x00",
    "\x85\u2028\ufffe\uffff",
    "\u202egnp.exe",
    "zero\u200bwidth",
    "caf\u00e9 \u2603",
    "\ufb02\u00b0\u00b035\u00b6\u00df",
    "\ud800",
    "x" * 10_000,
    '"' * 10_000,
    "${HOME} `id` $(id)",
    "",
)


def document(*names: str, **more: Any) -> dict[str, Any]:
    """Accounts of these names in a ring of imports, each name a subject and a reason too."""
    keys = [f"A{index}" for index in range(len(names))]
    return {
        "type": "permopt.graph.v1",
        "nodes": [node(key, name, refusal=name) for key, name in zip(keys, names, strict=True)],
        "edges": [
            edge(keys[index], keys[index - 1], name, **{"local_subject": name + "2", "reason": name, **more})
            for index, name in enumerate(names)
        ],
        "unused_exports": [
            {"account": key, "type": "stream", "subject": name, "private": False}
            for key, name in zip(keys, names, strict=True)
        ],
        "suggestions": [],
        "sought": [],
    }


def node(key: str, name: str, **more: Any) -> dict[str, Any]:
    return {"key": key, "name": name, "kind": "known", "token_bytes": 100, "refusal": "", **more}


def edge(exporter: str, importer: str, subject: str = "s.a", **more: Any) -> dict[str, Any]:
    return {
        "exporter": exporter,
        "importer": importer,
        "type": "stream",
        "export_subject": subject,
        "import_subject": subject,
        "local_subject": subject,
        "state": "dropped",
        "reason": "",
        "private": True,
        "activation": False,
        "share": False,
        "response_type": None,
        "token_bytes": 50,
        **more,
    }


def plain(*edges: dict[str, Any], **more: Any) -> dict[str, Any]:
    """A document of these edges and the accounts at their ends, named by their keys."""
    keys = sorted({key for each in edges for key in (each["exporter"], each["importer"])} | set(more.pop("alone", ())))
    empty = {"type": "permopt.graph.v1", "unused_exports": [], "suggestions": [], "sought": []}
    return {**empty, "nodes": [node(key, key) for key in keys], "edges": list(edges), **more}
