"""DuckDB over built parts, bounded in memory; what does not fit goes to disk below the home."""

from __future__ import annotations

from pathlib import Path
from uuid import uuid4

import duckdb

MEMORY = "2GiB"


def bounded_db(folder: Path) -> duckdb.DuckDBPyConnection:
    """A database in memory: times in UTC, nothing printed.

    Args:
        folder: of a table's parts, `home.features/<view>/<definition>`.
    """
    # Two readers never share a folder: DuckDB gives its files the same names. It makes the folder
    # when it needs it, and removes it when it closes.
    spill = folder.parents[1] / f"spill-{uuid4().hex}"
    db = duckdb.connect(config={"memory_limit": MEMORY, "temp_directory": str(spill)})
    db.execute("SET TimeZone = 'UTC'; SET enable_progress_bar = false")
    return db
