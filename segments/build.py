"""Compute the segments of every built moment that has none yet.

One part of behaviour gives one part of segments, by the same name, so that what is done is known
from the names alone: history is not read again. Killed, a build leaves whole parts, and the next
one goes on from there. A row is a function of the feature row of the same moment and of nothing
else, so it knows nothing that the features did not know.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from features.bounded import bounded_db
from features.check import check
from features.tables import write_part
from lifecycle.errors import NotReady
from lifecycle.home import Home
from lifecycle.lock import held
from lifecycle.progress import Progress, silent
from segments import rfm
from segments.population import current_sql, newest_moment, remember
from segments.rows import read_part, sources_sql
from segments.table import SegmentTable, evaluate, segment_table

# Two tasks that train side by side both want segments: the second finds them done.
PATIENCE_SECONDS = 300.0


@dataclass(frozen=True, kw_only=True)
class SegmentReport:
    """What a build of segments did; counts are rows (one row a moment).

    Attributes:
        waiting: moments whose profile is not built; the next build takes them up.
        edges: version of the scores' edges; None without scores.
        notes: what is to be known before the segments are used.
        left_out: what the shipped file names and this data set cannot carry, with reasons.
    """

    as_of: datetime
    definition: str
    segments: int
    built: int
    waiting: int
    parts: int
    edges: int | None
    behaviour: str | None
    notes: tuple[str, ...]
    left_out: tuple[str, ...]

    def lines(self) -> list[str]:
        """What a person reads."""
        waiting = f", {self.waiting:,} wait for their profile" if self.waiting else ""
        learnt = f", behaviour {self.behaviour}" if self.behaviour else ""
        scores = f", scores by edges {self.edges}" if self.edges else ""
        return [
            f"segments: {self.segments} rules{scores}{learnt}; {self.built:,} rows built{waiting}",
            *(f"  note: {note}" for note in self.notes),
        ]


def build_segments(
    home: Home, *, as_of: datetime | None = None, refit: bool = False, progress: Progress = silent
) -> SegmentReport:
    """Bring the table of segments up to the feature tables.

    Args:
        home: with built features.
        as_of: the time that the newest features were built for; default: their newest moment.
        refit: fit the scores' edges anew, on the customers at `as_of`; every row is then
            computed afresh. Edges that were never fitted are fitted in any case.
        progress: shown while rows are computed.

    Raises:
        NotReady: no features are built.
        RuleError: a rule cannot be read.
        Busy: another build of segments has been going on in this home for five minutes.
    """
    lock = home.locks / "segments.db"
    with held(lock, "A build of segments", patience_seconds=PATIENCE_SECONDS):
        segments = segment_table(home)
        now = as_of.astimezone(UTC) if as_of else newest_moment(built_parts(segments))
        if segments.plan.rfm and (refit or segments.edges is None):
            segments = segment_table(home, edges=fit_edges(home, segments, now))
        done = list(new_parts(segments, progress))
        remember(home, now)
    return SegmentReport(
        as_of=now,
        definition=segments.table.folder.name,
        segments=len(segments.plan.segments),
        built=sum(part.built for part in done),
        waiting=sum(part.waiting for part in done),
        parts=len(done),
        edges=segments.edges.version if segments.edges else None,
        behaviour=segments.model.version if segments.model else None,
        notes=segments.notes,
        left_out=tuple(f"{one.name}: {one.reason}" for one in segments.plan.left_out),
    )


def built_parts(segments: SegmentTable) -> tuple[Path, ...]:
    behaviour = segments.sources[0]
    if not behaviour.parts():
        raise NotReady(
            "There is nothing to tell segments from.",
            found=f"No features are built in {behaviour.folder}.",
            do="Run `onramp features` first.",
        )
    return behaviour.parts()


def fit_edges(home: Home, segments: SegmentTable, as_of: datetime) -> rfm.RfmEdges:
    """Fit and keep the scores' edges on the customers at `as_of`."""
    scores = segments.plan.rfm.scores if segments.plan.rfm else {}
    names = tuple(dict.fromkeys(feature.name for feature in scores.values()))
    with bounded_db(segments.table.folder) as db:
        # A score may be of a profile's column too.
        rows = sources_sql(segments.sources, names, [table.parts() for table in segments.sources])
        db.execute(f"CREATE TEMP TABLE population AS {current_sql(rows, as_of)}")
        edges = rfm.fit(db, "population", scores, version=rfm.next_version(home), as_of=as_of)
    rfm.write(home, edges)
    return edges


@dataclass(frozen=True)
class Done:
    """One part: rows written, and rows that wait for their profile."""

    built: int
    waiting: int


def new_parts(segments: SegmentTable, progress: Progress) -> Iterator[Done]:
    """Write every part that is not there yet."""
    there = {path.name for path in segments.table.parts()}
    pending = [path for path in built_parts(segments) if path.name not in there]
    with progress("segments", len(pending)) as advance:
        for path in pending:
            yield new_part(segments, path)
            advance(1)


def new_part(segments: SegmentTable, path: Path) -> Done:
    rows, waiting = read_part(segments.sources, segments.inputs, path)
    if waiting:
        return Done(0, waiting)
    checked = check(evaluate(segments, rows), segments.table)
    write_part(checked.kept, segments.table.folder / path.name)
    return Done(checked.kept.num_rows, 0)
