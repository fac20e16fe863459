"""From the event store to fresh features, offline and online: what every later step builds on."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime

from feature_repo.apply import ApplyReport, apply
from feature_repo.ready import ready
from feature_repo.warehouse import WarehouseReport, load
from features.build import BuildReport, build
from features.store import MaterializeReport, materialize
from ingestion.drain import drain
from lifecycle.errors import OnrampError
from lifecycle.event_store import EventStore
from lifecycle.home import Home
from lifecycle.progress import Progress, silent
from segments.build import SegmentReport, build_segments
from tasks import supported


@dataclass(frozen=True, kw_only=True)
class SegmentFailure:
    """Why there are no segments."""

    error: str
    exit_code: int

    def lines(self) -> list[str]:
        """What a person reads."""
        return [f"segments: error: {self.error}"]


@dataclass(frozen=True, kw_only=True)
class RefreshReport:
    as_of: datetime
    built: BuildReport
    segments: SegmentReport | SegmentFailure
    warehouse: WarehouseReport
    applied: ApplyReport
    materialized: MaterializeReport | None

    @property
    def exit_code(self) -> int:
        """0, or the segments' when they failed: whoever asked for all of it has not got it."""
        return self.segments.exit_code if isinstance(self.segments, SegmentFailure) else 0

    def lines(self) -> list[str]:
        """What a person reads."""
        loaded = self.materialized.lines() if self.materialized else []
        stored = self.warehouse.lines()
        built = [*self.built.lines(), *self.segments.lines()]
        return [*built, *stored, *self.applied.lines(), *loaded]


def refresh(
    home: Home, *, as_of: datetime | None = None, online: bool = True, progress: Progress = silent
) -> RefreshReport:
    """Build due moments and the newest vectors, apply the definitions, load the online store.

    Args:
        home: with an event store.
        as_of: nothing received later exists; default: now, on the data set's clock.
        online: load the online store too; batch scoring and training do without.
        progress: shown while features are computed.
    """
    ready(home)
    dataset = home.dataset()
    now = as_of or settled(home)
    days = sorted({day for task in supported(dataset).values() for day in task.moments})
    built = build(home, moments_days=tuple(days), as_of=now, progress=progress)
    segments = build_or_say_why(home, now, progress)
    stored = load(home)
    applied = apply(home)
    loaded = materialize(home, now) if online else None
    return RefreshReport(
        as_of=now, built=built, segments=segments, warehouse=stored, applied=applied,
        materialized=loaded,
    )  # fmt: skip


def settled(home: Home) -> datetime:
    """Now, on the data set's own clock, with all that was received by then in the event store."""
    dataset = home.dataset()
    wall = datetime.now(UTC) if dataset.clock == "wall" else None
    drain(home, as_of=wall)
    return wall or EventStore(home).as_of(dataset)


def build_or_say_why(
    home: Home, now: datetime, progress: Progress
) -> SegmentReport | SegmentFailure:
    """Segments, or what is wrong with them: a slip in a rule shall not stop a model's features."""
    try:
        return build_segments(home, as_of=now, progress=progress)
    except OnrampError as error:
        return SegmentFailure(error=str(error), exit_code=error.exit_code)


@dataclass(frozen=True, kw_only=True)
class SegmentsRefreshed:
    """Segments built, and told to Feast."""

    segments: SegmentReport
    warehouse: WarehouseReport
    applied: ApplyReport
    materialized: MaterializeReport

    def lines(self) -> list[str]:
        """What a person reads."""
        told = [*self.warehouse.lines(), *self.applied.lines(), *self.materialized.lines()]
        return [*self.segments.lines(), *told]


def refresh_segments(
    home: Home, *, refit: bool = False, progress: Progress = silent
) -> SegmentsRefreshed:
    """Bring only the segments up to the built features, and Feast to them.

    Args:
        home: with built features.
        refit: fit the edges of the scores anew.
        progress: shown while segments are computed.

    Raises:
        NotReady: no features are built.
        RuleError: a rule cannot be read.
    """
    segments = build_segments(home, refit=refit, progress=progress)
    stored = load(home)
    applied = apply(home)
    # Nothing of what is built is newer, whatever was ingested since.
    loaded = materialize(home, segments.as_of)
    return SegmentsRefreshed(
        segments=segments, warehouse=stored, applied=applied, materialized=loaded
    )
