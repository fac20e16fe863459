"""Has a column moved away from the reference? Significant *and* large enough, column by column.

Judged from counts (`lifecycle.profile`). Numbers: two-sample Kolmogorov–Smirnov test at the
edges of the bins, effect D; it falls short of the test on values by a bin of the reference at
most, so that it is cautious. Categories: chi-squared test of the two-row contingency table (both
samples are samples), effect total variation. What is missing is tested apart from what the
values are. Holm's step-down procedure (Holm 1979, A simple sequentially rejective multiple test
procedure) holds the chance of any false alarm over all columns at `ALPHA`.

Significance alone alarms at every large window and effect alone at every small one, so a
column has drifted only when both agree. What the model hardly uses can drift without weight.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
from scipy.special import chdtrc

from lifecycle.kolmogorov_smirnov import by_chance, gap_of_counts
from lifecycle.profile import Counts, Kind, Numbers, Part, Shape

ALPHA = 0.01
LEAST_SAMPLE = 50
LEAST_EXPECTED = 5.0
WEIGHTY = 0.95  # features that make up so much of the model's gain weigh; the tail does not

Outcome = Literal["drifted", "stable", "could not tell"]


@dataclass(frozen=True, kw_only=True)
class ColumnDrift:
    """One column's comparison.

    Attributes:
        what: its values, or how many of them are missing.
        effect: KS D, or total variation; 0 to 1.
        p_value: adjusted over all comparisons by Holm's procedure.
        importance: its share of the model's gain; None: unknown, or no feature.
        weighs: whether its drift counts; that of a feature the model hardly uses does not.
    """

    column: str
    kind: Kind
    what: Literal["values", "missing"] = "values"
    method: str
    effect: float
    p_value: float
    reference_rows: int
    current_rows: int
    outcome: Outcome
    importance: float | None = None
    weighs: bool = True

    @property
    def words(self) -> str:
        subject = self.column if self.what == "values" else f"the missing share of {self.column}"
        return f"{subject} moved by {self.effect:.2f} ({self.method}, p = {self.p_value:.1g})"


def compare(
    shapes: Sequence[Shape],
    reference: Part,
    current: Part,
    *,
    effect: float,
    importance: Mapping[str, float] | None = None,
) -> tuple[ColumnDrift, ...]:
    """Compare columns; the largest effect first.

    Args:
        shapes: which columns.
        reference: rows of the model's own out-of-time test.
        current: rows of the window. A column it lacks counts as missing throughout.
        effect: least D or total variation that counts as drift.
        importance: feature → share of the model's gain; empty: every column weighs.
    """
    return judge(measure(shapes, reference, current), effect=effect, importance=importance)


def measure(shapes: Sequence[Shape], reference: Part, current: Part) -> tuple[ColumnDrift, ...]:
    """Every comparison with its own p-value, none judged yet; see `judge`."""
    found: list[ColumnDrift] = []
    for shape in shapes:
        before = reference.columns[shape.name]
        after = current.columns.get(shape.name) or nothing(shape, current.rows)
        found.append(values_moved(shape, before, after))
        if before.missing or after.missing:
            found.append(missing_moved(shape, before, after))
    return tuple(found)


def judge(
    found: Sequence[ColumnDrift], *, effect: float, importance: Mapping[str, float] | None = None
) -> tuple[ColumnDrift, ...]:
    """Adjust all p-values together and decide; the largest effect first."""
    light = unweighty(importance or {})
    judged = [
        replace(
            decide(drift, p, effect),
            importance=(importance or {}).get(drift.column),
            weighs=drift.column not in light,
        )
        for drift, p in zip(found, holm(found), strict=True)
    ]
    return tuple(sorted(judged, key=lambda drift: (-drift.effect, drift.column, drift.what)))


def unweighty(importance: Mapping[str, float]) -> frozenset[str]:
    """The features beyond the fewest that make up `WEIGHTY` of all gain."""
    total = sum(importance.values())
    if not total:
        return frozenset()
    ranked = sorted(importance, key=lambda name: (-importance[name], name))
    before = np.cumsum([0.0, *(importance[name] / total for name in ranked[:-1])])
    return frozenset(name for name, share in zip(ranked, before, strict=True) if share >= WEIGHTY)


def nothing(shape: Shape, rows: float) -> Counts:
    """A column that is not there."""
    return Counts(at=np.zeros(shape.places), missing=rows)


def values_moved(shape: Shape, before: Counts, after: Counts) -> ColumnDrift:
    """Compare the values that are there."""
    number = shape.kind == "number"
    enough = min(before.present, after.present) >= LEAST_SAMPLE
    effect, p_value = 0.0, 1.0
    if enough:
        test = kolmogorov_smirnov if number else contingency
        effect, p_value = test(before.at, after.at)
    return ColumnDrift(
        column=shape.name, kind=shape.kind,
        method="Kolmogorov–Smirnov" if number else "chi-squared",
        effect=effect, p_value=p_value,
        reference_rows=int(before.present), current_rows=int(after.present),
        outcome="stable" if enough else "could not tell",
    )  # fmt: skip


def missing_moved(shape: Shape, before: Counts, after: Counts) -> ColumnDrift:
    """Compare how many values are missing."""
    enough = min(before.rows, after.rows) >= LEAST_SAMPLE
    x, y = (np.array([counts.missing, counts.present]) for counts in (before, after))
    effect, p_value = contingency(x, y) if enough else (0.0, 1.0)
    return ColumnDrift(
        column=shape.name, kind=shape.kind, what="missing", method="chi-squared", effect=effect,
        p_value=p_value, reference_rows=int(before.rows), current_rows=int(after.rows),
        outcome="stable" if enough else "could not tell",
    )  # fmt: skip


def kolmogorov_smirnov(x: Numbers, y: Numbers) -> tuple[float, float]:
    """Largest gap between two distribution functions at the edges, and its p-value.

    Args:
        x: rows in each bin, shape (bins,).
        y: the same of the other sample.
    """
    distance = gap_of_counts(x, y)
    return distance, by_chance(distance, x.sum(), y.sum())


def contingency(x: Numbers, y: Numbers) -> tuple[float, float]:
    """Total variation and Pearson's chi-squared p-value of two samples of categories.

    Levels too rare for the chi-squared approximation are put together. The effect is taken
    before that, so that many new rare levels still count.

    Args:
        x: rows of each category, shape (categories,).
        y: the same of the other sample.
    """
    counts = np.stack([x, y])
    rows = counts.sum(axis=1, keepdims=True)
    before, after = counts / rows
    effect = float(np.abs(before - after).sum() / 2)
    rare = counts.sum(axis=0) * rows.min() / rows.sum() < LEAST_EXPECTED
    table = np.column_stack([counts[:, ~rare], counts[:, rare].sum(axis=1)])
    table = table[:, table.sum(axis=0) > 0]
    if table.shape[1] == 1:
        return effect, 1.0
    expected = rows * table.sum(axis=0) / rows.sum()
    statistic = float(((table - expected) ** 2 / expected).sum())
    return effect, float(chdtrc(table.shape[1] - 1, statistic))


def holm(found: Sequence[ColumnDrift]) -> list[float]:
    """P-values adjusted by Holm's step-down procedure, in the order given."""
    adjusted = [1.0] * len(found)
    tested = [n for n, drift in enumerate(found) if drift.outcome != "could not tell"]
    worst = 0.0
    for rank, n in enumerate(sorted(tested, key=lambda n: found[n].p_value)):
        worst = max(worst, min(1.0, found[n].p_value * (len(tested) - rank)))
        adjusted[n] = worst
    return adjusted


def decide(drift: ColumnDrift, p_value: float, effect: float) -> ColumnDrift:
    """Put in the adjusted p-value; drifted means significant and large enough."""
    if drift.outcome == "could not tell":
        return drift
    drifted = p_value < ALPHA and drift.effect >= effect
    return replace(drift, p_value=p_value, outcome="drifted" if drifted else "stable")
