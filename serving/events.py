"""New events over HTTP: what a request may hold, and what its answer says."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, WithJsonSchema

from ingestion.live_rows import LONGEST_TEXT
from serving.fresh import FreshLane
from serving.guard import Failed
from serving.ids import LONGEST_ID, customer_id

MOST_EVENTS = 1_000
# Longer than it takes; past it the events are kept all the same.
VISIBLE_SECONDS = 5.0


# What any event is; the data set says which other fields there are (`described`).
TEXT, MAYBE = {"type": "string", "maxLength": LONGEST_TEXT}, ["string", "null"]
PLAIN = {"type": ["string", "number", "boolean", "null"]}
EVENT: Mapping[str, Any] = {
    "type": "object",
    "required": ["customer_id", "event", "occurred_at"],
    "properties": {
        "event_id": {"type": MAYBE, "maxLength": LONGEST_TEXT},
        "customer_id": {"type": "string", "minLength": 1, "maxLength": LONGEST_ID},
        "event": TEXT,
        "occurred_at": {"type": "string", "format": "date-time"},
        "received_at": {"type": MAYBE, "format": "date-time"},
    },
    "additionalProperties": PLAIN,
}


def described(fields: Sequence[str]) -> dict[str, Any]:
    """JSON schema of an event with these fields alone; where there are none, of any event."""
    if not fields:
        return dict(EVENT)
    known = EVENT["properties"]
    properties = {name: known.get(name, PLAIN) for name in fields}
    return {**EVENT, "properties": properties, "additionalProperties": False}


class Happened(BaseModel):
    """What customers did.

    Each event has `customer_id`, `event`, `occurred_at`, the data set's properties by their names
    and, if it has one, an `event_id` by which it is known when it is sent again.
    """

    model_config = ConfigDict(extra="forbid", strict=True)

    events: Annotated[
        list[Annotated[dict[str, Any], WithJsonSchema(dict(EVENT))]],
        Field(min_length=1, max_length=MOST_EVENTS),
    ]


async def take(lane: FreshLane, events: list[dict[str, Any]], *, wait: bool) -> dict[str, Any]:
    """Keep events, and say what came of each.

    Args:
        lane: that keeps them.
        events: as the client gave them.
        wait: answer when the online store has the customers' new features.

    Raises:
        UsageError: one is no event.
        NotReady: they could not be kept, and may be sent again.
    """
    for event in events:
        if isinstance(event.get("customer_id"), str):
            customer_id(event["customer_id"])
    request = await asyncio.to_thread(lane.put, events)
    # Shielded: who goes away must not take the others' answer along.
    kept = await asyncio.shield(asyncio.wrap_future(request.kept))
    body = kept.body()
    if not wait:
        return body
    try:
        found = await asyncio.wait_for(
            asyncio.shield(asyncio.wrap_future(request.visible)), VISIBLE_SECONDS
        )
    except TimeoutError:
        return {**body, "visible": False, "reason": "It takes longer than usual."}
    if isinstance(found, Failed):
        return {**body, "visible": False, "reason": found.reason}
    own = {event.get("customer_id") for event in events}
    return {
        **body,
        "visible": True,
        "held_back": {k: v for k, v in found.value.held_back.items() if k in own},
        "without_features": sorted(str(name) for name in found.value.nobody & own),
    }
