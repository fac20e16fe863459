"""Labels: what the horizon after a moment turned out to hold.

The features look back from the moment, the label looks forward: `moment < occurred_at <= moment
+ horizon`. A moment whose horizon has not passed by the watermark of `as_of`
(`features.moments`) has no label yet: silence of the pipe is not silence of the customer.
"""

from __future__ import annotations

from datetime import datetime

import pandas as pd

from features.moments import due_sql, horizon_sql, read, timestamp, watermark_sql
from lifecycle.dataset import DataSet
from lifecycle.event_store import EventStore
from lifecycle.home import Home
from lifecycle.label import Does, Inactive, Label, MostTaken
from lifecycle.sql import literal, literals
from lifecycle.task import Task


def labels(home: Home, task: Task, as_of: datetime) -> pd.DataFrame:
    """The task's ripe labels, by time and customer.

    An event of the horizon counts however late it was received, up to `as_of`: so a label may
    change when `as_of` grows, and features never do.

    Returns:
        customer_id, event_timestamp, label (bool, or str for MostTaken), label_end. A moment
        without an answer (nothing taken up) has no row.
    """
    dataset = home.dataset()
    with EventStore(home).connect(dataset) as db:
        return read(db, labels_sql(dataset, task, as_of))


def known(home: Home, task: Task, as_of: datetime) -> int:
    """How many labels `labels` has."""
    dataset = home.dataset()
    with EventStore(home).connect(dataset) as db:
        found = db.execute(f"SELECT count(*) FROM ({labels_sql(dataset, task, as_of)})").fetchone()
    return int(found[0]) if found else 0


def labels_sql(
    dataset: DataSet,
    task: Task,
    as_of: datetime,
    *,
    since: datetime | None = None,
    punctual: bool = False,
) -> str:
    """SELECT customer_id, event_timestamp, label, label_end of the ripe labels.

    Args:
        dataset: its vocabulary says what counts.
        task: its label and horizon.
        as_of: what was received later does not exist.
        since: labels of later moments alone.
        punctual: as they stood when their horizon ended, before anything came late.
    """
    now = timestamp(as_of)
    by = f"least({now}, r.label_end)" if punctual else now
    later = f"event_timestamp > {timestamp(since)}" if since else "true"
    return f"""
WITH ripe AS (
  SELECT customer_id, event_timestamp, event_timestamp + {horizon_sql(task.horizon)} AS label_end
  FROM ({due_sql(dataset, task.moments, as_of)})
  WHERE event_timestamp + {horizon_sql(task.horizon)} <= {watermark_sql(as_of)}
    AND {later}
),
ahead AS (
  SELECT r.customer_id, r.event_timestamp, e.event
  FROM ripe r JOIN events e ON e.customer_id = r.customer_id
  WHERE e.occurred_at > r.event_timestamp AND e.occurred_at <= r.label_end
    AND e.received_at <= {by}
)
SELECT customer_id, event_timestamp, label, label_end
FROM ripe {answer_sql(task.label, dataset)}
ORDER BY event_timestamp, customer_id
"""


def answer_sql(label: Label, dataset: DataSet) -> str:
    """Join `ripe` with each moment's answer."""
    match label:
        case Inactive():
            return happened(dataset.vocabulary.active, "count(event) = 0")
        case Does(event):
            return happened((event,), "count(event) > 0")
        case MostTaken():
            return most_taken(dataset)


def happened(events: tuple[str, ...], answer: str) -> str:
    return f"""JOIN (
  SELECT customer_id, event_timestamp, {answer} AS label
  FROM ripe LEFT JOIN (SELECT * FROM ahead WHERE event IN ({literals(events)}))
  USING (customer_id, event_timestamp)
  GROUP BY ALL
) USING (customer_id, event_timestamp)"""


def most_taken(dataset: DataSet) -> str:
    pairs = ", ".join(
        f"({literal(event)}, {literal(content)})"
        for event, content in sorted(dataset.vocabulary.content.items())
    )
    return f"""JOIN (
  SELECT customer_id, event_timestamp, content AS label
  FROM ahead JOIN (VALUES {pairs}) AS taken(event, content) USING (event)
  GROUP BY customer_id, event_timestamp, content
  QUALIFY row_number() OVER (
    PARTITION BY customer_id, event_timestamp ORDER BY count(*) DESC, content) = 1
) USING (customer_id, event_timestamp)"""
