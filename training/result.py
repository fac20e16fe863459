"""What a training in a notebook came to: ask it, read it, keep it."""

from __future__ import annotations

import shutil
from collections.abc import Hashable, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from lifecycle.errors import UsageError
from lifecycle.task import Task
from training.candidate import Built
from training.columns import as_features
from training.plain import PlainTable
from training.report.page import page, shown, template
from training.report.section import Section
from training.report.standard import facts_of, score_of, sections_of, title_of, warnings_of
from training.trainingset import TrainingSet


@dataclass(frozen=True, kw_only=True, repr=False)
class Result:
    """A trained model with everything that was measured of it.

    Attributes:
        folder: the model's files. They live as long as this value does: `save` keeps them.
    """

    task: Task
    data: TrainingSet
    built: Built
    folder: Path

    @property
    def classes(self) -> tuple[Hashable, ...]:
        """What the columns of `probability` mean: the label's own values."""
        names = self.built.scorer.classes
        return tuple(self.answers.get(name, name) for name in names)

    @property
    def answers(self) -> Mapping[str, Hashable]:
        """Class, as the model calls it → value of the label, where the label is a column."""
        return self.data.answers if isinstance(self.data, PlainTable) else {}

    @property
    def metrics(self) -> Mapping[str, float]:
        """On the test rows; out of fold where nothing was held out."""
        return self.built.metrics if self.tested else self.built.out_of_fold

    @property
    def tested(self) -> bool:
        """Whether rows were held out to judge the model on."""
        return len(self.built.prepared.test.labels) > 0

    @property
    def baselines(self) -> Mapping[str, Mapping[str, float]]:
        """Baseline → metrics on the same test rows."""
        return self.built.baselines

    @property
    def importance(self) -> pd.Series[float]:
        """Feature → its share of the gain, largest first."""
        gains = pd.Series(dict(self.built.importance), name="share of gain", dtype=float)
        return gains / (gains.sum() or 1.0)

    @cached_property
    def sections(self) -> tuple[Section, ...]:
        """Everything that the report shows."""
        return sections_of(self.task, self.built)

    @property
    def warnings(self) -> tuple[str, ...]:
        """What must be looked at."""
        return warnings_of(self.task, self.built)

    @property
    def trials(self) -> pd.DataFrame:
        """One row a finished trial: its state, score, time and what it drew.

        Only complete trials have a score: a pruned one was measured on some of the folds.
        """
        return pd.DataFrame(
            [
                {
                    "trial": trial.user_attrs.get("slot", trial.number),
                    "stage": trial.user_attrs.get("stage", 0),
                    "state": trial.state.name.lower(),
                    self.task.metric: score_of(trial),
                    "seconds": trial.duration.total_seconds() if trial.duration else None,
                    **trial.params,
                }
                for trial in self.built.found.trials
            ]
        )

    def probability(self, frame: pd.DataFrame) -> pd.DataFrame:
        """Calibrated probability of each class, one row a row of the frame, by its index.

        Args:
            frame: the features' columns; others are not looked at. A value that training never
                saw counts as missing.

        Raises:
            DataError: columns are lacking.
        """
        p = self.built.scorer.score(self.features(frame))
        return pd.DataFrame(p, index=frame.index, columns=list(self.classes))

    def predict(self, frame: pd.DataFrame) -> pd.Series[Any]:
        """The label's likeliest value; of two, the second from the model's threshold on."""
        scorer = self.built.scorer
        answers = scorer.answers(scorer.score(self.features(frame)))
        found = [self.answers.get(answer, answer) for answer in answers]
        return pd.Series(found, index=frame.index, name="answer")

    def reasons(self, frame: pd.DataFrame, k: int = 3) -> list[list[dict[str, Any]]]:
        """The k features that weigh most in each row's answer, in numbers and in words."""
        known = self.features(frame).replace({np.nan: None})
        rows = [{str(n): v for n, v in row.items()} for row in known.to_dict("records")]
        return self.built.scorer.reasons(rows, k)

    def features(self, frame: pd.DataFrame) -> pd.DataFrame:
        """The columns that the model looks at, as it takes them."""
        named = frame.set_axis([str(name) for name in frame.columns], axis=1)
        return as_features(named, self.built.scorer.features)

    def report(self, path: str | Path) -> Path:
        """Write the whole report as one HTML page that any browser opens."""
        place = Path(path)
        facts = facts_of(self.task, self.built)
        html = page(title_of(self.task, self.built), facts, self.sections)
        place.write_text(html, encoding="utf-8")
        return place

    def save(self, path: str | Path) -> Path:
        """Copy the model's files into a new folder.

        `training.model.Scorer.from_folder(path)` reads them again, without the search's libraries.

        Raises:
            UsageError: there is something already.
        """
        place = Path(path)
        if place.exists():
            raise UsageError(f"{place} exists already.", do="Name a new folder.")
        return Path(shutil.copytree(self.folder, place))

    def __repr__(self) -> str:
        where = "on the test" if self.tested else "out of fold"
        names = [
            self.task.metric,
            *(n for n in ("roc_auc", "accuracy", "ece") if n in self.metrics),
        ]
        told = ", ".join(f"{n} {self.metrics[n]:.4f}" for n in dict.fromkeys(names))
        said = f"Result({self.task.name}: {told} {where}; {len(self.built.found.trials)} trials, "
        return f"{said}{self.built.seconds:.0f} s)"

    def _repr_html_(self) -> str:
        """What a notebook shows."""
        facts = facts_of(self.task, self.built)
        return template("result.html").render(
            title=title_of(self.task, self.built),
            where="test" if self.tested else "out of fold",
            facts={name: shown(value) for name, value in facts.items()},
            warnings=self.warnings,
            baselines=[name.replace("_", " ") for name in self.baselines],
            rows=[
                (name, *(shown(one.get(name)) for one in (self.metrics, *self.baselines.values())))
                for name in self.metrics
            ],
        )
