"""What an ingestion did, in numbers that add up."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path


@dataclass(frozen=True, kw_only=True)
class TableReport:
    """What came of one table of the TOML file in this run.

    Attributes:
        table: its place there, such as `events.clicks`.
        sources_new: files or query answers read now.
        sources_known: files that were in the store already, and were not read.
        rows_read: always `rows_kept + rows_quarantined`.
        reasons: reason → rows in quarantine.
        blanked: column → infinite numbers that became missing values, in kept rows.
        clamped: kept rows whose own time lay after their receipt by no more than the clock
            skew, and was set to it.
        customers_new: customers whom these events showed for the first time.
    """

    table: str
    sources_new: int = 0
    sources_known: int = 0
    rows_read: int = 0
    rows_kept: int = 0
    rows_quarantined: int = 0
    reasons: Mapping[str, int] = field(default_factory=dict)
    blanked: Mapping[str, int] = field(default_factory=dict)
    clamped: int = 0
    customers_new: int = 0


@dataclass(frozen=True, kw_only=True)
class IngestReport:
    """What came of every table, and the sums.

    Attributes:
        notes: what the user should know, one sentence each.
    """

    dataset: str
    home: Path
    tables: tuple[TableReport, ...]
    rows_read: int
    rows_kept: int
    rows_quarantined: int
    reasons: Mapping[str, int]
    notes: tuple[str, ...]
    seconds: float

    def lines(self) -> list[str]:
        """What a person reads."""
        new = sum(table.sources_new for table in self.tables)
        known = sum(table.sources_known for table in self.tables)
        reasons = [f"  quarantined, {reason}: {n:,}" for reason, n in self.reasons.items()]
        return [
            (
                f"{self.dataset}: {new:,} new sources, {known:,} known; "
                f"{self.rows_read:,} rows read = {self.rows_kept:,} kept + "
                f"{self.rows_quarantined:,} quarantined ({self.seconds:.1f} s)"
            ),
            *reasons,
            *(f"  {note}" for note in self.notes),
        ]


def add(first: Mapping[str, int], second: Mapping[str, int]) -> dict[str, int]:
    """Sums by key, largest first."""
    sums = {key: first.get(key, 0) + second.get(key, 0) for key in {*first, *second}}
    return dict(sorted(sums.items(), key=lambda item: (-item[1], item[0])))


def add_tables(first: TableReport, second: TableReport) -> TableReport:
    """Two batches of one table as one."""
    numbers = (
        "sources_new", "sources_known", "rows_read", "rows_kept", "rows_quarantined", "clamped",
        "customers_new",
    )  # fmt: skip
    return TableReport(
        table=first.table,
        reasons=add(first.reasons, second.reasons),
        blanked=add(first.blanked, second.blanked),
        **{name: getattr(first, name) + getattr(second, name) for name in numbers},
    )


def report(
    dataset: str,
    home: Path,
    tables: tuple[TableReport, ...],
    notes: tuple[str, ...],
    seconds: float,
) -> IngestReport:
    reasons: dict[str, int] = {}
    for table in tables:
        reasons = add(reasons, table.reasons)
    return IngestReport(
        dataset=dataset,
        home=home,
        tables=tables,
        rows_read=sum(table.rows_read for table in tables),
        rows_kept=sum(table.rows_kept for table in tables),
        rows_quarantined=sum(table.rows_quarantined for table in tables),
        reasons=reasons,
        notes=notes,
        seconds=seconds,
    )
