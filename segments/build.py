"""Compute the segments of every built moment that has none yet.

One part of behaviour gives one part of segments, by the same name, so that what is done is known
without reading: a part is told anew when it is older than the parts of features that it was told
from, of which a check has set rows aside. Killed, a build leaves whole parts, and the next one goes
on from there. A row is a function of the feature row of the same moment and of nothing else, so it
knows nothing that the features did not know.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from features.bounded import bounded_db
from features.check import check
from features.tables import Table, write_part
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
        quarantined: rows out of bounds, set aside with their reasons.
        waiting: moments whose profile is not built; the next build takes them up.
        edges: version of the scores' edges; None without scores.
        notes: what is to be known before the segments are used.
        left_out: what the shipped file names and this data set cannot carry, with reasons.
    """

    as_of: datetime
    definition: str
    segments: int
    built: int
    quarantined: int
    waiting: int
    parts: int
    edges: int | None
    behaviour: str | None
    notes: tuple[str, ...]
    left_out: tuple[str, ...]

    def lines(self) -> list[str]:
        """What a person reads."""
        aside = f", {self.quarantined:,} quarantined" if self.quarantined else ""
        waiting = f", {self.waiting:,} wait for their profile" if self.waiting else ""
        learnt = f", behaviour {self.behaviour}" if self.behaviour else ""
        scores = f", scores by edges {self.edges}" if self.edges else ""
        return [
            (
                f"segments: {self.segments} rules{scores}{learnt}; {self.built:,} rows built"
                f"{aside}{waiting}"
            ),
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
        quarantined=sum(part.quarantined for part in done),
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
    """One part: rows written, rows out of bounds, and rows that wait for their profile."""

    built: int = 0
    quarantined: int = 0
    waiting: int = 0


def new_parts(segments: SegmentTable, progress: Progress) -> Iterator[Done]:
    """Write every part that is not there yet, or is outdated."""
    pending = pending_parts(segments.table, built_parts(segments), segments.sources[1].parts())
    with progress("segments", len(pending)) as advance:
        for path in pending:
            yield new_part(segments, path)
            advance(1)


def pending_parts(
    table: Table, behaviour: Sequence[Path], profiles: Sequence[Path]
) -> tuple[Path, ...]:
    """The parts of behaviour whose segments are not told, or were told of what has changed since.

    A profile's part of the same name holds the same moments; without one they lie in those that
    no part of behaviour is the namesake of.
    """
    written = {path.name: path.stat().st_mtime_ns for path in table.parts()}
    known = {path.name: path.stat().st_mtime_ns for path in profiles}
    others = set(known) - {path.name for path in behaviour}
    newest = max((known[name] for name in others), default=0)
    return tuple(
        path
        for path in behaviour
        if written.get(path.name, -1) < max(path.stat().st_mtime_ns, known.get(path.name, newest))
    )


def new_part(segments: SegmentTable, path: Path) -> Done:
    rows, waiting = read_part(segments.sources, segments.inputs, path)
    if waiting:
        return Done(waiting=waiting)
    checked = check(evaluate(segments, rows), segments.table)
    # Rejects first: killed between the two, the next build tells the part again.
    if checked.rejected.num_rows:
        write_part(checked.rejected, segments.table.quarantine / path.name)
    write_part(checked.kept, segments.table.folder / path.name)
    return Done(built=checked.kept.num_rows, quarantined=checked.rejected.num_rows)
