"""The lines of `benchmarks/serving.py` as numbers: one cell is the median of its rounds."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Any, NamedTuple

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

Line = Mapping[str, Any]
# A page that the store answered too late for has other content, and says so: that is no fault.
WRONG, FALLBACK = "wrong number of rows", "a page with fallback content (the store was late)"
NUMBERS = ("p50", "p95", "p99", "rate")


class Cell(NamedTuple):
    """What was asked of whom; `store` is "none" where features came with the request."""

    system: str
    store: str
    what: str
    size: int
    connections: int


@dataclass(frozen=True, kw_only=True)
class Numbers:
    """One cell: milliseconds, requests a second, CPU milliseconds a request.

    Attributes:
        store_cpu: of the store's own process; 0.0 where it has none.
        spread: largest rate of a round over the smallest.
    """

    p50: float
    p95: float
    p99: float
    rate: float
    cpu: float
    store_cpu: float
    spread: float


@dataclass(frozen=True, kw_only=True)
class Results:
    """Everything that was measured."""

    lines: Sequence[Line]

    def of(self, kind: str) -> list[Line]:
        return [line for line in self.lines if line["kind"] == kind]

    def cells(self) -> dict[Cell, Numbers]:
        """Cells in the order in which they were measured."""
        found: dict[Cell, list[Line]] = {}
        for line in self.of("cell"):
            found.setdefault(Cell(*(line[name] for name in Cell._fields)), []).append(line)
        return {cell: numbers(rounds) for cell, rounds in found.items()}

    def connections(self) -> list[int]:
        return sorted({line["connections"] for line in self.of("cell")})

    def faults(self) -> dict[str, int]:
        """What went wrong in cells, where nothing may: also a request that was sent away."""
        found: dict[str, int] = {}
        for line in self.of("cell"):
            where = f"{line['size']} {line['what']} at {line['connections']} connections"
            sent_away = {f"{k} to {where}": n for k, n in line["statuses"].items() if k != "200"}
            for what, times in {**line["faults"], **sent_away}.items():
                words = FALLBACK if line["what"] == "page" and what == WRONG else what
                found[words] = found.get(words, 0) + times
        return found


def numbers(rounds: Sequence[Line]) -> Numbers:
    """The medians of a cell's rounds; of one without an answer they are no numbers."""
    middle = {name: median(one.get(name, float("nan")) for one in rounds) for name in NUMBERS}
    rates = [one["rate"] for one in rounds]
    return Numbers(
        **middle,
        cpu=median(one["cpu_ms"]["server"] for one in rounds),
        store_cpu=median(one["cpu_ms"].get("store", 0.0) for one in rounds),
        spread=max(rates) / min(rates) if min(rates) else float("inf"),
    )
