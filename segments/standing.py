"""How the segments stand: how many customers are in each, and how many were before."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import duckdb

from features.bounded import bounded_db
from lifecycle.errors import NotReady, UnknownName
from lifecycle.home import Home
from lifecycle.sql import identifier
from segments.file import Limits
from segments.plan import Named
from segments.population import current_sql, newest_moment, parquet, refreshes
from segments.table import SegmentTable, segment_table

# Two refreshes for one state of the data are one: Feast knows no time between two seconds.
APART = timedelta(seconds=1)

Sizes = Mapping[tuple[str, str], int]


@dataclass(frozen=True, kw_only=True)
class Standing:
    """One segment, stage or class now.

    Attributes:
        column: of the table that it is told from.
        share: of all customers; 0 when there are none.
        change: of the share since the refresh before; None when there was none.
        warning: why it is not to be acted on; empty when it may.
    """

    column: str
    name: str
    label: str
    description: str
    rule: str
    size: int
    share: float
    change: float | None
    warning: str


@dataclass(frozen=True, kw_only=True)
class SegmentsStanding:
    """All of them.

    Attributes:
        as_of, before: the newest refresh and the one before.
        customers: who would be answered for at `as_of`.
    """

    file: str
    as_of: datetime
    before: datetime | None
    customers: int
    groups: tuple[Standing, ...]
    notes: tuple[str, ...]
    left_out: tuple[str, ...]

    def named(self, name: str) -> tuple[Standing, ...]:
        """Those of a name, or of `column.name` where several have it.

        Raises:
            UnknownName: none has.
        """
        found = tuple(one for one in self.groups if name in {one.name, f"{one.column}.{one.name}"})
        if not found:
            raise UnknownName("segment", name, {one.name for one in self.groups})
        return found


def standing(home: Home) -> SegmentsStanding:
    """The segments of the newest refresh.

    Raises:
        NotReady: segments are not built as they are defined now.
        RuleError: a rule cannot be read.
    """
    segments = segment_table(home)
    refuse_unbuilt(segments)
    as_of, before = times(home, segments)
    with bounded_db(segments.table.folder) as db:
        sizes, customers = sizes_at(db, segments, as_of)
        then, were = sizes_at(db, segments, before) if before else ({}, 0)
    plan = segments.plan
    return SegmentsStanding(
        file=str(plan.file),
        as_of=as_of,
        before=before if were else None,
        customers=customers,
        groups=tuple(
            stand(column, one, (sizes, customers), (then, were), plan.limits)
            for column, one in every_group(segments)
        ),
        notes=segments.notes,
        left_out=tuple(f"{one.name}: {one.reason}" for one in plan.left_out),
    )


def refuse_unbuilt(segments: SegmentTable) -> None:
    """Raise NotReady unless there are rows by the definition of now."""
    if not segments.table.parts():
        raise NotReady(
            "The segments are not built as they are defined now.",
            found=f"No parts in {segments.table.folder}.",
            do="Run `onramp segments refresh`.",
        )


def times(home: Home, segments: SegmentTable) -> tuple[datetime, datetime | None]:
    """The newest refresh and the one before."""
    known = refreshes(home)
    if not known:
        return newest_moment(segments.table.parts()), None
    return known[0], next((time for time in known if known[0] - time >= APART), None)


def every_group(segments: SegmentTable) -> Iterator[tuple[str, Named]]:
    """Each segment, stage and class with its column."""
    for one in segments.plan.segments:
        yield f"segment_{one.name}", one
    for column, groups in segments.groups:
        for one in groups:
            yield column, one


def sizes_at(
    db: duckdb.DuckDBPyConnection, segments: SegmentTable, as_of: datetime
) -> tuple[Sizes, int]:
    """(column, group) → customers in it at a time, and customers in all."""
    rows = f"SELECT * FROM {parquet(segments.table.parts())}"
    db.execute(f"CREATE OR REPLACE TEMP TABLE now AS {current_sql(rows, as_of)}")
    ((customers,),) = db.execute("SELECT count(*) FROM now").fetchall()
    sizes: dict[tuple[str, str], int] = {}
    for one in segments.plan.segments:
        column = f"segment_{one.name}"
        ((size,),) = db.execute(f"SELECT sum({identifier(column)}) FROM now").fetchall()
        sizes[column, one.name] = int(size or 0)
    for column, _ in segments.groups:
        sizes |= by_group(db, column)
    return sizes, int(customers)


def by_group(db: duckdb.DuckDBPyConnection, column: str) -> Sizes:
    name = identifier(column)
    rows: Sequence[tuple[str, int]] = db.execute(
        f"SELECT {name}, count(*) FROM now WHERE {name} IS NOT NULL GROUP BY ALL"
    ).fetchall()
    return {(column, group): size for group, size in rows}


def stand(
    column: str, one: Named, now: tuple[Sizes, int], then: tuple[Sizes, int], limits: Limits
) -> Standing:
    """One group against all customers, now and before."""
    size = now[0].get((column, one.name), 0)
    share, was = share_of(column, one, now), share_of(column, one, then)
    return Standing(
        column=column, name=one.name, label=one.label, description=one.description,
        rule=one.rule.text if one.rule else "otherwise", size=size, share=share,
        change=share - was if then[1] else None,
        warning=too_small(size, share, limits) if now[1] else "",
    )  # fmt: skip


def share_of(column: str, one: Named, at: tuple[Sizes, int]) -> float:
    sizes, customers = at
    return sizes.get((column, one.name), 0) / customers if customers else 0.0


def too_small(size: int, share: float, limits: Limits) -> str:
    """Why a group is too small to be acted on; empty when it is not."""
    if size < limits.least_customers:
        return f"too small: fewer than {limits.least_customers} customers"
    if share < limits.least_share:
        return f"too small: less than {limits.least_share:.1%} of the customers"
    return ""
