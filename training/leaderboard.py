"""Every training of a task side by side, the best first, where they can be compared at all.

Numbers of different test rows are numbers of different exams: a training is ranked among those
that were judged on the very same rows and labels, and only there.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from lifecycle import tracking
from lifecycle.errors import NotReady, UnknownName
from lifecycle.home import Home
from lifecycle.metrics import HIGHER_IS_BETTER, METRICS
from lifecycle.registry import Registry, Version
from lifecycle.task import Task
from lifecycle.tracking import Recorded

TEST = "test."
BASELINES = "prior logistic_regression"  # of runs that did not write theirs down yet


@dataclass(frozen=True, kw_only=True)
class Standing:
    """One training.

    Attributes:
        rank: among those judged on the same rows, from 1; equals share one; None: not measured.
        version: None where the run registered none, or its version was deleted.
        metrics: on its own test rows.
        baseline: the best of its baselines on the same rows, by the metric asked for.
        made: how its boosters were put together, in words.
        verdict: of the gate.
    """

    rank: int | None = None
    version: int | None
    aliases: tuple[str, ...]
    run_id: str
    at: datetime
    algorithms: str
    made: str
    balancing: str
    calibrator: str
    trials: int
    seed: int | None
    as_of: str
    metrics: Mapping[str, float]
    baseline: tuple[str, float] | None
    verdict: str
    warnings: str


@dataclass(frozen=True, kw_only=True)
class Exam:
    """Trainings that were judged on the same rows and labels.

    Attributes:
        judged_on: fingerprint of those rows.
        first, last: day of the earliest and of the latest of their moments; "" where unknown.
        standings: best first.
    """

    judged_on: str
    rows: int | None
    first: str
    last: str
    standings: tuple[Standing, ...]


@dataclass(frozen=True, kw_only=True)
class Leaderboard:
    """All finished trainings of a task.

    Attributes:
        exams: the one with the newest training first.
        unfinished: runs that failed, were killed or still go on: they have no numbers.
    """

    task: str
    by: str
    higher_is_better: bool
    exams: tuple[Exam, ...]
    unfinished: int


def leaderboard(home: Home, task: Task, by: str | None = None) -> Leaderboard:
    """Read every training of the task from MLflow, in one search of runs and one of versions.

    Args:
        home: where MLflow is.
        task: whose trainings.
        by: the metric that ranks; default: the one that the task optimises.

    Raises:
        UnknownName: the task's kind has no such metric.
        NotReady: nothing was trained yet.
    """
    metric = by or task.metric
    if metric not in METRICS[task.kind]:
        raise UnknownName(f"metric of a {task.kind} task", metric, METRICS[task.kind])
    runs = tracking.recorded(home, task.name, {"task": task.name})
    if not runs:
        raise NotReady(
            f"No training of {task.name} was recorded yet.",
            do=f"Run `onramp train {task.name}`.",
        )
    versions = {version.run_id: version for version in Registry(home).versions(task.name)}
    finished = [run for run in runs if run.status == "FINISHED"]
    return Leaderboard(
        task=task.name,
        by=metric,
        higher_is_better=HIGHER_IS_BETTER[metric],
        exams=exams(finished, versions, metric),
        unfinished=len(runs) - len(finished),
    )


def exams(
    runs: Sequence[Recorded], versions: Mapping[str, Version], metric: str
) -> tuple[Exam, ...]:
    """Runs by what they were judged on."""
    together: dict[str, list[Recorded]] = {}
    for run in sorted(runs, key=lambda run: run.at, reverse=True):
        together.setdefault(judged_on(run), []).append(run)
    return tuple(
        Exam(
            judged_on=name,
            rows=whole(members[0].params.get("rows_test")),
            first=members[0].params.get("test_from", ""),
            last=members[0].params.get("test_until", ""),
            standings=ranked([standing(run, versions.get(run.run_id), metric) for run in members],
                             metric),
        )
        for name, members in together.items()
    )  # fmt: skip


def judged_on(run: Recorded) -> str:
    """Equal for runs whose test rows were the same.

    Runs of before the rows had a fingerprint are told apart by their whole data: equal data were
    cut equally. A run without either was judged like no other.
    """
    params = run.params
    return params.get("test_fingerprint") or params.get("data_fingerprint") or run.run_id


def standing(run: Recorded, version: Version | None, metric: str) -> Standing:
    """What the run and its version say."""
    params, tags = run.params, version.tags if version else {}
    return Standing(
        version=version.number if version else None,
        aliases=version.aliases if version else (),
        run_id=run.run_id,
        at=run.at,
        algorithms=params.get("algorithms", params.get("algorithm", "")),
        made=params.get("made", ""),
        balancing=params.get("balancing", ""),
        calibrator=params.get("calibrator", ""),
        trials=sum(whole(n) or 0 for name, n in params.items() if name.startswith("trials_")),
        seed=whole(params.get("seed")),
        as_of=params.get("as_of", ""),
        metrics={
            name.removeprefix(TEST): value
            for name, value in run.metrics.items()
            if name.startswith(TEST)
        },
        baseline=best_baseline(run, metric),
        verdict=tags.get("verdict", "no version"),
        warnings=tags.get("warnings", ""),
    )


def whole(text: str | None) -> int | None:
    """A parameter as a number; MLflow keeps text."""
    return int(text) if text is not None and text.lstrip("-").isdigit() else None


def best_baseline(run: Recorded, metric: str) -> tuple[str, float] | None:
    """Name and value of the one that is hardest to beat."""
    names = run.params.get("baselines", BASELINES).split()
    found = [(n, run.metrics[f"{n}.{metric}"]) for n in names if f"{n}.{metric}" in run.metrics]
    return min(found, key=lambda pair: worse(pair[1], metric), default=None)


def worse(value: float, metric: str) -> float:
    """The smaller, the better; what was not measured comes last."""
    signed = -value if HIGHER_IS_BETTER[metric] else value
    return math.inf if math.isnan(signed) else signed


def ranked(standings: Iterable[Standing], metric: str) -> tuple[Standing, ...]:
    """Best first; equals share a rank, the newest of them first."""
    ordered = sorted(
        standings,
        key=lambda one: (worse(one.metrics.get(metric, math.nan), metric), -one.at.timestamp()),
    )
    values = [one.metrics.get(metric, math.nan) for one in ordered]
    return tuple(
        one if math.isnan(value) else replace(one, rank=1 + values.index(value))
        for one, value in zip(ordered, values, strict=True)
    )
