"""Declared columns in SQL: the value, and what may be wrong with it."""

from __future__ import annotations

from dataclasses import dataclass, field

from ingestion.frame import Frame
from lifecycle.dataset import Column
from lifecycle.event_store import SQL_TYPES
from lifecycle.sql import literal


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
