"""One Optuna study over both boosters and every balancing choice.

The journal in the home makes it resumable: a killed search goes on where it stopped and, as
each trial's sampler is seeded by how many trials came before it, ends where it would have
ended. A trial that was running when the process died is given up and drawn again.

Every trial is scored on its validation rows after a two-parameter scaling fitted there, for all
trials alike, because the winner is calibrated too and balancing shifts raw probabilities.
"""

from __future__ import annotations

import time
import warnings
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from importlib import metadata
from pathlib import Path
from typing import Any, cast

import lightgbm as lgb
import numpy as np
import optuna
import xgboost as xgb
from optuna.exceptions import ExperimentalWarning
from optuna.samplers import TPESampler
from optuna.storages.journal import JournalFileBackend, JournalStorage
from optuna.study import Study
from optuna.trial import BaseTrial, FixedTrial, FrozenTrial, TrialState

from lifecycle.errors import DataError
from lifecycle.lock import held
from lifecycle.metrics import HIGHER_IS_BETTER, metric
from lifecycle.progress import Progress, silent
from lifecycle.space import Algorithm, Balancing, Float, Int, Range, Search
from lifecycle.task import Kind, Metric
from training.balancing.balance import Balance
from training.boosters import patience_for
from training.calibration import fit_scaling
from training.folds import FoldCache, Problem
from training.model import calibrate
from training.search.warm import warm_starts

SEARCH_VERSION = 1  # raised whenever a trial of the same number would come out otherwise
LIBRARIES = ("xgboost", "lightgbm", "optuna", "imbalanced-learn", "scikit-learn", "numpy")
FINALISTS = 3
KEPT_PERCENT = 40.0  # of the trials so far, those that go on to the next fold
RATIO_STEP = 0.1  # resampled folds are cached by ratio: near ratios share one


@dataclass(frozen=True, kw_only=True)
class Plan:
    """What to search, for how long, and where the journal is.

    Attributes:
        name: of the study; it holds whatever must be the same for a search to be resumed.
        trials: finished trials to reach, those of earlier processes among them.
        seconds: of this process; None: no limit.
    """

    name: str
    journal: Path
    kind: Kind
    metric: Metric
    search: Search
    seed: int
    trials: int
    seconds: float | None = None


@dataclass(frozen=True, kw_only=True)
class Candidate:
    """What the search chose."""

    algorithm: Algorithm
    params: Mapping[str, float | int | str | None]
    balance: Balance
    rounds: int


@dataclass(frozen=True, kw_only=True)
class Found:
    """The outcome of a search.

    Attributes:
        ranked: the best trials' candidates, best first.
        value: the best trial's mean over folds of the task's metric.
        trials: the finished trials that were chosen from, oldest first.
    """

    ranked: tuple[Candidate, ...]
    value: float
    trials: tuple[FrozenTrial, ...]
    seconds: float = 0.0
    counts: Mapping[str, int] = field(default_factory=dict)


def search(problem: Problem, plan: Plan, progress: Progress = silent) -> Found:
    """Run, or carry on, the study.

    Raises:
        DataError: no trial could be completed.
        Busy: another process runs this very study.
    """
    with held(plan.journal.with_name(f"{plan.journal.name}.held"), "This very search"):
        return carry_on(problem, plan, progress)


def carry_on(problem: Problem, plan: Plan, progress: Progress) -> Found:
    """The search, when nobody else runs the study: a running trial's process is then dead."""
    began = time.monotonic()
    study = open_study(plan)
    give_up_running(study)
    cache = FoldCache(problem)
    done = len(finished(study))
    with progress(f"search {plan.name.split('-')[0]}", plan.trials) as advance:
        advance(min(done, plan.trials))
        while done < plan.trials and not out_of_time(began, plan, done):
            run_trial(study, plan, cache, done)
            done = len(finished(study))
            advance(1)
    return conclude(study, plan, time.monotonic() - began)


def code() -> tuple[str, ...]:
    """What decides how a trial of a given number comes out, beside the question and the data."""
    return (f"search {SEARCH_VERSION}", *(f"{name} {metadata.version(name)}" for name in LIBRARIES))


def out_of_time(began: float, plan: Plan, done: int) -> bool:
    """Never before there is one trial to choose."""
    return plan.seconds is not None and done > 0 and time.monotonic() - began >= plan.seconds


def open_study(plan: Plan) -> Study:
    """The journal's study, made when new."""
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    plan.journal.parent.mkdir(parents=True, exist_ok=True)
    return optuna.create_study(
        storage=JournalStorage(JournalFileBackend(str(plan.journal))),
        study_name=plan.name,
        direction="maximize" if HIGHER_IS_BETTER[plan.metric] else "minimize",
        pruner=optuna.pruners.PercentilePruner(KEPT_PERCENT, n_startup_trials=4),
        load_if_exists=True,
    )


def give_up_running(study: Study) -> None:
    """Close trials whose process died."""
    for trial in study.get_trials(deepcopy=False, states=(TrialState.RUNNING,)):
        study.tell(trial.number, state=TrialState.FAIL)


def finished(study: Study) -> list[FrozenTrial]:
    """Trials with an outcome; those given up have none."""
    return [
        trial
        for trial in study.get_trials(deepcopy=False)
        if trial.state in {TrialState.COMPLETE, TrialState.PRUNED}
        or (trial.state == TrialState.FAIL and "error" in trial.user_attrs)
    ]


def run_trial(study: Study, plan: Plan, cache: FoldCache, done: int) -> None:
    """Ask, evaluate and tell the trial that follows `done` finished ones."""
    study.sampler = sampler(plan.seed, done)
    warm = warm_starts(plan.search)
    waiting = study.get_trials(deepcopy=False, states=(TrialState.WAITING,))
    if done < len(warm) and not waiting:
        study.enqueue_trial(warm[done])
    trial = study.ask()
    try:
        value = evaluate(trial, plan, cache)
    except (xgb.core.XGBoostError, lgb.basic.LightGBMError) as error:
        fail(study, trial, str(error))
        return
    if value is not None and not np.isfinite(value):
        fail(study, trial, f"{plan.metric} came out as {value}")
    else:
        state = TrialState.PRUNED if value is None else TrialState.COMPLETE
        study.tell(trial, value, state=state)


def fail(study: Study, trial: optuna.Trial, error: str) -> None:
    """Record why; the search goes on."""
    trial.set_user_attr("error", error[:500])
    study.tell(trial, state=TrialState.FAIL)


def sampler(seed: int, done: int) -> TPESampler:
    """A sampler that depends on nothing but the seed and the trials so far."""
    own = int(np.random.SeedSequence([seed, done]).generate_state(1)[0])
    with warnings.catch_warnings():
        # grouped TPE learns each booster's parameters jointly; Optuna calls it experimental
        warnings.simplefilter("ignore", ExperimentalWarning)
        return TPESampler(seed=own, multivariate=True, group=True)


def suggest(trial: BaseTrial, name: str, span: Range) -> Any:
    """Ask Optuna for one value of a range."""
    if isinstance(span, Int):
        return trial.suggest_int(name, span.low, span.high, log=span.log)
    if isinstance(span, Float):
        return trial.suggest_float(name, span.low, span.high, log=span.log)
    return trial.suggest_categorical(name, span.options)


def draw(trial: BaseTrial, search: Search) -> Candidate:
    """Draw one candidate; its rounds are found by early stopping."""
    algorithm = cast("Algorithm", trial.suggest_categorical("algorithm", sorted(search.spaces)))
    method = cast("Balancing", trial.suggest_categorical("balancing", search.balancing))
    balance = Balance(method=method)
    if method in {"smote", "smotenc"}:
        ratio = suggest(trial, "smote.ratio", search.smote["ratio"])
        k = suggest(trial, "smote.k_neighbors", search.smote["k_neighbors"])
        stepped = round(round(ratio / RATIO_STEP) * RATIO_STEP, 6)
        balance = Balance(method=method, k_neighbors=k, ratio=stepped)
    space = search.spaces[algorithm]
    params = {name: suggest(trial, f"{algorithm}.{name}", span) for name, span in space.items()}
    return Candidate(algorithm=algorithm, params=params, balance=balance, rounds=0)


def evaluate(trial: optuna.Trial, plan: Plan, cache: FoldCache) -> float | None:
    """Mean of the metric over the folds; None when pruned on the way."""
    candidate = draw(trial, plan.search)
    scores: list[float] = []
    rounds: list[int] = []
    for fold in range(len(cache.problem.folds)):
        score, used = evaluate_fold(candidate, plan, cache, fold)
        scores.append(score)
        rounds.append(used)
        trial.set_user_attr("scores", scores)
        trial.set_user_attr("rounds", rounds)
        trial.report(float(np.mean(scores)), fold)
        if fold + 1 < len(cache.problem.folds) and trial.should_prune():
            return None
    return float(np.mean(scores))


def evaluate_fold(
    candidate: Candidate, plan: Plan, cache: FoldCache, fold: int
) -> tuple[float, int]:
    """Fit on one fold; the metric on its validation rows, and the rounds that were best."""
    problem = cache.problem
    learning_rate = float(candidate.params.get("learning_rate") or 0.1)
    settings = replace(problem.settings, patience=patience_for(learning_rate))
    prepared = cache.prepared(fold, candidate.balance, candidate.algorithm)
    fitted = prepared.fit(candidate.params, settings)
    validate = problem.folds[fold][1]
    raw, labels = fitted.predict(problem.matrix[validate]), problem.labels[validate]
    scaled = calibrate(fit_scaling(raw, labels), raw)
    return metric(plan.kind, plan.metric, labels, scaled), fitted.rounds


def conclude(study: Study, plan: Plan, seconds: float) -> Found:
    """The best of the first `plan.trials` trials; the earliest first among equals.

    Those after them, of a longer search of earlier, must not decide: the same plan is the same
    choice, whatever the journal holds beyond it.
    """
    trials = tuple(finished(study)[: plan.trials])
    complete = [
        t for t in trials if t.state == TrialState.COMPLETE and np.isfinite(t.value or np.nan)
    ]
    if not complete:
        errors = {str(t.user_attrs.get("error", "")) for t in trials} - {""}
        raise DataError(
            f"No trial of the search {plan.name} gave a number.",
            found=f"{len(trials)} trials; {'; '.join(sorted(errors)) or 'every score was NaN'}.",
            do="Check the task's metric and search spaces.",
        )
    sign = -1.0 if HIGHER_IS_BETTER[plan.metric] else 1.0
    best = sorted(complete, key=lambda t: (sign * float(t.value or 0.0), t.number))
    states = [t.state.name.lower() for t in trials]
    return Found(
        ranked=tuple(candidate_of(trial, plan.search) for trial in best[:FINALISTS]),
        value=float(best[0].value or 0.0),
        trials=trials,
        seconds=seconds,
        counts={state: states.count(state) for state in sorted(set(states))},
    )


def candidate_of(trial: FrozenTrial, space: Search) -> Candidate:
    """What a trial drew, with the rounds that its folds found best."""
    rounds = max(1, round(float(np.median(trial.user_attrs["rounds"]))))
    return replace(draw(FixedTrial(trial.params), space), rounds=rounds)
