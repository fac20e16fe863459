"""Moments: the (customer, time) pairs at which we may ask a model something.

A moment has come, and a label is ripe, by the *watermark*: when the newest row that was received
by `as_of` was received. Of the time after it nothing is known: with the pipe down, everybody would
look as if they had left.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

import duckdb
import pandas as pd

from lifecycle.dataset import DataSet
from lifecycle.event_store import EventStore
from lifecycle.home import Home
from lifecycle.task import Task

# How long after sign-up a customer is new, and so has a fresh row in the online store.
ONBOARDING_DAYS = 60


def moments(home: Home, task: Task, as_of: datetime) -> pd.DataFrame:
    """The task's moments that are due by the watermark of `as_of`, by time and customer.

    Returns:
        customer_id, event_timestamp, signed_up_at; times in UTC.
    """
    dataset = home.dataset()
    with EventStore(home).connect(dataset) as db:
        return read(db, f"SELECT * FROM ({due_sql(dataset, task.moments, as_of)}) "
                    "ORDER BY event_timestamp, customer_id")  # fmt: skip


def watermark(home: Home, as_of: datetime) -> datetime | None:
    """Until when the events are known at `as_of`; None when nothing was received by then."""
    with EventStore(home).connect(home.dataset()) as db:
        found = db.execute(f"SELECT {watermark_sql(as_of)}").fetchone()
    known: datetime | None = found[0] if found else None
    return known.replace(tzinfo=UTC) if known else None


def watermark_sql(as_of: datetime) -> str:
    """One value: the newest `received_at` up to `as_of`, of either table; NULL without any row."""
    return f"""(
SELECT max(received_at) FROM (
  SELECT received_at FROM events UNION ALL SELECT received_at FROM customers
) WHERE received_at <= {timestamp(as_of)})"""


def sign_ups_sql(dataset: DataSet, as_of: datetime, customers: str = "customers") -> str:
    """SELECT customer_id, signed_up_at of the new customers we know of.

    The sign-up in the version that was received first counts: a later correction moves no
    moment that a model may already have been asked at.
    """
    new = ""
    if dataset.new_since is not None:
        new = f"WHERE signed_up_at >= TIMESTAMP '{dataset.new_since} 00:00:00'"
    return f"""
SELECT customer_id, signed_up_at FROM (
  SELECT customer_id, signed_up_at FROM {customers}
  WHERE received_at <= {timestamp(as_of)} AND signed_up_at IS NOT NULL
  QUALIFY row_number() OVER (PARTITION BY customer_id ORDER BY received_at, signed_up_at) = 1
) {new}"""


def due_sql(dataset: DataSet, days: Sequence[int], as_of: datetime) -> str:
    """SELECT customer_id, event_timestamp, signed_up_at of the moments before the watermark."""
    return training_sql(f"({sign_ups_sql(dataset, as_of)})", days, watermark_sql(as_of))


def training_sql(sign_ups: str, days: Sequence[int], until: str, who: str = "customer_id") -> str:
    """The same over any relation of sign-ups and a watermark, as SQL, by any column of theirs."""
    listed = ", ".join(str(int(day)) for day in sorted(set(days)))
    return f"""
SELECT {who}, signed_up_at + to_days(day::INTEGER) AS event_timestamp, signed_up_at
FROM {sign_ups} CROSS JOIN unnest([{listed}]) AS d(day)
WHERE signed_up_at + to_days(day::INTEGER) <= {until}"""


def onboarding_sql(
    sign_ups: str, days: Sequence[int], as_of: datetime, until: datetime | None
) -> str:
    """SELECT n, event_timestamp, signed_up_at: everybody who is still new, at `as_of`.

    Whose training moment is `as_of` itself, beyond the watermark, is taken a microsecond before:
    that moment is still to be built, of what will have been received by then.

    Args:
        sign_ups: a relation of n, which stands for a customer, and signed_up_at.
        days: of the training moments, after sign-up; nobody who has one ahead is left out.
        as_of: the moment of the snapshot.
        until: the watermark.
    """
    now, reach = timestamp(as_of), max((ONBOARDING_DAYS, *days))
    ages = ", ".join(f"to_days({int(day)})" for day in (*days, -1))
    beyond = "true" if until is not None and as_of > until else "false"
    return f"""
SELECT n,
  CASE WHEN {beyond} AND {now} - signed_up_at IN ({ages})
    THEN {now} - INTERVAL 1 MICROSECOND ELSE {now} END AS event_timestamp,
  signed_up_at
FROM {sign_ups}
WHERE signed_up_at <= {now} AND signed_up_at >= {now} - INTERVAL {int(reach)} DAY"""


def timestamp(when: datetime) -> str:
    """A UTC time as a naive SQL timestamp."""
    naive = when.astimezone(UTC).replace(tzinfo=None)
    return f"TIMESTAMP '{naive.isoformat(sep=' ', timespec='microseconds')}'"


def read(db: duckdb.DuckDBPyConnection, sql: str) -> pd.DataFrame:
    """Run a query; its naive UTC times come back aware, in microseconds."""
    frame = db.execute(sql).df()
    for name in frame.columns:
        if pd.api.types.is_datetime64_dtype(frame[name]):
            frame[name] = frame[name].astype("datetime64[us]").dt.tz_localize("UTC")
    return frame


def horizon_sql(horizon: timedelta) -> str:
    return f"to_microseconds({horizon // timedelta(microseconds=1)})"
