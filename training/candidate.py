"""From a training set to a version's files: search, refit, calibrate, judge on the test.

Nothing here knows Feast or MLflow: a frame goes in and a folder with a scorer comes out.
"""

from __future__ import annotations

import json
import math
import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from hashlib import blake2b
from pathlib import Path
from typing import Any

import numpy as np
from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]  # ships no types

from lifecycle.errors import UsageError
from lifecycle.label import Inactive
from lifecycle.metrics import METRICS, measure
from lifecycle.progress import Progress, silent
from lifecycle.row_keys import row_keys
from lifecycle.space import Search
from lifecycle.task import Task
from lifecycle.version_files import EVALUATION, REFERENCE, ROW_KEYS
from training import baselines
from training.balancing.balance import Balanced, rebalance
from training.boosters import Fitted, Rows, Settings, bins_for, most_rounds, prepare
from training.calibration import Calibrated, best_threshold, choose
from training.finalists import Final, settle
from training.folds import Problem
from training.model import FACTS, Encoder, Matrix, Scorer, calibrate
from training.parts import Prepared, prepare_parts, sample_customers
from training.reference import reference_of
from training.search.search import Candidate, Found, Plan, code, search
from training.splits import folds
from training.trainingset import TrainingSet


@dataclass(frozen=True, kw_only=True)
class Budget:
    """How hard to search; None: as the task says."""

    trials: int | None = None
    seconds: float | None = None
    seed: int = 0


@dataclass(frozen=True, kw_only=True)
class Built:
    """A finished candidate.

    Attributes:
        scorer: read back from `folder`: what was evaluated is what will be served.
        metrics: on the out-of-time test.
        baselines: baseline → metrics on the same rows.
        probabilities: of the test rows, shape (rows, classes).
        importance: feature → total gain, largest first.
    """

    prepared: Prepared
    found: Found
    final: Final
    balanced: Balanced
    calibrated: Calibrated
    scorer: Scorer
    folder: Path
    metrics: Mapping[str, float]
    baselines: Mapping[str, Mapping[str, float]]
    probabilities: Matrix
    importance: Mapping[str, float]
    seconds: float


def build(
    task: Task, data: TrainingSet, budget: Budget, folder: Path, studies: Path,
    progress: Progress = silent,
) -> Built:  # fmt: skip
    """Train on a given frame and write the version's files into `folder`.

    Raises:
        DataError: the rows cannot carry the task; the error says why.
        UsageError: the task optimises a metric that its kind does not have.
    """
    check_metric(task)
    # one thread for the numeric libraries too: a sum over threads depends on how many there are,
    # and on busy cores more of them are slower
    with threadpool_limits(limits=1):
        return build_alone(task, data, budget, folder, studies, progress)


def build_alone(
    task: Task, data: TrainingSet, budget: Budget, folder: Path, studies: Path,
    progress: Progress,
) -> Built:  # fmt: skip
    began = time.monotonic()
    prepared = prepare_parts(task, data)
    found, final = look(task, prepared, budget, studies, progress)
    fitted, balanced = refit(prepared, final.best, budget.seed)
    raw = fitted.predict(prepared.calibrate.matrix)
    customers = data.frame["customer_id"].iloc[prepared.calibrate.positions]
    calibrated = choose(raw, prepared.calibrate.labels, customers, budget.seed)
    fitted.save(folder)
    facts = facts_of(task, prepared, final.best, calibrated, raw) | {"seed": budget.seed}
    (folder / FACTS).write_text(json.dumps(facts, indent=1), encoding="utf-8")
    scorer = Scorer.from_folder(folder)
    probabilities = scorer.score(data.frame.iloc[prepared.test.positions])
    built = Built(
        prepared=prepared,
        found=found,
        final=final,
        balanced=balanced,
        calibrated=calibrated,
        scorer=scorer,
        folder=folder,
        metrics=measure(task.kind, prepared.test.labels, probabilities),
        baselines=judge_baselines(task, prepared, budget.seed),
        probabilities=probabilities,
        importance=ranked(prepared.encoder.names, fitted),
        seconds=time.monotonic() - began,
    )
    write_files(built, budget.seed)
    return built


def check_metric(task: Task) -> None:
    """Refuse a metric that cannot be measured for this kind of task."""
    if task.metric not in METRICS[task.kind]:
        raise UsageError(
            f"The task {task.name!r} optimises {task.metric!r}, which a {task.kind} task "
            "does not have.",
            found=f"It has {', '.join(METRICS[task.kind])}.",
            do=f"Choose one of them as `metric` in tasks/{task.name}.py.",
        )


def look(
    task: Task, prepared: Prepared, budget: Budget, studies: Path, progress: Progress
) -> tuple[Found, Final]:
    """Search on the training rows; when they are many, on a sample, with a final on all."""
    chosen = sample_customers(prepared, budget.seed)
    rows = prepared.data.frame.iloc[prepared.train.positions[chosen]]
    problem = Problem(
        encoder=prepared.encoder,
        matrix=prepared.train.matrix[chosen],
        labels=prepared.train.labels[chosen],
        folds=folds(rows, task.search.folds),
        settings=settings_for(prepared, len(chosen), budget.seed),
    )
    sampled = len(chosen) < len(prepared.train.labels)
    space = allowed(task.search, prepared.encoder)
    name = f"{task.name}-{prepared.data.fingerprint}-{budget.seed}-{stamp(task, space, code())}"
    plan = Plan(
        name=name,
        journal=studies / f"{name}.log",
        kind=task.kind,
        metric=task.metric,
        search=space,
        seed=budget.seed,
        trials=budget.trials or task.search.trials,
        seconds=task.search.seconds if budget.seconds is None else budget.seconds,
    )
    found = search(problem, plan, progress)
    if not sampled:
        return found, Final(best=found.ranked[0])
    return found, settle(task, prepared, found, plan)


def settings_for(prepared: Prepared, rows: int, seed: int) -> Settings:
    classes = len(prepared.classes)
    return Settings(classes=classes, bins=bins_for(rows), seed=seed, rounds=most_rounds(classes))


def allowed(space: Search, encoder: Encoder) -> Search:
    """SMOTENC only where there are categories: without, it is SMOTE under another name."""
    if encoder.category_columns:
        return space
    return replace(space, balancing=tuple(b for b in space.balancing if b != "smotenc"))


def stamp(task: Task, space: Search, code: tuple[str, ...]) -> str:
    """Of what else must be the same for a study to be carried on: the question and the code."""
    asked = (task.kind, task.metric, space.spaces, space.balancing, space.smote, space.folds)
    return blake2b(repr((asked, code)).encode(), digest_size=4).hexdigest()


def refit(prepared: Prepared, best: Candidate, seed: int) -> tuple[Fitted, Balanced]:
    """Fit the winner on every training row, for the rounds that its folds found best."""
    train = prepared.train
    balanced = rebalance(
        train.matrix, train.labels, prepared.encoder.category_columns, best.balance, seed
    )
    settings = replace(settings_for(prepared, len(train.labels), seed), rounds=best.rounds)
    rows = Rows(matrix=balanced.matrix, labels=balanced.labels, weights=balanced.weights)
    fitting = prepare(best.algorithm, prepared.encoder, rows, None, settings)
    return fitting.fit(best.params, settings), balanced


def facts_of(
    task: Task, prepared: Prepared, best: Candidate, calibrated: Calibrated, raw: Matrix
) -> dict[str, Any]:
    """What the served model needs to know, and what others need to know about it."""
    frame, splits = prepared.data.frame, prepared.splits
    known = frame["label_end"].iloc[np.concatenate([splits.train, splits.calibrate])].max()
    threshold = 0.5
    if task.kind == "binary":
        probabilities = calibrate(calibrated.calibrator, raw)
        threshold = best_threshold(prepared.calibrate.labels, probabilities)
    return {
        "task": task.name,
        "kind": task.kind,
        "question": task.question,
        "horizon_days": task.horizon_days,
        "moments": list(task.moments),
        "algorithm": best.algorithm,
        "rounds": best.rounds,
        "params": dict(best.params),
        "balancing": asdict(best.balance),
        "classes": list(prepared.classes),
        "features": [list(feature) for feature in prepared.encoder.features],
        "definitions": dict(prepared.data.definitions),
        "meanings": {name: asdict(told) for name, told in prepared.data.meanings.items()},
        "outcome": "risk" if isinstance(task.label, Inactive) else "chance",
        "categories": {name: list(v) for name, v in prepared.encoder.categories.items()},
        "calibrator": dict(calibrated.calibrator),
        "threshold": threshold,
        "threshold_rule": "highest F1 on the calibration rows",
        "as_of": prepared.data.as_of.isoformat(),
        "labels_known_until": known.isoformat(),
        "test_signed_up_from": splits.test_from.isoformat(),
        "lineage": dict(prepared.data.lineage),
    }


def judge_baselines(task: Task, prepared: Prepared, seed: int) -> dict[str, dict[str, float]]:
    """Metrics of each baseline on the test rows."""
    train, test = prepared.train, prepared.test
    answers = {
        "prior": baselines.prior(train.labels, len(prepared.classes), len(test.labels)),
        "logistic_regression": baselines.logistic_regression(
            prepared.encoder, train.matrix, train.labels, test.matrix, seed
        ),
    }
    return {name: measure(task.kind, test.labels, p) for name, p in answers.items()}


def ranked(names: tuple[str, ...], fitted: Fitted) -> dict[str, float]:
    """Feature → gain, largest first, ties by name."""
    gains = zip(names, fitted.importance(), strict=True)
    return {name: float(gain) for name, gain in sorted(gains, key=lambda p: (-p[1], p[0]))}


def write_files(built: Built, seed: int) -> None:
    """Write what the gate and monitoring read of a version."""
    frame, prepared = built.prepared.data.frame, built.prepared
    seen = np.concatenate([prepared.splits.train, prepared.splits.calibrate])
    np.save(built.folder / ROW_KEYS.name, np.unique(row_keys(frame.iloc[seen])))
    evaluation = {
        "metrics": dict(built.metrics),
        "baselines": {name: dict(values) for name, values in built.baselines.items()},
        "rows": rows_of(prepared),
        "calibration_log_loss": dict(built.calibrated.losses),
        "search_value": built.found.value,
    }
    text = json.dumps(finite(evaluation), indent=1, allow_nan=False)
    (built.folder / EVALUATION.name).write_text(text, encoding="utf-8")
    reference = reference_of(prepared, built.scorer, seed)
    reference.to_parquet(built.folder / REFERENCE.name, index=False)


def rows_of(prepared: Prepared) -> dict[str, int]:
    """Rows of each part."""
    return {
        "train": len(prepared.train.labels),
        "calibrate": len(prepared.calibrate.labels),
        "test": len(prepared.test.labels),
        "embargoed": prepared.splits.embargoed,
        "unlearned_class": prepared.unlearned,
    }


def finite(value: Any) -> Any:
    """JSON has no NaN: what could not be measured is null."""
    if isinstance(value, dict):
        return {key: finite(inner) for key, inner in value.items()}
    return None if isinstance(value, float) and not math.isfinite(value) else value
