"""A data set, as the stages after ingestion see it: words, columns and leaks, from one TOML file.

How the columns of somebody's files map onto the canonical tables stands in the same file and is
ingestion's business (`ingestion.mapping`); everything here is what the words mean.
"""

from __future__ import annotations

import tomllib
from datetime import date
from pathlib import Path
from typing import Any, Literal, TypeVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from lifecycle.costs import Costs
from lifecycle.errors import DataError, UsageError
from lifecycle.retraining import Schedule

ColumnType = Literal["number", "category", "boolean"]


class Spec(BaseModel):
    """Frozen and strict about names: a misspelt key is an error, not a default."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Column(Spec):
    """One property of an event or one column of a profile."""

    type: ColumnType
    meaning: str
    unit: str = ""
    at_least: float | None = None
    at_most: float | None = None


class Vocabulary(Spec):
    """Which events mean what."""

    events: tuple[str, ...]
    activity: tuple[str, ...] = Field(
        default=(), description="events that count as the customer being active; empty: all"
    )
    key_actions: tuple[str, ...] = Field(
        default=(), description="events that show the customer has understood the product"
    )
    content: dict[str, str] = Field(
        default_factory=dict, description="event → the content type it takes up"
    )

    @model_validator(mode="after")
    def _names_are_events(self) -> Vocabulary:
        for role in ("activity", "key_actions", "content"):
            unknown = sorted(set(getattr(self, role)) - set(self.events))
            if unknown:
                message = f"vocabulary.{role} names {unknown}, not among events {self.events}"
                raise ValueError(message)
        return self

    @property
    def active(self) -> tuple[str, ...]:
        return self.activity or self.events


class TaskChoice(Spec):
    """What a data set changes of a task. Everything unnamed stays as the task says."""

    moments: tuple[int, ...] | None = None
    horizon_days: int | None = Field(default=None, gt=0)
    costs: Costs | None = None
    approval: Literal["automatic", "required"] | None = None
    schedule: Schedule | None = Field(
        default=None, description="how often it is trained again, whatever monitoring says"
    )
    new_labels: int | None = Field(
        default=None, gt=0, description="so many labels since the last training open a retrain job"
    )
    floors: dict[str, float] = Field(
        default_factory=dict,
        description="metric → the floor (or ceiling) that the task's gate has for it here",
    )
    unsupported: str = Field(default="", description="why this data set cannot carry the task")


class DataSet(Spec):
    """The meaning of one data set."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    name: str = Field(pattern=r"^[a-z][a-z0-9_]*$")
    title: str
    source: str = Field(description="where the data came from, and its licence")
    clock: Literal["wall", "data"] = Field(
        default="wall",
        description="wall: today is today. data: today is the newest event (data of the past)",
    )
    time_zone: str = "UTC"
    new_since: date | None = Field(
        default=None, description="customers who signed up before were not seen from their start"
    )
    vocabulary: Vocabulary
    properties: dict[str, Column] = Field(default_factory=dict)
    profile: dict[str, Column] = Field(default_factory=dict)
    leaks: dict[str, str] = Field(
        default_factory=dict, description="column → why it must never become a feature"
    )
    tasks: dict[str, TaskChoice] = Field(default_factory=dict)

    @model_validator(mode="after")
    def _leaks_are_no_features(self) -> DataSet:
        for name in (*self.profile, *self.properties):
            if name in self.leaks:
                message = f"column {name!r} leaks and cannot be kept: {self.leaks[name]}"
                raise ValueError(message)
        return self


AnyDataSet = TypeVar("AnyDataSet", bound=DataSet)


def read_toml(path: Path) -> dict[str, Any]:
    """Read one TOML file.

    Raises:
        UsageError: no such file, or not TOML.
    """
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise UsageError(
            f"No data set file {path}.", do="Name a TOML file, such as datasets/simulated.toml."
        ) from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise UsageError(f"{path} is not TOML.", found=f"{error}.", do="Mend that line.") from error


def read_dataset(path: Path) -> DataSet:
    """Read what a data set's TOML file says its words mean."""
    return read_as(DataSet, path)


def read_as(kind: type[AnyDataSet], path: Path) -> AnyDataSet:
    """Read a data set's TOML file as a DataSet or as one that says more.

    Raises:
        UsageError: no such file, or not TOML.
        DataError: a value is missing or wrong; every fault is named at once.
    """
    try:
        return kind.model_validate(read_toml(path))
    except ValidationError as error:
        raise DataError(
            f"{path} does not describe a data set.",
            found=explain(error),
            do="docs/datasets.md has every key.",
        ) from error


def explain(error: ValidationError) -> str:
    """Put pydantic's findings in one line each."""
    return "; ".join(
        f"{'.'.join(str(part) for part in fault['loc']) or 'file'}: {fault['msg']}"
        for fault in error.errors()
    )
