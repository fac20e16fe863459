"""What an alarm costs when nothing is wrong: expected false alarms a month, by permutation.

The reference's customers are dealt at random into a window as large as the one at hand and the
rest, `DRAWS` times; whoever alarms then alarms falsely. Whole customers are dealt, because the
moments of one are alike. What permutation cannot show is a season: it has no order in time.

A version's budgets are kept beside its files, by window, threshold and baseline.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy.stats import beta, binom

from lifecycle import strict_json
from lifecycle.metrics import metric
from lifecycle.profile import Codes, Counts, Part, Shape, codes_of, counts_of
from monitoring import drift, quality
from monitoring.approved import Approved
from monitoring.performance import (
    Answers,
    Yardstick,
    answers,
    clustered_error,
    decayed,
    interval,
    judgeable,
    miscalibrated,
)
from monitoring.profile import Reference
from monitoring.rescore import rescored
from monitoring.windows import KEYS

DRAWS = 200
CONFIDENCE = 0.95
DAYS_A_MONTH = 30.4

Alarm = Literal["drift", "broken data", "decay", "calibration"]
Places = npt.NDArray[np.bool_]


@dataclass(frozen=True, kw_only=True)
class Budget:
    """One kind of alarm, at one threshold and window.

    Attributes:
        rows: of the windows that were dealt.
        draws: how many were.
        alarms: how many of them alarmed, each falsely.
        days: from one window to the next.
        windows, of: the alarm needs so many of so many windows, the newest among them.
    """

    alarm: Alarm
    rows: int
    draws: int
    alarms: int
    days: float
    windows: int = 1
    of: int = 1

    @property
    def a_month(self) -> float:
        """Expected false alarms."""
        return self._a_month(self.alarms / self.draws)

    @property
    def at_most(self) -> float:
        """The same, at the upper 95 % limit of Clopper and Pearson (1934)."""
        chance = beta.ppf(CONFIDENCE, self.alarms + 1, self.draws - self.alarms)
        return self._a_month(1.0 if self.alarms == self.draws else float(chance))

    def _a_month(self, chance: float) -> float:
        others = binom.sf(self.windows - 2, self.of - 1, chance)
        return float(chance * others * DAYS_A_MONTH / self.days)

    @property
    def words(self) -> str:
        needs = f", in {self.windows} of {self.of} windows" if self.of > 1 else ""
        return (
            f"{self.alarm} is falsely alarmed {self.a_month:.2g} times a month, at most "
            f"{self.at_most:.2g} (alone: {self.alarms} of {self.draws} windows of {self.rows} "
            f"rows dealt from the reference{needs})"
        )


def told(budget: Budget) -> dict[str, Any]:
    """A budget with what it comes to."""
    return {**asdict(budget), "a_month": budget.a_month, "at_most": budget.at_most}


def budgets(
    reference: Reference, *, rows: int, labelled: int, days: float, cache: Path
) -> tuple[Budget, ...]:
    """The budget of each alarm for windows of this size; an alarm that cannot be dealt has none.

    Args:
        reference: what windows are compared with.
        rows: answered moments of the window.
        labelled: labelled answers of the newest ripened window.
        days: from one window to the next.
        cache: beside the version's files.
    """
    sample, by = reference.against.reference, reference.against.yardstick
    # no larger than what is left to compare with, and to a power of two: not each size anew
    rows, labelled = (rounded(n, len(sample) // 2) for n in (rows, labelled))
    key = strict_json.text(
        [rows, labelled, days, DRAWS, asdict(by.monitor), by.baseline, drift.ALPHA]
    )
    known = json.loads(cache.read_text(encoding="utf-8")) if cache.exists() else {}
    if key not in known:
        found = [*inputs(reference, rows, days), *outcomes(reference.against, labelled, days)]
        known[key] = [asdict(budget) for budget in found]
        cache.parent.mkdir(parents=True, exist_ok=True)
        strict_json.write(cache, known)
    return tuple(Budget(**budget) for budget in known[key])


def rounded(rows: int, most: int) -> int:
    return 0 if rows < 1 or most < 1 else min(most, 2 ** round(np.log2(rows)))


def inputs(reference: Reference, rows: int, days: float) -> Iterator[Budget]:
    """Drift of any column that weighs, and columns that seem broken."""
    against = reference.against
    if rows < drift.LEAST_SAMPLE:
        return
    dealt = Dealt.of(against.reference, (*reference.features, *reference.answers))
    drifted = broken = 0
    for chosen in deals(against.reference["customer_id"], rows):
        before, after = dealt.parts(~chosen), dealt.parts(chosen)
        found = drift.compare(
            dealt.shapes, before, after,
            effect=against.yardstick.monitor.effect, importance=reference.importance,
        )  # fmt: skip
        drifted += any(one.outcome == "drifted" and one.weighs for one in found)
        broken += bool(
            quality.columns_broken(reference.features, before, after, commonest_at_worst(after))
        )
    yield Budget(alarm="drift", rows=rows, draws=DRAWS, alarms=drifted, days=days)
    yield Budget(alarm="broken data", rows=rows, draws=DRAWS, alarms=broken, days=days)


def outcomes(against: Approved, labelled: int, days: float) -> Iterator[Budget]:
    """Decay of the watched metric, and probabilities that are off on average."""
    monitor = against.yardstick.monitor
    given = recorded(against)
    if given is None:
        return
    labelled = min(labelled, len(given) // 2)
    if labelled < monitor.least_rows:
        return
    decay = calibration = 0
    for chosen in deals(pd.Series(given.customers), labelled):
        window, rest = (given.rows(np.flatnonzero(part)) for part in (chosen, ~chosen))
        if judgeable(window, monitor.least_rows):
            decay += falls_short(window, against.yardstick)
            calibration += off(window, rest, against.yardstick)
    found: tuple[tuple[Alarm, int], ...] = (("decay", decay), ("calibration", calibration))
    for alarm, alarms in found:
        yield Budget(
            alarm=alarm, rows=labelled, draws=DRAWS, alarms=alarms, days=days,
            windows=monitor.windows, of=monitor.of,
        )  # fmt: skip


def recorded(against: Approved) -> Answers | None:
    """The reference's labelled answers.

    The sample keeps the likeliest of several classes alone, so its version answers anew.
    """
    sample, kind = against.reference, against.yardstick.kind
    known: pd.DataFrame | None = sample[sample["label"].notna()].drop(columns="label")
    if kind != "binary" and known is not None and len(known):
        known = rescored(against.folder, kind, known)
    if known is None or known.empty:
        return None
    return answers(kind, against.classes, known, sample[[*KEYS, "label"]])


def falls_short(given: Answers, by: Yardstick) -> bool:
    """Whether a window of these answers would be called decayed."""
    name = by.monitor.metric
    value = metric(given.kind, name, given.labels, given.probabilities)
    # the interval costs hundreds of times the value, and hardly any window comes so far
    if decayed(value, value, value, by) != "decayed":
        return False
    return decayed(value, *interval(given, name), by) == "decayed"


def off(window: Answers, rest: Answers, by: Yardstick) -> bool:
    """Whether the window's probabilities would be called off, beside the other customers'."""
    gap, other = (float(np.mean(one.confidence - one.came_true)) for one in (window, rest))
    error = clustered_error(rest.confidence - rest.came_true, rest.customers)
    held = replace(by, calibration=other, calibration_error=error)
    return miscalibrated(window, gap, held) == "decayed"


def deals(customers: pd.Series, rows: int, seed: int = 0) -> Iterator[Places]:
    """Whole customers at random until the window has its rows; shape (all rows,), `DRAWS` times."""
    rng = np.random.default_rng(seed)
    owner = pd.factorize(customers)[0]
    held = np.bincount(owner)
    for _ in range(DRAWS):
        order = rng.permutation(len(held))
        taken = order[: np.searchsorted(np.cumsum(held[order]), rows) + 1]
        inside = np.zeros(len(held), dtype=bool)
        inside[taken] = True
        yield inside[owner]


@dataclass(frozen=True, kw_only=True)
class Dealt:
    """The reference's rows as places, so that a deal is one count.

    Attributes:
        codes: place of each row and column, each column's after those of the one before; shape
            (rows, columns).
        starts: where each column's places begin, and where the last one's end.
    """

    shapes: tuple[Shape, ...]
    codes: Codes
    starts: tuple[int, ...]
    whole: dict[str, Counts]

    @classmethod
    def of(cls, sample: pd.DataFrame, shapes: tuple[Shape, ...]) -> Dealt:
        starts = np.cumsum([0, *(shape.places + 1 for shape in shapes)])
        codes = [
            codes_of(shape, sample[shape.name]) + start
            for shape, start in zip(shapes, starts[:-1], strict=True)
        ]
        return cls(
            shapes=shapes, codes=np.stack(codes, axis=1), starts=tuple(starts.tolist()),
            whole={shape.name: counts_of(shape, sample[shape.name]) for shape in shapes},
        )  # fmt: skip

    def parts(self, rows: Places) -> Part:
        """Some rows in counts. Extremes are the whole sample's: only a change of unit asks."""
        counted = np.bincount(self.codes[rows].ravel(), minlength=self.starts[-1]).astype(float)
        columns = {}
        for shape, start, end in zip(self.shapes, self.starts, self.starts[1:], strict=False):
            whole = self.whole[shape.name]
            columns[shape.name] = Counts(
                at=counted[start : end - 1], missing=float(counted[end - 1]),
                least=whole.least, most=whole.most,
            )  # fmt: skip
        return Part(rows=float(rows.sum()), columns=columns)


def commonest_at_worst(part: Part) -> quality.Look:
    """As if all values of the fullest bin were one."""
    return lambda column, _: ("one value", int(part.columns[column].at.max()))
