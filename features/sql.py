"""From a feature's value to SQL: one scan of the events known at each moment.

The SQL reads three relations and writes none: `moments(k, customer_id, moment, signed_up_at)`,
`events` and `customers` as the event store shows them. Building a million rows and answering for
one customer are the same SQL over relations of different size.

Inside, each event known at a moment is one row of `seen` with its `age` (moment - occurred_at)
and its time `after` sign-up, both in whole microseconds, so that windows are exact and no result
depends on the order in which threads add up.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

from features.aggregates import TENURE, render, within
from features.feature import (
    Distinct,
    Feature,
    Mean,
    Profile,
    SessionMinutes,
    Sessions,
    Sum,
    Tenure,
    Trend,
    View,
)
from lifecycle.dataset import DataSet
from lifecycle.event_store import SQL_TYPES
from lifecycle.sql import identifier, literals

MINUTE = 60_000_000

KNOWN = "e.occurred_at <= m.moment AND e.received_at <= m.moment"

FEATURE_TYPES = {"number": "DOUBLE", "category": "VARCHAR"}


def view_sql(view: View, features: Sequence[Feature], dataset: DataSet) -> str:
    """SELECT customer_id, event_timestamp, created_at and the view's features, by moment.

    The features must be those of the view. Times in the result are naive UTC.
    """
    if view == "customer_profile":
        return profile_sql(features, dataset)
    return behaviour_sql(features, dataset)


def fingerprint(sql: str) -> str:
    """Names what a table was computed by: another definition, another fingerprint."""
    return hashlib.sha256(sql.encode()).hexdigest()[:16]


def behaviour_sql(features: Sequence[Feature], dataset: DataSet) -> str:
    longest = max(reach_days(feature) for feature in features)
    by_session = [f for f in features if isinstance(f.aggregate, Sessions | SessionMinutes)]
    by_event = [f for f in features if f not in by_session]
    needed = sorted({f.aggregate.property for f in features
                     if isinstance(f.aggregate, Distinct | Sum | Mean)})  # fmt: skip
    if by_session:
        needed.append("session_id")
    carried = "".join(f", e.{identifier(name)}" for name in needed)
    session_parts = session_ctes(by_session)
    chosen = ",\n  ".join(result_column(feature) for feature in features)
    return f"""
WITH seen AS (
  SELECT m.k, m.moment - m.signed_up_at AS tenure, e.event,
    epoch_us(m.moment) - epoch_us(e.occurred_at) AS age,
    epoch_us(e.occurred_at) - epoch_us(m.signed_up_at) AS after{carried}
  FROM moments m JOIN events e ON e.customer_id = m.customer_id
  WHERE {KNOWN}
    AND (e.occurred_at > m.moment - INTERVAL {longest} DAY OR e.occurred_at >= m.signed_up_at)
    AND e.event IN ({literals(dataset.vocabulary.events)})
),
by_event AS (
  SELECT m.k,
  {columns([(f.name, render(f.aggregate, f.window_days)) for f in by_event])}
  FROM moments m LEFT JOIN seen USING (k)
  GROUP BY m.k, m.moment, m.signed_up_at
){session_parts}
SELECT m.customer_id, m.moment AS event_timestamp, m.moment AS created_at,
  {chosen}
FROM moments m LEFT JOIN by_event USING (k){" LEFT JOIN by_session USING (k)" if by_session else ""}
ORDER BY m.moment, m.customer_id
"""


def reach_days(feature: Feature) -> int:
    before = feature.aggregate.before_days if isinstance(feature.aggregate, Trend) else 0
    return (feature.window_days or 0) + before


def result_column(feature: Feature) -> str:
    name = identifier(feature.name)
    value = f"{name}::{FEATURE_TYPES[feature.type]}"
    if feature.empty is not None:
        value = f"coalesce({value}, {feature.empty!r}::DOUBLE)"
    return f"{value} AS {name}"


def columns(pairs: Sequence[tuple[str, str]]) -> str:
    return ",\n  ".join(f"{value} AS {identifier(name)}" for name, value in pairs)


def session_ctes(features: Sequence[Feature]) -> str:
    """Lengths by session and window, then counts and means by moment."""
    if not features:
        return ""
    windows = sorted({feature.window_days or 0 for feature in features})
    lengths = columns([(f"w{days}", session_length(within(days or None))) for days in windows])
    chosen = columns([(feature.name, session_sql(feature)) for feature in features])
    return f""",
session_lengths AS (
  SELECT k, session_id,
  {lengths}
  FROM seen WHERE session_id IS NOT NULL GROUP BY k, session_id
),
by_session AS (
  SELECT k,
  {chosen}
  FROM session_lengths GROUP BY k
)"""


def session_length(when: str) -> str:
    return f"max(age) FILTER (WHERE {when}) - min(age) FILTER (WHERE {when})"


def session_sql(feature: Feature) -> str:
    length = f"w{feature.window_days or 0}"
    if isinstance(feature.aggregate, Sessions):
        return f"count({length})"
    return f"sum({length})::DOUBLE / nullif(count({length}), 0) / {MINUTE}::DOUBLE"


def profile_sql(features: Sequence[Feature], dataset: DataSet) -> str:
    """The version of the profile that was received last, by the moment."""
    names = [identifier(f.aggregate.column) for f in features if isinstance(f.aggregate, Profile)]
    order = ", ".join(["received_at", "signed_up_at", *names])
    packed = ", ".join(f"{name} := e.{name}" for name in ["customer_id", *names])
    chosen = ",\n  ".join(profile_column(feature, dataset) for feature in features)
    return f"""
WITH versions AS (
  SELECT *, row_number() OVER (PARTITION BY customer_id ORDER BY {order}) AS version
  FROM customers WHERE customer_id IN (SELECT customer_id FROM moments)
),
known AS (
  SELECT m.k, arg_max(struct_pack({packed}), e.version) AS profile
  FROM moments m JOIN versions e ON e.customer_id = m.customer_id AND e.received_at <= m.moment
  GROUP BY m.k
)
SELECT m.customer_id, m.moment AS event_timestamp, m.moment AS created_at,
  {chosen}
FROM moments m LEFT JOIN known USING (k)
ORDER BY m.moment, m.customer_id
"""


def profile_column(feature: Feature, dataset: DataSet) -> str:
    match feature.aggregate:
        case Tenure():
            value = TENURE
        case Profile(column):
            kind = SQL_TYPES[dataset.profile[column].type]
            value = f"profile.{identifier(column)}::{kind}"
            if kind == "DOUBLE":
                value = f"CASE WHEN isfinite({value}) THEN {value} END"
        case _:
            message = f"{feature.name} is not a feature of the profile"
            raise TypeError(message)
    return f"({value})::{FEATURE_TYPES[feature.type]} AS {identifier(feature.name)}"
