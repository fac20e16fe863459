"""From raw rows to canonical ones: one query that gives each row its values or its reason.

The query makes the table `judged`: canonical columns, and `#reason`, NULL for a sound row.
Conditions are tried in order, and the first that holds names the reason.
"""

from __future__ import annotations

from dataclasses import dataclass

from ingestion.frame import Frame, typed_rows
from ingestion.mapping import CustomerTable, EventTable, Mapping, SourceTable
from ingestion.staging import FILE, ROW
from ingestion.times import Clock, Moment
from ingestion.values import Value, case, read_values
from lifecycle.sql import identifier, literal, literals

REASON, BLANKED, CLAMPED = "#reason", "#blanked", "#clamped"


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
        for reason, condition in value.faults.items():
            # A source's column may have the name of a property, and so the same reason.
            before = conditions.get(reason, "false")
            conditions = {**conditions, reason: f"({before}) OR ({condition})"}
    blanked = ", ".join(
        f"CASE WHEN {value.blank} THEN {literal(name)} END" for name, value in values.items()
    )
    chosen = [
        identifier(ROW),
        identifier(FILE),
        f"{case(conditions)} AS {identifier(REASON)}",
        (
            f"list_filter([{blanked or 'NULL'}]::VARCHAR[], lambda x: x IS NOT NULL)"
            f" AS {identifier(BLANKED)}"
        ),
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
