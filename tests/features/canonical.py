"""Canonical tables written by hand: what ingestion would leave, without ingestion."""

from __future__ import annotations

import shutil
import uuid
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from lifecycle.dataset import DataSet
from lifecycle.event_store import CUSTOMER_COLUMNS, EVENT_COLUMNS, EventStore, Part, Source, Table
from lifecycle.home import Home

TIME = pa.timestamp("us", tz="UTC")
ARROW = {"number": pa.float64(), "category": pa.string(), "boolean": pa.bool_()}
START = datetime(2026, 1, 1, tzinfo=UTC)

Row = Mapping[str, Any]

TOML = """
name = "toy"
title = "A toy"
source = "made up"
clock = "data"

[vocabulary]
events = ["login", "view_article", "view_video", "share_video", "buy", "ping"]
activity = ["login", "view_article", "view_video", "share_video", "buy"]
key_actions = ["buy", "share_video"]

[vocabulary.content]
view_article = "article"
view_video = "video"
share_video = "video"

[properties]
session_id = { type = "category", meaning = "the session" }
item = { type = "category", meaning = "the item" }
value = { type = "number", meaning = "the amount paid", unit = "EUR" }

[profile]
country = { type = "category", meaning = "the country" }
age = { type = "number", meaning = "the age", unit = "years", at_least = 0, at_most = 120 }
newsletter = { type = "boolean", meaning = "takes the newsletter" }

[leaks]
churned_on = "known only afterwards"
"""


def days(number: float) -> timedelta:
    return timedelta(microseconds=round(number * 86_400_000_000))


def customer(customer_id: str, signed_up_at: datetime, **columns: Any) -> Row:
    """A row of customers, known at sign-up unless `received_at` says otherwise."""
    return {
        "customer_id": customer_id, "signed_up_at": signed_up_at, "received_at": signed_up_at,
        **columns,
    }  # fmt: skip


def event(customer_id: str, name: str, occurred_at: datetime, **columns: Any) -> Row:
    """A row of events, received at once unless `received_at` says otherwise."""
    return {
        "event_id": uuid.uuid4().hex, "customer_id": customer_id, "event": name,
        "occurred_at": occurred_at, "received_at": occurred_at, **columns,
    }  # fmt: skip


def table_of(rows: Sequence[Row], holds: Table, dataset: DataSet) -> pa.Table:
    fixed = EVENT_COLUMNS if holds == "events" else CUSTOMER_COLUMNS
    columns = dataset.properties if holds == "events" else dataset.profile
    schema = pa.schema(
        [(name, TIME if name.endswith("_at") else pa.string()) for name in fixed]
        + [(name, ARROW[column.type]) for name, column in columns.items()]
    )
    return pa.table({name: [row.get(name) for row in rows] for name in schema.names}, schema=schema)


def commit(home: Home, holds: Table, rows: pa.Table) -> None:
    """Commit one Parquet part, as ingestion does."""
    folder = home.events if holds == "events" else home.customers
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{uuid.uuid4().hex}.parquet"
    pq.write_table(rows, path)
    source = Source(
        fingerprint=path.stem, name=path.name, feeds=holds, rows_read=rows.num_rows,
        rows_kept=rows.num_rows, rows_quarantined=0, reasons="{}",
    )  # fmt: skip
    part = Part(path=str(path.relative_to(home.root)), holds=holds, rows=rows.num_rows)
    EventStore(home).commit([source], [part])


def settle(home: Home, toml: Path) -> DataSet:
    """Give the home its data set."""
    home.root.mkdir(parents=True, exist_ok=True)
    shutil.copy(toml, home.dataset_file)
    return home.dataset()


def fill(home: Home, customers: Sequence[Row], events: Sequence[Row]) -> None:
    """Commit rows to both tables of a settled home."""
    dataset = home.dataset()
    if customers:
        commit(home, "customers", table_of(customers, "customers", dataset))
    if events:
        commit(home, "events", table_of(events, "events", dataset))
