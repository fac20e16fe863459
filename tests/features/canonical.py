"""Canonical tables written by hand: what ingestion would leave, without ingestion."""

from __future__ import annotations

import random
import uuid
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from lifecycle.dataset import DataSet
from lifecycle.event_store import CUSTOMER_COLUMNS, EVENT_COLUMNS, EventStore, Part, Source, Table
from lifecycle.home import Home, open_home

TIME = pa.timestamp("us", tz="UTC")
ARROW = {"number": pa.float64(), "category": pa.string(), "boolean": pa.bool_()}
START = datetime(2026, 1, 1, tzinfo=UTC)

AS_OF = START + timedelta(days=75)
DAYS = (1, 3, 7, 14, 30)

Row = Mapping[str, Any]
Log = tuple[list[Row], list[Row]]

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


def alive(at: datetime) -> Row:
    """A row that is received at a time, of nobody who has signed up: the pipe is not down."""
    return event("nobody", "ping", at)


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


def settle(root: Path, toml: str = TOML) -> Home:
    """A home with its data set, and nothing in it."""
    home = open_home(root)
    home.root.mkdir(parents=True, exist_ok=True)
    home.dataset_file.write_text(toml, encoding="utf-8")
    return home


def fill(home: Home, customers: Sequence[Row], events: Sequence[Row]) -> None:
    """Commit rows to both tables of a settled home."""
    dataset = home.dataset()
    if customers:
        commit(home, "customers", table_of(customers, "customers", dataset))
    if events:
        commit(home, "events", table_of(events, "events", dataset))


def random_log(seed: int, customers: int) -> tuple[list[Row], list[Row]]:
    """Customers who sign up over 60 days and what they do: ties, late rows, gaps, new profiles."""
    dice = random.Random(seed)  # noqa: S311 - dice, no secret
    people: list[Row] = []
    happened: list[Row] = []
    for n in range(customers):
        name, start = f"c{n:03d} ü", START + days(dice.random() * 60)
        facts = {"country": dice.choice(["de", "fr", None]), "newsletter": dice.random() < 0.5}
        people.append(customer(name, start, age=float(dice.randint(18, 80)), **facts))
        if dice.random() < 0.3:
            later = start + days(dice.random() * 20)
            people.append(customer(name, start, received_at=later, age=33.0, country="it"))
        for _ in range(dice.randint(0, 40)):
            happened.append(random_event(dice, name, start))
            if dice.random() < 0.2:
                happened.append({**happened[-1], "event_id": uuid.uuid4().hex})
    return people, happened


def random_event(dice: random.Random, name: str, start: datetime) -> Row:
    words = ["login", "view_article", "view_video", "share_video", "buy", "ping"]
    when = start + days(round(dice.expovariate(1 / 9) - 1, dice.choice([0, 1, 6])))
    late = days(dice.choice([0, 0, 0, 0.001, 1, 4]))
    return event(
        name, dice.choice(words), when, received_at=when + late,
        session_id=dice.choice([None, "s1", "s2", "s3"]),
        item=dice.choice([None, "a", "b", "é"]),
        value=dice.choice([None, 0.1, 0.2, 19.99, -5.0]),
    )  # fmt: skip
