"""From the event store to fresh features, offline and online: what every later step builds on."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from feature_repo.apply import ApplyReport, apply
from feature_repo.warehouse import WarehouseReport, load
from features.build import BuildReport, build
from features.store import MaterializeReport, materialize
from lifecycle.event_store import EventStore
from lifecycle.home import Home
from lifecycle.progress import Progress, silent
from tasks import supported


@dataclass(frozen=True, kw_only=True)
class RefreshReport:
    as_of: datetime
    built: BuildReport
    warehouse: WarehouseReport
    applied: ApplyReport
    materialized: MaterializeReport | None

    def lines(self) -> list[str]:
        """What a person reads."""
        loaded = self.materialized.lines() if self.materialized else []
        stored = self.warehouse.lines()
        return [*self.built.lines(), *stored, *self.applied.lines(), *loaded]


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
    dataset = home.dataset()
    now = as_of or EventStore(home).as_of(dataset)
    days = sorted({day for task in supported(dataset).values() for day in task.moments})
    built = build(home, moments_days=tuple(days), as_of=now, progress=progress)
    stored = load(home)
    applied = apply(home)
    loaded = materialize(home, now) if online else None
    return RefreshReport(
        as_of=now, built=built, warehouse=stored, applied=applied, materialized=loaded
    )
