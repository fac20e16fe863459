"""From a training set to a version's files: search, choose, make, judge on the test.

Nothing here knows Feast or MLflow: a frame goes in and a folder with a scorer comes out.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping
from dataclasses import astuple, dataclass
from hashlib import blake2b
from pathlib import Path

import numpy as np
from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]  # ships no types

from lifecycle import profile
from lifecycle.errors import UsageError
from lifecycle.metrics import METRICS, measure
from lifecycle.progress import Progress, silent
from lifecycle.row_keys import row_keys
from lifecycle.space import Search
from lifecycle.strict_json import plain
from lifecycle.task import Task
from lifecycle.version_files import EVALUATION, PROFILE, REFERENCE, ROW_KEYS
from training import baselines
from training.balancing.balance import Balanced
from training.calibration import Calibrated
from training.ensemble.choose import Final, choose_final
from training.ensemble.fits import Ground
from training.ensemble.pace import pace_of
from training.ensemble.recipe import Recipe
from training.finish import Finished, finish
from training.model import Matrix, Scorer
from training.parts import Prepared, prepare_parts
from training.reference import profiled, reference_of
from training.report.section import Section
from training.search.crew import called
from training.search.kept import forget
from training.search.plan import Candidate, Found, Plan, code
from training.search.search import search
from training.sections import Trained, sections_of
from training.splits import HELD_BACK, Shares
from training.stages import allowed, stages_of
from training.trainingset import TrainingSet

# Rows → share of a budget in seconds that is for the search. The rest is for refits, which take
# the longer the more rows there are, and which nothing replaces where the newest rows matter.
SEARCH_SHARES = ((15_000, 0.8), (30_000, 0.65))
SEARCH_SHARE = 0.6


@dataclass(frozen=True, kw_only=True)
class Budget:
    """How hard to train; None: as the task says.

    Attributes:
        trials: of the search, on its first stage.
        seconds: for the whole training, the report apart.
        workers: processes of the search, and fits at the same time after it.
        storage: of the search's study, where machines share it; None: a journal in the home.
        report: whether to measure what only people read (balancing, canaries, explanation).
    """

    trials: int | None = None
    seconds: float | None = None
    seed: int = 0
    workers: int = 1
    storage: str | None = None
    report: bool = True


@dataclass(frozen=True, kw_only=True)
class Built:
    """A finished candidate.

    Attributes:
        scorer: read back from `folder`: what was evaluated is what will be served.
        balanced: all training rows as the heaviest member was fitted on them.
        metrics: on the test; NaN where nothing was held out.
        out_of_fold: the same metrics of the search's folds, cross-fitted.
        baselines: baseline → metrics on the test rows.
        probabilities: of the test rows, shape (rows, classes).
        importance: feature → share of the gain, largest first.
        sections: what only people read.
    """

    prepared: Prepared
    found: Found
    final: Final
    balanced: Balanced
    calibrated: Calibrated
    scorer: Scorer
    folder: Path
    metrics: Mapping[str, float]
    out_of_fold: Mapping[str, float]
    baselines: Mapping[str, Mapping[str, float]]
    probabilities: Matrix
    importance: Mapping[str, float]
    sections: tuple[Section, ...] = ()
    seconds: float


def build(  # noqa: PLR0913  # one thing each, by name where it is optional
    task: Task, data: TrainingSet, budget: Budget, folder: Path, studies: Path,
    progress: Progress = silent, *, shares: Shares = HELD_BACK,
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
        began = time.monotonic()
        with called(budget.workers, trials_of(task, budget)) as crew:  # they load meanwhile
            prepared = prepare_parts(task, data, shares, budget.seed)
            stages = stages_of(task, prepared, budget.seed)
            plan = plan_of(task, prepared, budget, studies, began)
            found = search(stages, plan, progress, crew)
        ground = Ground(problem=stages[-1], kept=kept_in(found), workers=budget.workers)
        limit = seconds_of(task, budget)
        deadline = None if limit is None else began + limit
        pace = pace_of(found, ground, deadline, budget.seed)
        final = choose_final(task, ground, prepared.entities, found, pace)
        done = finish(
            task, prepared, ground, final.recipe, folder, budget.seed, margins=final.margins
        )
        built = judged(task, prepared, (found, final, done, ground), folder, budget, began)
        write_files(built, budget.seed)
        forget(found)
    return built


def rebuild(task: Task, prepared: Prepared, recipe: Recipe, folder: Path, seed: int) -> Finished:
    """Make a recipe's model again, without a search, into an empty folder."""
    with threadpool_limits(limits=1):
        ground = Ground(problem=stages_of(task, prepared, seed)[-1])
        return finish(task, prepared, ground, recipe, folder, seed)


def judged(
    task: Task, prepared: Prepared, made: tuple[Found, Final, Finished, Ground], folder: Path,
    budget: Budget, began: float,
) -> Built:  # fmt: skip
    """Measure what was made, on the test and for people."""
    found, final, done, ground = made
    probabilities = done.scorer.score_matrix(prepared.test.matrix)
    rivals = rivals_of(task, prepared, budget.seed)
    seconds = time.monotonic() - began
    trained = Trained(
        task=task, prepared=prepared, ground=ground, final=final, scorer=done.scorer,
        probabilities=probabilities, rivals=rivals, seed=budget.seed,
    )  # fmt: skip
    return Built(
        prepared=prepared,
        found=found,
        final=final,
        balanced=ground.balanced(final.best.balance),
        calibrated=done.calibrated,
        scorer=done.scorer,
        folder=folder,
        metrics=measure(task.kind, prepared.test.labels, probabilities),
        out_of_fold=final.metrics,
        baselines={name: measure(task.kind, prepared.test.labels, p) for name, p in rivals.items()},
        probabilities=probabilities,
        importance=done.importance,
        sections=sections_of(trained) if budget.report else (),
        seconds=seconds,
    )


def check_metric(task: Task) -> None:
    """Refuse a metric that cannot be measured for this kind of task."""
    if task.metric not in METRICS[task.kind]:
        raise UsageError(
            f"The task {task.name!r} optimises {task.metric!r}, which a {task.kind} task "
            "does not have.",
            found=f"It has {', '.join(METRICS[task.kind])}.",
            do=f"Choose one of them as `metric` in tasks/{task.name}.py.",
        )


def seconds_of(task: Task, budget: Budget) -> float | None:
    return task.search.seconds if budget.seconds is None else budget.seconds


def trials_of(task: Task, budget: Budget) -> int | None:
    """How many to finish; None where seconds alone decide."""
    return budget.trials or (task.search.trials if seconds_of(task, budget) is None else None)


def plan_of(task: Task, prepared: Prepared, budget: Budget, studies: Path, began: float) -> Plan:
    """What to search; its name holds whatever must be the same for a study to be carried on."""
    space = allowed(task.search, prepared.encoder, len(prepared.train.labels))
    # rows cut in another way are another problem; the usual way keeps its name
    cut = () if prepared.shares == HELD_BACK else astuple(prepared.shares)
    told = stamp(task, space, code(), cut)
    name = f"{task.name}-{prepared.data.fingerprint}-{budget.seed}-{told}"
    limit = seconds_of(task, budget)
    spent = time.monotonic() - began
    return Plan(
        name=name,
        folder=studies,
        kind=task.kind,
        metric=task.metric,
        search=space,
        seed=budget.seed,
        trials=trials_of(task, budget),
        seconds=None if limit is None else max(0.0, limit * search_share(prepared) - spent),
        storage=budget.storage,
        workers=budget.workers,
    )


def search_share(prepared: Prepared) -> float:
    rows = len(prepared.train.labels)
    return next((share for most, share in SEARCH_SHARES if rows <= most), SEARCH_SHARE)


def stamp(task: Task, space: Search, code: tuple[str, ...], cut: tuple[object, ...] = ()) -> str:
    """Of what else must be the same for a study to be carried on: the question and the code."""
    asked = (task.kind, task.metric, space.spaces, space.balancing, space.smote, space.folds)
    told = (asked, code, cut) if cut else (asked, code)
    return blake2b(repr(told).encode(), digest_size=4).hexdigest()


def kept_in(found: Found) -> Callable[[Candidate], Path | None]:
    """Where the search left a candidate's fold boosters."""
    places = {id(candidate): found.kept.get(i) for i, candidate in enumerate(found.ranked)}
    return lambda candidate: places.get(id(candidate))


def rivals_of(task: Task, prepared: Prepared, seed: int) -> dict[str, Matrix]:
    """Each baseline's probabilities of the test rows."""
    train, test = prepared.train, prepared.test
    if not len(test.labels):
        return {}
    known = (train.matrix, train.labels)
    return baselines.answers(task.kind, prepared.encoder, known, test.matrix, seed)


def write_files(built: Built, seed: int) -> None:
    """Write what the gate and monitoring read of a version."""
    frame, prepared = built.prepared.data.frame, built.prepared
    seen = np.concatenate([prepared.splits.train, prepared.splits.calibrate])
    np.save(built.folder / ROW_KEYS.name, np.unique(row_keys(frame.iloc[seen])))
    evaluation = {
        "metrics": dict(built.metrics),
        "out_of_fold": dict(built.out_of_fold),
        "baselines": {name: dict(values) for name, values in built.baselines.items()},
        "rows": rows_of(prepared),
        "calibration_log_loss": dict(built.calibrated.losses),
        "search_value": built.found.value,
    }
    text = json.dumps(plain(evaluation), indent=1, allow_nan=False)
    (built.folder / EVALUATION.name).write_text(text, encoding="utf-8")
    reference = reference_of(prepared, built.scorer, seed)
    reference.to_parquet(built.folder / REFERENCE.name, index=False)
    counted = profiled(prepared, reference, built.importance, seed)
    profile.write(built.folder / PROFILE.name, counted)


def rows_of(prepared: Prepared) -> dict[str, int]:
    """Rows of each part."""
    return {
        "train": len(prepared.train.labels),
        "calibrate": len(prepared.calibrate.labels),
        "test": len(prepared.test.labels),
        "embargoed": prepared.splits.embargoed,
        "unlearned_class": prepared.unlearned,
        "outdated": prepared.splits.outdated,
    }
