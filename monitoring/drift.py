"""Has a column moved away from the reference? Significant *and* large enough, column by column.

Numbers: two-sample Kolmogorov–Smirnov test, effect D. Categories: chi-squared test of the
two-row contingency table (both samples are samples), effect total variation. What is missing is
tested apart from what the values are. Holm's step-down procedure (Holm 1979, A simple
sequentially rejective multiple test procedure) holds the chance of any false alarm over all
columns at `ALPHA`.

Significance alone alarms at every large window and effect alone at every small one, so a
column has drifted only when both agree.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy.special import kolmogorov
from scipy.stats import chi2_contingency

ALPHA = 0.01
LEAST_SAMPLE = 50
LEAST_EXPECTED = 5.0

Kind = Literal["number", "category"]
Numbers = npt.NDArray[np.float64]
Outcome = Literal["drifted", "stable", "could not tell"]


@dataclass(frozen=True, kw_only=True)
class ColumnDrift:
    """One column's comparison.

    Attributes:
        what: its values, or how many of them are missing.
        effect: KS D, or total variation; 0 to 1.
        p_value: adjusted over all comparisons by Holm's procedure.
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

    @property
    def words(self) -> str:
        subject = self.column if self.what == "values" else f"the missing share of {self.column}"
        return f"{subject} moved by {self.effect:.2f} ({self.method}, p = {self.p_value:.1g})"


def kind_of(values: pd.Series) -> Kind:
    """A column of numbers or truths is a number; everything else is a category."""
    return "number" if pd.api.types.is_numeric_dtype(values.dtype) else "category"


def compare(
    reference: pd.DataFrame, current: pd.DataFrame, columns: Sequence[str], *, effect: float
) -> tuple[ColumnDrift, ...]:
    """Compare the named columns of two frames; the largest effect first.

    Args:
        reference: rows of the model's own out-of-time test; says each column's kind.
        current: rows of the window. A column it lacks counts as missing throughout.
        columns: which columns.
        effect: least D or total variation that counts as drift.
    """
    return judge(measure(reference, current, columns), effect=effect)


def measure(
    reference: pd.DataFrame, current: pd.DataFrame, columns: Sequence[str]
) -> tuple[ColumnDrift, ...]:
    """Every comparison with its own p-value, none judged yet; see `judge`."""
    found: list[ColumnDrift] = []
    for name in columns:
        kind = kind_of(reference[name])
        before = clean(reference[name], kind)
        after = clean(current[name], kind) if name in current else clean_nothing(len(current))
        found.append(values_moved(name, kind, before, after))
        if before.isna().any() or after.isna().any():
            found.append(missing_moved(name, kind, before, after))
    return tuple(found)


def judge(found: Sequence[ColumnDrift], *, effect: float) -> tuple[ColumnDrift, ...]:
    """Adjust all p-values together and decide; the largest effect first."""
    judged = [decide(drift, p, effect) for drift, p in zip(found, holm(found), strict=True)]
    return tuple(sorted(judged, key=lambda drift: (-drift.effect, drift.column, drift.what)))


def clean(values: pd.Series, kind: Kind) -> pd.Series:
    """Float64 or text, whatever the column came as; infinite numbers count as missing."""
    if kind == "category":
        given = values.to_numpy(dtype=object)
        texts = [
            None if gone else str(one) for one, gone in zip(given, pd.isna(given), strict=True)
        ]
        return pd.Series(texts, index=values.index, dtype="object")
    numbers = pd.to_numeric(values, errors="coerce").astype("float64")
    return numbers.where(np.isfinite(numbers))


def clean_nothing(rows: int) -> pd.Series:
    return pd.Series(np.full(rows, np.nan))


def values_moved(name: str, kind: Kind, before: pd.Series, after: pd.Series) -> ColumnDrift:
    """Compare the values that are there."""
    x, y = before.dropna(), after.dropna()
    method = "Kolmogorov–Smirnov" if kind == "number" else "chi-squared"
    enough = min(len(x), len(y)) >= LEAST_SAMPLE
    effect, p_value = 0.0, 1.0
    if enough:
        effect, p_value = (
            kolmogorov_smirnov(x.to_numpy(), y.to_numpy())
            if kind == "number"
            else contingency(x, y)
        )
    return ColumnDrift(
        column=name, kind=kind, method=method, effect=effect, p_value=p_value,
        reference_rows=len(x), current_rows=len(y),
        outcome="stable" if enough else "could not tell",
    )  # fmt: skip


def missing_moved(name: str, kind: Kind, before: pd.Series, after: pd.Series) -> ColumnDrift:
    """Compare how many values are missing."""
    enough = min(len(before), len(after)) >= LEAST_SAMPLE
    gone = ("missing", "there")
    x = before.isna().map({True: gone[0], False: gone[1]})
    y = after.isna().map({True: gone[0], False: gone[1]})
    effect, p_value = contingency(x, y) if enough else (0.0, 1.0)
    return ColumnDrift(
        column=name, kind=kind, what="missing", method="chi-squared", effect=effect,
        p_value=p_value, reference_rows=len(x), current_rows=len(y),
        outcome="stable" if enough else "could not tell",
    )  # fmt: skip


def kolmogorov_smirnov(x: Numbers, y: Numbers) -> tuple[float, float]:
    """Largest distance between the two distribution functions, and its asymptotic p-value.

    With the correction for small samples of Stephens (1970, Use of the Kolmogorov–Smirnov
    statistics without extensive tables). Ties make it cautious. This is scipy's `ks_2samp`
    without its overhead, which is most of the time at our sizes.
    """
    x, y = np.sort(x), np.sort(y)
    both = np.concatenate([x, y])
    below = np.searchsorted(x, both, side="right") / len(x)
    beside = np.searchsorted(y, both, side="right") / len(y)
    distance = float(np.abs(below - beside).max())
    root = np.sqrt(len(x) * len(y) / (len(x) + len(y)))
    return distance, float(kolmogorov((root + 0.12 + 0.11 / root) * distance))


def contingency(x: pd.Series, y: pd.Series) -> tuple[float, float]:
    """Total variation and the chi-squared p-value of two samples of categories.

    Levels too rare for the chi-squared approximation are put together. The effect is taken
    before that, so that many new rare levels still count.
    """
    codes, _ = pd.factorize(np.concatenate([x.to_numpy(object), y.to_numpy(object)]))
    levels = int(codes.max()) + 1
    counts = np.stack(
        [np.bincount(part, minlength=levels) for part in (codes[: len(x)], codes[len(x) :])]
    ).astype(np.float64)
    before, after = counts / counts.sum(axis=1, keepdims=True)
    effect = float(np.abs(before - after).sum() / 2)
    rare = counts.sum(axis=0) * min(len(x), len(y)) / (len(x) + len(y)) < LEAST_EXPECTED
    table = np.column_stack([counts[:, ~rare], counts[:, rare].sum(axis=1)])
    table = table[:, table.sum(axis=0) > 0]
    if table.shape[1] == 1:
        return effect, 1.0
    return effect, float(chi2_contingency(table, correction=False).pvalue)


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
