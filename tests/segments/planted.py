"""Homes whose built behaviour rows are written by hand, so that their segments are known."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from pathlib import Path

import numpy as np
import pyarrow as pa

from features.tables import write_part
from lifecycle.home import Home
from segments.behaviour_rows import behaviour_table
from tests.features.canonical import AS_OF, settle

# Typical values of three kinds of customers, and how far each customer is from them.
BUSY, GONE, BUYER = 0, 1, 2
TYPICAL = {
    "events_per_day_7d": (9.0, 0.2, 3.0),
    "active_days_7d": (6.0, 0.5, 3.0),
    "sessions_7d": (12.0, 0.4, 4.0),
    "days_since_last_activity": (0.2, 20.0, 2.0),
    "distinct_events_30d": (5.0, 1.0, 3.0),
    "session_minutes_mean_30d": (30.0, 2.0, 8.0),
    "value_sum_30d": (5.0, 0.5, 300.0),
    "share_video_30d": (0.8, 0.5, 0.1),
}
SPREAD = 0.1


def kinds(sizes: Sequence[int]) -> np.ndarray:
    """The kind of each customer, in no order of kinds."""
    return np.random.default_rng(5).permutation(np.repeat(np.arange(len(sizes)), sizes))


def planted(kind: np.ndarray, seed: int = 0) -> dict[str, np.ndarray]:
    """Feature → value of each customer, close to what is typical of the kind."""
    rng = np.random.default_rng(seed)
    return {
        name: np.array(typical)[kind] * np.exp(SPREAD * rng.standard_normal(len(kind)))
        for name, typical in TYPICAL.items()
    }


def noise(customers: int, seed: int = 0) -> dict[str, np.ndarray]:
    """The same features, of one kind of customers who differ in everything by chance."""
    rng = np.random.default_rng(seed)
    return {name: np.exp(rng.standard_normal(customers)) for name in TYPICAL}


def names_of(customers: int) -> list[str]:
    return [f"c{n:05d}" for n in range(customers)]


def write(home: Home, values: Mapping[str, Sequence[float | None] | np.ndarray],
          moment: datetime = AS_OF, part: str = "p") -> None:  # fmt: skip
    """Write built rows of one moment; features that are not named are 0."""
    table = behaviour_table(home)
    rows = len(next(iter(values.values())))
    columns: dict[str, object] = {name: values.get(name, np.zeros(rows)) for name in
                                  (feature.name for feature in table.features)}  # fmt: skip
    columns |= {"customer_id": names_of(rows), "event_timestamp": [moment] * rows,
                "created_at": [moment] * rows}  # fmt: skip
    columns[table.marker] = [moment.timestamp() * 1e6] * rows
    arrays = [pa.array(columns[field.name], field.type, from_pandas=True) for field in table.schema]
    write_part(pa.table(arrays, schema=table.schema), table.folder / f"{part}.parquet")


def home_of(root: Path, values: Mapping[str, np.ndarray]) -> Home:
    home = settle(root)
    write(home, values)
    return home


LATER = AS_OF + timedelta(days=7)
