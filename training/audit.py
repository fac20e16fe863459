"""The training set of a task held against what training rests on."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

import dataframely as dy
import polars as pl
import pyarrow as pa

from features.catalogue import catalogue, content_types
from features.findings import Finding, judged, untold
from features.schema import Schema, broken, schema_of, view_columns
from lifecycle.dataset import DataSet
from lifecycle.errors import OnrampError
from lifecycle.home import Home
from lifecycle.task import Task
from training.dataset import assemble
from training.trainingset import TrainingSet

CLASSES = 2
REASONS = 3


def training_findings(home: Home, task: Task, as_of: datetime) -> Iterator[Finding]:
    """Keys, labels and features of the training set; that it cannot be made is a finding too."""
    stage = f"training set of {task.name}"
    try:
        data = assemble(home, task, as_of)
    except OnrampError as error:
        yield untold(stage, "keys, labels, bounds", error)
        return
    yield ruled(stage, data, training_schema(home.dataset(), task, data))
    yield from answered(stage, data)


def answered(stage: str, data: TrainingSet) -> Iterator[Finding]:
    """There is something to tell apart, and something to tell it by."""
    classes = data.frame["label"].nunique()
    yield judged(
        stage, f"at least {CLASSES} answers", len(data.frame), int(classes < CLASSES),
        found=f"every label is {', '.join(map(str, data.frame['label'].head(1))) or 'missing'}",
        do="Look at the task's label, or ingest more history.",
    )  # fmt: skip
    empty = [name for name, _ in data.features if data.frame[name].isna().all()]
    yield judged(
        stage, "no feature is missing everywhere", len(data.features), len(empty),
        found=", ".join(empty), do="Look at its source: `onramp features show NAME`.",
    )  # fmt: skip


def ruled(stage: str, data: TrainingSet, schema: Schema) -> Finding:
    """Every row on its own, and one row a moment."""
    names = [name for name in schema.column_names() if name in data.frame]
    found = broken(pa.Table.from_pandas(data.frame[names], preserve_index=False), schema)
    said = [f"{found.doubled:,} rows share a moment"] if found.doubled else []
    said += list(found.reasons.unique(maintain_order=True)[:REASONS])
    return judged(
        stage, "keys, labels, bounds", len(data.frame), found.doubled + len(found.rows),
        found="; ".join(one.rstrip("; ") for one in said),
        do="Run `onramp features check` again: rows out of bounds are quarantined by view.",
    )  # fmt: skip


def training_schema(dataset: DataSet, task: Task, data: TrainingSet) -> Schema:
    """The features' own rules; a label that the task knows, of a time after the moment."""
    known = {feature.name: feature for feature in catalogue(dataset)}
    answers = list(content_types(dataset))
    ahead = {"ahead": lambda col: col > pl.col("event_timestamp")}
    columns = {
        **view_columns(known[name] for name, _ in data.features if name in known),
        "label_end": dy.Datetime(nullable=False, time_zone="UTC", check=ahead),
        "label": dy.Bool(nullable=False)
        if task.kind == "binary"
        else dy.String(nullable=False, check={"vocabulary": lambda col: col.is_in(answers)}),
    }
    return schema_of(f"training set of {task.name}", columns)
