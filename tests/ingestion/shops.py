"""A small data set that tests bend to their question."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb

from ingestion import IngestReport, ingest
from lifecycle.event_store import EventStore
from lifecycle.home import Home, open_home

HEAD = """
name = "shop"
title = "A shop"
source = "made up"
clock = "{clock}"
time_zone = "{zone}"

[vocabulary]
events = ["visit", "buy"]

[properties.value]
type = "number"
meaning = "What it cost"
at_least = 0
at_most = 1000

[profile.country]
type = "category"
meaning = "Where from"

[leaks]
outcome = "it is the label"
"""

EVENTS = """
[events.log]
files = ["log*.csv"]
[events.log.columns]
event_id = "id"
customer_id = "who"
event = "what"
occurred_at = "at"
received_at = "got"
[events.log.properties]
value = "value"
"""

CUSTOMERS = """
[customers.list]
files = ["people*.csv"]
[customers.list.columns]
customer_id = "who"
signed_up_at = "since"
received_at = "got"
[customers.list.profile]
country = "country"
"""

DERIVED = """
[customers_from_events]
of = "log"
[customers_from_events.profile]
country = "value"
"""


@dataclass(frozen=True)
class Shop:
    """A home, a TOML file and a folder of sources."""

    root: Path
    home: Home
    toml: Path
    drop: Path

    def describe(self, text: str) -> Path:
        self.toml.write_text(text, encoding="utf-8")
        return self.toml

    def put(self, name: str, header: str, *lines: str) -> Path:
        path = self.drop / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("\n".join([header, *lines]) + "\n", encoding="utf-8")
        return path

    def log(self, name: str, *lines: str) -> Path:
        return self.put(name, "id,who,what,at,got,value", *lines)

    def people(self, name: str, *lines: str) -> Path:
        return self.put(name, "who,since,got,country", *lines)

    def ingest(self) -> IngestReport:
        return ingest(self.home, self.toml, self.drop)

    def rows(self, sql: str) -> list[tuple[Any, ...]]:
        with EventStore(self.home).connect(self.home.dataset()) as connection:
            return connection.execute(sql).fetchall()

    def quarantine(self) -> list[tuple[Any, ...]]:
        return quarantine(self.home)


def quarantine(home: Home) -> list[tuple[Any, ...]]:
    """(source, row, reason) of every refused row, in order."""
    parts: Sequence[Path] = EventStore(home).parts("quarantine")
    if not parts:
        return []
    with duckdb.connect() as connection:
        return connection.execute(
            "SELECT source, row, reason FROM read_parquet(?) ORDER BY ALL",
            [[str(p) for p in parts]],
        ).fetchall()


WITHOUT_ID = EVENTS.replace('event_id = "id"\n', "")


def describe(
    *, zone: str = "UTC", clock: str = "data", events: str = EVENTS, customers: str = CUSTOMERS
) -> str:
    return HEAD.format(zone=zone, clock=clock) + events + customers


def open_shop(folder: Path, **changes: str) -> Shop:
    """A shop below `folder`, with an empty drop folder."""
    drop = folder / "drop"
    drop.mkdir(parents=True, exist_ok=True)
    shop = Shop(folder, open_home(folder / "home"), folder / "shop.toml", drop)
    shop.describe(describe(**changes))
    return shop
