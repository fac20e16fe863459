"""Who counts as a customer at a time: whoever the online store would answer for then."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

from features.bounded import bounded_db
from features.tables import TTL
from lifecycle.home import Home
from lifecycle.sql import literal
from lifecycle.sqlite import transaction

SCHEMA = "CREATE TABLE IF NOT EXISTS refreshes (as_of TEXT PRIMARY KEY)"


def parquet(paths: Sequence[Path]) -> str:
    """The relation of some parts."""
    files = ", ".join(literal(str(path)) for path in paths)
    return f"read_parquet([{files}])"


def current_sql(relation: str, as_of: datetime) -> str:
    """SELECT each customer's newest row that still answers at `as_of`.

    Args:
        relation: a query with customer_id and event_timestamp (with time zone).
        as_of: a time; rows of the `TTL` before it answer.
    """
    now = f"TIMESTAMPTZ {literal(as_of.astimezone(UTC).isoformat())}"
    return (
        f"SELECT * FROM ({relation}) WHERE event_timestamp <= {now}"
        f" AND event_timestamp >= {now} - INTERVAL {TTL.days} DAY"
        " QUALIFY row_number() OVER (PARTITION BY customer_id ORDER BY event_timestamp DESC) = 1"
    )


def newest_moment(parts: Sequence[Path]) -> datetime:
    """The newest moment in the parts, of which there is at least one with a row."""
    with bounded_db(parts[0].parent) as db:
        ((newest,),) = db.execute(f"SELECT max(event_timestamp) FROM {parquet(parts)}").fetchall()
    found: datetime = newest or datetime.fromtimestamp(0, UTC)
    return found.astimezone(UTC)


def remember(home: Home, as_of: datetime) -> None:
    """Note that segments were brought up to a time: changes are told between such times."""
    with transaction(refreshes_file(home), SCHEMA) as db:
        moment = as_of.astimezone(UTC).isoformat(timespec="microseconds")
        db.execute("INSERT OR IGNORE INTO refreshes VALUES (?)", (moment,))


def refreshes(home: Home) -> tuple[datetime, ...]:
    """The times that segments were brought up to, the newest first."""
    if not refreshes_file(home).exists():
        return ()
    with transaction(refreshes_file(home), SCHEMA) as db:
        rows = db.execute("SELECT as_of FROM refreshes ORDER BY as_of DESC").fetchall()
    return tuple(datetime.fromisoformat(row["as_of"]) for row in rows)


def refreshes_file(home: Home) -> Path:
    return home.segments / "refreshes.db"
