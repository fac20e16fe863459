"""What a verdict may rest on: frozen values, gathered elsewhere, read by the rules of triage."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from lifecycle.metrics import HIGHER_IS_BETTER
from monitoring.drift import ColumnDrift
from monitoring.estimated import Estimate
from monitoring.performance import MISCALIBRATED, Performance
from monitoring.quality import Breach
from monitoring.windows import Span

RELEASED = 0.5  # of what is tolerated: an alarm that stands ends only within this
STILL_DRIFTED = 0.75  # of the least effect: a column that had drifted is back only below this
IMPORTANT = 0.05  # share of the model's gain from which on a feature's drift is worth a word
# Rules that apply only to a model that is held to have decayed.
ALARMS = frozenset(
    {"bad promotion", "cooling down", "budget", "decay", "base rate", "not recovered"}
)


@dataclass(frozen=True, kw_only=True)
class Champion:
    """Who serves, and since when.

    Attributes:
        first_moment: the oldest moment it answered; None when it answered none.
        previous: the version before it, which could serve again.
        previous_gain: interval of the previous version's gain in the watched metric on the same
            ripened rows, in the metric's better direction; None where it was not measured.
        pinned: the version whose approval windows are held against; None: its own.
    """

    version: int
    first_moment: datetime | None = None
    previous: int | None = None
    previous_gain: tuple[float, float] | None = None
    pinned: int | None = None

    @property
    def approved(self) -> int:
        """The version that the baseline was pinned with."""
        return self.version if self.pinned is None else self.pinned


@dataclass(frozen=True, kw_only=True)
class Past:
    """An earlier verdict, as the ledger has it.

    Attributes:
        rules: names of the rules that applied, the deciding one first.
        drifted: columns that had drifted.
        newest: what the newest judged window was; empty where none could be judged.
    """

    as_of: datetime
    outcome: str
    version: int
    rules: tuple[str, ...] = ()
    drifted: tuple[str, ...] = ()
    newest: str = ""

    @property
    def alarmed(self) -> bool:
        """Whether the model was held to have decayed."""
        return bool(ALARMS.intersection(self.rules))


@dataclass(frozen=True, kw_only=True)
class Evidence:
    """All that a verdict may rest on.

    Attributes:
        span: the current window.
        rows: moments answered in it.
        due: moments that fell due in it.
        least_rows: fewer rows carry no verdict.
        broken: what is wrong with the data itself.
        drift: comparison of every column with the reference.
        effect: least effect that counts as drift.
        performance: ripened windows, newest first, end to end.
        tolerated_loss: how far the watched metric may fall short.
        windows_to_act: decay in so many of them, the newest among them, is decay.
        retrained: when a retrain of this task was last judged, on the data's clock …
        cooled_down: … and whether that is long enough ago for another …
        cooled_at: … or when it will be.
        retrains_this_month: that monitoring asked for in the thirty days before.
        retrains_a_month: how many it may.
        history: earlier verdicts, newest first, of windows that ended before this one.
        estimated: what the metric is likely to be before labels ripen.
    """

    task: str
    span: Span
    rows: int
    due: int
    least_rows: int
    champion: Champion
    broken: tuple[Breach, ...] = ()
    drift: tuple[ColumnDrift, ...] = ()
    effect: float = 0.1
    performance: tuple[Performance, ...] = ()
    tolerated_loss: float = 0.05
    windows_to_act: int = 2
    retrained: datetime | None = None
    cooled_down: bool = True
    cooled_at: datetime | None = None
    retrains_this_month: int = 0
    retrains_a_month: int = 2
    history: tuple[Past, ...] = ()
    estimated: Estimate | None = None

    @property
    def drifted(self) -> tuple[ColumnDrift, ...]:
        return tuple(drift for drift in self.drift if drift.outcome == "drifted")

    @property
    def weighty(self) -> tuple[ColumnDrift, ...]:
        """What drifted and matters to the model."""
        return tuple(drift for drift in self.drifted if drift.weighs)

    @property
    def lingering(self) -> tuple[ColumnDrift, ...]:
        """Columns that had drifted when last looked at and are not back yet."""
        before = self.history[0].drifted if self.history else ()
        if not before or self.history[0].version != self.champion.version:
            return ()
        return tuple(
            drift
            for drift in self.drift
            if drift.outcome == "stable"
            and drift.weighs
            and drift.column in before
            and drift.effect >= STILL_DRIFTED * self.effect
        )

    @property
    def important(self) -> tuple[ColumnDrift, ...]:
        """The drifted inputs that the model leans on."""
        return tuple(one for one in self.drifted if (one.importance or 0.0) >= IMPORTANT)

    @property
    def judged(self) -> tuple[Performance, ...]:
        """The ripened windows that could be judged."""
        return tuple(p for p in self.performance if p.outcome != "could not tell")

    @property
    def decayed(self) -> tuple[Performance, ...]:
        return tuple(p for p in self.judged if p.outcome == "decayed")

    @property
    def miscalibrated(self) -> tuple[Performance, ...]:
        return tuple(p for p in self.judged if p.calibration_outcome == "decayed")

    @property
    def alarmed(self) -> bool:
        """Whether the last look that could tell held this version to have decayed."""
        for past in self.history:
            if past.version != self.champion.version:
                return False
            if past.alarmed or past.newest:
                return past.alarmed
        return False

    @property
    def recovered(self) -> bool:
        """The newest judged window is back, and not only just."""
        if not self.judged:
            return False
        newest = self.judged[0]
        moved = abs(newest.calibration_moved)
        return (
            loss_of(newest) <= RELEASED * self.tolerated_loss and moved <= RELEASED * MISCALIBRATED
        )


def loss_of(one: Performance) -> float:
    """How far the window fell short of the pinned value; below zero it did better."""
    higher = HIGHER_IS_BETTER.get(one.metric, True)
    return one.baseline - one.value if higher else one.value - one.baseline


def numbers(evidence: Evidence) -> Iterator[tuple[str, float]]:
    """Numbers of the window, by the names they have in MLflow."""
    yield "rows", float(evidence.rows)
    yield "due", float(evidence.due)
    yield "columns_drifted", float(len({drift.column for drift in evidence.drifted}))
    yield "breaches", float(len(evidence.broken))
    for drift in evidence.drift:
        if drift.outcome != "could not tell":
            yield f"drift/{drift.column}/{drift.what}", drift.effect
    if evidence.estimated is not None:
        yield f"estimated/{evidence.estimated.metric}", evidence.estimated.value
        yield "estimated/error", evidence.estimated.error
    for performance in evidence.performance[:1]:
        yield "labels_complete", performance.complete
        yield "calibration", performance.calibration
        yield "baseline", performance.baseline
        for name, value in performance.metrics.items():
            yield f"ripened/{name}", value
