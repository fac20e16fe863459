"""How somebody's files and tables become the canonical tables: the other half of the TOML file.

`lifecycle.dataset` reads what the words mean; this reads where the rows come from.
docs/datasets.md explains every key to those who write one.
"""

from __future__ import annotations

from collections.abc import Iterator
from collections.abc import Mapping as Dictionary
from datetime import date
from pathlib import Path
from typing import Literal
from zoneinfo import ZoneInfo

from pydantic import ConfigDict, Field, model_validator

from ingestion.expressions import read_by
from lifecycle.dataset import DataSet, Spec, read_as

ValueType = Literal["text", "number", "integer", "boolean", "date", "time"]

DUCKDB_TYPES: Dictionary[ValueType, str] = {
    "text": "VARCHAR",
    "number": "DOUBLE",
    "integer": "BIGINT",
    "boolean": "BOOLEAN",
    "date": "DATE",
    "time": "TIMESTAMP",
}

EVENT_KEYS = frozenset({"event_id", "customer_id", "event", "occurred_at", "received_at"})
CUSTOMER_KEYS = frozenset({"customer_id", "signed_up_at", "received_at"})


class FileFormat(Spec):
    """How text files are written. Parquet files need none of it."""

    delimiter: str = ","
    quote: str = '"'
    encoding: Literal["utf-8", "latin-1", "utf-16"] = "utf-8"
    missing: tuple[str, ...] = Field(default=("",), description="texts that mean: no value")
    types: dict[str, ValueType] = Field(
        default_factory=dict, description="column → type; of a text file, the others are text"
    )


class Lookup(FileFormat):
    """Another file with at most one row for each row of ours."""

    file: str
    on: tuple[str, ...] = Field(min_length=1, description="columns that both files have")
    take: dict[str, str] = Field(
        min_length=1, description="new column → column of the looked-up file"
    )


class SourceTable(FileFormat):
    """Where the rows of one kind come from, and what its columns become."""

    files: tuple[str, ...] = Field(default=(), description="patterns below the --from folder")
    url_env: str = Field(default="", description="variable that holds the database's URL")
    sql: str = Field(default="", description="the query, where rows come from a database")
    resume: str = Field(default="", description="column whose largest value becomes :after")
    resume_from: int | str = Field(default=0, description="the first run's :after")
    time_format: tuple[str, ...] = Field(
        default=(), description="strptime formats, or epoch_s, epoch_ms, epoch_us; empty: ISO 8601"
    )
    lookups: tuple[Lookup, ...] = ()
    columns: dict[str, str] = Field(description="canonical column → expression")
    reject: dict[str, str] = Field(
        default_factory=dict, description="reason → condition; such rows go into quarantine"
    )

    @model_validator(mode="after")
    def _one_origin(self) -> SourceTable:
        if bool(self.files) == bool(self.sql):
            raise ValueError("give either files or sql")
        if bool(self.sql) != bool(self.url_env):
            raise ValueError("sql and url_env go together")
        if bool(self.resume) != (":after" in self.sql):
            raise ValueError("resume and :after in sql go together")
        return self

    def kept(self) -> Iterator[tuple[str, str]]:
        """(key of the TOML file, expression) of everything that enters the store."""
        yield from ((f"columns.{name}", text) for name, text in self.columns.items())

    def renamed_leaks(self, leaks: frozenset[str]) -> frozenset[str]:
        """Names under which lookups bring in columns that leak."""
        return frozenset(
            new.casefold()
            for lookup in self.lookups
            for new, old in lookup.take.items()
            if old.casefold() in leaks
        )


class EventTable(SourceTable):
    names: dict[str, str] = Field(
        default_factory=dict, description="the source's word for an event → ours"
    )
    properties: dict[str, str] = Field(default_factory=dict)

    @model_validator(mode="after")
    def _keys(self) -> EventTable:
        check_keys(self.columns, EVENT_KEYS, ("customer_id", "event", "occurred_at"))
        return self

    def kept(self) -> Iterator[tuple[str, str]]:
        yield from super().kept()
        yield from ((f"properties.{name}", text) for name, text in self.properties.items())


class CustomerTable(SourceTable):
    profile: dict[str, str] = Field(default_factory=dict)

    @model_validator(mode="after")
    def _keys(self) -> CustomerTable:
        check_keys(self.columns, CUSTOMER_KEYS, ("customer_id", "signed_up_at"))
        return self

    def kept(self) -> Iterator[tuple[str, str]]:
        yield from super().kept()
        yield from ((f"profile.{name}", text) for name, text in self.profile.items())


class FirstEvent(Spec):
    """Customers who have no table of their own: the first event is the sign-up."""

    of: str = Field(description="the table under [events] whose rows show new customers")
    profile: dict[str, str] = Field(default_factory=dict)


class Limits(Spec):
    """What a time may be."""

    earliest: date = Field(default=date(1970, 1, 2), description="nothing happened before")
    clock_skew_seconds: int = Field(
        default=300, ge=0, description="how far occurred_at may lie after received_at"
    )


class Mapping(DataSet):
    """A whole data set file."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    limits: Limits = Limits()
    events: dict[str, EventTable] = Field(min_length=1)
    customers: dict[str, CustomerTable] = Field(default_factory=dict)
    customers_from_events: FirstEvent | None = None

    @model_validator(mode="after")
    def _fits_together(self) -> Mapping:
        try:
            ZoneInfo(self.time_zone)
        except (KeyError, ValueError) as error:
            raise ValueError(
                f"time_zone {self.time_zone!r} is no zone of the tz database"
            ) from error
        if bool(self.customers) == (self.customers_from_events is not None):
            raise ValueError("give either [customers.<name>] or [customers_from_events]")
        if self.customers_from_events and self.customers_from_events.of not in self.events:
            raise ValueError(
                f"customers_from_events.of is {self.customers_from_events.of!r}, "
                f"not among {sorted(self.events)}"
            )
        return self

    @model_validator(mode="after")
    def _columns_are_declared(self) -> Mapping:
        derived = self.customers_from_events.profile if self.customers_from_events else {}
        for title, declared, mapped in (
            ("properties", self.properties, [t.properties for t in self.events.values()]),
            ("profile", self.profile, [derived, *(t.profile for t in self.customers.values())]),
        ):
            found = {name for table in mapped for name in table}
            if undeclared := sorted(found - set(declared)):
                raise ValueError(f"[{title}] does not declare {undeclared}")
            if unmapped := sorted(set(declared) - found):
                raise ValueError(f"[{title}] declares {unmapped}, which no table maps")
        return self

    @model_validator(mode="after")
    def _names_are_events_of_ours(self) -> Mapping:
        for title, table in self.events.items():
            if unknown := sorted(set(table.names.values()) - set(self.vocabulary.events)):
                raise ValueError(
                    f"events.{title}.names leads to {unknown}, not among vocabulary.events"
                )
        return self

    @model_validator(mode="after")
    def _nothing_that_leaks_enters(self) -> Mapping:
        leaks = {name.casefold(): why for name, why in self.leaks.items()}
        for key, expression, hidden in self._expressions(frozenset(leaks)):
            bare = expression.casefold()
            for name in {bare} if bare in leaks else read_or_empty(expression):
                if name.casefold() in leaks or name.casefold() in hidden:
                    why = leaks.get(name.casefold(), "it is a leaking column under another name")
                    raise ValueError(f"{key} reads {name!r}, which leaks: {why}")
        return self

    def _expressions(self, leaks: frozenset[str]) -> Iterator[tuple[str, str, frozenset[str]]]:
        for kind, tables in (("events", self.events), ("customers", self.customers)):
            for title, table in tables.items():
                for key, expression in table.kept():
                    yield f"{kind}.{title}.{key}", expression, table.renamed_leaks(leaks)
        first = self.customers_from_events
        if first is not None:
            hidden = (
                self.events[first.of].renamed_leaks(leaks) if first.of in self.events else leaks
            )
            for name, expression in first.profile.items():
                yield f"customers_from_events.profile.{name}", expression, hidden


def read_or_empty(expression: str) -> frozenset[str]:
    """Columns read; none where the text is no SQL, as a bare name with spaces is none."""
    try:
        return read_by(expression)
    except ValueError:
        return frozenset()


def check_keys(columns: dict[str, str], known: frozenset[str], needed: tuple[str, ...]) -> None:
    if unknown := sorted(set(columns) - known):
        raise ValueError(f"columns has {unknown}; it may have {sorted(known)}")
    if missing := sorted(set(needed) - set(columns)):
        raise ValueError(f"columns lacks {missing}")


def read_mapping(path: Path) -> Mapping:
    """Read a whole data set file."""
    return read_as(Mapping, path)
