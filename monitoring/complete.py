"""How complete a window is: what was due, what was scored of it, whose labels are known.

Labels are joined anew each time, so that those that came late or were corrected are in every
window; how many did is counted, by holding them against what stood when their horizon ended.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

import pandas as pd

from features.labels import labels_sql
from features.moments import horizon_sql, read, watermark_sql
from lifecycle.home import Home
from lifecycle.task import Task
from monitoring.windows import AT, Served, Span, Window

EMPTY = pd.DataFrame({"customer_id": [], "event_timestamp": [], "label": []})


@dataclass(frozen=True, kw_only=True)
class Completeness:
    """One window.

    Attributes:
        due: moments that fell due in it.
        scored: … and were answered.
        wanted: moments that a window by rows should hold; None: it goes by time.
        ripe: answered moments whose whole horizon is known.
        labelled: … that have a label; who took up nothing has no favourite.
        late: labels that came, or changed, after their horizon had ended.
    """

    span: Span
    due: int
    scored: int
    wanted: int | None = None
    ripe: int = 0
    labelled: int = 0
    late: int = 0

    @property
    def words(self) -> str:
        full = f" of the {self.wanted} it should hold" if self.wanted else ""
        late = f", {self.late} of them late or corrected" if self.late else ""
        return (
            f"{self.span}: {self.scored} of {self.due} due moments scored{full}, "
            f"{share(self.ripe, self.scored)} of their horizons over, "
            f"{self.labelled} labels known{late}"
        )


def share(part: int, whole: int) -> str:
    return f"{part / whole:.0%}" if whole else "none"


class Truth:
    """Labels of a time, beside the log; both in one connection."""

    def __init__(self, served: Served, home: Home, task: Task, as_of: datetime) -> None:
        self.served, self.home, self.task, self.as_of = served, home, task, as_of
        self.frame = EMPTY

    def since(self, start: datetime) -> Truth:
        """Read the labels of the moments after `start`."""
        db, dataset = self.served.db, self.home.dataset()
        for name, punctual in (("truth", False), ("punctual", True)):
            sql = labels_sql(dataset, self.task, self.as_of, since=start, punctual=punctual)
            db.execute(f"CREATE OR REPLACE TEMP TABLE {name} AS {sql}")
        self.frame = read(db, "FROM truth ORDER BY event_timestamp, customer_id")
        return self

    def complete(self, windows: Iterable[Window]) -> tuple[Completeness, ...]:
        """How complete windows are, whose moments are among those read."""
        return tuple(self._complete(window) for window in windows)

    def _complete(self, window: Window) -> Completeness:
        span, wanted = window.span, self.task.monitor.window_rows
        due = self.served.due(span)
        if window.served is None:
            return Completeness(span=span, due=due, scored=0, wanted=wanted)
        over = f"w.{AT} + {horizon_sql(self.task.horizon)} <= {watermark_sql(self.as_of)}"
        found = window.served.db.execute(f"""
SELECT count(*) FILTER ({over}), count(t.label),
  count(*) FILTER (t.label IS DISTINCT FROM p.label)
FROM {window.relation} w
LEFT JOIN truth t ON t.customer_id = w.customer_id AND t.event_timestamp = w.{AT}
LEFT JOIN punctual p ON p.customer_id = w.customer_id AND p.event_timestamp = w.{AT}""").fetchone()
        ripe, known, late = found or (0, 0, 0)
        return Completeness(
            span=span, due=due, scored=window.rows, wanted=wanted, ripe=ripe, labelled=known,
            late=late,
        )  # fmt: skip
