"""The pipe of the demo: hands over a simulated history day by day, as a real one would."""

from __future__ import annotations

import shutil
from datetime import date
from pathlib import Path

TABLES = ("customers", "events")


def deliver(source: Path, drop: Path, until: date) -> int:
    """Copy the daily files up to `until` into the drop folder; returns how many were new."""
    new = 0
    for table in TABLES:
        folder = drop / table
        folder.mkdir(parents=True, exist_ok=True)
        for file in sorted((source / table).glob("*.parquet")):
            if file.stem <= until.isoformat() and not (folder / file.name).exists():
                shutil.copyfile(file, folder / file.name)
                new += 1
    return new
