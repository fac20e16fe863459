"""The profile of a training set as one page: what it holds, what it lacks, what tells the label."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import pandas as pd
from markupsafe import Markup
from skrub import TableReport, column_associations

from lifecycle.event_store import EventStore
from lifecycle.home import Home
from lifecycle.task import Task
from lifecycle.whole import write_whole
from onramp.page import render
from onramp.pictures import balance_figure, missing_figure, source_of
from training.dataset import assemble
from training.trainingset import TrainingSet

FILE = "training-set.html"
MOST_ROWS = 20_000
ASSOCIATED = 20
LABEL = "label"
SEED = 0


@dataclass(frozen=True, kw_only=True)
class Profile:
    """A page that was written, and of what.

    Attributes:
        rows: of the training set, all of which the pictures over time show.
        drawn: of the sample that the columns and their associations are drawn of.
    """

    task: str
    as_of: datetime
    rows: int
    drawn: int
    features: int
    page: Path

    def lines(self) -> list[str]:
        """What a person reads."""
        sample = "" if self.drawn == self.rows else f", columns drawn of {self.drawn:,}"
        return [f"{self.task}: {self.rows:,} rows, {self.features} features{sample}: {self.page}"]


@dataclass(frozen=True)
class Association:
    """How much one column tells of another: Cramér's V over tenths, missing as one more value."""

    one: str
    other: str
    strength: float


def profile(
    home: Home, task: Task, *, as_of: datetime | None = None, plots: bool = True
) -> Profile:
    """Write the profile of the task's training set at `as_of`.

    Args:
        home: with applied features.
        task: whose training set.
        as_of: nothing received later exists; default: now, on the data set's clock.
        plots: draw each column's distribution, a tenth of a second each.

    Raises:
        DataError: no moment has a label yet.
        NotReady: the features of some moments are not built.
    """
    data = assemble(home, task, as_of or EventStore(home).as_of(home.dataset()))
    drawn = sample(data)
    return Profile(
        task=task.name,
        as_of=data.as_of,
        rows=len(data.frame),
        drawn=len(drawn),
        features=len(data.features),
        page=write_whole(home.reports / task.name / FILE, page(task, data, drawn, plots=plots)),
    )


def sample(data: TrainingSet) -> pd.DataFrame:
    """Time, label and features of at most `MOST_ROWS` rows; a label is text."""
    names = ["event_timestamp", LABEL, *(name for name, _ in data.features)]
    rows = data.frame[names].assign(**{LABEL: data.frame[LABEL].astype(str)})
    if len(rows) <= MOST_ROWS:
        return rows
    return rows.sample(MOST_ROWS, random_state=SEED).sort_index()


def page(task: Task, data: TrainingSet, drawn: pd.DataFrame, *, plots: bool) -> str:
    found = associations(drawn.drop(columns="event_timestamp"))
    # skrub escapes what it shows of the table
    columns = Markup(columns_of(drawn, plots=plots))  # noqa: S704
    return render(
        "profile.html",
        {
            "title": f"Training set of {task.name}",
            "task": task,
            "data": data,
            "customers": data.frame["customer_id"].nunique(),
            "first": data.frame["event_timestamp"].min(),
            "last": data.frame["event_timestamp"].max(),
            "answers": data.frame[LABEL].astype(str).value_counts(),
            "drawn": len(drawn),
            "balance": source_of(balance_figure(data.frame)),
            "missing": source_of(missing_figure(data.frame, [name for name, _ in data.features])),
            "with_label": [pair for pair in found if pair.one == LABEL][:ASSOCIATED],
            "alike": [pair for pair in found if pair.one != LABEL][:ASSOCIATED],
            "columns": columns,
        },
    )


def columns_of(frame: pd.DataFrame, *, plots: bool) -> str:
    """The report that skrub draws of the columns, as a piece of a page."""
    report = TableReport(
        frame, verbose=0, plot_distributions=plots, compute_associations=False,
        open_tab="stats",
    )  # fmt: skip
    return str(report.html_snippet())


def associations(frame: pd.DataFrame) -> list[Association]:
    """Every pair of columns, the strongest first; the label comes first in its pairs."""
    found = column_associations(frame, compute_pearson=False)
    pairs = zip(
        found["left_column_name"], found["right_column_name"], found["cramer_v"], strict=True
    )
    return [
        Association(one, other, strength) if other != LABEL else Association(other, one, strength)
        for one, other, strength in pairs
    ]
