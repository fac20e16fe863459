"""What an online store's answer means: one status rule for found, stale and unknown."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from features.online_port import Value
from features.online_time import datetime_of
from features.tables import TTL

Status = Literal["found", "stale", "unknown"]


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
    customer_id: str, values: Mapping[str, Value], moments: Sequence[float | None], now: datetime
) -> OnlineRow:
    """Judge one customer's answer.

    Args:
        customer_id: who was asked for.
        values: feature → value.
        moments: of each view, microseconds; None where the view has no row. The oldest counts.
        now: rows older than `TTL` before it are stale.
    """
    times = [moment for moment in moments if moment is not None]
    if not times or len(times) < len(moments):
        nothing = dict.fromkeys(values)
        return OnlineRow(
            customer_id=customer_id, event_timestamp=None, values=nothing, status="unknown"
        )
    moment = datetime_of(int(min(times)))
    stale = now - moment > TTL
    return OnlineRow(
        customer_id=customer_id,
        event_timestamp=moment,
        values=dict.fromkeys(values) if stale else values,
        status="stale" if stale else "found",
    )
