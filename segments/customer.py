"""One customer: in which segments, and why, by the very expressions that a batch is told by."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import duckdb
import pyarrow as pa

from features.bounded import bounded_db
from features.tables import TTL
from lifecycle.errors import UsageError
from lifecycle.home import Home
from lifecycle.sql import identifier, literal
from segments.plan import LIFECYCLE, Named
from segments.rows import sources_sql
from segments.rule import Rule
from segments.standing import times
from segments.table import SegmentTable, evaluate, segment_table

Value = float | str | None


@dataclass(frozen=True, kw_only=True)
class Reason:
    """One condition, what the customer's value is, and whether that meets it."""

    condition: str
    feature: str
    value: Value
    met: bool


@dataclass(frozen=True, kw_only=True)
class Membership:
    """One segment, or one stage, and why the customer is in it or is not."""

    name: str
    label: str
    member: bool
    rule: str
    reasons: tuple[Reason, ...]


@dataclass(frozen=True, kw_only=True)
class Score:
    """One score from 1 to 5, and the customer's value that it was told from."""

    role: str
    score: float
    feature: str
    value: Value


@dataclass(frozen=True, kw_only=True)
class CustomerSegments:
    """All of one customer.

    Attributes:
        moment: when the customer's features were newest.
        stale: the moment lies too far back to answer for today.
        stage: the customer's stage, and the conditions of every stage before it.
        classes: column → the class of the customer, such as the RFM segment.
    """

    customer_id: str
    moment: datetime
    stale: bool
    segments: tuple[Membership, ...]
    stage: tuple[Membership, ...]
    scores: tuple[Score, ...]
    classes: Mapping[str, str | None]


def customer_segments(home: Home, customer_id: str) -> CustomerSegments:
    """The segments of a customer's newest features.

    Raises:
        UsageError: no features of that customer are built.
        RuleError: a rule cannot be read.
    """
    segments = segment_table(home)
    row = newest_row(segments, customer_id)
    told = evaluate(segments, row).to_pylist()[0]
    moment = told["event_timestamp"]
    with bounded_db(segments.table.folder) as db:
        db.register("rows", row)
        plan = segments.plan
        return CustomerSegments(
            customer_id=customer_id,
            moment=moment,
            stale=times(home, segments)[0] - moment > TTL,
            segments=tuple(
                membership(db, one, member=told[f"segment_{one.name}"] == 1.0)
                for one in plan.segments
            ),
            stage=tuple(stages(db, plan.lifecycle, told.get(LIFECYCLE))),
            scores=tuple(scores(segments, row.to_pylist()[0], told)),
            classes={column: told[column] for column, _ in segments.groups},
        )


def scores(
    segments: SegmentTable, features: Mapping[str, Value], told: Mapping[str, Any]
) -> Iterator[Score]:
    for role, one in segments.edges.scores.items() if segments.edges else ():
        yield Score(
            role=role,
            score=told[f"rfm_{role}"],
            feature=one.feature,
            value=features[one.feature],
        )


def newest_row(segments: SegmentTable, customer_id: str) -> pa.Table:
    parts = [table.parts() for table in segments.sources]
    relation = sources_sql(segments.sources, segments.inputs, parts)
    with bounded_db(segments.table.folder) as db:
        found = db.sql(
            f"SELECT * FROM ({relation}) WHERE customer_id = {literal(customer_id)}"
            " ORDER BY event_timestamp DESC LIMIT 1"
        ).to_arrow_table()
    if not found.num_rows:
        raise UsageError(
            f"No features of a customer {customer_id!r} are built.",
            found=f"The nearest ids are {', '.join(near(segments, customer_id)) or 'none'}.",
            do="Name one of these, or run `onramp features` when the customer is new.",
        )
    return found


def near(segments: SegmentTable, customer_id: str) -> list[str]:
    """A few ids that are written like this one."""
    parts = segments.sources[0].parts()
    if not parts:
        return []
    ids = sources_sql(segments.sources, (), [parts, segments.sources[1].parts()])
    with bounded_db(segments.table.folder) as db:
        rows = db.execute(
            f"SELECT DISTINCT customer_id FROM ({ids})"
            f" ORDER BY levenshtein(customer_id, {literal(customer_id)}), customer_id LIMIT 5"
        ).fetchall()
    return [name for (name,) in rows]


def stages(
    db: duckdb.DuckDBPyConnection, lifecycle: tuple[Named, ...], stage: str | None
) -> list[Membership]:
    """The stages up to the customer's own: why not those before, and why this one."""
    found: list[Membership] = []
    for one in lifecycle:
        found.append(membership(db, one, member=one.name == stage))
        if one.name == stage:
            break
    return found


def membership(db: duckdb.DuckDBPyConnection, one: Named, *, member: bool) -> Membership:
    return Membership(
        name=one.name,
        label=one.label,
        member=member,
        rule=one.rule.text if one.rule else "otherwise",
        reasons=reasons(db, one.rule) if one.rule else (),
    )


def reasons(db: duckdb.DuckDBPyConnection, rule: Rule) -> tuple[Reason, ...]:
    """Each condition of a rule on the one row of the relation `rows`."""
    asked = ", ".join(f"{identifier(one.feature)}, {one.sql}" for one in rule.conditions)
    (row,) = db.execute(f"SELECT {asked} FROM rows").fetchall()
    pairs: list[tuple[Any, Any]] = list(zip(row[::2], row[1::2], strict=True))
    return tuple(
        Reason(condition=one.text, feature=one.feature, value=value, met=bool(met))
        for one, (value, met) in zip(rule.conditions, pairs, strict=True)
    )
