"""Where built features lie: one folder a view and definition, Parquet parts that appear by rename.

A part is whole or not there. Another definition of the view is another folder, so that a rebuild
never touches rows that somebody reads; `sweep` removes the old ones once nobody does.
"""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from features.catalogue import catalogue
from features.feature import VIEWS, Feature, View
from features.sql import fingerprint, view_sql
from lifecycle.dataset import DataSet
from lifecycle.home import Home
from lifecycle.sql import literal

# How old a row may be and still answer, offline and online: a nightly build may fail twice.
TTL = timedelta(days=3)

ARROW_TYPES = {"number": pa.float64(), "category": pa.string()}
TIME = pa.timestamp("us", tz="UTC")


@dataclass(frozen=True, kw_only=True)
class Table:
    """One view of one data set, as it is computed and stored.

    Attributes:
        marker: the column that carries the moment to the online store. Feast's online stores
            keep whole seconds; a double holds microseconds exactly until the year 2255. Its name
            holds the definition, so that values of an older definition are never taken for new.
    """

    view: View
    features: tuple[Feature, ...]
    sql: str
    marker: str
    folder: Path
    quarantine: Path

    @property
    def schema(self) -> pa.Schema:
        return pa.schema(
            [
                ("customer_id", pa.string()),
                ("event_timestamp", TIME),
                ("created_at", TIME),
                *((feature.name, ARROW_TYPES[feature.type]) for feature in self.features),
                (self.marker, pa.float64()),
            ]
        )

    @property
    def pattern(self) -> str:
        """Glob over the parts."""
        return str(self.folder / "*.parquet")

    def parts(self) -> tuple[Path, ...]:
        return tuple(sorted(self.folder.glob("*.parquet")))

    def rejected(self) -> tuple[Path, ...]:
        return tuple(sorted(self.quarantine.glob("*.parquet")))


def tables(home: Home, dataset: DataSet) -> tuple[Table, ...]:
    """The tables that the data set's catalogue asks for."""
    features = catalogue(dataset)
    return tuple(
        table_of(home, dataset, view, tuple(f for f in features if f.view == view))
        for view in VIEWS
    )


def table_of(home: Home, dataset: DataSet, view: View, features: tuple[Feature, ...]) -> Table:
    sql = view_sql(view, features, dataset)
    name = fingerprint(f"{dataset.new_since}\n{sql}")
    marker = f"{view}_moment_{name[:8]}"
    return Table(
        view=view,
        features=features,
        sql=f"SELECT *, epoch_us(event_timestamp)::DOUBLE AS {marker} FROM ({sql})",
        marker=marker,
        folder=home.features / view / name,
        quarantine=home.quarantine / "features" / view / name,
    )


def keys_sql(paths: Sequence[Path], where: str = "true") -> str:
    """SELECT customer_id, event_timestamp (naive UTC) of the rows in the parts.

    Args:
        paths: the parts.
        where: on the columns as they are on disk, so that statistics skip row groups.
    """
    if not paths:
        return "SELECT NULL::VARCHAR AS customer_id, NULL::TIMESTAMP AS event_timestamp WHERE false"
    files = ", ".join(literal(str(path)) for path in paths)
    return (
        "SELECT customer_id, timezone('UTC', event_timestamp) AS event_timestamp "
        f"FROM read_parquet([{files}]) WHERE {where}"
    )


def write_part(rows: pa.Table, path: Path) -> None:
    """Write a part; it appears whole."""
    path.parent.mkdir(parents=True, exist_ok=True)
    unfinished = path.with_suffix(".unfinished")
    pq.write_table(rows, unfinished, compression="zstd", row_group_size=100_000)
    unfinished.replace(path)


def scratch(home: Home) -> Path:
    """Where a build lays out what it works on; nothing in it outlives a build."""
    return home.features / "scratch"


def sweep(home: Home, keep: Sequence[Table]) -> tuple[Path, ...]:
    """Remove the folders of definitions that are no longer wanted; returns them."""
    wanted = {table.folder for table in keep}
    gone = tuple(
        folder
        for folder in sorted(home.features.glob("*/*"))
        if folder.is_dir() and folder not in wanted and folder.parent != scratch(home)
    )
    for folder in gone:
        shutil.rmtree(folder)
    return gone
