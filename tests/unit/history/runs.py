"""Runs made up for the tests."""

from __future__ import annotations

from optimizer.history.records import Row, Run

DAY = 86_400
START = 1_790_000_000
OPERATOR = "O" * 56


def key(letter: str) -> str:
    return "A" + letter * 55


def row(letter: str, size: int, name: str = "", **counts) -> Row:
    return Row(key(letter), name or f"ACCOUNT_{letter}", size, size * 3 // 4 - 60, **counts)


def run(day: float, *rows: Row, operator: str = OPERATOR, fingerprint: str = "") -> Run:
    return Run(
        time=START + int(day * DAY),
        operator=operator,
        operator_name=f"OP_{operator[:3]}",
        fingerprint=fingerprint or f"{day}",
        rows=rows,
    )
