"""The demo's pipe hands days over in order and none before its time."""

from __future__ import annotations

from datetime import date
from pathlib import Path

from onramp.delivery import deliver


def test_days_come_when_they_are_due(tmp_path: Path) -> None:
    """Each file is delivered once, on its day, and the truth never."""
    for table in ("customers", "events", "truth"):
        (tmp_path / "pool" / table).mkdir(parents=True)
        for day in ("2026-01-01", "2026-01-02", "2026-01-03"):
            (tmp_path / "pool" / table / f"{day}.parquet").write_text(day)
    pool, drop = tmp_path / "pool", tmp_path / "drop"
    assert deliver(pool, drop, date(2026, 1, 1)) == 2
    assert deliver(pool, drop, date(2026, 1, 2)) == 2
    assert deliver(pool, drop, date(2026, 1, 2)) == 0
    assert sorted(str(path.relative_to(drop)) for path in drop.rglob("*.parquet")) == [
        "customers/2026-01-01.parquet",
        "customers/2026-01-02.parquet",
        "events/2026-01-01.parquet",
        "events/2026-01-02.parquet",
    ]
