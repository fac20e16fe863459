"""From raw rows to canonical ones: one query that gives each row its values or its reason.

The query makes the table `judged`: canonical columns, and `#reason`, NULL for a sound row.
Conditions are tried in order, and the first that holds names the reason.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace

import duckdb

from ingestion.expressions import read_by, to_sql
from ingestion.mapping import DUCKDB_TYPES, CustomerTable, EventTable, Mapping, SourceTable
from ingestion.staging import FILE, ROW
from ingestion.times import Clock, Moment
from lifecycle.dataset import Column
from lifecycle.errors import DataError, UnknownName
from lifecycle.event_store import SQL_TYPES
from lifecycle.sql import identifier, literal, literals

REASON, BLANKED, CLAMPED = "#reason", "#blanked", "#clamped"


@dataclass(frozen=True)
class Value:
    """SQL of one property or profile column.

    Attributes:
        sql: the value; NULL where it is missing, infinite or cannot be read.
        faults: reason → condition.
        blank: whether an infinite number was set to missing.
    """

    sql: str
    faults: dict[str, str] = field(default_factory=dict)
    blank: str = "false"


@dataclass(frozen=True)
class Frame:
    """What the expressions of one table may read.

    Attributes:
        key: the table's place in the TOML file.
        columns: names in the view `raw`.
        types: expression → DuckDB type of what it gives.
    """

    key: str
    columns: frozenset[str]
    types: dict[str, str] = field(default_factory=dict)

    def sql(self, expression: str) -> str:
        """SQL that gives NULL where an expression fails on a row's values."""
        return f"TRY({to_sql(expression, self.columns)})"


def read_frame(
    connection: duckdb.DuckDBPyConnection,
    mapping: Mapping,
    key: str,
    table: SourceTable,
    columns: frozenset[str],
) -> Frame:
    """Check every expression of a table against the columns there are.

    Raises:
        UnknownName: an expression reads a column that the source lacks.
        DataError: an expression is no SQL, or does not fit its columns' types.
    """
    frame = Frame(key, columns)
    for name in table.types:
        if name not in columns:
            raise UnknownName(f"column of [{key}]", name, columns)
    types = {}
    for place, expression in expressions(mapping, key, table):
        check_columns(f"{key}.{place}", expression, columns)
        try:
            [(_, kind, *_)] = connection.execute(
                f"DESCRIBE SELECT {frame.sql(expression)} AS x FROM ({typed_rows(table, frame)})"
            ).fetchall()
        except duckdb.Error as error:
            raise DataError(
                f"{key}.{place} cannot be computed.",
                found=f"{expression!r}: {str(error).splitlines()[0]}",
                do="Mend the expression; docs/datasets.md has examples.",
            ) from error
        types[expression] = kind
    return replace(frame, types=types)


def expressions(mapping: Mapping, key: str, table: SourceTable) -> Iterator[tuple[str, str]]:
    yield from table.kept()
    yield from ((f"reject.{reason!r}", condition) for reason, condition in table.reject.items())
    first = mapping.customers_from_events
    if first is not None and key == f"events.{first.of}":
        yield from first.profile.items()


def check_columns(place: str, expression: str, columns: frozenset[str]) -> None:
    try:
        read = read_by(expression, columns)
    except ValueError as error:
        raise DataError(
            f"{place} cannot be used.", found=f"{error}.", do="docs/datasets.md has examples."
        ) from error
    folded = {name.casefold() for name in columns}
    for name in sorted(read):
        if name.casefold() not in folded:
            raise UnknownName(f"column for {place}", name, columns)


def typed_rows(table: SourceTable, frame: Frame) -> str:
    """SELECT over raw with the declared types; a value that does not fit is NULL."""
    casts = ", ".join(
        f"TRY_CAST({identifier(name)} AS {DUCKDB_TYPES[kind]}) AS {identifier(name)}"
        for name, kind in table.types.items()
        if name in frame.columns
    )
    return f"SELECT * {f'REPLACE ({casts})' if casts else ''}{untyped(table)} FROM raw"


def untyped(table: SourceTable) -> str:
    """The columns with declared types once more, as they came."""
    return "".join(
        f", {identifier(name)}::VARCHAR AS {identifier('#raw ' + name)}" for name in table.types
    )


def case(conditions: dict[str, str]) -> str:
    """The first reason whose condition holds; NULL where none does."""
    whens = " ".join(
        f"WHEN coalesce({condition}, false) THEN {literal(reason)}"
        for reason, condition in conditions.items()
    )
    return f"CASE {whens} END"


def read_value(name: str, column: Column, frame: Frame, expression: str) -> Value:
    """SQL for one declared column, with its bounds."""
    sql = frame.sql(expression)
    if column.type == "category":
        return Value(f"nullif(({sql})::VARCHAR, '')")
    cast = f"TRY_CAST({sql} AS {SQL_TYPES[column.type]})"
    given = f"nullif(trim(({sql})::VARCHAR), '') IS NOT NULL"
    faults = {f"unreadable {name}": f"{given} AND {cast} IS NULL"}
    if column.type == "boolean":
        return Value(cast, faults)
    finite = f"CASE WHEN isfinite({cast}) THEN {cast} END"
    if column.at_least is not None:
        faults[f"{name} below {column.at_least:g}"] = f"{finite} < {column.at_least!r}"
    if column.at_most is not None:
        faults[f"{name} above {column.at_most:g}"] = f"{finite} > {column.at_most!r}"
    return Value(finite, faults, f"{cast} IS NOT NULL AND NOT isfinite({cast})")


def read_values(
    declared: dict[str, Column], mapped: dict[str, str], frame: Frame
) -> dict[str, Value]:
    """Every declared column; one that this table does not map is NULL."""
    return {
        name: read_value(name, column, frame, mapped[name])
        if name in mapped
        else Value(f"NULL::{SQL_TYPES[column.type]}")
        for name, column in declared.items()
    }


def read_moment(mapping: Mapping, table: SourceTable, frame: Frame, name: str) -> Moment:
    expression = table.columns[name]
    clock = Clock(table.time_format, mapping.time_zone)
    return clock.read(f"{frame.key}.columns.{name}", frame.sql(expression), frame.types[expression])


def time_faults(mapping: Mapping, name: str, moment: Moment) -> dict[str, str]:
    earliest = mapping.limits.earliest.isoformat()
    return {
        f"{name} skipped by the clocks": moment.skipped,
        f"unreadable {name}": f"{moment.given} AND {moment.value} IS NULL",
        f"{name} before {earliest}": f"{moment.value} < TIMESTAMPTZ '{earliest} 00:00:00+00'",
    }


@dataclass(frozen=True)
class Times:
    """A table's own time (`occurred_at` or `signed_up_at`) and when it was received."""

    own: Moment
    received: Moment | None
    faults: dict[str, str]

    @property
    def received_sql(self) -> str:
        """What names no time of receipt was received when it happened."""
        own = self.own.value
        return own if self.received is None else f"coalesce({self.received.value}, {own})"


def read_times(mapping: Mapping, table: SourceTable, frame: Frame, name: str) -> Times:
    own = read_moment(mapping, table, frame, name)
    faults = {f"no {name}": f"NOT ({own.given})", **time_faults(mapping, name, own)}
    received = None
    if "received_at" in table.columns:
        received = read_moment(mapping, table, frame, "received_at")
        faults |= time_faults(mapping, "received_at", received)
    times = Times(own, received, faults)
    skew = f"INTERVAL {mapping.limits.clock_skew_seconds} SECOND"
    if received is not None:
        faults["happened after it was received"] = f"{own.value} > {times.received_sql} + {skew}"
    if mapping.clock == "wall":
        faults["from the future"] = f"{times.received_sql} > $now::TIMESTAMPTZ + {skew}"
    return times


def text(sql: str) -> str:
    return f"nullif(trim(({sql})::VARCHAR), '')"


def judge_events(mapping: Mapping, table: EventTable, frame: Frame) -> str:
    """SQL of `judged` for a table of events."""
    values = read_values(mapping.properties, table.properties, frame)
    times = read_times(mapping, table, frame, "occurred_at")
    customer = text(frame.sql(table.columns["customer_id"]))
    event = renamed(text(frame.sql(table.columns["event"])), table.names)
    vocabulary = literals(mapping.vocabulary.events)
    conditions = {
        **reject_rules(table, frame),
        "no customer_id": f"{customer} IS NULL",
        "no event": f"{event} IS NULL",
        "unknown event": f"{event} NOT IN ({vocabulary})",
        **times.faults,
    }
    columns = {
        "event_id": event_id(table, frame),
        "customer_id": customer,
        "event": event,
        "occurred_at": f"least({times.own.value}, {times.received_sql})",
        "received_at": times.received_sql,
        CLAMPED: f"coalesce({times.own.value} > {times.received_sql}, false)",
        **derived_profile(mapping, frame),
    }
    return judged(table, frame, columns, conditions, values)


def judge_customers(mapping: Mapping, table: CustomerTable, frame: Frame) -> str:
    """SQL of `judged` for a table of customers."""
    values = read_values(mapping.profile, table.profile, frame)
    times = read_times(mapping, table, frame, "signed_up_at")
    customer = text(frame.sql(table.columns["customer_id"]))
    conditions = {
        **reject_rules(table, frame),
        "no customer_id": f"{customer} IS NULL",
        **times.faults,
    }
    columns = {
        "customer_id": customer,
        "signed_up_at": f"least({times.own.value}, {times.received_sql})",
        "received_at": times.received_sql,
        CLAMPED: f"coalesce({times.own.value} > {times.received_sql}, false)",
    }
    return judged(table, frame, columns, conditions, values)


def reject_rules(table: SourceTable, frame: Frame) -> dict[str, str]:
    """The file's own rules come first; then values that do not fit the declared types."""
    rules = {reason: frame.sql(condition) for reason, condition in table.reject.items()}
    for name in table.types:
        given = f"nullif(trim({identifier('#raw ' + name)}), '') IS NOT NULL"
        rules[f"unreadable {name}"] = f"{given} AND {identifier(name)} IS NULL"
    return rules


def renamed(sql: str, names: dict[str, str]) -> str:
    if not names:
        return sql
    whens = " ".join(f"WHEN {literal(old)} THEN {literal(new)}" for old, new in names.items())
    return f"CASE {sql} {whens} ELSE {sql} END"


def event_id(table: EventTable, frame: Frame) -> str:
    """The row's own id, or a hash of all its values: equal rows are one event."""
    members = ", ".join(
        f"{identifier(name)} := {identifier('#raw ' + name if name in table.types else name)}"
        for name in sorted(frame.columns)
    )
    derived = f"md5({literal(frame.key)} || to_json(struct_pack({members}))::VARCHAR)"
    if "event_id" not in table.columns:
        return derived
    return f"coalesce({text(frame.sql(table.columns['event_id']))}, {derived})"


def judged(
    table: SourceTable,
    frame: Frame,
    columns: dict[str, str],
    conditions: dict[str, str],
    values: dict[str, Value],
) -> str:
    """SELECT of canonical columns, reason and counts."""
    for value in values.values():
        conditions |= value.faults
    blanked = ", ".join(
        f"CASE WHEN {value.blank} THEN {literal(name)} END" for name, value in values.items()
    )
    chosen = [
        identifier(ROW),
        identifier(FILE),
        f"{case(conditions)} AS {identifier(REASON)}",
        f"list_filter([{blanked or 'NULL'}]::VARCHAR[], lambda x: x IS NOT NULL)"
        f" AS {identifier(BLANKED)}",
        *(f"{sql} AS {identifier(name)}" for name, sql in columns.items()),
        *(f"{value.sql} AS {identifier(name)}" for name, value in values.items()),
    ]
    return f"WITH rows_ AS ({typed_rows(table, frame)}) SELECT {', '.join(chosen)} FROM rows_"


def derived_profile(mapping: Mapping, frame: Frame) -> dict[str, str]:
    """Columns of the profile that a customer's first event carries; a faulty value is missing."""
    first = mapping.customers_from_events
    if first is None or frame.key != f"events.{first.of}":
        return {}
    values = read_values(mapping.profile, first.profile, frame)
    return {
        f"#profile {name}": f"CASE WHEN {case(value.faults)} IS NULL THEN {value.sql} END"
        if value.faults
        else value.sql
        for name, value in values.items()
    }


def judge(mapping: Mapping, table: EventTable | CustomerTable, frame: Frame) -> str:
    """SQL of `judged` for a table of either kind."""
    if isinstance(table, EventTable):
        return judge_events(mapping, table, frame)
    return judge_customers(mapping, table, frame)
