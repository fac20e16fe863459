"""What the verdicts of `benchmarks/gate.py` add up to: shares with their exact intervals."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
from scipy.stats import binom, binomtest

from benchmarks.gate_duels import Group
from benchmarks.gate_rules import MARGINS

Line = Mapping[str, Any]
Inside = Callable[[Line], bool]

GAINS = (0.0, 0.0025, 0.005, 0.0075, 0.01, 0.015, 0.04)  # edges of true gains in ROC-AUC
BINS = tuple(pairwise(GAINS))
LOSSES = tuple((-high, -low) for low, high in reversed(BINS))
ALLOWED = 0.05


@dataclass(frozen=True, kw_only=True)
class Share:
    """So many of so many."""

    hits: int
    of: int

    @property
    def value(self) -> float:
        return self.hits / self.of if self.of else float("nan")

    @property
    def interval(self) -> tuple[float, float]:
        """95 %, exact (Clopper & Pearson 1934)."""
        if not self.of:
            return 0.0, 1.0
        found = binomtest(self.hits, self.of).proportion_ci(0.95, method="exact")
        return float(found.low), float(found.high)

    @property
    def held(self) -> bool:
        """Not above `ALLOWED` beyond noise: as many come more than one time in twenty by luck."""
        return bool(binom.sf(self.hits - 1, self.of, ALLOWED) > 1 / 20)

    def words(self) -> str:
        """As a table's cell."""
        if not self.of:
            return "–"
        low, high = self.interval
        return (
            f"{self.hits} of {self.of}: {percent(self.value)} ({percent(low)} to {percent(high)})"
        )

    def brief(self) -> str:
        return f"{self.value:.0%}".replace("%", " %") if self.of else "–"


def percent(share: float) -> str:
    return f"{100 * share:.1f} %"


@dataclass(frozen=True)
class Numbers:
    """The verdicts of one run."""

    lines: Sequence[Line]

    @property
    def sizes(self) -> list[int]:
        return sorted({line["customers"] for line in self.lines})

    @property
    def size(self) -> int:
        """The one that is shown where there is room for one."""
        return self.sizes[len(self.sizes) // 2]

    def group(self, group: Group, size: int | None = None) -> list[Line]:
        wanted = self.size if size is None else size
        return [
            line
            for line in self.lines
            if line["duel"]["group"] == group and line["customers"] == wanted
        ]

    def promoted(
        self, rule: str, group: Group, size: int | None = None,
        where: Inside = lambda _: True,
    ) -> Share:  # fmt: skip
        """Share of a group's challengers that a rule promotes."""
        asked = [line["promotes"][rule] for line in self.group(group, size) if where(line)]
        return Share(hits=sum(asked), of=len(asked))

    def refused(self, rule: str, size: int | None = None) -> Share:
        """Share of the truly better challengers that a rule does not promote."""
        found = self.promoted(rule, "better", size)
        return Share(hits=found.of - found.hits, of=found.of)

    def beyond(self, rule: str, size: int | None = None) -> Share:
        """Share of the challengers promoted that are truly worse by more than a margin."""
        return self.promoted(rule, "worse", size, lost_too_much)

    def by_gain(self, rule: str, group: Group, size: int | None = None) -> list[Share]:
        """Share promoted: gains as `BINS`, losses as `LOSSES`."""
        edges = LOSSES if group == "worse" else BINS
        return [self.promoted(rule, group, size, within(*each)) for each in edges]

    def covered(self, name: str) -> Share:
        """Intervals that hold the truth, of every pair on every sample."""
        held = [
            line["intervals"][name][1] <= true(line, name) <= line["intervals"][name][2]
            for line in self.lines
        ]
        return Share(hits=sum(held), of=len(held))

    def furthest(self) -> tuple[float, float]:
        """How far apart the equal pairs truly are at most, in ROC-AUC and in log-loss."""
        apart = [
            (abs(line["duel"]["gain"]), abs(line["duel"]["saved"])) for line in self.group("equal")
        ]
        most = np.max(apart, axis=0) if apart else (float("nan"), float("nan"))
        return float(most[0]), float(most[1])

    def against(self, group: Group) -> dict[str, Share]:
        """Rule of the shipped gate → share of a group's challengers that it stopped."""
        lines = self.group(group)
        names = sorted({name for line in lines for name in line["against"]})
        found = {
            name: Share(hits=sum(name in line["against"] for line in lines), of=len(lines))
            for name in names
        }
        return dict(sorted(found.items(), key=lambda pair: -pair[1].hits))


def true(line: Line, name: str) -> float:
    """The true difference that an interval is of: challenger less champion."""
    return -float(line["duel"]["saved"]) if name == "log-loss" else float(line["duel"]["gain"])


def lost_too_much(line: Line) -> bool:
    """Truly worse by more than the shipped gate allows, in either metric."""
    gain, saved = line["duel"]["gain"], line["duel"]["saved"]
    return bool(gain < -MARGINS["roc_auc"] or saved < -MARGINS["log_loss"])


def within(low: float, high: float) -> Inside:
    return lambda line: low <= line["duel"]["gain"] < high
