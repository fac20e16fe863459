"""What a live event may be, and how it is written down: as a file of texts would hold it."""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

from ingestion.mapping import EventTable, FirstEvent, Mapping
from lifecycle.errors import UnknownName, UsageError
from lifecycle.event_journal import Micros, Row

KEY = "events.live"
FIELDS = ("event_id", "customer_id", "event", "occurred_at", "received_at")
LONGEST_TEXT = 10_000
# Why a row was refused before it came to the event store, and what it was if it was no event.
REFUSED, CONTENT = "#refused", "#content"

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
TICK = timedelta(microseconds=1)


def live_mapping(mapping: Mapping) -> Mapping:
    """The data set's file as it reads live events: one table, whose columns have our own names."""
    table = EventTable(
        files=("live",),
        columns={name: name for name in FIELDS},
        properties={name: name for name in mapping.properties},
    )
    first = mapping.customers_from_events
    profile = {name: name for name in mapping.profile if name not in mapping.properties}
    return mapping.model_copy(
        update={
            "events": {"live": table},
            "customers": {},
            "customers_from_events": FirstEvent(of="live", profile=profile) if first else None,
            # A row that comes now is never from the future, on whatever clock the data set is.
            "clock": "wall",
        }
    )


def columns_of(mapping: Mapping) -> tuple[str, ...]:
    """What a live event may hold."""
    rest = [*mapping.properties]
    if mapping.customers_from_events is not None:
        rest += [name for name in mapping.profile if name not in mapping.properties]
    return (*FIELDS, *rest)


def row_of(event: object, columns: Sequence[str]) -> Row:
    """An event as texts, as a file would hold it.

    Raises:
        UsageError: it is no object of plain values, or a text is none or too long.
        UnknownName: it has a field that the data set has not.
    """
    if not isinstance(event, dict):
        raise UsageError("An event is an object.", found=f"{type(event).__name__}.")
    for name in event:
        if name not in columns:
            raise UnknownName("field of an event", str(name), columns)
    return {name: text_of(name, event.get(name)) for name in columns}


def text_of(name: str, value: object) -> str | None:
    """A plain value as text.

    Raises:
        UsageError: it is a list or an object, or cannot be written down.
    """
    if value is None or isinstance(value, str):
        refuse_no_text(name, value or "")
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int) or (isinstance(value, float) and math.isfinite(value)):
        return repr(value)
    raise UsageError(
        f"The field {name!r} of an event is a text, a finite number, true, false or null.",
        found=f"It is {value}." if isinstance(value, float) else f"It is a {type(value).__name__}.",
    )


def refuse_no_text(name: str, value: str) -> None:
    fault = ""
    if len(value) > LONGEST_TEXT:
        fault = f"It has {len(value)} characters; {LONGEST_TEXT} are allowed."
    elif "\0" in value or any("\ud800" <= character <= "\udfff" for character in value):
        fault = "It holds a character that is no text."
    if fault:
        raise UsageError(f"The field {name!r} of an event cannot be kept.", found=fault)


def own_id(row: Row) -> str:
    """The event's id, or a hash of what it says: equal events are one event."""
    given = (row["event_id"] or "").strip()
    if given:
        return given
    told = json.dumps([KEY, sorted(row.items())], ensure_ascii=False)
    return hashlib.md5(told.encode(), usedforsecurity=False).hexdigest()


def time_text(micros: Micros | None) -> str | None:
    return None if micros is None else (EPOCH + micros * TICK).isoformat(timespec="microseconds")
