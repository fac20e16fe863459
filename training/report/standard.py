"""The sections that every training has: how good, how it was found, what it looks at."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any

import numpy as np
from optuna.trial import FrozenTrial, TrialState

from lifecycle.metrics import HIGHER_IS_BETTER
from lifecycle.task import Task
from training.candidate import Built, rows_of
from training.report import figures
from training.report.section import Cell, Section, Table

MOST_TRIALS = 10
LEAST_SCORES = 2  # to tell a spread
TRIAL_COLUMNS = (
    "stage",
    "trial",
    "score",
    "spread over folds",
    "algorithm",
    "balancing",
    "rounds",
    "seconds",
)


def sections_of(task: Task, built: Built) -> tuple[Section, ...]:
    """Everything the page shows, in the order in which it is read."""
    return (
        test_section(task, built),
        *built.sections,
        search_section(task, built),
        features_section(built),
    )


def title_of(task: Task, built: Built) -> str:
    data = built.prepared.data
    return f"{task.name} as of {data.as_of:%Y-%m-%d}" if data.timed else task.name


def facts_of(task: Task, built: Built) -> dict[str, Cell]:
    """What a reader must know before the sections."""
    recipe, best, data = built.final.recipe, built.final.best, built.prepared.data
    rows = ", ".join(f"{name} {n:,}" for name, n in rows_of(built.prepared).items() if n)
    return {
        "Question": task.asked,
        "Model": f"{' + '.join(recipe.algorithms)}, {recipe.how}, balancing "
        f"{best.balance.method}, calibration {built.calibrated.calibrator['method']}",
        "Rows": rows,
        "Features": len(built.prepared.encoder.features),
        "Data": ", ".join(f"{k.replace('_', ' ')} {v}" for k, v in data.lineage.items()),
        "Data fingerprint": data.fingerprint,
        "Seed": int(built.scorer.facts["seed"]),
        "Took": f"{built.seconds:.0f} s",
    }


def warnings_of(task: Task, built: Built) -> tuple[str, ...]:
    """Everything that a person must look at, without drawing anything."""
    measured = (text for one in built.sections for text in one.warnings)
    return (*beaten(task, built), *measured, *failures(built.found.trials))


def where(built: Built) -> str:
    """What the judging rows are to the training rows."""
    return "the out-of-time test" if built.prepared.data.timed else "the held-out test"


def test_section(task: Task, built: Built) -> Section:
    """The model beside its baselines on the same rows, and the curves."""
    prepared = built.prepared
    if not len(prepared.test.labels):
        return Section(
            name="test", title="Quality",
            words="Nothing was held out, so nothing is measured on rows that the model never saw. "
            "The scores under Search are out of fold.",
        )  # fmt: skip
    names = tuple(built.baselines)
    rows: list[tuple[Cell, ...]] = [
        (
            name, "higher" if HIGHER_IS_BETTER[name] else "lower", value,
            *(built.baselines[other].get(name) for other in names),
        )
        for name, value in built.metrics.items()
    ]  # fmt: skip
    drawn = figures.evaluation_figures(
        prepared.classes, prepared.test.labels, built.probabilities, where(built)
    )
    return Section(
        name="test",
        title="Quality",
        words=test_words(task, built),
        tables={
            "metrics": Table(
                columns=(
                    "metric",
                    "better is",
                    "this model",
                    *(n.replace("_", " ") for n in names),
                ),
                rows=rows,
            )
        },
        figures=tuple(drawn),
        warnings=beaten(task, built),
    )


def beaten(task: Task, built: Built) -> tuple[str, ...]:
    """The baselines that have the better number; whether by chance is not judged here."""
    if not len(built.prepared.test.labels):
        return ()
    sign = 1.0 if HIGHER_IS_BETTER[task.metric] else -1.0
    own = built.metrics[task.metric]
    return tuple(
        f"{name.replace('_', ' ').capitalize()} is better on the test rows: {task.metric} "
        f"{scores[task.metric]:.4f}, this model {own:.4f}."
        for name, scores in built.baselines.items()
        if sign * scores.get(task.metric, np.nan) > sign * own
    )


def test_words(task: Task, built: Built) -> str:
    """The task's metric beside that of the baselines."""
    data = built.prepared.data
    whose = data.frame["customer_id"].iloc[built.prepared.test.positions].nunique()
    later = "later " if built.prepared.data.timed else ""
    others = [
        f"{scores[task.metric]:.4f} of {name.replace('_', ' ')}"
        for name, scores in built.baselines.items()
        if np.isfinite(scores.get(task.metric, np.nan))
    ]
    beside = f", beside {', '.join(others)}" if others else ""
    return (
        f"Measured on {len(built.prepared.test.labels):,} {later}rows of {whose:,} customers whom "
        f"the model never saw: {task.metric} {built.metrics[task.metric]:.4f}{beside}."
    )


def search_section(task: Task, built: Built) -> Section:
    """How many trials, and the best of them."""
    found, higher = built.found, HIGHER_IS_BETTER[task.metric]
    drawn = [t for t in found.trials if stage_of(t) == 0]
    values = [score_of(t) for t in drawn]
    states = ", ".join(f"{n} {state}" for state, n in found.counts.items())
    pace = f", {len(found.trials) / found.seconds:.1f} a second" if found.seconds else ""
    sign = -1.0 if higher else 1.0
    complete = [t for t in found.trials if t.state == TrialState.COMPLETE and t.value is not None]
    best = sorted(complete, key=lambda t: (-stage_of(t), sign * float(t.value or 0), t.number))
    return Section(
        name="search",
        title="Search",
        words=f"{len(found.trials)} trials in {found.seconds:.0f} s{pace} ({states}). "
        f"Best {task.metric} out of fold: {found.value:.4f}.",
        tables={
            "best trials": Table(
                columns=TRIAL_COLUMNS, rows=[trial_row(t) for t in best[:MOST_TRIALS]]
            )
        },
        figures=(
            ("optimisation_history", figures.history_figure(values, task.metric, higher=higher)),
        ),
        warnings=failures(found.trials),
    )


def score_of(trial: FrozenTrial) -> float | None:
    """Over all folds; a pruned trial's value is of the first ones, which may be easy."""
    return trial.value if trial.state == TrialState.COMPLETE else None


def stage_of(trial: FrozenTrial) -> int:
    """How far it came: the first stage is the smallest sample."""
    return int(trial.user_attrs.get("stage", 0))


def trial_row(trial: FrozenTrial) -> tuple[Cell, ...]:
    """One trial in a line of `TRIAL_COLUMNS`."""
    scores: Sequence[float] = trial.user_attrs.get("scores", [])
    rounds: Sequence[int] = trial.user_attrs.get("rounds", [])
    took = trial.duration
    return (
        stage_of(trial),
        trial.user_attrs.get("slot", trial.number),
        trial.value,
        float(np.std(scores)) if len(scores) >= LEAST_SCORES else None,
        trial.params.get("algorithm", ""),
        balancing_of(trial.params),
        round(float(np.median(rounds))) if rounds else None,
        took.total_seconds() if took else None,
    )


def balancing_of(params: dict[str, Any]) -> str:
    """The method, with its ratio and neighbours where it has them."""
    given = [f"{params[name]:.2g}" for name in ("smote.ratio",) if name in params]
    given += [f"k {params[name]}" for name in ("smote.k_neighbors",) if name in params]
    method = str(params.get("balancing", ""))
    return f"{method} ({', '.join(given)})" if given else method


def failures(trials: Sequence[FrozenTrial]) -> tuple[str, ...]:
    """Trials that failed, counted by their error."""
    errors = Counter(str(t.user_attrs["error"]) for t in trials if "error" in t.user_attrs)
    return tuple(f"{n} trials failed: {error[:300]}" for error, n in errors.most_common(3))


def features_section(built: Built) -> Section:
    """What the boosters gained from."""
    total = sum(built.importance.values()) or 1.0
    unused = [name for name, gain in built.importance.items() if not gain]
    idle = f" {len(unused)} are never looked at." if unused else ""
    rows: list[tuple[Cell, ...]] = [
        (name, kind_of(built, name), gain / total) for name, gain in built.importance.items()
    ]
    return Section(
        name="features",
        title="Features",
        words=f"The share of its total gain that the model owes to each of "
        f"{len(built.importance)} features. Gain favours features of many values: it says what "
        f"was used, not what matters.{idle}",
        tables={"gain": Table(columns=("feature", "type", "share of gain"), rows=rows)},
        figures=(("gain", figures.importance_figure(built.importance)),),
    )


def kind_of(built: Built, name: str) -> str:
    return dict(built.prepared.encoder.features).get(name, "")
