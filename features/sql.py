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

from features.aggregates import TENURE, render
from features.facts import DAY, Facts, carried_name, carried_sql, exact_sql, within
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

# Which table of the event store the features of a view are made of.
SOURCES: dict[View, str] = {"customer_behaviour": "events", "customer_profile": "customers"}

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
    facts = Facts(dataset.vocabulary.events)
    groups = grouped(features)
    chosen = ",\n  ".join(result_column(feature, value_of(feature, facts)) for feature in features)
    counted = ",\n  ".join(["k", *facts.aggregates()])
    return f"""
WITH happened AS ({happened_sql(features, dataset)}
),
seen AS (
  SELECT m.k, e.* EXCLUDE (customer_id, occurred_at, received_at),
    epoch_us(m.moment) - epoch_us(e.occurred_at) AS age,
    epoch_us(e.occurred_at) - epoch_us(m.signed_up_at) AS after
  FROM moments m JOIN happened e ON e.customer_id = m.customer_id
  WHERE {KNOWN}
    AND (e.occurred_at > m.moment - INTERVAL {reach_days(features)} DAY
      OR e.occurred_at >= m.signed_up_at)
),
counted AS (
  SELECT {counted}
  FROM (SELECT {", ".join(["*", *facts.packed()])} FROM seen) GROUP BY k
),
facts AS (
  SELECT {", ".join(["*", *facts.counts()])} FROM counted
){"".join(group_sql(name, of_one) for name, of_one in groups.items())}
SELECT m.customer_id, m.moment AS event_timestamp, m.moment AS created_at,
  {chosen}
FROM moments m LEFT JOIN facts USING (k){
        "".join(f" LEFT JOIN {identifier(f'by {name}')} USING (k)" for name in groups)
    }
ORDER BY m.moment, m.customer_id
"""


def happened_sql(features: Sequence[Feature], dataset: DataSet) -> str:
    """The events that have a meaning, each by its place in the vocabulary, columns once an event.

    Comparing words costs more than anything else: it is done here, before an event is joined
    with every moment that knows it.
    """
    words = literals(dataset.vocabulary.events)
    numbers = {f.aggregate.property for f in features if isinstance(f.aggregate, Sum | Mean)}
    carried = [carried_sql(name) for name in grouped(features)]
    carried += [exact_sql(name) for name in sorted(numbers)]
    return f"""
  SELECT customer_id, occurred_at, received_at,
    list_position([{words}], event)::TINYINT AS event{"".join(f", {c}" for c in carried)}
  FROM events WHERE event IN ({words})"""


def grouped(features: Sequence[Feature]) -> dict[str, list[Feature]]:
    """Column → the features that look at its single values: sessions, items."""
    found: dict[str, list[Feature]] = {}
    for feature in features:
        match feature.aggregate:
            case Sessions() | SessionMinutes():
                found.setdefault("session_id", []).append(feature)
            case Distinct(name):
                found.setdefault(name, []).append(feature)
    return dict(sorted(found.items()))


def value_of(feature: Feature, facts: Facts) -> str:
    if isinstance(feature.aggregate, Sessions | SessionMinutes | Distinct):
        return identifier(feature.name)
    return render(feature.aggregate, feature.window_days, facts)


def reach_days(features: Sequence[Feature]) -> int:
    """How far back from the moment the longest window goes, days."""
    return max(
        (f.window_days or 0) + (f.aggregate.before_days if isinstance(f.aggregate, Trend) else 0)
        for f in features
    )


def result_column(feature: Feature, value: str) -> str:
    value = f"({value})::{FEATURE_TYPES[feature.type]}"
    if feature.empty is not None:
        value = f"coalesce({value}, {feature.empty!r}::DOUBLE)"
    return f"{value} AS {identifier(feature.name)}"


def group_sql(name: str, features: Sequence[Feature]) -> str:
    """Each value of a column by moment with its nearest and farthest age, then counts and means.

    A value lies in a window when its nearest event does: no set is needed for counting.
    """
    column, spans = carried_name(name), identifier(f"each {name}")
    lengths = {f.window_days for f in features if isinstance(f.aggregate, SessionMinutes)}
    farthest = [
        f"max(age) FILTER (WHERE {within(days)}) AS {farthest_name(days)}"
        for days in sorted(lengths, key=str)
    ]
    chosen = [f"{group_value(feature)} AS {identifier(feature.name)}" for feature in features]
    return f""",
{spans} AS (
  SELECT {", ".join(["k", "min(age) AS nearest", "max(after) AS latest", *farthest])}
  FROM seen WHERE {column} IS NOT NULL GROUP BY k, {column}
),
{identifier(f"by {name}")} AS (
  SELECT {", ".join(["k", *chosen])}
  FROM {spans} GROUP BY k
)"""


def group_value(feature: Feature) -> str:
    days = feature.window_days
    near = "latest >= 0" if days is None else f"nearest < {days * DAY}"
    number = f"count(*) FILTER (WHERE {near})"
    if isinstance(feature.aggregate, SessionMinutes):
        minutes = f"sum({farthest_name(days)} - nearest)::DOUBLE"
        return f"{minutes} / nullif({number}, 0) / {MINUTE}::DOUBLE"
    return number


def farthest_name(days: int | None) -> str:
    return f"farthest_{'since' if days is None else days}"


def profile_sql(features: Sequence[Feature], dataset: DataSet) -> str:
    """The version of the profile that was received last, by the moment."""
    names = [f.aggregate.column for f in features if isinstance(f.aggregate, Profile)]
    order = ", ".join(["received_at", "signed_up_at", *map(identifier, names)])
    carried = ", ".join(["customer_id", "received_at", *map(carried_sql, names)])
    packed = ", ".join(f"{name} := e.{name}" for name in ["customer_id", *map(carried_name, names)])
    chosen = ",\n  ".join(profile_column(feature, dataset) for feature in features)
    return f"""
WITH versions AS (
  SELECT {carried},
    row_number() OVER (PARTITION BY customer_id ORDER BY {order}) AS version
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
            value = f"profile.{carried_name(column)}::{kind}"
            if kind == "DOUBLE":
                value = f"CASE WHEN isfinite({value}) THEN {value} END"
        case _:
            message = f"{feature.name} is not a feature of the profile"
            raise TypeError(message)
    return f"({value})::{FEATURE_TYPES[feature.type]} AS {identifier(feature.name)}"
