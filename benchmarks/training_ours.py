"""Onramp as a data scientist calls it from a notebook."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pandas as pd

import training
from benchmarks.training_systems import LABEL, Answer, Asked
from lifecycle.task import Task
from training.model import Scorer
from training.trainingset import TrainingSet

TIME = "event_timestamp"


def onramp(asked: Asked) -> Answer:
    return trained(asked, None)


def onramp_unbalanced(asked: Asked) -> Answer:
    """The same search, with nothing balanced: is what balancing was chosen ever worse than it?"""
    from tasks import find  # noqa: PLC0415  for this way alone

    churn = find("churn")
    return trained(asked, replace(churn, search=replace(churn.search, balancing=("none",))))


def trained(asked: Asked, task: Task | None) -> Answer:
    """`training.train`; nothing is held out of it, because the judge holds rows out himself."""
    result = training.train(
        task, given(asked), budget=f"{asked.budget}s", workers=asked.cores, seed=asked.seed,
        test=0, report=False,
    )  # fmt: skip
    scorer = Scorer.from_folder(result.folder)

    def one(row: pd.DataFrame) -> Callable[[], object]:
        values = {str(name): value for name, value in row.iloc[0].items() if not pd.isna(value)}
        return lambda: scorer.score_rows([values])

    return Answer(
        predict=lambda rows: result.probability(rows).to_numpy()[:, 1],
        one=one,
        trials=len(result.trials),
        searching=result.built.found.seconds,
        notes={name: scorer.facts.get(name) for name in ("algorithm", "rounds", "balancing")}
        | {"calibrator": scorer.calibrator["method"]},
    )


def given(asked: Asked) -> TrainingSet:
    """The training set: Onramp's own as it is, any other through `training.table`."""
    if asked.moments:
        return TrainingSet(
            frame=asked.train, features=asked.features, as_of=asked.train["label_end"].max()
        )
    return training.table(asked.train, label=LABEL, time=TIME if asked.timed else None)
