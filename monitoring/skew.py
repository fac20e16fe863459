"""Online and offline skew: a sample of what was served, held against what is known offline.

The vector that the champion was asked with online must be the one that training would read of
that customer and moment. Set aside is what may differ without skew: a moment that is not built
offline, a customer with a row in quarantine, one of whom something arrived after the answer, and
features that are defined otherwise since. Promotion replays the same, and explains the late ones
as well (`training.promotion.skew`); a monitor that asks each week can afford to leave them out.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import duckdb
import numpy as np
import pandas as pd

from features.built import Mask, built
from features.moments import timestamp
from features.tables import keys_sql, tables
from lifecycle import version_files
from lifecycle.errors import OnrampError
from lifecycle.event_store import EventStore
from lifecycle.gate import Mismatch, NoSkew
from lifecycle.gate.replayed import tolerated
from lifecycle.home import Home
from lifecycle.prediction_log import FeatureValue, PredictionLog
from lifecycle.task import Task
from monitoring.approved import Approved
from monitoring.quality import Breach
from monitoring.windows import KEYS, Span

SAMPLE, POOL = 200, 5  # drawn from so many times as many customers, the last who were answered
LEAST = 20
LIMIT = 0.02  # of the answers; a definition that is wrong is wrong of many
TOLERANCE = 1e-6  # where the task's gate names none


@dataclass(frozen=True, kw_only=True)
class Skewed:
    """What the sample says.

    Attributes:
        asked: answers drawn; 0 where the champion answered nobody online.
        compared: … that could be.
        differing: … in which a feature differs.
        examples: one difference each, in words; the features that differ most often first.
        problem: why nothing could be compared.
    """

    asked: int = 0
    compared: int = 0
    differing: int = 0
    examples: tuple[str, ...] = ()
    problem: str = ""

    @property
    def breaches(self) -> tuple[Breach, ...]:
        """Broken, if more answers differ than a corner case explains."""
        share = self.differing / max(self.compared, 1)
        if self.compared < LEAST or share <= LIMIT:
            return ()
        words = (
            f"{self.differing} of {self.compared} answers served online were given on other values "
            f"than are known offline: {'; '.join(self.examples)}"
        )
        return (Breach(check="skew", column="", value=share, limit=LIMIT, words=words),)


def skewed(home: Home, task: Task, against: Approved, span: Span, seed: int = 0) -> Skewed:
    """Compare a seeded sample of the champion's online answers of the span. Never raises for it."""
    newest = PredictionLog(home).newest(task.name, "online", customers=POOL * SAMPLE, end=span.end)
    if newest.empty:
        return Skewed()
    mine = (newest["version"] == against.version.number) & (newest["event_timestamp"] > span.start)
    served = newest[mine]
    if served.empty:
        return Skewed()
    served = served.sample(min(SAMPLE, len(served)), random_state=seed)
    try:
        return held(home, task, against, served.reset_index(drop=True))
    except OnrampError as error:
        return Skewed(asked=len(served), problem=str(error))


def held(home: Home, task: Task, against: Approved, served: pd.DataFrame) -> Skewed:
    """The answers against the offline store."""
    from features.store import definitions, historical  # noqa: PLC0415  # Feast takes seconds

    learned = version_files.facts(against.folder).get("definitions", {})
    today = definitions(home, task.name)
    names = [n for n in against.features if n in today and learned.get(n, today[n]) == today[n]]
    rows = served[comparable(home, served)]
    if rows.empty:
        return Skewed(asked=len(served))
    known = historical(home, task.name, rows[KEYS]).to_pandas()
    found = [
        differing(online, offline, names, tolerance(task))
        for online, offline in zip(records(rows), records(known), strict=True)
    ]
    odd = [several for several in found if several]
    often = Counter(one.name for several in odd for one in several).most_common(3)
    first = {one.name: one for several in reversed(odd) for one in several}
    return Skewed(
        asked=len(served), compared=len(rows), differing=len(odd),
        examples=tuple(
            f"{name} in {times}, such as {first[name].online} for {first[name].offline}"
            for name, times in often
        ),
    )  # fmt: skip


def comparable(home: Home, served: pd.DataFrame) -> Mask:
    """Which answers must agree: built, of nobody in quarantine, and with nothing late."""
    there = built(home, served[KEYS])
    customers = set(served["customer_id"])
    aside: set[str] = set()
    rejected = [path for table in tables(home, home.dataset()) for path in table.rejected()]
    if rejected:
        with duckdb.connect() as db:
            aside |= {row[0] for row in db.execute(keys_sql(rejected)).fetchall()} & customers
    return np.asarray(
        there & ~served["customer_id"].isin(aside).to_numpy() & ~late(home, served), dtype=np.bool_
    )


def late(home: Home, served: pd.DataFrame) -> Mask:
    """Of whom something of before the moment arrived after the answer, or after the moment."""
    oldest = served["event_timestamp"].min().to_pydatetime()
    asked = pd.DataFrame(
        {"n": np.arange(len(served)), "customer_id": served["customer_id"],
         "moment": served["event_timestamp"].dt.tz_convert("UTC").dt.tz_localize(None)}
    )  # fmt: skip
    mask = np.zeros(len(served), dtype=np.bool_)
    with EventStore(home).connect(home.dataset()) as db:
        db.register("asked", asked)
        found = db.execute(
            "SELECT DISTINCT n FROM asked JOIN events e USING (customer_id)"
            f" WHERE e.received_at > {timestamp(oldest)}"
            " AND e.received_at > moment AND e.occurred_at <= moment"
        ).fetchnumpy()["n"]
    mask[np.asarray(found, dtype=np.int64)] = True
    return mask


def tolerance(task: Task) -> float:
    rule = next((rule for rule in task.gate.rules if isinstance(rule, NoSkew)), None)
    return rule.tolerance if rule else TOLERANCE


def differing(
    online: Mapping[str, Any], offline: Mapping[str, Any], names: Sequence[str], allowed: float
) -> list[Mismatch]:
    """The features that differ between one answer and its offline vector."""
    found = [
        Mismatch(
            customer_id=str(online["customer_id"]), at=str(online["event_timestamp"]),
            what="feature", name=name, online=plain(online.get(name)),
            offline=plain(offline.get(name)),
        )
        for name in names
    ]  # fmt: skip
    return [one for one in found if not tolerated(one, allowed)]


def records(frame: pd.DataFrame) -> list[dict[str, Any]]:
    names = [str(name) for name in frame.columns]
    rows = frame.itertuples(index=False, name=None)
    return [dict(zip(names, row, strict=True)) for row in rows]


def plain(value: Any) -> FeatureValue:
    """A value out of a frame: a float, a text, or None for a gap of any kind."""
    if value is None or isinstance(value, str):
        return value
    return None if pd.isna(value) else float(value)
