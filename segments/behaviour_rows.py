"""Whom behaviour segments are learnt from: each customer once, at the newest built moment."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime

import numpy as np
import pyarrow as pa

from features.bounded import bounded_db
from features.feature import Feature
from features.moments import timestamp
from features.tables import Table, keys_sql, tables
from lifecycle.errors import NotReady
from lifecycle.home import Home
from lifecycle.sql import identifier, literal
from segments.behaviour_choice import Chosen
from segments.behaviour_model import Column, Matrix, on_scale, scaled

# More customers make no better centres, only more minutes.
MOST_CUSTOMERS = 20_000
LEAST_CUSTOMERS = 100

# What lies beyond is held at these quantiles: a centre shall not chase one odd customer.
HELD = (0.01, 0.99)
# … and a gap counts as this one.
GAP = {"lowest": 0.0, "median": 0.5, "highest": 1.0}


@dataclass(frozen=True, kw_only=True)
class Snapshot:
    """The rows.

    Attributes:
        rows: customer_id, event_timestamp, the features; by customer.
        customers: how many there are in all; the rows are a sample by a hash of the id, so that
            a customer who is in stays in.
    """

    rows: pa.Table
    customers: int

    def digest(self, features: Sequence[str]) -> str:
        """Hash of who is in it and what these features say of them."""
        hashed = hashlib.sha256()
        for name in ("customer_id", *features):
            hashed.update(name.encode())
            column = self.rows[name].to_pylist()
            hashed.update("\n".join(map(repr, column)).encode())
        return hashed.hexdigest()[:16]


def behaviour_table(home: Home) -> Table:
    found = tables(home, home.dataset())
    return next(table for table in found if table.view == "customer_behaviour")


def snapshot(home: Home, as_of: datetime, most: int = MOST_CUSTOMERS) -> Snapshot:
    """The newest built row of each customer up to `as_of`.

    Raises:
        NotReady: the features are not built, or of too few customers.
    """
    table = behaviour_table(home)
    parts = table.parts()
    with bounded_db(table.folder) as db:
        db.execute(
            "CREATE TEMP TABLE newest AS SELECT customer_id, max(event_timestamp) AS moment "
            f"FROM ({keys_sql(parts)}) WHERE event_timestamp <= {timestamp(as_of)} GROUP BY ALL"
        )
        there = int(db.execute("SELECT count(*) FROM newest").fetchall()[0][0])
        refuse_too_few(there, table, as_of)
        rows = db.sql(rows_sql(parts_sql(table), table.features, most)).to_arrow_table()
    return Snapshot(rows=rows.replace_schema_metadata(None), customers=there)


def refuse_too_few(customers: int, table: Table, as_of: datetime) -> None:
    if customers < LEAST_CUSTOMERS:
        raise NotReady(
            "There are too few customers to find behaviour segments among.",
            found=f"{customers} have a built row of {table.view} by {as_of:%Y-%m-%d %H:%M} UTC; "
            f"{LEAST_CUSTOMERS} are needed.",
            do="Ingest more customers, and run `onramp features`.",
        )


def parts_sql(table: Table) -> str:
    files = ", ".join(literal(str(path)) for path in table.parts())
    return f"read_parquet([{files}])"


def rows_sql(parts: str, features: Sequence[Feature], most: int) -> str:
    """The sampled customers' rows: keys are chosen first, the wide rows fetched late."""
    wanted = [f"p.{identifier(one.name)}" for one in features if one.type == "number"]
    columns = ", ".join(["p.customer_id", "p.event_timestamp", *wanted])
    return f"""
SELECT {columns} FROM {parts} p JOIN (
  SELECT * FROM newest ORDER BY md5(customer_id), customer_id LIMIT {int(most)}
) s ON p.customer_id = s.customer_id AND timezone('UTC', p.event_timestamp) = s.moment
ORDER BY p.customer_id"""


def fit_columns(raw: Matrix, chosen: Sequence[Chosen]) -> tuple[Column, ...]:
    """Learn how each feature enters; what is the same of all customers stays out.

    Args:
        raw: shape (customers, chosen), NaN where missing.
        chosen: the features, in the order of the columns of `raw`.
    """
    found = [fit_column(raw[:, at], one) for at, one in enumerate(chosen)]
    fitted = [column for column in found if column is not None]
    on_side = {one.side: sum(other.side == one.side for other in fitted) for one in fitted}
    return tuple(
        replace(column, weight=float(1 / np.sqrt(on_side[column.side]))) for column in fitted
    )


def fit_column(raw: Matrix, chosen: Chosen) -> Column | None:
    values = scaled(raw, chosen.scale)
    known = values[~np.isnan(values)]
    if len(known) == 0:
        return None
    fill = np.quantile(known, GAP[chosen.missing])
    low, high = np.quantile(np.where(np.isnan(values), fill, values), HELD)
    column = Column(
        feature=chosen.feature.name, definition=chosen.feature.definition, side=chosen.side,
        scale=chosen.scale, fill=float(fill), low=float(low), high=float(high), mean=0.0, sd=1.0,
        weight=1.0, high_words=chosen.high, low_words=chosen.low,
    )  # fmt: skip
    held = on_scale(raw[:, None], (column,))[:, 0]
    sd = float(held.std())
    # A spread of rounding errors is none.
    if sd <= 1e-9 * max(1.0, abs(low), abs(high)):
        return None
    return replace(column, mean=float(held.mean()), sd=sd)
