"""A customer's features at a moment, by their definitions, of what had arrived by each time.

A built row knows what the event store held when it was built. What came in since, and says of
itself that it was received before the moment, would make another row of the same moment: a file
that was brought in a day late does. Both rows are right, each for its day. Here they are told
from rows that are wrong: computed anew from the event store, for every state of it that a build
of the moment can have met.

When a row arrived is when its part was written. It is asked for a few hundred moments at most,
and reads the event store once.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

import duckdb
import pandas as pd

from features.moments import sign_ups_sql, timestamp
from features.spans import micros, read_span
from features.tables import tables
from lifecycle.dataset import Column, DataSet
from lifecycle.event_store import CUSTOMER_COLUMNS, EVENT_COLUMNS, EventStore, view_sql
from lifecycle.home import Home

MOST_STATES = 20  # of one moment, the newest: more rows of one customer hardly ever come one by one
FAR = datetime(9999, 1, 1, tzinfo=UTC)

STATES = f"""
CREATE TABLE states AS
SELECT row_number() OVER (ORDER BY place, arrived_by) - 1 AS k, * FROM (
  SELECT place, customer_id, moment, ready AS arrived_by FROM asked
  UNION
  SELECT place, customer_id, moment, arrived FROM asked JOIN (
    SELECT customer_id, arrived, received_at FROM event_rows UNION ALL
    SELECT customer_id, arrived, NULL FROM customer_rows
  ) USING (customer_id) WHERE arrived > ready AND coalesce(received_at <= moment, true)
) QUALIFY row_number() OVER (PARTITION BY place ORDER BY arrived_by DESC) <= {MOST_STATES};
CREATE VIEW events AS
SELECT k AS customer_id, e.* EXCLUDE (customer_id, arrived)
FROM event_rows e JOIN states USING (customer_id) WHERE arrived <= arrived_by;
CREATE VIEW customers AS
SELECT k AS customer_id, c.* EXCLUDE (customer_id, arrived)
FROM customer_rows c JOIN states USING (customer_id) WHERE arrived <= arrived_by"""


def states(home: Home, asked: pd.DataFrame) -> pd.DataFrame:
    """Every vector that a build can have made of each moment, and by when what it knew was there.

    Args:
        home: with an event store.
        asked: customer_id, event_timestamp (aware).

    Returns:
        place (row of `asked`), arrived_by (aware), then the features; by place and time, so that
        the last of a place is what the event store says today. A moment whose customer had not
        signed up, as far as was known, has no row.
    """
    dataset = home.dataset()
    found = EventStore(home).snapshot()
    with duckdb.connect() as db:
        db.execute("SET TimeZone = 'UTC'; SET enable_progress_bar = false")
        moments = asked["event_timestamp"].dt.tz_convert("UTC").dt.as_unit("us")
        people = pd.DataFrame(
            {
                "place": range(len(asked)),
                "customer_id": asked["customer_id"].to_numpy(),
                "moment": moments.dt.tz_localize(None).to_numpy(),
                "ready": ready(dataset, found.events + found.customers, moments),
            }
        )
        db.register("people", people)
        db.execute("CREATE TABLE asked AS SELECT * FROM people")
        until = f"received_at <= '{moments.max()}'"
        load(db, "event_rows", found.events, (EVENT_COLUMNS, dataset.properties), until)
        load(db, "customer_rows", found.customers, (CUSTOMER_COLUMNS, dataset.profile), "true")
        db.execute(STATES)
        db.execute(
            "CREATE TABLE moments AS SELECT k, k AS customer_id, moment, signed_up_at FROM states"
            f" JOIN ({sign_ups_sql(dataset, FAR)}) AS u ON u.customer_id = k"
        )
        result = db.execute("SELECT k, place, arrived_by FROM states ORDER BY k").df()
        for table in tables(home, dataset):
            names = [feature.name for feature in table.features]
            rows = db.sql(table.sql).df().rename(columns={"customer_id": "k"})
            result = result.merge(rows[["k", *names]], on="k", validate="one_to_one")
    result["arrived_by"] = result["arrived_by"].dt.tz_localize("UTC")
    return result.drop(columns="k")


def load(
    db: duckdb.DuckDBPyConnection,
    name: str,
    parts: Sequence[Path],
    shape: tuple[Sequence[str], dict[str, Column]],
    where: str,
) -> None:
    """Make a table of what the parts hold of the customers that are asked for, with `arrived`."""
    shown = "SELECT {} AS arrived, v.* FROM ({}) AS v SEMI JOIN asked USING (customer_id)"
    db.execute(f"CREATE TABLE {name} AS {shown.format('NULL::TIMESTAMP', view_sql([], *shape))}")
    for part in parts:
        rows = view_sql([part], *shape, where)
        db.execute(f"INSERT INTO {name} {shown.format(timestamp(written(part)), rows)}")


def ready(dataset: DataSet, parts: Sequence[Path], moments: pd.Series[datetime]) -> list[datetime]:
    """From when on a build can have made each moment, naive UTC.

    On the wall clock no earlier than the moment itself. A data set of the past has its own
    clock, which comes to the moment with the first row that was received then or later.
    """
    if dataset.clock == "wall":
        return [moment.replace(tzinfo=None) for moment in moments]
    spans = [(written(part), read_span(part, "received_at").last) for part in parts]
    newest = max((last for _, last in spans if last is not None), default=0)
    found = []
    for moment in moments:
        least = min(micros(moment), newest)
        there = [when for when, last in spans if last is None or last >= least]
        found.append(min(there, default=FAR).replace(tzinfo=None))
    return found


def written(part: Path) -> datetime:
    return datetime.fromtimestamp(part.stat().st_mtime, UTC)
