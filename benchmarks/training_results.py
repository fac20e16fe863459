"""The JSON lines of `benchmarks/training.py`, and the questions that the report asks of them."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from pathlib import Path
from typing import Any

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from benchmarks.training_ranks import (
    Draws,
    Estimate,
    Judged,
    Scores,
    difference,
    draw_rows,
    mean_ranks,
)
from benchmarks.training_sets import SETS, Cut, cut, table
from benchmarks.training_systems import OURS, SYSTEMS
from lifecycle.metrics import HIGHER_IS_BETTER

NAN = float("nan")


@dataclass(frozen=True, kw_only=True)
class Cell:
    """One thing to measure. A system without a time limit has the budget 0, for all of them."""

    set: str
    system: str
    budget: int
    seed: int

    @property
    def name(self) -> str:
        return f"{self.set}-{self.system}-{self.budget}-{self.seed}"


@dataclass(frozen=True, kw_only=True)
class Place:
    """Where things are kept.

    Attributes:
        scratch: tables, cuts, answers and logs.
        results: the JSON lines.
        peers: the peers' interpreter.
    """

    scratch: Path
    results: Path
    data: Path
    peers: Path

    def folder(self, name: str) -> Path:
        made = self.scratch / name
        made.mkdir(parents=True, exist_ok=True)
        return made

    def answers(self, cell: Cell) -> Path:
        """What a system said of the held-out rows."""
        return self.folder("answers") / f"{cell.name}.npy"


def read(results: Path) -> dict[Cell, dict[str, Any]]:
    """The newest line of each cell; a line that a kill cut short is none."""
    found: dict[Cell, dict[str, Any]] = {}
    lines = results.read_text(encoding="utf-8").splitlines() if results.exists() else []
    for text in lines:
        try:
            line = json.loads(text)
        except ValueError:
            continue
        found[Cell(**line["cell"])] = line
    return found


@dataclass(frozen=True)
class Results:
    """Everything that was measured."""

    place: Place
    lines: Mapping[Cell, Mapping[str, Any]]

    @cached_property
    def budgets(self) -> list[int]:
        return sorted({cell.budget for cell in self.lines if cell.budget})

    @cached_property
    def sets(self) -> list[str]:
        return [name for name in SETS if any(cell.set == name for cell in self.lines)]

    @cached_property
    def ranked(self) -> list[str]:
        known = {cell.system for cell in self.lines}
        return [name for name, system in SYSTEMS.items() if system.ranked and name in known]

    @property
    def peers(self) -> list[str]:
        return [name for name in self.ranked if name != OURS]

    def line(self, one: str, system: str, budget: int, seed: int) -> Mapping[str, Any] | None:
        at = budget if SYSTEMS[system].budgeted else 0
        return self.lines.get(Cell(set=one, system=system, budget=at, seed=seed))

    def seeds(self, one: str, budget: int, systems: Sequence[str]) -> list[int]:
        """Those that every one of the systems has gone through."""
        known = sorted({cell.seed for cell in self.lines})
        return [s for s in known if all(self.line(one, name, budget, s) for name in systems)]

    def values(self, one: str, system: str, budget: int, field: str) -> list[float]:
        """A metric or a field of the lines, over the seeds that all ranked systems have."""
        found = []
        for seed in self.seeds(one, budget, [*self.ranked, system]):
            line = self.line(one, system, budget, seed) or {}
            held = line if field in line else line.get("metrics", {})
            value = held.get(field)
            found.append(NAN if value is None else float(value))
        return found

    def rates(self, one: str, system: str, budget: int, *, whole: bool = False) -> list[float]:
        """Trials per second by seed: of the search where a system told it, or of the whole time."""
        trials, seconds = (self.values(one, system, budget, f) for f in ("trials", "seconds"))
        told = self.values(one, system, budget, "searching")
        spent = [s if whole or np.isnan(t) else t for s, t in zip(seconds, told, strict=True)]
        return [count / each for count, each in zip(trials, spent, strict=True)]

    def scores(self, metric: str, budget: int) -> Scores:
        """Of the ranked systems, where all of them were measured."""
        return {
            one: {name: self.values(one, name, budget, metric) for name in self.ranked}
            for one in self.sets
            if self.seeds(one, budget, self.ranked)
        }

    def ranks(self, metric: str, budget: int) -> dict[str, Estimate]:
        return mean_ranks(metric, self.scores(metric, budget))

    def best_peer(self, one: str, metric: str, budget: int) -> str:
        """The peer with the best mean over seeds: chosen with the held-out rows in hand."""
        sign = 1 if HIGHER_IS_BETTER[metric] else -1
        means = {name: np.mean(self.values(one, name, budget, metric)) for name in self.peers}
        return max(means, key=lambda name: -np.inf if np.isnan(means[name]) else sign * means[name])

    def difference(self, one: str, other: str, metric: str, budget: int) -> Estimate | None:
        """Onramp's minus the other's, where both answered."""
        seeds = []
        for seed in self.seeds(one, budget, [OURS, other]):
            paths = [self.answer(one, name, budget, seed) for name in (OURS, other)]
            if all(path.exists() for path in paths):
                parts = held_out(self.place, one, seed)
                ours, theirs = (np.load(path) for path in paths)
                seeds.append(Judged(labels=parts.labels, ours=ours, theirs=theirs,
                                    draws=drawn(self.place, one, seed)))  # fmt: skip
        return difference(metric, seeds) if seeds else None

    def answer(self, one: str, system: str, budget: int, seed: int) -> Path:
        at = budget if SYSTEMS[system].budgeted else 0
        return self.place.answers(Cell(set=one, system=system, budget=at, seed=seed))


@lru_cache
def held_out(place: Place, one: str, seed: int) -> Cut:
    """What the systems were judged on."""
    return cut(table(one, place.scratch, place.data), seed)


@lru_cache
def drawn(place: Place, one: str, seed: int) -> Draws:
    """Draws of the held-out rows, the same for every pair of systems."""
    return draw_rows(held_out(place, one, seed).entities)
