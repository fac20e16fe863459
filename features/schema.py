"""From the definitions to schemas that a library checks: dataframely, on polars, over Arrow.

`broken` gives the rows that break a rule, each with its reason in words. It evaluates the rules
and copies no sound row, so that a check costs a small part of what it takes to compute the rows.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from types import new_class

import dataframely as dy
import polars as pl
import pyarrow as pa

from features.feature import Feature
from lifecycle.dataset import Column, DataSet

Schema = type[dy.Schema]

# Numbers the rows, so that broken ones are found again in the Arrow table that they are of.
ROW = "#row"
KEY = "primary_key"

# Rule of a column → how a reason says it; in this order.
SAID = {
    "nullability": "is missing",
    "inf": "is not finite",
    "nan": "is not finite",
    "min": "below {least:g}",
    "max": "above {most:g}",
    "check__vocabulary": "is not in the vocabulary",
    "check__received": "is after received_at",
    "check__ahead": "is not after the moment",
}


@dataclass(frozen=True)
class Broken:
    """Rows that break a rule of their own, and how many rows share their key with another.

    Attributes:
        rows: positions in the table, ascending.
        reasons: one text a row: every rule that it breaks, each followed by `; `.
    """

    rows: pl.Series
    reasons: pl.Series
    doubled: int


def broken(rows: pa.Table, schema: Schema) -> Broken:
    """Hold rows against a schema.

    Raises:
        SchemaError: (dataframely's) a column is missing or of another type.
    """
    ruled = [name for name in rows.column_names if name in schema.column_names()]
    frame = pl.DataFrame(pl.from_arrow(rows.select(ruled), rechunk=False)).lazy()
    failure = schema.filter(frame.with_row_index(ROW)).failure
    counts = failure.counts()
    if not counts:
        return Broken(pl.Series(dtype=pl.UInt32), pl.Series(dtype=pl.String), 0)
    found = failure.details()
    texts = [pl.lit(""), *reasons(schema, counts)]
    said = found.select(pl.concat_str(texts).alias("reason"))["reason"]
    return Broken(found[ROW].filter(said != ""), said.filter(said != ""), counts.get(KEY, 0))


def reasons(schema: Schema, counts: Mapping[str, int]) -> list[pl.Expr]:
    """One expression a broken rule, in the order of the columns and then of `SAID`."""
    texts = []
    for name, column in schema.columns().items():
        least, most = getattr(column, "min", None), getattr(column, "max", None)
        for rule, words in SAID.items():
            if f"{name}|{rule}" not in counts:
                continue
            breaks = pl.col(f"{name}|{rule}") == "invalid"
            if rule == "max" and f"{name}|nan" in counts:
                # polars takes NaN for the largest number there is
                breaks &= pl.col(f"{name}|nan") == "valid"
            text = f"{name} {words.format(least=least or 0, most=most or 0)}; "
            texts.append(pl.when(breaks).then(pl.lit(text)).otherwise(pl.lit("")))
    return texts


@lru_cache(maxsize=16)
def view_schema(name: str, features: tuple[Feature, ...]) -> Schema:
    """Types, bounds and key of a view: the key is there and names one row, numbers are finite."""
    return schema_of(name, view_columns(features))


def view_columns(features: Iterable[Feature]) -> dict[str, dy.Column]:
    columns: dict[str, dy.Column] = {
        "customer_id": dy.String(primary_key=True),
        "event_timestamp": dy.Datetime(primary_key=True, time_zone="UTC"),
    }
    for feature in features:
        columns[feature.name] = (
            dy.String(nullable=True)
            if feature.type == "category"
            else dy.Float64(nullable=True, min=feature.at_least, max=feature.at_most)
        )
    return columns


def events_schema(dataset: DataSet) -> Schema:
    """What every stored event keeps. That an id names one event is asked of all parts at once."""
    words = list(dataset.vocabulary.events)
    return schema_of(
        "events",
        {
            "event_id": dy.String(nullable=False),
            "customer_id": dy.String(nullable=False),
            "event": dy.String(nullable=False, check={"vocabulary": lambda col: col.is_in(words)}),
            **times("occurred_at"),
            **declared(dataset.properties),
        },
    )


def customers_schema(dataset: DataSet) -> Schema:
    """What every stored profile keeps. That a customer signs up once is asked of all parts."""
    return schema_of(
        "customers",
        {
            "customer_id": dy.String(nullable=False),
            **times("signed_up_at"),
            **declared(dataset.profile),
        },
    )


def times(own: str) -> dict[str, dy.Column]:
    """A table's own time, which is not after its receipt; naive UTC, as the event store reads."""
    received = {"received": lambda col: col <= pl.col("received_at")}
    return {
        own: dy.Datetime(nullable=False, check=received),
        "received_at": dy.Datetime(nullable=False),
    }


def declared(columns: Mapping[str, Column]) -> dict[str, dy.Column]:
    """Columns that the data set declares; a value may be missing."""
    kinds = {"category": dy.String, "boolean": dy.Bool}
    return {
        name: dy.Float64(nullable=True, min=column.at_least, max=column.at_most)
        if column.type == "number"
        else kinds[column.type](nullable=True)
        for name, column in columns.items()
    }


def schema_of(name: str, columns: Mapping[str, dy.Column]) -> Schema:
    """A schema class; its attributes are numbered, for a column may be named like a method."""
    body = {f"c{n}": named(column, name) for n, (name, column) in enumerate(columns.items())}
    body["row"] = dy.UInt32(alias=ROW)
    return new_class(name, (dy.Schema,), exec_body=lambda namespace: namespace.update(body))


def named(column: dy.Column, name: str) -> dy.Column:
    column.alias = name
    return column
