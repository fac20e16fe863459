"""What an online store's answer means: one status rule for found, stale and unknown."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Literal

from features.tables import TTL

Status = Literal["found", "stale", "unknown"]
Value = float | str | None

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, kw_only=True)
class OnlineRow:
    """What the online store knows of one customer.

    Attributes:
        event_timestamp: the moment the values belong to; None when unknown.
        values: feature → value in service order; all None unless found.
        status: found, stale (older than `TTL`, as if not there) or unknown.
    """

    customer_id: str
    event_timestamp: datetime | None
    values: Mapping[str, Value]
    status: Status


def online_row(
    customer_id: str, values: Mapping[str, Value], markers: Sequence[Value], now: datetime
) -> OnlineRow:
    """Judge one customer's answer.

    Args:
        customer_id: who was asked for.
        values: feature → value.
        markers: the moment of each view, microseconds; None where the view has no row. Should a
            load have been cut between two views, the older one counts.
        now: rows older than `TTL` before it are stale.
    """
    times = [float(marker) for marker in markers if marker is not None]
    nothing: dict[str, Value] = dict.fromkeys(values)
    if not times or len(times) < len(markers):
        return OnlineRow(
            customer_id=customer_id, event_timestamp=None, values=nothing, status="unknown"
        )
    moment = EPOCH + timedelta(microseconds=int(min(times)))
    stale = now - moment > TTL
    return OnlineRow(
        customer_id=customer_id,
        event_timestamp=moment,
        values=nothing if stale else values,
        status="stale" if stale else "found",
    )


def columns_of(response: Any) -> dict[str, list[Value]]:
    """Feature → one value a customer, out of Feast's response message."""
    names = response.metadata.feature_names.val
    return {
        name: [value_of(value) for value in vector.values]
        for name, vector in zip(names, response.results, strict=True)
    }


def value_of(value: Any) -> Value:
    """The plain value of Feast's message."""
    kind = value.WhichOneof("val")
    if kind is None or kind == "null_val":
        return None
    plain: Value = getattr(value, kind)
    # A null double is a NaN after Feast's way through pandas.
    return None if isinstance(plain, float) and math.isnan(plain) else plain
