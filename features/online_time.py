"""Times as the online stores keep them: microseconds since 1970, UTC."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from features.online_port import Micros

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
TICK = timedelta(microseconds=1)


def micros_of(moment: datetime) -> Micros:
    """Exact; a naive time is UTC, as Feast takes it."""
    aware = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    return (aware - EPOCH) // TICK


def datetime_of(moment: Micros) -> datetime:
    return EPOCH + timedelta(microseconds=moment)
