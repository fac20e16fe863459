"""Features by customer, held in memory: the port that Feast's online store has, for faults."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from features.online_row import OnlineRow
from lifecycle.prediction import FeatureValue

VECTOR: dict[str, FeatureValue] = {"visits": 3.0, "spent": None, "country": "DE"}


class Shelf:
    """Whoever is called `known…` is found, `old…` is stale, the rest is unknown."""

    def __init__(self) -> None:
        self.broken = ""
        self.vector = dict(VECTOR)

    def __call__(
        self, service: str, customer_ids: Sequence[str], *, now: datetime
    ) -> tuple[OnlineRow, ...]:
        del service
        if self.broken:
            raise OSError(self.broken)
        return tuple(self.row(customer_id, now) for customer_id in customer_ids)

    def row(self, customer_id: str, now: datetime) -> OnlineRow:
        nothing = dict.fromkeys(self.vector)
        if customer_id.startswith("old"):
            moment = now - timedelta(days=90)
            return OnlineRow(
                customer_id=customer_id, event_timestamp=moment, values=nothing, status="stale"
            )
        if not customer_id.startswith("known"):
            return OnlineRow(
                customer_id=customer_id, event_timestamp=None, values=nothing, status="unknown"
            )
        return OnlineRow(
            customer_id=customer_id,
            event_timestamp=now - timedelta(hours=1),
            values=self.vector,
            status="found",
        )
