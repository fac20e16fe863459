"""What an alarm costs when nothing is wrong: expected false alarms a month, by permutation.

The reference's customers are dealt at random into a window and the rest, `DRAWS` times; whoever
alarms then alarms falsely. Customers are dealt, because the moments of one are alike, and each with
what one span as long as a window holds of them: a reference of eight weeks holds many moments of
a customer, a window one or two. What permutation cannot show is a season: it has no order in time.

A version's budgets are kept beside its files, by window, threshold and baseline.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import asdict, dataclass
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
    weekly, least = len(sample) // (int(spans_of(sample, days).max()) + 1), by.monitor.least_rows
    rows = rounded(rows, weekly // 2)
    labelled = max(rounded(labelled, weekly), min(least, weekly)) if labelled >= least else 0
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
    for window, rest in deals(against.reference, rows, days):
        before, after = dealt.parts(rest), dealt.parts(window)
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
    by, monitor = against.yardstick, against.yardstick.monitor
    known = recorded(against)
    labelled = min(labelled, len(known))
    if labelled < monitor.least_rows:
        return
    given = answers(by.kind, against.classes, known.drop(columns="label"), known)
    decay = calibration = 0
    for chosen, _ in deals(known, labelled, days):
        window = given.rows(np.flatnonzero(chosen))
        if judgeable(window, monitor.least_rows):
            decay += falls_short(window, by)
            gap = float(np.mean(window.confidence - window.came_true))
            calibration += miscalibrated(window, gap, by) == "decayed"
    found: tuple[tuple[Alarm, int], ...] = (("decay", decay), ("calibration", calibration))
    for alarm, alarms in found:
        yield Budget(
            alarm=alarm, rows=labelled, draws=DRAWS, alarms=alarms, days=days,
            windows=monitor.windows, of=monitor.of,
        )  # fmt: skip


def recorded(against: Approved) -> pd.DataFrame:
    """The reference's labelled rows, in the order of `answers`.

    The sample keeps the likeliest of several classes alone, so its version answers anew.
    """
    sample = against.reference
    known = sample[sample["label"].notna()].sort_values(KEYS, kind="stable", ignore_index=True)
    if against.yardstick.kind == "binary":
        return known
    known = known[known["label"].isin(against.classes)].reset_index(drop=True)
    again = rescored(against.folder, against.yardstick.kind, known) if len(known) else None
    return known.head(0) if again is None else again


def falls_short(given: Answers, by: Yardstick) -> bool:
    """Whether a window of these answers would be called decayed."""
    name = by.monitor.metric
    value = metric(given.kind, name, given.labels, given.probabilities)
    # the interval costs hundreds of times the value, and hardly any window comes so far
    if decayed(value, value, value, by) != "decayed":
        return False
    return decayed(value, *interval(given, name), by) == "decayed"


def spans_of(sample: pd.DataFrame, days: float) -> Codes:
    """Which span of so many days each moment lies in, from the first on; shape (rows,)."""
    since = sample["event_timestamp"] - sample["event_timestamp"].min()
    return np.asarray(since // pd.Timedelta(days=days), dtype=np.int64)


def deals(
    sample: pd.DataFrame, rows: int, days: float, seed: int = 0
) -> Iterator[tuple[Places, Places]]:
    """A window and all other customers' moments, as rows of the sample; `DRAWS` times.

    Args:
        sample: customer_id, event_timestamp.
        rows: of the window, as far as one span of each customer holds so many.
        days: length of the window.
        seed: of the deal.
    """
    rng = np.random.default_rng(seed)
    owner, names = pd.factorize(sample["customer_id"])
    spans = spans_of(sample, days)
    for _ in range(DRAWS):
        mine = spans == rng.integers(spans.max() + 1, size=len(names))[owner]
        held = np.bincount(owner, mine, minlength=len(names))
        order = rng.permutation(np.flatnonzero(held))
        taken = order[: np.searchsorted(np.cumsum(held[order]), rows) + 1]
        inside = np.zeros(len(names), dtype=bool)
        inside[taken] = True
        yield inside[owner] & mine, ~inside[owner]


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
